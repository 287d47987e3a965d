package site_test

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/site"
)

// parse is a site that is in order; head, with its name and time zone, goes
// before text.
func parse(t *testing.T, text string) *site.Site {
	t.Helper()
	s, err := site.Parse("site.yaml", []byte("site: x\ncountry: BE\nzone: BE\ntime_zone: Europe/Brussels\n"+text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func names(ms []*site.Meter) (ids []string) {
	for _, m := range ms {
		ids = append(ids, m.ID)
	}
	return ids
}

func equal(t *testing.T, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s: want -, got +\n%s", what, diff)
	}
}

func TestExampleIsInOrderAndHasEveryFigure(t *testing.T) {
	s, err := site.Parse("site.yaml", site.Example)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range s.Check() {
		t.Error(p)
	}
	for _, o := range s.Outlooks() {
		if !o.Have {
			t.Errorf("%s: %s", o.Name, o.Text)
		}
	}
	at := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	equal(t, "inventory", s.Expected(at), site.Inventory{Racks: 2, Hosts: 12, GPUs: 96, Power: 122_400_000})
	equal(t, "grid", names(s.MetersOf(metric.RoleGridInput)), []string{"grid-a", "grid-b"})
	equal(t, "zone", s.Zone.EIC, "10Y1001A1001A82H")
	equal(t, "connection", s.Grid.Connection.Watts(), 400e3)
	equal(t, "category", s.ITCategory(), site.Category{Number: 1, Role: metric.RoleUPSOutput, Meters: 2, Racks: 2, Of: 2})

	equal(t, "coverage", s.Coverage, site.Coverage{Period: 950_000, Year: 990_000})
	equal(t, "limits", s.Bounds, site.Bounds{PUE: 1.35, Coolant: 40_000, Year: site.YearBounds{Energy: 3e9, Carbon: 900e9, Water: 5_000_000, PUE: 1.3}})
	equal(t, "tolerance", *s.Meter("ups-02").Tolerance, site.Tolerance{Least: -10_000, Most: 40_000})

	b := s.Meter("r0002-pdu-b")
	equal(t, "what it feeds", b.Racks, []string{"r0002"})
	equal(t, "parents", b.Parents, []string{"ups-01", "ups-02"})
	equal(t, "its address", b.Read.Redfish.URL, "https://10.20.3.2")
	equal(t, "the other's", s.Meter("r0001-pdu-a").Read.SNMP.Address, "10.20.2.1:161")
	equal(t, "period", b.Read.Every, 30*time.Second)
	equal(t, "protocols", []string{s.Meter("grid-a").Read.Protocol(), s.Meter("grid-a-settlement").Read.Protocol(), s.Meter("chillers").Read.Protocol()}, []string{"modbus", "csv", "mqtt"})
	equal(t, "instances", s.Meter("dry-cooler-2").Read.BACnet.Objects[1].Instance, 2)
	equal(t, "nodes", s.Meter("lighting").Read.OPCUA.Nodes[1].ID, "ns=2;s=Lighting.E")

	hot := s.Meter("heat").Read.Modbus
	equal(t, "a register", hot.Values[3], site.RegisterValue{Field: site.Field{Measures: site.MeasuresTemperature, Point: "return", Unit: "C", Scale: "0.1"}, Offset: 13, Type: "s16"})
	equal(t, "its function", hot.Function, 3)

	e, ok := s.Answer("bw_in_gbs", 2026)
	if digits, decimals, isNumber := e.Value.Number(); !ok || digits != "50" || decimals != 0 || !isNumber {
		t.Errorf("bandwidth of 2026: %v %v", e, ok)
	}
	if _, ok := s.Answer("bw_in_gbs", 2025); ok {
		t.Error("bandwidth of 2025 is known")
	}
	if e, ok := s.Answer("s_dc_m2", 2031); !ok || e.Value.String() != "900" || e.Evidence == "" {
		t.Errorf("floor area of 2031: %v %v", e, ok)
	}
}

// The keys behind comment signs are in order, too.
func TestExampleWithoutCommentSignsIsInOrder(t *testing.T) {
	var b strings.Builder
	for line := range strings.Lines(string(site.Example)) {
		bare := strings.TrimLeft(line, " ")
		if rest, ok := strings.CutPrefix(bare, "# "); ok && (strings.HasPrefix(bare, "# first_day:") || strings.HasPrefix(bare, "# by:") || strings.HasPrefix(bare, "# network:") || strings.HasPrefix(bare, "# mac:") || strings.HasPrefix(bare, "# timestamps:") || strings.HasPrefix(bare, "# check_unit:") || strings.HasPrefix(bare, "# rolls_over_at:") || strings.HasPrefix(line, "  # ")) {
			key, _, isKey := strings.Cut(strings.TrimLeft(rest, " -"), ":")
			if isKey && !strings.Contains(key, " ") {
				line = line[:len(line)-len(bare)] + rest
			}
		}
		b.WriteString(line)
	}
	s, err := site.Parse("site.yaml", []byte(b.String()))
	if err != nil {
		t.Fatalf("%v in\n%s", err, b.String())
	}
	equal(t, "agent", s.Meter("grid-a").Read.By, "meters-1")
	equal(t, "part", s.Boundary.Parts[0].IT, []string{"r0001-pdu-a", "r0001-pdu-b", "r0002-pdu-a", "r0002-pdu-b"})
	equal(t, "oil", s.Boundary.Other[0].Emitted.String(), "32 t")
	equal(t, "guarantees of own generation", s.Contracts.Own[0].Volume.String(), "12 MWh")
}

func TestMeterThatWasChangedIsExact(t *testing.T) {
	s, err := site.Parse("site.yaml", site.Example)
	if err != nil {
		t.Fatal(err)
	}
	m := s.Meter("grid-a")
	swap := time.Date(2026, 5, 12, 8, 30, 0, 0, time.UTC) // 10:30 in summer
	for name, tc := range map[string]struct {
		at   time.Time
		want string
	}{
		"before there was one":   {time.Date(2025, 3, 1, 7, 59, 59, 0, time.UTC), "none"},
		"from its first moment":  {time.Date(2025, 3, 1, 8, 0, 0, 0, time.UTC), "2210-0417"},
		"just before the change": {swap.Add(-1), "2210-0417"},
		"at the change":          {swap, "2611-0032"},
		"years later":            {swap.AddDate(9, 0, 0), "2611-0032"},
	} {
		got := "none"
		if i := m.At(tc.at); i != nil {
			got = i.Serial
		}
		equal(t, name, got, tc.want)
	}
	final, ok := m.Installed[0].Final.Amount()
	if want := int64(1284117.6 * 10 * 360_000_000); !ok || final != want {
		t.Errorf("the old one ended at %d mJ, want %d", final, want)
	}
	initial, _ := m.Installed[1].Initial.Amount()
	equal(t, "the new one began at", initial, int64(124*360_000_000))
}

func TestRatioIsAppliedOnlyWhereTheDeviceDoesNot(t *testing.T) {
	s := parse(t, `
meters:
  - id: a
    role: grid_input
    feed: A
    ct: 400/5
    vt: 20000/100
  - id: b
    role: grid_input
    feed: B
    ct: 400/5
    vt: 20000/100
    apply_ratio: true
    serial: "7"
`)
	equal(t, "the device does", s.Meter("a").Installed[0].Factor(), 1.)
	equal(t, "it does not", s.Meter("b").Installed[0].Factor(), 80*200.)
	equal(t, "plate", s.Meter("b").Installed[0].VT.String(), "20000/100")
	equal(t, "serial", s.Meter("b").At(time.Now()).Serial, "7")
}

func TestInventoryFollowsTheCalendar(t *testing.T) {
	s := parse(t, `
racks:
  - id: r[1-2]
    last_day: 2026-03-28
    hosts:
      - number: 4
        gpus: 8
  - id: r[3-4]
    first_day: 2026-03-29
    hosts:
      - names: "{rack}-n[1-3]"
        gpus: 4
      - names: a[1-2]
`)
	night := time.Date(2026, 3, 28, 23, 0, 0, 0, time.UTC) // midnight in Brussels
	equal(t, "before", s.Expected(night.Add(-1)), site.Inventory{Racks: 2, Hosts: 8, GPUs: 64, Unrated: 8})
	equal(t, "after", s.Expected(night), site.Inventory{Racks: 2, Hosts: 8, GPUs: 24, Unrated: 8})
	var hosts []string
	for _, h := range s.Rack("r4").Hosts {
		hosts = append(hosts, h.Name)
	}
	equal(t, "hosts of the last", hosts, []string{"r4-n1", "r4-n2", "r4-n3", "a2"})
}

// What the collector has descriptions of, people may name.
func TestProfilesAreThoseOfTheCollector(t *testing.T) {
	for _, protocol := range []string{"modbus", "snmp"} {
		files, err := filepath.Glob("../internal/meter/" + protocol + "/profiles/*.yaml")
		if err != nil || len(files) == 0 {
			t.Logf("the collector has no files of %s profiles", protocol)
			continue
		}
		var list []string
		for _, f := range files {
			list = append(list, strings.TrimSuffix(filepath.Base(f), ".yaml"))
		}
		slices.Sort(list)
		equal(t, protocol, site.Profiles(protocol), list)
	}
}

func TestLoadSaysWhichFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "site.yaml")
	if s, err := site.Load(path); s != nil || err == nil || !strings.Contains(err.Error(), "read site: open "+path) {
		t.Errorf("nothing there: %v, %v", s, err)
	}
	if err := os.WriteFile(path, []byte("site: x\ntime_zone: UTC\nname: [\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if s, err := site.Load(path); s == nil || err == nil || !strings.HasPrefix(err.Error(), path+":3: ") {
		t.Errorf("no YAML: %v, %v", s, err)
	}
}

func TestQuantitiesAreReadAsTheyAreWritten(t *testing.T) {
	for text, want := range map[string]string{
		"150 MW": "150 MW", "150MW": "150 MW", "0.15 GW": "150 MW", "45 kW": "45 kW", "45000 W": "45 kW", "1.5 kW": "1.5 kW",
		"999.999 W": "999.999 W", "0 W": "0 W", "1234567.891 W": "1.234567891 MW",
	} {
		s := parse(t, "grid:\n  connection: "+text+"\n")
		got := s.Grid.Connection
		equal(t, text, got.String(), want)
		equal(t, text+" again", parse(t, "grid:\n  connection: "+got.String()+"\n").Grid.Connection, got)
	}
	s := parse(t, `
contracts:
  residual:
    - {year: 2026, factor: 0.45 kg/kWh, source: a}
    - {year: 2027, factor: 450 gCO2e/kWh, source: a}
    - {year: 2028, factor: 0.45 t/MWh, source: a}
  ppa:
    - {name: a, share: 33.3333 %, guarantees_retired: true}
    - {name: b, volume: 2.63 TWh, guarantees_retired: true}
    - {name: c, volume: 3600 GJ, guarantees_retired: true}
tariff:
  - fixed_price: 8.25 ct/kWh
    tax: 0.5 EUR/MWh
    capacity: 120 EUR/kW/year
    carbon_price: 70 EUR/t
set_points:
  - intake_air: 24.5 °C
meters:
  - {id: w, role: water_total, max_flow: 10 L/s, rollover: 100000 m3}
  - {id: cdu, role: cooling, measures: [heat, flow], min_flow: 6 m3/h}
`)
	for _, r := range s.Contracts.Residual {
		equal(t, "residual", r.Factor, site.Factor(450_000))
	}
	equal(t, "share", s.Contracts.PPAs[0].Share, site.Share(333_333))
	equal(t, "volume", s.Contracts.PPAs[1].Volume.String(), "2.63 TWh")
	equal(t, "heat", s.Contracts.PPAs[2].Volume.KWh(), 1e6)
	equal(t, "fixed price", s.Tariffs[0].Fixed, site.EnergyPrice(82_500))
	equal(t, "tax", s.Tariffs[0].Tax, site.EnergyPrice(500))
	equal(t, "capacity", s.Tariffs[0].Capacity, site.CapacityPrice(10_000_000))
	equal(t, "carbon", s.Tariffs[0].Carbon, site.CarbonPrice(70_000))
	equal(t, "intake", s.SetPoints[0].Intake.Celsius(), 24.5)
	if f := s.Meter("w").MaxFlow.CubicMetresPerSecond(); math.Abs(f-0.01) > 1e-12 {
		t.Errorf("flow: %g", f)
	}
	equal(t, "least flow", *s.Meter("cdu").MinFlow, site.Flow(6_000_000))
	roll, _ := s.Meter("w").Rollover.Amount()
	equal(t, "rollover", roll, int64(100_000*1_000_000))
}

// A register of a large site holds more than millijoules in an integer do.
func TestRegisterThatIsTooLargeSaysSo(t *testing.T) {
	s := parse(t, "meters:\n  - {id: g, role: grid_input, installations: [{serial: a, initial: 3000 GWh}]}\n")
	r := s.Meter("g").Installed[0].Initial
	if n, ok := r.Amount(); ok {
		t.Errorf("%s is %d mJ", r, n)
	}
	equal(t, "text", r.String(), "3000 GWh")
}
