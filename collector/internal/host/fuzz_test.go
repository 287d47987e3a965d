package host

import (
	"io"
	"testing"

	"github.com/gigawatch/gigawatch/collector/internal/tree"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// FuzzFiles reads any bytes as each of the files that are parsed here.
func FuzzFiles(f *testing.F) {
	for _, s := range []string{"42\n", "-5", "9223372036854775807", "400 Gb/sec (4X NDR)\n", "NaN Gb/sec", "1e300 Gb/sec",
		"  100 0 10 5 200 0 20 7 0 3 4", "1 2 18446744073709551615 4 5 6 7", "", "\n", "N/A"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		x := tree.Tree{Root: "/", ReadFile: func(path string, to []byte) (int, error) {
			if len(b) == 0 || path == "/state" {
				return 0, io.ErrUnexpectedEOF
			}
			return copy(to, b), nil
		}}
		read, written := diskBytes(&x, "")
		for what, v := range map[string]metric.Raw{"read": read, "written": written, "rate": rate(&x, port{}), "count": count(&x, port{}, fabricFiles[0])} {
			if v < 0 && v != metric.Missing {
				t.Errorf("%s is %d", what, v)
			}
		}
		if v := celsius(&x, ""); v != metric.Missing && (v.Float() < coldest || v.Float() > hottest) {
			t.Errorf("%v degrees", v.Float())
		}
		if n := len(unescape(string(b))); n > len(b) {
			t.Errorf("unescaped %d bytes to %d", len(b), n)
		}
	})
}
