package account_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// corrected lies over the n-th hour of a stretch.
func corrected(n int, cs ...account.Correction) *account.Hour {
	return &account.Hour{Site: "s1", Number: noon/hour + int64(n), Late: true, Subject: account.CorrectedReadings, Corrected: cs}
}

func meter(name string, parents ...string) account.Meter {
	return account.Meter{Name: name, Quantity: quantityOf(name), Parents: parents}
}

func backup(name, of string) account.Meter {
	return account.Meter{Name: name, Quantity: quantityOf(name), Backup: of}
}

// What each branch took, where meters are silent, doubled, nested or corrected.
// The site draws 120 kWh an hour and its IT 100, unless it says otherwise.
func TestBranchesOfTheFacilityWhen(t *testing.T) {
	grid := func(kwh ...float64) map[string][]uint64 {
		return map[string][]uint64{"grid_input-a": energies(kwh...), "ups_output": energies(slices.Repeat([]float64{100}, len(kwh))...)}
	}
	with := func(m map[string][]uint64, more map[string][]uint64) map[string][]uint64 {
		for k, v := range more {
			m[k] = v
		}
		return m
	}
	fix := func(q metric.Quality, kwh float64, quarters ...uint8) *account.Hour {
		var cs []account.Correction
		for _, k := range quarters {
			cs = append(cs, account.Correction{Meter: "grid_input-a", Metric: metric.MeterEnergyJoules, Quarter: k, Quality: q, Amount: energies(kwh)[0], Import: "i1", At: 1})
		}
		return corrected(0, cs...)
	}
	for name, tc := range map[string]struct {
		s        stretch
		meters   []account.Meter
		value    float64 // of the PUE; 0: none
		coverage float64
		flag     string
		reason   string
		quality  map[metric.Quality]float64
	}{
		"nothing is stated": {s: stretch{meters: grid(120)}, value: 1.2, coverage: 1},
		"a backup measures the same feed": {
			s:      stretch{meters: with(grid(120), map[string][]uint64{"grid_input-b": energies(121)})},
			meters: []account.Meter{meter("grid_input-a"), backup("grid_input-b", "grid_input-a")}, value: 1.2, coverage: 1},
		"the primary is silent": {
			s: stretch{meters: with(grid(120), map[string][]uint64{"grid_input-b": energies(124)}), silent: map[string][]int{"grid_input-a": {1}}},
			// three quarters of 30 kWh and one of 31
			meters: []account.Meter{meter("grid_input-a"), backup("grid_input-b", "grid_input-a")}, value: 1.21, coverage: 1, flag: "backup_meter"},
		"both are silent": {
			s:        stretch{meters: with(grid(120), map[string][]uint64{"grid_input-b": energies(124)}), silent: map[string][]int{"grid_input-a": {1}, "grid_input-b": {1}}},
			meters:   []account.Meter{meter("grid_input-a"), backup("grid_input-b", "grid_input-a")},
			coverage: 0.75, reason: "75.0 % of the minutes are known, and 95 % are needed; not known: grid_input-a for 15m0s"},
		"a feed is missing that is stated": {
			s: stretch{meters: grid(120)}, meters: []account.Meter{meter("grid_input-a"), meter("grid_input-b")},
			reason: "no whole minute in which all meters are known; not known: grid_input-b for 1h0m0s"},
		"a second feed is added": {
			s: stretch{meters: with(grid(80), map[string][]uint64{"grid_input-b": energies(40)})}, meters: []account.Meter{meter("grid_input-a"), meter("grid_input-b")},
			value: 1.2, coverage: 1},
		"a meter is inside another of its role": {
			s: stretch{meters: with(grid(120), map[string][]uint64{"grid_input-lv": energies(118)})}, meters: []account.Meter{meter("grid_input-a"), meter("grid_input-lv", "grid_input-a")},
			value: 1.2, coverage: 1},
		"an office hangs on the feed": {
			s:      stretch{meters: with(grid(120), map[string][]uint64{"office": energies(5)})},
			meters: []account.Meter{{Name: "office", Less: true}}, value: 1.15, coverage: 1},
		"an office is metered as distribution": {
			s:      stretch{meters: with(grid(120), map[string][]uint64{"distribution-office": energies(5)})},
			meters: []account.Meter{{Name: "distribution-office", Less: true}}, value: 1.15, coverage: 1},
		"the office is silent": {
			s:      stretch{meters: with(grid(120), map[string][]uint64{"office": energies(5)}), silent: map[string][]int{"office": {0, 1, 2, 3}}},
			meters: []account.Meter{{Name: "office", Less: true}}, reason: "not known: office for 1h0m0s"},
		"a UPS is silent": {
			s: stretch{meters: map[string][]uint64{"grid_input-a": energies(120), "ups_output-1": energies(40), "ups_output-2": energies(60), "cooling": energies(12)},
				silent: map[string][]int{"ups_output-2": {0, 1, 2, 3}}},
			// 120 came in, 40 and 12 left it elsewhere: 68 is what the UPS took at most
			meters: []account.Meter{meter("grid_input-a"), meter("ups_output-1", "grid_input-a"), meter("ups_output-2", "grid_input-a"), meter("cooling", "grid_input-a")},
			value:  120 / 108.0, coverage: 1, flag: "completed_branch",
			quality: map[metric.Quality]float64{metric.Measured: 160 / 228.0, metric.EstimatedProfile: 68 / 228.0}},
		"two of its joint are silent": {
			s: stretch{meters: map[string][]uint64{"grid_input-a": energies(120), "ups_output-1": energies(40), "ups_output-2": energies(60)},
				silent: map[string][]int{"ups_output-2": {0, 1, 2, 3}, "ups_output-1": {3}}},
			meters:   []account.Meter{meter("grid_input-a"), meter("ups_output-1", "grid_input-a"), meter("ups_output-2", "grid_input-a")},
			coverage: 0.75, reason: "not known: ups_output-1 for 15m0s, ups_output-2 for 15m0s"},
		"what stands beside it shows more than stands above": {
			s: stretch{meters: map[string][]uint64{"grid_input-a": energies(120), "ups_output-1": energies(130), "ups_output-2": energies(60)},
				silent: map[string][]int{"ups_output-2": {0, 1, 2, 3}}},
			meters: []account.Meter{meter("grid_input-a"), meter("ups_output-1", "grid_input-a"), meter("ups_output-2", "grid_input-a")}, reason: "no whole minute"},
		"two feeds of one bar complete a branch": {
			s: stretch{meters: map[string][]uint64{"grid_input-a": energies(70), "grid_input-b": energies(50), "ups_output-1": energies(40), "ups_output-2": energies(60)},
				silent: map[string][]int{"ups_output-2": {0, 1, 2, 3}}},
			meters: []account.Meter{meter("grid_input-a"), meter("grid_input-b"), meter("ups_output-1", "grid_input-a", "grid_input-b"), meter("ups_output-2", "grid_input-b")},
			value:  1, coverage: 1, flag: "completed_branch"},
		"a settlement corrects what was measured": {
			s: stretch{meters: grid(120), over: map[int]*account.Hour{0: fix(metric.Corrected, 34, 0, 1)}}, value: 1.28, coverage: 1, flag: "corrected",
			quality: map[metric.Quality]float64{metric.Measured: 160 / 228.0, metric.Corrected: 68 / 228.0}},
		"a reading by hand stands behind what was measured": {
			s: stretch{meters: grid(120), over: map[int]*account.Hour{0: fix(metric.Manual, 34, 0, 1)}}, value: 1.2, coverage: 1},
		"a reading by hand fills in": {
			s: stretch{meters: grid(120), silent: map[string][]int{"grid_input-a": {0, 1}}, over: map[int]*account.Hour{0: fix(metric.Manual, 34, 0, 1)}}, value: 1.28, coverage: 1,
			flag: "corrected", quality: map[metric.Quality]float64{metric.Measured: 160 / 228.0, metric.Manual: 68 / 228.0}},
		"an estimate stands behind what was measured": {
			s: stretch{meters: grid(120), over: map[int]*account.Hour{0: fix(metric.EstimatedProfile, 34, 0, 1)}}, value: 1.2, coverage: 1},
		"an estimate fills in": {
			s: stretch{meters: grid(120), silent: map[string][]int{"grid_input-a": {0, 1}}, over: map[int]*account.Hour{0: fix(metric.EstimatedProfile, 34, 0, 1)}}, value: 1.28, coverage: 1,
			flag: "estimated_readings", quality: map[metric.Quality]float64{metric.Measured: 160 / 228.0, metric.EstimatedProfile: 68 / 228.0}},
		"an estimate stands behind a reading by hand": {
			s: stretch{meters: grid(120), silent: map[string][]int{"grid_input-a": {0}}, over: map[int]*account.Hour{0: corrected(0,
				account.Correction{Meter: "grid_input-a", Metric: metric.MeterEnergyJoules, Quality: metric.EstimatedProfile, Amount: energies(99)[0], Import: "later", At: 2},
				account.Correction{Meter: "grid_input-a", Metric: metric.MeterEnergyJoules, Quality: metric.Manual, Amount: energies(34)[0], Import: "i", At: 1})}},
			value: 1.24, coverage: 1, flag: "corrected", quality: map[metric.Quality]float64{metric.Manual: 34 / 224.0, metric.EstimatedProfile: 0}},
		"an estimate stands behind a backup that was read": {
			s: stretch{meters: with(grid(120), map[string][]uint64{"grid_input-b": energies(124)}), silent: map[string][]int{"grid_input-a": {1}},
				over: map[int]*account.Hour{0: fix(metric.EstimatedProfile, 34, 1)}},
			meters: []account.Meter{meter("grid_input-a"), backup("grid_input-b", "grid_input-a")}, value: 1.21, coverage: 1, flag: "backup_meter"},
		"a correction of a backup is of no matter": {
			s: stretch{meters: with(grid(120), map[string][]uint64{"grid_input-b": energies(121)}), over: map[int]*account.Hour{0: corrected(0,
				account.Correction{Meter: "grid_input-b", Metric: metric.MeterEnergyJoules, Quality: metric.Corrected, Amount: 1, Import: "i", At: 1})}},
			meters: []account.Meter{meter("grid_input-a"), backup("grid_input-b", "grid_input-a")}, value: 1.2, coverage: 1},
		"a meter is read by hand alone": {
			s:      stretch{meters: map[string][]uint64{"ups_output": energies(100)}, over: map[int]*account.Hour{0: fix(metric.Manual, 30, 0, 1, 2, 3)}},
			meters: []account.Meter{meter("grid_input-a")}, value: 1.2, coverage: 1, flag: "corrected",
			quality: map[metric.Quality]float64{metric.Measured: 100 / 220.0, metric.Manual: 120 / 220.0}},
		"one meter follows another": {
			s: stretch{meters: map[string][]uint64{"grid_input-a": energies(120, 120), "grid_input-new": energies(120, 120), "ups_output": energies(100, 100)},
				silent: map[string][]int{"grid_input-a": {6, 7}, "grid_input-new": {0, 1, 2, 3, 4, 5}}},
			meters: []account.Meter{{Name: "grid_input-a", Quantity: account.GridInput, To: noon + 5400*second}, {Name: "grid_input-new", Quantity: account.GridInput, From: noon + 5400*second}},
			value:  1.2, coverage: 1},
		"a meter had no role when it was first read": {
			s:      stretch{meters: map[string][]uint64{"main": energies(120), "ups_output": energies(100)}},
			meters: []account.Meter{{Name: "main", Quantity: account.GridInput}}, value: 1.2, coverage: 1, flag: "role_corrected"},
	} {
		t.Run(name, func(t *testing.T) {
			var b *account.Basis
			if tc.meters != nil {
				b = basis(t, account.Terms{Meters: tc.s.rest(tc.meters)})
			}
			k := tc.s.ask(t, b, account.KPIQuestion{Names: []string{"pue"}})
			if (k.Value != nil) != (tc.value != 0) {
				t.Fatalf("PUE %v, %q", k.Value, k.Reason)
			}
			if tc.value != 0 {
				is(t, k, tc.value)
			}
			near(t, "coverage", k.Coverage, tc.coverage)
			if !strings.Contains(k.Reason, tc.reason) || tc.reason == "" && k.Reason != "" {
				t.Errorf("the reason is %q, want %q", k.Reason, tc.reason)
			}
			if tc.flag != "" && !flagged(k, tc.flag) || tc.flag == "" && tc.value != 0 && len(k.Flags) > 0 {
				t.Errorf("flags %+v, want %q", k.Flags, tc.flag)
			}
			for q, want := range tc.quality {
				near(t, q.String(), k.Quality[q], want)
			}
			if len(tc.meters) > 0 == (k.Terms == "") {
				t.Errorf("it rests on version %q of what is stated", k.Terms)
			}
		})
	}
}

