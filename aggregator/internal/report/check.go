package report

import (
	"cmp"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// issue notes that a rule is broken.
func (b *build) issue(code, field, format string, args ...any) {
	i := slices.IndexFunc(checks[:], func(c Check) bool { return c.Code == code })
	x := Issue{Code: code, Severity: Error, Field: field, Text: fmt.Sprintf(format, args...)}
	if i >= 0 {
		x.Severity, x.Fix = checks[i].Severity, checks[i].Fix
	}
	if x.Severity == Warning {
		x.Comment = b.text("comment_" + code)
	}
	b.r.Issues = append(b.r.Issues, x)
}

// check holds the record against all rules.
func (b *build) check() {
	for _, of := range []func(){
		b.checkPeriod, b.checkAbout, b.checkMissing, b.checkIT, b.checkEnergy, b.checkLoad, b.checkWater, b.checkHeat, b.checkClimate,
		b.checkRenewables, b.checkICT, b.checkIndicators, b.checkLimits, b.checkQuality, b.checkLedger,
	} {
		of()
	}
	slices.SortStableFunc(b.r.Issues, func(x, y Issue) int { return cmp.Compare(x.Severity, y.Severity) })
}

// num is the value of a figure; nil if there is none.
func (b *build) num(key string) *big.Rat {
	if f := b.r.Figure(key); f.known() {
		return f.rat()
	}
	return nil
}

// both are two values; ok is false unless both are known.
func (b *build) both(x, y string) (v, w *big.Rat, ok bool) {
	v, w = b.num(x), b.num(y)
	return v, w, v != nil && w != nil
}

func rational(text string) *big.Rat {
	r, _ := new(big.Rat).SetString(text)
	return r
}

// below reports whether v is less than a number.
func below(v *big.Rat, n string) bool { return v.Cmp(rational(n)) < 0 }

// above reports whether v is more.
func above(v *big.Rat, n string) bool { return v.Cmp(rational(n)) > 0 }

// times is v by a number.
func times(v *big.Rat, n string) *big.Rat { return new(big.Rat).Mul(v, rational(n)) }

// apart is by how much of w v differs from it.
func apart(v, w *big.Rat) *big.Rat {
	d := lessOf(v, w)
	d.Abs(d)
	if w.Sign() == 0 {
		if d.Sign() == 0 {
			return d
		}
		return big.NewRat(1, 1)
	}
	return d.Quo(d, new(big.Rat).Abs(w))
}

// share is v as per cent, for people.
func share(v *big.Rat) string {
	return number(times(v, "100")) + " %"
}

func (b *build) checkPeriod() {
	p := &b.r.Period
	if p.From > p.To {
		b.issue("E_PERIOD", "period", "it begins on %s and ends on %s", p.From, p.To)
	}
	if p.Open {
		b.issue("E_PERIOD_OPEN", "period", "the year is not over: figures reach to %s", p.Until)
	}
	b.checkBefore()
	t, v := b.Rules.Threshold, b.num("pd_it_kw")
	if v == nil || !b.r.Scope.Known {
		return
	}
	if v.Cmp(big.NewRat(t.Kilowatts, 1)) < 0 {
		b.issue("W_SCOPE_OUT", "pd_it_kw", "%s kW of installed IT power are below %d kW: the site need not report", number(v), t.Kilowatts)
	}
	if d := lessOf(v, big.NewRat(t.Kilowatts, 1)); d.Abs(d).Cmp(big.NewRat(t.Near, 1)) <= 0 {
		b.issue("W_SCOPE_NEAR", "pd_it_kw", "%s kW of installed IT power are within %d kW of the %d kW that oblige", number(v), t.Near, t.Kilowatts)
	}
}

func (b *build) checkAbout() {
	for i := range b.Rules.About {
		a, e := &b.Rules.About[i], &b.r.About[i]
		if e.Value == "" {
			if !a.Optional {
				b.issue("E_ANNEX1_MISSING", a.Key, "%s: %s", a.Title, e.Missing)
			}
			continue
		}
		why, fix, loose := misshapen(a, e.Value)
		switch {
		case why != "" && loose:
			b.issue("W_ANNEX1_FORM", a.Key, "%s: %s; %s", a.Title, why, fix)
		case why != "":
			b.issue("E_ANNEX1_FORM", a.Key, "%s: %s; %s", a.Title, why, fix)
		case a.Format == "lau" && b.LAU == nil:
			b.issue("W_LAU_UNCHECKED", a.Key, "no table of Local Administrative Units is at hand: whether %s stands in it was not looked up", e.Value)
		case a.Format == "lau" && !b.LAU(e.Value):
			b.issue("E_ANNEX1_FORM", a.Key, "%s stands in no table of Local Administrative Units of the period", e.Value)
		}
	}
	if kind := b.entry("dc_type"); kind != nil {
		for _, also := range [][2]string{{"also_colo", "colocation"}, {"also_cohost", "co-hosting"}} {
			if e := b.entry(also[0]); e != nil && kind.Value == also[1] {
				if yes, _ := truth(e.Value); yes {
					b.issue("E_ALSO_REPEATS", also[0], "%s repeats the main type, %s", also[0], kind.Value)
				}
			}
		}
	}
	b.checkStale()
}

// checkStale looks for what was stated alike in the two years before.
func (b *build) checkStale() {
	if len(b.Earlier) == 0 {
		return
	}
	var same []string
	for i := range b.r.About {
		e := &b.r.About[i]
		n := 0
		for _, year := range []int{b.Year - 1, b.Year - 2} {
			if r := b.earlier(year); r != nil {
				for k := range r.About {
					if o := &r.About[k]; o.Key == e.Key && o.Value == e.Value && o.Evidence == e.Evidence && e.Value != "" {
						n++
					}
				}
			}
		}
		if n == 2 {
			same = append(same, e.Key)
		}
	}
	if len(same) > 0 {
		b.issue("W_ANNEX1_STALE", "annex1", "unchanged since %d, with the same evidence: %s", b.Year-2, some(same))
	}
}

// earlier is the newest record of this site of a year; nil if there is none.
func (b *build) earlier(year int) (last *Record) {
	for _, r := range b.Earlier {
		if r.Site == b.Site.Token && r.Period.Year == year {
			last = r
		}
	}
	return last
}

func (b *build) checkMissing() {
	for i := range b.r.Figures {
		if f := &b.r.Figures[i]; f.Missing != "" {
			b.issue("E_MISSING", f.Key, "%s: %s", f.Title, f.Missing)
		}
	}
}

func (b *build) checkIT() {
	p, ok := b.num("pd_it_kw"), false
	if p == nil {
		return
	}
	if p.Sign() <= 0 {
		b.issue("E_PDIT_ZERO", "pd_it_kw", "installed power of IT is %s kW", number(p))
		return
	}
	for _, n := range b.r.Figure("pd_it_kw").Notes {
		ok = ok || n == "pd_it_basis: installed" || n == "pd_it_basis: rated"
	}
	if !ok {
		b.issue("E_PDIT_BASIS", "pd_it_basis", "it is not said whether the power is installed or rated")
	}
	if peak := b.num("peak_it_kw"); peak != nil && peak.Cmp(times(p, "1.05")) > 0 {
		b.issue("E_PDIT_BELOW_LOAD", "pd_it_kw", "IT drew %s kW in an hour, and %s kW are installed", number(peak), number(p))
	}
	if u := b.num("utilisation"); u != nil && (below(u, "0.10") || above(u, "0.95")) {
		b.issue("W_PDIT_UTILISATION", "pd_it_kw", "the mean load is %s of the installed power", share(u))
	}
	all, rooms, ok := b.both("s_dc_m2", "s_cr_m2")
	if !ok {
		return
	}
	switch {
	case all.Sign() <= 0 || rooms.Sign() <= 0:
		b.issue("E_AREA", "s_cr_m2", "areas are %s m² in all and %s m² of computer rooms", number(all), number(rooms))
	case rooms.Cmp(all) > 0:
		b.issue("E_AREA", "s_cr_m2", "computer rooms of %s m² are larger than the whole, %s m²", number(rooms), number(all))
	default:
		if d := new(big.Rat).Quo(p, rooms); below(d, "0.3") || above(d, "60") {
			b.issue("W_AREA_DENSITY", "s_cr_m2", "installed power is %s kW per m² of computer room", number(d))
		}
	}
}

func (b *build) checkEnergy() {
	dc := b.num("e_dc_kwh")
	if dc == nil {
		return
	}
	if it := b.num("e_it_kwh"); it != nil {
		if dc.Cmp(it) < 0 {
			b.issue("E_EDC_BELOW_IT", "e_dc_kwh", "the data centre drew %s kWh, and its IT %s kWh", number(dc), number(it))
		}
		if rest := b.num("e_rest_kwh"); rest != nil {
			switch part := new(big.Rat).Quo(rest, nonzero(dc)); {
			case below(part, "-0.03") && dc.Cmp(it) >= 0:
				b.issue("E_EDC_BELOW_PARTS", "e_dc_kwh", "IT, cooling, lighting and losses come to %s more than came in", share(part.Abs(part)))
			case above(part, "0.03") && b.sums.groups[gLosses].any():
				b.issue("W_REST", "e_dc_kwh", "%s of what came in is in no meter of IT, cooling, lighting or losses", share(part))
			}
		}
	}
	if v, _, _, ok := b.stated("invoice_e_dc_kwh"); ok {
		if d := apart(dc, v); above(d, "0.02") {
			b.issue("W_EDC_INVOICE", "e_dc_kwh", "meters show %s kWh and invoices %s kWh: %s apart", number(dc), number(v), share(d))
		}
	}
	if c := int64(b.Site.Grid.Connection); c > 0 {
		grid := b.num("e_grid_kwh")
		if most := new(big.Rat).Mul(big.NewRat(c, 1_000_000), big.NewRat(b.length(), hourMillis)); grid != nil && grid.Cmp(most) > 0 {
			b.issue("W_EDC_CONNECTION", "e_dc_kwh", "the grid gave %s kWh, and the connection lets %s kWh through in that time", number(grid), number(most))
		}
	}
	bg := b.num("e_dc_bg_kwh")
	switch {
	case bg == nil:
	case bg.Cmp(dc) > 0:
		b.issue("E_BG_ABOVE_DC", "e_dc_bg_kwh", "generators gave %s kWh of %s kWh", number(bg), number(dc))
	case bg.Cmp(times(dc, "0.02")) > 0:
		b.issue("W_BG_HIGH", "e_dc_bg_kwh", "generators gave %s of the energy", share(new(big.Rat).Quo(bg, nonzero(dc))))
	case bg.Sign() == 0 && (len(b.Site.Generators) > 0 || b.sums.groups[gGenerator].any()):
		b.issue("W_BG_ZERO", "e_dc_bg_kwh", "generators gave nothing all year, tests included")
	}
}

// nonzero is v, or one where it is nothing.
func nonzero(v *big.Rat) *big.Rat {
	if v.Sign() == 0 {
		return big.NewRat(1, 1)
	}
	return v
}

func (b *build) checkLoad() {
	it := b.num("e_it_kwh")
	if it == nil {
		return
	}
	if it.Sign() <= 0 {
		b.issue("E_EIT_ZERO", "e_it_kwh", "IT drew nothing")
		return
	}
	if c := b.num("cov_host"); c != nil {
		switch {
		case above(c, "1.02"):
			b.issue("E_EIT_BELOW_HOSTS", "e_it_kwh", "nodes drew %s of what the IT meters show", share(c))
		case below(c, "0.85") || above(c, "1"):
			b.issue("W_COV_HOST", "e_it_kwh", "nodes drew %s of what the IT meters show", share(c))
		}
	}
	if c := b.num("cov_gpu"); c != nil {
		switch {
		case above(c, "1"):
			b.issue("E_COV_GPU", "e_it_kwh", "boards drew %s of what the IT meters show", share(c))
		case below(c, "0.45") || above(c, "0.85"):
			b.issue("W_COV_GPU", "e_it_kwh", "boards drew %s of what the IT meters show", share(c))
		}
	}
	var rating int64
	for _, m := range b.Site.MetersOf(metric.RoleUPSOutput) {
		if m.Rating == 0 {
			return
		}
		rating += int64(m.Rating)
	}
	most := new(big.Rat).Mul(big.NewRat(rating, 1_000_000), big.NewRat(b.length(), hourMillis))
	if rating > 0 && b.Basis.Category == 1 && it.Cmp(most) > 0 {
		b.issue("W_UPS_RATING", "e_it_kwh", "UPS gave %s kWh, and are rated for %s kWh in that time", number(it), number(most))
	}
}

// stands reports whether the operator states that something is so.
func (b *build) stands(key string) bool {
	is, _ := truth(b.text(key))
	return is
}

// has reports whether the operator states anything under key.
func (b *build) has(key string) bool { return strings.TrimSpace(b.text(key)) != "" }
