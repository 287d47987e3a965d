package modbus

import (
	"errors"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/collector/internal/meter"
	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/simonvetter/modbus"
)

// plainMap reads power from 0 and energy from 2.
func plainMap(t *testing.T, more string) *Map {
	t.Helper()
	m, err := ParseMap("map.yaml", []byte("name: m\nfunction: 3\n"+more+"values:\n- {measures: power, offset: 0, type: f32, unit: W}\n- {measures: energy, offset: 2, type: u32, unit: Wh}\n"))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func u32(v uint32) []uint16 { return encode(uint64(v), 2, order{}) }

// plainly is what plainMap reads, of some units.
func plainly(watts float64, wh uint32, units ...uint8) holdings {
	h := holdings{}
	for _, u := range units {
		h.set(u, 3, 0, f32(watts)...)
		h.set(u, 3, 2, u32(wh)...)
	}
	return h
}

func open(t *testing.T, gs *Gateways, addr string, timeout time.Duration) *Gateway {
	t.Helper()
	g, err := gs.Open(GatewayConfig{Address: addr, Timeout: timeout})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestATimeout(t *testing.T) {
	s := serve(t, plainly(500, 1000, 1), modbus.ServerConfiguration{})
	var gs Gateways
	g := open(t, &gs, s.addr, 200*time.Millisecond)
	w := watch(t, &gs, meter.Meter{Name: "pdu", Rating: 1000, Reader: g.Reader(1, plainMap(t, "")), Line: g.Line()})
	w.watts("pdu", 500)
	s.mu.Lock()
	s.slow[1] = 600 * time.Millisecond
	s.mu.Unlock()
	w.says("read registers 0 to 3 of unit 1: no answer within 200ms (request timed out)")
	w.silent("pdu")
	// What came too late is not taken for an answer to a later request.
	s.mu.Lock()
	s.slow[1] = 0
	s.mu.Unlock()
	s.set(1, 3, 0, f32(700)...)
	w.watts("pdu", 700)
}

func TestWrongWordOrderIsRejected(t *testing.T) {
	swap := func(w []uint16) []uint16 { return []uint16{w[1], w[0]} }
	h := holdings{}
	h.set(1, 3, 0, swap(f32(77.5))...) // makes next to nothing
	h.set(1, 3, 2, swap(u32(1000))...)
	h.set(2, 3, 0, swap(f32(1234.567))...) // makes -2.7e14
	h.set(2, 3, 2, swap(u32(1000))...)
	h.set(3, 3, 0, f32(500)...) // energy only: it begins as any other
	h.set(3, 3, 2, swap(u32(1000))...)
	s := serve(t, h, modbus.ServerConfiguration{})
	var gs Gateways
	g := open(t, &gs, s.addr, 10*time.Second)
	m := func(name string, unit uint8) meter.Meter {
		return meter.Meter{Name: name, Rating: 10_000, Reader: g.Reader(unit, plainMap(t, "")), Line: g.Line()}
	}
	w := watch(t, &gs, m("tiny", 1), m("huge", 2), m("jumping", 3))
	w.says("tiny: reading: power reads 2.39e-41, which is no reading; with word_order: low_first, byte_order: high_first it would be 77.5")
	w.says("more than its rating of 1e+04 W allows; with word_order: low_first, byte_order: high_first it would be 1234.57")
	w.watts("jumping", 500)
	w.silent("tiny")
	w.silent("huge")
	before := w.known("jumping", metric.MeterEnergyJoules)
	for wh := uint32(1001); wh < 1004; wh++ { // 65,536 Wh each, as it is read
		s.set(3, 3, 2, swap(u32(wh))...)
		time.Sleep(250 * time.Millisecond)
	}
	w.says("jumping: energy: its register rose by ")
	w.says("with word_order: low_first, byte_order: high_first it would be 3.6108e+06 J or L")
	// The gauge counts meanwhile; nothing of the jumps is counted.
	if v, ok := w.value("jumping", metric.MeterEnergyJoules); ok && v-before > 60*500*1000 {
		t.Errorf("%d mJ were counted", v-before)
	}
}

func TestIllegalAddresses(t *testing.T) {
	h := plainly(500, 1000, 1)
	h.set(1, 3, 10, u32(7)...) // 4 to 9 are not there
	var gs Gateways
	for name, s := range map[string]server{"ours": serve(t, h, modbus.ServerConfiguration{}), "pymodbus": servePymodbus(t, h, "tcp")} {
		m, err := ParseMap("m", []byte(`name: m
function: 3
values:
- {measures: power, offset: 0, type: f32, unit: W}
- {measures: energy, offset: 2, type: u32, unit: Wh}
- {measures: heat, offset: 10, type: u32, unit: kWh}
- {measures: water, offset: 14, type: u32, unit: L}
- {measures: flow, offset: 40001, type: u16, unit: L/s}
`))
		if err != nil {
			t.Fatal(err)
		}
		r := open(t, &gs, s.address(), 10*time.Second).Reader(1, m)
		for range 2 {
			got, err := r.Read(t.Context())
			if len(got) != 3 || err == nil || !contains(err.Error(), "read registers 14 to 15 of unit 1: the device has no such registers (illegal data address)") ||
				!contains(err.Error(), "read registers 40001 of unit 1: the device has no such registers; of a number such as 40002 the first digit is the function's, and offset: 1 is meant") {
				t.Errorf("%s: %+v, %v", name, got, err)
			}
		}
		if len(r.spans) != 5 {
			t.Errorf("%s: %v", name, r.spans)
		}
	}
}

func TestHalfAnAnswer(t *testing.T) {
	s := serve(t, plainly(500, 1000, 1), modbus.ServerConfiguration{})
	for name, tc := range map[string]struct {
		spoil func([]byte) ([]byte, bool)
		says  string
	}{
		"and then nothing":     {func(b []byte) ([]byte, bool) { return b[:len(b)/2], false }, "no answer within 200ms"},
		"and the end":          {func(b []byte) ([]byte, bool) { return b[:len(b)/2], true }, "the connection was closed before the whole answer had come"},
		"only its end":         {func([]byte) ([]byte, bool) { return nil, true }, "the connection was closed before the whole answer had come"},
		"of fewer registers":   {func(b []byte) ([]byte, bool) { b[5] -= 4; b[8] -= 4; return b[:len(b)-4], false }, "half an answer, or none of this protocol"},
		"of another length":    {func(b []byte) ([]byte, bool) { b[8] += 2; return b, false }, "half an answer, or none of this protocol"},
		"of another function":  {func(b []byte) ([]byte, bool) { b[7] = 1; return b, false }, "half an answer, or none of this protocol"},
		"of another protocol":  {func(b []byte) ([]byte, bool) { b[2] = 7; return b, false }, "no answer within 200ms"},
		"to another request":   {func(b []byte) ([]byte, bool) { b[1]++; return b, false }, "no answer within 200ms"},
		"too long to be one":   {func(b []byte) ([]byte, bool) { b[4] = 0x7f; return b, false }, "half an answer, or none of this protocol"},
		"from another unit":    {func(b []byte) ([]byte, bool) { b[6] = 9; return b, false }, "another unit answered: two devices have one address, or the gateway mixes them up"},
		"an unknown exception": {func(b []byte) ([]byte, bool) { return append(b[:5], 3, b[6], b[7]|0x80, 0x44), false }, "unknown exception code (68)"},
	} {
		t.Run(name, func(t *testing.T) {
			r := relayTo(t, s.addr)
			var gs Gateways
			g := open(t, &gs, r.addr, 200*time.Millisecond)
			w := watch(t, &gs, meter.Meter{Name: "pdu", Rating: 1000, Reader: g.Reader(1, plainMap(t, "")), Line: g.Line()})
			w.watts("pdu", 500)
			r.spoil(tc.spoil)
			w.says(tc.says)
			w.silent("pdu")
			r.spoil(nil)
			w.watts("pdu", 500)
		})
	}
}

func TestAGatewayThatIsDownAndComesBack(t *testing.T) {
	s := serve(t, plainly(500, 1000, 1, 2), modbus.ServerConfiguration{})
	r, other := relayTo(t, s.addr), relayTo(t, s.addr)
	var gs Gateways
	g, h := open(t, &gs, r.addr, 10*time.Second), open(t, &gs, other.addr, 10*time.Second)
	m := func(name string, g *Gateway, unit uint8) meter.Meter {
		return meter.Meter{Name: name, Rating: 1e6, Reader: g.Reader(unit, plainMap(t, "")), Line: g.Line()}
	}
	w := watch(t, &gs, m("a", g, 1), m("b", g, 2), m("c", h, 1))
	for _, name := range []string{"a", "b", "c"} {
		w.watts(name, 500)
	}
	before, epoch := w.known("a", metric.MeterEnergyJoules), w.known("a", metric.CounterEpoch)
	r.turn(true)
	w.silent("a")
	w.silent("b")
	w.watts("c", 500)
	s.set(1, 3, 2, u32(1100)...) // its register goes on
	r.turn(false)
	w.watts("b", 500)
	w.until("the register is caught up with", func() bool {
		v, ok := w.value("a", metric.MeterEnergyJoules)
		return ok && v-before == 100*3_600_000
	})
	if e := w.known("a", metric.CounterEpoch); e != epoch {
		t.Error("another epoch, although both ends are known")
	}
	if q := w.known("a", metric.CounterQuality); metric.Quality(q) != metric.CounterBridged {
		t.Errorf("the gap is %s", metric.Quality(q))
	}
	// A connection that was closed while it was idle costs no reading.
	r.hangUp()
	failures := func() int { return w.s.States()[0].Failures }
	for range 20 {
		time.Sleep(50 * time.Millisecond)
		if failures() != 0 {
			t.Fatal(w.s.Describe())
		}
	}
}

func TestACounterThatIsResetInTheMiddle(t *testing.T) {
	t.Parallel()
	s := serve(t, plainly(36_000, 500_000, 1), modbus.ServerConfiguration{})
	var gs Gateways
	g := open(t, &gs, s.addr, 10*time.Second)
	began := time.Now()
	w := watch(t, &gs, meter.Meter{Name: "pdu", Period: unhurried, Rating: 1e6, Reader: g.Reader(1, plainMap(t, "")), Line: g.Line()})
	w.watts("pdu", 36_000)
	before, epoch := w.known("pdu", metric.MeterEnergyJoules), w.known("pdu", metric.CounterEpoch)
	s.set(1, 3, 2, u32(3)...)
	w.until("what the reset hid is filled in", func() bool {
		q, _ := w.value("pdu", metric.CounterQuality)
		return metric.Quality(q) == metric.Integrated
	})
	v := w.known("pdu", metric.MeterEnergyJoules)
	if e := w.known("pdu", metric.CounterEpoch); e != epoch || v < before || v-before > metric.Raw(36_000*1000*time.Since(began).Seconds()) {
		t.Errorf("%d mJ in %v of 36 kW, another epoch: %v", v-before, time.Since(began), e != epoch)
	}
	s.set(1, 3, 2, u32(4)...)
	w.until("it is counted on from there", func() bool {
		more, _ := w.value("pdu", metric.MeterEnergyJoules)
		return more-v >= 3_600_000
	})
}

func TestExceptions(t *testing.T) {
	s := serve(t, plainly(500, 1000, 1), modbus.ServerConfiguration{})
	var gs Gateways
	r := open(t, &gs, s.addr, 10*time.Second).Reader(1, plainMap(t, "max_gap: 0\n"))
	for err, says := range map[error]string{
		modbus.ErrIllegalFunction:         "the device does not know function 3; try function: 4",
		modbus.ErrIllegalDataAddress:      "the device has no such registers",
		modbus.ErrIllegalDataValue:        "a smaller max_registers may help",
		modbus.ErrServerDeviceFailure:     "the device has failed",
		modbus.ErrAcknowledge:             "the device is busy",
		modbus.ErrServerDeviceBusy:        "the device is busy",
		modbus.ErrMemoryParityError:       "memory parity error",
		modbus.ErrGWPathUnavailable:       "the gateway has no way to the device",
		modbus.ErrGWTargetFailedToRespond: "the gateway is there and the device behind it does not answer: it is off, or its unit id is another",
	} {
		s.mu.Lock()
		s.fails = func(uint8) error { return err }
		s.mu.Unlock()
		if got, e := r.Read(t.Context()); len(got) != 0 || !errors.Is(e, err) || !contains(e.Error(), says) {
			t.Errorf("%v: %+v, %v", err, got, e)
		}
	}
	s.mu.Lock()
	s.fails = nil
	before := s.requests
	s.mu.Unlock()
	if got, err := r.Read(t.Context()); len(got) != 2 || err != nil {
		t.Errorf("%+v, %v", got, err)
	}
	if s.requests-before != 2 { // each value apart, since one of them was refused
		t.Errorf("%d requests", s.requests-before)
	}
}

// A server that is asked for a unit which is not there may say nothing.
func TestAUnitThatIsNotThere(t *testing.T) {
	h := plainly(500, 1000, 1)
	p := servePymodbus(t, h, "tcp")
	var gs Gateways
	g := open(t, &gs, p.address(), 300*time.Millisecond)
	w := watch(t, &gs, meter.Meter{Name: "here", Rating: 1000, Reader: g.Reader(1, plainMap(t, "")), Line: g.Line()},
		meter.Meter{Name: "gone", Rating: 1000, Reader: g.Reader(9, plainMap(t, "")), Line: g.Line()})
	w.says("gone: reading: read registers 0 to 3 of unit 9: no answer within 300ms (request timed out)")
	w.watts("here", 500)
	p.set(1, 3, 0, f32(600)...)
	w.watts("here", 600)
}

func TestASlowDeviceBesideAFastOne(t *testing.T) {
	fast, slow := serve(t, plainly(500, 1000, 1), modbus.ServerConfiguration{}), serve(t, plainly(300, 1000, 1, 2), modbus.ServerConfiguration{})
	slow.slow[1], slow.slow[2] = 300*time.Millisecond, 300*time.Millisecond
	var gs Gateways
	f, s := open(t, &gs, fast.addr, 10*time.Second), open(t, &gs, slow.addr, 10*time.Second)
	w := watch(t, &gs,
		meter.Meter{Name: "fast", Rating: 1000, Reader: f.Reader(1, plainMap(t, "")), Line: f.Line()},
		meter.Meter{Name: "slow-1", Rating: 1000, Period: time.Second, Reader: s.Reader(1, plainMap(t, "")), Line: s.Line()},
		meter.Meter{Name: "slow-2", Rating: 1000, Period: time.Second, Reader: s.Reader(2, plainMap(t, "")), Line: s.Line()})
	w.watts("fast", 500)
	w.watts("slow-1", 300)
	w.watts("slow-2", 300)
	asked := func(f *inProcess) int {
		f.mu.Lock()
		defer f.mu.Unlock()
		return f.requests
	}
	n, then := asked(fast), asked(slow)
	w.until("the slow ones are asked four times", func() bool { return asked(slow)-then >= 4 })
	n = asked(fast) - n
	slow.mu.Lock()
	defer slow.mu.Unlock()
	if n < 8 || slow.most != 1 {
		t.Errorf("the fast one was asked %d times while the slow ones were 4 times, and those %d at once", n, slow.most)
	}
}

// A device whose frequency is not one is read wrongly in all.
func TestProbes(t *testing.T) {
	h := plainly(500, 1000, 1, 2, 3, 4)
	h.set(1, 3, 10, f32(50.02)...)
	h.set(2, 3, 10, 0x147B, 0x4248) // 50.02 with its words swapped
	h.set(3, 3, 10, f32(0)...)      // the feed is dead
	h.set(4, 3, 10, f32(400)...)
	s := serve(t, h, modbus.ServerConfiguration{})
	m, err := ParseMap("m", []byte("name: m\nfunction: 3\nvalues:\n- {measures: power, offset: 0, type: f32, unit: W}\n- {measures: frequency, offset: 10, type: f32, unit: Hz}\n"))
	if err != nil {
		t.Fatal(err)
	}
	var gs Gateways
	g := open(t, &gs, s.addr, 10*time.Second)
	for unit, says := range map[uint8]string{
		1: "", 3: "",
		2: "which is no reading; with word_order: low_first, byte_order: high_first it would be 50.02: so nothing of this device is believed",
		4: "frequency reads 400, not 45 to 65: so nothing of this device is believed",
	} {
		got, err := g.Reader(unit, m).Read(t.Context())
		if says == "" && (err != nil || len(got) != 1) || says != "" && (err == nil || len(got) != 0 || !contains(err.Error(), says)) {
			t.Errorf("unit %d: %+v, %v", unit, got, err)
		}
	}
}

// The serial number of the device tells that it was replaced.
func TestAnotherSerialNumber(t *testing.T) {
	t.Parallel()
	h := plainly(36_000, 500_000, 1)
	h.set(1, 3, 10, u32(1111)...)
	s := serve(t, h, modbus.ServerConfiguration{})
	m, err := ParseMap("m", []byte("name: m\nfunction: 3\nvalues:\n- {measures: power, offset: 0, type: f32, unit: W}\n- {measures: energy, offset: 2, type: u32, unit: Wh}\n- {measures: serial, offset: 10, type: u32}\n"))
	if err != nil {
		t.Fatal(err)
	}
	var gs Gateways
	g := open(t, &gs, s.addr, 10*time.Second)
	w := watch(t, &gs, meter.Meter{Name: "pdu", Period: unhurried, Rating: 1e6, Reader: g.Reader(1, m), Line: g.Line()})
	w.watts("pdu", 36_000)
	before := w.known("pdu", metric.MeterEnergyJoules)
	s.mu.Lock()
	s.held.set(1, 3, 2, u32(500_010)...) // as much as it might have counted
	s.held.set(1, 3, 10, u32(2222)...)
	s.mu.Unlock()
	w.until("the other device is noticed", func() bool {
		q, _ := w.value("pdu", metric.CounterQuality)
		return metric.Quality(q) == metric.Integrated
	})
	if v := w.known("pdu", metric.MeterEnergyJoules); v-before == 10*3_600_000 {
		t.Error("what the other device had counted is taken for this one's")
	}
}
