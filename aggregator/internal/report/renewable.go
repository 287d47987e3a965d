package report

import (
	"fmt"
	"math/big"
	"slices"

	"github.com/gigawatch/gigawatch/collector/site"
)

// A claim is a guarantee of origin that somebody uses.
type claim struct {
	site, of string // of: purchase, agreement, own_generation
	year     int    // 0: nobody says
}

func (c claim) String() string {
	t := map[string]string{ofPurchase: "bought and retired", ofAgreement: "made by an agreement", ofOwn: "issued for own generation"}[c.of]
	t += " for " + c.site
	if c.year != 0 {
		t += fmt.Sprintf(" of %d", c.year)
	}
	return t
}

// What guarantees are of.
const (
	ofPurchase  = "purchase"
	ofAgreement = "agreement"
	ofOwn       = "own_generation"
)

// renewables keeps the books of guarantees and agreements.
func (b *build) renewables() {
	b.spent = map[string][]claim{}
	for _, s := range append([]*site.Site{b.Site}, b.Others...) {
		b.spend(s)
	}
	for _, r := range b.Earlier {
		if r.Site == b.Site.Token && r.Period.Year == b.Year {
			continue // an earlier version of this
		}
		for i := range r.Guarantees {
			if g := &r.Guarantees[i]; g.Of == ofPurchase && g.Counts.Sign() > 0 {
				b.use(g.ID, claim{r.Site, ofPurchase, r.Period.Year})
			}
		}
	}
	for i := range b.Site.Contracts.Guarantees {
		b.r.Guarantees = append(b.r.Guarantees, b.guarantee(&b.Site.Contracts.Guarantees[i]))
	}
	for i := range b.Site.Contracts.Own {
		b.r.Guarantees = append(b.r.Guarantees, b.own(&b.Site.Contracts.Own[i]))
	}
	for i := range b.Site.Contracts.PPAs {
		p := &b.Site.Contracts.PPAs[i]
		b.deals = append(b.deals, b.deal(p))
		b.r.Agreements = append(b.r.Agreements, b.agreement(p, &b.deals[i]))
	}
}

// spend notes the guarantees that a site's file claims.
func (b *build) spend(s *site.Site) {
	for i := range s.Contracts.Guarantees {
		if g := &s.Contracts.Guarantees[i]; g.Retired != (site.Date{}) {
			b.use(g.ID, claim{s.Token, ofPurchase, g.Year})
		}
	}
	for i := range s.Contracts.PPAs {
		for _, id := range s.Contracts.PPAs[i].Guarantees {
			b.use(id, claim{s.Token, ofAgreement, 0})
		}
	}
	for i := range s.Contracts.Own {
		b.use(s.Contracts.Own[i].ID, claim{s.Token, ofOwn, 0})
	}
}

// use notes one claim; the same that is said again is one.
func (b *build) use(id string, c claim) {
	for _, x := range b.spent[id] {
		if x.site == c.site && x.of == c.of && (x.year == c.year || x.year == 0 || c.year == 0) {
			return
		}
	}
	b.spent[id] = append(b.spent[id], c)
}

// kWh is a number of Wh as kWh.
func kWh(e site.Energy) Decimal { return Decimal{int64(e), 3} }

// daySpan is a span as it is written; "" if both ends are open.
func daySpan(s site.Span) string {
	if s == (site.Span{}) {
		return ""
	}
	return s.String()
}

func dayText(d site.Date) string {
	if d == (site.Date{}) {
		return ""
	}
	return d.String()
}

// guarantee is what counts of a batch that was bought.
func (b *build) guarantee(g *site.Guarantee) Guarantee {
	x := Guarantee{ID: g.ID, Of: ofPurchase, KWh: kWh(g.Volume), Counts: Whole(0), Year: g.Year, Produced: daySpan(g.Produced), Retired: dayText(g.Retired), Evidence: g.Evidence}
	switch {
	case g.Retired == (site.Date{}):
		x.Why = "it is not retired"
	case !site.Renewable(g.Technology):
		x.Why = "its technology is not stated, or not renewable"
	case g.Year != 0 && g.Year != b.Year:
		x.Why = fmt.Sprintf("it is for %d", g.Year)
	case g.Year == 0 && (g.Produced.First == (site.Date{}) || g.Produced.Last == (site.Date{})):
		x.Why = "neither its year nor its production is stated"
	case g.Year == 0:
		part, whole := b.r.Period.within(g.Produced), days(g.Produced.First, g.Produced.Last)
		x.Counts, _ = decimalOf(big.NewRat(int64(g.Volume)*part, 1000*whole), 3)
		if part < whole {
			x.Why = fmt.Sprintf("no year is stated: by its production, %d of %d days are in the period", part, whole)
		}
	default:
		x.Counts = kWh(g.Volume)
	}
	return x
}

