package meter

import (
	"math"
	"strings"
	"testing"
)

func TestScales(t *testing.T) {
	for _, tc := range []struct {
		q            Quantity
		factor, unit string
		shows, want  float64
	}{
		{Power, "1", "kW", 1234.5, 1234500}, {Power, "0.01", "kW", 512, 5120}, {Power, "1", "W", -3, -3}, {Power, "1", "MW", 2, 2e6},
		{Flow, "1", "m3/h", 36, 0.01}, {Flow, "1", "L/min", 600, 0.01}, {Flow, "0.1", "L/s", 5, 0.0005}, {Flow, "1", "L/h", 3600, 0.001},
		{Temperature, "0.1", "C", 215, 21.5}, {Temperature, "1", "K", 300, 26.85}, {Temperature, "1", "F", 212, 100}, {Temperature, "0.1", "F", 320, 0},
	} {
		s, err := NewScale(tc.q, tc.factor, tc.unit)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.Gauge(tc.shows); math.Abs(got-tc.want) > 1e-9*max(1, math.Abs(tc.want)) {
			t.Errorf("%g × %s %s is %.12g, want %g", tc.shows, tc.factor, tc.unit, got, tc.want)
		}
	}
	for _, tc := range []struct {
		q            Quantity
		factor, unit string
		size         Size
	}{
		{Energy, "1", "Wh", Size{wh, 1}}, {Energy, "0.1", "kWh", Size{kwh / 10, 1}}, {EnergyExport, "10", "MWh", Size{10000 * kwh, 1}},
		{Heat, "0.001", "GJ", Size{1e9, 1}}, {Water, "0.001", "m3", Size{1000, 1}}, {Water, "10", "L", Size{10000, 1}}, {Energy, "0.0000001", "J", Size{1, 10000}}, {Energy, "0.000000000000001", "GWh", Size{18, 5}},
	} {
		if s, err := NewScale(tc.q, tc.factor, tc.unit); err != nil || s.Register(7).Size != tc.size {
			t.Errorf("%s × %s of %s: %+v, %v; want %+v", tc.factor, tc.unit, tc.q, s.Register(7).Size, err, tc.size)
		}
	}
}

// The ratio of transformers may be a number without end.
func TestSizesByRatios(t *testing.T) {
	for _, ratio := range []float64{1, 80, 800, 1.5, 200. / 3, 1e6, 1e-6, math.Pi} {
		in := Installation{Ratio: ratio}
		s, err := Size{kwh / 10, 1}.by(in.exact())
		if err != nil || !s.valid() || math.Abs(s.float(1)/(kwh/10)/ratio-1) > 1e-12 {
			t.Errorf("%g: %+v, %v", ratio, s, err)
		}
		if ratio == 80 && s != (Size{8 * kwh, 1}) {
			t.Errorf("%+v", s)
		}
	}
}

func TestScalesThatAreNone(t *testing.T) {
	for _, tc := range []struct {
		q                    Quantity
		factor, unit, reason string
	}{
		{Power, "1", "kWh", "no unit of power"}, {Energy, "1", "kW", "no unit of energy"}, {Water, "1", "", "no unit of water"},
		{Power, "0", "W", "no number above zero"}, {Power, "-1", "W", "no number above zero"}, {Power, "x", "W", "no number above zero"},
		{Power, strings.Repeat("9", 40), "W", "no number above zero"}, {Power, "1e-300000", "W", "no number above zero"},
		{Energy, "1e30", "kWh", "more or less than can be counted by"}, {99, "1", "W", "no quantity"},
	} {
		if _, err := NewScale(tc.q, tc.factor, tc.unit); err == nil || !strings.Contains(err.Error(), tc.reason) && tc.factor != "1e-300000" {
			t.Errorf("%s × %q %q: %v, want %q", tc.q, tc.factor, tc.unit, err, tc.reason)
		}
	}
}

func TestRegistersWithFractions(t *testing.T) {
	s, err := NewScale(Energy, "1", "Wh")
	if err != nil {
		t.Fatal(err)
	}
	if r, err := s.registerOf(123456789.25, 0.5); err != nil || r.Steps != 123456789_250*3600 || r.Grain != wh/2 || r.Size != (Size{1, 1}) {
		t.Errorf("%+v, %v", r, err)
	}
	for _, v := range []float64{-1, math.NaN(), math.Inf(1), 1e13} {
		if r, err := s.registerOf(v, 1); err == nil {
			t.Errorf("%g is %+v", v, r)
		}
	}
}

func TestNamesOfQuantities(t *testing.T) {
	for q := Power; q < quantities; q++ {
		if got, ok := ParseQuantity(q.String()); !ok || got != q {
			t.Errorf("%s is read as %s", q, got)
		}
	}
	if _, ok := ParseQuantity("charge"); ok {
		t.Error("charge is a quantity")
	}
}
