package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime/pprof"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/genproto/pluginv2"
	"golang.org/x/sys/unix"

	"github.com/gigawatch/gigawatch/aggregator/internal/store"
	"github.com/gigawatch/gigawatch/aggregator/internal/stream"
)

var (
	boardsDir    = flag.String("dashboards.dir", filepath.Join(os.TempDir(), "gigawatch-dashboards"), "`folder` of the prepared history, kept for the next run: 25 GB at 12,500 hosts")
	boardsHosts  = flag.Int("dashboards.hosts", 12_500, "hosts of the site, of 8 GPUs")
	boardsHours  = flag.Duration("dashboards.hours", 24*time.Hour, "length of the history")
	boardsRecent = flag.Duration("dashboards.recent", 5*time.Minute, "of it, what is kept as the product keeps it")
	boardsSparse = flag.Duration("dashboards.sparse", 4*time.Minute, "between samples of a device before that; less than 5m, else PromQL sees gaps")
	boardsFresh  = flag.Bool("dashboards.fresh", false, "prepare anew")
	boardsTimes  = flag.Int("dashboards.times", 7, "how often each dashboard is asked once it is warm")
	boardsOnly   = flag.String("dashboards.only", "", "ask this `dashboard` and no other")
	boardsCPU    = flag.String("dashboards.cpu", "", "`file` for a CPU profile of the warm questions")
	boardsAll    = flag.Bool("dashboards.panels", false, "print every panel")
	boardsStill  = flag.Bool("dashboards.still", false, "store nothing meanwhile: the present alone goes on")
)

// BenchmarkDashboards is what the dashboards cost at a gigafactory: every panel of
// every dashboard asked through the data source's program, as Grafana does, of an
// aggregator that holds a day of it and takes its telemetry meanwhile.
//
//	dashboards/*.json ─▶ panels, all of a dashboard at once ─▶ gpx_gigawatch ─▶ HTTP ─▶ aggregator ◀─ 12,500 ticks a second
//	                                                          (a process)              ├─ a day in blocks and head
//	                                                                                   └─ live state, ledger, health
//
// The history is made once, by the simulator, in a time of its own, and kept in a
// folder. It is thinner than a real one in this: before the last minutes a device
// has a sample each 4 minutes, so that PromQL sees a value at any time, where the
// store would write one each 2 minutes of what does not change and one each 10
// seconds of what does; whole hours are one hour over and over, in which counters
// begin anew and jobs do not change; roll-ups are whole watts around what they are
// each 4 minutes; and the ledger's records are 5 minutes apart.
// As in reality are: every series in every block with its postings, the roll-ups of
// each second, the meters and the hosts of the rack that the dashboards choose at
// their full cadence, the ledger's sealed hours of every device and job, and the
// last minutes.
//
// While the questions are asked, each second brings a tick of every agent to
// health, live and store; the bus, the decoding of its messages and the ledger's
// records are left out (BenchmarkSite has them). Blocks are not cut. Cold is the
// first time since the aggregator was started, with the files out of the page
// cache; warm is after that. The floor is as many panels that ask vector(1) of the
// same instants.
func BenchmarkDashboards(b *testing.B) {
	for range b.N {
		benchDashboards(b)
	}
}

func benchDashboards(b *testing.B) {
	p := preparedIn(*boardsDir, *boardsHosts)
	if p == nil || *boardsFresh {
		p = prepare(b, *boardsDir, *boardsHosts, *boardsHours, *boardsRecent, *boardsSparse)
	}
	fmt.Printf("\n%d hosts, %d GPUs; history from %s to %s: %d blocks with %.1f M samples, %.2f M series in the head, %.1f GB, made in %s; the last %s as the product keeps it, before that a sample of a device each %s, but %d hosts, all meters and all roll-ups in full\n",
		p.Hosts, p.Hosts*8, p.Base.Add(-time.Duration(p.Blocks-1)*time.Hour).Format(time.DateTime), p.End.Format(time.DateTime), p.Blocks, float64(p.Samples)/1e6, float64(p.Series)/1e6, float64(p.BytesOfStore)/1e9, p.Took, p.Recent, p.Sparse, p.Full)
	world, err := newFactory(p.Hosts, p.Start)
	if err != nil {
		b.Fatal(err)
	}
	if err := world.advance(p, nil); err != nil { // else its jobs would be others
		b.Fatal(err)
	}
	forgetPages(p.data())
	opening := time.Now()
	n := openFactory(b, p)
	fmt.Printf("opened in %s", time.Since(opening).Round(time.Second))
	ctx, stop := context.WithCancel(b.Context())
	ended := make(chan error, 2)
	go func() { ended <- n.run(ctx) }()
	go func() { ended <- feedFactory(ctx, world, n) }()
	defer func() {
		stop()
		for range 2 {
			if err := <-ended; err != nil {
				b.Error(err)
			}
		}
		if err := n.close(); err != nil {
			b.Error(err)
		}
	}()
	g := startGrafana(b, n.url())
	chosen := choose(b, g)
	settle(b, n)
	fmt.Printf(", settled after %s, load %s\n", time.Since(opening).Round(time.Second), loadNow())
	boards := slices.DeleteFunc(boardsAt(b, p.End, chosen), func(x benchBoard) bool { return *boardsOnly != "" && x.name != *boardsOnly })
	askBoards(b, g, boards)
	askEndpoints(b, n.url())
	u := usageOf(b, os.Getpid())
	fmt.Printf("\naggregator with the simulator: RSS %.1f GiB, anonymous %.1f, load %s\n", gib(u.rss), gib(u.anonymous), loadNow())
	b.ReportMetric(gib(u.rss), "GiB-RSS")
}

