package web

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/VictoriaMetrics/metrics"
)

// Names of the gates' own metrics.
const (
	MetricWaiting = "gigawatch_http_waiting"              // lane
	MetricTurned  = "gigawatch_http_turned_away_total"    // lane, reason: full, late
	MetricWaited  = "gigawatch_http_waited_seconds_total" // lane
)

// Why a gate turned a request away.
var (
	errQueueFull = errors.New("too many requests are waiting")
	errQueueLong = errors.New("no turn came in time")
)

// A gate lets a number of requests of a lane run at once and a number wait, so that
// load beyond both is refused at once instead of slowing everybody down. Who waits has
// turns in the order in which they came. All panels of several dashboards fit in: it
// is for them that one waits.
type gate struct {
	lane    lane
	slots   chan struct{}
	waiting atomic.Int64
	queue   int64
	wait    time.Duration

	full, late *metrics.Counter
	waited     *metrics.FloatCounter
}

func newGate(of lane, slots, queue int, wait time.Duration, set *metrics.Set) *gate {
	g := &gate{lane: of, slots: make(chan struct{}, slots), queue: int64(queue), wait: wait}
	label := fmt.Sprintf("{lane=%q", string(of))
	g.full, g.late = set.NewCounter(MetricTurned+label+`,reason="full"}`), set.NewCounter(MetricTurned+label+`,reason="late"}`)
	g.waited = set.NewFloatCounter(MetricWaited + label + "}")
	set.NewGauge(MetricWaiting+label+"}", func() float64 { return float64(g.waiting.Load()) })
	return g
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
		g.full.Inc()
		return errQueueFull
	}
	began, t := time.Now(), time.NewTimer(g.wait)
	defer t.Stop()
	defer func() { g.waited.Add(time.Since(began).Seconds()) }()
	select {
	case g.slots <- struct{}{}:
		return nil
	case <-t.C:
		g.late.Inc()
		return errQueueLong
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (g *gate) leave() { <-g.slots }
