package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/gigawatch/gigawatch/aggregator/internal/bus"
	"github.com/gigawatch/gigawatch/aggregator/query"
	"github.com/gigawatch/gigawatch/collector/agent"
	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/sim"
)

// quietly passes on only what is worth a look in a test's output.
func quietly() *slog.Logger {
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
}

// fleet publishes a simulated site to a bus for a while and returns its truth.
func fleet(t testing.TB, ctx context.Context, bus string, hosts int, seed uint64, length time.Duration) func() sim.Truth {
	t.Helper()
	t.Logf("seed: %d", seed)
	truth := filepath.Join(t.TempDir(), "truth.json")
	world, err := sim.New(sim.Config{Site: "s1", Hosts: hosts, GPUs: 8, Seed: seed, Start: time.Now().Truncate(time.Second), Faults: sim.Faults{Every: 2 * time.Second}})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		ended <- agent.RunFleet(ctx, agent.FleetConfig{
			Bus: agent.BusConfig{URLs: []string{"nats://" + bus}}, World: world, Site: "s1", For: length, Truth: truth,
			Logger: quietly(), Metrics: metrics.NewSet(),
		})
	}()
	return func() sim.Truth {
		t.Helper()
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(truth)
		if err != nil {
			t.Fatal(err)
		}
		var got sim.Truth
		if err := json.Unmarshal(b, &got); err != nil {
			t.Fatal(err)
		}
		return got
	}
}

// checkEnergy holds the aggregator's energy of every GPU against the truth, to
// the last millijoule, and the site's totals.
func checkEnergy(t testing.TB, p *process, truth sim.Truth) {
	t.Helper()
	client := &query.Client{URL: p.url}
	got := energyByGPU(t, client, truth)
	for _, g := range truth.GPU {
		want := g.Observed // by who sees the readings only
		if got[g.UUID] != uint64(want) {
			t.Errorf("%s of %s: ledger says %d mJ, truth is %d (%+d)", g.UUID, g.Host, got[g.UUID], want, int64(got[g.UUID])-int64(want))
		}
	}
	if len(truth.GPU) == 0 {
		t.Fatal("the truth knows no GPU")
	}
}

// energyByGPU is the measured energy of each GPU over the hours of the run.
func energyByGPU(t testing.TB, c *query.Client, truth sim.Truth) map[string]uint64 {
	t.Helper()
	a, err := c.Energy(t.Context(), query.EnergyQuestion{
		Site: "s1", By: "gpu", Boundary: metric.GPUs,
		From: truth.Start.UTC().Truncate(time.Hour), To: time.Now().UTC().Truncate(time.Hour).Add(time.Hour),
	})
	if err != nil {
		t.Fatal(err)
	}
	if a.Truncated {
		t.Fatal("the answer was cut")
	}
	got := map[string]uint64{}
	for _, l := range a.Lines {
		if l.Millijoules == nil {
			t.Errorf("%s: no figure: %s", l.UUID, l.Reason)
			continue
		}
		// What was estimated across a restart stands beside the measured joules.
		got[l.UUID] += uint64(l.Parts["measured"] + l.Parts["counter_bridged"])
	}
	return got
}

func TestKilledAggregatorReportsTheSameJoules(t *testing.T) {
	t.Parallel()
	dir, busAddr := t.TempDir(), freePort(t)
	args := []string{"all-in-one", "-hosts", "0", "-data", dir, "-listen", "127.0.0.1:0", "-bus", busAddr}
	p := start(t, args...)
	wait := fleet(t, t.Context(), busAddr, 24, uint64(time.Now().UnixNano()), 50*time.Second)
	for _, after := range []time.Duration{13 * time.Second, 9 * time.Second} {
		time.Sleep(after)
		p.kill()
		p = start(t, args...)
	}
	truth := wait()
	checkEnergy(t, p, truth)
	p.stop()
	if s, err := runVerify(t, dir); err != nil {
		t.Errorf("verify: %v: %s", err, s)
	}
}

