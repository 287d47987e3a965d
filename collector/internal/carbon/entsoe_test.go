package carbon

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const stamp = "2006-01-02T15:04Z"

// eics are the codes of the zones that the tests use.
func eics(zone string) string {
	zones, err := zoneTable()
	if err != nil {
		panic(err)
	}
	return zones[zone].EIC
}

// curve is the part of a document from start to end, in which NaN leaves a
// position out.
func curve(start, end time.Time, resolution, element string, values ...float64) string {
	var b strings.Builder
	fmt.Fprintf(&b, "<Period><timeInterval><start>%s</start><end>%s</end></timeInterval><resolution>%s</resolution>", start.Format(stamp), end.Format(stamp), resolution)
	for i, v := range values {
		if !math.IsNaN(v) {
			fmt.Fprintf(&b, "<Point><position>%d</position><%s>%v</%s></Point>", i+1, element, v, element)
		}
	}
	b.WriteString("</Period>")
	return b.String()
}

// prices is a document A44 of one series; a sequence "" is left out.
func prices(zone, sequence string, start, end time.Time, resolution, curveType string, values ...float64) string {
	return pricesOf(priceSeries(zone, sequence, start, end, resolution, curveType, values...))
}

func pricesOf(series ...string) string {
	return `<?xml version="1.0" encoding="utf-8"?><Publication_MarketDocument xmlns="urn:iec62325.351:tc57wg16:451-3:publicationdocument:7:3"><type>A44</type><createdDateTime>2026-01-15T11:00:00Z</createdDateTime>` +
		strings.Join(series, "") + `</Publication_MarketDocument>`
}

func priceSeries(zone, sequence string, start, end time.Time, resolution, curveType string, values ...float64) string {
	if sequence != "" {
		sequence = "<classificationSequence_AttributeInstanceComponent.position>" + sequence + "</classificationSequence_AttributeInstanceComponent.position>"
	}
	return fmt.Sprintf(`<TimeSeries><mRID>1</mRID><auction.type>A01</auction.type><businessType>A62</businessType><in_Domain.mRID codingScheme="A01">%[1]s</in_Domain.mRID><out_Domain.mRID codingScheme="A01">%[1]s</out_Domain.mRID><contract_MarketAgreement.type>A01</contract_MarketAgreement.type><currency_Unit.name>EUR</currency_Unit.name><price_Measure_Unit.name>MWH</price_Measure_Unit.name>%[2]s<curveType>%[3]s</curveType>%[4]s</TimeSeries>`,
		eics(zone), sequence, curveType, curve(start, end, resolution, "price.amount", values...))
}

// gl is a document of generation or load.
func gl(kind string, series ...string) string {
	return `<?xml version="1.0" encoding="UTF-8"?><GL_MarketDocument xmlns="urn:iec62325.351:tc57wg16:451-6:generationloaddocument:3:0"><type>` + kind +
		`</type><process.processType>A16</process.processType><createdDateTime>` + time.Now().UTC().Format(time.RFC3339) + `</createdDateTime>` + strings.Join(series, "") + `</GL_MarketDocument>`
}

func plant(zone, code, period string) string {
	return fmt.Sprintf(`<TimeSeries><inBiddingZone_Domain.mRID codingScheme="A01">%s</inBiddingZone_Domain.mRID><quantity_Measure_Unit.name>MAW</quantity_Measure_Unit.name><curveType>A03</curveType><MktPSRType><psrType>%s</psrType></MktPSRType>%s</TimeSeries>`, eics(zone), code, period)
}

const acknowledgement = `<?xml version="1.0" encoding="UTF-8"?><Acknowledgement_MarketDocument xmlns="urn:iec62325.351:tc57wg16:451-1:acknowledgementdocument:8:0"><mRID>x</mRID><Reason><code>%s</code><text>%s</text></Reason></Acknowledgement_MarketDocument>`

var noData = fmt.Sprintf(acknowledgement, "999", "No matching data found for Data item Day-ahead Prices [12.1.D].")

