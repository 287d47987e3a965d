package account

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// figures are the sums that one KPI rests on: over the cells in which all that it
// needs is known.
type figures struct {
	b       *Basis
	formula *formula
	q       *KPIQuestion
	until   int64 // of the period, as far as it is over
	part    int   // of the site; -1: the whole
	reason  string

	over, known int64 // minutes
	met         [needs]bool
	sum         [items]Wide
	apart       [items][metric.Qualities]Wide
	how         means
	restated    bool
	revised     bool
	quarterly   bool                // something it rests on is known by the quarter of an hour alone
	shared      map[GridSource]Wide // of the grid's energy, by whose word counts
	absent      map[string]int64    // minutes, by meter
	moved       []moved

	volumes  map[int32]int64 // ms for which those that lie in the known cells do so
	claims   map[int]Wide    // mJ of contracts without volumes
	carriers []int64         // ms likewise
	market   market
	match    match
	bill     bill
	partial  [2]Wide // supply and IT of a part
}

func newFigures(b *Basis, f *formula, q *KPIQuestion) *figures {
	x := &figures{
		b: b, formula: f, q: q, until: min(q.To, q.Now), part: -1,
		shared: map[GridSource]Wide{}, absent: map[string]int64{}, volumes: map[int32]int64{}, claims: map[int]Wide{}, carriers: make([]int64, len(b.Carriers)),
	}
	if x.until > q.From {
		x.over = (x.until - q.From) / minute
	}
	if f.without != nil {
		x.reason = f.without(b)
	}
	if q.Part != "" {
		x.part = slices.IndexFunc(b.Parts, func(p Part) bool { return p.Name == q.Part })
	}
	return x
}

// hourly reports whether the figure is of whole hours.
func (f *figures) hourly() bool {
	switch f.formula.name {
	case "cfe", "carbon_hourly", "carbon_market_hourly":
		return true
	}
	return false
}

// add adds the cells of an hour that lie in the period.
func (f *figures) add(r *Resolved) {
	from, to := r.Number*hour, (r.Number+1)*hour
	if to <= f.q.From || from >= f.q.To {
		f.meet(r) // it is just before or after: what is there then is there
		return
	}
	f.restated = f.restated || r.restated
	f.note(r)
	for q := GridInput; q <= WaterPotable; q++ {
		f.quarterly = f.quarterly || r.quarterly>>q&1 != 0 && f.concerns(q)
	}
	f.quarterly = f.quarterly || r.quarterly&(1<<Other) != 0 && f.concerns(Other)
	for i := range r.absent {
		a := &r.absent[i]
		if !f.concerns(a.quantity) {
			continue
		}
		for k, minutes := range a.minutes {
			start := from + int64(k)*quarter
			if n := (min(start+quarter, f.until) - max(start, f.q.From)) / minute; min(n, minutes) > 0 {
				f.absent[a.meter] += min(n, minutes)
			}
		}
	}
	var cells []*cell
	for k := range r.quarters {
		x := &r.quarters[k]
		start := from + int64(k)*quarter
		if start >= f.q.From && start+quarter <= f.until && f.usable(&x.whole) {
			cells = append(cells, &x.whole)
			continue
		}
		f.usable(&x.whole)
		for i := range x.minutes {
			if c := &x.minutes[i]; f.usable(c) && c.from >= f.q.From && c.from+minute <= f.until {
				cells = append(cells, c)
			}
		}
	}
	if f.hourly() {
		f.matchHour(r, cells)
		return
	}
	for _, c := range cells {
		f.take(r, c)
	}
}

// meet notes what is there in an hour.
func (f *figures) meet(r *Resolved) {
	for k := range r.quarters {
		f.usable(&r.quarters[k].whole)
		for i := range r.quarters[k].minutes {
			f.usable(&r.quarters[k].minutes[i])
		}
	}
}

