package agent

import (
	"slices"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/wire"
)

// sent are the numbers of records that were published, a gap by its last.
type sent []uint64

func (s *sent) Publish(_ string, b []byte) error {
	return parts(b, func(m wire.Message) { *s = append(*s, m.Sequence) })
}

func TestAnAggregatorThatKnowsNothingIsSentEverything(t *testing.T) {
	layout := &metric.Layout{}
	for name, held := range map[string]int{"of a new spool": 540, "of a spool that has the last three only": 3} {
		t.Run(name, func(t *testing.T) {
			now := time.UnixMilli(1_795_366_000_000)
			q := &memoryQueue{limit: held, dropped: func() {}}
			l := newLedgerLane("s", "n1", q, 7, 0)
			for range 10 {
				if err := l.record(now, 0, 0, layout, nil); err != nil {
					t.Fatal(err)
				}
			}
			var p sent
			if err := l.pump(&p, now, 20); err != nil {
				t.Fatal(err)
			}
			now = now.Add(retransmit + time.Second) // nobody said a word
			if err := l.pump(&p, now, 20); err != nil {
				t.Fatal(err)
			}
			p = nil
			if err := l.ack(&p, wire.Ack{}, now); err != nil {
				t.Fatal(err)
			}
			if err := l.pump(&p, now, 20); err != nil {
				t.Fatal(err)
			}
			want := sent{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}
			if held == 3 {
				want = sent{7, 8, 9, 10} // a gap, and what there is
			}
			if !slices.Equal(p, want) {
				t.Errorf("sent %d, want %d", p, want)
			}
		})
	}
}
