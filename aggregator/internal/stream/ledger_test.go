package stream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/gigawatch/gigawatch/aggregator/internal/bus"
	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/wire"
)

var discard = slog.New(slog.DiscardHandler)

// acks are the watermarks that agents were told, as sequences, and how many
// commits had returned by then.
type acks struct {
	mu   sync.Mutex
	list []uint64
}

func (a *acks) heard(m *nats.Msg) {
	ack, err := wire.ParseAck(m.Data)
	if err != nil {
		panic(err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.list = append(a.list, ack.Sequence)
}

func (a *acks) take() []uint64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	list := a.list
	a.list = nil
	return list
}

func (s *site) listen() *acks {
	s.t.Helper()
	a := &acks{}
	if _, err := s.nc.Subscribe(wire.AckSubject("s", "*"), a.heard); err != nil {
		s.t.Fatal(err)
	}
	return a
}

// record publishes a ledger record of agent n1.
func (s *site) record(sequence uint64) {
	s.t.Helper()
	l := layout(1)
	b := batch(l, time.Now(), 1, sequence)
	b.Lane = metric.Ledger
	s.publish("ledger.s.n1", encode(s.t, b, l, true))
}

func (s *site) ledger(b Book) *metrics.Set {
	set := metrics.NewSet()
	s.run(NewLedger(LedgerConfig{
		JetStream: s.js, Publish: s.nc.Publish, Stream: bus.Ledger, Book: b, Logger: discard, Metrics: set,
	}).Run)
	return set
}

func TestAgentsAreToldOnlyWhatIsCommitted(t *testing.T) {
	virtual(t, func(t *testing.T) {
		s, b := newSite(t), newBook()
		told := s.listen()
		s.ledger(b)
		for i := range uint64(5) {
			s.record(i + 1)
		}
		settle()
		if got := told.take(); got != nil || b.now().taken != 5 {
			t.Fatalf("after %d records and before a commit agents were told %d", b.now().taken, got)
		}
		time.Sleep(10 * time.Second)
		settle()
		if got := told.take(); !cmp.Equal(got, []uint64{5}) || b.now().commits != 1 {
			t.Errorf("after %d commits agents were told %d, want 5 once", b.now().commits, got)
		}
		time.Sleep(30 * time.Second)
		settle()
		if got := told.take(); got != nil || b.now().commits != 4 {
			t.Errorf("with nothing new, %d commits, and agents were told %d", b.now().commits, got)
		}
	})
}

func TestWhoIsInAHurryNeedNotWaitForTheNextCommit(t *testing.T) {
	virtual(t, func(t *testing.T) {
		s, b := newSite(t), newBook()
		told := s.listen()
		lane := NewLedger(LedgerConfig{JetStream: s.js, Publish: s.nc.Publish, Stream: bus.Ledger, Book: b, Logger: discard, Metrics: metrics.NewSet()})
		s.run(lane.Run)
		s.record(1)
		settle()
		for range 3 { // never blocks
			lane.Hurry()
		}
		settle()
		if got := told.take(); !cmp.Equal(got, []uint64{1}) {
			t.Errorf("agents were told %d, want 1", got)
		}
	})
}

func TestHoursThatAreDueDoNotWaitForTheTickAndTheLaneIsReadMeanwhile(t *testing.T) {
	virtual(t, func(t *testing.T) {
		s, b := newSite(t), newBook()
		b.due = 400
		s.ledger(b)
		time.Sleep(12 * time.Second)
		s.record(1)
		time.Sleep(time.Second)
		settle()
		if got := b.now(); got.commits < 50 || got.commits >= b.due || got.taken != 1 {
			t.Errorf("three seconds after the first commit there were %d, and records taken: %d; want 50 and more, and 1", got.commits, got.taken)
		}
		time.Sleep(10 * time.Second)
		settle()
		if got := b.now().commits; got < b.due || got > b.due+2 {
			t.Errorf("of %d commits that were due there were %d", b.due, got)
		}
	})
}

func TestWhoSendsWhatIsKnownOrTooNewHearsItsWatermark(t *testing.T) {
	for name, again := range map[string]uint64{"known": 1, "beyond a hole": 9} {
		t.Run(name, func(t *testing.T) {
			virtual(t, func(t *testing.T) {
				s, b := newSite(t), newBook()
				told := s.listen()
				set := s.ledger(b)
				for i := range uint64(3) {
					s.record(i + 1)
				}
				time.Sleep(11 * time.Second)
				told.take()
				s.record(again)
				time.Sleep(10 * time.Second)
				settle()
				if got := told.take(); !cmp.Equal(got, []uint64{3}) {
					t.Errorf("told %d, want 3", got)
				}
				if counter(set, metricHeld) != 1 {
					t.Error("not counted")
				}
			})
		})
	}
}

// Its first record may be lost on the way while those after it come. It must be asked for
// before patience ends, for what lies before the one that is taken instead is not booked.
func TestWhoIsUnknownAndBeyondAHoleHearsThatNothingIsDurable(t *testing.T) {
	virtual(t, func(t *testing.T) {
		s, b := newSite(t), newBook()
		told := s.listen()
		s.ledger(b)
		s.record(2)
		time.Sleep(11 * time.Second)
		settle()
		if got := told.take(); !cmp.Equal(got, []uint64{0}) {
			t.Errorf("told %d, want 0", got)
		}
	})
}

// A fleet's acknowledgements that a bus does not take are one line, and come
// when the agents send again.
func TestAcknowledgementsThatCannotBeSentAreCounted(t *testing.T) {
	b, set, out := newBook(), metrics.NewSet(), &log{}
	away, told := true, 0
	lane := NewLedger(LedgerConfig{Book: b, Logger: logTo(out), Metrics: set, Publish: func(string, []byte) error {
		if away {
			return nats.ErrReconnectBufExceeded
		}
		told++
		return nil
	}})
	n := uint64(0)
	send := func(sequence uint64) {
		for i := range 200 {
			n++
			l := layout(1)
			r := batch(l, time.Now(), 1, sequence)
			r.Lane, r.Agent = metric.Ledger, fmt.Sprint("n", i)
			lane.handle("id", message{"ledger.s." + r.Agent, encode(t, r, l, true), n, time.Now()})
		}
		if err := lane.commit(time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	send(1)
	if got := counter(set, metricAcksUnsent); got != 200 || counter(set, metricAcks) != 0 {
		t.Errorf("%d counted as not sent, %d as sent; want 200 and none", got, counter(set, metricAcks))
	}
	if got := out.count("acknowledgements not sent"); got != 1 {
		t.Errorf("it was said %d times, want once", got)
	}
	away = false
	send(1) // again
	if told != 200 || counter(set, metricAcks) != 200 {
		t.Errorf("%d agents were told, want all", told)
	}
}

func TestReadingGoesOnFromTheBooksPosition(t *testing.T) {
	virtual(t, func(t *testing.T) {
		s, b := newSite(t), newBook()
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		read := func(ctx context.Context) {
			ended <- NewLedger(LedgerConfig{JetStream: s.js, Publish: s.nc.Publish, Stream: bus.Ledger, Book: b, Logger: discard, Metrics: metrics.NewSet()}).Run(ctx)
		}
		go read(ctx)
		s.record(1)
		s.record(2)
		settle()
		stop()
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		if b.now().commits != 1 || b.now().durableAt != 2 {
			t.Fatalf("at its end %d commits, position %d; want a last one, at 2", b.now().commits, b.now().durableAt)
		}
		s.record(3)
		b.at = 0
		ctx, stop = context.WithCancel(t.Context())
		go read(ctx)
		settle()
		if b.now().at != 3 || b.now().taken != 3 {
			t.Errorf("read up to %d, taken up to %d, want 3 and 3", b.now().at, b.now().taken)
		}
		stop()
		<-ended

		// A stream that was made anew is read from its beginning.
		if err := s.js.DeleteStream(t.Context(), bus.Ledger); err != nil {
			t.Fatal(err)
		}
		if _, err := bus.Ensure(t.Context(), s.js, bus.Wanted{Limits: bus.Limits{Telemetry: 64 << 20, Ledger: 64 << 20}}); err != nil {
			t.Fatal(err)
		}
		for i := range uint64(5) { // more than the old position
			s.record(i + 4)
		}
		time.Sleep(time.Second)
		ctx, stop = context.WithCancel(t.Context())
		go read(ctx)
		settle()
		if b.now().at != 5 || b.now().taken != 8 {
			t.Errorf("of the new stream, read up to %d, taken up to %d, want 5 and 8", b.now().at, b.now().taken)
		}
		stop()
		<-ended

		// So is one that lost its newest messages.
		b.durableAt, b.at = 1000, 0
		ctx, stop = context.WithCancel(t.Context())
		go read(ctx)
		settle()
		if b.now().at != 5 {
			t.Errorf("of a stream that is behind the book, read up to %d, want 5", b.now().at)
		}
		stop()
		<-ended
	})
}

// In real time: a subscription that seeks its stream holds a lock that virtual
// time does not see.
func TestAStreamThatIsGoneOrMadeAnewEndsTheReading(t *testing.T) {
	telemetry := func(s *site) (string, func(context.Context) error) {
		lane := NewTelemetry(TelemetryConfig{JetStream: s.js, Stream: bus.Telemetry, Since: time.Now(), Sink: &ticks{}, Metrics: metrics.NewSet(), Logger: discard})
		lane.watchEvery = 20 * time.Millisecond
		return bus.Telemetry, lane.Run
	}
	ledger := func(s *site) (string, func(context.Context) error) {
		lane := NewLedger(LedgerConfig{JetStream: s.js, Publish: s.nc.Publish, Stream: bus.Ledger, Book: newBook(), Logger: discard, Metrics: metrics.NewSet()})
		lane.watchEvery = 20 * time.Millisecond
		return bus.Ledger, lane.Run
	}
	for name, tc := range map[string]struct {
		lane func(*site) (string, func(context.Context) error)
		anew bool
	}{
		"telemetry gone": {telemetry, false}, "telemetry anew": {telemetry, true},
		"ledger gone": {ledger, false}, "ledger anew": {ledger, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			stream, run := tc.lane(s)
			ended := make(chan error, 1)
			go func() { ended <- run(t.Context()) }()
			time.Sleep(200 * time.Millisecond)
			if err := s.js.DeleteStream(t.Context(), stream); err != nil {
				t.Fatal(err)
			}
			if tc.anew {
				if _, err := bus.Ensure(t.Context(), s.js, bus.Wanted{Limits: bus.Limits{Telemetry: 64 << 20, Ledger: 64 << 20}}); err != nil {
					t.Fatal(err)
				}
			}
			select {
			case err := <-ended:
				if err == nil {
					t.Error("no error")
				}
			case <-time.After(30 * time.Second):
				t.Error("it waits for ever")
			}
		})
	}
}

// A server whose files are damaged ends a stream earlier, and gives its numbers to what comes next.
func TestAStreamThatLosesItsNewestMessagesEndsTheReading(t *testing.T) {
	s := newSite(t)
	s.record(1)
	s.record(2)
	js := &short{JetStream: s.js}
	lane := NewLedger(LedgerConfig{JetStream: js, Publish: s.nc.Publish, Stream: bus.Ledger, Book: newBook(), Logger: discard, Metrics: metrics.NewSet()})
	lane.watchEvery = 20 * time.Millisecond
	ended := make(chan error, 1)
	go func() { ended <- lane.Run(t.Context()) }()
	select {
	case err := <-ended:
		t.Fatalf("it ended before: %v", err)
	case <-time.After(200 * time.Millisecond):
	}
	js.lost.Store(1)
	select {
	case err := <-ended:
		if err == nil || !strings.Contains(err.Error(), "lost its newest messages") {
			t.Errorf("it ends with %v", err)
		}
	case <-time.After(30 * time.Second):
		t.Error("it reads on")
	}
}

// short is a server that says of its streams that they end earlier than they do.
type short struct {
	jetstream.JetStream
	lost atomic.Uint64
}

func (s *short) Stream(ctx context.Context, name string) (jetstream.Stream, error) {
	found, err := s.JetStream.Stream(ctx, name)
	if err != nil {
		return nil, err
	}
	info := *found.CachedInfo()
	info.State.LastSeq -= s.lost.Load()
	return shortStream{found, &info}, nil
}

type shortStream struct {
	jetstream.Stream
	info *jetstream.StreamInfo
}

func (s shortStream) CachedInfo() *jetstream.StreamInfo { return s.info }

func TestAFailedCommitEndsTheReadingAndTellsNobody(t *testing.T) {
	virtual(t, func(t *testing.T) {
		s, b := newSite(t), newBook()
		told := s.listen()
		b.fails = true
		ended := make(chan error, 1)
		go func() {
			ended <- NewLedger(LedgerConfig{JetStream: s.js, Publish: s.nc.Publish, Stream: bus.Ledger, Book: b, Logger: discard, Metrics: metrics.NewSet()}).Run(t.Context())
		}()
		s.record(1)
		time.Sleep(11 * time.Second)
		select {
		case err := <-ended:
			if !errors.Is(err, errBook) {
				t.Errorf("got %v, want %v", err, errBook)
			}
		default:
			t.Fatal("it goes on")
		}
		settle()
		if got := told.take(); got != nil {
			t.Errorf("agents were told %d", got)
		}
	})
}

func TestTheLedgerLaneRefusesWhatTelemetryRefusesSaveTheDate(t *testing.T) {
	virtual(t, func(t *testing.T) {
		s, b := newSite(t), newBook()
		set := s.ledger(b)
		l := layout(1)
		r := batch(l, time.Now().Add(48*time.Hour), 1, 1)
		s.publish("ledger.s.n1", encode(t, r, l, true)) // of the other lane
		r.Lane = metric.Ledger
		forged := *r
		forged.Agent = "n2"
		s.publish("ledger.s.n1", encode(t, &forged, l, true))
		m := encode(t, r, l, true)
		m[len(m)-1] ^= 1
		s.publish("ledger.s.n1", m)
		s.publish("ledger.s.n1", encode(t, r, l, false))
		settle()
		for _, reason := range []string{"wrong_lane", "wrong_site", "checksum", "layout_unknown"} {
			if n := rejected(set, "ledger", reason); n != 1 {
				t.Errorf("%d refused as %s, want 1", n, reason)
			}
		}
		if b.now().taken != 0 {
			t.Error("booked")
		}
		// One that is refused would hold up all that come after it.
		s.publish("ledger.s.n1", encode(t, r, l, true))
		settle()
		if b.now().taken != 1 {
			t.Error("a record with a date in the future was refused")
		}
	})
}

// A record that restates is of a time that is over: it is handed on like any other,
// and the lane is not late for it.
func TestARecordThatRestatesIsNoLag(t *testing.T) {
	virtual(t, func(t *testing.T) {
		s, b := newSite(t), newBook()
		lane := NewLedger(LedgerConfig{JetStream: s.js, Publish: s.nc.Publish, Stream: bus.Ledger, Book: b, Logger: discard, Metrics: metrics.NewSet()})
		s.run(lane.Run)
		s.record(1)
		l := layout(1)
		old := batch(l, time.Now().Add(-72*time.Hour), 1, 2)
		old.Lane, old.Flags, old.Skipped, old.Interval = metric.Ledger, metric.Gap|metric.Restated, 1, metric.Quarter.Milliseconds()
		s.publish("ledger.s.n1", encode(t, old, l, true))
		settle()
		if lag, ok := lane.Lag(); !ok || lag > 10*time.Second || b.now().taken != 2 {
			t.Errorf("the lane is %v late (%v), %d records were taken", lag, ok, b.now().taken)
		}
	})
}

// A backlog comes as several records in one message. One that cannot be read hides where the
// next would begin, and its agent sends again what was not acknowledged.
func TestRecordsThatComeAsOneMessageAreEachTaken(t *testing.T) {
	for name, tc := range map[string]struct {
		records                     uint64 // five at least
		damage                      func([][]byte)
		taken                       uint64
		checksum, others, oversized int
	}{
		"all are sound":           {damage: func([][]byte) {}, taken: 5},
		"the third is damaged":    {damage: func(b [][]byte) { b[2][30]++ }, taken: 2, checksum: 1},
		"the third has no length": {damage: func(b [][]byte) { clear(b[2][4:8]) }, taken: 2, others: 1},
		"the first is damaged":    {damage: func(b [][]byte) { b[0][30]++ }, checksum: 1},
		"more than are ever sent": {records: mostRecords + 3, damage: func([][]byte) {}, taken: mostRecords, oversized: 1},
	} {
		t.Run(name, func(t *testing.T) {
			virtual(t, func(t *testing.T) {
				s, b := newSite(t), newBook()
				told := s.listen()
				set := s.ledger(b)
				l := layout(1)
				var records [][]byte
				for i := range max(tc.records, 5) {
					r := batch(l, time.Now(), 1, i+1)
					r.Lane = metric.Ledger
					records = append(records, encode(t, r, l, true))
				}
				tc.damage(records)
				s.publish("ledger.s.n1", slices.Concat(records...))
				time.Sleep(11 * time.Second)
				settle()
				var want []uint64
				if tc.taken > 0 {
					want = []uint64{tc.taken}
				}
				if got := told.take(); b.now().taken != tc.taken || !cmp.Equal(got, want) || counter(set, metricRecords) != int(tc.taken) {
					t.Errorf("taken up to %d of %d records, and told %d; want %d", b.now().taken, counter(set, metricRecords), got, tc.taken)
				}
				if got := rejected(set, "ledger", "checksum"); got != tc.checksum {
					t.Errorf("%d were refused for their checksum, want %d", got, tc.checksum)
				}
				if got := rejected(set, "ledger", "corrupt") + rejected(set, "ledger", "truncated"); got != tc.others {
					t.Errorf("%d were refused for their length, want %d", got, tc.others)
				}
				if got := rejected(set, "ledger", "oversized"); got != tc.oversized {
					t.Errorf("%d were refused for their number, want %d", got, tc.oversized)
				}
				if tc.taken == 0 {
					return
				}
				s.record(tc.taken + 1)
				settle()
				if b.now().taken != tc.taken+1 {
					t.Errorf("then taken up to %d, want %d", b.now().taken, tc.taken+1)
				}
			})
		})
	}
}
