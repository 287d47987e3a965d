package redfish

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gigawatch/gigawatch/collector/internal/meter"
	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/site"
	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// A reading by hand: gauges in their units, energy in millijoules.
type reading struct {
	watts, heat, flow, supply, back, inSupply, inBack float64 // NaN is missing; so is zero
	energy                                            uint64
	life                                              string
}

func readingOf(t *testing.T, values []meter.Value) (r reading) {
	t.Helper()
	for _, v := range values {
		switch v.Quantity {
		case meter.Power:
			r.watts = v.Number
		case meter.HeatPower:
			r.heat = v.Number
		case meter.Flow:
			r.flow = v.Number
		case meter.Energy:
			r.energy, r.life = v.Register.Steps, v.Register.Life
			if v.Register.Size != (meter.Size{Num: 1, Den: 1}) {
				t.Errorf("steps of %v mJ", v.Register.Size)
			}
		case meter.Temperature:
			*map[string]*float64{meter.Supply: &r.supply, meter.Return: &r.back, facilitySupply: &r.inSupply, facilityReturn: &r.inBack}[v.Point] = v.Number
		}
	}
	return r
}

func TestResources(t *testing.T) {
	const floor, shelf, ats = "/redfish/v1/PowerEquipment/FloorPDUs/1", "/redfish/v1/PowerEquipment/PowerShelves/1", "/redfish/v1/PowerEquipment/TransferSwitches/1"
	heat := func(m *site.Meter) { m.Role, m.Measures = metric.RoleHeatReuse, []site.Quantity{site.MeasuresHeat} }
	whole := reading{
		watts: 4870.5, energy: 20481_500 * 3_600_000, life: cdu + "/EnvironmentMetrics#EnergykWh.LifetimeReading CDU-77",
		heat: 751_250, flow: 1000. / 60_000, supply: 30.4, back: 41.2, inSupply: 27.5, inBack: 36.4,
	}
	primary := reading{heat: 780_250, flow: 1260. / 60_000, supply: 27.5, back: 36.4}
	first := reading{heat: 417_500, flow: 600. / 60_000, supply: 30, back: 40}
	for name, x := range map[string]struct {
		tree, resource string
		change         func(*site.Meter)
		want           reading
		says           string
	}{
		"a rack PDU":                      {"rack_pdu", pdu, nil, reading{watts: 17250, energy: 325675_250 * 3_600_000, life: pduMetrics + "#EnergykWh.LifetimeReading 29347ZT536"}, ""},
		"the only thing that is there":    {"rack_pdu", "", nil, reading{watts: 17250, energy: 325675_250 * 3_600_000, life: pduMetrics + "#EnergykWh.LifetimeReading 29347ZT536"}, ""},
		"with a slash behind":             {"rack_pdu", pdu + "/", nil, reading{watts: 17250, energy: 325675_250 * 3_600_000, life: pduMetrics + "#EnergykWh.LifetimeReading 29347ZT536"}, ""},
		"the only member of a collection": {"rack_pdu", "/redfish/v1/PowerEquipment/RackPDUs", measuring(site.MeasuresPower), reading{watts: 17250}, ""},
		"its metrics themselves":          {"rack_pdu", pduMetrics, measuring(site.MeasuresPower), reading{watts: 17250}, ""},
		"its mains":                       {"rack_pdu", pdu + "/Mains/AC1", nil, reading{watts: 17262, energy: 325701_500 * 3_600_000, life: pdu + "/Mains/AC1#EnergykWh.Reading 29347ZT536"}, ""},
		"a branch that tells of its reset": {"rack_pdu", pdu + "/Branches/A", nil, reading{
			watts: 5731.5, energy: 108558_420 * 3_600_000, life: pdu + "/Branches/A#EnergykWh.Reading 29347ZT536 2026-03-01T00:00:00Z",
		}, ""},
		"a branch that is absent": {"rack_pdu", pdu + "/Branches/C", nil, reading{}, "Branches/C: its state is Absent"},
		"the branch of two there": {"rack_pdu", pdu + "/Branches", nil, reading{}, "write resource: " + pdu + "/Branches/A, " + pdu + "/Branches/B"},
		"an outlet":               {"rack_pdu", pdu + "/Outlets/1", nil, reading{watts: 3310.4, energy: 86675_400 * 3_600_000, life: pdu + "/Outlets/1#EnergykWh.Reading 29347ZT536"}, ""},
		"an outlet that is off":   {"rack_pdu", pdu + "/Outlets/2", nil, reading{}, "its state is Disabled"},
		"an outlet group":         {"rack_pdu", pdu + "/OutletGroups/Servers", nil, reading{watts: 9931.2, energy: 260026_200 * 3_600_000, life: pdu + "/OutletGroups/Servers#EnergykWh.Reading 29347ZT536"}, ""},
		"one that is not there":   {"rack_pdu", "/redfish/v1/PowerEquipment/RackPDUs/7", nil, reading{}, "get /redfish/v1/PowerEquipment/RackPDUs/7: 404 Not Found; what it has is " + pdu},
		"a chassis": {"rack_pdu", "/redfish/v1/Chassis/PDU1", nil, reading{
			watts: 17251, energy: 1172430900123_400, life: "/redfish/v1/Chassis/PDU1/EnvironmentMetrics#EnergyJoules.Reading 29347ZT536",
		}, ""},
		"what shows no power":        {"rack_pdu", "/redfish/v1/PowerEquipment", nil, reading{}, "shows no power"},
		"the top":                    {"rack_pdu", "/redfish/v1/../../admin", nil, reading{}, "leads elsewhere"},
		"other direction":            {"rack_pdu", pdu, func(m *site.Meter) { m.Read.Invert = true }, reading{watts: 17250}, ""},
		"energy only":                {"rack_pdu", pdu, measuring(site.MeasuresEnergy), reading{energy: 325675_250 * 3_600_000, life: pduMetrics + "#EnergykWh.LifetimeReading 29347ZT536"}, ""},
		"several are there":          {"floor_pdu", "", nil, reading{}, "write resource: " + floor + ", " + shelf + ", " + ats},
		"no metrics but one main":    {"floor_pdu", floor, nil, reading{watts: 212500.75, energy: 9182736_455 * 3_600_000, life: floor + "/Mains/AC1#EnergykWh.LifetimeReading FP-0017"}, ""},
		"a feeder":                   {"floor_pdu", floor + "/Feeders/F1", nil, reading{watts: 171000, energy: 7765432_100 * 3_600_000, life: floor + "/Feeders/F1#EnergykWh.Reading FP-0017"}, ""},
		"a branch without energy":    {"floor_pdu", floor + "/Branches/A1", nil, reading{watts: 41200}, "energy of " + floor + "/Branches/A1: it shows none; write measures: [power]"},
		"no metrics and two mains":   {"floor_pdu", ats, nil, reading{}, ats + " has no Metrics: it has several that may be meant: write resource: " + ats + "/Mains/A, " + ats + "/Mains/B"},
		"one of two mains":           {"floor_pdu", ats + "/Mains/B", measuring(site.MeasuresEnergy), reading{energy: 3_250 * 3_600_000, life: ats + "/Mains/B#EnergykWh.Reading TS-2"}, ""},
		"a shelf measured by power":  {"floor_pdu", shelf, measuring(site.MeasuresPower), reading{watts: 32987.5}, ""},
		"a CDU":                      {"cdu", cdu, cooling, whole, ""},
		"a CDU that is found":        {"cdu", "", func(m *site.Meter) { cooling(m); m.Measures = append(m.Measures, site.MeasuresHeat) }, whole, ""},
		"what a CDU draws":           {"cdu", "", cooling, reading{watts: 4870.5, energy: whole.energy, life: whole.life}, ""},
		"a CDU in another role":      {"cdu", cdu, nil, reading{watts: 4870.5, energy: whole.energy, life: whole.life}, ""},
		"the heat that leaves a CDU": {"cdu", cdu, heat, primary, ""},
		"heat of what is found":      {"cdu", "", heat, primary, ""},
		"all connectors of a side":   {"cdu", cdu + "/SecondaryCoolantConnectors", cooling, reading{heat: whole.heat, flow: whole.flow, supply: whole.supply, back: whole.back}, ""},
		"heat by one connector":      {"cdu", cdu + "/SecondaryCoolantConnectors/1", heat, first, ""},
		"a connector that is absent": {"cdu", cdu + "/SecondaryCoolantConnectors/3", cooling, reading{}, "its state is Absent"},
		"no heat at a PDU":           {"rack_pdu", "", heat, reading{}, "it has nothing that is metered"},
	} {
		t.Run(name, func(t *testing.T) {
			d := serve(t, x.tree)
			if x.change == nil {
				x.change = func(*site.Meter) {}
			}
			r := reader(t, d.meter(x.resource, x.change))
			gives := r.Gives()
			for range 2 {
				values, err := r.Read(t.Context())
				if (err == nil) != (x.says == "") || err != nil && !strings.Contains(err.Error(), x.says) {
					t.Errorf("it says %v; want %s", err, x.says)
				}
				if diff := gocmp.Diff(x.want, readingOf(t, values), gocmp.AllowUnexported(reading{}), cmpopts.EquateApprox(1e-12, 0)); diff != "" {
					t.Error(diff)
				}
				for _, v := range values {
					if !slices.Contains(gives, meter.Kind{Quantity: v.Quantity, Point: v.Point}) {
						t.Errorf("%s at %q was not to be expected", v.Quantity, v.Point)
					}
				}
			}
			if d.most > 1 || d.made > 1 {
				t.Errorf("%d requests at once, %d sessions", d.most, d.made)
			}
		})
	}
}

