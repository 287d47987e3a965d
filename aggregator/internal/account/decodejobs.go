package account

import "github.com/gigawatch/gigawatch/collector/metric"

// decodePlace reads a place. A place that stands twice, which only damage makes,
// would shift the numbers of those after it.
func (s *site) decodePlace(d *decoder) {
	p := Place{d.string(), d.string(), d.string()}
	if _, twice := s.places.number[p]; twice {
		d.fail("place %q stands twice", p)
		return
	}
	if len(s.places.values) >= mostPlaces {
		d.fail("there are too many places")
		return
	}
	s.addPlace(p)
}

// decodeJobs reads what encodeJobs wrote.
func (s *site) decodeJobs(d *decoder) {
	b := s.roster
	for range d.count(2) {
		j := Job{Name: d.string(), Tenant: d.string()}
		if d.err != nil {
			return
		}
		if _, twice := b.jobs.number[j]; twice || j.Name == "" || len(j.Name) > metric.MaxText || len(j.Tenant) > metric.MaxText {
			d.fail("job %q of %q", j.Name, j.Tenant)
			return
		}
		b.jobs.put(j)
	}
	for range d.count(3) {
		n := d.count(2)
		hs := make([]holder, 0, n)
		var sum uint64
		for range n {
			h := holder{uint32(d.below(uint64(len(b.jobs.values)))), uint32(d.below(whole + 1))}
			sum += uint64(h.share)
			if h.job == excess {
				d.fail("nothing holds what is beyond")
			}
			hs = append(hs, h)
		}
		before := len(b.held)
		if sum != whole && d.err == nil {
			d.fail("shares of %d millionths", sum)
		}
		if d.err != nil {
			return
		}
		if b.hold(hs); len(b.held) == before {
			d.fail("a holding stands twice, or there are too many")
			return
		}
	}
	for i := range s.nodes {
		n := &s.nodes[i]
		n.holding, n.counter = uint32(d.below(uint64(len(b.held)))), uint32(d.below(1<<32))
		n.decider = uint32(d.below(uint64(len(s.agents)) + 1))
		n.decided, n.read, n.since = d.since(s.arrived), d.since(s.arrived), d.since(s.arrived)
		n.owed, n.least = d.uint(), d.uint()
		n.moved = d.byte()&1 != 0
	}
}

// checkNodes checks what nodes say of accounts, which are read after them.
func (s *site) checkNodes(d *decoder) {
	for i := range s.nodes {
		if n := &s.nodes[i]; n.counter > uint32(len(s.counters)) {
			d.fail("host %q has account %d", n.name, n.counter)
		}
	}
}

func (s *site) decodeHolding(d *decoder, c *counter) {
	newest := uint32(0)
	if c.owner != noAgent && int(c.owner) < len(s.agents) {
		newest = uint32(s.agents[c.owner].sequence)
	}
	c.holding = uint32(d.below(uint64(len(s.roster.held))))
	c.record = newest - uint32(d.below(1<<32))
	c.mixed = d.byte()&1 != 0
}

func (s *site) decodeJobRows(d *decoder, h *openHour) {
	n := d.count(6)
	h.jobs.rows = make([]jobRow, 0, n)
	for range n {
		r := jobRow{host: uint32(d.below(uint64(len(s.nodes)))), job: uint32(d.below(uint64(len(s.roster.jobs.values))))}
		if r.quality = metric.Quality(d.byte()); r.quality >= metric.Qualities {
			d.fail("quality %d", r.quality)
		}
		r.gpu = d.uint()
		r.node, r.held = r.gpu+uint64(d.int()), d.uint()
		if d.format > 5 {
			has := d.below(1 << Gauges)
			if has != 0 {
				r.means = new([Gauges]Mean)
			}
			for k := range Gauges {
				if has>>k&1 != 0 {
					r.means[k] = Mean{d.uint(), d.uint()}
				}
			}
		}
		if d.err != nil {
			return
		}
		h.jobs.add(r)
		sum := &h.jobs.sums[s.roster.jobs.values[r.job].Allocation]
		sum.GPU += r.gpu
		sum.Node += r.node
	}
}
