package store

import (
	"context"
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/util/annotations"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// A Replay reads back at full rate what the agents of a host said since a time,
// oldest first for each agent; site "" is any.
type Replay func(ctx context.Context, site, host string, since time.Time, yield func(site string, l *metric.Layout, millis int64, values []metric.Raw) error) error

// reach is how far back a replay goes: what the telemetry lane keeps.
const reach = 30 * time.Minute

// Replaying is a Store whose queries for one host see the last half hour at
// full rate: what Replay yields is merged into what is stored. A query is for
// one host if its selector says host="…"; others are answered by the store alone.
type Replaying struct {
	*Store
	Replay Replay
}

// Querier reads the store, and the replay beside it.
func (r *Replaying) Querier(mint, maxt int64) (storage.Querier, error) {
	q, err := r.Store.Querier(mint, maxt)
	if err != nil {
		return nil, err
	}
	oldest := time.Now().Add(-reach).UnixMilli()
	if maxt < oldest {
		return q, nil
	}
	full := &replayQuerier{Querier: storage.NoopQuerier(), r: r, mint: max(mint, oldest), maxt: maxt}
	return storage.NewMergeQuerier([]storage.Querier{q}, []storage.Querier{full}, storage.ChainedSeriesMerge), nil
}

type replayQuerier struct {
	storage.Querier // names and values of labels are the store's
	r               *Replaying
	mint, maxt      int64
}

// Select replays if the query is for one host and finer than what is stored.
func (q *replayQuerier) Select(ctx context.Context, _ bool, hints *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
	host, site := pinned(matchers, "host"), pinned(matchers, "site")
	if host == "" || hints == nil || hints.Func == "series" || hints.Step >= q.r.Store.config.Interval.Milliseconds() {
		return storage.EmptySeriesSet()
	}
	from, to := max(hints.Start, q.mint), min(hints.End, q.maxt)
	if from > to {
		return storage.EmptySeriesSet()
	}
	p := player{q: q, matchers: matchers, from: from, to: to, labeler: newLabeler(labels.NewSymbolTable()), series: map[uint64]*played{}}
	err := q.r.Replay(ctx, site, host, time.UnixMilli(from), p.take)
	if err != nil {
		return storage.ErrSeriesSet(err)
	}
	return p.set()
}

// pinned is the value that a matcher fixes the label to; "" if none does.
func pinned(matchers []*labels.Matcher, name string) string {
	for _, m := range matchers {
		if m.Name == name && m.Type == labels.MatchEqual {
			return m.Value
		}
	}
	return ""
}

// player gathers the series of one Select.
type player struct {
	q        *replayQuerier
	matchers []*labels.Matcher
	from, to int64
	labeler  labeler
	series   map[uint64]*played // by hash of the labels
	layout   *metric.Layout
	picks    []pick // of layout
}

type played struct {
	labels  labels.Labels
	samples []chunks.Sample
}

// pick is a value of a tick that the query asks for.
type pick struct {
	value int
	def   *metric.Def
	into  *played
	state metric.Raw // of a state metric: the one this series is of
}

func (p *player) take(site string, l *metric.Layout, millis int64, values []metric.Raw) error {
	if l != p.layout {
		p.layout, p.picks = l, p.pick(site, l)
	}
	if millis < p.from || millis > p.to {
		return nil
	}
	for _, k := range p.picks {
		v := values[k.value]
		if v == metric.Missing {
			continue
		}
		f := k.def.Value(v)
		if k.def.Kind == metric.State {
			if f = 0; v == k.state {
				f = 1
			}
		}
		if n := len(k.into.samples); n > 0 && k.into.samples[n-1].T() >= millis {
			continue // sent twice, or late
		}
		k.into.samples = append(k.into.samples, sample{millis, f})
	}
	return nil
}

func (p *player) pick(site string, l *metric.Layout) (picks []pick) {
	at := 0
	for _, c := range l.Columns {
		d := metric.Lookup(c.Metric)
		for k := range c.Count {
			if d == nil {
				break
			}
			points := []uint32{c.Point}
			if d.Kind == metric.State {
				points = points[:0]
				for s := range d.Labels[0].Values {
					points = append(points, uint32(s))
				}
			}
			for _, point := range points {
				ls := p.labeler.of(site, l, c.First+k, d, point)
				if !p.matches(ls) {
					continue
				}
				s := p.series[ls.Hash()]
				if s == nil {
					s = &played{labels: ls.Copy()}
					p.series[ls.Hash()] = s
				}
				picks = append(picks, pick{at + k, d, s, metric.Raw(point)})
			}
		}
		at += c.Count
	}
	return picks
}

func (p *player) matches(ls labels.Labels) bool {
	for _, m := range p.matchers {
		if !m.Matches(ls.Get(m.Name)) {
			return false
		}
	}
	return true
}

func (p *player) set() storage.SeriesSet {
	s := &seriesSet{at: -1}
	for _, one := range p.series {
		// A state that was never entered is not stored and is not shown.
		entered := slices.ContainsFunc(one.samples, func(c chunks.Sample) bool { return c.F() != 0 })
		if len(one.samples) > 0 && (entered || one.labels.Get("state") == "") {
			s.list = append(s.list, storage.NewListSeries(one.labels, one.samples))
		}
	}
	slices.SortFunc(s.list, func(a, b storage.Series) int { return labels.Compare(a.Labels(), b.Labels()) })
	return s
}

type seriesSet struct {
	list []storage.Series
	at   int
}

func (s *seriesSet) Next() bool                        { s.at++; return s.at < len(s.list) }
func (s *seriesSet) At() storage.Series                { return s.list[s.at] }
func (s *seriesSet) Err() error                        { return nil }
func (s *seriesSet) Warnings() annotations.Annotations { return nil }

// sample is a float sample.
type sample struct {
	t int64
	f float64
}

func (s sample) T() int64                      { return s.t }
func (s sample) ST() int64                     { return 0 }
func (s sample) F() float64                    { return s.f }
func (s sample) H() *histogram.Histogram       { return nil }
func (s sample) FH() *histogram.FloatHistogram { return nil }
func (s sample) Type() chunkenc.ValueType      { return chunkenc.ValFloat }
func (s sample) Copy() chunks.Sample           { return s }
