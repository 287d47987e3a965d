package terms

import (
	"fmt"
	"math"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/site"
)

// Of is what s states. The error says what of it can be in no sum.
func Of(s *site.Site) (account.Terms, error) {
	t := account.Terms{
		Location: s.TimeZone, Zone: s.Zone.Name, Category: s.ITCategory().Number,
		WaterCategory: s.Boundary.WaterCategory, HeatSelfUse: uint32(s.Boundary.OwnCooling),
	}
	if s.Grid.Factor == "direct" {
		t.Factor = account.Direct
	}
	t.Coverage = account.Coverage{Period: s.Coverage.Period.Ratio(), Year: s.Coverage.Year.Ratio()}
	burns := fuels(s, &t)
	t.Meters = meters(s, burns)
	for _, p := range s.Boundary.Parts {
		t.Parts = append(t.Parts, account.Part{Name: p.Name, Supply: p.Supply, IT: p.IT})
	}
	if err := carriers(s, &t); err != nil {
		return t, err
	}
	if err := contracts(s, &t); err != nil {
		return t, err
	}
	t.Tariffs = tariffs(s)
	return t, nil
}

// during is a span of days as an interval of time; an open end is 0.
func during(s *site.Site, d site.Span) (from, to int64) {
	if d.First != (site.Date{}) {
		from = s.MidnightOf(d.First).UnixMilli()
	}
	if d.Last != (site.Date{}) {
		to = s.MidnightOf(d.Last.Next()).UnixMilli()
	}
	return from, to
}

// millijoules is e exactly; what it belongs to is named in the error.
func millijoules(what string, e site.Energy) (uint64, error) {
	const perWattHour = metric.MillijoulesPerKWh / 1000
	if e < 0 || int64(e) > math.MaxInt64/perWattHour {
		return 0, fmt.Errorf("%s: %s is more than can be counted", what, e)
	}
	return uint64(e) * perWattHour, nil
}

// carriers are what no meter counts. A share of nothing counts as no energy.
func carriers(s *site.Site, t *account.Terms) error {
	for _, o := range s.Boundary.Other {
		c := account.Carrier{Name: o.Name, Weight: uint32(o.Counts)}
		c.From, c.To = during(s, o.Span)
		if o.Counts > 0 {
			var err error
			if c.Millijoules, err = millijoules("boundary.other_energy."+o.Name, o.Energy); err != nil {
				return err
			}
		}
		if o.Emitted > math.MaxInt64/1000 {
			return fmt.Errorf("boundary.other_energy.%s: %s is more than can be counted", o.Name, o.Emitted)
		}
		c.Micrograms = uint64(o.Emitted) * 1000
		t.Carriers = append(t.Carriers, c)
	}
	return nil
}

// tariffs are prices as they stand: both sides keep millionths of the currency.
func tariffs(s *site.Site) (out []account.Tariff) {
	for i := range s.Tariffs {
		x := &s.Tariffs[i]
		t := account.Tariff{
			Name: "from " + x.First.String(), Currency: x.Currency, Fixed: int64(x.Fixed),
			SpotShare: uint32(x.Spot), SpotAdder: int64(x.Adder), Tax: int64(x.Tax), Capacity: int64(x.Capacity), CO2: int64(x.Carbon),
		}
		t.From, t.To = during(s, x.Span)
		for k := range x.Bands {
			b := &x.Bands[k]
			t.Bands = append(t.Bands, account.Band{Name: b.Name, Days: b.Days, Months: b.Months, From: b.From, To: b.To, Price: int64(b.Fee)})
		}
		t.Unpriced = len(t.Bands) > 0
		out = append(out, t)
	}
	return out
}