// Of several imports the newest stands, and when it is taken back the one before.
func TestCorrectionsStandByTheirTime(t *testing.T) {
	c := func(id string, at int64, kwh float64) account.Correction {
		return account.Correction{Meter: "grid_input", Metric: metric.MeterEnergyJoules, Quality: metric.Corrected, Amount: energies(kwh)[0], Import: id, At: at}
	}
	back := func(x account.Correction, at int64) account.Correction {
		x.Withdrawn, x.At = true, at
		return x
	}
	for name, tc := range map[string]struct {
		cs   []account.Correction
		want float64
	}{
		"none":                               {nil, 30},
		"one":                                {[]account.Correction{c("a", 1, 31)}, 31},
		"the newer counts":                   {[]account.Correction{c("b", 2, 32), c("a", 1, 31)}, 32},
		"an import says it anew":             {[]account.Correction{c("a", 1, 31), c("b", 2, 32), c("a", 3, 33)}, 33},
		"it is taken back":                   {[]account.Correction{c("a", 1, 31), back(c("a", 1, 31), 2)}, 30},
		"the newer is taken back":            {[]account.Correction{c("a", 1, 31), c("b", 2, 32), back(c("b", 2, 32), 3)}, 31},
		"the older is taken back":            {[]account.Correction{c("a", 1, 31), c("b", 2, 32), back(c("a", 1, 31), 3)}, 32},
		"it is taken back and said again":    {[]account.Correction{c("a", 1, 31), back(c("a", 1, 31), 2), c("a", 3, 34)}, 34},
		"at one time what came last stands":  {[]account.Correction{c("a", 1, 31), c("a", 1, 35)}, 35},
		"of two at one time what came later": {[]account.Correction{c("a", 1, 31), c("b", 1, 36)}, 36},
	} {
		s := account.NewSheet(noon/hour, nil)
		s.Add((&stretch{meters: map[string][]uint64{"grid_input": energies(120)}}).hour(0))
		for _, x := range tc.cs {
			s.Add(corrected(0, x))
		}
		s.Done()
		if mj, known := s.Standing("grid_input", metric.MeterEnergyJoules, 0); !known || mj != energies(tc.want)[0] {
			t.Errorf("%s: %d mJ stand, want %v kWh", name, mj, tc.want)
		}
	}
}

