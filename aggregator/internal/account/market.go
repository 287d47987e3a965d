package account

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// claims yields what contracts without volumes cover of a cell: a share of what
// the grid gave, or what a meter shows was delivered.
func (b *Basis) claims(c *cell, yield func(n int, x *Contract, mj uint64)) {
	for n := range b.Contracts {
		x := &b.Contracts[n]
		switch {
		case !x.holds(c.from) || len(x.Volumes) > 0:
		case x.Meter != "":
			if c.delivered != nil {
				yield(n, x, c.delivered[n])
			}
		case x.Share > 0 && x.Kind != SupplierMix:
			part, _ := share(c.amount[GridInput], uint64(x.Share), whole)
			yield(n, x, part)
		}
	}
}

// market is grid energy by calendar year, for what is claimed of it.
type market struct{ years map[int]*marketYear }

// A marketYear is what the grid gave in a year, and what covers it.
type marketYear struct {
	grid    Wide
	mixed   float64         // mJ of grid in times in which a supplier's mix covers the rest, by the share of it
	grams   float64         // the same times what the mix emits, mg
	volumes map[int32]int64 // ms for which those that lie in it do so
	claims  map[int]Wide    // of contracts without volumes
}

func (m *market) add(b *Basis, c *cell) {
	year := time.UnixMilli(c.from).In(b.Location).Year()
	if m.years == nil {
		m.years = map[int]*marketYear{}
	}
	y := m.years[year]
	if y == nil {
		y = &marketYear{volumes: map[int32]int64{}, claims: map[int]Wide{}}
		m.years[year] = y
	}
	mj := c.amount[GridInput]
	y.grid = y.grid.plus(mj)
	part, grams := b.mix(c.from)
	y.mixed += float64(mj) * float64(part) / whole
	y.grams += float64(mj) * float64(grams) / whole
	b.at(c.from, c.from+c.minutes*minute, func(n int32, v *volume, ms int64) {
		if v.contract.Kind != OwnGeneration {
			y.volumes[n] += ms
		}
	})
	b.claims(c, func(n int, _ *Contract, mj uint64) { y.claims[n] = y.claims[n].plus(mj) })
}

// carbon is what the grid's energy stands for by contracts, kg.
func (m *market) carbon(f *figures, k *KPI) (kg float64, ok bool) {
	for _, year := range slices.Sorted(maps.Keys(m.years)) {
		part, reason := m.years[year].carbon(f.b, year, k)
		if reason != "" {
			k.Reason = reason
			return 0, false
		}
		kg += part
	}
	return kg, true
}

func (y *marketYear) carbon(b *Basis, year int, k *KPI) (kg float64, reason string) {
	var claimed Wide
	var grams float64 // mg × mJ of what is claimed
	for _, n := range slices.Sorted(maps.Keys(y.volumes)) {
		v := &b.volumes[n]
		part, _ := share(v.claims(), uint64(y.volumes[n]), uint64(v.To-v.From))
		claimed = claimed.plus(part)
		grams += float64(part) * float64(v.contract.Milligrams)
	}
	for _, n := range slices.Sorted(maps.Keys(y.claims)) {
		claimed, _ = claimed.Add(y.claims[n])
		grams += y.claims[n].Float() * float64(b.Contracts[n].Milligrams)
	}
	grid := y.grid.Float()
	if over, _ := claimed.Sub(y.grid); over.Float() > metric.MillijoulesPerKWh { // meters and certificates round
		k.wrong("over_claimed", fmt.Sprintf("contracts of %d claim more than the grid gave: %s times as much; what they claim is scaled down to it", year, Number(claimed.Float()/grid)))
		grams *= grid / claimed.Float()
	}
	if left, ok := y.grid.Sub(claimed); ok && left != (Wide{}) {
		factor, ok := b.rest(year, y.mixed/grid, y.grams/grid)
		if !ok {
			return 0, fmt.Sprintf("no residual mix of %d is stated, and no contract covers %s kWh: the grid's own factor does not stand for it", year, Number(left.Float()/metric.MillijoulesPerKWh))
		}
		grams += left.Float() * factor
	}
	return grams / metric.MillijoulesPerKWh / 1e6, ""
}

// rest is the factor of what no contract covers, of which suppliers' mixes cover
// a share that emits so many grams: the residual mix of the year stands for what
// they leave. ok is false if that is not stated.
func (b *Basis) rest(year int, share, grams float64) (mg float64, ok bool) {
	if share > 1-1e-9 {
		return grams, true
	}
	residual, ok := b.residual(year)
	return grams + (1-share)*float64(residual), ok
}

// match is what is matched hour by hour.
type match struct {
	drawn, matched, supplied Wide    // mJ
	location, market         float64 // µg of CO2e
	lacking                  int     // year without a residual mix
}

// supply is what was contracted for one hour.
type supply struct {
	all, clean uint64  // mJ
	grams      float64 // mg × mJ
}

func (s *supply) add(c *Contract, mj uint64) {
	s.all += mj
	s.grams += float64(mj) * float64(c.Milligrams)
	if c.CarbonFree {
		s.clean += mj
	}
}

// matchHour takes an hour in, if all of it is known.
func (f *figures) matchHour(r *Resolved, cells []*cell) {
	var minutes int64
	var c cell
	for _, x := range cells {
		minutes += x.minutes
	}
	if minutes != 60 {
		return
	}
	var s supply
	for _, x := range cells {
		for i := range items {
			c.amount[i] += x.amount[i]
		}
		f.take(r, x)
		f.b.claims(x, func(_ int, c *Contract, mj uint64) {
			if c.Meter != "" { // a share of what was drawn says nothing of the hour in which it was made
				s.add(c, mj)
			}
		})
	}
	from := cells[0].from
	f.b.at(from, from+hour, func(_ int32, v *volume, ms int64) {
		if v.hourly() && v.contract.Kind != OwnGeneration {
			part, _ := share(v.claims(), uint64(ms), uint64(v.To-v.From))
			s.add(v.contract, part)
		}
	})
	f.match.add(f.b, &c, &s, from)
}

// add takes in what an hour that begins at a time drew, and what was contracted
// for it.
func (m *match) add(b *Basis, c *cell, s *supply, from int64) {
	in := c.amount[GridInput] + c.amount[GeneratorOutput] + c.amount[OnsiteGeneration]
	drawn := in - min(in, c.amount[Export]+c.amount[itemOutside])
	own := min(drawn, c.amount[itemClean]-min(c.amount[itemClean], c.amount[Export]))
	grid := min(c.amount[GridInput], drawn-own) // what contracts can cover
	matched := min(s.clean, grid)
	m.drawn, m.matched = m.drawn.plus(drawn), m.matched.plus(own+matched)
	m.supplied = m.supplied.plus(own + s.clean)
	if g := c.amount[GridInput]; g > 0 {
		m.location += float64(c.amount[itemOf(b.Factor)]) * (float64(grid-matched) / float64(g))
	}
	covered := min(s.all, grid)
	if s.all > 0 {
		m.market += s.grams * (float64(covered) / float64(s.all)) / (metric.MillijoulesPerKWh / 1000)
	}
	left := grid - covered
	if left == 0 {
		return
	}
	part, grams := b.mix(from)
	year := time.UnixMilli(from).In(b.Location).Year()
	factor, ok := b.rest(year, float64(part)/whole, float64(grams)/whole)
	if !ok {
		m.lacking = year
	}
	m.market += float64(left) * factor / (metric.MillijoulesPerKWh / 1000)
}
