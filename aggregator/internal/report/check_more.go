package report

import (
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"strings"

	"github.com/gigawatch/gigawatch/collector/site"
)

func (b *build) checkWater() {
	if in, potable, ok := b.both("w_in_m3", "w_in_pot_m3"); ok && in.Cmp(potable) < 0 {
		b.issue("E_WIN_BELOW_POT", "w_in_m3", "%s m³ came in, %s m³ of it potable", number(in), number(potable))
	}
	if v := b.num("w_in_pot_m3"); v != nil && v.Sign() == 0 && b.stands("mains_connection") {
		b.issue("W_WPOT_ZERO", "w_in_pot_m3", "no potable water came in, and the site is on the mains")
	}
	for _, p := range b.r.Previews {
		for i := range p.Figures {
			f := &p.Figures[i]
			if in := b.num("w_in_m3"); f.Key == "w_in_fre_m3" && f.known() && in != nil && f.rat().Cmp(in) > 0 {
				b.issue("E_WFRE_ABOVE_WIN", f.Key, "%s m³ of fresh water of %s m³ in all", number(f.rat()), number(in))
			}
		}
	}
	in := b.num("w_in_m3")
	if in == nil {
		return
	}
	if b.Basis.WaterCategory == 0 {
		b.issue("E_WUE_CATEGORY", "wue_category", "the category of the water figure is not stated")
	}
	if v, _, _, ok := b.stated("invoice_w_in_m3"); ok {
		if d := apart(in, v); above(d, "0.02") {
			b.issue("W_WIN_INVOICE", "w_in_m3", "meters show %s m³ and invoices %s m³: %s apart", number(in), number(v), share(d))
		}
	}
	if in.Sign() == 0 && b.stands("evaporative_cooling") {
		b.issue("W_WIN_ZERO", "w_in_m3", "no water came in, and the site cools by evaporation")
	}
}

func (b *build) checkHeat() {
	if v := b.num("e_reuse_kwh"); v != nil {
		dc, it := b.num("e_dc_kwh"), b.num("e_it_kwh")
		switch {
		case v.Sign() < 0:
			b.issue("E_REUSE_RANGE", "e_reuse_kwh", "more heat came back than was handed over: %s kWh", number(v))
		case dc != nil && v.Cmp(dc) > 0:
			b.issue("E_REUSE_RANGE", "e_reuse_kwh", "%s kWh of heat were handed over, and %s kWh drawn", number(v), number(dc))
		case it != nil && it.Sign() > 0 && v.Cmp(times(it, "0.95")) > 0:
			b.issue("W_REUSE_NEAR_IT", "e_reuse_kwh", "%s of the energy of IT were handed over as heat", share(new(big.Rat).Quo(v, it)))
		}
		if v.Sign() > 0 && !b.has("heat_customers") {
			b.issue("W_REUSE_NO_CUSTOMER", "e_reuse_kwh", "%s kWh of heat were handed over, and nobody is named who took them", number(v))
		}
	}
	in := b.num("t_in_c")
	if t := b.num("t_wh_c"); t != nil {
		switch {
		case below(t, "5") || above(t, "95"):
			b.issue("E_TWH_RANGE", "t_wh_c", "waste heat of %s °C", number(t))
		case above(t, "70"), in != nil && t.Cmp(lessOf(in, big.NewRat(5, 1))) < 0:
			b.issue("W_TWH_ODD", "t_wh_c", "waste heat of %s °C is unusual", number(t))
		}
	}
	switch {
	case in == nil:
	case below(in, "10") || above(in, "45"):
		b.issue("E_TIN_RANGE", "t_in_c", "a set-point of %s °C", number(in))
	case below(in, "18") || above(in, "32"):
		b.issue("W_TIN_ODD", "t_in_c", "a set-point of %s °C is unusual", number(in))
	}
}

// designation is how refrigerants are named: by the numbers of ISO 817, and the
// trade of mixtures is named by them, too.
var designation = regexp.MustCompile(`^R-?(\d{1,4}[a-z]{0,3}(\([EZ]\))?|[45]\d\d[A-Z]|6\d\d[a-z]?|7\d\d[A-Z]?|C\d{3}|E\d{3}[a-z]*\d?)$`)

func (b *build) checkClimate() {
	if f := b.r.Figure("refrigerants"); f != nil {
		for _, r := range f.List {
			if !designation.MatchString(strings.ReplaceAll(r, " ", "")) {
				b.issue("E_REFRIGERANT", "refrigerants", "%s is no designation of a refrigerant", quoted(r))
			}
		}
		if f.None {
			b.issue("W_REFRIGERANT_NONE", "refrigerants", "none is stated")
		}
	}
	v := b.num("cdd")
	if v == nil {
		return
	}
	switch {
	case v.Sign() < 0:
		b.issue("E_CDD", "cdd", "%s degree days", number(v))
	case above(v, "1500"):
		b.issue("W_CDD_HIGH", "cdd", "%s degree days", number(v))
	}
	if b.RegionalCDD != nil {
		if d := apart(v, b.RegionalCDD.Rat()); above(d, "0.15") {
			b.issue("W_CDD_REGION", "cdd", "%s degree days, and %s are published for the region", number(v), b.RegionalCDD)
		}
	}
}

