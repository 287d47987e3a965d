package agent

import (
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"

	"github.com/gigawatch/gigawatch/collector/internal/carbon"
	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/wire"
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

// opener is a source that brings the bus back in the middle of a tick, once.
type opener struct {
	grid
	mu   sync.Mutex
	open func()
}

func (o *opener) when(f func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.open = f
}

func (o *opener) Revisions(uint64, int) []carbon.Revision {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.open != nil {
		o.open()
		o.open = nil
	}
	return nil
}

func TestABacklogIsNotAheadOfItsLayout(t *testing.T) {
	virtual(t, func(t *testing.T, s *stage) {
		s.config.Spool.TelemetryBytes = 32 << 10
		s.cut(true)
		o := &opener{}
		s.start(Scheduled{Source: &fake{name: "host"}}, Scheduled{Source: o})
		until(1000)
		o.when(func() {
			s.cut(false)
			time.Sleep(3 * time.Second) // in which the agent finds it
		})
		until(1100)
		list := s.take(metric.Telemetry)
		if len(list) == 0 || list[0].Flags&metric.Backfill != 0 {
			t.Errorf("of %d batches the first is of the backlog", len(list))
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

func TestABacklogThatWasSentIsNotSentAgainByTheNextLife(t *testing.T) {
	virtual(t, func(t *testing.T, s *stage) {
		late := func() (n int) {
			for _, h := range s.take(metric.Telemetry) {
				if h.Flags&metric.Backfill != 0 {
					n++
				}
			}
			return n
		}
		stop := s.start(Scheduled{Source: &fake{name: "host"}})
		until(10)
		s.cut(true)
		until(50)
		s.cut(false)
		until(200)
		if n := late(); n < 40 {
			t.Fatalf("%d batches came late; this proves nothing", n)
		}
		stop()
		stop = s.start(Scheduled{Source: &fake{name: "host"}})
		until(400)
		if n := late(); n != 0 {
			t.Errorf("%d batches are sent again", n)
		}

		// One that ends before its backlog has flowed leaves the rest to the next.
		s.cut(true)
		until(460)
		s.cut(false)
		first := 0
		for first == 0 {
			until(time.Now().Minute()*60 + time.Now().Second() + 1)
			first = late()
		}
		spooled := s.counter(metricSpooled)
		stop()
		first += late()
		s.start(Scheduled{Source: &fake{name: "host"}})
		until(700)
		if second := late(); first+second != spooled || second == 0 {
			t.Errorf("of %d batches %d came in one life and %d in the next", spooled, first, second)
		}
	})
}

func TestABatchThatCannotBeMadeLeavesTheSequenceAlone(t *testing.T) {
	wide := &metric.Layout{Entities: metric.Place{Host: "n1"}.Entities()}
	var values []metric.Raw
	for i := range 950 {
		wide.Entities = append(wide.Entities, metric.Entity{Kind: metric.Sensor, Name: strings.Repeat("x", 40) + strconv.Itoa(i), Parent: 0})
	}
	for range 4 {
		wide.Columns = append(wide.Columns, metric.Column{Metric: metric.HostTemperature, Form: metric.Float, First: 1, Count: 950})
		for i := range 950 {
			values = append(values, metric.Of(math.Sqrt(float64(i+2))))
		}
	}
	narrow := (&fake{}).describe()
	lane := newTelemetryLane("s", "n1", 7)
	now := time.Unix(1, 0)
	for i := range 3 { // too large with its layout, and never sent without it
		if _, err := lane.encode(now, 0, 0, wide, values); !errors.Is(err, wire.ErrSize) {
			t.Fatalf("batch %d: %v; this proves nothing", i+1, err)
		}
	}
	b, err := lane.encode(now, 0, 0, narrow, make([]metric.Raw, narrow.Width()))
	if err != nil {
		t.Fatal(err)
	}
	var m wire.Message
	if err := m.Parse(b); err != nil || m.Sequence != 1 || !m.Inline || m.Flags&metric.Fresh == 0 {
		t.Errorf("the first that fits: sequence %d, inline %t, flags %b, %v", m.Sequence, m.Inline, m.Flags, err)
	}
}

func TestTheLedgerHearsOfAClockStepBetweenItsRecords(t *testing.T) {
	virtual(t, func(t *testing.T, s *stage) {
		s.acks = true
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
		s.start(Scheduled{Source: &fake{name: "host"}})
		until(15)
		offset <- time.Minute
		until(45)
		var stepped []int
		for _, h := range s.take(metric.Ledger) {
			if h.Flags&metric.ClockStep != 0 {
				stepped = append(stepped, h.second())
			}
		}
		if d := cmp.Diff([]int{22}, stepped); d != "" {
			t.Error(d)
		}
	})
}

// A bus that is away for less than a tick.
func TestWhatWentAstrayBetweenTwoTicksIsSentAgain(t *testing.T) {
	virtual(t, func(t *testing.T, s *stage) {
		s.config.Bus.Options = append(s.config.Bus.Options, nats.ReconnectWait(time.Millisecond))
		s.start(Scheduled{Source: &fake{name: "host"}})
		s.set1(func() { s.mute = true }) // the ledger records go astray
		until(13)
		s.set1(func() { s.mute = false })
		s.take(metric.Telemetry)
		s.cut(true)
		s.cut(false)
		until(14)
		list := s.take(metric.Telemetry)
		if len(list) != 1 || list[0].Sequence != 14 {
			t.Errorf("telemetry: %v", sequences(list))
		}
		s.set1(func() {
			if !s.inline {
				t.Error("the layout is not repeated")
			}
		})
		until(14 + int(packEvery/time.Second))
		if d := cmp.Diff([]uint64{1, 2}, sequences(s.take(metric.Ledger))); d != "" {
			t.Errorf("the ledger lane:\n%s", d)
		}
	})
}
