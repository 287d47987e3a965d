package stream

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// speaker is an agent that says one tick at a time, at a given arrival.
type speaker struct {
	t        *testing.T
	name     string
	sequence uint64
	take     func(subject string, m []byte, arrived time.Time)
}

func (s *speaker) say(lane metric.Lane, arrived time.Time, inline bool) {
	s.t.Helper()
	s.sequence++
	l := layout(1)
	b := batch(l, arrived, 1, s.sequence)
	b.Lane, b.Agent = lane, s.name
	head := "telemetry.s."
	if lane == metric.Ledger {
		head = "ledger.s."
	}
	s.take(head+s.name, encode(s.t, b, l, inline), arrived)
}

func agentsKnown(set *metrics.Set, lane string) string {
	var b strings.Builder
	set.WritePrometheus(&b)
	for line := range strings.Lines(b.String()) {
		if rest, ok := strings.CutPrefix(line, metricAgents+`{lane="`+lane+`"} `); ok {
			return strings.TrimSpace(rest)
		}
	}
	return "nothing"
}

func TestASilentAgentIsForgottenAndHeardAgain(t *testing.T) {
	start := time.UnixMilli(1_795_366_000_000)
	set, sink := metrics.NewSet(), &ticks{}
	lane := NewTelemetry(TelemetryConfig{Sink: sink, Metrics: set, Logger: discard})
	n1, n2 := &speaker{t, "n1", 0, lane.handle}, &speaker{t, "n2", 0, lane.handle}
	n1.say(metric.Telemetry, start, true)
	n2.say(metric.Telemetry, start, true)
	for m := range 25 * 60 { // n2 goes on for a day and an hour
		n2.say(metric.Telemetry, start.Add(time.Duration(m+1)*time.Minute), false)
		if m == 23*60 && agentsKnown(set, "telemetry") != "2" {
			t.Errorf("after 23 hours %s agents are known, want 2", agentsKnown(set, "telemetry"))
		}
	}
	if got := agentsKnown(set, "telemetry"); got != "1" {
		t.Errorf("after 25 hours %s agents are known, want 1", got)
	}
	taken := len(sink.list)
	n1.sequence += 3 // said to nobody
	back := start.Add(25*time.Hour + time.Second)
	n1.say(metric.Telemetry, back, false)
	if n := rejected(set, "telemetry", "layout_unknown"); n != 1 || len(sink.list) != taken {
		t.Errorf("%d refused for their layout, %d taken; want 1 and none", n, len(sink.list)-taken)
	}
	n1.say(metric.Telemetry, back.Add(time.Second), true)
	n1.say(metric.Telemetry, back.Add(2*time.Second), false)
	if n := len(sink.list) - taken; n != 2 {
		t.Errorf("%d ticks after its layout came again, want 2", n)
	}
	if got := sink.list[len(sink.list)-1]; got.Key != "s/n1" || got.Late {
		t.Errorf("the newest is of %s, late: %v", got.Key, got.Late)
	}
	if n := counter(set, metricLost); n != 0 {
		t.Errorf("%d batches counted as lost by an agent that is new", n)
	}
	if got := agentsKnown(set, "telemetry"); got != "2" {
		t.Errorf("%s agents are known, want 2 again", got)
	}
}

func TestASilentAgentOfTheLedgerIsForgottenAndBookedAgain(t *testing.T) {
	start := time.UnixMilli(1_795_366_000_000)
	set, b := metrics.NewSet(), newBook()
	lane := NewLedger(LedgerConfig{Book: b, Metrics: set, Logger: discard})
	n := uint64(0)
	take := func(subject string, m []byte, arrived time.Time) {
		n++
		lane.handle("id", message{subject, m, n, arrived})
	}
	n1, n2 := &speaker{t, "n1", 0, take}, &speaker{t, "n2", 0, take}
	n1.say(metric.Ledger, start, true)
	for m := range 25 * 60 {
		n2.say(metric.Ledger, start.Add(time.Duration(m+1)*time.Minute), true)
	}
	if got := agentsKnown(set, "ledger"); got != "1" {
		t.Errorf("after a day of silence %s agents are known, want 1", got)
	}
	n1.say(metric.Ledger, start.Add(25*time.Hour+time.Second), true)
	if b.now().taken != 2 || rejected(set, "ledger", "layout_unknown") != 0 {
		t.Errorf("booked up to %d, want 2", b.now().taken)
	}
}

