package report

import (
	"math/big"
	"slices"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/site"
)

// A group is what feeds of the same sort add up to over the period.
type group struct {
	members func(b *account.Branch) bool
	mix     [metric.Qualities]account.Wide // by how it is known, gaps with it
	covered int64                          // ms, by the least known feed of each quarter
	met     int64                          // ms for which there is any feed
	metered map[string]bool
	day     map[string]account.Wide
	dayMet  map[string]int64      // ms, covered
	how     account.BranchQuarter // flags of what was done

	least    int64 // ms, of the quarter that is being read
	quarter  account.Wide
	present  bool
	hour     account.Wide // of the hour that is
	whole    bool         // all of that is known
	peak     account.Wide // of hours of which all is
	peakAt   int64
	longGaps int // of more than a day
	unfilled int // gaps for which there is no estimate

	track *track // nil: its hours are not kept
}

func newGroup(members func(*account.Branch) bool) *group {
	return &group{members: members, metered: map[string]bool{}, day: map[string]account.Wide{}, dayMet: map[string]int64{}}
}

// total is the sum of all qualities.
func (g *group) total() (w account.Wide) {
	for _, v := range g.mix {
		w, _ = w.Add(v)
	}
	return w
}

// any reports whether there ever was a feed of it.
func (g *group) any() bool { return len(g.metered) > 0 }

// names are its meters, sorted; those of hours without them are left out.
func (g *group) names() (names []string) {
	for n := range g.metered {
		if n != "" {
			names = append(names, n)
		}
	}
	slices.Sort(names)
	return names
}

// Names of groups.
const (
	gFacility  = "facility" // what its coverage rests on
	gSupply    = "supply"
	gGrid      = "grid"
	gGenerator = "generator"
	gOnsite    = "onsite"
	gRenews    = "renews" // of it by renewable sources
	gExport    = "export"
	gOutside   = "outside"
	gIT        = "it"
	gCooling   = "cooling"
	gLighting  = "lighting"
	gLosses    = "losses" // distribution that feeds nothing further
	gWater     = "water"
	gFresh     = "fresh"
	gUnscoped  = "unscoped" // water of which nobody says whether it is fresh
	gPotable   = "potable"
	gHeat      = "heat"
	gHeatBack  = "heat_back"
	gHeatAll   = "heat_all" // what the coverage of heat rests on
)

// sums are those of the period.
type sums struct {
	groups      map[string]*group
	feeds       map[feedKey]*feed
	order       []*feed // as an hour had them, and the next has them, too
	hosts, gpus account.Wide
	unsealed    int64 // hours
	zone        *time.Location
	from, to    int64
	gaps        []gap
	agreed      map[feedKey]*feed // meters of agreements, whose days are kept, too
}

// leaves are the distribution meters that no other stands below: what they show is
// used there, or lost.
func leaves(s *site.Site) map[string]bool {
	out := map[string]bool{}
	t := s.PowerTree()
	for i := range t.Nodes {
		n := &t.Nodes[i]
		if n.Meter.Role == metric.RoleDistribution && len(n.Children) == 0 && !n.Meter.TakenOff {
			out[n.Meter.ID] = true
		}
	}
	return out
}

