package live

import (
	"fmt"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// A Plan is what a site should have, as its operator states it.
type Plan struct {
	Inventory
	Category int     // where IT is metered: 1 UPS output, 2 PDU output, 3 IT input; 0: the outermost point that is
	Meters   []Meter // that should be there
	Racks    []Rack  // likewise
	Only     bool    // others count in nothing; else what their roles say
}

// A Rack is how many hosts should stand in it.
type Rack struct {
	Hall, Name string
	Hosts      int
}

// A Meter is one that should be there, whether it was ever heard of or not.
type Meter struct {
	Name, Role string
	Backup     string  // the meter that it stands in for while that says nothing; they are never added
	Inside     bool    // what it shows is in what another of its role shows, further up
	Less       bool    // what it shows is not the site's: it is taken off the facility
	Rating     float64 // W; a fifth beyond is not believed; 0: not known
	Hall, Rack string  // that it feeds; "": none, or more than one
}

// A point is a meter of the plan, with what is known of it in the second being
// closed.
type point struct {
	*Meter
	quantity quantity
	place    string  // of its rack, as racks are found by; "": in none
	backups  []int32 // points that stand in for it, in the order in which they do

	rack  int32 // where it is heard; -1: it is not
	mute  bool  // it is heard, and not its power
	odd   bool  // it says more than its rating allows
	shows total
}

// due is how many meters of a quantity the plan counts, and what is wrong with
// them.
type due struct{ all, mute, odd, stoodIn int32 }

// SetPlan makes p what a site should have, from now on.
func (l *Live) SetPlan(name string, p Plan) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.plans[name] = p
	s := l.sites[name]
	if s == nil {
		return
	}
	s.setPlan(p)
	for _, a := range s.senders {
		if a.layout != nil {
			a.plan(a.layout, nil)
		}
	}
}

// SetNever says how many hosts of a site's plan nobody ever heard of.
func (l *Live) SetNever(name string, hosts int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s := l.sites[name]; s != nil {
		s.never = hosts
	}
}

// setPlan makes the points of p. Layouts that are known have to be looked at
// again.
func (s *site) setPlan(p Plan) {
	s.expected, s.category, s.only = p.Inventory, p.Category, p.Only
	s.racksDue = make(map[string]int32, len(p.Racks))
	for _, r := range p.Racks {
		s.racksDue[r.Hall+"\x00"+r.Name] = int32(r.Hosts)
	}
	for key, i := range s.rackIndex {
		s.racks[i].plan = s.racksDue[key]
	}
	s.points, s.pointOf = make([]point, 0, len(p.Meters)), make(map[string]int32, len(p.Meters))
	for i := range p.Meters {
		m := &p.Meters[i]
		q, ok := roleQuantity[m.Role]
		if m.Less {
			q, ok = outsideWatts, m.Role == metric.RoleDistribution
		}
		if !ok {
			q = none
		}
		x := point{Meter: m, quantity: q}
		if m.Rack != "" {
			x.place = m.Hall + "\x00" + m.Rack
		}
		s.pointOf[m.Name] = int32(len(s.points))
		s.points = append(s.points, x)
	}
	for i := range s.points {
		x := &s.points[i]
		if x.Backup == "" {
			continue
		}
		if first, ok := s.pointOf[x.Backup]; ok {
			s.points[first].backups = append(s.points[first].backups, int32(i))
		}
	}
}

// point is the number of the plan's meter called name; -1 if it has none.
func (s *site) point(name string) int32 {
	if i, ok := s.pointOf[name]; ok {
		return i
	}
	return -1
}

// hear takes what an agent says of the plan's meters in the second that is being
// closed; slot is where its sums of it are, -1 if it said nothing.
func (s *site) hear(a *sender, slot int) {
	for _, m := range a.mute {
		x := &s.points[m.point]
		x.rack, x.mute = m.rack, true
	}
	for i := range a.parts {
		p := &a.parts[i]
		if p.point < 0 {
			continue
		}
		x := &s.points[p.point]
		x.rack = p.rack
		if slot < 0 {
			continue
		}
		x.shows, x.odd = p.sums[slot], p.odd
	}
}

// forgetSecond makes room for the next.
func (s *site) forgetSecond() {
	s.due = [quantities]due{}
	for i := range s.points {
		x := &s.points[i]
		x.rack, x.mute, x.odd, x.shows = -1, false, false, total{}
	}
}

// settle adds up the plan's meters, each once.
func (s *site) settle() {
	for i := range s.points {
		x := &s.points[i]
		q := x.quantity
		if q == none || x.Backup != "" || x.Inside {
			continue
		}
		d := &s.due[q]
		d.all++
		rack, t := x.rack, x.shows
		for _, b := range x.backups {
			if t.n > 0 {
				break
			}
			if o := &s.points[b]; o.shows.n > 0 {
				t = o.shows
				d.stoodIn++
				if rack < 0 {
					rack = o.rack
				}
			}
		}
		if t.n == 0 {
			switch {
			case x.odd:
				d.odd++
			case x.mute:
				d.mute++
			}
		}
		s.now[q].add(q, t)
		if q == pduWatts {
			s.feed(x, rack, t)
		}
	}
}

// feed adds what a PDU shows to its rack and hall, which lack it if it shows
// nothing.
func (s *site) feed(x *point, rack int32, t total) {
	if rack < 0 && x.place != "" {
		if i, ok := s.rackIndex[x.place]; ok {
			rack = i
		}
	}
	hall := int32(-1)
	switch {
	case rack >= 0:
		r := &s.racks[rack]
		r.due++
		r.sums[pduWatts].add(pduWatts, t)
		hall = r.hall
	case x.Hall != "":
		if i, ok := s.hallIndex[x.Hall]; ok {
			hall = i
		}
	}
	if hall >= 0 {
		s.halls[hall].due++
		s.halls[hall].sums[pduWatts].add(pduWatts, t)
	}
}

// meterCounts are how many meters of a quantity there should be, how many of
// them may say their power, and how many say what cannot be.
func (s *site) meterCounts(q quantity) (all, saying, odd int32) {
	d := s.due[q]
	return s.meters[q] + d.all, s.counts[q] + d.all - d.mute, d.odd
}

// stoodIn says that figures are of meters that stand in for others; "" if none is.
func (s *site) stoodIn(of ...quantity) string {
	var n int32
	for _, q := range of {
		n += s.due[q].stoodIn
	}
	switch n {
	case 0:
		return ""
	case 1:
		return "a backup stands in for a meter"
	}
	return fmt.Sprintf("backups stand in for %d meters", n)
}
