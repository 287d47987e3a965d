package gpu

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// books add a counter up as the ledger does: the first reading is a baseline, a
// lifetime that begins counts from zero.
type books struct {
	epoch, value string
	joules       float64
	highest      map[string]float64
}

// take books what is shown; fell says by how much it fell within an epoch.
func (b *books) take(epoch, value string) (fell float64) {
	if value == "missing" || value == "" {
		return 0
	}
	v, err := strconv.ParseFloat(value, 64)
	if err != nil {
		panic(err)
	}
	if b.highest == nil {
		b.highest = map[string]float64{}
	}
	fell = b.highest[epoch] - v
	b.highest[epoch] = v
	if b.value != "" {
		if epoch == b.epoch {
			last, _ := strconv.ParseFloat(b.value, 64)
			v -= last
		}
		b.joules += v
	}
	b.epoch, b.value = epoch, value
	return max(0, fell)
}

const (
	joules0  = "gpu_energy_joules_total GPU-0"
	epoch0   = "counter_epoch GPU-0 gpu_energy_joules_total"
	quality0 = "counter_quality GPU-0 gpu_energy_joules_total"
	check0   = "gpu_energy_check_ratio GPU-0"
)

// pass lets seconds pass in which board 0 draws so much.
func (g *stage) pass(seconds int, watts float64) (got map[string]string) {
	g.t.Helper()
	for range seconds {
		g.d.draw(0, watts)
		got = g.tick()
	}
	return got
}

func want(t *testing.T, got map[string]string, wants ...string) {
	t.Helper()
	for i := 0; i < len(wants); i += 2 {
		if got[wants[i]] != wants[i+1] {
			t.Errorf("%s is %q, want %q", wants[i], got[wants[i]], wants[i+1])
		}
	}
}

func TestRegisterIsShownAsItIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newStage(t, healthy(2))
		defer g.stop()
		got := g.read()
		epoch := got[epoch0]
		g.d.boards[0].Values[Energy] += 123_457
		want(t, g.tick(), joules0, "1123.457", epoch0, epoch, quality0, "measured")

		g.start() // the agent, in the same life of the board
		want(t, g.tick(), joules0, "1123.457", epoch0, epoch)

		g.d.boards[0].Values[Energy] = 5000 // the GPU was reset
		got = g.tick()
		want(t, got, joules0, "5", "gpu_energy_joules_total GPU-1", "1000")
		if got[epoch0] == epoch {
			t.Error("the epoch goes on")
		}
		epoch = got[epoch0]

		g.d.boards[0].Driver, g.d.boards[0].Values[Energy] = "560.1", 6000 // another driver, that has counted more by now
		got = g.tick()
		want(t, got, joules0, "6")
		if got[epoch0] == epoch {
			t.Error("the epoch goes on with another driver")
		}
		epoch = got[epoch0]

		g.d.boards[0].Absent = true // its lifetime is not over for that
		want(t, g.tick(), joules0, "missing", epoch0, epoch, quality0, "measured")
		g.d.boards[0].Absent = false
		g.d.boards[0].Values[Energy] = metric.Missing // partly blank
		want(t, g.tick(), joules0, "missing", epoch0, epoch, "gpu_state GPU-0", "ok")
		g.d.boards[0].Values[Energy] = 7000
		want(t, g.tick(), joules0, "7", epoch0, epoch)

		g.stop()
		g.write("proc/sys/kernel/random/boot_id", "another\n")
		g.start()
		if got := g.tick(); got[epoch0] == epoch {
			t.Error("the epoch goes on after a reboot")
		}
	})
}

func TestAResetWhileNoAgentRanIsFoundOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newStage(t, healthy(1))
		defer g.stop()
		epoch := g.pass(120, 500)[epoch0]
		g.stop()
		g.d.boards[0].Values[Energy] = 2000
		g.start()
		if got := g.tick(); got[epoch0] == epoch || got[joules0] != "2" {
			t.Errorf("%s J in the same epoch: %v", got[joules0], got[epoch0] == epoch)
		}
	})
}