// Of a quarter that was read in part an estimate adds the rest: what was read is
// not lost to it, nor called an estimate.
func TestAnEstimateCompletesWhatWasReadInPart(t *testing.T) {
	for name, tc := range map[string]struct {
		estimate float64
		want     map[metric.Quality]uint64
	}{
		"more than was read": {34, map[metric.Quality]uint64{metric.Measured: energies(20)[0], metric.EstimatedProfile: energies(14)[0]}},
		"less than was read": {15, map[metric.Quality]uint64{metric.Measured: energies(20)[0]}},
	} {
		s := account.NewSheet(noon/hour, nil)
		s.Add(&account.Hour{Site: "s1", Number: noon / hour, Meters: []account.MeterRow{
			{Name: "grid_input", Metric: metric.MeterEnergyJoules, Quantity: account.GridInput, Amount: [4]uint64{energies(20)[0]}, Covered: [4]uint32{600_000}, Expected: [4]uint32{900_000}},
			{Name: "grid_input", Metric: metric.MeterEnergyJoules, Quantity: account.GridInput, Quality: metric.EstimatedProfile, Amount: [4]uint64{energies(3)[0]}},
		}})
		s.Add(corrected(0, account.Correction{Meter: "grid_input", Metric: metric.MeterEnergyJoules, Quality: metric.EstimatedProfile, Amount: energies(tc.estimate)[0], Import: "i", At: 1}))
		s.Done()
		mj, known := s.Standing("grid_input", metric.MeterEnergyJoules, 0)
		if want := tc.want[metric.Measured] + tc.want[metric.EstimatedProfile]; !known || mj != want {
			t.Errorf("%s: %d mJ stand, want %d", name, mj, want)
		}
		s.Changes(func(_ string, _ metric.Number, by [metric.Qualities]uint64, covers uint32) {
			if by[metric.Measured] != 0 || by[metric.EstimatedProfile]+energies(3)[0] != tc.want[metric.EstimatedProfile] || covers != 300_000 {
				t.Errorf("%s: it changes %v and covers %d ms more", name, by, covers)
			}
		})
	}
}

