package rule_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/rule"
)

// heartbeat is a service outside that pages when it hears no more of Watchdog.
type heartbeat struct {
	heard time.Time
	paged time.Time
}

func (b *heartbeat) take(list []rule.Message) {
	for _, m := range list {
		if strings.Contains(m.Key(), "Watchdog") && !m.Ended {
			b.heard = time.Now()
		}
	}
}

func (b *heartbeat) look() {
	if time.Since(b.heard) > 5*time.Minute && b.paged.IsZero() {
		b.paged = time.Now()
	}
}

// Whatever stops, the heartbeat service hears no more of the watchdog.
func TestTheWatchdogStopsWithEachLane(t *testing.T) {
	for name, stop := range map[string]func(s *stage, ledger *atomic.Bool){
		"telemetry":  func(s *stage, _ *atomic.Bool) { s.machines[0].up, s.machines[1].up = false, false },
		"the bus":    func(s *stage, _ *atomic.Bool) { s.deaf = true },
		"the ledger": func(_ *stage, ledger *atomic.Bool) { ledger.Store(false) },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, racks(1, 1, 2, 0), func(s *stage) {
				var ledger atomic.Bool
				ledger.Store(true)
				beat := &heartbeat{}
				s.config.Advancing = func(string) bool { return ledger.Load() }
				s.sink = beat.take
				s.start()
				s.settles()
				s.runs(10 * time.Minute)
				if since := time.Since(beat.heard); since > 31*time.Second {
					t.Errorf("the last beat was %s ago", since)
				}
				stop(s, &ledger)
				stopped := time.Now()
				for beat.paged.IsZero() && time.Since(stopped) < 10*time.Minute {
					s.runs(time.Second)
					beat.look()
				}
				if after := beat.paged.Sub(stopped); beat.paged.IsZero() || after > 6*time.Minute {
					t.Errorf("somebody was called %s after it stopped", after)
				}
			})
		})
	}
}

// receipts is an Alertmanager that tells of canaries, seconds later.
type receipts struct {
	s     *stage
	after time.Duration
	mute  bool
}

func (r *receipts) take(list []rule.Message) {
	for _, m := range list {
		for _, p := range m.Labels {
			if p.Name == "alertname" && r.s.IsCanary(p.Value) && m.Fresh && !r.mute {
				time.AfterFunc(r.after, func() { r.s.Heard("fra1", time.Now()) })
			}
		}
	}
}

func TestTheCanaryMeasuresTheWay(t *testing.T) {
	inBubble(t, racks(1, 1, 2, 0), func(s *stage) {
		r := &receipts{s: s, after: 5 * time.Second}
		s.config.Canary = true
		s.sink = r.take
		s.start()
		s.settles()
		s.runs(35 * time.Minute)
		var b bytes.Buffer
		s.metrics.WritePrometheus(&b)
		if text := b.String(); !strings.Contains(text, `gigawatch_alert_e2e_latency_seconds{site="fra1",quantile="0.99"} 7`) && !strings.Contains(text, `gigawatch_alert_e2e_latency_seconds{site="fra1",quantile="0.99"} 6`) {
			t.Errorf("its way is not known:\n%s", text)
		}
		for _, l := range s.inbox.lines {
			if !strings.HasSuffix(l, "Canary") {
				t.Errorf("told %q", l)
			}
		}
		s.inbox.lines = nil
		r.mute = true
		s.runs(45 * time.Minute)
		missed := 0
		for _, l := range s.told() {
			if strings.HasSuffix(l, "CanaryMissed") {
				missed++
			}
		}
		if missed != 1 {
			t.Errorf("nobody says that canaries are not heard: %q", s.inbox.lines)
		}
		r.mute = false
		s.runs(25 * time.Minute)
		if l := strings.Join(s.inbox.lines, " "); !strings.Contains(l, "over: CanaryMissed") {
			t.Errorf("it is heard again: %q", l)
		}
	})
}

func TestATestGoesTheWayOfAll(t *testing.T) {
	w := newWorld("am1", "am2")
	w.dead["am2"] = true
	w.says = http.StatusAccepted
	d := w.delivery(t, true)
	done := make(chan error, 1)
	go func() { done <- d.Run(t.Context()) }()
	var answers []string
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for _, a := range d.Test(ctx, rule.Message{StartsAt: time.Now(), EndsAt: time.Now().Add(time.Minute)}) {
		b, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		answers = append(answers, string(b))
	}
	want := `{"Receiver":"http://pager/hook","Says":"202 Accepted","Taken":true} {"Receiver":"http://am1","Says":"200 OK","Taken":true} {"Receiver":"http://am2","Says":"connection refused","Taken":false}`
	if got := strings.Join(answers, " "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
