package store_test

import (
	"fmt"
	"log/slog"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	vm "github.com/VictoriaMetrics/metrics"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/tsdb/chunkenc"

	"github.com/gigawatch/gigawatch/aggregator/internal/store"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// epoch is when the tests' time begins: on the hour.
var epoch = time.Date(2026, 11, 22, 17, 0, 0, 0, time.UTC)

// at is the millisecond so many seconds after the epoch.
func at(seconds int) int64 { return epoch.UnixMilli() + int64(seconds)*1000 }

// A bench is an open store with a writer, at a time that stands still far ahead.
type bench struct {
	*testing.T
	*store.Store
	w       *store.Writer
	config  store.Config
	metrics *vm.Set
}

func open(t *testing.T, change ...func(*store.Config)) *bench {
	t.Helper()
	set := vm.NewSet()
	c := store.Config{
		Dir: t.TempDir(), Heartbeat: 4 * time.Minute, OutOfOrder: time.Hour, Metrics: set, Logger: logger(t),
		Now: func() time.Time { return epoch.Add(1000 * time.Hour) },
	}
	for _, f := range change {
		f(&c)
	}
	s, err := store.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{T: t, Store: s, w: s.Writer(), config: c, metrics: set}
	t.Cleanup(func() {
		if b.Store != nil {
			b.close()
		}
	})
	return b
}

func (b *bench) close() {
	b.Helper()
	if err := b.Close(); err != nil {
		b.Error(err)
	}
	b.Store = nil
}

// reopen closes the store and opens it again, with nothing remembered.
func (b *bench) reopen() {
	b.Helper()
	if b.Store != nil {
		b.close()
	}
	s, err := store.Open(b.config)
	if err != nil {
		b.Fatal(err)
	}
	b.Store, b.w = s, s.Writer()
}

// tick appends one tick of agent "a" and commits it.
func (b *bench) tick(l *metric.Layout, t int64, values ...metric.Raw) {
	b.Helper()
	if err := b.w.Append("dc1/a", l, "dc1", t, values); err != nil {
		b.Fatal(err)
	}
	b.commit()
}

func (b *bench) commit() {
	b.Helper()
	if err := b.w.Commit(); err != nil {
		b.Fatal(err)
	}
}

// stored is every sample of the series that have all the given labels, by
// series: "second:value …", where – is a staleness marker.
func (b *bench) stored(name string, pairs ...string) map[string]string {
	b.Helper()
	q, err := b.Querier(math.MinInt64, math.MaxInt64)
	if err != nil {
		b.Fatal(err)
	}
	defer q.Close()
	ms := []*labels.Matcher{labels.MustNewMatcher(labels.MatchEqual, model.MetricNameLabel, name)}
	for i := 0; i < len(pairs); i += 2 {
		ms = append(ms, labels.MustNewMatcher(labels.MatchEqual, pairs[i], pairs[i+1]))
	}
	got := map[string]string{}
	set := q.Select(b.Context(), true, nil, ms...)
	for set.Next() {
		var points []string
		it := set.At().Iterator(nil)
		for it.Next() == chunkenc.ValFloat {
			t, v := it.At()
			s := fmt.Sprint(v)
			if value.IsStaleNaN(v) {
				s = "–"
			}
			points = append(points, fmt.Sprintf("%v:%s", float64(t-at(0))/1000, s))
		}
		if it.Err() != nil {
			b.Fatal(it.Err())
		}
		got[set.At().Labels().String()] = strings.Join(points, " ")
	}
	if set.Err() != nil {
		b.Fatal(set.Err())
	}
	return got
}

// steps is points without those that only repeat the value, at heartbeats: of
// each run the first stays, and the last where another value follows, which a
// staleness marker is not.
func steps(points string) string {
	ps := strings.Fields(points)
	val := func(i int) string {
		_, v, _ := strings.Cut(ps[i], ":")
		return v
	}
	var kept []string
	for i := range ps {
		if i == 0 || val(i) != val(i-1) || i+1 < len(ps) && val(i) != val(i+1) && val(i+1) != "–" {
			kept = append(kept, ps[i])
		}
	}
	return strings.Join(kept, " ")
}

// want compares the steps of the only series of a metric with the points.
func (b *bench) want(points, name string, pairs ...string) {
	b.Helper()
	got := b.stored(name, pairs...)
	if len(got) != 1 {
		b.Fatalf("%s %v: %d series, want one: %v", name, pairs, len(got), got)
	}
	for _, g := range got {
		if d := cmp.Diff(points, steps(g)); d != "" {
			b.Errorf("%s %v (-want +got):\n%s", name, pairs, d)
		}
	}
}

// ask evaluates a query at a time; the values come sorted by label.
func (b *bench) ask(query string, t int64) []float64 {
	b.Helper()
	engine := promql.NewEngine(promql.EngineOpts{MaxSamples: 1e6, Timeout: time.Minute, Parser: parser.NewParser(parser.Options{EnableExtendedRangeSelectors: true})})
	defer engine.Close()
	q, err := engine.NewInstantQuery(b.Context(), b.Store, nil, query, time.UnixMilli(t))
	if err != nil {
		b.Fatal(err)
	}
	defer q.Close()
	r := q.Exec(b.Context())
	if r.Err != nil {
		b.Fatal(r.Err)
	}
	v, err := r.Vector()
	if err != nil {
		b.Fatal(err)
	}
	slices.SortFunc(v, func(a, b promql.Sample) int { return labels.Compare(a.Metric, b.Metric) })
	values := make([]float64, 0, len(v))
	for _, s := range v {
		values = append(values, s.F)
	}
	return values
}

func (b *bench) wantAnswer(query string, t int64, values ...float64) {
	b.Helper()
	if d := cmp.Diff(append([]float64{}, values...), b.ask(query, t)); d != "" {
		b.Errorf("%s at second %d (-want +got):\n%s", query, (t-at(0))/1000, d)
	}
}

// counted is the value of one of the store's own counters.
func (b *bench) counted(name string) uint64 { return b.metrics.GetOrCreateCounter(name).Get() }

func dropped(reason string) string { return fmt.Sprintf("%s{reason=%q}", store.MetricDropped, reason) }

// host is a layout of one host with two GPUs, and the given columns.
func host(columns ...metric.Column) *metric.Layout {
	return &metric.Layout{
		Simulated: true,
		Entities: []metric.Entity{
			{Kind: metric.Hall, Name: "h01", Parent: -1},
			{Kind: metric.Rack, Name: "r003", Parent: 0},
			{Kind: metric.Host, Name: "n0017", Parent: 1},
			{Kind: metric.GPU, Name: "GPU-1b2", Parent: 2, Labels: []metric.Pair{{Name: "gpu", Value: "0"}, {Name: "model", Value: "NVIDIA H200"}}},
			{Kind: metric.GPU, Name: "GPU-9f0", Parent: 2, Labels: []metric.Pair{{Name: "gpu", Value: "1"}, {Name: "model", Value: "NVIDIA H200"}}},
		},
		Columns: columns,
	}
}

// column is metric n at a point of count entities from first.
func column(n metric.Number, point uint32, first, count int) metric.Column {
	c := metric.Column{Metric: n, Form: metric.Int, Point: point, First: first, Count: count}
	if d := metric.Lookup(n); d != nil {
		c.Form = d.Form
	}
	return c
}

type testLog struct{ t *testing.T }

func logger(t *testing.T) *slog.Logger {
	return slog.New(slog.NewTextHandler(testLog{t}, &slog.HandlerOptions{Level: slog.LevelWarn}))
}

func (l testLog) Write(p []byte) (int, error) {
	l.t.Log(strings.TrimSpace(string(p)))
	return len(p), nil
}

func TestValuesAndLabelsReadBackExactly(t *testing.T) {
	b := open(t)
	l := host(
		column(metric.GPUPowerWatts, 0, 3, 2),
		column(metric.GPUEnergyJoules, 0, 3, 2),
		column(metric.GPUECCErrors, 3, 3, 1),
		column(metric.HostUp, 0, 2, 1),
	)
	b.tick(l, at(0), metric.Of(612.345), metric.Of(0), 1_234_567, 7, 2, 1)
	got := map[string]string{}
	for _, name := range []string{"gpu_power_watts", "gpu_energy_joules_total", "gpu_ecc_errors_total", "host_up"} {
		for k, v := range b.stored(name) {
			got[k] = v
		}
	}
	const place = `hall="h01", host="n0017"`
	gpu := func(name, gpu, uuid, more string) string {
		return fmt.Sprintf(`{__name__=%q, gpu=%q, %s, %smodel="NVIDIA H200", rack="r003"`, name, gpu, place, more) +
			map[bool]string{true: `, scope="aggregate"`}[more != ""] + fmt.Sprintf(`, simulated="true", site="dc1", uuid=%q}`, uuid)
	}
	want := map[string]string{
		gpu("gpu_power_watts", "0", "GPU-1b2", ""):                                       "0:612.345",
		gpu("gpu_power_watts", "1", "GPU-9f0", ""):                                       "0:0",
		gpu("gpu_energy_joules_total", "0", "GPU-1b2", ""):                               "0:1234.567",
		gpu("gpu_energy_joules_total", "1", "GPU-9f0", ""):                               "0:0.007",
		gpu("gpu_ecc_errors_total", "0", "GPU-1b2", `kind="uncorrected", `):              "0:2",
		`{__name__="host_up", ` + place + `, rack="r003", simulated="true", site="dc1"}`: "0:1",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("stored (-want +got):\n%s", d)
	}
}