func (b *build) checkRenewables() {
	b.checkGuarantees()
	b.checkAgreements()
	if v := b.num("e_res_os_kwh"); v != nil {
		meter := b.num("e_onsite_kwh")
		switch {
		case v.Sign() < 0:
			b.issue("E_OS_NEGATIVE", "e_res_os_kwh", "%s kWh", number(v))
		case meter != nil && v.Cmp(meter) > 0:
			b.issue("E_OS_ABOVE_METER", "e_res_os_kwh", "%s kWh count, and the meter shows %s kWh", number(v), number(meter))
		}
	}
	all := b.num("e_res_tot_kwh")
	if all == nil {
		return
	}
	sum := new(big.Rat)
	for _, key := range []string{"e_res_goo_kwh", "e_res_ppa_kwh", "e_res_os_kwh"} {
		if v := b.num(key); v != nil {
			sum = sumOf(sum, v)
		}
	}
	if d := lessOf(sum, all); d.Abs(d).Cmp(big.NewRat(1, 1)) > 0 {
		b.issue("E_RES_SUM", "e_res_tot_kwh", "%s kWh in all, and %s kWh together", number(all), number(sum))
	}
	if dc := b.num("e_dc_kwh"); dc != nil && all.Cmp(dc) > 0 {
		b.issue("E_RES_OVERCLAIM", "e_res_tot_kwh", "%s kWh of renewable energy are claimed, and %s kWh were drawn: %s kWh too much", number(all), number(dc), number(lessOf(all, dc)))
	}
}

func (b *build) checkGuarantees() {
	for i := range b.Site.Contracts.Guarantees {
		g := &b.Site.Contracts.Guarantees[i]
		if g.Retired == (site.Date{}) || g.Year != 0 && g.Year != b.Year {
			continue
		}
		var others []string
		for _, c := range b.spent[g.ID] {
			switch {
			case c.of != ofPurchase:
				b.issue("E_GO_OWN", "e_res_goo_kwh", "guarantee %s is %s", quoted(g.ID), c)
			case c.site != b.Site.Token || c.year != 0 && g.Year != 0 && c.year != g.Year:
				others = append(others, c.String())
			}
		}
		if len(others) > 0 {
			slices.Sort(others)
			b.issue("E_GO_TWICE", "e_res_goo_kwh", "guarantee %s is also %s", quoted(g.ID), strings.Join(others, ", and "))
		}
		last := g.Produced.Last
		if last == (site.Date{}) {
			continue
		}
		switch end := (site.Date{Year: b.Year, Month: 1, Day: 1}); {
		case g.Retired.Compare(g.Produced.First) < 0:
			b.issue("E_GO_EXPIRED", "e_res_goo_kwh", "guarantee %s was retired on %s, before it was produced", quoted(g.ID), g.Retired)
		case g.Retired.Compare(last.AddMonths(18)) > 0:
			b.issue("E_GO_EXPIRED", "e_res_goo_kwh", "guarantee %s was retired on %s, and expired on %s", quoted(g.ID), g.Retired, last.AddMonths(18))
		case end.Compare(last.AddMonths(12)) > 0:
			b.issue("E_GO_EXPIRED", "e_res_goo_kwh", "guarantee %s is for %d, and could be used until %s", quoted(g.ID), b.Year, last.AddMonths(12))
		}
	}
}

func (b *build) checkAgreements() {
	for i := range b.r.Agreements {
		a := &b.r.Agreements[i]
		if a.Counts.Sign() < 0 {
			b.issue("E_PPA_NEGATIVE", "e_res_ppa_kwh", "agreement %s counts for %s kWh", quoted(a.Name), a.Counts)
		}
		if a.Contract == nil || a.Delivered == nil {
			continue
		}
		sum, by := a.Delivered.Rat(), []string{b.Site.Token}
		for _, s := range b.Others {
			for k := range s.Contracts.PPAs {
				p := &s.Contracts.PPAs[k]
				if p.Name == a.Name && p.Volume > 0 {
					sum, by = sumOf(sum, over(b.yearly(p, int64(p.Volume)), 1000)), append(by, s.Token)
				}
			}
		}
		for _, r := range b.Earlier { // of sites whose file is not at hand
			for k := range r.Agreements {
				if x := &r.Agreements[k]; r.Period.Year == b.Year && x.Name == a.Name && x.Delivered != nil && !slices.Contains(by, r.Site) {
					sum, by = sumOf(sum, x.Delivered.Rat()), append(by, r.Site)
				}
			}
		}
		if sum.Cmp(a.Contract.Rat()) > 0 {
			b.issue("E_PPA_OVER", "e_res_ppa_kwh", "agreement %s has %s kWh a year, and %s claim %s kWh of it", quoted(a.Name), a.Contract, strings.Join(by, ", "), number(sum))
		}
	}
}

