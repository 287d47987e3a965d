package account

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// A KPIQuestion asks for figures of a site. Times are milliseconds since 1970
// UTC on whole minutes; the interval is half-open.
type KPIQuestion struct {
	Names    []string
	From, To int64
	Now      int64  // what is not over then is not awaited
	Category int    // where IT energy is metered: 1 UPS output, 2 PDU output, 3 IT input; 0: nowhere
	Part     string // of the site, for a partial PUE; "": the whole
	Known    Meters // that were ever read; nil: nobody knows
}

// A need is what a figure may rest on.
type need uint8

const (
	needFacility  need = iota // all that comes in, less what leaves it
	needIT                    //
	needGrid                  // taken from the grid
	needIntensity             // that, with its carbon intensity
	needWater                 //
	needFresh                 // of it
	needHeat                  // handed over for reuse, less what comes back
	needOnsite                // generated on site, less what is exported
	needFuel                  // emitted on site
	needPart                  // what a part of the site draws
	needs
)

// items are those of a cell that must all be known where they are met: some make
// the need met, the others are taken off it.
func (n need) items(b *Basis, category int) (some, others []int) {
	switch n {
	case needFacility:
		return []int{int(GridInput), int(GeneratorOutput), int(OnsiteGeneration)}, []int{int(Export), itemOutside}
	case needIT:
		if category == 0 {
			return nil, nil
		}
		return []int{int(categories[category-1])}, nil
	case needGrid:
		return []int{int(GridInput)}, nil
	case needIntensity:
		return []int{itemOf(b.Factor)}, nil
	case needWater:
		return []int{int(WaterTotal)}, nil
	case needFresh:
		return []int{itemFresh}, nil
	case needHeat:
		return []int{int(HeatReuse)}, []int{itemSelfUse}
	case needOnsite:
		return []int{itemRenewable}, []int{itemClean, int(Export)}
	}
	return []int{itemFuel}, nil
}

// missing says why a figure that needs n cannot be.
var missing = [needs]string{
	needFacility:  "no facility meter: none has role grid_input, generator_output or onsite_generation",
	needIT:        "no IT meter: none has role ups_output, pdu_output or it_input",
	needGrid:      "no grid meter: none has role grid_input",
	needIntensity: "no grid meter: none has role grid_input",
	needWater:     "no water meter: none has role water_total",
	needFresh:     "no water meter whose water is stated to be fresh or not",
	needHeat:      "no heat meter: none has role heat_reuse",
	needOnsite:    "no meter of on-site generation, and no contracts are configured",
	needFuel:      "no meter of what is generated on site, and no fuel besides is stated",
	needPart:      "no such part of the site is stated",
}

// A formula is one KPI. It needs all of needs; what else, it needs where there is
// any.
type formula struct {
	name, unit, method string
	needs              []need
	also               []need
	without            func(b *Basis) string // why there is no such figure; "" if there may be
	value              func(f *figures, k *KPI) (float64, bool)
}

var formulas = [...]formula{
	{name: "pue", unit: "ratio", method: "ISO/IEC 30134-2, EN 50600-4-2: facility energy over IT energy of the same minutes",
		needs: []need{needFacility, needIT}, value: (*figures).pue},
	{name: "wue", unit: "litres_per_kwh", method: "ISO/IEC 30134-9: water over IT energy of the same minutes",
		needs: []need{needWater, needIT}, value: (*figures).wue},
	{name: "wue_freshwater", unit: "litres_per_kwh", method: "fresh water over IT energy of the same minutes, as C(2026) 3472 amends Regulation (EU) 2024/1364",
		needs: []need{needFresh, needIT}, value: (*figures).wueFresh},
	{name: "cue", unit: "kg_per_kwh", method: "ISO/IEC 30134-8: carbon of the grid's energy, location-based, and of what is burnt on site, over IT energy of the same minutes",
		needs: []need{needIntensity, needIT}, also: []need{needFuel}, value: (*figures).cue},
	{name: "cue_market", unit: "kg_per_kwh", method: "ISO/IEC 30134-8: carbon of the grid's energy, market-based, and of what is burnt on site, over IT energy of the same minutes",
		needs: []need{needGrid, needIT}, also: []need{needFuel}, without: noContracts, value: (*figures).cueMarket},
	{name: "erf", unit: "ratio", method: "ISO/IEC 30134-6, EN 50600-4-6: heat handed over for reuse, less what cools the site itself, over facility energy of the same minutes",
		needs: []need{needHeat, needFacility}, value: (*figures).erf},
	{name: "ref", unit: "ratio", method: "ISO/IEC 30134-3, EN 50600-4-3: renewable energy by retired guarantees of origin, power purchase agreements and own generation, over facility energy of the same minutes",
		needs: []need{needFacility}, also: []need{needOnsite}, value: (*figures).ref},
	{name: "cfe", unit: "ratio", method: "hourly matching: of each hour what carbon-free energy was generated on site or contracted for that hour, at most what the facility drew, over what it drew",
		needs: []need{needFacility}, also: []need{needOnsite}, value: (*figures).cfe},
	{name: "carbon_location", unit: "kg", method: "GHG Protocol scope 2, location-based: grid energy times its carbon intensity, minute by minute",
		needs: []need{needIntensity}, value: (*figures).carbonLocation},
	{name: "carbon_market", unit: "kg", method: "GHG Protocol scope 2, market-based: contracted energy by its factor, what no contract covers by the supplier's or the residual mix of its year",
		needs: []need{needGrid}, without: noContracts, value: (*figures).carbonMarket},
	{name: "carbon_hourly", unit: "kg", method: "hourly matching: of each hour what no carbon-free energy was matched with, times the grid's carbon intensity in it",
		needs: []need{needFacility, needIntensity}, also: []need{needOnsite}, value: (*figures).carbonHourly},
	{name: "carbon_market_hourly", unit: "kg", method: "hourly matching: of each hour contracted energy by its factor, and what no contract of that hour covers by the residual mix of its year",
		needs: []need{needFacility}, also: []need{needOnsite}, without: noContracts, value: (*figures).carbonMarketHourly},
	{name: "carbon_scope1", unit: "kg", method: "GHG Protocol scope 1: energy generated of fuels on site by their factors, and what is stated besides",
		also: []need{needFuel}, value: (*figures).carbonScope1},
	{name: "cost", unit: "EUR", method: "grid energy by its tariff: energy, grid fee, capacity, tax, and carbon emitted on site; without value added tax",
		needs: []need{needGrid}, without: noTariff, value: (*figures).cost},
}

