package report_test

import (
	"fmt"
	"log/slog"
	"math/big"
	"os"
	"runtime/debug"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/aggregator/internal/ledger"
	"github.com/gigawatch/gigawatch/aggregator/internal/report"
	"github.com/gigawatch/gigawatch/aggregator/internal/terms"
	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/site"
)

const (
	kWh = int64(metric.MillijoulesPerKWh) // mJ
	m3  = int64(1_000_000)                // mL
)

// A flow is what a meter counted until the end of the n-th hour, in mJ or mL.
type flow func(n int64) int64

// evenly is so much over so many hours.
func evenly(total, hours int64) flow {
	return func(n int64) int64 {
		n = min(n, hours)
		v := new(big.Int).Mul(big.NewInt(total), big.NewInt(n))
		return v.Quo(v, big.NewInt(hours)).Int64()
	}
}

// A plant is the meters of a site file and what they count, read once an hour by
// one agent.
type plant struct {
	t     testing.TB
	site  *site.Site
	flows map[string]flow
	grams func(n int64) float64 // g/kWh of the grid; nil: nobody says
	quiet func(meter string, n int64) bool
	epoch func(meter string, n int64) int64 // lifetime of its register
	dir   string
}

func parse(t testing.TB, text string) *site.Site {
	t.Helper()
	s, err := site.Parse("site.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// folder is one in memory where there is such a file system: every sealed hour is
// synced several times.
func folder(t testing.TB) string {
	t.Helper()
	if dir, err := os.MkdirTemp("/dev/shm", "gigawatch-test-"); err == nil {
		t.Cleanup(func() { _ = os.RemoveAll(dir) })
		return dir
	}
	return t.TempDir()
}

func (p *plant) layout() *metric.Layout {
	l := &metric.Layout{}
	for i := range p.site.Meters {
		m := &p.site.Meters[i]
		l.Entities = append(l.Entities, metric.Entity{Kind: metric.Meter, Name: m.ID, Parent: -1, Labels: []metric.Pair{{Name: "role", Value: m.Role}}})
	}
	for i := range p.site.Meters {
		n := registerOf(p.site.Meters[i].Role)
		l.Columns = append(l.Columns, metric.Column{Metric: n, Form: metric.Int, First: i, Count: 1},
			metric.Column{Metric: metric.CounterEpoch, Form: metric.Int, Point: metric.EpochPoint(n, 0), First: i, Count: 1})
	}
	at := len(l.Entities)
	l.Entities = append(l.Entities, metric.Entity{Kind: metric.Zone, Name: "DE-LU", Parent: -1, Labels: []metric.Pair{{Name: "provider", Value: "test"}, {Name: "tier", Value: "1"}}})
	l.Columns = append(l.Columns, metric.Column{Metric: metric.GridCarbonIntensity, Form: metric.Float, First: at, Count: 1})
	return l
}

func registerOf(role string) metric.Number {
	switch role {
	case metric.RoleWaterTotal, metric.RoleWaterPotable:
		return metric.MeterWater
	case metric.RoleHeatReuse:
		return metric.MeterHeatJoules
	}
	return metric.MeterEnergyJoules
}

// seal lets the meters be read from one time to another, and all hours be sealed.
// The books are in p.dir then.
func (p *plant) seal(from, to time.Time) {
	t := p.t
	t.Helper()
	defer debug.SetGCPercent(debug.SetGCPercent(800)) // every file has a compressor of its own: that halves the time
	p.dir = folder(t)
	lock, err := ledger.OpenDir(p.dir)
	if err != nil {
		t.Fatal(err)
	}
	l, err := ledger.Open(ledger.Config{Dir: lock, Account: account.Config{Interval: 3_600_000}, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	layout := p.layout()
	hours := int64(to.Sub(from) / time.Hour)
	for n := int64(0); n <= hours+5; n++ {
		now := from.Add(time.Duration(n) * time.Hour)
		x := &metric.Batch{Site: p.site.Token, Agent: "meters-1", Lane: metric.Ledger, Incarnation: 1, Sequence: uint64(n + 1), Time: now.UnixMilli(),
			Boottime: (n*3600 + 1e6) * 1e9, Ticks: 1, Layout: layout}
		if n == 0 {
			x.Flags = metric.Fresh
		}
		x.Values = p.meterValues(n, hours)
		if o := l.Apply(x, now, "L/1", uint64(n+1)); o.Verdict != account.Accepted || o.Reason != "" {
			t.Fatalf("record %d: %v, %s", n, o.Verdict, o.Reason)
		}
		if n%20 == 0 || n >= hours {
			if _, err := l.Commit(now); err != nil {
				t.Fatal(err)
			}
		}
	}
	for n := range 3 {
		if _, err := l.Commit(from.Add(time.Duration(hours+6+int64(n)) * time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := lock.Close(); err != nil {
		t.Fatal(err)
	}
}

// meterValues are what the meters show at the end of the n-th hour.
func (p *plant) meterValues(n, hours int64) (v []metric.Raw) {
	for i := range p.site.Meters {
		id := p.site.Meters[i].ID
		f := p.flows[id]
		if f == nil || p.quiet != nil && p.quiet(id, n) {
			v = append(v, metric.Missing, metric.Missing)
			continue
		}
		epoch := int64(1)
		if p.epoch != nil {
			epoch = p.epoch(id, n)
		}
		v = append(v, metric.Raw(f(min(n, hours))), metric.Raw(epoch))
	}
	if p.grams != nil {
		return append(v, metric.Of(p.grams(n)))
	}
	return append(v, metric.Missing)
}

// rules are those in force for a year, and those beside them.
func rules(t testing.TB, year int, country string) (main *report.Set, beside []*report.Set) {
	t.Helper()
	sets, err := report.Sets()
	if err != nil {
		t.Fatal(err)
	}
	main, beside = report.For(sets, year, country)
	if main == nil {
		t.Fatalf("no rules for %d", year)
	}
	return main, beside
}

// input is what a report on p's year is made of, its books opened as a reader does.
func (p *plant) input(year int) report.Input {
	t := p.t
	t.Helper()
	l, err := ledger.View(p.dir, ledger.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	x, err := terms.Of(p.site)
	if err != nil {
		t.Fatal(err)
	}
	b, err := account.NewBasis(x)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.SetTerms(p.site.Token, x); err != nil {
		t.Fatal(err)
	}
	files, err := l.Verify(p.site.Token, 0, 1<<45)
	if err != nil {
		t.Fatal(err)
	}
	head, err := l.Head(p.site.Token)
	if err != nil {
		t.Fatal(err)
	}
	main, beside := rules(t, year, p.site.Country)
	return report.Input{
		Site: p.site, Basis: b, Ledger: l, Rules: main, Beside: beside, Year: year,
		Now:   time.Date(year+1, 2, 1, 0, 0, 0, 0, time.UTC),
		Books: report.Books{Leaves: head.Leaves, Root: head.Root, Files: files, Simulated: l.Simulated(p.site.Token)},
	}
}

func build(t testing.TB, in report.Input) *report.Record {
	t.Helper()
	r, err := report.Build(in)
	if err != nil {
		t.Fatal(err)
	}
	readable(t, r.Issues)
	return r
}

// near reports whether v is w to a millionth.
func near(v, w float64) bool {
	d := v - w
	if d < 0 {
		d = -d
	}
	if w < 0 {
		w = -w
	}
	return d <= 1e-6*max(w, 1e-6)
}

// is holds a figure of a record against what it must be.
func is(t testing.TB, r *report.Record, key string, want float64) {
	t.Helper()
	f := find(r, key)
	switch {
	case f == nil:
		t.Errorf("%s: there is no such figure", key)
	case f.Value == nil:
		t.Errorf("%s is missing: %s", key, f.Missing)
	case !near(f.Value.Float(), want):
		t.Errorf("%s is %v, want %v", key, f.Value, want)
	}
}

// find is a figure of a record, or of its first preview that has it.
func find(r *report.Record, key string) *report.Figure {
	if f := r.Figure(key); f != nil {
		return f
	}
	for _, p := range r.Previews {
		for i := range p.Figures {
			if p.Figures[i].Key == key {
				return &p.Figures[i]
			}
		}
	}
	return nil
}

// preview is a figure of the rules to come.
func preview(r *report.Record, key string) *report.Figure {
	for i := range r.Previews[0].Figures {
		if f := &r.Previews[0].Figures[i]; f.Key == key {
			return f
		}
	}
	return nil
}

// printed holds a figure against its digits, as a specification writes them.
func printed(t testing.TB, f *report.Figure, digits int, want string) {
	t.Helper()
	if f == nil || f.Value == nil {
		t.Errorf("there is no figure of %s", want)
	} else if got := strconv.FormatFloat(f.Value.Float(), 'f', digits, 64); got != want {
		t.Errorf("%s is %s, want %s", f.Key, got, want)
	}
}

func class(r *report.Record, of string) string {
	for _, p := range r.Previews {
		for _, c := range p.Classes {
			if c.Of == of {
				return c.Class + c.Missing
			}
		}
	}
	return "none"
}

// codes are those of the issues of a record, each once, sorted.
func codes(r *report.Record) (out []string) {
	for i := range r.Issues {
		out = append(out, r.Issues[i].Code)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// raised reports whether a rule is broken.
func raised(r *report.Record, code string) bool { return slices.Contains(codes(r), code) }

// luxembourg is a time in Luxembourg.
func luxembourg(t testing.TB, year int, month time.Month, day int) time.Time {
	t.Helper()
	z, err := time.LoadLocation("Europe/Luxembourg")
	if err != nil {
		t.Fatal(err)
	}
	return time.Date(year, month, day, 0, 0, 0, 0, z)
}

const siteHead = "site: s1\nname: Example AI factory\noperator: Example Compute S.A.\ncountry: LU\nzone: DE-LU\ntime_zone: Europe/Luxembourg\n"

// stated is the section report of a site file: keys and values, with evidence.
func stated(kv ...string) string {
	t := "report:\n"
	for i := 0; i < len(kv); i += 2 {
		t += fmt.Sprintf("  %s: {value: %s, evidence: file %d}\n", kv[i], kv[i+1], i)
	}
	return t
}

// whole are entries by which nothing is missing but what meters tell.
var whole = []string{
	"owner", "Example Holding S.A.", "owner_contact", "Ida Berg <ida.berg@example.org>", "operator_contact", "Jan Roth <jan.roth@example.org>",
	"lau_code", "LU0304", "nuts3_code", "LU000", "dc_type", "co-hosting", "dc_form", "structure", "in_operation_since", "2024-03",
	"red_elec_hv", "2N", "red_elec_lv", "2N", "red_elec_rack", "N+1", "red_cool_room", "N+1", "red_cool_rack", "N",
	"s_dc_m2", "90000", "s_cr_m2", "40000", "grid_functions", "no", "c_btg_kw", "0", "t_wh_c", "38", "t_in_c", "27",
	"refrigerants", "[R1234ze(E)]", "cdd", "55", "c_serv", "812000", "c_serv_cov_pct", "100", "c_stor_pb", "640", "c_stor_cov_pct", "100",
	"bw_in_gbs", "400", "bw_out_gbs", "400", "data_in_eb", "1.9", "data_out_eb", "1.1",
}