// usable reports whether all that the figure needs is known in c, and notes what
// is there.
func (f *figures) usable(c *cell) bool {
	if f.part >= 0 {
		f.met[needFacility], f.met[needIT] = true, true
		return c.parts != nil && c.parts[f.part].known
	}
	ok := c.minutes > 0
	f.how |= c.how[itemFuel] & noFactor
	for _, n := range f.formula.needs {
		met, known := f.knows(c, n)
		f.met[n] = f.met[n] || met
		ok = ok && met && known
	}
	for _, n := range f.formula.also {
		met, known := f.knows(c, n)
		f.met[n] = f.met[n] || met
		ok = ok && known
	}
	return ok
}

// knows reports whether n is metered in c, and whether all of it is known.
func (f *figures) knows(c *cell, n need) (met, known bool) {
	some, others := n.items(f.b, f.q.Category)
	known = true
	for i, list := range [][]int{some, others} {
		for _, item := range list {
			if c.has(item) {
				met = met || i == 0
				known = known && c.knows(item)
			}
		}
	}
	return met, known
}

// concerns reports whether the figure rests on meters of q; Other stands for
// those that are taken off.
func (f *figures) concerns(q Quantity) bool {
	return q == Other && (f.uses(needFacility) || f.uses(needHeat)) || slices.Contains(f.quantities(), q)
}

// quantities are those that the figure rests on.
func (f *figures) quantities() (qs []Quantity) {
	for _, n := range slices.Concat(f.formula.needs, f.formula.also) {
		switch n {
		case needFacility:
			qs = append(qs, GridInput, GeneratorOutput, OnsiteGeneration, Export)
		case needIT:
			if f.q.Category > 0 {
				qs = append(qs, categories[f.q.Category-1])
			}
		case needGrid, needIntensity:
			qs = append(qs, GridInput)
		case needWater, needFresh:
			qs = append(qs, WaterTotal)
		case needHeat:
			qs = append(qs, HeatReuse)
		case needOnsite:
			qs = append(qs, OnsiteGeneration)
		case needFuel:
			qs = append(qs, GeneratorOutput)
		}
	}
	slices.Sort(qs)
	return slices.Compact(qs)
}

// take adds a cell.
func (f *figures) take(r *Resolved, c *cell) {
	if f.part >= 0 {
		p := c.parts[f.part]
		f.partial[0], f.partial[1] = f.partial[0].plus(p.supply), f.partial[1].plus(p.it)
		f.known, f.how = f.known+c.minutes, f.how|p.how
		return
	}
	if f.formula.name == "cost" && !f.bill.add(f.b, c) {
		return
	}
	f.known += c.minutes
	for i := range items {
		if i != itemSpot {
			f.sum[i] = f.sum[i].plus(c.amount[i])
		}
		if f.counts(i) {
			f.how |= c.how[i]
		}
	}
	for _, a := range c.apart {
		f.apart[a.item][a.quality] = f.apart[a.item][a.quality].plus(a.amount)
	}
	to := c.from + c.minutes*minute
	for i := range f.b.Carriers {
		x := &f.b.Carriers[i]
		f.carriers[i] += max(0, min(to, x.To)-max(c.from, x.From))
	}
	if len(f.b.volumes) > 0 {
		f.b.at(c.from, to, func(n int32, _ *volume, ms int64) { f.volumes[n] += ms })
	}
	f.b.claims(c, func(n int, _ *Contract, mj uint64) { f.claims[n] = f.claims[n].plus(mj) })
	if f.formula.name == "carbon_market" || f.formula.name == "cue_market" {
		f.market.add(f.b, c)
	}
	f.hear(r, c)
}

// counts reports whether the figure rests on an item.
func (f *figures) counts(item int) bool {
	switch item {
	case itemOutside:
		return f.uses(needFacility)
	case itemSelfUse:
		return f.uses(needHeat)
	}
	return item < int(Quantities) && slices.Contains(f.quantities(), Quantity(item))
}

