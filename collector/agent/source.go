package agent

import (
	"context"
	"log/slog"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// A Source reads one kind of thing.
type Source interface {
	// Name is the source's name in logs and in the label sensor of
	// agent_source_stale.
	Name() string

	// Read takes one reading and appends its values to dst, in the order of the
	// layout that it returns. The layout's entities start with the chain of the
	// agent's place, and it is the same pointer until something changed. An
	// error loses this reading only. Read is never called twice at once.
	Read(ctx context.Context, now time.Time, dst []metric.Raw) (*metric.Layout, []metric.Raw, error)
}

// A Scheduled source is read every Period; zero stands for every tick.
type Scheduled struct {
	Source
	Period time.Duration
}

// reading is what a source answered to the request made at At.
type reading struct {
	at     time.Time
	layout *metric.Layout
	values []metric.Raw
	err    error
	took   time.Duration // to answer
}

// runner reads one source in a goroutine of its own, so that a call that hangs
// hangs alone. All fields are owned by the agent's loop, which talks to the
// goroutine through the two channels only.
type runner struct {
	Scheduled
	request chan reading // at and an emptied values buffer
	answer  chan reading

	busy     bool
	awaited  bool         // at this tick
	slow     int          // answers in a row that took longer than a tick waits
	spare    []metric.Raw // buffer for the next request
	last     reading      // newest good reading
	used     bool         // last was sent already
	lastGood time.Time    // when last was requested
	started  time.Time
	seen     time.Time      // newest tick
	checked  *metric.Layout // newest that is valid
	said     said           // of it, in the log
	failures int64          // readings that failed or came too late
	failing  bool           // the last one failed, said once
}

func newRunner(s Scheduled) *runner {
	return &runner{Scheduled: s, request: make(chan reading, 1), answer: make(chan reading, 1)}
}

// run answers requests until ctx ends. A hung Read keeps it past that; nobody
// waits for it.
func (r *runner) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case q := <-r.request:
			start := time.Now()
			q.layout, q.values, q.err = r.Read(ctx, q.at, q.values)
			q.took = time.Since(start)
			r.answer <- q // never blocks: one request, one answer
		}
	}
}

// ask requests a reading for the tick at now if one is due; a source that still
// works on an earlier request is counted as late instead. It reports whether
// the answer is worth waiting for.
func (r *runner) ask(now time.Time) bool {
	first := r.started.IsZero()
	if first {
		r.started = now
	}
	since := r.seen
	r.seen = now
	if r.Period > 0 && !first && !due(since, now, r.Period, 0) {
		return false
	}
	if r.busy {
		r.failures++
		return false
	}
	r.busy = true
	r.request <- reading{at: now, values: r.spare[:0]}
	r.spare = nil
	return r.slow < slowTwice
}

// slowTwice: a source whose last answers all took too long is not waited for,
// only heard at the next tick. One hiccup does not make it such a source.
const slowTwice = 2

// take accepts an answer, for which a tick waits for grace.
func (r *runner) take(a reading, grace time.Duration, log *slog.Logger) {
	r.busy = false
	if r.slow++; a.took < grace {
		r.slow = 0
	}
	if a.err == nil {
		a.err = r.check(a)
	}
	if a.err != nil {
		r.spare = a.values[:0]
		r.failures++
		if !r.failing {
			log.Warn("source fails; its samples are missing", "source", r.Name(), "error", a.err)
		}
		r.failing = true
		return
	}
	if r.failing {
		log.Info("source answers again", "source", r.Name())
		r.failing = false
	}
	r.spare, r.last, r.used, r.lastGood = r.last.values, a, false, a.at
}

// check says what is wrong with an answer without an error.
func (r *runner) check(a reading) error {
	if a.layout == nil {
		return errNoLayout
	}
	if a.layout != r.checked {
		if err := a.layout.Check(); err != nil {
			return err
		}
		r.checked = a.layout
	}
	if len(a.values) != a.layout.Width() {
		return errWidth
	}
	return nil
}

// A source is stale once this many periods have gone without a reading, and a
// reading that comes after them is no longer of the present.
const stalePeriods = 3

// values appends what the tick at now may say of r's layout: the newest reading
// if it is new, or if it is held until its period has passed twice; else missing.
func (r *runner) values(dst []metric.Raw, now time.Time, interval time.Duration) []metric.Raw {
	if r.last.layout == nil {
		return dst
	}
	period, age := max(r.Period, interval), now.Sub(r.last.at)
	held := r.Period > interval && 0 <= age && age < 2*period
	if r.used && !held || age > stalePeriods*period {
		for range r.last.values {
			dst = append(dst, metric.Missing)
		}
		return dst
	}
	r.used = true
	return append(dst, r.last.values...)
}

// stale is 1 once a source is.
func (r *runner) stale(now time.Time, interval time.Duration) metric.Raw {
	since := r.lastGood
	if since.IsZero() {
		since = r.started
	}
	if now.Sub(since) > stalePeriods*max(r.Period, interval) {
		return 1
	}
	return 0
}

// collect requests a reading of every source that is due and waits for the
// answers, for grace at most: who answers later answers for the next tick, and
// who works on an earlier request or is always slow is not waited for.
func collect(ctx context.Context, rs []*runner, now time.Time, grace time.Duration, log *slog.Logger) {
	for _, r := range rs {
		select {
		case a := <-r.answer: // to an earlier tick's request
			r.take(a, grace, log)
		default:
		}
		r.awaited = r.ask(now)
	}
	deadline := time.NewTimer(grace)
	defer deadline.Stop()
	for _, r := range rs {
		if !r.awaited {
			continue
		}
		select {
		case a := <-r.answer:
			r.take(a, grace, log)
		case <-deadline.C:
			deadline.Reset(0) // no more time for the others
			select {
			case a := <-r.answer:
				r.take(a, grace, log)
			default:
			}
		case <-ctx.Done():
			return
		}
	}
}
