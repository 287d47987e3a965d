package account

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// ErrFormat means that a state was written by a program that is newer, or is
// none.
var ErrFormat = errors.New("not a state that this program can read")

var errDamaged = errors.New("state is damaged")

// Decode reads what Append wrote. It believes no count that the bytes cannot
// hold, and returns nothing that booking could trip over.
func Decode(b []byte, c Config) (*State, error) {
	d := &decoder{b: b}
	s := NewState(c)
	if d.format = d.uint(); d.err != nil || d.format < 1 || d.format > Format {
		return nil, fmt.Errorf("%w: format %d, not 1 to %d", ErrFormat, d.format, Format)
	}
	for range d.count(1) {
		name := d.string()
		if d.err == nil && (!metric.ValidName(name) || s.sites[name] != nil) {
			d.fail("site %q", name)
		}
		if d.err != nil {
			break
		}
		s.addSite(name).decode(d)
	}
	if d.err == nil && len(d.b) > 0 {
		d.fail("%d bytes too many", len(d.b))
	}
	if d.err != nil {
		return nil, d.err
	}
	return s, nil
}

type decoder struct {
	b      []byte
	err    error
	format uint64
}

func (d *decoder) fail(format string, args ...any) {
	if d.err == nil {
		d.err = fmt.Errorf("%w: %s", errDamaged, fmt.Sprintf(format, args...))
	}
	d.b = nil
}

