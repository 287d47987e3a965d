package wire_test

import (
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/sim"
)

// What the simulated site sends comes back, and costs what a host may cost.
func TestSimulatedSite(t *testing.T) {
	start := time.Date(2026, 11, 22, 17, 0, 0, 0, time.UTC)
	w, err := sim.New(sim.Config{Site: "sim", Hosts: 16, GPUs: 8, Seed: 7, Start: start})
	if err != nil {
		t.Fatal(err)
	}
	var cost, samples float64
	for second := range 60 {
		now := start.Add(time.Duration(second+1) * time.Second)
		w.Step(now)
		for i := range w.Agents() {
			agent := w.Agent(i)
			for lane, l := range map[metric.Lane]*metric.Layout{metric.Telemetry: agent.Telemetry, metric.Ledger: agent.Ledger} {
				read := w.Telemetry
				if lane == metric.Ledger {
					read = w.Ledger
				}
				values, alive := read(i, nil)
				if !alive {
					continue
				}
				b := &metric.Batch{
					Site: "sim", Agent: agent.Name, Lane: lane, Incarnation: uint64(start.UnixMilli()), Sequence: uint64(second + 1),
					Time: now.UnixMilli(), Boottime: now.Sub(start).Nanoseconds() + 1e15, Ticks: 1, Layout: l, Values: values,
				}
				if second%20 == 0 {
					check(t, b)
				}
				if lane == metric.Telemetry && agent.Name[0] == 'n' {
					cost += costs(b) * float64(len(values))
					samples += float64(len(values))
				}
			}
		}
	}
	t.Logf("%.0f samples a host and second, %.3f bytes a sample", samples/16/60, cost/samples)
	if cost/samples > 1.5 {
		t.Errorf("%.3f bytes a sample", cost/samples)
	}
}
