package account

import (
	"math"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// A Gauge is something that boards show besides, and that is kept of jobs: what they
// did with their energy. No energy is ever made of it. Numbers are in the files of
// sealed hours: append only.
type Gauge uint8

// The gauges. A power limit bounds no reading: it may have been higher a moment ago.
const (
	SMActive     Gauge = iota // thousandths
	TensorActive              // thousandths
	PowerLimit                // watts
	Gauges                    // their number
)

// A Mean is a gauge over the time that a job held boards which showed it. In a
// restatement it is modulo 2^64.
type Mean struct {
	Sum   uint64 // of the gauge times the time below
	Known uint64 // ms, summed over boards
}

func (m Mean) isZero() bool { return m == Mean{} }

// gaugesOf are the metrics of the gauges, how many of their unit are counted as one,
// and what none can be above.
var gaugesOf = [Gauges]struct {
	metric metric.Number
	per    float64
	most   float64
}{SMActive: {metric.GPUSMActive, 1000, 1}, TensorActive: {metric.GPUTensorActive, 1000, 1}, PowerLimit: {metric.GPUPowerLimit, 1, 100_000}}

// shown is what the gauges of a board showed at a reading; below zero: nothing.
type shown [Gauges]int32

var notShown = shown{-1, -1, -1}

// shown is what the board of l shows in values.
func (l *line) shown(values []metric.Raw) (out shown) {
	for k, at := range l.gauges {
		out[k] = -1
		if at < 0 {
			continue
		}
		if v := values[at].Float(); v >= 0 && v <= gaugesOf[k].most {
			out[k] = int32(math.Round(v * gaugesOf[k].per))
		}
	}
	return out
}

// show adds to r what a board showed that its job held for so many ms.
func (r *jobRow) show(what *shown, ms uint64) {
	for k, v := range what {
		if v >= 0 && ms > 0 {
			if r.means == nil {
				r.means = new([Gauges]Mean)
			}
			r.means[k].Sum += uint64(v) * ms
			r.means[k].Known += ms
		}
	}
}

// shown is what boards showed to the job of r.
func (r *jobRow) shown() (m [Gauges]Mean) {
	if r.means != nil {
		m = *r.means
	}
	return m
}

// plus is m and sign times o.
func (m Mean) plus(o Mean, sign uint64) Mean {
	return Mean{m.Sum + sign*o.Sum, m.Known + sign*o.Known}
}
