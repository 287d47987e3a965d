package meter

import (
	"slices"
	"strings"
	"testing"

	"github.com/gigawatch/gigawatch/collector/metric"
)

func TestMetersThatAreRefused(t *testing.T) {
	ok := func() Meter { return Meter{Name: "m", Role: metric.RoleCooling, Reader: always(nil, watts)} }
	for name, x := range map[string]struct {
		change func(m *Meter)
		says   string
	}{
		"no name":          {func(m *Meter) { m.Name = "" }, "names are 1 to 255 bytes"},
		"no role":          {func(m *Meter) { m.Role = "fan" }, `meter m: "fan" is no role`},
		"no reader":        {func(m *Meter) { m.Reader = nil }, "nothing reads it"},
		"rating":           {func(m *Meter) { m.Rating = -1 }, "rating -1 W"},
		"flow":             {func(m *Meter) { m.MaxFlow = 99 }, "flow of up to 99"},
		"ratio":            {func(m *Meter) { m.Installed = []Installation{{Ratio: -2}} }, "transformer ratio -2"},
		"devices":          {func(m *Meter) { m.Installed = []Installation{{Serial: "a", From: start}, {Serial: "b", From: start}} }, `device "b" came no later than the one before it`},
		"time":             {func(m *Meter) { m.Hold = -2 }, "below zero"},
		"gives nothing":    {func(m *Meter) { m.Reader = always(nil) }, "gives nothing"},
		"gives twice":      {func(m *Meter) { m.Reader = always(nil, watts, watts) }, "gives power twice"},
		"gives no point":   {func(m *Meter) { m.Reader = always(nil, Kind{Quantity: Temperature}) }, "a temperature has a point"},
		"power at a point": {func(m *Meter) { m.Reader = always(nil, Kind{Power, "x"}) }, "a temperature has a point"},
		"no quantity":      {func(m *Meter) { m.Reader = always(nil, Kind{Quantity: 77}) }, "no quantity"},
		"heat of no flow":  {func(m *Meter) { m.Fluid = &water }, "where there is a flow"},
		"heat of no loop": {func(m *Meter) {
			m.Fluid, m.Reader = &water, always(nil, Kind{Quantity: Flow}, Kind{Temperature, Supply})
		}, "temperatures at supply and return"},
		"no fluid": {func(m *Meter) {
			m.Fluid, m.Reader = &Fluid{}, always(nil, Kind{Quantity: Flow}, Kind{Temperature, Supply}, Kind{Temperature, Return})
		}, "a fluid of 0 kg/m³"},
	} {
		m := ok()
		x.change(&m)
		if _, err := New(Config{Meters: []Meter{m}}); err == nil || !strings.Contains(err.Error(), x.says) {
			t.Errorf("%s: %v, want %q", name, err, x.says)
		}
	}
	if _, err := New(Config{Meters: []Meter{ok(), ok()}}); err == nil || !strings.Contains(err.Error(), "two of that name") {
		t.Error(err)
	}
	many := slices.Repeat([]Meter{ok()}, 5000)
	for i := range many {
		many[i].Name = strings.Repeat("m", i%250+1) + string(rune('a'+i/250))
	}
	if _, err := New(Config{Meters: many}); err == nil || !strings.Contains(err.Error(), "let another one read some of them") {
		t.Error(err)
	}
}
