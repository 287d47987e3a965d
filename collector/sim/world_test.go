package sim

import (
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
)

var morning = time.Date(2026, 6, 17, 8, 0, 0, 0, time.UTC)

func newWorld(t testing.TB, c Config) *World {
	t.Helper()
	if c.Site == "" {
		c.Site = "s"
	}
	if c.Start.IsZero() {
		c.Start = morning
	}
	w, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestEveryAgentReadsWhatItsLayoutsSay(t *testing.T) {
	for name, c := range map[string]Config{
		"one host":                {Hosts: 1},
		"one host of one GPU":     {Hosts: 1, GPUs: 1},
		"a hall":                  {Hosts: 40, Model: "NVIDIA H100"},
		"halls, the last half so": {Hosts: 600, GPUs: 4, Model: "NVIDIA B200"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, c)
			w.Step(morning.Add(time.Second))
			names := map[string]bool{}
			for i := range w.Agents() {
				a := w.Agent(i)
				if !metric.ValidName(a.Name) || names[a.Name] {
					t.Errorf("agent %d has no name of its own: %q", i, a.Name)
				}
				names[a.Name] = true
				for lane, l := range map[string]*metric.Layout{"telemetry": a.Telemetry, "ledger": a.Ledger} {
					if err := l.Check(); err != nil {
						t.Fatalf("%s of %s: %v", lane, a.Name, err)
					}
					if !l.Simulated {
						t.Errorf("%s of %s does not say that it is simulated", lane, a.Name)
					}
				}
				if v, ok := w.Telemetry(i, nil); !ok || len(v) != a.Telemetry.Width() {
					t.Errorf("%s: %d values, %v; the layout has %d", a.Name, len(v), ok, a.Telemetry.Width())
				}
				if v, ok := w.Ledger(i, nil); !ok || len(v) != a.Ledger.Width() {
					t.Errorf("%s: %d counters, %v; the layout has %d", a.Name, len(v), ok, a.Ledger.Width())
				}
			}
		})
	}
}

func TestConfigThatMakesNoWorld(t *testing.T) {
	for name, c := range map[string]Config{
		"no site":         {Hosts: 1, Start: morning},
		"no hosts":        {Site: "s", Start: morning},
		"no start":        {Site: "s", Hosts: 1},
		"too many GPUs":   {Site: "s", Hosts: 1, GPUs: 99, Start: morning},
		"an unknown GPU":  {Site: "s", Hosts: 1, Model: "abacus", Start: morning},
		"a site in words": {Site: "my site", Hosts: 1, Start: morning},
	} {
		if _, err := New(c); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
