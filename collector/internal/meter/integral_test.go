package meter

import (
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
	"pgregory.net/rapid"
)

// reading of a gauge.
type reading struct {
	at   time.Duration
	is   float64
	want int64 // since the last gap
	anew bool
}

// run adds the readings to i and checks each; it returns what was summed in all.
func run(t *testing.T, i *integral, readings []reading) int64 {
	t.Helper()
	var epoch metric.Raw
	for n, r := range readings {
		i.add(r.is, start.Add(r.at))
		v, e := i.count()
		if int64(v) != r.want || (e != epoch) != r.anew {
			t.Errorf("reading %d: %d, another epoch: %v; want %d, %v", n, v, e != epoch, r.want, r.anew)
		}
		epoch = e
	}
	return i.total
}

// The power of vector V4, in W.
func v4() []reading {
	const s = time.Second
	return []reading{
		{0, 100e3, 0, true}, {60 * s, 110e3, 6300e6, false}, {120 * s, 120e3, 13200e6, false}, {180 * s, 130e3, 20700e6, false},
		{600 * s, 170e3, 0, true}, {660 * s, 180e3, 10500e6, false}, {720 * s, 190e3, 21600e6, false}, {780 * s, 200e3, 33300e6, false},
		{840 * s, 210e3, 45600e6, false}, {900 * s, 220e3, 58500e6, false},
	}
}

func TestV4PowerIsIntegrated(t *testing.T) {
	i := integral{name: "m", per: 1000, gap: 150 * time.Second}
	if got := run(t, &i, v4()); got != 22*kwh {
		t.Errorf("%d mJ in all, want 22 kWh", got)
	}
	if i.laps != 1 {
		t.Errorf("%d gaps, want 1", i.laps)
	}
}

func TestV4PowerThatIsSentWhenItChangesStands(t *testing.T) {
	i := integral{name: "m", per: 1000, gap: 150 * time.Second, hold: true}
	for _, r := range v4() {
		i.add(r.is, start.Add(r.at))
	}
	if want := int64(213_333) * kwh / 10_000; i.total/kwh != want/kwh || (i.total-64*kwh/3)/wh != 0 {
		t.Errorf("%d mJ in all, want 21.3333 kWh", i.total)
	}
}

func TestIntegralsOfGauges(t *testing.T) {
	const s = time.Second
	for name, tc := range map[string]struct {
		i        integral
		readings []reading
	}{
		"a time again":            {integral{}, []reading{{0, 1, 0, true}, {s, 1, 1000, false}, {s, 9, 1000, false}, {2 * s, 1, 2000, false}}},
		"a little back":           {integral{}, []reading{{0, 1, 0, true}, {s, 1, 1000, false}, {s / 2, 9, 1000, false}, {2 * s, 1, 2000, false}}},
		"the clock is set back":   {integral{}, []reading{{time.Hour, 1, 0, true}, {time.Hour + s, 1, 1000, false}, {s, 1, 0, true}, {2 * s, 1, 1000, false}}},
		"water":                   {integral{per: 1e6}, []reading{{0, 0.001, 0, true}, {s, 0.001, 1000, false}}},
		"less than a thousandth":  {integral{per: 0.3}, []reading{{0, 1, 0, true}, {s, 1, 0, false}, {2 * s, 1, 0, false}, {3 * s, 1, 0, false}, {4 * s, 1, 1, false}}},
		"what is sent when late":  {integral{hold: true}, []reading{{0, 1, 0, true}, {5 * s, 2, 5000, false}, {4 * s, 3, 5000, false}, {6 * s, 0, 8000, false}}},
		"nothing came for a time": {integral{hold: true}, []reading{{0, 1, 0, true}, {10 * s, 2, 10000, false}, {21 * s, 2, 0, true}}},
	} {
		t.Run(name, func(t *testing.T) {
			i := tc.i
			i.name, i.gap = name, 10*s
			if i.per == 0 {
				i.per = 1000
			}
			if v, e := i.count(); v != metric.Missing || e != metric.Missing {
				t.Error("it counts before the first reading")
			}
			run(t, &i, tc.readings)
		})
	}
}

func TestWhatIsNotSentHasNotChanged(t *testing.T) {
	i := integral{name: "m", per: 1000, gap: time.Minute, hold: true}
	i.add(10, start)
	for _, after := range []time.Duration{10, 20, 60, 61, 300} {
		i.extend(start, start.Add(after*time.Second))
	}
	if i.total != 600_000 {
		t.Errorf("%d mJ, want those of a minute", i.total)
	}
	i.add(0, start.Add(time.Hour))
	if v, _ := i.count(); v != 0 || i.laps != 1 {
		t.Errorf("%d mJ after a gap", v)
	}
}

// A site's power over a month does not run over.
func TestAGigawattIsIntegrated(t *testing.T) {
	i := integral{name: "m", per: 1000, gap: time.Minute}
	at := start
	last, epochs := metric.Raw(0), map[metric.Raw]bool{}
	for range 31 * 24 * 120 {
		i.add(1.2e9, at)
		v, e := i.count()
		if v < 0 || epochs[e] && v < last {
			t.Fatalf("%v: %d after %d", at, v, last)
		}
		last, epochs[e] = v, true
		at = at.Add(30 * time.Second)
	}
	if want := 1.2e12 * (31*24*3600 - 30); i.total != int64(want) {
		t.Errorf("%d mJ, want %.0f", i.total, want)
	}
}

func TestIntegralNeverFallsWithinAnEpoch(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		i := integral{name: "m", per: 1000, gap: 4 * time.Second, hold: rapid.Bool().Draw(t, "hold")}
		highest := map[metric.Raw]metric.Raw{}
		at := start
		for range rapid.IntRange(1, 60).Draw(t, "readings") {
			at = at.Add(time.Duration(rapid.IntRange(-2000, 6000).Draw(t, "ms")) * time.Millisecond)
			if rapid.Bool().Draw(t, "extended") {
				i.extend(i.at, at)
			} else {
				i.add(rapid.Float64Range(0, anyRating).Draw(t, "watts"), at)
			}
			if v, e := i.count(); v != metric.Missing {
				if v < highest[e] {
					t.Fatalf("fell from %d to %d mJ", highest[e], v)
				}
				highest[e] = v
			}
		}
	})
}

func TestV13HeatOfALoop(t *testing.T) {
	flow := 600. / 60 / 1000 // m³/s
	for name, want := range map[string]float64{"water": 497.57e3, "glycol25": 474.08e3} {
		f, ok := FluidOf(name)
		if got := f.heat(flow, 30, 42); !ok || got < want-5 || got > want+5 {
			t.Errorf("%s: %.0f W, want %.0f", name, got, want)
		}
	}
	if _, ok := FluidOf("oil"); ok {
		t.Error("oil is known")
	}
}
