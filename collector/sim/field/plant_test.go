package field

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/simonvetter/modbus"

	"github.com/gigawatch/gigawatch/collector/internal/meter"
	wire "github.com/gigawatch/gigawatch/collector/internal/meter/modbus"
	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/sim"
	"github.com/gigawatch/gigawatch/collector/site"
)

const period = 100 * time.Millisecond

// sourceOf reads all meters of p as collectors do, by the site file.
func sourceOf(t *testing.T, p *Plant) *meter.Source {
	t.Helper()
	b, err := p.SiteFile(period)
	if err != nil {
		t.Fatal(err)
	}
	s, err := site.Parse("site.yaml", b)
	if err != nil {
		t.Fatal(err)
	}
	var gs wire.Gateways
	c := meter.Config{State: filepath.Join(t.TempDir(), "meter.json"), Simulated: true}
	for i := range s.Meters {
		r, line, err := gs.Of(s.Meters[i].Read.Modbus)
		if err != nil {
			t.Fatal(err)
		}
		m := meter.Of(s, &s.Meters[i], r, line)
		m.Period = period
		c.Meters = append(c.Meters, m)
	}
	c.Feeds = gs.Feeds()
	src, err := meter.New(c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- src.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	src.Settle(t.Context())
	return src
}

// A reading is what a source shows, by metric and name; points by that of their
// meter and their own.
type reading map[string]metric.Raw

func read(t *testing.T, s *meter.Source) reading {
	t.Helper()
	l, v, err := s.Read(t.Context(), time.Now(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if !l.Simulated {
		t.Error("the readings are not marked as simulated")
	}
	got := reading{}
	for _, c := range l.Columns {
		for e := range c.Count {
			name := l.Entities[c.First+e].Name
			if up := l.Entities[c.First+e].Parent; l.Entities[c.First+e].Kind == metric.Point {
				name = l.Entities[up].Name + " " + name
			}
			if c.Metric != metric.CounterEpoch && c.Metric != metric.CounterQuality {
				got[metric.Lookup(c.Metric).Name+" "+name] = v[0]
			}
			v = v[1:]
		}
	}
	return got
}

// counters are the registers of r in the order of p's devices.
func (r reading) counters(p *Plant) (list []metric.Raw) {
	for i := range p.devices {
		d := &p.devices[i]
		n := metric.MeterEnergyJoules
		switch d.model {
		case &heatMeter:
			n = metric.MeterHeatJoules
		case &waterMeter:
			n = metric.MeterWater
		}
		v, ok := r[metric.Lookup(n).Name+" "+d.Name]
		if !ok {
			v = metric.Missing
		}
		list = append(list, v)
	}
	return list
}

// displays is what stands on those of p.
func (p *Plant) displays() (list []metric.Raw) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range p.devices {
		list = append(list, metric.Raw(p.devices[i].model.counter().shown(p.shown[i].Amount)))
	}
	return list
}

func await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatalf("waited in vain until %s", what)
}

func TestMetersAreReadAsTheirDisplaysShow(t *testing.T) {
	t.Parallel()
	p := open(t, sim.Config{Hosts: 17, Seed: 3, Faults: sim.Faults{Off: true}})
	s := sourceOf(t, p)
	var got reading
	shows := func() bool { got = read(t, s); return slices.Equal(got.counters(p), p.displays()) }
	await(t, "all registers are as displayed", shows)
	first := got.counters(p)
	for began := time.Now(); time.Since(began) < 3*time.Second; time.Sleep(period) {
		p.Step(start.Add(time.Since(began)))
	}
	await(t, "all registers are as displayed again", shows)
	moved := 0
	for i, m := range p.Truth().Meter {
		by := int64(got.counters(p)[i] - first[i])
		if by != m.Observed || by%m.Step != 0 || m.Pending < 0 || m.Pending >= m.Step {
			t.Errorf("%s, a %s, was read to count %d; the truth is %+v", m.Meter, p.devices[i].model.name, by, m)
		}
		if by > 0 {
			moved++
		}
	}
	if moved < 9 {
		t.Errorf("only %d registers moved", moved)
	}
	for name, want := range map[string]float64{
		"meter_power_watts grid-a":                      float64(p.shown[3].Watts),
		"meter_power_watts r0001-pdu":                   float64(p.shown[0].Watts),
		"meter_temperature_celsius dry-coolers outside": p.around.Outside,
		"meter_temperature_celsius pumps supply":        p.around.Supply,
		"meter_temperature_celsius pumps return":        p.around.Return,
		"meter_temperature_celsius heat supply":         p.around.HeatSupply,
		"meter_temperature_celsius heat return":         p.around.HeatReturn,
		"meter_power_watts heat":                        float64(p.shown[len(p.shown)-3].Watts),
	} {
		await(t, name+" is as it is", func() bool {
			v, ok := read(t, s)[name]
			is := v.Float()
			return ok && v != metric.Missing && is > want-max(0.051, want*1e-6) && is < want+max(0.051, want*1e-6)
		})
	}
	if d := s.Describe(); !strings.HasPrefix(d, "18 of 18 meters answer") {
		t.Error(d)
	}
}

func TestAMeterThatHangsDelaysItsOwnReadingsOnly(t *testing.T) {
	t.Parallel()
	p := open(t, sim.Config{Hosts: 1, GPUs: 1})
	s := sourceOf(t, p)
	const it = "meter_energy_joules_total grid-a"
	await(t, "it answers", func() bool { v, ok := read(t, s)[it]; return ok && v != metric.Missing })
	if !p.Hang("grid-a", true) || p.Hang("grid-z", true) {
		t.Error("meters are not known by name")
	}
	await(t, "its readings are missing", func() bool { return read(t, s)[it] == metric.Missing })
	if d := s.Describe(); !strings.Contains(d, "grid-a") || !strings.Contains(d, "does not answer") {
		t.Error(d)
	}
	await(t, "it alone is missing", func() bool { // others wait behind it while it is asked
		missing := 0
		for _, v := range read(t, s).counters(p) {
			if v == metric.Missing {
				missing++
			}
		}
		return missing == 1
	})
	p.Hang("grid-a", false)
	await(t, "it answers again", func() bool { return read(t, s)[it] != metric.Missing })
}

func TestWhatGatewaysRefuse(t *testing.T) {
	t.Parallel()
	p := open(t, sim.Config{Hosts: 1, GPUs: 1})
	c, err := modbus.NewClient(&modbus.ClientConfiguration{URL: "tcp://" + p.gateways[0].address, Timeout: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Open(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	for name, tc := range map[string]struct {
		unit uint8
		ask  func() error
		want error
	}{
		"a unit that there is not":       {99, func() error { _, err := c.ReadRegisters(3059, 2, modbus.HOLDING_REGISTER); return err }, modbus.ErrGWTargetFailedToRespond},
		"unit 0":                         {0, func() error { _, err := c.ReadRegisters(3059, 2, modbus.HOLDING_REGISTER); return err }, modbus.ErrGWTargetFailedToRespond},
		"registers that there are not":   {1, func() error { _, err := c.ReadRegisters(3119, 2, modbus.HOLDING_REGISTER); return err }, modbus.ErrIllegalDataAddress},
		"the last that there are":        {1, func() error { _, err := c.ReadRegisters(3118, 2, modbus.HOLDING_REGISTER); return err }, nil},
		"the other function":             {1, func() error { _, err := c.ReadRegisters(3059, 2, modbus.INPUT_REGISTER); return err }, modbus.ErrIllegalFunction},
		"to be written to":               {1, func() error { return c.WriteRegister(3059, 1) }, modbus.ErrIllegalFunction},
		"coils":                          {1, func() error { _, err := c.ReadCoil(1); return err }, modbus.ErrIllegalFunction},
		"discrete inputs":                {1, func() error { _, err := c.ReadDiscreteInput(1); return err }, modbus.ErrIllegalFunction},
		"input registers of a Schneider": {1, func() error { _, err := c.ReadRegister(65, modbus.INPUT_REGISTER); return err }, modbus.ErrIllegalFunction},
	} {
		c.SetUnitId(tc.unit)
		if err := tc.ask(); err != tc.want {
			t.Errorf("%s: %v, not %v", name, err, tc.want)
		}
	}
}

// Floats of 24 bits never show more than was counted, and never fall.
func TestAFloatShowsNoMoreThanWasCounted(t *testing.T) {
	c := janitza.counter()
	for _, wh := range []int64{0, 1, 1<<24 - 1, 1 << 24, 1<<24 + 1, 1<<24 + 3, 1<<30 + 63, 1<<30 + 65, 12_345_678_901, 999_999_999_999} {
		last := int64(-1)
		for mj := wh * wattHour; mj < (wh+3)*wattHour; mj += wattHour / 4 {
			n := c.shown(mj)
			if n > mj || n < last || mj-n > max(wattHour, mj/(1<<23)) || n%wattHour != 0 {
				t.Errorf("of %d mJ it shows %d, after %d", mj, n, last)
			}
			last = n
		}
	}
}

// A register of 32 bits begins again from zero, and what was counted goes on.
func TestARegisterRollsOver(t *testing.T) {
	c := heatMeter.counter()
	for amount, want := range map[int64]uint32{
		(1<<32 - 1) * tenWh: 1<<32 - 1,
		1 << 32 * tenWh:     0,
		1<<32*tenWh + tenWh: 1,
	} {
		w := c.words(&sight{Register: sim.Register{Amount: amount}})
		if got := uint32(w[0])<<16 | uint32(w[1]); got != want || c.shown(amount) != amount {
			t.Errorf("of %d mJ it shows %d and counts %d", amount, got, c.shown(amount))
		}
	}
}

func TestAddresses(t *testing.T) {
	w, err := sim.New(sim.Config{Site: "s", Hosts: 513, GPUs: 1, Wired: true, Start: start})
	if err != nil {
		t.Fatal(err)
	}
	port, err := free("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	p, err := Open(w, Config{Port: port})
	if err != nil {
		t.Skipf("ports from %d on are not free: %v", port, err)
	}
	defer p.Close()
	if len(p.gateways) != 3 || !strings.HasPrefix(p.gateways[0].address, "127.0.0.1:") {
		t.Errorf("%d gateways", len(p.gateways))
	}
	if _, err := Open(w, Config{Port: port}); err == nil {
		t.Error("two gateways at one address")
	}
}
