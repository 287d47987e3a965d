package intake

import "fmt"

// dateEvidence is what dates with the year last say of their order.
type dateEvidence struct {
	day, month      int // lines in which the first can only be the day, or the month; 0: none
	firsts, seconds [32]bool
	clocked         bool // there are times of day: rows go on from day to day
}

// look takes in a date with slashes or dashes; with points, the day comes first.
func (e *dateEvidence) look(b []byte, line int) {
	n := digitsAt(b)
	if n != 1 && n != 2 || len(b) == n || b[n] != '/' && b[n] != '-' {
		return
	}
	first, rest := number(b[:n]), b[n+1:]
	m := digitsAt(rest)
	if m != 1 && m != 2 || len(rest) == m {
		return
	}
	second := number(rest[:m])
	if first > 31 || second > 31 {
		return
	}
	if first > 12 {
		e.day = line
	}
	if second > 12 {
		e.month = line
	}
	e.firsts[first], e.seconds[second] = true, true
}

// order is what e amounts to; text says why it is not known.
func (e *dateEvidence) order() (o dateOrder, text string) {
	first, second := distinct(&e.firsts), distinct(&e.seconds)
	switch {
	case e.day > 0 && e.month > 0:
		return dayFirst, fmt.Sprintf("the day comes first in line %d and second in line %d", e.day, e.month)
	case e.day > 0:
		return dayFirst, ""
	case e.month > 0:
		return monthFirst, ""
	// Days go on faster than months; but the first of each month looks like that too.
	case first > second && (e.clocked || !e.seconds[1]):
		return dayFirst, ""
	case second > first && (e.clocked || !e.firsts[1]):
		return monthFirst, ""
	case first > 0:
		return dayFirst, "the day may come first or second in every date"
	}
	return dayFirst, ""
}

func distinct(of *[32]bool) (n int) {
	for _, is := range of {
		if is {
			n++
		}
	}
	return n
}
