package modbus

import (
	"slices"
	"strings"
	"testing"

	"github.com/gigawatch/gigawatch/collector/internal/meter"
	"github.com/google/go-cmp/cmp"
)

func contains(s, part string) bool { return strings.Contains(s, part) }

func TestMapsThatAreRefused(t *testing.T) {
	const head = "name: m\nfunction: 3\nvalues:\n"
	for name, tc := range map[string]struct{ text, want string }{
		"nothing":             {"", "m.yaml: name: missing\nm.yaml: values: 0 values; want 1 to 64"},
		"an unknown key":      {head + "- {measures: power, offset: 0, typo: u16}", "m.yaml:4: typo: no such key"},
		"no function":         {"name: m\nvalues:\n- {measures: power, offset: 0, type: u16, unit: W}", "m.yaml:3: values.0.measures: by which function it is read is not said: 3 for holding registers, 4 for input registers"},
		"a function to write": {head + "- {measures: power, function: 6, offset: 0, type: u16, unit: W}", "m.yaml:4: values.0.function: function 6: registers are read by 3, holding registers, or 4, input registers"},
		"no address":          {head + "- {measures: power, type: u16, unit: W}", "m.yaml:4: values.0.measures: where its registers are is not said: offset, counted from 0 as sent, or number, counted from 1"},
		"two addresses":       {head + "- {measures: power, offset: 1, number: 2, type: u16, unit: W}", "m.yaml:4: values.0.number: offset is counted from 0 and number from 1: say one of them"},
		"a number from zero":  {head + "- {measures: power, number: 0, type: u16, unit: W}", "m.yaml:4: values.0.number: 0 is outside of what can be sent; of a number such as 40001 or 300066 the first digit is the function's"},
		"six digits":          {head + "- {measures: power, number: 403060, type: u16, unit: W}", "m.yaml:4: values.0.number: 403060 is outside of what can be sent; of a number such as 40001 or 300066 the first digit is the function's"},
		"past the end":        {head + "- {measures: power, offset: 65535, type: u32, unit: W}", "m.yaml:4: values.0.offset: 65535 is outside of what can be sent; of a number such as 40001 or 300066 the first digit is the function's"},
		"an unknown type":     {head + "-\n  measures: power\n  offset: 1\n  type: int\n  unit: W", `m.yaml:7: values.0.type: "int" is none of u16 s16 u32 s32 u64 s64 f32 f64 mod10k bcd text`},
		"an unknown unit":     {head + "- {measures: power, offset: 1, type: u16, unit: kWh}", `m.yaml:4: values.0.unit: "kWh" is no unit of power`},
		"no unit":             {head + "- {measures: power, offset: 1, type: u16}", `m.yaml:4: values.0: unit: "" is no unit of power`},
		"an unknown quantity": {head + "- {measures: current, offset: 1, type: u16, unit: A}", `m.yaml:4: values.0.measures: "current" is none of power, energy, energy_export, water, heat, flow, temperature, frequency, voltage, serial`},
		"an unknown order":    {head + "- {measures: power, offset: 1, type: f32, unit: W, word_order: CDAB}", `m.yaml:4: values.0.word_order: "CDAB" is neither high_first nor low_first`},
		"mod10k anyhow":       {head + "- {measures: energy, offset: 1, type: mod10k, registers: 3, unit: Wh}", "m.yaml:4: values.0.type: mod10k needs its word_order: makers differ"},
		"mod10k of any size":  {head + "- {measures: energy, offset: 1, type: mod10k, word_order: low_first, unit: Wh}", "m.yaml:4: values.0.type: mod10k needs the number of its registers"},
		"mod10k of nine":      {head + "- {measures: energy, offset: 1, type: mod10k, registers: 9, word_order: low_first, unit: Wh}", "m.yaml:4: values.0.registers: 9 is not 1 to 4"},
		"registers of a u32":  {head + "- {measures: energy, offset: 1, type: u32, registers: 2, unit: Wh}", "m.yaml:4: values.0.registers: u32 has 2"},
		"no number":           {head + "- {measures: power, offset: 1, type: u16, unit: W, not_available: [0x18000]}", `m.yaml:4: values.0.not_available: "0x18000" is no number that 1 registers hold`},
		"scale":               {head + "- {measures: power, offset: 1, type: u16, unit: W, scale: -1}", `m.yaml:4: values.0.unit: "-1" is no number above zero`},
		"twice":               {head + "- {measures: power, offset: 1, type: u16, unit: W}\n- {measures: power, offset: 2, type: u16, unit: W}", "m.yaml:5: values.1.measures: power stands here twice; a sum is written with plus"},
		"no point":            {head + "- {measures: temperature, offset: 1, type: u16, unit: C}", "m.yaml:4: values.0.measures: a temperature has a point such as supply, and nothing else has"},
		"power rolls over":    {head + "- {measures: power, offset: 1, type: u16, unit: W, rolls_over_at: 100}", "m.yaml:4: values.0.rolls_over_at: power does not roll over"},
		"a sum rolls over":    {head + "- {measures: energy, offset: 1, plus: [3], type: u32, unit: Wh, rolls_over_at: 100}", "m.yaml:4: values.0.rolls_over_at: where a sum or one with an exponent rolls over cannot be told"},
		"energy in bounds":    {head + "- {measures: energy, offset: 1, type: u32, unit: Wh, max: 100}", "m.yaml:4: values.0.measures: what a register may count follows from the meter's rating, not from min and max"},
		"bounds turned":       {head + "- {measures: power, offset: 1, type: u16, unit: W, min: 5, max: 1}", "m.yaml:4: values.0.min: 5 is more than max 1"},
		"any voltage":         {head + "- {measures: power, offset: 1, type: u16, unit: W}\n- {measures: voltage, offset: 3, type: u16, unit: V}", "m.yaml:5: values.1.measures: a voltage is read to see that it is within min and max"},
		"frequency in kHz":    {head + "- {measures: power, offset: 1, type: u16, unit: W}\n- {measures: frequency, offset: 3, type: u16, unit: kHz}", `m.yaml:5: values.1.unit: "kHz"; want Hz`},
		"a broken serial":     {head + "- {measures: power, offset: 1, type: u16, unit: W}\n- {measures: serial, offset: 3, type: f32}", "m.yaml:5: values.1.type: a serial number is whole, and has no unit"},
		"text of power":       {head + "- {measures: power, offset: 1, type: text, registers: 2, unit: W}", "m.yaml:4: values.0.type: text is for a serial number"},
		"only a frequency":    {head + "- {measures: frequency, offset: 3, type: u16, unit: Hz}", "m.yaml:3: values: nothing of them is measured of the meter"},
		"a long request":      {"max_registers: 126\n" + head + "- {measures: power, offset: 1, type: u16, unit: W}", "m.yaml:1: max_registers: 126 is not 1 to 125 registers"},
		"a wide gap":          {"max_gap: -1\n" + head + "- {measures: power, offset: 1, type: u16, unit: W}", "m.yaml:1: max_gap: -1 is not 0 to 125 registers"},
		"too short a request": {"max_registers: 1\n" + head + "- {measures: power, offset: 1, type: u32, unit: W}", "m.yaml:5: values.0.type: it takes 2 registers, and a request 1"},
		"a list":              {"- a\n", "m.yaml:1: cannot unmarshal !!seq into modbus.RawMap"},
	} {
		m, err := ParseMap("m.yaml", []byte(tc.text))
		if err == nil || err.Error() != tc.want {
			t.Errorf("%s: %+v\n got %v\nwant %s", name, m, err, tc.want)
		}
	}
}

