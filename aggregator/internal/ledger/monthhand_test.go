package ledger

import (
	"testing"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
)

// byHand holds the month of steady loads against figures that a person can work
// out. The bar carries 1030 kW, of which 500 and 400 are the UPS's, 90 cooling's,
// 10 the office's, and 30 are lost; the site itself draws 1020.
//
// Of 745 hours in October 2026, with four Sundays and 22 working days:
//
//	ups-1    is worked out for 3 h: 530 kW, for what is lost counts as its
//	solar    60 kW in 7 hours of a day; on the 27th it is not known for 1.25 h,
//	         which leaves 743 hours that are whole
//	diesel   200 kW in 2 h; export 5 kW in 4 h
//	grid-b   is settled by 12 kW more in 7 days: 2016 kWh
//	mains    1080 L/h; not known for 12 h; the invoice is of 400,000 L of rain
//	carbon   200 g/kWh; in three days 250, of which 100 was said at first
//	wind     100 kWh an hour in 5 hours of a day
func byHand(t *testing.T, p *monthPlant, m *month, settled bool) {
	t.Helper()
	more, rain := 0.0, 0.0
	if settled {
		more, rain = 7*24*12, 400_000
	}
	grid := 1030*745 - 60*7*31 - 200*2 + 5*4 + more // kWh
	sunny := grid - 1.25*970                        // without what is not known of the 27th
	hours, site := 743.75, 1020*743.75+more
	it := func(hours float64) float64 { return 900*hours + 3*30 }
	anew := 3 * (1030.0*24 - 60*7)         // what the grid gave in the three days
	carbon := 0.2*grid + 0.05*anew         // kg
	banded := 22*(1030*15-60*7) - 1.25*970 // kWh in the day band of working days, less that of the 27th
	if settled {
		banded += 5 * 15 * 12
	}
	cost := map[string]float64{
		"energy": sunny * (0.6*0.09 + 0.4*(0.08+0.003)), "grid_fee": 0.024*banded + 0.009*(sunny-banded),
		"tax": 0.0205 * sunny, "co2": 400 * 0.82 * 0.055, "capacity": 10 * 1030,
	}
	if settled {
		cost["capacity"] = 10 * (1030 + 12)
	}
	total := 0.0
	for _, v := range cost {
		total += v
	}
	// Of the grid's energy 10 kW are the office's, but while diesel runs and covers
	// them: in one hour, and in the six over which nothing was read of it. Of the
	// hours that are known wind covers 153.
	unmatched := grid - 2*970 - 10*(743-7) - 100*153
	for name, want := range map[string]struct{ value, coverage float64 }{
		"pue":                  {site / it(hours), hours / 745},
		"wue_freshwater":       {1080 * 733 / it(733), 733.0 / 745},
		"wue":                  {(1080*733 + rain*733/745) / it(733), 733.0 / 745},
		"erf":                  {(200*0.95 - 20) * hours / site, hours / 745},
		"ref":                  {(100*153.75 + 200_000*hours/745 + 60*(7*31-1.25) - 5*4) / site, hours / 745},
		"cfe":                  {(60*(7*31-2) - 5*4 + 100*153) / (1020*743 + more), 743.0 / 745},
		"carbon_location":      {carbon, 1},
		"cue":                  {(carbon - 1.25*970*0.2 + 400*0.82) / it(hours), hours / 745},
		"carbon_market":        {100*155*0.011 + (grid-100*155-200_000)*0.42, 1},
		"cue_market":           {(100*153.75*0.011 + (sunny-100*153.75-200_000*hours/745)*0.42 + 400*0.82) / it(hours), hours / 745},
		"carbon_hourly":        {0.2*unmatched + 0.05*(anew-10*72-100*15), 743.0 / 745},
		"carbon_market_hourly": {100*153*0.011 + unmatched*0.42, 743.0 / 745},
		"carbon_scope1":        {2 * 200 * 0.82, 1 - 70.0/60/745},
		"cost":                 {total, hours / 745},
	} {
		switch name {
		case "wue", "wue_freshwater": // before the invoice nothing is known of the rain
			if !settled {
				continue
			}
		case "cost", "cue", "carbon_location", "carbon_hourly": // before the last words neither of the grid in seven hours
			if !settled {
				continue
			}
		}
		k := p.is(name, m.from, m.to, want.value)
		if differs(k.Coverage, want.coverage) {
			t.Errorf("%s covers %v, want %v", name, k.Coverage, want.coverage)
		}
		for _, c := range k.Components {
			if c.Value == nil || differs(*c.Value, cost[c.Name]) {
				t.Errorf("%s is %v, want %v", c.Name, c.Value, cost[c.Name])
			}
		}
	}
	day := func(n int) (from, to int64) { return m.ms(m.at(n, 0)), m.ms(m.at(n+1, 0)) }
	from, to := day(25) // of 25 hours
	p.is("pue", from, to, 1020*25/(900*25.0))
	if ks, err := p.b.KPIs("s1", account.KPIQuestion{Names: []string{"pue"}, From: m.from, To: m.to, Part: "east"}); err != nil || ks[0].Value == nil ||
		differs(*ks[0].Value, 490/400.0) || ks[0].Coverage != 1 || ks[0].Period != "partial" {
		t.Errorf("PUE of a part: %+v, %v", ks, err)
	}
	if from, to = day(7); settled {
		p.is("carbon_location", from, to, 0.25*(1030*24-60*7))
	} else {
		p.is("carbon_location", from, to, 0.1*(1030*24-60*7))
	}
}
