package main

import (
	"maps"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gigawatch/gigawatch/collector/site"
)

func TestAYearGoesOnAsTheLastWeeks(t *testing.T) {
	day := float64(24 * time.Hour / time.Millisecond)
	for name, tc := range map[string]struct {
		u, lately used
		want      float64
		known     bool
	}{
		"half of it is over":                    {used{500, 182.5 * day}, used{28, 28 * day}, 500 + 182.5, true},
		"it began in the middle of the year":    {used{10, 10 * day}, used{10, 10 * day}, 365, true},
		"all of it is known":                    {used{700, 365 * day}, used{28, 28 * day}, 700, true},
		"a day is too little to see a pace":     {used{1, day / 2}, used{1, day / 2}, 0, false},
		"nothing is known of what it is lately": {used{500, 182 * day}, used{}, 0, false},
	} {
		if got, known := tc.u.to(365*day, tc.lately); math.Abs(got-tc.want) > 1e-6 || known != tc.known {
			t.Errorf("%s: %g, %v, want %g, %v", name, got, known, tc.want, tc.known)
		}
	}
}

func TestTheForecastIsHeldAgainstTheLimitsOfTheFile(t *testing.T) {
	from := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	to := from.Add(26 * time.Hour)
	l := ran(t, emptyLedger(t), from, to)
	d := newToday(l, nil, quietly())
	limits := site.YearBounds{Energy: 1e9, Carbon: 1e12, Water: 1e6, PUE: 1.2} // 1 GWh, 1000 t, 1000 m³
	f := d.foresee("s1", limits, nil, to)
	if got := slices.Sorted(maps.Keys(f.ratios)); !cmp.Equal(got, []uint32{forecastEnergy, forecastCarbon, forecastWater, forecastPUE}) {
		t.Fatalf("there is a forecast of %v", got)
	}
	// Two hosts of two boards draw some kilowatts.
	if kwh := f.ratios[forecastEnergy] * 1e6; kwh < 365*24*1 || kwh > 365*24*20 {
		t.Errorf("the year comes to %g kWh", kwh)
	}
	if pue := f.ratios[forecastPUE] * 1.2; pue < 1 || pue > 2 {
		t.Errorf("its PUE comes to %g", pue)
	}
	if again := d.foresee("s1", limits, f, to.Add(time.Minute)); again != f {
		t.Error("it is worked out again a minute later")
	}
	if other := d.foresee("s1", site.YearBounds{}, f, to.Add(time.Minute)); len(other.ratios) > 0 {
		t.Errorf("without limits there is %v", other.ratios)
	}
}
