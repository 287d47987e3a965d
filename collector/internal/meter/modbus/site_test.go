package modbus

import (
	"testing"

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
	if d := cmp.Diff(Profiles(), site.Profiles("modbus")); d != "" {
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
