package snmp

import (
	"strings"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/collector/internal/meter"
	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gosnmp/gosnmp"
)

const (
	apcPower   = "1.3.6.1.4.1.318.1.1.26.4.3.1.5.1"
	apcEnergy  = "1.3.6.1.4.1.318.1.1.26.4.3.1.9.1"
	apcStarted = "1.3.6.1.4.1.318.1.1.26.4.3.1.10.1"
	apcSerial  = "1.3.6.1.4.1.318.1.1.26.2.1.9.1"
)

func metered(name string, r *Reader, rating float64) meter.Meter {
	return meter.Meter{Name: name, Rating: rating, Reader: r, Line: r.a.Line()}
}

// A register that begins anew while the agent is watched: what it did not tell is
// filled in from the power beside it, and nothing is counted twice, whether the
// agent says so or not, and although a new life shows more than the old one did.
func TestACounterThatIsResetInTheMiddle(t *testing.T) {
	for name, reset := range map[string]objects{
		"by somebody":                      {apcEnergy: "integer 2", apcStarted: "string 11/22/2026 10:00:00"},
		"and nobody says so":               {apcEnergy: "integer 2"},
		"and shows more":                   {apcEnergy: "integer 123457", apcStarted: "string 11/22/2026 10:00:00"},
		"because it is another device":     {apcEnergy: "integer 400000", apcSerial: "string ZB7"},
		"and knows nothing of it at first": {apcEnergy: "integer 1", apcSerial: "string ", apcStarted: "string "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			held := apc.with(objects{apcPower: "integer 36000"}) // 360 kW
			d := serve(t, held)
			m := metered("pdu", reader(t, agent(t, keys(t).as(d.addr, "meter")), "apc-rpdu2", ""), 1e6)
			m.Period = 400 * time.Millisecond
			w := watch(t, m)
			w.watts("pdu", 360_000)
			before := metric.Raw(123456 * kwh / 10)
			w.until("it has counted so far", func() bool { v, _ := w.value("pdu", metric.MeterEnergyJoules); return v == before })
			epoch := w.known("pdu", metric.CounterEpoch)
			began := time.Now()
			d.hold(held.with(reset))
			ended := func() bool { e, ok := w.value("pdu", metric.CounterEpoch); return ok && e != epoch }
			w.until("what the reset hid is filled in", func() bool { // or not, where this machine was too busy to read in time
				q, _ := w.value("pdu", metric.CounterQuality)
				return metric.Quality(q) == metric.Integrated || ended()
			})
			v := w.known("pdu", metric.MeterEnergyJoules)
			if ended() {
				before = 0
			}
			if most := metric.Raw(360_000 * 1000 * (time.Since(began) + 2*time.Second).Seconds()); v < before || v-before > most {
				t.Errorf("%d mJ more, of at most %d; another epoch: %v", v-before, most, ended())
			}
		})
	}
}

// Where nothing stands beside the register, its epoch ends.
func TestARegisterAloneThatIsReset(t *testing.T) {
	d := serve(t, apc)
	m := mapOfText(t, "- {measures: energy, oid: "+apcEnergy+", unit: kWh, scale: 0.1}\n- {measures: started, oid: "+apcStarted+"}\n")
	r, err := agent(t, keys(t).as(d.addr, "meter")).Reader(m, "")
	if err != nil {
		t.Fatal(err)
	}
	w := watch(t, metered("pdu", r, 1e6))
	w.until("it is read", func() bool { v, _ := w.value("pdu", metric.MeterEnergyJoules); return v == 123456*kwh/10 })
	epoch := w.known("pdu", metric.CounterEpoch)
	d.hold(apc.with(objects{apcEnergy: "integer 5", apcStarted: "string 11/22/2026 10:00:00"}))
	w.until("its epoch ends", func() bool { e, ok := w.value("pdu", metric.CounterEpoch); return ok && e != epoch })
	if v := w.known("pdu", metric.MeterEnergyJoules); v != 0 {
		t.Errorf("%d mJ in an epoch that begins", v)
	}
}

