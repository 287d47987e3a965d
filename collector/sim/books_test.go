package sim

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// balance checks the identities of doc.go on the books as they stand.
func balance(t *testing.T, w *World) {
	t.Helper()
	b := &w.books
	p := &b.parts
	for name, pair := range map[string][2]int64{
		"nodes and their parts":           {b.node, p.gpus + p.cpu + p.dram + p.nic + p.disk + p.fans + p.board + p.psu},
		"PDUs, nodes and switches":        {b.pdu, b.node + b.switches},
		"UPS output, PDUs and busways":    {b.upsOutput, b.pdu + b.floor},
		"facility and what is in it":      {b.facility(), b.upsOutput + b.upsLoss + b.transformer + b.cooling() + b.lighting},
		"facility and where it came from": {b.facility(), b.grid + b.generator + b.solar - b.export},
	} {
		if pair[0] != pair[1] {
			t.Fatalf("%s at %d: %d and %d mJ differ", name, w.now, pair[0], pair[1])
		}
	}
}

// registers sums what the counters themselves hold.
type registers struct{ Boards, Nodes, PDUs, UPS, Grid, Generator, Solar, Export, Cooling, Losses, Lighting, Heat, Water, Potable int64 }

func (w *World) registers() registers {
	var r registers
	for i := range w.boards {
		r.Boards += w.boards[i].energy.now
	}
	for i := range w.hosts {
		r.Nodes += w.hosts[i].bmc.now
	}
	for i := range w.plant.racks {
		r.PDUs += w.plant.racks[i].now
	}
	var t Total
	for i := range w.plant.meters {
		t.count(w.plant.meters[i].role, w.plant.meters[i].now)
	}
	r.UPS, r.Grid, r.Generator, r.Solar, r.Export = t.IT, t.Grid, t.Generator, t.Solar, t.Export
	r.Cooling, r.Losses, r.Lighting = t.Cooling, t.Losses, t.Lighting
	r.Heat, r.Water, r.Potable = w.plant.heat.now, w.plant.total.now, w.plant.drink.now
	return r
}

func TestBooksBalanceAfterEveryStep(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			// Only faults that restart no register, so that registers show all that was spent.
			w := newWorld(t, Config{Hosts: 21, GPUs: 1 + int(seed)*3, Seed: seed, Start: time.Date(2026, 7, 1, 9, 50, 0, 0, time.UTC),
				Faults: Faults{Every: 20 * time.Second, Only: []Fault{HungProbe, BlankDriver, HotGPU, PowerBrake, AppError, SilentAgent}}})
			before, now := w.registers(), time.UnixMilli(w.now)
			for i := range 2000 {
				now = now.Add([]time.Duration{time.Second, 100 * time.Millisecond, 1500 * time.Millisecond, 47 * time.Second}[i%4])
				w.Step(now)
				balance(t, w)
				b, after := &w.books, w.registers()
				want := registers{
					b.gpus, b.node, b.pdu, b.upsOutput, b.grid, b.generator, b.solar, b.export,
					b.cooling(), b.upsLoss + b.transformer, b.lighting, b.heat, b.water, b.potable,
				}
				got := registers{
					after.Boards - before.Boards, after.Nodes - before.Nodes, after.PDUs - before.PDUs, after.UPS - before.UPS,
					after.Grid - before.Grid, after.Generator - before.Generator, after.Solar - before.Solar, after.Export - before.Export,
					after.Cooling - before.Cooling, after.Losses - before.Losses, after.Lighting - before.Lighting,
					after.Heat - before.Heat, after.Water - before.Water, after.Potable - before.Potable,
				}
				if d := cmp.Diff(want, got); d != "" {
					t.Fatalf("step %d: the registers do not hold what was spent (-books +registers):\n%s", i, d)
				}
			}
			if w.books.generator == 0 {
				t.Error("the generator's monthly trial did not happen")
			}
		})
	}
}

func TestSolarBeyondTheLoadIsExported(t *testing.T) {
	w := newWorld(t, Config{Hosts: 8, Seed: 2, Faults: Faults{Off: true}})
	w.plant.solarPeak *= 40
	w.Step(morning.Add(4 * time.Hour))
	balance(t, w)
	if b := w.books; b.export == 0 || b.export >= b.solar || b.grid != 0 {
		t.Errorf("with the sun of forty fields: solar %d, export %d, grid %d mJ", b.solar, b.export, b.grid)
	}
}

