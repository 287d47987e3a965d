package gpu

import (
	"time"

	"github.com/gigawatch/gigawatch/collector/internal/energy"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// A check compares a board's energy counter with its power, integrated over the
// same five minutes.
type check struct {
	points        []point // the first is five minutes old or more, once there are as many
	counter, area metric.Raw
	ratio         metric.Raw
}

// A point is both at one time, in millijoules.
type point struct {
	at            time.Time
	counted, area float64
}

const (
	checkOver  = 5 * time.Minute
	checkEvery = 10 * time.Second
	checkLeast = 1000 // mJ; less than that is no comparison
)

func (c *check) forget() { c.points, c.ratio = c.points[:0], metric.Missing }

// take takes what a counter showed at a time, in its epoch, and the integral of
// power up to powerAt, when power was watts.
func (c *check) take(counted uint64, at time.Time, epoch metric.Raw, area *energy.Integral, watts float64, powerAt time.Time) {
	if area.Energy() == metric.Missing || area.Epoch() != c.area || epoch != c.counter {
		c.forget()
		c.area, c.counter = area.Epoch(), epoch
	}
	now := point{at, float64(counted), float64(area.Energy())}
	if !(watts >= 0) { // no power now; the points are still good
		c.ratio = metric.Missing
		return
	}
	now.area += watts * 1000 * at.Sub(powerAt).Seconds()
	for len(c.points) > 1 && at.Sub(c.points[1].at) >= checkOver {
		c.points = append(c.points[:0], c.points[1:]...)
	}
	c.ratio = metric.Missing
	if len(c.points) > 0 && at.Sub(c.points[0].at) >= checkOver {
		if from := c.points[0]; now.area-from.area >= checkLeast {
			c.ratio = metric.Of((now.counted - from.counted) / (now.area - from.area))
		}
	}
	if n := len(c.points); n == 0 || at.Sub(c.points[n-1].at) >= checkEvery {
		c.points = append(c.points, now)
	}
}
