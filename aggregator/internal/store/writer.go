package store

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// batch is how many samples are committed at once: few enough that their series
// are still in the processor's cache when the commit comes to them.
const batch = 1024

// A Writer appends to the store. It belongs to one goroutine, and an agent
// always to the same writer.
type Writer struct {
	store    *Store
	interval int64
	beats    int64 // slots in a heartbeat

	app     storage.AppenderV2 // nil: nothing is pending
	again   bool               // what is older than its series was stored before, and is no late sample
	pending int
	agents  map[string]*agent
	shapes  []*shape
	room    int // for shapes, before those out of use are looked for
	labels  labeler
	tally   tally

	newest int64 // of all ticks
	swept  int64 // newest when it was last looked for agents to be forgotten
	head   int64 // where the head began when behind was last 0
	behind int   // series of agents that are out of order since then

	creations float64 // series that may be made now
	refilled  time.Time
}

// Writer makes a writer.
func (s *Store) Writer() *Writer {
	return &Writer{
		store:     s,
		interval:  s.config.Interval.Milliseconds(),
		beats:     int64(s.config.Heartbeat / s.config.Interval),
		agents:    make(map[string]*agent),
		labels:    newLabeler(s.symbols),
		creations: float64(s.config.Creations),
		refilled:  s.config.Now(),
	}
}

// Due reports whether an agent's tick at t, in milliseconds since 1970, is one
// to store, when the one at last was the newest stored; 0 if none was. The
// first tick of each slot is, and slots begin at another second for each agent.
func (s *Store) Due(key string, last, t int64) bool {
	interval := s.config.Interval.Milliseconds()
	return due(last, t, phase(key, interval), interval)
}

func due(last, t, phase, interval int64) bool {
	if last != 0 && t <= last { // late: nothing is remembered of its neighbours
		return t-phase-slot(t, phase, interval)*interval < 1000
	}
	return last == 0 || slot(t, phase, interval) > slot(last, phase, interval)
}

// Due is [Store.Due] by what w itself has stored.
func (w *Writer) Due(key string, t int64) bool {
	a := w.agents[key]
	return a == nil || due(a.last, t, a.phase, w.interval)
}

// Append stores one tick of the agent called key: what changed since its tick
// before, and what has its heartbeat now. The values are in the order of l,
// which may change from tick to tick. Errors are of the call or of the commit
// that it caused, never of a sample.
func (w *Writer) Append(key string, l *metric.Layout, site string, t int64, values []metric.Raw) error {
	a := w.agents[key]
	if (a == nil || a.layout != l) && l.Width() != len(values) || a != nil && a.layout == l && len(values) != a.shape.width {
		return fmt.Errorf("append tick of %s: %d values do not fit the layout's %d", key, len(values), l.Width())
	}
	now := w.store.config.Now()
	w.tally.values += len(values)
	if t > now.Add(ahead).UnixMilli() {
		w.tally.dropped[future] += len(values)
		return nil
	}
	switch {
	case a == nil && len(w.agents) >= w.store.config.Agents:
		w.tally.dropped[tooMany] += len(values)
		w.newest = max(w.newest, t)
		return w.sweep()
	case a == nil:
		if !w.mayCreate(now) {
			w.tally.deferred += len(values)
			return nil
		}
		key = strings.Clone(key)
		a = newAgent(key, strings.Clone(site), l, w.shape(l), phase(key, w.interval))
		w.agents[key] = a
	case a.site != site || a.layout != l:
		a = w.follow(a, strings.Clone(site), l, t)
		w.agents[key] = a
	}
	switch {
	case !w.admits(a, t):
		w.tally.dropped[tooMuchLate] += len(values)
	case t <= a.last:
		w.late(a, t, values)
	default:
		w.tick(a, t, values)
	}
	a.heard = w.newest
	if err := w.sweep(); err != nil {
		return err
	}
	return w.commitIfMuch()
}

// mayCreate reports whether an agent's series may be made now.
func (w *Writer) mayCreate(now time.Time) bool {
	rate := float64(w.store.config.Creations)
	w.creations = min(rate, w.creations+now.Sub(w.refilled).Seconds()*rate)
	w.refilled = now
	return w.creations > 0
}

// mayAdd reports whether an agent may have another series. What it has goes on.
func (w *Writer) mayAdd(a *agent) bool {
	if n := w.store.config.Now().UnixMilli() / w.store.config.Block.Milliseconds(); n != a.madeIn {
		a.made, a.madeIn = 0, n
	}
	if a.made < w.store.config.Quota {
		return true
	}
	if w.tally.dropped[tooManyNew]++; a.made == w.store.config.Quota {
		a.made++ // told once
		w.store.config.Logger.Warn("an agent adds too many series, what it has goes on", "agent", a.name, "site", a.site, "most_in_a_block", w.store.config.Quota)
	}
	return false
}

