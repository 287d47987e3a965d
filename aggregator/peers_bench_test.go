package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/gigawatch/gigawatch/collector/agent"
	"github.com/gigawatch/gigawatch/collector/sim"
)

var (
	peersHosts = flag.Int("peers.hosts", 125, "size of the simulated site that the peers are fed, in hosts of 8 GPUs")
	peersFor   = flag.Duration("peers.for", 2*time.Minute, "how long they are fed, at most 6m")
)

const (
	peersArrival = 20 * time.Second // in which series are made; at most a third of the run
	peersSettle  = 10 * time.Second // after the last sample, for what is still in memory
	peersLimit   = 9 * time.Minute  // for all of it
)

// A contender is a process under measurement.
type contender struct {
	name, short string
	*process
	dir                 string  // of its data
	sender              *sender // nil: fed through the bus
	count               string  // its own metric of the samples that it took
	before, mark, after spent
	running             int64 // bytes on disk, logs and all, before it ends
	values, index       int64 // of the time series, once they are blocks or parts
}

// BenchmarkPeers feeds one simulated site to Gigawatch and to two time series
// databases of Debian, and prints what each process took for it.
//
//	sim.World ─▶ fleet of agents ─▶ bus ─▶ Gigawatch
//	sim.World ─▶ remote write, 8,000 a request ─┬─ every sample ──▶ victoria-metrics, prometheus
//	 (its twin)                                 └─ one in ten ────▶ victoria-metrics, prometheus
//
// All of them run at once and in real time, so that they meet the same samples,
// the same moment and the same disturbances of the machine, and pay for a second
// that goes by as well as for a sample; with a processor free this says what a
// site costs, not how fast any of them could be. Counted are the processor time
// and memory of each server alone, never of what feeds it, and all have their
// default settings.
//
// A peer is sent large requests over one kept connection, without staleness
// markers; Gigawatch gets a message a second from each agent, and every ten
// seconds its ledger records, which are not counted as samples. A request has one
// sample of a series, as one has it who must see them within the second. The one
// in ten is about what Gigawatch's store keeps: each agent at a second of its own.
func BenchmarkPeers(b *testing.B) {
	for _, name := range []string{"victoria-metrics", "prometheus"} {
		if _, err := exec.LookPath(name); err != nil {
			b.Skipf("a peer is not installed: %v", err)
		}
	}
	if *peersFor > 6*time.Minute || *peersFor < 15*time.Second {
		b.Fatalf("-peers.for %s is not between 15s and 6m", *peersFor)
	}
	for range b.N {
		benchPeers(b)
	}
}

