package account

import (
	"slices"
	"strings"
)

// A joint is where what some meters show, together, goes on to others, save for
// losses and what is not metered: a bus bar, a UPS, a PDU.
type joint struct {
	name      string // of those above
	up, down  []*Meter
	low, high float64 // least and most that may be lacking below, as is stated of those above; both 0: it is not
}

// join finds the joints: meters that share what feeds them are fed together.
func (b *Basis) join() {
	of := map[string]int{} // number of the joint that a meter feeds
	b.jointOf = map[string]int{}
	for i := range b.Meters {
		m := &b.Meters[i]
		if len(m.Parents) == 0 || m.Backup != "" {
			continue
		}
		n, found := -1, false
		for _, up := range m.Parents {
			if k, ok := of[up]; ok && !found {
				n, found = k, true
			}
		}
		if !found {
			n = len(b.joints)
			b.joints = append(b.joints, joint{})
		}
		for _, up := range m.Parents {
			k, ok := of[up]
			switch {
			case !ok:
				b.joints[n].up = append(b.joints[n].up, b.meters[up])
			case k != n: // two that were apart are one
				old := &b.joints[k]
				b.joints[n].up, b.joints[n].down = append(b.joints[n].up, old.up...), append(b.joints[n].down, old.down...)
				for _, x := range old.up {
					of[x.Name] = n
				}
				*old = joint{}
			}
			of[up] = n
		}
		b.joints[n].down = append(b.joints[n].down, m)
	}
	b.joints = slices.DeleteFunc(b.joints, func(j joint) bool { return len(j.up) == 0 })
	for n := range b.joints {
		j := &b.joints[n]
		var names []string
		for _, m := range j.up {
			names = append(names, m.Name)
			switch {
			case m.Low == 0 && m.High == 0:
			case j.low == 0 && j.high == 0:
				j.low, j.high = m.Low, m.High
			default:
				j.low, j.high = min(j.low, m.Low), max(j.high, m.High)
			}
		}
		slices.Sort(names)
		j.name = strings.Join(names, "+")
		for _, m := range j.down {
			b.jointOf[m.Name] = n
		}
	}
}
