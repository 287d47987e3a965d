package meter

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
)

func TestGaugesOfRoles(t *testing.T) {
	nan := math.NaN()
	for name, tc := range map[string]struct {
		m     Meter
		reads float64
		want  float64 // NaN: missing
		says  string
	}{
		"as it is":                         {Meter{Role: metric.RoleCooling, Rating: 1e4}, 5000, 5000, ""},
		"nothing":                          {Meter{Role: metric.RoleCooling, Rating: 1e4}, 0, 0, ""},
		"transformers":                     {Meter{Role: metric.RoleCooling, Rating: 1e4, Installed: []Installation{{Ratio: 40}}}, 100, 4000, ""},
		"a fifth over its rating":          {Meter{Role: metric.RoleCooling, Rating: 1e4}, 12_000, 12_000, ""},
		"beyond its rating":                {Meter{Role: metric.RoleCooling, Rating: 1e4}, 12_001, nan, "power: power reads 1.2e+04 W, more than its rating of 1e+04 W allows"},
		"noise below zero":                 {Meter{Role: metric.RoleCooling, Rating: 1e4}, -150, 0, ""},
		"backwards":                        {Meter{Role: metric.RoleCooling, Rating: 1e4}, -5000, nan, "a meter of cooling does not run backwards: its transformers are turned round, or it needs invert"},
		"backwards, rating unknown":        {Meter{Role: metric.RoleCooling}, -50, nan, "does not run backwards"},
		"backwards, and so it is mounted":  {Meter{Role: metric.RoleCooling, Rating: 1e4, Invert: true}, -5000, 5000, ""},
		"a feed that gives back":           {Meter{Role: metric.RoleGridInput, Rating: 1e4}, -5000, 0, ""},
		"what it gives back":               {Meter{Role: metric.RoleExport, Rating: 1e4, Invert: true}, -5000, 5000, ""},
		"what it does not give back":       {Meter{Role: metric.RoleExport, Rating: 1e4, Invert: true}, 5000, 0, ""},
		"no number":                        {Meter{Role: metric.RoleCooling, Rating: 1e4}, nan, nan, "power reads NaN"},
		"more than any meter, unrated":     {Meter{Role: metric.RoleCooling}, 3e9, nan, "more than its rating of 2e+09 W allows"},
		"infinitely much through a feeder": {Meter{Role: metric.RoleGridInput}, math.Inf(-1), nan, "power reads -Inf"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := tc.m
				m.Name, m.Reader = "m", says(watts, &tc.reads)
				under(t, Config{Meters: []Meter{m}}, func(r *rig) {
					got := r.after(10 * time.Second).watts("m")
					if got != tc.want && !(math.IsNaN(got) && math.IsNaN(tc.want)) {
						t.Errorf("%g W, want %g", got, tc.want)
					}
					if d := r.s.Describe(); !strings.Contains(d, tc.says) || tc.says == "" && strings.Contains(d, "power") {
						t.Errorf("%s; want %q", d, tc.says)
					}
				})
			})
		})
	}
}

func TestTemperaturesAndFlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		supply, flow, least := 18.5, 0.01, 0.006
		i := always(func() ([]Value, error) {
			return []Value{{Quantity: Temperature, Point: Supply, Number: supply}, {Quantity: Flow, Number: flow}, {Quantity: Temperature, Point: "elsewhere", Number: 5}}, nil
		}, Kind{Temperature, Supply}, Kind{Quantity: Flow})
		under(t, Config{Meters: []Meter{{Name: "cdu", Role: metric.RoleCooling, MaxFlow: 0.02, MinFlow: &least, Reader: i}}}, func(r *rig) {
			s := r.after(10 * time.Second)
			if v := s.of(metric.MeterFlowLimit, "cdu"); v.Float() != 0.006 {
				t.Errorf("it is not to fall below %v", v)
			}
			if s.of(metric.MeterTemperature, "cdu supply").Float() != 18.5 || s.of(metric.MeterFlow, "cdu").Float() != 0.01 {
				t.Errorf("%v", s.values)
			}
			change(func() { supply, flow = 3276.7, 0.1 })
			s = r.after(40 * time.Second)
			if s.of(metric.MeterTemperature, "cdu supply") != metric.Missing || s.of(metric.MeterFlow, "cdu") != metric.Missing {
				t.Errorf("%v", s.values)
			}
			if d := r.s.Describe(); !strings.Contains(d, "temperature at supply: temperature reads 3.28e+03 °C") || !strings.Contains(d, "flow: flow reads 0.1 m³/s") {
				t.Error(d)
			}
		})
	})
}

