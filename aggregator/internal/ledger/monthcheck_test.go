package ledger

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/aggregator/internal/intake"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// near is how far figures may be from what was worked out, by ratio.
const near = 1e-9

func differs(have, want float64) bool {
	return math.Abs(have-want) > near*math.Max(1e-3, math.Abs(want))
}

// holds holds KPIs against what they must be.
func (l *lesson) holds(t *testing.T, p *monthPlant, when string, from, to int, names ...string) {
	t.Helper()
	ks, err := p.b.KPIs("s1", account.KPIQuestion{Names: names, From: l.ms(from), To: l.ms(to)})
	if err != nil {
		t.Fatal(err)
	}
	for i := range ks {
		l.hold(t, when, &ks[i], from, to)
	}
}

func (l *lesson) hold(t *testing.T, when string, k *account.KPI, from, to int) {
	t.Helper()
	name := k.Name
	f := l.figure(name, from, to)
	bad := func(format string, args ...any) {
		t.Helper()
		t.Errorf("%s, %s of %s to %s: %s", when, name, l.time(from).Format("2 15:04"), l.time(to).Format("2 15:04"), fmt.Sprintf(format, args...))
	}
	switch known := f.coverage >= 0.95; {
	case known && k.Value == nil:
		bad("none, for %q; want %v of %v", k.Reason, f.value, f.coverage)
		return
	case known && differs(*k.Value, f.value):
		bad("%.12g, want %.12g", *k.Value, f.value)
	case !known && (k.Value != nil || k.Reason == ""):
		bad("%v of %v known, want none and why; %q", k.Value, f.coverage, k.Reason)
	case known && k.Reason != "" && name != "cost":
		bad("%q", k.Reason)
	}
	if math.Abs(k.Coverage-f.coverage) > 1e-12 {
		bad("covers %v, want %v", k.Coverage, f.coverage)
	}
	for q := range metric.Qualities {
		if math.Abs(k.Quality[q]-f.quality[q]) > near {
			bad("%v is %v, want %v", k.Quality[q], q, f.quality[q])
		}
	}
	var codes []string
	for _, x := range k.Flags {
		codes = append(codes, x.Code)
	}
	slices.Sort(codes)
	if !slices.Equal(f.flags, codes) || k.Restated != f.restated {
		bad("flags %v, restated %v; want %v, %v", codes, k.Restated, f.flags, f.restated)
	}
	var anew, read float64
	for _, g := range k.Grid {
		switch g.GridSource.Tier + " " + g.GridSource.Set {
		case "1 final":
			anew += g.Share
		case "2 ":
			read += g.Share
		default:
			bad("a word of %+v", g)
		}
		if g.Revised != (g.Tier == "1") || g.Provider != "entsoe" || g.Zone != "BE" {
			bad("a word of %+v", g)
		}
	}
	if math.Abs(anew-f.anew) > near || len(k.Grid) > 0 && math.Abs(anew+read-1) > near {
		bad("%v of the energy by revised words and %v by others, want %v", anew, read, f.anew)
	}
	if k.Period != "interim" || k.Terms == "" || k.Needed != 0.95 {
		bad("is %s, by terms %q, and needs %v", k.Period, k.Terms, k.Needed)
	}
	category, point := 0, ""
	if slices.Contains(rests[name].meters, ups1) {
		category, point = 1, "ups_output"
	}
	if slices.Contains(rests[name].meters, rain) {
		category = 2 // of the water
	}
	if k.Category != category || k.Point != point {
		bad("is of category %d at %q, want %d at %q", k.Category, k.Point, category, point)
	}
	if k.Value == nil {
		return
	}
	for _, in := range k.Inputs {
		want, ok := f.exact[in.Name]
		if ok && (to-from) >= 92 && in.Exact != strconv.FormatUint(want, 10) {
			bad("%s is %s, want %d", in.Name, in.Exact, want)
		}
		delete(f.exact, in.Name)
	}
	for n, v := range f.exact {
		if v != 0 && name != "cost" && n != "energy exported" {
			bad("does not say that it rests on %s", n)
		}
	}
	for _, c := range k.Components {
		want, ok := f.parts[c.Name]
		if (c.Value != nil) != ok || ok && differs(*c.Value, want) {
			bad("%s is %v (%q), want %v", c.Name, c.Value, c.Reason, want)
		}
	}
}

