package gaudi

import (
	"io"
	"testing"

	"github.com/gigawatch/gigawatch/collector/internal/gpu"
	"github.com/gigawatch/gigawatch/collector/internal/tree"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// FuzzFiles reads any bytes as each file of one number and as a link's speed.
func FuzzFiles(f *testing.F) {
	for _, s := range []string{"418000000\n", "-5", "9223372036854775807", "", "N/A", "16.0 GT/s PCIe\n", "Inf GT/s"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		d := Driver{tree: tree.Tree{Root: "/", ReadFile: func(_ string, to []byte) (int, error) {
			if len(b) == 0 {
				return 0, io.ErrUnexpectedEOF
			}
			return copy(to, b), nil
		}}}
		for name, x := range map[string]struct {
			of            func(int64) metric.Raw
			slot          gpu.Slot
			least, atMost float64
		}{
			"power": {microwatts, gpu.Power, 0, mostWatts}, "limit": {milliwatts, gpu.PowerLimit, 0, mostWatts},
			"temperature": {millicelsius, gpu.Temperature, coldest, hottest}, "clock": {megahertz, gpu.SMClock, 0, mostMegahertz * 1e6},
			"lanes": {lanes, gpu.PCIeWidth, 1, 32},
		} {
			raw := d.value(file{x.slot, "", x.of})
			if v := x.slot.Def().Value(raw); raw != metric.Missing && !(v >= x.least && v <= x.atMost) {
				t.Errorf("%s is %v", name, v)
			}
		}
		if g := generation(d.tree.Text("x")); g != metric.Missing && (g < 1 || g > 7) {
			t.Errorf("generation %d", g)
		}
	})
}
