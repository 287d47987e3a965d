package live

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// A PlacePower is the power of a site, a hall or a rack inside a boundary.
type PlacePower struct {
	Hall, Rack string // "": of the whole site, or hall
	Boundary   string // "": of none, nothing is metered
	Watts      *float64
	Reason     string // why Watts is nil
}

// place is a copy of a rack, or of a hall in the shape of one, to be judged without
// the lock.
type place struct {
	hall string
	rack
}

// places are those of a level, in the order of their names.
func (l *Live) places(name string, level metric.EntityKind, now time.Time) (p Present, out []place, ok bool) {
	p, out, ok = l.copyPlaces(name, level, now)
	slices.SortFunc(out, func(a, b place) int {
		return cmp.Or(strings.Compare(a.hall, b.hall), strings.Compare(a.name, b.name))
	})
	return p, out, ok
}

func (l *Live) copyPlaces(name string, level metric.EntityKind, now time.Time) (p Present, out []place, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.sites[name]
	if s == nil {
		return p, nil, false
	}
	used := make([]bool, len(s.halls))
	out = make([]place, 0, len(s.racks))
	for i := range s.racks {
		r := &s.racks[i]
		if r.uses == 0 {
			continue
		}
		used[r.hall] = true
		if level == metric.Rack {
			out = append(out, place{s.halls[r.hall].name, *r})
		}
	}
	for i := range s.halls {
		if h := &s.halls[i]; level == metric.Hall && used[i] {
			out = append(out, place{h.name, rack{sums: h.sums, pdus: h.pdus, due: h.due}})
		}
	}
	return s.present(now), out, true
}

// Powers is the power of a site, its halls or its racks at the second last closed:
// inside boundary b, or, if b is negative, inside each of the site's boundaries, or
// the outermost that is metered of a hall or rack.
func (l *Live) Powers(name string, level metric.EntityKind, b int, now time.Time) (p Present, out []PlacePower, ok bool) {
	if level == metric.Site {
		return l.sitePowers(name, b, now)
	}
	p, places, ok := l.places(name, level, now)
	for i := range places {
		x := &places[i]
		r := PlacePower{Hall: x.hall, Rack: x.name}
		if b < 0 {
			r.Watts, r.Boundary, r.Reason = outermost(&x.sums, x.pdus+x.due)
		} else {
			r.Boundary = metric.Boundary(b).String()
			r.Watts, r.Reason = x.inside(metric.Boundary(b))
		}
		if p.Reason != "" {
			r.Watts, r.Reason = nil, p.Reason
		}
		out = append(out, r)
	}
	return p, out, ok
}

func (l *Live) sitePowers(name string, b int, now time.Time) (p Present, out []PlacePower, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.sites[name]
	if s == nil {
		return p, nil, false
	}
	p = s.present(now)
	for of := metric.Facility; of <= metric.GPUs; of++ {
		if b >= 0 && metric.Boundary(b) != of {
			continue
		}
		r := PlacePower{Boundary: of.String(), Reason: p.Reason}
		if p.Reason == "" {
			f := s.power(of)
			r.Watts, r.Reason = f.Watts, f.Reason
		}
		out = append(out, r)
	}
	return p, out, true
}

// inside is the power inside one boundary.
func (x *place) inside(b metric.Boundary) (watts *float64, reason string) {
	q, none, least := gpuWatts, "no GPU reports power", int32(1)
	switch b {
	case metric.Facility:
		return nil, "the facility is metered as a whole"
	case metric.IT:
		q, none, least = pduWatts, "no IT meter", max(1, x.pdus+x.due)
	case metric.Hosts:
		q, none = hostWatts, "no node power"
	}
	t := x.sums[q]
	if t.n >= least {
		return &t.sum, ""
	}
	if pdus := x.pdus + x.due; b == metric.IT && pdus > 0 {
		none = lack(pduWatts, t.n, pdus, pdus, 0)
	}
	return nil, none
}
