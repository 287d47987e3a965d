package agent

import (
	"errors"
	"math"
	"slices"

	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/wire"
)

var (
	errWidth    = errors.New("the reading is not as long as its layout")
	errNoLayout = errors.New("the reading has no layout")
)

// merge is the layout whose values are those of the given layouts, one after
// the other. Entities that several name alike become one.
func merge(layouts []*metric.Layout) (*metric.Layout, error) {
	m := &metric.Layout{}
	for _, l := range layouts {
		m.Simulated = m.Simulated || l.Simulated
		index := make([]int, len(l.Entities))
		for i, e := range l.Entities {
			if e.Parent >= 0 {
				e.Parent = index[e.Parent]
			}
			index[i] = slices.IndexFunc(m.Entities, func(o metric.Entity) bool {
				return o.Kind == e.Kind && o.Name == e.Name && o.Parent == e.Parent && slices.Equal(o.Labels, e.Labels)
			})
			if index[i] < 0 {
				index[i] = len(m.Entities)
				m.Entities = append(m.Entities, e)
			}
		}
		for _, c := range l.Columns {
			// A run of entities stays a run unless a part of it was known before.
			for k := 0; k < c.Count; {
				run := c
				run.First, run.Count = index[c.First+k], 1
				for k++; k < c.Count && index[c.First+k] == run.First+run.Count; k++ {
					run.Count++
				}
				m.Columns = append(m.Columns, run)
			}
		}
	}
	return m, m.Check()
}

// A view picks the columns of one lane out of a merged layout, with the entities
// that they are of.
type view struct {
	layout *wire.Layout
	pick   []int // index in the merged values of each value
	coarse []int // of the values: those that are rounded
}

func viewOf(l *metric.Layout, keep func(metric.Column) bool) (v view, err error) {
	kept := &metric.Layout{Simulated: l.Simulated}
	used := make([]bool, len(l.Entities))
	at := 0
	for _, c := range l.Columns {
		if keep(c) {
			kept.Columns = append(kept.Columns, c)
			for i := range c.Count {
				v.pick = append(v.pick, at+i)
				used[c.First+i] = true
			}
		}
		at += c.Count
	}
	for i := len(used) - 1; i >= 0; i-- {
		if p := l.Entities[i].Parent; used[i] && p >= 0 {
			used[p] = true
		}
	}
	index := make([]int, len(l.Entities))
	for i, e := range l.Entities {
		if used[i] {
			if e.Parent >= 0 {
				e.Parent = index[e.Parent]
			}
			index[i] = len(kept.Entities)
			kept.Entities = append(kept.Entities, e)
		}
	}
	for i := range kept.Columns {
		kept.Columns[i].First = index[kept.Columns[i].First] // a run stays one: nothing in it is left out
	}
	v.layout, err = wire.Compile(kept)
	return v, err
}

// views are those of both lanes.
type views struct{ telemetry, ledger view }

// viewsOf makes the views of what the layouts say together. A view's layout that
// comes out as it was stays the same pointer, so that a lane does not start on a
// new one because of what it does not carry.
func viewsOf(layouts []*metric.Layout, old views) (v views, err error) {
	merged, err := merge(layouts)
	if err != nil {
		return old, err
	}
	if v.telemetry, err = viewOf(merged, inTelemetry); err != nil {
		return old, err
	}
	if v.ledger, err = viewOf(merged, inLedger); err != nil {
		return old, err
	}
	keep := func(v *view, old view) {
		if old.layout != nil && old.layout.ID == v.layout.ID {
			v.layout = old.layout
		}
	}
	keep(&v.telemetry, old.telemetry)
	keep(&v.ledger, old.ledger)
	v.ledger.coarse = activities(v.ledger.layout.Layout)
	return v, nil
}

// activities are the values that the ledger has by the thousandth: of a mean over
// hours more says nothing, and each record would be a third longer.
func activities(l *metric.Layout) (at []int) {
	each(l, func(i int, s spot) {
		if s.metric == metric.GPUSMActive || s.metric == metric.GPUTensorActive {
			at = append(at, i)
		}
	})
	return at
}

func inTelemetry(c metric.Column) bool {
	return c.Metric != metric.CounterEpoch && c.Metric != metric.CounterQuality
}

func inLedger(c metric.Column) bool {
	switch c.Metric {
	case metric.GPUPowerWatts, metric.HostPowerWatts, metric.MeterPowerWatts:
		// With a counter's power the aggregator bounds what is plausible and
		// estimates across a restart.
		return true
	}
	d := metric.Lookup(c.Metric)
	return d != nil && d.Ledger
}

// values appends v's share of the merged values.
func (v view) values(dst, merged []metric.Raw) []metric.Raw {
	first := len(dst)
	for _, i := range v.pick {
		dst = append(dst, merged[i])
	}
	for _, i := range v.coarse {
		if x := &dst[first+i]; *x != metric.Missing {
			*x = metric.Of(math.Round(x.Float()*1000) / 1000)
		}
	}
	return dst
}
