package report_test

import (
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/report"
	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/sim"
)

// scale makes of the meters of 128 simulated boards those of 100,096.
const scale = 782

// A simulatedYear is what every meter of a simulated plant truly counted, hour by
// hour.
type simulatedYear struct {
	count   map[string][]int64 // mJ or mL, from zero on, at the n-th hour
	outside []float64          // °C
}

func simulate(t *testing.T, from, to time.Time) *simulatedYear {
	t.Helper()
	w, err := sim.New(sim.Config{Site: "s1", Hosts: 16, GPUs: 8, Seed: 7, Start: from, Wired: true})
	if err != nil {
		t.Fatal(err)
	}
	y := &simulatedYear{count: map[string][]int64{}}
	instruments := w.Instruments()
	var regs []sim.Register
	first := w.Registers(nil)
	for now := from; !now.After(to); now = now.Add(time.Hour) {
		w.Step(now)
		regs = w.Registers(regs[:0])
		for i, x := range instruments {
			if x.Role != metric.RolePDUOutput {
				y.count[x.Name] = append(y.count[x.Name], (regs[i].Amount-first[i].Amount)*scale)
			}
		}
		y.outside = append(y.outside, w.Temperatures().Outside)
	}
	return y
}

// of is what a meter counted in hours [from, to).
func (y *simulatedYear) of(meter string, from, to int64) int64 {
	return y.count[meter][to] - y.count[meter][from]
}

// A swap is a device that was changed, and nobody wrote down what the displays
// showed: last is the hour of the last reading, first that of the first of the new
// one.
type swap struct {
	meter       string
	last, first int64
}

// yearSite is the simulated plant as its operator describes it.
const yearSite = siteHead + `
meters:
  - {id: grid-a, role: grid_input, feed: A, point: cell 1, serial: a, accuracy: 0.2S, calibrated: 2024-01-10}
  - {id: grid-b, role: grid_input, feed: B, point: cell 2, serial: b, accuracy: 0.2S, calibrated: 2024-01-10}
  - {id: generator, role: generator_output, point: cell 3, serial: c, accuracy: 0.5S, calibrated: 2024-01-10}
  - {id: solar, role: onsite_generation, point: roof, serial: d, accuracy: 0.5S, calibrated: 2024-01-10}
  - {id: export, role: export, point: cell 4, serial: e, accuracy: 0.2S, calibrated: 2024-01-10}
  - {id: chillers, role: cooling, point: chillers, serial: f, accuracy: "1", calibrated: 2024-01-10}
  - {id: dry-coolers, role: cooling, point: coolers, serial: g, accuracy: "1", calibrated: 2024-01-10}
  - {id: pumps, role: cooling, point: pumps, serial: h, accuracy: "1", calibrated: 2024-01-10}
  - {id: distribution, role: distribution, point: losses, serial: i, accuracy: "1", calibrated: 2024-01-10}
  - {id: lighting, role: lighting, point: lighting, serial: j, accuracy: "1", calibrated: 2024-01-10}
  - {id: ups-01, role: ups_output, feed: A, point: hall 1, serial: k, accuracy: 0.5S, calibrated: 2024-01-10}
  - {id: ups-02, role: ups_output, feed: B, point: hall 2, serial: l, accuracy: 0.5S, calibrated: 2024-01-10}
  - {id: heat, role: heat_reuse, point: hand-over, serial: m, accuracy: "2", calibrated: 2024-01-10}
  - {id: water, role: water_total, water: fresh, point: inlet, serial: n, accuracy: "2", calibrated: 2024-01-10}
  - {id: water-potable, role: water_potable, point: mains, serial: o, accuracy: "2", calibrated: 2024-01-10}
generators: {id: genset, fuel: diesel, rating: 300 MW, factor: 700 g/kWh, evidence: sheet, meter: generator}
it_power: {power: 125 MW, evidence: list}
boundary: {wue_category: 1}
contracts:
  residual: {year: 2025, factor: 450 g/kWh, source: AIB}
  guarantees:
    - {id: LU-1, volume: 90 GWh, technology: wind_onshore, produced: {first_day: 2025-01-01, last_day: 2025-06-30}, retired: 2025-09-15, year: 2025, evidence: register}
    - {id: LU-2, volume: 40 GWh, technology: nuclear, produced: {first_day: 2025-01-01, last_day: 2025-06-30}, retired: 2025-09-15, year: 2025, evidence: register}
    - {id: LU-3, volume: 70 GWh, technology: solar, produced: {first_day: 2025-01-01, last_day: 2025-06-30}, year: 2025, evidence: register}
  ppa:
    - {name: parks, technology: wind_onshore, share: 40 %, guarantees_retired: true, evidence: contract, first_day: 2025-01-01}
`

