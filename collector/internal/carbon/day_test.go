package carbon

import (
	"fmt"
	"io"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// windy is the wind of an hour in MW, which makes the intensity of the tests.
func windy(at time.Time) float64 { return 1000 * float64(1+at.Unix()/3600%7+at.Unix()/86400%5) }

// ofWind is the lifecycle intensity of 1000 MW of gas beside so much wind.
func ofWind(mw float64) float64 { return math.Round((1000*490+mw*11)/(1000+mw)*1e4) / 1e4 }

// publishes makes w the Transparency Platform of a zone with gas and wind, which
// publishes an hour late.
func (w *world) publishes(zone string, wind func(at time.Time) float64) {
	w.on("/api", func(rw http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		from, err := time.Parse("200601021504", q.Get("periodStart"))
		end := time.Now().UTC().Truncate(time.Hour).Add(-time.Hour)
		if err != nil || q.Get("documentType") != "A75" || !from.Before(end) {
			io.WriteString(rw, noData)
			return
		}
		var values []float64
		for at := from; at.Before(end); at = at.Add(time.Hour) {
			values = append(values, wind(at))
		}
		io.WriteString(rw, gl("A75", plant(zone, "B04", curve(from, end, "PT60M", "quantity", 1000)), plant(zone, "B19", curve(from, end, "PT60M", "quantity", values...))))
	})
}

// TestADayOfWhatIsPublishedLate: live is the week before, since nothing is known of the
// present; what is published afterwards, and its corrections, come as revisions.
func TestADayOfWhatIsPublishedLate(t *testing.T) {
	virtual(t, func(t *testing.T) {
		w := newWorld()
		state := t.TempDir()
		more := 0.0
		start := time.Now().UTC()
		w.publishes("FR", func(at time.Time) float64 {
			if at.Equal(start.Add(2 * time.Hour)) {
				return windy(at) + more
			}
			return windy(at)
		})
		config := func() Config {
			return Config{Zone: "FR", State: state, Providers: []Provider{{Name: "entsoe", Only: "intensity", Key: keyFile(t, theKey)}, {Name: "yearly"}}}
		}
		s := open(t, w, config())
		stop := run(t, s)
		for h := range 6 {
			live(t, s, 30*time.Minute)
			at := start.Add(time.Duration(h) * time.Hour)
			want := fmt.Sprintf("entsoe 3 = %.4g", ofWind(windy(at.AddDate(0, 0, -7))))
			if got := seen(t, s); got != want {
				t.Errorf("%s: %s, want %s", at.Format("15:04"), got, want)
			}
			live(t, s, 30*time.Minute)
		}
		var want []string
		for h := range 5 {
			at := start.Add(time.Duration(h) * time.Hour)
			if h == 4 && time.Now().Before(at.Add(2*time.Hour+time.Second)) {
				break // not published yet
			}
			want = append(want, fmt.Sprintf("lifecycle %s-%s %.4g entsoe 3 -> %.4g entsoe 2 generated", at.Format("15:04"), at.Add(time.Hour).Format("15:04"), ofWind(windy(at.AddDate(0, 0, -7))), ofWind(windy(at))))
		}
		first := func(list []string) (kept []string) { // without what began before anybody was asked
			for _, l := range onlyLifecycle(list) {
				if !strings.Contains(l, "nothing") {
					kept = append(kept, l)
				}
			}
			return kept
		}
		if diff := cmp.Diff(want, first(revised(s, 0))); diff != "" {
			t.Error(diff)
		}
		// A day later an hour is corrected, and the agent was restarted in between.
		last := s.Revisions(0, 1000)
		after := last[len(last)-1].Sequence
		stop()
		w.change(func() { more = 500 })
		s = open(t, w, config())
		run(t, s)
		live(t, s, 10*time.Minute)
		was, now := windy(start.Add(2*time.Hour)), windy(start.Add(2*time.Hour))+500
		correction := fmt.Sprintf("lifecycle 14:00-15:00 %.4g entsoe 2 -> %.4g entsoe 2 generated", ofWind(was), ofWind(now))
		if got := first(revised(s, after)); len(got) == 0 || got[0] != correction {
			t.Errorf("%q, want first %s", got, correction)
		}
	})
}

// TestTheTurnOfAnHourIsWaitedFor, for as long as a provider that had figures may
// take to say the next one.
func TestTheTurnOfAnHourIsWaitedFor(t *testing.T) {
	virtual(t, func(t *testing.T) {
		w := newWorld()
		lag := 4 * time.Minute
		s := grid(t, w, "", func(at time.Time) (any, bool) {
			if time.Since(at) < lag {
				return "null", false
			}
			return at.Hour(), false
		}, Provider{Name: "yearly"})
		run(t, s)
		live(t, s, 30*time.Minute)
		live(t, s, 30*time.Minute+20*time.Second)
		if got := seen(t, s); got != "missing" {
			t.Errorf("right after the turn: %s", got)
		}
		live(t, s, 9*time.Minute)
		if got := seen(t, s); got != "electricitymaps 1 = 13" {
			t.Errorf("after nine minutes: %s", got)
		}
		live(t, s, 10*time.Minute)
		// The beginning of the quarter had nothing, and gets what came.
		if diff := cmp.Diff([]string{"lifecycle 12:00-12:15 44 ember 5 -> 12 electricitymaps 1 consumed", "lifecycle 13:00-13:15 nothing -> 13 electricitymaps 1 consumed"}, onlyLifecycle(revised(s, 0))); diff != "" {
			t.Error(diff)
		}
		w.change(func() { lag = 24 * time.Hour })
		live(t, s, 41*time.Minute)
		if got := seen(t, s); got != "missing" {
			t.Errorf("right after the next turn: %s", got)
		}
		live(t, s, 10*time.Minute)
		if got := seen(t, s); got != "ember 5 = 44" {
			t.Errorf("when nothing came for ten minutes: %s", got)
		}
		live(t, s, 5*time.Minute)
		if got := seen(t, s); got != "ember 5 = 44" {
			t.Errorf("in the next quarter nobody waits: %s", got)
		}
	})
}

// TestStorageGivesBackAtTheMeanOfTheZone pumps at night what it gives back in the
// evening.
func TestStorageGivesBackAtTheMeanOfTheZone(t *testing.T) {
	lifecycle, _ := builtIn(t)
	g := newGeneration()
	day := slot(20_000) * aDay
	for i := day - 40*aDay; i < day+4; i++ {
		m := mixOf(t, map[string]float64{"B04": 1000, "B19": 1000})
		if i >= day {
			m = mixOf(t, map[string]float64{"B19": 1000, "B10": 1000, "B04": -5})
		}
		g.mixes[i] = m
	}
	none := func(slot) error { return nil }
	list, err := g.figures(Lifecycle, lifecycle, day-40*aDay, day, none)
	if err != nil || !agrees(list[len(list)-1].value, 250.5) {
		t.Fatal(err)
	}
	list, err = g.figures(Lifecycle, lifecycle, day, day+4, none)
	if err != nil || len(list) != 4 || !agrees(list[0].value, (1000*11+1000*250.5)/2000) {
		t.Errorf("%v, %v", brief(list), err)
	}
	// Where nothing is known of the days before, it is as the rest; alone it is nothing.
	g.grams[Lifecycle] = nil
	list, err = g.figures(Lifecycle, lifecycle, day, day+1, none)
	if err != nil || len(list) != 1 || !agrees(list[0].value, 11) {
		t.Errorf("%v, %v", brief(list), err)
	}
	g.grams[Lifecycle] = nil
	g.mixes = map[slot]*mix{day: mixOf(t, map[string]float64{"B10": 1000}), day + 1: mixOf(t, map[string]float64{"B26": 5})}
	if list, err := g.figures(Lifecycle, lifecycle, day, day+2, none); len(list) > 0 || err == nil || !strings.Contains(err.Error(), "no factor for B26") {
		t.Errorf("%v, %v", brief(list), err)
	}
}
