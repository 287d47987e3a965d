package account

import "github.com/gigawatch/gigawatch/collector/metric"

// A Digest is a site's hour in short: what answers by site rest on.
type Digest struct {
	Sums    [Quantities]Amount
	Shares  [Allocations]JobSum // by what they were given to
	Metered uint32              // by quantity: something was read, or should have been

	Carbon Wide // mJ from the grid times mg CO2e/kWh, of the minutes whose intensity is known

	// Covered and Expected are milliseconds: for hosts and boards, summed over
	// them; for meters, of the hour itself, by the worst known of the meters that
	// add up, so that a branch that is missing does not read as zero. Those of the
	// facility stand under Other.
	Covered, Expected [Quantities]int64

	Outside Amount   // taken off the facility, as it is used outside of it
	office  []string // by which meters

	moved []moved
}

// NewDigest is the hour of s in short, its branches as r has them; nil: as they
// were booked.
func NewDigest(u *Summary, r *Resolved) *Digest {
	d := &Digest{Sums: u.Sums, Shares: u.Shares}
	for q := GridInput; q < Quantities; q++ {
		for m := range 60 {
			if u.Expected[q][m] > 0 {
				d.Metered |= 1 << q
			}
		}
		if !u.Sums[q].IsZero() {
			d.Metered |= 1 << q
		}
		if q != HostEnergy && q != GPUEnergy {
			d.Covered[q], d.Expected[q] = u.worst(q)
			continue
		}
		for m := range 60 {
			d.Covered[q] += int64(min(u.Covered[q][m], u.Expected[q][m]))
			d.Expected[q] += int64(u.Expected[q][m])
		}
	}
	for m, g := range u.Grams {
		if g > 1 {
			d.Carbon, _ = d.Carbon.Add(product(u.Amount[GridInput][m], uint64(g-1))) // 60 terms of 64 + 22 bits fit
		}
	}
	d.Covered[Other], d.Expected[Other] = u.worst(GridInput, GeneratorOutput, OnsiteGeneration, Export)
	if r != nil {
		d.moved = r.moved
	}
	if r != nil && r.outside != nil {
		d.Outside, d.office = r.outside.sums, r.office
	}
	if r != nil && (len(r.adjusted) > 0 || r.outside != nil) {
		d.adjust(u, r)
	}
	return d
}

// adjust puts what r decided in the place of what was booked.
func (d *Digest) adjust(u *Summary, r *Resolved) {
	for q, a := range r.adjusted {
		d.Sums[q], d.Covered[q], d.Expected[q] = a.sums, 0, 0
		d.Metered &^= 1 << q
		for k := range 4 {
			d.Covered[q] += a.covered[k]
			if d.Expected[q] += a.expected[k]; a.expected[k] > 0 {
				d.Metered |= 1 << q
			}
		}
		if !a.sums.IsZero() {
			d.Metered |= 1 << q
		}
	}
	if r.adjusted[GridInput] != nil {
		d.Carbon = r.carbon()
	}
	d.Covered[Other], d.Expected[Other] = 0, 0
	for k := range 4 {
		var covered, expected int64
		least := quarter // by the least known
		for _, q := range []Quantity{GridInput, GeneratorOutput, OnsiteGeneration, Export, Other} {
			a := r.adjusted[q]
			if q == Other {
				if a = r.outside; a == nil {
					continue
				}
			}
			if a == nil {
				a = &adjustment{}
				a.covered[k], a.expected[k] = u.worstOf(k*15, k*15+15, q)
			}
			if covered, expected = a.covered[k], max(expected, a.expected[k]); a.expected[k] > 0 {
				part, _ := share(uint64(quarter), uint64(covered), uint64(a.expected[k]))
				least = min(least, int64(part))
			}
		}
		part, _ := share(uint64(expected), uint64(least), uint64(quarter))
		d.Covered[Other] += int64(part)
		d.Expected[Other] += expected
	}
}

// carbon is what the grid's energy stands for by lifecycle factors where all of
// that is known, mJ times mg/kWh.
func (r *Resolved) carbon() (sum Wide) {
	for k := range r.quarters {
		q := &r.quarters[k]
		if q.whole.knows(itemLifecycle) {
			sum, _ = sum.Add(product(q.whole.amount[itemLifecycle], metric.MillijoulesPerKWh/1000))
			continue
		}
		for i := range q.minutes {
			if c := &q.minutes[i]; c.knows(itemLifecycle) {
				sum, _ = sum.Add(product(c.amount[itemLifecycle], metric.MillijoulesPerKWh/1000))
			}
		}
	}
	return sum
}

// worst is the time for which the worst known of the quantities is known, and
// the time for which any should be.
func (s *Summary) worst(of ...Quantity) (covered, expected int64) { return s.worstOf(0, 60, of...) }

// worstOf is the same of minutes [from, to).
func (s *Summary) worstOf(from, to int, of ...Quantity) (covered, expected int64) {
	for m := from; m < to; m++ {
		wanted, known := false, uint64(minute)
		for _, q := range of {
			if e := s.Expected[q][m]; e > 0 {
				wanted = true
				part, _ := share(uint64(minute), min(s.Covered[q][m], e), e)
				known = min(known, part)
			}
		}
		if wanted {
			covered += int64(known)
			expected += minute
		}
	}
	return covered, expected
}

// Grams is a sum of Carbon in grams.
func Grams(carbon Wide) float64 { return carbon.Float() / metric.MillijoulesPerKWh / 1000 }
