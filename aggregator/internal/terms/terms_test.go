package terms_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/aggregator/internal/terms"
	"github.com/gigawatch/gigawatch/collector/site"
)

const head = "site: s1\ncountry: LU\nzone: DE-LU\ntime_zone: Europe/Luxembourg\n"

// of is what a site of these sections states.
func of(t *testing.T, sections string) account.Terms {
	t.Helper()
	s, err := site.Parse("site.yaml", []byte(head+sections))
	if err != nil {
		t.Fatalf("%v in\n%s", err, sections)
	}
	x, err := terms.Of(s)
	if err == nil {
		_, err = account.NewBasis(x)
	}
	if err != nil {
		t.Fatalf("%v of\n%s", err, sections)
	}
	return x
}

// at is a local time in Luxembourg.
func at(t *testing.T, text string) int64 {
	t.Helper()
	where, err := time.LoadLocation("Europe/Luxembourg")
	if err != nil {
		t.Fatal(err)
	}
	x, err := time.ParseInLocation("2006-01-02 15:04", text, where)
	if err != nil {
		t.Fatal(err)
	}
	return x.UnixMilli()
}

func equal[T any](t *testing.T, what string, want, got T) {
	t.Helper()
	if d := cmp.Diff(want, got, cmpopts.EquateEmpty()); d != "" {
		t.Errorf("%s:\n%s", what, d)
	}
}

func TestWhereASiteIs(t *testing.T) {
	x := of(t, "")
	if x.Location.String() != "Europe/Luxembourg" || x.Zone != "DE-LU" || x.Factor != account.Lifecycle || x.Category != 0 {
		t.Errorf("%+v", x)
	}
	if x := of(t, "grid: {carbon_factor: direct}\n"); x.Factor != account.Direct {
		t.Errorf("%+v", x)
	}
	s, err := site.Parse("site.yaml", []byte("site: s1\ntime_zone: Europe/Paris\nzone: 10YFR-RTE------C\n"))
	if err != nil {
		t.Fatal(err)
	}
	if x, err := terms.Of(s); err != nil || x.Zone != "FR" {
		t.Errorf("a zone by its code is %q, %v", x.Zone, err)
	}
}

