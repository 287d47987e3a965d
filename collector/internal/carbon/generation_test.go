package carbon

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestMixesThatAreNotComplete holds back the wind, which comes an hour after the
// rest.
func TestMixesThatAreNotComplete(t *testing.T) {
	virtual(t, func(t *testing.T) {
		w := newWorld()
		lag := 2 * time.Hour // of the wind
		w.on("/api", func(rw http.ResponseWriter, r *http.Request) {
			io.WriteString(rw, generationTo(r, time.Now().Add(-time.Hour), time.Now().Add(-lag)))
		})
		s := open(t, w, Config{Zone: "FR", Providers: []Provider{{Name: "entsoe", Only: "intensity", NoBalance: true, Key: keyFile(t, theKey)}}})
		run(t, s)
		sleep(30 * time.Second)
		shelf := &s.vendors[0].shelves[Lifecycle]
		lacking := func() int {
			s.mu.Lock()
			defer s.mu.Unlock()
			n := 0
			for at := slotOf(time.Now().Truncate(time.Hour)) - 5; ; at-- {
				if _, ok := shelf.figures[at]; ok || n > 1000 {
					return n
				}
				n++
			}
		}
		if n := lacking(); n != 4 {
			t.Errorf("%d quarters without their wind are left out, want 4", n)
		}
		if d := s.Describe(); !strings.Contains(d, "entsoe generation fails: mix of 2026-01-15T10:45Z: incomplete: without B19") {
			t.Error(d)
		}
		s.mu.Lock()
		f := shelf.figures[slotOf(time.Now().Add(-3*time.Hour))]
		s.mu.Unlock()
		if want := (40000*12.0 + 10000*11 + 1000*490) / 51000; !agrees(f.value, want) || f.set != "ipcc-ar5-lc-1" || f.basis != Generated {
			t.Errorf("%+v, want %.4f", f, want)
		}
		w.change(func() { lag = time.Hour })
		sleep(20 * time.Minute)
		if n := lacking(); n != 0 {
			t.Errorf("%d quarters lack after the wind came", n)
		}
		if d := s.Describe(); strings.Contains(d, "fails") {
			t.Error(d)
		}
	})
}

// generationTo is an answer about the time that is asked for: nuclear and gas up
// to one moment, wind up to another.
func generationTo(r *http.Request, end, wind time.Time) string {
	from, err := time.Parse("200601021504", r.URL.Query().Get("periodStart"))
	if err != nil {
		return ""
	}
	end, wind = end.UTC().Truncate(time.Hour), wind.UTC().Truncate(time.Hour)
	return gl("A75",
		plant("FR", "B14", curve(from, end, "PT60M", "quantity", 40000)),
		plant("FR", "B04", curve(from, end, "PT60M", "quantity", 1000)),
		plant("FR", "B19", curve(from, wind, "PT15M", "quantity", 10000)))
}

