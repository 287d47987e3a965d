package report_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/report"
)

// The vectors T1 to T6 of the specification, each from what meters show through the
// sealed hours of a ledger on disk to the record: its numbers are asserted, and the
// record is held against a golden file. Most are of a site that began in December: a
// partial year has fewer hours. T7 is of a job: TestVectorT7TrainingJob.

const december = 744 // hours

// begun are the entries of whole, for a site that began in a month.
func begun(month string, more ...string) string {
	kv := append([]string{}, whole...)
	for i := 0; i < len(kv); i += 2 {
		if kv[i] == "in_operation_since" {
			kv[i+1] = month
		}
	}
	var out []string
	for i := 0; i < len(kv); i += 2 {
		twice := false
		for k := 0; k < len(more); k += 2 {
			twice = twice || more[k] == kv[i]
		}
		if !twice {
			out = append(out, kv[i], kv[i+1])
		}
	}
	return stated(append(out, more...)...)
}

// ofDecember is the record of a site of these sections whose meters count so much
// over the December of 2026, in which it began.
func ofDecember(t *testing.T, sections string, totals map[string]int64, change func(*plant, *report.Input)) *report.Record {
	t.Helper()
	p := &plant{t: t, flows: map[string]flow{}}
	p.site = parse(t, siteHead+sections)
	for id, n := range totals {
		p.flows[id] = evenly(n, december)
	}
	if change != nil {
		change(p, nil)
	}
	p.seal(luxembourg(t, 2026, 12, 1), luxembourg(t, 2027, 1, 1))
	in := p.input(2026)
	if change != nil {
		change(p, &in)
	}
	return build(t, in)
}

func TestVectorT1NordicFactoryWithHeatReuse(t *testing.T) {
	r := ofDecember(t, `
meters:
  - {id: grid, role: grid_input}
  - {id: pv, role: onsite_generation}
  - {id: park, role: distribution}
  - {id: ups, role: ups_output}
  - {id: mains, role: water_total, water: fresh, feed: A}
  - {id: rain, role: water_total, water: reused, feed: B}
  - {id: heat, role: heat_reuse}
it_power: {power: 150 MW, evidence: list}
boundary: {wue_category: 2}
contracts:
  guarantees:
    - {id: FI-1, volume: 60 GWh, technology: wind_onshore, produced: {first_day: 2026-01-01, last_day: 2026-06-30}, retired: 2026-09-15, year: 2026, evidence: register}
  ppa:
    - {name: wind, technology: wind_onshore, meter: park, guarantees_retired: true, evidence: contract, first_day: 2026-01-01}
`+begun("2026-12", "heat_customers", "town"), map[string]int64{
		"grid": 100_000_000 * kWh, "pv": 1_178_000 * kWh, "park": 35_000_000 * kWh, "ups": 91_980_000 * kWh,
		"mains": 900 * m3, "rain": 300 * m3, "heat": 35_412_300 * kWh,
	}, func(p *plant, _ *report.Input) { p.grams = func(int64) float64 { return 30 } })
	for key, want := range map[string]float64{
		"e_dc_kwh": 101_178_000, "e_it_kwh": 91_980_000, "w_in_m3": 1200, "w_in_fre_m3": 900, "e_reuse_kwh": 35_412_300,
		"e_res_goo_kwh": 60_000_000, "e_res_ppa_kwh": 35_000_000, "e_res_os_kwh": 1_178_000, "e_res_tot_kwh": 96_178_000,
		"pue": 1.1, "wue": 1_200_000 / 91_980_000.0, "erf": 0.35, "ref": 96_178_000 / 101_178_000.0,
		// The vector applies the grid's factor to what the site generates, too: the
		// record has it without those 1,178,000 kWh.
		"co2_location_kg": 3_035_340 - 1_178_000*0.03, "cue_lb": 0.033 - 1_178_000*0.03/91_980_000,
	} {
		is(t, r, key, want)
	}
	printed(t, r.Figure("wue"), 6, "0.013046")
	printed(t, preview(r, "wue"), 6, "0.009785") // of fresh water
	printed(t, r.Figure("ref"), 6, "0.950582")
	if p, w := class(r, "pue"), class(r, "wue"); p != "A" || w != "A" {
		t.Errorf("classes are %s and %s", p, w)
	}
	for _, x := range r.Previews {
		if x.Official || !strings.Contains(x.Says, "not official") {
			t.Errorf("a preview is official: %+v", x)
		}
	}
	f := r.Figure("e_dc_kwh")
	if f.Quality != report.QualityMeasured || f.Coverage.String() != "100" || strings.Join(f.Meters, " ") != "grid pv" || f.Symbol != "EDC" || f.At == "" {
		t.Errorf("%+v", f)
	}
	if f := r.Figure("e_it_kwh"); f.At != "ups_output (PUE category 1)" {
		t.Errorf("IT is metered at %q", f.At)
	}
	golden(t, r, "t1")
}

