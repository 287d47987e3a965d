package report

import (
	"fmt"
	"time"

	"github.com/gigawatch/gigawatch/collector/site"
)

// period cuts the year at the site's midnight: all of it, or from the month in
// which the site began.
func (b *build) period() error {
	s := b.Site
	first := site.Date{Year: b.Year, Month: time.January, Day: 1}
	last := site.Date{Year: b.Year, Month: time.December, Day: 31}
	p := Period{Year: b.Year, TimeZone: s.TimeZone.String()}
	if began, ok := b.began(); ok {
		switch {
		case began.Year > b.Year:
			return fmt.Errorf("the site is stated to be in operation since %04d-%02d: there is nothing to report of %d", began.Year, began.Month, b.Year)
		case began.Year == b.Year && began.Compare(first) > 0:
			first, p.Partial = began, true
		}
	}
	p.From, p.To = first.String(), last.String()
	p.from, p.end = s.MidnightOf(first).UnixMilli(), s.MidnightOf(last.Next()).UnixMilli()
	p.to = p.end
	if now := b.Now.UnixMilli(); !b.Now.IsZero() && now < p.to {
		p.Open = true
		p.to = max(p.from, now-now%quarterMillis)
		p.Until = time.UnixMilli(p.to).UTC().Format(time.RFC3339)
	}
	p.Hours = (p.to - p.from) / hourMillis
	switch {
	case p.Partial:
		p.Says = fmt.Sprintf("In operation from %s: figures are of %s to %s, %d days, and are not annualised.", p.From, p.From, p.To, days(first, last))
	default:
		p.Says = fmt.Sprintf("Calendar year %d by the clocks of %s, %d days.", b.Year, p.TimeZone, days(first, last))
	}
	if p.Open {
		p.Says += " The year is not over: figures reach to " + p.Until + "."
	}
	b.r.Period = p
	return nil
}

// began is the first day of the month in which services began.
func (b *build) began() (site.Date, bool) {
	t, err := time.Parse("2006-01", b.text("in_operation_since"))
	if err != nil {
		return site.Date{}, false
	}
	return site.Date{Year: t.Year(), Month: t.Month(), Day: 1}, true
}

// days is how many days there are from first to last, both included.
func days(first, last site.Date) int64 {
	at := func(d site.Date) int64 {
		return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC).Unix() / 86_400
	}
	return at(last) - at(first) + 1
}

// within is how many days of span lie in the period.
func (p *Period) within(s site.Span) int64 {
	first, last := dateOf(p.From), dateOf(p.To)
	if s.First != (site.Date{}) && s.First.Compare(first) > 0 {
		first = s.First
	}
	if s.Last != (site.Date{}) && s.Last.Compare(last) < 0 {
		last = s.Last
	}
	return max(0, days(first, last))
}

// days is how many days the period has.
func (p *Period) days() int64 { return days(dateOf(p.From), dateOf(p.To)) }

// dateOf is a day of a record, which wrote it itself.
func dateOf(s string) site.Date {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return site.Date{}
	}
	return site.Date{Year: t.Year(), Month: t.Month(), Day: t.Day()}
}

const (
	minuteMillis  = int64(60_000)
	quarterMillis = 15 * minuteMillis
	hourMillis    = 60 * minuteMillis
)
