package agent

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gigawatch/gigawatch/collector/internal/spool"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// classes is a queue that notes what may happen to each frame, and refuses on
// demand.
type classes struct {
	memoryQueue
	seen   []spool.Class
	refuse bool
}

func (c *classes) Append(sequence uint64, class spool.Class, b []byte) error {
	if c.refuse {
		return errors.New("refused")
	}
	c.seen = append(c.seen, class)
	return c.memoryQueue.Append(sequence, class, b)
}

// board is what a test's record says of a GPU.
type board struct {
	name          string
	value, epoch  metric.Raw
	job           string // that holds it whole
	withoutEpochs bool
}

func layoutOf(boards []board) (l *metric.Layout, values []metric.Raw) {
	l = &metric.Layout{Entities: metric.Place{Host: "n1"}.Entities()}
	add := func(n metric.Number, point uint32, entity int, v metric.Raw) {
		l.Columns = append(l.Columns, metric.Column{Metric: n, Form: metric.Int, Point: point, First: entity, Count: 1})
		values = append(values, v)
	}
	for _, b := range boards {
		gpu := len(l.Entities)
		l.Entities = append(l.Entities, metric.Entity{Kind: metric.GPU, Name: b.name, Parent: 0})
		add(metric.GPUEnergyJoules, 0, gpu, b.value)
		if !b.withoutEpochs {
			add(metric.CounterEpoch, metric.EpochPoint(metric.GPUEnergyJoules, 0), gpu, b.epoch)
		}
		if b.job != "" {
			l.Entities = append(l.Entities, metric.Entity{Kind: metric.Job, Name: b.job, Parent: gpu})
			add(metric.JobGPUShare, 0, gpu+1, 1_000_000)
		}
	}
	return l, values
}

