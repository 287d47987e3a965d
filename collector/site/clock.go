package site

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // so that a zone is known on every machine
)

// A Date is a day of the calendar; the zero Date is none.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

func (d Date) String() string { return fmt.Sprintf("%04d-%02d-%02d", d.Year, d.Month, d.Day) }

// Compare is below zero if d is before e, and above if it is after.
func (d Date) Compare(e Date) int {
	return cmp.Or(cmp.Compare(d.Year, e.Year), cmp.Compare(d.Month, e.Month), cmp.Compare(d.Day, e.Day))
}

// Next is the day after d.
func (d Date) Next() Date { return d.plus(1) }

func (d Date) plus(days int) Date {
	return dateOf(time.Date(d.Year, d.Month, d.Day+days, 0, 0, 0, 0, time.UTC))
}

// AddMonths is the same day of the month n months later, or the last of a month
// that has no such day.
func (d Date) AddMonths(n int) Date {
	last := dateOf(time.Date(d.Year, d.Month+time.Month(n)+1, 0, 0, 0, 0, 0, time.UTC))
	last.Day = min(last.Day, d.Day)
	return last
}

func dateOf(t time.Time) Date {
	y, m, d := t.Date()
	return Date{y, m, d}
}

// A clock is the wall clock of a place.
type clock struct{ loc *time.Location }

// instants are when the clock shows a date and time of day: never in the hour
// that spring skips, twice in the one that autumn repeats, first to last.
func (c clock) instants(d Date, hour, minute, second int) []time.Time {
	guess := time.Date(d.Year, d.Month, d.Day, hour, minute, second, 0, time.UTC)
	var found []time.Time
	for _, near := range []time.Duration{-15 * time.Hour, 15 * time.Hour} { // no place is further from UTC
		_, offset := guess.Add(near).In(c.loc).Zone()
		t := guess.Add(-time.Duration(offset) * time.Second).In(c.loc)
		if _, real := t.Zone(); real == offset && !slices.ContainsFunc(found, t.Equal) {
			found = append(found, t)
		}
	}
	slices.SortFunc(found, time.Time.Compare)
	return found
}

// midnight is the first instant of a date, also where its midnight is skipped.
func (c clock) midnight(d Date) time.Time {
	if found := c.instants(d, 0, 0, 0); len(found) > 0 {
		return found[0]
	}
	guess := time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC)
	_, before := guess.Add(-15 * time.Hour).In(c.loc).Zone()
	start, _ := guess.Add(-time.Duration(before) * time.Second).In(c.loc).ZoneBounds()
	return start
}

// DateOf is the date at t by the site's clock.
func (s *Site) DateOf(t time.Time) Date { return dateOf(t.In(s.TimeZone)) }

// MidnightOf is the first instant of d by the site's clock.
func (s *Site) MidnightOf(d Date) time.Time { return clock{s.TimeZone}.midnight(d) }

// Day is the site's day around t, [from, to): 23, 24 or 25 hours.
func (s *Site) Day(t time.Time) (from, to time.Time) {
	d := s.DateOf(t)
	return s.between(d, d.Next())
}

// Month is the site's month around t, [from, to).
func (s *Site) Month(t time.Time) (from, to time.Time) {
	d := s.DateOf(t)
	d.Day = 1
	return s.between(d, d.AddMonths(1))
}

// Year is the site's calendar year around t, [from, to).
func (s *Site) Year(t time.Time) (from, to time.Time) {
	d := Date{s.DateOf(t).Year, 1, 1}
	return s.between(d, d.AddMonths(12))
}

func (s *Site) between(from, to Date) (time.Time, time.Time) {
	return s.MidnightOf(from), s.MidnightOf(to)
}

// date is v as a day of the calendar; the zero Date if it was left out or is none.
func (v value) date() Date {
	t := v.text()
	if t == "" {
		return Date{}
	}
	d, err := time.Parse(time.DateOnly, t)
	if err != nil || d.Year() < 1990 || d.Year() > 2100 {
		v.wrong("write it as 2026-01-31", "%q is no day of 1990 to 2100", short(t))
		return Date{}
	}
	return dateOf(d)
}

// A Span is from the first to the last day, both included; a zero Date leaves
// that end open.
type Span struct{ First, Last Date }

// Contains reports whether d is in s.
func (s Span) Contains(d Date) bool {
	return (s.First == Date{} || s.First.Compare(d) <= 0) && (s.Last == Date{} || s.Last.Compare(d) >= 0)
}

// overlaps reports whether a day is in both.
func (s Span) overlaps(o Span) bool {
	return (s.First == Date{} || o.Last == Date{} || s.First.Compare(o.Last) <= 0) &&
		(o.First == Date{} || s.Last == Date{} || o.First.Compare(s.Last) <= 0)
}

func (s Span) String() string {
	first, last := "the beginning", "further notice"
	if s.First != (Date{}) {
		first = s.First.String()
	}
	if s.Last != (Date{}) {
		last = s.Last.String()
	}
	return first + " to " + last
}

// span reads the keys first_day and last_day.
func (s *section) span() Span {
	p := Span{s.get("first_day").date(), s.get("last_day").date()}
	if p.Last != (Date{}) && p.First != (Date{}) && p.Last.Compare(p.First) < 0 {
		s.r.wrong(s.at("last_day"), "exchange the two", "the last day, %s, is before the first, %s", p.Last, p.First)
	}
	return p
}

// instant is v as a time: a local one, one with its offset from UTC, or a day,
// which stands for its first instant. Zero if it was left out or is none.
func (v value) instant() time.Time {
	t := v.text()
	if t == "" {
		return time.Time{}
	}
	written := t
	t = strings.Replace(t, " ", "T", 1)
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04Z07:00"} {
		if at, err := time.Parse(layout, t); err == nil && v.inTime(at) {
			return at.In(v.r.loc.loc)
		}
	}
	if at, err := time.Parse(time.DateOnly, t); err == nil && v.inTime(at) {
		return v.r.loc.midnight(dateOf(at))
	}
	for _, layout := range []string{"2006-01-02T15:04:05", "2006-01-02T15:04"} {
		at, err := time.Parse(layout, t)
		if err != nil || !v.inTime(at) {
			continue
		}
		found := v.r.loc.instants(dateOf(at), at.Hour(), at.Minute(), at.Second())
		switch len(found) {
		case 0:
			v.wrong("the clocks go forward in that night: look at the time again", "%s does not exist in %s", at.Format("2006-01-02 15:04"), v.r.loc.loc)
			return time.Time{}
		case 2:
			v.wrong(fmt.Sprintf("write %s for the first, %s for the second", found[0].Format("2006-01-02T15:04Z07:00"), found[1].Format("2006-01-02T15:04Z07:00")),
				"%s comes twice in %s, when the clocks go back", at.Format("2006-01-02 15:04"), v.r.loc.loc)
			return time.Time{}
		}
		return found[0]
	}
	v.wrong("write it as 2026-01-31 14:30", "%q is no time of 1990 to 2100", short(written))
	return time.Time{}
}

func (value) inTime(t time.Time) bool { return t.Year() >= 1990 && t.Year() <= 2100 }
