package agent

import (
	"context"
	"hash/fnv"
	"time"
)

// ticks calls tick at every whole multiple of interval of the wall clock until
// ctx ends. A tick that takes longer than the interval costs the ticks it
// covers, counted in skipped, and never moves a later one.
func ticks(ctx context.Context, interval time.Duration, tick func(now time.Time, skipped int)) {
	last := time.Now().Truncate(interval)
	timer := time.NewTimer(time.Until(last.Add(interval)))
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		now := time.Now().Truncate(interval)
		if !now.After(last) { // woken a little early, or the clock was set back
			if last.Sub(now) < interval {
				timer.Reset(time.Until(last.Add(interval)))
				continue
			}
		}
		skipped := max(0, int(now.Sub(last)/interval)-1)
		last = now
		tick(now, skipped)
		timer.Reset(time.Until(last.Add(interval)))
	}
}

// phase spreads agents over an interval, always the same for the same name.
func phase(name string, interval, step time.Duration) time.Duration {
	h := fnv.New32a()
	h.Write([]byte(name))
	n := max(1, int64(interval/step))
	return time.Duration(int64(h.Sum32())%n) * step
}

// due reports whether a whole multiple of every, shifted by phase, lies after
// since and not after now: what fell into a skipped tick is made up for in the
// next. A clock that was set back, and no time before, leave now alone to ask.
func due(since, now time.Time, every, phase time.Duration) bool {
	n := now.Add(-phase).UnixNano()
	if since.IsZero() || !since.Before(now) {
		return n%int64(every) == 0
	}
	return n/int64(every) != since.Add(-phase).UnixNano()/int64(every)
}

// recordDue reports whether a ledger record is to be read at now, and whether
// now is the turn of an hour.
func recordDue(since, now time.Time, every, phase time.Duration) (yes, edge bool) {
	edge = now.Truncate(time.Hour).Equal(now)
	return edge || due(since, now, every, phase) || due(since, now, time.Hour, 0), edge
}
