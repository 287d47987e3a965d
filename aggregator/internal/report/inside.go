package report

import (
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
)

// inside are figures that nobody asks for and that those asked for are held
// against: load, coverage by machines, carbon, the energy balance.
func (b *build) inside() {
	hours := big.NewRat(b.length(), hourMillis)
	facility, it, pdit := b.r.Figure("e_dc_kwh"), b.r.Figure("e_it_kwh"), b.r.Figure("pd_it_kw")
	add := func(key, title, unit, missing string, v *big.Rat, decimals int) *Figure {
		f := Figure{Key: key, Title: title, Unit: unit, Quality: QualityCalculated}
		switch {
		case v != nil:
			f.set(v, decimals)
		default:
			f.Missing, f.Quality = missing, ""
		}
		b.r.Inside = append(b.r.Inside, f)
		return &b.r.Inside[len(b.r.Inside)-1]
	}
	quo := func(a, b *big.Rat) *big.Rat {
		if a == nil || b == nil || b.Sign() == 0 {
			return nil
		}
		return new(big.Rat).Quo(a, b)
	}
	val := func(f *Figure) *big.Rat {
		if !f.known() {
			return nil
		}
		return f.rat()
	}
	noIT, noDC := "e_it_kwh is missing or zero", "e_dc_kwh is missing or zero"
	g := b.sums.groups
	mean := quo(val(it), hours)
	add("mean_it_kw", "Mean load of IT", "kW", noIT, mean, 3)
	var peak *big.Rat
	if g[gIT].any() && g[gIT].peakAt > 0 {
		peak = over(rat(g[gIT].peak), perKWh)
	}
	f := add("peak_it_kw", "Highest load of IT, mean of an hour", "kW", "no hour in which all IT meters are known", peak, 3)
	if peak != nil {
		f.Notes = append(f.Notes, "in the hour from "+time.UnixMilli(g[gIT].peakAt).In(b.Site.TimeZone).Format("2006-01-02 15:04 MST"))
	}
	add("utilisation", "Mean load by installed power of IT", "1", "e_it_kwh or pd_it_kw is missing", quo(mean, val(pdit)), 9)
	for _, x := range []struct {
		key, title string
		mj         account.Wide
	}{{"cov_host", "Energy of nodes by that of IT", b.sums.hosts}, {"cov_gpu", "Energy of boards by that of IT", b.sums.gpus}} {
		var v *big.Rat
		if x.mj != (account.Wide{}) {
			v = quo(over(rat(x.mj), perKWh), val(it))
		}
		add(x.key, x.title, "1", "no node or board was read, or e_it_kwh is missing", v, 9)
	}
	for _, x := range []struct{ key, title, of string }{
		{"e_grid_kwh", "From the grid", gGrid}, {"e_onsite_kwh", "Generated on site", gOnsite}, {"e_export_kwh", "Exported", gExport},
		{"e_outside_kwh", "Used outside of the data centre", gOutside}, {"e_cooling_kwh", "Cooling", gCooling}, {"e_lighting_kwh", "Lighting", gLighting},
		{"e_losses_kwh", "Distribution that feeds nothing further, with losses", gLosses},
	} {
		var v *big.Rat
		if g[x.of].any() {
			v = over(rat(g[x.of].total()), perKWh)
		}
		f := add(x.key, x.title, "kWh", "no meter of it", v, 3)
		f.Meters, f.Coverage = g[x.of].names(), percent(g[x.of].covered, b.length())
		if v != nil {
			if f.Quality = QualityMeasured; g[x.of].guessed() {
				f.Quality = QualityEstimated
			}
		}
	}
	var rest *big.Rat
	if facility.known() && it.known() {
		rest = lessOf(facility.rat(), it.rat())
		for _, of := range []string{gCooling, gLighting, gLosses} {
			rest = lessOf(rest, over(rat(g[of].total()), perKWh))
		}
	}
	add("e_rest_kwh", "What no meter below the facility's tells", "kWh", noDC, rest, 3)
	b.carbon(add)
}

// carbon takes over what the ledger makes of the grid's words and of contracts.
func (b *build) carbon(add func(key, title, unit, missing string, v *big.Rat, decimals int) *Figure) {
	for _, x := range []struct{ of, key, title, unit string }{
		{"pue", "pue_same_minutes", "PUE of the time in which all is known, without estimates", "1"},
		{"carbon_location", "co2_location_kg", "Carbon, scope 2, location-based", "kg"}, {"carbon_market", "co2_market_kg", "Carbon, scope 2, market-based", "kg"},
		{"carbon_scope1", "co2_scope1_kg", "Carbon, scope 1", "kg"}, {"cue", "cue_lb", "Carbon usage effectiveness, location-based", "kg/kWh"},
		{"cue_market", "cue_mb", "Carbon usage effectiveness, market-based", "kg/kWh"}, {"cfe", "cfe", "Hourly matching with carbon-free energy", "1"},
		{"carbon_hourly", "co2_hourly_kg", "Carbon of what is not matched by the hour, at the grid's intensity", "kg"},
		{"carbon_market_hourly", "co2_market_hourly_kg", "Carbon, market-based with hourly matching", "kg"},
	} {
		k := b.kpis[x.of]
		if k == nil {
			add(x.key, x.title, x.unit, "nothing of the period is over", nil, 0)
			continue
		}
		var v *big.Rat
		if k.Value != nil {
			v = ratOf(*k.Value)
		}
		decimals := 9
		if x.unit == "kg" {
			decimals = 3 // factors are given in grams
		}
		f := add(x.key, x.title, x.unit, k.Reason, v, decimals)
		f.Method = k.Method
		f.Coverage = percent(int64(k.Coverage*1e6+0.5), 1_000_000)
		for _, n := range k.Flags {
			f.Notes = append(f.Notes, n.Code+": "+n.Text)
		}
	}
}