func openFactory(b *testing.B, p *prepared) *node {
	b.Helper()
	log := quietly()
	site := siteConfig{Name: factorySite, File: p.siteFile()}
	d, err := describe(site.File)
	if err != nil {
		b.Fatal(err)
	}
	site.described, site.Inventory = d, d.inventory(time.Now())
	n, err := open(b.Context(), &config{
		Data: p.data(), Listen: "127.0.0.1:0", Sites: []siteConfig{site}, Bus: busConfig{Embedded: true},
		Store: store.Config{Retention: 10 * 365 * 24 * time.Hour, OutOfOrder: time.Hour, Creations: 1 << 30},
	}, log)
	if err != nil {
		b.Fatal(err)
	}
	n.store.DB().DisableCompactions()
	return n
}

// feedFactory hands the node a tick of every agent each second.
func feedFactory(ctx context.Context, world *factory, n *node) error {
	var tick stream.Tick
	every := time.NewTicker(time.Second)
	defer every.Stop()
	for {
		now := time.Now().Truncate(time.Second)
		world.Step(now)
		for i := range world.agents {
			var ok bool
			if tick.Values, ok = world.telemetry(i, now, tick.Values[:0]); !ok {
				continue
			}
			tick.Key, tick.Site, tick.Agent, tick.Layout = world.agents[i].key, factorySite, world.Agent(i).Name, world.layout(i)
			tick.Time, tick.Received = now.UnixMilli(), time.Now()
			if *boardsStill {
				n.recording.live.Observe(tick.Key, tick.Site, tick.Layout, tick.Time, tick.Values, tick.Received)
				continue
			}
			n.reach.Tick(&tick)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-every.C:
		}
	}
}

// choose puts in what a person would: the first of each list.
func choose(b *testing.B, g *grafana) *strings.Replacer {
	b.Helper()
	of := "?site=" + factorySite
	host := g.first(b, "hosts"+of)
	gpu, job := g.first(b, "gpus"+of+"&host="+host), g.first(b, "jobs"+of+"&host="+host)
	return strings.NewReplacer("$site", factorySite, "$hall", g.first(b, "halls"+of), "$rack", g.first(b, "racks"+of), "$host", host, "$gpu", gpu, "$job", job, `"$tenant"`, `""`, "$tenant", "")
}

// settle waits until what came at first is stored, and the day is known.
func settle(b *testing.B, n *node) {
	b.Helper()
	for calm, end := 0, time.Now().Add(10*time.Minute); calm < 20; time.Sleep(time.Second) {
		if calm++; len(n.recording.ticks) > 2*n.c.Sites[0].Hosts/10 {
			calm = 0
		}
		if time.Now().After(end) {
			b.Fatalf("%d ticks still wait", len(n.recording.ticks))
		}
	}
}

// forgetPages has the page cache let go of the files below dir.
func forgetPages(dir string) {
	unix.Sync()
	_ = filepath.Walk(dir, func(path string, i os.FileInfo, err error) error {
		if err == nil && i.Mode().IsRegular() {
			if f, err := os.Open(path); err == nil {
				_ = unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED)
				f.Close()
			}
		}
		return nil
	})
}

func loadNow() string {
	text, _ := os.ReadFile("/proc/loadavg")
	f := strings.Fields(string(text) + " ? ? ?")
	return strings.Join(f[:3], " ")
}

// together asks for all panels of a dashboard at once.
func together(b *testing.B, g *grafana, x *benchBoard) (all time.Duration, each []answered) {
	b.Helper()
	each = make([]answered, len(x.panels))
	var wait sync.WaitGroup
	began := time.Now()
	for i := range x.panels {
		wait.Go(func() { each[i] = g.ask(b.Context(), x.panels[i].queries) })
	}
	wait.Wait()
	all = time.Since(began)
	for i := range each {
		if each[i].err != "" {
			b.Errorf("%s, %s: %s", x.name, x.panels[i].title, each[i].err)
		}
	}
	return all, each
}

func middle(d []time.Duration) time.Duration {
	s := slices.Clone(d)
	slices.Sort(s)
	return s[len(s)/2]
}

