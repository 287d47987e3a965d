package agent

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/simonvetter/modbus"
)

// device is a Modbus server whose units 1 to 3 have power as f32 in kW at 0 and energy
// as u32 in Wh at 10.
type device struct {
	mu     sync.Mutex
	energy uint32
}

func (d *device) HandleHoldingRegisters(r *modbus.HoldingRegistersRequest) ([]uint16, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	held := map[uint16]uint16{0: 0x4120, 1: 0, 10: uint16(d.energy >> 16), 11: uint16(d.energy)} // 10 kW
	if r.UnitId > 3 || r.IsWrite {
		return nil, modbus.ErrGWTargetFailedToRespond
	}
	var out []uint16
	for i := range r.Quantity {
		v, ok := held[r.Addr+i]
		if !ok {
			return nil, modbus.ErrIllegalDataAddress
		}
		out = append(out, v)
	}
	return out, nil
}

func (d *device) HandleCoils(*modbus.CoilsRequest) ([]bool, error) {
	return nil, modbus.ErrIllegalFunction
}

func (d *device) HandleDiscreteInputs(*modbus.DiscreteInputsRequest) ([]bool, error) {
	return nil, modbus.ErrIllegalFunction
}

func (d *device) HandleInputRegisters(*modbus.InputRegistersRequest) ([]uint16, error) {
	return nil, modbus.ErrIllegalFunction
}

// serveDevice runs d on a free port of loopback.
func serveDevice(t *testing.T, d *device) (address string) {
	t.Helper()
	for range 20 { // the library does not say which port it took
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		address = l.Addr().String()
		l.Close()
		s, err := modbus.NewServer(&modbus.ServerConfiguration{URL: "tcp://" + address, Timeout: time.Minute}, d)
		if err != nil {
			t.Fatal(err)
		}
		if s.Start() == nil {
			t.Cleanup(func() { s.Stop() })
			return address
		}
	}
	t.Fatal("no port is free")
	return ""
}

const meterOf = `
  - id: %s
    role: it_input
    rating: 20 kW
    hall: h01
    point: %[1]s
    read:
      %s
      every: 1s
      modbus:
        address: %s
        unit: %d
        function: 3
        word_order: high_first
        values:
          - {measures: power, offset: 0, type: f32, unit: kW}
          - {measures: energy, offset: 10, type: u32, unit: Wh}
`

// A check reads what is this agent's, and tells why the others are not read.
func TestACheckTellsOfEachMeter(t *testing.T) {
	address := serveDevice(t, &device{energy: 1000})
	text := "site: demo\nhalls: h01\nmeters:" +
		fmt.Sprintf(meterOf, "mine", "by: meters-1", address, 1) +
		fmt.Sprintf(meterOf, "theirs", "by: meters-2", address, 2) +
		fmt.Sprintf(meterOf, "nobodys", "# nobody", address, 3) +
		fmt.Sprintf(meterOf, "dead", "by: meters-1", address, 9) +
		strings.ReplaceAll(fmt.Sprintf(meterOf, "locked", "by: meters-1", "127.0.0.1:1", 1), "        unit: 1\n", "        unit: 1\n        transport: tls\n        cert: /nowhere.pem\n        key: /nowhere.key\n        ca: /nowhere.ca\n") +
		"  - {id: imported, role: lighting, read: {csv: {}}}\n  - {id: by-hand, role: cooling}\n"
	name := beside(t, text)
	base := strings.Replace(plain, "/d", t.TempDir(), 1) + "site_file: site.yaml\n"
	none := "host: {enabled: false}, gpu: {driver: none}, node_power: {enabled: false}"
	for situation, tc := range map[string]struct {
		sources string
		want    []string
	}{
		"those that name it": {none, []string{
			"source meter: refused: meter locked: ",
			"source meter: 3 of the site's meters are this agent's; 1 are read by others; 1 name nobody who reads them: write by: in the site's file, or sources.meters.all: meters-1 if that is to be this agent and no other; 1 come as files; 1 have no read:\n",
			"source meter: 1 of 2 meters answer; dead: reading: ",
		}},
		"and those that name nobody": {none + ", meters: {all: meters-1}", []string{"4 of the site's meters are this agent's; 1 are read by others; 1 come as files", "2 of 3 meters answer"}},
	} {
		c, err := Parse(name, []byte(base+"sources: {"+tc.sources+"}\n"))
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if err := Check(t.Context(), c, slog.New(slog.NewTextHandler(io.Discard, nil)), &out); err == nil || !strings.Contains(err.Error(), "source meter: refused: meter locked: ") {
			t.Errorf("%s: %v", situation, err)
		}
		if left, err := os.ReadDir(filepath.Join(c.Spool.Dir, "state")); err != nil || len(left) > 0 {
			t.Errorf("%s: a check left %v, %v", situation, left, err)
		}
		for _, want := range tc.want {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%s: %q is missing in\n%s", situation, want, out.String())
			}
		}
	}
}

