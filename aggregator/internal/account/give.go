package account

import (
	"cmp"
	"slices"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// A node is what a site keeps of a host beside its accounts: who holds it, and
// what its boards drew that its own counter has yet to show.
//
//	host boundary of a job = its shares of boards + its share of the rest
//	rest                   = what the host's counter shows − what its boards drew
//
// Boards and host are not read at one moment: a board may be silent for a while,
// a BMC may count in large steps. So what boards drew is given at once, and owed;
// what the host's counter shows pays for it first. What stays owed is Beyond.
type node struct {
	name    string
	holding uint32 // who holds the host, by the shares of the host itself
	counter uint32 // 1 + account of its own counter; 0: it has none
	decider uint32 // 1 + agent that says who holds it; 0: none has
	decided int64  // ms since 1970: its newest record
	read    int64  // of the newest reading of its own counter
	owed    uint64 // mJ
	least   uint64 // of owed since the time below: it is no matter of timing
	since   int64
	moved   bool  // its own counter did, since owed was looked at
	fresh   []due // of this tick
}

// due is what boards of a host drew in a slot.
type due struct {
	slot   int64
	amount uint64
}

// patienceOwed is how long a host's counter may show less than its boards drew:
// counters refresh when they like.
const patienceOwed = 15 * minute

// place is the number of p; ok is false if there are too many.
func (s *site) place(p Place) (n uint32, ok bool) {
	if n, ok := s.places.number[p]; ok {
		return n, true
	}
	if len(s.places.values) >= s.config.Places {
		return 0, false
	}
	return s.addPlace(p), true
}

// addPlace makes p a place, and its host a node.
func (s *site) addPlace(p Place) uint32 {
	host, known := s.byHost[p.Host]
	if !known {
		host = uint32(len(s.nodes))
		s.byHost[p.Host] = host
		s.nodes = append(s.nodes, node{name: p.Host, holding: unasked})
	}
	s.hostOf = append(s.hostOf, host)
	return s.places.put(p)
}

// give books piece p of what a device on a host drew up to the given time to
// those who hold the device.
func (s *site) give(h *openHour, host uint32, of Quantity, p piece, to int64, q metric.Quality) {
	n, amount, held := &s.nodes[host], p.amount, uint64(0)
	board, inNode := of == GPUEnergy, true
	if board {
		if q != metric.EstimatedProfile {
			held = uint64(p.millis)
		}
		// Of a host without a counter, or whose counter is silent, only boards are known.
		if inNode = n.read != 0 && to-n.read <= patienceOwed; inNode {
			s.owe(n, host, p)
		}
	} else {
		amount -= s.pay(h, n, host, p)
	}
	if amount == 0 && held == 0 {
		return
	}
	hs := s.roster.held[s.holding]
	s.divide(amount, hs)
	for i, x := range hs {
		r := s.jobRow(h, host, x.job, q)
		sum := &h.jobs.sums[s.roster.jobs.values[r.job].Allocation]
		if board {
			r.gpu += s.parts[i]
			r.held += held * uint64(x.share)
			if x.job >= reserved {
				r.show(&s.shown, held*uint64(x.share)/whole)
			}
			sum.GPU += s.parts[i]
		}
		if inNode {
			r.node += s.parts[i]
			sum.Node += s.parts[i]
		}
	}
}

// divide puts into s.parts what amount comes to by shares, by largest remainder:
// the parts sum exactly to amount. Of equal remainders the first comes first.
func (s *site) divide(amount uint64, hs []holder) {
	s.parts = s.parts[:0]
	if len(hs) == 1 {
		s.parts = append(s.parts, amount)
		return
	}
	left := amount
	s.remainders, s.order = s.remainders[:0], s.order[:0]
	for i, h := range hs {
		part, remainder := share(amount, uint64(h.share), whole)
		left -= part
		s.parts = append(s.parts, part)
		s.remainders = append(s.remainders, uint32(remainder))
		s.order = append(s.order, uint32(i))
	}
	if left == 0 {
		return
	}
	slices.SortStableFunc(s.order, func(a, b uint32) int { return cmp.Compare(s.remainders[b], s.remainders[a]) })
	for _, i := range s.order[:left] { // fewer are left than there are parts
		s.parts[i]++
	}
}

// owe notes what a board drew, which is given already.
func (s *site) owe(n *node, host uint32, p piece) {
	if len(n.fresh) == 0 {
		s.owing = append(s.owing, host)
	}
	if i := len(n.fresh) - 1; i >= 0 && n.fresh[i].slot == p.slot {
		n.fresh[i].amount += p.amount
		return
	}
	for i := range n.fresh {
		if n.fresh[i].slot == p.slot {
			n.fresh[i].amount += p.amount
			return
		}
	}
	n.fresh = append(n.fresh, due{p.slot, p.amount})
}

// pay is how much of what the host's counter shows in piece p its boards drew.
func (s *site) pay(h *openHour, n *node, host uint32, p piece) uint64 {
	var drawn uint64 // in the same hour
	for i := range n.fresh {
		if d := &n.fresh[i]; d.slot == p.slot {
			drawn, d.amount = d.amount, 0
		}
	}
	total := drawn + n.owed
	paid := min(total, p.amount)
	n.owed = total - paid
	n.moved = n.moved || p.amount > 0
	s.beyond(h, host, drawn-paid)
	return paid
}

// beyond adds mj, modulo 2^64, to what boards drew beyond their host's counter.
func (s *site) beyond(h *openHour, host uint32, mj uint64) {
	if mj != 0 {
		s.jobRow(h, host, excess, metric.Measured).node += mj
		h.jobs.sums[Beyond].Node += mj
	}
}

// endTick notes as owed what the host's counter did not show in the same tick.
func (s *site) endTick(o *Outcome) {
	for _, host := range s.owing {
		n := &s.nodes[host]
		for _, d := range n.fresh {
			n.owed += d.amount
			if h := s.hour(d.slot); h != nil {
				s.beyond(h, host, d.amount)
			}
		}
		n.fresh = n.fresh[:0]
	}
	s.owing = s.owing[:0]
	if s.crowded {
		s.crowded = false
		o.alarm(Full, "", "more jobs are reported than are told apart; the energy of the others is of unknown jobs")
	}
}

// review looks at what is owed after a reading of account a, the counter of a
// host. What has been owed for long is given up: the counter shows less than the
// boards drew, and what is Beyond stays so.
func (s *site) review(a uint32, t int64, o *Outcome) {
	c := &s.counters[a]
	if c.time != t { // it was set aside
		return
	}
	n := &s.nodes[s.hostOf[c.place]]
	n.read, n.counter = t, a+1
	if !n.moved {
		return
	}
	n.moved = false
	n.least = min(n.least, n.owed)
	if t-n.since < patienceOwed {
		return
	}
	if n.least > 0 {
		n.owed -= n.least
		o.alarm(Shortfall, c.name, "its counter shows less than its boards drew")
	}
	n.since, n.least = t, n.owed
}