func TestMapsWithNumbersFromOne(t *testing.T) {
	e := entryOf(t, "measures: power, type: u16, unit: W")
	m, err := ParseMap("m", []byte("name: m\nfunction: 4\nvalues:\n- {measures: power, number: 3060, plus: [3062], exponent: 3070, type: u16, unit: W}\n"))
	if err != nil {
		t.Fatal(err)
	}
	if g := m.entries[0]; !slices.Equal(g.at, []int{3059, 3061}) || g.exponent != 3069 || g.function != 4 || e.at[0] != 0 {
		t.Errorf("%+v", g)
	}
}

func TestChannelsOfADevice(t *testing.T) {
	r := RawMap{Name: "panel", ChannelStep: 100, WordOrder: "high_first"}
	three, at, serial := 3, 1000, 5
	r.Function = &three
	r.Values = []RawValue{{Measures: "power", Offset: &at, Plus: []int{1002}, Type: "f32", Unit: "W"}, {Measures: "serial", Offset: &serial, Type: "u32"}}
	m, err := r.Map()
	if err != nil {
		t.Fatal(err)
	}
	c, err := m.Channel(3)
	if err != nil || !slices.Equal(c.entries[0].at, []int{1200, 1202}) || !slices.Equal(c.entries[1].at, []int{5}) || m.entries[0].at[0] != 1000 {
		t.Errorf("%+v, %v", c, err)
	}
	if _, err := m.Channel(700); err == nil || !contains(err.Error(), "power would be at register 70900") {
		t.Error(err)
	}
	if _, err := m.Channel(0); err == nil {
		t.Error("a channel 0")
	}
	r.ChannelStep, r.Values[0].Unit = 0, "A"
	if m, err := r.Map(); err == nil || err.Error() != `register map panel: values.0: unit: "A" is no unit of power` {
		t.Errorf("%+v, %v", m, err)
	}
	r.Values[0].Unit = "kW"
	if m, err = r.Map(); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Channel(2); err == nil || !contains(err.Error(), "register map panel has no channel 2") {
		t.Error(err)
	}
	if _, err := m.Channel(1); err != nil {
		t.Error(err)
	}
}

