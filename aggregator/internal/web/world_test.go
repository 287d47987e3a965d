package web_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/prometheus/prometheus/storage"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/aggregator/internal/web"
	"github.com/gigawatch/gigawatch/collector/metric"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const (
	token = "the-canary-token-0123456789"
	hour  = int64(time.Hour / time.Millisecond)
)

// ledgerStart is the first hour the books know; seriesStart of the storage is
// the epoch.
var ledgerStart = time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)

// books are a small ledger: a site of one hall, two racks and four hosts. A
// host draws 1 kW, plus 1 W for its number, plus 1 mJ an hour so that no figure
// is round; rack r2 is integrated for a quarter. There is a grid meter and no
// IT meter.
type books struct {
	sites []string
	basis *account.Basis // nil: UTC
	fault error
	slow  func()

	mu    sync.Mutex
	asked []account.Question
}

func newBooks() *books { return &books{sites: []string{"fra1"}} }

func (b *books) Sites() []string { return b.sites }

// Today began at three minutes past two in the morning, or in the minute of now.
func (b *books) Today(_ string, now time.Time) (from, to int64) {
	minute := now.UTC().Truncate(time.Minute)
	began := now.UTC().Truncate(24 * time.Hour).Add(2*time.Hour + 3*time.Minute)
	if began.After(minute) {
		began = minute
	}
	return began.UnixMilli(), minute.Add(time.Minute).UnixMilli()
}

func (b *books) Place(string) *time.Location {
	if b.basis == nil {
		return time.UTC
	}
	return b.basis.Location
}

func (b *books) Energy(q account.Question) ([]account.Line, error) {
	if b.slow != nil {
		b.slow()
	}
	b.mu.Lock()
	b.asked = append(b.asked, q)
	b.mu.Unlock()
	if b.fault != nil {
		return nil, b.fault
	}
	step := q.Step
	if step == 0 {
		step = q.To - q.From
	}
	var lines []account.Line
	for from := q.From; from < q.To; from += step {
		lines = append(lines, b.interval(q, from, min(from+step, q.To))...)
	}
	return lines, nil
}

func (b *books) interval(q account.Question, from, to int64) []account.Line {
	hours := uint64((to - from) / hour)
	line := account.Line{From: from, To: to, ExpectedMillis: to - from, Final: to <= ledgerStart.UnixMilli()+12*hour}
	watts := func(w uint64) uint64 { return hours * (w*3_600_000 + 1) }
	switch {
	case q.Boundary == metric.IT:
		line.Reason = "no meter of role ups_output, pdu_output or it_input"
		return []account.Line{line}
	case q.Boundary == metric.Facility && q.By != account.BySite:
		line.Reason = "the grid meter is of the whole site"
		return []account.Line{line}
	case q.Boundary == metric.Facility:
		line.Energy[metric.Measured] = watts(5200)
		line.CoveredMillis = line.ExpectedMillis
		return []account.Line{line}
	}
	if q.By.ByJobs() {
		return jobLines(from, to, line.Final)
	}
	var lines []account.Line
	for n := range uint64(4) {
		l := line
		l.Hall, l.Rack, l.Host = "h1", fmt.Sprintf("r%d", n/2+1), fmt.Sprintf("n%d", n+1)
		l.Energy[metric.Measured] = watts(1001 + n)
		l.CoveredMillis = l.ExpectedMillis
		if l.Rack == "r2" {
			l.Energy[metric.Integrated] = l.Energy[metric.Measured] / 4
			l.Energy[metric.Measured] -= l.Energy[metric.Integrated]
			l.CoveredMillis -= l.ExpectedMillis / 8
		}
		lines = append(lines, l)
	}
	return lines
}

