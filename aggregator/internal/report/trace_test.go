package report_test

import (
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/aggregator/internal/report"
)

// Whatever is behind a figure adds up to it, to the millijoule: months, days and
// hours, estimates with what was read.
func TestWhatIsBehindAFigureAddsUpToIt(t *testing.T) {
	from, to := luxembourg(t, 2025, 10, 1), luxembourg(t, 2026, 1, 1)
	hours := int64(to.Sub(from) / time.Hour)
	text := siteHead + `
meters:
  - {id: grid, role: grid_input}
  - {id: pv, role: onsite_generation}
  - {id: out, role: export}
  - {id: ups, role: ups_output}
  - {id: tap, role: water_total, water: fresh}
  - {id: heat, role: heat_reuse}
boundary: {heat_for_own_cooling: 20 %}
` + begun("2025-10")
	p := &plant{t: t, site: parse(t, text), flows: map[string]flow{
		"grid": evenly(90_001_001*kWh+7, hours), "pv": evenly(3_000_000*kWh+1, hours), "out": evenly(1_000_000*kWh+5, hours),
		"ups": evenly(80_000_000*kWh+3, hours), "tap": evenly(700*m3+9, hours), "heat": evenly(9_000_000*kWh, hours),
	}}
	p.quiet = func(meter string, n int64) bool { return meter == "ups" && n > 800 && n < 830 }
	counts := p.flows["ups"]
	p.flows["ups"] = func(n int64) int64 { // of another device after the silence, which nothing bridges then
		if n >= 830 {
			return counts(n) - counts(830)
		}
		return counts(n)
	}
	p.epoch = func(meter string, n int64) int64 {
		if meter == "ups" && n >= 830 {
			return 2
		}
		return 1
	}
	p.seal(from, to)
	in := p.input(2025)
	in.Trace = &report.Trace{}
	r := build(t, in)
	for _, key := range report.Keys() {
		f := r.Figure(key)
		months, ok := in.Trace.Months(key)
		if !ok || len(months) != 3 {
			t.Fatalf("%s has %d months", key, len(months))
		}
		if f == nil || f.Value == nil {
			continue
		}
		var sums [3]big.Rat
		per := kWh
		if strings.HasPrefix(key, "w_") {
			per = m3
		}
		add := func(level int, x *report.Part) {
			n, ok := new(big.Rat).SetString(x.Exact)
			if !ok && x.Amount != nil && key == "e_reuse_kwh" { // less a share: there are parts of a millijoule
				n, ok = new(big.Rat).Mul(x.Amount.Rat(), big.NewRat(per, 1)), true
			}
			if !ok {
				t.Fatalf("%s, %s: %+v", key, x.Name, x)
			}
			sums[level].Add(&sums[level], n)
		}
		count := 0
		for i := range months {
			days, ok := in.Trace.Days(key, months[i].Name)
			if !ok {
				t.Fatalf("%s: %s has no days", key, months[i].Name)
			}
			add(0, &months[i])
			for j := range days {
				add(1, &days[j])
				of, ok := in.Trace.Hours(key, days[j].Name)
				if !ok {
					t.Fatalf("%s: %s has no hours", key, days[j].Name)
				}
				count += len(of)
				for k := range of {
					add(2, &of[k])
				}
			}
		}
		v, _ := new(big.Rat).Quo(&sums[2], big.NewRat(per, 1)).Float64()
		alike := sums[0].Cmp(&sums[1]) == 0 && sums[1].Cmp(&sums[2]) == 0 || key == "e_reuse_kwh"
		if !alike || !near(v, f.Value.Float()) || int64(count) != hours {
			t.Errorf("%s is %v; %d hours have %v, days %v, months %v", key, f.Value, count, &sums[2], &sums[1], &sums[0])
		}
	}
	day, _ := in.Trace.Hours("e_it_kwh", "2025-11-03")
	if len(day) != 24 || day[0].Name != "2025-11-02T23Z" || day[0].Estimated != nil || day[12].Estimated == nil || day[12].Coverage.Sign() != 0 {
		t.Errorf("a day with a gap is %+v", day)
	}
	if night, _ := in.Trace.Hours("e_it_kwh", "2025-10-26"); len(night) != 25 {
		t.Errorf("the day on which clocks are set back has %d hours", len(night))
	}
	var of []report.MeterHour
	if err := in.Ledger.Branches("s1", day[0].From.UnixMilli(), day[0].From.UnixMilli()+1, func(h *account.HourBranches) bool {
		of = in.Trace.MetersOf("e_dc_kwh", h)
		return true
	}); err != nil {
		t.Fatal(err)
	}
	if len(of) != 3 || of[0].Meter != "grid" || of[2].Meter != "out" || !of[2].Less || of[0].Quarters[3].Amount == nil {
		t.Errorf("meters of an hour are %+v", of)
	}
	if _, ok := in.Trace.Days("e_it_kwh", "2025-09"); ok {
		t.Error("a month outside has days")
	}
	if _, ok := in.Trace.Months("pue"); ok {
		t.Error("an indicator has parts")
	}
}
