package energy

import (
	"fmt"
	"hash/fnv"
	"math"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// Epoch is the identity of a counter's lifetime that parts tell apart: a value
// for the metric [metric.CounterEpoch].
func Epoch(parts ...any) metric.Raw {
	h := fnv.New64a()
	fmt.Fprintln(h, parts...)
	return metric.Raw(h.Sum64() & math.MaxInt64)
}

// An Integral is a counter of millijoules made of readings of power, by the
// trapezoidal rule.
type Integral struct {
	Name string        // whose power it is
	Gap  time.Duration // readings further apart than this are not joined

	started time.Time
	epochs  int
	epoch   metric.Raw
	at      time.Time // of the newest reading; zero: there is none
	watts   float64
	micro   uint64 // µJ in this epoch
}

// Add takes a reading. at must have a monotonic reading; a reading no later than
// the one before, and power that is not a positive finite number or zero, are
// passed over.
func (i *Integral) Add(watts float64, at time.Time) {
	if !(watts >= 0 && watts < 1e9) {
		return
	}
	switch since := at.Sub(i.at); {
	case i.at.IsZero():
		i.started = at
		i.begin()
	case since <= 0:
		return
	case since > i.Gap:
		i.epochs, i.micro = i.epochs+1, 0
		i.begin()
	default:
		i.micro += uint64((watts + i.watts) / 2 * since.Seconds() * 1e6)
	}
	i.at, i.watts = at, watts
}

func (i *Integral) begin() { i.epoch = Epoch("integral", i.Name, i.started.UnixNano(), i.epochs) }

// Energy is the millijoules counted in this epoch; missing before the first
// reading.
func (i *Integral) Energy() metric.Raw {
	if i.at.IsZero() {
		return metric.Missing
	}
	return metric.Raw(i.micro / 1000)
}

// Current reports whether a reading at now would still be joined to the last: if
// not, Energy is of an epoch that has ended.
func (i *Integral) Current(now time.Time) bool { return !i.at.IsZero() && now.Sub(i.at) <= i.Gap }

// Epoch is the identity of the lifetime that Energy belongs to; missing before
// the first reading.
func (i *Integral) Epoch() metric.Raw {
	if i.at.IsZero() {
		return metric.Missing
	}
	return i.epoch
}
