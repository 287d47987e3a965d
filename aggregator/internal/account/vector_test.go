package account_test

import (
	"math"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// The vectors of the specifications of facility accounting (V) and of European
// reporting (T), by their numbers.

// hourly are the volumes of a contract, hour by hour from noon on.
func hourly(kwh ...float64) (vs []account.Volume) {
	for i, mj := range energies(kwh...) {
		from := noon + int64(i)*hour
		vs = append(vs, account.Volume{From: from, To: from + hour, Millijoules: mj})
	}
	return vs
}

// of is a volume of n hours from noon on.
func of(kwh float64, n int) []account.Volume {
	return []account.Volume{{From: noon, To: noon + int64(n)*hour, Millijoules: energies(kwh)[0]}}
}

// V4: a gauge that was integrated at the edge. What was read is known as such, the
// gap is a line between its ends, and apart.
func TestVectorV4GaugeIsIntegratedAndItsGapEstimated(t *testing.T) {
	l := meters("grid_input")
	l.Columns = append(l.Columns,
		metric.Column{Metric: metric.MeterPowerWatts, Form: metric.Float, First: 0, Count: 1},
		metric.Column{Metric: metric.CounterEpoch, Form: metric.Int, Point: metric.EpochPoint(metric.MeterEnergyJoules, 0), First: 0, Count: 1},
		metric.Column{Metric: metric.CounterQuality, Form: metric.Int, Point: metric.EpochPoint(metric.MeterEnergyJoules, 0), First: 0, Count: 1})
	s := account.NewState(account.Config{})
	e := newEmitter(t, s, "plant", l)
	var joules, epoch int64
	lastAt, last := int64(0), 100.0
	for i, at := range []int64{0, 60, 120, 180, 600, 660, 720, 780, 840, 900} {
		kw := []float64{100, 110, 120, 130, 170, 180, 190, 200, 210, 220}[i]
		if at-lastAt > 150 { // the agent begins anew after a gap
			joules, epoch = 0, epoch+1
		} else {
			joules += int64((kw+last)/2*1000) * (at - lastAt)
		}
		lastAt, last = at, kw
		e.send(noon+at*second, joules*1000, watts(kw*1000), epoch, int64(metric.Integrated))
	}
	h := s.Fronts("s1", noon/hour, noon+900*second)[0]
	var amount [metric.Qualities]uint64
	var covered, expected uint32
	for _, m := range h.Meters {
		amount[m.Quality] += m.Amount[0]
		covered, expected = covered+m.Covered[0], expected+m.Expected[0]
	}
	if amount[metric.Integrated] != 22*kWh || amount[metric.EstimatedProfile] != 35*kWh/2 || covered != 480_000 || expected != 900_000 {
		t.Errorf("integrated %v kWh, estimated %v, covered %d of %d ms", float64(amount[metric.Integrated])/float64(kWh),
			float64(amount[metric.EstimatedProfile])/float64(kWh), covered, expected)
	}
}

// V5: a gap whose ends are known. The total is measured, its quarters are bridged.
func TestVectorV5CounterOverAGapByTheQuarter(t *testing.T) {
	s := account.NewState(account.Config{Interval: 900 * second}) // neighbours are a quarter apart
	e := newEmitter(t, s, "plant", meters("grid_input"))
	for i, at := range []int64{0, 900, 1800, 5400, 6300, 7200} {
		e.send(noon+at*second, []int64{1000, 1030, 1061, 1181, 1212, 1240}[i]*int64(kWh))
	}
	want := []struct {
		kwh     uint64
		quality metric.Quality
	}{{30, 0}, {31, 0}, {30, metric.CounterBridged}, {30, metric.CounterBridged}, {30, metric.CounterBridged}, {30, metric.CounterBridged}, {31, 0}, {28, 0}}
	for n, w := range want {
		for _, m := range s.Fronts("s1", noon/hour+int64(n/4), noon+2*hour)[0].Meters {
			k := n % 4
			if m.Quality == w.quality && (m.Amount[k] != w.kwh*kWh || m.Covered[k] != 900_000) || m.Quality != w.quality && m.Amount[k] != 0 {
				t.Errorf("quarter %d: %v %d mJ over %d ms, want %d kWh %v", n, m.Quality, m.Amount[k], m.Covered[k], w.kwh, w.quality)
			}
		}
	}
}

// V6 and V7 are of registers that roll over: the sources that read them know how
// far they count, and hand on counters that do not. What is left here is that a
// register which falls is never read as if it had rolled over.
func TestVectorV6FallingRegisterIsAResetAndNeverRollsOver(t *testing.T) {
	s := account.NewState(account.Config{})
	e := newEmitter(t, s, "plant", meters("grid_input"))
	e.send(noon, 500_000*int64(kWh))
	e.send(noon+900*second, 12*int64(kWh))
	e.send(noon+910*second, 12*int64(kWh))
	if counted, estimated := booked(s, "grid_input"); counted != 12*kWh || estimated != 0 {
		t.Errorf("booked %d and %d mJ", counted, estimated)
	}
}

func TestVectorV10HourlyMatchingIsNotVolume(t *testing.T) {
	s := stretch{meters: map[string][]uint64{"grid_input": energies(10, 10, 10, 10)}, words: []account.Word{always(account.Lifecycle, 500_000)}}
	terms := account.Terms{
		Residuals: []account.Residual{{Year: 2026, Milligrams: 500_000}},
		Contracts: []account.Contract{{Name: "wind", Kind: account.PPA, CarbonFree: true, Renewable: true, Volumes: hourly(20, 5, 0, 15)}},
	}
	k := s.kpi(t, terms, "cfe")
	is(t, k, 0.625)
	if matched, supplied := input(t, k, "carbon-free energy matched"), input(t, k, "carbon-free energy generated or contracted for its hour"); matched != 25*3.6e6 || supplied != 40*3.6e6 {
		t.Errorf("matched %v J of %v", matched, supplied)
	}
	is(t, s.kpi(t, terms, "carbon_market_hourly"), 7.5)
	is(t, s.kpi(t, terms, "carbon_market"), 0)
	is(t, s.kpi(t, terms, "carbon_hourly"), 7.5) // here the grid emits as the residual mix does
	// A claim for the whole time matches nothing by the hour.
	terms.Contracts[0].Volumes = of(40, 4)
	is(t, s.kpi(t, terms, "cfe"), 0)
	is(t, s.kpi(t, terms, "carbon_market"), 0)
}

func TestVectorV11PricesByTheQuarterAndNotTheirMean(t *testing.T) {
	s := stretch{meters: map[string][]uint64{"grid_input": energies(1000)}}
	for k, price := range []int64{80_000, 120_000, -5_000, 40_000} {
		w := always(account.Price, price)
		w.From, w.To = uint8(k*15), uint8(k*15+15)
		s.words = append(s.words, w)
	}
	b := basis(t, account.Terms{Tariffs: []account.Tariff{{Name: "spot", Currency: "EUR", SpotShare: 1_000_000}}})
	x := account.NewSheet(noon/hour, b)
	h := s.hour(0)
	h.Meters[0].Amount = [4]uint64(energies(400, 300, 100, 200))
	for m := range 60 {
		h.Summary.Amount[account.GridInput][m] = h.Meters[0].Amount[m/15] / 15
	}
	x.Add(h)
	x.Done()
	ks, err := b.KPIs(account.KPIQuestion{Names: []string{"cost"}, From: noon, To: noon + hour, Now: noon + hour}, func(yield func(*account.Resolved) bool) {
		yield(b.Resolve(x, noon+hour, false))
	})
	if err != nil {
		t.Fatal(err)
	}
	is(t, ks[0], 75.50)
	if ks[0].Unit != "EUR" || *ks[0].Components[0].Value != 75.50 || len(ks[0].Grid) != 1 || ks[0].Grid[0].Share != 1 {
		t.Errorf("%+v", ks[0])
	}
}

func TestVectorV12RatiosOfAYearByTheQuarter(t *testing.T) {
	const n = 12
	s := stretch{words: []account.Word{always(account.Lifecycle, 346_154)}, meters: map[string][]uint64{
		"grid_input": evenly(2_600_000*kWh, n), "onsite_generation": evenly(2_600_000*kWh, n), "ups_output": evenly(4_000_000*kWh, n),
		"water_total": evenly(3_600*1_000_000, n), "heat_reuse": evenly(800_000*kWh, n),
	}}
	for name, want := range map[string]float64{"pue": 1.30, "wue": 0.90, "erf": 0.153846154, "ref": 0.50, "cue": 0.2250001} {
		is(t, s.kpi(t, account.Terms{}, name), want)
	}
}

// V19: the days on which clocks are set have 92 and 100 quarters of an hour, and
// are cut at the site's midnight.
func TestVectorV19DaysOnWhichClocksAreSet(t *testing.T) {
	brussels, err := time.LoadLocation("Europe/Brussels")
	if err != nil {
		t.Fatal(err)
	}
	for day, want := range map[string]int64{"2026-03-29": 92, "2026-10-25": 100, "2026-06-01": 96} {
		d, err := time.ParseInLocation(time.DateOnly, day, brussels)
		if err != nil {
			t.Fatal(err)
		}
		b := basis(t, account.Terms{Location: brussels})
		from, to := b.Around(account.ByDay, d.Add(11*time.Hour).UnixMilli())
		if from != d.UnixMilli() || (to-from)/(900*second) != want {
			t.Errorf("%s has %d quarters from %v, want %d", day, (to-from)/(900*second), time.UnixMilli(from).In(brussels), want)
		}
	}
}

func TestVectorT1NordicFactoryWithHeatReuse(t *testing.T) {
	const n = 24
	s := stretch{words: []account.Word{always(account.Lifecycle, 30_000)}, meters: map[string][]uint64{
		"grid_input": evenly(100_000_000*kWh, n), "onsite_generation-pv": evenly(1_178_000*kWh, n), "ups_output": evenly(91_980_000*kWh, n),
		"water_total-mains": evenly(900*1_000_000, n), "water_total-rain": evenly(300*1_000_000, n), "heat_reuse": evenly(35_412_300*kWh, n),
	}}
	terms := account.Terms{
		// The vector applies the grid's factor to all that comes in.
		Fuels: []account.Fuel{{Name: "as the grid", Milligrams: 30_000, Renewable: true}},
		Meters: []account.Meter{
			{Name: "onsite_generation-pv", Quantity: account.OnsiteGeneration, Fuel: "as the grid"},
			{Name: "water_total-mains", Quantity: account.WaterTotal, Scope: account.Fresh},
			{Name: "water_total-rain", Quantity: account.WaterTotal, Scope: account.Reused},
		},
		WaterCategory: 2,
		Contracts: []account.Contract{
			{Name: "certificates", Kind: account.GuaranteeOrigin, Renewable: true, Volumes: of(60_000_000, n)},
			{Name: "wind park", Kind: account.PPA, Renewable: true, Volumes: of(35_000_000, n)},
		},
	}
	for name, want := range map[string]float64{
		"pue": 1.1, "wue": 1_200_000 / 91_980_000.0, "wue_freshwater": 900_000 / 91_980_000.0, "erf": 0.35, "ref": 0.950582, "cue": 0.033,
	} {
		k := s.kpi(t, terms, name)
		is(t, k, want)
		if name == "wue" && k.Category != 2 {
			t.Errorf("WUE is of category %d", k.Category)
		}
	}
	near(t, "emissions", *s.kpi(t, terms, "carbon_location").Value+*s.kpi(t, terms, "carbon_scope1").Value, 3_035_340)
	k := s.kpi(t, terms, "ref")
	if sum := input(t, k, "renewable by guarantees of origin") + input(t, k, "renewable by agreements") + input(t, k, "renewable generated on site"); sum != 96_178_000*3.6e6 {
		t.Errorf("renewable in all %v J", sum)
	}
}

func TestVectorT2Gigafactory(t *testing.T) {
	const n = 100
	s := stretch{words: []account.Word{always(account.Lifecycle, 250_000)}, meters: map[string][]uint64{
		"grid_input": evenly(1_542_000_000*kWh, n), "onsite_generation": evenly(8_000_000*kWh, n), "generator_output": evenly(1_571_200*kWh, n),
		"ups_output": evenly(1_292_976_000*kWh, n), "water_total-mains": evenly(323_244*1_000_000, n),
		"water_total-reused": evenly(193_946_400_000, n), "heat_reuse": evenly(155_157_120*kWh, n),
	}}
	terms := account.Terms{
		Fuels: []account.Fuel{{Name: "diesel", Milligrams: 700_000}},
		Meters: []account.Meter{
			{Name: "generator_output", Quantity: account.GeneratorOutput, Fuel: "diesel"},
			{Name: "water_total-mains", Quantity: account.WaterTotal, Scope: account.Fresh},
			{Name: "water_total-reused", Quantity: account.WaterTotal, Scope: account.Reused},
		},
		Residuals: []account.Residual{{Year: 2026, Milligrams: 450_000}},
		Contracts: []account.Contract{
			{Name: "certificates", Kind: account.GuaranteeOrigin, Renewable: true, Volumes: of(400_000_000, n)},
			{Name: "parks", Kind: account.PPA, Renewable: true, CarbonFree: true, Volumes: of(700_000_000, n)},
		},
	}
	for name, want := range map[string]float64{
		"pue": 1.2, "wue": 0.4, "wue_freshwater": 0.25, "erf": 0.1, "ref": 0.714115,
		"carbon_location": 385_500_000, "carbon_scope1": 1_099_840, "cue": 0.299, "carbon_market": 198_900_000, "cue_market": 0.154682,
	} {
		is(t, s.kpi(t, terms, name), want)
	}
	near(t, "market-based in all", *s.kpi(t, terms, "carbon_market").Value+*s.kpi(t, terms, "carbon_scope1").Value, 199_999_840)
	near(t, "utilisation", 1_292_976_000/(180_000.0*8760), 0.82)
	// Without the residual mix of the year nothing stands for what is not covered.
	terms.Residuals = nil
	if k := s.kpi(t, terms, "carbon_market"); k.Value != nil || k.Reason == "" {
		t.Errorf("market-based without a residual mix: %v, %q", k.Value, k.Reason)
	}
}

func TestVectorT3PartialYearIsNotAnnualised(t *testing.T) {
	const n = 122 * 24
	s := stretch{meters: map[string][]uint64{
		"grid_input": evenly(8_784_000*kWh, n), "ups_output": evenly(7_200_000*kWh, n), "water_total": make([]uint64, n),
		"heat_reuse": make([]uint64, n), "onsite_generation": make([]uint64, n),
	}}
	for name, want := range map[string]float64{"pue": 1.22, "wue": 0, "erf": 0, "ref": 0} {
		k := s.kpi(t, account.Terms{}, name)
		is(t, k, want)
		if k.Period != "interim" || k.From != noon || k.To != noon+n*hour {
			t.Errorf("%s is %s, of %d to %d", name, k.Period, k.From, k.To)
		}
	}
	near(t, "mean IT load", input(t, s.kpi(t, account.Terms{}, "pue"), "energy of IT")/3.6e6/n, 2459.016393)
}

func TestVectorT4RenewableClaimIsCleanedUp(t *testing.T) {
	const n = 10
	s := stretch{meters: map[string][]uint64{
		"grid_input": evenly(9_500_000*kWh, n), "onsite_generation": evenly(600_000*kWh, n), "export": evenly(100_000*kWh, n), "ups_output": evenly(8_000_000*kWh, n),
	}}
	terms := func(goo float64) account.Terms {
		ppa := of(4_000_000, n)
		ppa[0].Unretired = 1_500_000 * kWh
		return account.Terms{Contracts: []account.Contract{
			{Name: "park", Kind: account.PPA, Renewable: true, Volumes: ppa},
			{Name: "certificates", Kind: account.GuaranteeOrigin, Renewable: true, Volumes: of(goo, n)},
		}}
	}
	k := s.kpi(t, terms(7_000_000), "ref")
	is(t, k, 1)
	near(t, "PPA", input(t, k, "renewable by agreements")/3.6e6, 2_500_000)
	near(t, "own", input(t, k, "renewable generated on site")/3.6e6, 500_000)
	if flagged(k, "E_RES_OVERCLAIM") || k.Raw != nil {
		t.Errorf("flags %+v", k.Flags)
	}
	is(t, s.kpi(t, terms(7_000_000), "pue"), 1.25)
	k = s.kpi(t, terms(7_001_000), "ref")
	is(t, k, 1)
	if !flagged(k, "E_RES_OVERCLAIM") || k.Raw == nil || math.Abs(*k.Raw-1.0001) > 1e-9 || k.Reason == "" {
		t.Errorf("one MWh too much: %+v", k)
	}
	// What own generation made certificates of that others hold is not the site's.
	x := terms(7_000_000)
	x.Contracts = append(x.Contracts, account.Contract{Name: "sold", Kind: account.OwnGeneration,
		Volumes: []account.Volume{{From: noon, To: noon + n*hour, Millijoules: 200_000 * kWh, Unretired: 200_000 * kWh}}})
	near(t, "own, some sold", input(t, s.kpi(t, x, "ref"), "renewable generated on site")/3.6e6, 300_000)
}

func TestVectorT6HourlyMatchingWithTheGridOfTheHour(t *testing.T) {
	s := stretch{meters: map[string][]uint64{"grid_input": energies(100, 100, 100, 100)}, said: map[int][]account.Word{}}
	for n, mg := range []int64{400_000, 300_000, 100_000, 200_000} {
		s.said[n] = []account.Word{always(account.Lifecycle, mg)}
	}
	terms := account.Terms{Contracts: []account.Contract{{Name: "wind", Kind: account.PPA, CarbonFree: true, Volumes: hourly(0, 60, 240, 100)}}}
	k := s.kpi(t, terms, "cfe")
	is(t, k, 0.65)
	if supplied := input(t, k, "carbon-free energy generated or contracted for its hour"); supplied != 400*3.6e6 { // 100 % by the year
		t.Errorf("supplied %v J", supplied)
	}
	is(t, s.kpi(t, terms, "carbon_location"), 100)
	is(t, s.kpi(t, terms, "carbon_hourly"), 52)
	// The same supply, generated on site.
	s.meters = map[string][]uint64{"grid_input": energies(100, 40, 0, 0), "onsite_generation": energies(0, 60, 240, 100), "export": energies(0, 0, 140, 0)}
	is(t, s.kpi(t, account.Terms{}, "cfe"), 0.65)
	is(t, s.kpi(t, account.Terms{}, "carbon_hourly"), 52)
}

func TestVectorT10EdgeCases(t *testing.T) {
	s := stretch{meters: map[string][]uint64{"grid_input": energies(90), "ups_output": energies(100)}}
	if k := s.kpi(t, account.Terms{}, "pue"); !flagged(k, "below_one") || *k.Value != 0.9 || !k.Flags[0].Wrong {
		t.Errorf("more goes to IT than comes in: %+v", k)
	}
	s = stretch{meters: map[string][]uint64{"ups_output": energies(2_000_000), "water_total": {500 * 1_000_000}}}
	is(t, s.kpi(t, account.Terms{}, "wue"), 0.25)
	// A register that fell: what it counted before and after it did, and not what it
	// showed then; the meter's source ends its lifetime there.
	state := account.NewState(account.Config{})
	l := meters("grid_input")
	l.Columns = append(l.Columns, metric.Column{Metric: metric.CounterEpoch, Form: metric.Int, Point: metric.EpochPoint(metric.MeterEnergyJoules, 0), First: 0, Count: 1})
	e := newEmitter(t, state, "plant", l)
	for i, r := range [][2]int64{{900, 1}, {950, 1}, {0, 2}, {40, 2}} {
		e.send(noon+int64(i)*60*second, r[0]*int64(kWh), r[1])
	}
	if counted, estimated := booked(state, "grid_input"); counted != 90*kWh || estimated != 0 {
		t.Errorf("counted %d and estimated %d mJ", counted, estimated)
	}
	resets := 0
	for _, r := range rows(state, noon/hour, "grid_input") {
		if r.Flags&account.FlagReset != 0 {
			resets++
		}
	}
	if resets != 1 {
		t.Errorf("%d rows tell of a reset", resets)
	}
}
