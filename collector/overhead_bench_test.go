package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/gigawatch/gigawatch/collector/loopback"
	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/wire"
)

var (
	overheadBin  = flag.String("overhead.bin", "../bin", "folder of the two programs, built by make")
	overheadFor  = flag.Duration("overhead.for", 2*time.Minute, "how long the collector is measured")
	overheadWarm = flag.Duration("overhead.warm", 45*time.Second, "how long it runs before")
)

// BenchmarkOverhead is what the collector takes of a host at a reading a second,
// beside what Debian's node_exporter takes that is scraped as often, in the same
// seconds:
//
//	DCGM double, 8 GPUs ─▶ child ─▶ collector ─┐
//	                                           ├─▶ bus and aggregator
//	no GPU driver ───────────────▶ collector ──┘
//	node_exporter ◀── scraped over one kept connection, gzip
//
// All have their default settings. The kernel is asked for the processor time of
// all threads of each process, to the nanosecond, those of its children that have
// ended included. The double answers within the child and is part of what that
// takes, in place of the real library, which would go and ask its host engine;
// bus, aggregator and the one who scrapes are not measured. Pages that the
// collector shares with its child are in the RSS of both, and once in their PSS.
func BenchmarkOverhead(b *testing.B) {
	exporter, err := exec.LookPath("prometheus-node-exporter")
	if err != nil {
		b.Skipf("there is nothing to compare with: %v", err)
	}
	for range b.N {
		benchOverhead(b, exporter)
	}
}

func benchOverhead(b *testing.B, exporter string) {
	bin, err := filepath.Abs(*overheadBin)
	if err != nil {
		b.Fatal(err)
	}
	dir, gpus := b.TempDir(), 8
	bus := loopback.Free(b)
	overheadStart(b, nil, filepath.Join(bin, "aggregator"), "all-in-one", "-hosts", "0", "-data", filepath.Join(dir, "site"), "-listen", "127.0.0.1:0", "-bus", bus, "-log", "warn")
	overheadAwait(b, "the bus", func() bool { return overheadReaches(bus) })
	w, env, socket := overheadWorld(b, dir, gpus)

	collector := func(name, more string, env ...string) *exec.Cmd {
		// A copy, so that its memory is not shared with the other collector.
		program := filepath.Join(dir, "collector-"+name)
		overheadCopy(b, filepath.Join(bin, "collector"), program)
		config := filepath.Join(dir, name+".yaml")
		text := fmt.Sprintf("site: bench\nagent: %s\nplace: {host: %s}\nbus: {urls: [nats://%s]}\nspool: {dir: %s}\n%s", name, name, bus, filepath.Join(dir, name), more)
		if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
			b.Fatal(err)
		}
		return overheadStart(b, env, program, "-config", config)
	}
	with := collector("with", "sources: {gpu: {engine: "+socket+"}}\n", env...)
	without := collector("without", "")
	listen := loopback.Free(b)
	peer := overheadStart(b, nil, exporter, "--web.listen-address="+listen, "--log.level=error")
	overheadAwait(b, "node_exporter", func() bool { return overheadReaches(listen) })

	traffic := []*overheadTraffic{{}, {}}
	conn, err := nats.Connect("nats://" + bus)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	for i, name := range []string{"with", "without"} {
		for _, subject := range []string{wire.Subject(metric.Telemetry, "bench", name), wire.Subject(metric.Ledger, "bench", name)} {
			if _, err := conn.Subscribe(subject, traffic[i].take); err != nil {
				b.Fatal(err)
			}
		}
	}
	scrapes := &overheadScrapes{url: "http://" + listen + "/metrics"}
	stop := overheadEverySecond(func(now time.Time) {
		overheadLoad(w, now)
		scrapes.scrape(b)
	})
	defer stop()

	time.Sleep(*overheadWarm)
	child := overheadChild(b, with.Process.Pid)
	pids := []int{with.Process.Pid, child, without.Process.Pid, peer.Process.Pid}
	usage := func() (u []overheadUsage) {
		for _, pid := range pids {
			u = append(u, overheadOf(b, pid))
		}
		return u
	}
	before, began, sent, seen, scraped := usage(), time.Now(), overheadCounts(traffic), w.Seen, *scrapes
	time.Sleep(*overheadFor)
	after, took, sentBy, seenBy, scrapedBy := usage(), time.Since(began).Seconds(), overheadCounts(traffic), w.Seen, *scrapes

	row := func(name string, of ...int) (r overheadRow) {
		r.name = name
		for _, i := range of {
			r.add(before[i], after[i], took)
		}
		return r
	}
	rows := []overheadRow{
		row("collector with 8 GPUs: the agent", 0), row("its child that calls DCGM", 1), row("both", 0, 1),
		row("collector without GPUs", 2), row("node_exporter", 3),
	}
	for i, at := range []int{2, 3} {
		rows[at].values = sentBy[i].values
		rows[at].bytes = float64(sentBy[i].bytes-sent[i].bytes) / took
		if n := sentBy[i].messages - sent[i].messages; float64(n) < took-2 {
			b.Errorf("%s: %d messages in %.0f s", rows[at].name, n, took)
		}
	}
	n := float64(scrapedBy.n - scraped.n)
	rows[4].values, rows[4].bytes = scrapedBy.samples, float64(scrapedBy.bytes-scraped.bytes)/took
	if n < took-2 {
		b.Errorf("node_exporter was scraped %.0f times in %.0f s", n, took)
	}
	fields, values := float64(seenBy.Watches)/float64(gpus), float64(seenBy.Values-seen.Values)/took
	if fields < 50 {
		b.Errorf("%.0f fields of each GPU are watched", fields)
	}
	fmt.Printf("\n%d GPUs, %.0f fields of each watched by DCGM, %.0f values of them read a second; %.0f s after %v; %d processors, %s.\n\n",
		gpus, fields, values, took, *overheadWarm, runtime.NumCPU(), runtime.GOARCH)
	overheadPrint(b, rows)
}