// Of more meters than a collector can send the first are read, and the others are
// an error that says what to do.
func TestMoreMetersThanOneCollectorSends(t *testing.T) {
	name := beside(t, "site: demo\nmeters:\n"+strings.Replace(fmt.Sprintf(meterOf, "m[0001-5001]", "by: meters-1", "m[0001-5001].invalid", 1), "    hall: h01\n", "", 1))
	c, err := Parse(name, []byte(strings.Replace(plain, "/d", t.TempDir(), 1)+"site_file: site.yaml\nsources: {host: {enabled: false}, gpu: {driver: none}, node_power: {enabled: false}}\n"))
	if err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	log := slog.New(slog.NewTextHandler(&said, nil))
	list, found := sources(c, log)
	for _, f := range found {
		f.log(log)
	}
	if len(list) != 1 {
		t.Fatalf("%d sources: %v", len(list), found)
	}
	_, values, err := list[0].Source.Read(t.Context(), time.Now(), nil)
	if err != nil || len(values) < 3840 {
		t.Errorf("%d values, %v", len(values), err)
	}
	for _, want := range []string{"level=ERROR", "refused: 1161 of 5001 meters, from m3841 on, are not read", "by:"} {
		if !strings.Contains(said.String(), want) {
			t.Errorf("%q is missing in\n%s", want, said.String())
		}
	}
	if n := list[0].Source.Name(); n != "meter" {
		t.Error(n)
	}
}

// The grid of the yearly table asks nobody.
func TestACheckTellsOfTheGrid(t *testing.T) {
	name := beside(t, "site: demo\ncountry: LU\nzone: DE-LU\n")
	base := strings.Replace(plain, "/d", t.TempDir(), 1) + "site_file: site.yaml\n"
	weather := filepath.Join(t.TempDir(), "outside")
	if err := os.WriteFile(weather, []byte("7.5\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for situation, tc := range map[string]struct{ grid, want string }{
		"the yearly table":   {"{providers: [{name: yearly}], weather: {file: " + weather + "}}", "source grid: DE-LU: lifecycle "},
		"and the weather":    {"{providers: [{name: yearly}], weather: {file: " + weather + "}}", "outside 7.5 °C"},
		"a key that lacks":   {"{providers: [{name: entsoe}]}", "source grid: refused: read grid of DE-LU: provider entsoe: it needs a key"},
		"a table that lacks": {"{providers: [{name: yearly, file: /nowhere}]}", "source grid: refused: "},
	} {
		c, err := Parse(name, []byte(base+"sources: {host: {enabled: false}, gpu: {driver: none}, node_power: {enabled: false}, grid: "+tc.grid+"}\n"))
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		err = Check(t.Context(), c, slog.New(slog.NewTextHandler(io.Discard, nil)), &out)
		if refused := strings.Contains(tc.want, "refused"); (err != nil) != refused || !strings.Contains(out.String(), tc.want) {
			t.Errorf("%s: %v, %q is missing in\n%s", situation, err, tc.want, out.String())
		}
		// An agent may be running beside it, with files of its own.
		if left, err := os.ReadDir(filepath.Join(c.Spool.Dir, "state")); err != nil || len(left) > 0 {
			t.Errorf("%s: a check left %v, %v", situation, left, err)
		}
	}
}
