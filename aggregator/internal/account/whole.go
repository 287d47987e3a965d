package account

import "github.com/gigawatch/gigawatch/collector/metric"

// whole makes the cell of quarter k, branch by branch.
func (h *branches) whole(r *Resolved, k int, c *cell) {
	*c = cell{from: h.from + int64(k)*quarter, minutes: 15}
	for q := GridInput; q <= WaterPotable; q++ {
		if len(h.feeds[q]) > 0 {
			h.sum(r, c, q, k)
		}
	}
	h.burnt(c, k)
	h.fresh(c, k)
	h.lesser(r, c, itemSelfUse, h.selfUse, k)
	h.lesser(r, c, itemOutside, h.outside, k)
	h.grid(r, c, k*15, k*15+15)
	for i := range h.Parts {
		c.parts = append(c.parts, h.part(&h.Parts[i], k))
	}
	h.deliver(c, k)
}

// deliver sets what contracts delivered, as meters show it. What is not known
// counts as nothing: no more is claimed than can be shown.
func (h *branches) deliver(c *cell, k int) {
	for i := range h.Contracts {
		x := &h.Contracts[i]
		if x.Meter == "" || !x.holds(c.from) {
			continue
		}
		if c.delivered == nil {
			c.delivered = make([]uint64, len(h.Contracts))
		}
		r := h.sheet.registers[registerKey{x.Meter, metric.MeterEnergyJoules, 0}]
		if r == nil {
			continue
		}
		if w := r.worth(k, quarter); w.full {
			c.delivered[i] = w.total()
		}
	}
}

// sum adds up the feeds of a quantity.
func (h *branches) sum(r *Resolved, c *cell, q Quantity, k int) {
	t, known := &h.took[q][k], true
	*t = taken{other: h.altered[q], covered: quarter}
	for i := range h.feeds[q] {
		f := &h.feeds[q][i]
		w, how := h.worth(f, k)
		if w.expected == 0 && !w.full && w.total() == 0 {
			continue // there is no such meter in this quarter
		}
		t.met, t.other, c.how[q] = true, t.other || how != 0, c.how[q]|how
		for i, v := range w.amount {
			t.sum[i] += v
		}
		if awaited := min(w.expected, h.millis(k)); awaited > 0 {
			part, _ := share(uint64(quarter), uint64(min(w.covered, awaited)), uint64(awaited))
			t.covered = min(t.covered, int64(part))
		}
		if !w.full {
			known = false
			h.miss(r, f, q, k)
		}
	}
	var all uint64
	for i, v := range t.sum {
		all += v
		if v > 0 && metric.Quality(i) != metric.Measured {
			c.apart = append(c.apart, apart{uint8(q), metric.Quality(i), v})
		}
	}
	c.set(int(q), all, t.met, t.met && known)
}

// millis is for how much of quarter k anything is awaited.
func (h *branches) millis(k int) int64 {
	from := h.from + int64(k)*quarter
	return max(0, min(from+quarter, h.until)-max(from, h.since))
}

// miss notes in r that a branch was not known in quarter k.
func (h *branches) miss(r *Resolved, f *feed, q Quantity, k int) {
	minutes := h.millis(k) / minute
	if minutes == 0 {
		return
	}
	of := branch{f.name(), q}
	i, ok := h.missed[of]
	if !ok {
		i = len(r.absent)
		h.missed[of] = i
		r.absent = append(r.absent, absence{branch: of})
	}
	r.absent[i].minutes[k] += minutes
}

// takeOff notes what the facility's energy is less by.
func (h *branches) takeOff(r *Resolved) {
	if len(h.outside) == 0 {
		return
	}
	r.outside = &adjustment{}
	for i := range h.outside {
		f := &h.outside[i]
		r.office = append(r.office, f.name())
		for k := range 4 {
			w, _ := h.worth(f, k)
			if w.expected == 0 && !w.full && w.total() == 0 {
				continue
			}
			for q, v := range w.amount {
				r.outside.sums[q] += v
			}
			expected := h.millis(k)
			covered := expected
			if awaited := min(w.expected, expected); awaited > 0 {
				part, _ := share(uint64(expected), uint64(min(w.covered, awaited)), uint64(awaited))
				covered = int64(part)
			}
			if r.outside.expected[k] > 0 {
				covered = min(covered, r.outside.covered[k])
			}
			r.outside.covered[k], r.outside.expected[k] = covered, expected
		}
	}
}

// adjust notes which quantities come to something else than was booked.
func (h *branches) adjust(r *Resolved) {
	for q := GridInput; q <= WaterPotable; q++ {
		other := h.altered[q]
		for k := range 4 {
			other = other || h.took[q][k].other
		}
		if !other {
			continue
		}
		a := &adjustment{}
		for k := range 4 {
			t := &h.took[q][k]
			for i, v := range t.sum {
				a.sums[i] += v
			}
			if t.met {
				a.expected[k] = h.millis(k)
				part, _ := share(uint64(a.expected[k]), uint64(t.covered), uint64(quarter))
				a.covered[k] = int64(part)
			}
		}
		if r.adjusted == nil {
			r.adjusted = map[Quantity]*adjustment{}
		}
		r.adjusted[q] = a
	}
}

// burnt sets what generating on the site means.
func (h *branches) burnt(c *cell, k int) {
	fuels, clean, renewable, known := uint64(0), uint64(0), uint64(0), true
	for _, q := range []Quantity{GeneratorOutput, OnsiteGeneration} {
		for i := range h.feeds[q] {
			w, _ := h.worth(&h.feeds[q][i], k)
			h.burn(c, q, h.fuel(h.feeds[q][i].meter), w.total(), &fuels, &clean, &renewable)
		}
		known = known && (!c.has(int(q)) || c.knows(int(q)))
	}
	h.setFuel(c, fuels, clean, renewable, known)
}

// fresh sets how much of the water is.
func (h *branches) fresh(c *cell, k int) {
	fresh, met, known := uint64(0), false, c.knows(int(WaterTotal))
	for i := range h.feeds[WaterTotal] {
		f := &h.feeds[WaterTotal][i]
		w, _ := h.worth(f, k)
		scope := f.meter.scope()
		met = met || scope != ScopeUnstated
		known = known && (scope != ScopeUnstated || w.total() == 0)
		if scope == Fresh {
			fresh += w.total()
		}
	}
	c.set(itemFresh, fresh, met, met && known)
}

// lesser sets what is taken off.
func (h *branches) lesser(r *Resolved, c *cell, item int, feeds []feed, k int) {
	var sum uint64
	known := true
	for i := range feeds {
		w, how := h.worth(&feeds[i], k)
		if w.expected == 0 && !w.full {
			continue
		}
		if !w.full {
			h.miss(r, &feeds[i], Other, k)
		}
		known = known && w.full
		c.how[item] |= how
		sum += w.total()
	}
	c.set(item, sum, len(feeds) > 0, len(feeds) > 0 && known)
}

// part is what a part of the site drew.
func (h *branches) part(p *Part, k int) partSum {
	s := partSum{known: true}
	for i, list := range [][]string{p.Supply, p.IT} {
		for _, name := range list {
			m := h.meters[name]
			if !m.stands(h.from+int64(k)*quarter, h.from+int64(k+1)*quarter) {
				continue
			}
			w, how := h.worth(&feed{h.of[name], m}, k)
			s.known, s.how = s.known && w.full, s.how|how
			if i == 0 {
				s.supply += w.total()
			} else {
				s.it += w.total()
			}
		}
	}
	return s
}
