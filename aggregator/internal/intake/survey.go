package intake

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// A survey is what the beginning of a file tells of how it is written.
type survey struct {
	*layout
	mark      mark
	order     dateOrder
	ordinal   bool              // a clock column counts the hours of the day from 1
	inclusive bool              // days at which intervals end belong to them
	lateDay   bool              // 24:00 is there, which only an end can be
	meters    map[string]*habit // by what the file calls them
	apart     steps
	zoned     bool
	ranges    bool   // times are written as FROM - TO
	deaf      string // a column that speaks of another kind of things; "": there is none
	supposed  int    // line of a number whose mark is supposed; 0: it is known
}

// A habit is how the rows of one meter go on.
type habit struct {
	apart            steps
	last             int64 // wall time of the row before
	any              bool
	forward, back    int
	value            decimal
	up, down, values int
	first            int64 // wall time of its first row
}

// mostMeters bounds those that a file can have.
const mostMeters = 10_000

// errMany means that a file has more meters than are told apart.
var errMany = fmt.Errorf("more than %d meters; divide the file", mostMeters)

// look surveys a text. stops are what must be said before it can be read.
func look(sample []byte, l *layout, o *Options) (s *survey, stops []Problem, err error) {
	s = &survey{layout: l, meters: map[string]*habit{}, apart: steps{}}
	if err := s.marks(sample, o, &stops); err != nil {
		return nil, nil, err
	}
	err = s.rows(sample, func(_ int, fields [][]byte) error {
		name := l.owner(fields)
		h := s.meters[string(name)]
		if h == nil {
			if len(s.meters) == mostMeters {
				return errMany
			}
			h = &habit{apart: steps{}}
			s.meters[string(name)] = h
		}
		t, ok := s.stamp(fields, timeColumn, clockColumn)
		if !ok {
			return nil
		}
		s.zoned = s.zoned || t.zoned || t.absolute
		wall := t.wall() - int64(t.offset)
		if t.absolute {
			wall = t.unix / 1000
		}
		v, isValue := parseDecimal(l.cell(fields, valueColumn), s.mark)
		if h.any {
			h.apart.add(wall - h.last)
			s.apart.add(wall - h.last)
			if wall > h.last {
				h.forward++
			} else if wall < h.last {
				h.back++
			}
			if isValue {
				switch v.compare(h.value) {
				case 1:
					h.up++
				case -1:
					h.down++
				}
			}
		} else {
			h.first = wall
		}
		h.last, h.any = wall, true
		if isValue {
			h.value = v
			h.values++
		}
		return nil
	})
	return s, stops, err
}

// rows yields the rows of a text below its header.
func (s *survey) rows(sample []byte, yield func(line int, fields [][]byte) error) error {
	t := tableOf(sample, s.by)
	for {
		fields, err := t.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil || t.line <= s.header {
			continue
		}
		if err := s.each(fields, func(fields [][]byte) error { return yield(t.line, fields) }); err != nil {
			return err
		}
	}
}

// marks finds out how numbers and dates are written.
func (s *survey) marks(sample []byte, o *Options, stops *[]Problem) error {
	var numbers evidence
	var dates dateEvidence
	hours, sawZero, lastDays, firstDays := 0, false, 0, 0
	kinds, others, claimed := 0, 0, 0
	err := s.rows(sample, func(line int, fields [][]byte) error {
		if digitsAt(s.cell(fields, timeColumn)) == 0 {
			return nil
		}
		numbers.look(s.cell(fields, valueColumn), line)
		if k := s.cell(fields, kindColumn); len(k) > 0 {
			if _, is := ParseKind(string(k)); is {
				kinds++
			} else {
				others++
				if _, is := claimOf(k); is {
					claimed++
				}
			}
		}
		b := s.cell(fields, timeColumn)
		for _, c := range []column{timeColumn, endColumn} {
			day, _, ranged := cutRange(s.cell(fields, c))
			s.ranges = s.ranges || ranged
			_, as := parseStamp(day, dayFirst)
			if _, or := parseStamp(day, monthFirst); as || or {
				dates.look(day, line)
			}
		}
		dates.clocked = dates.clocked || s.has(clockColumn) || bytes.IndexByte(b, ':') >= 0
		if !s.ranges && s.has(clockColumn) {
			_, _, s.ranges = cutRange(s.cell(fields, clockColumn))
		}
		if bytes.Contains(b, []byte("24:00")) || bytes.Contains(s.cell(fields, clockColumn), []byte("24:00")) {
			s.lateDay = true
		}
		if c := s.cell(fields, clockColumn); len(c) > 0 && len(c) <= 2 && digitsAt(c) == len(c) {
			hours++
			sawZero = sawZero || number(c) == 0
		}
		if e, ok := parseStamp(s.cell(fields, endColumn), dayFirst); ok && !e.clock && !s.has(endClockColumn) {
			next := e
			if next.day++; !next.valid() {
				lastDays++
			} else if e.day == 1 {
				firstDays++
			}
		}
		return nil
	})
	s.ordinal = hours > 0 && !sawZero
	if s.wide != nil && s.wide.clocks {
		s.ordinal = s.wide.counts
	}
	if _, told := o.Columns["kind"]; kinds == 0 && others > 0 && !told {
		if claimed*2 > others && !s.has(qualityColumn) { // it is a quality by another name
			s.at[qualityColumn], s.name[qualityColumn] = s.at[kindColumn], s.name[kindColumn]
		} else {
			s.deaf = s.name[kindColumn]
		}
		s.at[kindColumn] = -1
	}
	s.inclusive = lastDays > firstDays
	var text string
	s.mark, text = numbers.mark(s.by)
	if s.supposed = max(numbers.commaOrNot, numbers.pointOrNot); numbers.comma+numbers.point > 0 {
		s.supposed = 0
	}
	switch o.Decimal {
	case "point":
		s.mark, text, s.supposed = point, "", 0
	case "comma":
		s.mark, text, s.supposed = comma, "", 0
	}
	if text != "" {
		*stops = append(*stops, Problem{Column: s.name[valueColumn], Text: text, Fix: "say -decimal comma or -decimal point"})
	}
	s.order, text = dates.order()
	switch o.Dates {
	case "dmy":
		s.order, text = dayFirst, ""
	case "mdy":
		s.order, text = monthFirst, ""
	}
	if text != "" {
		*stops = append(*stops, Problem{Column: s.name[timeColumn], Text: text, Fix: "say -dates dmy or -dates mdy"})
	}
	return err
}

