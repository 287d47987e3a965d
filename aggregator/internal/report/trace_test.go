package report_test

import (
	"math/big"
	"slices"
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
  - {id: park, role: distribution}
  - {id: diesel, role: generator_output}
  - {id: mains, role: water_potable}
boundary:
  heat_for_own_cooling: 20 %
  other_energy:
    - {name: gas, energy: 1234567 kWh, counts_as: 70 %, first_day: 2025-09-01, last_day: 2025-11-17, evidence: bill}
contracts:
  own_generation:
    - {id: O-1, volume: 12345 kWh, produced: {first_day: 2025-10-03, last_day: 2025-12-09}, evidence: register}
  ppa:
    - {name: park, technology: wind_onshore, meter: park, guarantees_retired: true, evidence: c, first_day: 2025-10-15}
    - {name: dam, technology: hydro, volume: 7654321 kWh, not_retired: 77 MWh, guarantees_retired: true, evidence: c, first_day: 2025-01-01}
    - {name: sea, technology: wind_offshore, share: 33.3333 %, guarantees_retired: true, evidence: c, first_day: 2025-11-03, last_day: 2025-12-05}
    - {name: hall, technology: wind_offshore, volume: 3 GWh, evidence: c, first_day: 2025-01-01}
` + begun("2025-10")
	p := &plant{t: t, site: parse(t, text), flows: map[string]flow{
		"grid": evenly(90_001_001*kWh+7, hours), "pv": evenly(3_000_000*kWh+1, hours), "out": evenly(1_000_000*kWh+5, hours),
		"ups": evenly(80_000_000*kWh+3, hours), "tap": evenly(700*m3+9, hours), "heat": evenly(9_000_000*kWh+13, hours), "park": evenly(4_000_001*kWh+11, hours),
		"diesel": evenly(5001*kWh+1, hours), "mains": evenly(400*m3+3, hours),
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
	told := map[string]bool{}
	for _, key := range report.Keys() {
		f := r.Figure(key)
		months, ok := in.Trace.Months(key)
		if !ok || len(months) != 3 {
			t.Fatalf("%s has %d months", key, len(months))
		}
		if f == nil || f.Value == nil {
			continue
		}
		var sums [3]big.Int
		per := kWh
		if strings.HasPrefix(key, "w_") {
			per = m3
		}
		add := func(level int, x *report.Part) {
			n, ok := new(big.Int).SetString(x.Exact, 10)
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
		// The figure itself, before it was rounded, is what all of them sum to.
		exact := new(big.Rat).Mul(f.Exact(), big.NewRat(per, 1))
		if !exact.IsInt() || exact.Num().Cmp(&sums[0]) != 0 || sums[0].Cmp(&sums[1]) != 0 || sums[1].Cmp(&sums[2]) != 0 || int64(count) != hours {
			t.Errorf("%s is %v, %v exactly; %d hours have %v, days %v, months %v", key, f.Value, exact, count, &sums[2], &sums[1], &sums[0])
		}
		// And the rows of the record are these months.
		for i, row := range r.Months {
			if d := map[string]*report.Decimal{"e_dc_kwh": row.Facility, "e_it_kwh": row.IT, "w_in_m3": row.Water, "e_reuse_kwh": row.Reuse}[key]; d != nil && d.Cmp(*months[i].Amount) != 0 {
				t.Errorf("%s of %s is %v in the record, and %v behind it", key, row.Month, d, months[i].Amount)
			}
		}
		told[key] = true
	}
	// Whatever of Annex II adds up over time is told by the month, save for what is of
	// certificates of a year, and what is entered as one number.
	main, _ := rules(t, 2025, "LU")
	for _, x := range main.Figures {
		adds := strings.HasPrefix(x.Key, "e_") || strings.HasPrefix(x.Key, "w_") || strings.HasPrefix(x.Key, "data_") || x.Key == "cdd"
		if whole := slices.Contains([]string{"e_res_goo_kwh", "e_res_tot_kwh", "data_in_eb", "data_out_eb", "cdd"}, x.Key); adds && told[x.Key] == whole {
			t.Errorf("%s is told by the month: %v", x.Key, told[x.Key])
		}
	}
	if notes := strings.Join(r.Figure("e_reuse_kwh").Notes, " "); !strings.Contains(notes, "9\u202f000\u202f000 kWh were handed over, and 1\u202f800\u202f000 kWh of it") {
		t.Errorf("the figure of heat says %s", notes)
	}
	if m, _ := in.Trace.Months("e_res_ppa_kwh"); !strings.Contains(strings.Join(m[1].Notes, "; "), "park: as its meter shows, park; dam: its volume, spread evenly over its time; dam: less guarantees") || m[0].Coverage == nil {
		t.Errorf("a month of agreements is %+v", m[1])
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
	if len(of) != 4 || of[0].Meter != "grid" || of[3].Meter != "out" || !of[3].Less || of[0].Quarters[3].Amount == nil {
		t.Errorf("meters of an hour are %+v", of)
	}
	if _, ok := in.Trace.Days("e_it_kwh", "2025-09"); ok {
		t.Error("a month outside has days")
	}
	if _, ok := in.Trace.Months("pue"); ok {
		t.Error("an indicator has parts")
	}
}
