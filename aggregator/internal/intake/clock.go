package intake

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// A clock is the wall clock of a place. Wall times are seconds since 1970 as if
// it never changed; instants are those of UTC.
type clock struct {
	where  *time.Location
	offset int64    // that held last
	steady [2]int64 // wall times between which it holds, and no change is near
}

// A turn is an instant at which the clock changes, and its offsets before and
// after, s.
type turn struct{ at, before, after int64 }

// turnNear is the change of the clock within a day of a wall time.
func (c *clock) turnNear(wall int64) (turn, bool) {
	start, end := time.Unix(wall, 0).In(c.where).ZoneBounds()
	for _, t := range []time.Time{start, end} {
		if t.IsZero() || t.Unix() < wall-86_400 || t.Unix() > wall+86_400 {
			continue
		}
		_, before := t.Add(-time.Second).In(c.where).Zone()
		_, after := t.In(c.where).Zone()
		return turn{t.Unix(), int64(before), int64(after)}, true
	}
	return turn{}, false
}

// instants are when the clock shows a wall time: never in the hour that spring
// skips, twice in the one that autumn repeats. brink is the instant of a change
// that the time names by the offset before it, as the end of an interval may:
// 02:00 in spring, 03:00 in autumn.
func (c *clock) instants(wall int64) (at [2]int64, n int, brink int64, onBrink bool) {
	if wall >= c.steady[0] && wall < c.steady[1] {
		at[0] = wall - c.offset
		return at, 1, 0, false
	}
	t, near := c.turnNear(wall)
	if !near {
		_, offset := time.Unix(wall, 0).In(c.where).Zone()
		c.offset = int64(offset)
		day := wall - wall%86_400
		c.steady = [2]int64{day, day + 86_400}
		for _, edge := range []int64{day, day + 86_399} {
			if _, near := c.turnNear(edge); near {
				c.steady = [2]int64{}
			}
		}
		at[0] = wall - c.offset
		return at, 1, 0, false
	}
	if x := wall - t.before; x < t.at {
		at[n] = x
		n++
	} else if x == t.at {
		brink, onBrink = x, t.before != t.after
	}
	if x := wall - t.after; x >= t.at {
		at[n] = x
		n++
	}
	return at, n, brink, onBrink
}

// A course is how the times of a meter's rows go on in the file.
type course struct {
	last     int64 // instant of the row before, s
	wall     int64 // as it was written
	any      bool
	backward bool // the newest comes first
	unsure   bool // it began in an hour that is repeated
}

// A verdict is what became of a local time.
type verdict uint8

const (
	resolved verdict = iota
	skipped          // spring skips it
)

// resolve is the instant of a wall time in a course of rows that are step
// seconds apart (0: not known). Of two, it is the one that goes on; at the end of
// an interval, also the instant of the change itself.
func (c *clock) resolve(wall int64, end bool, step int64, p *course) (t int64, v verdict) {
	at, n, brink, onBrink := c.instants(wall)
	forward := step
	if p.backward {
		forward = -step
	}
	switch {
	case n == 0 && end && onBrink:
		t = brink
	case n == 0:
		return 0, skipped
	case end && onBrink && p.any && step > 0 && brink == p.last+forward:
		t = brink
	case n == 1:
		t = at[0]
	case !p.any:
		p.unsure = true
		t = at[0]
		if p.backward {
			t = at[1]
		}
	case wall == p.wall && (step == 0 || step < at[1]-at[0]):
		t = p.last // it stands there twice
	case p.backward:
		if t = at[1]; t >= p.last {
			t = at[0]
		}
	default:
		if t = at[0]; t <= p.last {
			t = at[1]
		}
	}
	p.last, p.wall, p.any = t, wall, true
	return t, resolved
}

// A Step is how long intervals are: a number of seconds, or of the calendar's
// days and months.
type Step struct {
	Seconds, Days, Months int64
}

// IsZero reports whether s is not known.
func (s Step) IsZero() bool { return s == Step{} }

// seconds is how long s is about.
func (s Step) seconds() int64 { return s.Seconds + s.Days*86_400 + s.Months*30*86_400 }

