package intake

import (
	"bytes"
	"time"
)

// A stamp is a time as a file writes it.
type stamp struct {
	year, month, day int
	second           int64 // of the day, up to 24:00:00
	milli            int
	clock            bool // a time of day was there
	whole            bool // the day is not said: a month
	unix             int64
	absolute         bool // unix counts, ms
	zoned            bool // offset is said
	offset           int  // s east of UTC
}

// A dateOrder is how a date with the year last is written.
type dateOrder uint8

const (
	unordered dateOrder = iota
	dayFirst
	monthFirst
)

// zones are the names of offsets that exports have, in seconds. Those that mean
// different ones in different places are not among them.
var zones = map[string]int{
	"z": 0, "utc": 0, "gmt": 0, "wet": 0, "west": 3600, "cet": 3600, "cest": 7200, "mez": 3600, "mesz": 7200, "eet": 7200, "eest": 10800,
}

// parseStamp reads a time. Where a date has its year last and slashes or dashes,
// order says what comes first; with points, it is the day.
func parseStamp(b []byte, order dateOrder) (s stamp, ok bool) {
	n := digitsAt(b)
	switch {
	case n == 8 || n == 12 || n == 14:
		s.year, s.month, s.day = number(b[:4]), number(b[4:6]), number(b[6:8])
		if n > 8 {
			s.clock = true
			s.second = int64(number(b[8:10]))*3600 + int64(number(b[10:12]))*60
			if n == 14 {
				s.second += int64(number(b[12:14]))
			}
			if number(b[10:12]) > 59 {
				return s, false
			}
			return s.tail(b[n:])
		}
		b = b[8:]
	case (n == 10 || n == 13) && len(b) == n:
		for _, c := range b {
			s.unix = s.unix*10 + int64(c-'0')
		}
		if n == 10 {
			s.unix *= 1000
		}
		s.absolute, s.clock = true, true
		return s, s.unix < 1<<45
	case n == 4 && len(b) > n:
		mark := b[4]
		s.year = number(b[:4])
		if b, ok = s.part(b[5:], &s.month); !ok || !isDateMark(mark) {
			return s, false
		}
		if len(b) == 0 {
			s.day, s.whole = 1, true
			return s, s.valid()
		}
		if b[0] != mark {
			return s, false
		}
		if b, ok = s.part(b[1:], &s.day); !ok {
			return s, false
		}
	case n == 1 || n == 2:
		if b, ok = s.dated(b, n, order); !ok {
			return s, false
		}
		if s.whole {
			return s, len(b) == 0 && s.valid()
		}
	default:
		return s, false
	}
	return s.clocked(b)
}

func isDateMark(c byte) bool { return c == '-' || c == '/' || c == '.' }

// dated reads a date that ends with its year, and returns what follows.
func (s *stamp) dated(b []byte, n int, order dateOrder) (rest []byte, ok bool) {
	first, second := number(b[:n]), 0
	if len(b) == n || !isDateMark(b[n]) {
		return nil, false
	}
	mark := b[n]
	b = b[n+1:]
	if digitsAt(b) == 4 { // a month and its year
		s.month, s.year, s.day, s.whole = first, number(b[:4]), 1, true
		return b[4:], true
	}
	if b, ok = s.part(b, &second); !ok || len(b) == 0 || b[0] != mark {
		return nil, false
	}
	b = b[1:]
	switch n := digitsAt(b); n {
	case 4:
		s.year = number(b[:4])
		b = b[4:]
	case 2:
		s.year = 2000 + number(b[:2])
		b = b[2:]
	default:
		return nil, false
	}
	s.day, s.month = first, second
	if mark != '.' && order == monthFirst {
		s.day, s.month = second, first
	}
	return b, true
}

// part reads one or two digits.
func (s *stamp) part(b []byte, into *int) (rest []byte, ok bool) {
	n := digitsAt(b)
	if n != 1 && n != 2 {
		return nil, false
	}
	*into = number(b[:n])
	return b[n:], true
}

