package sim

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// What the truth gives to jobs, to nobody and to nobody knows whom is what the
// ledger records showed.
func TestTruthGivesAllThatWasObserved(t *testing.T) {
	for seed := range uint64(4) {
		w := newWorld(t, Config{Hosts: 24, GPUs: 2, Seed: seed, Faults: Faults{Every: 10 * time.Second}})
		for i := range 6 * 3600 / 10 {
			w.Step(morning.Add(time.Duration(i) * 10 * time.Second))
			for n := range w.Agents() {
				w.Ledger(n, nil)
			}
		}
		truth := w.Truth()
		sum := [2]int64{truth.Unallocated.GPUEnergy + truth.Unknown.GPUEnergy, truth.Unallocated.HostEnergy + truth.Unknown.HostEnergy}
		ended := 0
		for _, j := range truth.Jobs {
			sum[0] += j.GPUEnergy
			sum[1] += j.HostEnergy
			if j.End != nil {
				ended++
			}
			if j.Job == "" || j.Tenant == "" || j.GPUs == 0 || j.GPUs%2 != 0 || j.Begin == nil || j.HostEnergy < j.GPUEnergy {
				t.Errorf("job %+v", j)
			}
		}
		if d := cmp.Diff([2]int64{truth.Observed.GPUEnergy, truth.Observed.HostEnergy}, sum); d != "" {
			t.Errorf("seed %d, observed (-) and given (+):\n%s", seed, d)
		}
		if ended < 3 || truth.Unallocated.GPUEnergy == 0 || truth.Unknown.GPUEnergy == 0 {
			t.Errorf("seed %d: %d jobs ended, nobody drew %d mJ, unknown jobs %d mJ: the test proves little", seed, ended, truth.Unallocated.GPUEnergy, truth.Unknown.GPUEnergy)
		}
	}
}

// The layouts of a host name its job, on each of its boards and on the host, and
// are new when that changes, and only then.
func TestLayoutsNameTheJob(t *testing.T) {
	w := newWorld(t, Config{Hosts: 8, GPUs: 4, Seed: 3, Faults: Faults{Off: true}})
	was := map[int][2]*metric.Layout{}
	held := map[int]int32{}
	changes := 0
	for i := range 4 * 3600 {
		w.Step(morning.Add(time.Duration(i) * time.Second))
		for h := range w.hosts {
			a := w.Agent(h)
			now := [2]*metric.Layout{a.Telemetry, a.Ledger}
			if i > 0 && (held[h] == w.holder(h)) != (now == was[h]) {
				t.Fatalf("at %d s host %d is of tenancy %d after %d, and its layouts are new: %t", i, h, w.holder(h), held[h], now != was[h])
			}
			if i == 0 || held[h] == w.holder(h) {
				was[h], held[h] = now, w.holder(h)
				continue
			}
			changes++
			was[h], held[h] = now, w.holder(h)
			want := map[string]int{}
			if n := w.holder(h); n != nobody {
				want[w.tenancies[n].name+" gpu"], want[w.tenancies[n].name+" host"] = 4, 1
			}
			for k, l := range now {
				if err := l.Check(); err != nil {
					t.Fatal(err)
				}
				read := w.Telemetry
				if k == 1 {
					read = w.Ledger
				}
				v, _ := read(h, nil)
				got, at := map[string]int{}, 0
				for _, c := range l.Columns {
					for e := c.First; e < c.First+c.Count; e++ {
						if j := &l.Entities[e]; j.Kind == metric.Job {
							got[j.Name+" "+l.Entities[j.Parent].Kind.String()]++
							if v[at] != 1_000_000 || j.Label("tenant") == "" || metric.Lookup(c.Metric).Entity != metric.Job {
								t.Errorf("%+v of metric %d is %d", j, c.Metric, v[at])
							}
						}
						at++
					}
				}
				if d := cmp.Diff(want, got); d != "" || at != len(v) {
					t.Errorf("%d values of %d; jobs of the layout:\n%s", len(v), at, d)
				}
			}
		}
	}
	if changes < 8 {
		t.Errorf("%d changes: the test proves little", changes)
	}
}

func TestJobsPastThoseThatAreKept(t *testing.T) {
	w := newWorld(t, Config{Hosts: 2, Seed: 1})
	for len(w.tenancies) < maxTenancies {
		w.tenancies = append(w.tenancies, &tenancy{})
	}
	if n := w.let(batch, 1); n != forgotten || len(w.tenancies) != maxTenancies {
		t.Errorf("tenancy %d of %d", n, len(w.tenancies))
	}
}
