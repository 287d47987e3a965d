package live

import (
	"math"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// OfItself reports whether agents say n of themselves: each speaks for itself, though
// another may speak for the host that it runs on.
func OfItself(n metric.Number) bool { return n >= metric.AgentSourceStale && n < metric.CounterEpoch }

// Rises reports whether it is remembered by how much a counter rose lately: those that
// stand still as long as all is well.
func Rises(n metric.Number) bool {
	return n == metric.AgentSpoolDropped || n == metric.AgentSourceFailures
}

// LongestRise is for how long.
const LongestRise = time.Hour

// A counter is one of an agent's that should stand still.
type counter struct {
	metric metric.Number
	point  uint32
	entity int32
	value  int32 // in the tick
	last   metric.Raw
	rises  []risen // of the last hour, oldest first
}

// A risen is by how much a counter rose in a minute since 1970.
type risen struct{ minute, by int64 }

// see takes the counter's value of a second. A counter that begins anew has risen
// from zero.
func (c *counter) see(second int64, values []metric.Raw) {
	now, was := values[c.value], c.last
	if now == metric.Missing {
		return
	}
	c.last = now
	by := int64(now - was)
	if now < was {
		by = int64(now)
	}
	if was == metric.Missing || by <= 0 {
		return
	}
	minute := second / 60
	if n := len(c.rises); n > 0 && c.rises[n-1].minute == minute {
		c.rises[n-1].by += by
		return
	}
	old := 0
	for old < len(c.rises) && c.rises[old].minute <= minute-int64(LongestRise/time.Minute) {
		old++
	}
	c.rises = append(c.rises[:0], c.rises[old:]...)
	c.rises = append(c.rises, risen{minute, by})
}

// over is by how much it rose in so long before a second.
func (c *counter) over(second int64, long time.Duration) (by int64) {
	for _, r := range c.rises {
		if r.minute > second/60-int64(long/time.Minute) {
			by += r.by
		}
	}
	return by
}

// carryCounters takes over what counters were at in an earlier layout.
func (s *sender) carryCounters(l *metric.Layout, before []counter) {
	for i := range s.counters {
		c := &s.counters[i]
		for j := range before {
			if o := &before[j]; o.metric == c.metric && o.point == c.point && l.Entities[o.entity].Name == s.layout.Entities[c.entity].Name {
				c.last, c.rises = o.last, o.rises
			}
		}
	}
}

// eachOwn shows see what a says of itself.
func (a *sender) eachOwn(q *TopQuestion, p Present, known bool, see func(a *sender, e int, point uint32, v float64)) {
	if q.Over > 0 {
		for i := range a.counters {
			c := &a.counters[i]
			switch {
			case c.metric != q.By || !q.of(c.point) || !q.holdsEntity(a.layout, int(c.entity)):
			case !known:
				see(a, int(c.entity), c.point, math.NaN())
			default:
				see(a, int(c.entity), c.point, float64(c.over(p.Second, q.Over)))
			}
		}
		return
	}
	d, at := metric.Lookup(q.By), 0
	for _, c := range a.layout.Columns {
		if c.Metric == q.By && c.Form == d.Form && q.of(c.Point) {
			for k := range c.Count {
				switch {
				case !q.holdsEntity(a.layout, c.First+k):
				case !known:
					see(a, c.First+k, c.Point, math.NaN())
				default:
					see(a, c.First+k, c.Point, d.Value(a.values[at+k]))
				}
			}
		}
		at += c.Count
	}
}
