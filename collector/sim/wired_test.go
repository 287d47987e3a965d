package sim

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// Who reads the meters changes nothing in the world.
func TestAWiredWorldIsTheSameWorld(t *testing.T) {
	for _, hosts := range []int{3, 530} {
		c := Config{Hosts: hosts, GPUs: 2, Seed: 5, Faults: Faults{Every: 3 * time.Second}}
		plain := newWorld(t, c)
		c.Wired = true
		wired := newWorld(t, c)
		if n := wired.Agents(); n != hosts+1 || wired.Agent(hosts).Name != "grid" {
			t.Fatalf("%d agents, the last is %s", n, wired.Agent(n-1).Name)
		}
		for i := range 120 {
			now := morning.Add(time.Duration(i+1) * time.Second)
			plain.Step(now)
			wired.Step(now)
		}
		for h := range hosts {
			a, _ := plain.Telemetry(h, nil)
			b, _ := wired.Telemetry(h, nil)
			if d := cmp.Diff(a, b); d != "" {
				t.Fatalf("host %d: %s", h, d)
			}
		}
		if d := cmp.Diff(plain.Registers(nil), wired.Registers(nil)); d != "" {
			t.Error(d)
		}
		if d := cmp.Diff(plain.Truth().Total, wired.Truth().Total); d != "" {
			t.Error(d)
		}
		// The agents of the plain world say what the registers of the wired one do.
		registers, truth := wired.Registers(nil), wired.Truth()
		at := 0
		for i := hosts; i < plain.Agents(); i++ {
			l := plain.Agent(i).Telemetry
			v, _ := plain.Telemetry(i, nil)
			for _, col := range l.Columns {
				if n := col.Metric; n == metric.MeterEnergyJoules || n == metric.MeterHeatJoules || n == metric.MeterWater {
					for e := range col.Count {
						in, r := wired.Instruments()[at], registers[at]
						want := metric.Raw(r.Amount)
						if r.Hung {
							want = metric.Missing
						}
						if name := l.Entities[col.First+e].Name; v[e] != want || name != in.Name || name != truth.Meter[at].Meter || in.Agent != plain.Agent(i).Name {
							t.Errorf("%s of %s reads %d; instrument %+v has %+v", name, plain.Agent(i).Name, v[e], in, r)
						}
						at++
					}
				}
				v = v[col.Count:]
			}
		}
		if at != len(registers) || at != len(wired.Instruments()) {
			t.Errorf("%d meters are read, %d have registers", at, len(registers))
		}
	}
}

// An accountant who sees displays of whole steps at odd times finds what the truth
// says was observed of them.
func TestTruthOfCoarseDisplays(t *testing.T) {
	const step = 3_600_000
	w := newWorld(t, Config{Hosts: 9, GPUs: 2, Seed: 1, Wired: true, Faults: Faults{Every: 5 * time.Second, Only: []Fault{MeterReset, HungMeter}}})
	n := len(w.Instruments())
	first, last, sum := make([]bool, n), make([]int64, n), make([]int64, n)
	epoch := make([]int64, n)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range 3000 {
		w.Step(morning.Add(time.Duration(i+1) * time.Second))
		for k, reg := range w.Registers(nil) {
			if reg.Hung || r.IntN(7) > 0 {
				continue
			}
			shown, life := reg.Amount/step*step, w.instrument(k).epoch
			w.Witness(k, shown)
			switch {
			case !first[k]:
			case life == epoch[k]:
				sum[k] += shown - last[k]
			default:
				sum[k] += shown
			}
			first[k], last[k], epoch[k] = true, shown, life
		}
	}
	resets := int64(0)
	for k, m := range w.Truth().Meter {
		if m.Observed != sum[k] || m.Observed%step != 0 || m.Amount != m.Observed+m.Unobservable+m.Pending || min(m.Observed, m.Unobservable, m.Pending) < 0 {
			t.Errorf("%s: %d was observed, the truth says %+v", m.Meter, sum[k], m)
		}
		resets += m.Epochs - 1
	}
	if resets < 20 {
		t.Errorf("only %d resets: the test proves little", resets)
	}
}
