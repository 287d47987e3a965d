package agent

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gigawatch/gigawatch/collector/metric"
)

func TestLedgerRecordsComeAtTheirPhaseAndAtTheTurnOfTheHour(t *testing.T) {
	virtual(t, func(t *testing.T, s *stage) {
		s.acks = true
		at := int(phase("n1", 10*time.Second, time.Second) / time.Second)
		if at == 0 {
			t.Fatal("this name has no phase of its own; take another")
		}
		time.Sleep(59 * time.Minute)
		s.start(Scheduled{Source: &fake{name: "host"}})
		until(3600 - 1)
		until(31)
		var got []int
		for i, h := range s.take(metric.Ledger) {
			got = append(got, h.second())
			if edge := h.Flags&metric.HourEdge != 0; edge != (h.second() == 0) {
				t.Errorf("second %d: edge %t", h.second(), edge)
			}
			if fresh := h.Flags&metric.Fresh != 0; fresh != (i == 0) {
				t.Errorf("record %d: fresh %t", i+1, fresh)
			}
			if h.Boottime == 0 {
				t.Errorf("record %d has no boot time", i+1)
			}
		}
		want := []int{}
		for second := 3540 + at; second < 3600; second += 10 {
			want = append(want, second)
		}
		want = append(want, 0)
		for second := at; second <= 31; second += 10 {
			want = append(want, second)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
	})
}

func TestLanesCarryWhatIsTheirs(t *testing.T) {
	virtual(t, func(t *testing.T, s *stage) {
		s.start(Scheduled{Source: &fake{name: "host"}}, Scheduled{Source: &fake{name: "gpu", gpus: []string{"a", "b"}}})
		until(20)
		telemetry := []metric.Number{metric.GPUPowerWatts, metric.GPUEnergyJoules, metric.HostPowerWatts, metric.HostEnergyJoules,
			metric.AgentSourceStale, metric.AgentSpoolBytes, metric.AgentSpoolDropped, metric.AgentSourceFailures, metric.AgentClockError}
		ledger := []metric.Number{metric.GPUPowerWatts, metric.GPUEnergyJoules, metric.HostPowerWatts, metric.HostEnergyJoules, metric.CounterEpoch}
		if d := cmp.Diff(telemetry, s.take(metric.Telemetry)[5].metrics()); d != "" {
			t.Errorf("telemetry:\n%s", d)
		}
		list := s.take(metric.Ledger)
		if d := cmp.Diff(ledger, list[0].metrics()); d != "" {
			t.Errorf("ledger:\n%s", d)
		}
		for _, e := range list[0].Layout.Entities {
			if e.Kind == metric.Sensor {
				t.Errorf("the ledger names %s", e.Name)
			}
		}
	})
}

func TestWhatIsNotAcknowledgedIsSentAgainAfterHalfAMinute(t *testing.T) {
	virtual(t, func(t *testing.T, s *stage) {
		s.start(Scheduled{Source: &fake{name: "host"}})
		s.set1(func() { s.mute = true })
		until(25)
		s.set1(func() { s.mute = false })
		until(60)
		got := sequences(s.take(metric.Ledger))
		if len(got) == 0 || got[0] == 1 { // those that come while the first are missed, then all again
			t.Fatalf("came %v", got)
		}
		again := -1
		for i := range got {
			if got[i] == 1 {
				again = i
				break
			}
		}
		if again < 0 {
			t.Fatalf("1 was not sent again: %v", got)
		}
		if d := cmp.Diff(upTo(1, got[len(got)-1]), got[again:]); d != "" {
			t.Errorf("sent again:\n%s", d)
		}
		s.tell(1, 4) // an older life's word counts only if its sequence goes on
		until(99)
		for _, q := range sequences(s.take(metric.Ledger)) {
			if q < 5 && q != 1 && q != 2 && q != 3 && q != 4 {
				t.Errorf("%d was sent again", q)
			}
		}
	})
}

func (s *stage) waiting() int {
	for _, m := range s.set.ListMetricNames() {
		if m == metricUnacked {
			return int(s.set.GetOrCreateGauge(metricUnacked, nil).Get())
		}
	}
	return -1
}

func TestNothingIsForgottenBeforeItIsAcknowledged(t *testing.T) {
	virtual(t, func(t *testing.T, s *stage) {
		stop := s.start(Scheduled{Source: &fake{name: "host"}})
		until(100)
		incarnation := s.take(metric.Ledger)[0].Incarnation
		if n := s.waiting(); n != 10 {
			t.Errorf("%d records wait, want all 10", n)
		}
		s.tell(incarnation, 4)
		until(101)
		if n := s.waiting(); n != 6 {
			t.Errorf("%d records wait after the acknowledgement of 4 of 10", n)
		}
		stop()
		s.set1(func() { s.acks, s.next = true, 5 })

		// The next life has them, numbers on, and is told where to go on.
		s.start(Scheduled{Source: &fake{name: "host"}})
		until(150)
		list := s.take(metric.Ledger)
		last := list[len(list)-1]
		var acknowledged uint64
		s.set1(func() { acknowledged = s.next - 1 })
		if last.Sequence < 14 || acknowledged != last.Sequence {
			t.Errorf("the newest record is %d, acknowledged up to %d", last.Sequence, acknowledged)
		}
		if last.Incarnation <= incarnation {
			t.Errorf("incarnation %d after %d", last.Incarnation, incarnation)
		}
		for _, h := range list {
			if h.Flags&metric.Fresh != 0 && h.Incarnation != incarnation {
				t.Errorf("record %d of the second life is fresh", h.Sequence)
			}
			if old := h.Sequence <= 11; old != (h.Incarnation == incarnation) {
				t.Errorf("record %d is of incarnation %d", h.Sequence, h.Incarnation)
			}
		}
	})
}

func TestTheLastRecordIsOfTheLastTick(t *testing.T) {
	virtual(t, func(t *testing.T, s *stage) {
		for _, end := range []int{43, 57} {
			stop := s.start(Scheduled{Source: &fake{name: "host"}})
			until(end)
			stop()
			list := s.take(metric.Ledger)
			last := list[len(list)-1]
			if at := time.UnixMilli(last.Time); !at.Equal(time.Now().Truncate(time.Second)) {
				t.Errorf("ended at second %d, and the last record is of %s", end, at.UTC())
			}
		}
	})
}

func TestALostSpoolBeginsAFreshSequence(t *testing.T) {
	virtual(t, func(t *testing.T, s *stage) {
		stop := s.start(Scheduled{Source: &fake{name: "host"}})
		until(45)
		stop()
		before := s.take(metric.Ledger)
		if err := os.RemoveAll(filepath.Join(s.config.Spool.Dir, "ledger")); err != nil {
			t.Fatal(err)
		}
		s.start(Scheduled{Source: &fake{name: "host"}})
		until(75)
		s.tell(before[0].Incarnation, 2) // of the sequence that is gone
		until(80)
		list := s.take(metric.Ledger)
		if list[0].Sequence != 1 || list[0].Flags&metric.Fresh == 0 || list[0].Incarnation <= before[0].Incarnation {
			t.Errorf("begins with %d, flags %b, incarnation %d after %d", list[0].Sequence, list[0].Flags, list[0].Incarnation, before[0].Incarnation)
		}
		if n := s.waiting(); n != len(list) {
			t.Errorf("%d of %d records wait: an acknowledgement of the old sequence was taken", n, len(list))
		}
	})
}

// A queue without a disk, and an aggregator that goes by the rules of sequence,
// for what takes long to come about.
func TestAnAggregatorThatFellBehindIsBroughtOn(t *testing.T) {
	layout := (&fake{}).describe()
	values := make([]metric.Raw, layout.Width())
	start := time.Unix(1_795_366_000, 0)
	const records = 50
	for name, tc := range map[string]struct {
		limit    int    // of the queue
		acked    uint64 // while 50 were read
		restored uint64 // what the aggregator remembers now
		reborn   bool   // the agent began a new life since
		gap      uint64 // what it is told is not coming, up to
	}{
		"restored from older state, all still held":     {limit: 100, acked: 20, restored: 20},
		"restored from before what was trimmed":         {limit: 100, acked: 20, restored: 10, gap: 20},
		"restored, and nothing is held":                 {limit: 100, acked: 50, restored: 10, gap: 50},
		"away for longer than the queue holds":          {limit: 30, acked: 10, restored: 10, gap: 20},
		"new life, the aggregator knows what is before": {limit: 30, acked: 20, restored: 20, reborn: true},
		"new life, the aggregator knows less than held": {limit: 30, acked: 20, restored: 15, reborn: true, gap: 20},
		"new life, the aggregator knows some of it":     {limit: 30, acked: 20, restored: 40, reborn: true},
		"new life, the aggregator knows all":            {limit: 30, acked: 20, restored: 50, reborn: true},
	} {
		t.Run(name, func(t *testing.T) {
			q := &memoryQueue{limit: tc.limit, dropped: func() {}}
			far := &follower{}
			lane := newLedgerLane("s", "n1", q, 7, 0)
			now := start
			for range records {
				now = now.Add(10 * time.Second)
				if err := lane.record(now, 0, 0, layout, values); err != nil {
					t.Fatal(err)
				}
				if lane.last <= tc.acked {
					if err := lane.pump(far, now, 1); err != nil {
						t.Fatal(err)
					}
					if err := lane.ack(far, far.watermark(), now); err != nil {
						t.Fatal(err)
					}
				}
			}
			far.sequence, far.gaps = tc.restored, nil
			if tc.reborn {
				lane = newLedgerLane("s", "n1", q, 8, lane.last)
			}
			for range 100 { // seconds
				now = now.Add(time.Second)
				if err := lane.pump(far, now, 20); err != nil {
					t.Fatal(err)
				}
				if far.again && now.Unix()%10 == 0 {
					far.again = false
					if err := lane.ack(far, far.watermark(), now); err != nil {
						t.Fatal(err)
					}
				}
			}
			if far.sequence != records || lane.acked != records {
				t.Errorf("the aggregator is at %d, the agent believes %d; want %d", far.sequence, lane.acked, records)
			}
			var want []uint64
			if tc.gap > 0 {
				want = []uint64{tc.gap}
			}
			if d := cmp.Diff(want, far.gaps); d != "" {
				t.Errorf("gaps:\n%s", d)
			}
		})
	}
}

func TestALaterLifesAcknowledgementIsNotTaken(t *testing.T) {
	lane := newLedgerLane("s", "n1", &memoryQueue{limit: 10}, 7, 0)
	layout := (&fake{}).describe()
	if err := lane.record(time.Unix(1, 0), 0, 0, layout, make([]metric.Raw, layout.Width())); err != nil {
		t.Fatal(err)
	}
	far := &follower{sequence: 1, incarnation: 8}
	if err := lane.ack(far, far.watermark(), time.Unix(2, 0)); err == nil || lane.acked != 0 {
		t.Errorf("taken: acked %d, %v", lane.acked, err)
	}
}

// lossy is a way to a follower on which records go astray.
type lossy struct {
	*follower
	lose func() bool
	sent int
}

func (l *lossy) Publish(subject string, b []byte) error {
	l.sent++
	if l.lose() {
		return nil
	}
	return l.follower.Publish(subject, b)
}

func TestASilentAggregatorIsNotFlooded(t *testing.T) {
	layout := (&fake{}).describe()
	values := make([]metric.Raw, layout.Width())
	lane := newLedgerLane("s", "n1", &memoryQueue{limit: 10_000}, 7, 0)
	away := true
	far := &lossy{follower: &follower{}, lose: func() bool { return away }}
	now := time.Unix(1_795_366_000, 0)
	step := func() {
		now = now.Add(time.Second)
		if now.Unix()%10 == 0 {
			if err := lane.record(now, 0, 0, layout, values); err != nil {
				t.Fatal(err)
			}
		}
		if err := lane.pump(far, now, lane.pace(now)); err != nil {
			t.Fatal(err)
		}
		if far.again && now.Unix()%10 == 5 {
			far.again = false
			if err := lane.ack(far, far.watermark(), now); err != nil {
				t.Fatal(err)
			}
		}
	}
	const hours = 6
	for range hours * 3600 {
		step()
	}
	if records := hours * 360; far.sent < records || far.sent > records+records/5 {
		t.Errorf("%d messages in %d hours of silence, in which %d records were made", far.sent, hours, records)
	}
	away, far.sent = false, 0
	for range 10*60 + hours*360*int(packEvery/time.Second)/pack {
		step()
	}
	if far.sequence != lane.last || lane.acked+1 < lane.last { // of the newest it has not spoken yet
		t.Errorf("the aggregator came back and is at %d, acknowledged is %d of %d", far.sequence, lane.acked, lane.last)
	}
}

func TestRecordsThatGoAstrayArriveInTheEnd(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	layout := (&fake{}).describe()
	values := make([]metric.Raw, layout.Width())
	for range 50 {
		share := 0.0
		far := &lossy{follower: &follower{}, lose: func() bool { return r.Float64() < share }}
		q := &memoryQueue{limit: 100 + r.IntN(300), dropped: func() {}}
		lane := newLedgerLane("s", "n1", q, 7, 0)
		now := time.Unix(1_795_366_000, 0)
		for second := range 4000 {
			switch { // lossy for an hour at most, then not
			case second == 3000:
				share = 0
			case second < 3000 && r.IntN(200) == 0:
				share = []float64{0, 0.2, 0.9, 1}[r.IntN(4)]
			case second < 3000 && r.IntN(500) == 0:
				lane.rewind(now)
			}
			now = now.Add(time.Second)
			if second%10 == 0 && second < 3500 {
				if err := lane.record(now, 0, 0, layout, values); err != nil {
					t.Fatal(err)
				}
			}
			if err := lane.pump(far, now, lane.pace(now)); err != nil {
				t.Fatal(err)
			}
			if far.again && second%10 == 7 && r.Float64() >= share {
				far.again = false
				if err := lane.ack(far, far.watermark(), now); err != nil {
					t.Fatal(err)
				}
			}
		}
		if far.sequence != lane.last || lane.acked != lane.last {
			t.Fatalf("the aggregator is at %d, acknowledged is %d of %d", far.sequence, lane.acked, lane.last)
		}
	}
}