func TestFiguresAgreeWithEachOtherAndWithTheTruth(t *testing.T) {
	t.Parallel()
	dir, busAddr := t.TempDir(), freePort(t)
	p := start(t, "all-in-one", "-hosts", "0", "-data", dir, "-listen", "127.0.0.1:0", "-bus", busAddr)
	// Long enough for a whole minute of the clock, which is what KPIs are made of.
	length := time.Until(time.Now().Truncate(time.Minute).Add(2*time.Minute + 10*time.Second))
	wait := fleet(t, t.Context(), busAddr, 16, 7, length)
	p.await(30*time.Second, "roll-ups of the simulated site", func() bool {
		return len(p.instant(`site_power_watts{site="s1"}`, "boundary")) == 4
	})
	power := p.instant(`site_power_watts{site="s1"}`, "boundary")
	if !(power["facility"] > power["it"] && power["it"] > power["host"] && power["host"] > power["gpu"] && power["gpu"] > 0) {
		t.Errorf("power does not shrink inwards: %v", power)
	}
	p.await(30*time.Second, "this host's own figures", func() bool {
		return len(p.instant(`host_memory_used_bytes{site="here"}`, "host")) == 1
	})
	truth := wait()
	checkEnergy(t, p, truth)
	kpis, err := (&query.Client{URL: p.url}).KPI(t.Context(), query.KPIQuestion{Site: "s1", KPIs: []string{"pue", "carbon_location"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range kpis.KPIs {
		switch {
		case k.Value == nil:
			t.Errorf("%s: no value: %s", k.Name, k.Reason)
		case k.Name == "pue" && (*k.Value < 1.02 || *k.Value > 1.6 || k.Category != 1):
			t.Errorf("PUE is %v of category %d", *k.Value, k.Category)
		case k.Name == "carbon_location" && *k.Value <= 0:
			t.Errorf("carbon is %v", *k.Value)
		}
	}
	if len(kpis.KPIs) != 2 {
		t.Errorf("asked for two figures, got %d", len(kpis.KPIs))
	}
	if p.own("gigawatch_stream_telemetry_batches_lost_total") != 0 || p.own("gigawatch_stream_rejected_total") != 0 {
		t.Errorf("lost %v batches, refused %v", p.own("gigawatch_stream_telemetry_batches_lost_total"), p.own("gigawatch_stream_rejected_total"))
	}
	p.stop()
}

// A sample must be queryable within two seconds of its instant, for one GPU as
// for the site.
func TestSampleIsQueryableWithinTwoSeconds(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := start(t, "all-in-one", "-hosts", "8", "-data", dir, "-listen", "127.0.0.1:0")
	for _, expr := range []string{`site_power_watts{site="simulated",boundary="facility"}`, `gpu_power_watts{site="simulated",host="n00003",gpu="5"}`} {
		p.await(30*time.Second, expr, func() bool { return len(p.instant(expr, "site")) == 1 })
		for range 5 {
			age := time.Since(time.UnixMilli(int64(p.instant("timestamp("+expr+")", "site")["simulated"] * 1000)))
			if age > 2*time.Second {
				t.Errorf("%s: newest sample is %s old", expr, age)
			}
			time.Sleep(300 * time.Millisecond)
		}
	}
	p.stop()
}

// In production the bus is a server of its own, and the aggregator a client.
func TestBusElsewhere(t *testing.T) {
	t.Parallel()
	s, err := bus.Start(bus.ServerConfig{Dir: t.TempDir(), Listen: "127.0.0.1", Store: 4 << 30, Logger: quietly()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	dir := t.TempDir()
	config := filepath.Join(dir, "aggregator.yaml")
	text := fmt.Sprintf("data: %s\nlisten: 127.0.0.1:0\nsites: [{name: s1, hosts: 4, gpus: 32}]\nbus: {urls: [%q]}\n", filepath.Join(dir, "data"), s.ClientURL())
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p := start(t, "serve", "-config", config)
	wait := fleet(t, t.Context(), s.Addr().String(), 2, 11, 15*time.Second)
	p.await(30*time.Second, "what is missing of the inventory is counted", func() bool {
		hosts := p.instant(`site_hosts{site="s1"}`, "state")
		return hosts["expected"] == 4 && hosts["reporting"] == 2
	})
	checkEnergy(t, p, wait())

	// A second one must not open the same folder.
	if out, err := exec.Command("aggregator", "serve", "-config", config).CombinedOutput(); err == nil || !strings.Contains(string(out), "another process has it open") {
		t.Errorf("a second process got the folder: %v: %s", err, out)
	}
	p.stop()
}

func runVerify(t testing.TB, dir string) (string, error) {
	t.Helper()
	var out, errs testWriter
	err := verify([]string{"-data", dir}, &out, &errs)
	return out.s + errs.s, err
}

type testWriter struct{ s string }

func (w *testWriter) Write(b []byte) (int, error) { w.s += string(b); return len(b), nil }
