package ledger

import (
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
)

// Place is where a site's days are cut.
func (l *Ledger) Place(site string) *time.Location {
	if b := l.basis(site); b != nil {
		return b.Location
	}
	return time.UTC
}

// Around is the day, month or year of a site that the time t lies in, by its own
// midnight: milliseconds since 1970.
func (l *Ledger) Around(site string, c account.Calendar, t int64) (from, to int64) {
	return l.basis(site).Around(c, t)
}
