package rights

import (
	"fmt"
	"strings"
)

// A Role is what somebody does here, or a set of these: one bit each.
type Role uint8

// The roles.
const (
	Viewer   Role = 1 << iota // reads
	Operator                  // likewise, sets health aside, and reads the aggregator's own metrics
	Energy                    // likewise reads, takes in readings, makes reports and signs them
	Admin                     // all, but sign a report: it approves one that another signed
)

// Everybody is all roles.
const Everybody = Viewer | Operator | Energy | Admin

var roleNames = [...]string{"viewer", "operator", "energy", "admin"}

// ParseRole reads one role.
func ParseRole(s string) (Role, error) {
	for i, name := range roleNames {
		if s == name {
			return 1 << i, nil
		}
	}
	return 0, fmt.Errorf("%q is none of %s", s, strings.Join(roleNames[:], ", "))
}

// Has reports whether one of r's roles is among those of of.
func (r Role) Has(of Role) bool { return r&of != 0 }

func (r Role) String() string {
	var names []string
	for i, name := range roleNames {
		if r.Has(1 << i) {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}