func (b *build) newSums(from, to int64) *sums {
	is := func(qs ...account.Quantity) func(*account.Branch) bool {
		return func(x *account.Branch) bool { return !x.Less && slices.Contains(qs, x.Quantity) }
	}
	point, losses := account.CategoryPoint(b.Basis.Category), leaves(b.Site)
	outside := func(x *account.Branch) bool { return x.Less && x.Quantity == account.Other }
	water := func(scope account.Scope) func(*account.Branch) bool {
		return func(x *account.Branch) bool { return x.Quantity == account.WaterTotal && x.Scope == scope }
	}
	s := &sums{
		from: from, to: to, zone: b.Site.TimeZone, feeds: map[feedKey]*feed{}, agreed: map[feedKey]*feed{},
		groups: map[string]*group{
			gFacility: newGroup(func(x *account.Branch) bool {
				return outside(x) || is(append(slices.Clone(account.Supplies()), account.Export)...)(x)
			}),
			gSupply: newGroup(is(account.Supplies()...)), gGrid: newGroup(is(account.GridInput)), gGenerator: newGroup(is(account.GeneratorOutput)),
			gOnsite: newGroup(is(account.OnsiteGeneration)), gExport: newGroup(is(account.Export)), gOutside: newGroup(outside),
			gRenews:  newGroup(func(x *account.Branch) bool { return x.Quantity == account.OnsiteGeneration && x.Renews }),
			gIT:      newGroup(func(x *account.Branch) bool { return point != account.Other && is(point)(x) }),
			gLosses:  newGroup(func(x *account.Branch) bool { return x.Quantity == account.Distribution && losses[x.Meter] }),
			gCooling: newGroup(is(account.Cooling)), gLighting: newGroup(is(account.Lighting)),
			gWater: newGroup(is(account.WaterTotal)), gFresh: newGroup(water(account.Fresh)), gUnscoped: newGroup(water(account.ScopeUnstated)),
			gPotable: newGroup(is(account.WaterPotable)), gHeat: newGroup(is(account.HeatReuse)),
			gHeatBack: newGroup(func(x *account.Branch) bool { return x.Less && x.Quantity == account.HeatReuse }),
			gHeatAll:  newGroup(func(x *account.Branch) bool { return x.Quantity == account.HeatReuse }),
		},
	}
	for i := range b.Site.Contracts.PPAs {
		if id := b.Site.Contracts.PPAs[i].Meter; id != "" {
			k := feedKey{meter: id} // which adds to nothing else
			s.agreed[k] = &feed{feedKey: k, day: map[string]account.Wide{}}
		}
	}
	return s
}

// sumUp reads the period, and before it the weeks by which gaps are estimated.
func (b *build) sumUp(from, to int64) (*sums, error) {
	s := b.newSums(from, to)
	if to <= from {
		return s, nil
	}
	if b.Trace != nil {
		b.Trace.keep(s)
	}
	err := b.Ledger.Branches(b.Site.Token, max(0, from-weeks*weekHours*hourMillis), to, func(h *account.HourBranches) bool {
		s.add(h)
		return true
	})
	if err != nil {
		return nil, err
	}
	s.finish()
	return s, nil
}

// add takes an hour.
func (s *sums) add(h *account.HourBranches) {
	start := h.Number * hourMillis
	in := start+hourMillis > s.from && start < s.to
	if in && start >= s.from {
		s.hosts, _ = s.hosts.Add(account.Wide{Lo: h.Hosts})
		s.gpus, _ = s.gpus.Add(account.Wide{Lo: h.GPUs})
	}
	if in && !h.Sealed {
		s.unsealed++
	}
	for _, g := range s.groups {
		g.hour, g.whole = account.Wide{}, true
	}
	for k := range int64(4) {
		at := start + k*quarterMillis
		counts := at >= s.from && at < s.to
		day := ""
		if counts {
			day = time.UnixMilli(at).In(s.zone).Format(time.DateOnly)
			for _, g := range s.groups {
				g.least, g.present, g.quarter = quarterMillis, false, account.Wide{}
			}
		}
		for i := range h.Branches {
			s.take(s.feedAt(i, &h.Branches[i]), &h.Branches[i], h.Number, int(k), at, day)
		}
		if !counts {
			continue
		}
		for _, g := range s.groups {
			g.whole = g.whole && g.present && g.least >= fullEnough
			if g.present {
				g.met += quarterMillis
				g.covered += g.least
				g.track.cover(at, g.least)
				g.day[day], _ = g.day[day].Add(g.quarter)
				g.dayMet[day] += g.least
				g.hour, _ = g.hour.Add(g.quarter)
			}
		}
	}
	for i := range h.Branches {
		s.feedAt(i, &h.Branches[i]).remember(h.Number, &h.Branches[i])
	}
	for _, g := range s.groups {
		if in && g.whole && rat(g.hour).Cmp(rat(g.peak)) > 0 {
			g.peak, g.peakAt = g.hour, start
		}
	}
}

// fullEnough is how much of a quarter makes it known, ms: clocks are set within
// one, too.
const fullEnough = quarterMillis - quarterMillis/100

