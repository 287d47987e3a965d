package live_test

import (
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/gigawatch/gigawatch/aggregator/internal/live"
	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/sim"
)

// crowd is a gigafactory's agents, and a tick of each.
type crowd struct {
	*live.Live
	keys    []string
	layouts []*metric.Layout
	values  [][]metric.Raw
}

func newCrowd(b *testing.B, hosts int) *crowd {
	b.Helper()
	world, err := sim.New(sim.Config{Site: "demo", Hosts: hosts, GPUs: 8, Seed: 1, Start: second(-1)})
	if err != nil {
		b.Fatal(err)
	}
	world.Step(second(0))
	c := &crowd{Live: live.New(live.Config{Emit: func([]live.Point) {}, Metrics: metrics.NewSet()})}
	for i := range world.Agents() {
		if v, ok := world.Telemetry(i, nil); ok {
			c.keys = append(c.keys, "demo/"+world.Agent(i).Name)
			c.layouts = append(c.layouts, world.Agent(i).Telemetry)
			c.values = append(c.values, v)
		}
	}
	return c
}

// tell reports second n of all agents, to be closed by what comes after it.
func (c *crowd) tell(n int) {
	for i := range c.keys {
		c.Observe(c.keys[i], "demo", c.layouts[i], second(n).UnixMilli(), c.values[i], second(n))
	}
}

const gigafactory = 12_500

func BenchmarkObserve(b *testing.B) {
	c := newCrowd(b, gigafactory)
	c.tell(0)
	i, n := 0, 1
	b.ReportAllocs()
	for b.Loop() {
		c.Observe(c.keys[i], "demo", c.layouts[i], second(n).UnixMilli(), c.values[i], second(0))
		if i++; i == len(c.keys) {
			i, n = 0, n+1
		}
	}
}

func BenchmarkRollUp(b *testing.B) {
	c := newCrowd(b, gigafactory)
	for n := range 3 {
		c.tell(n)
	}
	n := 3
	b.ReportAllocs()
	for b.Loop() {
		// One tick moves the stream's clock on, which closes one second; the agents
		// are held, then missing, which costs less: told again when that is near.
		if n%2 == 1 {
			b.StopTimer()
			c.tell(n)
			b.StartTimer()
		}
		n++
		c.Observe(c.keys[0], "demo", c.layouts[0], second(n).UnixMilli(), c.values[0], second(n).Add(600*time.Millisecond))
	}
}

func BenchmarkStatus(b *testing.B) {
	c := newCrowd(b, gigafactory)
	for n := range 5 {
		c.tell(n)
	}
	n := 5
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		c.tell(n) // so that the worst are worked out anew
		n++
		b.StartTimer()
		if st := c.Status("demo", second(n-3).UnixMilli(), second(n).UnixMilli()); st.Power["gpu"].Watts == nil || len(st.Worst) == 0 {
			b.Fatal("nothing is known")
		}
	}
}
