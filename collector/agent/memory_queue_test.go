package agent

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gigawatch/gigawatch/collector/internal/spool"
)

func TestTheMemoryQueueGivesUpItsOldest(t *testing.T) {
	dropped := 0
	q := &memoryQueue{limit: 3, dropped: func() { dropped++ }}
	for i := range byte(5) {
		if err := q.Append(uint64(i)+1, spool.Ordinary, []byte{i + 1}); err != nil {
			t.Fatal(err)
		}
	}
	left := func() (all []uint64) {
		for at := uint64(0); ; {
			sequence, frame, ok, err := q.Next(at, nil)
			if err != nil {
				t.Fatal(err)
			}
			if !ok {
				return all
			}
			if len(frame) != 1 || uint64(frame[0]) != sequence {
				t.Errorf("frame %d holds %v", sequence, frame)
			}
			all, at = append(all, sequence), sequence
		}
	}
	if d := cmp.Diff([]uint64{3, 4, 5}, left()); d != "" || dropped != 2 {
		t.Errorf("%d dropped, want 2; left:\n%s", dropped, d)
	}
	q.Ack(4)
	q.Ack(1)
	if d := cmp.Diff([]uint64{5}, left()); d != "" {
		t.Error(d)
	}
	if err := q.Append(6, spool.Ordinary, []byte{6}); err != nil { // in a buffer that was used before
		t.Fatal(err)
	}
	if d := cmp.Diff([]uint64{5, 6}, left()); d != "" {
		t.Error(d)
	}
	q.Ack(99)
	if got := left(); got != nil {
		t.Errorf("left: %v", got)
	}
}