func TestBoardWithoutARegister(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := healthy(2)
		d.boards[0].Values[Energy] = metric.Missing
		g := newStage(t, d)
		defer g.stop()
		for range 9 {
			if got := g.tick(); got[joules0] != "missing" || got[epoch0] != "missing" || got[quality0] != "missing" {
				t.Fatalf("%s J too early", got[joules0])
			}
		}
		got := g.tick()
		epoch := got[epoch0]
		want(t, got, joules0, "900", quality0, "integrated", "counter_quality GPU-1 gpu_energy_joules_total", "measured", check0, "missing")
		if said := g.s.Describe(); !strings.Contains(said, "no energy counter on boards 0: their power is integrated") {
			t.Errorf("says %q", said)
		}
		want(t, g.tick(), joules0, "1000", epoch0, epoch)

		// A sample that is seen twice is no more energy.
		g.d.frozen = true
		want(t, g.tick(), joules0, "1000")
		want(t, g.tick(), joules0, "1000")
		g.d.frozen = false
		want(t, g.tick(), joules0, "1300", epoch0, epoch)

		// What was not read is not guessed.
		g.d.err = errGone
		time.Sleep(10 * time.Second)
		want(t, g.tick(), joules0, "missing", epoch0, epoch)
		g.d.err = nil
		got = g.tick()
		want(t, got, joules0, "0")
		if got[epoch0] == epoch {
			t.Error("the epoch goes on over a gap")
		}

		// Without power there is nothing to go by.
		g.d.boards[0].Values[Power] = metric.Missing
		want(t, g.tick(), joules0, "0")
		time.Sleep(10 * time.Second)
		want(t, g.tick(), joules0, "missing", "gpu_state GPU-0", "ok")

		// A register that shows up now holds what was counted already.
		g.d.boards[0].Values[Power], g.d.boards[0].Values[Energy] = metric.Of(100), 5_000_000
		want(t, g.tick(), joules0, "0", quality0, "integrated")
		g.start()
		want(t, g.tick(), joules0, "0", quality0, "measured")
		want(t, g.pass(1, 100), joules0, "100")
	})
}

// A host whose boards have no register at all has no column before it is known
// that power serves instead.
func TestNoRegisterAnywhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := healthy(1)
		d.boards[0].Values[Energy] = metric.Missing
		g := newStage(t, d)
		defer g.stop()
		for range 9 {
			if _, ok := g.tick()[joules0]; ok {
				t.Fatal("there is a column before anything is known")
			}
		}
		want(t, g.tick(), joules0, "900", quality0, "integrated")
		g.start()
		want(t, g.tick(), "gpu_power_watts GPU-0", "100")
	})
}

// On some AMD boards the register stands still while the board is at work.
func TestRegisterThatStandsStillUnderLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newStage(t, healthy(1))
		defer g.stop()
		var b books
		take := func(got map[string]string) map[string]string {
			t.Helper()
			if fell := b.take(got[epoch0], got[joules0]); fell > 0 {
				t.Errorf("fell by %v J", fell)
			}
			return got
		}
		take(g.read())
		g.d.boards[0].Values[Power] = metric.Of(200)
		for range 10 {
			g.d.draw(0, 200)
			take(g.tick())
		}
		epoch := b.epoch
		for i := range 59 { // in doubt after five seconds
			got := take(g.tick())
			shown := "missing"
			if i < 5 {
				shown = "3000"
			}
			want(t, got, joules0, shown, quality0, "measured", epoch0, epoch)
		}
		got := take(g.tick())
		want(t, got, joules0, "12000", quality0, "integrated", check0, "missing")
		if got[epoch0] == epoch {
			t.Error("power is counted in the register's epoch")
		}
		if b.joules != 10*200+60*200 {
			t.Errorf("%v J in all", b.joules)
		}
		for range 40 {
			take(g.tick())
		}
		if b.joules != 110*200 {
			t.Errorf("%v J in all after more", b.joules)
		}
		if said := g.s.Describe(); !strings.Contains(said, "the energy counters of boards 0 stand still under load") {
			t.Errorf("says %q", said)
		}

		// It moves again: its joules were counted already, in this run of the agent
		// and in the next.
		g.d.boards[0].Values[Energy] += 10_000_000
		take(g.tick())
		if b.joules != 111*200 {
			t.Errorf("%v J in all after the register jumped", b.joules)
		}
		g.start()
		got = take(g.tick())
		want(t, got, joules0, "0", quality0, "measured")
		if said := g.s.Describe(); !strings.Contains(said, "stood still under load before") {
			t.Errorf("says %q", said)
		}
		for range 10 {
			g.d.draw(0, 200)
			take(g.tick())
		}
		if b.joules != 121*200 {
			t.Errorf("%v J in all after a restart", b.joules)
		}
		// Once it began anew it is as good as any.
		g.d.boards[0].Values[Energy] = 77_000
		want(t, take(g.tick()), joules0, "77", quality0, "measured")
		g.start()
		want(t, take(g.tick()), joules0, "77", quality0, "measured", epoch0, b.epoch)
	})
}

