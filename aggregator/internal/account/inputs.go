package account

import "github.com/gigawatch/gigawatch/collector/metric"

// inputs lists what a figure rests on.
func (f *figures) inputs(k *KPI) {
	add := func(name, unit string, w Wide, mix [metric.Qualities]Wide) {
		v := w.Float() / 1000
		in := Input{Name: name, Unit: unit, Value: &v, Exact: w.String()}
		if w != (Wide{}) {
			for q, x := range mix {
				in.Quality[q] = x.Float() / w.Float()
			}
		}
		k.Inputs = append(k.Inputs, in)
	}
	plain := func(name, unit string, w Wide) { add(name, unit, w, [metric.Qualities]Wide{}) }
	item := func(name, unit string, n int) { add(name, unit, f.sum[n], f.mix(n)) }
	if f.part >= 0 {
		plain("energy supplied", "joules", f.partial[0])
		plain("energy of IT", "joules", f.partial[1])
		return
	}
	for _, n := range f.formula.needs {
		switch n {
		case needFacility:
			f.supply(add, plain)
		case needIT:
			item("energy of IT", "joules", int(categories[f.q.Category-1]))
		case needGrid:
			item("energy from the grid", "joules", int(GridInput))
		case needIntensity:
			item("energy from the grid", "joules", int(GridInput))
			q, _ := f.sum[itemOf(f.b.Factor)].over(1000)
			plain("carbon dioxide equivalent", "grams", Wide{0, q})
		case needWater:
			item("water", "litres", int(WaterTotal))
		case needFresh:
			plain("fresh water", "litres", f.sum[itemFresh])
		case needHeat:
			item("heat reused", "joules", int(HeatReuse))
			if f.sum[itemSelfUse] != (Wide{}) {
				plain("heat that came back", "joules", f.sum[itemSelfUse])
			}
		}
	}
	switch f.formula.name {
	case "ref":
		goo, ppa, own := f.renewable()
		plain("renewable by guarantees of origin", "joules", goo)
		plain("renewable by agreements", "joules", ppa)
		plain("renewable generated on site", "joules", own)
	case "cfe":
		plain("carbon-free energy matched", "joules", f.match.matched)
		plain("carbon-free energy generated or contracted for its hour", "joules", f.match.supplied)
	case "cue", "cue_market", "carbon_scope1":
		q := uint64(f.scope1() * 1e6)
		plain("carbon dioxide equivalent emitted on site", "grams", Wide{0, q})
	}
}

// supply lists what the facility's energy consists of.
func (f *figures) supply(add func(string, string, Wide, [metric.Qualities]Wide), plain func(string, string, Wide)) {
	var in Wide
	var mix [metric.Qualities]Wide
	for _, q := range supplies {
		in, _ = in.Add(f.sum[q])
		for i, w := range f.mix(int(q)) {
			mix[i], _ = mix[i].Add(w)
		}
	}
	add("energy supplied", "joules", in, mix)
	add("energy exported", "joules", f.sum[Export], f.mix(int(Export)))
	if w := f.sum[itemOutside]; w != (Wide{}) {
		plain("energy used outside", "joules", w)
	}
	if w := f.carried(); w != (Wide{}) {
		plain("energy of other carriers", "joules", w)
	}
}
