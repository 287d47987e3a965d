package account

import "github.com/gigawatch/gigawatch/collector/metric"

// A Branch is what one feed took in an hour, by the quarter. Branches of one
// quantity add up; those with Less are taken off.
type Branch struct {
	Meter    string   // "": an hour of a program that kept no quarters of meters
	Quantity Quantity // Other: used outside of the facility
	Less     bool
	Scope    Scope // of water
	Fuel     string
	Renews   bool // it generates of renewable sources
	Quarters [4]BranchQuarter
}

// A BranchQuarter is a quarter of one.
type BranchQuarter struct {
	Amount            Amount // mJ or mL: what is known of it
	Covered, Expected int64  // ms; 0 of Expected: there is no such branch then
	Full              bool   // all of it is known

	Backup, Completed, Corrected, Estimated bool // what was done to come to know it
}

// HourBranches are those of an hour of a site.
type HourBranches struct {
	Number      int64 // of the hour since 1970
	Sealed      bool
	Branches    []Branch
	Hosts, GPUs uint64 // mJ, of all nodes and of all boards
}

// Branches are the feeds of the hour of s, as far as until, each by whose word
// counts, in the order of quantities and then of names; after them the meters that
// show what contracts deliver, which are of quantity Other and add to nothing.
func (b *Basis) Branches(s *Sheet, until int64) []Branch {
	if b == nil {
		b = nothing()
	}
	h := b.lookUp(s, until)
	if !s.quarterly {
		return h.byMinutes()
	}
	n := len(h.selfUse) + len(h.outside) + len(b.Contracts)
	for q := GridInput; q <= WaterPotable; q++ {
		n += len(h.feeds[q])
	}
	out := make([]Branch, 0, n)
	for q := GridInput; q <= WaterPotable; q++ {
		for i := range h.feeds[q] {
			out = append(out, h.branch(&h.feeds[q][i], q, false))
		}
	}
	for i := range h.selfUse {
		out = append(out, h.branch(&h.selfUse[i], HeatReuse, true))
	}
	for i := range h.outside {
		out = append(out, h.branch(&h.outside[i], Other, true))
	}
	for i := range b.Contracts {
		c := &b.Contracts[i]
		if c.Meter == "" {
			continue
		}
		x := h.branch(&feed{h.sheet.registers[registerKey{c.Meter, metric.MeterEnergyJoules, 0}], b.meters[c.Meter]}, Other, false)
		x.Meter = c.Meter
		for k := range x.Quarters {
			if !c.holds(h.from + int64(k)*quarter) {
				x.Quarters[k] = BranchQuarter{}
			}
		}
		out = append(out, x)
	}
	return out
}

func (h *branches) branch(f *feed, q Quantity, less bool) Branch {
	x := Branch{Quantity: q, Less: less, Scope: f.meter.scope()}
	if f.meter == nil && f.register == nil {
		return x // nothing is known of it, not even that it should be there
	}
	x.Meter = f.name()
	fuel := h.fuel(f.meter)
	if fuel != nil {
		x.Fuel = fuel.Name
	}
	x.Renews = q == OnsiteGeneration && (fuel == nil || fuel.Renewable)
	for k := range x.Quarters {
		w, how := h.worth(f, k)
		if w.expected == 0 && !w.full && w.total() == 0 {
			continue
		}
		x.Quarters[k] = BranchQuarter{
			Amount: w.amount, Covered: w.covered, Expected: w.expected, Full: w.full,
			Backup: how&byBackup != 0, Completed: how&byCompletion != 0, Corrected: how&byCorrection != 0, Estimated: how&byEstimate != 0,
		}
	}
	return x
}

// byMinutes are the branches of an hour of which only sums of quantities are
// known: one of each.
func (h *branches) byMinutes() (out []Branch) {
	u := &h.sheet.Summary
	for q := GridInput; q <= WaterPotable; q++ {
		x := Branch{Quantity: q, Renews: q == OnsiteGeneration}
		any := false
		for k := range x.Quarters {
			c := cell{}
			b := &x.Quarters[k]
			for m := k * 15; m < k*15+15; m++ {
				c.amount[q] += u.Amount[q][m]
			}
			b.Covered, b.Expected = u.worstOf(k*15, k*15+15, q)
			if c.amount[q] == 0 && b.Expected == 0 {
				continue
			}
			h.mixOf(&c, q)
			b.Amount[metric.Measured] = c.amount[q]
			for _, a := range c.apart {
				b.Amount[a.quality] += a.amount
				b.Amount[metric.Measured] -= a.amount
			}
			b.Full = h.plain[q] && b.Expected > 0 && b.Covered >= b.Expected-b.Expected/100
			any = true
		}
		if any {
			out = append(out, x)
		}
	}
	return out
}

// CategoryPoint is where IT energy of a category is metered; Other of 0.
func CategoryPoint(category int) Quantity {
	if category < 1 || category > len(categories) {
		return Other
	}
	return categories[category-1]
}

// Supplies are the quantities that bring energy into a facility.
func Supplies() []Quantity { return supplies[:] }

// HourBranches are the branches of the hour of s, and what nodes and boards drew.
func (b *Basis) HourBranches(s *Sheet, until int64, sealed bool) *HourBranches {
	h := &HourBranches{Number: s.Number, Sealed: sealed, Branches: b.Branches(s, until)}
	for _, x := range []struct {
		q   Quantity
		sum *uint64
	}{{HostEnergy, &h.Hosts}, {GPUEnergy, &h.GPUs}} {
		*x.sum, _ = s.Summary.Sums[x.q].Total() // of an hour it fits
	}
	return h
}
