package account

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// What a KPI may rest on.
type need uint8

const (
	needFacility need = iota // all that comes in, less export
	needIT
	needGrid   // taken from the grid, with its carbon intensity
	needWater  //
	needHeat   // handed over for reuse
	needOnsite // generated on site
	needs
)

// A formula is one KPI.
type formula struct {
	name, unit, method string
	needs              []need
	value              func(*figures) float64
	without            string // why there is no such figure yet; "" if there is
}

var formulas = []formula{
	{"pue", "ratio", "ISO/IEC 30134-2, EN 50600-4-2: facility energy over IT energy of the same minutes", []need{needFacility, needIT},
		func(f *figures) float64 { return f.facility() / f.of(needIT) }, ""},
	{"wue", "litres_per_kwh", "ISO/IEC 30134-9: water over IT energy of the same minutes", []need{needWater, needIT},
		func(f *figures) float64 { return f.of(needWater) / 1000 / f.kWh(needIT) }, ""},
	{"cue", "kg_per_kwh", "ISO/IEC 30134-8: grid energy times its carbon intensity, minute by minute, over IT energy; fuels are not counted", []need{needGrid, needIT},
		func(f *figures) float64 { return f.kilograms() / f.kWh(needIT) }, ""},
	{"erf", "ratio", "ISO/IEC 30134-6, EN 50600-4-6: heat handed over for reuse over facility energy of the same minutes", []need{needHeat, needFacility},
		func(f *figures) float64 { return f.of(needHeat) / f.facility() }, ""},
	{"ref", "ratio", "ISO/IEC 30134-3: energy generated and used on site over facility energy of the same minutes; contracts are not counted", []need{needOnsite, needFacility},
		func(f *figures) float64 { return min(1, max(0, f.of(needOnsite)-f.export.Float())/f.facility()) }, ""},
	{"carbon_location", "kg", "GHG Protocol scope 2, location-based: grid energy times its carbon intensity (lifecycle), minute by minute", []need{needGrid},
		func(f *figures) float64 { return f.kilograms() }, ""},
	{"carbon_market", "kg", "GHG Protocol scope 2, market-based", nil, nil, "no contracts are configured"},
	{"cost", "EUR", "energy times its price", nil, nil, "no tariff is configured"},
}

// KPINames are the KPIs there are.
func KPINames() []string {
	var names []string
	for _, f := range formulas {
		names = append(names, f.name)
	}
	return names
}

// figures are the sums over the minutes in which all that is needed is known.
type figures struct {
	sum    [needs]Wide // mJ or mL; of the facility without export
	export Wide
	carbon Wide // mJ × mg/kWh
	minutes
	quality [metric.Qualities]Wide
}

// minutes counts those that are over and those of them that are known.
type minutes struct {
	over, known int64
	met         [needs]bool // whether anything is there to know
}

func (f *figures) of(n need) float64  { return f.sum[n].Float() }
func (f *figures) kWh(n need) float64 { return f.of(n) / metric.MillijoulesPerKWh }
func (f *figures) facility() float64 {
	d, _ := f.sum[needFacility].Sub(f.export)
	return d.Float()
}

// kilograms is carbon as kg: mJ × mg/kWh ÷ mJ/kWh ÷ mg/kg.
func (f *figures) kilograms() float64 { return f.carbon.Float() / metric.MillijoulesPerKWh / 1e6 }

// NewKPI is the KPI called name over [from, to), at the time now: from sums of
// energy over the minutes in which everything it rests on is known by all of its
// meters, never from ratios. hours yields the hours of the time, summed up.
//
// For a time that is over, at least 95 % of its minutes must be known, of a year
// 99 %; of one that is not, the figure is interim and says how much it covers.
func NewKPI(name string, from, to, now int64, category int, hours func(func(number int64, u *Summary) bool)) (KPI, error) {
	i := slices.IndexFunc(formulas, func(f formula) bool { return f.name == name })
	if i < 0 {
		return KPI{}, &QuestionError{"kpi", strconv.Quote(name) + " is not known"}
	}
	f := &formulas[i]
	k := KPI{Name: name, Unit: f.unit, From: from, To: to, Method: f.method}
	switch {
	case from < 0 || from%minute != 0:
		return k, &QuestionError{"from", "not on a whole minute since 1970"}
	case to%minute != 0 || to > 1<<45:
		return k, &QuestionError{"to", "not on a whole minute of this millennium"}
	case to <= from:
		return k, &QuestionError{"to", "not after from"}
	case f.without != "":
		k.Reason = f.without
		return k, nil
	}
	if slices.Contains(f.needs, needIT) {
		k.Category = category
	}
	var g figures
	for number, u := range hours {
		g.add(f.needs, number, u, from, min(to, now), category)
	}
	if end := min(to, now); end > from {
		g.over = (end - from) / minute
	}
	k.finish(f, &g, now)
	return k, nil
}

