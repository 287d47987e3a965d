package account

import (
	"cmp"
	"encoding/binary"
	"maps"
	"slices"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// Format is the version of a state's encoding. One of a later is refused; those
// before are read: Format 1 knew no jobs, Format 2 no quarters of meters, no
// sources of what it said of the grid, and nothing that lies over an hour; Format 3
// did not tell when a lifetime seemed to end; Format 4 forgot that a clock had not run
// through where a counter was not read; Format 5 kept nothing but energy of jobs.
const Format = 6

// Append appends the encoding of s to dst: the same bytes for the same state.
//
//	state   format, sites…
//	site    name, flags, numbers, lifetimes, tables, agents, roster, nodes, accounts, doubts, grid, hours, overlays
//	hour    number, rows by account…, minutes by quantity…, sums, rows of jobs…, quarters of meters…, words of the grid
//	overlay number, subject, words, corrections
//
// Integers are varints, signed ones zigzag; strings have their length before
// them. Nothing of it is checksummed: who stores it does that.
func (s *State) Append(dst []byte) []byte {
	e := encoder{dst}
	e.uint(Format)
	e.uint(uint64(len(s.sites)))
	for _, name := range s.Sites() {
		s.sites[name].encode(&e)
	}
	return e.b
}

type encoder struct{ b []byte }

func (e *encoder) uint(v uint64)    { e.b = binary.AppendUvarint(e.b, v) }
func (e *encoder) int(v int64)      { e.b = binary.AppendVarint(e.b, v) }
func (e *encoder) string(s string)  { e.uint(uint64(len(s))); e.b = append(e.b, s...) }
func (e *encoder) wide(w Wide)      { e.uint(w.Hi); e.uint(w.Lo) }
func (e *encoder) byte(b byte)      { e.b = append(e.b, b) }
func (e *encoder) bools(bs ...bool) { e.byte(packed(bs...)) }

func packed(bs ...bool) (b byte) {
	for i, v := range bs {
		if v {
			b |= 1 << i
		}
	}
	return b
}

func (s *site) encode(e *encoder) {
	e.string(s.name)
	e.bools(s.simulated)
	e.int(s.next)
	e.int(s.sealed)
	e.int(s.floor)
	e.int(s.arrived)
	e.wide(s.discarded)
	for q := range s.life {
		for i := range s.life[q] {
			e.wide(s.life[q][i])
		}
	}
	e.uint(uint64(len(s.places.values)))
	for _, p := range s.places.values {
		e.string(p.Hall)
		e.string(p.Rack)
		e.string(p.Host)
	}
	e.uint(uint64(len(s.traits.values)))
	for _, t := range s.traits.values {
		e.string(t.Index)
		e.string(t.Model)
		e.string(t.Role)
	}
	e.uint(uint64(len(s.agents)))
	for i := range s.agents {
		s.agents[i].encode(e)
	}
	s.encodeJobs(e)
	e.uint(uint64(len(s.counters)))
	for i := range s.counters {
		c, newest := &s.counters[i], uint32(0)
		if c.owner != noAgent {
			newest = uint32(s.agents[c.owner].sequence)
		}
		c.encode(e, s.arrived, newest)
	}
	e.uint(uint64(len(s.doubts)))
	for _, n := range slices.Sorted(maps.Keys(s.doubts)) {
		u := s.doubts[n]
		e.uint(uint64(n))
		e.bools(u.aside != nil, u.before != nil)
		for _, p := range []*point{u.aside, u.before} {
			if p != nil {
				e.int(p.epoch)
				e.uint(p.value)
				e.int(p.time)
				e.uint(p.booked)
				e.int(p.ended)
			}
		}
	}
	e.uint(uint64(len(s.grid)))
	for _, g := range s.grid {
		e.byte(byte(g.kind))
		e.string(g.zone)
		e.string(g.provider)
		e.string(g.tier)
		e.bools(g.spoke)
		e.int(int64(g.value))
		e.int(g.time)
		e.int(g.filled)
	}
	hours := slices.Clone(s.hours)
	slices.SortFunc(hours, func(a, b *openHour) int {
		return cmp.Or(cmp.Compare(a.number, b.number), cmp.Compare(packed(a.late, a.closing), packed(b.late, b.closing)))
	})
	e.uint(uint64(len(hours)))
	for _, h := range hours {
		h.encode(e)
	}
	s.encodeOverlays(e)
}

func (a *agent) encode(e *encoder) {
	e.string(a.name)
	e.bools(a.gap, a.restarted, a.jobs)
	e.int(a.time)
	e.int(a.boot)
	e.int(a.skew)
	e.int(a.lag)
	e.byte(a.steady)
	e.uint(a.incarnation)
	e.uint(a.sequence)
	e.int(a.stamp)
	e.uint(a.waiting)
	e.int(a.since)
	e.int(a.beyond)
}

// encode writes times, and the number of a record, as their distance to a recent
// one, which is short.
func (c *counter) encode(e *encoder, near int64, newest uint32) {
	e.string(c.name)
	e.byte(byte(c.kind))
	e.byte(byte(c.quantity))
	e.byte(byte(c.flags))
	e.uint(uint64(c.metric))
	e.uint(uint64(c.point))
	e.int(c.epoch)
	e.uint(c.last)
	e.int(c.time - near)
	e.int(c.since)
	e.uint(c.power)
	e.uint(c.booked)
	e.uint(c.estimated)
	e.uint(uint64(c.owner + 1)) // none is zero
	e.uint(uint64(c.place))
	e.uint(uint64(c.trait))
	e.uint(uint64(c.still))
	e.uint(uint64(c.holding))
	e.uint(uint64(newest - c.record))
	e.bools(c.mixed)
	e.uint(uint64(c.vague))
}

func (h *openHour) encode(e *encoder) {
	e.int(h.number)
	e.bools(h.late, h.closing)
	e.int(h.opened)
	e.uint(uint64(len(h.rows)))
	last := uint32(0)
	for i := range h.rows {
		r := &h.rows[i]
		e.int(int64(r.account) - int64(last))
		last = r.account
		e.uint(uint64(r.mark.place()))
		e.byte(byte(r.mark.quality()))
		e.byte(byte(r.mark.flags()))
		e.uint(uint64(r.covered))
		e.uint(r.amount)
	}
	for q := range h.minutes {
		e.bools(h.minutes[q] != nil)
		if h.minutes[q] == nil {
			continue
		}
		for _, t := range h.minutes[q] {
			e.uint(t.Amount)
			e.uint(t.Covered)
		}
	}
	for q := range h.sums {
		for i := range metric.Qualities {
			e.uint(h.sums[q][i])
		}
	}
	e.uint(uint64(len(h.jobs.rows)))
	for i := range h.jobs.rows {
		r := &h.jobs.rows[i]
		e.uint(uint64(r.host))
		e.uint(uint64(r.job))
		e.byte(byte(r.quality))
		e.uint(r.gpu)
		e.int(int64(r.node - r.gpu))
		e.uint(r.held)
		var has [Gauges]bool
		means := r.shown()
		for k := range has {
			has[k] = !means[k].isZero()
		}
		e.bools(has[:]...)
		for k, m := range means {
			if has[k] {
				e.uint(m.Sum)
				e.uint(m.Known)
			}
		}
	}
	h.encodeFacts(e)
}

// encodeJobs writes who may hold what, and what is known of nodes, in the order
// in which places name them.
func (s *site) encodeJobs(e *encoder) {
	jobs := s.roster.jobs.values[reserved:]
	e.uint(uint64(len(jobs)))
	for i := range jobs {
		e.string(jobs[i].Name)
		e.string(jobs[i].Tenant)
	}
	held := s.roster.held[excess:]
	e.uint(uint64(len(held)))
	for _, hs := range held {
		e.uint(uint64(len(hs)))
		for _, h := range hs {
			e.uint(uint64(h.job))
			e.uint(uint64(h.share))
		}
	}
	for i := range s.nodes {
		n := &s.nodes[i]
		e.uint(uint64(n.holding))
		e.uint(uint64(n.counter))
		e.uint(uint64(n.decider))
		for _, t := range []int64{n.decided, n.read, n.since} {
			e.int(t - s.arrived)
		}
		e.uint(n.owed)
		e.uint(n.least)
		e.bools(n.moved)
	}
}
