package web

import (
	"context"
	"errors"
	"sync/atomic"
	"time"
)

// Why a gate turned a request away.
var (
	errQueueFull = errors.New("too many requests are waiting")
	errQueueLong = errors.New("no turn came in time")
)

// A gate lets a number of requests run at once and a number wait, so that load
// beyond both is refused at once instead of slowing everybody down.
type gate struct {
	slots   chan struct{}
	waiting atomic.Int64
	queue   int64
	wait    time.Duration
}

func newGate(slots, queue int, wait time.Duration) *gate {
	return &gate{slots: make(chan struct{}, slots), queue: int64(queue), wait: wait}
}

// enter waits for a turn; after nil the caller owes a leave.
func (g *gate) enter(ctx context.Context) error {
	select {
	case g.slots <- struct{}{}:
		return nil
	default:
	}
	defer g.waiting.Add(-1)
	if g.waiting.Add(1) > g.queue {
		return errQueueFull
	}
	t := time.NewTimer(g.wait)
	defer t.Stop()
	select {
	case g.slots <- struct{}{}:
		return nil
	case <-t.C:
		return errQueueLong
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (g *gate) leave() { <-g.slots }
