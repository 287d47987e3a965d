package meter

import (
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// A healthColumn is a value that says how a meter is, and not what it measures.
type healthColumn struct {
	metric metric.Number
	point  uint32
}

// healthColumns are those of every meter: its age, its state, and its failures by
// kind.
func healthColumns() []healthColumn {
	list := []healthColumn{{metric.MeterReadingAge, 0}, {metric.MeterState, 0}}
	for kind := range metric.MeterFailureKinds {
		list = append(list, healthColumn{metric.MeterFailures, kind})
	}
	return list
}

// leastFlow is the part that stands for what the site's file says of the flow.
const leastFlow = -1

// health is a part of healthColumns, or leastFlow; d.mu is held.
func (d *device) health(part int, now time.Time) metric.Raw {
	switch {
	case part == leastFlow:
		return metric.Of(*d.MinFlow)
	case part == 0 && d.newest.IsZero():
		return metric.Missing
	case part == 0:
		return metric.Of(max(0, now.Sub(d.newest)).Round(100 * time.Millisecond).Seconds())
	case part == 1:
		return d.state(now)
	}
	return metric.Raw(d.failed[part-2])
}

// state is what is known of d, the worst of it; d.mu is held.
func (d *device) state(now time.Time) metric.Raw {
	if !d.tried {
		return metric.Missing // else each start would say that all are silent
	}
	if d.answered.IsZero() || now.Sub(d.answered) > d.lasts() {
		return metric.MeterSilent
	}
	worst := metric.MeterOk
	for part := range d.troubles {
		switch part {
		case "line", "reading": // what it did say stands; what it does not say any more grows old
		case "time":
			worst = max(worst, metric.MeterStale)
		default:
			worst = max(worst, metric.MeterImplausible)
		}
	}
	for _, s := range d.seen {
		if !s.view.at.IsZero() && now.Sub(s.view.at) > s.view.lasts {
			worst = max(worst, metric.MeterStale)
		}
	}
	for _, t := range d.tallies {
		switch t.fault {
		case quarantined:
			worst = max(worst, metric.MeterQuarantined)
		case frozen:
			worst = max(worst, metric.MeterFrozen)
		case odd:
			worst = max(worst, metric.MeterDisagreeing)
		}
	}
	return worst
}

// fail counts a failure.
func (d *device) fail(kind uint32) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.failed[kind]++
}
