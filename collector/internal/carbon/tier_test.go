package carbon

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// seen says who shows the lifecycle intensity at now, and what.
func seen(t *testing.T, s *Source) string {
	t.Helper()
	for line := range strings.Lines(shownAs(t, s, time.Now())) {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(line), "grid_carbon_intensity_grams_per_kwh lifecycle FR "); ok {
			return rest
		}
	}
	return "missing"
}

// uses is what the quarters of [from, to) use, one line each span.
func uses(s *Source, q Quantity, from, to time.Time) (lines []string) {
	for _, u := range s.Uses(q, from, to) {
		r := ""
		if u.Revised > 0 {
			r = " revised"
		}
		lines = append(lines, fmt.Sprintf("%s-%s %.4g %s %d %s%s", u.From.Format("15:04"), u.To.Format("15:04"), u.Word.Value, u.Word.Provider, u.Word.Tier, u.Word.Basis, r))
	}
	return lines
}

// revised is what came of it after a sequence, one line each.
func revised(s *Source, after uint64) (lines []string) {
	for _, r := range s.Revisions(after, 1000) {
		was := "nothing"
		if r.Was != nil {
			was = fmt.Sprintf("%.4g %s %d", r.Was.Value, r.Was.Provider, r.Was.Tier)
		}
		lines = append(lines, fmt.Sprintf("%s %s-%s %s -> %.4g %s %d %s", r.Quantity, r.From.Format("15:04"), r.To.Format("15:04"), was, r.Word.Value, r.Word.Provider, r.Word.Tier, r.Word.Basis))
	}
	return lines
}

func TestFiguresHoldForTheirIntervalOnly(t *testing.T) {
	virtual(t, func(t *testing.T) {
		w := newWorld()
		gone := false
		w.maps("FR", func(at time.Time) (any, bool) {
			if gone && at.Hour() >= 13 {
				return "null", false
			}
			return at.Hour(), false
		})
		s := open(t, w, Config{Zone: "FR", Providers: []Provider{{Name: "electricitymaps", Key: keyFile(t, theKey)}}})
		run(t, s)
		sleep(time.Minute)
		if got := seen(t, s); got != "electricitymaps 1 = 12" {
			t.Error(got)
		}
		w.change(func() { gone = true })
		sleep(59*time.Minute - time.Second)
		if got := seen(t, s); got != "electricitymaps 1 = 12" {
			t.Errorf("in the last second of its hour: %s", got)
		}
		sleep(time.Second)
		if got := seen(t, s); got != "missing" {
			t.Errorf("after its hour: %s", got)
		}
	})
}

// TestABetterTierTakesOverWithTheNextQuarter has nothing of tier 1 until 12:20.
// What that then says of the time before comes as a revision.
func TestABetterTierTakesOverWithTheNextQuarter(t *testing.T) {
	virtual(t, func(t *testing.T) {
		w := newWorld()
		w.maps("FR", func(time.Time) (any, bool) { return "null", false })
		s := open(t, w, Config{Zone: "FR", Providers: []Provider{{Name: "electricitymaps", Period: time.Minute, Key: keyFile(t, theKey)}, {Name: "yearly"}}})
		run(t, s)
		start := time.Now()
		saw := map[string]string{}
		for m := range 60 {
			if m == 20 {
				w.maps("FR", func(time.Time) (any, bool) { return 58, false })
			}
			for range 6 {
				saw[time.Now().UTC().Format("15:04")] = seen(t, s)
				sleep(10 * time.Second)
			}
		}
		for at, want := range map[string]string{"12:00": "ember 5 = 44", "12:19": "ember 5 = 44", "12:29": "ember 5 = 44", "12:30": "electricitymaps 1 = 58", "12:59": "electricitymaps 1 = 58"} {
			if saw[at] != want {
				t.Errorf("at %s: %s, want %s", at, saw[at], want)
			}
		}
		// Direct figures come in the middle of a quarter: at its beginning there was nothing.
		if diff := cmp.Diff([]string{
			"direct 12:00-12:15 nothing -> 58 electricitymaps 1 consumed",
			"direct 12:15-12:30 nothing -> 58 electricitymaps 1 consumed",
			"lifecycle 12:00-12:15 44 ember 5 -> 58 electricitymaps 1 consumed",
			"lifecycle 12:15-12:30 44 ember 5 -> 58 electricitymaps 1 consumed",
		}, sorted(revised(s, 0))); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]string{"12:00-12:15 58 electricitymaps 1 consumed revised", "12:15-12:30 58 electricitymaps 1 consumed revised", "12:30-13:00 58 electricitymaps 1 consumed"},
			uses(s, Lifecycle, start, start.Add(time.Hour))); diff != "" {
			t.Error(diff)
		}
	})
}