func (b *build) checkICT() {
	for _, key := range []string{"c_serv", "c_stor_pb"} {
		f := b.r.Figure(key)
		if f == nil || !f.known() {
			continue
		}
		switch {
		case f.Coverage == nil:
			b.issue("E_ICT_COVERAGE", key, "how much of the floor it covers is not stated")
		case f.Coverage.Sign() < 0 || f.Coverage.Cmp(Whole(100)) > 0:
			b.issue("E_ICT_COVERAGE", key, "it covers %s %% of the floor", f.Coverage)
		}
	}
	if v := b.num("c_stor_pb"); v != nil && b.SeenStorage != nil && v.Cmp(b.SeenStorage) < 0 {
		b.issue("W_STOR_SEEN", "c_stor_pb", "%s PB are stated, and agents see %s PB", number(v), number(b.SeenStorage))
	}
	for _, way := range []string{"in", "out"} {
		width, data, ok := b.both("bw_"+way+"_gbs", "data_"+way+"_eb")
		if !ok {
			continue
		}
		// GB/s over the period, as EB.
		most := new(big.Rat).Mul(width, big.NewRat(b.length()/1000, 1_000_000_000))
		if data.Cmp(most) > 0 {
			b.issue("E_DATA_ABOVE_BANDWIDTH", "data_"+way+"_eb", "%s EB, and %s GB/s let %s EB through", number(data), number(width), number(most))
		}
	}
	if in, out, ok := b.both("data_in_eb", "data_out_eb"); ok && in.Sign() > 0 && out.Sign() > 0 {
		if r := new(big.Rat).Quo(in, out); above(r, "100") || below(r, "0.01") {
			b.issue("W_TRAFFIC_RATIO", "data_in_eb", "%s EB in and %s EB out", number(in), number(out))
		}
	}
	if on, v := b.r.Figure("grid_functions"), b.num("c_btg_kw"); on != nil && v != nil && v.Sign() > 0 {
		if on.Is != nil && !*on.Is {
			b.issue("E_BTG_WITHOUT_GRID", "c_btg_kw", "%s kW are offered to the grid, and grid functions are said not to be provided", number(v))
		}
		var power int64
		for i := range b.Site.Batteries {
			power += int64(b.Site.Batteries[i].Power)
		}
		if most := big.NewRat(power, 1_000_000); power > 0 && v.Cmp(most) > 0 {
			b.issue("W_BTG_ABOVE_BATTERY", "c_btg_kw", "%s kW are offered to the grid, and batteries give %s kW", number(v), number(most))
		}
	}
}

func (b *build) checkIndicators() {
	if v := b.num("pue"); v != nil {
		switch {
		case below(v, "1"):
			b.issue("E_PUE_BELOW_1", "pue", "PUE is %s", number(v))
		case below(v, "1.02") || above(v, "2.5"):
			b.issue("W_PUE_ODD", "pue", "PUE is %s", number(v))
		}
		if x := b.num("pue_same_minutes"); x != nil {
			if d := apart(v, x); above(d, "0.01") {
				b.issue("W_PUE_ESTIMATES", "pue", "PUE is %s, and %s of the time in which all is known", number(v), number(x))
			}
		}
	}
	if v := b.num("wue"); v != nil && above(v, "3") {
		b.issue("W_WUE_HIGH", "wue", "WUE is %s L/kWh", number(v))
	}
	if v := b.num("erf"); v != nil && (v.Sign() < 0 || above(v, "1")) {
		b.issue("E_ERF_RANGE", "erf", "ERF is %s", number(v))
	}
	if was := b.earlier(b.Year - 1); was != nil {
		for i := range b.r.Indicators {
			f := &b.r.Indicators[i]
			o := was.Figure(f.Key)
			if !f.known() || !o.known() || was.Period.Partial || b.r.Period.Partial {
				continue
			}
			if d := apart(f.rat(), o.rat()); above(d, "0.10") {
				b.issue("W_YEAR_ON_YEAR", f.Key, "%s is %s, and was %s in %d", strings.ToUpper(f.Key), number(f.rat()), number(o.rat()), b.Year-1)
			}
		}
	}
	if k := b.kpis["carbon_market"]; k != nil && k.Value == nil && strings.Contains(k.Reason, "residual mix") && !strings.Contains(k.Reason, "no contracts") {
		b.issue("E_RESIDUAL_MISSING", "cue_mb", "%s", k.Reason)
	}
	if lb, mb, ok := b.both("cue_lb", "cue_mb"); ok && mb.Cmp(times(lb, "1.5")) > 0 {
		b.issue("W_CUE_MARKET", "cue_mb", "market-based %s and location-based %s kg/kWh", number(mb), number(lb))
	}
}

