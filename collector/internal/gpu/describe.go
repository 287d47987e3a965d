package gpu

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
)

func stateName(state metric.Raw) string {
	return metric.Lookup(metric.GPUState).Labels[0].Values[state]
}

// say logs the states that have changed; of a board that goes to and fro, every
// so often.
func (s *Source) say(at time.Time) {
	for _, b := range s.boards {
		if b.state == b.said || !b.saidAt.IsZero() && at.Sub(b.saidAt) < sayEvery {
			continue
		}
		log := s.log.With("uuid", b.UUID, "index", b.Index, "was", stateName(b.said))
		if b.state == metric.GPUOk {
			log.Info("GPU is ok again")
		} else {
			log.Warn("GPU is not ok", "state", stateName(b.state), "reason", s.why(b.state))
		}
		b.said, b.saidAt = b.state, at
	}
}

// why says what is known of the reason of a state.
func (s *Source) why(state metric.Raw) string {
	switch {
	case state == metric.GPUUnreachable:
		return s.err.Error()
	case state == metric.GPUBlank && !s.stopped.IsZero():
		return "the kernel logged XID 119, after which DCGM's host engine makes no driver calls until it is restarted: systemctl restart nvidia-dcgm"
	case state == metric.GPUBlank:
		return "the driver's library answers, and has no value of any board: it or its host engine may have stopped"
	case state == metric.GPUStale:
		return "readings do not advance: the driver's library hangs, or its host engine has stopped"
	}
	return "" // lost: the driver does not know either
}

// Describe says in one line what was found, how it is, what is refused and why,
// and what would make it work.
func (s *Source) Describe() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var said []string
	tell := func(format string, args ...any) { said = append(said, fmt.Sprintf(format, args...)) }
	if s.found != "" {
		tell("%s", s.found)
	}
	s.tellStates(tell)
	if s.err != nil && len(s.boards) == 0 {
		tell("%v", s.err)
	}
	if s.nameless > 0 {
		tell("%d boards without an identity are not shown", s.nameless)
	}
	for _, r := range s.refused {
		tell("%s", strings.TrimSuffix(r, "."))
	}
	s.tellEnergy(tell)
	if r := s.kernel.refused(); r != "" && slices.ContainsFunc(s.boards, func(b *board) bool { return strings.HasPrefix(b.UUID, "GPU-") }) {
		tell("%s", r)
	}
	if s.kernel.lost > 0 {
		tell("kernel log: overwritten %d times before it was read", s.kernel.lost)
	}
	if s.uncounted > 0 {
		tell("%d XID events are not shown: of unknown boards, or of more than %d codes", s.uncounted, maxCodes)
	}
	if len(said) == 0 {
		return s.driver.Name() + ": no answer yet"
	}
	return strings.Join(strings.Fields(strings.Join(said, "; ")), " ")
}

// tellStates says how many boards are in which state, and why.
func (s *Source) tellStates(tell func(format string, args ...any)) {
	if len(s.boards) == 0 {
		return
	}
	var parts []string
	why := ""
	for state, name := range metric.Lookup(metric.GPUState).Labels[0].Values {
		var in []string
		for _, b := range s.boards {
			if b.state == metric.Raw(state) {
				in = append(in, fmt.Sprintf("%d %s", b.Index, b.UUID))
			}
		}
		if len(in) == 0 {
			continue
		}
		part := fmt.Sprintf("%d %s", len(in), name)
		if metric.Raw(state) != metric.GPUOk && len(in) < len(s.boards) {
			part += " (" + strings.Join(in, ", ") + ")"
		}
		parts = append(parts, part)
		if w := s.why(metric.Raw(state)); w != "" {
			why = ": " + w
		}
	}
	tell("%d boards, %s%s", len(s.boards), strings.Join(parts, ", "), why)
}

// tellEnergy says of which boards energy is not as their own counters have it.
func (s *Source) tellEnergy(tell func(format string, args ...any)) {
	var without, stuck, doubt []string
	for _, b := range s.boards {
		switch name := fmt.Sprint(b.Index); {
		case b.meter.way == drawn:
			without = append(without, name)
		case b.meter.way == forsaken:
			stuck = append(stuck, name)
		case b.meter.base > 0:
			doubt = append(doubt, name)
		}
	}
	if len(without) > 0 {
		tell("no energy counter on boards %s: their power is integrated", strings.Join(without, ", "))
	}
	if len(stuck) > 0 {
		tell("the energy counters of boards %s stand still under load: their power is integrated, until the agent restarts", strings.Join(stuck, ", "))
	}
	if len(doubt) > 0 {
		tell("the energy counters of boards %s stood still under load before: they count from where the agent found them", strings.Join(doubt, ", "))
	}
	if s.forgets != nil {
		tell("energy: %v", s.forgets)
	}
}
