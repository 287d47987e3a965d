package account

import (
	"math"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// A counter is one account: what is known of one cumulative register, wherever
// its readings come from.
type counter struct {
	name      string
	epoch     int64  // lifetime that last belongs to
	last      uint64 // reading that is booked
	time      int64  // of last, ms since 1970
	since     int64  // of the first reading; 0: there is none yet
	power     uint64 // mW at time; 0: unknown
	booked    uint64 // in all that the register showed, whatever the quality
	estimated uint64 // in all besides
	owner     uint32 // agent whose readings are taken
	place     uint32
	trait     uint32
	still     uint32 // ms for which it has not moved though power flowed
	holding   uint32 // who holds the device since the record below
	record    uint32 // number of its owner's newest record that said so, modulo 2^32
	metric    metric.Number
	point     uint16
	kind      metric.EntityKind
	quantity  Quantity
	flags     Flags // for the next row
	mixed     bool  // the device changed hands since it was read
	vague     int64 // ms more than it seems that may have passed since time: no clock ran through where it was not read
}

const unknownEpoch = math.MinInt64

// Flags say what happened in an account's hour.
type Flags uint8

const (
	FlagReset    Flags = 1 << iota // the counter began anew; the residue is estimated
	FlagClock                      // its agent's clocks disagreed
	FlagGap                        // its agent gave records up; the energy is whole, its times are coarser
	FlagGlitch                     // readings were set aside
	FlagRebased                    // the register was set or replaced
	FlagConflict                   // another agent reported the device too
	FlagFrozen                     // the counter stood still while power flowed
	FlagAbsent                     // nothing was read of it in the hour
)

// A reading is one counter as a record has it.
type reading struct {
	value   uint64
	epoch   int64
	time    int64
	unsure  int64 // ms by which it may have been later
	stood   bool  // no clock ran through since the record before
	boot    int64 // ms for which the host has been up; 0: unknown
	power   uint64
	powered bool   // power was read
	place   uint32 // where the device is
	left    uint32 // where it was at the reading before
	rate    uint64
	quality metric.Quality
	flags   Flags

	holding uint32 // who holds the device from here on
	record  uint32 // number of the record it is in, modulo 2^32
	before  uint32 // and of the one before
	blind   bool   // who held the device meanwhile was not seen
}

// A doubt is what an account keeps besides, while it is not known what a
// register did.
type doubt struct {
	aside  *point // a reading that physics does not allow
	before *point // the end of a lifetime that may not have ended
}

// A point is a register at a time.
type point struct {
	epoch  int64
	value  uint64
	time   int64
	booked uint64 // since
	ended  int64  // of a lifetime: time of the reading that showed no more of it
}

// heldUntil is who held the device from its last reading to r. Who holds it
// changes at records only, and a record is taken at each change; where one is
// missing, its neighbours must agree.
func (c *counter) heldUntil(r *reading) uint32 {
	switch {
	case c.mixed:
		return unknown
	case c.holding == r.holding || c.holding == unasked:
		return c.holding
	case r.blind || c.record != r.before:
		return unknown
	}
	return c.holding
}

// pass notes a record of agent n in which the device was not read.
func (c *counter) pass(n uint32, r *reading) {
	if c.owner == n {
		c.mixed = c.mixed || c.holding != r.holding
		c.holding, c.record = r.holding, r.record
		c.vague = max(c.vague, r.unsure)
	}
}

// take books reading r of account n.
func (s *site) take(n uint32, r reading, o *Outcome) error {
	c := &s.counters[n]
	r.left, c.place = c.place, r.place
	if c.since == 0 {
		c.since, c.time, c.last, c.epoch, c.power = max(1, r.time), r.time, r.value, r.epoch, r.power
		c.holding, c.record, c.mixed = r.holding, r.record, false
		return nil
	}
	s.holding = c.heldUntil(&r)
	r.flags |= c.flags
	c.flags = 0
	if r.epoch == unknownEpoch {
		r.epoch = c.epoch
	}
	same := r.epoch == c.epoch || c.epoch == unknownEpoch
	r.unsure = max(r.unsure, c.vague)
	if records := int64(int32(r.record - c.record)); r.stood && records > 0 { // they are a clock then, unless they are numbered anew
		r.unsure = max(r.unsure, min(records*s.config.Interval, 24*hour)-(r.time-c.time))
	}
	dt := r.time - c.time + r.unsure
	onward := r.value >= c.last && (plausible(r.value-c.last, r.rate, dt) || same && s.began(n, &r))
	switch {
	case same && onward && !s.resumes(n, &r, dt):
		return s.advance(n, r, r.value-c.last, o)
	case same && onward:
		return s.doubtful(n, r, same, o)
	case !same && plausible(r.value, r.rate, dt) && c.flowed(r.value, &r, dt):
		return s.restart(n, r)
	case onward && c.flowed(r.value-c.last, &r, dt): // another name for the same lifetime
		return s.advance(n, r, r.value-c.last, o)
	}
	return s.doubtful(n, r, same, o)
}

// advance books d, by which the register moved on since the last reading.
func (s *site) advance(n uint32, r reading, d uint64, o *Outcome) error {
	c := &s.counters[n]
	if u := s.doubts[n]; u != nil {
		if u.aside != nil {
			r.flags |= FlagGlitch
			o.alarm(Glitch, c.name, "a reading that was set aside is passed over")
		}
		u.aside = nil
		if u.before != nil && r.value > 0 && r.time-u.before.ended > memory {
			u.before = nil
		}
		if u.before != nil {
			u.before.booked += d
		} else {
			delete(s.doubts, n)
		}
	}
	s.watch(c, d, &r, o)
	if err := s.book(n, c.time, r.time, d, s.qualityOf(r.time-c.time, r.quality), r.flags); err != nil {
		return err
	}
	s.settle(n, r)
	return nil
}

// settle makes r the reading that the account rests on.
func (s *site) settle(n uint32, r reading) {
	c := &s.counters[n]
	if r.powered {
		c.power = r.power
	} else if dt := r.time - c.time; dt > 0 && r.value >= c.last && (r.value > 0 || s.doubts[n] == nil) { // one that reads zero may be none that began anew
		q, _ := product(r.value-c.last, 1000).over(uint64(dt))
		c.power = q
	}
	c.last, c.time, c.epoch = r.value, r.time, r.epoch
	c.holding, c.record, c.mixed, c.vague = r.holding, r.record, false, 0
}

// flowed reports whether a meter whose lifetime is another one than before can
// have counted d in dt ms, by what flows at both ends of that time. An agent that
// takes a meter over, or that has lost what it knew of it, shows the register
// whole: what it counted before, and what was booked under another name. What
// meters there are is not known here, and so not their rating.
func (c *counter) flowed(d uint64, r *reading, dt int64) bool {
	power := c.power
	if r.powered {
		power = max(power, r.power)
	}
	unknown := power == 0 && !r.powered && c.time <= c.since // it was read once
	return c.kind != metric.Meter || unknown || plausible(d, varies*power, dt)
}

// resumes reports whether reading r of a register that seemed to begin anew goes on
// from the lifetime before that, and not from what was shown since: more has come
// than can have flowed meanwhile.
func (s *site) resumes(n uint32, r *reading, dt int64) bool {
	u := s.doubts[n]
	if u == nil || u.before == nil || !s.goesOn(n, u.before, r) {
		return false
	}
	c := &s.counters[n]
	power := c.power
	if r.powered {
		power = max(power, r.power)
	}
	if c.last > 0 || r.quality == metric.Integrated { // a sum begins with zero
		return !plausible(r.value-c.last, varies*power, dt)
	}
	stood := c.time > u.before.ended && c.power > 0 // at zero, though power flowed: it did not count
	return stood || !plausible(r.value, power, dt)
}

// began reports whether r is what a register that was last read at zero would have
// counted since it was first read there, and not of the lifetime before: zeros after
// that were none of its own. It must be about what flows at both ends of that time,
// no more than half as much again and no less than two thirds.
func (s *site) began(n uint32, r *reading) bool {
	c, u := &s.counters[n], s.doubts[n]
	if c.last > 0 || c.power == 0 || u == nil || u.before == nil || u.before.booked > 0 || s.goesOn(n, u.before, r) {
		return false
	}
	least, most := c.power, c.power
	if r.powered {
		least, most = min(least, r.power), max(most, r.power)
	}
	dt := uint64(max(0, r.time-u.before.ended))
	low, some := product(least, dt).over(1500)
	high, bounded := product(most, dt*3/2).over(1000)
	return some && r.value >= low && bounded && r.value <= high && plausible(r.value, r.rate, int64(dt))
}

// goesOn reports whether r may belong to the lifetime that seemed to end at b.
func (s *site) goesOn(n uint32, b *point, r *reading) bool {
	dt := r.time - b.time
	recent := r.time-b.ended <= memory || s.counters[n].last == 0 // nothing was counted since
	return recent && r.value >= b.value && r.value-b.value >= b.booked &&
		plausible(r.value-b.value, r.rate, dt+r.unsure) && s.counters[n].flowed(r.value-b.value, r, dt+r.unsure)
}

// restart books a register that began again from zero: what it shows whole, and
// what it had counted unseen before as far as the last power tells.
func (s *site) restart(n uint32, r reading) error {
	c := &s.counters[n]
	before := &point{c.epoch, c.last, c.time, r.value, r.time}
	began, power := c.time, r.power // when the register began, as late as it can have
	if c.kind == metric.Meter && !r.powered {
		// Nobody knows for how long the new register has stood there, nor what the old
		// one counted in the end.
		if power = c.power; power == 0 {
			began = r.time
		}
	}
	if power > 0 {
		if up, ok := product(r.value, 1000).over(power); ok && up < uint64(r.time-c.time) {
			began = r.time - int64(up)
		}
	}
	if c.kind != metric.Meter && r.boot > 0 && r.boot < r.time-c.time { // no later than its host
		began = max(c.time, min(began, r.time-r.boot))
	}
	r.flags |= FlagReset
	quality := s.qualityOf(r.time-c.time, r.quality)
	if err := s.book(n, began, r.time, r.value, quality, r.flags); err != nil {
		return err
	}
	s.doubt(n).before, s.doubt(n).aside = before, nil
	power = c.power
	if c.kind == metric.Meter && !r.powered {
		power = 0
	}
	if r.quality == metric.Integrated && r.value == 0 && r.powered {
		power = power/2 + r.power/2 // both ends of the gap were read: a line between them
	}
	c.last = 0 // for settle: all of value was counted since
	s.settle(n, r)
	c.place = r.left // what was not seen was spent there
	err := s.estimate(n, before.time, began, power, r.flags)
	c.place = r.place
	return err
}

// doubtful decides what to make of a reading that neither goes on from the last
// nor begins a lifetime.
func (s *site) doubtful(n uint32, r reading, same bool, o *Outcome) error {
	c, u := &s.counters[n], s.doubt(n)
	if b := u.before; b != nil && s.goesOn(n, b, &r) {
		// The lifetime before goes on: the restart was none.
		d := r.value - b.value - b.booked
		u.before, u.aside = nil, nil
		delete(s.doubts, n)
		o.alarm(Glitch, c.name, "its counter only seemed to begin anew")
		r.flags |= FlagGlitch
		if err := s.book(n, c.time, r.time, d, s.qualityOf(r.time-c.time, r.quality), r.flags); err != nil {
			return err
		}
		c.last, c.time = b.value, b.time // for settle: what was shown since says nothing of the power
		s.settle(n, r)
		return nil
	}
	a := u.aside
	if a == nil || a.epoch != r.epoch || r.value < a.value || !plausible(r.value-a.value, r.rate, r.time-a.time+r.unsure) {
		u.aside = &point{epoch: r.epoch, value: r.value, time: r.time}
		o.alarm(Quarantined, c.name, "physics does not allow its reading; the next decides")
		c.pass(c.owner, &r)
		return nil
	}
	if a.value == 0 && r.value == 0 && (r.powered && r.power > 0 || r.time-a.time <= memory) {
		c.pass(c.owner, &r) // it counts nothing yet, and so has not begun anew: the next that is not zero decides
		return nil
	}
	// Two readings agree with each other, and not with the last.
	u.aside = nil
	first := r
	first.value, first.time, first.boot = a.value, a.time, 0
	if (!same || a.value < c.last) && plausible(a.value, r.rate, a.time-c.time) && c.flowed(a.value, &r, a.time-c.time) {
		if err := s.restart(n, first); err != nil {
			return err
		}
		u.before.ended = r.time // not before the second reading said so
		return s.advance(n, r, r.value-a.value, o)
	}
	o.alarm(Rebased, c.name, "its register was set or replaced; the jump is not booked")
	first.flags |= FlagRebased
	from := c.time
	c.last, c.time, c.epoch = a.value, a.time, a.epoch
	delete(s.doubts, n)
	if err := s.estimate(n, from, a.time, c.power, first.flags); err != nil {
		return err
	}
	r.flags |= FlagRebased
	return s.advance(n, r, r.value-a.value, o)
}

// doubt is what the account keeps besides, made if need be.
func (s *site) doubt(n uint32) *doubt {
	u := s.doubts[n]
	if u == nil {
		u = &doubt{}
		s.doubts[n] = u
	}
	return u
}

// estimate books, apart from what is measured, what the last power would have
// made of the time up to an end nobody saw.
func (s *site) estimate(n uint32, from, to int64, power uint64, flags Flags) error {
	to = min(to, from+maxResidue)
	if power == 0 || to <= from {
		return nil
	}
	mj, ok := product(power, uint64(to-from)).over(1000)
	if !ok {
		return ErrOverflow
	}
	return s.book(n, from, to, mj, metric.EstimatedProfile, flags)
}

// qualityOf is how energy between two readings dt apart is known, of a counter
// that is itself known as own: neighbours on the lane leave nothing open; wider
// apart the total stands and its times are a guess.
func (s *site) qualityOf(dt int64, own metric.Quality) metric.Quality {
	if dt > s.config.Interval*5/2 {
		return max(own, metric.CounterBridged)
	}
	return own
}

// watch notices a counter that stands still while power flows: for so long, and
// for so much, that it is not its resolution.
func (s *site) watch(c *counter, d uint64, r *reading, o *Outcome) {
	least := uint64(2 * metric.MillijoulesPerKWh)
	if c.kind == metric.GPU {
		least /= 200
	}
	was := c.still
	if d > 0 || !r.powered || r.power == 0 {
		c.still = 0
		return
	}
	c.still = uint32(min(int64(c.still)+max(0, r.time-c.time), math.MaxUint32))
	stuck := func(ms uint32) bool {
		w := product(r.power, uint64(ms))
		return int64(ms) >= frozen && (w.Hi > 0 || w.Lo/1000 >= least)
	}
	if !stuck(c.still) {
		return
	}
	r.flags |= FlagFrozen
	if !stuck(was) {
		o.alarm(Frozen, c.name, "its counter stands still while power flows")
	}
}
