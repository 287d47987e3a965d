package main

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/gigawatch/gigawatch/aggregator/query"
	"github.com/gigawatch/gigawatch/collector/agent"
	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/wire"
)

// runAgent is a collector of its own, with the configuration named.
func runAgent() {
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	c, err := agent.Load(os.Args[1])
	if err == nil {
		err = agent.Run(context.Background(), c, log)
	}
	if err != nil {
		log.Error("agent ended", "error", err)
		os.Exit(1)
	}
}

// provider answers as Energy-Charts does: the intensity of what a country
// generates, by quarters of an hour.
type provider struct {
	mu    sync.Mutex
	from  time.Time
	grams []float64
}

func (p *provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if r.URL.Path != "/co2eq" {
		http.NotFound(w, r)
		return
	}
	var doc struct {
		Seconds []int64   `json:"unix_seconds"`
		Grams   []float64 `json:"co2eq"`
	}
	for i, g := range p.grams {
		doc.Seconds, doc.Grams = append(doc.Seconds, p.from.Unix()+int64(i)*900), append(doc.Grams, g)
	}
	json.NewEncoder(w).Encode(doc)
}

func (p *provider) says(grams ...float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.grams = grams
}

// past publishes what an agent of site s1 read from one time to another: a feed of
// 100 kW, and the yearly figure of its grid.
func past(t *testing.T, address string, from, to time.Time) {
	t.Helper()
	nc, err := nats.Connect("nats://" + address)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	l, err := wire.Compile(&metric.Layout{
		Entities: []metric.Entity{
			{Kind: metric.Meter, Name: "grid-a", Parent: -1, Labels: []metric.Pair{{Name: "role", Value: metric.RoleGridInput}}},
			{Kind: metric.Zone, Name: "DE-LU", Parent: -1, Labels: []metric.Pair{{Name: "provider", Value: "ember"}, {Name: "tier", Value: "5"}}},
		},
		Columns: []metric.Column{
			{Metric: metric.MeterEnergyJoules, Form: metric.Int, First: 0, Count: 1},
			{Metric: metric.GridCarbonIntensity, Form: metric.Float, First: 1, Count: 1},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	for n, at := uint64(1), from; !at.After(to); n, at = n+1, at.Add(10*time.Second) {
		b := metric.Batch{
			Site: "s1", Agent: "plant", Lane: metric.Ledger, Incarnation: 1, Sequence: n, Time: at.UnixMilli(), Boottime: at.Sub(from).Nanoseconds() + 1e12, Ticks: 1,
			Values: []metric.Raw{metric.Raw(at.Sub(from).Milliseconds() * 100_000), metric.Of(400)},
		}
		if n == 1 {
			b.Flags = metric.Fresh
		}
		message, err := wire.Append(nil, &b, l, true)
		if err != nil {
			t.Fatal(err)
		}
		if err := nc.Publish(wire.Subject(metric.Ledger, "s1", "plant"), message); err != nil {
			t.Fatal(err)
		}
	}
	if err := nc.FlushTimeout(10 * time.Second); err != nil {
		t.Fatal(err)
	}
}

// A provider knows better of quarters of an hour that are over, and then better
// still. The carbon of that time follows, and says so: before and after both
// programs are killed.
func TestBetterFiguresOfTheGridRestateThePast(t *testing.T) {
	t.Parallel()
	dir, bus := t.TempDir(), freePort(t)
	to := time.Now().UTC().Truncate(time.Hour)
	from := to.Add(-2 * time.Hour)
	grams := &provider{from: from.Add(time.Hour)}
	server := httptest.NewServer(grams)
	t.Cleanup(server.Close)

	// The agent has been reading the grid since before, and had no figure.
	spool := filepath.Join(dir, "spool")
	if err := os.MkdirAll(filepath.Join(spool, "state"), 0o700); err != nil {
		t.Fatal(err)
	}
	entry := fmt.Sprintf(`{"k":"start","q":0,"i":%d,"v":0}`, from.Unix()/900)
	journal := fmt.Sprintf("%08x %s\n", crc32.ChecksumIEEE([]byte(entry)), entry)
	config := fmt.Sprintf("site: s1\nagent: grid\nbus: {urls: [nats://%s]}\nspool: {dir: %s}\nsources:\n  host: {enabled: false}\n  gpu: {driver: none}\n  node_power: {enabled: false}\n"+
		"  grid: {zone: DE-LU, providers: [{name: energycharts, url: %s, area: de, only: intensity, period: 1m}]}\n", bus, spool, server.URL)
	for name, text := range map[string]string{"collector.yaml": config, "spool/state/grid-DE-LU.journal": journal} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	serve := []string{"all-in-one", "-hosts", "0", "-data", filepath.Join(dir, "data"), "-listen", "127.0.0.1:0", "-bus", bus}
	p := start(t, serve...)
	past(t, bus, from.Add(-10*time.Minute), to.Add(10*time.Second))

	var collector *exec.Cmd
	collect := func() {
		t.Helper()
		collector = exec.Command("collector-agent", filepath.Join(dir, "collector.yaml"))
		collector.Stderr = p
		if err := collector.Start(); err != nil {
			t.Fatal(err)
		}
	}
	kill := func() {
		if collector != nil {
			collector.Process.Kill()
			collector.Wait()
		}
	}
	t.Cleanup(kill)
	await := func(when string, kg float64, words ...string) {
		t.Helper()
		var last string
		p.await(time.Minute, fmt.Sprintf("%s: %g kg, by %v", when, kg, words), func() bool {
			a, err := (&query.Client{URL: p.url}).KPI(t.Context(), query.KPIQuestion{Site: "s1", KPIs: []string{"carbon_location"}, From: from, To: to})
			if err != nil || len(a.KPIs) != 1 || a.KPIs[0].Value == nil {
				return false
			}
			k := &a.KPIs[0]
			var said []string
			for _, g := range k.Grid {
				said = append(said, fmt.Sprintf("%s tier %s %.2f revised %v", g.Provider, g.Tier, g.Share, g.Revised))
			}
			now := fmt.Sprintf("%g %v %v", *k.Value, k.Restated, said)
			if now != last {
				last = now
				t.Logf("%s: %s", when, now)
			}
			return math.Abs(*k.Value-kg) < 0.01 && k.Restated == (len(words) > 1) && strings.Join(said, ", ") == strings.Join(words, ", ")
		})
	}
	await("as it was read", 80, "ember tier 5 1.00 revised false")
	// Of the second hour the provider knows better.
	grams.says(200, 200, 200, 200)
	collect()
	better := []string{"energycharts tier 2 0.50 revised true", "ember tier 5 0.50 revised false"}
	await("restated", 60, better...)
	for _, when := range []string{"killed", "killed again"} {
		kill()
		p.kill()
		p = start(t, serve...)
		await(when, 60, better...)
		collect()
	}
	await("with an agent", 60, better...)
	kill()
	grams.says(200, 200, 300, 300)
	collect()
	await("better still", 65, better...)
	p.kill()
	kill()
	p = start(t, serve...)
	collect()
	await("killed a third time", 65, better...)
	p.stop()
	if s, err := runVerify(t, filepath.Join(dir, "data")); err != nil {
		t.Errorf("verify: %v: %s", err, s)
	}
}
