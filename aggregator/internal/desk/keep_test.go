package desk_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/query"
)

// The record of the year that is lies ready for who opens it, and is made anew when there is more to
// know, and not for ever if it cannot be.
func TestTheRecordOfTheYearLiesReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		var ready atomic.Bool
		go o.Keep(ctx, time.Minute, ready.Load)
		after := func(what string, d time.Duration, want int) {
			t.Helper()
			time.Sleep(d)
			synctest.Wait()
			o.l.mu.Lock()
			defer o.l.mu.Unlock()
			if o.l.made != want {
				t.Errorf("%s: made %d times, want %d", what, o.l.made, want)
			}
		}
		after("while the aggregator is not ready", 10*time.Minute, 0)
		ready.Store(true)
		after("when it is", 2*time.Minute, 1)
		now := query.ReportQuestion{Site: year.Site, Year: 2026}
		if r, err := o.Report(t.Context(), now, anna); err != nil || r.Year != 2026 {
			t.Errorf("%+v, %v", r, err)
		}
		after("asked for, and long after", time.Hour, 1)
		o.later()
		after("an hour later", 2*time.Minute, 2)
		o.l.fail(&o.l.spoilt, errors.New("a byte was changed"))
		o.later()
		after("of books that are refused", 10*time.Minute, 2)
		o.l.fail(&o.l.spoilt, nil)
		after("nor again of the same", 10*time.Minute, 2)
		if _, err := o.Report(t.Context(), now, anna); err != nil {
			t.Error(err)
		}
		after("but for who asks", time.Minute, 3)
	})
}
