package carbon

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // the machine may have none

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// agrees reports whether two figures agree to the four decimals that are printed.
func agrees(a, b float64) bool { return math.Abs(a-b) < 0.00005 }

func builtIn(t testing.TB) (lifecycle, direct *factorSet) {
	t.Helper()
	lifecycle, direct, err := (&Config{}).factorSets()
	if err != nil {
		t.Fatal(err)
	}
	return lifecycle, direct
}

func mixOf(t testing.TB, mw map[string]float64) *mix {
	t.Helper()
	m := emptyMix()
	for code, v := range mw {
		n, ok := typeOf(code)
		if !ok {
			t.Fatal(code)
		}
		m[n] = v
	}
	return m
}

func checkMix(t *testing.T, m *mix, storage, wantLifecycle, wantDirect float64) {
	t.Helper()
	lifecycle, direct := builtIn(t)
	for set, want := range map[*factorSet]float64{lifecycle: wantLifecycle, direct: wantDirect} {
		if math.IsNaN(want) {
			continue
		}
		got, err := set.intensity(m, storage)
		if err != nil || !agrees(got, want) {
			t.Errorf("%s: %.5f g/kWh, %v; want %.4f", set.Name, got, err, want)
		}
	}
}

func TestV1IntensityOfAFrenchHour(t *testing.T) {
	m := mixOf(t, map[string]float64{"B04": 4000, "B14": 40000, "B12": 5000, "B16": 2000, "B19": 4000, "B01": 1000})
	checkMix(t, m, math.NaN(), 52.2143, 26.4286)
}

func TestV2IntensityOfAGermanHour(t *testing.T) {
	german := map[string]float64{"B02": 9000, "B05": 4000, "B04": 9000, "B01": 4500, "B16": 6000, "B19": 12000, "B18": 2000, "B11": 1500, "B17": 500, "B20": 500}
	checkMix(t, mixOf(t, german), math.NaN(), 352.3878, 281.3265)
	german["B10"] = 1000
	checkMix(t, mixOf(t, german), 300, 351.3400, math.NaN())
}

func TestV3FlowTracing(t *testing.T) {
	zones := []node{{generated: 10, intensity: 100}, {generated: 5, intensity: 600}}
	for name, tc := range map[string]struct {
		flows [][]float64 // into, from
		want  []float64
	}{
		"gross flows":  {[][]float64{{0, 1}, {2, 0}}, []float64{133.3333, 466.6667}},
		"netted flows": {[][]float64{{0, 0}, {1, 0}}, []float64{100, 516.6667}},
	} {
		got, err := consumed(zones, tc.flows)
		if err != nil {
			t.Fatal(err)
		}
		if !cmp.Equal(got, tc.want, cmpopts.EquateApprox(0, 0.00005)) {
			t.Errorf("%s: %.4f, want %.4f", name, got, tc.want)
		}
		// What is consumed carries what generation emits: 4000 g to the Wh.
		out := []float64{10 + tc.flows[0][1] - tc.flows[1][0], 5 + tc.flows[1][0] - tc.flows[0][1]}
		if sum := out[0]*got[0] + out[1]*got[1]; math.Abs(sum-4000) > 0.001 {
			t.Errorf("%s: %.3f carried, 4000 emitted", name, sum)
		}
	}
}

// TestV9CarbonByTheHour reads the intensity of each hour and multiplies.
func TestV9CarbonByTheHour(t *testing.T) {
	virtual(t, func(t *testing.T) {
		w := newWorld()
		first := time.Now().UTC()
		values := []float64{400, 350, 100, 80}
		w.maps("FR", func(at time.Time) (any, bool) {
			if h := int(at.Sub(first) / time.Hour); h >= 0 && h < len(values) {
				return values[h], false
			}
			return "null", false
		})
		s := open(t, w, Config{Zone: "FR", Providers: []Provider{{Name: "electricitymaps", Key: keyFile(t, theKey)}}})
		run(t, s)
		sum := 0.0
		for h, kWh := range []float64{1000, 1000, 4000, 4000} {
			sleep(30 * time.Minute)
			_, v, err := s.Read(t.Context(), time.Now(), nil)
			if err != nil || len(v) == 0 {
				t.Fatalf("hour %d: %d values, %v", h, len(v), err)
			}
			sum += kWh * v[0].Float() / 1000
			sleep(30 * time.Minute)
		}
		if !agrees(sum, 1470) || !agrees(sum*1000/10_000, 147) {
			t.Errorf("%v kg, %v g/kWh; want 1470 and 147, and not 2325 and 232.5", sum, sum/10)
		}
	})
}

