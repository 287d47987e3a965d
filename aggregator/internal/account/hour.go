package account

import "github.com/gigawatch/gigawatch/collector/metric"

// A row is what one account booked in one hour, at one place, in one quality.
// There are many.
type row struct {
	amount  uint64
	account uint32
	next    uint32 // 1 + index of the account's next row in this hour; 0: none
	covered uint32 // ms
	mark    mark
}

// A mark is a row's place, quality and flags, from the highest bit down.
type mark uint32

// mostPlaces is how many places a mark can tell apart.
const mostPlaces = 1 << 20

func markOf(place uint32, q metric.Quality) mark { return mark(place<<12 | uint32(q)<<8) }

func (m mark) place() uint32           { return uint32(m >> 12) }
func (m mark) quality() metric.Quality { return metric.Quality(m >> 8 & 0xf) }
func (m mark) flags() Flags            { return Flags(m) }

// An openHour is booked into. One that was sealed before takes what comes late,
// apart: it will be a restatement.
type openHour struct {
	number  int64 // hours since 1970
	late    bool
	closing bool              // frozen for sealing: nothing is booked into it any more
	opened  int64             // arrival of what came first, ms since 1970
	head    []uint32          // by account: 1 + index of its first row
	few     map[uint32]uint32 // the same of a late hour, where few accounts have any
	rows    []row
	total   [Quantities]uint64 // over the qualities: it bounds every sum within the hour
	sums    [Quantities]Amount
	minutes [Quantities]*[60]slot // nil: nothing booked
	grid    [GridKinds]*[60]said  // nil: nothing said

	quarterly bool                 // quarters are kept: no program before this one opened it
	quarters  map[uint32]*quarters // of the rows of meters, by index

	jobs jobRows
}

// A slot is one quantity in one minute.
type slot struct {
	Amount  uint64 // mJ or mL
	Covered uint64 // ms, summed over the accounts
}

// row is the index of the row of account n at a place, in a quality, made if need
// be.
func (h *openHour) row(n, place uint32, q metric.Quality) uint32 {
	first := h.first(n)
	for i := first; i != 0; i = h.rows[i-1].next {
		if h.rows[i-1].mark&^0xff == markOf(place, q) {
			return i - 1
		}
	}
	h.rows = append(h.rows, row{account: n, next: first, mark: markOf(place, q)})
	if h.late {
		h.few[n] = uint32(len(h.rows))
	} else {
		h.head[n] = uint32(len(h.rows))
	}
	return uint32(len(h.rows) - 1)
}

// first is 1 + the index of account n's first row; 0: it has none.
func (h *openHour) first(n uint32) uint32 {
	if h.late {
		return h.few[n]
	}
	if int(n) >= len(h.head) {
		h.head = append(h.head, make([]uint32, int(n)+1-len(h.head))...)
	}
	return h.head[n]
}

// index makes the way from accounts to rows.
func (h *openHour) index(accounts int) {
	if h.late {
		h.few = map[uint32]uint32{}
	} else {
		h.head = make([]uint32, accounts)
	}
	for i := range h.rows {
		r := &h.rows[i]
		r.next = h.first(r.account)
		if h.late {
			h.few[r.account] = uint32(i + 1)
		} else {
			h.head[r.account] = uint32(i + 1)
		}
	}
}

// minute is the slot of quantity q in minute m of the hour.
func (h *openHour) minute(q Quantity, m int64) *slot {
	if h.minutes[q] == nil {
		h.minutes[q] = new([60]slot)
	}
	return &h.minutes[q][m]
}

// hour is the open hour of that number: the one that will be sealed, or what
// comes after it was. nil if it may not be booked any more.
func (s *site) hour(number int64) *openHour {
	if s.current != nil && s.current.number == number && !s.current.closing {
		return s.current
	}
	var h *openHour
	for _, x := range s.hours {
		if x.number == number && !x.closing {
			h = x
		}
	}
	if h == nil {
		if number < s.floor {
			return nil
		}
		if s.sealed == 0 && (s.next == 0 || number < s.next) {
			s.next = number
		}
		h = &openHour{number: number, late: number < s.next, opened: s.arrived, quarterly: true}
		for _, x := range s.hours { // it is being sealed, and this comes after
			h.late = h.late || x.number == number
		}
		h.index(len(s.counters))
		s.hours = append(s.hours, h)
	}
	s.current = h
	return h
}

// book adds amount to account n over (from, to], and gives it to those who held
// its device.
func (s *site) book(n uint32, from, to int64, amount uint64, q metric.Quality, flags Flags) error {
	c := &s.counters[n]
	from = max(from, to-maxBridge)
	estimate := q == metric.EstimatedProfile
	measured := c.quantity
	if sum := c.booked + c.estimated; sum+amount < sum {
		return ErrOverflow
	}
	s.pieces = split(s.pieces[:0], amount, from, to, hour)
	for _, p := range s.pieces {
		if h := s.hour(p.slot); h != nil && h.total[measured]+p.amount < p.amount {
			return ErrOverflow
		}
	}
	life, err := s.life[measured][q].Add(Wide{0, amount})
	if err != nil {
		return err
	}
	for _, p := range s.pieces {
		h := s.hour(p.slot)
		if h == nil { // sealed before the state was lost; what the file says stands
			s.discarded = s.discarded.plus(p.amount)
			amount -= p.amount
			life, _ = life.Sub(Wide{0, p.amount})
			continue
		}
		at := h.row(n, c.place, q)
		r := &h.rows[at]
		r.amount += p.amount
		r.mark |= mark(flags)
		h.total[measured] += p.amount
		h.sums[measured][q] += p.amount
		if !estimate {
			r.covered = uint32(min(int64(r.covered)+p.millis, hour))
		}
		switch {
		case c.kind != metric.Meter && measured == Other:
			continue
		case c.kind != metric.Meter:
			s.give(h, s.hostOf[c.place], measured, p, to, q)
		}
		s.bookMinutes(h, at, measured, p, max(from, p.slot*hour), min(to, (p.slot+1)*hour), !estimate)
	}
	s.life[measured][q] = life
	if estimate {
		c.estimated += amount
	} else {
		c.booked += amount
	}
	return nil
}

// bookMinutes adds piece p of an hour, which lies in (from, to], to the minutes of
// its quantity, and where the row is a meter's to its quarters.
func (s *site) bookMinutes(h *openHour, row uint32, of Quantity, p piece, from, to int64, covers bool) {
	var qs *quarters
	if h.quarterly && s.counters[h.rows[row].account].kind == metric.Meter {
		qs = h.quartersOf(row)
	}
	at := len(s.pieces)
	s.pieces = split(s.pieces, p.amount, from, to, minute)
	for _, m := range s.pieces[at:] {
		n := m.slot - p.slot*60
		if of != Other {
			h.minute(of, n).add(m, covers)
		}
		if qs != nil {
			qs[n/15].add(m, covers)
		}
	}
	s.pieces = s.pieces[:at]
}

func (t *slot) add(p piece, covers bool) {
	t.Amount += p.amount
	if covers {
		t.Covered += uint64(p.millis)
	}
}
