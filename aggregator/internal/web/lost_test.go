package web

import (
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/gigawatch/gigawatch/aggregator/internal/live"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// seconds is a present of one site without power, of which only the time goes on.
type seconds struct {
	Live
	now int64
}

func (s *seconds) SiteNames() []live.Present {
	return []live.Present{{Site: "fra1", Second: s.now}}
}

func (s *seconds) Powers(string, metric.EntityKind, int, time.Time) (live.Present, []live.PlacePower, bool) {
	return live.Present{Site: "fra1", Second: s.now}, nil, true
}

// What went by before a stream began is not lost to it, however long its first event
// took; what did not fit later is, and is told once.
func TestAStreamLosesNothingBeforeItBegan(t *testing.T) {
	now, set, about := &seconds{now: 100}, metrics.NewSet(), topic{level: metric.Site, boundary: -1}
	s, told := newStreams(now, set), map[topic]int64{}
	in := &reader{events: make(chan event, backlog)}
	s.topics[about] = map[*reader]bool{in: true}
	pass := func(n int) {
		for range n {
			s.round(told)
			now.now++
		}
	}
	pass(5) // seconds 100 to 104, of which two fit
	first, err := s.event(about, -1)
	if err != nil || first.second != 105 {
		t.Fatalf("the first event is of second %d, %v", first.second, err)
	}
	s.begin(in, first.second)
	if n := s.lostBefore(in, first.second); n != 0 {
		t.Errorf("the first event says that %d are lost", n)
	}
	for range backlog {
		<-in.events // old ones
	}
	pass(6) // 105 to 110: 105 and 106 fit
	for _, want := range []struct {
		second int64
		lost   int
	}{{105, 0}, {106, 0}} {
		if e := <-in.events; e.second != want.second || s.lostBefore(in, e.second) != want.lost {
			t.Errorf("event of second %d, want %+v", e.second, want)
		}
	}
	pass(1)
	if e := <-in.events; e.second != 111 {
		t.Errorf("event of second %d, want 111", e.second)
	} else if n := s.lostBefore(in, e.second); n != 4 {
		t.Errorf("at second 111 %d are lost, want 107 to 110", n)
	}
	if n := s.lostBefore(in, 112); n != 0 || s.lost.Get() != 4 {
		t.Errorf("it is told again: %d; counted are %d", n, s.lost.Get())
	}
}
