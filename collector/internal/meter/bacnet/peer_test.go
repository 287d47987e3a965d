package bacnet

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gigawatch/gigawatch/collector/internal/meter"
	"github.com/gigawatch/gigawatch/collector/loopback"
	"github.com/gigawatch/gigawatch/collector/site"
)

// shown is a value as the peer's library takes it.
type shown struct {
	Type  int `json:"type"`
	Value any `json:"value"`
}

type properties map[int]shown

// A peer is a device made with another library, in a process of its own.
type peer struct {
	t     *testing.T
	addr  string
	in    *json.Encoder
	lines *bufio.Scanner
}

// begin starts a peer with objects by type:instance.
func begin(t *testing.T, objects map[string]properties, multiple bool) *peer {
	t.Helper()
	node, err := exec.LookPath("node")
	if _, bad := os.Stat("testdata/node_modules/@bacnet-js/client"); err != nil || bad != nil {
		said := "no BACnet device to talk to: install Node and run make packages"
		if os.Getenv("CI") == "true" {
			t.Fatal(said)
		}
		t.Skip(said)
	}
	address := loopback.Free(t)
	_, port, _ := net.SplitHostPort(address)
	cmd := exec.Command(node, "device.js")
	cmd.Dir = "testdata"
	var stderr strings.Builder
	cmd.Stderr = &stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("device: %v: %s", err, stderr.String())
		}
	})
	p := &peer{t, address, json.NewEncoder(in), bufio.NewScanner(out)}
	p.say(map[string]any{"port": json.Number(port), "objects": objects, "multiple": multiple}, "listening")
	return p
}

func (p *peer) say(what any, answer string) {
	p.t.Helper()
	if err := p.in.Encode(what); err != nil {
		p.t.Fatal(err)
	}
	if !p.lines.Scan() || p.lines.Text() != answer {
		p.t.Fatalf("the device says %q", p.lines.Text())
	}
}

// set changes a property.
func (p *peer) set(object string, property int, to shown) {
	p.t.Helper()
	p.say(map[string]any{"object": object, "property": property, "to": to}, "ok")
}

// Objects of a plant as another library serves them, by several, by one, and by
// each property, all read the same.
func TestADeviceOfAnotherLibraryIsRead(t *testing.T) {
	ok := shown{bits, 0}
	objects := map[string]properties{
		"8:4711": {propIdentifier: {identifier, map[string]int{"type": 8, "instance": 4711}}},
		"0:1":    {propPresentValue: {realNumber, 1842.5}, propStatusFlags: ok, propReliability: {enumerated, 0}, propUnits: {enumerated, 48}},
		"23:7":   {propPresentValue: {unsigned, 4294967200}, propStatusFlags: ok, propUnits: {enumerated, 19}, propMaxPresValue: {unsigned, 4294967295}},
		"46:2":   {propPresentValue: {double, 123456789.25}, propStatusFlags: {bits, 1}, propUnits: {enumerated, 95}},
		"2:3":    {propPresentValue: {realNumber, -12.5}, propUnits: {enumerated, 62}}, // has no status flags
	}
	for i := range 12 {
		objects[fmt.Sprintf("0:%d", 100+i)] = properties{propPresentValue: {realNumber, i}, propUnits: {enumerated, 62}}
	}
	field := func(q site.Quantity, unit string) site.Field { return site.Field{Measures: q, Unit: unit} }
	d := site.BACnet{Device: 4711, Objects: []site.BACnetObject{
		{Field: field(site.MeasuresPower, "kW"), Type: "analog_input", Instance: 1},
		{Field: site.Field{Measures: site.MeasuresEnergy, Unit: "kWh", Scale: "0.1"}, Type: "accumulator", Instance: 7},
		{Field: field(site.MeasuresHeat, "Wh"), Type: "large_analog_value", Instance: 2},
		{Field: site.Field{Measures: site.MeasuresTemperature, Point: "outside", Unit: "C"}, Type: "analog_value", Instance: 3},
	}}
	want := []meter.Value{
		{Quantity: meter.Power, Number: 1_842_500},
		{Quantity: meter.Energy, Register: meter.Register{Steps: 4294967200, Modulus: 1 << 32, Size: meter.Size{Num: 360_000_000, Den: 1}}},
		{Quantity: meter.Heat, Register: meter.Register{Steps: 444444441300000, Grain: 1, Size: meter.Size{Num: 1, Den: 1}}},
		{Quantity: meter.Temperature, Point: "outside", Number: -12.5},
	}
	for i := range 12 {
		f := field(site.MeasuresTemperature, "C")
		f.Point = fmt.Sprint(i)
		d.Objects = append(d.Objects, site.BACnetObject{Field: f, Type: "analog_input", Instance: 100 + i})
		want = append(want, meter.Value{Quantity: meter.Temperature, Point: f.Point, Number: float64(i)})
	}
	for _, multiple := range []bool{true, false} {
		p := begin(t, objects, multiple)
		d.Address = p.addr
		r, line, err := Of(&d)
		if err != nil || line != "bacnet "+p.addr {
			t.Fatal(line, err)
		}
		for range 2 {
			got, err := r.Read(t.Context())
			if d := cmp.Diff(want, got); d != "" || err != nil {
				t.Errorf("by several %v: %v: %s", multiple, err, d)
			}
		}
		if wanted := map[bool]way{true: several, false: each}[multiple]; r.way != wanted {
			t.Errorf("by several %v: it is read by way %d", multiple, r.way)
		}
		r.way = single
		if got, err := r.Read(t.Context()); multiple && (cmp.Diff(want, got) != "" || err != nil) {
			t.Errorf("one object to a request: %v: %v", got, err)
		}
		d.Device = 4712
		if r, _, err = Of(&d); err != nil {
			t.Fatal(err)
		}
		if got, err := r.Read(t.Context()); got != nil || err == nil || !strings.Contains(err.Error(), "what answers at "+p.addr+" is another device than 4712: its address or device: is wrong") {
			t.Errorf("another device: %v, %v", got, err)
		}
		d.Device = 4711
		p.set("0:1", propStatusFlags, shown{bits, 8}) // out of service
		if r, _, err = Of(&d); err != nil {
			t.Fatal(err)
		}
		if got, err := r.Read(t.Context()); len(got) != len(want)-1 || err == nil || err.Error() != "power, analog_input 1: the device says that it is out of service" {
			t.Errorf("out of service: %v, %v", got, err)
		}
		p.set("0:1", propStatusFlags, ok)
	}
}