// An accountant books a site from the ledger lane alone: what it must find is
// the Truth's observed.
type accountant struct {
	last, epoch, sum map[string]metric.Raw
}

func (a *accountant) book(t *testing.T, agent string, l *metric.Layout, v []metric.Raw) {
	value := map[[3]uint32]metric.Raw{}
	k := 0
	for _, c := range l.Columns {
		for e := range c.Count {
			value[[3]uint32{uint32(c.Metric), c.Point, uint32(c.First + e)}] = v[k]
			k++
		}
	}
	for key, now := range value {
		n, point, e := metric.Number(key[0]), key[1], key[2]
		if metric.Lookup(n).Kind != metric.Counter || now == metric.Missing {
			continue
		}
		epoch, ok := value[[3]uint32{uint32(metric.CounterEpoch), metric.EpochPoint(n, point), e}]
		if !ok {
			t.Fatalf("%s of %s: a counter without its epoch", l.Entities[e].Name, agent)
		}
		id := fmt.Sprintf("%s/%s/%d", agent, l.Entities[e].Name, point)
		switch last, known := a.last[id]; {
		case !known:
			a.sum[id] = 0
		case a.epoch[id] == epoch:
			if now < last {
				t.Fatalf("%s fell from %d to %d within an epoch", id, last, now)
			}
			a.sum[id] += now - last
		default:
			a.sum[id] += now
		}
		a.last[id], a.epoch[id] = now, epoch
	}
}

func TestTruthKnowsWhatAPerfectAccountantReports(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			w := newWorld(t, Config{Hosts: 12, GPUs: 4, Seed: seed, Faults: Faults{Every: 8 * time.Second}})
			// One board cannot be read when its agent begins, and one agent begins late.
			w.Break(HungProbe, 3, 1, time.Minute)
			w.Break(DeadHost, 4, 0, 2*time.Minute)
			a := accountant{map[string]metric.Raw{}, map[string]metric.Raw{}, map[string]metric.Raw{}}
			for i := range 7200 {
				w.Step(morning.Add(time.Duration(i+1) * time.Second))
				for n := range w.Agents() {
					if (i+n)%10 != 0 {
						continue
					}
					if v, ok := w.Ledger(n, nil); ok {
						a.book(t, w.Agent(n).Name, w.Agent(n).Ledger, v)
					}
				}
			}
			truth := w.Truth()
			want, got := map[string]int64{}, map[string]int64{}
			for id, sum := range a.sum {
				got[id] = int64(sum)
			}
			restarts, lost := int64(0), int64(0)
			check := func(id string, s Spent) {
				want[id] = s.Observed
				if s.Energy != s.Observed+s.Unobservable+s.Pending || min(s.Energy, s.Observed, s.Unobservable, s.Pending) < 0 {
					t.Errorf("%s: the truth does not add up: %+v", id, s)
				}
				restarts += s.Epochs - 1
				lost += s.Unobservable
			}
			for _, g := range truth.GPU {
				check(g.Host+"/"+g.UUID+"/0", g.Spent)
			}
			for _, h := range truth.Host {
				point := map[string]int{"bmc": bmc, "rapl_package": raplPackage}[h.Source]
				check(fmt.Sprintf("%s/%s/%d", h.Host, h.Host, point), h.Spent)
			}
			for _, m := range truth.Meter {
				check(fmt.Sprintf("%s/%s/0", m.Agent, m.Meter), Spent{m.Amount, m.Observed, m.Unobservable, m.Pending, m.Epochs})
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("observed (-truth +accountant):\n%s", d)
			}
			if restarts < 20 || lost == 0 {
				t.Errorf("only %d restarts and %d mJ lost to them: the test proves little", restarts, lost)
			}
			if o := truth.Observed; o.Facility != o.IT+o.Cooling+o.Losses+o.Lighting {
				t.Errorf("what the plant's meters showed does not balance: %+v", o)
			}
		})
	}
}