// take takes quarter k of a branch of f; with no day it is before the period, and only
// remembered.
func (s *sums) take(f *feed, x *account.Branch, number int64, k int, at int64, day string) {
	q := &x.Quarters[k]
	if q.Expected == 0 && !q.Full && q.Amount.IsZero() {
		s.close(f, 0, false)
		return
	}
	var amount uint64
	for _, v := range q.Amount {
		amount += v
	}
	if day == "" {
		f.last, f.lastFull = amount, q.Full
		return
	}
	covered := quarterMillis
	if !q.Full {
		covered = 0
		if q.Expected > 0 {
			covered = max(0, min(q.Covered, q.Expected)) * quarterMillis / q.Expected
		}
	}
	for _, g := range f.groups {
		g.present, g.least = true, min(g.least, covered)
		g.metered[x.Meter] = true
		g.how.Backup, g.how.Completed = g.how.Backup || q.Backup, g.how.Completed || q.Completed
		g.how.Corrected, g.how.Estimated = g.how.Corrected || q.Corrected, g.how.Estimated || q.Estimated
		for i, v := range q.Amount {
			g.mix[i], _ = g.mix[i].Add(account.Wide{Lo: v})
		}
		g.quarter, _ = g.quarter.Add(account.Wide{Lo: amount})
		g.track.read(at, q)
	}
	for i, v := range q.Amount {
		f.mix[i], _ = f.mix[i].Add(account.Wide{Lo: v})
	}
	if f.day != nil {
		f.day[day], _ = f.day[day].Add(account.Wide{Lo: amount})
		f.track.read(at, q)
		f.track.cover(at, covered)
	}
	f.expected += quarterMillis
	f.covered += covered
	if q.Full {
		s.close(f, amount, true)
		f.last, f.lastFull = amount, true
		return
	}
	f.miss(number, at, q, day)
}

// meter is the feed of the meter of an agreement; nil if it was never read. What is not
// known of it counts as nothing.
func (s *sums) meter(id string) *feed { return s.feeds[feedKey{meter: id}] }

// onDays is what the days of a span have.
func onDays(day map[string]account.Wide, of site.Span) *big.Rat {
	sum := new(big.Rat)
	for d, w := range day {
		if of.Contains(dateOf(d)) {
			sum = sumOf(sum, rat(w))
		}
	}
	return sum
}

// feedAt is the feed of branch i of an hour.
func (s *sums) feedAt(i int, x *account.Branch) *feed {
	for len(s.order) <= i {
		s.order = append(s.order, nil)
	}
	f := s.order[i]
	if f == nil || f.meter != x.Meter || f.quantity != x.Quantity || f.less != x.Less {
		f = s.feedOf(x)
		s.order[i] = f
	}
	return f
}

// feedOf is the feed of a branch.
func (s *sums) feedOf(x *account.Branch) *feed {
	k := feedKey{x.Meter, x.Quantity, x.Less}
	f := s.feeds[k]
	if f == nil {
		if f = s.agreed[k]; f == nil {
			f = &feed{feedKey: k}
		}
		for _, name := range groupOrder {
			if g := s.groups[name]; g.members(x) {
				f.groups = append(f.groups, g)
			}
		}
		s.feeds[k] = f
	}
	return f
}

// groupOrder is one in which groups are looked at: the same each time.
var groupOrder = []string{gFacility, gSupply, gGrid, gGenerator, gOnsite, gRenews, gExport, gOutside, gIT, gCooling, gLighting, gLosses,
	gWater, gFresh, gUnscoped, gPotable, gHeat, gHeatBack, gHeatAll}

// finish closes the gaps that reach to the end.
func (s *sums) finish() {
	for _, f := range s.inOrder() {
		s.close(f, 0, false)
	}
}

// inOrder are the feeds, by name.
func (s *sums) inOrder() []*feed {
	all := make([]*feed, 0, len(s.feeds))
	for _, f := range s.feeds {
		all = append(all, f)
	}
	slices.SortFunc(all, func(a, b *feed) int { return a.compare(&b.feedKey) })
	return all
}

// shares are those of a group by quality.
func (g *group) shares() map[string]Decimal {
	all := rat(g.total())
	if all.Sign() == 0 {
		return nil
	}
	out := map[string]Decimal{}
	for q, w := range g.mix {
		if w != (account.Wide{}) {
			if d, ok := decimalOf(new(big.Rat).Quo(rat(w), all), 9); ok {
				out[metric.Quality(q).String()] = d
			}
		}
	}
	return out
}
