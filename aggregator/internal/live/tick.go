package live

import (
	"math"
	"slices"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// ring is of how many seconds an agent's sums are kept: long enough for a second
// to close while newer ones arrive.
const ring = 8

// The last reading stands for one that did not come for 2.5 of its agent's
// intervals, in whole seconds. An agent is not believed to be faster than once a
// second, nor slower than once a minute.
const (
	shortestHold = 2
	longestStep  = 60
)

// take sums a tick of the given second.
func (s *sender) take(second int64, values []metric.Raw) {
	// A newest that is far ahead was dated by a clock that has been set back.
	if second < s.newest && s.newest > s.site.last+ring {
		s.seconds, s.newest = [ring]int64{}, 0
		for i := range s.parts {
			s.parts[i].last = reading{}
		}
	}
	slot := s.slot(second)
	s.seconds[slot] = second
	for i := range s.parts {
		p := &s.parts[i]
		switch p.quantity {
		case gpuCelsius:
			p.sums[slot] = hottest(p.values, values)
		case gpusOk:
			p.sums[slot] = counted(p.values, values, metric.GPUOk)
		case gpusLost:
			p.sums[slot] = counted(p.values, values, metric.GPULost)
		case pduWatts, upsWatts, itWatts, gridWatts, generatorWatts, onsiteWatts, exportWatts, outsideWatts:
			p.sums[slot] = p.held(second, s.hold, values)
		default:
			p.sums[slot] = summed(p.values, values)
		}
	}
	if second >= s.newest {
		if second > s.newest && s.newest > 0 {
			s.pace(second - s.newest)
		}
		s.newest = second
		for i := range s.counters {
			s.counters[i].see(second, values)
		}
		copy(s.values, values)
	}
	if s.unseen {
		s.unseen = false
		for i := range s.gpus {
			if g := &s.gpus[i]; !g.seen {
				g.seen = true
				g.before = g.evidence(s.values)
				g.since = g.before
			}
		}
	}
}

// slot is where the sums of a second go: where they are, or over the oldest.
func (s *sender) slot(second int64) int {
	oldest := 0
	for i, t := range s.seconds {
		if t == second {
			return i
		}
		if t < s.seconds[oldest] {
			oldest = i
		}
	}
	return oldest
}

// pace takes note of the seconds between two ticks. The shortest of the last few
// is the agent's interval: the others have lost some.
func (s *sender) pace(gap int64) {
	s.gaps[s.gap] = min(gap, longestStep)
	s.gap = (s.gap + 1) % len(s.gaps)
	s.hold = max(shortestHold, s.step()*5/2)
}

// step is the agent's interval in seconds.
func (s *sender) step() int64 {
	step := int64(longestStep)
	for _, g := range s.gaps {
		if g > 0 {
			step = min(step, g)
		}
	}
	if s.gaps[0] == 0 {
		return 1
	}
	return step
}

// sane is a float's value; ok is false if it was not read, or is none that an
// instrument shows: one agent's nonsense must not blank the site.
func sane(r metric.Raw) (v float64, ok bool) {
	v = r.Float()
	return v, math.Abs(v) < 1e15
}

func summed(at []int32, values []metric.Raw) (r total) {
	for _, i := range at {
		if v, ok := sane(values[i]); ok {
			r.sum += v
			r.n++
		}
	}
	return r
}

// held is the reading of a meter. One that is missing in a tick is held like one
// of which the tick is missing: without it there would be no sum.
func (p *part) held(second, hold int64, values []metric.Raw) (r total) {
	watts, ok := sane(values[p.values[0]])
	if p.odd = ok && p.limit > 0 && math.Abs(watts) > p.limit; p.odd {
		ok = false
	}
	now := reading{watts, second}
	switch {
	case !ok && (p.last.second > second || p.last.second < second-hold):
		return r
	case !ok:
		now = p.last
	case second >= p.last.second:
		p.last = now
	}
	return total{now.watts, 1}
}

func hottest(at []int32, values []metric.Raw) (r total) {
	r.sum = math.Inf(-1)
	for _, i := range at {
		if v, ok := sane(values[i]); ok {
			r.sum = max(r.sum, v)
			r.n++
		}
	}
	return r
}

func counted(at []int32, values []metric.Raw, state metric.Raw) (r total) {
	for _, i := range at {
		if values[i] == state {
			r.n++
		}
	}
	r.sum = float64(r.n)
	return r
}

// has reports whether there is a tick of the given second.
func (s *sender) has(second int64) bool { return slices.Contains(s.seconds[:], second) }

// at is the slot that stands for the given second: its own, or the newest of
// the seconds before that may stand for it; -1 if there is none.
func (s *sender) at(second int64) int {
	slot, newest := -1, second-s.hold-1
	for i, t := range s.seconds {
		if t > newest && t <= second {
			slot, newest = i, t
		}
	}
	return slot
}