func TestPricesOfADocument(t *testing.T) {
	start := time.Date(2026, 1, 15, 23, 0, 0, 0, time.UTC)
	hour := start.Add(time.Hour)
	x := math.NaN()
	for name, tc := range map[string]struct {
		doc  string
		want []float64 // of the quarters from start on
		fail string
	}{
		"quarters":                          {prices("FR", "", start, hour, "PT15M", "A01", 1, 2, 3, 4), []float64{1, 2, 3, 4}, ""},
		"an hour":                           {prices("FR", "1", start, hour, "PT60M", "A01", 50), []float64{50, 50, 50, 50}, ""},
		"half hours":                        {prices("FR", "1", start, hour, "PT30M", "A03", 50), []float64{50, 50, 50, 50}, ""},
		"left out is repeated":              {prices("FR", "1", start, hour, "PT15M", "A03", 7, x, x, 8), []float64{7, 7, 7, 8}, ""},
		"left out is missing":               {prices("FR", "1", start, hour, "PT15M", "A01", 7, x, x, 8), []float64{7, x, x, 8}, ""},
		"the first left out":                {prices("FR", "1", start, hour, "PT15M", "A03", x, 5, x, 8), []float64{x, 5, 5, 8}, ""},
		"nothing repeats past the period":   {prices("FR", "1", start, start.Add(30*time.Minute), "PT15M", "A03", 5), []float64{5, 5, x, x}, ""},
		"below zero":                        {prices("FR", "1", start, hour, "PT60M", "A01", -499.99), []float64{-499.99, -499.99, -499.99, -499.99}, ""},
		"another auction beside":            {pricesOf(priceSeries("FR", "2", start, hour, "PT60M", "A01", 9), priceSeries("FR", "1", start, hour, "PT60M", "A01", 8)), []float64{8, 8, 8, 8}, ""},
		"another auction only":              {prices("FR", "2", start, hour, "PT60M", "A01", 9), nil, "no data of auction 1 yet, only of [2]"},
		"intraday beside":                   {pricesOf(strings.Replace(priceSeries("FR", "", start, hour, "PT60M", "A01", 9), ">A01</contract", ">A07</contract", 1), priceSeries("FR", "", start, hour, "PT60M", "A01", 8)), []float64{8, 8, 8, 8}, ""},
		"two resolutions, the finer counts": {pricesOf(priceSeries("FR", "1", start, hour, "PT15M", "A01", 1, 2, x, 4), priceSeries("FR", "1", start, hour, "PT60M", "A01", 8)), []float64{1, 2, 8, 4}, ""},
		"two prices for an hour":            {pricesOf(priceSeries("FR", "1", start, hour, "PT60M", "A01", 9), priceSeries("FR", "1", start, hour, "PT60M", "A01", 8)), nil, "two prices, 9 and 8, from 2026-01-15T23:00:00Z"},
		"the same price twice":              {pricesOf(priceSeries("FR", "1", start, hour, "PT60M", "A01", 8), priceSeries("FR", "1", start, hour, "PT60M", "A01", 8)), []float64{8, 8, 8, 8}, ""},
		"other money":                       {strings.Replace(prices("FR", "1", start, hour, "PT60M", "A01", 9), ">EUR<", ">PLN<", 1), nil, "prices in PLN per MWH where EUR per MWH is wanted"},
		"another unit":                      {strings.Replace(prices("FR", "1", start, hour, "PT60M", "A01", 9), ">MWH<", ">KWH<", 1), nil, "prices in EUR per KWH where EUR per MWH is wanted"},
		"another zone":                      {prices("ES", "1", start, hour, "PT60M", "A01", 9), nil, "prices of 10YES-REE------0 and 10YES-REE------0 where 10YFR-RTE------C is wanted"},
		"no data with status 200":           {noData, nil, "no data: 999 No matching data found for Data item Day-ahead Prices [12.1.D]."},
		"refused with status 200":           {fmt.Sprintf(acknowledgement, "999", "Delivered time interval is not valid"), nil, "acknowledgement: 999 Delivered time interval is not valid"},
		"another document":                  {gl("A75"), nil, `document "GL_MarketDocument" where Publication_MarketDocument is wanted`},
		"a document of flows":               {strings.Replace(pricesOf(), ">A44<", ">A11<", 1), nil, `document of type "A11" where A44 is wanted`},
		"a curve of another type":           {prices("FR", "1", start, hour, "PT60M", "A05", 9), nil, `prices: curve type "A05" is not known`},
		"a resolution of another kind":      {prices("FR", "1", start, hour, "P1D", "A01", 9), nil, `prices: resolution "P1D" is not known`},
		"too many positions":                {prices("FR", "1", start, hour, "PT60M", "A01", 9, 10), nil, `prices: position "2" of 1`},
		"a period that is not whole":        {prices("FR", "1", start, hour.Add(time.Minute), "PT60M", "A01", 9), nil, "prices: period from 2026-01-15T23:00Z to 2026-01-16T00:01Z is no whole number of PT60M"},
		"an endless period":                 {prices("FR", "1", start, start.AddDate(4000, 0, 0), "PT15M", "A03", 9), nil, "prices: more than 1048576 values"},
		"a price that is no number":         {prices("FR", "1", start, hour, "PT60M", "A01", math.Inf(1)), nil, `prices: value "+Inf" at position 1`},
		"cut off":                           {prices("FR", "1", start, hour, "PT60M", "A01", 9)[:300], nil, "read document: XML syntax error on line 1: unexpected EOF"},
		"a web page":                        {"<!DOCTYPE html><html><body>Service down</body></html>", nil, `document "html" where Publication_MarketDocument is wanted`},
		"nothing":                           {"", nil, "read document: EOF"},
	} {
		list, err := parsePrices([]byte(tc.doc), eics("FR"), 1, 1)
		if said := fmt.Sprint(err); err != nil && said != tc.fail || err == nil && tc.fail != "" {
			t.Errorf("%s: %v, want %q", name, err, tc.fail)
			continue
		}
		if tc.want == nil {
			continue
		}
		var s shelf
		s.put(Price, list, slotOf(start))
		for i, want := range tc.want {
			f, ok := s.figures[slotOf(start)+slot(i)]
			if ok == math.IsNaN(want) || ok && f.value != want {
				t.Errorf("%s: quarter %d costs %v, %v; want %v", name, i, f.value, ok, want)
			}
		}
		if news := s.put(Price, list, slotOf(start)); len(news) > 0 {
			t.Errorf("%s: said twice it is news: %v", name, news)
		}
	}
	if _, err := parsePrices([]byte(noData), eics("FR"), 1, 1); !errors.Is(err, errNoData) {
		t.Errorf("%v is not known as no data", err)
	}
}

