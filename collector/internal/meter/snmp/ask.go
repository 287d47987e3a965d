package snmp

import (
	"errors"
	"fmt"
	"slices"

	"github.com/gosnmp/gosnmp"
)

// ask asks for objects by as few requests as the agent can answer. Those that it
// refuses are left out; refused says which, and why.
func (s *session) ask(oids []string) (answers map[string]gosnmp.SnmpPDU, refused []error, err error) {
	answers = map[string]gosnmp.SnmpPDU{}
	left := slices.Clone(oids)
	for len(left) > 0 {
		part := left[:min(len(left), s.most())]
		got, err := s.get(part)
		var r refusal
		switch {
		case err == nil:
			for _, v := range got {
				answers[v.Name] = v
			}
			left = left[len(part):]
		case errors.Is(err, errTooBig) && len(part) > 1:
			s.a.most = len(part) / 2
		case errors.Is(err, errTooBig):
			refused = append(refused, fmt.Errorf("object %s: %w", part[0], err))
			left = left[1:]
		case errors.As(err, &r) && r.at >= 1 && r.at <= len(part):
			oid := part[r.at-1]
			if r.code == gosnmp.NoSuchName {
				answers[oid] = gosnmp.SnmpPDU{Name: oid, Type: gosnmp.NoSuchObject}
			} else {
				refused = append(refused, fmt.Errorf("object %s: %w", oid, err))
			}
			left = slices.Delete(left, r.at-1, r.at)
		default:
			return nil, nil, err
		}
	}
	return answers, refused, nil
}

// most is how many objects are asked for at once.
func (s *session) most() int {
	most := mostObjects
	for _, bound := range []int{s.bound, s.a.most} {
		if bound > 0 {
			most = min(most, bound)
		}
	}
	return most
}