func TestWhatMustOutliveThinning(t *testing.T) {
	const o, k, turn, x = spool.Ordinary, spool.Keep, spool.Turn, metric.Missing
	a := func(value, epoch metric.Raw) board { return board{name: "a", value: value, epoch: epoch} }
	bare := func(value metric.Raw) board { return board{name: "a", value: value, withoutEpochs: true} }
	for name, tc := range map[string]struct {
		records [][]board
		want    []spool.Class
	}{
		"a counter that runs on":             {[][]board{{a(1, 7)}, {a(2, 7)}, {a(2, 7)}}, []spool.Class{turn, o, o}},
		"another epoch":                      {[][]board{{a(5, 7)}, {a(6, 7)}, {a(9, 8)}, {a(9, 8)}}, []spool.Class{turn, o, turn, o}},
		"a fall within an epoch":             {[][]board{{a(5, 7)}, {a(4, 7)}, {a(5, 7)}}, []spool.Class{turn, turn, o}},
		"a fall without epochs":              {[][]board{{bare(5)}, {bare(x)}, {bare(4)}}, []spool.Class{turn, turn, turn}},
		"read, not read, read on":            {[][]board{{a(5, 7)}, {a(x, x)}, {a(x, x)}, {a(6, 7)}, {a(7, 7)}}, []spool.Class{turn, turn, o, o, o}},
		"the epoch alone is known meanwhile": {[][]board{{a(5, 7)}, {a(x, 7)}, {a(6, 7)}}, []spool.Class{turn, turn, o}},
		"read, not read, another epoch":      {[][]board{{a(5, 7)}, {a(x, x)}, {a(9, 8)}}, []spool.Class{turn, turn, turn}},
		"never read before":                  {[][]board{{a(x, x)}, {a(5, 7)}, {a(6, 7)}}, []spool.Class{k, turn, o}},
		"a board that comes":                 {[][]board{{a(5, 7)}, {a(6, 7), {name: "b", value: 1, epoch: 1}}, {a(7, 7), {name: "b", value: 2, epoch: 1}}}, []spool.Class{turn, turn, o}},
		"a board that goes":                  {[][]board{{a(5, 7), {name: "b", value: 1, epoch: 1}}, {a(6, 7)}, {a(7, 7)}}, []spool.Class{turn, turn, o}},
		"one that was not read goes":         {[][]board{{a(5, 7), {name: "b", value: x, epoch: x}}, {a(6, 7)}}, []spool.Class{turn, k}},
		"boards change places":               {[][]board{{a(5, 7), {name: "b", value: 1, epoch: 1}}, {{name: "b", value: 1, epoch: 1}, a(6, 7)}}, []spool.Class{turn, k}},
		"an allocation that comes and goes":  {[][]board{{a(5, 7)}, {{"a", 6, 7, "j", false}}, {{"a", 7, 7, "j", false}}, {a(8, 7)}}, []spool.Class{turn, k, o, k}},
		"one job follows another":            {[][]board{{{"a", 6, 7, "j", false}}, {{"a", 7, 7, "k", false}}, {{"a", 8, 7, "k", false}}}, []spool.Class{turn, k, o}},
	} {
		t.Run(name, func(t *testing.T) {
			q := &classes{memoryQueue: memoryQueue{limit: 100}}
			lane := newLedgerLane("s", "n1", q, 7, 41) // not its first life
			for i, boards := range tc.records {
				l, values := layoutOf(boards)
				if err := lane.record(time.Unix(int64(10*i), 0), 0, 0, l, values); err != nil {
					t.Fatal(err)
				}
			}
			if d := cmp.Diff(tc.want, q.seen); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestATurnThatIsRefusedIsStillATurn(t *testing.T) {
	for name, records := range map[string][2][]board{
		"of an epoch":      {{{name: "a", value: 5, epoch: 7}}, {{name: "a", value: 6, epoch: 8}}},
		"of the boards":    {{{name: "a", value: 5, epoch: 7}}, {{name: "b", value: 6, epoch: 7}}},
		"of an allocation": {{{name: "a", value: 5, epoch: 7}}, {{"a", 6, 7, "j", false}}},
	} {
		t.Run(name, func(t *testing.T) {
			q := &classes{memoryQueue: memoryQueue{limit: 100}}
			lane := newLedgerLane("s", "n1", q, 7, 41)
			now := time.Unix(0, 0)
			record := func(b []board) error {
				l, values := layoutOf(b)
				now = now.Add(10 * time.Second)
				return lane.record(now, 0, 0, l, values)
			}
			if err := record(records[0]); err != nil {
				t.Fatal(err)
			}
			q.refuse = true
			for range 3 {
				if record(records[1]) == nil {
					t.Fatal("not refused")
				}
			}
			q.refuse = false
			l, values := layoutOf(records[1])
			if wants := lane.extra(now, l, values); wants != (name != "of an epoch") {
				t.Errorf("a record between the regular ones is wanted: %t", wants)
			}
			if err := record(records[1]); err != nil {
				t.Fatal(err)
			}
			if len(q.seen) != 2 || q.seen[1] == spool.Ordinary || lane.last != 43 {
				t.Errorf("queued as %v, the last is %d", q.seen, lane.last)
			}
		})
	}
}

// A life of the agent without a bus on a small disk; the bus comes back in
// another.
func TestTheEndsOfEpochsOutliveThinning(t *testing.T) {
	for name, restart := range map[string]bool{"while the agent runs": false, "while the agent is down": true} {
		t.Run(name, func(t *testing.T) {
			virtual(t, func(t *testing.T, s *stage) {
				s.config.Spool.LedgerBytes, s.config.Ledger = 16<<10, time.Second
				s.cut(true)
				f := &fake{name: "host"}
				stop := s.start(Scheduled{Source: f})
				until(100)
				if restart {
					stop()
					f = &fake{name: "host"}
				}
				f.with(func() { f.epoch = 1 })
				if restart {
					s.start(Scheduled{Source: f})
				}
				until(350)
				s.cut(false)
				s.set1(func() { s.acks = true })
				until(800)
				seen := map[string]bool{}
				thinned := uint64(0)
				next := uint64(1)
				for _, h := range s.take(metric.Ledger) {
					first := h.Sequence
					if h.Flags&metric.Gap != 0 {
						first -= h.Skipped - 1
						thinned += h.Skipped
					}
					if h.Sequence < next {
						continue // sent again
					}
					if first > next { // a gap that has grown may begin before
						t.Fatalf("record %d comes where %d is next", first, next)
					}
					next = h.Sequence + 1
					if epoch, ok := h.value(metric.CounterEpoch, "n1"); ok {
						seen[fmt.Sprintf("%d in epoch %d", h.second(), int64(epoch))] = true
					}
				}
				if thinned < 100 || seen["99 in epoch 0"] {
					t.Fatalf("%d records were thinned; this proves nothing", thinned)
				}
				for _, want := range []string{"100 in epoch 0", "101 in epoch 1"} {
					if !seen[want] {
						t.Errorf("the record of second %s is gone", want)
					}
				}
			})
		})
	}
}