// Once it is known where values stand, nothing else is asked for.
func TestOnlyWhatIsNeededIsAskedFor(t *testing.T) {
	for tree, x := range map[string]struct {
		resource string
		change   func(*site.Meter)
		want     []string
	}{
		"rack_pdu": {pdu, cooling, []string{"GET " + pduMetrics}},
		"cdu": {cdu, cooling, []string{
			"GET " + cdu + "/EnvironmentMetrics", "GET " + cdu + "/PrimaryCoolantConnectors/1",
			"GET " + cdu + "/SecondaryCoolantConnectors/1", "GET " + cdu + "/SecondaryCoolantConnectors/2", "GET " + cdu + "/SecondaryCoolantConnectors/3",
		}},
	} {
		d := serve(t, tree)
		r := reader(t, d.meter(x.resource, x.change))
		read := func() {
			if _, err := r.Read(t.Context()); err != nil {
				t.Error(err)
			}
		}
		read()
		d.set(func(d *device) { d.asked = nil })
		read()
		var got []string
		for _, q := range d.asked {
			got = append(got, q.what)
		}
		slices.SortFunc(got, cmp.Compare)
		if diff := gocmp.Diff(x.want, got); diff != "" {
			t.Errorf("%s: %s", tree, diff)
		}
	}
}

