package agent

import (
	"slices"
	"sort"

	"github.com/gigawatch/gigawatch/collector/internal/spool"
)

// memoryQueue is a queue for simulated agents, which have no disk of their own:
// it holds a bounded number of frames and, when full, gives up the oldest.
type memoryQueue struct {
	limit   int
	frames  []frame // by sequence, rising
	free    [][]byte
	dropped func()
}

type frame struct {
	sequence uint64
	bytes    []byte
}

// Append copies the frame.
func (q *memoryQueue) Append(sequence uint64, _ spool.Class, b []byte) error {
	if len(q.frames) == q.limit {
		q.drop(1)
		q.dropped()
	}
	var buf []byte
	if n := len(q.free); n > 0 {
		buf, q.free = q.free[n-1], q.free[:n-1]
	}
	q.frames = append(q.frames, frame{sequence, append(buf[:0], b...)})
	return nil
}

func (q *memoryQueue) above(sequence uint64) int {
	return sort.Search(len(q.frames), func(i int) bool { return q.frames[i].sequence > sequence })
}

func (q *memoryQueue) Next(above uint64, buf []byte) (uint64, []byte, bool, error) {
	i := q.above(above)
	if i == len(q.frames) {
		return 0, buf, false, nil
	}
	return q.frames[i].sequence, append(buf[:0], q.frames[i].bytes...), true, nil
}

func (q *memoryQueue) Ack(upTo uint64) { q.drop(q.above(upTo)) }

func (q *memoryQueue) drop(n int) {
	for _, f := range q.frames[:n] {
		if len(q.free) < 4 {
			q.free = append(q.free, f.bytes)
		}
	}
	q.frames = slices.Delete(q.frames, 0, n)
}
