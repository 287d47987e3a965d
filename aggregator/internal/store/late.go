package store

import "github.com/gigawatch/gigawatch/collector/metric"

// admits reports whether a tick at t is in order, or there is room for another
// agent that is out of order: behind its own newest tick, or so far behind the
// others that the head has no place for it.
func (w *Writer) admits(a *agent, t int64) bool {
	w.newest = max(w.newest, t)
	if t > a.last && t > w.newest-w.store.config.Block.Milliseconds()/2 {
		return true
	}
	if head := w.store.db.Head().MinTime(); head != w.head { // a block was cut
		w.head, w.behind = head, 0
	}
	if a.behind == w.head {
		return true
	}
	if w.behind+a.shape.refs > w.store.config.Late {
		return false
	}
	w.behind += a.shape.refs
	a.behind = w.head
	return true
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