// hear notes whose words the figure rests on.
func (f *figures) hear(r *Resolved, c *cell) {
	kind, hears := f.words()
	if !hears {
		return
	}
	for _, x := range c.shares {
		if x.kind == kind {
			s := r.sources[x.source]
			f.shared[s] = f.shared[s].plus(x.mj)
			f.revised = f.revised || s.Revised
		}
	}
}

// words are of which kind the figure rests on.
func (f *figures) words() (k GridKind, hears bool) {
	if f.formula.name == "cost" {
		return Price, slices.ContainsFunc(f.b.Tariffs, func(t Tariff) bool { return t.SpotShare > 0 })
	}
	return f.b.Factor, f.uses(needIntensity)
}

// mix is what an item is known by.
func (f *figures) mix(item int) (mix [metric.Qualities]Wide) {
	rest := f.sum[item]
	for q, w := range f.apart[item] {
		if q != int(metric.Measured) {
			mix[q] = w
			rest, _ = rest.Sub(w)
		}
	}
	mix[metric.Measured] = rest
	return mix
}

// longest names the meters that were not known for longest.
func (f *figures) longest() string {
	names := slices.SortedFunc(maps.Keys(f.absent), func(a, b string) int {
		return cmp.Or(cmp.Compare(f.absent[b], f.absent[a]), cmp.Compare(a, b))
	})
	if len(names) == 0 {
		return ""
	}
	var out []string
	for _, n := range names[:min(3, len(names))] {
		out = append(out, fmt.Sprintf("%s for %s", n, (time.Duration(f.absent[n])*time.Minute).String()))
	}
	return "; not known: " + strings.Join(out, ", ")
}

// period says what the period of q is to those who report by the year.
func (b *Basis) period(q *KPIQuestion) string {
	if q.Part != "" {
		return "partial"
	}
	if from := time.UnixMilli(q.From).In(b.Location); from.AddDate(1, 0, 0).UnixMilli() == q.To {
		return "annual"
	}
	return "interim"
}

func (k *KPI) flag(is bool, code, text string) {
	if is {
		k.Flags = append(k.Flags, Flag{Code: code, Text: text})
	}
}

// tell flags what was done to come to know the figure.
func (f *figures) tell(k *KPI) {
	flag := k.flag
	f.tellRoles(flag)
	flag(f.how&byBackup != 0, "backup_meter", "a backup meter stands in where its primary was not read")
	flag(f.how&byCompletion != 0, "completed_branch", "a branch without a reading is what stands above it less what stands beside it")
	flag(f.how&byCorrection != 0, "corrected", "readings were corrected, or put in by hand")
	flag(f.how&byEstimate != 0, "estimated_readings", "what was not read is as a file of readings estimates it")
	flag(f.revised, "grid_revised", "what is said of the grid was revised")
	flag(f.restated, "late_readings", "readings of meters came after their hour was sealed")
	k.Restated = f.how&(byCorrection|byEstimate) != 0 || f.revised || f.restated
	var all Wide
	for _, w := range f.shared {
		all, _ = all.Add(w)
	}
	for s, w := range f.shared {
		k.Grid = append(k.Grid, GridShare{GridSource: s, Energy: w, Share: w.Float() / all.Float()})
	}
	slices.SortFunc(k.Grid, func(a, b GridShare) int {
		return cmp.Or(cmp.Compare(a.Tier, b.Tier), cmp.Compare(a.Provider, b.Provider), cmp.Compare(a.Zone, b.Zone), cmp.Compare(a.Set, b.Set), cmp.Compare(packed(a.Revised), packed(b.Revised)))
	})
	if len(k.Grid) > 1 {
		tiers := map[string]bool{}
		for i := range k.Grid {
			tiers[k.Grid[i].Tier] = true
		}
		flag(len(tiers) > 1, "tiers_mixed", "evidence of several tiers; their shares are shown")
	}
}
