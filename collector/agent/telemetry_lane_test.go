package agent

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gigawatch/gigawatch/collector/metric"
)

func TestTelemetryIsSpooledWhileTheBusIsAwayAndReplayedBesideTheLive(t *testing.T) {
	virtual(t, func(t *testing.T, s *stage) {
		f := &fake{name: "host"}
		s.start(Scheduled{Source: f})
		until(10)
		s.cut(true)
		until(20)
		f.with(func() { f.layout = nil }) // a new layout, whose first batch is not heard at once
		until(50)
		s.cut(false)
		until(179)
		list := s.take(metric.Telemetry)

		late := slices.DeleteFunc(slices.Clone(list), func(h heard) bool { return h.Flags&metric.Backfill == 0 })
		if d := cmp.Diff(upTo(11, 10+uint64(len(late))), sequences(late)); d != "" || len(late) < 40 {
			t.Errorf("backfilled, in this order:\n%s", d)
		}
		var live []heard
		perSecond := map[int64]int{}
		for _, h := range list {
			if h.Flags&metric.Backfill != 0 {
				perSecond[h.came.Unix()]++
				continue
			}
			live = append(live, h)
			if d := h.came.UnixMilli() - h.Time; d > 250 {
				t.Errorf("live batch %d came %d ms late", h.Sequence, d)
			}
		}
		got := sequences(live)
		if first := got[10]; first > 56 { // reconnects after 2 s, and a tick
			t.Errorf("live again from %d", first)
		}
		if d := cmp.Diff(upTo(1, 179), sorted(sequences(list))); d != "" {
			t.Errorf("all that came:\n%s", d)
		}
		for second, n := range perSecond {
			if n > 2 {
				t.Errorf("%d batches replayed in second %d", n, second%3600)
			}
		}
		for _, h := range list { // each its own reading
			if v, _ := h.value(metric.HostPowerWatts, "n1"); v != metric.Of(float64(h.second())) {
				t.Errorf("the batch of second %d says %v", h.second(), v)
			}
		}
		if n := s.counter(metricSpooled); n != len(late) {
			t.Errorf("%d counted as spooled, %d came late", n, len(late))
		}
	})
}

func sorted(list []uint64) []uint64 {
	slices.Sort(list)
	return list
}

func TestAFullBacklogDropsItsOldestAndCountsThem(t *testing.T) {
	virtual(t, func(t *testing.T, s *stage) {
		s.config.Spool.TelemetryBytes = 32 << 10
		s.cut(true)
		s.start(Scheduled{Source: &fake{name: "host"}})
		until(1000)
		s.cut(false)
		until(1900)
		list := s.take(metric.Telemetry)
		var late []uint64
		for _, h := range list {
			if h.Flags&metric.Backfill != 0 {
				late = append(late, h.Sequence)
			}
		}
		if len(late) < 50 || len(late) > 900 {
			t.Fatalf("%d of 1000 batches were kept in 32 KiB", len(late))
		}
		last := late[len(late)-1]
		if d := cmp.Diff(upTo(last-uint64(len(late))+1, last), late); d != "" || last < 1000 {
			t.Errorf("what is kept is not the newest, up to %d:\n%s", last, d)
		}
		dropped, _ := list[len(list)-1].value(metric.AgentSpoolDropped, "n1")
		if int(dropped) != int(last)-len(late) {
			t.Errorf("%d counted as dropped, %d were", dropped, int(last)-len(late))
		}
	})
}

func TestEachLifeOfAnAgentBeginsItsTelemetryAnew(t *testing.T) {
	virtual(t, func(t *testing.T, s *stage) {
		stop := s.start(Scheduled{Source: &fake{name: "host"}})
		until(5)
		stop()
		first := s.take(metric.Telemetry)
		s.start(Scheduled{Source: &fake{name: "host"}})
		until(80)
		second := s.take(metric.Telemetry)
		if d := cmp.Diff(upTo(1, uint64(len(second))), sequences(second)); d != "" {
			t.Error(d)
		}
		if first[0].Flags&metric.Fresh == 0 || second[0].Flags&metric.Fresh == 0 || second[1].Flags&metric.Fresh != 0 {
			t.Error("the first of a life, and only it, is fresh")
		}
		if first[0].Incarnation >= second[0].Incarnation {
			t.Errorf("incarnation %d after %d", second[0].Incarnation, first[0].Incarnation)
		}
	})
}

func TestClockStepsAreFlagged(t *testing.T) {
	virtual(t, func(t *testing.T, s *stage) {
		offset := make(chan time.Duration, 1)
		by := time.Duration(0)
		s.config.boot = func() int64 {
			select {
			case d := <-offset:
				by = d
			default:
			}
			return time.Now().Add(by).UnixNano()
		}
		s.start(Scheduled{Source: &fake{name: "host", delay: 600 * time.Millisecond}})
		until(5)
		offset <- 3 * time.Second
		until(8)
		var stepped []uint64
		for _, h := range s.take(metric.Telemetry) {
			if h.Flags&metric.ClockStep != 0 {
				stepped = append(stepped, h.Sequence)
			}
		}
		if d := cmp.Diff([]uint64{6}, stepped); d != "" {
			t.Error(d)
		}
	})
}
