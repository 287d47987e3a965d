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

// batch is how many samples are committed at once.
const batch = 8192

// A Writer appends to the store. It belongs to one goroutine, and an agent
// always to the same writer.
type Writer struct {
	store    *Store
	interval int64
	beats    int64 // slots in a heartbeat

	app     storage.AppenderV2 // nil: nothing is pending
	pending int
	agents  map[string]*agent
	shapes  []*shape
	labels  labeler
	tally   tally

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
	case a == nil:
		if !w.mayCreate(now) {
			w.tally.deferred += len(values)
			return nil
		}
		key = strings.Clone(key)
		a = newAgent(strings.Clone(site), l, w.shape(l), phase(key, w.interval))
		w.agents[key] = a
	case a.site != site || a.layout != l:
		a = w.follow(a, strings.Clone(site), l, t)
		w.agents[key] = a
	}
	if a.last != 0 && t <= a.last {
		w.late(a, t, values)
	} else {
		w.tick(a, t, values)
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

func (w *Writer) shape(l *metric.Layout) *shape {
	for _, s := range w.shapes {
		if slices.Equal(s.columns, l.Columns) {
			return s
		}
	}
	s := newShape(l)
	w.shapes = append(w.shapes, s)
	return s
}

// follow is a under a new layout, or at another site.
func (w *Writer) follow(a *agent, site string, l *metric.Layout, t int64) *agent {
	b := newAgent(site, l, w.shape(l), a.phase)
	if site != a.site || l.Simulated != a.layout.Simulated {
		w.end(a, t, everything)
		return b
	}
	taken := a.carry(b)
	w.end(a, t, func(_ *run, i int) bool { return !taken.has(i) })
	return b
}

// tick stores the agent's newest tick.
func (w *Writer) tick(a *agent, t int64, values []metric.Raw) {
	if t-a.last > lookback.Milliseconds() { // nothing of before can still be seen
		a.forget()
	}
	a.gone = false
	before := a.written
	a.written, a.spare = a.spare, before
	clear(a.written)
	leaving := len(a.leaving)
	for k := range a.shape.runs {
		r := &a.shape.runs[k]
		if r.def == nil {
			w.tally.dropped[unknownMetric] += r.count
			continue
		}
		last := a.raw[r.at : r.at+r.count]
		for j, raw := range values[r.at : r.at+r.count] {
			if raw == last[j] {
				continue
			}
			if r.states > 0 {
				w.state(a, k, j, t, raw, before)
			} else {
				w.change(a, r, j, t, raw, before)
			}
		}
	}
	w.leave(a, leaving, t)
	if a.last != 0 {
		w.refresh(a, t)
	}
	a.last = t
}

// change stores a value that is not what it was.
func (w *Writer) change(a *agent, r *run, j int, t int64, raw metric.Raw, before marks) {
	i := r.at + j
	old := a.raw[i]
	a.raw[i] = raw
	a.written.set(i)
	if raw == metric.Missing {
		w.put(a, r, j, 0, t, staleNaN)
		return
	}
	if old != metric.Missing && !before.has(i) {
		w.put(a, r, j, 0, a.last, r.def.Value(old))
	}
	w.put(a, r, j, 0, t, r.def.Value(raw))
}

// refresh writes the values whose heartbeat came since the tick before. Each
// has its own slot in the heartbeat, so that they do not all come at once.
func (w *Writer) refresh(a *agent, t int64) {
	now := slot(t, a.phase, w.interval)
	from := max(slot(a.last, a.phase, w.interval), now-w.beats)
	for s := from + 1; s <= now; s++ {
		turn := int(s % w.beats)
		for k := range a.shape.runs {
			r := &a.shape.runs[k]
			if r.def == nil {
				continue
			}
			step := int(w.beats)
			for i := r.at + (turn-r.at%step+step)%step; i < r.at+r.count; i += step {
				if a.raw[i] == metric.Missing || a.written.has(i) {
					continue
				}
				a.written.set(i)
				if r.states > 0 {
					w.put(a, r, i-r.at, int(a.raw[i]), t, 1)
				} else {
					w.put(a, r, i-r.at, 0, t, r.def.Value(a.raw[i]))
				}
			}
		}
	}
}

// late stores a tick that comes after newer ones, as it is.
func (w *Writer) late(a *agent, t int64, values []metric.Raw) {
	for k := range a.shape.runs {
		r := &a.shape.runs[k]
		if r.def == nil {
			w.tally.dropped[unknownMetric] += r.count
			continue
		}
		for j, raw := range values[r.at : r.at+r.count] {
			switch {
			case raw == metric.Missing:
			case r.states == 0:
				w.put(a, r, j, 0, t, r.def.Value(raw))
			case 0 <= raw && int(raw) < r.states:
				w.put(a, r, j, int(raw), t, 1)
			default:
				w.tally.dropped[unknownState]++
			}
		}
	}
}

// Gone ends all series of an agent that has stopped, save host_up, which turns
// to 0 and stays while Gone is called at least every heartbeat. t is after the
// agent's last tick. When the agent comes back, it goes on as before.
func (w *Writer) Gone(key string, t int64) error {
	a := w.agents[key]
	if a == nil || a.gone && t-a.last < w.interval*w.beats/2 {
		return nil
	}
	t = max(t, a.last+1)
	if !a.gone {
		w.end(a, t, func(r *run, _ int) bool { return r.def.Number != metric.HostUp })
	}
	a.gone, a.last = true, t
	for k := range a.shape.runs {
		if r := &a.shape.runs[k]; r.def != nil && r.def.Number == metric.HostUp {
			for j := range r.count {
				a.raw[r.at+j] = 0
				w.put(a, r, j, 0, t, 0)
			}
		}
	}
	return w.commitIfMuch()
}

// Forget ends all series of an agent that will not come back, and forgets it.
func (w *Writer) Forget(key string, t int64) error {
	a := w.agents[key]
	if a == nil {
		return nil
	}
	delete(w.agents, key)
	w.end(a, max(t, a.last+1), everything)
	return w.commitIfMuch()
}

func everything(*run, int) bool { return true }

// end writes staleness markers for those values of a that which names.
func (w *Writer) end(a *agent, t int64, which func(*run, int) bool) {
	for k := range a.shape.runs {
		r := &a.shape.runs[k]
		for j := range r.count {
			i := r.at + j
			if r.def == nil || a.raw[i] == metric.Missing || !which(r, i) {
				continue
			}
			w.put(a, r, j, max(0, min(int(a.raw[i]), r.states-1)), t, staleNaN)
			a.raw[i] = metric.Missing
		}
	}
	n := 0
	for k, s := range a.leaving {
		if r := &a.shape.runs[s.run]; which(r, r.at+s.value) {
			a.leaving[n], a.leaving[k] = s, a.leaving[n]
			n++
		}
	}
	w.leave(a, n, t)
	clear(a.written)
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
	point := r.point
	if r.states > 0 {
		point = uint32(k)
	}
	w.create(ref, w.labels.of(a.site, a.layout, r.entity+j, r.def, point), t, v)
}

// appendTo appends to a series the head knows; false if it does not.
func (w *Writer) appendTo(ref storage.SeriesRef, t int64, v float64) bool {
	_, err := w.appender().Append(ref, labels.EmptyLabels(), 0, t, v, nil, nil, storage.AOptions{})
	switch {
	case err == nil:
		w.pending++
	case errors.Is(err, tsdb.ErrInvalidSample): // no such series, and no labels to make it by
		return false
	default:
		w.tally.dropped[reasonOf(err)]++
	}
	return true
}

func (w *Writer) create(ref *storage.SeriesRef, ls labels.Labels, t int64, v float64) {
	w.creations--
	w.tally.created++
	made, err := w.appender().Append(0, ls, 0, t, v, nil, nil, storage.AOptions{})
	if err != nil {
		w.tally.dropped[reasonOf(err)]++
		return
	}
	*ref = made
	w.pending++
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
