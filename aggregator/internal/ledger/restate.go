package ledger

import (
	"errors"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// restate takes what batch b says anew of the grid, if b is the next of its agent;
// the state then passes b over, and both are durable with the next Commit. To be
// told twice changes nothing, so it does not matter what a crash comes between.
//
// The verdict is Hole where it may be taken later: its agent keeps it and sends it
// again. What can never be taken is Invalid, and holds up nothing behind it.
func (l *Ledger) restate(b *metric.Batch, arrived time.Time) (o account.Outcome) {
	l.mu.RLock()
	next := l.state.Takes(b, arrived.UnixMilli())
	l.mu.RUnlock()
	if !next {
		return o // the state says why
	}
	list, err := account.Restatement(b)
	for i := range list {
		if err == nil {
			_, err = l.Revise(b.Site, list[i], arrived)
		}
	}
	switch {
	case errors.Is(err, account.ErrBusy):
		o.Verdict, o.Reason = account.Hole, err.Error()
	case err != nil:
		o.Verdict, o.Reason = account.Invalid, err.Error()
	}
	return o
}
