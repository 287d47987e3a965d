package store

import (
	"slices"

	"github.com/prometheus/prometheus/storage"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// A shape is the columns of a layout with what the catalogue says of them. The
// hosts of a fleet are few shapes, so agents share them.
type shape struct {
	columns []metric.Column // as in the layout
	runs    []run
	width   int // values in a tick
	refs    int // series that a tick can have: a state has several
}

// A run is one column.
type run struct {
	def    *metric.Def // nil: passed over
	point  uint32
	entity int // the first
	at     int // of its first value in a tick
	count  int
	states int // of a state metric, how many it has; 0 for others
	ref    int // index of its first series: value j has series ref+j, a state ref+j*states+k
}

func newShape(l *metric.Layout) *shape {
	s := &shape{columns: slices.Clone(l.Columns), runs: make([]run, len(l.Columns))}
	for i, c := range l.Columns {
		r := run{def: metric.Lookup(c.Metric), point: c.Point, entity: c.First, at: s.width, count: c.Count, ref: s.refs}
		s.width += c.Count
		switch {
		case r.def == nil || r.def.Form != c.Form || r.def.Points() > 0 && int(c.Point) >= r.def.Points():
			r.def = nil
		case r.def.Kind == metric.State:
			r.states = len(r.def.Labels[0].Values)
			s.refs += c.Count * r.states
		default:
			s.refs += c.Count
		}
		s.runs[i] = r
	}
	return s
}

// A marks is a set of values of a tick.
type marks []uint64

func (m marks) has(i int) bool { return m[i>>6]&(1<<(i&63)) != 0 }
func (m marks) set(i int)      { m[i>>6] |= 1 << (i & 63) }

// An agent is what the store remembers of one agent's tick, so that it can tell
// what changed and need not look up series by their labels.
type agent struct {
	name   string // as it is told apart
	site   string
	layout *metric.Layout
	shape  *shape
	phase  int64 // milliseconds by which its slots begin later than the hour
	last   int64 // time of its newest tick; 0 before the first
	heard  int64 // time of the newest tick of all when it last spoke
	behind int64 // the head in which it is out of order
	gone   bool
	made   int   // series, in the length of a block
	madeIn int64 // number of it

	unsettled bool // states of before a restart may still be shown beside those of now

	raw     []metric.Raw        // by value: as of the newest tick
	refs    []storage.SeriesRef // by series: 0 where there is none yet
	written marks               // by value: has a point at the newest tick
	spare   marks
	leaving []left // states that were left at the newest tick
}

func newAgent(name, site string, l *metric.Layout, s *shape, phase int64) *agent {
	words := (s.width + 63) / 64
	bits := make(marks, 2*words)
	a := &agent{
		name: name, site: site, layout: l, shape: s, phase: phase,
		raw:     make([]metric.Raw, s.width),
		refs:    make([]storage.SeriesRef, s.refs),
		written: bits[:words:words],
		spare:   bits[words:],
	}
	a.forget()
	return a
}

// forget makes every value unknown, so that the next tick is written whole.
func (a *agent) forget() {
	for i := range a.raw {
		a.raw[i] = metric.Missing
	}
	clear(a.written)
	a.leaving = a.leaving[:0]
}

// slot numbers the intervals of an agent, of which the store keeps one tick each.
func slot(t, phase, interval int64) int64 {
	t -= phase
	if t < 0 {
		t -= interval - 1
	}
	return t / interval
}

// phase spreads agents over the interval, by their key, in whole seconds and a
// half: ticks come on the second, and do not jump over the edge of a slot when
// they come a little early or late.
func phase(key string, interval int64) int64 {
	h := uint32(2166136261) // FNV-1a
	for i := range len(key) {
		h = (h ^ uint32(key[i])) * 16777619
	}
	return int64(h>>8)%(interval/1000)*1000 + 500
}

// carry hands to b, which follows a, what a knows of the values they share, and
// yields which of a's these are.
func (a *agent) carry(b *agent) (taken marks) {
	b.last, b.behind, b.unsettled = a.last, a.behind, a.unsettled
	taken = make(marks, len(a.written))
	same := matchEntities(a.layout.Entities, b.layout.Entities)
	for ci := range b.shape.runs {
		r := &b.shape.runs[ci]
		if r.def == nil {
			continue
		}
		for j := range r.count {
			from, old := a.find(r, ci, same[r.entity+j])
			if from == nil {
				continue
			}
			taken.set(from.at + old)
			b.raw[r.at+j] = a.raw[from.at+old]
			if a.written.has(from.at + old) {
				b.written.set(r.at + j)
			}
			n := max(1, r.states)
			copy(b.refs[r.ref+j*n:r.ref+(j+1)*n], a.refs[from.ref+old*n:])
			for _, s := range a.leaving {
				if &a.shape.runs[s.run] == from && s.value == old {
					b.leaving = append(b.leaving, left{ci, j, s.state})
				}
			}
		}
	}
	return taken
}

// find is the run of a, and the index in it, that measures what r does of
// entity e; the run in the same place is tried first.
func (a *agent) find(r *run, hint, e int) (*run, int) {
	if e < 0 {
		return nil, 0
	}
	fits := func(o *run) bool {
		return o.def == r.def && o.point == r.point && o.entity <= e && e < o.entity+o.count
	}
	if hint < len(a.shape.runs) && fits(&a.shape.runs[hint]) {
		return &a.shape.runs[hint], e - a.shape.runs[hint].entity
	}
	for i := range a.shape.runs {
		if o := &a.shape.runs[i]; fits(o) {
			return o, e - o.entity
		}
	}
	return nil, 0
}

// matchEntities finds for each entity of b the same one in a, -1 if there is none.
func matchEntities(a, b []metric.Entity) []int {
	match := make([]int, len(b))
	for i := range b {
		same := func(k int) bool {
			parent := -1
			if p := b[i].Parent; p >= 0 {
				if parent = match[p]; parent < 0 {
					return false
				}
			}
			return a[k].Kind == b[i].Kind && a[k].Name == b[i].Name && a[k].Parent == parent && slices.Equal(a[k].Labels, b[i].Labels)
		}
		match[i] = -1
		if i < len(a) && same(i) {
			match[i] = i
			continue
		}
		for k := range a {
			if same(k) {
				match[i] = k
				break
			}
		}
	}
	return match
}