// meters lists what each feed showed.
func (b *build) meters() {
	for _, f := range b.sums.inOrder() {
		if f.meter == "" || f.expected == 0 && f.filled == (account.Wide{}) {
			continue
		}
		per, unit := perKWh, "kWh"
		if f.quantity.IsWater() {
			per, unit = perM3, "m³"
		}
		var read account.Wide
		for _, v := range f.mix {
			read, _ = read.Add(v)
		}
		m := Meter{ID: f.meter, Role: f.quantity.String(), Unit: unit, TakenOff: f.less, LongestGap: f.longest / minuteMillis, Coverage: percent(f.covered, f.expected)}
		m.Amount, _ = decimalOf(over(rat(read), per), 3)
		if f.filled != (account.Wide{}) {
			d, _ := decimalOf(over(rat(f.filled), per), 3)
			m.Estimated = &d
		}
		if s := b.Site.Meter(f.meter); s != nil {
			m.Role, m.Point = s.Role, s.Point
			for i := range s.Installed {
				n := &s.Installed[i]
				if !n.To.IsZero() && n.To.UnixMilli() <= b.r.Period.from || !n.From.IsZero() && n.From.UnixMilli() >= b.r.Period.end {
					continue
				}
				p := MeterPlate{Serial: n.Serial, Model: n.Model, Accuracy: n.Accuracy, Calibrated: dayText(n.Calibrated)}
				if !n.From.IsZero() {
					p.From = n.From.Format(time.RFC3339)
				}
				if !n.To.IsZero() {
					p.To = n.To.Format(time.RFC3339)
				}
				if n.Initial != nil {
					p.Initial = n.Initial.String()
				}
				if n.Final != nil {
					p.Final = n.Final.String()
				}
				m.Devices = append(m.Devices, p)
			}
		}
		b.r.Meters = append(b.r.Meters, m)
	}
	b.listGaps()
}

// mostGaps bounds how many a record lists, longest first.
const mostGaps = 500

func (b *build) listGaps() {
	all := slices.Clone(b.sums.gaps)
	slices.SortStableFunc(all, func(a, b gap) int {
		switch {
		case a.missing != b.missing:
			return int(b.missing - a.missing)
		case a.from != b.from:
			return int((a.from - b.from) / quarterMillis)
		}
		return a.key.compare(&b.key)
	})
	for _, g := range all[:min(len(all), mostGaps)] {
		per, unit := perKWh, "kWh"
		if g.key.quantity.IsWater() {
			per, unit = perM3, "m³"
		}
		x := Gap{Meter: g.key.meter, From: time.UnixMilli(g.from).In(b.Site.TimeZone).Format(time.RFC3339), Minutes: g.missing / minuteMillis, Unit: unit, Method: g.method}
		if g.known || g.estimated != (account.Wide{}) {
			d, _ := decimalOf(over(rat(g.estimated), per), 3)
			x.Estimated = &d
		}
		b.r.Gaps = append(b.r.Gaps, x)
	}
}

// months are the figures of each.
func (b *build) months() {
	p := &b.r.Period
	carriers, _ := b.carriers()
	heat := new(big.Rat) // handed over so far
	for at := time.UnixMilli(p.from).In(b.Site.TimeZone); at.UnixMilli() < p.to; {
		name := at.Format("2006-01")
		next := b.Site.MidnightOf(dateOf(name + "-01").AddMonths(1))
		to := min(next.UnixMilli(), p.to)
		m := Month{Month: name}
		sum := func(of string) *big.Rat {
			v := new(big.Rat)
			for day, w := range b.sums.groups[of].day {
				if strings.HasPrefix(day, name) {
					v = sumOf(v, rat(w))
				}
			}
			return v
		}
		covered := func(of string) (ms int64) {
			for day, n := range b.sums.groups[of].dayMet {
				if strings.HasPrefix(day, name) {
					ms += n
				}
			}
			return ms
		}
		// A month of which nothing was read, nor is estimated, is not known.
		put := func(v *big.Rat, per int64, of string) *Decimal {
			if covered(of) == 0 && sum(of).Sign() == 0 {
				return nil
			}
			d, _ := decimalOf(over(v, per), 3)
			return &d
		}
		facility := lessOf(sum(gSupply), sumOf(sum(gExport), sum(gOutside)))
		facility = sumOf(facility, spreadOf(carriers, at.UnixMilli(), to))
		it := sum(gIT)
		m.Facility, m.IT, m.Water = put(facility, perKWh, gSupply), put(it, perKWh, gIT), put(sum(gWater), perM3, gWater)
		given := sumOf(heat, sum(gHeat))
		own := lessOf(b.ownCooling(given), b.ownCooling(heat))
		m.Reuse = put(lessOf(lessOf(given, heat), sumOf(own, sum(gHeatBack))), perKWh, gHeat)
		heat = given
		if it.Sign() > 0 && m.Facility != nil {
			d, _ := decimalOf(new(big.Rat).Quo(facility, it), 6)
			m.PUE = &d
		}
		length := to - at.UnixMilli()
		if m.IT != nil && length > 0 {
			d, _ := decimalOf(new(big.Rat).Quo(over(it, perKWh), big.NewRat(length, hourMillis)), 3)
			m.Load = &d
		}
		for _, of := range []string{gFacility, gIT} {
			if b.sums.groups[of].any() {
				m.Coverage = worse(m.Coverage, percent(covered(of), length))
			}
		}
		b.r.Months = append(b.r.Months, m)
		at = next
	}
}
