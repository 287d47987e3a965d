package modbus

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/collector/internal/meter"
	"github.com/gigawatch/gigawatch/collector/site"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/simonvetter/modbus"
)

// What a site file says of Modbus is read, and what it does not say is as in the
// maps here.
func TestDevicesOfASiteFile(t *testing.T) {
	s, err := site.Parse("site.yaml", site.Example)
	if err != nil {
		t.Fatal(err)
	}
	var gs Gateways
	var meters []meter.Meter
	for i := range s.Meters {
		m := &s.Meters[i]
		if m.Read == nil || m.Read.Modbus == nil {
			continue
		}
		r, line, err := gs.Of(m.Read.Modbus)
		if err != nil {
			t.Fatal(err)
		}
		meters = append(meters, meter.Of(s, m, r, line))
		for _, k := range r.Gives() {
			if k.Quantity == meter.EnergyExport {
				continue
			}
			if _, err := meter.NewScale(k.Quantity, "1", map[meter.Quantity]string{meter.Power: "W", meter.Energy: "Wh", meter.Heat: "Wh", meter.Water: "L", meter.Flow: "L/s", meter.Temperature: "C"}[k.Quantity]); err != nil {
				t.Error(err)
			}
		}
	}
	if len(meters) < 5 || len(gs.Feeds()) >= len(meters) {
		t.Errorf("%d meters behind %d gateways", len(meters), len(gs.Feeds()))
	}
	if _, err := meter.New(meter.Config{Meters: meters, Feeds: gs.Feeds()}); err != nil {
		t.Error(err)
	}
	if d := cmp.Diff(meter.Profiles(profiles), site.Profiles("modbus")); d != "" {
		t.Errorf("the profiles that a site file may name are not those that there are: %s", d)
	}
}

func TestAMapByHandIsRead(t *testing.T) {
	h := holdings{}
	h.set(7, 3, 10, u32(0xFFFFFFFE)...)
	h.set(7, 4, 20, 0x8001)
	h.set(7, 4, 30, 9896, 541, 3)
	server := serve(t, h, modbus.ServerConfiguration{})
	field := func(q site.Quantity, unit string) site.Field { return site.Field{Measures: q, Unit: unit} }
	d := &site.Modbus{Address: server.addr, Unit: 7, Function: 4, WordOrder: "high_first", Values: []site.RegisterValue{
		{Field: field(site.MeasuresWater, "L"), Function: 3, Offset: 10, Type: "u32", RollsOverAt: 1 << 40},
		{Field: field(site.MeasuresPower, "kW"), Offset: 20, Type: "u16", NotAvailable: []uint64{0x8001}},
		{Field: field(site.MeasuresEnergy, "Wh"), Offset: 30, Type: "mod10k", Registers: 3, WordOrder: "low_first"},
	}}
	var gs Gateways
	r, line, err := gs.Of(d)
	if err != nil || line != "modbus "+server.addr {
		t.Fatalf("%q, %v", line, err)
	}
	got, err := r.Read(t.Context())
	want := []meter.Value{
		{Quantity: meter.Water, Register: meter.Register{Steps: 0xFFFFFFFE, Modulus: 1 << 40, Size: meter.Size{Num: 1000, Den: 1}}},
		{Quantity: meter.Energy, Register: meter.Register{Steps: 305419896, Modulus: 1e12, Size: meter.Size{Num: 3_600_000, Den: 1}}},
	}
	if d := cmp.Diff(want, got, cmpopts.EquateEmpty()); d != "" || err != nil {
		t.Errorf("%v: %s", err, d)
	}
	d.Channel = 2
	if _, _, err := gs.Of(d); err == nil || !contains(err.Error(), "unit 7 at "+server.addr+": register map of its own has no channel 2") {
		t.Error(err)
	}
	d.Channel, d.Values[0].Unit = 0, "kWh"
	if _, _, err := gs.Of(d); err == nil || !contains(err.Error(), `"kWh" is no unit of water`) {
		t.Error(err)
	}
	d.Transport = "tls"
	if _, _, err := gs.Of(d); err == nil {
		t.Error("another transport to the same address")
	}
}