// shape is that of l, shared with the agents that have the same columns.
func (w *Writer) shape(l *metric.Layout) *shape {
	for _, s := range w.shapes {
		if slices.Equal(s.columns, l.Columns) {
			return s
		}
	}
	if len(w.shapes) >= w.room { // let go of those that no agent has any more
		used := make(map[*shape]bool)
		for _, a := range w.agents {
			used[a.shape] = true
		}
		w.shapes = slices.DeleteFunc(w.shapes, func(s *shape) bool { return !used[s] })
		w.room = 2*len(w.shapes) + 64
	}
	s := newShape(l)
	w.shapes = append(w.shapes, s)
	return s
}

// follow is a under a new layout, or at another site.
func (w *Writer) follow(a *agent, site string, l *metric.Layout, t int64) *agent {
	b := newAgent(a.name, site, l, w.shape(l), a.phase)
	b.made, b.madeIn = a.made, a.madeIn
	if site != a.site || l.Simulated != a.layout.Simulated {
		w.end(a, t, everything)
		return b
	}
	taken := a.carry(b)
	w.end(a, t, func(_ *run, i int) bool { return !taken.has(i) })
	return b
}

var staleNaN = math.Float64frombits(value.StaleNaN)

// put appends one point to the series of value j of r, in state k if it is one
// of a state. The labels are made only where the head does not know the series:
// at first, and when it was silent for so long that the head let go of it.
func (w *Writer) put(a *agent, r *run, j, k int, t int64, v float64) {
	ref := &a.refs[r.ref+j*max(1, r.states)+k]
	if *ref != 0 && w.appendTo(*ref, t, v) {
		return
	}
	if !w.again && !w.mayAdd(a) {
		return
	}
	point := r.point
	if r.states > 0 {
		point = uint32(k)
	}
	w.create(a, ref, w.labels.of(a.site, a.layout, r.entity+j, r.def, point), t, v)
}

// appendTo appends to a series the head knows; false if it does not.
func (w *Writer) appendTo(ref storage.SeriesRef, t int64, v float64) bool {
	_, err := w.appender().Append(ref, labels.EmptyLabels(), 0, t, v, nil, nil, storage.AOptions{RejectOutOfOrder: w.again})
	switch {
	case err == nil:
		w.pending++
	case errors.Is(err, tsdb.ErrInvalidSample): // no such series, and no labels to make it by
		return false
	default:
		w.refused(err)
	}
	return true
}

// create appends to a series by its labels, and makes it if need be.
func (w *Writer) create(a *agent, ref *storage.SeriesRef, ls labels.Labels, t int64, v float64) {
	if w.again { // after a restart the head knows most series, and refuses what it has
		if *ref = w.known(ls); *ref != 0 {
			w.creations -= 0.25
			w.appendTo(*ref, t, v)
			return
		}
		if a != nil && !w.mayAdd(a) {
			return
		}
	}
	if a != nil { // nil: it is ours, of a roll-up
		a.made++
	}
	w.creations--
	w.tally.created++
	made, err := w.appender().Append(0, ls, 0, t, v, nil, nil, storage.AOptions{})
	if err != nil {
		w.refused(err)
		return
	}
	*ref = made
	w.pending++
}

// known is the head's series with the labels, 0 if it has none.
func (w *Writer) known(ls labels.Labels) storage.SeriesRef {
	heads, ok := w.appender().(storage.GetRef)
	if !ok {
		return 0
	}
	ref, _ := heads.GetRef(ls, ls.Hash())
	return ref
}

func (w *Writer) refused(err error) {
	why := reasonOf(err)
	if w.again && why == outOfOrder {
		why = storedBefore
	}
	w.tally.dropped[why]++
}

func (w *Writer) appender() storage.AppenderV2 {
	if w.app == nil {
		w.app = w.store.db.AppenderV2(context.Background())
	}
	return w.app
}

func (w *Writer) commitIfMuch() error {
	if w.pending < batch {
		return nil
	}
	return w.Commit()
}

// Commit makes what was appended visible and writes it ahead to disk. Append
// commits by itself when much is pending; the caller commits often enough for
// what is shown to be fresh, and before it closes the store.
func (w *Writer) Commit() error {
	var err error
	if w.app != nil {
		n := w.pending
		err = w.app.Commit()
		w.app, w.pending = nil, 0
		if err != nil {
			w.store.metrics.commits.Inc()
			w.tally.dropped[notCommitted] += n
			err = fmt.Errorf("commit %d samples: %w", n, err)
		} else {
			w.tally.samples += n
		}
	}
	w.tally.tell(w.store.metrics)
	return err
}
