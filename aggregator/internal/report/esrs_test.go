package report_test

import (
	"strings"
	"testing"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/aggregator/internal/report"
)

func kilograms(v float64) account.KPI { return account.KPI{Value: &v, Coverage: 1, Unit: "kg"} }

const esrsSite = `
meters:
  - {id: grid, role: grid_input}
  - {id: pv, role: onsite_generation}
  - {id: diesel, role: generator_output}
  - {id: ups, role: ups_output}
it_power: {power: 2 MW, evidence: list}
contracts:
  guarantees:
    - {id: G-1, volume: 300 MWh, technology: solar, produced: {first_day: 2026-01-01, last_day: 2026-06-30}, retired: 2026-09-15, year: 2026, evidence: register}
`

// recordOf is a site whose grid gives 1,000 kWh an hour, its panels 50 and its
// generator 10, through December.
func recordOf(t *testing.T, entries ...string) report.ESRSPart {
	t.Helper()
	l := &fakeLedger{perHour: map[string]float64{"grid": 1000, "pv": 50, "diesel": 10, "ups": 900}, kpis: map[string]account.KPI{
		"carbon_location": kilograms(186_000), "carbon_market": kilograms(200_000), "carbon_scope1": kilograms(5208),
		"carbon_hourly": kilograms(150_000), "carbon_market_hourly": kilograms(190_000), "cfe": kilograms(0.3),
	}}
	in := faked(t, esrsSite+begun("2026-12", entries...), l)
	r := build(t, in)
	b, err := r.JSON()
	if err != nil {
		t.Fatal(err)
	}
	return report.ESRSPart{Record: r, Bytes: b, State: report.Locked, Site: in.Site}
}

func TestAnESRSExtractFollowsFromTheRecord(t *testing.T) {
	x, err := report.ESRSOf(2026, []report.ESRSPart{recordOf(t, "grid_nuclear_share", "0.2")}, "")
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range x.Sites[0].Figures {
		if f.Value == nil {
			t.Errorf("%s: %s", f.Key, f.Missing)
			continue
		}
		got[f.Key] = f.Value.Float()
	}
	const hours = 744.0
	for key, want := range map[string]float64{
		"energy_mwh": 1.06 * hours, "energy_renewable_mwh": 300 + 0.05*hours, "energy_renewable_purchased_mwh": 300, "energy_renewable_own_mwh": 0.05 * hours,
		"energy_renewable_fuel_mwh": 0, "energy_non_renewable_mwh": 1.01*hours - 300, "energy_nuclear_mwh": 0.2 * (hours - 300), "energy_fossil_mwh": 1.01*hours - 300 - 0.2*(hours-300),
		"own_renewable_mwh": 0.05 * hours, "own_non_renewable_mwh": 0.01 * hours,
		"scope1_t": 5.208, "scope2_location_t": 186, "scope2_market_t": 200, "scope2_location_hourly_t": 150, "scope2_market_hourly_t": 190, "cfe_hourly": 0.3,
		"bundled_pct": 0, "unbundled_pct": 40.323,
	} {
		if !near(got[key], want) {
			t.Errorf("%s is %v, want %v", key, got[key], want)
		}
	}
	if len(got) != 18 || len(x.Issues) != 0 {
		t.Errorf("%d figures, issues %v", len(got), x.Issues)
	}
	goldenStatement(t, x, "esrs")
}

func TestAnESRSExtractSaysWhatItLacks(t *testing.T) {
	a, b := recordOf(t, "grid_nuclear_share", "0.2"), recordOf(t, "backup_fuel_renewable", `"yes"`)
	b.State = report.Draft
	x, err := report.ESRSOf(2026, []report.ESRSPart{a, b}, "")
	if err != nil {
		t.Fatal(err)
	}
	figure := func(list []report.Figure, key string) *report.Figure {
		for i := range list {
			if list[i].Key == key {
				return &list[i]
			}
		}
		t.Fatalf("no %s", key)
		return nil
	}
	if f := figure(x.Sites[1].Figures, "energy_fossil_mwh"); f.Value != nil || !strings.Contains(f.Missing, "grid_nuclear_share") {
		t.Errorf("%+v", f)
	}
	if f := figure(x.Sites[1].Figures, "energy_renewable_fuel_mwh"); !near(f.Value.Float(), 7.44) {
		t.Errorf("%+v", f)
	}
	if f := figure(x.Total, "energy_nuclear_mwh"); f.Value != nil || !strings.Contains(f.Missing, "s1") {
		t.Errorf("a sum without one of its parts: %+v", f)
	}
	if f := figure(x.Total, "energy_mwh"); !near(f.Value.Float(), 2*1.06*744) {
		t.Errorf("%+v", f)
	}
	codes := ""
	for _, i := range x.Issues {
		codes += i.Code + " "
	}
	if codes != "W_RECORD_DRAFT W_MISSING W_MISSING " {
		t.Error(codes)
	}
}

func TestAFleetShowsBothAverages(t *testing.T) {
	part := func(name, country string, facility, it float64) report.ESRSPart {
		l := &fakeLedger{perHour: map[string]float64{"grid": facility, "ups": it}}
		in := faked(t, "meters:\n  - {id: grid, role: grid_input}\n  - {id: ups, role: ups_output}\nit_power: {power: 200 MW, evidence: list}\n"+begun("2026-12"), l)
		r := build(t, in)
		r.Site, r.Country = name, country
		return report.ESRSPart{Record: r, State: report.Draft, Site: in.Site}
	}
	main, _ := rules(t, 2026, "LU")
	x, err := report.FleetStatementOf(2026, []report.ESRSPart{part("b", "LU", 80_000, 72_000), part("a", "LU", 20_000, 16_000), part("c", "FR", 10_000, 8_000)}, main, "")
	if err != nil {
		t.Fatal(err)
	}
	if x.Official || x.Groups[0].Sites != 3 || x.Groups[0].By != "all" || x.Sites[0].Site != "a" || x.Sites[0].Previews[0].Class != "B" {
		t.Errorf("%+v", x)
	}
	for _, g := range x.Groups {
		average := map[string]string{}
		for _, f := range g.Averages {
			if f.Value != nil {
				average[f.Key] = f.Value.String()
			}
		}
		if g.By == "country" && g.Of == "LU" && (average["pue_edc_weighted"] != "1.138888889" || average["pue_ratio_of_sums"] != "1.136363636" || g.Published) {
			t.Errorf("%+v", g)
		}
		if g.By == "type" && !g.Published {
			t.Errorf("three sites are published: %+v", g)
		}
	}
	goldenStatement(t, x, "fleet")
}
