package carbon

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/secret"
)

// A Source is what an agent reads, says, runs and waits for.
var _ interface {
	Name() string
	Read(context.Context, time.Time, []metric.Raw) (*metric.Layout, []metric.Raw, error)
	Describe() string
	Run(context.Context) error
	Settle(context.Context)
} = (*Source)(nil)

func TestConfigurationsThatCannotBe(t *testing.T) {
	key := Key{Env: "GRID_KEY"}
	one := func(zone string, p Provider) Config { return Config{Zone: zone, Providers: []Provider{p}} }
	for name, tc := range map[string]struct {
		c    Config
		fail string
	}{
		"no zone":                             {Config{}, `zone ""`},
		"a zone that is a path":               {Config{Zone: "../x"}, `zone "../x"`},
		"nothing to read":                     {Config{Zone: "FR"}, "no provider is configured"},
		"an unknown provider":                 {one("FR", Provider{Name: "watttime"}), "provider watttime: not known; there are"},
		"a provider twice":                    {Config{Zone: "FR", Providers: []Provider{{Name: "eco2mix"}, {Name: "eco2mix"}}}, "eco2mix is there twice"},
		"no key":                              {one("FR", Provider{Name: "entsoe"}), "it needs a key: a security token"},
		"a zone without a code":               {one("MARS", Provider{Name: "entsoe", Key: key}), "say its code (EIC) as area"},
		"a zone that is not there":            {one("GB", Provider{Name: "electricitymaps", Key: key}), "say its name there as area"},
		"not France":                          {one("ES", Provider{Name: "eco2mix"}), "it knows France only"},
		"not in the table":                    {one("GB", Provider{Name: "yearly"}), "table ember-2024 has no figure for GB"},
		"a key in clear":                      {one("FR", Provider{Name: "entsoe", Key: key, URL: "http://example.org"}), "http://example.org is not https"},
		"a password in the URL":               {one("FR", Provider{Name: "eco2mix", URL: "https://u:p@example.org"}), "without credentials or a query"},
		"a query in the URL":                  {one("FR", Provider{Name: "eco2mix", URL: "https://example.org?k=1"}), "without credentials or a query"},
		"every second":                        {one("FR", Provider{Name: "eco2mix", Period: time.Second}), "period 1s is not from 1m to 24h"},
		"only the weather":                    {one("FR", Provider{Name: "eco2mix", Only: "weather"}), `only "weather"`},
		"too long a past":                     {one("FR", Provider{Name: "electricitymaps", Key: key, PastDays: 11}), "past_days 11"},
		"tracing without France's neighbours": {one("FR", Provider{Name: "entsoe", Key: key, Trace: []string{"BE", "ES"}}), "trace: CH is missing, a neighbour of FR"},
		"tracing Mars":                        {one("FR", Provider{Name: "entsoe", Key: key, Trace: []string{"MARS"}}), `trace: zone "MARS" is not known`},
		"weather of two kinds":                {Config{Zone: "FR", Weather: Weather{File: "a", URL: secret.At("https://b.example"), Value: "t"}}, "either a file or a url"},
		"weather in kelvin":                   {Config{Zone: "FR", Weather: Weather{File: "a", Unit: "kelvin"}}, `unit "kelvin"`},
		"weather without a place":             {Config{Zone: "FR", Weather: Weather{URL: secret.At("https://b.example")}}, "want the place of the value"},
		"a key without a header":              {Config{Zone: "FR", Weather: Weather{File: "a", Key: key}}, "a key goes with"},
		"a timeout of a day":                  {Config{Zone: "FR", Timeout: 24 * time.Hour}, "timeout"},
		"factors of nobody":                   {Config{Zone: "FR", Lifecycle: "x", Providers: []Provider{{Name: "entsoe", Key: key}}}, `factor set "x" is not known`},
	} {
		if _, err := New(tc.c); err == nil || !strings.Contains(err.Error(), tc.fail) {
			t.Errorf("%s: %v, want %q", name, err, tc.fail)
		}
	}
}

