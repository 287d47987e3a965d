package account

import (
	"cmp"
	"math"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// A GridKind is what is said of the grid that a site takes energy from. Numbers
// are in the files of sealed hours: append only.
type GridKind uint8

// The kinds.
const (
	Lifecycle GridKind = iota // carbon intensity by lifecycle factors, mg CO2e/kWh
	Direct                    // carbon intensity of combustion alone, mg/kWh
	Price                     // of the day-ahead auction, millionths of EUR/kWh
	GridKinds                 // their number
)

var gridKindNames = [GridKinds]string{"lifecycle", "direct", "price"}

func (k GridKind) String() string {
	if k < GridKinds {
		return gridKindNames[k]
	}
	return "unknown"
}

// raw is v, in g/kWh or EUR/MWh, as it is counted; ok is false if nothing can be
// so.
func (k GridKind) raw(v float64) (raw int32, ok bool) {
	v = math.Round(v * 1000)
	if k == Price {
		return int32(v), math.Abs(v) <= maxPrice
	}
	return int32(v), v >= 0 && v <= maxGrams
}

// sane reports whether raw can have come of it.
func (k GridKind) sane(raw int64) bool {
	if k == Price {
		return raw >= -maxPrice && raw <= maxPrice
	}
	return raw >= 0 && raw <= maxGrams
}

// A gridSource is one provider's word on one thing about a bidding zone.
type gridSource struct {
	kind                 GridKind
	zone, provider, tier string
	spoke                bool  // it has said something
	value                int32 // that, as it is counted
	time                 int64 // of it, ms since 1970
	filled               int64 // up to here the minutes have it, ms since 1970
}

// said is the word in force in a minute.
type said struct {
	value  int32
	source uint8 // 1 + index; 0: there is none
}

const (
	maxGridSources = 64
	// holdGrid is how long a word stays in force without another: sources publish
	// hourly, an hour late.
	holdGrid = 2 * hour
	maxGrams = 4_000_000  // mg/kWh; twice what the worst plant emits
	maxPrice = 10_000_000 // millionths of EUR/kWh; twice the limit of auctions

	// forgotten stands for the source of a word whose hour was opened by a program
	// that did not keep it.
	forgotten = 255
)

// better orders sources of one kind by tier of evidence, then by name.
func (g *gridSource) better(o *gridSource) bool {
	return cmp.Or(cmp.Compare(g.tier, o.tier), cmp.Compare(g.zone, o.zone), cmp.Compare(g.provider, o.provider)) < 0
}

// gridKindOf is what a column says of the grid; ok is false if nothing.
func gridKindOf(c *metric.Column) (k GridKind, ok bool) {
	switch {
	case c.Metric == metric.GridCarbonIntensity && c.Point <= 1:
		return GridKind(c.Point), c.Form == metric.Float
	case c.Metric == metric.GridPrice && c.Point == 0:
		return Price, c.Form == metric.Float
	}
	return 0, false
}

// gridSource is the number of the source that e is of k.
func (s *site) gridSource(k GridKind, e *metric.Entity) uint32 {
	want := gridSource{kind: k, zone: e.Name, provider: e.Label("provider"), tier: e.Label("tier")}
	for i, g := range s.grid {
		if g.kind == k && g.zone == want.zone && g.provider == want.provider && g.tier == want.tier {
			return uint32(i)
		}
	}
	if len(s.grid) >= maxGridSources {
		return maxGridSources
	}
	s.grid = append(s.grid, want)
	return uint32(len(s.grid) - 1)
}

// takeGrid notes what source n says at time t, or that it said nothing. What it
// said last was in force until then, in every minute that has passed and in which
// no better source was.
func (s *site) takeGrid(n uint32, r metric.Raw, t int64) {
	if int(n) >= len(s.grid) {
		return
	}
	g := &s.grid[n]
	if g.spoke && t > g.filled {
		from := max(g.filled, g.time)
		for i := range s.grid {
			if o := &s.grid[i]; o.kind == g.kind && o.spoke && o.better(g) {
				from = max(from, o.time+holdGrid)
			}
		}
		for m := from / minute; m < min(t, g.time+holdGrid)/minute; m++ {
			if h := s.hour(m / 60); h != nil {
				h.said(g.kind)[m%60] = said{g.value, uint8(n + 1)}
			}
		}
		g.filled = t
	}
	if v, ok := g.kind.raw(r.Float()); ok && t >= g.time { // and it was read
		g.spoke, g.value, g.time, g.filled = true, v, t, max(t, g.filled)
	}
}

// said are the words of a kind in an hour, minute by minute.
func (h *openHour) said(k GridKind) *[60]said {
	if h.grid[k] == nil {
		h.grid[k] = new([60]said)
	}
	return h.grid[k]
}

// words are what sources said in an hour.
func (s *site) words(h *openHour) (ws []Word) {
	for k := range GridKinds {
		if h.grid[k] == nil {
			continue
		}
		for m, x := range h.grid[k] {
			if x.source == 0 {
				continue
			}
			w := Word{Kind: k, From: uint8(m), To: uint8(m + 1), Value: int64(x.value)}
			if x.source != forgotten {
				g := &s.grid[x.source-1]
				w.Zone, w.Provider, w.Tier = g.zone, g.provider, g.tier
			}
			ws = appendWord(ws, w)
		}
	}
	return ws
}