func TestMoreAgentsThanAreToldApartAreRefusedAndCounted(t *testing.T) {
	start := time.UnixMilli(1_795_366_000_000)
	set, sink, b := metrics.NewSet(), &ticks{}, newBook()
	telemetry := NewTelemetry(TelemetryConfig{Sink: sink, Metrics: set, Logger: discard})
	ledger := NewLedger(LedgerConfig{Book: b, Metrics: set, Logger: discard})
	telemetry.agents.most, ledger.layouts.most = 10, 10
	n := uint64(0)
	take := func(subject string, m []byte, arrived time.Time) {
		n++
		ledger.handle("id", message{subject, m, n, arrived})
	}
	for round := range 3 {
		for i := range 15 {
			for _, lane := range []metric.Lane{metric.Telemetry, metric.Ledger} {
				s := &speaker{t, fmt.Sprint("n", i), uint64(round), telemetry.handle}
				if lane == metric.Ledger {
					s.take = take
				}
				s.say(lane, start.Add(time.Duration(round)*time.Second), true)
			}
		}
	}
	for _, lane := range []string{"telemetry", "ledger"} {
		if got := rejected(set, lane, "too_many_agents"); got != 3*5 {
			t.Errorf("%s: %d refused, want 15", lane, got)
		}
		if got := agentsKnown(set, lane); got != "10" {
			t.Errorf("%s: %s agents are known, want 10", lane, got)
		}
	}
	if len(sink.list) != 30 || len(b.taken) != 10 || b.taken["n9"] != 3 {
		t.Errorf("%d ticks and %d agents booked, want 30 and 10", len(sink.list), len(b.taken))
	}
	// Room comes back when others are silent for a day.
	late := &speaker{t, "n14", 3, telemetry.handle}
	late.say(metric.Telemetry, start.Add(25*time.Hour), true)
	if len(sink.list) != 31 {
		t.Error("no room came back")
	}
}

func TestAClockThatIsSetBackForgetsNobodyTooLateOrTooSoon(t *testing.T) {
	r := newRoster[int]("x", metrics.NewSet())
	now := time.UnixMilli(1_795_366_000_000)
	is := func(at time.Duration, key string, want int) {
		t.Helper()
		if got := r.of(key, now.Add(at), func() int { return 2 }); *got != want {
			t.Errorf("%s at %s is %d, want %d", key, at, *got, want)
		}
	}
	*r.of("ahead", now.Add(100*time.Hour), func() int { return 1 }) = 1
	*r.of("here", now, func() int { return 1 }) = 1
	is(time.Hour, "here", 1)
	is(23*time.Hour, "here", 1)
	is(25*time.Hour, "ahead", 2) // a day after the clock was set back
	is(26*time.Hour, "here", 1)
}

// The flight recorder looks while the lane reads.
func TestAnAgentMayBeLookedAtWhileItSpeaks(t *testing.T) {
	lane := NewTelemetry(TelemetryConfig{Sink: &ticks{}, Metrics: metrics.NewSet(), Logger: discard})
	start := time.UnixMilli(1_795_366_000_000)
	var looking sync.WaitGroup
	done := make(chan struct{})
	looking.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
			}
			lane.agents.look("s/n1", func(a *agent) {
				for _, k := range a.layouts {
					if k.Layout != nil && k.Width() == 0 {
						t.Error("a layout of no values")
					}
				}
			})
		}
	})
	for i := range uint64(300) {
		l := layout(1 + int(i%6))
		b := batch(l, start, 1, i+1)
		b.Agent = fmt.Sprint("n", i%3)
		lane.handle("telemetry.s."+b.Agent, encode(t, b, l, true), start.Add(time.Duration(i)*time.Hour))
	}
	close(done)
	looking.Wait()
}
