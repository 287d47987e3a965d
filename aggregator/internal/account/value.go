package account

import (
	"fmt"

	"github.com/gigawatch/gigawatch/collector/metric"
)

func (f *figures) kWh(w Wide) float64 { return w.Float() / metric.MillijoulesPerKWh }

// ratio is a over b; where b is nothing, there is none.
func (k *KPI) ratio(a, b float64) (float64, bool) {
	if b == 0 {
		k.Reason = "its denominator is zero"
		return 0, false
	}
	return a / b, true
}

func (k *KPI) wrong(code, text string) {
	k.Flags = append(k.Flags, Flag{code, text, true})
	k.Reason = text
}

// facility is what came in and stayed, mJ. Carriers that no meter counts are in
// it.
func (f *figures) facility() Wide {
	var in Wide
	for _, q := range supplies {
		in, _ = in.Add(f.sum[q])
	}
	in, _ = in.Add(f.carried())
	out, _ := f.sum[Export].Add(f.sum[itemOutside])
	left, _ := in.Sub(out)
	return left
}

// carried is the energy of carriers that no meter counts, weighted.
func (f *figures) carried() (sum Wide) {
	for i := range f.b.Carriers {
		c := &f.b.Carriers[i]
		weight := uint64(c.Weight)
		if weight == 0 {
			weight = whole
		}
		mj, _ := share(c.Millijoules, uint64(f.carriers[i]), uint64(c.To-c.From))
		w, _ := product(mj, weight).over(whole)
		sum = sum.plus(w)
	}
	return sum
}

func (f *figures) it() Wide { return f.sum[categories[f.q.Category-1]] }

func (f *figures) pue(k *KPI) (float64, bool) {
	in, it := f.facility(), Wide{}
	if f.part >= 0 {
		in, it = f.partial[0], f.partial[1]
	} else {
		it = f.it()
	}
	v, ok := k.ratio(in.Float(), it.Float())
	if ok && v < 1 {
		k.wrong("below_one", "below 1, which cannot be: a boundary, a meter's direction or a feed without a meter is wrong")
	}
	return v, ok
}

func (f *figures) wue(k *KPI) (float64, bool) {
	if k.Category == 0 {
		k.Flags = append(k.Flags, Flag{Code: "category_unstated", Text: "the operator does not state the category of the water"})
	}
	return k.ratio(f.sum[WaterTotal].Float()/1000, f.kWh(f.it()))
}

func (f *figures) wueFresh(k *KPI) (float64, bool) {
	return k.ratio(f.sum[itemFresh].Float()/1000, f.kWh(f.it()))
}

// scope1 is what was emitted on the site, kg.
func (f *figures) scope1() float64 {
	ug := f.sum[itemFuel]
	for i := range f.b.Carriers {
		c := &f.b.Carriers[i]
		part, _ := share(c.Micrograms, uint64(f.carriers[i]), uint64(c.To-c.From))
		ug = ug.plus(part)
	}
	return ug.Float() / 1e9
}

// location is what the grid's energy stands for by its own intensity, kg.
func (f *figures) location() float64 { return f.sum[itemOf(f.b.Factor)].Float() / 1e9 }

func (f *figures) cue(k *KPI) (float64, bool) {
	return k.ratio(f.location()+f.scope1(), f.kWh(f.it()))
}

func (f *figures) cueMarket(k *KPI) (float64, bool) {
	kg, ok := f.carbonMarket(k)
	if !ok {
		return 0, false
	}
	return k.ratio(kg+f.scope1(), f.kWh(f.it()))
}

func (f *figures) erf(k *KPI) (float64, bool) {
	heat := f.heat()
	v, ok := k.ratio(heat, f.facility().Float())
	if ok && (v < 0 || v > 1) {
		k.wrong("out_of_bounds", "more heat is handed over than energy comes in, or more comes back than is handed over: a meter or a boundary is wrong")
	}
	return v, ok
}

// heat is what is handed over and does not come back, mJ; negative where more
// does.
func (f *figures) heat() float64 {
	return f.sum[HeatReuse].Float()*(1-float64(f.b.HeatSelfUse)/whole) - f.sum[itemSelfUse].Float()
}

// renewable is what the figure may claim as renewable, mJ: by guarantees of
// origin, by agreements, and generated on the site.
func (f *figures) renewable() (goo, ppa, own Wide) {
	exported, unretired := f.sum[Export], Wide{}
	for n, ms := range f.volumes {
		v := &f.b.volumes[n]
		length := uint64(v.To - v.From)
		switch c := v.contract; {
		case c.Kind == OwnGeneration:
			part, _ := share(v.Unretired, uint64(ms), length)
			unretired = unretired.plus(part)
		case !c.Renewable || c.Kind == SupplierMix:
		case c.Kind == PPA:
			part, _ := share(v.claims(), uint64(ms), length)
			ppa = ppa.plus(part)
		default:
			part, _ := share(v.claims(), uint64(ms), length)
			goo = goo.plus(part)
		}
	}
	for n, mj := range f.claims {
		switch c := &f.b.Contracts[n]; {
		case !c.Renewable || c.Kind == SupplierMix:
		case c.Kind == PPA:
			ppa, _ = ppa.Add(mj)
		default:
			goo, _ = goo.Add(mj)
		}
	}
	off, _ := exported.Add(unretired)
	own, _ = f.sum[itemRenewable].Sub(off)
	return goo, ppa, own
}

func (f *figures) ref(k *KPI) (float64, bool) {
	goo, ppa, own := f.renewable()
	sum, _ := goo.Add(ppa)
	sum, _ = sum.Add(own)
	v, ok := k.ratio(sum.Float(), f.facility().Float())
	if !ok || v <= 1 {
		return v, ok
	}
	k.Raw = &v
	if over, _ := sum.Sub(f.facility()); over.Float() >= metric.MillijoulesPerKWh/2 {
		k.wrong("E_RES_OVERCLAIM", fmt.Sprintf("more renewable energy is claimed than the facility drew: %s times as much", Number(v)))
	}
	return 1, true
}

func (f *figures) carbonLocation(*KPI) (float64, bool) { return f.location(), true }

func (f *figures) carbonScope1(*KPI) (float64, bool) { return f.scope1(), true }

func (f *figures) carbonMarket(k *KPI) (float64, bool) { return f.market.carbon(f, k) }

func (f *figures) cfe(k *KPI) (float64, bool) {
	return k.ratio(f.match.matched.Float(), f.match.drawn.Float())
}

func (f *figures) carbonHourly(*KPI) (float64, bool) { return f.match.location / 1e9, true }

func (f *figures) carbonMarketHourly(k *KPI) (float64, bool) {
	if f.match.lacking != 0 {
		k.Reason = fmt.Sprintf("no residual mix of %d is stated", f.match.lacking)
		return 0, false
	}
	return f.match.market / 1e9, true
}

func (f *figures) cost(k *KPI) (float64, bool) {
	f.components(k, true)
	total := 0.0
	for _, c := range k.Components {
		if c.Value != nil {
			total += *c.Value
		}
	}
	if f.bill.cut {
		k.Flags = append(k.Flags, Flag{Code: "without_capacity", Text: "without the capacity charge, which is of whole months"})
		k.Reason = "without the capacity charge, which is of whole months"
	}
	return total, true
}