func TestMeters(t *testing.T) {
	for name, tc := range map[string]struct {
		text string
		want []account.Meter
	}{
		"two feeds": {`
meters:
  - {id: a, role: grid_input, feed: A, rating: 10 MW}
  - {id: b, role: grid_input, feed: B}
`, []account.Meter{{Name: "a", Quantity: account.GridInput, Rating: 10_000_000_000}, {Name: "b", Quantity: account.GridInput}}},
		"a tree": {`
meters:
  - {id: main, role: distribution}
  - {id: ups, role: ups_output, parent: main}
  - {id: "pdu-[a,b]", role: pdu_output, parent: ups}
`, []account.Meter{
			{Name: "main", Quantity: account.Distribution}, {Name: "ups", Quantity: account.UPSOutput, Parents: []string{"main"}},
			{Name: "pdu-a", Quantity: account.PDUOutput, Parents: []string{"ups"}}, {Name: "pdu-b", Quantity: account.PDUOutput, Parents: []string{"ups"}},
		}},
		"a backup stands where its primary does": {`
meters:
  - {id: main, role: distribution}
  - {id: ups, role: ups_output, parent: main}
  - {id: bms, role: ups_output, backup_of: ups}
`, []account.Meter{
			{Name: "main", Quantity: account.Distribution}, {Name: "ups", Quantity: account.UPSOutput, Parents: []string{"main"}},
			{Name: "bms", Quantity: account.UPSOutput, Backup: "ups"},
		}},
		"an office behind the meter, and its backup": {`
meters:
  - {id: office, role: distribution, taken_off: true}
  - {id: office-2, role: distribution, backup_of: office}
`, []account.Meter{{Name: "office", Less: true}, {Name: "office-2", Backup: "office"}}},
		"heat that comes back": {`
meters:
  - {id: out, role: heat_reuse, point: out}
  - {id: back, role: heat_reuse, point: back, taken_off: true}
`, []account.Meter{{Name: "out", Quantity: account.HeatReuse}, {Name: "back", Quantity: account.HeatReuse, Less: true}}},
		"water": {`
meters:
  - {id: mains, role: water_total, water: fresh, point: mains}
  - {id: rain, role: water_total, water: reused, point: rain}
  - {id: taps, role: water_potable}
`, []account.Meter{
			{Name: "mains", Quantity: account.WaterTotal, Scope: account.Fresh}, {Name: "rain", Quantity: account.WaterTotal, Scope: account.Reused},
			{Name: "taps", Quantity: account.WaterPotable},
		}},
		"a chiller that tells its heat alone": {`
meters:
  - {id: main, role: distribution}
  - {id: chiller, role: cooling, measures: [heat], parent: main}
`, []account.Meter{{Name: "main", Quantity: account.Distribution}, {Name: "chiller"}}},
		"what a direct line delivers is no energy of the site": {`
meters:
  - {id: wind, role: distribution}
contracts:
  ppa: [{name: p, technology: wind_onshore, meter: wind, guarantees_retired: true}]
`, []account.Meter{{Name: "wind"}}},
		"what may lack below": {`
meters:
  - {id: main, role: distribution, tolerance: 3 %}
  - {id: ups, role: ups_output, parent: main, tolerance: {least: -1 %, most: 4.5 %}}
  - {id: pdu, role: pdu_output, parent: ups}
`, []account.Meter{
			{Name: "main", Quantity: account.Distribution, Low: -0.03, High: 0.03},
			{Name: "ups", Quantity: account.UPSOutput, Parents: []string{"main"}, Low: -0.01, High: 0.045},
			{Name: "pdu", Quantity: account.PDUOutput, Parents: []string{"ups"}},
		}},
		"devices one after another": {`
meters:
  - id: a
    role: grid_input
    installations:
      - {serial: x, from: 2026-01-10 09:00, to: 2026-05-12 10:30, initial: 0 kWh, final: 5 kWh}
      - {serial: y, from: 2026-05-12 11:00, to: 2026-08-01, initial: 0 kWh, final: 5 kWh}
`, []account.Meter{{Name: "a", Quantity: account.GridInput, From: at(t, "2026-01-10 09:00"), To: at(t, "2026-08-01 00:00")}}},
	} {
		equal(t, name, tc.want, of(t, tc.text).Meters)
	}
}

func TestITIsMeteredWhereAllRacksAreReached(t *testing.T) {
	const racks = "halls: h1\nracks: [{id: \"r[1-2]\", hall: h1}]\n"
	for name, tc := range map[string]struct {
		text string
		want int
	}{
		"UPS":                           {"meters: [{id: u, role: ups_output}, {id: \"r[1-2]-p\", role: pdu_output, rack: \"r[1-2]\", parent: u}]\n", 1},
		"a UPS for one of two racks":    {"meters: [{id: u, role: ups_output, rack: r1}, {id: \"r[1-2]-p\", role: pdu_output, rack: \"r[1-2]\"}]\n", 2},
		"IT input":                      {"meters: [{id: i, role: it_input}]\n", 3},
		"nothing that IT is metered by": {"meters: [{id: g, role: grid_input}]\n", 0},
	} {
		if got := of(t, racks+tc.text).Category; got != tc.want {
			t.Errorf("%s: category %d, want %d", name, got, tc.want)
		}
	}
}

