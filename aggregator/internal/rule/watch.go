package rule

import (
	"math"

	table "github.com/gigawatch/gigawatch/alerts/rule"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// look compares a column.
func (e *Evaluator) look(r *run, at int64, values []metric.Raw) {
	column := values[r.at : r.at+r.count]
	switch r.rule.Watch.Test {
	case table.Above, table.Below:
		r.compare(e, at, column, values)
	case table.RateAbove:
		r.rising(e, at, column, values)
	case table.PeerBelow:
		r.note(at, column, values)
	case table.Missing:
		r.absent(e, at, column, values)
	}
}

// compare finds values past the bound, and ends what is over.
func (r *run) compare(e *Evaluator, at int64, column, values []metric.Raw) {
	above := r.rule.Watch.Test == table.Above
	for k, v := range column {
		x := v.Float()
		if r.raw {
			x = float64(v)
		}
		if above && x >= r.fire || !above && x <= r.fire {
			r.found(e, at, int32(k), v, values)
		}
	}
	if len(r.states) > 0 {
		r.review(e, at, column)
	}
}

// found is that the condition holds for a device.
func (r *run) found(e *Evaluator, at int64, k int32, v metric.Raw, values []metric.Raw) {
	if r.unread(v) || !r.matters(k, values) {
		return
	}
	shown := r.rule.def.Value(v)
	if st := r.state(k); st != nil {
		st.seen, st.alert.value = at, shown
		return
	}
	r.states = append(r.states, state{k: k, bit: r.bit, since: at, seen: at, alert: e.raise(r.rule, e.identity(r, k), r.bit, at, at, shown, "")})
}

// unread reports whether a value is none: missing, or no number.
func (r *run) unread(v metric.Raw) bool {
	return v == metric.Missing || !r.raw && math.IsNaN(v.Float())
}

func (r *run) state(k int32) *state {
	for i := range r.states {
		if r.states[i].k == k {
			return &r.states[i]
		}
	}
	return nil
}

// matters reports whether a device is one of those that are watched now.
func (r *run) matters(k int32, values []metric.Raw) bool {
	if r.rule.while == nil {
		return true
	}
	return r.while >= 0 && r.rule.while.Value(values[r.while+k]) >= r.rule.Watch.AtLeast
}

// gone is for how long a value that is missing may still be what it was.
const gone = 60_000 // ms

// review ends what is over: of an alert that fires when the value is past Clear, of
// one that does not yet when it is not at Fire.
func (r *run) review(e *Evaluator, at int64, column []metric.Raw) {
	kept := r.states[:0]
	for _, st := range r.states {
		v := column[st.k]
		if !r.unread(v) {
			st.seen = max(st.seen, at)
		}
		if st.alert.bits&st.bit == 0 || r.ends(&st, at, v) {
			e.over(st.alert, st.bit, at)
			continue
		}
		if !r.unread(v) {
			st.alert.value = r.rule.def.Value(v)
		}
		kept = append(kept, st)
	}
	r.states = kept
}

func (r *run) ends(st *state, at int64, v metric.Raw) bool {
	if r.unread(v) { // it is not known to last
		return !st.alert.fires() || at-st.seen > gone
	}
	x := v.Float()
	if r.raw {
		x = float64(v)
	}
	if r.rule.Watch.Test == table.Above {
		return x < r.clear || !st.alert.fires() && x < r.fire
	}
	return x > r.clear || !st.alert.fires() && x > r.fire
}

// absent finds devices that had a value and have none.
func (r *run) absent(e *Evaluator, at int64, column, values []metric.Raw) {
	for k, v := range column {
		if v != metric.Missing {
			r.past[k] = 0 // there was one
			continue
		}
		r.lacking(e, at, int32(k), values)
	}
	if len(r.states) == 0 {
		return
	}
	kept := r.states[:0]
	for _, st := range r.states {
		if !r.lacks(st.k, values) || st.alert != nil && st.alert.bits&st.bit == 0 {
			e.over(st.alert, st.bit, at)
			continue
		}
		if st.alert == nil && at-st.since >= r.rule.Watch.Over.Milliseconds() {
			st.alert = e.raise(r.rule, e.identity(r, st.k), r.bit, st.since, at, float64(at-st.since)/1000, "")
		} else if st.alert != nil {
			st.alert.value = float64(at-st.since) / 1000
		}
		kept = append(kept, st)
	}
	r.states = kept
}

func (r *run) lacks(k int32, values []metric.Raw) bool {
	if values[r.at+k] != metric.Missing {
		return false
	}
	for _, at := range r.others {
		if values[at+k] != metric.Missing {
			return false
		}
	}
	return true
}

func (r *run) lacking(e *Evaluator, at int64, k int32, values []metric.Raw) {
	if !r.lacks(k, values) {
		r.past[k] = 0
		return
	}
	if r.past[k] == metric.Missing || r.state(k) != nil || !r.matters(k, values) {
		return
	}
	r.states = append(r.states, state{k: k, bit: r.bit, since: at, seen: at})
}