func millis(d time.Duration) string {
	return strconv.FormatFloat(float64(d.Microseconds())/1000, 'f', 1, 64)
}

func askBoards(b *testing.B, g *grafana, boards []benchBoard) {
	b.Helper()
	cold := make([]time.Duration, len(boards))
	for i := range boards {
		cold[i], _ = together(b, g, &boards[i])
	}
	fmt.Print("\n| dashboard | range | panels | queries | cold ms | warm median ms | warm most ms | × floor | one after the other ms | slowest panel, alone ms | what it asks | bytes |\n|---|---|---|---|---|---|---|---|---|---|---|---|\n")
	worst := 0.0
	if *boardsCPU != "" {
		f, err := os.Create(*boardsCPU)
		if err != nil {
			b.Fatal(err)
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			b.Fatal(err)
		}
		defer pprof.StopCPUProfile()
	}
	for i := range boards {
		x := &boards[i]
		var warm, floor []time.Duration
		bytes, queries := 0, 0
		for range *boardsTimes {
			took, each := together(b, g, x)
			warm, bytes, queries = append(warm, took), 0, 0
			for k := range each {
				bytes, queries = bytes+each[k].bytes, queries+len(x.panels[k].queries)
			}
			took, _ = together(b, g, x.floor())
			floor = append(floor, took)
		}
		alone, slowest, sum := make([]time.Duration, len(x.panels)), 0, time.Duration(0)
		for k := range x.panels {
			var took []time.Duration
			for range 3 {
				took = append(took, g.ask(b.Context(), x.panels[k].queries).took)
			}
			alone[k] = middle(took)
			sum += alone[k]
			if alone[k] > alone[slowest] {
				slowest = k
			}
		}
		m := middle(warm)
		worst = max(worst, m.Seconds()*1000)
		fmt.Printf("| %s | %s | %d | %d | %s | %s | %s | %.1f | %s | %s, %s | `%s` | %d |\n", x.name, x.span, len(x.panels), queries, millis(cold[i]), millis(m), millis(slices.Max(warm)),
			float64(m)/float64(middle(floor)), millis(sum), x.panels[slowest].title, millis(alone[slowest]), x.panels[slowest].text, bytes)
		b.ReportMetric(float64(m)/float64(middle(floor)), x.name+"/floor")
		if *boardsAll {
			for k := range x.panels {
				fmt.Printf("|   | | | | | | | | | %s, %s | `%s` | |\n", x.panels[k].title, millis(alone[k]), x.panels[k].text)
			}
		}
	}
	b.ReportMetric(worst, "ms-slowest-dashboard")
}

// floor is a dashboard with as many panels and queries that ask for nothing.
func (x *benchBoard) floor() *benchBoard {
	f := &benchBoard{name: x.name + " (floor)"}
	for _, p := range x.panels {
		q := boardPanel{title: p.title}
		for _, a := range p.queries {
			q.queries = append(q.queries, &pluginv2.DataQuery{RefId: a.RefId, QueryType: "promql", MaxDataPoints: a.MaxDataPoints, IntervalMS: a.IntervalMS, TimeRange: a.TimeRange,
				Json: []byte(`{"queryType":"promql","version":1,"expr":"vector(1)"}`)})
		}
		f.panels = append(f.panels, q)
	}
	return f
}

// askEndpoints asks the aggregator itself what it answers from the present.
func askEndpoints(b *testing.B, at string) {
	b.Helper()
	const times = 30
	fmt.Print("\n| endpoint | median ms | most ms | bytes |\n|---|---|---|---|\n")
	for _, path := range []string{
		"counts?", "top?of=gpu&by=gpu_power_watts&limit=10&", "top?of=gpu&by=gpu_temperature_celsius&limit=50&", "top?of=host&by=host_power_watts&limit=40&", "top?of=rack&by=power&limit=10&",
		"map?value=power&", "map?value=temperature&", "map?value=gpus_not_ok&", "map?value=utilization&", "health?", "health?kind=gpu&",
		"inventory?kind=hall&", "inventory?kind=rack&limit=2000&", "inventory?kind=host&limit=2000&", "inventory?kind=gpu&host=n00001&", "inventory?kind=job&limit=1000&", "status?",
	} {
		var took []time.Duration
		size := int64(0)
		for range times {
			began := time.Now()
			r, err := http.Get(at + "/api/v1/" + path + url.Values{"site": {factorySite}}.Encode())
			if err != nil {
				b.Fatal(err)
			}
			if size, err = io.Copy(io.Discard, r.Body); err != nil {
				b.Fatal(err)
			}
			r.Body.Close()
			took = append(took, time.Since(began))
			if r.StatusCode != http.StatusOK {
				path += "(" + r.Status + ") "
				break
			}
		}
		fmt.Printf("| /api/v1/%s | %s | %s | %d |\n", strings.TrimRight(path, "?&"), millis(middle(took)), millis(slices.Max(took)), size)
	}
}
