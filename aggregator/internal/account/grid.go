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

// takeGrid notes what source n says at time t. What it said before was in force
// until then, in every minute that has passed, if no better source spoke.
func (s *site) takeGrid(n uint32, r metric.Raw, t int64) {
	if int(n) >= len(s.grid) || r == metric.Missing {
		return
	}
	v := math.Round(r.Float() * 1000)
	if !(v >= 0 && v <= maxGrams) {
		return
	}
	g := &s.grid[n]
	best := true
	for i := range s.grid {
		if o := &s.grid[i]; o.grams != 0 && t-o.time <= holdGrid && o.better(g) {
			best = false
		}
	}
	if best && g.grams != 0 && t > g.time {
		for m := max(g.time, t-holdGrid) / minute; m < t/minute; m++ {
			if h := s.hour(m / 60); h != nil {
				h.grams[m%60] = g.grams
			}
		}
	}
	if t >= g.time {
		g.grams, g.time = uint32(v)+1, t
	}
}