func TestVectorT2Gigafactory(t *testing.T) {
	p := &plant{t: t, grams: func(int64) float64 { return 250 }}
	text := siteHead + `
meters:
  - {id: grid, role: grid_input}
  - {id: pv, role: onsite_generation}
  - {id: diesel, role: generator_output}
  - {id: ups, role: ups_output, rating: 200 MW}
  - {id: mains, role: water_total, water: fresh, feed: A}
  - {id: rain, role: water_total, water: reused, feed: B}
  - {id: heat, role: heat_reuse}
generators: {id: genset, fuel: diesel, rating: 200 MW, factor: 700 g/kWh, evidence: sheet, meter: diesel}
it_power: {power: 180 MW, evidence: list}
boundary: {wue_category: 2}
contracts:
  residual: {year: 2026, factor: 450 g/kWh, source: AIB}
  guarantees:
    - {id: LU-1, volume: 400 GWh, technology: wind_onshore, produced: {first_day: 2026-01-01, last_day: 2026-06-30}, retired: 2026-09-15, year: 2026, evidence: register}
  ppa:
    - {name: parks, technology: wind_onshore, volume: 700 GWh, guarantees_retired: true, evidence: contract, first_day: 2026-01-01}
` + begun("2024-03", "heat_customers", "town")
	p.site = parse(t, text)
	p.flows = map[string]flow{
		"grid": evenly(1_542_000_000*kWh, 8760), "pv": evenly(8_000_000*kWh, 8760), "diesel": evenly(1_571_200*kWh, 8760),
		"ups": evenly(1_292_976_000*kWh, 8760), "mains": evenly(323_244*m3, 8760), "rain": evenly(193_946_400_000, 8760), "heat": evenly(155_157_120*kWh, 8760),
	}
	p.seal(luxembourg(t, 2026, 1, 1), luxembourg(t, 2027, 1, 1))
	in := p.input(2026)
	r := build(t, in)
	for key, want := range map[string]float64{
		"pd_it_kw": 180_000, "e_it_kwh": 1_292_976_000, "e_dc_kwh": 1_551_571_200, "e_dc_bg_kwh": 1_571_200, "w_in_m3": 517_190.4, "w_in_fre_m3": 323_244,
		"e_reuse_kwh": 155_157_120, "e_res_goo_kwh": 400_000_000, "e_res_ppa_kwh": 700_000_000, "e_res_os_kwh": 8_000_000, "e_res_tot_kwh": 1_108_000_000,
		"utilisation": 0.82, "pue": 1.2, "wue": 0.4, "erf": 0.1, "ref": 0.714115, "co2_location_kg": 385_500_000, "co2_scope1_kg": 1_099_840,
		"cue_lb": 0.299, "co2_market_kg": 198_900_000, "cue_mb": 199_999_840 / 1_292_976_000.0,
	} {
		is(t, r, key, want)
	}
	if r.Period.Hours != 8760 || r.Period.Partial || r.Size != "very large" || !r.Scope.Must || r.Ledger.Files < 8760 || r.Ledger.Unsealed != 0 {
		t.Errorf("%+v, %s, %+v, %+v", r.Period, r.Size, r.Scope, r.Ledger)
	}
	printed(t, preview(r, "wue"), 6, "0.250000") // of fresh water
	printed(t, r.Figure("cue_mb"), 6, "0.154682")
	if p, w := class(r, "pue"), class(r, "wue"); p != "B" || w != "C" {
		t.Errorf("classes are %s and %s", p, w)
	}
	if len(r.Months) != 12 || r.Months[6].PUE.String() != "1.2" {
		t.Errorf("months are %+v", r.Months)
	}
	if got := codes(r); strings.Join(got, " ") != "E_MISSING W_LAU_UNCHECKED W_METER_RECORD" {
		for _, x := range r.Issues {
			t.Log(x.String())
		}
		t.Errorf("issues are %v", got)
	}
	goldenRecord(t, r, "t2")
	// Without the residual mix of the year nothing stands for what no contract covers.
	p.site = parse(t, strings.Replace(text, "residual: {year: 2026", "residual: {year: 2025", 1))
	r = build(t, p.input(2026))
	if f := r.Figure("cue_mb"); f.Value != nil || !raised(r, "E_RESIDUAL_MISSING") {
		t.Errorf("market-based without a residual mix: %+v", f)
	}
}