func TestHeatAndWaterAsStated(t *testing.T) {
	s := stretch{meters: map[string][]uint64{
		"grid_input": energies(120), "ups_output": energies(100), "heat_reuse-out": energies(60), "heat_reuse-back": energies(12),
		"water_total-mains": {60_000}, "water_total-rain": {20_000},
	}}
	back := account.Meter{Name: "heat_reuse-back", Quantity: account.HeatReuse, Less: true}
	is(t, s.kpi(t, account.Terms{Meters: []account.Meter{back}}, "erf"), 0.4)
	is(t, s.kpi(t, account.Terms{Meters: []account.Meter{back}, HeatSelfUse: 500_000}, "erf"), (30-12)/120.0)
	if k := s.kpi(t, account.Terms{}, "wue_freshwater"); k.Value != nil || !strings.Contains(k.Reason, "stated to be fresh") {
		t.Errorf("%+v", k)
	}
	mains, rain := meter("water_total-mains"), meter("water_total-rain")
	mains.Scope = account.Fresh
	if k := s.kpi(t, account.Terms{Meters: []account.Meter{mains, rain}}, "wue_freshwater"); k.Value != nil {
		t.Errorf("of a meter nobody knows what water it is: %v", *k.Value)
	}
	rain.Scope = account.Reused
	is(t, s.kpi(t, account.Terms{Meters: []account.Meter{mains, rain}}, "wue_freshwater"), 0.6)
	k := s.kpi(t, account.Terms{}, "wue")
	is(t, k, 0.8)
	if k.Category != 0 || !flagged(k, "category_unstated") || k.Point != "ups_output" {
		t.Errorf("%+v", k)
	}
	s.meters["heat_reuse-back"] = energies(70)
	if k := s.kpi(t, account.Terms{Meters: []account.Meter{back}}, "erf"); !flagged(k, "out_of_bounds") {
		t.Errorf("more heat comes back than is handed over: %+v", k)
	}
}