// A collection may come in pages, which may never end.
func TestPages(t *testing.T) {
	const all = "/redfish/v1/PowerEquipment/RackPDUs"
	d := serve(t, "rack_pdu", func(d *device) {
		d.tree[all] = `{"Members": [], "Members@odata.nextLink": "` + all + `?$skip=1"}`
		d.tree[all+"?$skip=1"] = `{"Members": [{"@odata.id": "` + pdu + `"}]}`
	})
	if values, err := reader(t, d.meter("")).Read(t.Context()); err != nil || len(values) != 2 {
		t.Error(values, err)
	}
	d.set(func(d *device) {
		d.tree[all+"?$skip=1"] = `{"Members": [{"@odata.id": "` + pdu + `"}], "Members@odata.nextLink": "` + all + `?$skip=1"}`
		d.asked = nil
	})
	if _, err := reader(t, d.meter("")).Read(t.Context()); err != nil || d.count("GET "+all) != mostPages {
		t.Errorf("%v, asked for %d pages", err, d.count("GET "+all))
	}
}

// A device that starts may show nothing yet.
func TestADeviceThatStarts(t *testing.T) {
	const all = "/redfish/v1/PowerEquipment/RackPDUs"
	d := serve(t, "rack_pdu")
	whole := d.tree[all]
	d.set(func(d *device) { d.tree[all] = `{"Members": []}` })
	r := reader(t, d.meter(""))
	if _, err := r.Read(t.Context()); err == nil || !strings.Contains(err.Error(), "it has nothing that is metered") || strings.Contains(err.Error(), "\n") {
		t.Error(err)
	}
	d.set(func(d *device) { d.tree[all] = whole })
	if values, err := r.Read(t.Context()); err != nil || len(values) != 2 {
		t.Error(values, err)
	}
}

// Of several members the one that is there is meant.
func TestWhatIsAbsentIsNotMeant(t *testing.T) {
	d := serve(t, "rack_pdu")
	d.replace(pdu+"/Branches/B", `"State": "Enabled"`, `"State": "Absent"`)
	values, err := reader(t, d.meter(pdu+"/Branches")).Read(t.Context())
	if got := readingOf(t, values); err != nil || got.watts != 5731.5 {
		t.Errorf("%+v, %v", got, err)
	}
}

