package ledger

import "github.com/gigawatch/gigawatch/aggregator/internal/account"

// Around is the day, month or year of a site that the time t lies in, by its own
// midnight: milliseconds since 1970.
func (l *Ledger) Around(site string, c account.Calendar, t int64) (from, to int64) {
	return l.basis(site).Around(c, t)
}
