package report

import (
	"math/big"
	"slices"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/site"
)

// A deal is what an agreement delivered in the period, as terms, mJ.
type deal struct {
	terms          []term
	delivered, off *big.Rat // exact; nil: how much was delivered is not known
	how            string
}

// meterTrack is the name of the hours of a meter.
func meterTrack(id string) string { return "meter " + id }

// deal makes that of p: what was delivered, less what is not retired for the site.
func (b *build) deal(p *site.PPA) (d deal) {
	d.off = new(big.Rat)
	from, to := b.within(p.Span)
	plain := term{From: from, To: to}
	switch m := b.Site.Meter(p.Meter); {
	case b.r.Period.within(p.Span) == 0:
		d.delivered, d.how = new(big.Rat), "it does not hold in the period"
		return d
	case m != nil && (m.Role == metric.RoleOnsiteGeneration || m.Role == metric.RoleGeneratorOutput):
		d.how = "its meter is of what the site generates, and counts there"
		return d
	case p.Meter != "":
		f := b.sums.meter(p.Meter)
		if f == nil || f.expected == 0 {
			d.how = "nothing was read of its meter, " + p.Meter
			return d
		}
		d.how = "as its meter shows, " + p.Meter
		plain.Track, plain.Share, plain.Why = meterTrack(p.Meter), perM, p.Name+": "+d.how
		d.delivered = onDays(f.day, p.Span)
	case p.Volume > 0:
		d.how = "by its volume a year"
		d.delivered = b.whole(p, int64(p.Volume))
		plain.Spread, plain.Why = d.delivered, p.Name+": its volume, spread evenly over its time"
	case p.Share > 0:
		d.how = "by its share of what the grid gave"
		plain.Track, plain.Share, plain.Why = gGrid, int64(p.Share), p.Name+": "+d.how
		d.delivered = new(big.Rat).SetInt(portion(onDays(b.sums.groups[gGrid].day, p.Span).Num(), int64(p.Share)))
	default:
		d.how = "how much it delivers is not stated"
		return d
	}
	d.terms = []term{plain}
	switch {
	case !p.Retired:
		d.off, d.terms = d.delivered, nil
	case !site.Renewable(p.Technology):
		d.terms = nil
	case p.Unretired > 0:
		d.off = b.whole(p, int64(p.Unretired))
		d.terms = append(d.terms, term{From: from, To: to, Spread: d.off, Less: true, Why: p.Name + ": less guarantees that are not retired for the site, spread evenly over its time"})
	}
	return d
}

// whole is the part of a volume a year that falls into the period, in whole mJ.
func (b *build) whole(p *site.PPA, wh int64) *big.Rat {
	v := new(big.Rat).Mul(b.yearly(p, wh), big.NewRat(perKWh/1000, 1))
	return new(big.Rat).SetInt(new(big.Int).Quo(v.Num(), v.Denom()))
}

// yearly is the part of a volume a year that falls into the period, Wh.
func (b *build) yearly(p *site.PPA, wh int64) *big.Rat {
	year := days(site.Date{Year: b.Year, Month: time.January, Day: 1}, site.Date{Year: b.Year, Month: time.December, Day: 31})
	return new(big.Rat).Mul(big.NewRat(wh, 1), big.NewRat(b.r.Period.within(p.Span), year))
}

// agreement is what counts of the i-th.
func (b *build) agreement(p *site.PPA, d *deal) Agreement {
	x := Agreement{Name: p.Name, Unretired: Whole(0), Counts: Whole(0), How: d.how, Evidence: p.Evidence}
	if p.Contract > 0 {
		c := kWh(p.Contract)
		x.Contract = &c
	}
	if d.delivered == nil {
		x.Why = d.how
		return x
	}
	v, _ := decimalOf(over(d.delivered, perKWh), 3)
	x.Delivered = &v
	switch {
	case !p.Retired:
		x.Why = "its guarantees of origin are not stated to be retired for the site"
	case !site.Renewable(p.Technology):
		x.Why = "its technology is not stated, or not renewable"
		return x
	}
	x.Unretired, _ = decimalOf(over(d.off, perKWh), 3)
	x.Counts, _ = decimalOf(over(lessOf(d.delivered, d.off), perKWh), 3)
	return x
}

// agreed is ERES-PPA: of what is exact, as its months are.
func (b *build) agreed(f *Figure, a *Asked) {
	sum := new(big.Rat)
	for i := range b.deals {
		if d := &b.deals[i]; len(d.terms) > 0 {
			sum = sumOf(sum, lessOf(d.delivered, d.off))
		}
	}
	b.claims(f, a, len(b.r.Agreements), over(sum, perKWh), "delivered under agreements, less that whose guarantees are not retired for the site")
	for i := range b.deals {
		for _, t := range b.deals[i].terms {
			if id := b.Site.Contracts.PPAs[i].Meter; t.Track != "" && id != "" && !slices.Contains(f.Meters, id) {
				f.Meters = append(f.Meters, id)
			}
		}
	}
	slices.Sort(f.Meters)
}