// own is what is taken off generation on the site for a batch that is another's.
func (b *build) own(g *site.Guarantee) Guarantee {
	x := Guarantee{ID: g.ID, Of: ofOwn, KWh: kWh(g.Volume), Counts: Whole(0), Produced: daySpan(g.Produced), Retired: dayText(g.Retired), Evidence: g.Evidence}
	if g.Retired != (site.Date{}) {
		x.Why = "it is retired for the site: nothing is taken off"
		return x
	}
	part, whole := b.r.Period.within(g.Produced), days(g.Produced.First, g.Produced.Last)
	off, _ := decimalOf(big.NewRat(-int64(g.Volume)*part, 1000*max(1, whole)), 3)
	x.Counts, x.Why = off, "it is not retired for the site, and taken off what it generates"
	return x
}

// claims sets a figure that is a sum of claims; where nothing is claimed it is
// nothing.
func (b *build) claims(f *Figure, a *Asked, n int, sum *big.Rat, what string) {
	f.set(sum, a.Decimals)
	f.Quality, f.Method = QualityCalculated, what
	if n == 0 {
		f.Method = "nothing is claimed: none stands under contracts of the site file"
	}
}

// guaranteed is ERES-GOO.
func (b *build) guaranteed(f *Figure, a *Asked) {
	sum, n := new(big.Rat), 0
	for i := range b.r.Guarantees {
		if g := &b.r.Guarantees[i]; g.Of == ofPurchase {
			sum, n = sumOf(sum, g.Counts.Rat()), n+1
		}
	}
	b.claims(f, a, n, sum, "guarantees of origin that are retired for the site and the year")
}

// ownGeneration is ERES-OS.
func (b *build) ownGeneration(f *Figure, a *Asked) {
	g := b.sums.groups
	if !g[gOnsite].any() {
		f.set(new(big.Rat), a.Decimals)
		f.Quality, f.Method = QualityCalculated, "nothing is claimed: no meter has role onsite_generation"
		return
	}
	v := over(lessOf(rat(g[gRenews].total()), rat(g[gExport].total())), perKWh)
	for i := range b.r.Guarantees {
		if x := &b.r.Guarantees[i]; x.Of == ofOwn {
			v = sumOf(v, x.Counts.Rat())
		}
	}
	b.measured(f, a, new(big.Rat).Mul(v, big.NewRat(perKWh, 1)), perKWh, g[gOnsite], g[gRenews])
	f.Method = "generated of renewable sources on the site, less what was exported, and less that whose guarantees are another's"
	if g[gExport].any() {
		f.Meters = append(f.Meters, g[gExport].names()...)
		slices.Sort(f.Meters)
	}
}

// renewable is ERES-TOT: the sum of what is reported of the three.
func (b *build) renewable(f *Figure, a *Asked) {
	sum := new(big.Rat)
	for _, key := range []string{"e_res_goo_kwh", "e_res_ppa_kwh", "e_res_os_kwh"} {
		part := b.part(key)
		if !part.known() {
			f.Missing = key + " is missing: " + part.Missing
			return
		}
		sum = sumOf(sum, part.rat())
	}
	f.set(sum, a.Decimals)
	f.Quality, f.Method = QualityCalculated, "sum of those by guarantees, by agreements and generated on site"
}

// part makes a figure that another is the sum of.
func (b *build) part(key string) *Figure {
	if a := b.Rules.asked(key); a != nil {
		f := b.figure(a)
		return &f
	}
	return &Figure{Key: key, Missing: "the rules do not ask for it"}
}
