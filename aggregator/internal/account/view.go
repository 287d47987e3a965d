package account

import (
	"cmp"
	"slices"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// OpenHours are the hours of a site that are still in the state, oldest first.
// An hour that is sealed too stands there for what came late, or lies over it.
func (s *State) OpenHours(site string) []Ref {
	st := s.sites[site]
	if st == nil {
		return nil
	}
	refs := make([]Ref, 0, len(st.hours)+len(st.overlays))
	for k := range st.overlays {
		refs = append(refs, k.ref(site))
	}
	refs = append(refs, s.CountedHours(site)...)
	slices.SortFunc(refs, func(a, b Ref) int { return cmp.Or(cmp.Compare(a.Number, b.Number), cmp.Compare(a.Subject, b.Subject)) })
	return refs
}

// CountedHours are those of them that hold what accounts booked, in no order. They
// are few, where a year of readings that waits to be sealed is many.
func (s *State) CountedHours(site string) []Ref {
	st := s.sites[site]
	if st == nil {
		return nil
	}
	refs := make([]Ref, 0, len(st.hours))
	for _, h := range st.hours {
		refs = append(refs, Ref{Site: site, Number: h.number, Late: h.late})
	}
	return refs
}

// Fronts are all that is open of an hour of a site up to until, each without its
// lists of devices and of jobs, in the order in which they count.
func (s *State) Fronts(site string, number, until int64) (fronts []*Hour) {
	st := s.sites[site]
	if st == nil {
		return nil
	}
	for _, late := range []bool{false, true} {
		for _, h := range st.hours {
			if h.number == number && h.late == late {
				fronts = append(fronts, st.front(h, until))
			}
		}
	}
	for of := range Subjects {
		for _, closing := range []bool{true, false} {
			k := overlayKey{number, of, closing}
			if v := st.overlays[k]; v != nil {
				fronts = append(fronts, st.overlaid(k, v))
			}
		}
	}
	return fronts
}

// Rows yields all that is open of an hour of a site, as far as until. What is
// yielded is valid during the call.
func (s *State) Rows(site string, number, until int64, yield func(d *Device, p *Place, r *Row)) {
	st := s.sites[site]
	if st == nil {
		return
	}
	for _, h := range st.hours {
		if h.number != number {
			continue
		}
		st.rows(h, until, func(n, place uint32, r Row) {
			d := st.device(n)
			yield(&d, &st.places.values[place], &r)
		})
	}
}

// Latest is the arrival of a site's newest record, milliseconds since 1970.
func (s *State) Latest(site string) int64 {
	if st := s.sites[site]; st != nil {
		return st.arrived
	}
	return 0
}

// Next is the hour of a site that will be sealed next; 0 if none is open yet.
func (s *State) Next(site string) int64 {
	if st := s.sites[site]; st != nil {
		return st.next
	}
	return 0
}

// Simulated reports whether any of a site's readings came from a model.
func (s *State) Simulated(site string) bool {
	st := s.sites[site]
	return st != nil && st.simulated
}

// Durable is the watermark of an agent; ok is false if nothing of it is booked.
func (s *State) Durable(site, name string) (w Watermark, ok bool) {
	st := s.sites[site]
	if st == nil {
		return w, false
	}
	n, ok := st.byAgent[name]
	if !ok || st.agents[n].sequence == 0 {
		return w, false
	}
	a := &st.agents[n]
	return Watermark{site, a.name, a.incarnation, a.sequence}, true
}

// Life is all that was ever booked of quantity q, by quality.
func (s *State) Life(site string, q Quantity) (life [metric.Qualities]Wide) {
	if st := s.sites[site]; st != nil && q < Quantities {
		life = st.life[q]
	}
	return life
}

// A Balance is what one account has booked since it was opened.
type Balance struct {
	Device    Device
	Counted   uint64 // what its register showed, mJ or mL
	Estimated uint64 // besides
}

// Balances yields every account of a site.
func (s *State) Balances(site string, yield func(Balance) bool) {
	st := s.sites[site]
	if st == nil {
		return
	}
	for n := range st.counters {
		if !yield(Balance{st.device(uint32(n)), st.counters[n].booked, st.counters[n].estimated}) {
			return
		}
	}
}

// Meters yields the meters of a site that have an account, one by each thing that
// they count.
func (s *State) Meters(site string, yield func(Device) bool) {
	st := s.sites[site]
	if st == nil {
		return
	}
	for _, n := range st.meters {
		if !yield(st.device(n)) {
			return
		}
	}
}

// Adopt makes a site known whose hours before next are sealed, though the state
// that sealed them is lost. Nothing is booked into them again: the counters show
// what is in them already.
// life is what the sealed hours hold.
func (s *State) Adopt(site string, next int64, life [Quantities][metric.Qualities]Wide) {
	st := s.sites[site]
	if st == nil {
		st = s.addSite(site)
	}
	st.next, st.floor, st.sealed, st.life = next, next, st.sealed+1, life
}

// Floor is the hour of a site before which the state does not know what was
// booked by account; 0 if it knows all.
func (s *State) Floor(site string) int64 {
	if st := s.sites[site]; st != nil {
		return st.floor
	}
	return 0
}

// Agents yields the watermark of every agent of a site.
func (s *State) Agents(site string, yield func(Watermark)) {
	if st := s.sites[site]; st != nil {
		for i := range st.agents {
			if a := &st.agents[i]; a.sequence > 0 {
				yield(Watermark{site, a.name, a.incarnation, a.sequence})
			}
		}
	}
}

// Discarded is what was not booked for being in hours that were sealed by a
// state that is lost; mJ and mL together.
func (s *State) Discarded(site string) Wide {
	if st := s.sites[site]; st != nil {
		return st.discarded
	}
	return Wide{}
}

// Resume opens an hour for restatement although nothing came late: what the
// files say of it must be set against what is booked.
func (s *State) Resume(r Ref) {
	st := s.sites[r.Site]
	if st == nil || r.Number >= st.next || r.Number < st.floor {
		return
	}
	st.hour(r.Number)
}

// LifeInside is all that was ever booked inside a boundary, mJ, and where IT is
// metered; ok is false if nothing is.
func (s *State) LifeInside(site string, b metric.Boundary) (mj Wide, category int, ok bool) {
	return inside(b, 0, Wide{}, func(q Quantity) (w Wide) {
		for _, v := range s.Life(site, q) {
			w, _ = w.Add(v) // fewer than 2^64 terms of 64 bits
		}
		return w
	})
}

// Inside is what lies inside a boundary by the totals of quantities, likewise, and
// that of IT by where it is stated to be metered, that of the facility less what is
// used outside.
func (b *Basis) Inside(boundary metric.Boundary, outside Wide, total func(Quantity) Wide) (mj Wide, category int, ok bool) {
	at := 0
	if b != nil {
		at = b.Category
	}
	return inside(boundary, at, outside, total)
}

func inside(b metric.Boundary, at int, outside Wide, total func(Quantity) Wide) (mj Wide, category int, ok bool) {
	switch b {
	case metric.Facility:
		for _, q := range supplies {
			mj, _ = mj.Add(total(q))
		}
		ok = mj != Wide{}
		off, _ := outside.Add(total(Export))
		left, fits := mj.Sub(off)
		return left, 0, ok && fits
	case metric.IT:
		if at > 0 && total(categories[at-1]) != (Wide{}) {
			return total(categories[at-1]), at, true
		}
		for i, q := range categories {
			if mj = total(q); mj != (Wide{}) {
				return mj, i + 1, true
			}
		}
		return mj, 0, false
	case metric.Hosts:
		mj = total(HostEnergy)
	case metric.GPUs:
		mj = total(GPUEnergy)
	}
	return mj, 0, mj != Wide{}
}
