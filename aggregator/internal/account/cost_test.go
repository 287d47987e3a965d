package account_test

import (
	"strings"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
)

// components of a cost, by name; what is none is left out.
func components(k account.KPI) map[string]float64 {
	out := map[string]float64{}
	for _, c := range k.Components {
		if c.Value != nil {
			out[c.Name] = *c.Value
		}
	}
	return out
}

// A day in Berlin, from 13:00 on: noon is in UTC. A kWh costs 10 ct, the grid 8 ct
// by day and 2 ct by night, the tax is 2.05 ct.
func TestCostConsistsOfItsComponents(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	tariff := account.Tariff{
		Name: "2026", Currency: "EUR", Fixed: 100_000, GridFee: 20_000, Tax: 20_500,
		Bands: []account.Band{
			{Name: "holidays", Months: 1 << 11, From: 0, To: 24 * 60, Price: 0}, // December
			{Name: "day", Days: 0b0111110, From: 6 * 60, To: 22 * 60, Price: 80_000},
		},
	}
	terms := func(change func(*account.Tariff)) account.Terms {
		x := tariff
		if change != nil {
			change(&x)
		}
		return account.Terms{Location: berlin, Tariffs: []account.Tariff{x}, Fuels: []account.Fuel{{Name: "diesel", Milligrams: 700_000}},
			Meters: []account.Meter{{Name: "generator_output", Quantity: account.GeneratorOutput, Fuel: "diesel"}}}
	}
	// Noon of 22 November 2026 is a Sunday, 13:00 there: eleven hours of it are left.
	s := stretch{meters: map[string][]uint64{"grid_input": evenly(2400*kWh, 24), "generator_output": evenly(24*kWh, 24)}}
	k := s.kpi(t, terms(nil), "cost")
	// Sunday 11 h and Monday 0-6 h at 2 ct, Monday 6-13 h at 8 ct.
	is(t, k, 2400*0.10+1700*0.02+700*0.08+2400*0.0205)
	if c := components(k); c["energy"] != 240 || c["grid_fee"] != 90 || c["tax"] != 49.2 || c["co2"] != 0 || c["capacity"] != 0 {
		t.Errorf("%v", c)
	}
	// Carbon that is burnt here costs 55 EUR/t: 16.8 kg.
	k = s.kpi(t, terms(func(x *account.Tariff) { x.CO2 = 55_000 }), "cost")
	near(t, "co2", components(k)["co2"], 0.924)
	// A third of the energy at the spot price: of half of the day nothing is said.
	third := terms(func(x *account.Tariff) { x.SpotShare, x.SpotAdder = 250_000, 4_000 })
	s.words = []account.Word{always(account.Price, 60_000)}
	is(t, s.kpi(t, third, "cost"), 2400*(0.75*0.10+0.25*(0.06+0.004))+90+49.2)
	w := always(account.Price, 60_000)
	s.words, s.said = nil, map[int][]account.Word{}
	for n := range 12 {
		s.said[n] = []account.Word{w}
	}
	k = s.kpi(t, third, "cost")
	if c := components(k); k.Value != nil || len(c) != 4 || c["grid_fee"] != 90 || !strings.Contains(k.Reason, "50.0 %") || k.Components[0].Reason != "known for 720 of 1440 minutes" {
		t.Errorf("without half of the prices: %v, %q, %+v", k.Value, k.Reason, k.Components)
	}
	// A tariff that ends.
	k = s.kpi(t, terms(func(x *account.Tariff) { x.To = noon }), "cost")
	if k.Value != nil || !strings.Contains(k.Reason, "no tariff holds for 1440 of them") {
		t.Errorf("after its tariff: %q", k.Reason)
	}
	// On Sunday no band holds, and what holds besides is not stated.
	k = s.kpi(t, terms(func(x *account.Tariff) { x.Unpriced = true }), "cost")
	if k.Value != nil || k.Components[1].Value != nil || k.Components[0].Value == nil || !strings.Contains(k.Reason, "are needed") {
		t.Errorf("without a fee: %v, %q, %+v", k.Value, k.Reason, k.Components)
	}
	// The capacity is of whole months.
	peak := terms(func(x *account.Tariff) { x.Capacity = 12_000_000 })
	s.said = nil
	k = s.kpi(t, peak, "cost")
	if c := components(k); k.Value == nil || c["capacity"] != 0 || !flagged(k, "without_capacity") || k.Components[2].Reason == "" {
		t.Errorf("a day: %v, %+v", k.Reason, k.Components)
	}
}

