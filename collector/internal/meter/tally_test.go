package meter

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// A register and the power beside it that differ by a factor are not both right.
func TestPowerAndEnergyDisagree(t *testing.T) {
	for name, factor := range map[string]float64{"energy in kWh that are Wh": 0.001, "energy in tenths": 10, "they agree": 1, "a little off": 1.3} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				i := always(func() ([]Value, error) {
					return []Value{{Quantity: Power, Number: 1e4},
						{Quantity: Energy, Register: Register{Steps: 1e12 + uint64(factor*1e7*time.Since(began).Seconds()), Size: Size{1, 1}}}}, nil
				}, watts, joules)
				under(t, Config{Meters: []Meter{{Name: "m", Role: metric.RoleCooling, Rating: 1e6, Reader: i}}}, func(r *rig) {
					s := r.after(15 * time.Minute)
					v, _, _ := s.counter(metric.MeterEnergyJoules, "m")
					wrong := factor < 0.5 || factor > 2
					d := r.s.Describe()
					if (v == metric.Missing) != wrong || strings.Contains(d, "a unit, a word order or a transformer ratio is wrong") != wrong {
						t.Errorf("%d mJ; %s", v, d)
					}
					if s.watts("m") != 1e4 {
						t.Errorf("%g W", s.watts("m"))
					}
				})
			})
		})
	}
}

// A gauge that was wrong for a while costs no joule of the register.
func TestPowerAndEnergyAgreeAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began, w := time.Now(), 1e4
		i := always(func() ([]Value, error) {
			return []Value{{Quantity: Power, Number: w}, {Quantity: Energy, Register: Register{Steps: 1e12 + uint64(1e7*time.Since(began).Seconds()), Size: Size{1, 1}}}}, nil
		}, watts, joules)
		under(t, Config{Meters: []Meter{{Name: "m", Role: metric.RoleCooling, Rating: 1e6, Reader: i}}}, func(r *rig) {
			before, e, _ := r.after(time.Minute).counter(metric.MeterEnergyJoules, "m")
			change(func() { w = 10 })
			if v, _, _ := r.after(20*time.Minute).counter(metric.MeterEnergyJoules, "m"); v != metric.Missing {
				t.Errorf("%d mJ", v)
			}
			change(func() { w = 1e4 })
			after, f, _ := r.after(12*time.Minute).counter(metric.MeterEnergyJoules, "m")
			if e != f || after-before != 32*60*1e7 {
				t.Errorf("%d mJ in 32 minutes of 10 kW, another epoch %v", after-before, e != f)
			}
		})
	})
}

// What happened within a record of the ledger lane is seen by that record.
func TestQualityIsHeldForARecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		steps := uint64(1000)
		i := always(func() ([]Value, error) {
			steps += 10
			return []Value{{Quantity: Power, Number: 36_000}, {Quantity: Energy, Register: Register{Steps: steps, Size: Size{wh, 1}}}}, nil
		}, watts, joules)
		under(t, Config{Meters: []Meter{{Name: "m", Role: metric.RoleCooling, Rating: 1e6, Period: time.Second, Reader: i}}}, func(r *rig) {
			r.after(10 * time.Second)
			change(func() { steps = 0 })
			var seen []metric.Quality
			for range 20 {
				_, _, q := r.after(time.Second).counter(metric.MeterEnergyJoules, "m")
				seen = append(seen, q)
			}
			held := 0
			for _, q := range seen {
				if q == metric.Integrated {
					held++
				}
			}
			if held < 11 || held > 13 || seen[19] != metric.Measured {
				t.Errorf("integrated for %d s: %v", held, seen)
			}
		})
	})
}

func TestEnergyOfTheOtherDirection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := always(func() ([]Value, error) {
			return []Value{{Quantity: Power, Number: -500}, {Quantity: Energy, Register: Register{Steps: 7, Size: Size{kwh, 1}}},
				{Quantity: EnergyExport, Register: Register{Steps: 9, Size: Size{kwh, 1}}}}, nil
		}, watts, joules, Kind{Quantity: EnergyExport})
		m := func(name, role string, invert bool) Meter {
			return Meter{Name: name, Role: role, Rating: 1e4, Installed: []Installation{{Ratio: 2.5}}, Invert: invert, Line: "one", Reader: i}
		}
		under(t, Config{Meters: []Meter{m("in", metric.RoleGridInput, false), m("out", metric.RoleExport, true)}}, func(r *rig) {
			s := r.after(10 * time.Second)
			for name, want := range map[string]struct {
				watts float64
				kwh   float64
			}{"in": {0, 17.5}, "out": {1250, 22.5}} {
				if v, _, _ := s.counter(metric.MeterEnergyJoules, name); s.watts(name) != want.watts || float64(v)/kwh != want.kwh {
					t.Errorf("%s: %g W, %g kWh", name, s.watts(name), float64(v)/kwh)
				}
			}
		})
	})
}

// What a person knows of a register goes before what its reader says.
func TestADisplayRollsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		steps := uint64(999_980)
		i := always(func() ([]Value, error) {
			return []Value{{Quantity: Energy, Register: Register{Steps: steps, Modulus: 1 << 32, Size: Size{kwh, 1}}}}, nil
		}, joules)
		m := Meter{Name: "m", Role: metric.RoleGridInput, Rating: 2e7, Rollover: 1_000_000 * kwh, Reader: i, Installed: []Installation{{Ratio: 2}}}
		under(t, Config{Meters: []Meter{m}}, func(r *rig) {
			before, e, _ := r.after(10*time.Second).counter(metric.MeterEnergyJoules, "m")
			change(func() { steps = 3 })
			after, f, q := r.after(10*time.Second).counter(metric.MeterEnergyJoules, "m")
			if after-before != 2*23*kwh || e != f || q != metric.Measured {
				t.Errorf("%g kWh, another epoch %v, %s", float64(after-before)/kwh, e != f, q)
			}
		})
	})
}

// A device that is replaced brings its own transformers.
func TestTransformersOfDevices(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		i := always(func() ([]Value, error) {
			return []Value{{Quantity: Power, Number: 100}, {Quantity: Energy, Register: Register{Steps: uint64(time.Since(began).Seconds() * 100), Size: Size{1000, 1}}}}, nil
		}, watts, joules)
		m := Meter{Name: "m", Role: metric.RoleGridInput, Rating: 1e4, Reader: i,
			Installed: []Installation{{Ratio: 10}, {From: began.Add(time.Minute), Serial: "new", Class: "0.5S", Ratio: 40}}}
		under(t, Config{Meters: []Meter{m}}, func(r *rig) {
			if w := r.after(30 * time.Second).watts("m"); w != 1000 {
				t.Errorf("%g W", w)
			}
			s := r.after(50 * time.Second)
			v, e, _ := s.counter(metric.MeterEnergyJoules, "m")
			if w := s.watts("m"); w != 4000 || r.s.States()[0].Class != "0.5S" {
				t.Errorf("%g W, class %q", w, r.s.States()[0].Class)
			}
			if more, f, _ := r.after(time.Minute).counter(metric.MeterEnergyJoules, "m"); more-v != 60*4000*1000 || e != f {
				t.Errorf("%d mJ in a minute of 4 kW, another epoch %v", more-v, e != f)
			}
		})
	})
}
