package agent

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestTicksFallOnWholeSecondsHoweverSlowTheWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithTimeout(t.Context(), 10*time.Second)
		defer stop()
		work := map[string]time.Duration{"02": 999 * time.Millisecond, "04": 3300 * time.Millisecond}
		time.Sleep(317 * time.Millisecond)
		var called []string
		skips := 0
		ticks(ctx, time.Second, func(now time.Time, skipped int) {
			if now.Nanosecond() != 0 {
				t.Errorf("a tick at %s", now)
			}
			if late := time.Since(now); late > 0 && now.Format("05") != "07" {
				t.Errorf("the tick of %s came %s late", now.Format("05"), late)
			}
			skips += skipped
			called = append(called, now.Format("05"))
			time.Sleep(work[now.Format("05")])
		})
		want := []string{"01", "02", "03", "04", "07", "08", "09", "10"}
		if d := cmp.Diff(want, called); d != "" || skips != 2 {
			t.Errorf("%d skipped, want 2; ticks:\n%s", skips, d)
		}
	})
}

func TestWhatFellIntoASkippedTickIsMadeUpFor(t *testing.T) {
	at := func(text string) time.Time {
		if text == "" {
			return time.Time{}
		}
		when, err := time.Parse(time.TimeOnly, text)
		if err != nil {
			t.Fatal(err)
		}
		return when.AddDate(2026, 0, 0)
	}
	for name, tc := range map[string]struct {
		since, now string
		yes, edge  bool
	}{
		"its moment":                          {"12:00:12", "12:00:13", true, false},
		"another":                             {"12:00:13", "12:00:14", false, false},
		"its moment was skipped":              {"12:00:12", "12:00:16", true, false},
		"the turn of the hour":                {"12:59:59", "13:00:00", true, true},
		"the turn of the hour was skipped":    {"12:59:57", "13:00:02", true, false},
		"the first tick":                      {"", "12:00:14", false, false},
		"the first tick, at its moment":       {"", "12:00:13", true, false},
		"the clock was set back":              {"12:10:00", "12:00:14", false, false},
		"the clock was set back to a moment":  {"12:10:00", "12:00:13", true, false},
		"the clock was set on by half a day":  {"12:00:14", "23:55:55", true, false},
		"many moments were skipped, ask once": {"12:00:14", "12:05:16", true, false},
	} {
		yes, edge := recordDue(at(tc.since), at(tc.now), 10*time.Second, 3*time.Second)
		if yes != tc.yes || edge != tc.edge {
			t.Errorf("%s: due %t at the edge %t, want %t, %t", name, yes, edge, tc.yes, tc.edge)
		}
	}
}
