package report

import (
	"math/big"
	"regexp"
	"strings"
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
	region, _, why, ok := b.stated("cdd_region")
	if b.RegionalCDD != nil {
		region, ok = b.RegionalCDD.Rat(), true
	}
	switch {
	case why != "":
		b.issue("W_CDD_REGION", "cdd", "what is published for the region is not known: %s", why)
	case !ok:
	case above(apart(v, region), "0.15"):
		b.issue("W_CDD_REGION", "cdd", "%s degree days, and %s degree days are published for the region", number(v), number(region))
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
			b.issue("E_ICT_COVERAGE", key, "it covers %s %% of the floor", f.Coverage.said())
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
