package rule_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gigawatch/gigawatch/alerts/rule"
)

// Who is told of an XID: NVIDIA's catalogue of rule.XIDDate, and how DCGM 4.6.0 ranks
// it. What the driver itself asks for goes before.
var toldOf = map[string][]int{
	"critical": {46, 48, 54, 62, 64, 74, 79, 95, 109, 110, 119, 120, 136, 140, 143, 149, 151, 155, 157, 158, 167}, // 149: a link is down
	// Of 144 to 150 the recovery action, XID 154, says where it is worse.
	"warning": {63, 92, 94, 121, 144, 145, 146, 147, 148, 150, 154, 156, 163, 164, 165},
	// An application's, a job's end, what works again, a detail to XID 48.
	"": {13, 31, 43, 45, 93, 137, 162, 171, 172},
}

func TestWhoIsToldOfAnXID(t *testing.T) {
	text, err := os.ReadFile(root + "aggregator/internal/health/xid.yaml")
	if err != nil {
		t.Fatal(err)
	}
	type judged struct{ state, action string }
	health := map[string]judged{}
	for _, m := range regexp.MustCompile(`\{xid: (\d+), state: (\w+), action: (\w+),`).FindAllStringSubmatch(string(text), -1) {
		health[m[1]] = judged{m[2], m[3]}
	}
	want := map[int][]string{}
	for severity, xids := range toldOf {
		for _, xid := range xids {
			if want[xid] = nil; severity != "" {
				want[xid] = []string{severity}
			}
		}
	}
	for xid, want := range want {
		code := fmt.Sprint(xid)
		j, known := health[code]
		if !known {
			t.Errorf("the health judgement does not know XID %d", xid)
		}
		var streaming, asking []string
		for _, r := range rule.Table() {
			if r.Judged != nil && hasCause(r.Judged, "xid_"+code) && allows(r.Judged.States, j.state) && allows(r.Judged.Actions, j.action) {
				streaming = append(streaming, r.Severity.String())
			}
			for _, m := range regexp.MustCompile(`gpu_xid_events_total\{xid=~"([\d|]+)"\}`).FindAllStringSubmatch(r.Prom, -1) {
				if slices.Contains(strings.Split(m[1], "|"), code) {
					asking = append(asking, r.Severity.String())
				}
			}
		}
		if !slices.Equal(streaming, want) || !slices.Equal(asking, want) {
			t.Errorf("of XID %d: want %q, the aggregator tells %q, PromQL %q", xid, want, streaming, asking)
		}
	}
}

func hasCause(j *rule.Judged, cause string) bool {
	is := func(p string) bool {
		start, any := strings.CutSuffix(p, "*")
		return p == cause || any && strings.HasPrefix(cause, start)
	}
	return slices.ContainsFunc(j.Causes, is) && !slices.ContainsFunc(j.But, is)
}

func allows(list []string, s string) bool { return len(list) == 0 || slices.Contains(list, s) }
