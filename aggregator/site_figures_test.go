package main

import (
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/nats-io/nats.go"
	"github.com/prometheus/prometheus/storage"

	"github.com/gigawatch/gigawatch/aggregator/internal/ledger"
	"github.com/gigawatch/gigawatch/aggregator/internal/live"
	"github.com/gigawatch/gigawatch/aggregator/internal/web"
	"github.com/gigawatch/gigawatch/aggregator/query"
	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/site"
	"github.com/gigawatch/gigawatch/collector/wire"
)

// A dial is a meter that shows the same all the time: kW, or litres an hour.
type dial struct {
	name, role string
	rate       int64
}

// perStep is what a dial counts in ten seconds, in the thousandth of its unit.
func (d *dial) perStep() int64 {
	if d.register() == metric.MeterWater {
		return d.rate * 1000 / 360
	}
	return d.rate * 10_000_000
}

func (d *dial) register() metric.Number {
	switch d.role {
	case metric.RoleWaterTotal:
		return metric.MeterWater
	case metric.RoleHeatReuse:
		return metric.MeterHeatJoules
	}
	return metric.MeterEnergyJoules
}

// A board is the dials of a site, read by one agent, beside what is said of the
// grid.
type board struct {
	site     string
	dials    []dial
	zone     string
	grams    float64
	price    float64
	layout   *metric.Layout
	sequence uint64
}

func newBoard(site, zone string, grams, price float64, dials ...dial) *board {
	b := &board{site: site, dials: dials, zone: zone, grams: grams, price: price, layout: &metric.Layout{}}
	l := b.layout
	for i, d := range dials {
		l.Entities = append(l.Entities, metric.Entity{Kind: metric.Meter, Name: d.name, Parent: -1, Labels: []metric.Pair{{Name: "role", Value: d.role}}})
		l.Columns = append(l.Columns, metric.Column{Metric: d.register(), Form: metric.Int, First: i, Count: 1},
			metric.Column{Metric: metric.CounterEpoch, Form: metric.Int, Point: metric.EpochPoint(d.register(), 0), First: i, Count: 1})
	}
	at := len(l.Entities)
	l.Entities = append(l.Entities, metric.Entity{Kind: metric.Zone, Name: zone, Parent: -1, Labels: []metric.Pair{{Name: "provider", Value: "entsoe"}, {Name: "tier", Value: "2"}}})
	l.Columns = append(l.Columns, metric.Column{Metric: metric.GridCarbonIntensity, Form: metric.Float, First: at, Count: 1},
		metric.Column{Metric: metric.GridPrice, Form: metric.Float, First: at, Count: 1})
	return b
}

// read is the record of a time; the first is of zeros.
func (b *board) read(now time.Time) *metric.Batch {
	x := &metric.Batch{Site: b.site, Agent: "meters-1", Lane: metric.Ledger, Incarnation: 1, Sequence: b.sequence + 1, Time: now.UnixMilli(),
		Boottime: 1e15 + int64(b.sequence)*10e9, Ticks: 1, Layout: b.layout}
	if b.sequence == 0 {
		x.Flags = metric.Fresh
	}
	for _, d := range b.dials {
		x.Values = append(x.Values, metric.Raw(int64(b.sequence)*d.perStep()), 1)
	}
	b.sequence++
	x.Values = append(x.Values, metric.Of(b.grams), metric.Of(b.price))
	return x
}

// plant are the meters of the example.
func plant(site string) *board {
	dials := []dial{
		{"grid-a", metric.RoleGridInput, 60}, {"grid-b", metric.RoleGridInput, 40}, {"generator", metric.RoleGeneratorOutput, 5},
		{"solar", metric.RoleOnsiteGeneration, 15}, {"ups-01", metric.RoleUPSOutput, 45}, {"ups-02", metric.RoleUPSOutput, 35},
		{"chillers", metric.RoleCooling, 20}, {"heat", metric.RoleHeatReuse, 30}, {"water", metric.RoleWaterTotal, 72},
		{"grid-a-settlement", metric.RoleGridInput, 61},
	}
	for _, n := range []string{"r0001-pdu-a", "r0002-pdu-a", "r0001-pdu-b", "r0002-pdu-b"} {
		dials = append(dials, dial{n, metric.RolePDUOutput, 19})
	}
	return newBoard(site, "DE-LU", 300, 60, dials...)
}

