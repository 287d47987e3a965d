package report

import "math/big"

// A Fleet is several sites of one period together, as Annex IV publishes them.
type Fleet struct {
	Sites    int            `json:"sites"`
	Sizes    map[string]int `json:"sizes"`              // sites by their size class
	Power    *Decimal       `json:"pd_it_kw,omitempty"` // of those that have it
	Facility *Decimal       `json:"e_dc_kwh,omitempty"`
	Water    *Decimal       `json:"w_in_m3,omitempty"`
	Averages []Figure       `json:"averages"`
	Left     []string       `json:"left_out,omitempty"` // sites without a figure that is needed
}

// FleetOf adds up records. Averages are in both ways, each by its name: weighted by
// energy, which compares with the Commission's, and the ratio of the sums.
func FleetOf(records []*Record, rules *Set) Fleet {
	f := Fleet{Sizes: map[string]int{}}
	sum := map[string]*big.Rat{}
	add := func(key string, v *big.Rat) {
		if sum[key] == nil {
			sum[key] = new(big.Rat)
		}
		sum[key] = sumOf(sum[key], v)
	}
	for _, r := range records {
		f.Sites++
		f.Sizes[r.Size]++
		for _, key := range []string{"pd_it_kw", "e_dc_kwh", "w_in_m3"} {
			if x := r.Figure(key); x.known() {
				add(key, x.rat())
			} else {
				f.Left = append(f.Left, r.Site+": "+key)
			}
		}
	}
	for i := range rules.Indicators {
		x := &rules.Indicators[i]
		weight, weighted := new(big.Rat), new(big.Rat)
		over, by := new(big.Rat), new(big.Rat)
		for _, r := range records {
			v, w, o, b := r.Figure(x.Key), r.Figure(rules.Averages.Weight), r.Figure(x.Over), r.Figure(x.By)
			if !v.known() || !w.known() || !o.known() || !b.known() {
				f.Left = append(f.Left, r.Site+": "+x.Key)
				continue
			}
			weight = sumOf(weight, w.rat())
			weighted = sumOf(weighted, new(big.Rat).Mul(w.rat(), v.rat()))
			over, by = sumOf(over, o.rat()), sumOf(by, b.rat())
		}
		for _, way := range []struct {
			key, title string
			over, by   *big.Rat
			times      int64
		}{
			{x.Key + "_edc_weighted", x.Title + ", weighted by energy as the Commission publishes it", weighted, weight, 1},
			{x.Key + "_ratio_of_sums", x.Title + ", ratio of the sums", over, by, max(1, x.Times)},
		} {
			a := Figure{Key: way.key, Title: way.title, Unit: x.Unit, Quality: QualityCalculated}
			if way.by.Sign() == 0 {
				a.Missing, a.Quality = "no site has it", ""
			} else {
				v := new(big.Rat).Quo(way.over, way.by)
				a.set(v.Mul(v, big.NewRat(way.times, 1)), x.Decimals)
			}
			f.Averages = append(f.Averages, a)
		}
	}
	for key, d := range map[string]**Decimal{"pd_it_kw": &f.Power, "e_dc_kwh": &f.Facility, "w_in_m3": &f.Water} {
		if sum[key] != nil {
			v, _ := decimalOf(sum[key], 3)
			*d = &v
		}
	}
	return f
}