func TestAdjacentRegistersAreReadTogether(t *testing.T) {
	text := func(gap, most string) string {
		return "name: m\nfunction: 3\n" + gap + most + `values:
- {measures: energy, offset: 120, type: s64, unit: Wh}
- {measures: power, offset: 100, type: f32, unit: W}
- {measures: water, offset: 102, type: u32, unit: L}
- {measures: heat, offset: 109, type: u32, unit: kWh, exponent: 119}
- {measures: flow, offset: 105, type: u16, unit: L/s, function: 4}
- {measures: temperature, point: supply, offset: 300, plus: [299], type: s16, unit: C}
`
	}
	for name, tc := range map[string]struct {
		text string
		want []span
	}{
		"nothing in between": {text("max_gap: 0\n", ""), []span{{3, 100, 4, 2}, {3, 109, 2, 1}, {3, 119, 5, 2}, {3, 299, 2, 2}, {4, 105, 1, 1}}},
		"eight in between":   {text("", ""), []span{{3, 100, 24, 5}, {3, 299, 2, 2}, {4, 105, 1, 1}}},
		"short requests":     {text("", "max_registers: 5\n"), []span{{3, 100, 4, 2}, {3, 109, 2, 1}, {3, 119, 5, 2}, {3, 299, 2, 2}, {4, 105, 1, 1}}},
		"all together":       {text("max_gap: 125\n", ""), []span{{3, 100, 24, 5}, {3, 299, 2, 2}, {4, 105, 1, 1}}},
	} {
		m, err := ParseMap("m", []byte(tc.text))
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(tc.want, m.plan(m.gap), cmp.AllowUnexported(span{})); d != "" {
			t.Errorf("%s: %s", name, d)
		}
		if n := len(m.plan(apart)); n != 8 {
			t.Errorf("%s: %d requests, each value apart", name, n)
		}
	}
}