func TestFuels(t *testing.T) {
	const meters = "meters: [{id: g1, role: generator_output, point: \"1\"}, {id: g2, role: generator_output, point: \"2\"}, {id: chp, role: onsite_generation}]\n"
	diesel := account.Fuel{Name: "diesel at 700 g/kWh", Milligrams: 700_000}
	for name, tc := range map[string]struct {
		text  string
		fuels []account.Fuel
		burns map[string]string
	}{
		"one fuel for all": {"generators: [{id: \"d[1-2]\", fuel: diesel, factor: 700 g/kWh}]\n", []account.Fuel{diesel}, map[string]string{"g1": diesel.Name, "g2": diesel.Name}},
		"each its own": {"generators: [{id: d, fuel: diesel, factor: 700 g/kWh, meter: g1}, {id: h, fuel: hvo, factor: 30 g/kWh, meter: g2}, {id: b, fuel: biogas, factor: 0 g/kWh, meter: chp}]\n",
			[]account.Fuel{diesel, {Name: "hvo at 30 g/kWh", Milligrams: 30_000, Renewable: true}, {Name: "biogas at 0 g/kWh", Renewable: true}},
			map[string]string{"g1": diesel.Name, "g2": "hvo at 30 g/kWh", "chp": "biogas at 0 g/kWh"}},
		"two through one meter": {"generators: [{id: d, fuel: diesel, factor: 700 g/kWh, meter: g1}, {id: h, fuel: hvo, factor: 30 g/kWh, meter: g1}]\n",
			[]account.Fuel{diesel, {Name: "hvo at 30 g/kWh", Milligrams: 30_000, Renewable: true}}, map[string]string{}},
		"a factor that nobody said": {"generators: [{id: d, fuel: diesel}]\n", nil, map[string]string{}},
	} {
		x := of(t, meters+tc.text)
		burns := map[string]string{}
		for _, m := range x.Meters {
			if m.Fuel != "" {
				burns[m.Name] = m.Fuel
			}
		}
		equal(t, name, tc.fuels, x.Fuels)
		equal(t, name, tc.burns, burns)
	}
}

func TestBoundary(t *testing.T) {
	x := of(t, `
meters: [{id: u, role: ups_output}, {id: p, role: pdu_output, parent: u}]
boundary:
  wue_category: 2
  heat_for_own_cooling: 12.5 %
  parts: [{name: hall 1, supply: u, it: p}]
  other_energy:
    - {name: oil, energy: 120 MWh, emitted: 32 t, first_day: 2026-01-01, last_day: 2026-12-31, evidence: invoice}
    - {name: cold, energy: 10 kWh, counts_as: 40 %, first_day: 2026-03-29, last_day: 2026-03-29, evidence: invoice}
    - {name: not ours, energy: 10 kWh, counts_as: 0 %, first_day: 2026-01-01, last_day: 2026-01-31, evidence: invoice}
`)
	if x.WaterCategory != 2 || x.HeatSelfUse != 125_000 {
		t.Errorf("%+v", x)
	}
	equal(t, "parts", []account.Part{{Name: "hall 1", Supply: []string{"u"}, IT: []string{"p"}}}, x.Parts)
	equal(t, "carriers", []account.Carrier{
		{Name: "oil", From: at(t, "2026-01-01 00:00"), To: at(t, "2027-01-01 00:00"), Millijoules: 120_000 * 3_600_000_000, Weight: 1_000_000, Micrograms: 32_000_000_000_000},
		{Name: "cold", From: at(t, "2026-03-29 00:00"), To: at(t, "2026-03-30 00:00"), Millijoules: 36_000_000_000, Weight: 400_000},
		{Name: "not ours", From: at(t, "2026-01-01 00:00"), To: at(t, "2026-02-01 00:00")}, // no weight would be all of it
	}, x.Carriers)
	if d := x.Carriers[1].To - x.Carriers[1].From; d != 23*3_600_000 {
		t.Errorf("the day on which clocks go forward has %d ms", d)
	}
}

func TestHowMuchMustBeKnown(t *testing.T) {
	for text, want := range map[string]account.Coverage{
		"": {}, "coverage: {period: 90 %}\n": {Period: 0.9}, "coverage: {period: 97.5 %, year: 99.5 %}\n": {Period: 0.975, Year: 0.995},
	} {
		equal(t, text, want, of(t, text).Coverage)
	}
}