func noContracts(b *Basis) string {
	if len(b.Contracts) == 0 && len(b.Residuals) == 0 {
		return "no contracts are configured, and no residual mix: the grid's own factor does not stand for it"
	}
	return ""
}

func noTariff(b *Basis) string {
	if len(b.Tariffs) == 0 {
		return "no tariff is configured"
	}
	return ""
}

// KPINames are the KPIs there are.
func KPINames() []string {
	var names []string
	for i := range formulas {
		names = append(names, formulas[i].name)
	}
	return names
}

// check says what is wrong with q, a [*QuestionError]; nil if nothing.
func (q *KPIQuestion) check(b *Basis) error {
	bad := func(field, problem string) error { return &QuestionError{field, problem} }
	switch {
	case q.From < 0 || q.From%minute != 0:
		return bad("from", "not on a whole minute since 1970")
	case q.To%minute != 0 || q.To > 1<<45:
		return bad("to", "not on a whole minute of this millennium")
	case q.To <= q.From:
		return bad("to", "not after from")
	case q.Category < 0 || q.Category > len(categories):
		return bad("category", "none of 1, 2, 3")
	}
	for _, name := range q.Names {
		if !slices.ContainsFunc(formulas[:], func(f formula) bool { return f.name == name }) {
			return bad("kpi", strconv.Quote(name)+" is not known")
		}
		if q.Part != "" && name != "pue" {
			return bad("part", "of a part of the site there is the PUE alone")
		}
	}
	if q.Part != "" && !slices.ContainsFunc(b.Parts, func(p Part) bool { return p.Name == q.Part }) {
		return bad("part", strconv.Quote(q.Part)+" is not stated of the site")
	}
	return nil
}

// KPIs are the figures that q asks for, in its order: from sums of energy over the
// time in which everything that a figure rests on is known, never from ratios.
// hours yields the hours of the time.
//
// Of a period that is over, so much must be known as the Basis says; of one that
// is not, the figure is interim and says how much it covers.
func (b *Basis) KPIs(q KPIQuestion, hours func(func(*Resolved) bool)) ([]KPI, error) {
	if b == nil {
		b = nothing()
	}
	if err := q.check(b); err != nil {
		return nil, err
	}
	fs := make([]*figures, 0, len(q.Names))
	for _, name := range q.Names {
		i := slices.IndexFunc(formulas[:], func(f formula) bool { return f.name == name })
		fs = append(fs, newFigures(b, &formulas[i], &q))
	}
	for r := range hours {
		for _, f := range fs {
			if f.reason == "" {
				f.add(r)
			}
		}
	}
	out := make([]KPI, 0, len(fs))
	for _, f := range fs {
		out = append(out, f.finish())
	}
	return out, nil
}

