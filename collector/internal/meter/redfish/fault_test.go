package redfish

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/collector/internal/meter"
	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/site"
)

const kWh = metric.MillijoulesPerKWh

func TestATimeout(t *testing.T) {
	d := serve(t, "rack_pdu")
	w := watch(t, d.meter(pdu, func(m *site.Meter) { m.Read.Timeout = 200 * time.Millisecond }))
	w.watts("m", 17250)
	d.set(func(d *device) { d.delay = 600 * time.Millisecond })
	w.says("context deadline exceeded: no answer in time; a slow one needs a longer timeout:")
	w.silent("m")
	d.shows(700, `{"LifetimeReading": 325675.25}`)
	d.set(func(d *device) { d.delay = 0 })
	w.watts("m", 700)
}

// What it takes more than one reading's time to find is found in the end.
func TestASlowDeviceIsFound(t *testing.T) {
	d := serve(t, "floor_pdu", func(d *device) {
		delete(d.tree, "/redfish/v1/PowerEquipment/TransferSwitches")
		delete(d.tree, "/redfish/v1/PowerEquipment/PowerShelves")
		d.delay = 50 * time.Millisecond
	})
	r := reader(t, d.meter(""))
	for range 50 {
		ctx, cancel := context.WithTimeout(t.Context(), 400*time.Millisecond)
		values, err := r.Read(ctx)
		cancel()
		if len(values) == 2 && err == nil {
			return
		}
	}
	t.Error("it is not found")
}

func TestHalfAnAnswer(t *testing.T) {
	for name, x := range map[string]struct {
		spoil func(http.ResponseWriter, string)
		says  string
	}{
		"and the end": {func(w http.ResponseWriter, body string) {
			w.Header().Set("Content-Length", fmt.Sprint(len(body)))
			io.WriteString(w, body[:len(body)/2])
		}, "unexpected EOF"},
		"only its end":        {func(w http.ResponseWriter, _ string) { panic(http.ErrAbortHandler) }, "EOF"},
		"as if it were whole": {func(w http.ResponseWriter, body string) { io.WriteString(w, body[:len(body)/2]) }, "unexpected end of JSON input"},
		"nothing":             {func(http.ResponseWriter, string) {}, "unexpected end of JSON input"},
		"no JSON":             {func(w http.ResponseWriter, _ string) { io.WriteString(w, "<html>") }, "invalid character"},
		"without an end":      {func(w http.ResponseWriter, _ string) { io.WriteString(w, strings.Repeat(" ", 2<<20)) }, "more than 1048576 bytes"},
		"of great depth":      {func(w http.ResponseWriter, _ string) { io.WriteString(w, strings.Repeat("[", 1<<19)) }, "exceeded max depth"},
		"of another type":     {func(w http.ResponseWriter, _ string) { io.WriteString(w, `["PowerWatts"]`) }, "PowerWatts of " + pduMetrics + ": not reported"},
	} {
		t.Run(name, func(t *testing.T) {
			d := serve(t, "rack_pdu")
			w := watch(t, d.meter(pdu))
			w.watts("m", 17250)
			d.set(func(d *device) { d.spoil = x.spoil })
			w.says(x.says)
			w.silent("m")
			d.set(func(d *device) { d.spoil = nil })
			w.watts("m", 17250)
		})
	}
}

func TestAResourceThatGoesAndComesBack(t *testing.T) {
	d := serve(t, "rack_pdu")
	w := watch(t, d.meter(pdu))
	w.watts("m", 17250)
	was := d.tree[pduMetrics]
	d.set(func(d *device) { delete(d.tree, pduMetrics) })
	w.says("get " + pduMetrics + ": 404 Not Found")
	w.silent("m")
	// Its metrics stand elsewhere after an update.
	d.replace(pdu, pduMetrics, pdu+"/NewMetrics")
	d.set(func(d *device) { d.tree[pdu+"/NewMetrics"] = was })
	w.watts("m", 17250)
}

func TestADeviceThatIsBusy(t *testing.T) {
	d := serve(t, "rack_pdu")
	w := watch(t, d.meter(pdu))
	w.watts("m", 17250)
	d.set(func(d *device) { d.status[pduMetrics], d.asked = "503 2", nil })
	w.says("503 Service Unavailable")
	d.set(func(d *device) { delete(d.status, pduMetrics) })
	w.silent("m")
	w.watts("m", 17250)
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.asked) < 2 {
		t.Fatal(d.asked)
	}
	if after := d.asked[1].at.Sub(d.asked[0].at); after < 1900*time.Millisecond {
		t.Errorf("asked again after %v", after)
	}
}

