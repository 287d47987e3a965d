package gpu

import (
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// A run is a column of the layout and how its values come about.
type run struct {
	metric.Column
	value func(i int, at time.Time) metric.Raw
}

// Points of host_gpus.
const (
	pointExpected = iota
	pointPresent
)

// arrange makes the layout of what is known.
func (s *Source) arrange() {
	l := &metric.Layout{Entities: s.c.Place.Entities()}
	s.runs = s.runs[:0]
	host := len(l.Entities) - 1
	add := func(n metric.Number, point uint32, first, count int, value func(i int, at time.Time) metric.Raw) {
		c := metric.Column{Metric: n, Form: metric.Lookup(n).Form, Point: point, First: first, Count: count}
		l.Columns = append(l.Columns, c)
		s.runs = append(s.runs, run{c, value})
	}
	add(metric.HostGPUs, pointExpected, host, 1, func(int, time.Time) metric.Raw { return s.expect() })
	add(metric.HostGPUs, pointPresent, host, 1, func(int, time.Time) metric.Raw { return s.present() })
	if n := len(s.boards); n > 0 {
		first := len(l.Entities)
		for _, b := range s.boards {
			l.Entities = append(l.Entities, b.Entity(host))
		}
		s.arrangeBoards(func(n metric.Number, point uint32, value func(b *board, at time.Time) metric.Raw) {
			add(n, point, first, len(s.boards), func(i int, at time.Time) metric.Raw { return value(s.boards[i], at) })
		})
	}
	for _, k := range s.sockets {
		add(metric.HostPowerWatts, k.point, host, 1, func(_ int, at time.Time) metric.Raw { return k.watts(at, s.hold) })
		add(metric.HostEnergyJoules, k.point, host, 1, func(_ int, at time.Time) metric.Raw { return k.energy(at) })
		mark := metric.EpochPoint(metric.HostEnergyJoules, k.point)
		add(metric.CounterEpoch, mark, host, 1, func(int, time.Time) metric.Raw { return k.total.Epoch() })
		add(metric.CounterQuality, mark, host, 1, func(int, time.Time) metric.Raw { return metric.Raw(metric.Integrated) })
	}
	if n := len(s.switches); n > 0 {
		first := len(l.Entities)
		for _, w := range s.switches {
			l.Entities = append(l.Entities, metric.Entity{Kind: metric.Device, Name: w.name, Parent: host})
		}
		add(metric.NVSwitchTemperature, 0, first, n, func(i int, at time.Time) metric.Raw {
			if s.err != nil || at.Sub(s.answered) > s.hold {
				return metric.Missing
			}
			return s.switches[i].temperature
		})
		for point := range uint32(switchErrors) {
			add(metric.NVSwitchErrors, point, first, n, func(i int, _ time.Time) metric.Raw { return metric.Raw(s.switches[i].count[point]) })
		}
	}
	s.layout = l
}

// arrangeBoards adds the columns that all boards have.
func (s *Source) arrangeBoards(add func(n metric.Number, point uint32, value func(b *board, at time.Time) metric.Raw)) {
	// What is not of now is not shown.
	now := func(value func(b *board, at time.Time) metric.Raw) func(b *board, at time.Time) metric.Raw {
		return func(b *board, at time.Time) metric.Raw {
			if b.state != metric.GPUOk {
				return metric.Missing
			}
			return value(b, at)
		}
	}
	add(metric.GPUState, 0, func(b *board, _ time.Time) metric.Raw { return b.state })
	for slot := range Slots {
		if s.seen[slot] && slot != Energy {
			add(slots[slot].metric, slots[slot].point, now(func(b *board, _ time.Time) metric.Raw { return b.values[slot] }))
		}
	}
	if s.metered() {
		add(metric.GPUEnergyJoules, 0, now(func(b *board, at time.Time) metric.Raw { return b.meter.energy(at) }))
		mark := metric.EpochPoint(metric.GPUEnergyJoules, 0)
		add(metric.CounterEpoch, mark, func(b *board, _ time.Time) metric.Raw { return b.meter.lifetime() })
		add(metric.CounterQuality, mark, func(b *board, _ time.Time) metric.Raw { return b.meter.quality() })
	}
	if s.seen[Energy] && s.seen[Power] {
		add(metric.GPUEnergyCheck, 0, now(func(b *board, _ time.Time) metric.Raw { return b.meter.check.ratio }))
	}
	for _, code := range s.codes {
		add(metric.GPUXIDEvents, code, func(b *board, _ time.Time) metric.Raw { return b.events(code) })
		add(metric.GPUXIDTime, code, func(b *board, _ time.Time) metric.Raw { return b.newest(code) })
	}
}

// metered reports whether the energy of any board is known.
func (s *Source) metered() bool {
	for _, b := range s.boards {
		if b.meter.way != unknown {
			return true
		}
	}
	return false
}

// expect is how many boards there should be; missing if nobody knows.
func (s *Source) expect() metric.Raw {
	switch {
	case s.c.Expected > 0:
		return metric.Raw(s.c.Expected)
	case s.expected < 0:
		return metric.Missing
	}
	return metric.Raw(s.expected)
}

// present is how many boards are ok.
func (s *Source) present() (n metric.Raw) {
	for _, b := range s.boards {
		if b.state == metric.GPUOk {
			n++
		}
	}
	return n
}