func TestGenerationOfADocument(t *testing.T) {
	start := time.Date(2026, 1, 15, 23, 0, 0, 0, time.UTC)
	hour := start.Add(time.Hour)
	one := func(values ...float64) string { return curve(start, hour, "PT15M", "quantity", values...) }
	nuclear := plant("FR", "B14", one(40000))
	for name, tc := range map[string]struct {
		doc  string
		want []float64 // totals of the quarters from start on
		fail string
	}{
		"two types":                          {gl("A75", nuclear, plant("FR", "B19", one(1000, 2000))), []float64{41000, 42000, 42000, 42000}, ""},
		"hours and quarters":                 {gl("A75", nuclear, plant("FR", "B19", curve(start, hour, "PT60M", "quantity", 5))), []float64{40005, 40005, 40005, 40005}, ""},
		"below zero is for the plant itself": {gl("A75", nuclear, plant("FR", "B04", one(-30))), []float64{40000, 40000, 40000, 40000}, ""},
		"a type in two series":               {gl("A75", plant("FR", "B14", curve(start, start.Add(30*time.Minute), "PT15M", "quantity", 1)), plant("FR", "B14", curve(start.Add(30*time.Minute), hour, "PT15M", "quantity", 2))), []float64{1, 1, 2, 2}, ""},
		"a type in two periods":              {gl("A75", plant("FR", "B14", curve(start, start.Add(15*time.Minute), "PT15M", "quantity", 1)+curve(start.Add(45*time.Minute), hour, "PT15M", "quantity", 2))), []float64{1, 0, 0, 2}, ""},
		"a type said twice alike":            {gl("A75", nuclear, nuclear), []float64{40000, 40000, 40000, 40000}, ""},
		"a type said twice in two ways":      {gl("A75", nuclear, plant("FR", "B14", one(1))), nil, "B14 generates both 40000 and 1 MW at 2026-01-15T23:00Z"},
		"another zone":                       {gl("A75", plant("ES", "B14", one(1))), nil, `generation of "10YES-REE------0" where 10YFR-RTE------C is wanted`},
		"another unit":                       {strings.Replace(gl("A75", nuclear), ">MAW<", ">KWT<", 1), nil, `generation in "KWT" where MAW is wanted`},
		"no type of generation":              {gl("A75", plant("FR", "A05", one(1))), nil, `type of generation "A05" is not known`},
		"more than there can be":             {gl("A75", plant("FR", "B14", one(1e9))), nil, "B14 generates 1e+09 MW"},
		"two values in a place":              {gl("A75", strings.Replace(plant("FR", "B14", one(1, 2)), "<position>2<", "<position>1<", 1)), nil, "generation of B14: two values at position 1"},
		"no data with status 200":            {noData, nil, "no data: 999 No matching data found for Data item Day-ahead Prices [12.1.D]."},
	} {
		g := newGeneration()
		_, err := g.take([]byte(tc.doc), eics("FR"))
		if said := fmt.Sprint(err); err != nil && said != tc.fail || err == nil && tc.fail != "" {
			t.Errorf("%s: %v, want %q", name, err, tc.fail)
			continue
		}
		for i, want := range tc.want {
			got := 0.0
			if m := g.mixes[slotOf(start)+slot(i)]; m != nil {
				got = m.total()
			}
			if got != want {
				t.Errorf("%s: quarter %d is %v MW, want %v", name, i, got, want)
			}
		}
		if tc.fail != "" && len(g.mixes) > 0 {
			t.Errorf("%s: a part of it was taken", name)
		}
	}
}

