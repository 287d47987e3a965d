package rule_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/gigawatch/gigawatch/aggregator/internal/rule"
	"github.com/gigawatch/gigawatch/aggregator/internal/store"
	table "github.com/gigawatch/gigawatch/alerts/rule"
)

// asks is one rule that asks.
func asks() []table.Rule {
	return []table.Rule{{
		Name: "RackHot", Severity: table.Warning, Owner: table.Facility, Level: table.Rack, For: 20 * time.Second, Hold: 2 * time.Minute,
		Summary: "{{ $labels.rack }} draws {{ $value | humanize }}W", Evidence: "It does.", Do: "Look.", Ask: `rack_power_watts > 100`,
	}}
}

// put stores the power of a rack now.
func put(t *testing.T, s *store.Store, rack string, watts float64) {
	t.Helper()
	app := s.Appender(context.Background())
	if _, err := app.Append(0, labels.FromStrings("__name__", "rack_power_watts", "site", "fra1", "hall", "h1", "rack", rack, "boundary", "it"), time.Now().UnixMilli(), watts); err != nil {
		t.Fatal(err)
	}
	if err := app.Commit(); err != nil {
		t.Fatal(err)
	}
}

func TestWhatAsksIsAnAlertLikeAnyOther(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s, err := store.Open(store.Config{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		inbox := inbox{now: map[string]rule.Message{}}
		e, err := rule.New(rule.Config{Rules: asks(), Store: s, Send: inbox.take})
		if err != nil {
			t.Fatal(err)
		}
		ctx, end := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- e.Run(ctx) }()
		run := func(d time.Duration, watts float64) {
			for range int(d / time.Second) {
				put(t, s, "r1", watts)
				put(t, s, "r2", 50)
				time.Sleep(time.Second)
			}
		}
		run(time.Minute, 50)
		inbox.began = time.Now()
		run(10*time.Second, 200) // not for long enough
		run(20*time.Second, 50)
		run(60*time.Second, 200)
		run(30*time.Second, 50) // held
		run(30*time.Second, 200)
		run(10*time.Minute, 50)
		if len(inbox.lines) != 2 || !within(inbox.lines[0], 50, 62) || !within(inbox.lines[1], 230, 300) {
			t.Errorf("told %q", inbox.lines)
		}
		for _, m := range inbox.now {
			t.Errorf("it still fires: %v", m)
		}
		end()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		// History: the series that Prometheus keeps of its own alerts.
		q, err := s.Querier(0, time.Now().UnixMilli())
		if err != nil {
			t.Fatal(err)
		}
		found := map[string]int{}
		set := q.Select(t.Context(), false, nil, labels.MustNewMatcher(labels.MatchEqual, model.MetricNameLabel, "ALERTS"), labels.MustNewMatcher(labels.MatchEqual, "rack", "r1"))
		for set.Next() {
			it := set.At().Iterator(nil)
			for it.Next() != 0 {
				found[set.At().Labels().Get("alertstate")]++
			}
		}
		if found["firing"] < 8 || found["pending"] < 3 {
			t.Errorf("the history has %v", found)
		}
		if err := q.Close(); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	})
}
