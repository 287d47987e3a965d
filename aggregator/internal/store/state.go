package store

import "github.com/gigawatch/gigawatch/collector/metric"

// A state metric is one series per state that has occurred:
//
//	state   ok  ok  lost  lost  ok
//	="ok"    1   1    0    –     1
//	="lost"           1    1     0   –
//
// The 0 says when a state was left; the staleness marker after it keeps the
// series from growing for ever.

// state stores a state that is not what it was.
func (w *Writer) state(a *agent, k, j int, t int64, raw metric.Raw, before marks) {
	r := &a.shape.runs[k]
	if raw != metric.Missing && (raw < 0 || int(raw) >= r.states) {
		w.tally.dropped[unknownState]++
		raw = metric.Missing
	}
	i := r.at + j
	old := a.raw[i]
	if raw == old {
		return
	}
	a.raw[i] = raw
	a.written.set(i)
	switch {
	case old == metric.Missing:
		w.others(a, r, j, t, raw, raw)
	case raw == metric.Missing:
		w.put(a, r, j, int(old), t, staleNaN)
		return
	default:
		if !before.has(i) {
			w.put(a, r, j, int(old), a.last, 1)
		}
		w.put(a, r, j, int(old), t, 0)
		a.leaving = append(a.leaving, left{k, j, int(old)})
	}
	w.put(a, r, j, int(raw), t, 1)
}

// A left is a state that was left at the newest tick: its series has its 0 and
// awaits its end.
type left struct{ run, value, state int }

// leave ends the series of the first n states that were left, unless the state
// is current again. A series that the head has let go of needs no end.
func (w *Writer) leave(a *agent, n int, t int64) {
	for _, s := range a.leaving[:n] {
		r := &a.shape.runs[s.run]
		if ref := a.refs[r.ref+s.value*r.states+s.state]; ref != 0 && a.raw[r.at+s.value] != metric.Raw(s.state) {
			w.appendTo(ref, t, staleNaN)
		}
	}
	a.leaving = append(a.leaving[:0], a.leaving[n:]...)
}

// others ends the series of the states but old and now that the head still knows,
// from before a restart: without that two states would be shown for a while. While
// ticks are read again the store may hold newer points of them, and would refuse it:
// then it is put off.
func (w *Writer) others(a *agent, r *run, j int, t int64, old, now metric.Raw) {
	if w.again {
		a.unsettled = true
		return
	}
	for k := range r.states {
		ref := &a.refs[r.ref+j*r.states+k]
		if metric.Raw(k) == old || metric.Raw(k) == now || *ref != 0 {
			continue
		}
		if *ref = w.known(w.labels.of(a.site, a.layout, r.entity+j, r.def, uint32(k))); *ref != 0 {
			w.appendTo(*ref, t, staleNaN)
		}
	}
}

// settle ends what could not be ended while ticks were read again.
func (w *Writer) settle(a *agent, t int64, values []metric.Raw) {
	a.unsettled = false
	for k := range a.shape.runs {
		r := &a.shape.runs[k]
		if r.states == 0 {
			continue
		}
		for j := range r.count {
			w.others(a, r, j, t, a.raw[r.at+j], values[r.at+j])
		}
	}
}
