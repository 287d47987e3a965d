package main

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"golang.org/x/sync/errgroup"

	"github.com/gigawatch/gigawatch/aggregator/internal/live"
	"github.com/gigawatch/gigawatch/aggregator/internal/store"
	"github.com/gigawatch/gigawatch/aggregator/internal/stream"
	"github.com/gigawatch/gigawatch/collector/metric"
)

const (
	metricTicksDropped  = "gigawatch_recording_ticks_dropped_total"
	metricTicksWaiting  = "gigawatch_recording_ticks_waiting"
	metricPointsDropped = "gigawatch_recording_points_dropped_total"
	metricStoreFailures = "gigawatch_recording_store_failures_total"
)

// recording hands what the telemetry lane says to the present and to the store.
//
//	Tick ─┬─▶ live ──▶ roll-ups ─▶ points ─▶ writer ─▶ store
//	      └─ due ────▶ ticks ──────────────▶ writer ─▶ store
//
// Both queues are bounded. What is live and finds its queue full is dropped and
// counted, so that making a fleet's series never holds up the present; what is
// read back after a restart waits instead, since the stream keeps it.
type recording struct {
	live   *live.Live
	store  *store.Store
	log    *slog.Logger
	ticks  chan tick
	points chan []live.Point
	free   chan []metric.Raw
	last   map[string]stored // by agent, owned by the reader
	swept  int64             // when last was last looked through, milliseconds since 1970
	heard  atomic.Int64      // when the newest tick was taken, nanoseconds since 1970
	failed atomic.Int64      // when the store last refused, likewise; 0: never
	said   atomic.Int64      // when that was last logged

	gave   time.Duration // waited in the second gaveIn, for a burst to pass; owned by storeTicks
	gaveIn int64

	ticksDropped, pointsDropped, failures *metrics.Counter
}

// tick is one to be stored, or the word that an agent is silent, or forgotten.
type tick struct {
	key, site  string
	layout     *metric.Layout
	millis     int64
	values     []metric.Raw
	gone, over bool
}

// stored is when an agent's newest stored ticks are of, in milliseconds since
// 1970, and when the newest that was not late came.
type stored struct{ now, late, heard int64 }

// forgetAfter is for how long a silent agent is remembered.
const forgetAfter = 24 * time.Hour

// mostAgents is how many agents are remembered at once; ticks of more are not
// stored.
const mostAgents = 1 << 17

// queue is how many ticks may wait: 1,250 a second come from a gigafactory, so
// that is some 13 seconds and 40 MB.
const queue = 16_384

// present is how old a tick may be and still be the present.
const present = 5 * time.Second

func newRecording(s *store.Store, expected map[string]live.Inventory, set *metrics.Set, log *slog.Logger) *recording {
	r := &recording{
		store: s, log: log, ticks: make(chan tick, queue), points: make(chan []live.Point, 256), free: make(chan []metric.Raw, queue),
		last: map[string]stored{}, ticksDropped: set.NewCounter(metricTicksDropped), pointsDropped: set.NewCounter(metricPointsDropped),
		failures: set.NewCounter(metricStoreFailures),
	}
	set.NewGauge(metricTicksWaiting, func() float64 { return float64(len(r.ticks)) })
	r.live = live.New(live.Config{Expected: expected, Emit: r.emit, Silent: r.silent, Forgotten: r.forgotten, Metrics: set})
	return r
}

// Tick implements stream.Sink.
func (r *recording) Tick(t *stream.Tick) {
	r.live.Observe(t.Key, t.Site, t.Layout, t.Time, t.Values, t.Received)
	r.heard.Store(time.Now().UnixNano())
	if !r.due(t) {
		return
	}
	var values []metric.Raw
	select {
	case values = <-r.free:
	default:
	}
	j := tick{key: t.Key, site: t.Site, layout: t.Layout, millis: t.Time, values: append(values[:0], t.Values...)}
	if time.Since(t.Received) > present {
		r.ticks <- j
		return
	}
	select {
	case r.ticks <- j:
	default:
		r.ticksDropped.Inc()
	}
}

// due reports whether a tick is one to store: the first of its agent in each of
// the store's intervals. What comes late has a count of its own beside that of the
// present, since both lanes of an agent flow at once.
func (r *recording) due(t *stream.Tick) bool {
	received := t.Received.UnixMilli()
	r.forget(received)
	a, known := r.last[t.Key]
	if !known && len(r.last) >= mostAgents {
		r.ticksDropped.Inc()
		return false
	}
	a.heard = max(a.heard, received)
	last := &a.now
	if t.Late {
		last = &a.late
	}
	if t.Time < *last { // a clock was set back, or another backlog begins
		*last = 0
	}
	due := t.Time != *last && r.store.Due(t.Key, *last, t.Time)
	if due {
		*last = t.Time
	}
	r.last[t.Key] = a
	return due
}

