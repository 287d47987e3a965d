package site

import (
	"slices"
	"strings"
)

// A Tree is how energy flows from the grid to the racks, as far as it is metered.
// Its nodes are the site's meters of energy that are no backups.
//
//	grid-a   grid-b   generator          inputs: together they feed what has no parent
//	   └───┬────┘─────────┘
//	   distribution ── chillers
//	   ┌───┴────┐
//	ups-01   ups-02                      two parents feed their children together
//	   └───┬────┘
//	 r0001-pdu-a  r0001-pdu-b            feeds: each carries a part
type Tree struct {
	Nodes []Node // in the order of the site's meters
	at    map[string]int
}

// A Node is one metered point.
type Node struct {
	Meter    *Meter
	Backups  []*Meter // that measure the same point, in the order in which they stand in
	Parents  []int    // nodes that feed it, together
	Children []int    // nodes that it feeds

	above uint32 // roles of the nodes above it, by their place in roles
	loop  bool   // it is above itself
}

// A Balance is a part of the tree in which what flows in at the parents, together,
// flows out at the children, save for losses and what is not metered.
type Balance struct{ Parents, Children []int }

// PowerTree is the site's; do not write to it.
func (s *Site) PowerTree() *Tree { return s.tree }

// Node is the one of a meter, or of the meter that it backs up; -1 if it is none.
func (t *Tree) Node(meter string) int {
	if i, ok := t.at[meter]; ok {
		return i
	}
	return -1
}

// grow makes the tree of the meters that were read, and complains of parents and
// backups that cannot be. What cannot be is left out of it.
func (s *Site) grow(r *reader) *Tree {
	t := &Tree{at: map[string]int{}}
	for i := range s.Meters {
		m := &s.Meters[i]
		role := roleOf(m.Role)
		if m.BackupOf == "" && role != nil && role.electric() && !m.leaks() {
			t.at[m.ID] = len(t.Nodes)
			t.Nodes = append(t.Nodes, Node{Meter: m})
		}
	}
	for i := range s.Meters {
		if m := &s.Meters[i]; m.BackupOf != "" {
			s.backup(r, t, m)
		}
	}
	for i := range t.Nodes {
		n := &t.Nodes[i]
		for _, id := range n.Meter.Parents {
			if up, ok := s.parent(r, t, n.Meter, id); ok {
				n.Parents = append(n.Parents, up)
				t.Nodes[up].Children = append(t.Nodes[up].Children, i)
			}
		}
	}
	t.loops(r)
	return t
}

// parent is the node of a meter's parent.
func (s *Site) parent(r *reader, t *Tree, m *Meter, id string) (int, bool) {
	at := m.mark.at("parent")
	up := s.Meter(id)
	switch {
	case up == nil:
		r.wrong(at, s.meantMeter(r, id), "of %s: there is no meter %q", m.ID, short(id))
	case up == m:
		r.wrong(at, "write the meter that feeds it, or leave it out", "%s feeds itself", m.ID)
	case up.BackupOf != "":
		r.wrong(at, "write "+up.BackupOf, "of %s: %s is a backup of %s", m.ID, id, up.BackupOf)
	default:
		i, ok := t.at[id]
		if !ok && up.Role != "" {
			r.wrong(at, "write a meter of electric energy", "of %s: %s has role %s and feeds nothing", m.ID, id, up.Role)
		}
		return i, ok
	}
	return 0, false
}

// backup hangs a backup at the meter that it stands in for.
func (s *Site) backup(r *reader, t *Tree, m *Meter) {
	at := m.mark.at("backup_of")
	first := s.Meter(m.BackupOf)
	switch {
	case first == nil:
		r.wrong(at, s.meantMeter(r, m.BackupOf), "of %s: there is no meter %q", m.ID, short(m.BackupOf))
	case first == m:
		r.wrong(at, "write the meter that goes first, or leave it out", "%s is a backup of itself", m.ID)
	case first.BackupOf != "":
		r.wrong(at, "write "+first.BackupOf, "of %s: %s is a backup itself", m.ID, first.ID)
	case first.Role != m.Role:
		r.wrong(at, "backups measure the same point: give both one role", "%s has role %s, and %s has %s", m.ID, m.Role, first.ID, first.Role)
	case len(m.Parents) > 0 && !slices.Equal(m.Parents, first.Parents):
		r.wrong(m.mark.at("parent"), "leave it out: a backup is where "+first.ID+" is", "%s is a backup of %s and has another parent", m.ID, first.ID)
	case m.Feed != "" && m.Feed != first.Feed:
		r.wrong(m.mark.at("feed"), "two feeds carry a part each, and are added: leave out backup_of, or feed", "%s is on feed %s, and what it is a backup of is not", m.ID, m.Feed)
	default:
		if i, ok := t.at[first.ID]; ok {
			t.at[m.ID] = i
			t.Nodes[i].Backups = append(t.Nodes[i].Backups, m)
		}
	}
}

