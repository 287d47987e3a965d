package ledger

import (
	"maps"
	"slices"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// A figure is what a KPI must be, worked out from what is known.
type figure struct {
	value    float64
	coverage float64
	quality  [metric.Qualities]float64 // shares
	flags    []string                  // codes, sorted
	restated bool
	anew     float64 // share of the grid's energy of which the word was revised
	exact    map[string]uint64
	parts    map[string]float64 // of a cost
}

// A rest is what a KPI rests on.
type rest struct {
	meters []string // all must be known
	energy []string // whose qualities are shown
	words  int      // that must have been heard: 1 of carbon, 2 of prices
	shown  bool     // whose they are
	hourly bool     // and all that for whole hours
}

var (
	supply   = []string{gridA, gridB, solar, diesel, export}
	facility = append(slices.Clone(supply), office)
	it       = []string{ups1, ups2}
	grid     = []string{gridA, gridB}
	burnt    = []string{gridA, gridB, solar, diesel}
	water    = []string{mains, rain}
)

var rests = map[string]rest{
	"pue":                  {meters: append(slices.Clone(facility), it...), energy: append(slices.Clone(supply), it...)},
	"wue":                  {meters: append(slices.Clone(water), it...), energy: it},
	"wue_freshwater":       {meters: append(slices.Clone(water), it...), energy: it},
	"cue":                  {meters: append(slices.Clone(burnt), it...), energy: append([]string{gridA, gridB, diesel}, it...), words: 1, shown: true},
	"cue_market":           {meters: append(slices.Clone(burnt), it...), energy: append([]string{gridA, gridB, diesel}, it...)},
	"erf":                  {meters: append(slices.Clone(facility), heatOut, heatBack), energy: append(slices.Clone(supply), heatOut)},
	"ref":                  {meters: facility, energy: supply},
	"cfe":                  {meters: facility, energy: supply, hourly: true},
	"carbon_location":      {meters: grid, energy: grid, words: 1, shown: true},
	"carbon_market":        {meters: grid, energy: grid},
	"carbon_hourly":        {meters: facility, energy: supply, words: 1, shown: true, hourly: true},
	"carbon_market_hourly": {meters: facility, energy: supply, hourly: true},
	"carbon_scope1":        {meters: []string{solar, diesel}, energy: []string{diesel}},
	"cost":                 {meters: burnt, energy: grid, words: 2, shown: true},
}

// A sum is what is added up of the quarters in which all is known, kWh and litres.
type sum struct {
	drawn, it, heat, back, fresh, reused float64
	grid, own, diesel, wind, share       float64
	carbon, spot, fee                    float64 // kg, EUR, EUR
	matched, unmatched, dirty            float64
}

// figure is what the KPI called name must be of quarters [from, to).
func (l *lesson) figure(name string, from, to int) (f figure) {
	r := rests[name]
	usable := func(i int) bool {
		return l.whole(i, r.meters) && (r.words == 0 || l.words[r.words-1][i].heard)
	}
	var s sum
	n, seconds := 0, 0
	var energy, revised, all uint64
	mix, flags := [metric.Qualities]uint64{}, map[string]bool{}
	take := func(i int) {
		n++
		l.add(&s, i)
		for _, m := range r.energy {
			k := l.known[m][i]
			mix[k.quality], energy = mix[k.quality]+k.amount, energy+k.amount
		}
		for _, m := range r.meters {
			if k := l.known[m][i]; k.by != "" {
				flags[k.by] = true
			}
		}
		if r.shown {
			mj := l.of(i, grid...)
			if all += mj; l.words[max(0, r.words-1)][i].revised {
				revised += mj
			}
		}
	}
	for i := from; i < to; i++ {
		switch {
		case r.hourly && i+4 <= to && (l.ms(i)%hourMs) == 0 && usable(i) && usable(i+1) && usable(i+2) && usable(i+3):
			for k := range 4 {
				take(i + k)
			}
			l.match(&s, i)
		case !r.hourly && usable(i):
			take(i)
		case name == "carbon_scope1": // nothing was burnt while the old meter was read
			seconds += int(max(0, min(l.lost[solar].from-l.ms(i), quarterMs)) / second)
		}
		if l.restated[l.ms(i)/hourMs] {
			flags["late_readings"] = true
		}
	}
	f.coverage = (float64(n) + float64(seconds)/900) / float64(to-from)
	for q := range mix {
		if energy > 0 {
			f.quality[q] = float64(mix[q]) / float64(energy)
		}
	}
	if revised > 0 {
		f.anew = float64(revised) / float64(all)
		flags["grid_revised"] = true
		if flags["tiers_mixed"] = revised < all; revised == all {
			delete(flags, "tiers_mixed")
		}
	}
	f.restated = flags["corrected"] || flags["late_readings"] || flags["grid_revised"]
	s.share = 200_000 * float64(n) / float64(l.quarters)
	whole := from == 0 && to == l.quarters
	f.value = l.value(name, &s)
	if name == "cost" {
		f.parts = map[string]float64{
			"energy": s.grid*0.6*0.09 + s.spot*0.4, "grid_fee": s.fee, "tax": s.grid * 0.0205, "co2": s.diesel * 0.82 * 0.055,
		}
		if whole {
			f.parts["capacity"] = 10 * l.peak()
		}
		for _, v := range slices.Sorted(maps.Values(f.parts)) {
			f.value += v
		}
		if !whole && f.coverage >= 0.95 {
			flags["without_capacity"] = true
		}
	}
	f.exact = l.exact(name, from, to, usable)
	f.flags = slices.Sorted(maps.Keys(flags))
	return f
}

// add adds quarter i.
func (l *lesson) add(s *sum, i int) {
	kwh := func(meters ...string) float64 { return float64(l.of(i, meters...)) / float64(kWhMJ) }
	g := kwh(grid...)
	s.drawn += g + kwh(solar, diesel) - kwh(export, office)
	s.it += kwh(it...)
	s.grid += g
	s.own += kwh(solar) - kwh(export)
	s.diesel += kwh(diesel)
	s.heat, s.back = s.heat+kwh(heatOut), s.back+kwh(heatBack)
	s.fresh, s.reused = s.fresh+float64(l.of(i, mains))/1000, s.reused+float64(l.of(i, rain))/1000
	if l.blows(i) {
		s.wind += 25
	}
	s.carbon += g * float64(l.words[0][i].value) / 1e6
	s.spot += g * (float64(l.words[1][i].value)/1e6 + 0.003)
	fee := 0.009
	at := l.time(i)
	if d := at.Weekday(); d != time.Saturday && d != time.Sunday && at.Hour() >= 7 && at.Hour() < 22 {
		fee = 0.024
	}
	s.fee += g * fee
}

// peak is the highest quarter of an hour of the month, kW.
func (l *lesson) peak() float64 {
	most := uint64(0)
	for i := range l.quarters {
		most = max(most, l.of(i, grid...))
	}
	return 4 * float64(most) / float64(kWhMJ)
}

// match matches the hour that begins with quarter i.
func (l *lesson) match(s *sum, i int) {
	var x sum
	for k := range 4 {
		l.add(&x, i+k)
	}
	fed := min(x.grid, x.drawn-x.own) // by the grid, and not for the office
	covered := min(x.wind, fed)
	s.matched += x.own + covered
	s.unmatched += fed - covered
	s.dirty += x.carbon / x.grid * (fed - covered)
}

// value is the figure of what was added up; but for the cost, which has parts.
func (l *lesson) value(name string, s *sum) float64 {
	market := s.wind*0.011 + (s.grid-s.wind-s.share)*0.42
	switch name {
	case "pue":
		return s.drawn / s.it
	case "wue":
		return (s.fresh + s.reused) / s.it
	case "wue_freshwater":
		return s.fresh / s.it
	case "cue":
		return (s.carbon + s.diesel*0.82) / s.it
	case "cue_market":
		return (market + s.diesel*0.82) / s.it
	case "erf":
		return (s.heat*0.95 - s.back) / s.drawn
	case "ref":
		return (s.wind + s.share + s.own) / s.drawn
	case "cfe":
		return s.matched / s.drawn
	case "carbon_location":
		return s.carbon
	case "carbon_market":
		return market
	case "carbon_hourly":
		return s.dirty
	case "carbon_market_hourly":
		return s.unmatched*0.42 + (s.matched-s.own)*0.011
	case "carbon_scope1":
		return s.diesel * 0.82
	}
	return 0
}

// exact is what a figure says that it rests on, in mJ and mL.
func (l *lesson) exact(name string, from, to int, usable func(int) bool) map[string]uint64 {
	total := func(meters ...string) (mj uint64) {
		for i := from; i < to; i++ {
			if usable(i) {
				mj += l.of(i, meters...)
			}
		}
		return mj
	}
	switch name {
	case "pue":
		return map[string]uint64{"energy supplied": total(burnt...), "energy exported": total(export), "energy used outside": total(office), "energy of IT": total(it...)}
	case "wue":
		return map[string]uint64{"water": total(water...), "energy of IT": total(it...)}
	case "wue_freshwater":
		return map[string]uint64{"fresh water": total(mains), "energy of IT": total(it...)}
	case "erf":
		return map[string]uint64{"heat reused": total(heatOut), "heat that came back": total(heatBack), "energy exported": total(export)}
	case "carbon_location", "carbon_market", "cost":
		return map[string]uint64{"energy from the grid": total(grid...)}
	}
	return nil
}