// add sums up the minutes of an hour that lie in [from, to).
func (f *figures) add(needed []need, number int64, u *Summary, from, to int64, category int) {
	for m := range 60 {
		known := true
		for _, n := range needed {
			met, ok := u.known(n, m, category)
			f.met[n] = f.met[n] || met // also just before or after: there is such a meter
			known = known && met && ok
		}
		if at := number*hour + int64(m)*minute; !known || at < from || at+minute > to {
			continue
		}
		f.known++
		for _, n := range needed {
			for _, q := range n.quantities(category) {
				if q == Export {
					f.export = f.export.plus(u.Amount[q][m])
				} else {
					f.sum[n] = f.sum[n].plus(u.Amount[q][m])
				}
			}
			switch n {
			case needGrid:
				f.carbon, _ = f.carbon.Add(product(u.Amount[GridInput][m], uint64(u.Grams[m]-1)))
			}
		}
	}
	for _, n := range needed {
		for _, q := range n.quantities(category) {
			for i := range u.Sums[q] {
				if !q.IsWater() {
					f.quality[i] = f.quality[i].plus(u.Sums[q][i])
				}
			}
		}
	}
}

// quantities are what n sums up.
func (n need) quantities(category int) []Quantity {
	switch n {
	case needFacility:
		return []Quantity{GridInput, GeneratorOutput, OnsiteGeneration, Export}
	case needIT:
		if category == 0 {
			return nil
		}
		return categories[category-1 : category]
	case needGrid:
		return []Quantity{GridInput}
	case needWater:
		return []Quantity{WaterTotal}
	case needHeat:
		return []Quantity{HeatReuse}
	}
	return []Quantity{OnsiteGeneration}
}

// known reports whether n is metered in minute m, and whether all of its meters
// cover it. What no meter is expected for adds nothing.
func (s *Summary) known(n need, m, category int) (met, ok bool) {
	ok = true
	for _, q := range n.quantities(category) {
		e := s.Expected[q][m]
		if e == 0 {
			continue
		}
		met = met || q != Export
		ok = ok && s.Covered[q][m] >= e-e/100 // clocks are set within a minute, too
	}
	if n == needGrid {
		ok = ok && s.Grams[m] != 0
	}
	return met, ok
}

// missing says why a KPI that needs n cannot be.
var missing = [needs]string{
	needFacility: "no facility meter: none has role grid_input, generator_output or onsite_generation",
	needIT:       "no IT meter: none has role ups_output, pdu_output or it_input",
	needGrid:     "no grid meter: none has role grid_input",
	needWater:    "no water meter: none has role water_total",
	needHeat:     "no heat meter: none has role heat_reuse",
	needOnsite:   "no meter of on-site generation, and no contracts are configured",
}

// finish turns the sums into the figure.
func (k *KPI) finish(f *formula, g *figures, now int64) {
	var total float64
	for _, w := range g.quality {
		total += w.Float()
	}
	for i, w := range g.quality {
		if total > 0 {
			k.Quality[i] = w.Float() / total
		}
	}
	for _, n := range f.needs {
		if !g.met[n] {
			k.Reason = missing[n]
			return
		}
	}
	if g.over > 0 {
		k.Coverage = float64(g.known) / float64(g.over)
	}
	interim := now < k.To
	enough := 0.95
	if k.To-k.From >= 360*24*hour {
		enough = 0.99
	}
	switch {
	case g.known == 0 && slices.Contains(f.needs, needGrid):
		k.Reason = "no whole minute in which all meters and the carbon intensity of the grid are known"
		return
	case g.known == 0:
		k.Reason = "no whole minute in which all meters are known"
		return
	case !interim && k.Coverage < enough:
		k.Reason = fmt.Sprintf("insufficient data: %.1f %% of the minutes are known, and %.0f %% are needed", 100*k.Coverage, 100*enough)
		return
	}
	k.inputs(f, g)
	v := f.value(g)
	if math.IsNaN(v) || math.IsInf(v, 0) {
		k.Reason = "its denominator is zero"
		return
	}
	k.Value = &v
	switch {
	case k.Name == "pue" && v < 1:
		k.Reason = "below 1, which cannot be: a boundary, a meter's direction or a feed without a meter is wrong"
	case interim:
		k.Reason = "interim: the period is not over"
	}
}

// inputs lists what the figure rests on.
func (k *KPI) inputs(f *formula, g *figures) {
	add := func(name, unit string, w Wide) {
		v := w.Float() / 1000
		k.Inputs = append(k.Inputs, Input{name, unit, &v, w.String()})
	}
	for _, n := range f.needs {
		switch n {
		case needFacility:
			add("energy supplied", "joules", g.sum[n])
			add("energy exported", "joules", g.export)
		case needIT:
			add("energy of IT", "joules", g.sum[n])
		case needGrid:
			add("energy from the grid", "joules", g.sum[n])
			q, _ := g.carbon.over(metric.MillijoulesPerKWh)
			add("carbon dioxide equivalent", "grams", Wide{0, q})
		case needWater:
			add("water", "litres", g.sum[n])
		case needHeat:
			add("heat reused", "joules", g.sum[n])
		case needOnsite:
			add("energy generated on site", "joules", g.sum[n])
		}
	}
}