// after is the wall time one step after another, or before it.
func (s Step) after(wall, sign int64) int64 {
	if s.Months == 0 {
		return wall + sign*(s.Seconds+s.Days*86_400)
	}
	t := time.Unix(wall, 0).UTC()
	return t.AddDate(0, int(sign*s.Months), 0).Unix()
}

// String is s as people say it.
func (s Step) String() string {
	switch {
	case s.Months == 1:
		return "a month"
	case s.Months == 12:
		return "a year"
	case s.Months > 0:
		return plural(int(s.Months), "month")
	case s.Days == 1:
		return "a day"
	case s.Days > 0:
		return plural(int(s.Days), "day")
	case s.Seconds == 3600:
		return "an hour"
	case s.Seconds > 0 && s.Seconds%60 == 0:
		return plural(int(s.Seconds/60), "minute")
	}
	return plural(int(s.Seconds), "second")
}

// steps counts how far apart rows are.
type steps map[int64]int

// mostSteps bounds how many lengths are told apart.
const mostSteps = 256

func (s steps) add(seconds int64) {
	if seconds < 0 {
		seconds = -seconds
	}
	if _, ok := s[seconds]; seconds > 0 && (ok || len(s) < mostSteps) {
		s[seconds]++
	}
}

// best is the length that most rows are apart, of wall times.
func (s steps) best() Step {
	var best int64
	months, all := 0, 0
	for _, d := range slices.Sorted(maps.Keys(s)) {
		if s[d] > s[best] || best == 0 {
			best = d
		}
		all += s[d]
		if d >= 28*86_400 && d <= 31*86_400 && d%86_400 == 0 {
			months += s[d]
		}
	}
	switch {
	case best == 0:
		return Step{}
	case months*2 > all:
		return Step{Months: 1}
	case best >= 365*86_400 && best <= 366*86_400:
		return Step{Months: 12}
	case best >= 90*86_400 && best <= 92*86_400:
		return Step{Months: 3}
	case best%86_400 == 0:
		return Step{Days: best / 86_400}
	}
	return Step{Seconds: best}
}

// zone is the clock of the site.
func (f *File) zone() *clock {
	if f.where == nil {
		f.where = &clock{where: f.o.Location}
	}
	return f.where
}

// instant is when a stamp was, ms since 1970.
func (f *File) instant(s stamp, end bool, step int64, p *course) (ms int64, fix, problem string) {
	switch {
	case s.absolute:
		return s.unix, "", ""
	case s.zoned:
		return (s.wall()-int64(s.offset))*1000 + int64(s.milli), "", ""
	case f.o.Location == nil:
		return 0, "say -site-file, or -time-zone such as Europe/Brussels", "a time without an offset from UTC"
	}
	where := f.zone()
	if f.s.ordinal { // hours are counted from midnight: 23 to 25 of them
		day := s
		day.second = 0
		t, v := where.resolve(day.wall(), false, 0, &course{})
		if next, is := where.resolve(day.wall()+86_400, false, 0, &course{}); v == resolved && is == resolved {
			if t+s.second >= next {
				return 0, "look at the file: hours are counted from midnight, and the day on which the clocks go back has 25", fmt.Sprintf("%04d-%02d-%02d has %d hours, and this is after them", s.year, s.month, s.day, (next-t)/3600)
			}
			return (t+s.second)*1000 + int64(s.milli), "", ""
		}
	}
	t, v := where.resolve(s.wall(), end, step, p)
	if v == skipped {
		return 0, "look where the file has its times from: the clocks went forward in that night", fmt.Sprintf("%04d-%02d-%02d %s does not exist in %s", s.year, s.month, s.day, hhmm(s.second), f.o.Location)
	}
	if p.unsure {
		p.unsure = false
		f.note("line %d: %s comes twice in that night, and nothing before it tells which is meant: the %s is taken", f.line, hhmm(s.second), map[bool]string{false: "first", true: "second"}[p.backward])
	}
	return t*1000 + int64(s.milli), "", ""
}
