package site

import (
	"slices"
	"strings"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// judgeTree looks for energy that would be counted twice, and for meters that are
// on the wrong side of others.
func (s *Site) judgeTree(r *reader) {
	told := map[*mark]bool{}
	for i := range s.tree.Nodes {
		n := &s.tree.Nodes[i]
		m := n.Meter
		if n.loop || told[m.mark] {
			continue
		}
		mine := roleOf(m.Role)
		at := m.mark.at("parent")
		if up := s.tree.aboveOf(i, m.Role); up >= 0 && m.Role != metric.RoleDistribution {
			told[m.mark] = true
			r.wrong(at, "give the one that is not to count role distribution; or, if both are at one point, write backup_of:",
				"%s is below %s and both have role %s: what passes both would be counted twice", m.ID, s.tree.Nodes[up].Meter.ID, m.Role)
			continue
		}
		for _, p := range n.Parents {
			up := s.tree.Nodes[p].Meter
			theirs := roleOf(up.Role)
			switch {
			case mine.rank == 0:
				r.wrong(at, "leave parent out", "%s has role %s: it is where energy crosses the site's boundary, and no meter feeds it", m.ID, m.Role)
			case up.Role == metric.RoleExport, theirs.rank > mine.rank && m.Role != metric.RoleDistribution, theirs.rank == 5 && mine.rank != 5:
				r.wrong(at, "exchange the two, or check their roles", "%s, %s, is fed by %s, %s: that is the wrong way round", m.ID, m.Role, up.ID, up.Role)
			default:
				continue
			}
			told[m.mark] = true
			break
		}
		if told[m.mark] {
			continue
		}
		s.judgeRating(r, n, told)
		if up := s.tree.aboveOf(i, metric.RoleUPSOutput); up >= 0 && mine.rank == 5 {
			told[m.mark] = true
			r.warn(at, "nothing is wrong if it is so; hang it elsewhere if it is not",
				"%s is fed by %s: in category 1 its energy counts as IT energy, which makes the PUE look better", m.ID, s.tree.Nodes[up].Meter.ID)
		}
	}
	s.judgeLoose(r)
}

// aboveOf is the nearest node above i with a role, -1 if there is none.
func (t *Tree) aboveOf(i int, role string) int {
	bit := uint32(1) << index(role)
	for n := &t.Nodes[i]; n.above&bit != 0 && !n.loop; {
		next := -1
		for _, p := range n.Parents {
			if t.Nodes[p].Meter.Role == role {
				return p
			}
			if t.Nodes[p].above&bit != 0 {
				next = p
			}
		}
		if next < 0 {
			break
		}
		n = &t.Nodes[next]
	}
	return -1
}

// judgeRating holds the rating of n against what feeds it and its transformers.
func (s *Site) judgeRating(r *reader, n *Node, told map[*mark]bool) {
	m := n.Meter
	if m.Rating == 0 {
		return
	}
	var sum Power
	var names []string
	for _, p := range n.Parents {
		up := s.tree.Nodes[p].Meter
		if up.Rating == 0 {
			names = nil
			break
		}
		sum += up.Rating
		names = append(names, up.ID)
	}
	if len(names) > 0 && m.Rating > sum {
		told[m.mark] = true
		r.warn(m.mark.at("rating"), "check the ratings, and whether it is fed from there", "%s is rated %s, and what feeds it, %s, %s", m.ID, m.Rating, strings.Join(names, " and "), sum)
	}
	for i := range m.Installed {
		// A fifth more than the rating is where readings are set aside.
		if most := m.Installed[i].carries(); most > 0 && m.Rating.Watts() > 1.2*most {
			told[m.mark] = true
			r.warn(m.mark.at("ct"), "check ct and vt on their plates, and the rating", "%s is rated %s, and transformers of %s A and %s V carry %s",
				m.ID, m.Rating, m.Installed[i].CT, m.Installed[i].VT, Power(most*1000).rounded())
			break
		}
	}
}

// rounded is p to three digits.
func (p Power) rounded() Power {
	step := Power(1)
	for p/step >= 1000 {
		step *= 10
	}
	return p / step * step
}

// judgeLoose complains of meters of IT that hang below nothing while there is
// something that they could hang below.
func (s *Site) judgeLoose(r *reader) {
	ups := len(s.MetersOf(metric.RoleUPSOutput)) > 0
	told := map[*mark]bool{}
	for i := range s.tree.Nodes {
		m := s.tree.Nodes[i].Meter
		if ups && len(m.Parents) == 0 && !told[m.mark] && (m.Role == metric.RolePDUOutput || m.Role == metric.RoleITInput) {
			told[m.mark] = true
			r.warn(m.mark.at("id"), "write parent: and the UPS meter that feeds it", "%s hangs below no UPS meter: the two cannot be held against each other", m.ID)
		}
	}
}

// judgePoints looks for points that are metered twice without a word, and for
// devices that are read twice.
func (s *Site) judgePoints(r *reader) {
	type point struct{ role, where, feed, point string }
	first := map[point]*Meter{}
	origins := map[string]*Meter{}
	told := map[*mark]bool{}
	for i := range s.Meters {
		m := &s.Meters[i]
		if told[m.mark] || m.Role == "" {
			continue
		}
		if o := m.Read.origin(); o != "" {
			if twin, ok := origins[o]; ok {
				told[m.mark] = true
				r.wrong(m.mark.at("read"), "give each its own address, unit, row, topic, instance or item", "%s is read from the very place that %s is read from", m.ID, twin.ID)
				continue
			}
			origins[o] = m
		}
		if m.BackupOf != "" {
			continue
		}
		where := strings.Join([]string{strings.Join(m.Halls, " "), strings.Join(m.Racks, " "), strings.Join(m.Parents, " ")}, "/")
		p := point{m.Role, where, m.Feed, m.Point}
		twin, ok := first[p]
		if !ok {
			first[p] = m
			continue
		}
		if twin.entry != m.entry {
			told[m.mark] = true
			r.wrong(m.mark.at("id"), "if each carries a part, write feed: A and feed: B, or point: what each is at; if both are at one point, write backup_of: "+twin.ID,
				"%s and %s (line %d) have role %s at the same place, and nothing says whether they are added", twin.ID, m.ID, twin.mark.line, m.Role)
		}
	}
}

// judgeFeeds holds what meters feed against halls and racks.
func (s *Site) judgeFeeds(r *reader) {
	told := map[*mark]bool{}
	s.judgePairs(r)
	for i := range s.Meters {
		m := &s.Meters[i]
		if told[m.mark] {
			continue
		}
		for _, h := range m.Halls {
			if _, ok := s.hall[h]; !ok {
				told[m.mark] = true
				r.wrong(m.mark.at("hall"), r.nearestOf(h, s.hallNames), "of %s: there is no hall %q under halls", m.ID, short(h))
				break
			}
		}
		for _, id := range m.Racks {
			k := s.Rack(id)
			if k == nil {
				told[m.mark] = true
				r.wrong(m.mark.at("rack"), r.nearestOf(id, s.rackNames), "of %s: there is no rack %q under racks", m.ID, short(id))
				break
			}
			if len(m.Halls) > 0 && k.Hall != "" && !slices.Contains(m.Halls, k.Hall) {
				told[m.mark] = true
				r.wrong(m.mark.at("hall"), "leave hall out: the rack says it", "%s is said to feed %s, and rack %s stands in %s", m.ID, strings.Join(m.Halls, ", "), id, k.Hall)
				break
			}
		}
	}
}

// judgePairs looks for feeds that come alone.
func (s *Site) judgePairs(r *reader) {
	type end struct{ role, where string }
	feeds := map[end]string{}
	where := func(m *Meter) end {
		return end{m.Role, strings.Join(m.Halls, " ") + "/" + strings.Join(m.Racks, " ")}
	}
	for i := range s.Meters {
		if m := &s.Meters[i]; m.Feed != "" && m.BackupOf == "" && !strings.Contains(feeds[where(m)]+" ", " "+m.Feed+" ") {
			feeds[where(m)] += " " + m.Feed
		}
	}
	told := map[*mark]bool{}
	for i := range s.Meters {
		m := &s.Meters[i]
		if m.Feed == "" || m.BackupOf != "" || told[m.mark] || strings.Count(feeds[where(m)], " ") > 1 {
			continue
		}
		told[m.mark] = true
		r.warn(m.mark.at("feed"), "write the meters of the other feed; or leave feed out if there is none", "%s meters feed %s of %s, and no meter the other feed: what comes by that is not counted", m.ID, m.Feed, m.feedsWhat())
	}
}

// feedsWhat is what m feeds, for people.
func (m *Meter) feedsWhat() string {
	switch {
	case len(m.Racks) > 0:
		return "rack " + some(m.Racks)
	case len(m.Halls) > 0:
		return "hall " + some(m.Halls)
	}
	return "the site"
}
