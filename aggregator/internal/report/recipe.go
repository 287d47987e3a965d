package report

import (
	"math/big"

	"github.com/gigawatch/gigawatch/collector/site"
)

// A recipe is how a figure is made of groups.
type recipe struct {
	of    string // "": of contracts alone
	less  []string
	known string // by which it is covered
	per   int64
}

// recipes are those of the figures that meters give.
var recipes = map[string]recipe{
	"e_dc_kwh":        {of: gSupply, less: []string{gExport, gOutside}, known: gFacility, per: perKWh},
	"e_dc_bg_kwh":     {of: gGenerator, known: gGenerator, per: perKWh},
	"e_it_kwh":        {of: gIT, known: gIT, per: perKWh},
	"w_in_m3":         {of: gWater, known: gWater, per: perM3},
	"w_in_pot_m3":     {of: gPotable, known: gPotable, per: perM3},
	"w_in_fre_m3":     {of: gFresh, known: gFresh, per: perM3},
	"e_reuse_kwh":     {of: gHeat, less: []string{gHeatBack}, known: gHeatAll, per: perKWh},
	"e_res_os_kwh":    {of: gRenews, less: []string{gExport}, known: gOnsite, per: perKWh},
	"e_res_ppa_kwh":   {per: perKWh},
	"e_electric_kwh":  {of: gSupply, known: gSupply, per: perKWh},
	"e_purchased_kwh": {of: gGrid, known: gGrid, per: perKWh},
	"e_grid_kwh":      {of: gGrid, known: gGrid, per: perKWh},
	"e_onsite_kwh":    {of: gOnsite, known: gOnsite, per: perKWh},
	"e_export_kwh":    {of: gExport, known: gExport, per: perKWh},
	"e_cooling_kwh":   {of: gCooling, known: gCooling, per: perKWh},
	"e_lighting_kwh":  {of: gLighting, known: gLighting, per: perKWh},
	"e_losses_kwh":    {of: gLosses, known: gLosses, per: perKWh},
}

// A term is a part of a figure: hours that are kept, a share of them, or what no meter
// counts and is spread evenly over its time. Up to any hour it is a whole number of
// millijoules, and over a time the difference of two of these: parts add up to the
// whole.
type term struct {
	Track  string   `json:"track,omitempty"` // whose hours; "": Spread
	From   int64    `json:"from"`            // ms, half-open: for which it counts
	To     int64    `json:"to"`
	Share  int64    `json:"share,omitempty"`  // of the hours, millionths
	Spread *big.Rat `json:"spread,omitempty"` // mJ
	Less   bool     `json:"less,omitempty"`
	Why    string   `json:"why,omitempty"` // said of what has something of it
}

// portion is how much of a sum is a share of so many millionths.
func portion(sum *big.Int, share int64) *big.Int {
	v := new(big.Int).Mul(sum, big.NewInt(share))
	return v.Quo(v, big.NewInt(perM))
}

// spread is how much of x falls before t.
func (x *term) spread(t int64) *big.Int {
	t = min(max(t, x.From), x.To)
	if x.To <= x.From {
		return new(big.Int)
	}
	v := new(big.Rat).Mul(x.Spread, big.NewRat(t-x.From, x.To-x.From))
	return new(big.Int).Quo(v.Num(), v.Denom())
}

// between is how much of x, which is spread, falls between two times.
func (x *term) between(from, to int64) *big.Rat {
	return new(big.Rat).SetInt(new(big.Int).Sub(x.spread(to), x.spread(from)))
}

// carriers are the terms of what carriers bring that no meter counts.
func (b *build) carriers() (out []term, names []string) {
	for i := range b.Basis.Carriers {
		c := &b.Basis.Carriers[i]
		if min(c.To, b.r.Period.to) <= max(c.From, b.r.Period.from) || c.Millijoules == 0 {
			continue
		}
		weight := int64(c.Weight)
		if weight == 0 {
			weight = perM
		}
		v := new(big.Rat).SetInt(new(big.Int).SetUint64(c.Millijoules))
		out = append(out, term{From: c.From, To: c.To, Spread: v.Mul(v, big.NewRat(weight, perM)), Why: "with " + c.Name + ", which no meter counts, spread evenly over its time"})
		names = append(names, c.Name)
	}
	return out, names
}

// within is the time of a span that lies in the period, ms.
func (b *build) within(s site.Span) (from, to int64) {
	from, to = b.r.Period.from, b.r.Period.to
	if s.First != (site.Date{}) {
		from = max(from, b.Site.MidnightOf(s.First).UnixMilli())
	}
	if s.Last != (site.Date{}) {
		to = min(to, b.Site.MidnightOf(s.Last.Next()).UnixMilli())
	}
	return from, max(from, to)
}

// ownCooling is how much of the heat that is handed over up to some sum cools the site
// itself.
func (b *build) ownCooling(heat *big.Rat) *big.Rat {
	return new(big.Rat).SetInt(portion(heat.Num(), int64(b.Basis.HeatSelfUse)))
}

// terms are those of a figure.
func (b *build) terms(key string) (out []term) {
	r, p := recipes[key], &b.r.Period
	track := func(name string, less bool) {
		out = append(out, term{Track: name, From: p.from, To: p.to, Share: perM, Less: less})
	}
	if r.of != "" {
		track(r.of, false)
	}
	for _, name := range r.less {
		track(name, true)
	}
	switch key {
	case "e_dc_kwh":
		of, _ := b.carriers()
		out = append(out, of...)
	case "e_reuse_kwh":
		if n := int64(b.Basis.HeatSelfUse); n > 0 {
			out = append(out, term{Track: gHeat, From: p.from, To: p.to, Share: n, Less: true, Why: "less what cools the site itself, as a share that is stated"})
		}
	case "e_res_os_kwh":
		for i := range b.Site.Contracts.Own {
			g := &b.Site.Contracts.Own[i]
			if v := b.own(g).Counts; v.Sign() < 0 {
				from, to := b.within(g.Produced)
				out = append(out, term{From: from, To: to, Spread: new(big.Rat).Mul(v.Rat(), big.NewRat(-perKWh, 1)), Less: true, Why: "less guarantees of " + g.ID + ", which are another's, spread evenly over their production"})
			}
		}
	case "e_res_ppa_kwh":
		for i := range b.deals {
			out = append(out, b.deals[i].terms...)
		}
	}
	return out
}