// A register that begins anew while power is counted instead brings nothing that
// was not counted.
func TestForsakenRegisterBeginsAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newStage(t, healthy(1))
		defer g.stop()
		for range 70 {
			g.tick()
		}
		g.d.boards[0].Values[Energy] = 0
		want(t, g.pass(10, 100), quality0, "integrated")
		g.start()
		want(t, g.tick(), joules0, "0", quality0, "measured")
	})
}

func TestRegisterThatStandsStillForGoodReason(t *testing.T) {
	for name, x := range map[string]struct {
		watts float64
		still int // seconds between its moves
	}{
		"nothing to count":   {25, math.MaxInt},
		"off":                {0, math.MaxInt},
		"coarse, under load": {300, 50},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newStage(t, healthy(1))
				defer g.stop()
				g.d.boards[0].Values[Power] = metric.Of(x.watts)
				moved := 0
				for i := range 200 {
					if i%x.still == x.still-1 {
						g.d.boards[0].Values[Energy] += metric.Raw(x.watts) * 1000 * metric.Raw(x.still)
						moved++
					}
					got := g.tick()
					want(t, got, quality0, "measured")
					if v := got[joules0]; v != "missing" && v != fmt.Sprint(1000+float64(moved)*x.watts*float64(x.still)) {
						t.Errorf("%s J", v)
					}
				}
				if x.still == math.MaxInt {
					want(t, g.tick(), joules0, "1000")
				}
			})
		})
	}
}

func TestEnergyCheck(t *testing.T) {
	ratio := func(t *testing.T, got map[string]string) float64 {
		t.Helper()
		v, err := strconv.ParseFloat(got[check0], 64)
		if err != nil {
			t.Fatalf("the ratio is %q", got[check0])
		}
		return v
	}
	synctest.Test(t, func(t *testing.T) {
		g := newStage(t, healthy(1))
		defer g.stop()
		g.read()
		for i := range 299 {
			if got := g.pass(1, 100)[check0]; got != "missing" {
				t.Fatalf("%s after %d s", got, i+1)
			}
		}
		if got := ratio(t, g.pass(1, 100)); got != 1 {
			t.Errorf("%v of a good counter", got)
		}
		// Power is read too low from now on: it slides there within five minutes.
		for i := range 300 {
			g.d.boards[0].Values[Energy] += 100_000
			g.d.boards[0].Values[Power] = metric.Of(50)
			got := ratio(t, g.tick())
			if i == 149 && math.Abs(got-300.0/225) > 0.02 || got > 2.001 || got < 0.999 {
				t.Errorf("%v after %d s", got, i+1)
			}
		}
		if got := ratio(t, g.tick()); math.Abs(got-2) > 0.05 {
			t.Errorf("%v where the counter goes twice as fast", got)
		}
		if n := len(g.s.boards[0].meter.check.points); n > 33 {
			t.Errorf("keeps %d points", n)
		}
		// A fall, and a pause, begin it anew.
		g.d.boards[0].Values[Energy] = 0
		for range 299 {
			want(t, g.pass(1, 100), check0, "missing")
		}
		ratio(t, g.pass(2, 100))
		g.d.err = errGone
		time.Sleep(10 * time.Second)
		want(t, g.tick(), check0, "missing")
		g.d.err = nil
		for range 299 {
			want(t, g.pass(1, 100), check0, "missing")
		}
		ratio(t, g.pass(2, 100))
		// Without power now, and without any.
		g.d.boards[0].Values[Power] = metric.Missing
		want(t, g.tick(), check0, "missing")
		for range 620 {
			g.pass(1, 0)
		}
		want(t, g.tick(), check0, "missing")
	})
}