// jobLines are of a site of which a part has no record of jobs.
func jobLines(from, to int64, final bool) []account.Line {
	const recorded, drawn = 3_000_000_000, 4_000_000_000
	lines := []account.Line{
		{Allocation: account.Unrecorded, Reason: "no record of jobs is connected on 2 hosts"},
		{Allocation: account.Unallocated, Energy: account.Amount{metric.Measured: 500_000_000}, HeldMillis: 7_200_500},
		{Allocation: account.Unattributed, Job: "unknown", Energy: account.Amount{metric.CounterBridged: 100_000_000}, HeldMillis: 1_200_000},
		{Job: "4711", Tenant: "physics", Energy: account.Amount{metric.Measured: 2_000_000_000, metric.EstimatedProfile: 400_000_000}, HeldMillis: 14_400_000},
	}
	for i := range lines {
		lines[i].From, lines[i].To, lines[i].Final = from, to, final
		lines[i].Recorded, lines[i].Drawn = recorded, drawn
	}
	return lines
}

func (b *books) KPIs(site string, q account.KPIQuestion) (ks []account.KPI, err error) {
	if b.slow != nil {
		b.slow()
	}
	if b.fault != nil {
		return nil, b.fault
	}
	if q.Part != "" && q.Part != "hall 1" {
		return nil, &account.QuestionError{Field: "part", Problem: strconv.Quote(q.Part) + " is not stated of the site"}
	}
	for _, name := range q.Names {
		ks = append(ks, b.kpi(name, q))
	}
	return ks, nil
}

// Around is a calendar in UTC.
func (b *books) Around(_ string, c account.Calendar, t int64) (from, to int64) {
	return b.basis.Around(c, t)
}

func (b *books) Reconcile(site string, from, to int64, of []account.Stage) ([]account.Gap, error) {
	if b.fault != nil {
		return nil, b.fault
	}
	ratio, more := 0.0125, -0.25
	all := []account.Gap{
		{Stage: account.StageFacility, Above: account.Wide{Lo: 80 * 3.6e9}, Below: account.Wide{Lo: 79 * 3.6e9}, Children: 3, Gap: 3.6e9, Ratio: &ratio, Low: -0.02, High: 0.1, Finding: account.Balanced, Coverage: 1},
		{Stage: account.StageRack, Name: "r1", Above: account.Wide{Lo: 8 * 3.6e9}, Below: account.Wide{Lo: 10 * 3.6e9}, Children: 4, Gap: -2 * 3.6e9, Ratio: &more, Low: -0.02, High: 0.15, Finding: account.Exceeds, Coverage: 1},
		{Stage: account.StageRack, Name: "r2", Children: 4, Low: -0.02, High: 0.15, Finding: account.Unknown, Missing: []string{"n3"}},
	}
	var gaps []account.Gap
	for _, g := range all {
		if g.From, g.To = from, to; len(of) == 0 || slices.Contains(of, g.Stage) {
			gaps = append(gaps, g)
		}
	}
	return gaps, nil
}

func (b *books) kpi(name string, q account.KPIQuestion) account.KPI {
	from, to := q.From, q.To
	k := account.KPI{Name: name, Unit: "ratio", From: from, To: to, Coverage: 1}
	if name != "pue" {
		k.Unit, k.Coverage, k.Reason = "", 0, "no meter for "+name
		if name == "cost" {
			energy := 2.5
			k.Unit, k.Reason, k.Value, k.Coverage, k.Restated = "EUR", "", &energy, 1, true
			k.Components = []account.Component{{Name: "energy", Value: &energy}, {Name: "capacity", Reason: "charged by the whole month; ask for whole months"}}
			k.Grid = []account.GridShare{{GridSource: account.GridSource{Kind: account.Price, Zone: "FR", Provider: "entsoe", Tier: "1", Revised: true}, Energy: account.Wide{Lo: 3.6e10}, Share: 1}}
			k.Flags = []account.Flag{{Code: "grid_revised", Text: "what is said of the grid was revised"}}
		}
		return k
	}
	v, total, it := 1.2, 7.488e10, 6.24e10
	k.Value, k.Category, k.Method, k.Period, k.Point, k.Terms, k.Part = &v, max(1, q.Category), "EN 50600-4-2", "interim", "ups_output", "00c0ffee00c0ffee", q.Part
	k.Quality[metric.Measured], k.Quality[metric.Integrated] = 0.875, 0.125
	k.Inputs = []account.Input{
		{Name: "energy of the facility", Unit: "joules", Value: &total, Exact: "74880000000"},
		{Name: "energy of IT", Unit: "joules", Value: &it, Exact: "62400000000"},
		{Name: "energy of district cooling", Unit: "joules"},
	}
	k.Inputs[1].Quality[metric.Measured] = 1
	return k
}

