package account

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// market is grid energy by calendar year, for what is claimed of it.
type market struct{ years map[int]*marketYear }

// A marketYear is what the grid gave in a year, and what covers it.
type marketYear struct {
	grid    Wide
	mixes   map[*Contract]Wide // of grid, by the supplier's mix that covers the rest then; nil: none does
	volumes map[int32]int64    // ms for which those that lie in it do so
}

func (m *market) add(b *Basis, c *cell) {
	year := time.UnixMilli(c.from).In(b.Location).Year()
	if m.years == nil {
		m.years = map[int]*marketYear{}
	}
	y := m.years[year]
	if y == nil {
		y = &marketYear{mixes: map[*Contract]Wide{}, volumes: map[int32]int64{}}
		m.years[year] = y
	}
	mj, mix := c.amount[GridInput], b.rest(c.from)
	y.grid, y.mixes[mix] = y.grid.plus(mj), y.mixes[mix].plus(mj)
	b.at(c.from, c.from+c.minutes*minute, func(n int32, v *volume, ms int64) {
		if v.contract.Kind != OwnGeneration {
			y.volumes[n] += ms
		}
	})
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
	grid := y.grid.Float()
	if over, _ := claimed.Sub(y.grid); over.Float() > metric.MillijoulesPerKWh { // meters and certificates round
		k.wrong("over_claimed", fmt.Sprintf("contracts of %d claim more than the grid gave: %.6g times as much; what they claim is scaled down to it", year, claimed.Float()/grid))
		grams *= grid / claimed.Float()
	}
	if left, ok := y.grid.Sub(claimed); ok && left.Float() > 0 {
		for mix, mj := range y.mixes {
			factor := 0.0
			switch residual, stated := b.residual(year); {
			case mix != nil:
				factor = float64(mix.Milligrams)
			case stated:
				factor = float64(residual)
			case mj != Wide{}:
				return 0, fmt.Sprintf("no residual mix of %d is stated, and no contract covers %.4g kWh: the grid's own factor does not stand for it", year, left.Float()/metric.MillijoulesPerKWh)
			}
			grams += left.Float() * (mj.Float() / grid) * factor
		}
	}
	return grams / metric.MillijoulesPerKWh / 1e6, ""
}

// match is what is matched hour by hour.
type match struct {
	drawn, matched, supplied Wide    // mJ
	location, market         float64 // µg of CO2e
	lacking                  int     // year without a residual mix
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
	for _, x := range cells {
		for i := range items {
			c.amount[i] += x.amount[i]
		}
		f.take(r, x)
	}
	f.match.add(f.b, &c, cells[0].from)
}

// add takes in what an hour that begins at a time drew.
func (m *match) add(b *Basis, c *cell, from int64) {
	in := c.amount[GridInput] + c.amount[GeneratorOutput] + c.amount[OnsiteGeneration]
	drawn := in - min(in, c.amount[Export]+c.amount[itemOutside])
	own := min(drawn, c.amount[itemClean]-min(c.amount[itemClean], c.amount[Export]))
	// What was contracted for the hour can only cover what the grid gave.
	grid := min(c.amount[GridInput], drawn-own)
	var clean, all uint64
	var grams float64
	b.at(from, from+hour, func(_ int32, v *volume, ms int64) {
		if !v.hourly() || v.contract.Kind == OwnGeneration {
			return
		}
		part, _ := share(v.claims(), uint64(ms), uint64(v.To-v.From))
		all += part
		grams += float64(part) * float64(v.contract.Milligrams)
		if v.contract.CarbonFree {
			clean += part
		}
	})
	matched := min(clean, grid)
	m.drawn, m.matched = m.drawn.plus(drawn), m.matched.plus(own+matched)
	m.supplied = m.supplied.plus(own + clean)
	if g := c.amount[GridInput]; g > 0 {
		m.location += float64(c.amount[itemOf(b.Factor)]) * (float64(grid-matched) / float64(g))
	}
	covered := min(all, grid)
	if all > 0 {
		m.market += grams * (float64(covered) / float64(all)) / (metric.MillijoulesPerKWh / 1000)
	}
	left := grid - covered
	factor, year := 0.0, time.UnixMilli(from).In(b.Location).Year()
	switch mg, stated := b.residual(year); {
	case left == 0:
	case b.rest(from) != nil:
		factor = float64(b.rest(from).Milligrams)
	case stated:
		factor = float64(mg)
	default:
		m.lacking = year
	}
	m.market += float64(left) * factor / (metric.MillijoulesPerKWh / 1000)
}
