package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/aggregator/internal/ledger"
	"github.com/gigawatch/gigawatch/aggregator/query"
	"github.com/gigawatch/gigawatch/collector/metric"
)

var updateImport = flag.Bool("update-import", false, "rewrite what imports say of files")

// booksBegan is the first instant of the books that tests import into; they are
// of six hours, in each of which main shows 120 kWh from the grid and ups 100.
var booksBegan = time.Date(2026, 1, 10, 0, 0, 0, 0, time.UTC)

// makeBooks makes a data folder with the sealed books of site ghent.
func makeBooks(dir string) (err error) {
	d, err := ledger.OpenDir(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	l, err := ledger.Open(ledger.Config{Dir: d, Account: account.Config{Interval: 60_000}, Logger: quietly(), Metrics: metrics.NewSet()})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	layout := &metric.Layout{}
	for i, m := range [][2]string{{"main", metric.RoleGridInput}, {"ups", metric.RoleUPSOutput}} {
		layout.Entities = append(layout.Entities, metric.Entity{Kind: metric.Meter, Name: m[0], Parent: -1, Labels: []metric.Pair{{Name: "role", Value: m[1]}}})
		layout.Columns = append(layout.Columns, metric.Column{Metric: metric.MeterEnergyJoules, Form: metric.Int, First: i, Count: 1},
			metric.Column{Metric: metric.CounterEpoch, Form: metric.Int, Point: metric.EpochPoint(metric.MeterEnergyJoules, 0), First: i, Count: 1})
	}
	for n := range 6*60 + 200 {
		at := booksBegan.Add(time.Duration(n) * time.Minute)
		hours := metric.Raw(min(n, 360)) // sixtieths
		b := &metric.Batch{Site: "ghent", Agent: "plant", Lane: metric.Ledger, Incarnation: 1, Sequence: uint64(n + 1), Time: at.UnixMilli(), Boottime: at.UnixNano(), Ticks: 1, Layout: layout,
			Values: []metric.Raw{hours * 120 * metric.MillijoulesPerKWh / 60, 0, hours * 100 * metric.MillijoulesPerKWh / 60, 0}}
		if n == 0 {
			b.Flags = metric.Fresh
		}
		if o := l.Apply(b, at, "L/1", uint64(n+1)); o.Verdict != account.Accepted {
			return fmt.Errorf("record %d: %s", n, o.Reason)
		}
		if n%20 == 0 {
			if _, err := l.Commit(at); err != nil {
				return err
			}
		}
	}
	return nil
}

// booksCommand makes a folder of books for a script.
func booksCommand(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: books FOLDER")
	}
	ts.Check(makeBooks(ts.MkAbs(args[0])))
}

