package scene

import (
	"fmt"
	"maps"
	"regexp"
	"time"
)

// and is s with another case of it.
func (s Scene) and(name string, fires bool, series Series) Scene {
	s.Cases = append(s.Cases, Case{Name: name, Fires: fires, Series: series})
	return s
}

// lasting is s, whose newest case takes longer.
func (s Scene) lasting(every, at time.Duration) Scene {
	c := &s.Cases[len(s.Cases)-1]
	c.Every, c.At = every, at
	return s
}

// apart is s with what a bound that differs for the end makes of it: what fired goes
// on between the two, what did not does not begin there, and beyond both it is over.
// The others of what fires stay as they are; at is when it is looked, and half of it
// passes before the value changes.
func (s Scene) apart(at time.Duration, series, fires, between, well string) Scene {
	const half = 180
	first := fmt.Sprintf("%sx%d ", fires, half-1)
	for _, c := range []struct {
		name, values string
		fires        bool
	}{
		{"goes on at " + between, first + fmt.Sprintf("%sx%d", between, half), true},
		{"does not begin at " + between, fmt.Sprintf("%sx%d", between, 2*half), false},
		{"is over at " + well, first + fmt.Sprintf("%sx%d", well, half), false},
	} {
		all := maps.Clone(s.Fires)
		for name, values := range all {
			all[name] = longer.ReplaceAllString(values, "x400")
		}
		all[series] = c.values
		s = s.and(c.name, c.fires, all).lasting(at/(2*half), at)
	}
	return s
}

// longer is the end of values that are to last.
var longer = regexp.MustCompile(`x\d+$`)

// gone is s, where it fires and a series is not heard any more for a quarter of an
// hour.
func (s Scene) gone(series, fires string) Scene {
	all := maps.Clone(s.Fires)
	all[series] = fires + "x90 stale"
	return s.and("goes on when nothing is heard", true, all)
}
