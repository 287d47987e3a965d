//go:build cgo && linux

package dcgm

import (
	"encoding/binary"
	"math"
	"testing"

	dcgmlib "github.com/NVIDIA/go-dcgm/pkg/dcgm"

	"github.com/gigawatch/gigawatch/collector/metric"
)

func TestEveryFieldFitsItsMetric(t *testing.T) {
	seen := map[uint16]bool{}
	for _, table := range [][]field{fast, slow, profiling} {
		if len(table) > perCall {
			t.Errorf("%d fields do not fit a call", len(table))
		}
		for i, f := range table {
			if seen[f.id] {
				t.Errorf("field %d is read twice", f.id)
			}
			seen[f.id] = true
			if f.add && table[i-1].slot != f.slot {
				t.Errorf("field %d adds to another's slot", f.id)
			}
			d := f.slot.Def()
			if (d.Form == metric.Int) != (f.kind.units != 0) {
				t.Errorf("field %d and metric %s: one is in floats", f.id, d.Name)
			}
			unit := map[*kind]metric.Unit{
				&watts: metric.Watts, &celsius: metric.Celsius, &percent: metric.Ratio, &ratio: metric.Ratio,
				&millijoules: metric.Joules, &nanoseconds: metric.Seconds, &megahertz: metric.Hertz, &mebibytes: metric.Bytes,
				&bytesASecond: metric.BytesPerSecond,
			}[f.kind]
			if got := d.Unit; got != unit && !(unit == metric.Count && d.Name == "gpu_pcie_link_width_lanes") {
				t.Errorf("field %d of metric %s, in %s, is in %s", f.id, d.Name, got, unit)
			}
			per := map[*kind]int64{&millijoules: 1000, &nanoseconds: 1e9}[f.kind]
			if f.kind.units != 0 && int64(d.Per) != max(per, 1) {
				t.Errorf("field %d of metric %s: %d to the unit, want %d", f.id, d.Name, max(per, 1), d.Per)
			}
		}
	}
}

func TestBusAddress(t *testing.T) {
	for s, want := range map[string]string{
		"00000000:3B:00.0": "0000:3b:00.0",
		"0000:3b:00.0":     "0000:3b:00.0",
		"00010000:01:00.7": "10000:01:00.7",
		"":                 "",
		"3B:00.0":          "",
		"00000000:3B:00":   "",
		"zz:3B:00.0":       "",
		"0000:xx:00.0":     "",
		"0000:3b:00.0\n":   "",
	} {
		if got := busAddress(s); got != want {
			t.Errorf("%q is %q, want %q", s, got, want)
		}
	}
}

func TestVersion(t *testing.T) {
	for s, want := range map[string]string{
		"version:4.6.0;arch:x86_64":   "4.6.0",
		"arch:x86_64; version:4.5.3 ": "4.5.3",
		"":                            "of unknown version",
		"version:;arch":               "of unknown version",
		"version:\x1b[2J":             "of unknown version",
	} {
		if got := version(s); got != want {
			t.Errorf("%q is %q, want %q", s, got, want)
		}
	}
}

func TestProfilingAsText(t *testing.T) {
	for _, s := range profilings {
		var p Profiling
		if err := p.UnmarshalText([]byte(s)); err != nil || p.String() != s {
			t.Errorf("%s is %v, %v", s, p, err)
		}
	}
	if new(Profiling).UnmarshalText([]byte("yes")) == nil {
		t.Error("yes is taken")
	}
}

func FuzzValue(f *testing.F) {
	for _, n := range []uint64{0, 1, blank32, blank64, blank64 + 3, math.MaxUint64, 1 << 63, math.Float64bits(blankFP), math.Float64bits(math.NaN()), math.Float64bits(700)} {
		b := binary.NativeEndian.AppendUint64(nil, n)
		f.Add(dcgmlib.DCGM_FT_INT64, 0, b)
		f.Add(dcgmlib.DCGM_FT_DOUBLE, 0, b)
		f.Add(dcgmlib.DCGM_FT_STRING, -16, b)
	}
	f.Fuzz(func(t *testing.T, typ uint, status int, b []byte) {
		v := value{typ: uint16(typ), status: int32(status), time: 1}
		copy(v.bytes[:], b)
		typ, status = uint(v.typ), int(v.status)
		for _, table := range [][]field{fast, slow, profiling} {
			for _, f := range table {
				raw := f.kind.raw(&v)
				if raw == metric.Missing {
					continue
				}
				if status != 0 || typ != dcgmlib.DCGM_FT_INT64 && typ != dcgmlib.DCGM_FT_DOUBLE {
					t.Fatalf("field %d of type %d with status %d is %d", f.id, typ, status, raw)
				}
				scale := f.kind.times
				x := raw.Float()
				if f.kind.units != 0 {
					x, scale = float64(raw), float64(f.kind.units)
				}
				if !(x >= f.kind.low*scale && x <= f.kind.high*scale) {
					t.Fatalf("field %d is %v, outside of %v to %v", f.id, x, f.kind.low*scale, f.kind.high*scale)
				}
			}
		}
		s := string(b)
		if c := clean(s); len(c) > 128 {
			t.Fatalf("%q is %q", s, c)
		}
		if a := busAddress(s); a != "" && busAddress(a) != a {
			t.Fatalf("%q is %q", s, a)
		}
		if c := v.code(); c >= 1<<16 {
			t.Fatalf("XID %d", c)
		}
	})
}