// series are an hour of two hosts of two GPUs at 10 s, from the epoch.
const series = `load 10s
	gpu_power_watts{site="fra1",host="n1",gpu="0"} 700+0x360
	gpu_power_watts{site="fra1",host="n1",gpu="1"} 600+0x360
	gpu_power_watts{site="fra1",host="n2",gpu="0"} 500+1x360
	gpu_power_watts{site="fra1",host="n2",gpu="1"} 400+1x360
	gpu_energy_joules_total{site="fra1",host="n1",gpu="0"} 0+7000x360
`

// config is a server's, over a fresh storage and fresh books.
func config(t *testing.T) web.Config {
	t.Helper()
	return web.Config{
		Queryable: promqltest.LoadedStorage(t, series),
		Ledger:    newBooks(),
		Version:   "1.2.3",
	}
}

// serve starts the server that c describes, as it would be started outside of
// tests but for its listener.
func serve(t *testing.T, c web.Config) (*web.Server, string) {
	t.Helper()
	s, err := web.New(c)
	if err != nil {
		t.Fatal(err)
	}
	ts := httptest.NewUnstartedServer(nil)
	ts.Config = s.HTTPServer()
	ts.Start()
	t.Cleanup(ts.Close)
	return s, ts.URL
}

// response is what a test looks at.
type response struct {
	code   int
	header http.Header
	body   string
}

// failure is the error envelope of a response.
func (r response) failure(t *testing.T) (reason, message string) {
	t.Helper()
	var e struct{ Status, ErrorType, Error string }
	if err := json.Unmarshal([]byte(r.body), &e); err != nil {
		t.Fatalf("answer %d is not JSON: %v\n%s", r.code, err, r.body)
	}
	if e.Status != "error" {
		t.Errorf("status is %q, want error: %s", e.Status, r.body)
	}
	return e.ErrorType, e.Error
}

func do(t *testing.T, r *http.Request) response {
	t.Helper()
	c := &http.Client{Timeout: 20 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response{resp.StatusCode, resp.Header, string(b)}
}

func get(t *testing.T, url string) response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	return do(t, r)
}

// golden compares got with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s differs (-want +got); -update rewrites it:\n%s", path, d)
	}
}

// stuck is a storage whose reads wait until their context ends or let is
// closed; it says when they begin.
type stuck struct {
	storage.Queryable
	began chan struct{}
	ended chan error
	let   chan struct{}
}

func newStuck(q storage.Queryable) *stuck {
	return &stuck{q, make(chan struct{}, 100), make(chan error, 100), make(chan struct{})}
}

func (s *stuck) Querier(mint, maxt int64) (storage.Querier, error) {
	q, err := s.Queryable.Querier(mint, maxt)
	return stuckQuerier{q, s}, err
}

type stuckQuerier struct {
	storage.Querier
	s *stuck
}

func (q stuckQuerier) Select(ctx context.Context, sorted bool, h *storage.SelectHints, ms ...*labels.Matcher) storage.SeriesSet {
	q.s.began <- struct{}{}
	select {
	case <-ctx.Done():
		q.s.ended <- ctx.Err()
		return storage.ErrSeriesSet(ctx.Err())
	case <-q.s.let:
		q.s.ended <- nil
		return q.Querier.Select(ctx, sorted, h, ms...)
	}
}

// wait fails the test where c stays empty.
func wait[T any](t *testing.T, c <-chan T, what string) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(time.Minute):
		t.Fatalf("%s: waited a minute", what)
	}
	return v
}

var errBooks = errors.New("hours/2026-11-22T17Z.hour: checksum differs")
