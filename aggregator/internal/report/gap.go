package report

import (
	"cmp"
	"strings"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// What was not read of a feed is estimated: of a quarter of an hour by the quarters
// before and after, of a day by the mean of the same hour of the four weeks before,
// and of a longer time likewise, which is then said of the figure.

const (
	weekHours = 168
	weeks     = 4

	shortGap = quarterMillis
	dayGap   = 24 * hourMillis
)

// feedKey tells feeds apart.
type feedKey struct {
	meter    string
	quantity account.Quantity
	less     bool
}

func (k *feedKey) compare(o *feedKey) int {
	return cmp.Or(cmp.Compare(k.quantity, o.quantity), strings.Compare(k.meter, o.meter))
}

// A feed is one over the period.
type feed struct {
	feedKey
	groups            []*group
	mix               [metric.Qualities]account.Wide // read
	filled            account.Wide                   // estimated besides
	covered, expected int64                          // ms
	longest           int64                          // ms, of its gaps

	day   map[string]account.Wide // read; nil: they are not kept
	track *track

	past     [weeks * weekHours]pastHour
	mean     usualHour
	last     uint64 // of the quarter before
	lastFull bool
	pending  []hole
	missing  int64 // ms, of them all
}

// A pastHour is what a feed took in an hour of which all is known.
type pastHour struct {
	number int64
	amount uint64
}

// A usualHour is what an hour usually takes.
type usualHour struct {
	number int64
	amount uint64
	known  bool
}

// A hole is a quarter of which not all is known, or several of which nothing can be
// estimated either, as of a meter that was not there yet.
type hole struct {
	at      int64 // ms since 1970
	missing int64 // ms
	usual   uint64
	known   bool // there is a usual
	day     string
}

// A gap is holes one after another, as they were filled.
type gap struct {
	key       feedKey
	from      int64
	missing   int64
	estimated account.Wide
	known     bool
	method    string
}

// remember keeps an hour of x.
func (f *feed) remember(number int64, x *account.Branch) {
	var sum uint64
	for i := range x.Quarters {
		q := &x.Quarters[i]
		if !q.Full {
			return
		}
		for _, v := range q.Amount {
			sum += v
		}
	}
	f.past[number%(weeks*weekHours)] = pastHour{number, sum}
}

// usual is what the same hour took in the weeks before, on average.
func (f *feed) usual(number int64) (amount uint64, ok bool) {
	if f.mean.number != number { // its quarters ask one after the other
		amount, ok = f.meanOf(number)
		f.mean = usualHour{number, amount, ok}
	}
	return f.mean.amount, f.mean.known
}

func (f *feed) meanOf(number int64) (amount uint64, ok bool) {
	var sum account.Wide
	n := uint64(0)
	for w := int64(1); w <= weeks; w++ {
		was := number - w*weekHours
		if p := &f.past[max(0, was)%(weeks*weekHours)]; was > 0 && p.number == was {
			sum, _ = sum.Add(account.Wide{Lo: p.amount})
			n++
		}
	}
	if n == 0 {
		return 0, false
	}
	return sum.Lo / n, true // four of 62 bits fit
}

// miss notes a quarter of which not all is known.
func (f *feed) miss(number, at int64, q *account.BranchQuarter, day string) {
	h := hole{at: at, missing: quarterMillis, day: day}
	if q.Expected > 0 {
		h.missing = max(0, q.Expected-q.Covered)
	}
	h.usual, h.known = f.usual(number)
	f.missing += h.missing
	if n := len(f.pending); !h.known && f.missing > dayGap && n > 0 && !f.pending[n-1].known {
		f.pending[n-1].missing += h.missing
		return
	}
	f.pending = append(f.pending, h)
}

// close fills what is pending of f; next is what the quarter after it took, if
// there is one.
func (s *sums) close(f *feed, next uint64, more bool) {
	if len(f.pending) == 0 {
		f.lastFull = f.lastFull && more
		return
	}
	g := gap{key: f.feedKey, from: f.pending[0].at, known: true, missing: f.missing}
	between, sides := f.last/2+next/2, f.lastFull && more
	g.method = "mean of the same hour of the four weeks before"
	if g.missing <= shortGap && sides {
		g.method = "between the quarters of an hour before and after"
	}
	for i := range f.pending {
		h := &f.pending[i]
		amount, known := h.usual/4, h.known
		switch {
		case g.missing <= shortGap && sides:
			amount, known = between, true
		case !known && g.missing <= dayGap && sides: // nothing older is known
			amount, known = between, true
			g.method = "between the quarters of an hour before and after, for want of weeks before"
		}
		if !known {
			g.known = false
			continue
		}
		part := account.Wide{Lo: amount / uint64(quarterMillis) * uint64(h.missing)}
		part.Lo += amount % uint64(quarterMillis) * uint64(h.missing) / uint64(quarterMillis)
		f.fill(part, h)
		g.estimated, _ = g.estimated.Add(part)
	}
	if !g.known && g.estimated == (account.Wide{}) {
		g.method = "none: nothing is known of the weeks before"
	}
	for _, x := range f.groups {
		if g.missing > dayGap {
			x.longGaps++
		}
		if !g.known {
			x.unfilled++
		}
	}
	f.longest = max(f.longest, g.missing)
	if g.missing > shortGap {
		s.gaps = append(s.gaps, g)
	}
	f.pending, f.missing, f.lastFull = f.pending[:0], 0, false
}

// fill adds an estimate to all that f is part of.
func (f *feed) fill(w account.Wide, h *hole) {
	f.filled, _ = f.filled.Add(w)
	for _, g := range f.groups {
		g.mix[metric.EstimatedProfile], _ = g.mix[metric.EstimatedProfile].Add(w)
		g.day[h.day], _ = g.day[h.day].Add(w)
		g.track.fill(h.at, w)
	}
}
