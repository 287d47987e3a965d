package account

import (
	"cmp"
	"slices"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// A Sheet is an hour of a site as figures need it: what all of its files and what
// is open of it say, together.
type Sheet struct {
	Number    int64
	Since     int64   // ms since 1970: of the site's first reading, if that is in the hour; before it nothing was awaited
	Summary   Summary // what was counted; with the carbon intensity that stands
	zone      string  // whose words count; "": any
	registers map[registerKey]*register
	quarterly bool // quarters of meters are known
	words     wordTable
	asked     wordTable // words that were read when they were in force
	restated  bool      // readings of meters came after the hour was sealed
}

// registerKey tells the registers of a site's meters apart.
type registerKey struct {
	name   string
	metric metric.Number
	point  uint32
}

// A register is what one showed in an hour.
type register struct {
	registerKey
	quantity          Quantity
	booked            bool // it was read; else it is only spoken of
	amount            [4][metric.Qualities]uint64
	covered, expected [4]uint32
	corrections       [4][]Correction
}

// NewSheet is the empty sheet of an hour. Words of other bidding zones than the
// one of b are not heard.
func NewSheet(number int64, b *Basis) *Sheet {
	s := &Sheet{Number: number, registers: map[registerKey]*register{}, quarterly: true}
	if b != nil {
		s.zone = b.Zone
	}
	return s
}

// Add takes h, the content of a file of the hour or what is open of it, in the
// order in which they came. Of its lists those of words, meters and corrections
// count.
func (s *Sheet) Add(h *Hour) {
	if h.Subject == Counted {
		s.Summary.Add(&h.Summary)
		s.restated = s.restated || h.Late && len(h.Meters) > 0
		s.quarterly = s.quarterly && (len(h.Meters) > 0 || !h.Summary.metered())
		s.hear(&s.asked, h.Words)
		if !slices.ContainsFunc(h.Words, func(w Word) bool { return w.Kind == Lifecycle }) {
			s.hear(&s.asked, h.Summary.words())
		}
	} else {
		s.hear(&s.words, h.Words)
	}
	for i := range h.Meters {
		m := &h.Meters[i]
		r := s.register(registerKey{m.Name, m.Metric, m.Point})
		r.quantity, r.booked = m.Quantity, true
		for k := range 4 {
			r.amount[k][m.Quality] += m.Amount[k]
			r.covered[k] += m.Covered[k]
			r.expected[k] += m.Expected[k]
		}
	}
	for _, c := range h.Corrected {
		r := s.register(registerKey{c.Meter, c.Metric, 0})
		r.corrections[c.Quarter] = append(r.corrections[c.Quarter], c)
	}
}

// Done ends the adding.
func (s *Sheet) Done() {
	for k := range s.words {
		for m := range s.words[k] {
			if s.words[k][m] == nil {
				s.words[k][m] = s.asked[k][m]
			}
		}
	}
	s.Summary.Grams = [60]uint32{}
	for m, w := range s.words[Lifecycle] {
		if w != nil {
			s.Summary.Grams[m] = uint32(w.Value + 1)
		}
	}
}

// hear takes words into a table, but for those of another zone, and those that
// were heard before what it has.
func (s *Sheet) hear(t *wordTable, ws []Word) {
	for i := range ws {
		w := &ws[i]
		if s.zone != "" && w.Zone != "" && w.Zone != s.zone {
			continue
		}
		for m := w.From; m < w.To; m++ {
			if was := t[w.Kind][m]; was == nil || was.Fetched <= w.Fetched {
				t[w.Kind][m] = w
			}
		}
	}
}

func (s *Sheet) register(k registerKey) *register {
	r := s.registers[k]
	if r == nil {
		r = &register{registerKey: k}
		s.registers[k] = r
	}
	return r
}

// inOrder are the registers, by name.
func (s *Sheet) inOrder() []*register {
	rs := make([]*register, 0, len(s.registers))
	for _, r := range s.registers {
		rs = append(rs, r)
	}
	slices.SortFunc(rs, func(a, b *register) int {
		return cmp.Or(cmp.Compare(a.name, b.name), cmp.Compare(a.metric, b.metric), cmp.Compare(a.point, b.point))
	})
	return rs
}

// metered reports whether meters are in u.
func (u *Summary) metered() bool {
	for q := GridInput; q <= WaterPotable; q++ {
		if u.Amount[q] != [60]uint64{} || u.Expected[q] != [60]uint64{} {
			return true
		}
	}
	return false
}

// words are the carbon intensities of u, which does not tell whose they are.
func (u *Summary) words() (ws []Word) {
	for m, g := range u.Grams {
		if g != 0 {
			ws = appendWord(ws, Word{Kind: Lifecycle, From: uint8(m), To: uint8(m + 1), Value: int64(g - 1)})
		}
	}
	return ws
}

// standing is the correction of a quarter, of one quality, that counts: of each
// import its newest, of these the newest that was not taken back; nil if there is
// none.
func (r *register) standing(k int, q metric.Quality) (best *Correction) {
	cs := r.corrections[k]
	for i := range cs {
		c := &cs[i]
		if c.Quality != q {
			continue
		}
		newer := func(o Correction) bool { return o.Quality == q && o.Import == c.Import && o.At > c.At }
		if later := cs[i+1:]; c.Withdrawn || slices.ContainsFunc(cs, newer) ||
			slices.ContainsFunc(later, func(o Correction) bool { return o.Quality == q && o.Import == c.Import && o.At == c.At }) {
			continue
		}
		if best == nil || c.At >= best.At {
			best = c
		}
	}
	return best
}

// A worth is what is known of a register, or of a feed, in a quarter.
type worth struct {
	amount            [metric.Qualities]uint64
	covered, expected int64       // ms
	full              bool        // all of it is known
	by                *Correction // that counts; nil: none does
}

func (w *worth) total() (t uint64) {
	for _, v := range w.amount {
		t += v
	}
	return t
}

// asRead says that a register is awaited for as long as its readings have it.
const asRead = -1

// worth is what is known of r in quarter k of its hour: what corrects it; what was
// read; where that does not cover it what was put in by hand; and where nothing was
// what is estimated. It is awaited for so many ms.
func (r *register) worth(k int, awaited int64) worth {
	instead := func(c *Correction) worth {
		w := worth{covered: quarter, expected: quarter, full: true, by: c}
		w.amount[c.Quality] = c.Amount
		return w
	}
	if c := r.standing(k, metric.Corrected); c != nil {
		return instead(c)
	}
	w := worth{amount: r.amount[k], expected: awaited}
	if awaited == asRead {
		w.expected = int64(int32(r.expected[k]))
	}
	w.covered = min(int64(int32(r.covered[k])), w.expected)
	w.full = w.expected > 0 && w.covered >= w.expected-w.expected/100 // clocks are set within a quarter, too
	if w.full {
		return w
	}
	if c := r.standing(k, metric.Manual); c != nil {
		return instead(c)
	}
	if c := r.standing(k, metric.EstimatedProfile); c != nil {
		return w.completed(c)
	}
	return w
}

// completed is w up to what c estimates of the whole quarter: what was read of it
// stays as it is.
func (w worth) completed(c *Correction) worth {
	w.amount[metric.EstimatedProfile], w.amount[metric.EstimatedStatic] = 0, 0
	if read := w.total(); c.Amount > read {
		w.amount[metric.EstimatedProfile] = c.Amount - read
	}
	w.covered, w.expected, w.full, w.by = quarter, quarter, true, c
	return w
}

// Standing is what stands of a register in a quarter of the hour.
func (s *Sheet) Standing(meter string, n metric.Number, k int) (amount uint64, known bool) {
	r := s.registers[registerKey{meter, n, 0}]
	if r == nil {
		return 0, false
	}
	w := r.worth(k, asRead)
	return w.total(), w.full
}

// Rests reports whether what stands of a quarter of a register is as c says it.
func (s *Sheet) Rests(c *Correction) bool {
	r := s.registers[registerKey{c.Meter, c.Metric, 0}]
	if r == nil {
		return false
	}
	w := r.worth(int(c.Quarter), asRead)
	return w.by != nil && w.by.key() == c.key() && w.by.At == c.At
}

// Measured is what a register counted in a quarter of the hour, whatever corrects
// it; ok is false if that is not known whole.
func (s *Sheet) Measured(meter string, n metric.Number, k int) (amount uint64, ok bool) {
	r := s.registers[registerKey{meter, n, 0}]
	if r == nil {
		return 0, false
	}
	own := register{amount: r.amount, covered: r.covered, expected: r.expected}
	w := own.worth(k, asRead)
	return w.total(), w.full
}

// Knows reports whether a register of a meter is in the sheet.
func (s *Sheet) Knows(meter string, n metric.Number) bool {
	return s.registers[registerKey{meter, n, 0}] != nil
}

// Changes yields what corrections add to what registers counted in the hour:
// amounts by quality modulo 2^64, and the time that they cover modulo 2^32.
func (s *Sheet) Changes(yield func(meter string, n metric.Number, by [metric.Qualities]uint64, covers uint32)) {
	for _, r := range s.inOrder() {
		var by [metric.Qualities]uint64
		var covers uint32
		changed := false
		for k := range 4 {
			w := r.worth(k, asRead)
			if w.by == nil {
				continue
			}
			changed = true
			covers += uint32(quarter) - r.covered[k]
			for q := range by {
				by[q] += w.amount[q] - r.amount[k][q]
			}
		}
		if changed {
			yield(r.name, r.metric, by, covers)
		}
	}
}

// Corrects reports whether c changes what stands: whether it is another word than
// the newest of its import.
func (s *Sheet) Corrects(c *Correction) bool {
	r := s.registers[registerKey{c.Meter, c.Metric, 0}]
	if r == nil {
		return !c.Withdrawn
	}
	var last *Correction
	for i := range r.corrections[c.Quarter] {
		if x := &r.corrections[c.Quarter][i]; x.Quality == c.Quality && x.Import == c.Import && (last == nil || x.At >= last.At) {
			last = x
		}
	}
	switch {
	case last == nil:
		return !c.Withdrawn
	case c.Withdrawn || last.Withdrawn:
		return c.Withdrawn != last.Withdrawn
	}
	return c.Amount != last.Amount
}

// Imported yields the corrections of an import that are not taken back.
func (s *Sheet) Imported(by string, yield func(c Correction)) {
	for _, r := range s.inOrder() {
		for k := range r.corrections {
			newest := map[metric.Quality]Correction{}
			for _, c := range r.corrections[k] {
				if c.Import == by && c.At >= newest[c.Quality].At {
					newest[c.Quality] = c
				}
			}
			for q := range metric.Qualities {
				if c, ok := newest[q]; ok && !c.Withdrawn {
					yield(c)
				}
			}
		}
	}
}

// Carbon is what the energy that was taken from the grid in the hour stands for,
// by the words of a kind: micrograms of CO2e, or of the price billionths of EUR.
// ok is false where nothing was said of a minute that took any.
func (s *Sheet) Carbon(k GridKind) (sum int64, ok bool) {
	ok = true
	for m, w := range s.words[k] {
		mj := s.Summary.Amount[GridInput][m]
		if mj == 0 || mj >= 1<<63 {
			continue
		}
		if w == nil {
			ok = false
			continue
		}
		sum += w.times(mj)
	}
	return sum, ok
}

// times is mj by w: µg of CO2e, or billionths of EUR.
func (w *Word) times(mj uint64) int64 {
	v, negative := uint64(w.Value), w.Value < 0
	if negative {
		v = -v
	}
	q, ok := product(mj, v).over(metric.MillijoulesPerKWh / 1000)
	if !ok || q >= 1<<62 {
		q = 1 << 62
	}
	if negative {
		return -int64(q)
	}
	return int64(q)
}
