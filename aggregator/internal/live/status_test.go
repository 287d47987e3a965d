package live_test

import (
	"context"
	"encoding/json"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gigawatch/gigawatch/aggregator/internal/live"
	"github.com/gigawatch/gigawatch/collector/metric"
)

func TestAnIntensityIsInForceForAnHour(t *testing.T) {
	p := newPresent(t, nil)
	plant := &machine{name: "plant", layout: &metric.Layout{
		Entities: []metric.Entity{{Kind: metric.Zone, Name: "DE-LU", Parent: -1, Labels: []metric.Pair{{Name: "provider", Value: "x"}, {Name: "tier", Value: "1"}}}},
		Columns: []metric.Column{
			{Metric: metric.GridCarbonIntensity, Form: metric.Float, Point: 0, Count: 1},
			{Metric: metric.GridCarbonIntensity, Form: metric.Float, Point: 1, Count: 1}},
	}}
	m := newMachine("n1", "h01", "r1")
	for n := range 5 {
		p.says(plant, n, 50, of(312, 290)...)
		p.says(m, n, 100, well(1, 1)...)
	}
	if d := cmp.Diff(&live.Grid{GramsPerKWh: 312, Zone: "DE-LU", Factor: "lifecycle", Provider: "x", Tier: "1"}, p.status(5).Grid); d != "" {
		t.Error(d)
	}
	for _, n := range []int{3000, 3700} {
		for k := range 5 {
			p.says(m, n+k, 100, well(1, 1)...)
		}
		if g := p.status(n + 5).Grid; (g != nil) != (n == 3000) {
			t.Errorf("after %d s: %+v", n, g)
		}
	}
}

func TestAStatusIsJSONAndExpectsTheInventory(t *testing.T) {
	p := newPresent(t, map[string]live.Inventory{"s": {Hosts: 4, GPUs: 32}})
	if p.Status("s", 0, 0) != nil {
		t.Error("a site that never spoke has a status")
	}
	m := newMachine("n1", "h01", "r1")
	for n := range 5 {
		p.says(m, n, 100, well(1000, 1)...)
	}
	st := p.status(5)
	b, err := json.Marshal(st)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"hosts":{"expected":4,"reporting":1}`, `"gpus":{"expected":32,"reporting":1}`, `"facility":{"watts":null,"coverage":0,"reason":"no facility meter"}`, `"worst_gpus":[{`, `"grid":null`} {
		if !strings.Contains(string(b), want) {
			t.Errorf("no %s in %s", want, b)
		}
	}
	if st.Power["host"].Coverage != 0.25 {
		t.Errorf("coverage %g of one host of four", st.Power["host"].Coverage)
	}
	if d := cmp.Diff([]string{"s/n1"}, p.Agents("s", "n1")); d != "" {
		t.Error(d)
	}
	if got := p.Agents("t", "n1"); len(got) != 0 {
		t.Errorf("agents of another site: %q", got)
	}
}

func TestNonsenseOfOneAgentLeavesAStatusThatCanBeRead(t *testing.T) {
	p := newPresent(t, nil)
	grid := meters("plant", "grid_input")
	for _, v := range []float64{math.NaN(), math.Inf(1), -math.MaxFloat64} {
		nonsense := metric.Raw(math.Float64bits(v))
		for n := range 5 {
			p.says(newMachine("n1", "h01", "r1"), n, 50, nonsense, nonsense, nonsense, nonsense)
			p.says(newMachine("n2", "h01", "r1"), n, 60, well(1000, 700)...)
			p.says(grid, n, 100, nonsense)
		}
		st := p.status(5)
		if _, err := json.Marshal(st); err != nil {
			t.Errorf("%g: %v", v, err)
		}
		if f := st.Power["host"]; f.Watts == nil || *f.Watts != 1000 || st.Power["facility"].Watts != nil {
			t.Errorf("%g: %+v, %+v", v, f, st.Power["facility"])
		}
	}
}

// Writers, the clock and readers at once; for the race detector.
func TestItIsReadWhileItIsWritten(t *testing.T) {
	p := newPresent(t, nil)
	ctx, stop := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer stop()
	var wg sync.WaitGroup
	wg.Go(func() { p.Run(ctx) })
	wg.Go(func() {
		m := newMachine("n1", "h01", "r1")
		for n := 0; ctx.Err() == nil; n++ {
			now := time.Now()
			p.Observe("s/n1", "s", m.layout, now.UnixMilli(), well(1, 1), now)
		}
	})
	for range 2 {
		wg.Go(func() {
			for ctx.Err() == nil {
				if st := p.Status("s", 0, time.Now().UnixMilli()); st != nil {
					if _, err := json.Marshal(st); err != nil {
						t.Error(err)
					}
				}
				p.Sites()
				p.Agents("s", "n1")
			}
		})
	}
	wg.Wait()
}
