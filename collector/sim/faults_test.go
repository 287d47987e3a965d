package sim

import (
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// view reads single values of an agent by metric, point and entity.
type view struct {
	t *testing.T
	w *World
	i int
}

func (v view) get(ledger bool, n metric.Number, point uint32, entity int) metric.Raw {
	v.t.Helper()
	a, read := v.w.Agent(v.i), v.w.Telemetry
	l := a.Telemetry
	if ledger {
		l, read = a.Ledger, v.w.Ledger
	}
	values, ok := read(v.i, nil)
	if !ok {
		v.t.Fatalf("agent %s is dead", a.Name)
	}
	k := 0
	for _, c := range l.Columns {
		if c.Metric == n && c.Point == point && c.First <= entity && entity < c.First+c.Count {
			return values[k+entity-c.First]
		}
		k += c.Count
	}
	v.t.Fatalf("agent %s has no %s at point %d", a.Name, metric.Lookup(n).Name, point)
	return 0
}

func (v view) shown(n metric.Number, point uint32, entity int) metric.Raw {
	v.t.Helper()
	return v.get(false, n, point, entity)
}

// counted is a counter's register and the how-manieth of its lifetimes it is in.
func (v view) counted(n metric.Number, point uint32, entity int) (register, epoch metric.Raw) {
	v.t.Helper()
	return v.get(true, n, point, entity), v.get(true, metric.CounterEpoch, metric.EpochPoint(n, point), entity) - v.w.lifetime(0)
}

const (
	hostEntity = 2
	gpuEntity  = 3
)

func TestFaultsShowAsTheyDoOnRealSites(t *testing.T) {
	const d = 30 * time.Second
	for name, tc := range map[string]struct {
		fault  Fault
		during func(t *testing.T, v view, w *World)
		after  func(t *testing.T, v view, w *World)
	}{
		"a lost GPU": {LostGPU, func(t *testing.T, v view, w *World) {
			if s := v.shown(metric.GPUState, 0, gpuEntity+1); s != metric.GPULost {
				t.Errorf("state %d", s)
			}
			if p, e := v.shown(metric.GPUPowerWatts, 0, gpuEntity+1), v.shown(metric.GPUEnergyJoules, 0, gpuEntity+1); p != metric.Missing || e != metric.Missing {
				t.Errorf("a lost GPU reads %d and %d", p, e)
			}
			if v.shown(metric.GPUPowerWatts, 0, gpuEntity) == metric.Missing {
				t.Error("its neighbour is missing too")
			}
			if n := v.shown(metric.GPUXIDEvents, 79, gpuEntity+1); n != 1 {
				t.Errorf("%d XID 79", n)
			}
			if e, _ := v.counted(metric.GPUEnergyJoules, 0, gpuEntity+1); e != metric.Missing {
				t.Errorf("the ledger lane has %d for it", e)
			}
		}, func(t *testing.T, v view, w *World) {
			if e, epoch := v.counted(metric.GPUEnergyJoules, 0, gpuEntity+1); e < 0 || e > 10*700_000 || epoch != 2 {
				t.Errorf("it is back with %d mJ in epoch %d", e, epoch)
			}
			if w.Truth().GPU[1].Unobservable <= 0 {
				t.Error("what it drew while it was lost is not said to be unobservable")
			}
		}},
		"a hung probe": {HungProbe, func(t *testing.T, v view, w *World) {
			if s := v.shown(metric.GPUState, 0, gpuEntity+1); s != metric.GPUStale || v.shown(metric.GPUTemperature, 0, gpuEntity+1) != metric.Missing {
				t.Errorf("state %d", s)
			}
		}, func(t *testing.T, v view, w *World) {
			v.counted(metric.GPUEnergyJoules, 0, gpuEntity+1)
			if g := w.Truth().GPU[1]; g.Epochs != 1 || g.Unobservable != 0 || g.Observed != g.Energy {
				t.Errorf("its counter went on, yet %+v", g)
			}
		}},
		"a driver that answers nothing": {BlankDriver, func(t *testing.T, v view, w *World) {
			for i := range 8 {
				if s := v.shown(metric.GPUState, 0, gpuEntity+i); s != metric.GPUBlank || v.shown(metric.GPUPowerWatts, 0, gpuEntity+i) != metric.Missing {
					t.Errorf("GPU %d has state %d", i, s)
				}
			}
		}, func(t *testing.T, v view, w *World) {
			if _, epoch := v.counted(metric.GPUEnergyJoules, 0, gpuEntity); epoch != 1 {
				t.Error("the counters began again")
			}
		}},
		"a dead host": {DeadHost, func(t *testing.T, v view, w *World) {
			if _, ok := w.Telemetry(0, nil); ok {
				t.Error("its agent still reads")
			}
			if _, ok := w.Ledger(0, nil); ok {
				t.Error("its agent still counts")
			}
			if n := w.hosts[0].bmc.now; n <= 0 {
				t.Errorf("it draws nothing: %d", n)
			}
		}, func(t *testing.T, v view, w *World) {
			for i := range 8 {
				if e, epoch := v.counted(metric.GPUEnergyJoules, 0, gpuEntity+i); e > 10*700_000 || epoch != 2 {
					t.Errorf("GPU %d is back with %d mJ in epoch %d", i, e, epoch)
				}
			}
			for _, p := range []uint32{bmc, raplPackage} {
				if e, epoch := v.counted(metric.HostEnergyJoules, p, hostEntity); e > 10*9_000_000 || epoch != 2 {
					t.Errorf("counter %d of the host is back with %d mJ in epoch %d", p, e, epoch)
				}
			}
			if b := v.shown(metric.FabricPortBytes, 0, len(w.Agent(0).Telemetry.Entities)-1); b > 1e12 {
				t.Errorf("its ports have not forgotten: %d bytes", b)
			}
		}},
		"an agent that stops": {SilentAgent, func(t *testing.T, v view, w *World) {
			if _, ok := w.Ledger(0, nil); ok {
				t.Error("it still counts")
			}
		}, func(t *testing.T, v view, w *World) {
			v.counted(metric.GPUEnergyJoules, 0, gpuEntity)
			if g := w.Truth().GPU[0]; g.Epochs != 1 || g.Observed != g.Energy || g.Energy == 0 {
				t.Errorf("the counters went on, yet %+v", g)
			}
		}},
		"an uncorrected memory error": {UncorrectedECC, func(t *testing.T, v view, w *World) {
			if v.shown(metric.GPUECCErrors, 2, gpuEntity+1) != 1 || v.shown(metric.GPURowRemapPending, 0, gpuEntity+1) != 1 || v.shown(metric.GPURemappedRows, 1, gpuEntity+1) != 1 {
				t.Error("it does not show")
			}
			if v.shown(metric.GPUXIDEvents, 48, gpuEntity+1) != 1 || v.shown(metric.GPUXIDEvents, 63, gpuEntity+1) != 1 {
				t.Error("no XID of it")
			}
		}, func(t *testing.T, v view, w *World) {
			if v.shown(metric.GPUECCErrors, 2, gpuEntity+1) != 0 || v.shown(metric.GPUECCErrors, 3, gpuEntity+1) != 1 || v.shown(metric.GPURowRemapPending, 0, gpuEntity+1) != 0 {
				t.Error("the reset did not take effect")
			}
		}},
		"corrected memory errors": {CorrectedECC, func(t *testing.T, v view, w *World) {
			if a, b := v.shown(metric.GPUECCErrors, 0, gpuEntity+1), v.shown(metric.GPUECCErrors, 1, gpuEntity+1); a == 0 || b < a {
				t.Errorf("%d volatile, %d aggregate", a, b)
			}
		}, nil},
		"a failed row remapping": {RemapFailed, func(t *testing.T, v view, w *World) {
			if v.shown(metric.GPURowRemapFailed, 0, gpuEntity+1) != 1 || v.shown(metric.GPURecoveryAction, 0, gpuEntity+1) == 0 {
				t.Error("it does not show")
			}
		}, nil},
		"a blocked heat sink": {HotGPU, func(t *testing.T, v view, w *World) {
			hot, cool := v.shown(metric.GPUTemperature, 0, gpuEntity+1).Float(), v.shown(metric.GPUTemperature, 0, gpuEntity).Float()
			if hot < cool+8 || hot > 86 {
				t.Errorf("%v °C beside %v °C", hot, cool)
			}
		}, nil},
		"a power brake": {PowerBrake, func(t *testing.T, v view, w *World) {
			if ns := v.shown(metric.GPUSlowdownSeconds, byPowerBrake, gpuEntity); ns < 10e9 {
				t.Errorf("%d ns of power brake", ns)
			}
			if p := v.shown(metric.GPUPowerWatts, 0, gpuEntity).Float(); p > 355 {
				t.Errorf("%v W all the same", p)
			}
		}, nil},
		"a port that lost its link": {PortDown, func(t *testing.T, v view, w *World) {
			downs, slow := metric.Raw(0), 0
			last := len(w.Agent(0).Telemetry.Entities)
			for i := range ports {
				downs += v.shown(metric.FabricPortLinkDowns, 0, last-ports+i)
				if v.shown(metric.FabricPortRate, 0, last-ports+i) < portRate {
					slow++
				}
			}
			if downs != 1 || slow != 1 {
				t.Errorf("%d link downs, %d slow ports", downs, slow)
			}
		}, nil},
		"a meter that does not answer": {HungMeter, func(t *testing.T, v view, w *World) {
			v.i = 3
			if v.shown(metric.MeterPowerWatts, 0, 2) != metric.Missing || v.get(true, metric.MeterEnergyJoules, 0, 2) != metric.Missing {
				t.Error("it answers")
			}
		}, func(t *testing.T, v view, w *World) {
			v.i = 3
			if v.get(true, metric.MeterEnergyJoules, 0, 2) == metric.Missing {
				t.Error("it still does not answer")
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			// All three hosts compute, so that there is power to miss.
			w := newWorld(t, Config{Hosts: 3, Seed: 5, Faults: Faults{Off: true}})
			for h := range w.hosts {
				j := &w.schedule.jobs[w.hosts[h].job]
				j.begin(training)
				j.head, j.hosts, j.left, j.pause, j.every, j.strength = int32(h), 1, 1e9, 0, 1e9, 1
				w.hosts[h].next = -1
			}
			now, v := morning, view{t, w, 0}
			run := func(d time.Duration) {
				for end := now.Add(d); now.Before(end); {
					now = now.Add(time.Second)
					w.Step(now)
					balance(t, w)
				}
			}
			run(10 * time.Second)
			for i := range w.Agents() {
				w.Ledger(i, nil)
			}
			if !w.Break(tc.fault, 0, 1, d) {
				t.Fatal("nothing broke")
			}
			if w.Break(tc.fault, 0, 1, d) {
				t.Error("it broke twice")
			}
			run(d - 2*time.Second)
			tc.during(t, v, w)
			run(6 * time.Second)
			if len(w.faults.active) != 0 {
				t.Fatal("it did not heal")
			}
			if tc.after != nil {
				tc.after(t, v, w)
			}
			if s := v.shown(metric.GPUState, 0, gpuEntity+1); s != metric.GPUOk {
				t.Errorf("state %d afterwards", s)
			}
			if v.shown(metric.GPUPowerWatts, 0, gpuEntity+1) == metric.Missing {
				t.Error("missing afterwards")
			}
		})
	}
}

func TestAnXIDAddsAColumnOnce(t *testing.T) {
	w := newWorld(t, Config{Hosts: 2, Seed: 1, Faults: Faults{Off: true}})
	bare := w.Agent(0).Telemetry
	columns := len(bare.Columns)
	w.see(0, 3, 31)
	first := w.Agent(0).Telemetry
	w.see(0, 3, 31)
	if first == bare || w.Agent(0).Telemetry != first {
		t.Error("the layout must be new with the first event, and only then")
	}
	w.see(0, 4, 31)
	l := w.Agent(0).Telemetry
	if err := l.Check(); err != nil {
		t.Fatal(err)
	}
	v, _ := w.Telemetry(0, nil)
	if len(v) != l.Width() || v[len(v)-2] != 2 || v[len(v)-1] != 1 {
		t.Errorf("%d values for a width of %d, the last %v", len(v), l.Width(), v[len(v)-2:])
	}
	if c := l.Columns[len(l.Columns)-1]; l.Entities[c.First].Name != w.Truth().GPU[4].UUID || c.Point != 31 {
		t.Errorf("the last column is %+v", c)
	}
	if len(bare.Columns) != columns || w.Agent(1).Telemetry == l {
		t.Error("another layout changed")
	}
}

// A small site shows something within minutes, and comes through hours of it.
func TestASmallSiteSeesEveryFault(t *testing.T) {
	w := newWorld(t, Config{Hosts: 4, Seed: 11})
	seen := map[Fault]bool{}
	first := time.Duration(0)
	for i := range 8 * 3600 {
		w.Step(morning.Add(time.Duration(i+1) * time.Second))
		for _, b := range w.faults.active {
			seen[b.fault] = true
			if first == 0 {
				first = time.Duration(i) * time.Second
			}
		}
	}
	balance(t, w)
	if first > 10*time.Minute {
		t.Errorf("nothing broke for %s", first)
	}
	for k := range faultKinds {
		if holds := faultTable[k].most > 0; holds && !seen[k] {
			t.Errorf("fault %d was not seen in 8 hours", k)
		}
	}
	for h := range w.hosts {
		if w.hosts[h].marred != (w.hosts[h].marred && w.ails(h)) {
			t.Errorf("host %d is marred and nothing ails it", h)
		}
	}
}