// What a map of a file has, a site file may have too.
func TestEveryKeyOfARegisterIsTaken(t *testing.T) {
	h := holdings{}
	h.set(7, 3, 110, u32(1000)...)
	h.set(7, 3, 112, u32(500)...)
	h.set(7, 3, 120, 0xFFFF) // times 10^-1
	h.set(7, 3, 130, 0xFFFF) // would be not available by itself
	h.set(7, 3, 40, 5001)
	h.set(7, 3, 50, 0x4142, 0x4300)
	server := serve(t, h, modbus.ServerConfiguration{})
	text := `
site: x
time_zone: UTC
meters:
  - id: a
    role: cooling
    measures: [power, flow]
    read:
      modbus:
        address: ` + server.addr + `
        unit: 7
        function: 3
        word_order: high_first
        channel: 2
        channel_step: 100
        max_gap: 0
        max_registers: 4
        values:
          - {measures: power, number: 11, plus: [13], exponent: 21, type: u32, unit: kW, invert: true, min: -200, max: 0}
          - {measures: flow, offset: 30, type: u16, unit: L/h, not_available: []}
          - {measures: frequency, offset: 40, type: u16, unit: Hz, scale: 0.01, min: 49}
          - {measures: serial, offset: 50, type: text, registers: 2}
`
	read := func(text string) (*Reader, []meter.Value, error) {
		s, err := site.Parse("site.yaml", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		var gs Gateways
		r, _, err := gs.Of(s.Meters[0].Read.Modbus)
		if err != nil {
			t.Fatal(err)
		}
		got, err := r.Read(t.Context())
		return r, got, err
	}
	r, got, err := read(text)
	want := []meter.Value{{Quantity: meter.Power, Number: -150_000}, {Quantity: meter.Flow, Number: 65.535 / 3600}}
	for i := range got {
		if got[i].Register.Life != "ABC" {
			t.Errorf("the device is %q", got[i].Register.Life)
		}
		got[i].Register = meter.Register{}
	}
	if d := cmp.Diff(want, got, cmpopts.EquateApprox(1e-9, 0)); d != "" || err != nil {
		t.Errorf("%v: %s", err, d)
	}
	if len(r.spans) != 5 {
		t.Errorf("gaps are read along: %v", r.spans)
	}
	for from, says := range map[string]string{"min: 49": "frequency reads 50.01, not 60 to 65", "min: -200": "power reads -150, not -20 to 0"} {
		to := map[string]string{"min: 49": "min: 60", "min: -200": "min: -20"}[from]
		if _, _, err := read(strings.Replace(text, from, to, 1)); err == nil || !contains(err.Error(), says) {
			t.Errorf("%s: %v", to, err)
		}
	}
}

// A site file that is in order has a map: what is refused here was complained of
// there, with its line.
func TestWhatASiteFileMaySayOfRegistersIsAMap(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed: %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	one := func(of ...string) string { return of[r.IntN(len(of))] }
	offset := func() string {
		return fmt.Sprint([]int{0, 1, 7, 3059, 9999, 65532, 65534, 65535, 65536}[r.IntN(9)])
	}
	keys := map[string]func() string{
		"unit":  func() string { return one("W", "kW", "Wh", "kWh", "L", "m3/h", "C", "V", "Hz", "mJ") },
		"scale": func() string { return one("0.1", "10", "1e-3", "0", "-1", "0.000001") },
		"plus":  func() string { return "[" + offset() + ", " + offset() + "]" }, "exponent": offset,
		"registers": func() string { return one("1", "2", "4", "5", "16") }, "word_order": func() string { return one("high_first", "low_first") },
		"byte_order": func() string { return one("low_first", "both") }, "not_available": func() string { return one("[]", "[0xFFFF]", "[0x80000000]", "0") },
		"rolls_over_at": func() string { return one("1", "65536", "1000000") }, "function": func() string { return one("3", "4") },
		"min": func() string { return one("0", "50", "-1e6", "NaN") }, "max": func() string { return one("0", "100", "1e9", "Inf") },
		"point": func() string { return one("supply", "return") }, "invert": func() string { return one("true", "false") },
	}
	usual := map[string]string{"power": "kW", "energy": "kWh", "heat": "MWh", "flow": "L/min", "temperature": "C", "frequency": "Hz", "voltage": "V", "serial": ""}
	taken := 0
	for range 6000 {
		var b strings.Builder
		b.WriteString("site: x\ntime_zone: UTC\nmeters:\n  - id: a\n    role: cooling\n    read:\n      modbus:\n        address: 127.0.0.1\n        function: 3\n")
		for key, of := range map[string][]string{"channel": {"1", "2", "9"}, "channel_step": {"1", "100", "9000"}, "max_registers": {"1", "2", "125"}, "max_gap": {"0", "125"}, "word_order": {"low_first"}} {
			if r.IntN(4) == 0 {
				fmt.Fprintf(&b, "        %s: %s\n", key, one(of...))
			}
		}
		b.WriteString("        values:\n")
		for range 1 + r.IntN(2) {
			measures := one("power", "energy", "heat", "flow", "temperature", "frequency", "voltage", "serial")
			fmt.Fprintf(&b, "          - {measures: %s, %s: %s, type: %s", measures, one("offset", "offset", "number"), offset(), one("u16", "s16", "u32", "f32", "f64", "u64", "mod10k", "bcd", "text"))
			plain := usual[measures] != "" && r.IntN(10) > 0
			if plain {
				b.WriteString(", unit: " + usual[measures])
			}
			for key, value := range keys {
				if r.IntN(9) == 0 && !(plain && key == "unit") {
					fmt.Fprintf(&b, ", %s: %s", key, value())
				}
			}
			b.WriteString("}\n")
		}
		s, err := site.Parse("site.yaml", []byte(b.String()))
		if err != nil {
			continue
		}
		taken++
		var gs Gateways
		reader, _, err := gs.Of(s.Meters[0].Read.Modbus)
		if err == nil {
			_, err = meter.New(meter.Config{Meters: []meter.Meter{meter.Of(s, &s.Meters[0], reader, "")}})
		}
		if err != nil {
			t.Fatalf("%v\n%s", err, b.String())
		}
	}
	if taken < 150 {
		t.Errorf("only %d of the files are in order", taken)
	}
}
