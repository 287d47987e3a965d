package health_test

import (
	"strings"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/health"
	"github.com/gigawatch/gigawatch/collector/sim"
)

// simulate lets a simulated site run, and tells which causes were ever reported,
// and with which worst state.
func simulate(t *testing.T, c sim.Config, d time.Duration) map[string]health.State {
	t.Helper()
	c.Site, c.Seed, c.Start = "sim", 7, time.Now().Truncate(time.Second)
	world, err := sim.New(c)
	if err != nil {
		t.Fatal(err)
	}
	h, err := health.New(health.Config{})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]health.State{}
	for second := range int(d / time.Second) {
		now := c.Start.Add(time.Duration(second+1) * time.Second)
		world.Step(now)
		for i := range world.Agents() {
			if values, ok := world.Telemetry(i, nil); ok {
				h.Observe(health.Tick{Key: "sim/" + world.Agent(i).Name, Site: "sim", Layout: world.Agent(i).Telemetry, Millis: now.UnixMilli(), Values: values, Received: now})
			}
		}
		h.Sweep(now)
		if second%5 > 0 {
			continue
		}
		r := h.Report("sim", 0, now)
		if !r.Simulated {
			t.Fatal("it is not said to be simulated")
		}
		if r.Blind != nil {
			seen["blind"] = r.Blind.State
		}
		for _, v := range r.Subjects {
			for _, f := range v.Findings {
				cause, _, _ := strings.Cut(f.Cause, "_0")
				seen[cause] = max(seen[cause], f.State)
			}
		}
	}
	return seen
}

func TestASimulatedSiteThatIsWell(t *testing.T) {
	if seen := simulate(t, sim.Config{Hosts: 4, Faults: sim.Faults{Off: true}}, 20*time.Minute); len(seen) > 0 {
		t.Errorf("it is said to have %v", seen)
	}
}

func TestASimulatedSiteWithFaults(t *testing.T) {
	for name, tc := range map[string]struct {
		fault sim.Fault
		told  []string // at the least
		worst health.State
	}{
		"uncorrected memory errors": {sim.UncorrectedECC, []string{"ecc_uncorrected", "recovery_action", "row_remap_pending", "xid_48", "xid_63"}, health.Failed},
		"a remapping that failed":   {sim.RemapFailed, []string{"row_remap_failed", "xid_64"}, health.Failed},
		"errors of applications":    {sim.AppError, []string{"xid_13"}, health.Watch},
		"NVLink errors":             {sim.NVLinkError, []string{"xid_74"}, health.Degraded}, // the driver asks for nothing
		"PCIe replays":              {sim.PCIeReplay, []string{"pcie_replays"}, health.Degraded},
		"lost GPUs":                 {sim.LostGPU, []string{"lost", "xid_79"}, health.Failed},
		"probes that hang":          {sim.HungProbe, []string{"stale"}, health.Unknown},
		"drivers that go blank":     {sim.BlankDriver, []string{"gpus_blank", "xid_119"}, health.Failed},
		"dead hosts":                {sim.DeadHost, []string{"silent"}, health.Unknown},
		"power brakes":              {sim.PowerBrake, []string{"power_brake_slowdown"}, health.Degraded},
		"ports that go down":        {sim.PortDown, []string{"fabric_link_down_mlx5"}, health.Watch},
		"disks with media errors":   {sim.MediaError, []string{"nvme_media_errors_nvme0"}, health.Degraded},
		"meters that hang":          {sim.HungMeter, nil, health.OK},
		"silent agents":             {sim.SilentAgent, []string{"silent"}, health.Unknown},
	} {
		t.Run(name, func(t *testing.T) {
			seen := simulate(t, sim.Config{Hosts: 4, Faults: sim.Faults{Only: []sim.Fault{tc.fault}}}, 40*time.Minute)
			worst := health.OK
			for _, s := range seen {
				worst = max(worst, s)
			}
			for _, cause := range tc.told {
				if _, ok := seen[cause]; !ok {
					t.Errorf("%s is not told; %v are", cause, seen)
				}
			}
			if worst != tc.worst {
				t.Errorf("the worst is %s, want %s: %v", worst, tc.worst, seen)
			}
		})
	}
}