// inForce brings a site's file into force on l.
func inForce(t *testing.T, l *ledger.Ledger, name, path string) *siteFiles {
	t.Helper()
	f, err := newSiteFiles([]siteConfig{{Name: name, File: path}}, siteFiles{
		set: l.SetTerms, plan: func(string, live.Plan) {}, wake: func() {}, log: slog.New(slog.DiscardHandler),
	}, metrics.NewSet())
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func writeFile(t testing.TB, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// The figures of the example's site, worked out by hand.
func TestTheExamplesFiguresAreThoseOfItsFile(t *testing.T) {
	l := emptyLedger(t)
	inForce(t, l, "example-site", writeFile(t, filepath.Join(t.TempDir(), "site.yaml"), string(site.Example)))
	from := time.Date(2026, 7, 15, 10, 0, 0, 0, time.UTC) // a Wednesday, at noon there
	to := from.Add(2 * time.Hour)
	b := plant("example-site")
	for now := from; !now.After(to.Add(time.Minute)); now = now.Add(10 * time.Second) {
		if o := l.Apply(b.read(now), now, "stream", b.sequence); o.Reason != "" {
			t.Fatal(o.Reason)
		}
	}
	if _, err := l.Commit(to.Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	server, err := web.New(web.Config{Queryable: storage.QueryableFunc(func(int64, int64) (storage.Querier, error) { return storage.NoopQuerier(), nil }), Ledger: l})
	if err != nil {
		t.Fatal(err)
	}
	var a query.KPIs
	ask(t, server, fmt.Sprintf("/api/v1/kpi?site=example-site&from=%d&to=%d", from.Unix(), to.Unix()), &a)
	guaranteed := 300_000.0 / 8760 * 2 // kWh of the two hours
	rest := 200 - 80 - guaranteed
	want := map[string]float64{
		"pue": 1.5, "wue": 144.0 / 160, "wue_freshwater": 144.0 / 160, "erf": 0.25,
		"carbon_location": 60, "carbon_scope1": 7, "cue": 67.0 / 160,
		"ref":           (guaranteed + 80 + 30) / 240,
		"carbon_market": rest * 0.210,
		"cue_market":    (rest*0.210 + 7) / 160,
		// 40 % at the fixed price, 60 % at 60 EUR/MWh and the adder, the fee of other
		// times, the tax; the capacity is of whole months.
		"cost": 200 * (0.4*0.0825 + 0.6*(0.060+0.0032) + 0.0115 + 0.0005),
		"cfe":  30.0 / 240,
	}
	seen := 0
	for _, k := range a.KPIs {
		v, ok := want[k.Name]
		if !ok {
			continue
		}
		seen++
		if k.Value == nil || math.Abs(*k.Value-v) > 1e-6*v {
			t.Errorf("%s is %v (%s), want %v", k.Name, value(k.Value), k.Reason, v)
		}
		if k.Terms == "" || k.Coverage != 1 && k.Name != "cfe" {
			t.Errorf("%s names terms %q and covers %v", k.Name, k.Terms, k.Coverage)
		}
		if k.Name == "pue" && (k.Category != 1 || k.Point != "ups_output" || k.Quality["measured"] != 1) {
			t.Errorf("%+v", k)
		}
		if k.Name == "cost" && k.Unit != "EUR" || k.Name == "wue" && k.Category != 1 {
			t.Errorf("%+v", k)
		}
	}
	if seen != len(want) {
		t.Errorf("%d of %d figures are answered", seen, len(want))
	}
}

// A site's file through the real server: what it says counts, and a file that has
// changed does without a restart; one that is wrong does not.
func TestASiteFileIsServedAndTakenAnew(t *testing.T) {
	t.Parallel()
	dir, busAddr := t.TempDir(), freePort(t)
	const text = `site: s1
time_zone: Europe/Luxembourg
zone: DE-LU
meters:
  - {id: grid-a, role: grid_input, feed: A}
  - {id: grid-b, role: grid_input, feed: B}
  - {id: grid-a-2, role: grid_input, backup_of: grid-a}
  - {id: office, role: distribution, taken_off: true}
  - {id: ups, role: ups_output}
`
	file := writeFile(t, filepath.Join(dir, "site.yaml"), text)
	config := writeFile(t, filepath.Join(dir, "aggregator.yaml"), fmt.Sprintf(
		"data: %s\nlisten: 127.0.0.1:0\nsites: [{file: site.yaml}]\nbus: {embedded: {listen: %q}, telemetry_bytes: 64MiB, ledger_bytes: 128MiB}\n", filepath.Join(dir, "data"), busAddr))
	p := start(t, "serve", "-config", config)
	nc, err := nats.Connect("nats://" + busAddr)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	b := newBoard("s1", "DE-LU", 300, 60, dial{"grid-a", metric.RoleGridInput, 80}, dial{"grid-b", metric.RoleGridInput, 50}, dial{"grid-a-2", metric.RoleGridInput, 81},
		dial{"office", metric.RoleDistribution, 10}, dial{"ups", metric.RoleUPSOutput, 100})
	compiled, err := wire.Compile(b.layout)
	if err != nil {
		t.Fatal(err)
	}
	from := time.Now().UTC().Truncate(time.Hour).Add(-3 * time.Hour)
	for now := from; now.Before(from.Add(2*time.Hour + 30*time.Second)); now = now.Add(10 * time.Second) {
		x := b.read(now)
		m, err := wire.Append(nil, x, compiled, x.Sequence == 1)
		if err != nil {
			t.Fatal(err)
		}
		if err := nc.Publish(wire.Subject(metric.Ledger, "s1", "meters-1"), m); err != nil {
			t.Fatal(err)
		}
	}
	pue := func() (k query.KPI) {
		a, err := (&query.Client{URL: p.url}).KPI(t.Context(), query.KPIQuestion{Site: "s1", KPIs: []string{"pue"}, From: from, To: from.Add(2 * time.Hour)})
		if err == nil && len(a.KPIs) == 1 {
			k = a.KPIs[0]
		}
		return k
	}
	p.await(30*time.Second, "the PUE of two feeds less an office", func() bool { k := pue(); return k.Value != nil && math.Abs(*k.Value-1.2) < 1e-9 })
	before := pue().Terms

	writeFile(t, file, strings.Replace(text, "role: ups_output", "role: ups_outpt", 1))
	p.await(30*time.Second, "the refusal is said", func() bool {
		return strings.Contains(p.output(), "site file refused") && strings.Contains(p.output(), "site.yaml:9: ") && p.own("gigawatch_site_file_refused") == 1
	})
	if k := pue(); k.Value == nil || k.Terms != before {
		t.Errorf("a file that is wrong changed the figure: %+v", k)
	}
	writeFile(t, file, strings.Replace(text, "site: s1", "site: s2", 1))
	p.await(30*time.Second, "that it is another's is said", func() bool { return strings.Contains(p.output(), `it describes another site, \"s2\"`) })

	writeFile(t, file, strings.Replace(text, ", taken_off: true", "", 1))
	p.await(30*time.Second, "the office is the site's", func() bool { k := pue(); return k.Value != nil && math.Abs(*k.Value-1.3) < 1e-9 })
	if k := pue(); k.Terms == before || p.own("gigawatch_site_file_refused") != 0 {
		t.Errorf("terms %q, before %q", k.Terms, before)
	}
	p.stop()
}

func TestAFileIsReadOnceItRests(t *testing.T) {
	l := emptyLedger(t)
	path := writeFile(t, filepath.Join(t.TempDir(), "site.yaml"), "site: s1\ntime_zone: Europe/Paris\n")
	f := inForce(t, l, "s1", path)
	woken := 0
	f.wake = func() { woken++ }
	now := time.Now()
	zone := func() string { return l.Place("s1").String() }
	age := func(text string, by time.Duration) {
		writeFile(t, path, text)
		if err := os.Chtimes(path, now.Add(by), now.Add(by)); err != nil {
			t.Fatal(err)
		}
	}
	if f.look(now); zone() != "Europe/Paris" || woken != 0 {
		t.Fatalf("%s, woken %d times", zone(), woken)
	}
	age("site: s1\ntime_zo", time.Second) // an editor is at it
	f.look(now)
	age("site: s1\ntime_zone: Europe/Berlin\n", 2*time.Second)
	f.look(now)
	if _, _, refused := f.of("s1").state(); zone() != "Europe/Paris" || refused != "" {
		t.Fatalf("it was read while it changed: %s, %q", zone(), refused)
	}
	if f.look(now); zone() != "Europe/Berlin" || woken != 1 {
		t.Fatalf("%s, woken %d times", zone(), woken)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		f.look(now)
	}
	if _, _, refused := f.of("s1").state(); zone() != "Europe/Berlin" || !strings.Contains(refused, "no such file") {
		t.Errorf("it is gone: %s, %q", zone(), refused)
	}
	age("site: s1\ntime_zone: Europe/Rome\n", 3*time.Second)
	f.look(now)
	if f.look(now); zone() != "Europe/Rome" || woken != 2 {
		t.Errorf("it is back: %s, woken %d times", zone(), woken)
	}
	if _, _, refused := f.of("s1").state(); refused != "" {
		t.Error(refused)
	}
}

func TestWhatThereShouldBeChangesWithTheDays(t *testing.T) {
	d, err := describe(writeFile(t, filepath.Join(t.TempDir(), "site.yaml"), `
site: s1
time_zone: Europe/Paris
halls: h1
racks:
  - {id: r1, hall: h1, hosts: [{number: 4, gpus: 8}]}
  - {id: r2, hall: h1, first_day: 2026-03-01, hosts: [{number: 2, gpus: 8}]}
meters:
  - {id: g, role: grid_input, rating: 5 MW}
  - {id: pdu, role: pdu_output, rack: r2, installations: [{serial: a, from: 2026-03-01, initial: 0 kWh}]}
`))
	if err != nil {
		t.Fatal(err)
	}
	var told []live.Plan
	f := siteFiles{set: emptyLedger(t).SetTerms, plan: func(_ string, p live.Plan) { told = append(told, p) }, wake: func() {}, log: slog.New(slog.DiscardHandler)}
	x := &siteFile{name: "s1"}
	winter, spring := time.Date(2026, 2, 28, 22, 59, 0, 0, time.UTC), time.Date(2026, 2, 28, 23, 0, 0, 0, time.UTC)
	if err := f.take(x, d, winter); err != nil {
		t.Fatal(err)
	}
	f.replan(x, winter.Add(30*time.Second))
	f.replan(x, spring)
	f.replan(x, spring.Add(time.Minute))
	if len(told) != 2 {
		t.Fatalf("told %d times: %+v", len(told), told)
	}
	if p := told[0]; p.Inventory != (live.Inventory{Hosts: 4, GPUs: 32}) || len(p.Meters) != 1 || p.Meters[0].Rating != 5e6 {
		t.Errorf("%+v", p)
	}
	if p := told[1]; p.Inventory != (live.Inventory{Hosts: 6, GPUs: 48}) || len(p.Meters) != 2 || p.Meters[1].Hall != "h1" || p.Meters[1].Rack != "r2" || p.Category != 2 {
		t.Errorf("%+v", p)
	}
}