// TestZones checks the table: neighbours know each other, and no code is there
// twice.
func TestZones(t *testing.T) {
	zones, err := zoneTable()
	if err != nil {
		t.Fatal(err)
	}
	codes := map[string]string{}
	for name, z := range zones {
		if len(z.EIC) != 16 || codes[z.EIC] != "" {
			t.Errorf("%s: code %q, which %q has too", name, z.EIC, codes[z.EIC])
		}
		codes[z.EIC] = name
		for _, n := range z.Neighbours {
			found := false
			for _, back := range zones[n].Neighbours {
				found = found || back == name
			}
			if !found {
				t.Errorf("%s has neighbour %s, but not the other way", name, n)
			}
		}
	}
}

func TestReadingsHaveTheEntitiesOfTheGrid(t *testing.T) {
	virtual(t, func(t *testing.T) {
		w := newWorld()
		w.maps("FR", func(time.Time) (any, bool) { return 58, false })
		start := time.Now().UTC().Truncate(24 * time.Hour)
		w.says("/api", func() string { return prices("FR", "1", start, start.Add(24*time.Hour), "PT60M", "A03", 42.5) })
		w.says("/now", func() string { return `{"temp":3.5}` })
		s := open(t, w, Config{
			Place: metric.Place{Hall: "h01", Host: "grid-1"}, Zone: "FR",
			Providers: []Provider{{Name: "electricitymaps", Key: keyFile(t, theKey)}, {Name: "entsoe", Only: "price", Key: keyFile(t, theKey)}, {Name: "yearly"}},
			Weather:   Weather{URL: secret.At("http://127.0.0.1/now"), Value: "temp"},
		})
		if got := shownAs(t, s, time.Now()); got != "" {
			t.Errorf("before anybody was asked: %s", got)
		}
		run(t, s)
		s.Settle(t.Context())
		sleep(15 * time.Minute)
		l, values, err := s.Read(t.Context(), time.Now(), []metric.Raw{7})
		if err != nil || len(values) != 5 || values[0] != 7 {
			t.Fatalf("%v, %v", values, err)
		}
		want := &metric.Layout{
			Entities: []metric.Entity{{Kind: metric.Hall, Name: "h01", Parent: -1}, {Kind: metric.Host, Name: "grid-1", Parent: 0},
				{Kind: metric.Zone, Name: "FR", Parent: -1, Labels: []metric.Pair{{Name: "provider", Value: "electricitymaps"}, {Name: "tier", Value: "1"}}},
				{Kind: metric.Zone, Name: "FR", Parent: -1, Labels: []metric.Pair{{Name: "provider", Value: "entsoe"}, {Name: "tier", Value: "1"}}},
				{Kind: metric.Point, Name: "outside", Parent: -1}},
			Columns: []metric.Column{
				{Metric: metric.GridCarbonIntensity, Form: metric.Float, Point: 0, First: 2, Count: 1},
				{Metric: metric.GridCarbonIntensity, Form: metric.Float, Point: 1, First: 2, Count: 1},
				{Metric: metric.GridPrice, Form: metric.Float, First: 3, Count: 1},
				{Metric: metric.MeterTemperature, Form: metric.Float, First: 4, Count: 1},
			},
		}
		if diff := cmp.Diff(want, l); diff != "" {
			t.Error(diff)
		}
		again, _, _ := s.Read(t.Context(), time.Now().Add(time.Second), nil)
		if again != l {
			t.Error("another layout, though nothing changed")
		}
		if got, want := shownAs(t, s, time.Now()), strings.Join([]string{
			"grid_carbon_intensity_grams_per_kwh lifecycle FR electricitymaps 1 = 58", "grid_carbon_intensity_grams_per_kwh direct FR electricitymaps 1 = 58",
			"grid_price_eur_per_mwh FR entsoe 1 = 42.5", "meter_temperature_celsius outside = 3.5",
		}, "\n"); got != want {
			t.Errorf("shown:\n%s\nwant:\n%s", got, want)
		}
		if got, want := s.Describe(), "FR: lifecycle 58.0 g/kWh (electricitymaps, tier 1, consumed); direct 58.0 g/kWh (electricitymaps, tier 1, consumed); price 42.5 EUR/MWh (entsoe, tier 1, auctioned); outside 3.5 °C"; got != want {
			t.Errorf("described as\n%s\nwant\n%s", got, want)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, _, err := s.Read(ctx, time.Now(), nil); err == nil {
			t.Error("a reading that nobody waits for was taken")
		}
	})
}

func TestWeatherIsOfThePresentOrMissing(t *testing.T) {
	virtual(t, func(t *testing.T) {
		w := newWorld()
		at := time.Now().UTC()
		w.says("/now", func() string { return fmt.Sprintf(`{"temp":3.5,"at":%q}`, at.Format("2006-01-02T15:04")) })
		s := open(t, w, Config{Zone: "FR", Weather: Weather{URL: secret.At("http://127.0.0.1/now"), Value: "temp", Time: "at"}})
		run(t, s)
		sleep(time.Minute)
		if got := shownAs(t, s, time.Now()); got != "meter_temperature_celsius outside = 3.5" {
			t.Error(got)
		}
		sleep(119 * time.Minute) // it says the same for two hours
		if got := shownAs(t, s, time.Now()); got != "meter_temperature_celsius outside = 3.5" {
			t.Error(got)
		}
		sleep(time.Minute)
		if got := shownAs(t, s, time.Now()); got != "" {
			t.Errorf("a reading of two hours ago is shown: %s", got)
		}
		w.change(func() { at = time.Now().Add(time.Hour) })
		sleep(10 * time.Minute)
		if got := s.Describe(); !strings.Contains(got, "which is to come") {
			t.Error(got)
		}
	})
}

// TestProvidersAreAskedOneThingAtATime, no faster than their pace, and wait for as
// long as they say.
func TestProvidersAreAskedOneThingAtATime(t *testing.T) {
	virtual(t, func(t *testing.T) {
		w := newWorld()
		w.maps("FR", func(time.Time) (any, bool) { return 58, false })
		s := open(t, w, Config{Zone: "FR", pace: time.Second, Providers: []Provider{{Name: "electricitymaps", Key: keyFile(t, theKey)}}})
		run(t, s)
		sleep(3 * time.Hour)
		if w.most != 1 {
			t.Errorf("%d requests at once", w.most)
		}
		for i := range w.asked[1:] {
			if d := w.asked[i+1].at.Sub(w.asked[i].at); d < time.Second {
				t.Errorf("request %d came %v after the one before", i+1, d)
			}
		}
		// Two kinds of factors, every ten to eleven minutes.
		if n := len(w.times(historyPath)); n < 2*16 || n > 2*19 {
			t.Errorf("asked %d times in three hours", n)
		}
		w.on(historyPath, hostile(429, http.Header{"Retry-After": {"1800"}}, ""))
		began := len(w.times(latestPath)) + len(w.times(historyPath))
		sleep(15 * time.Minute) // the first is told to wait, for all
		w.maps("FR", func(time.Time) (any, bool) { return 59, false })
		sleep(14 * time.Minute)
		if n := len(w.times(latestPath)) + len(w.times(historyPath)) - began; n != 1 {
			t.Errorf("asked %d times while it was to be left alone", n)
		}
		sleep(20 * time.Minute)
		if n := len(w.times(latestPath)) + len(w.times(historyPath)) - began; n < 5 {
			t.Errorf("asked %d times in all: not again", n)
		}
	})
}

func TestAFailingProviderIsAskedLessAndLessOften(t *testing.T) {
	virtual(t, func(t *testing.T) {
		w := newWorld()
		w.on("/co2eq", hostile(500, nil, ""))
		w.says("/v2/price", func() string { return `{"unit":"EUR/MWh","resolution":"PT60M","data":[]}` })
		var log logged
		s := open(t, w, Config{Zone: "FR", Logger: log.logger(), Providers: []Provider{{Name: "energycharts"}}})
		run(t, s)
		sleep(24 * time.Hour)
		times := w.times("/co2eq")
		if len(times) < 26 || len(times) > 32 {
			t.Errorf("a failing feed was asked %d times in a day", len(times))
		}
		var gaps []time.Duration
		for i := range times[1:] {
			gaps = append(gaps, times[i+1].Sub(times[i]))
		}
		for i, want := range []time.Duration{1, 2, 4, 8, 16, 32, 60, 60} {
			if low := want * time.Minute; gaps[i] < low || gaps[i] > low*11/10+2*time.Second {
				t.Errorf("gap %d is %v, want %v and a little", i, gaps[i], low)
			}
		}
		if n := len(w.times("/v2/price")); n < 40 {
			t.Errorf("the feed beside it was asked %d times in a day", n)
		}
		if n := strings.Count(log.String(), "fails"); n != 1 {
			t.Errorf("said %d times: %s", n, log.String())
		}
	})
}
