package account

import "time"

// A Calendar cuts time as the site's people do.
type Calendar uint8

// The calendars.
const (
	ByDay Calendar = iota
	ByMonth
	ByYear
)

var calendars = [...]string{"day", "month", "year"}

// ParseCalendar is the calendar called name.
func ParseCalendar(name string) (c Calendar, ok bool) {
	for i, s := range calendars {
		if s == name {
			return Calendar(i), true
		}
	}
	return 0, false
}

// Around is the day, month or year that the time t lies in, from one midnight of
// the site to another: milliseconds since 1970. Of the nil Basis midnight is that
// of UTC.
func (b *Basis) Around(c Calendar, t int64) (from, to int64) {
	where := time.UTC
	if b != nil {
		where = b.Location
	}
	year, month, day := time.UnixMilli(t).In(where).Date()
	end := [3]int{0, 0, 1}
	switch c {
	case ByMonth:
		day, end = 1, [3]int{0, 1, 0}
	case ByYear:
		month, day, end = time.January, 1, [3]int{1, 0, 0}
	}
	start := time.Date(year, month, day, 0, 0, 0, 0, where)
	return start.UnixMilli(), start.AddDate(end[0], end[1], end[2]).UnixMilli()
}
