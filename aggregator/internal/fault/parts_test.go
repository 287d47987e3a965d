package fault

import (
	"fmt"
	"slices"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// parts is a layout in which every board is listed n times besides, under its own name and
// another index, as some drivers show one that is divided.
func parts(l *metric.Layout, n int) *metric.Layout {
	if n == 0 {
		return l
	}
	out := &metric.Layout{Simulated: l.Simulated, Entities: slices.Clone(l.Entities), Columns: slices.Clone(l.Columns)}
	for _, c := range boards(l) {
		for part := range n {
			first := len(out.Entities)
			if c.Metric != metric.GPUEnergyJoules { // its entities are there
				first = slices.IndexFunc(out.Entities, func(e metric.Entity) bool { return e.Label("part") == fmt.Sprint(part) })
			} else {
				for i := range c.Count {
					e := l.Entities[c.First+i]
					e.Labels = slices.Concat([]metric.Pair{{Name: "gpu", Value: fmt.Sprint(100*(part+1) + i)}}, e.Labels[1:], []metric.Pair{{Name: "part", Value: fmt.Sprint(part)}})
					out.Entities = append(out.Entities, e)
				}
			}
			out.Columns = append(out.Columns, metric.Column{Metric: c.Metric, Form: c.Form, Point: c.Point, First: first, Count: c.Count})
		}
	}
	return out
}

// boards are the columns of a layout that are of its boards' counters: energy, power and epoch.
func boards(l *metric.Layout) (cs []metric.Column) {
	for _, c := range l.Columns {
		if l.Entities[c.First].Kind == metric.GPU {
			cs = append(cs, c)
		}
	}
	return cs
}

// repeated are the values of parts.
func repeated(l *metric.Layout, values []metric.Raw, n int) []metric.Raw {
	if n == 0 {
		return values
	}
	at := 0
	var more []metric.Raw
	for _, c := range l.Columns {
		if l.Entities[c.First].Kind == metric.GPU {
			for range n {
				more = append(more, values[at:at+c.Count]...)
			}
		}
		at += c.Count
	}
	return append(values, more...)
}