// days holds the days, and their quarters of an hour, or those of two of them. That on which
// clocks are set has 25 hours in October and 23 in March.
func (l *lesson) days(t *testing.T, p *monthPlant, when string, quarters bool) {
	t.Helper()
	from, days := 0, 0
	for at := l.from; at < l.to; days++ {
		start, end := p.b.Around("s1", account.ByDay, at)
		to := int((end - l.from) / quarterMs)
		want := 96
		if l.time(from).Day() == l.clocks() {
			if want = 92; l.month.month == time.October {
				want = 100
			}
		}
		if start != l.ms(from) || to-from != want {
			t.Fatalf("day %d is of %d quarters, want %d", l.time(from).Day(), to-from, want)
		}
		l.holds(t, p, when, from, to, account.KPINames()...)
		day := l.time(from).Day()
		for i := from; i < to && (quarters || day == l.clocks() || day == 27); i++ {
			l.holds(t, p, when, i, i+1, account.KPINames()...)
		}
		at, from = end, to
	}
	if days != 31 {
		t.Errorf("%d days", days)
	}
}

// monthBooks takes files in.
type monthBooks struct{ *books }

func (monthBooks) Relieve(context.Context, string) error { return nil }

// settle takes the grid operator's file in, and returns its id.
func (l *lesson) takeIn(t *testing.T, p *monthPlant) (id string) {
	t.Helper()
	f, err := intake.Read(t.Context(), strings.NewReader(l.settlement()), intake.Options{
		Name: "settlement.csv", Location: l.zone, Meter: gridB, Decimal: "comma", Settlement: true,
		Meters: []intake.Meter{{Name: gridB, Metric: metric.MeterEnergyJoules}},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	plan, err := f.Plan(t.Context(), monthBooks{p.b}, intake.Request{Site: "s1", Now: time.UnixMilli(p.now)})
	if err != nil || len(plan.Stops) > 0 || plan.Bad > 0 || len(plan.Months) != 1 {
		t.Fatalf("%v, %+v", err, plan)
	}
	l.holds(t, p, "after a plan", 0, l.quarters, "pue")
	r, err := plan.Apply(t.Context(), monthBooks{p.b})
	n := l.month.settled.to - l.month.settled.from
	if err != nil || r.Quarters != n || plan.Months[0].Quarters != n || r.Unchanged+r.Shadowed != 0 || r.Before != plan.Months[0].Before || r.After != plan.Months[0].After {
		t.Fatalf("%v: %+v, planned %+v", err, r, plan.Months)
	}
	return plan.ID
}

func TestASimulatedMonth(t *testing.T) {
	for _, tc := range []struct {
		year  int
		month time.Month
		seed  uint64
		each  bool // figures after each step, and of each quarter of an hour
	}{{2026, time.October, 0, false}, {2026, time.October, 11, true}, {2027, time.March, 12, false}} {
		t.Run(fmt.Sprintf("%s %d, seed %d", tc.month, tc.year, tc.seed), func(t *testing.T) {
			m := newMonth(t, tc.year, tc.month, tc.seed)
			d := newMemory(rand.New(rand.NewPCG(tc.seed, 2)))
			p := m.simulate(t, d)
			month := func(when string, s stage) *lesson {
				l := m.learn(s)
				if tc.each {
					l.holds(t, p, when, 0, l.quarters, account.KPINames()...)
				}
				return l
			}
			l := month("at first", stage{})
			if tc.each {
				l.days(t, p, "at first", false)
				l.sums(t, p, "at first")
			}
			if tc.seed == 0 {
				byHand(t, p, m, false)
			}

			// Days later the grid operator's file comes, the invoice, and the provider's
			// last words.
			p.now = m.to + 60*hourMs
			p.record()
			if r, err := p.b.Correct("s1", m.prior(), time.UnixMilli(p.now-1), false); err != nil || r.Quarters != 4 {
				t.Fatalf("%+v, %v", r, err)
			}
			id := month("of a prior file", stage{prior: true}).takeIn(t, p)
			month("settled", stage{settled: true})
			if r, err := p.b.Correct("s1", m.invoice(), time.UnixMilli(p.now), false); err != nil || r.Quarters != m.quarters || r.After.Lo != rainML {
				t.Fatalf("%+v, %v", r, err)
			}
			byMistake := account.Import{ID: "by mistake", Quality: metric.Manual, // it was read
				Readings: []account.Reading{{Meter: ups2, Metric: metric.MeterEnergyJoules, From: m.from, To: m.from + quarterMs, Amount: 1}}}
			if r, err := p.b.Correct("s1", byMistake, time.UnixMilli(p.now), false); err != nil || r.Shadowed != 1 {
				t.Fatalf("%+v, %v", r, err)
			}
			month("invoiced", stage{settled: true, invoiced: true})
			l.revise(t, p)
			month("revised", stage{true, true, true, true})
			for range 60 { // many hours wait to be sealed
				p.now += commits
				p.record()
				p.commit()
			}
			if n := p.b.Waiting("s1"); n != 0 {
				t.Errorf("%d corrections wait", n)
			}
			month("sealed", stage{true, true, true, true})
			p.open(d, m.terms())
			l = m.learn(stage{true, true, true, true})
			l.holds(t, p, "after a restart", 0, l.quarters, account.KPINames()...)
			l.days(t, p, "after a restart", tc.each)
			l.sums(t, p, "after a restart")
			if tc.seed == 0 {
				byHand(t, p, m, true)
			}
			l.explained(t, p)
			l.inOrder(t, d)
			l.unless(t, p)

			if r, err := p.b.TakeBack("s1", id, time.UnixMilli(p.now)); err != nil || r.Quarters != m.settled.to-m.settled.from {
				t.Fatalf("%+v, %v", r, err)
			}
			month("taken back", stage{prior: true, invoiced: true, revised: true}).sums(t, p, "taken back")
		})
	}
}

// revise takes in the provider's last words, twice, and then what it said before
// them.
func (l *lesson) revise(t *testing.T, p *monthPlant) {
	t.Helper()
	for _, k := range []account.GridKind{account.Lifecycle, account.Price} {
		r := l.revision(k, p.now)
		for _, news := range []int{15 * len(r.Intervals), 0} {
			if n, err := p.b.Revise("s1", r, time.UnixMilli(p.now)); err != nil || n != news {
				t.Fatalf("%d minutes of %s are news, want %d; %v", n, k, news, err)
			}
		}
		for i := range r.Intervals {
			r.Intervals[i].Value, r.Intervals[i].Fetched = 1, p.now-1
		}
		if n, err := p.b.Revise("s1", r, time.UnixMilli(p.now)); err != nil || n != 0 {
			t.Errorf("%d minutes of %s are news though they are older; %v", n, k, err)
		}
	}
}

// inOrder verifies the ledger.
func (l *lesson) inOrder(t *testing.T, d *memory) {
	t.Helper()
	s, err := check(d)
	if err != nil {
		t.Fatal(err)
	}
	t.Log(s)
	days := func(prefix string, s stretch) {
		if n := len(lines(t, d, prefix)); n != (s.to-s.from)/4 {
			t.Errorf("%d lines of the log begin with %q, want %d", n, prefix, (s.to-s.from)/4)
		}
	}
	if s.Hours < l.quarters/4 || s.Restatements < len(l.restated)+l.quarters/4 {
		t.Errorf("%+v", s)
	}
	days("meter/v1 ", stretch{0, l.quarters})
}

// unless asks what is none, and why.
func (l *lesson) unless(t *testing.T, p *monthPlant) {
	t.Helper()
	day := func(n int) (from, to int64) { return l.ms(l.at(n, 0)), l.ms(l.at(n+1, 0)) }
	none := func(name string, from, to int64, want string) {
		t.Helper()
		if k := p.kpi(name, from, to); k.Value != nil || k.Reason != want {
			t.Errorf("%s is %v, for %q; want none, for %q", name, k.Value, k.Reason, want)
		}
	}
	from, to := day(27)
	none("pue", from, to, "insufficient data: 94.8 % of the minutes are known, and 95 % are needed; not known: onsite_generation for 1h15m0s")
	none("cost", from, to, "insufficient data: 94.8 % of the minutes are known, and 95 % are needed")
	from, to = day(20)
	none("wue", from, to, "insufficient data: 50.0 % of the minutes are known, and 95 % are needed; not known: water_total-mains for 12h0m0s")
	none("cfe", l.from, l.from+quarterMs, "no whole hour in which all meters are known, and what else it needs")
	none("pue", l.from-48*hourMs, l.from-24*hourMs, "no metered PUE: nothing was read in this time of generator_output, grid_input-a, grid_input-a2 and 2 more")
	strict := l.terms()
	strict.Coverage.Period = 0.9999
	if _, err := p.b.SetTerms("s1", strict); err != nil {
		t.Fatal(err)
	}
	part := float64(l.quarters-5) / float64(l.quarters)
	none("pue", l.from, l.to, fmt.Sprintf("insufficient data: %.1f %% of the minutes are known, and 99.99 %% are needed; not known: onsite_generation for 1h15m0s", 100*part))
	if _, err := p.b.SetTerms("s1", l.terms()); err != nil {
		t.Fatal(err)
	}
}
