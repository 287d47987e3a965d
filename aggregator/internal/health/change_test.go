package health_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/health"
	"github.com/gigawatch/gigawatch/collector/sim"
)

// Who adds up the changes knows what the report says.
func TestChangesAddUpToTheReport(t *testing.T) {
	c := sim.Config{Site: "sim", Hosts: 6, Seed: 11, Start: time.Now().Truncate(time.Second), Faults: sim.Faults{Every: 20 * time.Second}}
	world, err := sim.New(c)
	if err != nil {
		t.Fatal(err)
	}
	h, err := health.New(health.Config{})
	if err != nil {
		t.Fatal(err)
	}
	type fact struct{ who, cause string }
	added := map[string]map[string]string{}
	told := 0
	for second := range 1800 {
		now := c.Start.Add(time.Duration(second+1) * time.Second)
		world.Step(now)
		for i := range world.Agents() {
			if values, ok := world.Telemetry(i, nil); ok {
				h.Observe(health.Tick{Key: "sim/" + world.Agent(i).Name, Site: "sim", Layout: world.Agent(i).Telemetry, Millis: now.UnixMilli(), Values: values, Received: now})
			}
		}
		h.Sweep(now)
		changes := h.Changes(second%60 == 0, now)
		told += len(changes)
		for _, c := range changes {
			who := c.Host + "/" + c.UUID
			added[who] = map[string]string{}
			for _, f := range c.Findings {
				added[who][f.Cause] = f.State.String()
			}
		}
		if second%60 != 0 {
			continue
		}
		want, got := map[fact]string{}, map[fact]string{}
		for _, v := range h.Report("sim", 0, now).Subjects {
			for _, f := range v.Findings {
				if f.State != health.Watch { // some of those are made one line
					want[fact{v.Host + "/" + v.UUID, f.Cause}] = f.State.String()
				}
			}
		}
		for who, findings := range added {
			for cause, state := range findings {
				if state != health.Watch.String() {
					got[fact{who, cause}] = state
				}
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("after %d s the changes add up to\n%v\nand the report says\n%v", second, got, want)
		}
	}
	if told == 0 || told > 1800 {
		t.Errorf("%d changes were told", told)
	}
}