func TestALeakDetectorIsDryOrWet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		if s, err := NewScale(Leak, "1", ""); err != nil || s.Gauge(7) != 7 {
			t.Fatalf("7 is %g: %v", s.Gauge(7), err)
		}
		shows := 0.
		i := always(func() ([]Value, error) { return []Value{{Quantity: Leak, Number: shows}}, nil }, Kind{Quantity: Leak})
		under(t, Config{Meters: []Meter{{Name: "rope", Role: metric.RoleCooling, Reader: i, Period: time.Second}}}, func(r *rig) {
			for _, c := range []struct{ shows, want float64 }{{0, 0}, {1, 1}, {255, 1}, {-1, 1}, {0, 0}} {
				change(func() { shows = c.shows })
				if got := r.after(3*time.Second).of(metric.MeterLeak, "rope"); got == metric.Missing || got.Float() != c.want {
					t.Errorf("it shows %g and is said to be %v, want %g", c.shows, got, c.want)
				}
			}
		})
	})
}

func TestV4PowerOnlyMetersAreIntegrated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := 1000.
		fails := false
		i := always(func() ([]Value, error) {
			if fails {
				return nil, errors.New("no answer")
			}
			return []Value{{Quantity: Power, Number: w}}, nil
		}, watts)
		under(t, Config{Meters: []Meter{{Name: "ups", Role: metric.RoleUPSOutput, Rating: 1e4, Reader: i}}}, func(r *rig) {
			v, e, q := r.after(15*time.Second).counter(metric.MeterEnergyJoules, "ups")
			more, f, _ := r.after(time.Minute).counter(metric.MeterEnergyJoules, "ups")
			if q != metric.Integrated || more-v != 60_000_000 || e != f {
				t.Errorf("%d mJ in a minute of 1 kW, %s, another epoch %v", more-v, q, e != f)
			}
			change(func() { fails = true })
			r.after(2 * time.Minute)
			change(func() { fails = false })
			if v, g, _ := r.after(2*time.Minute).counter(metric.MeterEnergyJoules, "ups"); g == f || v > 120_000_000 {
				t.Errorf("%d mJ after a gap, the same epoch %v", v, g == f)
			}
		})
	})
}

func TestV13HeatIsWorkedOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		back := 42.
		i := always(func() ([]Value, error) {
			return []Value{{Quantity: Flow, Number: 0.01}, {Quantity: Temperature, Point: Supply, Number: 30}, {Quantity: Temperature, Point: Return, Number: back}}, nil
		}, Kind{Quantity: Flow}, Kind{Temperature, Supply}, Kind{Temperature, Return})
		cdu := Meter{Name: "cdu", Role: metric.RoleHeatReuse, Rating: 1e6, MaxFlow: 0.05, Fluid: &water, Reader: i}
		under(t, Config{Meters: []Meter{cdu}}, func(r *rig) {
			s := r.after(15 * time.Second)
			v, _, _ := s.counter(metric.MeterHeatJoules, "cdu")
			if w := s.watts("cdu"); math.Abs(w-497.57e3) > 5 {
				t.Errorf("%g W", w)
			}
			more, _, q := r.after(time.Minute).counter(metric.MeterHeatJoules, "cdu")
			if j := float64(more-v) / 1000; math.Abs(j-60*497.57e3) > 300 || q != metric.Integrated {
				t.Errorf("%g J in a minute, %s", j, q)
			}
			change(func() { back = 29.9 }) // noise of what stands still
			if w := r.after(10 * time.Second).watts("cdu"); w != 0 {
				t.Errorf("%g W", w)
			}
			change(func() { back = 10 })
			r.after(10 * time.Second)
			if d := r.s.Describe(); !strings.Contains(d, "does not run backwards") {
				t.Error(d)
			}
		})
	})
}

func TestWaterIsCountedOrIntegrated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		counted := always(func() ([]Value, error) {
			return []Value{{Quantity: Water, Register: Register{Steps: uint64(time.Since(began).Seconds()), Size: Size{1000, 1}}}}, nil
		}, Kind{Quantity: Water})
		flow := .001
		under(t, Config{Meters: []Meter{
			{Name: "total", Role: metric.RoleWaterTotal, MaxFlow: 0.01, Reader: counted},
			{Name: "potable", Role: metric.RoleWaterPotable, MaxFlow: 0.01, Reader: says(Kind{Quantity: Flow}, &flow)},
		}}, func(r *rig) {
			before := r.after(30 * time.Second)
			after := r.after(time.Minute)
			for name, want := range map[string]metric.Quality{"total": metric.Measured, "potable": metric.Integrated} {
				a, _, _ := before.counter(metric.MeterWater, name)
				b, _, q := after.counter(metric.MeterWater, name)
				if b-a != 60_000 || q != want {
					t.Errorf("%s: %d mL in a minute, %s", name, b-a, q)
				}
			}
		})
	})
}

