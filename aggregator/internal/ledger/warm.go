package ledger

import (
	"context"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
)

const (
	// warmHours is how far back hours are read ahead of questions: what a week's
	// dashboard looks at.
	warmHours = 7 * 24
	// warmRest is how much longer than it reads it rests, so that it takes a part of
	// a core.
	warmRest = 3
)

// Warm reads the newest sealed hours after a start, newest first, so that not the
// first question has to: what all machines of an hour drew takes all its rows to know.
// It ends when it is through, or ctx ends; what cannot be read is left to whoever asks
// for it.
func (l *Ledger) Warm(ctx context.Context) error {
	for _, site := range l.Sites() {
		first, end := l.span(site)
		for n := end - 1; n >= max(first, end-warmHours); n-- {
			began := time.Now()
			if l.warm(site, n) {
				l.tally.warmed.Inc()
			}
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(warmRest * time.Since(began)):
			}
		}
	}
	return nil
}

// warm reads an hour, and reports whether it was to be read: one that is open, or is
// known, is not.
func (l *Ledger) warm(site string, number int64) bool {
	v := l.look(site, number)
	if len(v.fronts) > 0 || len(v.files) == 0 || l.cache.machines(site, number, len(v.files)) != nil {
		return false
	}
	b := l.basis(site)
	if _, err := l.digest(&v, b); err != nil {
		return false
	}
	r := account.NewReconciliation(b, number*hourMs, (number+1)*hourMs, v.until, 0, []account.Stage{account.StageGPUs})
	return l.reconcile(r, b, site, number) == nil
}
