package rule_test

import (
	"context"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gigawatch/gigawatch/aggregator/internal/rule"
	"github.com/gigawatch/gigawatch/aggregator/internal/store"
)

// A rack of a small site is far more than one host in a hundred, and is told once; hosts
// that never came are told beside it.
func TestWhatADeadRackTellsIsNotToldAgainOfItsSite(t *testing.T) {
	dir := t.TempDir()
	inBubble(t, racks(1, 2, 18, 0), func(s *stage) {
		db, err := store.Open(store.Config{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		s.config.Store = db
		s.start()
		ctx, end := context.WithCancel(s.t.Context())
		ended := make(chan error, 1)
		go func(e *rule.Evaluator) { ended <- e.Run(ctx) }(s.Evaluator)
		runs := func(d time.Duration, expected int) {
			for range int(d / time.Second) {
				reporting := 0
				for _, m := range s.machines {
					if m.up {
						reporting++
					}
				}
				app := db.Appender(s.t.Context())
				for state, n := range map[string]int{"expected": expected, "reporting": reporting} {
					if _, err := app.Append(0, labels.FromStrings("__name__", "site_hosts", "site", "fra1", "state", state), time.Now().UnixMilli(), float64(n)); err != nil {
						t.Fatal(err)
					}
				}
				if err := app.Commit(); err != nil {
					t.Fatal(err)
				}
				s.runs(time.Second)
			}
		}
		runs(time.Minute, 36)
		for _, m := range s.in("h1r02") {
			m.up = false
		}
		runs(25*time.Minute, 36)
		if n := s.kinds(); n["RackDown"] != 1 || len(n) != 1 {
			t.Errorf("told %q", s.inbox.lines)
		}
		runs(17*time.Minute, 38)
		if n := s.kinds(); n["SiteHostsMissing"] != 1 || len(n) != 2 {
			t.Errorf("two that were never there: told %q", s.inbox.lines)
		}
		end()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
}
