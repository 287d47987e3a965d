package account

import (
	"slices"
	"unsafe"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// Items of a cell: the quantities of meters by their own number, and what is made
// of them.
const (
	itemOutside   = int(Quantities) + iota // used outside of the data centre
	itemFresh                              // of the water
	itemSelfUse                            // of the heat
	itemFuel                               // µg of CO2e emitted on the site
	itemClean                              // generated on the site without any
	itemRenewable                          // of renewable sources
	itemLifecycle                          // µg of CO2e of what the grid gave
	itemDirect                             // the same, of combustion alone
	itemSpot                               // billionths of EUR, signed: what that cost at the spot price
	items
)

func itemOf(k GridKind) int { return itemLifecycle + int(k) }

// A cell is a quarter of an hour, or a minute of one: what of it is known.
type cell struct {
	from, minutes int64  // ms since 1970; how long
	met, known    uint32 // by item: something tells of it; all that should does
	amount        [items]uint64
	apart         []apart // of the amounts, what is not measured
	shares        []share1
	parts         []partSum
	delivered     []uint64 // mJ by contract, as meters show it; nil: no contract has one
	how           [items]means
}

// apart is what is known otherwise than by measuring.
type apart struct {
	item    uint8
	quality metric.Quality
	amount  uint64
}

// share1 is what the grid gave under one word.
type share1 struct {
	kind   GridKind
	source uint16 // of the hour
	mj     uint64
}

// A partSum is what a part of the site drew.
type partSum struct {
	known      bool
	supply, it uint64
	how        means
}

func (c *cell) set(item int, v uint64, met, known bool) {
	c.amount[item] = v
	if met {
		c.met |= 1 << item
	}
	if known {
		c.known |= 1 << item
	}
}

func (c *cell) has(item int) bool   { return c.met>>item&1 != 0 }
func (c *cell) knows(item int) bool { return c.known>>item&1 != 0 }

// A Resolved is an hour of which it was decided what each branch took.
type Resolved struct {
	Number   int64
	quarters [4]struct {
		whole   cell   // of no use where the quarter is not over, or asked for in part
		minutes []cell // of the quarter, where not all of it is known or all were wanted
	}
	sources   []GridSource // whose words shares are by
	absent    []absence
	moved     []moved
	quarterly uint32          // by quantity: its minutes are not known, by what stands in for a meter or is taken off; Other: what is taken off
	revised   [GridKinds]bool // a word came after it was asked for
	restated  bool            // readings of meters came after the hour was sealed
	adjusted  map[Quantity]*adjustment
	outside   *adjustment // what is taken off the facility; nil: nothing is
	office    []string    // by which meters
}

// A GridSource is who said something of the grid.
type GridSource struct {
	Kind                      GridKind
	Zone, Provider, Tier, Set string
	Revised                   bool
}

// absence is for how long a branch was not known, by quarter.
type absence struct {
	branch
	minutes [4]int64
}

// A branch is what a meter shows of a quantity.
type branch struct {
	meter    string
	quantity Quantity
}

// An adjustment is what a quantity comes to where that is not what was booked.
type adjustment struct {
	sums              Amount
	covered, expected [4]int64 // ms
}

// Resolve decides what each branch took in the hour of s, as far as until. With
// all, it does so by the minute too.
func (b *Basis) Resolve(s *Sheet, until int64, all bool) *Resolved {
	if b == nil {
		b = nothing()
	}
	h := b.lookUp(s, until)
	r := &Resolved{Number: s.Number, restated: s.restated, moved: h.moved}
	for k := range 4 {
		q := &r.quarters[k]
		over := h.from+int64(k+1)*quarter <= until
		if s.quarterly {
			h.whole(r, k, &q.whole)
			for n := GridInput; n <= WaterPotable; n++ {
				if h.quarterly[n] || q.whole.how[n] != 0 {
					r.quarterly |= 1 << n
				}
			}
			if len(h.outside)+len(h.selfUse) > 0 {
				r.quarterly |= 1 << Other
			}
		}
		if all || !s.quarterly || !over || q.whole.met&^q.whole.known != 0 {
			q.minutes = h.minutesOf(r, k)
		}
		if !over {
			q.whole = cell{}
		}
	}
	h.adjust(r)
	h.takeOff(r)
	return r
}

// minuteAt reports whether the minutes of quantity q of a quarter are what its
// feeds took.
func (h *branches) minuteAt(q Quantity, k int) bool {
	if !h.plain[q] {
		return false
	}
	for i := range h.feeds[q] {
		if r := h.feeds[q][i].register; r != nil && len(r.corrections[k]) > 0 && r.worth(k, asRead).by != nil {
			return false
		}
	}
	return true
}

// minutesOf are the minutes of a quarter in which anything is known.
func (h *branches) minutesOf(r *Resolved, k int) (out []cell) {
	var usable [Quantities]bool
	for q := GridInput; q <= WaterPotable; q++ {
		usable[q] = h.minuteAt(q, k)
	}
	u := &h.sheet.Summary
	for m := k * 15; m < k*15+15; m++ {
		c := cell{from: h.from + int64(m)*minute, minutes: 1}
		for q := GridInput; q <= WaterPotable; q++ {
			e := u.Expected[q][m]
			met := e > 0
			if h.altered[q] {
				met = len(h.feeds[q]) > 0
			}
			c.set(int(q), u.Amount[q][m], met, met && usable[q] && u.Covered[q][m] >= e-e/100) // clocks are set within a minute, too
			if c.knows(int(q)) {
				h.mixOf(&c, q)
			}
		}
		h.derive(&c)
		if len(h.outside) > 0 {
			c.set(itemOutside, 0, true, false)
		}
		h.grid(r, &c, m, m+1)
		if c.known|c.met != 0 {
			out = append(out, c)
		}
	}
	return out
}

// mixOf divides what minute c has of q as the hour divides by quality.
func (h *branches) mixOf(c *cell, q Quantity) {
	sums := &h.sheet.Summary.Sums[q]
	total, err := sums.Total()
	if v := c.amount[q]; err == nil && v > 0 {
		for i := metric.Measured + 1; i < metric.Qualities; i++ {
			if sums[i] > 0 && sums[i] <= total {
				part, _ := share(v, sums[i], total)
				c.apart = append(c.apart, apart{uint8(q), i, part})
			}
		}
	}
}

// derive makes what follows from the quantities of a minute, where all meters of
// one are alike.
func (h *branches) derive(c *cell) {
	alike := func(q Quantity, of func(m *Meter) any) (first any, ok bool) {
		for i := range h.feeds[q] {
			v := of(h.feeds[q][i].meter)
			if i > 0 && v != first {
				return nil, false
			}
			first = v
		}
		return first, true
	}
	fuels, clean, renewable, known := uint64(0), uint64(0), uint64(0), true
	for _, q := range []Quantity{GeneratorOutput, OnsiteGeneration} {
		mj := c.amount[q]
		f, ok := alike(q, func(m *Meter) any { return h.fuel(m) })
		fuel, _ := f.(*Fuel)
		known = known && (!c.has(int(q)) || c.knows(int(q))) && (ok || mj == 0)
		h.burn(c, q, fuel, mj, &fuels, &clean, &renewable)
	}
	h.setFuel(c, fuels, clean, renewable, known)
	if c.has(int(WaterTotal)) {
		scope, ok := alike(WaterTotal, func(m *Meter) any { return m.scope() })
		fresh := uint64(0)
		if scope == Fresh {
			fresh = c.amount[WaterTotal]
		}
		c.set(itemFresh, fresh, scope != ScopeUnstated, ok && scope != ScopeUnstated && c.knows(int(WaterTotal)))
	}
	c.set(itemSelfUse, 0, len(h.selfUse) > 0, false)
}

func (m *Meter) scope() Scope {
	if m == nil {
		return ScopeUnstated
	}
	return m.Scope
}

// fuel is what a generator burns; nil if nothing is stated.
func (b *Basis) fuel(m *Meter) *Fuel {
	if m == nil || m.Fuel == "" {
		return nil
	}
	return b.fuels[m.Fuel]
}

// burn adds what generating mj means. What stands on the site and burns nothing
// that is stated is free of carbon, but for a generator, which burns something.
func (h *branches) burn(c *cell, q Quantity, f *Fuel, mj uint64, micrograms, clean, renewable *uint64) {
	switch {
	case mj == 0:
	case f != nil:
		g, _ := product(mj, uint64(f.Milligrams)).over(metric.MillijoulesPerKWh / 1000)
		*micrograms += g
		if f.Milligrams == 0 {
			*clean += mj
		}
		if f.Renewable && q == OnsiteGeneration {
			*renewable += mj
		}
	case q == OnsiteGeneration:
		*clean += mj
		*renewable += mj
	default:
		c.how[itemFuel] |= noFactor
	}
}

func (h *branches) setFuel(c *cell, micrograms, clean, renewable uint64, known bool) {
	met := c.has(int(GeneratorOutput)) || c.has(int(OnsiteGeneration))
	c.set(itemFuel, micrograms, met, met && known && c.how[itemFuel] == 0)
	c.set(itemClean, clean, c.has(int(OnsiteGeneration)), known)
	c.set(itemRenewable, renewable, c.has(int(OnsiteGeneration)), known)
}

// grid sets what the grid's energy in minutes [from, to) stands for.
func (h *branches) grid(r *Resolved, c *cell, from, to int) {
	if !c.has(int(GridInput)) {
		return
	}
	for k := range GridKinds {
		known := c.knows(int(GridInput))
		var sum int64
		h.portions(c.amount[GridInput], from, to, k, func(w *Word, mj uint64) {
			if w == nil {
				known = known && mj == 0
				return
			}
			sum += w.times(mj)
			r.revised[k] = r.revised[k] || w.Revised
			c.share(k, r.source(w), mj)
		})
		c.set(itemOf(k), uint64(sum), true, known)
	}
}

// portions divides mj over the words in force in minutes [from, to), as the
// minutes themselves drew.
func (h *branches) portions(mj uint64, from, to int, k GridKind, yield func(w *Word, mj uint64)) {
	words := h.sheet.words[k][from:to]
	same := func(a, b *Word) bool { return a == b || a != nil && b != nil && a.alike(b) }
	if !slices.ContainsFunc(words, func(w *Word) bool { return !same(w, words[0]) }) {
		yield(words[0], mj)
		return
	}
	drew := h.sheet.Summary.Amount[GridInput][from:to]
	var all Wide
	for _, v := range drew {
		all = all.plus(v)
	}
	weight := func(m int) uint64 { return drew[m] }
	if all.Hi != 0 || all.Lo == 0 {
		all, weight = Wide{0, uint64(len(words))}, func(int) uint64 { return 1 }
	}
	var before, given uint64
	for m, w := range words {
		before += weight(m)
		upTo, _ := share(mj, before, all.Lo)
		yield(w, upTo-given)
		given = upTo
	}
}

func (c *cell) share(k GridKind, source uint16, mj uint64) {
	if mj == 0 {
		return
	}
	for i := range c.shares {
		if x := &c.shares[i]; x.kind == k && x.source == source {
			x.mj += mj
			return
		}
	}
	c.shares = append(c.shares, share1{k, source, mj})
}

// source is the number of who said w.
func (r *Resolved) source(w *Word) uint16 {
	g := GridSource{w.Kind, w.Zone, w.Provider, w.Tier, w.Set, w.Revised}
	i := slices.Index(r.sources, g)
	if i < 0 {
		i = len(r.sources)
		r.sources = append(r.sources, g)
	}
	return uint16(i)
}

// Size is about how many bytes r takes.
func (r *Resolved) Size() int {
	n := int(unsafe.Sizeof(*r)) + 96*len(r.sources) + 48*(len(r.absent)+len(r.moved)) + 192*len(r.adjusted) + 16*len(r.office)
	for k := range r.quarters {
		q := &r.quarters[k]
		n += 16*(len(q.whole.apart)+len(q.whole.shares)) + 32*len(q.whole.parts)
		for i := range q.minutes {
			c := &q.minutes[i]
			n += int(unsafe.Sizeof(*c)) + 16*(len(c.apart)+len(c.shares))
		}
	}
	return n
}
