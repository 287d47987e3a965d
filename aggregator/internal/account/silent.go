package account

import (
	"slices"
	"strings"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// Meters names those that add to a quantity, though they may say nothing in the
// time that is asked for.
type Meters func(Quantity) []string

// silent are the meters of qs that are stated to stand in [from, to), or were ever
// read, sorted.
func (b *Basis) silent(from, to int64, known Meters, qs ...Quantity) (names []string) {
	for _, q := range qs {
		if b != nil {
			for _, m := range b.by[q] {
				if m.stands(from, to) {
					names = append(names, m.Name)
				}
			}
		}
		if known != nil {
			names = append(names, known(q)...)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// nothingOf says that the meters called names said nothing.
func nothingOf(names []string) string {
	return "nothing was read in this time of " + strings.ReplaceAll(some(names), "; ", ", ")
}

// lacks says why what n needs is not there: no meter of it said anything, or there
// is none.
func (f *figures) lacks(n need) string {
	var qs []Quantity
	switch n {
	case needFacility:
		qs = supplies[:]
	case needIT:
		if qs = categories[:]; f.q.Category > 0 {
			qs = categories[f.q.Category-1 : f.q.Category]
		}
	case needGrid, needIntensity:
		qs = []Quantity{GridInput}
	case needWater:
		qs = []Quantity{WaterTotal}
	case needHeat:
		qs = []Quantity{HeatReuse}
	}
	if names := f.b.silent(f.q.From, f.q.To, f.q.Known, qs...); len(names) > 0 {
		return nothingOf(names)
	}
	return missing[n]
}

// Know tells t which meters there are.
func (t *Tally) Know(b *Basis, known Meters) { t.basis, t.known = b, known }

// nothing says why there is no figure of the whole site although hours are known,
// or none are.
func (t *Tally) nothing() string {
	qs, reason := []Quantity{t.quantity}, "no meter of it in this time"
	switch t.q.Boundary {
	case metric.Facility:
		qs, reason = supplies[:], "no facility meter: none has role grid_input, generator_output or onsite_generation"
	case metric.Hosts, metric.GPUs:
		return reason
	}
	if names := t.basis.silent(t.from, t.to, t.known, qs...); len(names) > 0 {
		return nothingOf(names)
	}
	return reason
}
