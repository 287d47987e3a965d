package meter

import (
	"fmt"
	"slices"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// A cell is one value of the layout: a part of a view, or of the device's health.
type cell struct {
	device *device
	view   *view // nil: of its health
	part   int
}

func (c cell) value(now time.Time) metric.Raw {
	c.device.mu.Lock()
	defer c.device.mu.Unlock()
	if c.view == nil {
		return c.device.health(c.part, now)
	}
	return c.view.value(c.part, now)
}

// arrange makes the layout of all devices, in which each metric is of a run of
// meters where that is possible: the place of the agent, the places of the
// meters, the meters, their points.
func arrange(place metric.Place, devices []*device) (*metric.Layout, []cell, error) {
	l := &metric.Layout{Entities: place.Entities()}
	find := func(e metric.Entity) int {
		for i, o := range l.Entities {
			if o.Kind == e.Kind && o.Name == e.Name && o.Parent == e.Parent {
				return i
			}
		}
		l.Entities = append(l.Entities, e)
		return len(l.Entities) - 1
	}
	devices = slices.Clone(devices)
	slices.SortStableFunc(devices, func(a, b *device) int { return slices.Compare(a.measures(), b.measures()) })
	parents := make([]int, len(devices))
	for i, d := range devices {
		parents[i] = -1
		if d.Hall != "" {
			parents[i] = find(metric.Entity{Kind: metric.Hall, Name: d.Hall, Parent: -1})
		}
		if d.Rack != "" {
			parents[i] = find(metric.Entity{Kind: metric.Rack, Name: d.Rack, Parent: parents[i]})
		}
	}
	at := len(l.Entities)
	for i, d := range devices {
		l.Entities = append(l.Entities, metric.Entity{Kind: metric.Meter, Name: d.Name, Parent: parents[i], Labels: []metric.Pair{{Name: "role", Value: d.Role}}})
	}
	var cells []cell
	column := func(n metric.Number, point uint32, entity int, c cell) {
		cells = append(cells, c)
		if last := len(l.Columns) - 1; last >= 0 {
			if p := &l.Columns[last]; p.Metric == n && p.Point == point && p.First+p.Count == entity {
				p.Count++
				return
			}
		}
		l.Columns = append(l.Columns, metric.Column{Metric: n, Form: metric.Lookup(n).Form, Point: point, First: entity, Count: 1})
	}
	for i, d := range devices {
		if k, ok := d.power(); ok {
			column(metric.MeterPowerWatts, 0, at+i, cell{d, &d.seen[k].view, 0})
		}
	}
	for _, n := range []metric.Number{metric.MeterEnergyJoules, metric.MeterHeatJoules, metric.MeterWater} {
		for part, c := range []struct {
			metric metric.Number
			point  uint32
		}{{n, 0}, {metric.CounterEpoch, metric.EpochPoint(n, 0)}, {metric.CounterQuality, metric.EpochPoint(n, 0)}} {
			for i, d := range devices {
				for _, t := range d.tallies {
					if t.metric == n {
						column(c.metric, c.point, at+i, cell{d, &t.view, part})
					}
				}
			}
		}
	}
	for i, d := range devices {
		if s := d.seen[Kind{Quantity: Flow}]; s != nil {
			column(metric.MeterFlow, 0, at+i, cell{d, &s.view, 0})
		}
	}
	for i, d := range devices {
		if d.MinFlow != nil {
			column(metric.MeterFlowLimit, 0, at+i, cell{d, nil, leastFlow})
		}
	}
	for i, d := range devices {
		if s := d.seen[Kind{Quantity: Leak}]; s != nil {
			column(metric.MeterLeak, 0, at+i, cell{d, &s.view, 0})
		}
	}
	for part, c := range healthColumns() {
		for i, d := range devices {
			column(c.metric, c.point, at+i, cell{d, nil, part})
		}
	}
	for i, d := range devices {
		for _, k := range d.Reader.Gives() {
			if k.Quantity == Temperature {
				l.Entities = append(l.Entities, metric.Entity{Kind: metric.Point, Name: k.Point, Parent: at + i})
				column(metric.MeterTemperature, 0, len(l.Entities)-1, cell{d, &d.seen[k].view, 0})
			}
		}
	}
	if err := l.Check(); err != nil {
		return nil, nil, fmt.Errorf("%d meters are more than one collector can send; let another one read some of them: %w", len(devices), err)
	}
	return l, cells, nil
}

// measures tells devices apart by what is shown of them.
func (d *device) measures() (list []int) {
	if _, ok := d.power(); ok {
		list = append(list, int(metric.MeterPowerWatts))
	}
	for _, t := range d.tallies {
		list = append(list, int(t.metric))
	}
	if d.gives(Flow) {
		list = append(list, int(metric.MeterFlow))
	}
	if d.MinFlow != nil {
		list = append(list, int(metric.MeterFlowLimit))
	}
	if d.gives(Leak) {
		list = append(list, int(metric.MeterLeak))
	}
	return list
}