// A year of a site of 100,000 boards, with a silence of its agent, three meters that
// were changed, partial renewables and a customer of heat: every figure is what the
// model knows, save for what the record itself says was estimated, and that is as
// far off as its gaps are.
func TestASimulatedYearHasNoUnexplainedDifference(t *testing.T) {
	if testing.Short() {
		t.Skip("a year takes half a minute")
	}
	from, to := luxembourg(t, 2025, 1, 1), luxembourg(t, 2026, 1, 1)
	hours := int64(to.Sub(from) / time.Hour)
	y := simulate(t, from, to)
	swaps := []swap{{"ups-01", 2000, 2003}, {"grid-b", 5000, 5031}, {"water", 6100, 6113}, {"heat", 7300, 7301}}
	silent := func(n int64) bool { return n > 3000 && n < 3007 } // all of them: bridged
	p := &plant{t: t, flows: map[string]flow{}, grams: func(n int64) float64 { return 200 + float64(n%24)*5 }}
	p.site = parse(t, yearSite+begun("2023-05", "heat_customers", "town", "s_dc_m2", "30000", "s_cr_m2", "12000"))
	for id := range y.count {
		p.flows[id] = func(n int64) int64 {
			for _, s := range swaps {
				if s.meter == id && n >= s.first {
					return y.of(id, s.first, n)
				}
			}
			return y.count[id][n]
		}
	}
	p.quiet = func(meter string, n int64) bool {
		for _, s := range swaps {
			if s.meter == meter && n > s.last && n < s.first {
				return true
			}
		}
		return silent(n)
	}
	p.epoch = func(meter string, n int64) int64 {
		for _, s := range swaps {
			if s.meter == meter && n >= s.first {
				return 2
			}
		}
		return 1
	}
	p.seal(from, to)
	in := p.input(2025)
	in.Weather = report.Series{Source: "model", Days: map[string]*big.Rat{}}
	sums, count := map[string]float64{}, map[string]float64{}
	for n, c := range y.outside[:hours] {
		day := from.Add(time.Duration(n) * time.Hour).In(from.Location()).Format(time.DateOnly)
		sums[day], count[day] = sums[day]+c, count[day]+1
	}
	cdd := 0.0
	for day, sum := range sums {
		mean := sum / count[day]
		in.Weather.Days[day] = new(big.Rat).SetFloat64(mean)
		if mean >= 24 {
			cdd += mean - 21
		}
	}
	began := time.Now()
	r := build(t, in)
	t.Logf("the record of %d files took %v", r.Ledger.Files, time.Since(began).Round(time.Millisecond))

	// What each meter is off by: what the record says it estimates, less the truth.
	off := map[string]float64{}
	for _, s := range swaps {
		true_ := float64(y.of(s.meter, s.last, s.first))
		var said float64
		per := float64(kWh)
		for _, m := range r.Meters {
			if m.ID == s.meter {
				if m.Unit == "m³" {
					per = float64(m3)
				}
				if m.Estimated == nil {
					t.Errorf("%s has no estimate", m.ID)
					continue
				}
				said = m.Estimated.Float()
			}
		}
		off[s.meter] = said - true_/per
		if d := off[s.meter] / (true_ / per); d < -0.6 || d > 0.6 { // water is as the weather
			t.Errorf("the gap of %s is estimated %.0f, and was %.0f", s.meter, said, true_/per)
		}
	}
	all := func(meters ...string) (v float64) {
		for _, m := range meters {
			per := float64(kWh)
			if strings.HasPrefix(m, "water") {
				per = float64(m3)
			}
			v += float64(y.of(m, 0, hours))/per + off[m]
		}
		return v
	}
	facility := all("grid-a", "grid-b", "generator", "solar") - all("export")
	it := all("ups-01", "ups-02")
	ppa := 0.4 * all("grid-a", "grid-b")
	own := all("solar") - all("export")
	for key, want := range map[string]float64{
		"e_dc_kwh": facility, "e_it_kwh": it, "e_dc_bg_kwh": all("generator"), "w_in_m3": all("water"), "w_in_pot_m3": all("water-potable"),
		"e_reuse_kwh": all("heat"), "e_res_goo_kwh": 90_000_000, "e_res_ppa_kwh": ppa, "e_res_os_kwh": own, "e_res_tot_kwh": 90_000_000 + ppa + own,
		"pue": facility / it, "wue": 1000 * all("water") / it, "erf": all("heat") / facility, "ref": (90_000_000 + ppa + own) / facility,
		"pd_it_kw": 125_000, "cdd": cdd, "mean_it_kw": it / float64(hours), "e_cooling_kwh": all("chillers", "dry-coolers", "pumps"),
	} {
		is(t, r, key, want)
	}
	for _, key := range []string{"e_dc_kwh", "e_it_kwh", "w_in_m3", "e_reuse_kwh"} {
		f := r.Figure(key)
		if c := f.Coverage.Float(); c < 99 || c >= 100 || f.Shares["counter_bridged"].Float() <= 0 || f.Shares["estimated_profile"].Float() <= 0 || f.Shares["measured"].Float() < 0.99 {
			t.Errorf("%s covers %v, by %v", key, c, f.Shares)
		}
	}
	if f := r.Figure("e_dc_kwh"); f.Quality != report.QualityEstimated || !raised(r, "W_GAP_LONG") {
		t.Errorf("a gap of more than a day: %s, %v", f.Quality, codes(r))
	}
	if f := r.Figure("e_it_kwh"); f.Quality != report.QualityMeasured {
		t.Errorf("a gap of three hours: %s", f.Quality)
	}
	var months float64
	for _, m := range r.Months {
		months += m.Facility.Float()
	}
	if len(r.Months) != 12 || !near(months, facility) {
		t.Errorf("%d months of %v kWh, want %v", len(r.Months), months, facility)
	}
	if len(r.Gaps) != len(swaps) {
		t.Errorf("gaps are %+v", r.Gaps)
	}
	for _, x := range r.Issues {
		t.Log(x.String())
	}
	for i := range r.Issues {
		if x := &r.Issues[i]; x.Severity == report.Error {
			t.Errorf("%s", x)
		}
	}
}
