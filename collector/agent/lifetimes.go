package agent

import (
	"fmt"

	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/wire"
)

// lifetimes are what the record before said under its layout of the lives of
// counters, and of who holds what.
type lifetimes struct {
	layout   *wire.Layout
	counters []lifetime
	shares   []share
}

// A lifetime is that of one counter.
type lifetime struct {
	at, mark int        // where its value and its epoch stand; mark -1: it has no epoch
	shown    bool       // the record before had a value
	value    metric.Raw // newest that was read; missing: none yet
	epoch    metric.Raw // likewise
}

// A share is what a job holds of a thing.
type share struct {
	at   int
	held metric.Raw // in the record before
}

// spot is one metric at one point of one entity.
type spot struct {
	metric metric.Number
	point  uint32
	entity int
}

// lifetimesOf knows nothing yet.
func lifetimesOf(l *wire.Layout) *lifetimes {
	t := &lifetimes{layout: l}
	marks := map[spot]int{}
	each(l.Layout, func(at int, s spot) {
		if s.metric == metric.CounterEpoch {
			marks[s] = at
		}
	})
	each(l.Layout, func(at int, s spot) {
		switch d := metric.Lookup(s.metric); {
		case s.metric == metric.JobGPUShare, s.metric == metric.JobHostShare:
			t.shares = append(t.shares, share{at, metric.Missing})
		case d != nil && d.Ledger && d.Kind == metric.Counter:
			mark, ok := marks[spot{metric.CounterEpoch, metric.EpochPoint(s.metric, s.point), s.entity}]
			if !ok {
				mark = -1
			}
			t.counters = append(t.counters, lifetime{at: at, mark: mark, value: metric.Missing, epoch: metric.Missing})
		}
	})
	return t
}

// each calls f for every value of a tick under l.
func each(l *metric.Layout, f func(at int, s spot)) {
	at := 0
	for _, c := range l.Columns {
		for i := range c.Count {
			f(at+i, spot{c.Metric, c.Point, c.First + i})
		}
		at += c.Count
	}
}

// onto is what t knows under another layout; ended says that a counter which
// had a value is not in it. t may be nil.
func (t *lifetimes) onto(l *wire.Layout) (next *lifetimes, ended bool) {
	next = lifetimesOf(l)
	if t == nil {
		return next, false
	}
	names := t.names()
	known := make(map[string]*lifetime, len(names))
	for i, name := range names {
		known[name] = &t.counters[i]
	}
	for i, name := range next.names() {
		if was := known[name]; was != nil {
			c := &next.counters[i]
			c.shown, c.value, c.epoch = was.shown, was.value, was.epoch
			delete(known, name)
		}
	}
	for _, was := range known {
		ended = ended || was.shown
	}
	return next, ended
}

// names tell the counters of any two layouts apart.
func (t *lifetimes) names() []string {
	l := t.layout.Layout
	path := make([]string, len(l.Entities))
	for i := range l.Entities {
		e := &l.Entities[i]
		path[i] = fmt.Sprintf("%d %q", e.Kind, e.Name)
		if e.Parent >= 0 {
			path[i] = path[e.Parent] + " " + path[i]
		}
	}
	spots := make(map[int]string, len(t.counters))
	each(l, func(at int, s spot) { spots[at] = fmt.Sprintf("%s %d %d", path[s.entity], s.metric, s.point) })
	names := make([]string, len(t.counters))
	for i := range t.counters {
		names[i] = spots[t.counters[i].at]
	}
	return names
}

// turned reports whether a counter's life ends before these values or begins
// with them: it is not read any more, it fell, its epoch is another, or it was
// never read before.
func (t *lifetimes) turned(values []metric.Raw) bool {
	for i := range t.counters {
		c := &t.counters[i]
		v, e := c.of(values)
		switch {
		case v == metric.Missing && c.shown,
			v != metric.Missing && (c.value == metric.Missing || v < c.value),
			e != metric.Missing && e != c.epoch:
			return true
		}
	}
	return false
}

func (c *lifetime) of(values []metric.Raw) (value, epoch metric.Raw) {
	if c.mark < 0 {
		return values[c.at], metric.Missing
	}
	return values[c.at], values[c.mark]
}

// moved reports whether a share is other than in the record before. One that is
// not read at a tick is not given back by that; nil values say nothing.
func (t *lifetimes) moved(values []metric.Raw) bool {
	if values == nil {
		return false
	}
	for _, s := range t.shares {
		if v := values[s.at]; v != metric.Missing && v != s.held {
			return true
		}
	}
	return false
}

// remember takes the values of a record that is queued.
func (t *lifetimes) remember(values []metric.Raw) {
	for i := range t.counters {
		c := &t.counters[i]
		v, e := c.of(values)
		if c.shown = v != metric.Missing; c.shown {
			c.value = v
		}
		if e != metric.Missing {
			c.epoch = e
		}
	}
	for i := range t.shares {
		t.shares[i].held = values[t.shares[i].at]
	}
}