// What a device says of time decides, not when it was heard.
func TestTimesOfDevices(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sent []Value
		var behind bool
		var at func(time.Duration, float64) Value
		i := always(func() ([]Value, error) {
			if behind {
				return []Value{at(20*time.Second, 7)}, nil
			}
			return slices.Clone(sent), nil
		}, watts)
		at = func(ago time.Duration, w float64) Value {
			return Value{Quantity: Power, Number: w, At: time.Now().Round(0).Add(-ago)}
		}
		shows := func(r *rig, after time.Duration, want float64) {
			t.Helper()
			if got := r.after(after).watts("m"); got != want && !(math.IsNaN(got) && math.IsNaN(want)) {
				t.Errorf("%g W, want %g", got, want)
			}
		}
		under(t, Config{Meters: []Meter{{Name: "m", Role: metric.RoleCooling, Rating: 100, Hold: time.Minute, Reader: i}}}, func(r *rig) {
			change(func() { sent = []Value{at(time.Hour, 1)} }) // a message that was retained
			shows(r, 10*time.Second, math.NaN())
			if d := r.s.Describe(); !strings.Contains(d, "m: time: what it says is 1h0m") {
				t.Error(d)
			}
			change(func() { sent = []Value{at(2*time.Second, 2), at(time.Second, 3)} })
			shows(r, 10*time.Second, 3)
			change(func() { sent = []Value{at(15*time.Second, 4)} })
			shows(r, 10*time.Second, 3)
			if d := r.s.Describe(); !strings.Contains(d, "its time went back by ") {
				t.Error(d)
			}
			change(func() { sent = []Value{at(-time.Hour, 5)} })
			shows(r, 10*time.Second, 3)
			if d := r.s.Describe(); !strings.Contains(d, "its clock is 59m") {
				t.Error(d)
			}
			change(func() { sent = []Value{at(0, 6)} })
			shows(r, 10*time.Second, 6)
			// Its clock is set back: after three readings that is believed.
			change(func() { behind = true })
			shows(r, 40*time.Second, 7)
		})
	})
}

func TestADeviceThatSendsChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sent := Value{Quantity: Power, Number: 1000, At: time.Now().Round(0)}
		i := always(func() ([]Value, error) { return []Value{sent}, nil }, watts)
		under(t, Config{Meters: []Meter{{Name: "m", Role: metric.RoleCooling, Rating: 1e4, Hold: 10 * time.Minute, Reader: i}}}, func(r *rig) {
			v, e, _ := r.after(5*time.Minute).counter(metric.MeterEnergyJoules, "m")
			change(func() { sent = Value{Quantity: Power, Number: 2000, At: time.Now().Round(0)} })
			s := r.after(5 * time.Minute)
			more, f, _ := s.counter(metric.MeterEnergyJoules, "m")
			if j := float64(more-v) / 1000; math.Abs(j-600_000) > 20_000 || e != f || s.watts("m") != 2000 {
				t.Errorf("%g J in 5 minutes of 2 kW, another epoch %v, %g W", j, e != f, s.watts("m"))
			}
			if s := r.after(10 * time.Minute); s.of(metric.MeterPowerWatts, "m") != metric.Missing {
				t.Error("it stands for longer than it may")
			}
		})
	})
}

func TestPartOfAReadingStands(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := always(func() ([]Value, error) {
			return []Value{{Quantity: Power, Number: 5}}, errors.New("energy: illegal address")
		}, watts, joules)
		under(t, Config{Meters: []Meter{{Name: "m", Role: metric.RoleCooling, Rating: 100, Reader: i}}}, func(r *rig) {
			s := r.after(time.Minute)
			if v, _, _ := s.counter(metric.MeterEnergyJoules, "m"); s.watts("m") != 5 || v != metric.Missing || i.times() < 6 {
				t.Errorf("%g W, %d mJ, read %d times", s.watts("m"), v, i.times())
			}
			if d := r.s.Describe(); d != "1 of 1 meters answer; m: reading: energy: illegal address" {
				t.Error(d)
			}
		})
	})
}

func TestADeviceThatSaysNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := always(func() ([]Value, error) { return nil, nil }, watts)
		under(t, Config{Meters: []Meter{{Name: "m", Role: metric.RoleCooling, Reader: i}}}, func(r *rig) {
			r.after(time.Minute)
			if d := r.s.Describe(); d != "0 of 1 meters answer; m: reading: it answers, and says nothing that is known here" {
				t.Error(d)
			}
		})
	})
}

// swapped words knows another way to read what it read.
type rereader struct {
	*instrument
	otherwise []Otherwise
}

func (r rereader) Otherwise(Kind) []Otherwise { return r.otherwise }

func TestWhatWouldBeRightIsSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		five := 2.3e7
		i := rereader{says(watts, &five), []Otherwise{{"byte_order: low_first", 1e30}, {"word_order: low_first", 77.5}}}
		under(t, Config{Meters: []Meter{{Name: "m", Role: metric.RoleCooling, Rating: 100, Reader: i}}}, func(r *rig) {
			r.after(time.Minute)
			if d := r.s.Describe(); !strings.Contains(d, "power reads 2.3e+07 W, more than its rating of 100 W allows; with word_order: low_first it would be 77.5") {
				t.Error(d)
			}
		})
	})
}
