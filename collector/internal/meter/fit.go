package meter

import (
	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/site"
)

// Fit is how many of meters, from the first on, one collector can send beside what
// else it reads.
func Fit(meters []Meter) int {
	type place struct{ hall, rack string }
	seen := map[place]bool{{}: true}
	entities, width := 0, 0
	for i := range meters {
		m := &meters[i]
		for _, p := range []place{{m.Hall, ""}, {m.Hall, m.Rack}} {
			if !seen[p] {
				seen[p] = true
				entities++
			}
		}
		entities++
		width += mostWidth
		for _, k := range m.Reader.Gives() {
			if k.Quantity == Temperature {
				entities++
				width++
			}
		}
		if entities > site.MostSent || width > metric.MaxWidth-mostBeside {
			return i
		}
	}
	return len(meters)
}

// mostBeside is how many values of other things a collector reads.
const mostBeside = 4096

// mostWidth is how many values a meter has: gauges, what two of them count, and how
// it is. Temperatures come on top.
const mostWidth = 2 + 2*3 + 2 + int(metric.MeterFailureKinds)
