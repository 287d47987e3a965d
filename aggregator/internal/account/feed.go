package account

import "github.com/gigawatch/gigawatch/collector/metric"

// A feed is what one meter, or those that stand in for it, tells of a branch.
type feed struct {
	register *register // nil: never read
	meter    *Meter    // nil: nothing is stated of it
}

func (f *feed) name() string {
	if f.meter != nil {
		return f.meter.Name
	}
	return f.register.name
}

// branches are the feeds of an hour, and how they are known.
type branches struct {
	*Basis
	sheet     *Sheet
	from      int64 // ms since 1970
	since     int64 // nothing was awaited before
	until     int64 // what comes after is not awaited yet
	of        map[string]*register
	feeds     [Quantities][]feed
	selfUse   []feed           // heat that comes back
	outside   []feed           // taken off what comes in
	foreign   map[string]bool  // meters that count as they were booked, not as stated
	moved     []moved          // meters that are stated as something else than they were booked
	plain     [Quantities]bool // the minutes of the quantity are its feeds'
	quarterly [Quantities]bool // only quarters tell what its feeds took
	altered   [Quantities]bool // the feeds are more, fewer or others than what was booked
	took      [Quantities][4]taken
	missed    map[branch]int // where it stands in what is absent
}

// taken is what the feeds of a quantity took in a quarter.
type taken struct {
	sum     Amount
	met     bool
	other   bool  // than was booked
	covered int64 // ms, by the least known feed
}

// lookUp finds the feeds of an hour.
func (b *Basis) lookUp(s *Sheet, until int64) *branches {
	h := &branches{Basis: b, sheet: s, from: s.Number * hour, since: s.Since, until: until, of: map[string]*register{}, foreign: map[string]bool{}, missed: map[branch]int{}}
	for q := range Quantities {
		h.plain[q] = true
	}
	if s.quarterly {
		h.find()
		return h
	}
	for i := range b.Meters {
		if m := &b.Meters[i]; m.stands(h.from, h.from+hour) && !b.Counts(m.Name, h.from, h.from+hour) {
			h.plain[m.Quantity] = false // it cannot be told from the others any more
		}
	}
	return h
}

// find finds the feeds by the registers of the hour and the meters that are
// stated.
func (h *branches) find() {
	b, s, to := h.Basis, h.sheet, h.from+hour
	all := s.inOrder()
	h.assign(all)
	for q := range Quantities {
		for _, m := range b.by[q] {
			if !m.stands(h.from, to) || h.foreign[m.Name] {
				continue
			}
			f := feed{h.of[m.Name], m}
			switch {
			case m.Less:
				h.selfUse = append(h.selfUse, f)
			case !b.inside(m, h.from, to):
				h.feeds[q] = append(h.feeds[q], f)
				if f.register == nil || !f.register.booked || f.register.quantity != q {
					h.plain[q], h.altered[q] = false, true
					h.quarterly[q] = h.quarterly[q] || f.register != nil
				}
			}
		}
	}
	for _, m := range b.outside {
		if m.stands(h.from, to) {
			h.outside = append(h.outside, feed{h.of[m.Name], m})
		}
	}
	for _, r := range all {
		m, q := b.meters[r.name], r.quantity
		if q == Other || !r.booked {
			continue
		}
		if !b.Names(r.name) {
			if r.any() {
				h.plain[q], h.altered[q], h.quarterly[q] = false, true, true
			}
			continue
		}
		if m == nil || h.foreign[r.name] {
			h.feeds[q] = append(h.feeds[q], feed{register: r})
			continue
		}
		whole := m.From <= h.from && (m.To == 0 || m.To >= to)
		if (!whole || m.Quantity != q || h.of[r.name] != r || !b.Counts(r.name, h.from, to)) && r.any() {
			h.plain[q], h.altered[q], h.quarterly[q] = false, true, true
		}
	}
}

// any reports whether r shows, or should show, anything in its hour.
func (r *register) any() bool {
	return r.expected != [4]uint32{} || r.amount != [4][metric.Qualities]uint64{}
}

// What was done to come to know a quarter.
type means uint8

const (
	byBackup     means = 1 << iota // a backup stood in
	byCompletion                   // what stands beside it was taken off what stands above it
	byCorrection                   // readings were corrected, or put in by hand
	byEstimate                     // what was not read is as a file estimates it
	noFactor                       // fuel was burnt of which no factor is stated
)

// worth is what is known of feed f in quarter k.
func (h *branches) worth(f *feed, k int) (w worth, how means) {
	from := h.from + int64(k)*quarter
	w = h.own(f, k)
	if f.meter == nil || w.full && !w.estimated() {
		return w, w.how()
	}
	for _, m := range h.backups[f.meter.Name] {
		if !m.stands(from, from+quarter) {
			continue
		}
		switch x := h.own(&feed{h.of[m.Name], m}, k); {
		case x.full && (!w.full || !x.estimated()): // what a backup read is better than an estimate
			return x, byBackup | x.how()
		case x.covered > w.covered:
			w, how = x, byBackup
		}
	}
	if w.full {
		return w, w.how()
	}
	if x, ok := h.complete(f.meter, k); ok {
		return x, byCompletion
	}
	return w, how
}

// estimated reports whether a file's estimate counts.
func (w *worth) estimated() bool { return w.by != nil && w.by.Quality == metric.EstimatedProfile }

func (w *worth) how() means {
	switch {
	case w.by == nil:
		return 0
	case w.estimated():
		return byEstimate
	}
	return byCorrection
}

// own is what the meter of f itself tells, while it stands in its place.
func (h *branches) own(f *feed, k int) worth {
	if f.meter == nil {
		return f.register.worth(k, asRead)
	}
	from := h.from + int64(k)*quarter
	awaited := f.meter.within(from, min(from+quarter, h.until))
	if f.register == nil || f.meter.within(from, from+quarter) == 0 {
		return worth{expected: awaited}
	}
	return f.register.worth(k, awaited)
}

// complete is what branch m must have taken: what stands above it less what
// stands beside it, where all of these are known.
func (h *branches) complete(m *Meter, k int) (w worth, ok bool) {
	from := h.from + int64(k)*quarter
	n, fed := h.jointOf[m.Name]
	if !fed || m.within(from, from+quarter) < quarter {
		return w, false
	}
	var left uint64
	for _, up := range h.joints[n].up {
		if up.stands(from, from+quarter) {
			v, ok := h.known(up, k)
			if !ok {
				return w, false
			}
			left += v
		}
	}
	for _, o := range h.joints[n].down {
		if o == m || !o.stands(from, from+quarter) {
			continue
		}
		v, ok := h.known(o, k)
		if !ok || v > left {
			return w, false
		}
		left -= v
	}
	w = worth{covered: quarter, expected: quarter, full: true}
	w.amount[metric.EstimatedProfile] = left
	return w, true
}

// known is what a meter, or one that stands in for it, shows in quarter k.
func (h *branches) known(m *Meter, k int) (uint64, bool) {
	x := h.own(&feed{h.of[m.Name], m}, k)
	for _, b := range h.backups[m.Name] {
		if y := h.own(&feed{h.of[b.Name], b}, k); y.full && (!x.full || x.estimated() && !y.estimated()) {
			x = y
		}
	}
	return x.total(), x.full
}
