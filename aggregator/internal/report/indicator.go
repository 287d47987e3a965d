package report

import (
	"math/big"
)

// indicator makes an indicator of the figures that find finds: of the values that
// are reported, so that it is what the database will make of them.
func (b *build) indicator(x *Indicator, find func(key string) *Figure) Figure {
	f := Figure{Key: x.Key, Title: x.Title, Unit: x.Unit, Unknown: x.Unknown}
	if x.Over == "" || x.By == "" {
		f.Missing = "its formula is not known"
		return f
	}
	over, by := find(x.Over), find(x.By)
	switch {
	case !over.known():
		f.Missing = x.Over + " is missing"
		if over != nil && over.Missing != "" {
			f.Missing += ": " + over.Missing
		}
		return f
	case !by.known():
		f.Missing = x.By + " is missing"
		if by != nil && by.Missing != "" {
			f.Missing += ": " + by.Missing
		}
		return f
	case by.Value.Sign() == 0:
		f.Missing = x.By + " is zero: there is no quotient"
		return f
	}
	v := new(big.Rat).Quo(over.rat(), by.rat())
	if x.Times > 1 {
		v.Mul(v, big.NewRat(x.Times, 1))
	}
	if most, ok := new(big.Rat).SetString(x.Most); ok && x.Key == "ref" && v.Cmp(most) > 0 {
		d, _ := decimalOf(v, x.Decimals)
		f.Notes = append(f.Notes, "capped: claimed is "+d.String()+" of what was drawn")
		v = most
	}
	f.set(v, x.Decimals)
	f.Quality, f.Method = QualityCalculated, x.Over+" / "+x.By
	if x.Times > 1 {
		f.Method += ", m³ in litres"
	}
	f.Coverage = worse(over.Coverage, by.Coverage)
	return f
}

// worse is the lesser of two coverages, of those that there are.
func worse(a, b *Decimal) *Decimal {
	if a == nil || b != nil && b.Cmp(*a) < 0 {
		return b
	}
	return a
}

// size is the class of Annex IV.
func (b *build) size() {
	t := b.Rules.Threshold
	f := b.r.Figure("pd_it_kw")
	x := &b.r.Scope
	if e, ok := b.Site.Answer("defence_only", b.Year); ok {
		if is, ok := truth(e.Value.String()); ok && is {
			*x = Scope{Known: true, Because: "used for, or serving alone, defence and civil protection, as the operator states", Evidence: e.Evidence}
			return
		}
	}
	if !f.known() {
		x.Because = t.Of + " is not known"
		return
	}
	b.r.Size = b.Rules.SizeOf(f.rat())
	x.Known, x.Must = true, f.rat().Cmp(big.NewRat(t.Kilowatts, 1)) >= 0
	x.Because = f.Value.String() + " kW of " + t.Of + ", and " + big.NewRat(t.Kilowatts, 1).RatString() + " kW oblige"
}

// previews are what rules make of the figures that stand beside those in force.
func (b *build) previews() {
	for _, s := range b.Beside {
		p := Preview{RuleSet: s.id(), Unknown: s.Unknown, Figures: []Figure{}}
		p.Says = "A preview inside the company. It is not official, is no label of the Union and must not be shown as one."
		for i := range s.Figures {
			a := &s.Figures[i]
			if have := b.r.Figure(a.Key); have != nil && a.Unknown == "" && b.Rules.asked(a.Key) != nil {
				continue // it stands in the record, and is not another's
			}
			p.Figures = append(p.Figures, b.figure(a))
		}
		find := func(key string) *Figure {
			for i := range p.Figures {
				if p.Figures[i].Key == key {
					return &p.Figures[i]
				}
			}
			return b.r.Figure(key)
		}
		for i := range s.Indicators {
			f := b.indicator(&s.Indicators[i], find)
			if s.Label != nil && s.Label.Classes[f.Key] != nil {
				c := Class{Of: f.Key}
				if c.Missing = f.Missing; f.known() {
					c.Class = s.Class(f.Key, f.exact)
				}
				p.Classes = append(p.Classes, c)
			}
			p.Figures = append(p.Figures, f)
		}
		b.limits(s, &p)
		b.r.Previews = append(b.r.Previews, p)
	}
}
