package account

// A clock is the time by which an agent's readings are booked. The wall clock of
// the agent is believed while it runs as the boot clock does; where it jumps, the
// boot clock is, unless the wall clock now agrees with the time of arrival: then
// it has been set right.
type clock struct {
	time   int64 // of the newest record, ms since 1970 as corrected
	boot   int64 // of the newest record, ns since boot; 0: unknown
	skew   int64 // time less the agent's wall clock, ms
	lag    int64 // arrival less time, ms
	steady uint8 // records in a row whose lag was the same
}

const (
	agree  = 2_000          // ms that clocks may differ by before it is flagged
	future = 5_000          // ms after its arrival that a record may say it was read
	fresh  = 30_000         // ms after its reading in which a record that is not late arrives
	oldest = 35 * 24 * hour // before its arrival that a record may say it was read
	behind = 30             // records with one lag after which the clock, not the way, is slow
)

// A stamp is when a record was read, as its clocks and its arrival let one know.
type stamp struct {
	time   int64
	shift  int64 // what the times of older readings must be moved by to stay as far from it as they were
	unsure int64 // ms by which it may have been later: no clock ran through since the record before
	stood  bool  // no clock at all ran through since the record before
	odd    bool  // the clocks disagree
}

// read takes the stamps of a record that arrived at the given time. interval is
// what records are usually apart; restarted means that another life of the agent
// read the one before, so that the host may have booted too.
func (c *clock) read(wall, boot, arrived, interval int64, restarted bool) (s stamp) {
	latest := arrived + future
	step := (boot - c.boot) / 1e6
	ran := c.boot > 0 && boot > c.boot && // a clock ran through since the record before
		(!restarted || c.near(wall, step) || c.near(wall+c.skew, step))
	switch {
	case c.time == 0:
		s.time = wall
		if wall > latest || wall < arrived-oldest {
			s.time, s.odd = arrived, true
		}
		*c = clock{time: s.time, boot: boot, skew: s.time - wall, lag: arrived - s.time}
		return s
	case ran:
		s = c.together(wall, step, arrived)
	case wall >= c.time && wall <= latest:
		s.time = wall
	case wall+c.skew >= c.time && wall+c.skew <= latest:
		s.time = wall + c.skew
	default:
		s.time, s.odd = max(c.time, min(c.time+interval, latest)), true
	}
	if s.shift == 0 {
		s.time = max(s.time, c.time)
	}
	if !ran && (s.odd || boot > 0) {
		s.stood = true
		s.unsure = max(0, arrived-s.time, wall-(c.time-c.skew)) // or what its wall clock says has passed
		switch {
		case c.boot == 0:
		case boot < c.boot: // the host booted since the record before
			s.unsure = max(s.unsure, boot/1e6)
		default: // it may have
			s.unsure = max(s.unsure, c.time+step-s.time)
		}
	}
	if c.slow(s.time, arrived, interval) {
		s.shift += arrived - s.time
		s.time, s.odd = arrived, true
	}
	c.time, c.boot, c.skew, c.lag = s.time, boot, s.time-wall, arrived-s.time
	return s
}

// together reads the wall clock beside a boot clock that has run on by step.
func (c *clock) together(wall, step, arrived int64) stamp {
	expected := c.time + step
	switch {
	case c.near(wall, step) && wall <= arrived+future:
		return stamp{time: wall}
	case c.near(wall+c.skew, step) && wall+c.skew <= arrived+future:
		return stamp{time: wall + c.skew}
	case abs(arrived-wall) <= fresh:
		return stamp{time: wall, shift: wall - expected, odd: true}
	case expected > arrived+future:
		return stamp{time: arrived, shift: arrived - expected, odd: true}
	}
	return stamp{time: expected, odd: true}
}

// near reports whether t is about step after the newest record: crystals differ
// by 500 ppm at most.
func (c *clock) near(t, step int64) bool { return abs(t-c.time-step) <= agree+step/2000 }

// slow reports whether the clock is behind: records arrive one by one, and all
// with the same lag. What is late for want of a way catches up.
func (c *clock) slow(t, arrived, interval int64) bool {
	lag, step := arrived-t, t-c.time
	if lag <= 2*future || abs(lag-c.lag) > 1_000 || step < interval/2 || step > 2*interval {
		c.steady = 0
		return false
	}
	c.steady++
	if c.steady < behind {
		return false
	}
	c.steady = 0
	return true
}

func abs(x int64) int64 { return max(x, -x) }