func sorted(list []string) []string {
	slices.Sort(list)
	return list
}

func TestAQuarterSaysOneThing(t *testing.T) {
	virtual(t, func(t *testing.T) {
		w := newWorld()
		n := 0
		w.maps("FR", func(time.Time) (any, bool) { n++; return 50 + n%997, true })
		s := open(t, w, Config{Zone: "FR", Providers: []Provider{{Name: "electricitymaps", Period: time.Minute, Key: keyFile(t, theKey)}}})
		run(t, s)
		sleep(time.Minute)
		for range 8 { // quarters
			first := seen(t, s)
			for range 13 {
				sleep(time.Minute)
				if got := seen(t, s); got != first {
					t.Fatalf("%s: %s, and %s before", time.Now().Format("15:04"), got, first)
				}
			}
			sleep(2 * time.Minute)
			if got := seen(t, s); got == first {
				t.Errorf("%s: still %s", time.Now().Format("15:04"), got)
			}
		}
	})
}

// TestTiers takes one kind of evidence away after the other.
func TestTiers(t *testing.T) {
	virtual(t, func(t *testing.T) {
		now := time.Now()
		at := slotOf(now)
		s := open(t, newWorld(), Config{Zone: "FR", Providers: []Provider{{Name: "electricitymaps", Key: Key{Env: "K"}}, {Name: "entsoe", Key: Key{Env: "K"}}, {Name: "energycharts"}, {Name: "yearly"}}})
		vendor := func(name string) *shelf { return &s.vendors[s.rank(name)].shelves[Lifecycle] }
		say := func(name string, at slot, b Basis, v float64) {
			vendor(name).set(at, figure{from: at.start(), to: (at + 1).start(), value: v, basis: b, set: "a"})
		}
		for day := range slot(40) {
			say("energycharts", at-(day+1)*aDay, Generated, 100+float64(day))
		}
		say("electricitymaps", at-aWeek, Estimated, 7) // not measured: it stands for no other week
		say("entsoe", at-aWeek, Generated, 8)
		say("energycharts", at, Forecast, 9)
		say("electricitymaps", at, Estimated, 10)
		say("entsoe", at, Generated, 11)
		tracedAt := at
		say("electricitymaps", tracedAt, Consumed, 12)

		check := func(want string, undo func()) {
			t.Helper()
			c, ok := s.choose(Lifecycle, at)
			if got := fmt.Sprintf("%.4g %s %d %s %v", c.value, c.provider, c.basis.Tier(), c.basis, ok); got != want {
				t.Errorf("%s, want %s", got, want)
			}
			undo()
		}
		drop := func(name string, at slot) func() { return func() { delete(vendor(name).figures, at) } }
		check("12 electricitymaps 1 consumed true", func() { say("electricitymaps", at, Estimated, 10) })
		check("11 entsoe 2 generated true", drop("entsoe", at))
		check("10 electricitymaps 3 estimated true", drop("electricitymaps", at))
		check("9 energycharts 3 forecast true", drop("energycharts", at))
		check("8 entsoe 3 week_before true", drop("entsoe", at-aWeek))
		check("106 energycharts 3 week_before true", drop("energycharts", at-aWeek))
		// Days 1 to 30 without the seventh: 100 … 129 without 106.
		mean := (float64(100+129)*15 - 106) / 29
		check(fmt.Sprintf("%.4g energycharts 4 month_mean true", mean), func() {
			for day := range slot(40) {
				if day%5 != 0 {
					delete(vendor("energycharts").figures, at-(day+1)*aDay)
				}
			}
		})
		// Six days are too few.
		check("44 ember 5 yearly true", func() { s.yearly = nil })
		check("0  9 unknown false", func() {})
		if c, ok := s.choose(Direct, at); ok {
			t.Errorf("direct: %v", c)
		}
	})
}
