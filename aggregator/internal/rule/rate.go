package rule

import (
	"github.com/gigawatch/gigawatch/collector/metric"
)

// part is how long a part of the time is that is looked back over, in milliseconds.
func (r *run) part() int64 { return r.rule.Watch.Over.Milliseconds() / parts }

// rising finds counters that rose by the bound or more over the time that is looked
// back. Past holds what they showed at the beginnings of the parts of that time.
func (r *run) rising(e *Evaluator, at int64, column, values []metric.Raw) {
	turn := at / r.part()
	n := int(r.count)
	newest, eldest := int(r.turn%parts)*n, int((r.turn+1)%parts)*n
	if turn != r.turn {
		r.anew(column, newest)
		first := r.turn == 0
		for t := max(r.turn+1, turn-parts+1); t <= turn; t++ {
			copy(r.past[int(t%parts)*n:][:n], column)
			if first {
				for p := range parts {
					copy(r.past[p*n:][:n], column)
				}
			}
		}
		r.turn = turn
		newest, eldest = int(turn%parts)*n, int((turn+1)%parts)*n
	}
	fire := metric.Raw(r.fire)
	for k, v := range column {
		// A difference that overflows is of a value that is missing.
		if was := r.past[eldest+k]; v-was < fire && v >= r.past[newest+k] {
			continue
		}
		r.rose(e, at, int32(k), column, values, newest, eldest)
	}
	if len(r.states) > 0 {
		r.settle(e, at, column, eldest)
	}
}

// rose looks closer at a counter that is not at rest.
func (r *run) rose(e *Evaluator, at int64, k int32, column, values []metric.Raw, newest, eldest int) {
	v, n := column[k], int(r.count)
	if v == metric.Missing {
		return
	}
	if r.past[newest+int(k)] == metric.Missing || r.past[eldest+int(k)] == metric.Missing { // it begins to be known
		for p := range parts {
			if x := &r.past[p*n+int(k)]; *x == metric.Missing {
				*x = v
			}
		}
	}
	r.anew(column, newest)
	if rise := v - r.past[eldest+int(k)]; float64(rise) >= r.fire {
		r.found(e, at, k, rise, values)
	}
}

// anew finds counters that began anew: all that they show is new.
func (r *run) anew(column []metric.Raw, newest int) {
	for k, v := range column {
		if v != metric.Missing && v < r.past[newest+k] {
			for p := range parts {
				r.past[p*int(r.count)+k] = 0
			}
		}
	}
}

// settle ends what rises no more, or by less than Clear; of what does not fire yet,
// by less than Fire.
func (r *run) settle(e *Evaluator, at int64, column []metric.Raw, eldest int) {
	kept := r.states[:0]
	for _, st := range r.states {
		v, was := column[st.k], r.past[eldest+int(st.k)]
		var done bool
		switch {
		case st.alert.bits&st.bit == 0:
			done = true
		case v == metric.Missing || was == metric.Missing:
			done = at-st.seen > gone
		default:
			st.seen = at
			rise := float64(v - was)
			done = rise < r.clear || !st.alert.fires() && rise < r.fire
			st.alert.value = rise / float64(r.rule.def.Per)
		}
		if done {
			e.over(st.alert, st.bit, at)
			continue
		}
		kept = append(kept, st)
	}
	r.states = kept
}
