package ledger

import (
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
)

// Today is the day so far of a site, as all figures of today mean it: from the
// site's midnight, or its first minute if that is later, to the end of the minute
// that now is in, of which what comes after now adds nothing. Both are
// milliseconds since 1970.
func (l *Ledger) Today(site string, now time.Time) (from, to int64) {
	from, _ = l.Around(site, account.ByDay, now.UnixMilli())
	to = now.UTC().Truncate(time.Minute).Add(time.Minute).UnixMilli()
	if began, ok := l.began(site); ok && began > from {
		from, to = began, max(to, began+time.Minute.Milliseconds())
	}
	if sealed, ok := l.Sealed(site); ok && l.models != nil && sealed > from { // of a mirror there is nothing else
		to = min(to, sealed)
	}
	return from, to
}

// began is the first whole minute after a site's first reading, milliseconds
// since 1970: figures before it cannot be; ok is false if there is none yet.
func (l *Ledger) began(site string) (millis int64, ok bool) {
	first, ok := l.firstCounted(site)
	if !ok {
		return 0, false
	}
	v := l.look(site, first)
	s, err := l.sheet(&v, nil)
	if err != nil {
		return 0, false
	}
	m, ok := firstMinute(&s.Summary)
	return first*hourMs + (m+1)*60_000, ok
}

// firstMinute is the first minute of an hour of which anything is known.
func firstMinute(u *account.Summary) (m int64, ok bool) {
	for m := range int64(60) {
		for q := range u.Covered {
			if u.Covered[q][m] > 0 {
				return m, true
			}
		}
	}
	return 0, false
}

// Simulated reports whether a site's readings come from a model.
func (l *Ledger) Simulated(site string) bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.state.Simulated(site) || l.models[site]
}
