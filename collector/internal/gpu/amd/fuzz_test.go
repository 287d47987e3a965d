package amd

import (
	"io"
	"testing"

	"github.com/gigawatch/gigawatch/collector/internal/gpu"
	"github.com/gigawatch/gigawatch/collector/internal/tree"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// FuzzMetrics reads any bytes as gpu_metrics.
func FuzzMetrics(f *testing.F) {
	for _, s := range shapes {
		f.Add(s.table(500, 1<<40))
	}
	f.Add(attributes(attribute{3, 2, 3, 1, u16(743)}, attribute{0, 6, 7, 1, u64(joule)}, attribute{0, 1, 900, 3, []byte{1, 2, 3}}))
	f.Add([]byte{8, 0, 1, 9, 0xff, 0xff, 0xff, 0x7f})
	f.Fuzz(func(t *testing.T, b []byte) {
		s, _ := decode(b)
		if s.energy < 0 && s.energy != metric.Missing {
			t.Errorf("%d mJ", s.energy)
		}
		if s.power != metric.Missing && !(s.power.Float() >= 0 && s.power.Float() < 1<<16) {
			t.Errorf("%v W", s.power.Float())
		}
	})
}

// FuzzErrors reads any bytes as the count of a block's errors.
func FuzzErrors(f *testing.F) {
	for _, s := range []string{"ue: 0\nce: 1\n", "ue: 0\nce: 1\nde: 2\n", "Query currently inaccessible\n", "ue: 18446744073709551615\nce: 0", "", "ue:", ":\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if ce, ue, ok := parseErrors(b); ok && (ce > mostErrors || ue > mostErrors) {
			t.Errorf("%d and %d errors", ce, ue)
		}
	})
}

// FuzzPages reads any bytes as the list of bad pages.
func FuzzPages(f *testing.F) {
	for _, s := range []string{"0x00000a1c : 0x00001000 : R\n0x0004f010 : 0x00001000 : P\n", "0x1 : 0x1000 : F\x00\x00", "", "\n", "1:2:R:4", "0x1 : 0x1000 : "} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, p, err := parsePages(b); err == nil && (r < 0 || p < 0 || r+p > len(b)/4) {
			t.Errorf("%d and %d pages in %d bytes", r, p, len(b))
		}
	})
}

// FuzzFiles reads any bytes as each file of one number, as a link's speed and
// as a bus address.
func FuzzFiles(f *testing.F) {
	for _, s := range []string{"489000000\n", "-5", "9223372036854775807", "", "N/A", "32.0 GT/s PCIe\n", "NaN GT/s", "0000:c1:00.0", "cpu_cores_count 0\nlocation_id 6912\n"} {
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
			"power": {microwatts, gpu.Power, 0, mostWatts}, "temperature": {millicelsius, gpu.Temperature, coldest, hottest},
			"clock": {hertz, gpu.SMClock, 0, mostHertz}, "busy": {percent, gpu.Utilization, 0, 1},
			"lanes": {lanes, gpu.PCIeWidth, 1, 32}, "count": {count, gpu.MemoryUsed, 0, 1 << 63},
		} {
			raw := d.value(file{x.slot, "", x.of})
			if v := x.slot.Def().Value(raw); raw != metric.Missing && !(v >= x.least && v <= x.atMost) {
				t.Errorf("%s is %v", name, v)
			}
		}
		if g := generation(d.tree.Text("x")); g != metric.Missing && (g < 1 || g > 7) {
			t.Errorf("generation %d", g)
		}
		if _, address, ok := busNumber(string(b)); ok && address > 0xffff {
			t.Errorf("bus address %x", address)
		}
		d.properties("x")
	})
}
