package account

import (
	"slices"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// A Summary is a site's hour by the minute. Sums of it are of integers modulo
// 2^64, so that what a restatement takes away adds up too.
type Summary struct {
	Amount   [Quantities][60]uint64 // mJ or mL
	Covered  [Quantities][60]uint64 // ms for which it is known, summed over accounts
	Expected [Quantities][60]uint64 // ms for which it should be
	Grams    [60]uint32             // carbon intensity of the grid in force, mg CO2e/kWh plus one; 0: unknown
	Sums     [Quantities]Amount     // of the hour, by quality
	Shares   [Allocations]JobSum    // of the hour, by what they were given to
}

// Add makes s the sum of s and o. A carbon intensity of o replaces that of s.
func (s *Summary) Add(o *Summary) {
	for q := range Quantities {
		for m := range 60 {
			s.Amount[q][m] += o.Amount[q][m]
			s.Covered[q][m] += o.Covered[q][m]
			s.Expected[q][m] += o.Expected[q][m]
		}
		for i := range s.Sums[q] {
			s.Sums[q][i] += o.Sums[q][i]
		}
	}
	for i := range s.Shares {
		s.Shares[i].GPU += o.Shares[i].GPU
		s.Shares[i].Node += o.Shares[i].Node
	}
	for m, g := range o.Grams {
		if g != 0 {
			s.Grams[m] = g
		}
	}
}

// A Category finds where the energy of IT is metered in some time.
type Category struct{ millis [len(categories)]int64 }

// Add takes an hour into account.
func (c *Category) Add(d *Digest) {
	for i, q := range categories {
		c.millis[i] += d.Expected[q]
	}
}

// Best is the outermost category that is metered nearly as long as any: 1 UPS
// output, 2 PDU output, 3 IT input; 0 if there is none. Of halls and racks it is
// one below the UPS, which knows no such thing.
func (c *Category) Best(by Level) int {
	first := 0
	if by != BySite {
		first = 1
	}
	most := slices.Max(c.millis[first:])
	for i, n := range c.millis[first:] {
		if n > 0 && n*100 >= most*95 {
			return first + i + 1
		}
	}
	return 0
}

// Best is where the energy of IT is metered: of the whole site where it is
// stated, if c knows such meters.
func (b *Basis) Best(c *Category, by Level) int {
	if b != nil && by == BySite && b.Category > 0 && c.millis[b.Category-1] > 0 {
		return b.Category
	}
	return c.Best(by)
}

// retire is how long after its last reading a device is expected no more. A
// meter is waited for longer: without it a sum looks whole and is not.
func retire(k metric.EntityKind) int64 {
	if k == metric.Meter {
		return 30 * 24 * hour
	}
	return 7 * 24 * hour
}

// expected is the part (from, to] of an hour up to until in which account c
// should have been read.
func (c *counter) expected(number, until int64) (from, to int64) {
	from, to = max(c.since, number*hour), min((number+1)*hour, until)
	if c.since == 0 || from >= to || c.time < number*hour-retire(c.kind) {
		return 0, 0
	}
	return from, to
}

// summary sums up an open hour, as far as until.
func (s *site) summary(h *openHour, until int64) *Summary {
	u := &Summary{Sums: h.sums, Shares: h.jobs.sums}
	if g := h.grid[Lifecycle]; g != nil {
		for m, x := range g {
			if x.source != 0 {
				u.Grams[m] = uint32(x.value) + 1
			}
		}
	}
	for q, ms := range h.minutes {
		if ms == nil {
			continue
		}
		for m, t := range ms {
			u.Amount[q][m], u.Covered[q][m] = t.Amount, t.Covered
		}
	}
	if h.late {
		return u
	}
	var whole [Quantities]uint64 // accounts expected for all of the time
	start, end := h.number*hour, min((h.number+1)*hour, until)
	for i := range s.counters {
		c := &s.counters[i]
		from, to := c.expected(h.number, until)
		switch {
		case from >= to || c.quantity == Other:
		case from == start:
			whole[c.quantity]++
		default:
			for m := (from - start) / minute; m < 60 && start+m*minute < to; m++ {
				u.Expected[c.quantity][m] += uint64(min(to, start+(m+1)*minute) - max(from, start+m*minute))
			}
		}
	}
	for q, n := range whole {
		for m := int64(0); n > 0 && m < 60 && start+m*minute < end; m++ {
			u.Expected[q][m] += n * uint64(min(end, start+(m+1)*minute)-start-m*minute)
		}
	}
	return u
}

// Summarize sums up what is open of an hour of a site as far as until,
// milliseconds since 1970; nil if nothing is.
func (s *State) Summarize(site string, number, until int64) *Summary {
	st := s.sites[site]
	if st == nil {
		return nil
	}
	var sum *Summary
	for _, h := range st.hours {
		if h.number == number {
			u := st.summary(h, until)
			if sum == nil {
				sum = u
			} else {
				sum.Add(u)
			}
		}
	}
	return sum
}