// stamp is the time in one or two columns of a row.
func (s *survey) stamp(fields [][]byte, day, clock column) (t stamp, ok bool) {
	b, c := s.cell(fields, day), s.cell(fields, clock)
	if s.ranges {
		b, _, _ = cutRange(b)
		c, _, _ = cutRange(c)
	}
	return s.read(b, c)
}

// end is the time at which a row ends, if it says so.
func (s *survey) end(fields [][]byte, start stamp) (t stamp, said, ok bool) {
	b, c := s.cell(fields, endColumn), s.cell(fields, endClockColumn)
	if len(b) == 0 && len(c) == 0 {
		if !s.ranges {
			return t, false, true
		}
		if _, b, said = cutRange(s.cell(fields, timeColumn)); !said {
			if _, c, said = cutRange(s.cell(fields, clockColumn)); !said {
				return t, false, true
			}
		}
	}
	if len(b) > 0 {
		if t, ok = s.read(b, c); ok {
			return t, true, true
		}
		c = b // a time of the same day
	}
	t = start
	t.clock, t.second, t.milli = false, 0, 0
	t, ok = t.clocked(c)
	if ok && t.second <= start.second {
		t.second += 86_400 // up to midnight, or over it
	}
	return t, true, ok
}

// read reads a time that stands in b, or its time of day in c.
func (s *survey) read(b, c []byte) (t stamp, ok bool) {
	if t, ok = parseStamp(b, s.order); !ok || len(c) == 0 {
		return t, ok
	}
	// Some repeat the time of day, as 00:00, in the column of the day.
	t.clock, t.second, t.milli = false, 0, 0
	if s.wide != nil && s.wide.counts {
		t.clock, t.second = true, int64(number(c)-1)*s.wide.step
		return t, true
	}
	if len(c) > 2 || digitsAt(c) < len(c) {
		return t.clocked(c)
	}
	t.clock, t.second = true, int64(number(c))*3600
	if s.ordinal {
		t.second -= 3600
		return t, number(c) <= 25
	}
	return t, t.valid()
}

// cutRange cuts what is written as FROM - TO.
func cutRange(b []byte) (from, to []byte, ok bool) {
	if len(b) < len("0 - 0") {
		return b, nil, false
	}
	for _, by := range []string{" - ", " – ", " bis ", " to "} {
		if from, to, ok := bytes.Cut(b, []byte(by)); ok {
			if i := bytes.LastIndexByte(from, ' '); i > 0 && len(bytes.TrimSpace(to)) <= 8 && bytes.IndexByte(to, ':') > 0 { // the day is said once
				to = append(append([]byte{}, from[:i+1]...), bytes.TrimSpace(to)...)
			}
			return bytes.TrimSpace(from), bytes.TrimSpace(to), true
		}
	}
	return b, nil, false
}

// compare is below zero if d is less than e, and above if it is more.
func (d decimal) compare(e decimal) int {
	x, y := d.float(), e.float()
	switch {
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
}

// float is near d; it is for looking at values, never for counting.
func (d decimal) float() float64 {
	f := float64(d.digits) / float64(tens[min(d.places, mostDigits)])
	if d.negative {
		return -f
	}
	return f
}

// trend is what the values of a meter look like: they only rise, as a register's
// do, or not. It is Unsaid where too few are there to tell.
func (h *habit) trend() Kind {
	up, down := h.up, h.down
	if h.back > h.forward {
		up, down = down, up
	}
	switch {
	case down > 0 && down*10 > up:
		return Interval
	case down == 0 && up >= 5 && up*2 >= h.values:
		return Counter
	case h.values >= 24 && up == 0 && down == 0:
		return Interval // all alike
	case h.values >= 24 && up*2 < h.values:
		return Interval
	}
	return Unsaid
}

// all is what the meters do together.
func (s *survey) all() *habit {
	sum := &habit{apart: s.apart}
	for _, h := range s.meters {
		sum.forward += h.forward
		sum.back += h.back
		sum.up += h.up
		sum.down += h.down
		sum.values += h.values
	}
	return sum
}
