package carbon

import (
	"math"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// A Quantity is what a figure is of.
type Quantity uint8

// The quantities.
const (
	Lifecycle  Quantity = iota // carbon intensity by lifecycle factors, g CO2e/kWh
	Direct                     // carbon intensity of combustion alone, g/kWh
	Price                      // of the day-ahead auction, EUR/MWh
	quantities = iota
)

func (q Quantity) String() string { return [...]string{"lifecycle", "direct", "price"}[q] }

// Metric is the metric and the point under which q is shown.
func (q Quantity) Metric() (n metric.Number, point uint32) {
	if q == Price {
		return metric.GridPrice, 0
	}
	return metric.GridCarbonIntensity, uint32(q)
}

// sane reports whether v can be a figure of q: the worst plant emits half of
// the bound, and no auction clears beyond its technical limits.
func (q Quantity) sane(v float64) bool {
	if q == Price {
		return math.Abs(v) <= 10_000
	}
	return v >= 0 && v <= 4000
}

// noise is the change of q that is no news: half of the last digit that
// providers print.
func (q Quantity) noise() float64 {
	if q == Price {
		return 0.005
	}
	return 0.05
}

// A Basis says what a figure rests on. The numbers are in files.
type Basis uint8

// The bases, best first.
const (
	Consumed   Basis = iota + 1 // measured, of what the zone consumes
	Auctioned                   // set by the auction
	Generated                   // measured, of what the zone generates
	Estimated                   // by the provider, where it has not measured
	Forecast                    // by the provider, of what is to come
	WeekBefore                  // what was measured at the same hour a week before
	MonthMean                   // the mean of what was measured at that hour on thirty days
	Yearly                      // of the country and a year
	bases      = iota + 1
)

func (b Basis) String() string {
	if b == 0 || b >= bases {
		return "unknown"
	}
	return [...]string{"", "consumed", "auctioned", "generated", "estimated", "forecast", "week_before", "month_mean", "yearly"}[b]
}

// Tier is the tier of evidence, from 1 the best to 5; 9 of no basis.
func (b Basis) Tier() int {
	switch b {
	case Consumed, Auctioned:
		return 1
	case Generated:
		return 2
	case Estimated, Forecast, WeekBefore:
		return 3
	case MonthMean:
		return 4
	case Yearly:
		return 5
	}
	return 9
}

// derived reports whether figures of b are made here from those of other times.
func (b Basis) derived() bool { return b >= WeekBefore }

// measured reports whether figures of b may stand for those of other times.
func (b Basis) measured() bool { return b == Consumed || b == Generated }

// A figure is one value of one interval, with what it rests on. Times are
// seconds since 1970 UTC.
type figure struct {
	from, to  int64
	value     float64
	basis     Basis
	set       string // of emission factors, or the provider's own name for how it came about
	published int64  // by the provider; 0: it does not say
	fetched   int64
}

// A slot is a quarter of an hour: its number since 1970 UTC. The market and the
// meters settle by it.
type slot int64

const (
	quarter = 15 * 60 // s
	aDay    = slot(96)
	aWeek   = 7 * aDay
)

func slotOf(t time.Time) slot { return slotAt(t.Unix()) }

// slotAt is the slot that the second lies in, before 1970 too.
func slotAt(second int64) slot {
	s := second / quarter
	if second%quarter < 0 {
		s--
	}
	return slot(s)
}

func (s slot) start() int64 { return int64(s) * quarter }

// longest is how long an interval of a provider may be.
const longest = 24 * 3600

// slots are the first slot of f and the one after its last; ok is false where f
// does not fill whole slots, or too many.
func (f *figure) slots() (first, end slot, ok bool) {
	if f.from < 0 || f.from%quarter != 0 || f.to%quarter != 0 || f.to <= f.from || f.to-f.from > longest {
		return 0, 0, false
	}
	return slotAt(f.from), slotAt(f.to), true
}

func utc(second int64) time.Time {
	if second == 0 {
		return time.Time{}
	}
	return time.Unix(second, 0).UTC()
}