// An outlet that is switched off later shows nothing, whatever stands there.
func TestAnOutletThatIsSwitchedOff(t *testing.T) {
	d := serve(t, "rack_pdu")
	r := reader(t, d.meter(pdu+"/Outlets/1"))
	if values, err := r.Read(t.Context()); err != nil || len(values) != 2 {
		t.Fatal(values, err)
	}
	d.replace(pdu+"/Outlets/1", `"State": "Enabled"`, `"State": "Disabled"`)
	if values, err := r.Read(t.Context()); err == nil || len(values) > 0 || !strings.Contains(err.Error(), "Outlets/1: its state is Disabled") {
		t.Error(values, err)
	}
}

// The serial number is asked for now and then, since a device can be changed
// between two readings.
func TestADeviceThatIsChangedQuickly(t *testing.T) {
	d := serve(t, "rack_pdu")
	r := reader(t, d.meter(pdu))
	read := func() (reading, string) {
		values, err := r.Read(t.Context())
		return readingOf(t, values), fmt.Sprint(err)
	}
	read()
	d.replace(pdu, "29347ZT536", "55555AA111")
	if got, _ := read(); !strings.HasSuffix(got.life, " 29347ZT536") {
		t.Errorf("%+v", got)
	}
	r.checked = r.checked.Add(-recheck)
	if got, _ := read(); !strings.HasSuffix(got.life, " 55555AA111") {
		t.Errorf("%+v", got)
	}
	// One that starts does not know its number yet, and is what it was.
	d.replace(pdu, `"55555AA111"`, "null")
	r.checked = r.checked.Add(-recheck)
	if got, _ := read(); !strings.HasSuffix(got.life, " 55555AA111") {
		t.Errorf("%+v", got)
	}
	d.replace(pdu, `"State": "Enabled"`, `"State": "UnavailableOffline"`)
	r.checked = r.checked.Add(-recheck)
	if got, says := read(); got != (reading{}) || !strings.Contains(says, pdu+": its state is UnavailableOffline") {
		t.Errorf("%+v, %s", got, says)
	}
}

func TestMetersThatRedfishCannotRead(t *testing.T) {
	d := serve(t, "rack_pdu")
	var s Services
	for says, change := range map[string]func(*site.Meter){
		"m is not read by redfish":    func(m *site.Meter) { m.Read.Redfish = nil },
		"nothing of that is measured": func(m *site.Meter) { m.Role, m.Measures = metric.RoleWaterTotal, []site.Quantity{site.MeasuresWater} },
		"energy in one direction":     measuring(site.MeasuresExport),
		pdu + " is no coolant's":      func(m *site.Meter) { m.Role = metric.RoleHeatReuse },
		"a password has no place":     func(m *site.Meter) { m.Read.Redfish.URL = "https://a:b@10.0.0.1" },
		"read its certificates":       func(m *site.Meter) { m.Read.Redfish.URL, m.Read.Redfish.CA = "https://10.0.0.2", "/none" },
	} {
		if _, _, err := s.Of(d.meter(pdu, change)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v; want %s", err, says)
		}
	}
	if _, _, err := s.Of(d.meter(pdu)); err != nil {
		t.Fatal(err)
	}
	if _, line, err := s.Of(d.meter(pdu + "/Outlets/1")); err != nil || line != "redfish "+d.addr || len(s.Feeds()) != 1 {
		t.Errorf("%q, %v, %d feeds", line, err, len(s.Feeds()))
	}
	if _, _, err := s.Of(d.meter(pdu, func(m *site.Meter) { m.Read.Redfish.User = "other" })); err == nil || !strings.Contains(err.Error(), "are the same for all that it meters") {
		t.Error(err)
	}
}

// What a site file says of Redfish is read.
func TestDevicesOfASiteFile(t *testing.T) {
	s, err := site.Parse("site.yaml", site.Example)
	if err != nil {
		t.Fatal(err)
	}
	var services Services
	var meters []meter.Meter
	for i := range s.Meters {
		m := &s.Meters[i]
		if m.Read == nil || m.Read.Redfish == nil {
			continue
		}
		m.Read.Redfish.CA = "" // is not there
		r, line, err := services.Of(m)
		if err != nil {
			t.Fatal(err)
		}
		meters = append(meters, meter.Of(s, m, r, line))
	}
	if len(meters) != 2 || len(services.Feeds()) != 2 {
		t.Errorf("%d meters of %d services", len(meters), len(services.Feeds()))
	}
	if _, err := meter.New(meter.Config{Meters: meters, Feeds: services.Feeds()}); err != nil {
		t.Error(err)
	}
}