func TestScope1OfFuelsAndWhatNoMeterCounts(t *testing.T) {
	s := stretch{meters: map[string][]uint64{"grid_input": energies(100, 100), "ups_output": energies(80, 80), "generator_output": energies(10, 0)},
		words: []account.Word{always(account.Lifecycle, 300_000)}}
	if k := s.kpi(t, account.Terms{}, "carbon_scope1"); k.Value != nil || !strings.Contains(k.Reason, "no emission factor") && !strings.Contains(k.Reason, "insufficient") {
		t.Errorf("diesel of unknown carbon: %v, %q", k.Value, k.Reason)
	}
	terms := account.Terms{
		Fuels:  []account.Fuel{{Name: "diesel", Milligrams: 800_000}},
		Meters: []account.Meter{{Name: "generator_output", Quantity: account.GeneratorOutput, Fuel: "diesel"}},
	}
	is(t, s.kpi(t, terms, "carbon_scope1"), 8)
	is(t, s.kpi(t, terms, "cue"), (60+8)/160.0)
	// Cold from outside, and a leak, by invoice, of which a half falls into the time.
	terms.Carriers = []account.Carrier{
		{Name: "district cooling", From: noon, To: noon + 4*hour, Millijoules: 40 * kWh, Weight: 400_000},
		{Name: "refrigerant", From: noon, To: noon + 4*hour, Micrograms: 6e9},
	}
	is(t, s.kpi(t, terms, "carbon_scope1"), 11)
	k := s.kpi(t, terms, "pue")
	is(t, k, (210+0.4*20)/160)
	near(t, "other carriers", input(t, k, "energy of other carriers"), 8*3.6e6)
}

func TestPartsOfASiteHaveAPUEOfTheirOwn(t *testing.T) {
	s := stretch{meters: map[string][]uint64{"grid_input": energies(300), "ups_output-1": energies(100), "ups_output-2": energies(100), "hall-1": energies(130)},
		silent: map[string][]int{"ups_output-2": {0}}}
	terms := account.Terms{
		Meters: []account.Meter{meter("hall-1"), meter("ups_output-1"), meter("ups_output-2")},
		Parts:  []account.Part{{Name: "hall 1", Supply: []string{"hall-1"}, IT: []string{"ups_output-1"}}},
	}
	k := s.ask(t, basis(t, terms), account.KPIQuestion{Names: []string{"pue"}, Part: "hall 1"})
	is(t, k, 1.3)
	if k.Period != "partial" || k.Coverage != 1 || k.Part != "hall 1" {
		t.Errorf("%+v", k)
	}
	if k := s.kpi(t, terms, "pue"); k.Value != nil || k.Coverage != 0.75 {
		t.Errorf("the whole: %+v", k)
	}
}