// The energy's own time, where the driver knows it, is what the power is
// integrated up to.
func TestEnergyReadEarlierThanPower(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newStage(t, healthy(1))
		defer g.stop()
		var energy []float64 // J, second by second
		watts, total := 100.0, 1000.0
		for i := range 400 {
			energy = append(energy, total)
			at := time.Now().Add(time.Second)
			late := min(i, 3)
			g.d.boards[0].EnergyTime = at.Add(-time.Duration(late) * time.Second).UnixMicro()
			g.d.boards[0].Values[Energy] = metric.Raw(energy[i-late] * 1000)
			g.d.boards[0].Values[Power] = metric.Of(watts)
			got := g.tick()
			total, watts = total+watts+0.5, watts+1
			if v, err := strconv.ParseFloat(got[check0], 64); err == nil && math.Abs(v-1) > 0.001 {
				t.Fatalf("%v after %d s", v, i)
			}
		}
		if g.tick()[check0] == "missing" {
			t.Error("there is no ratio")
		}
	})
}

func TestSuperchips(t *testing.T) {
	const watts, joules = "host_power_watts n1 source=module", "host_energy_joules_total n1 source=module"
	const epoch, quality = "counter_epoch n1 host_energy_joules_total 3", "counter_quality n1 host_energy_joules_total 3"
	synctest.Test(t, func(t *testing.T) {
		d := healthy(1)
		d.sockets = []Socket{{"module", 0, metric.Missing}, {"grace", 0, metric.Of(80)}, {"unheard of", 0, metric.Of(1)}}
		g := newStage(t, d)
		defer g.stop()
		got := g.tick()
		if _, ok := got[watts]; ok {
			t.Error("a column before there is a value")
		}
		want(t, got, "host_power_watts n1 source=grace", "80")
		d.sockets = []Socket{{"module", 0, metric.Of(500)}, {"module", 1, metric.Of(300)}, {"grace", 0, metric.Of(80)}}
		got = g.tick()
		first := got[epoch]
		want(t, got, watts, "800", joules, "0", quality, "integrated", "host_energy_joules_total n1 source=grace", "80")
		want(t, g.tick(), watts, "800", joules, "800", epoch, first)

		// One socket that is missing is no sum.
		d.sockets = d.sockets[1:]
		want(t, g.tick(), watts, "missing", joules, "800", "host_power_watts n1 source=grace", "80")
		d.sockets = []Socket{{"module", 1, metric.Of(300)}, {"module", 0, metric.Of(500)}}
		want(t, g.tick(), watts, "800", joules, "2400", epoch, first, "host_power_watts n1 source=grace", "missing")

		d.err = ErrPending
		for range 3 {
			want(t, g.tick(), watts, "800", joules, "2400")
		}
		for range 4 {
			want(t, g.tick(), watts, "missing")
		}
		want(t, g.tick(), joules, "missing")
		d.err = nil
		if got := g.tick(); got[joules] != "0" || got[epoch] == first {
			t.Errorf("%s J after a gap, in the same epoch: %v", got[joules], got[epoch] == first)
		}
	})
}

func TestSwitches(t *testing.T) {
	const fatal, other, celsius = "nvswitch_errors_total nvswitch0 kind=fatal", "nvswitch_errors_total nvswitch0 kind=non_fatal", "nvswitch_temperature_celsius nvswitch0"
	synctest.Test(t, func(t *testing.T) {
		d := healthy(1)
		g := newStage(t, d)
		defer g.stop()
		g.tick()
		d.switches = []Switch{{"nvswitch0", metric.Of(50), 0, 3}, {"nvswitch1", metric.Missing, 0, 0}, {"", 0, 0, 0}}
		want(t, g.tick(), fatal, "0", other, "3", celsius, "50", "nvswitch_temperature_celsius nvswitch1", "missing")
		d.switches = []Switch{{"nvswitch0", metric.Of(51), 1, 5}}
		want(t, g.tick(), fatal, "1", other, "5", celsius, "51")
		d.switches = []Switch{{"nvswitch0", metric.Of(51), 0, 2}} // the child was started again
		want(t, g.tick(), fatal, "1", other, "7")
		d.switches = nil
		want(t, g.tick(), fatal, "1", other, "7", celsius, "missing")
		d.err = errGone
		want(t, g.tick(), other, "7", celsius, "missing")
	})
}
