package redfish

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"os"
	"slices"
	"strconv"
	"testing"

	"github.com/gigawatch/gigawatch/collector/internal/meter"
	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/site"
	"github.com/stmcginnis/gofish"
	"github.com/stmcginnis/gofish/schemas"
)

// connect is another client of d.
func (d *device) connect(t *testing.T) *gofish.APIClient {
	t.Helper()
	pem, err := os.ReadFile(d.ca)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	c, err := gofish.ConnectContext(t.Context(), gofish.ClientConfig{
		Endpoint: "https://" + d.addr, Username: user, Password: password, NoModifyTransport: true,
		HTTPClient: &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Logout)
	return c
}

// agree compares what another client reads of power and energy with our own
// reading; nil is missing.
func agree(t *testing.T, d *device, resource string, watts, reading, lifetime *float64) {
	t.Helper()
	ours := func(measures site.Quantity) *meter.Value {
		values, _ := reader(t, d.meter(resource, measuring(measures))).Read(t.Context())
		if len(values) > 1 {
			t.Errorf("%s: %v", resource, values)
		}
		for i := range values {
			return &values[i]
		}
		return nil
	}
	v := ours(site.MeasuresPower)
	if (v == nil) != (watts == nil) || v != nil && v.Number != *watts {
		t.Errorf("%s: %+v, and %v W there", resource, v, watts)
	}
	if v = ours(site.MeasuresEnergy); lifetime == nil {
		lifetime = reading
	}
	if (v == nil) != (lifetime == nil) {
		t.Errorf("%s: %+v, and %v kWh there", resource, v, lifetime)
	} else if v != nil {
		n, err := parseDecimal(strconv.FormatFloat(*lifetime, 'f', -1, 64))
		if err != nil {
			t.Fatal(err)
		}
		if mj, err := n.times(kilowattHour); err != nil || mj != v.Register.Steps {
			t.Errorf("%s: %d mJ, and %v kWh there", resource, v.Register.Steps, *lifetime)
		}
	}
}

// there is what another client sees where a state says that nothing is to be
// believed.
func there(s schemas.Status, v *float64) *float64 {
	if s.State == schemas.AbsentState || s.State == schemas.DisabledState {
		return nil
	}
	return v
}

// Another client finds the same in the trees, with the same figures.
func TestAnotherClientAgrees(t *testing.T) {
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	seen := 0
	for _, tree := range []string{"rack_pdu", "floor_pdu"} {
		d := serve(t, tree)
		service := d.connect(t).Service
		e, err := service.PowerEquipment()
		must(err)
		var all []*schemas.PowerDistribution
		for _, list := range []func() ([]*schemas.PowerDistribution, error){e.RackPDUs, e.FloorPDUs, e.ElectricalBuses, e.PowerShelves, e.TransferSwitches} {
			some, err := list()
			must(err)
			all = append(all, some...)
		}
		for _, p := range all {
			if m, err := p.Metrics(); err == nil && m != nil {
				agree(t, d, p.ODataID, m.PowerWatts.Reading, m.EnergykWh.Reading, m.EnergykWh.LifetimeReading)
				seen++
			}
			var circuits []*schemas.Circuit
			for _, list := range []func() ([]*schemas.Circuit, error){p.Mains, p.Branches, p.Feeders} {
				some, err := list()
				must(err)
				circuits = append(circuits, some...)
			}
			for _, c := range circuits {
				agree(t, d, c.ODataID, there(c.Status, c.PowerWatts.Reading), there(c.Status, c.EnergykWh.Reading), there(c.Status, c.EnergykWh.LifetimeReading))
				seen++
			}
			outlets, err := p.Outlets()
			must(err)
			for _, o := range outlets {
				agree(t, d, o.ODataID, there(o.Status, o.PowerWatts.Reading), there(o.Status, o.EnergykWh.Reading), there(o.Status, o.EnergykWh.LifetimeReading))
				seen++
			}
		}
	}
	if seen != 13 {
		t.Errorf("%d things compared", seen)
	}
}

func TestAnotherClientAgreesOnCoolant(t *testing.T) {
	d := serve(t, "cdu")
	e, err := d.connect(t).Service.ThermalEquipment()
	if err != nil {
		t.Fatal(err)
	}
	units, err := e.CDUs()
	if err != nil || len(units) != 1 {
		t.Fatal(units, err)
	}
	m, err := units[0].EnvironmentMetrics()
	if err != nil {
		t.Fatal(err)
	}
	agree(t, d, units[0].ODataID, m.PowerWatts.Reading, m.EnergykWh.Reading, m.EnergykWh.LifetimeReading)

	primary, err := units[0].PrimaryCoolantConnectors()
	if err != nil {
		t.Fatal(err)
	}
	secondary, err := units[0].SecondaryCoolantConnectors()
	if err != nil || len(primary)+len(secondary) != 4 {
		t.Fatal(primary, secondary, err)
	}
	for _, c := range slices.Concat(primary, secondary) {
		values, _ := reader(t, d.meter(c.ODataID, func(m *site.Meter) { m.Role = metric.RoleCooling })).Read(t.Context())
		got := readingOf(t, values)
		for what, x := range map[string]struct {
			ours   float64
			theirs *float64
			by     float64
		}{
			"heat":   {got.heat, c.HeatRemovedkW.Reading, 1000},
			"flow":   {got.flow, c.FlowLitersPerMinute.Reading, litrePerMinute},
			"supply": {got.supply, c.SupplyTemperatureCelsius.Reading, 1},
			"return": {got.back, c.ReturnTemperatureCelsius.Reading, 1},
		} {
			want := 0.
			if x.theirs != nil {
				want = *x.theirs * x.by
			}
			if x.ours != want {
				t.Errorf("%s of %s is %g, and %g there", what, c.ODataID, x.ours, want)
			}
		}
	}
}
