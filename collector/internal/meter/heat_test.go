package meter

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// What a device says of its heat goes before what flow and temperatures make of
// it, and is counted beside what its pumps draw.
func TestHeatThatADeviceSays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		heat, says := 480e3, true
		i := always(func() ([]Value, error) {
			list := []Value{{Quantity: Power, Number: 6000}, {Quantity: Flow, Number: 0.01}, {Quantity: Temperature, Point: Supply, Number: 30}, {Quantity: Temperature, Point: Return, Number: 42}}
			if says {
				list = append(list, Value{Quantity: HeatPower, Number: heat})
			}
			return list, nil
		}, watts, Kind{Quantity: Flow}, Kind{Temperature, Supply}, Kind{Temperature, Return}, Kind{Quantity: HeatPower})
		cdu := Meter{Name: "cdu", Role: metric.RoleCooling, Rating: 10e3, MaxFlow: 0.02, Fluid: &water, Reader: i}
		under(t, Config{Meters: []Meter{cdu}}, func(r *rig) {
			minute := func() (heat, energy metric.Raw) {
				s := r.after(15 * time.Second)
				h, _, _ := s.counter(metric.MeterHeatJoules, "cdu")
				e, _, _ := s.counter(metric.MeterEnergyJoules, "cdu")
				s = r.after(time.Minute)
				more, _, _ := s.counter(metric.MeterHeatJoules, "cdu")
				drawn, _, _ := s.counter(metric.MeterEnergyJoules, "cdu")
				return more - h, drawn - e
			}
			if h, e := minute(); h != 60*480e6 || e != 60*6e6 {
				t.Errorf("%d mJ of heat, %d mJ drawn", h, e)
			}
			change(func() { says = false })
			if h, _ := minute(); h < 60*497e6 || h > 60*498e6 {
				t.Errorf("%d mJ of heat are worked out", h)
			}
			change(func() { says, heat = true, 480e6 })
			r.after(10 * time.Second)
			if d := r.s.Describe(); !strings.Contains(d, "heat_power: heat_power reads 4.8e+08 W, more than its rating of 8.36e+06 W allows") {
				t.Error(d)
			}
		})
	})
}

// Of a meter of heat that is reused, heat is the power that is shown.
func TestHeatIsThePowerOfReusedHeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := always(func() ([]Value, error) { return []Value{{Quantity: HeatPower, Number: 480e3}}, nil }, Kind{Quantity: HeatPower})
		under(t, Config{Meters: []Meter{{Name: "out", Role: metric.RoleHeatReuse, Rating: 1e6, Reader: i}}}, func(r *rig) {
			s := r.after(15 * time.Second)
			v, _, q := s.counter(metric.MeterHeatJoules, "out")
			if s.watts("out") != 480e3 || v == metric.Missing || q != metric.Integrated {
				t.Errorf("%g W, %d mJ, %s", s.watts("out"), v, q)
			}
		})
	})
}