// An agent that is started anew, with another count of its starts, costs nothing of
// what it counted meanwhile.
func TestACounterOverARestart(t *testing.T) {
	held := apc.with(objects{apcPower: "integer 36000"})
	d := serve(t, held)
	w := watch(t, metered("pdu", reader(t, agent(t, keys(t).as(d.addr, "meter")), "apc-rpdu2", "serial:ZA1"), 1e8))
	w.watts("pdu", 360_000)
	before := w.known("pdu", metric.MeterEnergyJoules)
	epoch := w.known("pdu", metric.CounterEpoch)
	d.stop()
	w.silent("pdu")
	w.says("nothing listens there")
	d.hold(held.with(objects{apcEnergy: "integer 123459"}))
	d.start()
	w.until("it is counted on", func() bool { v, _ := w.value("pdu", metric.MeterEnergyJoules); return v-before == 3*kwh/10 })
	if e := w.known("pdu", metric.CounterEpoch); e != epoch {
		t.Error("another epoch, although both ends are known")
	}
}

// A scale that makes more than the circuit can carry is not believed.
func TestAWrongScale(t *testing.T) {
	f := fakeAgent(t, map[string]any{apcPower: 512, apcEnergy: 123456, "1.3.9.1": 4096})
	a := agent(t, keys(t).as(f.addr, ""))
	m := mapOfText(t, "- {measures: power, oid: "+apcPower+", unit: kW}\n")
	m.own = true
	r, err := a.Reader(m, "")
	if err != nil {
		t.Fatal(err)
	}
	built, err := a.Reader(mapOfText(t, "- {measures: power, oid: "+apcPower+", unit: MW}\n"), "")
	if err != nil {
		t.Fatal(err)
	}
	counts, err := a.Reader(mapOfText(t, "- {measures: power, oid: 1.3.9.1, unit: W}\n- {measures: energy, oid: "+apcEnergy+", unit: MWh}\n"), "")
	if err != nil {
		t.Fatal(err)
	}
	w := watch(t, metered("wrong", r, 100_000), metered("built", built, 100_000), metered("right", reader(t, a, "apc-rpdu2", ""), 100_000), metered("counts", counts, 100_000))
	w.says("wrong: power: power reads 5.12e+05 W, more than its rating of 1e+05 W allows; with a tenth of its scale, or less, it would be 51200")
	w.silent("wrong")
	w.silent("built")
	w.watts("right", 5120)
	w.watts("counts", 4096)
	before := w.known("counts", metric.MeterEnergyJoules)
	f.change(map[string]any{apcEnergy: 123506}) // fifty megawatt-hours, as it is read
	w.says("counts: energy: its register rose by 1.8e+11")
	if v, ok := w.value("counts", metric.MeterEnergyJoules); ok && v-before > 60*4096*1000 {
		t.Errorf("%d mJ were counted", v-before)
	}
}

func TestMetersOfOneAgentTakeTurns(t *testing.T) {
	f := fakeAgent(t, rpdu2(1, 2, 3, 4))
	f.set(func() { f.answers = func(*gosnmp.SnmpPacket) { time.Sleep(20 * time.Millisecond) } })
	var s Agents
	var meters []meter.Meter
	k := keys(t)
	for _, row := range []string{"1", "2", "3", "4"} {
		a, err := s.Open(k.as(f.addr, ""))
		if err != nil {
			t.Fatal(err)
		}
		m := metered("pdu-"+row, reader(t, a, "apc-rpdu2", row), 1e5)
		m.Line = "" // so that they do not take turns by themselves
		meters = append(meters, m)
	}
	w := watch(t, meters...)
	for i, want := range []float64{5130, 5140, 5150, 5160} {
		w.watts(meters[i].Name, want)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.atOnce != 1 {
		t.Errorf("%d requests at once", f.atOnce)
	}
}

// One agent that is dead does not delay another.
func TestADeadAgentBesideAGoodOne(t *testing.T) {
	k := keys(t)
	f := fakeAgent(t, rpdu2(1))
	dead := fakeAgent(t, nil)
	wrong := k.as(dead.addr, "meter") // it speaks v2c only
	slow := metered("dead", reader(t, agent(t, wrong), "apc-rpdu2", ""), 1e5)
	slow.Timeout = 300 * time.Millisecond
	w := watch(t, slow, metered("good", reader(t, agent(t, k.as(f.addr, "")), "apc-rpdu2", ""), 1e5))
	w.watts("good", 5130)
	w.says("it does not speak v3")
	if s := w.s.States(); s[1].Failures != 0 || !strings.Contains(w.s.Describe(), "1 of 2 meters answer") {
		t.Error(w.s.Describe())
	}
}