func TestVectorT3PartialYearIsNotAnnualised(t *testing.T) {
	const hours = 122 * 24
	p := &plant{t: t}
	p.site = parse(t, strings.Replace(siteHead, "Europe/Luxembourg", "UTC", 1)+`
meters:
  - {id: grid, role: grid_input}
  - {id: ups, role: ups_output}
it_power: {power: 4 MW, evidence: list}
boundary: {wue_category: 1}
`+begun("2026-09", "w_in_m3", "0", "w_in_pot_m3", "0", "e_reuse_kwh", "0", "e_dc_bg_kwh", "0"))
	p.flows = map[string]flow{"grid": evenly(8_784_000*kWh, hours), "ups": evenly(7_200_000*kWh, hours)}
	from := time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC)
	p.seal(from, from.Add(hours*time.Hour))
	r := build(t, p.input(2026))
	for key, want := range map[string]float64{"e_dc_kwh": 8_784_000, "e_it_kwh": 7_200_000, "pue": 1.22, "wue": 0, "erf": 0, "ref": 0, "mean_it_kw": 2459.016} {
		is(t, r, key, want)
	}
	if x := r.Period; !x.Partial || x.From != "2026-09-01" || x.To != "2026-12-31" || x.Hours != hours || !strings.Contains(x.Says, "122 days") {
		t.Errorf("the period is %+v", x)
	}
	if class(r, "pue") != "B" {
		t.Errorf("class %s", class(r, "pue"))
	}
	if raised(r, "E_MISSING") || raised(r, "E_COVERAGE") {
		t.Errorf("issues %v", r.Issues)
	}
	goldenRecord(t, r, "t3")
}

func TestVectorT4RenewableClaimIsCleanedUp(t *testing.T) {
	sections := func(more string) string {
		return `
meters:
  - {id: grid, role: grid_input}
  - {id: pv, role: onsite_generation}
  - {id: feed-in, role: export}
  - {id: ups, role: ups_output}
it_power: {power: 20 MW, evidence: list}
contracts:
  guarantees:
    - {id: LU-1, volume: 7 GWh, technology: solar, produced: {first_day: 2026-01-01, last_day: 2026-06-30}, retired: 2026-09-15, year: 2026, evidence: register}
` + more + `
  ppa:
    - {name: park, technology: wind_onshore, volume: ` + yearly(4_000_000) + `, not_retired: ` + yearly(1_500_000) + `, guarantees_retired: true, evidence: contract, first_day: 2026-01-01}
` + begun("2026-12")
	}
	totals := map[string]int64{"grid": 9_500_000 * kWh, "pv": 600_000 * kWh, "feed-in": 100_000 * kWh, "ups": 8_000_000 * kWh}
	var p *plant
	r := ofDecember(t, sections(""), totals, func(x *plant, _ *report.Input) { p = x })
	for key, want := range map[string]float64{"e_dc_kwh": 10_000_000, "e_res_ppa_kwh": 2_500_000, "e_res_os_kwh": 500_000, "e_res_goo_kwh": 7_000_000, "e_res_tot_kwh": 10_000_000, "ref": 1, "pue": 1.25} {
		is(t, r, key, want)
	}
	if raised(r, "E_RES_OVERCLAIM") || class(r, "pue") != "B" {
		t.Errorf("%v, class %s: a boundary belongs to the better class", codes(r), class(r, "pue"))
	}
	if a := r.Agreements[0]; !near(a.Delivered.Float(), 4_000_000) || !near(a.Unretired.Float(), 1_500_000) {
		t.Errorf("%+v", a)
	}
	goldenRecord(t, r, "t4")
	// One MWh more is one too much: the same books, another file.
	p.site = parse(t, siteHead+sections("    - {id: LU-2, volume: 1 MWh, technology: solar, produced: {first_day: 2026-01-01, last_day: 2026-06-30}, retired: 2026-09-15, year: 2026, evidence: register}"))
	r = build(t, p.input(2026))
	is(t, r, "e_res_tot_kwh", 10_001_000)
	is(t, r, "ref", 1)
	if f := r.Figure("ref"); !raised(r, "E_RES_OVERCLAIM") || len(f.Notes) == 0 || !strings.Contains(f.Notes[0], "1.0001") {
		t.Errorf("%v, %+v", codes(r), f)
	}
	goldenRecord(t, r, "t4_over")
}