func (d *decoder) uint() uint64 {
	v, n := binary.Uvarint(d.b)
	if n <= 0 {
		d.fail("it ends early")
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *decoder) int() int64 {
	v, n := binary.Varint(d.b)
	if n <= 0 {
		d.fail("it ends early")
		return 0
	}
	d.b = d.b[n:]
	return v
}

// time is a signed number that fits a time in milliseconds with room to add.
func (d *decoder) time() int64 {
	v := d.int()
	if v > 1<<50 || v < -1<<50 {
		d.fail("time %d", v)
		return 0
	}
	return v
}

// number is that of an hour since 1970.
func (d *decoder) number() int64 {
	v := d.int()
	if v < 0 || v >= 1<<31 {
		d.fail("hour %d", v)
		return 0
	}
	return v
}

// since is a time since 1970; offset is added to it.
func (d *decoder) since(offset int64) int64 {
	v := d.time() + offset
	if v < 0 {
		d.fail("time %d", v)
		return 0
	}
	return v
}

// below is a number less than limit.
func (d *decoder) below(limit uint64) uint64 {
	v := d.uint()
	if v >= limit && d.err == nil {
		d.fail("%d is not below %d", v, limit)
		return 0
	}
	return v
}

// count is a number of things that take at least size bytes each.
func (d *decoder) count(size int) int { return int(d.below(uint64(len(d.b)/size) + 1)) }

func (d *decoder) byte() byte {
	if len(d.b) == 0 {
		d.fail("it ends early")
		return 0
	}
	v := d.b[0]
	d.b = d.b[1:]
	return v
}

func (d *decoder) string() string {
	n := d.count(1)
	s := string(d.b[:min(n, len(d.b))])
	d.b = d.b[min(n, len(d.b)):]
	return s
}

func (d *decoder) wide() Wide { return Wide{d.uint(), d.uint()} }

func (s *site) decode(d *decoder) {
	s.simulated = d.byte()&1 != 0
	s.next, s.sealed, s.floor, s.arrived = d.number(), d.since(0), d.number(), d.since(0)
	s.discarded = d.wide()
	for q := range s.life {
		for i := range s.life[q] {
			s.life[q][i] = d.wide()
		}
	}
	for range d.count(3) {
		s.decodePlace(d)
	}
	for range d.count(3) {
		s.traits.put(Trait{d.string(), d.string(), d.string()})
	}
	n := d.count(12)
	s.agents = make([]agent, 0, n)
	for range n {
		var a agent
		a.decode(d)
		if _, twice := s.byAgent[a.name]; twice {
			d.fail("agent %q stands twice", a.name)
		}
		if d.err != nil {
			return
		}
		s.byAgent[a.name] = uint32(len(s.agents))
		s.agents = append(s.agents, a)
	}
	if d.format > 1 {
		s.decodeJobs(d)
	}
	n = d.count(17)
	s.counters = make([]counter, 0, n)
	s.byKey.grow(s.counters, n)
	for range n {
		var c counter
		s.decodeCounter(d, &c)
		if _, twice := s.byKey.find(s.counters, c.key()); twice {
			d.fail("account %q stands twice", c.name)
		}
		if d.err != nil {
			return
		}
		if c.kind == metric.Meter {
			s.meters = append(s.meters, uint32(len(s.counters)))
		}
		s.counters = append(s.counters, c)
		s.byKey.add(s.counters)
	}
	s.checkNodes(d)
	for range d.count(2) {
		at := uint32(d.below(uint64(len(s.counters))))
		u, has := &doubt{}, d.byte()
		for i, p := range []**point{&u.aside, &u.before} {
			if has&(1<<i) != 0 {
				x := &point{d.int(), d.uint(), d.since(0), d.uint(), 0}
				if x.ended = x.time; d.format > 3 {
					x.ended = d.since(0)
				}
				*p = x
			}
		}
		s.doubts[at] = u
	}
	for range min(d.count(5), maxGridSources) {
		s.grid = append(s.grid, d.gridSource())
	}
	for range d.count(148) {
		h := s.decodeHour(d)
		if d.err != nil {
			return
		}
		s.hours = append(s.hours, h)
	}
	if d.format > 2 {
		s.decodeOverlays(d)
	}
}

func (a *agent) decode(d *decoder) {
	a.name = d.string()
	if !metric.ValidName(a.name) {
		d.fail("agent %q", a.name)
	}
	flags := d.byte()
	a.gap, a.restarted, a.jobs = flags&1 != 0, flags&2 != 0, flags&4 != 0
	a.time, a.boot, a.skew, a.lag, a.steady = d.since(0), d.int(), d.time(), d.time(), d.byte()
	a.incarnation, a.sequence, a.stamp, a.waiting, a.since, a.beyond = d.uint(), d.uint(), d.int(), d.uint(), d.time(), d.time()
	if a.boot < 0 {
		d.fail("agent %q has been up for %d ns", a.name, a.boot)
	}
}

func (s *site) decodeCounter(d *decoder, c *counter) {
	c.name = d.string()
	c.kind = metric.EntityKind(d.byte())
	if c.quantity = Quantity(d.byte()); c.quantity >= Quantities {
		d.fail("account %q adds to quantity %d", c.name, c.quantity)
		c.quantity = Other
	}
	c.flags = Flags(d.byte())
	c.metric, c.point = metric.Number(d.below(1<<16)), uint16(d.below(1<<16))
	c.epoch, c.last = d.int(), d.uint()
	c.time, c.since = d.since(s.arrived), d.since(0)
	c.power, c.booked, c.estimated = d.uint(), d.uint(), d.uint()
	c.owner = uint32(d.below(uint64(len(s.agents))+1)) - 1
	c.place, c.trait = uint32(d.below(1<<32)), uint32(d.below(uint64(max(1, len(s.traits.values)))))
	c.still = uint32(d.below(1 << 32))
	if int(c.trait) >= len(s.traits.values) || c.since != 0 && int(c.place) >= len(s.places.values) {
		d.fail("account %q stands nowhere", c.name)
	}
	if c.holding = unasked; d.format > 1 {
		s.decodeHolding(d, c)
	}
	if d.format > 4 {
		c.vague = int64(d.below(1 << 62))
	}
}

func (s *site) decodeHour(d *decoder) *openHour {
	h := &openHour{number: d.number()}
	flags := d.byte()
	h.late, h.closing, h.opened = flags&1 != 0, flags&2 != 0, d.time()
	n := d.count(6)
	h.rows = make([]row, 0, n)
	last := int64(0)
	for range n {
		last += d.time()
		if last < 0 || last >= int64(len(s.counters)) {
			d.fail("row of account %d", last)
			return h
		}
		place, q := uint32(d.below(uint64(len(s.places.values)))), metric.Quality(d.byte())
		if q >= metric.Qualities {
			d.fail("quality %d", q)
		}
		r := row{account: uint32(last), mark: markOf(place, q) | mark(d.byte())}
		r.covered, r.amount = uint32(d.below(1<<32)), d.uint()
		h.rows = append(h.rows, r)
	}
	for q := range h.minutes {
		if d.byte()&1 == 0 {
			continue
		}
		h.minutes[q] = new([60]slot)
		for m := range h.minutes[q] {
			h.minutes[q][m] = slot{d.uint(), d.uint()}
		}
	}
	if d.format < 3 {
		h.decodeGrams(d)
	}
	for q := range h.sums {
		for i := range h.sums[q] {
			h.sums[q][i] = d.uint()
		}
		total, err := h.sums[q].Total()
		if err != nil {
			d.fail("sums of hour %d do not fit", h.number)
		}
		h.total[q] = total
	}
	if d.format > 1 {
		s.decodeJobRows(d, h)
	}
	if d.format > 2 {
		s.decodeFacts(d, h)
	}
	if d.err != nil {
		return h
	}
	h.index(len(s.counters))
	if d.format == 1 {
		s.unrecorded(h)
	}
	return h
}