func (b *build) checkQuality() {
	for i := range b.r.Figures {
		f := &b.r.Figures[i]
		b.checkFigure(f)
	}
	var bare []string
	for i := range b.r.Meters {
		m := &b.r.Meters[i]
		whole := m.Point != "" && len(m.Devices) > 0
		for _, d := range m.Devices {
			whole = whole && d.Serial != "" && d.Accuracy != "" && d.Calibrated != ""
		}
		if !whole && b.reported(m.ID) {
			bare = append(bare, m.ID)
		}
	}
	if len(bare) > 0 {
		b.issue("W_METER_RECORD", "meters", "the record of %s is not whole", some(bare))
	}
	var unproved []string
	for _, e := range b.r.Evidence {
		if e.Text == "" && !strings.HasPrefix(e.Key, "comment_") {
			unproved = append(unproved, e.Key)
		}
	}
	if len(unproved) > 0 {
		b.issue("W_EVIDENCE", "evidence", "nothing stands behind %s", some(unproved))
	}
}

// checkFigure holds one figure against what is asked of its quality.
func (b *build) checkFigure(f *Figure) {
	if f.Value != nil && (f.Quality == QualityMeasured || f.Quality == QualityEstimated) && len(f.Meters) == 0 {
		b.issue("E_NO_METER", f.Key, "no meter stands behind a figure that is measured")
	}
	if f.Value == nil || f.Coverage == nil || f.Quality == QualityEntered {
		return
	}
	switch {
	case f.Coverage.Cmp(Whole(80)) < 0:
		b.issue("E_COVERAGE", f.Key, "%s %% of the period are known%s", f.Coverage, b.least(f))
	case f.Coverage.Cmp(Whole(95)) < 0:
		b.issue("W_COVERAGE", f.Key, "%s %% of the period are known%s", f.Coverage, b.least(f))
	}
	for _, n := range f.Notes {
		switch {
		case strings.HasPrefix(n, "a meter was not read for more than a day"):
			b.issue("W_GAP_LONG", f.Key, "%s%s", n, b.least(f))
		case strings.HasPrefix(n, "a meter was not read, and nothing is known"):
			b.issue("E_GAP_UNFILLED", f.Key, "%s%s", n, b.least(f))
		}
	}
}

// reported reports whether a figure that is asked for rests on a meter.
func (b *build) reported(id string) bool {
	return slices.ContainsFunc(b.r.Figures, func(f Figure) bool { return slices.Contains(f.Meters, id) })
}

// least names the meters of f that were known for the least time.
func (b *build) least(f *Figure) string {
	type one struct {
		id      string
		minutes int64
	}
	var all []one
	for i := range b.r.Gaps {
		g := &b.r.Gaps[i]
		if !slices.Contains(f.Meters, g.Meter) {
			continue
		}
		k := slices.IndexFunc(all, func(o one) bool { return o.id == g.Meter })
		if k < 0 {
			k, all = len(all), append(all, one{id: g.Meter})
		}
		all[k].minutes += g.Minutes
	}
	slices.SortStableFunc(all, func(x, y one) int { return int(y.minutes - x.minutes) })
	var t []string
	for _, o := range all[:min(3, len(all))] {
		t = append(t, fmt.Sprintf("%s for %d h %02d min", o.id, o.minutes/60, o.minutes%60))
	}
	if len(t) == 0 {
		return ""
	}
	return "; not read: " + strings.Join(t, ", ")
}

func (b *build) checkLedger() {
	if n := b.r.Ledger.Unsealed; n > 0 {
		b.issue("E_UNSEALED", "ledger", "%d hours of the period are not sealed", n)
	}
	if b.LogUnchanged != nil {
		b.issue("E_LOG", "ledger", "%v", b.LogUnchanged)
	}
	if b.r.Ledger.Simulated {
		b.issue("E_SIMULATED", "ledger", "readings of this site come from a model")
	}
	told := map[string]bool{}
	for _, name := range []string{"pue", "carbon_location"} {
		if k := b.kpis[name]; k != nil {
			for _, f := range k.Flags {
				if (strings.HasPrefix(f.Code, "role_") || f.Code == "unstated_meters") && !told[f.Text] {
					told[f.Text] = true
					b.issue("W_LEDGER_NOTE", "meters", "%s", f.Text)
				}
			}
		}
	}
}
