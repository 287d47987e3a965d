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

// read takes the stamps of a record that arrived at the given time and returns
// the time it was read; shift is what the times of the agent's older readings
// must be moved by to stay as far from it as they were; odd means that the
// clocks disagreed. interval is what records are usually apart.
func (c *clock) read(wall, boot, arrived, interval int64) (t, shift int64, odd bool) {
	if c.time == 0 {
		t = wall
		if wall > arrived+future || wall < arrived-oldest {
			t, odd = arrived, true
		}
		*c = clock{time: t, boot: boot, skew: t - wall, lag: arrived - t}
		return t, 0, odd
	}
	latest := arrived + future
	if c.boot > 0 && boot > c.boot {
		t, shift, odd = c.together(wall, (boot-c.boot)/1e6, arrived)
	} else {
		switch {
		case wall >= c.time && wall <= latest:
			t = wall
		case wall+c.skew >= c.time && wall+c.skew <= latest:
			t = wall + c.skew
		default:
			t, odd = max(c.time, min(c.time+interval, latest)), true
		}
	}
	if shift == 0 {
		t = max(t, c.time)
	}
	if c.slow(t, arrived, interval) {
		t, shift, odd = arrived, shift+arrived-t, true
	}
	c.time, c.boot, c.skew, c.lag = t, boot, t-wall, arrived-t
	return t, shift, odd
}

// together reads the wall clock beside a boot clock that has run on by step.
func (c *clock) together(wall, step, arrived int64) (t, shift int64, odd bool) {
	expected := c.time + step
	near := func(x int64) bool { return abs(x-expected) <= agree+step/2000 } // crystals differ by 500 ppm at most
	switch {
	case near(wall) && wall <= arrived+future:
		return wall, 0, false
	case near(wall + c.skew):
		return wall + c.skew, 0, false
	case abs(arrived-wall) <= fresh:
		return wall, wall - expected, true
	case expected > arrived+future:
		return arrived, arrived - expected, true
	}
	return expected, 0, true
}

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