func TestSharesOfTheGridByTierAreShown(t *testing.T) {
	s := stretch{meters: map[string][]uint64{"grid_input": energies(100, 100, 200)}, said: map[int][]account.Word{}}
	w := always(account.Lifecycle, 300_000)
	s.said[0] = []account.Word{w}
	w.Provider, w.Tier, w.Value = "yearly", "5", 500_000
	s.said[1] = []account.Word{w}
	half := w
	half.From, half.To = 0, 30
	w.Provider, w.Tier, w.Value = "entsoe", "2", 100_000
	w.From = 30
	s.said[2] = []account.Word{half, w}
	k := s.kpi(t, account.Terms{}, "carbon_location")
	is(t, k, 30+50+50+10)
	if len(k.Grid) != 2 || k.Grid[0].Tier != "2" || k.Grid[0].Share != 0.5 || k.Grid[0].Energy.Lo != 200*kWh || k.Grid[1].Provider != "yearly" || !flagged(k, "tiers_mixed") {
		t.Errorf("%+v, flags %+v", k.Grid, k.Flags)
	}
	if k.Restated {
		t.Error("nothing was restated")
	}
	// A revision of one hour restates it, and says so.
	r := account.Word{Kind: account.Lifecycle, To: 60, Value: 200_000, Zone: "DE", Provider: "entsoe", Tier: "1", Revised: true, Fetched: 7, Reason: "metered"}
	s.over = map[int]*account.Hour{1: {Number: noon/hour + 1, Late: true, Subject: account.RevisedLifecycle, Words: []account.Word{r}}}
	k = s.kpi(t, account.Terms{}, "carbon_location")
	is(t, k, 30+20+50+10)
	if !k.Restated || !flagged(k, "grid_revised") || len(k.Grid) != 3 || !k.Grid[0].Revised {
		t.Errorf("%+v, flags %+v", k.Grid, k.Flags)
	}
	// Words of another zone are not heard where the operator says which it is.
	if k := s.kpi(t, account.Terms{Zone: "FR"}, "carbon_location"); k.Value != nil {
		t.Errorf("by another zone's words: %v", *k.Value)
	}
	// By combustion alone nothing was said.
	if k := s.kpi(t, account.Terms{Factor: account.Direct}, "carbon_location"); k.Value != nil || !strings.Contains(k.Reason, "carbon intensity") {
		t.Errorf("%+v", k)
	}
}

func TestPeriodsAreLabelledByTheSitesYear(t *testing.T) {
	s := stretch{meters: map[string][]uint64{"grid_input": energies(120), "ups_output": energies(100)}}
	b := basis(t, account.Terms{})
	year, next := b.Around(account.ByYear, noon)
	for name, tc := range map[string]struct {
		from, to int64
		period   string
	}{
		"a calendar year":        {year, next, "annual"},
		"twelve months from May": {year + 120*24*hour, year + 485*24*hour, "annual"},
		"a month less":           {year, next - 31*24*hour, "interim"},
		"two years":              {year - 365*24*hour, next, "interim"},
	} {
		if k := s.ask(t, b, account.KPIQuestion{Names: []string{"pue"}, From: tc.from, To: tc.to}); k.Period != tc.period {
			t.Errorf("%s: %s", name, k.Period)
		}
	}
}

func TestCoverageThatIsNeededIsTheOperators(t *testing.T) {
	s := stretch{meters: map[string][]uint64{"grid_input": energies(120), "ups_output": energies(100)}, silent: map[string][]int{"ups_output": {2}}}
	if k := s.kpi(t, account.Terms{}, "pue"); k.Value != nil {
		t.Errorf("known for three quarters: %v", *k.Value)
	}
	k := s.kpi(t, account.Terms{Coverage: account.Coverage{Period: 0.7}}, "pue")
	is(t, k, 1.2)
	if math.Abs(k.Coverage-0.75) > 1e-9 {
		t.Errorf("coverage %v", k.Coverage)
	}
}
