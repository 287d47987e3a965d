package agent

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/wire"
)

// wires are messages of the bus: the numbers of the records in each.
type wires struct {
	list [][]uint64
	size int // of the largest, in bytes
	away bool
}

func (w *wires) Publish(_ string, b []byte) error {
	if w.away {
		return errors.New("no way to the bus")
	}
	var numbers []uint64
	if err := parts(b, func(m wire.Message) { numbers = append(numbers, m.Sequence) }); err != nil {
		return err
	}
	w.list, w.size = append(w.list, numbers), max(w.size, len(b))
	return nil
}

func (w *wires) records() (n int) {
	for _, one := range w.list {
		n += len(one)
	}
	return n
}

func TestABacklogFlowsAsFastAsItIsTaken(t *testing.T) {
	layout := &metric.Layout{}
	now := time.UnixMilli(1_795_366_000_000)
	lane := newLedgerLane("s", "n1", &memoryQueue{limit: 1000, dropped: func() {}}, 7, 0)
	record := func() {
		t.Helper()
		if err := lane.record(now, 0, 0, layout, nil); err != nil {
			t.Fatal(err)
		}
	}
	const beat = int(packEvery / time.Second)
	var bus wires
	seconds := func(n int) (records int) {
		t.Helper()
		before := bus.records()
		for range n {
			now = now.Add(time.Second)
			if err := lane.pump(&bus, now, lane.pace(now)); err != nil && !bus.away {
				t.Fatal(err)
			}
		}
		return bus.records() - before
	}

	record()
	if seconds(1) != 1 {
		t.Fatal("the record of the present waits")
	}
	ack := func(sequence uint64) {
		t.Helper()
		if err := lane.ack(&bus, wire.Ack{Incarnation: 7, Sequence: sequence}, now); err != nil {
			t.Fatal(err)
		}
	}
	ack(1)
	for range 400 {
		record()
	}
	now = now.Add(time.Hour)
	if got := seconds(beat + 1); got != pack || len(bus.list) != 2 {
		t.Errorf("of a backlog %d records in %d messages, want %d in one", got, len(bus.list)-1, pack)
	}
	seconds(20) // shorter than it waits before it sends again
	if got := bus.records() - 1; got != window {
		t.Errorf("nobody said a word, and %d records are on their way; want %d", got, window)
	}
	record()
	if got := seconds(beat); got != 1 {
		t.Errorf("a record was made, and %d were sent; want 1", got)
	}
	ack(1 + 2*pack)
	bus.list = nil
	if got := seconds(20); got != 2*pack-1 {
		t.Errorf("%d were acknowledged, and %d more were sent; want %d", 2*pack, got, 2*pack-1)
	}
	for acked := lane.acked; acked < lane.last; {
		seconds(beat)
		acked = lane.sent
		ack(acked)
	}
	next := bus.list[0][0]
	for _, one := range bus.list {
		for _, n := range one {
			if n != next {
				t.Fatalf("record %d comes where %d is next", n, next)
			}
			next++
		}
	}
	if next != lane.last+1 {
		t.Errorf("up to %d of %d were sent", next-1, lane.last)
	}
}

// Whatever the interval of its ticks and of its records, a backlog ends.
func TestABacklogEndsAtAnyInterval(t *testing.T) {
	for _, every := range []time.Duration{time.Second, 10 * time.Second, time.Minute} {
		for _, tick := range []time.Duration{time.Second, 10 * time.Second, time.Minute} {
			if tick > every {
				continue
			}
			t.Run(fmt.Sprintf("a record each %v, ticks of %v", every, tick), func(t *testing.T) {
				layout := &metric.Layout{}
				now := time.UnixMilli(1_795_366_000_000)
				lane := newLedgerLane("s", "n1", &memoryQueue{limit: 100_000, dropped: func() {}}, 7, 0)
				made := now
				var bus wires
				step := func(away bool) {
					t.Helper()
					now = now.Add(tick)
					if now.Sub(made) >= every {
						made = now
						if err := lane.record(now, 0, 0, layout, nil); err != nil {
							t.Fatal(err)
						}
					}
					if away {
						return
					}
					if err := lane.pump(&bus, now, lane.pace(now)); err != nil {
						t.Fatal(err)
					}
					if now.Unix()%10 == 0 && lane.sent > lane.acked { // the aggregator's commit
						if err := lane.ack(&bus, wire.Ack{Incarnation: 7, Sequence: lane.sent}, now); err != nil {
							t.Fatal(err)
						}
					}
				}
				for range time.Hour / tick {
					step(true)
				}
				took := time.Duration(0)
				for lane.last-lane.sent > 1 {
					if took += tick; took > time.Hour {
						t.Fatalf("after an hour %d records of %d wait", lane.last-lane.sent, lane.last)
					}
					step(false)
				}
				t.Logf("an hour's backlog took %v", took)
			})
		}
	}
}

