package terms

import (
	"fmt"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/site"
)

// contracts states what stands behind the energy that is bought.
func contracts(s *site.Site, t *account.Terms) error {
	named := map[string]int{}
	add := func(c account.Contract) {
		if named[c.Name]++; named[c.Name] > 1 {
			c.Name = fmt.Sprintf("%s (%d)", c.Name, named[c.Name])
		}
		t.Contracts = append(t.Contracts, c)
	}
	for i := range s.Contracts.PPAs {
		c, ok, err := agreement(s, &s.Contracts.PPAs[i])
		if err != nil {
			return err
		}
		if ok {
			add(c)
		}
	}
	for i := range s.Contracts.Guarantees {
		c, ok, err := guarantee(s, &s.Contracts.Guarantees[i])
		if err != nil {
			return err
		}
		if ok {
			add(c)
		}
	}
	for i := range s.Contracts.Own {
		c, err := own(s, &s.Contracts.Own[i])
		if err != nil {
			return err
		}
		add(c)
	}
	for i := range s.Contracts.Supply {
		x := &s.Contracts.Supply[i]
		if !x.HasFactor || x.Share == 0 {
			continue // it covers nothing, or what it covers has no factor
		}
		c := account.Contract{Name: "supply " + x.Name, Kind: account.SupplierMix, Milligrams: uint32(x.Factor), Share: uint32(x.Share), Evidence: x.Evidence}
		c.From, c.To = during(s, x.Span)
		add(c)
	}
	for _, r := range s.Contracts.Residual {
		t.Residuals = append(t.Residuals, account.Residual{Year: r.Year, Milligrams: uint32(r.Factor), Source: r.Source})
	}
	return nil
}

// carbonFree reports whether energy of a technology counts as free of carbon.
// Biomass can be renewable and emit more than that.
func carbonFree(technology string, f site.Factor) bool {
	return site.CarbonFree(technology) && f <= 100_000
}

// agreement is p; ok is false where nothing can be claimed by it: its guarantees of
// origin are not retired for the site, or it covers nothing from the grid.
func agreement(s *site.Site, p *site.PPA) (c account.Contract, ok bool, err error) {
	if m := s.Meter(p.Meter); m != nil && (m.Role == metric.RoleOnsiteGeneration || m.Role == metric.RoleGeneratorOutput) {
		return c, false, nil // it is counted as what the site generates
	}
	if !p.Retired {
		return c, false, nil
	}
	c = account.Contract{
		Name: "ppa " + p.Name, Kind: account.PPA, Milligrams: uint32(p.Factor), Renewable: site.Renewable(p.Technology),
		CarbonFree: carbonFree(p.Technology, p.Factor), Share: uint32(p.Share), Meter: p.Meter, Evidence: p.Evidence,
	}
	c.From, c.To = during(s, p.Span)
	if p.Volume > 0 {
		if c.Volumes, err = yearly(s, p); err != nil {
			return c, false, err
		}
	}
	return c, c.Share > 0 || c.Meter != "" || len(c.Volumes) > 0, nil
}

// An agreement without a first or a last day is taken to hold in these years.
const firstYear, lastYear = 2000, 2100

// yearly spreads the volume that an agreement has a year over the time in which it
// holds, calendar year by calendar year.
func yearly(s *site.Site, p *site.PPA) (vs []account.Volume, err error) {
	mj, err := millijoules("contracts.ppa."+p.Name, p.Volume)
	if err != nil {
		return nil, err
	}
	unretired, err := millijoules("contracts.ppa."+p.Name, p.Unretired)
	if err != nil {
		return nil, err
	}
	first, last := p.First, p.Last
	if first == (site.Date{}) {
		first = site.Date{Year: firstYear, Month: time.January, Day: 1}
	}
	if last == (site.Date{}) {
		last = site.Date{Year: lastYear, Month: time.December, Day: 31}
	}
	from, end := s.MidnightOf(first), s.MidnightOf(last.Next())
	for from.Before(end) {
		begins, next := s.Year(from)
		to := next
		if to.After(end) {
			to = end
		}
		v := account.Volume{From: from.UnixMilli(), To: to.UnixMilli(), Millijoules: mj, Unretired: unretired}
		if part, whole := v.To-v.From, next.Sub(begins).Milliseconds(); part < whole {
			v.Millijoules = uint64(float64(mj) * (float64(part) / float64(whole)))
			v.Unretired = min(v.Millijoules, uint64(float64(unretired)*(float64(part)/float64(whole))))
		}
		vs, from = append(vs, v), to
	}
	return vs, nil
}

// guarantee is a batch of guarantees of origin, for the year whose consumption it
// is for, or else for the time of its production; ok is false while it is not
// retired, or where neither is said.
func guarantee(s *site.Site, g *site.Guarantee) (c account.Contract, ok bool, err error) {
	if g.Retired == (site.Date{}) {
		return c, false, nil
	}
	span := g.Produced
	if g.Year != 0 {
		span = site.Span{First: site.Date{Year: g.Year, Month: time.January, Day: 1}, Last: site.Date{Year: g.Year, Month: time.December, Day: 31}}
	}
	if span.First == (site.Date{}) || span.Last == (site.Date{}) {
		return c, false, nil
	}
	v := account.Volume{}
	v.From, v.To = during(s, span)
	if v.Millijoules, err = millijoules("contracts.guarantees."+g.ID, g.Volume); err != nil {
		return c, false, err
	}
	return account.Contract{
		Name: "guarantees " + g.ID, Kind: account.GuaranteeOrigin, Renewable: site.Renewable(g.Technology), CarbonFree: carbonFree(g.Technology, 0),
		Volumes: []account.Volume{v}, Evidence: g.Evidence,
	}, true, nil
}

// own is a batch of guarantees of what the site generates. Until they are retired
// for the site that energy is another's, if it is anyone's.
func own(s *site.Site, g *site.Guarantee) (c account.Contract, err error) {
	v := account.Volume{}
	v.From, v.To = during(s, g.Produced)
	if v.Millijoules, err = millijoules("contracts.own_generation."+g.ID, g.Volume); err != nil {
		return c, err
	}
	if g.Retired == (site.Date{}) {
		v.Unretired = v.Millijoules
	}
	return account.Contract{Name: "own generation " + g.ID, Kind: account.OwnGeneration, Volumes: []account.Volume{v}, Evidence: g.Evidence}, nil
}
