package account

import (
	"cmp"
	"math"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// A gridSource is one provider's word on the carbon intensity of a bidding
// zone, by lifecycle factors.
type gridSource struct {
	zone, provider, tier string
	grams                uint32 // mg CO2e/kWh plus one; 0: nothing said yet
	time                 int64  // of it, ms since 1970
	filled               int64  // up to here the minutes have it, ms since 1970
}

const (
	maxGridSources = 64
	// holdGrid is how long an intensity stays in force without another: sources
	// publish hourly, an hour late.
	holdGrid = 2 * hour
	maxGrams = 4_000_000 // mg/kWh; twice what the worst plant emits
)

// better orders sources by tier of evidence, then by name.
func (g *gridSource) better(o *gridSource) bool {
	return cmp.Or(cmp.Compare(g.tier, o.tier), cmp.Compare(g.zone, o.zone), cmp.Compare(g.provider, o.provider)) < 0
}

// takeGrid notes what source n says at time t, or that it said nothing. What it
// said last was in force until then, in every minute that has passed and in which
// no better source was.
func (s *site) takeGrid(n uint32, r metric.Raw, t int64) {
	if int(n) >= len(s.grid) {
		return
	}
	g := &s.grid[n]
	if g.grams != 0 && t > g.filled {
		from := max(g.filled, g.time)
		for i := range s.grid {
			if o := &s.grid[i]; o.grams != 0 && o.better(g) {
				from = max(from, o.time+holdGrid)
			}
		}
		for m := from / minute; m < min(t, g.time+holdGrid)/minute; m++ {
			if h := s.hour(m / 60); h != nil {
				h.grams[m%60] = g.grams
			}
		}
		g.filled = t
	}
	v := math.Round(r.Float() * 1000)
	if v >= 0 && v <= maxGrams && t >= g.time { // and it was read
		g.grams, g.time, g.filled = uint32(v)+1, t, max(t, g.filled)
	}
}
