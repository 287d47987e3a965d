package meter

import (
	"math"
	"time"

	"github.com/gigawatch/gigawatch/collector/internal/energy"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// An integral sums a gauge over time, in thousandths of a joule or millionths of
// a cubic metre. Unlike [energy.Integral] it lasts at the power of a site, and
// knows gauges that are sent when they change.
type integral struct {
	name string
	per  float64       // of its unit a second, to one of the gauge
	gap  time.Duration // readings further apart than this are not joined
	hold bool          // a reading stands until the next, and for gap at most
	cut  bool          // the newest reading stands no longer

	at    time.Time // of the newest reading; zero: there is none
	rate  float64   // then, a second
	total int64     // since the first reading, gaps left out
	part  float64   // of one, besides total
	laps  int       // that gaps have ended
	lap   int64     // total when the epoch began
	epoch metric.Raw
}

// backward is how far the times of readings may go back.
const backward = time.Second

// A point is an integral at one time.
type point struct {
	total int64
	laps  int
	at    time.Time // zero: nothing was read yet
}

// add takes a reading of the gauge, which must be finite and zero or more.
func (i *integral) add(v float64, at time.Time) {
	rate, since := v*i.per, at.Sub(i.at)
	switch {
	case i.at.IsZero():
		i.begin(at)
	case since > 0 && i.cut:
		i.laps++
		i.begin(at)
	case since <= 0 && i.hold && since > -i.gap:
		i.rate = rate // what was extended to here by the value before stays
		return
	case since <= 0 && since >= -backward:
		return
	case since < 0, since > i.gap:
		i.laps++
		i.begin(at)
	default:
		if i.total-i.lap > turn {
			i.begin(at)
		}
		mean := (i.rate + rate) / 2
		if i.hold {
			mean = i.rate
		}
		i.step(mean, since)
	}
	i.at, i.rate, i.cut = at, rate, false
}

// extend carries the newest reading on to now, of a gauge that is sent when it
// changes: nothing came, so nothing changed; from says when it was sent.
func (i *integral) extend(from, now time.Time) {
	if since := now.Sub(i.at); i.hold && !i.cut && !i.at.IsZero() && since > 0 && now.Sub(from) <= i.gap {
		i.step(i.rate, since)
		i.at = now
	}
}

func (i *integral) step(rate float64, since time.Duration) {
	whole, part := math.Modf(rate*since.Seconds() + i.part)
	i.total, i.part = i.total+int64(whole), part
}

func (i *integral) begin(at time.Time) {
	i.lap = i.total
	i.epoch = energy.Epoch("integral", i.name, at.UnixNano(), i.laps)
}

// count is what was summed in this epoch, which begins after a gap; missing before the first reading.
func (i *integral) count() (value, epoch metric.Raw) {
	if i.at.IsZero() {
		return metric.Missing, metric.Missing
	}
	return metric.Raw(i.total - i.lap), i.epoch
}

// here is the integral as it stands.
func (i *integral) here() point { return point{i.total, i.laps, i.at} }

// since is what was summed since p; whole is false if there was a gap.
func (i *integral) since(p point) (amount int64, whole bool) {
	return i.total - p.total, !p.at.IsZero() && p.laps == i.laps
}