// forget drops who has been silent for long, looking once an hour: names of agents
// come and go.
func (r *recording) forget(now int64) {
	if now-r.swept < time.Hour.Milliseconds() {
		return
	}
	r.swept = now
	for key, a := range r.last {
		if now-a.heard > forgetAfter.Milliseconds() {
			delete(r.last, key)
		}
	}
}

func (r *recording) emit(points []live.Point) {
	select {
	case r.points <- points:
	default:
		r.pointsDropped.Add(len(points))
	}
}

func (r *recording) silent(key string, millis int64) {
	select {
	case r.ticks <- tick{key: key, millis: millis, gone: true}:
	default:
		r.ticksDropped.Inc()
	}
}

func (r *recording) forgotten(key string) {
	select {
	case r.ticks <- tick{key: key, over: true}:
	default:
		r.ticksDropped.Inc()
	}
}

// commitEvery is how long a stored sample may be invisible.
const commitEvery = 250 * time.Millisecond

// Run stores until ctx ends, then what is queued.
func (r *recording) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return r.storeTicks(ctx) })
	group.Go(func() error { return r.storePoints(ctx) })
	group.Go(func() error { return r.live.Run(ctx) })
	return group.Wait()
}

func (r *recording) storeTicks(ctx context.Context) error {
	w := r.store.Writer()
	every := time.NewTicker(commitEvery)
	defer every.Stop()
	for {
		select {
		case t := <-r.ticks:
			r.giveWay()
			r.note(r.storeTick(w, t))
		case <-every.C:
			r.note(w.Commit())
		case <-ctx.Done():
			for len(r.ticks) > 0 {
				r.note(r.storeTick(w, <-r.ticks))
			}
			return w.Commit()
		}
	}
}

// lull is how long after a tick the burst that it came in counts as over.
const lull = 3 * time.Millisecond

// giveWay waits while a second's ticks are pouring in: a whole fleet speaks at
// once, its present is wanted at once, and storing has the rest of the second, half
// of it at least.
func (r *recording) giveWay() {
	for {
		now := time.Now()
		if second := now.Unix(); r.gaveIn != second {
			r.gaveIn, r.gave = second, 0
		}
		if len(r.ticks) > queue/2 || r.gave > time.Second/2 || now.UnixNano()-r.heard.Load() > int64(lull) {
			return
		}
		time.Sleep(lull)
		r.gave += lull
	}
}

func (r *recording) storeTick(w *store.Writer, t tick) error {
	if t.over {
		// Its series end with its last tick, since another agent may go on with them.
		if err := w.Forget(t.key, 0); err != nil {
			return fmt.Errorf("forget the series of %s: %w", t.key, err)
		}
		return nil
	}
	if t.gone {
		if err := w.Gone(t.key, t.millis); err != nil {
			return fmt.Errorf("end the series of %s: %w", t.key, err)
		}
		return nil
	}
	err := w.Append(t.key, t.layout, t.site, t.millis, t.values)
	select {
	case r.free <- t.values:
	default:
	}
	if err != nil {
		return fmt.Errorf("store a tick of %s: %w", t.key, err)
	}
	return nil
}

func (r *recording) storePoints(ctx context.Context) error {
	w := r.store.Writer()
	for {
		select {
		case points := <-r.points:
			r.storeAll(w, points)
		case <-ctx.Done():
			for len(r.points) > 0 {
				r.storeAll(w, <-r.points)
			}
			return w.Commit()
		}
	}
}

func (r *recording) storeAll(w *store.Writer, points []live.Point) {
	for _, p := range points {
		r.note(storePoint(w, p))
	}
	r.note(w.Commit())
}

func storePoint(w *store.Writer, p live.Point) error {
	s, ok := p.Handle.(*store.Series)
	if !ok {
		var err error
		if s, err = w.Series(p.Metric, p.Point, p.Site, p.Place, p.Simulated); err != nil {
			return fmt.Errorf("make roll-up series: %w", err)
		}
		p.Handle = s
	}
	s.Append(p.Millis, p.Value)
	return nil
}

// note counts what the store refuses as a whole, and says so once a minute.
func (r *recording) note(err error) {
	if err == nil {
		return
	}
	now := time.Now().UnixNano()
	r.failures.Inc()
	r.failed.Store(now)
	if last := r.said.Load(); now-last > int64(time.Minute) && r.said.CompareAndSwap(last, now) {
		r.log.Error("store refuses", "error", err)
	}
}

// failing is how long ago the store last refused, if that is within a minute.
func (r *recording) failing() time.Duration {
	last := r.failed.Load()
	if since := time.Since(time.Unix(0, last)); last != 0 && since < time.Minute {
		return max(since, time.Millisecond)
	}
	return 0
}
