package account

import (
	"cmp"
	"math"
	"slices"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// A plan is a layout worked out once: which value is which account's.
type plan struct {
	layout *metric.Layout
	width  int
	lines  []line // boards come before their hosts
	grid   []gridLine
	claims
}

// line is one counter of a plan. The others are positions of values in a tick,
// or -1.
type line struct {
	account                      uint32
	place                        uint32
	held                         uint32 // who holds the board, by what was worked out last
	value, power, epoch, quality int32
	gauges                       [Gauges]int32 // of a board
	rate                         uint64
}

// gridLine is one gauge of the grid: of its carbon intensity, or of its price.
type gridLine struct {
	source uint32
	value  int32
}

// A spot is one metric at one point of one entity.
type spot struct {
	metric metric.Number
	point  uint32
	entity int
}

// powerOf is the power that belongs to a counter of energy.
func powerOf(n metric.Number) metric.Number {
	switch n {
	case metric.GPUEnergyJoules:
		return metric.GPUPowerWatts
	case metric.HostEnergyJoules:
		return metric.HostPowerWatts
	case metric.MeterEnergyJoules, metric.MeterHeatJoules:
		return metric.MeterPowerWatts
	}
	return 0
}

// newPlan works l out. A counter that stands in l twice, as MIG instances repeat
// their board's, counts once.
func (s *site) newPlan(l *metric.Layout, o *Outcome) (*plan, error) {
	if err := l.Check(); err != nil {
		return nil, err
	}
	p := &plan{layout: l}
	at := map[spot]int32{}
	for _, c := range l.Columns {
		for i := range c.Count {
			sp := spot{c.Metric, c.Point, c.First + i}
			if _, ok := at[sp]; !ok {
				at[sp] = int32(p.width)
			}
			p.width++
		}
	}
	find := func(n metric.Number, point uint32, e int) int32 {
		if v, ok := at[spot{n, point, e}]; ok && n != 0 {
			return v
		}
		return -1
	}
	seen := map[key]bool{}
	for i := range l.Columns {
		c := &l.Columns[i]
		if k, ok := gridKindOf(c); ok {
			for e := c.First; e < c.First+c.Count; e++ {
				if l.Entities[e].Kind == metric.Zone {
					p.grid = append(p.grid, gridLine{s.gridSource(k, &l.Entities[e]), find(c.Metric, c.Point, e)})
				}
			}
		}
		def := metric.Lookup(c.Metric)
		if def == nil || !def.Ledger || def.Form != c.Form {
			continue
		}
		for e := c.First; e < c.First+c.Count; e++ {
			if def.Entity != l.Entities[e].Kind || c.Point > math.MaxUint16 {
				continue
			}
			if def.Kind != metric.Counter {
				continue
			}
			d := Device{Kind: def.Entity, Name: l.Entities[e].Name, Metric: c.Metric, Point: c.Point,
				Quantity: quantityOf(&l.Entities[e], c.Metric, c.Point, func(n metric.Number, p uint32) bool { return find(n, p, e) >= 0 }), Trait: traitOf(&l.Entities[e])}
			if seen[d.key()] {
				continue
			}
			seen[d.key()] = true
			n, place, full, ok := s.account(&d, placeOf(l, e))
			if full {
				o.alarm(Full, d.Name, "the site has more accounts, places or models than are kept; it is left out, or stays where it was")
			}
			if !ok {
				continue
			}
			mark := metric.EpochPoint(c.Metric, c.Point)
			var gauges [Gauges]int32
			for k := range gauges {
				gauges[k] = -1
				if c.Metric == metric.GPUEnergyJoules {
					gauges[k] = find(gaugesOf[k].metric, 0, e)
				}
			}
			p.lines = append(p.lines, line{
				account: n, place: place,
				value: find(c.Metric, c.Point, e), power: find(powerOf(c.Metric), pointOfPower(c.Metric, c.Point), e),
				epoch: find(metric.CounterEpoch, mark, e), quality: find(metric.CounterQuality, mark, e),
				gauges: gauges, rate: s.config.rate(c.Metric),
			})
		}
	}
	// Boards are read before their hosts.
	slices.SortStableFunc(p.lines, func(a, b line) int {
		return cmp.Compare(s.counters[b.account].kind, s.counters[a.account].kind)
	})
	s.claim(p, find)
	return p, nil
}

func pointOfPower(n metric.Number, p uint32) uint32 {
	if n == metric.HostEnergyJoules {
		return p
	}
	return 0
}

// account is the number of the account of d, opened if need be, and that of its
// place. full says that the site has too many of something: then an account that
// is open stays as it was, and ok is false of one that is not.
func (s *site) account(d *Device, p Place) (n, place uint32, full, ok bool) {
	n, known := s.byKey.find(s.counters, d.key())
	place, fits := s.place(p)
	trait, told := s.traits.number[d.Trait]
	if !told && len(s.traits.values) < s.config.Traits {
		trait, told = s.traits.put(d.Trait), true
	}
	full = !fits || !told || !known && len(s.counters) >= s.config.Accounts
	if full && (!known || s.counters[n].since == 0) {
		return 0, 0, full, false
	}
	if !fits {
		place = s.counters[n].place
	}
	if !told {
		trait = s.counters[n].trait
	}
	if !known {
		n = uint32(len(s.counters))
		if d.Kind == metric.Meter {
			s.meters = append(s.meters, uint32(len(s.counters)))
		}
		s.counters = append(s.counters, counter{name: d.Name, epoch: unknownEpoch, kind: d.Kind, metric: d.Metric, point: uint16(d.Point), owner: noAgent, holding: unasked})
		s.byKey.add(s.counters)
	}
	c := &s.counters[n]
	c.trait = trait
	if c.since == 0 {
		// What an account adds up to is fixed by its first reading: another agent's
		// word, or a role that is edited, must not move joules that are booked.
		c.quantity = d.Quantity
	}
	return n, place, full, true
}
