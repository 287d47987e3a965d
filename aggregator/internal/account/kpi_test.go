package account_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/collector/metric"
)

const kWh = uint64(metric.MillijoulesPerKWh)

// spread is an hour in which each quantity has so many kWh (or m³), over its
// minutes.
func spread(grams uint32, amounts map[account.Quantity]uint64) *account.Summary {
	u := &account.Summary{}
	for q, v := range amounts {
		raw := v * kWh
		if q.IsWater() {
			raw = v * 1_000_000
		}
		for m := range 60 {
			u.Amount[q][m] = raw * uint64(m+1) / 60
			u.Amount[q][m] -= raw * uint64(m) / 60
			u.Covered[q][m], u.Expected[q][m] = 60_000, 60_000
		}
		u.Sums[q][metric.Measured] = raw
	}
	for m := range 60 {
		u.Grams[m] = grams + 1
	}
	return u
}

// over are hours from noon on, as a program sealed them that did not keep the
// quarters of meters.
func over(b *account.Basis, until int64, us ...*account.Summary) func(func(*account.Resolved) bool) {
	return func(yield func(*account.Resolved) bool) {
		for i, u := range us {
			s := account.NewSheet(noon/hour+int64(i), b)
			s.Add(&account.Hour{Number: s.Number, Summary: *u})
			s.Done()
			if !yield(b.Resolve(s, until, false)) {
				return
			}
		}
	}
}

// figure is a KPI of hours from noon on.
func figure(b *account.Basis, name string, to, now int64, category int, us ...*account.Summary) (account.KPI, error) {
	ks, err := b.KPIs(account.KPIQuestion{Names: []string{name}, From: noon, To: to, Now: now, Category: category}, over(b, now, us...))
	if err != nil {
		return account.KPI{}, err
	}
	return ks[0], nil
}

