package rule

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/util/annotations"
)

// recent holds the aggregator's own metrics that rules look at, of the last hour: a
// store that takes nothing more cannot tell so.
type recent struct {
	store storage.Queryable // of all others
	names map[string]bool

	mu     sync.Mutex
	series map[uint64]*remembered
}

type remembered struct {
	labels  labels.Labels
	samples []chunks.Sample // never changed, only appended to and begun anew
}

const (
	recentFor    = 65 * time.Minute
	recentSeries = 2000
	ownPrefix    = "gigawatch_"
)

// newRecent is of the metrics of a table that are the aggregator's own.
func newRecent(s storage.Queryable, language parser.Parser, rules []*compiled) *recent {
	x := &recent{store: s, names: map[string]bool{}, series: map[uint64]*remembered{}}
	for _, c := range rules {
		for _, text := range []string{c.Ask, c.Known, c.Still} {
			expr, err := language.ParseExpr(text)
			if err != nil {
				continue // who evaluates it says so
			}
			for _, matchers := range parser.ExtractSelectors(expr) {
				if name := nameOf(matchers); strings.HasPrefix(name, ownPrefix) {
					x.names[name] = true
				}
			}
		}
	}
	return x
}

func nameOf(matchers []*labels.Matcher) string {
	for _, m := range matchers {
		if m.Name == model.MetricNameLabel && m.Type == labels.MatchEqual {
			return m.Value
		}
	}
	return ""
}

// Remember takes a sample of the aggregator's own metrics.
func (e *Evaluator) Remember(ls labels.Labels, at int64, v float64) {
	if e.ask != nil {
		e.ask.recent.take(ls, at, v)
	}
}

func (x *recent) take(ls labels.Labels, at int64, v float64) {
	if !x.names[ls.Get(model.MetricNameLabel)] {
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	key := ls.Hash()
	s := x.series[key]
	if s == nil {
		if len(x.series) >= recentSeries {
			return
		}
		s = &remembered{labels: ls.Copy()}
		x.series[key] = s
	}
	if n := len(s.samples); n > 0 && s.samples[n-1].T() >= at {
		return
	}
	if oldest := at - recentFor.Milliseconds(); len(s.samples) > 0 && s.samples[0].T() < oldest-recentFor.Milliseconds() {
		i := slices.IndexFunc(s.samples, func(p chunks.Sample) bool { return p.T() >= oldest })
		s.samples = slices.Clone(s.samples[max(i, 0):])
	}
	s.samples = append(s.samples, sample{at, v})
}

// Querier implements storage.Queryable.
func (x *recent) Querier(from, to int64) (storage.Querier, error) {
	q, err := x.store.Querier(from, to)
	return &recentQuerier{q, x, from, to}, err
}

type recentQuerier struct {
	storage.Querier
	x        *recent
	from, to int64
}

// Select implements storage.Querier.
func (q *recentQuerier) Select(ctx context.Context, sorted bool, hints *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
	if !q.x.names[nameOf(matchers)] {
		return q.Querier.Select(ctx, sorted, hints, matchers...)
	}
	kept := q.Querier.Select(ctx, true, hints, matchers...) // what was before the start
	return storage.NewMergeSeriesSet([]storage.SeriesSet{kept, q.x.choose(q.from, q.to, matchers)}, 0, storage.ChainedSeriesMerge)
}

func (x *recent) choose(from, to int64, matchers []*labels.Matcher) *seriesList {
	x.mu.Lock()
	defer x.mu.Unlock()
	set := &seriesList{at: -1}
	for _, s := range x.series {
		if slices.ContainsFunc(matchers, func(m *labels.Matcher) bool { return !m.Matches(s.labels.Get(m.Name)) }) {
			continue
		}
		i := slices.IndexFunc(s.samples, func(p chunks.Sample) bool { return p.T() >= from })
		if i < 0 {
			continue
		}
		j := len(s.samples)
		for j > i && s.samples[j-1].T() > to {
			j--
		}
		if i < j {
			set.list = append(set.list, storage.NewListSeries(s.labels, s.samples[i:j:j]))
		}
	}
	slices.SortFunc(set.list, func(a, b storage.Series) int { return labels.Compare(a.Labels(), b.Labels()) })
	return set
}

// seriesList implements storage.SeriesSet.
type seriesList struct {
	list []storage.Series
	at   int
}

func (s *seriesList) Next() bool                        { s.at++; return s.at < len(s.list) }
func (s *seriesList) At() storage.Series                { return s.list[s.at] }
func (s *seriesList) Err() error                        { return nil }
func (s *seriesList) Warnings() annotations.Annotations { return nil }

// sample implements chunks.Sample.
type sample struct {
	t int64
	v float64
}

func (s sample) T() int64                      { return s.t }
func (s sample) ST() int64                     { return 0 }
func (s sample) F() float64                    { return s.v }
func (s sample) H() *histogram.Histogram       { return nil }
func (s sample) FH() *histogram.FloatHistogram { return nil }
func (s sample) Type() chunkenc.ValueType      { return chunkenc.ValFloat }
func (s sample) Copy() chunks.Sample           { return s }