func TestMixesAgainstLoadAndFlows(t *testing.T) {
	virtual(t, func(t *testing.T) {
		w := newWorld()
		load := 60000.0
		flows := func(from, to string) float64 {
			if from == eics("ES") {
				return 4000
			}
			if to == eics("GB") {
				return 3000
			}
			return 0
		}
		w.on("/api", func(rw http.ResponseWriter, r *http.Request) {
			q := r.URL.Query()
			end := time.Now().UTC().Truncate(time.Hour)
			from := end.Add(-48 * time.Hour)
			switch q.Get("documentType") {
			case "A75":
				io.WriteString(rw, generationTo(r, end, end))
			case "A65":
				if q.Get("outBiddingZone_Domain") != eics("FR") || q.Get("processType") != "A16" {
					http.Error(rw, "what?", http.StatusBadRequest)
					return
				}
				io.WriteString(rw, gl("A65", strings.NewReplacer("inBidding", "outBidding", "<MktPSRType><psrType>B14</psrType></MktPSRType>", "").
					Replace(plant("FR", "B14", curve(from, end, "PT60M", "quantity", load)))))
			case "A11":
				f, to := q.Get("out_Domain"), q.Get("in_Domain")
				if f == eics("CH") {
					io.WriteString(rw, noData) // this direction is not there at all
					return
				}
				io.WriteString(rw, flowDocument(f, to, from, end, flows(f, to)))
			}
		})
		s := open(t, w, Config{Zone: "FR", Providers: []Provider{{Name: "entsoe", Only: "intensity", Key: keyFile(t, theKey)}}})
		run(t, s)
		sleep(30 * time.Second)
		newest := func() bool {
			s.mu.Lock()
			defer s.mu.Unlock()
			_, ok := s.vendors[0].shelves[Lifecycle].figures[slotOf(time.Now().Truncate(time.Hour))-1]
			return ok
		}
		// 51 GW generated and 1 GW more in than out of 60 GW: less than 90 %.
		if newest() {
			t.Error("a mix with a sixth of it missing was taken")
		}
		if d := s.Describe(); !strings.Contains(d, "generation of 51000 MW is less than 90 % of load and exports of 59000 MW") {
			t.Error(d)
		}
		w.change(func() { load = 57000 })
		sleep(40 * time.Minute)
		if !newest() {
			t.Errorf("a mix of 51 GW was not taken for a load of 56 GW without the rest: %s", s.Describe())
		}
	})
}

func TestWhenAMixCanBeCheckedAgainstItsLoad(t *testing.T) {
	at := slot(20_000) * aDay
	for name, tc := range map[string]struct {
		load, in, out map[slot]float64
		now           slot
		want          string
	}{
		"enough":                    {map[slot]float64{at: 1000}, map[slot]float64{at: 100}, nil, at, "<nil>"},
		"not enough":                {map[slot]float64{at: 1000}, map[slot]float64{at: 0}, map[slot]float64{at: 200}, at, "generation of 900 MW is less than 90 % of load and exports of 1200 MW"},
		"load to come":              {map[slot]float64{at - 1: 1000}, map[slot]float64{at: 100}, nil, at + 1, errNotYet.Error()},
		"load that never came":      {map[slot]float64{at - 1: 1000}, map[slot]float64{at: 100}, nil, at + 100, "<nil>"},
		"no load ever":              {nil, map[slot]float64{at: 100}, nil, at + 1, "<nil>"},
		"flows to come":             {map[slot]float64{at: 5000}, map[slot]float64{at - 1: 100}, nil, at + 1, errNotYet.Error()},
		"a border that nobody says": {map[slot]float64{at: 5000}, nil, nil, at + 1, "<nil>"},
	} {
		e := &entsoe{balanced: true, area: area{EIC: "own", Neighbours: []string{"N"}}, zones: map[string]area{"N": {EIC: "other"}}, own: newGeneration(),
			load: tc.load, flows: map[flow]map[slot]float64{{"other", "own"}: tc.in, {"own", "other"}: tc.out}}
		e.own.mixes[at] = mixOf(t, map[string]float64{"B14": 900, "B04": -50})
		if got := fmt.Sprint(e.unbalanced(at, tc.now)); got != tc.want {
			t.Errorf("%s: %s, want %s", name, got, tc.want)
		}
	}
}

// flowDocument is an answer A11.
func flowDocument(from, to string, start, end time.Time, mw ...float64) string {
	return fmt.Sprintf(`<?xml version="1.0" encoding="UTF-8"?><Publication_MarketDocument xmlns="urn:iec62325.351:tc57wg16:451-3:publicationdocument:7:0"><type>A11</type><TimeSeries><in_Domain.mRID codingScheme="A01">%s</in_Domain.mRID><out_Domain.mRID codingScheme="A01">%s</out_Domain.mRID><quantity_Measure_Unit.name>MAW</quantity_Measure_Unit.name><curveType>A03</curveType>%s</TimeSeries></Publication_MarketDocument>`,
		to, from, curve(start, end, "PT60M", "quantity", mw...))
}