// clocked reads what follows a date.
func (s stamp) clocked(b []byte) (stamp, bool) {
	b = bytes.TrimLeft(b, " ,_")
	if len(b) > 0 && (b[0] == 'T' || b[0] == 't') {
		b = b[1:]
	}
	if len(b) == 0 {
		return s, s.valid()
	}
	if digitsAt(b) == 0 {
		return s.tail(b)
	}
	n := digitsAt(b)
	s.clock = true
	switch {
	case n == 4 || n == 6:
		if s.second = int64(number(b[:2]))*3600 + int64(number(b[2:4]))*60; number(b[2:4]) > 59 {
			return s, false
		}
		if n == 6 {
			s.second += int64(number(b[4:6]))
		}
		return s.tail(b[n:])
	case n > 2:
		return s, false
	}
	hour := number(b[:n])
	s.second = int64(hour) * 3600
	b = b[n:]
	if len(b) > 0 && (b[0] == 'h' || b[0] == 'u') && digitsAt(b[1:]) == 0 {
		return s.tail(b[1:])
	}
	for i, worth := range []int64{60, 1} {
		if len(b) == 0 || b[0] != ':' && b[0] != '.' && (b[0] != 'h' || i > 0) {
			if i == 0 {
				return s, false
			}
			break
		}
		if digitsAt(b[1:]) != 2 || number(b[1:3]) > 59 {
			return s, false
		}
		s.second += int64(number(b[1:3])) * worth
		b = b[3:]
	}
	if len(b) > 1 && (b[0] == '.' || b[0] == ',') {
		n := digitsAt(b[1:])
		for i := range min(n, 3) {
			s.milli += int(b[1+i]-'0') * [3]int{100, 10, 1}[i]
		}
		if n == 0 {
			return s, false
		}
		b = b[1+n:]
	}
	return s.tail(b)
}

// tail reads what follows a time of day: half of it, and the zone.
func (s stamp) tail(b []byte) (stamp, bool) {
	b = bytes.TrimSpace(b)
	if n := len(b); n >= 2 && (b[1]|0x20) == 'm' && ((b[0]|0x20) == 'a' || (b[0]|0x20) == 'p') {
		h := s.second / 3600
		if h < 1 || h > 12 {
			return s, false
		}
		s.second -= h * 3600
		if h == 12 {
			h = 0
		}
		if (b[0] | 0x20) == 'p' {
			h += 12
		}
		s.second += h * 3600
		b = bytes.TrimSpace(b[2:])
	}
	if len(b) > 0 {
		if s.offset, s.zoned = zone(b); !s.zoned {
			return s, false
		}
	}
	return s, s.valid()
}

// zone reads an offset from UTC, or its name.
func zone(b []byte) (seconds int, ok bool) {
	b = bytes.Trim(b, "()[] ")
	if len(b) > 3 && (bytes.HasPrefix(b, []byte("UTC")) || bytes.HasPrefix(b, []byte("GMT"))) && (b[3] == '+' || b[3] == '-') {
		b = b[3:]
	}
	if len(b) == 0 || len(b) > 6 {
		return 0, false
	}
	if b[0] != '+' && b[0] != '-' {
		seconds, ok = zones[string(bytes.ToLower(b))]
		return seconds, ok
	}
	n := digitsAt(b[1:])
	switch rest := b[1+n:]; {
	case n == 4 && len(rest) == 0:
		seconds = number(b[1:3])*3600 + number(b[3:5])*60
	case (n == 1 || n == 2) && len(rest) == 0:
		seconds = number(b[1:1+n]) * 3600
	case n == 2 && len(rest) == 3 && rest[0] == ':' && digitsAt(rest[1:]) == 2:
		seconds = number(b[1:3])*3600 + number(rest[1:])*60
	default:
		return 0, false
	}
	if b[0] == '-' {
		seconds = -seconds
	}
	return seconds, seconds >= -15*3600 && seconds <= 15*3600
}

// valid reports whether there is such a day, and such a time of it.
func (s *stamp) valid() bool {
	if s.year < 1990 || s.year > 2100 || s.month < 1 || s.month > 12 || s.day < 1 || s.second > 86_400 || s.second == 86_400 && s.milli > 0 {
		return false
	}
	return s.day <= time.Date(s.year, time.Month(s.month)+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

// wall is s as seconds since 1970 by a clock that never changes; 24:00 is the
// next midnight.
func (s *stamp) wall() int64 {
	return days(s.year, s.month, s.day)*86_400 + s.second
}

// days is how many lie between 1970 and a date.
func days(y, m, d int) int64 {
	if m <= 2 {
		y--
		m += 12
	}
	return int64(365*y+y/4-y/100+y/400+(153*m-457)/5+d) - 719_469
}

// digitsAt is how many digits b begins with.
func digitsAt(b []byte) (n int) {
	for n < len(b) && b[n] >= '0' && b[n] <= '9' {
		n++
	}
	return n
}

// number is the value of digits, few of them.
func number(b []byte) (n int) {
	for _, c := range b {
		if c < '0' || c > '9' {
			break
		}
		n = n*10 + int(c-'0')
	}
	return n
}
