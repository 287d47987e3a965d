package ledger

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// noon is the first whole hour after start, 12:00.
var noon = start + 600*second

// atNoon is a plant at noon whose hours of 120 kWh from the grid, at 300 g/kWh,
// and of 100 for IT are sealed up to three o'clock.
func atNoon(t testing.TB) (*plant, *memory) {
	d := newMemory(rand.New(rand.NewPCG(1, 1)))
	p := newPlant(t, d, noon, 60*second, "grid_input", "ups_output")
	p.said[account.Lifecycle] = 300
	p.run(3*time.Hour, map[string]uint64{"grid_input": 120, "ups_output": 100})
	p.settle()
	if sum, err := check(d); err != nil || sum.Hours != 4 {
		t.Fatalf("%v, %v", sum, err)
	}
	return p, d
}

func revision(value float64, fetched int64, from, to int64) account.Revision {
	return account.Revision{Kind: account.Lifecycle, Zone: "BE", Provider: "electricitymaps", Tier: "1", Set: "lc-2", Reason: "published",
		Intervals: []account.Interval{{From: from, To: to, Value: value, Fetched: fetched}}}
}

func TestRevisionRestatesCarbonAndSaysSo(t *testing.T) {
	p, d := atNoon(t)
	revise := func(r account.Revision, want int) {
		t.Helper()
		if n, err := p.b.Revise("s1", r, time.UnixMilli(p.now)); err != nil || n != want {
			t.Errorf("%d minutes are news, %v; want %d", n, err, want)
		}
	}
	k := p.is("carbon_location", noon, noon+3*hourMs, 108)
	if k.Restated || len(k.Grid) != 1 || k.Grid[0].Provider != "entsoe" || k.Grid[0].Tier != "2" {
		t.Errorf("before: %+v", k)
	}
	sealed, _ := d.ReadFile(hourFile("s1", noon/hourMs+1, 0))
	// Half of the second hour and all of the third were dirtier.
	revise(revision(400, 5, noon+3*hourMs/2, noon+3*hourMs), 90)
	said := func(when string) {
		t.Helper()
		k := p.is("carbon_location", noon, noon+3*hourMs, 36+18+24+48)
		if !k.Restated || !flagged(k, "grid_revised") || len(k.Grid) != 2 || k.Grid[0].Provider != "electricitymaps" || k.Grid[0].Share != 0.5 || !k.Grid[0].Revised {
			t.Errorf("%s: %+v", when, k)
		}
		if grams, _, err := p.b.Carbon("s1"); err != nil || grams != 126_000 {
			t.Errorf("%s: %v g since the ledger began, %v", when, grams, err)
		}
		if k := p.kpi("pue", noon, noon+3*hourMs); k.Restated {
			t.Errorf("%s: the PUE is restated", when)
		}
	}
	said("at once")
	// Again, in parts, and by what was heard before: nothing is news.
	revise(revision(400, 5, noon+3*hourMs/2, noon+3*hourMs), 0)
	revise(revision(400, 9, noon+2*hourMs, noon+3*hourMs), 0)
	revise(revision(100, 4, noon+2*hourMs, noon+3*hourMs), 0)
	p.commit()
	p.reopen(d)
	said("after a restart")
	revise(revision(400, 5, noon+3*hourMs/2, noon+3*hourMs), 0)
	p.settle()
	said("sealed")
	want := []string{"lifecycle 36000000000 42000000000 published%20electricitymaps%201", "lifecycle 36000000000 48000000000 published%20electricitymaps%201"}
	got := lines(t, d, "grid/v1 ")
	if len(got) != 2 || !strings.Contains(got[0], want[0]) || !strings.Contains(got[1], want[1]) || !strings.HasSuffix(got[1], p.b.logs["s1"].leaves[p.b.logs["s1"].hours[noon/hourMs+2][0]].hash()) {
		t.Errorf("the log says\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if again, _ := d.ReadFile(hourFile("s1", noon/hourMs+1, 0)); string(again) != string(sealed) {
		t.Error("the sealed file was edited")
	}
	sum, err := check(d)
	if err != nil || sum.Restatements != 2 {
		t.Errorf("%v, %v", sum, err)
	}
	p.reopen(d)
	said("sealed, after a restart")
	// A later word stands over the first, and its leaf tells what that had made.
	revise(revision(200, 7, noon+2*hourMs, noon+3*hourMs), 60)
	p.settle()
	p.is("carbon_location", noon, noon+3*hourMs, 36+18+24+24)
	if got := lines(t, d, "grid/v1 "); len(got) != 3 || !strings.Contains(got[2], "lifecycle 48000000000 24000000000 ") {
		t.Errorf("the log says %q", got)
	}
	// Of the future, of hours without books, and of another zone nothing is taken.
	revise(revision(200, 8, p.now+hourMs-p.now%hourMs, p.now+2*hourMs-p.now%hourMs), 0)
	revise(revision(200, 8, noon-5*hourMs, noon-4*hourMs), 0)
	other := revision(200, 9, noon, noon+hourMs)
	other.Zone = "FR"
	revise(other, 0)
	if _, err := p.b.SetTerms("s1", account.Terms{Zone: "BE"}); err != nil {
		t.Fatal(err)
	}
	if _, err := p.b.Revise("s1", other, time.UnixMilli(p.now)); err == nil || !strings.Contains(err.Error(), "zone BE") {
		t.Errorf("another zone: %v", err)
	}
	for name, bad := range map[string]account.Revision{
		"half a minute": revision(1, 1, noon+1, noon+hourMs), "backwards": revision(1, 1, noon, noon), "a day and more": revision(1, 1, noon, noon+25*hourMs),
		"no intensity": revision(-1, 1, noon, noon+hourMs), "too much": revision(5000, 1, noon, noon+hourMs), "no provider": {Zone: "BE"}, "no kind": {Kind: 9, Zone: "BE", Provider: "p"},
	} {
		if _, err := p.b.Revise("s1", bad, time.UnixMilli(p.now)); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
	if _, err := check(d); err != nil {
		t.Error(err)
	}
}

func TestRevisedPricesRestateTheCost(t *testing.T) {
	p, d := atNoon(t)
	if _, err := p.b.SetTerms("s1", account.Terms{Tariffs: []account.Tariff{{Name: "spot", Currency: "EUR", SpotShare: 1_000_000}}}); err != nil {
		t.Fatal(err)
	}
	if k := p.kpi("cost", noon, noon+3*hourMs); k.Value != nil {
		t.Errorf("without prices: %v", *k.Value)
	}
	for i, price := range []float64{50, -20, 80} {
		r := account.Revision{Kind: account.Price, Zone: "BE", Provider: "entsoe", Tier: "1",
			Intervals: []account.Interval{{From: noon + int64(i)*hourMs, To: noon + int64(i+1)*hourMs, Value: price, Fetched: 1}}}
		if n, err := p.b.Revise("s1", r, time.UnixMilli(p.now)); n != 60 || err != nil {
			t.Fatal(n, err)
		}
	}
	p.settle()
	if k := p.is("cost", noon, noon+3*hourMs, 0.120*(50-20+80)); !k.Restated {
		t.Errorf("%+v", k)
	}
	if got := lines(t, d, "grid/v1 "); len(got) != 3 || !strings.Contains(got[1], " price 0 -2400000000 ") {
		t.Errorf("the log says %q", got)
	}
	if _, err := check(d); err != nil {
		t.Error(err)
	}
}

// settlement is an import of quarters of the grid's meter from noon on, kWh.
func settlement(id string, q metric.Quality, kwh ...uint64) account.Import {
	i := account.Import{ID: id, Reason: "settled", Quality: q}
	for n, v := range kwh {
		from := noon + int64(n)*quarterMs
		i.Readings = append(i.Readings, account.Reading{Meter: "grid_input", Metric: metric.MeterEnergyJoules, From: from, To: from + quarterMs, Amount: v * metric.MillijoulesPerKWh})
	}
	return i
}

func TestSettlementCorrectsAndCanBeTakenBack(t *testing.T) {
	p, d := atNoon(t)
	correct := func(i account.Import, dry bool) account.Receipt {
		t.Helper()
		r, err := p.b.Correct("s1", i, time.UnixMilli(p.now), dry)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	facility := func() account.Line {
		t.Helper()
		ls, err := p.b.Energy(account.Question{Site: "s1", Boundary: metric.Facility, From: noon, To: noon + 3*hourMs})
		if err != nil {
			t.Fatal(err)
		}
		return ls[0]
	}
	const kwh = metric.MillijoulesPerKWh
	file := settlement("october-7", metric.Corrected, 30, 32, 34, 30)
	if r := correct(file, true); r.Quarters != 4 || r.Unchanged != 0 || r.Before.Lo != 120*kwh || r.After.Lo != 126*kwh {
		t.Errorf("a dry run says %+v", r)
	}
	p.is("pue", noon, noon+3*hourMs, 1.2)
	if r := correct(file, false); r.Quarters != 4 || r.Before.Lo != 120*kwh || r.After.Lo != 126*kwh {
		t.Errorf("the import says %+v", r)
	}
	said := func(when string) {
		t.Helper()
		k := p.is("pue", noon, noon+3*hourMs, 366/300.0)
		if !k.Restated || !flagged(k, "corrected") || k.Coverage != 1 || k.Quality[metric.Corrected] != 126/666.0 || k.Quality[metric.Measured] != 540/666.0 {
			t.Errorf("%s: %+v", when, k)
		}
		// Carbon follows: sealed joules are replaced, not scaled.
		p.is("carbon_location", noon, noon+3*hourMs, 366*0.3)
		l := facility()
		if total(t, l.Energy) != 366*kwh || l.Energy[metric.Corrected] != 126*kwh || l.CoveredMillis != l.ExpectedMillis {
			t.Errorf("%s: energy %+v", when, l)
		}
		if mj, _, ok := p.b.Life("s1", metric.Facility); !ok || mj.Lo != 366*kwh {
			t.Errorf("%s: %v mJ since the ledger began", when, mj)
		}
	}
	said("at once")
	if l := facility(); l.Final {
		t.Error("a correction that is not sealed is called final")
	}
	if r := correct(file, false); r.Unchanged != 4 {
		t.Errorf("again: %+v", r)
	}
	p.commit()
	p.reopen(d)
	said("after a restart")
	p.settle()
	said("sealed")
	if l := facility(); !l.Final {
		t.Error("it is not final")
	}
	if got := lines(t, d, "meter/v1 "); len(got) != 1 || !strings.Contains(got[0], fmt.Sprintf(" 4 %d %d import%%20october%%2D7 ", uint64(120*kwh), uint64(126*kwh))) {
		t.Errorf("the log says %q", got)
	}
	// What comes late does not count beside what was settled. A reading by hand
	// neither.
	if r := correct(settlement("by hand", metric.Manual, 99), false); r.Shadowed != 1 {
		t.Errorf("by hand: %+v", r)
	}
	// Nor an estimate, of which nothing is in the figures.
	if r := correct(settlement("estimate", metric.EstimatedProfile, 30, 99), false); r.Shadowed != 2 || r.Before != r.After {
		t.Errorf("an estimate: %+v", r)
	}
	p.settle()
	said("with a reading by hand and an estimate")
	all, err := p.b.Imports("s1")
	if err != nil || len(all) != 3 || all[0].Corrected+all[1].Corrected+all[2].Corrected != 4 || all[0].Manual+all[1].Manual+all[2].Manual != 1 || all[0].Estimated+all[1].Estimated+all[2].Estimated != 2 {
		t.Errorf("imports %+v, %v", all, err)
	}
	if r, err := p.b.TakeBack("s1", "estimate", time.UnixMilli(p.now)); err != nil || r.Quarters != 2 {
		t.Errorf("the estimate taken back: %+v, %v", r, err)
	}
	p.settle()
	if _, err := check(d); err != nil {
		t.Error(err)
	}
	r, err := p.b.TakeBack("s1", "october-7", time.UnixMilli(p.now))
	if err != nil || r.Quarters != 4 || r.Before.Lo != 126*kwh || r.After.Lo != 120*kwh {
		t.Errorf("taken back: %+v, %v", r, err)
	}
	p.is("pue", noon, noon+3*hourMs, 1.2)
	p.settle()
	p.reopen(d)
	p.is("pue", noon, noon+3*hourMs, 1.2)
	if got := lines(t, d, "meter/v1 "); len(got) != 4 || !strings.Contains(got[3], "taken%20back:%20import%20october%2D7") {
		t.Errorf("the log says %q", got)
	}
	if r, err := p.b.TakeBack("s1", "october-7", time.UnixMilli(p.now)); err != nil || r.Quarters != 0 {
		t.Errorf("taken back again: %+v, %v", r, err)
	}
	if _, err := check(d); err != nil {
		t.Error(err)
	}
}

// A meter that nobody reads, by its invoice; and an hour of before the site began.
func TestReadingsByHandStandForAMeterThatIsNotRead(t *testing.T) {
	p, d := atNoon(t)
	water := account.Import{ID: "invoice", Quality: metric.Manual, Readings: []account.Reading{
		{Meter: "water_total", Metric: metric.MeterWater, From: noon - 24*hourMs, To: noon + 3*hourMs, Amount: 108_000},
	}}
	if _, err := p.b.Correct("s1", water, time.UnixMilli(p.now), false); err == nil || !strings.Contains(err.Error(), `"water_total" of s1 is neither read then nor stated`) {
		t.Errorf("a meter that nobody knows: %v", err)
	}
	if _, err := p.b.SetTerms("s1", account.Terms{WaterCategory: 1, Meters: []account.Meter{
		{Name: "water_total", Quantity: account.WaterTotal}, {Name: "ups_output", Quantity: account.UPSOutput},
	}}); err != nil {
		t.Fatal(err)
	}
	if r, err := p.b.Correct("s1", water, time.UnixMilli(p.now), false); err != nil || r.Quarters != 108 || r.After.Lo != 108_000 {
		t.Fatalf("%+v, %v", r, err)
	}
	for range 3 {
		k := p.is("wue", noon, noon+3*hourMs, 12.0/300)
		if k.Category != 1 || !flagged(k, "corrected") {
			t.Errorf("%+v", k)
		}
		if from, _ := p.b.Today("s1", time.UnixMilli(p.now)); from != noon+60*second {
			t.Errorf("today begins at %v", time.UnixMilli(from).UTC())
		}
		p.settle()
		p.reopen(d)
		if _, err := p.b.SetTerms("s1", account.Terms{WaterCategory: 1, Meters: []account.Meter{{Name: "water_total", Quantity: account.WaterTotal}, {Name: "ups_output", Quantity: account.UPSOutput}}}); err != nil {
			t.Fatal(err)
		}
	}
	if sum, err := check(d); err != nil || sum.Restatements != 27 {
		t.Errorf("%v, %v", sum, err)
	}
	// A longer reading of a meter that was read follows what it showed.
	p.run(time.Hour, map[string]uint64{"grid_input": 240, "ups_output": 100})
	p.settle()
	_, end := p.b.span("s1")
	for n := noon / hourMs; n < end; n++ {
		v := p.b.look("s1", n)
		s, err := p.b.sheet(&v, nil)
		if err != nil {
			t.Fatal(err)
		}
		if mj, ok := s.Measured("grid_input", metric.MeterEnergyJoules, 0); ok && mj > 0 && n > noon/hourMs+3 {
			i := account.Import{ID: "two quarters", Quality: metric.Corrected, Readings: []account.Reading{{Meter: "grid_input", Metric: metric.MeterEnergyJoules,
				From: noon + 2*hourMs + 3*quarterMs, To: noon + 3*hourMs, Amount: 7}}}
			if _, err := p.b.Correct("s1", i, time.UnixMilli(p.now), false); err != nil {
				t.Fatal(err)
			}
			break
		}
	}
}

// The power goes at every step of the commit that seals what lies over an hour:
// it is sealed once, and never lost.
func TestPowerCutAtEveryStepOfSealingAnOverlay(t *testing.T) {
	p, d := atNoon(t)
	if _, err := p.b.Revise("s1", revision(400, 5, noon, noon+hourMs), time.UnixMilli(p.now)); err != nil {
		t.Fatal(err)
	}
	if _, err := p.b.Correct("s1", settlement("x", metric.Corrected, 40), time.UnixMilli(p.now), false); err != nil {
		t.Fatal(err)
	}
	p.commit()
	p.commit()
	before, now := d.clone(), p.now+16*60*second
	for cut := 0; ; cut++ {
		done := false
		for try := range 6 {
			d := before.clone()
			x := newPlant(t, d, now, p.step)
			if _, err := x.b.Commit(time.UnixMilli(now - 16*60*second)); err != nil { // since when it is up
				t.Fatal(err)
			}
			d.left, d.torn = cut, try%2 == 1
			_, err := x.b.Commit(time.UnixMilli(now))
			if done = err == nil; done {
				break
			}
			if !errors.Is(err, errCrash) {
				t.Fatal(err)
			}
			d = d.restart()
			y := newPlant(t, d, now, p.step)
			for range 2 { // the second seals what the first could not while the other was on its way
				if _, err := y.b.Commit(time.UnixMilli(now)); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := check(d); err != nil {
				t.Errorf("step %d, try %d: %v", cut, try, err)
			}
			if g, m := lines(t, d, "grid/v1 "), lines(t, d, "meter/v1 "); len(g) != 1 || len(m) != 1 {
				t.Errorf("step %d, try %d: the log says %q and %q", cut, try, g, m)
			}
			y.is("carbon_location", noon, noon+hourMs, 130*0.4)
		}
		if done {
			if cut < 12 {
				t.Errorf("the commit took %d steps: some are not seen", cut)
			}
			return
		}
	}
}

// An older state does not know of what was sealed over an hour since: it stands.
func TestOverlayOutlivesTheStateThatSealedIt(t *testing.T) {
	p, d := atNoon(t)
	older := slices.Clone(d.files[ledgerDir+"/"+slotName(p.b.slot)].data)
	if _, err := p.b.Revise("s1", revision(400, 5, noon, noon+hourMs), time.UnixMilli(p.now)); err != nil {
		t.Fatal(err)
	}
	p.settle()
	for i := range 2 {
		d.files[ledgerDir+"/"+slotName(i)].data = slices.Clone(older)
	}
	p.reopen(d)
	p.is("carbon_location", noon, noon+hourMs, 48)
	if _, err := check(d); err != nil {
		t.Error(err)
	}
}

// What was changed in the file, or in the leaf, of what lies over an hour is found.
func TestCheckNamesOverlaysThatWereChanged(t *testing.T) {
	p, d := atNoon(t)
	if _, err := p.b.Revise("s1", revision(400, 5, noon, noon+hourMs), time.UnixMilli(p.now)); err != nil {
		t.Fatal(err)
	}
	p.settle()
	g := p.b.logs["s1"]
	at := g.hours[noon/hourMs][1]
	x := g.leaves[at]
	h, err := p.b.hour(g, at)
	if err != nil {
		t.Fatal(err)
	}
	c := siteCheck{disk: d, log: g}
	if err := c.overlay(at, h); err != nil {
		t.Error(err)
	}
	for what, spoil := range map[string]func(*leaf){
		"old": func(l *leaf) { l.old++ }, "new": func(l *leaf) { l.new-- }, "reason": func(l *leaf) { l.reason = "none" },
	} {
		g.leaves[at] = x
		spoil(&g.leaves[at])
		if err := c.overlay(at, h); err == nil {
			t.Errorf("its %s was changed, and nothing is said", what)
		}
		if what == "reason" && g.leaves[at].says(h) {
			t.Error("it says another reason than its file")
		}
	}
	g.leaves[at] = x
	h.Places = []account.Place{{Hall: "h"}}
	if adds(h) == nil {
		t.Error("it holds what it is not about, and nothing is said")
	}
}

func TestACommitSaysWhetherItSealedAsManyHoursAsItMay(t *testing.T) {
	p, _ := atNoon(t)
	if _, err := p.b.SetTerms("s1", account.Terms{Meters: []account.Meter{{Name: "grid_input", Quantity: account.GridInput}, {Name: "ups_output", Quantity: account.UPSOutput}}}); err != nil {
		t.Fatal(err)
	}
	i := account.Import{ID: "days", Reason: "before", Quality: metric.Corrected}
	for n := range int64(60) {
		from := noon - (n+2)*hourMs
		i.Readings = append(i.Readings, account.Reading{Meter: "grid_input", Metric: metric.MeterEnergyJoules, From: from, To: from + quarterMs, Amount: 1})
	}
	if _, err := p.b.Correct("s1", i, time.UnixMilli(p.now), false); err != nil {
		t.Fatal(err)
	}
	p.commit()
	p.now += 16 * 60 * 1000
	var more []bool
	var left []int
	for range 4 {
		if _, err := p.b.Commit(time.UnixMilli(p.now)); err != nil {
			t.Fatal(err)
		}
		more, left = append(more, p.b.More()), append(left, p.b.Waiting("s1"))
	}
	if !slices.Equal(more, []bool{true, true, false, false}) || !slices.Equal(left, []int{36, 12, 0, 0}) {
		t.Errorf("more: %v, corrections left: %v", more, left)
	}
}