// mostCircles is how many are told.
const mostCircles = 20

// loops finds nodes above themselves, and the roles above all others.
func (t *Tree) loops(r *reader) {
	const (
		fresh = iota
		open
		done
	)
	state := make([]uint8, len(t.Nodes))
	var path []int
	circles := 0
	var visit func(i int)
	visit = func(i int) {
		n := &t.Nodes[i]
		state[i] = open
		path = append(path, i)
		for _, up := range n.Parents {
			switch state[up] {
			case fresh:
				visit(up)
			case open:
				n.loop, t.Nodes[up].loop = true, true
				if circles++; circles > mostCircles {
					continue
				}
				round := path[slices.Index(path, up):]
				var names []string
				for _, j := range round {
					t.Nodes[j].loop = true
					names = append(names, t.Nodes[j].Meter.ID)
				}
				if len(names) > 6 {
					names = append(names[:3:3], append([]string{"…"}, names[len(names)-2:]...)...)
				}
				m := t.Nodes[up].Meter
				r.wrong(m.mark.at("parent"), "one of them is not fed by the next: look at their parents again",
					"a circle: %s, each fed by the next, and the last by the first", strings.Join(names, ", "))
				continue
			}
			n.above |= t.Nodes[up].above | 1<<index(t.Nodes[up].Meter.Role)
		}
		path = path[:len(path)-1]
		state[i] = done
	}
	for i := range t.Nodes {
		if state[i] == fresh {
			visit(i)
		}
	}
}

// index is the place of a role in roles.
func index(name string) int {
	return slices.IndexFunc(roles, func(r role) bool { return r.name == name })
}

func (s *Site) meterNames() (names []string) {
	for i := range s.Meters {
		names = append(names, s.Meters[i].ID)
	}
	return names
}

// Input reports whether n is where energy comes into the site or leaves it.
func (n *Node) Input() bool { return roleOf(n.Meter.Role).rank == 0 }

// Balances are the parts of the tree that can be held against each other, outside
// in. The first, if there is one, is the whole site: its inputs against what hangs
// below none.
func (t *Tree) Balances() []Balance {
	var all []Balance
	var site Balance
	seen := make([]bool, len(t.Nodes))
	for i := range t.Nodes {
		n := &t.Nodes[i]
		if n.Input() && len(n.Parents) == 0 {
			site.Parents = append(site.Parents, i)
		}
		if !n.Input() && t.top(n) {
			site.Children = append(site.Children, i)
		}
	}
	if len(site.Parents) > 0 && len(site.Children) > 0 {
		all = append(all, site)
	}
	for i := range t.Nodes {
		if seen[i] || len(t.Nodes[i].Children) == 0 || t.Nodes[i].Input() {
			continue
		}
		// Parents that share a child, and children that share a parent, are one part.
		b := Balance{Parents: []int{i}}
		seen[i] = true
		child := map[int]bool{}
		for k := 0; k < len(b.Parents); k++ {
			for _, c := range t.Nodes[b.Parents[k]].Children {
				if child[c] {
					continue
				}
				child[c] = true
				b.Children = append(b.Children, c)
				for _, p := range t.Nodes[c].Parents {
					if !seen[p] && !t.Nodes[p].Input() {
						seen[p] = true
						b.Parents = append(b.Parents, p)
					}
				}
			}
		}
		all = append(all, b)
	}
	return all
}

// top reports whether n is fed by inputs only.
func (t *Tree) top(n *Node) bool {
	for _, p := range n.Parents {
		if !t.Nodes[p].Input() {
			return false
		}
	}
	return true
}
