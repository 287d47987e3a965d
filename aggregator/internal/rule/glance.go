package rule

import (
	"math"

	table "github.com/gigawatch/gigawatch/alerts/rule"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// A glance is what a tick needs of a run whose devices are all well, so that of a
// hundred thousand of them little memory is touched: two glances are a line of it, and
// what they look back at lies beside each other in the order in which they look.
//
//	sender ─▶ glances ─▶ a column of the tick, and its bands ─▶ well, or look closer
type glance struct {
	at    int32 // the column, in the tick
	bands int32 // of a rise: where they begin in the sender's
	count uint16
	sight sight
	busy  bool       // some devices have a state
	bound metric.Raw // as it is compared; of what is looked at from time to time: when it is next, in ms since 1970
}

// A sight is how a glance looks.
type sight uint8

const (
	closely   sight = iota // each time as close as can be
	intAbove               // values are well below the bound
	intBelow               // above it, or missing
	realAbove              // likewise, as floats
	realBelow
	banded // values are in their bands, up to a time
	timed  // not before a time
	there  // values are not missing
)

// isWell reports whether a column is simply well. What is missing is the least integer
// and, as a float, minus zero.
func (g *glance) isWell(at int64, values, bands []metric.Raw) bool {
	if g.busy {
		return false
	}
	column := values[g.at:][:g.count]
	switch g.sight {
	case intAbove:
		for _, v := range column {
			if v >= g.bound {
				return false
			}
		}
	case intBelow:
		for _, v := range column {
			if v <= g.bound && v != metric.Missing {
				return false
			}
		}
	case realAbove:
		bound := math.Float64frombits(uint64(g.bound))
		for _, v := range column {
			if math.Float64frombits(uint64(v)) >= bound {
				return false
			}
		}
	case realBelow:
		bound := math.Float64frombits(uint64(g.bound))
		for _, v := range column {
			if math.Float64frombits(uint64(v)) <= bound && v != metric.Missing {
				return false
			}
		}
	case banded:
		if at >= int64(g.bound) {
			return false
		}
		low, high := bands[g.bands:][:len(column)], bands[int(g.bands)+len(column):][:len(column)]
		for k, v := range column {
			if v < low[k] || v >= high[k] {
				return false
			}
		}
	case timed:
		return at < int64(g.bound)
	case there:
		for _, v := range column {
			if v == metric.Missing {
				return false
			}
		}
	default:
		return false
	}
	return true
}

// glance is what r needs of the next ticks, after it looked closely or before it did.
// Bands are its own part of the sender's.
func (r *run) glance(g *glance, values, bands []metric.Raw) {
	g.at, g.count, g.busy = r.at, uint16(min(r.count, widest)), len(r.states) > 0
	switch w := r.rule.Watch; {
	case r.count > widest:
		g.sight = closely
	case w.Test == table.Above && r.raw:
		g.sight, g.bound = intAbove, metric.Raw(math.Ceil(r.fire))
	case w.Test == table.Below && r.raw:
		g.sight, g.bound = intBelow, metric.Raw(math.Floor(r.fire))
	case w.Test == table.Above:
		g.sight, g.bound = realAbove, metric.Raw(math.Float64bits(r.fire))
	case w.Test == table.Below:
		g.sight, g.bound = realBelow, metric.Raw(math.Float64bits(r.fire))
	case w.Test == table.RateAbove && r.turn > 0:
		g.sight, g.bound = banded, metric.Raw((r.turn+1)*r.part())
		r.bands(bands[g.bands:][:2*r.count])
	case w.Test == table.PeerBelow && r.turn > 0:
		g.sight, g.bound = timed, metric.Raw(r.turn+noteEvery)
	case w.Test == table.Missing && len(values) > 0:
		g.sight = closely
		if column, ok := r.present(values); ok {
			g.sight, g.at = there, column
		}
	default:
		g.sight = closely
	}
}

// sight makes the glances of what is to be looked at.
func (s *sender) sight() {
	s.glances = make([]glance, len(s.runs))
	n := int32(0)
	for i := range s.runs {
		if s.glances[i].bands = n; s.runs[i].rule.Watch.Test == table.RateAbove {
			n += 2 * s.runs[i].count
		}
	}
	s.bands = make([]metric.Raw, n)
	for i := range s.runs {
		s.runs[i].glance(&s.glances[i], nil, s.bands)
	}
}

// widest is how many devices a glance counts; runs of more are always looked at closely.
const widest = math.MaxUint16

// bands are, for each device, the least that its counter shows while it goes on, and what
// it does not reach while it does not rise by the bound.
func (r *run) bands(dst []metric.Raw) {
	n := int(r.count)
	newest, eldest := int(r.turn%parts)*n, int((r.turn+1)%parts)*n
	fire := metric.Raw(r.fire)
	for k := range n {
		dst[k], dst[n+k] = r.past[newest+k], math.MaxInt64
		if was := r.past[eldest+k]; was != metric.Missing && was <= math.MaxInt64-fire {
			dst[n+k] = was + fire
		}
	}
}

// present is a column of r in which all devices have a value, where it is known that
// each once had one.
func (r *run) present(values []metric.Raw) (at int32, ok bool) {
	for _, v := range r.past {
		if v == metric.Missing {
			return 0, false
		}
	}
	all := func(at int32) bool {
		for _, v := range values[at:][:r.count] {
			if v == metric.Missing {
				return false
			}
		}
		return true
	}
	if all(r.at) {
		return r.at, true
	}
	for _, at := range r.others {
		if all(at) {
			return at, true
		}
	}
	return 0, false
}
