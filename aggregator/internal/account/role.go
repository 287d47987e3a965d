package account

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// What a meter counts towards is fixed in the files of hours by its first reading.
// Answers go by the role that is stated of it, where it has a register for that:
// a role that was wrong is corrected in the statement, and no file changes.

// moved is a meter whose readings count, or are stated to count, towards something
// else than they were booked as.
type moved struct {
	meter          string
	booked, stated Quantity
	less           bool // it is taken off
	foreign        bool // it counts as it was booked: it has no register for what is stated
	unstated       bool // it counts in nothing: others are stated, and it is not
}

// measures reports whether the register of n is one by which m may do what it is
// there for.
func (m *Meter) measures(n metric.Number) bool {
	switch {
	case m.Quantity.IsWater():
		return n == metric.MeterWater
	case m.Quantity == HeatReuse:
		return n == metric.MeterHeatJoules || n == metric.MeterEnergyJoules
	}
	return n == metric.MeterEnergyJoules
}

// rank is how well r does what m is there for; 0: it does not. Heat goes before
// energy, and what was read before what was only imported.
func (r *register) rank(m *Meter) (n int) {
	if !m.measures(r.metric) {
		return 0
	}
	if n++; r.booked {
		n++
	}
	if r.booked && r.quantity == m.Quantity {
		n++
	}
	if m.Quantity == HeatReuse && r.metric == metric.MeterHeatJoules {
		n += 3
	}
	return n
}

// assign finds by which register each meter that is stated counts, and which do
// not count as they were booked.
func (h *branches) assign(all []*register) {
	best := map[string]int{}
	for _, r := range all {
		if m := h.meters[r.name]; m != nil {
			if n := r.rank(m); n > best[r.name] {
				best[r.name], h.of[r.name] = n, r
			}
		}
	}
	for _, r := range all {
		m := h.meters[r.name]
		if !h.Names(r.name) && r.booked && r.quantity != Other && r.any() {
			h.moved = append(h.moved, moved{meter: r.name, booked: r.quantity, unstated: true})
		}
		if m == nil || !r.booked || r.quantity == m.Quantity || !r.any() || !m.stands(h.from, h.from+hour) {
			continue
		}
		x := moved{meter: m.Name, booked: r.quantity, stated: m.Quantity, less: m.Less}
		switch of := h.of[m.Name]; {
		case of == nil && m.Quantity != Other && r.quantity != Other:
			h.foreign[m.Name], x.foreign = true, true
		case of != r && r.quantity == Other, m.Quantity == Other && r.quantity == Distribution:
			continue // it counts towards nothing, or no sum is made of it but to reconcile
		}
		h.moved = append(h.moved, x)
	}
}

// As is d with what it counts towards by what is stated of it.
func (b *Basis) As(d *Device) *Device {
	if b == nil || d.Kind != metric.Meter {
		return d
	}
	m := b.meters[d.Name]
	if m == nil || m.Quantity == d.Quantity || m.Quantity != Other && !m.measures(d.Metric) {
		return d
	}
	x := *d
	x.Quantity = m.Quantity
	return &x
}

// mostMoved bounds how many meters a flag names.
const mostMoved = 3

// note takes in which meters are stated as something else than they were booked,
// if the figure rests on either.
func (f *figures) note(r *Resolved) {
	for _, x := range r.moved {
		it := x.unstated && f.uses(needIT) && f.q.Category == 0 && slices.Contains(categories[:], x.booked) // why there is none
		if f.part < 0 && (it || x.concerns(f.concerns)) && !slices.Contains(f.moved, x) {
			f.moved = append(f.moved, x)
		}
	}
}

// concerns reports whether x matters to what rests on some quantities; Other
// stands for what is taken off.
func (x *moved) concerns(rests func(Quantity) bool) bool {
	return x.booked != Other && rests(x.booked) || (x.stated != Other || x.less) && rests(x.stated)
}

// tellRoles says which meters count otherwise than they were booked.
func (f *figures) tellRoles(flag func(is bool, code, text string)) {
	as, not, none := notes(f.moved)
	flag(as != "", "role_corrected", as)
	flag(not != "", "role_not_measured", not)
	flag(none != "", "unstated_meters", none)
}

// notes are what to say of meters that count as they are stated, of those that
// cannot, and of those of which nothing is stated; "" where there are none.
func notes(ms []moved) (as, not, none string) {
	slices.SortFunc(ms, func(a, b moved) int {
		return cmp.Or(strings.Compare(a.meter, b.meter), cmp.Compare(a.booked, b.booked))
	})
	var yes, no, out []string
	for _, x := range ms {
		switch {
		case x.unstated:
			out = append(out, fmt.Sprintf("%s as %s", x.meter, x.booked))
		case x.foreign:
			no = append(no, fmt.Sprintf("%s as %s, not %s", x.meter, x.booked, x.stated))
		case x.less:
			yes = append(yes, fmt.Sprintf("%s is taken off, not %s", x.meter, x.booked))
		case x.booked == Other:
			yes = append(yes, fmt.Sprintf("%s as %s, which had none", x.meter, x.stated))
		case x.stated == Other:
			yes = append(yes, fmt.Sprintf("%s as nothing, not %s", x.meter, x.booked))
		default:
			yes = append(yes, fmt.Sprintf("%s as %s, not %s", x.meter, x.stated, x.booked))
		}
	}
	if len(yes) > 0 {
		as = "meters count by the role that is stated now, not by that of their first reading: " + some(yes)
	}
	if len(no) > 0 {
		not = "meters count by the role of their first reading: they have no register for the one that is stated: " + some(no)
	}
	if len(out) > 0 {
		none = "meters were read that the site file does not name, and count in nothing; one that was taken away stays in it with its last day: " + some(out)
	}
	return as, not, none
}

// note takes in which meters of an hour count otherwise than they were booked.
func (t *Tally) note(ms []moved) {
	for _, x := range ms {
		if x.concerns(t.counted) && !slices.Contains(t.moved, x) {
			t.moved = append(t.moved, x)
		}
	}
}

// counted reports whether the answer adds up q.
func (t *Tally) counted(q Quantity) bool {
	if t.q.Boundary == metric.Facility {
		return q == Export || slices.Contains(supplies[:], q)
	}
	return q == t.quantity
}

// Restated notes that d, of which there are rows, counts as another device than it
// was booked as.
func (t *Tally) Restated(d, as *Device) {
	t.note([]moved{{meter: d.Name, booked: d.Quantity, stated: as.Quantity}})
}

// Left notes that d, of which there are rows, counts in nothing, if that is because
// nothing is stated of it.
func (t *Tally) Left(b *Basis, d *Device) {
	if !b.Names(d.Name) {
		t.note([]moved{{meter: d.Name, booked: d.Quantity, unstated: true}})
	}
}

// some lists the first of ss, and how many there are besides.
func some(ss []string) string {
	if more := len(ss) - mostMoved; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(ss[:mostMoved], "; "), more)
	}
	return strings.Join(ss, "; ")
}
