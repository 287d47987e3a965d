package main

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/query"
	"github.com/gigawatch/gigawatch/collector/sim"
)

var (
	siteHosts = flag.String("site.hosts", "125,1250,12500", "sizes of the simulated site, in hosts of 8 GPUs")
	siteFor   = flag.Duration("site.for", 3*time.Minute, "how long each size is measured")
	siteBin   = flag.String("site.bin", "../bin", "folder of the two programs, built by make")
)

// spent is what the kernel says of a process.
type spent struct {
	cpu       float64 // seconds
	rss, peak int64   // bytes
	anonymous int64   // bytes, of rss
}

func usageOf(t testing.TB, pid int) (u spent) {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	f := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+2:]))
	user, _ := strconv.ParseFloat(f[11], 64)
	system, _ := strconv.ParseFloat(f[12], 64)
	u.cpu = (user + system) / 100 // USER_HZ
	b, _ = os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	for line := range strings.Lines(string(b)) {
		name, value, _ := strings.Cut(line, ":")
		kb, _ := strconv.ParseInt(strings.Fields(value + " 0")[0], 10, 64)
		switch name {
		case "VmRSS":
			u.rss = kb << 10
		case "VmHWM":
			u.peak = kb << 10
		case "RssAnon":
			u.anonymous = kb << 10
		}
	}
	return u
}

// sizeOf is the bytes below a folder.
func sizeOf(dir string) (n int64) {
	filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			if i, err := d.Info(); err == nil {
				n += i.Size()
			}
		}
		return nil
	})
	return n
}

// BenchmarkSite is the whole product under the load of a site: a simulated fleet
// in one process, bus and aggregator in another, for some minutes. It prints what
// they took, how fresh the figures were, and by how much the ledger's joules
// differ from the truth.
func BenchmarkSite(b *testing.B) {
	var rows []string
	for _, s := range strings.Split(*siteHosts, ",") {
		hosts, err := strconv.Atoi(s)
		if err != nil {
			b.Fatal(err)
		}
		b.Run("hosts="+s, func(b *testing.B) {
			for range b.N {
				rows = append(rows, benchSite(b, hosts))
			}
		})
	}
	fmt.Println("\n| hosts | GPUs | samples/s | bus and aggregator, cores | its RSS GiB | simulator, cores | B/sample on the wire | B/sample on disk | freshness p50 / p99 ms | batches lost | mJ off the truth |\n|---|---|---|---|---|---|---|---|---|---|---|")
	for _, r := range rows {
		fmt.Println(r)
	}
}

func benchSite(b *testing.B, hosts int) string {
	bin, err := filepath.Abs(*siteBin)
	if err != nil {
		b.Fatal(err)
	}
	b.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	dir, bus := b.TempDir(), freePort(b)
	p := start(b, "all-in-one", "-hosts", "0", "-data", filepath.Join(dir, "data"), "-listen", "127.0.0.1:0", "-bus", bus)
	began := time.Now()
	fleet := startSimulator(b, filepath.Join(bin, "collector"), bus, hosts, "-for", siteFor.String())
	before := usageOf(b, p.cmd.Process.Pid)
	// Shortly before the end, while all is still under way.
	time.Sleep(*siteFor - 3*time.Second)
	took := time.Since(began).Seconds()
	own, sim1 := usageOf(b, p.cmd.Process.Pid), usageOf(b, fleet.cmd.Process.Pid)
	samples, bytes := p.own("gigawatch_stream_telemetry_samples_total"), p.own("gigawatch_stream_telemetry_bytes_total")
	p50, p99 := p.own(`gigawatch_stream_freshness_seconds{quantile="0.5"}`), p.own(`gigawatch_stream_freshness_seconds{quantile="0.99"}`)
	stored := p.own("gigawatch_store_samples_total")
	disk := float64(sizeOf(filepath.Join(dir, "data", "tsdb")))
	off := fleet.wait(b, p)
	lost := p.own("gigawatch_stream_telemetry_batches_lost_total") + p.own("gigawatch_recording_ticks_dropped_total")
	p.stop()
	cores := (own.cpu - before.cpu) / took
	b.ReportMetric(cores, "cores")
	b.ReportMetric(float64(own.rss)/(1<<30), "GiB-RSS")
	b.ReportMetric(samples/took, "samples/s")
	b.ReportMetric(p99*1000, "ms-p99")
	b.ReportMetric(off, "mJ-off")
	return fmt.Sprintf("| %d | %d | %.2f M | %.2f | %.2f (peak %.2f, anonymous %.2f) | %.2f | %.2f | %.2f | %.0f / %.0f | %.0f | %.0f |",
		hosts, hosts*8, samples/took/1e6, cores, gib(own.rss), gib(own.peak), gib(own.anonymous), sim1.cpu/took, bytes/samples, disk/stored, p50*1000, p99*1000, lost, off)
}

func gib(n int64) float64 { return float64(n) / (1 << 30) }

// offTruth sums by how much each GPU's observed millijoules differ.
func offTruth(b testing.TB, p *process, truth sim.Truth) (off float64) {
	b.Helper()
	got := energyByGPU(b, &query.Client{URL: p.url}, truth)
	for _, g := range truth.GPU {
		d := float64(got[g.UUID]) - float64(g.Observed)
		off += max(d, -d)
	}
	return off
}