// finish makes the figure of what was added up.
func (f *figures) finish() KPI {
	q := f.q
	k := KPI{
		Name: f.formula.name, Unit: f.formula.unit, From: q.From, To: q.To, Method: f.formula.method,
		Period: f.b.period(q), Terms: f.b.version, Part: q.Part, Needed: f.b.enough(q),
	}
	switch {
	case slices.Contains(f.formula.needs, needWater) || slices.Contains(f.formula.needs, needFresh):
		k.Category = f.b.WaterCategory
	case slices.Contains(f.formula.needs, needIT):
		k.Category = q.Category
	}
	if slices.Contains(f.formula.needs, needIT) && q.Category > 0 && q.Part == "" {
		k.Point = categories[q.Category-1].String()
	}
	if f.formula.name == "cost" && len(f.b.Tariffs) > 0 {
		k.Unit = f.b.Tariffs[0].Currency
	}
	if k.Reason = f.reason; k.Reason != "" {
		return k
	}
	k.Quality = f.shares()
	if k.Reason = f.unmet(); k.Reason != "" {
		f.tellRoles(k.flag)
		if _, _, none := notes(f.moved); none != "" {
			k.Reason += "; " + none
		}
		return k
	}
	if f.over > 0 {
		k.Coverage = float64(f.known) / float64(f.over)
	}
	interim := q.Now < q.To
	f.tell(&k)
	if k.Reason = f.insufficient(&k, interim); k.Reason != "" {
		f.components(&k, false)
		return k
	}
	f.inputs(&k)
	v, ok := f.formula.value(f, &k)
	if !ok {
		return k // the formula says why
	}
	k.Value = &v
	if k.Reason == "" && interim {
		k.Reason = "interim: the period is not over"
	}
	return k
}

// insufficient says why what is known is not enough; "" if it is.
func (f *figures) insufficient(k *KPI, interim bool) string {
	enough, span := f.b.enough(f.q), "no whole minute"
	switch {
	case f.quarterly && interim:
		span = "no whole quarter of an hour yet"
	case f.quarterly:
		span = "no whole quarter of an hour"
	}
	switch {
	case f.known == 0 && f.how&noFactor != 0 && f.uses(needFuel):
		return "fuel was burnt of which no emission factor is stated"
	case f.known == 0 && f.hourly():
		return "no whole hour in which all meters are known, and what else it needs"
	case f.known == 0 && f.uses(needIntensity):
		return span + " in which all meters and the carbon intensity of the grid are known"
	case f.known == 0 && f.formula.name == "cost":
		return span + " in which all meters and all prices are known" + f.unpriced()
	case f.known == 0:
		return span + " in which all meters are known" + f.longest()
	case !interim && k.Coverage < enough:
		return fmt.Sprintf("insufficient data: %.1f %% of the minutes are known, and %s %% are needed%s", 100*k.Coverage, Number(100*enough), f.longest())
	}
	return ""
}

func (f *figures) uses(n need) bool {
	return slices.Contains(f.formula.needs, n) || slices.Contains(f.formula.also, n)
}

// enough is how much of the period of q must be known.
func (b *Basis) enough(q *KPIQuestion) float64 {
	if q.To-q.From >= 360*24*hour {
		return b.Coverage.Year
	}
	return b.Coverage.Period
}

// unmet says what is not there at all; "" if all is.
func (f *figures) unmet() string {
	switch {
	case f.formula.name == "ref" && !f.met[needFacility], f.formula.name == "cfe" && !f.met[needFacility]:
		return f.lacks(needFacility)
	case f.formula.name == "ref" && !f.met[needOnsite] && !f.b.claimed(func(c *Contract) bool { return c.Renewable }),
		f.formula.name == "cfe" && !f.met[needOnsite] && !f.b.claimed(func(c *Contract) bool { return c.CarbonFree }):
		return missing[needOnsite]
	case f.formula.name == "carbon_scope1" && !f.met[needFuel] && len(f.b.Carriers) == 0:
		return missing[needFuel]
	}
	for _, n := range f.formula.needs {
		if !f.met[n] && f.formula.name == "pue" { // never one that is assumed
			return "no metered PUE: " + f.lacks(n)
		}
		if !f.met[n] {
			return f.lacks(n)
		}
	}
	return ""
}

// claimed reports whether there is a contract that is so.
func (b *Basis) claimed(is func(*Contract) bool) bool {
	return slices.ContainsFunc(b.Contracts, func(c Contract) bool { return is(&c) && c.Kind != OwnGeneration && c.Kind != SupplierMix })
}

// shares are those of the energy that the figure rests on, by how it is known.
func (f *figures) shares() (shares [metric.Qualities]float64) {
	var parts [metric.Qualities]Wide
	var all Wide
	for _, q := range f.quantities() {
		if q.IsWater() {
			continue
		}
		mix := f.mix(int(q))
		for i, w := range mix {
			parts[i], _ = parts[i].Add(w)
			all, _ = all.Add(w)
		}
	}
	if all == (Wide{}) {
		return shares
	}
	for i, w := range parts {
		shares[i] = w.Float() / all.Float()
	}
	return shares
}
