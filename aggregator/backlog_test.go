package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/bus"
	"github.com/gigawatch/gigawatch/collector/sim"
)

var (
	backlogHosts = flag.Int("backlog.hosts", 12_500, "hosts of 8 GPUs that were cut off, each with a connection of its own")
	backlogOf    = flag.Duration("backlog.of", time.Hour, "for how long they were")
	backlogAfter = flag.Duration("backlog.after", 4*time.Minute, "how long they are seen again before that begins to flow; 0: to an aggregator that never saw them")
	backlogApart = flag.Bool("backlog.apart", true, "the bus is a process of its own, as where so many connect; else it is in the aggregator's")
	backlogIn    = flag.Duration("backlog.in", 8*time.Minute, "how long is waited for all to be taken")
)

// drained is how a backlog was taken.
type drained struct {
	took      time.Duration // from the first record to no lag
	freshness float64       // s, the largest p99 of telemetry meanwhile
	records   float64       // of the ledger lane
	cores     float64       // of bus and aggregator meanwhile
	rss       int64         // bytes, the most, of both
	off       float64       // mJ
	lost      float64       // batches of telemetry
}

// drain lets a site that was cut off come back, every host by a connection of its
// own, and looks once a second at how its past is taken beside its present. The
// aggregator sees the hosts for a while before: it knew them before they were cut off.
func drain(b testing.TB, p *process, pids []int, address, collector string, hosts int, backlog, limit time.Duration) (d drained) {
	b.Helper()
	fleet := startSimulator(b, collector, address, hosts, "-connections", strconv.Itoa(hosts), "-backlog", backlog.String(), "-backlog-after", backlogAfter.String())
	records := func() float64 { return p.own("gigawatch_stream_ledger_records_total") }
	p.await(20*time.Minute, "the first records of the past", func() bool { return records() > float64(hosts)/10 }) // the site's own plant speaks before
	used := func() (u spent) {
		for _, pid := range pids {
			one := usageOf(b, pid)
			u.cpu, u.peak = u.cpu+one.cpu, u.peak+one.peak
		}
		return u
	}
	began, before := time.Now(), used()
	level := 0 // seconds without lag, one after the other
	var told time.Duration
	for level < 15 {
		time.Sleep(time.Second)
		lag, taken := p.own("gigawatch_stream_ledger_lag_seconds"), records()
		if time.Since(began) > limit {
			b.Fatalf("after %s the ledger is %.0f s behind, with %.0f records", limit, lag, taken)
		}
		fresh := p.own(`gigawatch_stream_freshness_seconds{quantile="0.99"}`)
		if fresh > d.freshness { // NaN before the first
			d.freshness = fresh
		}
		if said := time.Since(began).Truncate(10 * time.Second); said > told {
			told = said
			fmt.Printf("%4.0f s: freshness p99 %.2f s, ledger %.0f s behind, %.0f records\n", said.Seconds(), fresh, lag, taken)
		}
		if lag < 15 && taken >= float64(hosts)*backlog.Seconds()/10 {
			level++
		} else {
			level, d.took = 0, time.Since(began)
		}
		now := used()
		d.rss = max(d.rss, now.peak)
		if level == 0 {
			d.cores = (now.cpu - before.cpu) / time.Since(began).Seconds()
		}
	}
	d.records, d.lost = records(), p.own("gigawatch_stream_telemetry_batches_lost_total")+p.own("gigawatch_recording_ticks_dropped_total")
	d.off = fleet.end(b, p)
	return d
}

// simulator is one in a process of its own.
type simulator struct {
	cmd  *exec.Cmd
	file string // where it leaves the truth
}

// startSimulator simulates a site of hosts with 8 GPUs, on the bus at an address.
func startSimulator(b testing.TB, collector, address string, hosts int, more ...string) *simulator {
	b.Helper()
	f := &simulator{file: filepath.Join(b.TempDir(), "truth.json")}
	f.cmd = exec.Command(collector, append([]string{"simulate", "-nats", "nats://" + address, "-site", "s1", "-hosts", strconv.Itoa(hosts), "-gpus", "8",
		"-seed", "1", "-truth", f.file, "-log", "warn"}, more...)...)
	f.cmd.Stderr = os.Stderr
	if err := f.cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { f.cmd.Process.Kill() })
	return f
}

// end ends it, and says by how many mJ what p has differs from the truth.
func (f *simulator) end(b testing.TB, p *process) float64 {
	b.Helper()
	f.cmd.Process.Signal(os.Interrupt)
	return f.wait(b, p)
}

// wait is end where it ends by itself.
func (f *simulator) wait(b testing.TB, p *process) float64 {
	b.Helper()
	if err := f.cmd.Wait(); err != nil {
		b.Fatalf("the simulator ended with %v", err)
	}
	var truth sim.Truth
	raw, err := os.ReadFile(f.file)
	if err == nil {
		err = json.Unmarshal(raw, &truth)
	}
	if err != nil {
		b.Fatal(err)
	}
	return offTruth(b, p, truth)
}

// backlogged is an aggregator with its bus at an address, and the processes of both.
func backlogged(b *testing.B, address string) (*process, []int) {
	b.Helper()
	dir := b.TempDir()
	if !*backlogApart {
		p := start(b, "all-in-one", "-hosts", "0", "-data", filepath.Join(dir, "data"), "-listen", "127.0.0.1:0", "-bus", address)
		return p, []int{p.cmd.Process.Pid}
	}
	_, port, _ := strings.Cut(address, ":")
	at, err := strconv.Atoi(port)
	if err != nil {
		b.Fatal(err)
	}
	// In this process, which does little else.
	s, err := bus.Start(bus.ServerConfig{Dir: filepath.Join(dir, "bus"), Listen: "127.0.0.1", Port: at, Store: 20 << 30, Logger: quietly()})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	config := filepath.Join(dir, "aggregator.yaml")
	text := fmt.Sprintf("data: %s\nlisten: 127.0.0.1:0\nsites: [{name: s1}]\nbus: {urls: [\"nats://%s\"]}\n", filepath.Join(dir, "data"), address)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
	p := start(b, "serve", "-config", config)
	return p, []int{p.cmd.Process.Pid, os.Getpid()}
}

// BenchmarkBacklog is a whole site that comes back after an hour without its bus.
func BenchmarkBacklog(b *testing.B) {
	bin, err := filepath.Abs(*siteBin)
	if err != nil {
		b.Fatal(err)
	}
	b.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	for range b.N {
		address := freePort(b)
		p, pids := backlogged(b, address)
		d := drain(b, p, pids, address, filepath.Join(bin, "collector"), *backlogHosts, *backlogOf, *backlogIn)
		p.stop()
		fmt.Printf("\n| hosts and connections | GPUs | cut off | records | drained in s | freshness p99, the worst, s | bus and aggregator, cores | its peak RSS GiB | batches lost | mJ off the truth |\n|---|---|---|---|---|---|---|---|---|---|\n"+
			"| %d | %d | %s | %.0f | %.0f | %.2f | %.2f | %.2f | %.0f | %.0f |\n",
			*backlogHosts, *backlogHosts*8, *backlogOf, d.records, d.took.Seconds(), d.freshness, d.cores, gib(d.rss), d.lost, d.off)
		fmt.Printf("soak: {\"row\":22,\"injected\":%d,\"mj\":%.0f}\n", *backlogHosts, d.off)
		b.ReportMetric(d.took.Seconds(), "s-drain")
		b.ReportMetric(d.freshness, "s-p99")
		b.ReportMetric(d.off, "mJ-off")
	}
}