func TestCapacityIsChargedByTheHighestQuarterOfAMonth(t *testing.T) {
	b := basis(t, account.Terms{Tariffs: []account.Tariff{{Name: "x", Currency: "EUR", Capacity: 12_500_000}}})
	from, to := b.Around(account.ByMonth, noon)
	_, last := b.Around(account.ByMonth, to)
	kpi := func(to int64) account.KPI {
		ks, err := b.KPIs(account.KPIQuestion{Names: []string{"cost"}, From: from, To: to, Now: to}, func(yield func(*account.Resolved) bool) {
			for at := from; at < to; at += hour {
				kwh := 1000.0
				if at == from+77*hour {
					kwh = 1400 // 1,400 kW in November
				}
				if at == from+800*hour {
					kwh = 1300 // in December
				}
				s := stretch{meters: map[string][]uint64{"grid_input": energies(kwh)}}
				h := s.hour(0)
				h.Number = at / hour
				x := account.NewSheet(h.Number, b)
				x.Add(h)
				x.Done()
				if !yield(b.Resolve(x, to, false)) {
					return
				}
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		return ks[0]
	}
	is(t, kpi(to), 1400*12.5)
	is(t, kpi(last), (1400+1300)*12.5)
	k := kpi(to + 24*hour)
	if c := components(k); k.Value == nil || len(c) != 4 || !flagged(k, "without_capacity") {
		t.Errorf("a month and a day: %+v", k.Components)
	}
}

func TestContractsByShareAndByMeter(t *testing.T) {
	s := stretch{meters: map[string][]uint64{"grid_input": energies(100, 100), "park": energies(30, 150)}}
	terms := account.Terms{
		Residuals: []account.Residual{{Year: 2026, Milligrams: 500_000}},
		Contracts: []account.Contract{
			{Name: "a tenth", Kind: account.PPA, Share: 100_000, Milligrams: 10_000, Renewable: true, CarbonFree: true},
			{Name: "park", Kind: account.PPA, Meter: "park", Renewable: true, CarbonFree: true},
			{Name: "half of the rest", Kind: account.SupplierMix, Share: 500_000, Milligrams: 300_000},
		},
	}
	// 200 kWh: 20 of the share, 180 of the park.
	is(t, s.kpi(t, terms, "carbon_market"), 20*0.01)
	is(t, s.kpi(t, terms, "ref"), 1)
	is(t, s.kpi(t, terms, "cfe"), (30+100)/200.0)
	terms.Contracts[1].Meter = "another"
	is(t, s.kpi(t, terms, "carbon_market"), 20*0.01+180*(0.5*0.3+0.5*0.5))
	is(t, s.kpi(t, terms, "ref"), 0.1)
	terms.Residuals = nil
	if k := s.kpi(t, terms, "carbon_market"); k.Value != nil || !strings.Contains(k.Reason, "no residual mix of 2026") {
		t.Errorf("%v, %q", k.Value, k.Reason)
	}
	if k := s.kpi(t, terms, "carbon_market_hourly"); k.Value != nil || !strings.Contains(k.Reason, "no residual mix of 2026") {
		t.Errorf("%v, %q", k.Value, k.Reason)
	}
	terms.Contracts[2].Share = 0 // all of the rest
	is(t, s.kpi(t, terms, "carbon_market"), 20*0.01+180*0.3)
	// More is claimed than the grid gave.
	terms.Contracts[0] = account.Contract{Name: "certificates", Kind: account.GuaranteeOrigin, Milligrams: 20_000, Volumes: of(400, 2)}
	k := s.kpi(t, terms, "carbon_market")
	is(t, k, 200*0.02)
	if !flagged(k, "over_claimed") || !strings.Contains(k.Reason, "2 times as much") {
		t.Errorf("%+v", k.Flags)
	}
}

func TestTermsThatCannotBeAreRefused(t *testing.T) {
	volume := []account.Volume{{From: noon, To: noon + hour, Millijoules: 10}}
	for name, terms := range map[string]account.Terms{
		"meter 1 has no name":                    {Meters: []account.Meter{{}}},
		`meter "a" stands twice`:                 {Meters: []account.Meter{{Name: "a"}, {Name: "a"}}},
		`"b", which is not stated`:               {Meters: []account.Meter{{Name: "a", Parents: []string{"b"}}}},
		"stands below itself":                    {Meters: []account.Meter{{Name: "a", Parents: []string{"b"}}, {Name: "b", Parents: []string{"a"}}}},
		`"a" stands below itself`:                {Meters: []account.Meter{{Name: "a", Parents: []string{"a"}}}},
		"only stands in for another":             {Meters: []account.Meter{{Name: "a"}, {Name: "b", Backup: "a"}, {Name: "c", Parents: []string{"b"}}}},
		"which counts something else":            {Meters: []account.Meter{meter("grid_input"), meter("water_total", "grid_input")}},
		`stands in for "x", which is not stated`: {Meters: []account.Meter{{Name: "a", Backup: "x"}}},
		`stands in for "b", which stands in`:     {Meters: []account.Meter{{Name: "a", Backup: "b"}, {Name: "b", Backup: "c"}, {Name: "c"}}},
		"which has another role":                 {Meters: []account.Meter{{Name: "a", Backup: "b", Quantity: account.GridInput}, {Name: "b"}}},
		"cannot be taken off":                    {Meters: []account.Meter{{Name: "a", Quantity: account.GridInput, Less: true}}},
		"and is taken off":                       {Meters: []account.Meter{{Name: "b"}, {Name: "a", Less: true, Backup: "b"}}},
		"no role of a meter":                     {Meters: []account.Meter{{Name: "a", Quantity: account.GPUEnergy}}},
		"is of 5 to 4 ms":                        {Meters: []account.Meter{{Name: "a", From: 5, To: 4}}},
		"may lack 0.5 to 0.1":                    {Meters: []account.Meter{{Name: "a", Low: 0.5, High: 0.1}}},
		"of no sort of water":                    {Meters: []account.Meter{{Name: "a", Scope: 9}}},
		`burns "coal", which is not stated`:      {Meters: []account.Meter{{Name: "a", Fuel: "coal"}}},
		"some have the same name":                {Fuels: []account.Fuel{{Name: "a"}, {Name: "a"}}},
		"residual factor of 2026 is 0":           {Residuals: []account.Residual{{Year: 2026}}},
		`part "p" has no name`:                   {Parts: []account.Part{{Name: "p"}}},
		`part "p" has meter "a"`:                 {Parts: []account.Part{{Name: "p", Supply: []string{"a"}, IT: []string{"b"}}}},
		`carrier "gas" has no name or no end`:    {Carriers: []account.Carrier{{Name: "gas", From: 1}}},
		`contract "c" has no volumes`:            {Contracts: []account.Contract{{Name: "c"}}},
		`contract "c" is of no kind`:             {Contracts: []account.Contract{{Name: "c", Kind: 9, Volumes: volume}}},
		`contract "c" has no name, or stands`:    {Contracts: []account.Contract{{Name: "c", Volumes: volume}, {Name: "c", Volumes: volume}}},
		"is free of carbon, and emits":           {Contracts: []account.Contract{{Name: "c", CarbonFree: true, Milligrams: 300_000, Volumes: volume}}},
		`contract "c" has a share of 2000000`:    {Contracts: []account.Contract{{Name: "c", Share: 2_000_000}}},
		"less than what is not retired":          {Contracts: []account.Contract{{Name: "c", Volumes: []account.Volume{{From: 1, To: 2, Millijoules: 1, Unretired: 2}}}}},
		"one site has one currency":              {Tariffs: []account.Tariff{{Name: "a", Currency: "EUR", To: 900_000}, {Name: "b", Currency: "SEK", From: 900_000}}},
		"and the spot price in EUR":              {Tariffs: []account.Tariff{{Name: "a", Currency: "SEK", SpotShare: 1}}},
		"hold at one time":                       {Tariffs: []account.Tariff{{Name: "a", Currency: "EUR"}, {Name: "b", Currency: "EUR", From: 900_000}}},
		"does not begin and end with a quarter":  {Tariffs: []account.Tariff{{Name: "a", Currency: "EUR", From: 1}}},
		"has a price of 9000000000":              {Tariffs: []account.Tariff{{Name: "a", Currency: "EUR", Fixed: 9_000_000_000}}},
		`band "d" of tariff "a" is of`:           {Tariffs: []account.Tariff{{Name: "a", Currency: "EUR", Bands: []account.Band{{Name: "d", From: 7}}}}},
		"price is no kind of factor":             {Factor: account.Price},
		"water category 4":                       {WaterCategory: 4},
		"more than all":                          {HeatSelfUse: 1_000_001},
		"coverage of 2":                          {Coverage: account.Coverage{Year: 2}},
	} {
		if _, err := account.NewBasis(terms); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%v, want %q", err, name)
		}
	}
	a, b := basis(t, account.Terms{WaterCategory: 1}), basis(t, account.Terms{WaterCategory: 2})
	if a.Version() == b.Version() || a.Version() != basis(t, account.Terms{WaterCategory: 1}).Version() || len(a.Version()) != 16 {
		t.Errorf("versions %s and %s", a.Version(), b.Version())
	}
}
