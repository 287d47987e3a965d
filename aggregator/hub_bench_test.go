package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/nats-io/nats.go"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/aggregator/internal/checkpoint"
	"github.com/gigawatch/gigawatch/aggregator/internal/hub"
	"github.com/gigawatch/gigawatch/aggregator/internal/ledger"
	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/sim"
)

var (
	hubSites = flag.Int("hub.sites", 24, "simulated sites")
	hubHosts = flag.Int("hub.hosts", 5209, "hosts of 8 GPUs of each")
	hubFor   = flag.Duration("hub.for", time.Minute, "how long the hub is measured")
)

// toldSite is a site as a hub sees it: its ledger, and what tells of it. Its racks'
// and halls' meters are those of a whole site; of its hosts one is read, as the others
// change nothing of what leaves it.
type toldSite struct {
	name   string
	signer *checkpoint.Signer
	ledger *ledger.Ledger
	n      uint64
	said   map[int]uint64 // by agent
}

func (s *toldSite) apply(b *testing.B, w *sim.World, agents []int, values [][]metric.Raw, now, start time.Time) {
	b.Helper()
	for i, a := range agents {
		if values[i] == nil {
			continue
		}
		s.n++
		s.said[a]++
		if o := s.ledger.Apply(&metric.Batch{
			Site: s.name, Agent: w.Agent(a).Name, Lane: metric.Ledger, Incarnation: 1, Sequence: s.said[a],
			Time: now.UnixMilli(), Boottime: now.Sub(start).Nanoseconds() + 1e12, Ticks: 1, Layout: w.Agent(a).Ledger, Values: values[i],
		}, now, "L/1", s.n); o.Verdict != account.Accepted {
			b.Fatalf("%s of %s: %v, %s", w.Agent(a).Name, s.name, o.Verdict, o.Reason)
		}
	}
}

// BenchmarkHub is what a hub takes for its sites at their real pace, in the minute in
// which all of them seal an hour.
func BenchmarkHub(b *testing.B) {
	bin, err := filepath.Abs(*siteBin)
	if err != nil {
		b.Fatal(err)
	}
	b.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	for range b.N {
		benchHub(b)
	}
}

