package site

import (
	"fmt"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// A Category says where the energy of IT is metered, as in ISO/IEC 30134-2: 1 at
// UPS output, 2 at PDU output, 3 at the input of the equipment; 0 if nowhere.
type Category struct {
	Number int
	Role   string // of the meters
	Meters int    // backups apart
	Racks  int    // that they reach
	Of     int    // racks there are
}

// itRoles are the roles of categories 1 to 3.
var itRoles = [3]string{metric.RoleUPSOutput, metric.RolePDUOutput, metric.RoleITInput}

func (c Category) String() string {
	if c.Number == 0 {
		return "no category: no meter has role ups_output, pdu_output or it_input"
	}
	t := fmt.Sprintf("category %d: IT energy is metered at %s by %s", c.Number, c.Role, plural(c.Meters, "meter"))
	if c.Of > 0 {
		t += ", which reach " + ofRacks(c.Racks, c.Of)
	}
	return t
}

func plural(n int, of string) string {
	if n == 1 {
		return "1 " + of
	}
	return fmt.Sprintf("%d %ss", n, of)
}

// ITCategory is the outermost category whose meters reach all racks; if there is
// none, the outermost that has meters.
func (s *Site) ITCategory() Category {
	all := s.categories()
	for _, c := range all {
		if c.Meters > 0 && c.Racks == c.Of {
			return c
		}
	}
	for _, c := range all {
		if c.Meters > 0 {
			return c
		}
	}
	return Category{Of: len(s.Racks)}
}

func (s *Site) categories() [3]Category {
	var all [3]Category
	reach := s.reach()
	for i, role := range itRoles {
		all[i] = Category{Number: i + 1, Role: role, Meters: len(s.MetersOf(role)), Of: len(s.Racks)}
		for _, by := range reach {
			if by&(1<<index(role)) != 0 {
				all[i].Racks++
			}
		}
	}
	return all
}

// reach is, for each rack, the roles of the meters through which its energy comes.
func (s *Site) reach() []uint32 {
	t := s.tree
	racks := make([]uint32, len(s.Racks))
	halls := make([]uint32, len(s.Halls))
	var everywhere uint32
	placed := t.placed()
	for i := range t.Nodes {
		n := &t.Nodes[i]
		by := n.above | 1<<index(n.Meter.Role)
		for _, id := range n.Meter.Racks {
			if k, ok := s.rack[id]; ok {
				racks[k] |= by
			}
		}
		if len(n.Meter.Racks) > 0 {
			continue
		}
		for _, h := range n.Meter.Halls {
			if k, ok := s.hall[h]; ok {
				halls[k] |= by
			}
		}
		if len(n.Meter.Halls) == 0 && !placed[i] && roleOf(n.Meter.Role).rank < 5 {
			everywhere |= by // neither it nor what it feeds says where it leads
		}
	}
	for i := range racks {
		racks[i] |= everywhere
		if h, ok := s.hall[s.Racks[i].Hall]; ok {
			racks[i] |= halls[h]
		}
	}
	return racks
}

// placed reports of each node whether something below it says what it feeds.
func (t *Tree) placed() []bool {
	below := make([]bool, len(t.Nodes))
	var up func(i int)
	up = func(i int) {
		for _, p := range t.Nodes[i].Parents {
			if !below[p] {
				below[p] = true
				up(p)
			}
		}
	}
	for i := range t.Nodes {
		if m := t.Nodes[i].Meter; len(m.Racks) > 0 || len(m.Halls) > 0 {
			up(i)
		}
	}
	return below
}

// judgeIT looks for racks whose energy is not in that of IT.
func (s *Site) judgeIT(r *reader) {
	if len(s.Racks) == 0 || len(r.found.list[Error]) > 0 {
		return // what is wrong may be all there is to it
	}
	c := s.ITCategory()
	reach := s.reach()
	if c.Number > 0 && c.Racks < c.Of {
		list := s.unreached(reach, c.Role)
		r.warn(s.marks["meters"].place, "write meters of one of the roles ups_output, pdu_output and it_input for all racks, and what each feeds: hall: or rack:",
			"a mixture of IT meters: none of the roles reaches all racks. Category %d results, by %s; it leaves out %s (%s), so that the PUE would be too high", c.Number, c.Role, plural(len(list), "rack"), some(list))
	}
	if outer := s.categories(); c.Number == 2 && outer[0].Meters > 0 || c.Number == 3 && outer[0].Meters+outer[1].Meters > 0 {
		for _, o := range outer[:c.Number-1] {
			if o.Meters > 0 {
				list := s.unreached(reach, o.Role)
				r.warn(s.marks["meters"].place, "if those racks are behind a UPS, write its meter, and parent: at theirs", "a mixture of IT meters: %s reaches %s only, and not %s. Category %d results, by %s, which reaches all", o.Role, ofRacks(o.Racks, o.Of), some(list), c.Number, c.Role)
			}
		}
	}
	s.judgeUnmetered(r, reach)
}

// unreached are the racks whose energy comes through no meter of a role.
func (s *Site) unreached(reach []uint32, role string) (ids []string) {
	for i, by := range reach {
		if by&(1<<index(role)) == 0 {
			ids = append(ids, s.Racks[i].ID)
		}
	}
	return ids
}

// judgeUnmetered complains of racks without a meter of their own where others
// have one.
func (s *Site) judgeUnmetered(r *reader, reach []uint32) {
	if len(s.MetersOf(metric.RolePDUOutput)) == 0 {
		return
	}
	told := map[*mark]bool{}
	for i := range s.tree.Nodes {
		if m := s.tree.Nodes[i].Meter; m.Role == metric.RolePDUOutput && len(m.Racks)+len(m.Halls) == 0 && !told[m.mark] {
			told[m.mark] = true
			r.warn(m.mark.at("id"), "write rack: and the racks that it feeds", "%s feeds no rack: whose power it shows is not known", m.ID)
		}
	}
	bare := map[*mark][]string{}
	count := map[*mark]int{}
	for i, by := range reach {
		k := &s.Racks[i]
		count[k.mark]++
		if by&(1<<index(metric.RolePDUOutput)|1<<index(metric.RoleITInput)) == 0 {
			bare[k.mark] = append(bare[k.mark], k.ID)
		}
	}
	for i := range s.Racks {
		m := s.Racks[i].mark
		if list := bare[m]; len(list) > 0 {
			r.warn(m.at("id"), "write its PDU meter, with rack: "+list[0]+"; or leave it, if it has none: its energy is then in that of its hall", "no PDU meter feeds %s: the power of %s is not known", some(list), plural(len(list), "rack"))
			delete(bare, m)
		}
	}
}
