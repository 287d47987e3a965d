package carbon

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// known is how many quarters of an hour a provider has said something of.
func known(s *Source, name string, q Quantity) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.vendors[s.rank(name)].shelves[q].figures)
}

func TestEco2mixIsReadPageByPage(t *testing.T) {
	virtual(t, func(t *testing.T) {
		w := newWorld()
		const path = "/api/explore/v2.1/catalog/datasets/eco2mix-national-tr/records"
		broken := 3 // the page that is
		w.on(path, func(rw http.ResponseWriter, r *http.Request) {
			q := r.URL.Query()
			offset, _ := strconv.Atoi(q.Get("offset"))
			if q.Get("limit") != "100" || q.Get("timezone") != "UTC" || q.Get("where") != "taux_co2 is not null" || offset/100 == broken {
				http.Error(rw, "no", http.StatusBadRequest)
				return
			}
			newest := time.Now().UTC().Add(-time.Hour).Truncate(15 * time.Minute)
			var rows []string
			for i := range 100 {
				at := newest.Add(-time.Duration(offset+i) * 15 * time.Minute)
				rows = append(rows, fmt.Sprintf(`{"date_heure":%q,"taux_co2":%d}`, at.Format("2006-01-02T15:04:05+00:00"), 20+at.Hour()))
			}
			io.WriteString(rw, `{"total_count":2976,"results":[`+strings.Join(rows, ",")+`]}`)
		})
		s := open(t, w, Config{Zone: "FR", Providers: []Provider{{Name: "eco2mix"}}})
		run(t, s)
		sleep(10 * time.Second)
		if n := known(s, "eco2mix", Direct); n != 300 {
			t.Errorf("%d quarters are known of three pages, want 300", n)
		}
		w.change(func() { broken = -1 })
		sleep(2 * time.Hour)
		if n := known(s, "eco2mix", Direct); n < 400 || n > 410 {
			t.Errorf("%d quarters are known of four pages and two hours", n)
		}
		if c, ok := s.choose(Direct, slotOf(time.Now())-6); !ok || c.basis != Generated || c.set != "eco2mix" {
			t.Errorf("%+v", c)
		}
		if n := known(s, "eco2mix", Lifecycle); n != 0 {
			t.Errorf("%d quarters of direct figures are taken for lifecycle", n)
		}
	})
}

func TestElectricityMapsOfThePast(t *testing.T) {
	virtual(t, func(t *testing.T) {
		w := newWorld()
		w.maps("FR", func(time.Time) (any, bool) { return 50, false })
		w.on("/v3/carbon-intensity/past-range", func(rw http.ResponseWriter, r *http.Request) {
			from, err := time.Parse(time.RFC3339, r.URL.Query().Get("start"))
			to, err2 := time.Parse(time.RFC3339, r.URL.Query().Get("end"))
			if err != nil || err2 != nil || to.Sub(from) != 3*24*time.Hour {
				http.Error(rw, "no", http.StatusBadRequest)
				return
			}
			var rows []string
			for at := from; at.Before(to); at = at.Add(time.Hour) {
				rows = append(rows, intensity("FR", r.URL.Query().Get("emissionFactorType"), at, 50, false))
			}
			fmt.Fprintf(rw, `{"zone":"FR","temporalGranularity":"hourly","data":[%s]}`, strings.Join(rows, ","))
		})
		s := open(t, w, Config{Zone: "FR", Providers: []Provider{{Name: "electricitymaps", PastDays: 3, Key: keyFile(t, theKey)}}})
		run(t, s)
		sleep(10 * time.Second)
		for _, q := range []Quantity{Lifecycle, Direct} {
			if n := known(s, "electricitymaps", q); n != 3*96+4 {
				t.Errorf("%d quarters of %s are known, want those of three days and an hour", n, q)
			}
		}
	})
}

func TestEnergyChartsFillsInForTheAuction(t *testing.T) {
	virtual(t, func(t *testing.T) {
		w := newWorld()
		noon := time.Now().Unix()
		w.on("/co2eq", func(rw http.ResponseWriter, r *http.Request) {
			if q := r.URL.Query(); q.Get("country") != "de" || q.Get("start") != "2026-01-12" || q.Get("end") != "2026-01-16" {
				http.Error(rw, q.Encode(), http.StatusBadRequest)
				return
			}
			fmt.Fprintf(rw, `{"unix_seconds":[%d,%d,%d],"co2eq":[300,null,null],"co2eq_forecast":[310,320,null],"deprecated":false}`, noon-900, noon, noon+900)
		})
		w.on("/v2/price", func(rw http.ResponseWriter, r *http.Request) {
			if r.URL.Query().Get("bzn") != "DE-LU" {
				http.Error(rw, "no", http.StatusBadRequest)
				return
			}
			fmt.Fprintf(rw, `{"schema_version":"2.0","resolution":"PT15M","unit":"EUR/MWh","series":[],"data":[{"timestamp":"2026-01-15T13:00:00+01:00","values":{"day_ahead_price":-7.5}}]}`)
		})
		w.says("/api", func() string { return noData })
		s := open(t, w, Config{Zone: "DE-LU", Providers: []Provider{{Name: "entsoe", Key: keyFile(t, theKey)}, {Name: "energycharts"}, {Name: "yearly"}}})
		run(t, s)
		sleep(10 * time.Second)
		want := "grid_carbon_intensity_grams_per_kwh lifecycle DE-LU energycharts 3 = 320\ngrid_price_eur_per_mwh DE-LU energycharts 1 = -7.5"
		if got := shownAs(t, s, time.Now()); got != want {
			t.Errorf("shown:\n%s\nwant:\n%s", got, want)
		}
		if d := s.Describe(); !strings.Contains(d, "entsoe generation fails: answer of 127.0.0.1: no data: 999 No matching data found") {
			t.Error(d)
		}
	})
}

func TestWeatherInAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "outside")
	s, err := New(Config{Zone: "FR", Weather: Weather{File: path, Unit: "fahrenheit", Point: "roof"}})
	if err != nil {
		t.Fatal(err)
	}
	f := s.pollers[0].feeds[0]
	now := time.Now()
	ask := func() error {
		_, err := f.fetch(t.Context(), now)
		return err
	}
	if err := ask(); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("%v", err)
	}
	write := func(text string, age time.Duration) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, now, now.Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	write("50\n", time.Minute)
	if err := ask(); err != nil {
		t.Error(err)
	}
	if got := shownAs(t, s, now); got != "meter_temperature_celsius roof = 10" {
		t.Error(got)
	}
	write("32\n", 3*time.Hour) // somebody stopped writing
	if err := ask(); err != nil {
		t.Error(err)
	}
	if got := shownAs(t, s, now); got != "" {
		t.Errorf("of three hours ago: %s", got)
	}
	write(strings.Repeat("1", 2<<20), 0)
	if err := ask(); err == nil || !strings.Contains(err.Error(), "more than 1048576 bytes") {
		t.Errorf("%v", err)
	}
}

// TestTracingWithWhatIsKnown takes the knowledge of one zone and of one border
// away.
func TestTracingWithWhatIsKnown(t *testing.T) {
	at := slot(20_000) * aDay
	lifecycle, direct := builtIn(t)
	made := func() *entsoe {
		s := &Source{}
		table, err := parseYearly(yearlyJSON)
		if err != nil {
			t.Fatal(err)
		}
		s.yearly = table
		zones, err := zoneTable()
		if err != nil {
			t.Fatal(err)
		}
		e := &entsoe{source: s, area: zones["PT"], zones: zones, trace: []string{"PT", "ES", "FR"}, sets: [2]*factorSet{lifecycle, direct},
			own: newGeneration(), others: map[string]*generation{"ES": newGeneration(), "FR": newGeneration()}, flows: map[flow]map[slot]float64{}}
		for g, grams := range map[*generation]float64{e.own: 0, e.others["ES"]: 100, e.others["FR"]: 50} {
			g.mixes[at] = mixOf(t, map[string]float64{"B19": 1000})
			g.grams = [2]map[slot]float64{{at: grams}, {at: grams / 2}}
		}
		e.flows[flow{eics("ES"), eics("PT")}] = map[slot]float64{at: 1000}
		e.flows[flow{eics("FR"), eics("ES")}] = map[slot]float64{at: 1000}
		return e
	}
	for name, tc := range map[string]struct {
		take func(e *entsoe)
		q    Quantity
		want string
	}{
		"all":                       {func(*entsoe) {}, Lifecycle, "37.5 <nil>"},
		"direct":                    {func(*entsoe) {}, Direct, "18.75 <nil>"},
		"a neighbour's generation":  {func(e *entsoe) { delete(e.others["ES"].mixes, at) }, Lifecycle, "73 <nil>"}, // 146 g of the yearly table
		"that, and no yearly table": {func(e *entsoe) { delete(e.others["ES"].mixes, at) }, Direct, "0 generation of ES is not known"},
		"its own generation":        {func(e *entsoe) { delete(e.own.grams[0], at) }, Lifecycle, "0 generation of the zone itself is not known"},
		"its own border":            {func(e *entsoe) { clear(e.flows[flow{eics("ES"), eics("PT")}]) }, Lifecycle, "0 flow between ES and PT is not known"},
		"a border further away":     {func(e *entsoe) { clear(e.flows[flow{eics("FR"), eics("ES")}]) }, Lifecycle, "50 <nil>"},
	} {
		e := made()
		tc.take(e)
		x, err := e.traceAt(tc.q, at)
		if got := fmt.Sprintf("%.4g %v", x, err); got != tc.want {
			t.Errorf("without %s: %s, want %s", name, got, tc.want)
		}
	}
}