func benchHub(b *testing.B) {
	dir, bus := b.TempDir(), freePort(b)
	began := time.Now().UTC().Truncate(time.Hour).Add(-5 * time.Hour)
	world, err := sim.New(sim.Config{Site: "s01", Hosts: *hubHosts, GPUs: 8, Seed: 1, Start: began})
	if err != nil {
		b.Fatal(err)
	}
	agents := []int{0}
	for i := range world.Agents() {
		if !slices.ContainsFunc(world.Agent(i).Ledger.Entities, func(e metric.Entity) bool { return e.Kind == metric.Host }) {
			agents = append(agents, i)
		}
	}
	var sites []*toldSite
	var keys strings.Builder
	for i := range *hubSites {
		s := &toldSite{name: fmt.Sprintf("s%02d", i+1), said: map[int]uint64{}}
		d, err := ledger.OpenDir(filepath.Join(dir, s.name))
		if err == nil {
			s.ledger, err = ledger.Open(ledger.Config{Dir: d, Logger: quietly()})
		}
		if err == nil {
			s.signer, err = checkpoint.NewFolder(filepath.Join(dir, s.name)).Signer(s.name)
		}
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = errors.Join(s.ledger.Close(), d.Close()) })
		fmt.Fprintf(&keys, "  - {name: %s, key: %s}\n", s.name, s.signer.Verifier)
		sites = append(sites, s)
	}
	now := began
	run := func(d time.Duration) { // time of the sites
		for end := now.Add(d); now.Before(end); {
			now = now.Add(10 * time.Second)
			world.Step(now)
			values := make([][]metric.Raw, len(agents))
			for i, a := range agents {
				if v, ok := world.Ledger(a, nil); ok {
					values[i] = v
				}
			}
			for _, s := range sites {
				s.apply(b, world, agents, values, now, began)
			}
		}
	}
	seal := func() {
		for _, s := range sites {
			if _, err := s.ledger.Commit(now); err != nil {
				b.Fatal(err)
			}
		}
	}
	for range 3 {
		run(time.Hour)
		seal()
	}
	run(40 * time.Minute)
	seal()

	config := put(b, filepath.Join(dir, "hub.yaml"), fmt.Appendf(nil, "name: hub.example.org\ndata: %s\nlisten: 127.0.0.1:0\nbus: {embedded: {listen: %s}}\nsites:\n%s", filepath.Join(dir, "hub"), bus, keys.String()))
	p := start(b, "hub", "-config", config)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, len(sites))
	set := metrics.NewSet()
	for _, s := range sites {
		conn, err := nats.Connect("nats://" + bus)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(conn.Close)
		t := hub.NewSite(hub.SiteConfig{
			Site: s.name, Conn: conn, Ledger: s.ledger, Signer: s.signer, Folder: checkpoint.NewFolder(filepath.Join(dir, s.name)), Every: tellEvery,
			Now: s.present, Terms: func() (account.Terms, string) { return s.ledger.Terms(s.name) }, Logger: quietly(), Metrics: set,
		})
		go func() { done <- t.Run(ctx) }()
		time.Sleep(tellEvery / time.Duration(len(sites)))
	}
	defer func() {
		stop()
		for range sites {
			if err := <-done; err != nil {
				b.Error(err)
			}
		}
	}()
	leaves := func() (n float64) {
		for _, s := range sites {
			h, err := s.ledger.Head(s.name)
			if err != nil {
				b.Fatal(err)
			}
			n += float64(h.Leaves)
		}
		return n
	}
	taken := func() float64 { return p.own("gigawatch_hub_leaves_taken_total") }
	p.await(2*time.Minute, "all hours", func() bool { return taken() == leaves() })
	run(time.Hour)
	time.Sleep(20 * time.Second)

	had, messages, before, at := taken(), p.own("gigawatch_hub_messages_total"), usageOf(b, p.cmd.Process.Pid), time.Now()
	seal()
	time.Sleep(*hubFor)
	took, after := time.Since(at).Seconds(), usageOf(b, p.cmd.Process.Pid)
	came, sealed := p.own("gigawatch_hub_messages_total")-messages, taken()-had
	if taken() != leaves() || sealed < float64(len(sites)) {
		b.Fatalf("of %v leaves the hub has %v; %v came meanwhile", leaves(), taken(), sealed)
	}

	shown, from := usageOf(b, p.cmd.Process.Pid), time.Now()
	for time.Since(from) < *hubFor/2 { // somebody looks at its page
		if err := p.get("/api/v1/status", &struct{}{}); err != nil {
			b.Fatal(err)
		}
		time.Sleep(time.Second)
	}
	looked, end := time.Since(from).Seconds(), usageOf(b, p.cmd.Process.Pid)
	b.ReportMetric((after.cpu-before.cpu)/took, "cores")
	b.ReportMetric((end.cpu-shown.cpu)/looked, "cores-page")
	b.ReportMetric(float64(end.peak)/(1<<20), "MiB")
	fmt.Printf("\n%d sites of %d GPUs, %d in all: %.3f cores of the hub and its bus over %.0f s, in which %.0f messages came and %.0f hours; %.3f with its page open; %d MiB at most\n",
		len(sites), 8**hubHosts, 8**hubHosts*len(sites), (after.cpu-before.cpu)/took, took, came, sealed, (end.cpu-shown.cpu)/looked, end.peak>>20)
}

// present is that of a whole site of 16 halls.
func (s *toldSite) present(now time.Time) hub.Now {
	w := 50e6 + float64(now.UnixMilli()%1e6)
	power := hub.Power{Watts: &w}
	fresh := 1.2
	n := hub.Now{
		Simulated: true, Power: [4]hub.Power{power, power, power, power}, Hosts: hub.Count{Expected: *hubHosts, Reporting: *hubHosts - 3},
		GPUs: hub.Count{Expected: 8 * *hubHosts, Reporting: 8**hubHosts - 24}, States: map[string]int{"ok": 8**hubHosts - 30, "lost": 4, "blank": 2, "unreachable": 24},
		Agents: *hubHosts + 1, Silent: 3, Freshness: &fresh, Grid: &hub.Grid{GramsPerKWh: 231.4, Zone: "DE-LU", Factor: "lifecycle", Provider: "sim", Tier: "1"},
	}
	for h := range 16 {
		n.Halls = append(n.Halls, hub.Hall{Hall: sim.HallName(h), Power: power, Racks: *hubHosts / 128, Hosts: hub.Count{Expected: *hubHosts / 16, Reporting: *hubHosts / 16}, GPUs: *hubHosts / 2, GPUsOk: *hubHosts / 2})
	}
	return n
}
