package report_test

import (
	"testing"
)

// The vectors of the specification, each from what meters show through the ledger
// to the record.

func TestVectorT1NordicFactoryWithHeatReuse(t *testing.T) {
	p := &plant{t: t, grams: func(int64) float64 { return 30 }}
	p.site = parse(t, siteHead+`
meters:
  - {id: grid, role: grid_input}
  - {id: pv, role: onsite_generation}
  - {id: ups, role: ups_output}
  - {id: mains, role: water_total, water: fresh, feed: A}
  - {id: rain, role: water_total, water: reused, feed: B}
  - {id: heat, role: heat_reuse}
it_power: {power: 15 MW, evidence: list}
boundary: {wue_category: 2}
contracts:
  guarantees:
    - {id: FI-1, volume: 60 GWh, technology: wind_onshore, produced: {first_day: 2026-01-01, last_day: 2026-06-30}, retired: 2026-09-15, year: 2026, evidence: register}
  ppa:
    - {name: park, technology: wind_onshore, volume: 35 GWh, guarantees_retired: true, evidence: contract, first_day: 2026-01-01}
`+stated(whole...))
	from, to := luxembourg(t, 2026, 1, 1), luxembourg(t, 2027, 1, 1)
	p.flows = map[string]flow{
		"grid": evenly(100_000_000*kWh, 8760), "pv": evenly(1_178_000*kWh, 8760), "ups": evenly(91_980_000*kWh, 8760),
		"mains": evenly(900*m3, 8760), "rain": evenly(300*m3, 8760), "heat": evenly(35_412_300*kWh, 8760),
	}
	p.seal(from, to)
	r := build(t, p.input(2026))
	for key, want := range map[string]float64{
		"e_dc_kwh": 101_178_000, "e_it_kwh": 91_980_000, "w_in_m3": 1200, "w_in_fre_m3": 900, "e_reuse_kwh": 35_412_300,
		"e_res_goo_kwh": 60_000_000, "e_res_ppa_kwh": 35_000_000, "e_res_os_kwh": 1_178_000, "e_res_tot_kwh": 96_178_000,
		"pue": 1.1, "wue": 0.013046314, "erf": 0.35, "ref": 0.950582142,
		// The vector applies the grid's factor to what the site generates, too.
		"co2_location_kg": 3_000_000, "cue_lb": 3_000_000 / 91_980_000.0,
	} {
		is(t, r, key, want)
	}
	t.Log(codes(r))
}