func TestContracts(t *testing.T) {
	const mwh = 1000 * 3_600_000_000
	begin, end := at(t, "2026-01-01 00:00"), at(t, "2027-01-01 00:00")
	for name, tc := range map[string]struct {
		text string
		want []account.Contract
	}{
		"a share": {"ppa: [{name: w, technology: wind_onshore, share: 40 %, guarantees_retired: true, factor: 11 g/kWh, first_day: 2026-01-01, last_day: 2026-12-31, evidence: x}]",
			[]account.Contract{{Name: "ppa w", Kind: account.PPA, Share: 400_000, Milligrams: 11_000, Renewable: true, CarbonFree: true, From: begin, To: end, Evidence: "x"}}},
		"a volume of one year and a half": {"ppa: [{name: w, technology: nuclear, volume: 365 MWh, guarantees_retired: true, first_day: 2026-01-01, last_day: 2027-01-10}]",
			[]account.Contract{{Name: "ppa w", Kind: account.PPA, CarbonFree: true, From: begin, To: at(t, "2027-01-11 00:00"),
				Volumes: []account.Volume{{From: begin, To: end, Millijoules: 365 * mwh}, {From: end, To: at(t, "2027-01-11 00:00"), Millijoules: 10 * mwh}}}}},
		"what a meter shows": {"ppa: [{name: w, technology: solar, meter: line, guarantees_retired: true}]",
			[]account.Contract{{Name: "ppa w", Kind: account.PPA, Renewable: true, CarbonFree: true, Meter: "line"}}},
		"what the site itself generates":    {"ppa: [{name: roof, technology: solar, meter: solar, guarantees_retired: true}]", nil},
		"guarantees that stay with another": {"ppa: [{name: w, technology: solar, share: 40 %}]", nil},
		"biomass emits":                     {"ppa: [{name: b, technology: biomass, share: 1 %, factor: 230 g/kWh, guarantees_retired: true}]", []account.Contract{{Name: "ppa b", Kind: account.PPA, Share: 10_000, Milligrams: 230_000, Renewable: true}}},
		"guarantees for a year": {"guarantees: [{id: g1, volume: 300 MWh, technology: solar, produced: {first_day: 2025-06-01, last_day: 2025-09-30}, retired: 2026-03-01, year: 2026}]",
			[]account.Contract{{Name: "guarantees g1", Kind: account.GuaranteeOrigin, Renewable: true, CarbonFree: true, Volumes: []account.Volume{{From: begin, To: end, Millijoules: 300 * mwh}}}}},
		"guarantees for their production": {"guarantees: [{id: g1, volume: 300 MWh, technology: nuclear, produced: {first_day: 2026-01-01, last_day: 2026-12-31}, retired: 2027-03-01}]",
			[]account.Contract{{Name: "guarantees g1", Kind: account.GuaranteeOrigin, CarbonFree: true, Volumes: []account.Volume{{From: begin, To: end, Millijoules: 300 * mwh}}}}},
		"guarantees of own generation that others hold": {"own_generation: [{id: g1, volume: 12 MWh, produced: {first_day: 2026-01-01, last_day: 2026-12-31}}]",
			[]account.Contract{{Name: "own generation g1", Kind: account.OwnGeneration, Volumes: []account.Volume{{From: begin, To: end, Millijoules: 12 * mwh, Unretired: 12 * mwh}}}}},
		"guarantees of own generation that are retired": {"own_generation: [{id: g1, volume: 12 MWh, retired: 2027-02-01, evidence: x, produced: {first_day: 2026-01-01, last_day: 2026-12-31}}]",
			[]account.Contract{{Name: "own generation g1", Kind: account.OwnGeneration, Volumes: []account.Volume{{From: begin, To: end, Millijoules: 12 * mwh}}, Evidence: "x"}}},
		"guarantees that are not retired": {"guarantees: [{id: g1, volume: 300 MWh, technology: solar, produced: {first_day: 2026-01-01, last_day: 2026-12-31}}]", nil},
		"suppliers": {"supply: [{name: a, share: 30 %, factor: 210 g/kWh}, {name: a, share: 70 %, factor: 0 g/kWh, first_day: 2026-01-01}, {name: c, share: 0 %, factor: 1 g/kWh}]",
			[]account.Contract{{Name: "supply a", Kind: account.SupplierMix, Share: 300_000, Milligrams: 210_000}, {Name: "supply a (2)", Kind: account.SupplierMix, Share: 700_000, From: begin}}},
		"a supplier without a factor": {"supply: [{name: a}]", nil},
	} {
		x := of(t, "meters: [{id: grid, role: grid_input}, {id: line, role: grid_input, feed: W}, {id: solar, role: onsite_generation}]\ncontracts:\n  "+tc.text+"\n")
		equal(t, name, tc.want, x.Contracts)
	}
	x := of(t, "contracts: {residual: [{year: 2026, factor: 450 g/kWh, source: AIB}]}\n")
	equal(t, "residual mix", []account.Residual{{Year: 2026, Milligrams: 450_000, Source: "AIB"}}, x.Residuals)
}

