package intake

import (
	"fmt"
	"slices"
	"strings"
)

// perDay are how many values of a day there may be: of hours, halves and quarters
// of one, on the days on which the clock changes and on others.
var perDay = []int{23, 24, 25, 46, 48, 50, 92, 96, 100}

// daily finds the columns that are times of a day: 00:00 to 23:45, 00:15 to 24:00,
// or counted from 1. It is nil if there are none.
func (l *layout) daily(row []string) *wide {
	first, n := longestRun(row, func(h string) bool { _, ok := timeOfDay(h); return ok })
	counted := false
	if n < 23 {
		first, n = longestRun(row, func(h string) bool { _, ok := counter(h); return ok })
		counted = true
	}
	if !slices.Contains(perDay, n) || l.has(clockColumn) {
		return nil
	}
	if !l.has(timeColumn) {
		if first != 1 { // a day that has no name stands in front
			return nil
		}
		l.at[timeColumn], l.name[timeColumn] = 0, row[0]
	}
	w := &wide{width: len(row), clocks: true, step: 86_400 / int64(n)}
	if n%24 != 0 { // the longest day, or the shortest
		w.step = int64(86_400 / (n / 23 * 24))
		w.counts = counted
	}
	var times []int64
	for i := range n {
		at := int64(i) * w.step
		if !counted {
			at, _ = timeOfDay(row[first+i])
		} else if x, _ := counter(row[first+i]); x != i && x != i+1 && !w.counts {
			return nil
		}
		times = append(times, at)
	}
	if !counted && !w.regular(times) {
		return nil
	}
	for i, at := range times {
		x := wideCell{at: first + i, how: -1, name: row[first+i]}
		text := fmt.Sprintf("%02d:%02d", at/3600, at%3600/60)
		if w.counts {
			text = fmt.Sprint(i + 1)
		}
		x.field[1] = []byte(text)
		w.cells = append(w.cells, x)
	}
	return w
}

// regular reports whether times of a day are one step apart, but where the hour of
// autumn stands twice or that of spring is left out. A midnight that comes last is
// the end of the day.
func (w *wide) regular(times []int64) bool {
	n := len(times)
	if times[n-1] == 0 && times[0] == w.step {
		times[n-1] = 86_400
	}
	odd := 0
	for i := 1; i < n; i++ {
		if times[i]-times[i-1] != w.step {
			odd++
		}
	}
	return odd <= 6 && (times[0] == 0 || times[0] == w.step)
}

// longestRun is where the most names stand beside each other that are so.
func longestRun(row []string, is func(header string) bool) (first, n int) {
	run := 0
	for i, h := range row {
		if !is(h) {
			run = 0
			continue
		}
		if run++; run > n {
			first, n = i-run+1, run
		}
	}
	return first, n
}

// timeOfDay reads a name such as 00:15, 0h15, 00:00 - 00:15, 02:00 B.
func timeOfDay(header string) (second int64, ok bool) {
	b := []byte(strings.TrimSpace(header))
	n := digitsAt(b)
	if n < 1 || n > 2 || len(b) < n+3 || b[n] != ':' && b[n] != '.' && b[n] != 'h' && b[n] != 'H' || digitsAt(b[n+1:]) != 2 {
		return 0, false
	}
	second = int64(number(b[:n]))*3600 + int64(number(b[n+1:]))*60
	if number(b[n+1:]) > 59 || second > 86_400 {
		return 0, false
	}
	rest := strings.TrimPrefix(string(b[n+3:]), ":00")
	return second, rest == "" || strings.ContainsRune(" -–AaBb*(", []rune(rest)[0])
}

// counters are what stands before the number of an hour, or of a quarter of one.
var counters = []string{"", "h", "q", "v", "e", "hour", "stunde", "std", "heure", "ora", "hora", "uur", "qh", "quarter", "viertelstunde", "kwartier", "wert", "value", "val"}

// counter reads a name such as 1, H01, Q96, 3B.
func counter(header string) (n int, ok bool) {
	h := strings.ToLower(strings.TrimSpace(header))
	i := strings.IndexAny(h, "0123456789")
	if i < 0 || !slices.Contains(counters, strings.Trim(h[:i], " _-.")) {
		return 0, false
	}
	h = h[i:]
	d := digitsAt([]byte(h))
	if d > 3 || d == 0 {
		return 0, false
	}
	return number([]byte(h[:d])), h[d:] == "" || slices.Contains([]string{"a", "b", "*", "x"}, h[d:])
}