// One that asks to be left alone is not asked for the rest.
func TestABusyDeviceIsLeftAlone(t *testing.T) {
	d := serve(t, "cdu")
	r := reader(t, d.meter(cdu, cooling))
	if _, err := r.Read(t.Context()); err != nil {
		t.Fatal(err)
	}
	d.set(func(d *device) { d.status[cdu+"/EnvironmentMetrics"], d.asked = "429 5", nil })
	if values, err := r.Read(t.Context()); err == nil || len(values) > 0 || d.count("") != 1 {
		t.Errorf("%v, %v, %d requests", values, err, d.count(""))
	}
}

func TestWhenToAskAgain(t *testing.T) {
	for status, want := range map[string]time.Duration{"503 2": 2 * time.Second, "503": 30 * time.Second, "429 7": 7 * time.Second, "503 99999": time.Hour, "503 soon": 30 * time.Second, "500": 0} {
		d := serve(t, "rack_pdu", func(d *device) { d.status[pduMetrics] = status })
		_, err := reader(t, d.meter(pdu)).Read(t.Context())
		var p meter.Patient
		if errors.As(err, &p) != (want > 0) || p != nil && p.RetryAfter() != want {
			t.Errorf("%s: %v", status, err)
		}
	}
}

func TestNullReadings(t *testing.T) {
	d := serve(t, "rack_pdu")
	w := watch(t, d.meter(pdu))
	w.watts("m", 17250)
	w.joules(325675.25 * kWh)
	d.shows(700, `{"LifetimeReading": null, "Reading": null}`)
	w.watts("m", 700)
	w.says("energy of " + pduMetrics + ": EnergykWh.LifetimeReading: null")
	w.until("energy is missing", func() bool { _, ok := w.value("m", metric.MeterEnergyJoules); return !ok })
	d.set(func(d *device) {
		d.tree[pduMetrics] = `{"PowerWatts": null, "EnergykWh": {"LifetimeReading": 325675.3}}`
	})
	w.joules(325675.3 * kWh)
	w.says("PowerWatts of " + pduMetrics + ": null")
	w.silent("m")
	d.set(func(d *device) { d.tree[pduMetrics] = `{}` })
	w.says("PowerWatts of " + pduMetrics + ": not reported")
	w.says("energy of " + pduMetrics + ": EnergykWh.LifetimeReading: not reported")
}

func TestAnAbsurdValue(t *testing.T) {
	d := serve(t, "rack_pdu")
	w := watch(t, d.meter(pdu))
	w.watts("m", 17250)
	d.shows(4294967295, `{"LifetimeReading": 325675.25}`)
	w.says("power reads 4.295e+09 W, more than its rating of 1e+05 W allows")
	w.silent("m")
	d.shows(500, `{"LifetimeReading": 999999.25}`)
	w.watts("m", 500)
	w.says("energy: its register rose by ")
	if v, ok := w.value("m", metric.MeterEnergyJoules); ok && v > 325676*kWh {
		t.Errorf("%d mJ", v)
	}
}

func TestAGatewayThatIsDownAndComesBack(t *testing.T) {
	d, other := serve(t, "rack_pdu"), serve(t, "cdu")
	outlet := d.meter(pdu+"/Outlets/1", func(m *site.Meter) { m.ID = "outlet" })
	unit := other.meter(cdu, cooling, func(m *site.Meter) { m.ID = "cdu" })
	w := watch(t, d.meter(pdu), outlet, unit)
	w.watts("m", 17250)
	w.watts("outlet", 3310.4)
	w.watts("cdu", 4870.5)
	epoch := w.known("m", metric.CounterEpoch)
	d.down()
	w.silent("m")
	w.silent("outlet")
	w.watts("cdu", 4870.5)
	d.set(func(d *device) { clear(d.sessions) })
	d.shows(17000, `{"LifetimeReading": 325675.26}`) // its register goes on
	d.up()
	w.watts("m", 17000)
	w.watts("outlet", 3310.4)
	w.joules(325675.26 * kWh)
	if e := w.known("m", metric.CounterEpoch); e != epoch {
		t.Error("another epoch, although both ends are known")
	}
	if q := w.known("m", metric.CounterQuality); metric.Quality(q) != metric.CounterBridged {
		t.Errorf("the gap is %s", metric.Quality(q))
	}
}

