package agent

import (
	"errors"
	"slices"

	"github.com/gigawatch/gigawatch/collector/metric"
)

var errWidth = errors.New("the reading is not as long as its layout")

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

// power names, for each accounted counter, the gauge that lets the aggregator
// bound its plausibility and estimate across a restart.
var power = map[metric.Number]bool{metric.GPUPowerWatts: true, metric.HostPowerWatts: true, metric.MeterPowerWatts: true}

// ledgerOnly are the metrics that telemetry leaves out.
func ledgerOnly(n metric.Number) bool { return n == metric.CounterEpoch || n == metric.CounterQuality }

// A view picks the columns of one lane out of a merged layout.
type view struct {
	layout *metric.Layout
	pick   []int // index in the merged values of each value
}

func viewOf(l *metric.Layout, keep func(metric.Column) bool) view {
	v := view{layout: &metric.Layout{Simulated: l.Simulated, Entities: l.Entities}}
	at := 0
	for _, c := range l.Columns {
		if keep(c) {
			v.layout.Columns = append(v.layout.Columns, c)
			for i := range c.Count {
				v.pick = append(v.pick, at+i)
			}
		}
		at += c.Count
	}
	return v
}

func telemetryView(l *metric.Layout) view {
	return viewOf(l, func(c metric.Column) bool { return !ledgerOnly(c.Metric) })
}

func ledgerView(l *metric.Layout) view {
	return viewOf(l, func(c metric.Column) bool {
		d := metric.Lookup(c.Metric)
		return power[c.Metric] || d != nil && d.Ledger
	})
}

// values appends v's share of the merged values.
func (v view) values(dst, merged []metric.Raw) []metric.Raw {
	for _, i := range v.pick {
		dst = append(dst, merged[i])
	}
	return dst
}
