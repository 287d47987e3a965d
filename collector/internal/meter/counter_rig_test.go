package meter

import (
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
)

const (
	wh  = 3_600_000 // mJ
	kwh = 1000 * wh
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// twice is a device that came after half an hour and went ten minutes later.
func twice() []Installation {
	list := replaced(510_000*wh, 0)
	final, initial := int64(5000*wh), int64(1000*wh)
	list[1].Final = &final
	return append(list, Installation{From: start.Add(40 * time.Minute), Serial: "newer", Initial: &initial})
}

// A turn is one reading of a register, and what is to come of it.
type turnOf struct {
	after   time.Duration // the turn before
	steps   uint64
	watts   float64 // of the gauge beside it
	life    string
	began   time.Duration  // after the start of the test that its life began; 0: not told
	restart []Installation // of the collector before, which then knows these devices

	want    int64 // mJ more than after the turn before, or in all if anew
	quality metric.Quality
	anew    bool // in an epoch of its own
	hidden  bool // nothing is shown
	event   event
}

// Devices, as the configuration has them after a restart.
var (
	restarted = []Installation{{}}
	another   = []Installation{{Serial: "new"}}
)

// replaced is a device that came after half an hour.
func replaced(final, initial int64) []Installation {
	return []Installation{{Final: &final}, {From: start.Add(30 * time.Minute), Serial: "new", Initial: &initial}}
}

// A bench is a counter under test, with its gauge.
type bench struct {
	c       *counter
	flow    *integral
	r       Register // all but its steps
	rate    float64  // W
	unrated bool
}

func (b *bench) counter(period time.Duration, gauge bool) {
	c := &counter{name: "m energy", devices: restarted, most: over * b.rate * 1000, rated: !b.unrated, period: period}
	if gauge {
		c.flow = &integral{name: "m energy", per: 1000, gap: period * 5 / 2}
	}
	b.c, b.flow = c, c.flow
}

// A device's clock that is set back makes no interval shorter than it was.
func TestADevicesClockIsSetBack(t *testing.T) {
	b := bench{rate: 1e6}
	b.counter(10*time.Second, false)
	r := Register{Steps: 1000, Size: Size{wh, 1}}
	b.c.take(r, start, start)
	r.Steps += 2000
	n, shown, e := b.c.take(r, start.Add(-time.Hour), start.Add(10*time.Second))
	if !shown || e != none || n.value != 3000*wh || n.quality != metric.Measured {
		t.Errorf("%+v, %v, %q", n, shown, e)
	}
}
