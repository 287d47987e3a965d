package sim

import (
	"encoding/binary"
	"hash/fnv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

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

// imprint is a hash of all that the agents of w read.
func imprint(w *World) uint64 {
	h := fnv.New64a()
	var b [8]byte
	for i := range w.Agents() {
		t, _ := w.Telemetry(i, nil)
		l, _ := w.Ledger(i, nil)
		for _, v := range append(t, l...) {
			binary.LittleEndian.PutUint64(b[:], uint64(v))
			h.Write(b[:])
		}
	}
	return h.Sum64()
}

func TestOneSeedIsOneSite(t *testing.T) {
	worlds := [...]*World{
		newWorld(t, Config{Hosts: 20, Seed: 42}),
		newWorld(t, Config{Hosts: 20, Seed: 42}),
		newWorld(t, Config{Hosts: 20, Seed: 43}),
	}
	var prints [3]uint64
	for i := range 900 {
		for n, w := range worlds {
			w.Step(morning.Add(time.Duration(i+1) * time.Second))
			if i%60 == 0 {
				prints[n] = prints[n]*31 + imprint(w)
			}
		}
	}
	if prints[0] != prints[1] || prints[0] == prints[2] {
		t.Errorf("seeds 42, 42, 43 read %x", prints)
	}
	if d := cmp.Diff(worlds[0].Truth(), worlds[1].Truth()); d != "" {
		t.Errorf("two truths of one seed:\n%s", d)
	}
	// Machines that fuse multiplication and addition round otherwise.
	one := float64(len(worlds) / 3) // not a constant: the compiler would reckon with it exactly
	x, y, z := one+0x1p-30, one-0x1p-30, -one
	if fused := x*y+z != float64(x*y)+z; fused {
		t.Skip("this machine fuses")
	}
	const golden = uint64(0x4c0a25766384e2a1)
	if prints[0] != golden {
		t.Errorf("seed 42 reads %#x, not %#x as it did: change it only with the model", prints[0], golden)
	}
}

func TestTimeThatDoesNotAdvanceChangesNothing(t *testing.T) {
	w := newWorld(t, Config{Hosts: 2, Seed: 1})
	w.Step(morning.Add(time.Hour)) // in pieces
	was := imprint(w)
	w.Step(morning.Add(time.Hour))
	w.Step(morning)
	if imprint(w) != was {
		t.Error("the world moved")
	}
	if end := w.Truth().End; !end.Equal(morning.Add(time.Hour)) {
		t.Errorf("it is %s in the world", end)
	}
}

func TestNothingIsAllocatedByATick(t *testing.T) {
	w := newWorld(t, Config{Hosts: 100, Seed: 1, Faults: Faults{Off: true}})
	now := morning
	v := make([]metric.Raw, 0, 1024)
	if n := testing.AllocsPerRun(300, func() {
		now = now.Add(time.Second)
		w.Step(now)
		for i := range w.Agents() {
			v, _ = w.Telemetry(i, v[:0])
			v, _ = w.Ledger(i, v[:0])
		}
	}); n != 0 {
		t.Errorf("%v allocations a tick", n)
	}
}

// notSimulated is what drivers and disks of the model do not tell.
var notSimulated = map[metric.Number]bool{
	metric.GPUPowerInstant: true, metric.GPUEncoderUtilization: true, metric.GPUDecoderUtilization: true, metric.GPUPerformanceState: true,
	metric.GPUClockReasons: true, metric.GPUPCIeWidth: true, metric.GPUPCIeGeneration: true, metric.GPUPowerLimitDefault: true,
	metric.GPUSRAMThreshold: true, metric.GPUMemoryUnrepairable: true, metric.GPUPagesPending: true, metric.GPUEngineActive: true,
	metric.GPUSMActive: true, metric.GPUTensorActive: true, metric.GPUMemoryActive: true, metric.GPUPCIeThroughput: true,
	metric.GPUNVLinkThroughput: true, metric.GPUXIDTime: true, metric.GPUEnergyCheck: true, metric.GPUPartitions: true,
	metric.HostPowerAge: true, metric.HostGPUs: true, metric.FabricPortRateMax: true,
	metric.MeterReadingAge: true, metric.MeterState: true, metric.MeterFailures: true, metric.MeterLeak: true, metric.MeterFlowLimit: true,
	metric.NVMeSpare: true, metric.NVMeWarning: true, metric.NVSwitchTemperature: true, metric.NVSwitchErrors: true,
}

func TestEveryGPUAndHostMetricIsRead(t *testing.T) {
	w := newWorld(t, Config{Hosts: 1})
	w.see(0, 0, 31)
	read := map[metric.Number]int{}
	for i := range w.Agents() {
		for _, c := range w.Agent(i).Telemetry.Columns {
			read[c.Metric]++
		}
	}
	gpu, host := 0, 0
	for d := range metric.All {
		switch {
		case d.Number >= 600:
		case (read[d.Number] == 0) != notSimulated[d.Number]:
			t.Errorf("%s is read %d times", d.Name, read[d.Number])
		case d.Entity == metric.GPU && d.Number != metric.GPUXIDEvents:
			gpu += read[d.Number]
		}
	}
	if host = w.Agent(0).Telemetry.Width() - 1 - 8*gpu; gpu < 34 || host < 40 {
		t.Errorf("%d values a GPU, %d a host", gpu, host)
	}
}

// A ledger record carries its layout and must stay under 4 kB; numbers are
// reckoned as a codec without any cunning would write them.
func TestLedgerRecordsAreSmall(t *testing.T) {
	w := newWorld(t, Config{Hosts: 12_500, Seed: 1, Faults: Faults{Off: true}})
	for i := range w.Agents() {
		l := w.Agent(i).Ledger
		n := 64
		for _, e := range l.Entities {
			n += 3 + len(e.Name)
			for _, p := range e.Labels {
				n += 2 + len(p.Value)
			}
		}
		for _, c := range l.Columns {
			n += 6
			switch metric.Lookup(c.Metric).Kind {
			case metric.Counter:
				n += 7 * c.Count
			case metric.State, metric.Gauge:
				n += c.Count
				if c.Form == metric.Float {
					n += 3 * c.Count
				}
			}
		}
		if n > 4096 {
			t.Fatalf("a record of %s has %d bytes or so", w.Agent(i).Name, n)
		}
	}
}