// What is built in says what is known of the registers of meters, and what is
// not.
func TestProfiles(t *testing.T) {
	type fact struct {
		function uint8
		power    int
		energy   []int
		export   []int
		form     form
		words    int
		unit     float64 // W of one
		sure     bool
	}
	want := map[string]fact{
		"schneider-iem3000":       {3, 3059, []int{3203}, []int{3207}, signed, 4, 1000, true},
		"schneider-pm5000":        {3, 3059, []int{3203}, []int{3207}, signed, 4, 1000, false},
		"siemens-pac2200":         {4, 65, []int{801}, []int{809}, float, 4, 1, true},
		"siemens-pac3200":         {4, 65, []int{801}, []int{809}, float, 4, 1, false},
		"siemens-pac-two-tariffs": {4, 65, []int{801, 805}, []int{809, 813}, float, 4, 1, false},
		"janitza-b":               {3, 19026, []int{19068}, []int{19076}, float, 2, 1, true},
		"janitza-umg":             {3, 19026, []int{19068}, []int{19076}, float, 2, 1, false},
	}
	if d := cmp.Diff(len(want), len(meter.Profiles(profiles))); d != "" {
		t.Error(d)
	}
	for _, name := range meter.Profiles(profiles) {
		m, err := Profile(name)
		if err != nil {
			t.Fatal(err)
		}
		w, ok := want[name]
		if !ok || m.Name != name || m.Title == "" {
			t.Errorf("%s: %q, %q", name, m.Name, m.Title)
			continue
		}
		if sure := len(m.Unverified()) == 0; sure != w.sure {
			t.Errorf("%s: unverified: %v", name, m.Unverified())
		}
		for i := range m.entries {
			e := &m.entries[i]
			if e.function != w.function || e.order != (order{}) {
				t.Errorf("%s %s: function %d, %+v", name, e.name, e.function, e.order)
			}
			switch e.kind.Quantity {
			case meter.Power:
				if e.at[0] != w.power || e.form != float || e.words != 2 || e.scale.Gauge(1) != w.unit {
					t.Errorf("%s: %+v", name, e)
				}
			case meter.Energy, meter.EnergyExport:
				at := w.energy
				if e.kind.Quantity == meter.EnergyExport {
					at = w.export
				}
				if !slices.Equal(e.at, at) || e.form != w.form || e.words != w.words || e.scale.Gauge(1) != 3.6e6 {
					t.Errorf("%s: %+v", name, e)
				}
			default:
				if e.purpose != probe || e.name != "frequency" {
					t.Errorf("%s: %+v", name, e)
				}
			}
		}
	}
	if _, err := Profile("../profiles/janitza-b"); err == nil || !contains(err.Error(), "none of the register maps that are built in: janitza-b, janitza-umg, schneider-iem3000") {
		t.Error(err)
	}
}

func FuzzParseMap(f *testing.F) {
	for _, name := range meter.Profiles(profiles) {
		b, err := profiles.ReadFile("profiles/" + name + ".yaml")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte("name: m\nfunction: 3\nvalues:\n- {measures: heat, number: 1, type: mod10k, registers: 4, word_order: low_first, unit: MWh, exponent: 9, plus: [5]}\n- {measures: serial, offset: 1, type: text, registers: 16}\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := ParseMap("m", b)
		if err != nil {
			return
		}
		for _, s := range m.plan(m.gap) {
			if s.n < 1 || s.n > m.most || s.at < 0 || s.at+s.n > 1<<16 {
				t.Errorf("a request for %d registers from %d", s.n, s.at)
			}
		}
		for i := range m.entries {
			e := &m.entries[i]
			var w words
			for range e.at {
				w.parts = append(w.parts, make([]uint16, e.words))
			}
			w.exponent = []uint16{0}
			if e.purpose == quantity {
				e.read(w)
			}
			e.otherwise(w.parts, w.exponent)
			e.text(w.parts[0])
		}
	})
}
