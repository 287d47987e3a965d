package rule

import "strings"

// XIDs by what the health judgement's table of 2025-10-29 makes of them, without those
// that have a rule of their own, as regular expressions. An XID that the table lacks
// is degraded there and nothing here.
const (
	xidFailed   = "46|54|62|109|110|119|120|143|151|157|158|167|169"
	xidDegraded = "78|121|142|144|145|146|147|148|150|156|159|163|164|165|166|168|170"
	xidOthers   = "48|63|64|74|79|92|94|95|136|140|149|154|155"
)

// XIDDate is of the table.
const XIDDate = "2025-10-29"

// xidsOfOthers are the causes that rules besides GPUFailed and GPUDegraded have. 154
// says what the recovery action says.
func xidsOfOthers() (causes []string) {
	for x := range strings.SplitSeq(xidOthers, "|") {
		causes = append(causes, "xid_"+x)
	}
	return causes
}