// recorded is a real answer, which is not part of this repository. The variable
// GIGAWATCH_RECORDED names the folder of such answers.
func recorded(t *testing.T, name string) []byte {
	t.Helper()
	folder := os.Getenv("GIGAWATCH_RECORDED")
	if folder == "" {
		folder = filepath.Join("..", "..", "..", "..", "shared", "data")
	}
	b, err := os.ReadFile(filepath.Join(folder, "entsoe", name))
	if err != nil {
		t.Skipf("no recorded answers: GIGAWATCH_RECORDED names no folder with entsoe/%s in it", name)
	}
	return b
}

func TestRecordedGeneration(t *testing.T) {
	b := recorded(t, "SE-SE4_production.xml")
	g := newGeneration()
	published, err := g.take(b, eics("SE4"))
	if err != nil {
		t.Fatal(err)
	}
	if got := utc(published).Format(time.RFC3339); got != "2025-10-23T11:38:39Z" {
		t.Errorf("published %s", got)
	}
	first, end := slotOf(time.Date(2025, 10, 20, 11, 0, 0, 0, time.UTC)), slotOf(time.Date(2025, 10, 23, 10, 0, 0, 0, time.UTC))
	if len(g.mixes) != int(end-first) {
		t.Fatalf("%d quarters of an hour, want %d", len(g.mixes), end-first)
	}
	// 11:00 of the first day: gas 0.9, reservoirs 90.23, solar 300.51, wind 1434.47, other 184.23 MW.
	want := map[string]float64{"B04": 0.9, "B12": 90.23, "B16": 300.51, "B19": 1434.47, "B20": 184.23}
	if diff := cmp.Diff(*mixOf(t, want), *g.mixes[first], cmp.Comparer(func(a, b float64) bool { return a == b || math.IsNaN(a) && math.IsNaN(b) })); diff != "" {
		t.Error(diff)
	}
	lifecycle, direct := builtIn(t)
	total := 0.9 + 90.23 + 300.51 + 1434.47 + 184.23
	for q, tc := range map[Quantity]struct {
		set  *factorSet
		want float64
	}{
		Lifecycle: {lifecycle, (0.9*490 + 90.23*24 + 300.51*45 + 1434.47*11 + 184.23*700) / total},
		Direct:    {direct, (0.9*370 + 184.23*575) / total},
	} {
		figures, err := g.figures(q, tc.set, first, end, func(slot) error { return nil })
		if err != nil || len(figures) != int(end-first) || !agrees(figures[0].value, tc.want) {
			t.Errorf("%s: %d figures, %v; the first is %v, want %v", q, len(figures), err, figures[0].value, tc.want)
		}
	}
	// Gas leaves position 5 out: it is that of 4.
	if gas := g.mixes[first+16][4]; gas != 0.4 {
		t.Errorf("gas at the fifth hour: %v MW, want 0.4", gas)
	}
}

func TestRecordedPrices(t *testing.T) {
	b := recorded(t, "ES_day_ahead_price.xml")
	list, err := parsePrices(b, eics("ES"), 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	start := time.Date(2025, 9, 28, 22, 0, 0, 0, time.UTC)
	var s shelf
	s.put(Price, list, slotOf(start))
	if len(s.figures) != 4*96 {
		t.Errorf("%d quarters of an hour in four days, want 384", len(s.figures))
	}
	for at, want := range map[time.Duration]float64{
		0: 51.6, 59 * time.Minute: 51.6, time.Hour: 47.7, 47 * time.Hour: 101.5, 48 * time.Hour: 105.1, 48*time.Hour + 15*time.Minute: 104.24,
		96*time.Hour - time.Minute: 103.27,
	} {
		if f := s.figures[slotOf(start.Add(at))]; f.value != want {
			t.Errorf("%v after the start: %v EUR/MWh, want %v", at, f.value, want)
		}
	}
}
