package store

import "github.com/gigawatch/gigawatch/collector/metric"

// tick stores the agent's newest tick.
func (w *Writer) tick(a *agent, t int64, values []metric.Raw) {
	w.again = t <= w.store.opened
	defer func() { w.again = false }()
	if t-a.last > lookback.Milliseconds() { // nothing of before can still be seen
		a.forget()
	}
	a.gone = false
	before := a.written
	a.written, a.spare = a.spare, before
	clear(a.written)
	leaving := len(a.leaving)
	if a.unsettled && !w.again {
		w.settle(a, t, values)
	}
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