func value(t *testing.T, name string, us ...*account.Summary) float64 {
	t.Helper()
	to := noon + int64(len(us))*hour
	k, err := figure(nil, name, to, to, 1, us...)
	if err != nil {
		t.Fatal(err)
	}
	if k.Value == nil {
		t.Fatalf("%s: %s", name, k.Reason)
	}
	if k.Coverage != 1 || k.Reason != "" || k.Quality[metric.Measured] != 1 {
		t.Errorf("%s: %+v", name, k)
	}
	return *k.Value
}

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-6*math.Max(1, math.Abs(want)) {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

func TestVectorV8EnergySumsAndNotTheMeanOfRatios(t *testing.T) {
	var us []*account.Summary
	for i, it := range []uint64{100, 200, 300, 400} {
		us = append(us, spread(0, map[account.Quantity]uint64{account.GridInput: []uint64{150, 250, 345, 440}[i], account.UPSOutput: it}))
	}
	near(t, "PUE", value(t, "pue", us...), 1.185)
}

func TestVectorV9CarbonIsMatchedByTheHour(t *testing.T) {
	var us []*account.Summary
	for i, e := range []uint64{1000, 1000, 4000, 4000} {
		us = append(us, spread([]uint32{400_000, 350_000, 100_000, 80_000}[i], map[account.Quantity]uint64{account.GridInput: e}))
	}
	near(t, "carbon", value(t, "carbon_location", us...), 1470)
}

func TestVectorV12Ratios(t *testing.T) {
	const grid, solar = 2_600_000, 2_600_000
	u := spread(346_154, map[account.Quantity]uint64{
		account.GridInput: grid, account.OnsiteGeneration: solar, account.UPSOutput: 4_000_000, account.WaterTotal: 3600, account.HeatReuse: 800_000})
	near(t, "PUE", value(t, "pue", u), 1.30)
	near(t, "WUE", value(t, "wue", u), 0.90)
	near(t, "ERF", value(t, "erf", u), 0.153846154)
	near(t, "REF", value(t, "ref", u), 0.50)
	near(t, "CUE", value(t, "cue", u), 0.225)
	if k, err := figure(nil, "pue", noon+hour, noon+hour, 1, u); err != nil || k.Inputs[2].Exact != fmt.Sprint(4_000_000*kWh) {
		t.Errorf("inputs are %+v", k.Inputs)
	}
}

func TestKPIIsRefusedOrFlaggedWhen(t *testing.T) {
	half := func(u *account.Summary, q account.Quantity, minutes int) *account.Summary {
		for m := range minutes {
			u.Covered[q][m] /= 2
		}
		return u
	}
	full := func() *account.Summary {
		return spread(100_000, map[account.Quantity]uint64{account.GridInput: 120, account.UPSOutput: 100})
	}
	for name, tc := range map[string]struct {
		kpi      string
		hours    []*account.Summary
		now      int64 // hours after noon
		category int
		reason   string // a part of it
		value    float64
		coverage float64
	}{
		"a figure needs nothing more":        {"pue", []*account.Summary{full()}, 1, 1, "", 1.2, 1},
		"3 minutes of one meter are missing": {"pue", []*account.Summary{half(full(), account.GridInput, 3)}, 1, 1, "", 1.2, 0.95},
		"4 minutes of one meter are missing": {"pue", []*account.Summary{half(full(), account.GridInput, 4)}, 1, 1, "insufficient data: 93.3 %", 0, 56.0 / 60},
		"other minutes of each are missing":  {"pue", []*account.Summary{half(half(full(), account.GridInput, 60), account.UPSOutput, 2), full()}, 2, 1, "insufficient data: 50.0 %", 0, 0.5},
		"the day is not over":                {"pue", []*account.Summary{half(full(), account.GridInput, 30)}, 1, 1, "interim", 1.2, 0.5},
		"nothing is known":                   {"pue", []*account.Summary{half(full(), account.GridInput, 60)}, 1, 1, "no whole minute", 0, 0},
		"there is no grid meter":             {"pue", []*account.Summary{spread(0, map[account.Quantity]uint64{account.UPSOutput: 1})}, 1, 1, "no facility meter", 0, 0},
		"there is no IT meter":               {"pue", []*account.Summary{spread(0, map[account.Quantity]uint64{account.GridInput: 1})}, 1, 0, "no IT meter", 0, 0},
		"IT draws nothing":                   {"pue", []*account.Summary{spread(0, map[account.Quantity]uint64{account.GridInput: 1, account.UPSOutput: 0})}, 1, 1, "denominator is zero", 0, 1},
		"IT draws more than comes in":        {"pue", []*account.Summary{spread(0, map[account.Quantity]uint64{account.GridInput: 90, account.UPSOutput: 100})}, 1, 1, "below 1", 0.9, 1},
		"energy is exported":                 {"pue", []*account.Summary{spread(0, map[account.Quantity]uint64{account.GridInput: 100, account.OnsiteGeneration: 60, account.Export: 40, account.UPSOutput: 100})}, 1, 1, "", 1.2, 1},
		"more renewable than is drawn":       {"ref", []*account.Summary{spread(0, map[account.Quantity]uint64{account.OnsiteGeneration: 60, account.Export: 5, account.GridInput: 0})}, 1, 0, "", 1, 1},
		"the intensity is unknown":           {"carbon_location", []*account.Summary{func() *account.Summary { u := full(); u.Grams = [60]uint32{}; return u }()}, 1, 1, "carbon intensity", 0, 0},
		"there is no water meter":            {"wue", []*account.Summary{full()}, 1, 1, "no water meter", 0, 0},
		"there is no heat meter":             {"erf", []*account.Summary{full()}, 1, 1, "no heat meter", 0, 0},
		"there is no generation on site":     {"ref", []*account.Summary{full()}, 1, 1, "no contracts", 0, 0},
		"contracts are needed":               {"carbon_market", []*account.Summary{full()}, 1, 1, "no contracts are configured", 0, 0},
		"a tariff is needed":                 {"cost", []*account.Summary{full()}, 1, 1, "no tariff is configured", 0, 0},
		"IT is metered at PDUs":              {"pue", []*account.Summary{spread(0, map[account.Quantity]uint64{account.GridInput: 130, account.PDUOutput: 100})}, 1, 2, "", 1.3, 1},
	} {
		t.Run(name, func(t *testing.T) {
			to := noon + int64(len(tc.hours))*hour
			if tc.reason == "interim" {
				to += 23 * hour
			}
			k, err := figure(nil, tc.kpi, to, noon+tc.now*hour, tc.category, tc.hours...)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(k.Reason, tc.reason) || tc.reason == "" && k.Reason != "" {
				t.Errorf("the reason is %q, want %q", k.Reason, tc.reason)
			}
			if (k.Value != nil) != (tc.value != 0) {
				t.Fatalf("there is a figure: %t", k.Value != nil)
			}
			if k.Value != nil {
				near(t, tc.kpi, *k.Value, tc.value)
			}
			near(t, "coverage", k.Coverage, tc.coverage)
		})
	}
	// A year needs more.
	var us []*account.Summary
	for range 365 * 24 {
		us = append(us, half(full(), account.GridInput, 2))
	}
	to := noon + 365*24*hour
	if k, err := figure(nil, "pue", to, to, 1, us...); err != nil || k.Value != nil || !strings.Contains(k.Reason, "99 %") {
		t.Errorf("a year known by 96.7 %%: %+v, %v", k.Reason, err)
	}
}

func TestQuestionsThatCannotBeAskedNameTheField(t *testing.T) {
	good := account.Question{Site: "s1", From: noon, To: noon + 2*hour}
	for field, spoil := range map[string]func(*account.Question){
		"by":       func(q *account.Question) { q.By = 9 },
		"boundary": func(q *account.Question) { q.Boundary = 9 },
		"from":     func(q *account.Question) { q.From++ },
		"to":       func(q *account.Question) { q.To-- },
		"step":     func(q *account.Question) { q.Step = 1800 * second },
	} {
		q := good
		spoil(&q)
		var e *account.QuestionError
		if err := q.Check(); !errors.As(err, &e) || e.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
	if err := good.Check(); err != nil {
		t.Error(err)
	}
	for field, q := range map[string]account.KPIQuestion{
		"from":     {Names: []string{"pue"}, From: noon + 1, To: noon + hour},
		"to":       {Names: []string{"pue"}, From: noon, To: noon},
		"kpi":      {Names: []string{"joy"}, From: noon, To: noon + hour},
		"category": {Names: []string{"pue"}, From: noon, To: noon + hour, Category: 4},
		"part":     {Names: []string{"pue"}, From: noon, To: noon + hour, Part: "annexe"},
	} {
		var e *account.QuestionError
		if _, err := (*account.Basis)(nil).KPIs(q, over(nil, noon)); !errors.As(err, &e) || e.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
}

func TestBoundariesThatAreNotMeteredSaySo(t *testing.T) {
	for name, tc := range map[string]struct {
		q        account.Question
		category int
		want     string
	}{
		"facility by rack":   {account.Question{By: account.ByRack, Boundary: metric.Facility}, 1, "whole site"},
		"it without meters":  {account.Question{Boundary: metric.IT}, 0, "no IT meter"},
		"it by rack at UPSs": {account.Question{By: account.ByRack, Boundary: metric.IT}, 1, "not metered by rack"},
		"it by gpu":          {account.Question{By: account.ByGPU, Boundary: metric.IT}, 3, "not metered by gpu"},
		"host by gpu":        {account.Question{By: account.ByGPU, Boundary: metric.Hosts}, 1, "not metered by gpu"},
		"gpu by job":         {account.Question{By: account.ByJob, Boundary: metric.GPUs}, 1, "no record of jobs"},
		"host without any":   {account.Question{Boundary: metric.Hosts}, 1, "no meter of it"},
		"facility without":   {account.Question{Boundary: metric.Facility}, 1, "no facility meter"},
		"gpu by rack, none":  {account.Question{By: account.ByRack, Boundary: metric.GPUs}, 1, "no meter of it"},
	} {
		lines := account.NewTally(&tc.q, noon, noon+hour, tc.category).Lines()
		if len(lines) != 1 || !strings.Contains(lines[0].Reason, tc.want) || !lines[0].Energy.IsZero() {
			t.Errorf("%s: %+v, want a reason with %q", name, lines, tc.want)
		}
	}
}

// A carbon intensity is in force until the next, and a better tier goes first.
func TestCarbonIntensityInForce(t *testing.T) {
	l := &metric.Layout{}
	for i, tier := range []string{"1", "5"} {
		l.Entities = append(l.Entities, metric.Entity{Kind: metric.Zone, Name: "DE", Parent: -1, Labels: []metric.Pair{{Name: "provider", Value: "p" + tier}, {Name: "tier", Value: tier}}})
		l.Columns = append(l.Columns, metric.Column{Metric: metric.GridCarbonIntensity, Form: metric.Float, First: i, Count: 1})
	}
	s := account.NewState(account.Config{})
	e := newEmitter(t, s, "plant", l)
	e.send(noon, watts(300), watts(500))
	e.send(noon+600*second, watts(310.0625), watts(501))
	e.send(noon+1200*second, missed, watts(502))
	e.send(noon+3*hour, missed, watts(503)) // the better one has been silent for too long
	e.send(noon+3*hour+600*second, missed, watts(504))
	got := map[uint32]int{}
	for h := range int64(4) {
		if u := s.Summarize("s1", noon/hour+h, noon+4*hour); u != nil {
			for _, g := range u.Grams {
				got[g]++
			}
		}
	}
	// 300 for 10 minutes; 310 until it is two hours old; 502 until that is, 503.
	if got[300_001] != 10 || got[310_064] != 120 || got[502_001] != 10 || got[503_001] != 10 || got[0] != 4*60-150 {
		t.Errorf("minutes by intensity: %v", got)
	}
}