// failing is a queue that cannot be read once, above a sequence.
type failing struct {
	memoryQueue
	at    uint64
	asked int // since
}

func (f *failing) Next(above uint64, buf []byte) (uint64, []byte, bool, error) {
	if above == f.at {
		if f.asked++; f.asked == 1 {
			return 0, buf, false, errors.New("it may do better later")
		}
	}
	return f.memoryQueue.Next(above, buf)
}

// A spool that is asked again for what it could not read gives up what is there.
func TestWhatCannotBeReadIsAskedForAtTheNextTick(t *testing.T) {
	q := &failing{memoryQueue: memoryQueue{limit: 100, dropped: func() {}}, at: 2}
	lane := newLedgerLane("s", "n1", q, 7, 0)
	now := time.UnixMilli(1_795_366_000_000)
	for range 6 {
		if err := lane.record(now, 0, 0, &metric.Layout{}, nil); err != nil {
			t.Fatal(err)
		}
	}
	var bus wires
	if err := lane.pump(&bus, now, 6); err == nil || q.asked != 1 {
		t.Errorf("asked %d times, %v", q.asked, err)
	}
	if err := lane.pump(&bus, now, 6); err != nil {
		t.Fatal(err)
	}
	if want := [][]uint64{{1, 2}, {3, 4, 5, 6}}; !slices.EqualFunc(bus.list, want, slices.Equal) {
		t.Errorf("sent %d, want %d", bus.list, want)
	}
}

func TestWhatTheConnectionDoesNotTakeIsSentLater(t *testing.T) {
	lane := newLedgerLane("s", "n1", &memoryQueue{limit: 100, dropped: func() {}}, 7, 0)
	now := time.UnixMilli(1_795_366_000_000)
	for range 8 {
		if err := lane.record(now, 0, 0, &metric.Layout{}, nil); err != nil {
			t.Fatal(err)
		}
	}
	bus := wires{away: true}
	if err := lane.pump(&bus, now, 8); err == nil || lane.sent != 0 {
		t.Fatalf("%v, and sent up to %d", err, lane.sent)
	}
	bus.away = false
	if err := lane.pump(&bus, now, 8); err != nil {
		t.Fatal(err)
	}
	if want := [][]uint64{{1, 2, 3, 4, 5, 6}, {7, 8}}; !slices.EqualFunc(bus.list, want, slices.Equal) {
		t.Errorf("sent %d, want %d", bus.list, want)
	}
}

// A bus refuses what is larger than its streams take.
func TestLargeRecordsTravelAlone(t *testing.T) {
	lane := newLedgerLane("s", "n1", &memoryQueue{limit: 100, dropped: func() {}}, 7, 0)
	layout := &metric.Layout{Entities: metric.Place{Hall: "h", Rack: "r", Host: "n1"}.Entities()}
	const gpus = 900
	for i := range gpus {
		layout.Entities = append(layout.Entities, metric.Entity{Kind: metric.GPU, Name: fmt.Sprintf("GPU-%016d", i), Parent: 2})
	}
	layout.Columns = []metric.Column{{Metric: metric.GPUEnergyJoules, Form: metric.Int, First: 3, Count: gpus}}
	now := time.UnixMilli(1_795_366_000_000)
	for range 4 {
		if err := lane.record(now, 0, 0, layout, make([]metric.Raw, gpus)); err != nil {
			t.Fatal(err)
		}
	}
	var bus wires
	if err := lane.pump(&bus, now, 4); err != nil {
		t.Fatal(err)
	}
	if bus.size < packSize/2 {
		t.Fatalf("the largest message has %d bytes; this proves nothing", bus.size)
	}
	if bus.records() != 4 || bus.size > 2*packSize {
		t.Errorf("%d records, in messages of up to %d bytes", bus.records(), bus.size)
	}
}