// TestV11CostByTheQuarter reads the price of each quarter of an hour.
func TestV11CostByTheQuarter(t *testing.T) {
	virtual(t, func(t *testing.T) {
		w := newWorld()
		start := time.Now().UTC()
		w.says("/api", func() string {
			return prices("FR", "", start, start.Add(time.Hour), "PT15M", "A01", 80, 120, -5, 40)
		})
		s := open(t, w, Config{Zone: "FR", Providers: []Provider{{Name: "entsoe", Only: "price", Key: keyFile(t, theKey)}}})
		run(t, s)
		sleep(5 * time.Second)
		cost := 0.0
		for i, kWh := range []float64{400, 300, 100, 200} {
			_, v, err := s.Read(t.Context(), start.Add(time.Duration(i)*15*time.Minute+time.Minute), nil)
			if err != nil || len(v) != 1 {
				t.Fatalf("quarter %d: %d values, %v", i, len(v), err)
			}
			cost += kWh * v[0].Float() / 1000
		}
		if !agrees(cost, 75.50) {
			t.Errorf("%v EUR, want 75.50", cost)
		}
		if got := shownAs(t, s, start.Add(time.Hour)); got != "" {
			t.Errorf("past the last price: %s", got)
		}
	})
}

const v16 = `<GL_MarketDocument xmlns="urn:iec62325.351:tc57wg16:451-6:generationloaddocument:3:0">
 <type>A75</type><process.processType>A16</process.processType>
 <TimeSeries><mRID>1</mRID><businessType>A01</businessType>
  <inBiddingZone_Domain.mRID codingScheme="A01">10YFR-RTE------C</inBiddingZone_Domain.mRID>
  <quantity_Measure_Unit.name>MAW</quantity_Measure_Unit.name><curveType>A03</curveType>
  <MktPSRType><psrType>B14</psrType></MktPSRType>
  <Period><timeInterval><start>2026-01-15T23:00Z</start><end>2026-01-16T00:00Z</end></timeInterval>
   <resolution>PT15M</resolution>
   <Point><position>1</position><quantity>40000</quantity></Point>
   <Point><position>3</position><quantity>40400</quantity></Point></Period></TimeSeries>
%s</GL_MarketDocument>`

func TestV16RepeatedValuesAndPumping(t *testing.T) {
	pumping := strings.NewReplacer("inBidding", "outBidding", "B14", "B10", "40000", "800", "40400", "800").
		Replace(v16[strings.Index(v16, " <TimeSeries>"):strings.Index(v16, "%s")])
	g := newGeneration()
	if _, err := g.take(fmt.Appendf(nil, v16, pumping), "10YFR-RTE------C"); err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	var got []float64
	for at := slotOf(time.Date(2026, 1, 15, 23, 0, 0, 0, time.UTC)); g.mixes[at] != nil; at++ {
		got = append(got, g.mixes[at].total())
		sum += g.mixes[at].total() / 4
	}
	if diff := cmp.Diff([]float64{40000, 40000, 40400, 40400}, got); diff != "" || sum != 40200 {
		t.Errorf("MW: %s\n%v MWh, want 40200", diff, sum)
	}
}

// TestV19DaysOfTheMarketWhenClocksChange has a price for every quarter of an hour of the
// market's day, which is one in Brussels.
func TestV19DaysOfTheMarketWhenClocksChange(t *testing.T) {
	brussels, err := time.LoadLocation("Europe/Brussels")
	if err != nil {
		t.Fatal(err)
	}
	for day, want := range map[string]int{"2026-03-29": 92, "2026-10-25": 100, "2026-06-01": 96} {
		start, err := time.ParseInLocation("2006-01-02", day, brussels)
		if err != nil {
			t.Fatal(err)
		}
		end := start.AddDate(0, 0, 1)
		values := make([]float64, int(end.Sub(start)/(15*time.Minute)))
		for i := range values {
			values[i] = float64(i) - 4
		}
		doc := prices("FR", "1", start.UTC(), end.UTC(), "PT15M", "A03", values...)
		list, err := parsePrices([]byte(doc), "10YFR-RTE------C", 1, 0)
		if err != nil {
			t.Fatal(err)
		}
		var shelf shelf
		shelf.put(Price, list, slotOf(start))
		if len(values) != want || len(shelf.figures) != want {
			t.Errorf("%s: %d quarters said, %d known; want %d", day, len(values), len(shelf.figures), want)
		}
		for i, v := range values {
			if f := shelf.figures[slotOf(start)+slot(i)]; f.value != v {
				t.Fatalf("%s: quarter %d costs %v, want %v", day, i, f.value, v)
			}
		}
	}
}
