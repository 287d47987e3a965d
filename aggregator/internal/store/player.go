package store

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// player makes of the ticks of one host the series that one selector asks for.
type player struct {
	matchers []*labels.Matcher
	from, to int64
	room     int // for readings
	limit    int
	labeler  labeler
	tracks   map[uint64]*track // by hash of the labels
	layout   *metric.Layout
	picks    []pick // of layout
}

// A track is one value of one entity over time; of a state metric that is one
// series for each state that is asked for.
type track struct {
	def      *metric.Def
	labels   []labels.Labels // by state; of others, one; the zero is not asked for
	readings []reading       // as they came
}

type reading struct {
	t int64
	v metric.Raw
}

// pick is a value of a tick that is asked for.
type pick struct {
	value int
	into  *track
}

func newPlayer(matchers []*labels.Matcher, from, to int64, limit int) *player {
	limit = cmp.Or(limit, 4_000_000)
	return &player{
		matchers: matchers, from: from, to: to, room: limit, limit: limit,
		labeler: newLabeler(labels.NewSymbolTable()), tracks: map[uint64]*track{},
	}
}

func (p *player) take(site string, l *metric.Layout, millis int64, values []metric.Raw) error {
	if l != p.layout {
		p.layout, p.picks = l, p.pick(site, l)
	}
	if millis < p.from || millis > p.to {
		return nil
	}
	for _, k := range p.picks {
		v, into := values[k.value], k.into
		if into.def.Kind == metric.State && (v < 0 || int(v) >= len(into.labels)) {
			v = metric.Missing // a state that the catalogue does not have
		}
		// The first of a gap says that it began.
		if n := len(into.readings); v == metric.Missing && (n == 0 || into.readings[n-1].v == metric.Missing) {
			continue
		}
		if p.room == 0 {
			return fmt.Errorf("more than %d readings at full rate: ask for fewer series at once, or with a longer step", p.limit)
		}
		p.room--
		into.readings = append(into.readings, reading{millis, v})
	}
	return nil
}

// pick finds what is asked for in a layout.
func (p *player) pick(site string, l *metric.Layout) (picks []pick) {
	for _, r := range newShape(l).runs {
		for k := range r.count {
			if r.def == nil {
				break
			}
			if t := p.track(site, l, r.entity+k, &r); t != nil {
				picks = append(picks, pick{r.at + k, t})
			}
		}
	}
	return picks
}

// track is that of entity e's value in r; nil if it is not asked for.
func (p *player) track(site string, l *metric.Layout, e int, r *run) *track {
	t := &track{def: r.def, labels: make([]labels.Labels, max(1, r.states))}
	key, asked := uint64(0), false
	for s := range t.labels {
		point := r.point
		if r.states > 0 {
			point = uint32(s)
		}
		ls := p.labeler.of(site, l, e, r.def, point)
		if s == 0 {
			key = ls.Hash()
		}
		if p.matches(ls) {
			t.labels[s], asked = ls.Copy(), true
		}
	}
	if !asked {
		return nil
	}
	if known := p.tracks[key]; known != nil {
		return known
	}
	p.tracks[key] = t
	return t
}

func (p *player) matches(ls labels.Labels) bool {
	for _, m := range p.matchers {
		if !m.Matches(ls.Get(m.Name)) {
			return false
		}
	}
	return true
}

// series are those that have a value, by their labels.
func (p *player) series() (list []storage.Series) {
	for _, t := range p.tracks {
		t.order()
		for s, ls := range t.labels {
			if ls.IsEmpty() {
				continue
			}
			var points samples
			if t.def.Kind == metric.State {
				points = t.state(metric.Raw(s))
			} else {
				points = t.values()
			}
			if len(points) > 0 {
				list = append(list, &storage.SeriesEntry{Lset: ls, SampleIteratorFn: func(chunkenc.Iterator) chunkenc.Iterator {
					return storage.NewListSeriesIterator(points)
				}})
			}
		}
	}
	slices.SortFunc(list, func(a, b storage.Series) int { return labels.Compare(a.Labels(), b.Labels()) })
	return list
}

// order sorts the readings, of which some came late and some twice.
func (t *track) order() {
	byTime := func(a, b reading) int { return cmp.Compare(a.t, b.t) }
	if !slices.IsSortedFunc(t.readings, byTime) {
		slices.SortStableFunc(t.readings, byTime)
	}
	out := t.readings[:0]
	for _, r := range t.readings {
		switch n := len(out); {
		case n == 0 || out[n-1].t != r.t:
			out = append(out, r)
		case out[n-1].v == metric.Missing:
			out[n-1] = r
		}
	}
	t.readings = out
}

// values are the samples of a metric that has one series: each gap ends it.
func (t *track) values() (out samples) {
	for _, r := range t.readings {
		switch {
		case r.v != metric.Missing:
			out = append(out, sample{r.t, t.def.Value(r.v)})
		case len(out) > 0:
			out = append(out, sample{r.t, staleNaN})
		}
	}
	return out
}

// state is the samples of one state, in the form that is stored: 1 while it is
// the current one, 0 at the tick at which it was left, and then its end. A state
// that was never entered has none.
func (t *track) state(s metric.Raw) (out samples) {
	on, left := false, false
	for _, r := range t.readings {
		switch {
		case r.v == s:
			out = append(out, sample{r.t, 1})
			on, left = true, false
		case on && r.v == metric.Missing:
			out = append(out, sample{r.t, staleNaN})
			on = false
		case on:
			out = append(out, sample{r.t, 0})
			on, left = false, true
		case left:
			out = append(out, sample{r.t, staleNaN})
			left = false
		}
	}
	return out
}

// samples implements [storage.Samples].
type samples []sample

func (s samples) Get(i int) chunks.Sample { return s[i] }
func (s samples) Len() int                { return len(s) }

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