// TestImportsAreTracedThroughTheNeighbours has Portugal buy half of what it uses
// from Spain, which burns gas.
func TestImportsAreTracedThroughTheNeighbours(t *testing.T) {
	virtual(t, func(t *testing.T) {
		w := newWorld()
		w.on("/api", func(rw http.ResponseWriter, r *http.Request) {
			q := r.URL.Query()
			end := time.Now().UTC().Truncate(time.Hour)
			from := end.Add(-96 * time.Hour)
			if q.Get("documentType") == "A11" {
				mw := 0.0
				if q.Get("out_Domain") == eics("ES") {
					mw = 1000
				}
				io.WriteString(rw, flowDocument(q.Get("out_Domain"), q.Get("in_Domain"), from, end, mw))
				return
			}
			zone, code, mw := "PT", "B19", 1000.0
			if q.Get("in_Domain") == eics("ES") {
				zone, code, mw = "ES", "B04", 9000
			}
			io.WriteString(rw, gl("A75", plant(zone, code, curve(from, end, "PT60M", "quantity", mw))))
		})
		s := open(t, w, Config{Zone: "PT", Providers: []Provider{{Name: "entsoe", Only: "intensity", Trace: []string{"ES"}, Key: keyFile(t, theKey)}}})
		run(t, s)
		sleep(30 * time.Second)
		s.mu.Lock()
		defer s.mu.Unlock()
		at := slotOf(time.Now()) - 5
		for name, want := range map[string]string{"entsoe-traced": "250.5 1", "entsoe": "11 2"} {
			f := s.vendors[s.rank(name)].shelves[Lifecycle].figures[at]
			if got := fmt.Sprintf("%v %d", f.value, f.basis.Tier()); got != want {
				t.Errorf("%s: %s, want %s", name, got, want)
			}
		}
		if c, ok := s.choose(Lifecycle, at); !ok || c.provider != "entsoe-traced" {
			t.Errorf("%+v is chosen", c)
		}
	})
}

func TestTracingWithoutASource(t *testing.T) {
	if _, err := consumed([]node{{}, {}}, [][]float64{{0, 1}, {1, 0}}); err != errSingular {
		t.Errorf("a circle: %v", err)
	}
	x, err := consumed([]node{{generated: 1, intensity: 5}, {}}, [][]float64{{0, 0}, {0, 0}})
	if err != nil || x[0] != 5 || x[1] == x[1] {
		t.Errorf("a zone into which nothing comes: %v, %v", x, err)
	}
	x, err = consumed([]node{{generated: 1, intensity: 0}, {intensity: 300, fixed: true}}, [][]float64{{0, 3}, {0, 0}})
	if err != nil || !agrees(x[0], 225) {
		t.Errorf("beside a zone of which only a yearly figure is known: %v, %v", x, err)
	}
}

// TestAMonthThatIsTooMuchToAsk has a server that answers for short times only.
func TestAMonthThatIsTooMuchToAsk(t *testing.T) {
	virtual(t, func(t *testing.T) {
		w := newWorld()
		most := 3 * 24 * time.Hour
		w.on("/api", func(rw http.ResponseWriter, r *http.Request) {
			from, err := time.Parse("200601021504", r.URL.Query().Get("periodStart"))
			if err != nil || time.Since(from) > most {
				http.Error(rw, "too slow", http.StatusGatewayTimeout)
				return
			}
			io.WriteString(rw, generationTo(r, time.Now(), time.Now()))
		})
		s := open(t, w, Config{Zone: "FR", Providers: []Provider{{Name: "entsoe", Only: "intensity", NoBalance: true, Key: keyFile(t, theKey)}}})
		run(t, s)
		sleep(10 * time.Minute)
		known := func() int {
			s.mu.Lock()
			defer s.mu.Unlock()
			return len(s.vendors[0].shelves[Lifecycle].figures)
		}
		if n := known(); n < int(aDay) || n > int(3*aDay) {
			t.Errorf("%d quarters are known of two days", n)
		}
		w.change(func() { most = 100 * 24 * time.Hour })
		sleep(2 * time.Hour)
		if n := known(); n < int(30*aDay) {
			t.Errorf("%d quarters are known after the month was asked for again", n)
		}
	})
}
