package report_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/report"
)

// The vectors T8 to T10, as those before them.

func TestVectorT8InstalledPowerIsWeightedByDays(t *testing.T) {
	p := &plant{t: t, flows: map[string]flow{}}
	p.site = parse(t, siteHead+`
meters:
  - {id: grid, role: grid_input}
it_power:
  - {power: 2000 kW, first_day: 2026-01-01, last_day: 2026-03-31, evidence: list of March}
  - {power: 3500 kW, first_day: 2026-04-01, last_day: 2026-09-30, evidence: list of September}
  - {power: 5 MW, first_day: 2026-10-01, evidence: list of December}
`)
	p.flows["grid"] = evenly(kWh, 1)
	p.seal(luxembourg(t, 2026, 1, 1), luxembourg(t, 2026, 1, 1).Add(2*time.Hour))
	r := build(t, p.input(2026))
	is(t, r, "pd_it_kw", 3508.219178)
	if f := r.Figure("pd_it_kw"); f.Quality != report.QualityCalculated || len(r.Evidence) != 3 {
		t.Errorf("%+v, evidence %v", f, r.Evidence)
	}
	goldenRecord(t, r, "t8")
}

func TestVectorT9CoolingDegreeDays(t *testing.T) {
	var file strings.Builder
	file.WriteString("day;mean temperature\n")
	means := []string{"20.0", "23.9", "24.0", "26.5", "30.0", "18.0"}
	for d := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC); d.Year() == 2026; d = d.AddDate(0, 0, 1) {
		m := "9.5"
		if d.Day() <= len(means) {
			m = means[d.Day()-1]
		}
		fmt.Fprintf(&file, "%s;%s\n", d.Format(time.DateOnly), m)
	}
	s, err := report.ParseSeries(strings.NewReader(file.String()), "open data")
	if err != nil {
		t.Fatal(err)
	}
	r := ofDecember(t, "meters:\n  - {id: grid, role: grid_input}\n"+begun("2026-12"), map[string]int64{"grid": kWh}, func(_ *plant, in *report.Input) {
		if in != nil {
			in.Weather = s
		}
	})
	is(t, r, "cdd", 17.5)
	if f := r.Figure("cdd"); f.At != "open data" || f.Coverage.String() != "100" {
		t.Errorf("%+v", f)
	}
	goldenRecord(t, r, "t9")
}

// edgeMeters are those of vector T10.
const edgeMeters = "meters:\n  - {id: grid, role: grid_input}\n  - {id: ups, role: ups_output}\n  - {id: water, role: water_total, water: fresh}\n"

// More goes to IT than comes in; litres and not cubic metres; close to the threshold.
func TestVectorT10EdgeCases(t *testing.T) {
	r := ofDecember(t, edgeMeters+"it_power: {power: 499.9 kW, evidence: list}\nboundary: {wue_category: 1}\n"+begun("2026-12"),
		map[string]int64{"grid": 1_900_000 * kWh, "ups": 2_000_000 * kWh, "water": 500 * m3}, nil)
	is(t, r, "wue", 0.25)
	is(t, r, "pue", 0.95)
	for _, code := range []string{"E_EDC_BELOW_IT", "E_PUE_BELOW_1", "W_SCOPE_OUT", "W_SCOPE_NEAR", "E_PDIT_BELOW_LOAD"} {
		if !raised(r, code) {
			t.Errorf("%s is not raised: %v", code, codes(r))
		}
	}
	if r.Scope.Must || !r.Scope.Known || r.Size != "very small" || !r.Blocked() {
		t.Errorf("%+v, %s", r.Scope, r.Size)
	}
	goldenRecord(t, r, "t10")
}

// What ends a class belongs to it, by what registers counted and not by what is printed.
func TestVectorT10ClassesOfWhatMetersShow(t *testing.T) {
	for _, tc := range []struct {
		grid, water int64 // mJ, mL; 2 GWh go to IT
		pue, wue    string
	}{
		{2_300_000 * kWh, 200 * m3, "A", "A"},        // 1.15 and 0.1
		{2_300_000*kWh + kWh/5, 2000 * m3, "B", "F"}, // 1.1500001 and 1.0
		{3_800_000 * kWh, 2001 * m3, "F", "G"},       // 1.9 and 1.0005
		{3_800_000*kWh + kWh/5, 201 * m3, "G", "B"},  // 1.9000001 and 0.1005
	} {
		r := ofDecember(t, edgeMeters+"it_power: {power: 4 MW, evidence: list}\nboundary: {wue_category: 1}\n"+begun("2026-12"),
			map[string]int64{"grid": tc.grid, "ups": 2_000_000 * kWh, "water": tc.water}, nil)
		if p, w := class(r, "pue"), class(r, "wue"); p != tc.pue || w != tc.wue {
			t.Errorf("PUE %v and WUE %v are of classes %s and %s, want %s and %s", r.Figure("pue").Value, r.Figure("wue").Value, p, w, tc.pue, tc.wue)
		}
	}
}

// A register that shows 900, 950, and after it began again 20, 60. The vector counts
// what lies between readings of one life, 50 + 40 = 90. What the new life shows at its
// first reading was counted by it too, 20, and is booked with a mark: that makes 110.
// One that shows zero there comes to the 90.
func TestVectorT10RegisterThatBeginsAgain(t *testing.T) {
	for name, tc := range map[string]struct {
		shows  []int64
		amount string
	}{"t10_reset": {[]int64{900, 950, 20, 60}, "110"}, "t10_reset_zero": {[]int64{900, 950, 0, 40}, "90"}} {
		r := ofDecember(t, edgeMeters+begun("2026-12"), map[string]int64{"ups": 50 * kWh, "water": m3}, func(p *plant, in *report.Input) {
			if in != nil {
				return
			}
			p.flows["grid"] = func(n int64) int64 { return tc.shows[min(n, 3)] * kWh }
			p.epoch = func(meter string, n int64) int64 {
				if meter == "grid" && n >= 2 {
					return 2
				}
				return 1
			}
		})
		for _, m := range r.Meters {
			if m.ID == "grid" && m.Amount.String() != tc.amount {
				t.Errorf("%s: the register counted %+v", name, m)
			}
		}
		goldenRecord(t, r, name)
	}
}
