package agent

import (
	"errors"
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
	for one := range wire.Messages(b) {
		var m wire.Message
		if err := m.Parse(one); err != nil {
			return err
		}
		numbers = append(numbers, m.Sequence)
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
	var bus wires
	seconds := func(n int) (records int) {
		t.Helper()
		before := bus.records()
		for range n {
			now = now.Add(time.Second)
			if err := lane.pump(&bus, now, lane.pace()); err != nil && !bus.away {
				t.Fatal(err)
			}
		}
		return bus.records() - before
	}

	record()
	if seconds(1) != 1 {
		t.Fatal("the record of the present waits")
	}
	for range 400 {
		record()
	}
	if got := seconds(packEvery); got != pack || len(bus.list) != 2 {
		t.Errorf("of a backlog %d records in %d messages, want %d in one", got, len(bus.list)-1, pack)
	}
	seconds(20) // shorter than it waits before it sends again
	if got := bus.records(); got != window {
		t.Errorf("nobody said a word, and %d records are on their way; want %d", got, window)
	}
	record()
	if got := seconds(packEvery); got != 1 {
		t.Errorf("a record was made, and %d were sent; want 1", got)
	}
	if err := lane.ack(&bus, wire.Ack{Incarnation: 7, Sequence: 2 * pack}, now); err != nil {
		t.Fatal(err)
	}
	bus.list = nil
	if got := seconds(20); got != 2*pack-1 {
		t.Errorf("%d were acknowledged, and %d more were sent; want %d", 2*pack, got, 2*pack-1)
	}
	for acked := lane.acked; acked < lane.last; {
		seconds(packEvery)
		acked = lane.sent
		if err := lane.ack(&bus, wire.Ack{Incarnation: 7, Sequence: acked}, now); err != nil {
			t.Fatal(err)
		}
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
	for range gpus {
		layout.Entities = append(layout.Entities, metric.Entity{Kind: metric.GPU, Name: "GPU-" + time.Now().Format("150405.000000000"), Parent: 2})
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
