package report_test

import (
	"math"
	"testing"
	"time"
)

// What was not read is estimated as the gap is long, never counts as covered, and a
// gap that nothing tells of stays one.
func TestGapsAreEstimatedByTheirLength(t *testing.T) {
	const quarter = int64(900_000)
	began := luxembourg(t, 2026, 12, 1).UnixMilli() / quarter
	// It draws 100 kW, on Sundays 60; what it draws in the gap itself nobody sees.
	level := func(_ string, at int64) float64 {
		if time.UnixMilli(at*quarter).UTC().Weekday() == time.Sunday {
			return 0.6
		}
		return 1
	}
	sunday := (luxembourg(t, 2026, 12, 6).UnixMilli()+12*3_600_000)/quarter - began
	for name, tc := range map[string]struct {
		from, quarters int64 // of the gap, after the period's begin
		covered        int64 // ms of its quarters
		history        bool  // there is a November
		estimated      float64
		coverage       float64
		method         string // of the gap as it is listed; "": it is not
		code           string
	}{
		"a quarter of an hour":                {400, 1, 0, true, 25, 2975.0 / 2976, "", ""},
		"five minutes of one":                 {400, 1, 600_000, true, 25.0 / 3, 2976 - 1.0/3, "", ""},
		"five hours":                          {400, 20, 0, true, 500, 2956, "mean of the same hour of the four weeks before", ""},
		"five hours of a Sunday":              {sunday, 20, 0, true, 300, 2956, "mean of the same hour of the four weeks before", ""},
		"three days":                          {800, 288, 0, true, 7200, 2688, "mean of the same hour of the four weeks before", "W_GAP_LONG"},
		"five hours, and there were no weeks": {100, 20, 0, false, 500, 2956, "between the quarters of an hour before and after, for want of weeks before", ""},
		"three days, and there were no weeks": {100, 288, 0, false, 0, 2688, "none: nothing is known of the weeks before", "E_GAP_UNFILLED"},
		"the beginning, and there were none":  {0, 40, 0, false, 0, 2936, "none: nothing is known of the weeks before", "E_GAP_UNFILLED"},
		"the end":                             {2976 - 20, 20, 0, true, 500, 2956, "mean of the same hour of the four weeks before", ""},
		"a fortnight":                         {1000, 1344, 0, true, 31680, 1632, "mean of the same hour of the four weeks before", "E_COVERAGE"},
		"a tenth":                             {2600, 300, 0, true, 7500, 2676, "mean of the same hour of the four weeks before", "W_COVERAGE"},
	} {
		t.Run(name, func(t *testing.T) {
			l := &fakeLedger{perHour: map[string]float64{"grid": 100, "ups": 80}, level: level, before: true}
			l.known = func(meter string, at int64) int64 {
				at -= began
				switch {
				case at < 0 && !tc.history:
					return 0
				case meter == "grid" && at >= tc.from && at < tc.from+tc.quarters:
					return tc.covered
				}
				return quarter
			}
			r := build(t, faked(t, "meters:\n  - {id: grid, role: grid_input}\n  - {id: ups, role: ups_output}\nit_power: {power: 200 kW, evidence: list}\n"+begun("2026-12"), l))
			f := r.Figure("e_dc_kwh")
			var read, estimated float64
			for i := range r.Meters {
				if m := &r.Meters[i]; m.ID == "grid" {
					read = m.Amount.Float()
					if m.Estimated != nil {
						estimated = m.Estimated.Float()
					}
				}
			}
			if math.Abs(estimated-tc.estimated) > 0.002 || math.Abs(f.Value.Float()-read-estimated) > 0.002 {
				t.Errorf("of it %v kWh are estimated, want %v; %v in all, %v read", estimated, tc.estimated, f.Value, read)
			}
			want := tc.coverage
			if want > 1 {
				want /= 2976
			}
			if math.Abs(f.Coverage.Float()-100*want) > 0.001 {
				t.Errorf("it covers %v %%, want %v", f.Coverage, 100*want)
			}
			switch {
			case tc.method == "" && len(r.Gaps) > 0, tc.method != "" && (len(r.Gaps) != 1 || r.Gaps[0].Method != tc.method || r.Gaps[0].Minutes != tc.quarters*15):
				t.Errorf("gaps are %+v, want by %q", r.Gaps, tc.method)
			}
			if tc.code != "" && !raised(r, tc.code) {
				t.Errorf("%s is not raised: %v", tc.code, codes(r))
			}
		})
	}
}

// A month of which nothing is known has no figures, and not zeros.
func TestAMonthThatIsNotKnown(t *testing.T) {
	began := luxembourg(t, 2026, 12, 1).UnixMilli() / 900_000
	l := &fakeLedger{perHour: map[string]float64{"grid": 100, "ups": 80}}
	l.known = func(meter string, at int64) int64 {
		switch {
		case at < began:
			return 0
		case meter == "grid" && at < began+744: // a quarter of December
			return 0
		}
		return 900_000
	}
	r := build(t, faked(t, "meters:\n  - {id: grid, role: grid_input}\n  - {id: ups, role: ups_output}\nit_power: {power: 200 kW, evidence: list}\n"+begun("2026-11"), l))
	if len(r.Months) != 2 {
		t.Fatalf("months are %+v", r.Months)
	}
	nov, dec := &r.Months[0], &r.Months[1]
	if nov.Facility != nil || nov.IT != nil || nov.PUE != nil || nov.Load != nil || nov.Coverage == nil || nov.Coverage.Sign() != 0 {
		t.Errorf("November is %+v", nov)
	}
	if dec.Load == nil || dec.Load.String() != "80" || dec.Coverage == nil || dec.Coverage.String() != "75" {
		t.Errorf("December is %+v, covered %v", dec, dec.Coverage)
	}
}
