package live

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// A claim is a thing of a site that one agent at a time speaks for: what two
// agents report must not count twice.
type claim struct {
	kind claimKind
	name string
}

type claimKind uint8

const (
	hostClaim  claimKind = iota // that the host is there
	powerClaim                  // node power of a host, which another agent may read than the host's own
	meterClaim
	gpuClaim
)

func (c claim) String() string {
	return [...]string{"host ", "power of host ", "meter ", "GPU "}[c.kind] + c.name
}

// claim takes c for a, unless another agent has it that is not silent. Silent
// owners that lose it are added to losers; nil: none may lose.
func (a *sender) claim(c claim, losers *[]*sender) bool {
	owner := a.site.claims[c]
	switch {
	case owner == a: // it stands in the layout twice
		return false
	case owner != nil && (losers == nil || !owner.silent()):
		if !slices.Contains(a.refused, c) {
			a.refused = append(a.refused, c)
		}
		return false
	case owner != nil && !slices.Contains(*losers, owner):
		*losers = append(*losers, owner)
	}
	a.site.claims[c] = a
	a.claims = append(a.claims, c)
	return true
}

// release gives back all that a has.
func (a *sender) release() {
	for _, c := range a.claims {
		if a.site.claims[c] == a {
			delete(a.site.claims, c)
		}
	}
	a.claims, a.refused = a.claims[:0], a.refused[:0]
}

// silent reports whether a has said nothing for as long as a reading is held.
func (a *sender) silent() bool { return a.recalled || a.site.last-a.newest > a.hold }

// superseded reports whether others speak for all that a spoke for, as after it
// was given another name.
func (a *sender) superseded() bool {
	return len(a.claims) == 0 && (len(a.refused) > 0 || a.recalled)
}

// contest reports whether anything that was refused to a can be had now.
func (a *sender) contest() bool {
	return slices.ContainsFunc(a.refused, func(c claim) bool {
		owner := a.site.claims[c]
		return owner == nil || owner.silent()
	})
}

// adopt makes l the layout of a. What a takes from silent agents is theirs no
// more.
func (a *sender) adopt(l *metric.Layout) {
	var losers []*sender
	a.plan(l, &losers)
	for _, o := range losers {
		gpus := len(o.gpus)
		o.plan(o.layout, nil)
		o.yields(gpus)
	}
}

// claimEntities tells for each entity of l whether it counts as a's: GPUs and
// meters do, unless they are another agent's.
func (a *sender) claimEntities(l *metric.Layout, losers *[]*sender) []bool {
	mine := make([]bool, len(l.Entities))
	for e := range l.Entities {
		switch l.Entities[e].Kind {
		case metric.GPU:
			mine[e] = a.claim(claim{gpuClaim, l.Entities[e].Name}, losers)
		case metric.Meter:
			mine[e] = a.claim(claim{meterClaim, l.Entities[e].Name}, losers)
		default:
			mine[e] = true
		}
	}
	return mine
}

// mostRefusals is how many agents a status names of which something is refused.
const mostRefusals = 8

// refusals says of which agents something is not counted, and why: how many
// they are, and the first of them by name.
func (s *site) refusals() (n int, why []string) {
	why = []string{}
	for _, a := range s.senders {
		if len(a.refused) == 0 || a.superseded() && a.silent() {
			continue
		}
		n++
		first := slices.MinFunc(a.refused, func(b, c claim) int { return int(b.kind) - int(c.kind) })
		more := ""
		if k := len(a.refused) - 1; k > 0 {
			more = fmt.Sprintf(" and %d more", k)
		}
		if owner := s.claims[first]; owner != nil {
			why = append(why, fmt.Sprintf("agent %s: %s%s not counted, as agent %s came first", a.name, first, more, owner.name))
		}
	}
	slices.SortFunc(why, strings.Compare)
	return n, why[:min(len(why), mostRefusals)]
}