func benchPeers(b *testing.B) {
	bin, err := filepath.Abs(*siteBin)
	if err != nil {
		b.Fatal(err)
	}
	b.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	ctx, stop := signal.NotifyContext(b.Context(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, peersLimit)
	defer cancel()

	dir, bus := b.TempDir(), freePort(b)
	data := filepath.Join(dir, "gigawatch")
	gigawatch := &contender{name: "Gigawatch", short: "gigawatch", dir: data, count: "gigawatch_stream_telemetry_samples_total", process: start(b, "all-in-one", "-hosts", "0", "-data", data, "-listen", "127.0.0.1:0", "-bus", bus, "-log", "warn")}
	context.AfterFunc(ctx, func() { gigawatch.cmd.Process.Kill() })
	all := []*contender{
		gigawatch,
		startVictoria(ctx, b, filepath.Join(dir, "victoria"), "VictoriaMetrics, every sample", "victoria"),
		startPrometheus(ctx, b, filepath.Join(dir, "prometheus"), "Prometheus, every sample", "prometheus"),
		startVictoria(ctx, b, filepath.Join(dir, "victoria-10s"), "VictoriaMetrics, one in 10 s", "victoria-10s"),
		startPrometheus(ctx, b, filepath.Join(dir, "prometheus-10s"), "Prometheus, one in 10 s", "prometheus-10s"),
	}
	for _, c := range all {
		c.before = usageOf(b, c.cmd.Process.Pid)
	}
	machine := machineNow(b)
	feed, arrived := feedAll(ctx, b, all, bus)
	time.Sleep(peersSettle)
	for _, c := range all {
		c.after, c.running = usageOf(b, c.cmd.Process.Pid), sizeOf(c.dir)
	}
	used := machineNow(b).since(machine)
	for _, c := range all {
		c.checkTaken(b, feed.full.sent)
	}
	for _, c := range all {
		c.stop()
		c.measureDisk(b, filepath.Join(dir, c.short+"-blocks"))
	}
	measured(b, all, feed, arrived, used)
}

// feedAll feeds Gigawatch by the bus, the next two peers with all and the last
// two with a tenth, and marks when the series are made, and by how many samples.
func feedAll(ctx context.Context, b *testing.B, all []*contender, bus string) (f *feed, arrived int) {
	b.Helper()
	site := sim.Config{Site: "s1", Hosts: *peersHosts, GPUs: 8, Seed: 1, Start: time.Now().Truncate(time.Second)}
	world, err := sim.New(site)
	if err != nil {
		b.Fatal(err)
	}
	if f, err = newFeed(site); err != nil {
		b.Fatal(err)
	}
	f.full.to = []*sender{all[1].sender, all[2].sender}
	f.thin.to = []*sender{all[3].sender, all[4].sender}
	ended := make(chan error, 1)
	go func() {
		ended <- agent.RunFleet(ctx, agent.FleetConfig{
			Bus: agent.BusConfig{URLs: []string{"nats://" + bus}}, World: world, Site: "s1", For: *peersFor,
			Logger: quietly(), Metrics: metrics.NewSet(),
		})
	}()
	arrival := min(peersArrival, *peersFor/3)
	f.run(ctx, *peersFor, func(since time.Duration) {
		if arrived != 0 || since < arrival {
			return
		}
		arrived = f.full.sent
		for _, c := range all {
			c.mark = usageOf(b, c.cmd.Process.Pid)
		}
	})
	for _, c := range all[1:] {
		if err := c.sender.close(); err != nil {
			b.Errorf("%s: %v\n%s", c.name, err, c.output())
		}
	}
	select {
	case err := <-ended:
		if err != nil {
			b.Errorf("the fleet ended with %v", err)
		}
	case <-ctx.Done():
	}
	if err := context.Cause(ctx); err != nil {
		b.Fatalf("not all was fed: %v", err)
	}
	if b.Failed() {
		b.FailNow()
	}
	return f, arrived
}

// checkTaken asks c by its own count whether it took what it was sent.
func (c *contender) checkTaken(b *testing.B, offered int) {
	b.Helper()
	took := c.own(c.count)
	if c.sender != nil {
		if took != float64(c.sender.sent) {
			b.Errorf("%s took %.0f samples of %d", c.name, took, c.sender.sent)
		}
		return
	}
	// The fleet may begin a tick later and end one sooner.
	least := float64(offered) * (1 - 2/peersFor.Seconds())
	if lost := c.own("gigawatch_stream_telemetry_batches_lost_total") + c.own("gigawatch_recording_ticks_dropped_total"); took < least || lost > 0 {
		b.Errorf("%s took %.0f samples of %d and lost %.0f batches", c.name, took, offered, lost)
	}
}

func measured(b *testing.B, all []*contender, feed *feed, arrived int, used string) {
	offered := float64(feed.full.sent)
	cpu := func(c *contender) float64 { return (c.after.cpu - c.before.cpu) / offered * 1e6 }
	steady := func(c *contender) float64 { return (c.after.cpu - c.mark.cpu) / (offered - float64(arrived)) * 1e6 }
	peak := func(c *contender) float64 { return float64(c.after.peak) / (1 << 20) }
	running := func(c *contender) float64 { return float64(c.running) / offered }
	settled := func(c *contender) float64 { return float64(c.values+c.index) / offered }
	g := all[0]
	against := func(f func(*contender) float64, c *contender) float64 { return f(c) / f(g) }
	cell := func(format string, f func(*contender) float64, c *contender) string {
		if c == g {
			return fmt.Sprintf(format, f(c))
		}
		return fmt.Sprintf(format+" (×%.2f)", f(c), against(f, c))
	}
	var t strings.Builder
	fmt.Fprintf(&t, "\n%d hosts, %d GPUs, %s: %.2f M samples at 1 Hz. Per sample means one of these, in every row. In brackets: peer / Gigawatch.\n\n", *peersHosts, *peersHosts*8, *peersFor, offered/1e6)
	fmt.Fprintln(&t, "| | M samples sent to it | CPU s | CPU s per M | after series were made | CPU s per M sent to it | peak RSS MiB | RSS at the end (anonymous) MiB | B on disk per sample, running | B per sample, settled | samples + index |\n|---|---|---|---|---|---|---|---|---|---|---|")
	for _, c := range all {
		sent := feed.full.sent
		if c.sender != nil {
			sent = c.sender.sent
		}
		fmt.Fprintf(&t, "| %s | %.2f | %.2f | %s | %s | %.2f | %s | %.0f (%.0f) | %s | %s | %.2f + %.2f |\n",
			c.name, float64(sent)/1e6, c.after.cpu-c.before.cpu, cell("%.2f", cpu, c), cell("%.2f", steady, c), (c.after.cpu-c.before.cpu)/float64(sent)*1e6,
			cell("%.0f", peak, c), float64(c.after.rss)/(1<<20), float64(c.after.anonymous)/(1<<20),
			cell("%.2f", running, c), cell("%.2f", settled, c), float64(c.values)/offered, float64(c.index)/offered)
		if c != g {
			b.ReportMetric(against(cpu, c), c.short+"-cpu/gigawatch")
			b.ReportMetric(against(peak, c), c.short+"-rss/gigawatch")
			b.ReportMetric(against(settled, c), c.short+"-disk/gigawatch")
		}
	}
	b.ReportMetric(cpu(g), "gigawatch-cpu-s/M")
	b.ReportMetric(peak(g), "gigawatch-MiB")
	part := func(name string) float64 { return float64(sizeOf(filepath.Join(g.dir, name))) / offered }
	fmt.Fprintf(&t, `
Gigawatch's CPU is that of the bus, of decoding, of roll-ups every second, of the ledger and of the store. It keeps every sample
for 30 minutes in the bus (%.2f B a sample; older ones make room), in the store one in 10 s of each series and of what does not
change one in two minutes, and the joules of every counter for good in the ledger (%.2f B a sample so far). A peer of every sample
keeps all of them as long as it keeps anything; a peer of one in 10 s never saw the others. Settled is the time series alone, once
they are blocks or parts; in a run of minutes their index weighs more than in a month. %s
`, part("bus"), part("ledger"), used)
	for _, c := range all[1:] {
		fmt.Fprintf(&t, "%s: slowest request %s.\n", c.name, c.sender.slowest.Round(time.Millisecond))
	}
	fmt.Println(t.String())
}
