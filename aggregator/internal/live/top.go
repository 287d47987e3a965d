package live

import (
	"cmp"
	"math"
	"strings"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// A TopQuestion asks for the things with the greatest or least value of a metric.
// It is of a gauge, of GPUs or hosts, or the power of hosts, of which a BMC's word is
// the one that counts; or of what agents say of themselves, with counters that
// [Rises] has by what they rose over a time: those that did.
type TopQuestion struct {
	By    metric.Number
	Point *uint32       // which labels of its own it has; nil: all, each a row, of what agents say of themselves
	Over  time.Duration // whole minutes, at most LongestRise; 0: what it is now
	Where
	Ascending bool
	Limit     int
}

// of reports whether q asks about a point of its metric.
func (q *TopQuestion) of(point uint32) bool { return q.Point == nil || *q.Point == point }

// A Row is a thing with its value.
type Row struct {
	Spot
	Sensor string // the source of an agent
	Point  uint32
	Value  float64
	Second int64 // that the value is of, since 1970 UTC
}

// A Top is the answer.
type Top struct {
	Present
	Rows       []Row
	Considered int   // things of the part that was asked for
	Missing    int   // of them: without a value
	Since      int64 // second since 1970 UTC from when rises are known
}

// candidate is a row whose place is looked up only if it has to be.
type candidate struct {
	layout *metric.Layout
	entity int32
	point  uint32
	host   string
	value  float64
	second int64
}

// Top answers q; ok is false if nothing was heard of the site.
func (l *Live) Top(name string, q TopQuestion, now time.Time) (t Top, ok bool) {
	c := choice[candidate]{most: q.Limit, compare: func(a, b *candidate) int {
		order := cmp.Compare(a.value, b.value)
		switch {
		case order == 0:
			return cmp.Or(strings.Compare(a.host, b.host), cmp.Compare(a.entity, b.entity), cmp.Compare(a.point, b.point))
		case q.Ascending:
			return order
		}
		return -order
	}}
	var x candidate
	see := func(a *sender, e int, point uint32, v float64) {
		t.Considered++
		if math.IsNaN(v) {
			t.Missing++
			return
		}
		if q.Over > 0 && v == 0 {
			return
		}
		if x.layout != a.layout || x.entity != int32(e)-1 { // neighbours are of one host
			x.host = ""
			if h := a.layout.Ancestor(e, metric.Host); h >= 0 {
				x.host = a.layout.Entities[h].Name
			}
		}
		x.layout, x.entity, x.point, x.value, x.second = a.layout, int32(e), point, v, a.newest
		c.add(&x)
	}
	if t.Present, ok = l.walk(name, now, func(a *sender, p Present) {
		t.Since = a.site.began
		a.each(&q, p, see)
	}); !ok {
		return t, false
	}
	t.Rows = []Row{}
	for _, x := range c.sorted() {
		r := Row{Spot: spotOf(x.layout, int(x.entity)), Point: x.point, Value: x.value, Second: x.second}
		if e := &x.layout.Entities[x.entity]; e.Kind == metric.Sensor {
			r.Sensor = e.Name
		}
		t.Rows = append(t.Rows, r)
	}
	return t, true
}

// each shows see the things that a speaks for and q asks about, with their values;
// NaN where there is none.
func (a *sender) each(q *TopQuestion, p Present, see func(a *sender, e int, point uint32, v float64)) {
	known := p.Reason == "" && a.stands(p.Second)
	if OfItself(q.By) {
		a.eachOwn(q, p, known, see)
		return
	}
	point := uint32(0)
	if q.Point != nil {
		point = *q.Point
	}
	d := metric.Lookup(q.By)
	var room [4]span
	at := room[:0]
	if d.Entity != metric.GPU {
		first := hostClaim
		if q.By == metric.HostPowerWatts { // of which another agent than the host's may tell
			first = powerClaim
		} else if known {
			at = a.spans(at, d, point, len(a.layout.Entities))
		}
		a.hosts(first, hostClaim, func(e int) {
			switch {
			case !q.holdsEntity(a.layout, e):
			case !known:
				see(a, e, point, math.NaN())
			case q.By == metric.HostPowerWatts:
				see(a, e, point, a.nodeWatts(e))
			default:
				see(a, e, point, a.value(d, at, e))
			}
		})
		return
	}
	if known && len(a.gpus) > 0 {
		at = a.spans(at, d, point, len(a.gpus))
	}
	parent, holds := -2, true
	for i := range a.gpus {
		e := int(a.gpus[i].entity)
		if of := a.layout.Entities[e].Parent; of != parent {
			parent, holds = of, q.holdsEntity(a.layout, e)
		}
		switch {
		case !holds:
		case !known:
			see(a, e, point, math.NaN())
		default:
			see(a, e, point, a.value(d, at, e))
		}
	}
}

// hosts shows see the entities of the hosts of which a has the first kind of claim,
// or the second where nobody has the first.
func (a *sender) hosts(first, second claimKind, see func(e int)) {
	for _, c := range a.claims {
		if c.kind != first && (c.kind != second || a.site.claims[claim{first, c.name}] != nil) {
			continue
		}
		for e := range a.layout.Entities {
			if x := &a.layout.Entities[e]; x.Kind == metric.Host && x.Name == c.name {
				see(e)
				break
			}
		}
	}
}

// span is where a run of values of one metric is found in a tick.
type span struct{ first, count, at int }

// spans appends where a point of metric d is found, until that is of enough entities.
func (a *sender) spans(found []span, d *metric.Def, point uint32, enough int) []span {
	at := 0
	for i := range a.layout.Columns {
		c := &a.layout.Columns[i]
		if c.Metric == d.Number && c.Point == point && c.Form == d.Form {
			found = append(found, span{c.First, c.Count, at})
			if enough -= c.Count; enough <= 0 {
				break
			}
		}
		at += c.Count
	}
	return found
}

// value is what a says of entity e, NaN if it says nothing or nonsense.
func (a *sender) value(d *metric.Def, at []span, e int) float64 {
	for _, s := range at {
		if s.first <= e && e < s.first+s.count {
			if v := d.Value(a.values[s.at+e-s.first]); math.Abs(v) < 1e15 {
				return v
			}
		}
	}
	return math.NaN()
}

// nodeWatts is the power of host e, by the same source as the sums'.
func (a *sender) nodeWatts(e int) float64 {
	var nodes nodePower
	at := int32(0)
	for _, c := range a.layout.Columns {
		if c.Metric == metric.HostPowerWatts && c.First <= e && e < c.First+c.Count && c.Form == metric.Float {
			nodes.add(e, at+int32(e-c.First), metric.Lookup(c.Metric).LabelValue(c.Point, 0))
		}
		at += int32(c.Count)
	}
	if len(nodes) == 0 {
		return math.NaN()
	}
	if t := summed(nodes[0].best(), a.values); t.n > 0 {
		return t.sum
	}
	return math.NaN()
}
