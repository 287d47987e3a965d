package carbon

import (
	"fmt"
	"math"
	"testing"
	"time"
)

// fine fails on figures that a shelf would have to refuse for more than their
// size and place.
func fine(t *testing.T, list []figure) {
	for _, f := range list {
		if math.IsNaN(f.value) || math.IsInf(f.value, 0) || f.basis == 0 || f.basis.derived() {
			t.Fatalf("%+v", f)
		}
	}
	var s shelf
	for _, q := range []Quantity{Lifecycle, Price} {
		s.put(q, list, 2_000_000)
	}
	for at, f := range s.figures {
		if at.start() < f.from || at.start() >= f.to {
			t.Fatalf("%+v at %d", f, at)
		}
	}
}

func FuzzDocument(f *testing.F) {
	start := time.Date(2026, 1, 15, 23, 0, 0, 0, time.UTC)
	f.Add([]byte(prices("FR", "1", start, start.Add(time.Hour), "PT15M", "A03", 1, math.NaN(), 3)))
	f.Add([]byte(gl("A75", plant("FR", "B14", curve(start, start.Add(time.Hour), "PT15M", "quantity", 1)))))
	f.Add([]byte(gl("A65", plant("FR", "B14", curve(start, start.Add(time.Hour), "PT15M", "quantity", 1)))))
	f.Add([]byte(flowDocument(eics("ES"), eics("FR"), start, start.Add(time.Hour), 5)))
	f.Add([]byte(noData))
	f.Add(fmt.Appendf(nil, v16, ""))
	lifecycle, direct := builtIn(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		list, err := parsePrices(b, eics("FR"), 1, 1)
		if err == nil {
			fine(t, list)
		}
		g := newGeneration()
		if _, err := g.take(b, eics("FR")); err == nil {
			var first, end slot = math.MaxInt64, 0
			for at := range g.mixes {
				first, end = min(first, at), max(end, at+1)
			}
			if end-first < 1000 {
				for q, set := range []*factorSet{lifecycle, direct} {
					list, _ := g.figures(Quantity(q), set, first, end, func(slot) error { return nil })
					fine(t, list)
				}
			}
		}
		for _, kind := range []string{"A65", "A11"} {
			m := map[slot]float64{}
			_ = parseCurve(b, map[string]string{"A65": "GL_MarketDocument", "A11": "Publication_MarketDocument"}[kind], kind, func(*series) bool { return true }, m)
			for at, mw := range m {
				if math.Abs(mw) > mostMegawatts || at < 0 {
					t.Fatalf("%v MW at %d", mw, at)
				}
			}
		}
	})
}

func FuzzElectricityMaps(f *testing.F) {
	at := time.Date(2026, 1, 15, 9, 0, 0, 0, time.UTC)
	f.Add([]byte(intensity("FR", "lifecycle", at, 58, false)))
	f.Add([]byte(`{"zone":"FR","history":[` + intensity("FR", "lifecycle", at, "null", true) + `]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if list, err := parseElectricityMaps(b, "FR", Lifecycle, 1); err == nil {
			fine(t, list)
		}
	})
}

func FuzzEnergyCharts(f *testing.F) {
	f.Add([]byte(`{"unix_seconds":[1768467600,1768468500],"co2eq":[300.5,null],"co2eq_forecast":[null,1]}`))
	f.Add([]byte(`{"resolution":"PT15M","unit":"EUR/MWh","data":[{"timestamp":"2026-01-15T10:00:00+01:00","values":{"day_ahead_price":-3}}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if list, err := parseEnergyCharts(b, 1); err == nil {
			fine(t, list)
		}
		if list, err := parseEnergyChartsPrice(b, 1); err == nil {
			fine(t, list)
		}
	})
}

func FuzzEco2mix(f *testing.F) {
	f.Add([]byte(`{"total_count":1,"results":[{"date_heure":"2026-01-15T10:00:00+01:00","taux_co2":21},{"date_heure":"2026-01-15T10:15:00+01:00","taux_co2":null}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if rows, err := parseEco2mix(b); err == nil {
			fine(t, eco2mixFigures(rows, 1))
		}
	})
}

func FuzzWeather(f *testing.F) {
	f.Add([]byte(`{"current":{"time":"2026-01-15T11:45","temperature_2m":-3.4}}`), "current.temperature_2m", "current.time")
	f.Add([]byte("12.5"), "", "")
	f.Fuzz(func(t *testing.T, b []byte, value, at string) {
		celsius, _, err := parseWeather(b, &Weather{Value: value, Time: at})
		if err == nil && !(celsius >= -80 && celsius <= 65) {
			t.Fatal(celsius)
		}
	})
}

func FuzzTables(f *testing.F) {
	f.Add(yearlyJSON)
	f.Add(factorsJSON)
	f.Fuzz(func(t *testing.T, b []byte) {
		if table, err := parseYearly(b); err == nil {
			for zone, grams := range table.Grams {
				if !(grams >= 0 && grams <= 4000) {
					t.Fatal(zone, grams)
				}
			}
		}
		if sets, err := parseFactors(b); err == nil {
			m := emptyMix()
			for i := range m {
				m[i] = 1
			}
			for _, set := range sets {
				if grams, err := set.intensity(m, 100); err == nil && !(grams >= 0 && grams <= 4000) {
					t.Fatal(grams)
				}
			}
		}
	})
}

func FuzzJournalLine(f *testing.F) {
	for _, e := range []entry{
		{Kind: "start", Slot: 5, Revised: 9},
		figureEntry(Price, "entsoe", &figure{from: 900, to: 4500, value: -3.2, basis: Auctioned, set: "day-ahead", fetched: 7}),
		{Kind: "revise", Slot: 1, Provider: "x", From: 900, To: 1800, Basis: Yearly, Revised: 3, Found: 5, Was: &entry{Kind: "figure"}},
	} {
		b, err := appendLine(nil, &e)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b[:len(b)-1])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		// What has a good checksum may still have been written by somebody else.
		if len(b) > 9 {
			b = appendSum(nil, b[9:])
		}
		e, err := parseLine(b)
		if err != nil {
			return
		}
		var book book
		switch e.Kind {
		case "revise":
			book.recall(&e)
			fallthrough
		case "use":
			c := e.choice()
			c.word()
		}
		again, err := appendLine(nil, &e)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := parseLine(again[:len(again)-1]); err != nil || back.choice() != e.choice() {
			t.Fatalf("%+v comes back as %+v, %v", e, back, err)
		}
	})
}