// quartersFile is a settlement of main: each quarter of an hour from the beginning
// of the books on, kWh.
func quartersFile(t testing.TB, kwh ...float64) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("meter_id;timestamp;value;unit;kind\n")
	for n, v := range kwh {
		fmt.Fprintf(&b, "main;%s;%s;kWh;interval\n", booksBegan.Add(time.Duration(n)*15*time.Minute).Format(time.RFC3339), strings.Replace(fmt.Sprint(v), ".", ",", 1))
	}
	name := filepath.Join(t.TempDir(), "settled.csv")
	if err := os.WriteFile(name, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// serveBooks runs an aggregator on a folder of books.
func serveBooks(t testing.TB, data string) *process {
	t.Helper()
	config := filepath.Join(t.TempDir(), "aggregator.yaml")
	text := fmt.Sprintf("data: %s\nlisten: 127.0.0.1:0\nsites: [{name: ghent}]\nbus: {embedded: {}, telemetry_bytes: 64MiB, ledger_bytes: 128MiB}\n", data)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return start(t, "serve", "-config", config)
}

// figures are the PUE of the six hours, the facility's energy, exact, and the
// flags of the PUE.
func figures(t testing.TB, c *query.Client) (pue float64, mj string, flags string) {
	t.Helper()
	end := booksBegan.Add(6 * time.Hour)
	k, err := c.KPI(t.Context(), query.KPIQuestion{Site: "ghent", KPIs: []string{"pue"}, From: booksBegan, To: end})
	if err != nil || len(k.KPIs) != 1 || k.KPIs[0].Value == nil {
		t.Fatalf("%+v, %v", k, err)
	}
	for _, f := range k.KPIs[0].Flags {
		flags += f.Code + " "
	}
	e, err := c.Energy(t.Context(), query.EnergyQuestion{Site: "ghent", Boundary: metric.Facility, From: booksBegan, To: end})
	if err != nil || len(e.Lines) != 1 || e.Lines[0].Millijoules == nil {
		t.Fatalf("%+v, %v", e, err)
	}
	return *k.KPIs[0].Value, fmt.Sprint(*e.Lines[0].Millijoules), flags
}

// A settlement changes the figures, which say so; the same file changes nothing
// more; taken back, all is as it was, to the millijoule.
func TestASettlementChangesFiguresAndCanBeTakenBack(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	if err := makeBooks(data); err != nil {
		t.Fatal(err)
	}
	p := serveBooks(t, data)
	c := &query.Client{URL: p.url}
	pue, was, flags := figures(t, c)
	if pue != 1.2 || was != fmt.Sprint(uint64(720*metric.MillijoulesPerKWh)) || strings.Contains(flags, "corrected") {
		t.Fatalf("before: %v, %s mJ, %s", pue, was, flags)
	}
	name := quartersFile(t, 36, 33.000000001, 30, 30)
	q := query.ImportQuestion{Site: "ghent", Name: "settled.csv", Settlement: true}
	give := func(apply bool) *query.ImportReport {
		t.Helper()
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		q.Apply = apply
		a, err := c.Import(t.Context(), q, f)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	a := give(false)
	if a.Applied || len(a.Months) != 1 || a.Months[0].Before.Text != "120.000 kWh" || a.Months[0].After.Exact != "464400000004" {
		t.Errorf("dry: %+v", a)
	}
	if _, mj, _ := figures(t, c); mj != was {
		t.Errorf("a dry run made %s mJ of %s", mj, was)
	}
	if a = give(true); !a.Applied || a.Receipt.Quarters != 4 || a.Receipt.Unchanged != 2 && a.Receipt.Unchanged != 0 {
		t.Errorf("applied: %+v", a.Receipt)
	}
	pue, mj, flags := figures(t, c)
	if want := fmt.Sprint(uint64(720*metric.MillijoulesPerKWh) + 9*metric.MillijoulesPerKWh + 4); mj != want || pue <= 1.2 || !strings.Contains(flags, "corrected") {
		t.Errorf("after: %v, %s mJ, want %s, %s", pue, mj, want, flags)
	}
	if a = give(true); a.Receipt.Unchanged != 4 {
		t.Errorf("again: %+v", a.Receipt)
	}
	// A power cut: what was answered is there.
	p.kill()
	p = serveBooks(t, data)
	c = &query.Client{URL: p.url}
	if _, again, _ := figures(t, c); again != mj {
		t.Errorf("after a power cut: %s mJ, want %s", again, mj)
	}
	l, err := c.Imports(t.Context(), "ghent")
	if err != nil || len(l.Imports) != 1 || l.Imports[0].ID != a.ID || l.Imports[0].Corrected != 4 || l.Imports[0].Reason != "settled.csv" {
		t.Errorf("%+v, %v", l, err)
	}
	// Understood otherwise, it must be taken back first.
	q.Kind = "power"
	if a = give(true); a.Applied || len(a.Stops) != 1 || !strings.Contains(a.Stops[0].Text, "stands with other readings") {
		t.Errorf("understood otherwise: %+v", a.Stops)
	}
	if r, err := c.RevertImport(t.Context(), "ghent", a.ID); err != nil || r.Quarters != 4 {
		t.Errorf("%+v, %v", r, err)
	}
	if pue, mj, _ := figures(t, c); pue != 1.2 || mj != was {
		t.Errorf("taken back: %v, %s mJ, want %s", pue, mj, was)
	}
	if q.Kind = ""; !give(true).Applied {
		t.Error("what was taken back cannot be given again")
	}
	for what, err := range map[string]error{
		"an import that is not there": func() error { _, err := c.RevertImport(t.Context(), "ghent", "none"); return err }(),
		"a site that is not there":    func() error { _, err := c.Imports(t.Context(), "gent"); return err }(),
	} {
		if e := new(query.Error); !errors.As(err, &e) || e.Reason != query.NotFound {
			t.Errorf("%s: %v", what, err)
		}
	}
	_, err = c.Import(t.Context(), query.ImportQuestion{Site: "ghent"}, strings.NewReader("what is this"))
	if e := new(query.Error); !errors.As(err, &e) || e.Reason != query.BadData || !strings.Contains(e.Message, "no line has the names of a time and of a value") {
		t.Errorf("no readings: %v", err)
	}
	p.stop()
	if summary, err := ledger.Check(data); err != nil {
		t.Errorf("%v, %v", summary, err)
	}
}

// The process dies at any moment of an import, here or there: given again, the
// file is whole in the books, and taken back none of it is.
func TestAnImportThatIsCutShortGoesOn(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	if err := makeBooks(data); err != nil {
		t.Fatal(err)
	}
	kwh := make([]float64, 24+20_000) // the books, and months after them
	for i := range kwh {
		kwh[i] = 31.5
	}
	name := quartersFile(t, kwh...)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	run := func(ctx context.Context, args ...string) (string, error) {
		out, err := exec.CommandContext(ctx, "aggregator", append([]string{"import", "-data", data, "-site", "ghent", "-site-file", "testdata/import/site.yaml"}, args...)...).CombinedOutput()
		return string(out), err
	}
	for range 3 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(20+rng.IntN(400))*time.Millisecond)
		_, _ = run(ctx, "-file", name, "-settlement", "-labelled", "start", "-apply") // killed, most of the time
		cancel()
		if _, err := ledger.Check(data); err != nil {
			t.Fatal(err)
		}
	}
	out, err := run(t.Context(), "-file", name, "-settlement", "-labelled", "start", "-apply")
	if err != nil {
		t.Fatal(out, err)
	}
	out, err = run(t.Context(), "-file", name, "-settlement", "-labelled", "start")
	if err != nil || strings.Count(out, "all as before") != 8 { // months
		t.Error(out, err)
	}
	id := out[strings.Index(out, "csv-"):][:20]
	if out, err = run(t.Context(), "-revert", id); err != nil || !strings.Contains(out, "20024 quarters") {
		t.Error(out, err)
	}
	p := serveBooks(t, data)
	if pue, mj, _ := figures(t, &query.Client{URL: p.url}); pue != 1.2 || mj != fmt.Sprint(uint64(720*metric.MillijoulesPerKWh)) {
		t.Errorf("taken back: %v, %s mJ", pue, mj)
	}
	p.stop()
}

// What a person reads before deciding, as it is.
func TestWhatIsSaidOfFiles(t *testing.T) {
	data := t.TempDir()
	if err := makeBooks(data); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("testdata/import/*.csv")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) {
			args := []string{"import", "-data", data, "-site", "ghent", "-site-file", "testdata/import/site.yaml", "-file", name}
			if more, err := os.ReadFile(strings.TrimSuffix(name, ".csv") + ".args"); err == nil {
				args = append(args, strings.Split(strings.TrimSpace(string(more)), "\n")...)
			}
			var out, log strings.Builder
			if err := run(t.Context(), args, strings.NewReader(""), &out, &log); err != nil {
				fmt.Fprintf(&out, "error: %v\n", err)
			}
			golden := strings.TrimSuffix(name, ".csv") + ".golden"
			if *updateImport {
				if err := os.WriteFile(golden, []byte(out.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), out.String()); d != "" {
				t.Error(d)
			}
		})
	}
}
