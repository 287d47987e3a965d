package store

import (
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
)

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

// forgetAfter is how long a silent agent's host_up stays 0: until somebody will
// have looked for it, and not for ever, since names may come and go.
const forgetAfter = 7 * 24 * int64(time.Hour/time.Millisecond)

// sweepEvery is how often it is looked for agents to be forgotten.
const sweepEvery = int64(time.Hour / time.Millisecond)

// sweep forgets who has been silent for long, by the newest tick of all.
func (w *Writer) sweep() error {
	if w.newest-w.swept < sweepEvery {
		return nil
	}
	w.swept = w.newest
	for key, a := range w.agents {
		if w.newest-a.heard >= forgetAfter {
			if err := w.Forget(key, w.newest); err != nil {
				return err
			}
		}
	}
	return nil
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