// overheadPrint prints the rows and how they stand to the last.
func overheadPrint(b *testing.B, rows []overheadRow) {
	const mib = 1 << 20
	peer := rows[len(rows)-1]
	fmt.Println("| | CPU, % of a core | to node_exporter's | RSS MiB | anonymous + of files | to node_exporter's | PSS MiB | values | bytes a second |\n|---|---|---|---|---|---|---|---|---|")
	for _, r := range rows {
		sent := "| |"
		if r.bytes > 0 {
			sent = fmt.Sprintf("| %d | %.0f |", r.values, r.bytes)
		}
		fmt.Printf("| %s | %.3f | ×%.2f | %.1f | %.1f + %.1f | ×%.2f | %.1f %s\n", r.name, r.cpu, r.cpu/peer.cpu,
			r.rss/mib, r.anonymous/mib, (r.rss-r.anonymous)/mib, r.rss/peer.rss, r.pss/mib, sent)
	}
	for _, goal := range []struct {
		r        overheadRow
		cpu, mib float64
	}{{rows[2], 0.5, 40}, {rows[3], 0.1, 25}} {
		verdict := func(is, most float64) string {
			if is < most {
				return "met"
			}
			return "missed"
		}
		fmt.Printf("\n%s: below %.1f %% of a core %s, below %.0f MiB of RSS %s.", goal.r.name, goal.cpu, verdict(goal.r.cpu, goal.cpu), goal.mib, verdict(goal.r.rss/mib, goal.mib))
	}
	fmt.Println()
	b.ReportMetric(rows[2].cpu, "gpus-%core")
	b.ReportMetric(rows[2].rss/mib, "gpus-MiB")
	b.ReportMetric(rows[3].cpu, "bare-%core")
	b.ReportMetric(rows[3].rss/mib, "bare-MiB")
	b.ReportMetric(peer.cpu, "node_exporter-%core")
	b.ReportMetric(peer.rss/mib, "node_exporter-MiB")
}