func TestTariffs(t *testing.T) {
	x := of(t, `
tariff:
  - first_day: 2026-01-01
    last_day: 2026-12-31
    fixed_price: 82.50 EUR/MWh
    spot_share: 60 %
    spot_adder: -3.20 EUR/MWh
    grid_fee:
      - {band: high, months: [nov-feb], days: [mon-fri], hours: "07:00-20:00", fee: 24 EUR/MWh}
      - {band: night, hours: "22:00-06:00", fee: 1.15 ct/kWh}
    capacity: 117.60 EUR/kW/year
    tax: 0.50 EUR/MWh
    carbon_price: 55 EUR/t
  - first_day: 2027-01-01
    fixed_price: 9 ct/kWh
`)
	equal(t, "tariffs", []account.Tariff{
		{Name: "from 2026-01-01", From: at(t, "2026-01-01 00:00"), To: at(t, "2027-01-01 00:00"), Currency: "EUR", Fixed: 82_500, SpotShare: 600_000, SpotAdder: -3_200,
			Bands: []account.Band{
				{Name: "high", Months: 0b1100_0000_0011, Days: 0b0111110, From: 420, To: 1200, Price: 24_000},
				{Name: "night", From: 1320, To: 360, Price: 11_500},
			}, Unpriced: true, Capacity: 9_800_000, Tax: 500, CO2: 55_000},
		{Name: "from 2027-01-01", From: at(t, "2027-01-01 00:00"), Currency: "EUR", Fixed: 90_000},
	}, x.Tariffs)
}

func TestWhatIsMoreThanCanBeCounted(t *testing.T) {
	for name, text := range map[string]string{
		"other_energy.oil": "boundary: {other_energy: [{name: oil, energy: 4000 TWh, first_day: 2026-01-01, last_day: 2026-12-31, evidence: x}]}\n",
		"ppa.w":            "contracts: {ppa: [{name: w, technology: solar, volume: 4000 TWh, guarantees_retired: true}]}\n",
		"own_generation.g": "contracts: {own_generation: [{id: g, volume: 4000 TWh, produced: {first_day: 2025-06-01, last_day: 2025-09-30}}]}\n",
		"guarantees.g":     "contracts: {guarantees: [{id: g, volume: 4000 TWh, technology: solar, retired: 2026-03-01, year: 2026, produced: {first_day: 2025-06-01, last_day: 2025-09-30}}]}\n",
	} {
		s, err := site.Parse("site.yaml", []byte(head+text))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := terms.Of(s); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTheExampleIsWhole(t *testing.T) {
	s, err := site.Parse("site.yaml", site.Example)
	if err != nil {
		t.Fatal(err)
	}
	x, err := terms.Of(s)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := account.NewBasis(x); err != nil {
		t.Error(err)
	}
	if len(x.Meters) != len(s.Meters) {
		t.Errorf("%d of %d meters", len(x.Meters), len(s.Meters))
	}
}