// yearly is a volume a year of which so many kWh fall into December.
func yearly(kwh int64) string { return fmt.Sprintf("%.6f kWh", float64(kwh)*365/31) }

// By hand: weighted by the energy that each draws, as the Commission publishes it,
// (20 × 1.25 + 80 × 80/72) / (20 + 80) = (25 + 88.888889) / 100 = 1.138889; all energy
// by all IT, (20 + 80) / (16 + 72) = 1.136364.
func TestVectorT5FleetAverageInBothWays(t *testing.T) {
	site := func(name string, grid, it int64) report.ESRSPart {
		sections := "meters:\n  - {id: grid, role: grid_input}\n  - {id: ups, role: ups_output}\nit_power: {power: 200 MW, evidence: list}\n" + begun("2026-12")
		var p *plant
		r := ofDecember(t, sections, map[string]int64{"grid": grid * 1_000_000 * kWh, "ups": it * 1_000_000 * kWh}, func(x *plant, in *report.Input) {
			if p = x; in == nil {
				x.site = parse(t, strings.Replace(siteHead, "site: s1", "site: "+name, 1)+sections)
			}
		})
		r.Ledger.Root = ""
		b, err := r.JSON()
		if err != nil {
			t.Fatal(err)
		}
		return report.ESRSPart{Record: r, Bytes: b, State: report.Draft, Site: p.site}
	}
	a, b := site("a", 20, 16), site("b", 80, 72)
	is(t, a.Record, "pue", 1.25)
	printed(t, b.Record.Figure("pue"), 6, "1.111111")
	main, _ := rules(t, 2026, "LU")
	f, err := report.FleetStatementOf(2026, []report.ESRSPart{a, b}, main, "")
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, x := range f.Groups[0].Averages {
		if x.Value != nil {
			got[x.Key] = x.Value.String()
		}
	}
	if got["pue_edc_weighted"] != "1.138888889" || got["pue_ratio_of_sums"] != "1.136363636" || f.Groups[0].Sites != 2 || f.Groups[0].Sizes["very large"] != 2 {
		t.Errorf("%v, %+v", got, f.Groups[0])
	}
	goldenStatement(t, f, "t5")
}

func TestVectorT6HourlyMatching(t *testing.T) {
	supply, grams := [4]int64{0, 60, 240, 100}, [4]float64{400, 300, 100, 200}
	r := ofDecember(t, `
meters:
  - {id: grid, role: grid_input}
  - {id: wind, role: distribution}
  - {id: ups, role: ups_output}
it_power: {power: 200 kW, evidence: list}
contracts:
  residual: {year: 2026, factor: 450 g/kWh, source: AIB}
  ppa:
    - {name: park, technology: wind_onshore, meter: wind, guarantees_retired: true, evidence: contract, first_day: 2026-01-01}
`+begun("2026-12"), map[string]int64{"grid": 100 * december * kWh, "ups": 80 * december * kWh}, func(p *plant, in *report.Input) {
		if in != nil {
			return
		}
		p.grams = func(n int64) float64 { return grams[n%4] }
		p.flows["wind"] = func(n int64) (sum int64) {
			for h := range min(n, december) {
				sum += supply[h%4]
			}
			return sum * kWh
		}
	})
	is(t, r, "e_res_ppa_kwh", 100*december) // by volume all of it
	is(t, r, "cfe", 0.65)
	is(t, r, "co2_location_kg", 100*december/4)
	is(t, r, "co2_hourly_kg", 52*december/4)
	is(t, r, "ref", 1) // the match of a year: 400 of 400
	goldenRecord(t, r, "t6")
}
