package report

import (
	"math/big"
	"slices"
	"strings"

	"github.com/gigawatch/gigawatch/collector/site"
)

func (b *build) checkRenewables() {
	b.checkGuarantees()
	b.checkAgreements()
	if v := b.num("e_res_os_kwh"); v != nil {
		meter := b.num("e_onsite_kwh")
		switch {
		case v.Sign() < 0:
			b.issue("E_OS_NEGATIVE", "e_res_os_kwh", "%s kWh count", number(v))
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
			b.issue("E_PPA_NEGATIVE", "e_res_ppa_kwh", "agreement %s counts for %s kWh", quoted(a.Name), a.Counts.said())
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
			b.issue("E_PPA_OVER", "e_res_ppa_kwh", "agreement %s has %s kWh a year, and %s claim %s kWh of it", quoted(a.Name), a.Contract.said(), strings.Join(by, ", "), number(sum))
		}
	}
}