// A device that was changed while it could not be asked shows a register that
// might be the old one's.
func TestAnotherDevice(t *testing.T) {
	d := serve(t, "rack_pdu")
	w := watch(t, d.meter(pdu))
	w.joules(325675.25 * kWh)
	epoch := w.known("m", metric.CounterEpoch)
	d.down()
	w.silent("m")
	d.replace(pdu, "29347ZT536", "55555AA111")
	d.shows(17000, `{"LifetimeReading": 325675.27}`)
	d.up()
	w.watts("m", 17000)
	w.until("it is noticed", func() bool {
		v, ok := w.value("m", metric.MeterEnergyJoules)
		e, _ := w.value("m", metric.CounterEpoch)
		return ok && (e != epoch || v != 325675.27*kWh)
	})
	if e := w.known("m", metric.CounterEpoch); e == epoch {
		t.Error("its gauge had a gap, and the epoch goes on")
	}
}

// What a register counted before and after it was reset is counted once.
func TestACounterThatIsResetInTheMiddle(t *testing.T) {
	for name, again := range map[string]string{
		"and says when": `{"Reading": 0.001, "SensorResetTime": "2026-03-02T10:00:00Z"}`,
		"and does not":  `{"Reading": 0.001}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := serve(t, "rack_pdu")
			d.shows(36_000, `{"Reading": 500000.5, "SensorResetTime": "2026-01-01T00:00:00Z"}`)
			began := time.Now()
			w := watch(t, d.meter(pdu, func(m *site.Meter) { m.Read.Every = unhurried }))
			w.watts("m", 36_000)
			w.joules(500000.5 * kWh)
			epoch := w.known("m", metric.CounterEpoch)
			d.shows(36_000, again)
			w.until("what the reset hid is filled in", func() bool {
				q, _ := w.value("m", metric.CounterQuality)
				return metric.Quality(q) == metric.Integrated
			})
			v := w.known("m", metric.MeterEnergyJoules)
			most := metric.Raw(36_000 * 1000 * time.Since(began).Seconds())
			if e := w.known("m", metric.CounterEpoch); e != epoch || v < 500000.5*kWh || v > 500000.5*kWh+most {
				t.Errorf("%d mJ more, another epoch %v", v-500000.5*kWh, e != epoch)
			}
			d.shows(36_000, strings.Replace(again, "0.001", "0.011", 1))
			w.until("it counts on from there", func() bool { n, ok := w.value("m", metric.MeterEnergyJoules); return ok && n-v >= kWh/100 })
			if n := w.known("m", metric.MeterEnergyJoules); n-v > kWh/100+most {
				t.Errorf("%d mJ more", n-v)
			}
		})
	}
}

// Of several connectors a sum is all of its parts, or missing.
func TestASumIsAllOfItsPartsOrMissing(t *testing.T) {
	d := serve(t, "cdu")
	r := reader(t, d.meter(cdu, cooling))
	second := cdu + "/SecondaryCoolantConnectors/2"
	read := func() (reading, string) {
		values, err := r.Read(t.Context())
		return readingOf(t, values), fmt.Sprint(err)
	}
	d.replace(second, "333.75", "null")
	if got, says := read(); got.heat != 0 || got.flow == 0 || got.supply == 0 || !strings.Contains(says, "HeatRemovedkW of "+second+": null") {
		t.Errorf("%+v, %s", got, says)
	}
	d.replace(second, `"Reading": 400`, `"Reading": null`)
	if got, says := read(); got.flow != 0 || got.supply != 0 || got.inSupply != 27.5 || got.watts != 4870.5 || !strings.Contains(says, "FlowLitersPerMinute of "+second+": null") {
		t.Errorf("%+v, %s", got, says)
	}
	d.replace(second, `"State": "Enabled"`, `"State": "Starting"`)
	if got, says := read(); got.flow != 0 || got.watts != 4870.5 || !strings.Contains(says, second+": its state is Starting") {
		t.Errorf("%+v, %s", got, says)
	}
	d.replace(second, "Starting", "Disabled")
	if got, says := read(); got.flow != 600./60_000 || got.heat != 417_500 || got.supply != 30 || says != "<nil>" {
		t.Errorf("%+v, %s", got, says)
	}
	d.replace(cdu+"/SecondaryCoolantConnectors/1", `"State": "Enabled"`, `"State": "Disabled"`)
	if got, says := read(); got.flow != 0 || got.watts != 4870.5 || !strings.Contains(says, "none of 3 coolant connectors is in use") {
		t.Errorf("%+v, %s", got, says)
	}
}
