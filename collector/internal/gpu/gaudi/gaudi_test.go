package gaudi

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gigawatch/gigawatch/collector/internal/gpu"
	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/google/go-cmp/cmp"
)

func TestGaudi2(t *testing.T) {
	m := unpack(t, "gaudi2")
	m.open()
	b := m.read()
	want := map[gpu.Slot]float64{
		gpu.Power: 418, gpu.PowerInstant: 418, gpu.PowerLimit: 600, gpu.Temperature: 47, gpu.SMClock: 1.65e9,
		gpu.PCIeWidth: 16, gpu.PCIeWidthMax: 16, gpu.PCIeGeneration: 4, gpu.PCIeGenerationMax: 4, gpu.Partitions: 0,
	}
	if diff := cmp.Diff(want, values(b[0])); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for i := range b {
		b[i].Values = [gpu.Slots]metric.Raw{}
	}
	boards := []gpu.Board{
		{UUID: "01P0-HL2080A0-15-TF8A81-03-07-03", Index: 0, Model: "Intel Gaudi 2", PCI: "0000:19:00.0", Driver: "habanalabs 1.17.1-78932ae"},
		{UUID: "01P0-HL2080A0-15-TNPS14-20-07-07", Index: 1, Model: "Intel Gaudi 2", PCI: "0000:b3:00.0", Driver: "habanalabs 1.17.1-78932ae"},
	}
	if diff := cmp.Diff(boards, b); diff != "" {
		t.Error(diff)
	}
	if want := "habanalabs 1.17.1-78932ae, files of the kernel: 2 Intel Gaudi 2; no energy counters, power is integrated"; m.r.Found != want {
		t.Errorf("found %q, want %q", m.r.Found, want)
	}
	if len(m.r.Refused) > 0 {
		t.Errorf("refused: %q", m.r.Refused)
	}
}

// Where sensors have labels these decide; accelerators of others are not ours.
func TestGaudi3(t *testing.T) {
	m := unpack(t, "gaudi3")
	m.open()
	b := m.read()
	if len(b) != 2 || b[0].UUID != "01P4-HL3090A0-18-U4V192-05-06-02" || b[0].Model != "Intel Gaudi 3" || b[1].PCI != "0000:4d:00.0" || b[1].Index != 1 {
		t.Fatalf("%+v", b)
	}
	want := map[gpu.Slot]float64{
		gpu.Power: 803, gpu.PowerInstant: 803, gpu.PowerLimit: 850, gpu.Temperature: 72, gpu.MemoryTemperature: 68, gpu.SMClock: 1.6e9,
		gpu.PCIeWidth: 16, gpu.PCIeWidthMax: 16, gpu.PCIeGeneration: 5, gpu.PCIeGenerationMax: 5, gpu.Partitions: 0,
	}
	if diff := cmp.Diff(want, values(b[0])); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestWhatIsMissing(t *testing.T) {
	const own, bus = "sys/devices/virtual/habanalabs/hl0/", "sys/devices/pci0000:15/0000:15:01.0/0000:19:00.0/"
	m := unpack(t, "gaudi2")
	m.open()
	whole := values(m.read()[0])
	for name, x := range map[string]struct {
		change  func(*machine)
		gone    []gpu.Slot
		refused string
	}{
		"power without a number":    {func(m *machine) { m.write(bus+"hwmon/hwmon2/power1_input", "") }, []gpu.Slot{gpu.Power, gpu.PowerInstant}, ""},
		"power of a stray register": {func(m *machine) { m.write(bus+"hwmon/hwmon2/power1_input", "4294967295000000") }, []gpu.Slot{gpu.Power, gpu.PowerInstant}, ""},
		"no sensor of power":        {func(m *machine) { m.remove(bus + "hwmon/hwmon2/power1_input") }, []gpu.Slot{gpu.Power, gpu.PowerInstant}, "0000:19:00.0: its firmware has no sensor of power"},
		"no hwmon":                  {func(m *machine) { m.remove(bus + "hwmon") }, []gpu.Slot{gpu.Power, gpu.PowerInstant, gpu.Temperature}, "0000:19:00.0: no hwmon"},
		"a negative limit":          {func(m *machine) { m.write(own+"max_power", "-1") }, []gpu.Slot{gpu.PowerLimit}, ""},
		"no clock":                  {func(m *machine) { m.remove(own + "clk_cur_freq_mhz") }, []gpu.Slot{gpu.SMClock}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			want := maps.Clone(whole)
			for _, s := range x.gone {
				delete(want, s)
			}
			m := unpack(t, "gaudi2")
			x.change(m)
			m.open()
			if diff := cmp.Diff(want, values(m.read()[0])); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if said := strings.Join(m.r.Refused, "\n"); !strings.Contains(said, x.refused) || (said == "") != (x.refused == "") {
				t.Errorf("refused:\n%s", said)
			}
		})
	}
}

// An error of the firmware is no reading of zero: here the file cannot be read
// at all.
func TestReadingsThatFail(t *testing.T) {
	const file = "sys/devices/pci0000:15/0000:15:01.0/0000:19:00.0/hwmon/hwmon2/power1_input"
	m := unpack(t, "gaudi2")
	m.remove(file)
	if err := os.MkdirAll(m.path(file), 0o777); err != nil { // to read a directory is EISDIR
		t.Fatal(err)
	}
	m.open()
	if b := m.read(); b[0].Values[gpu.Power] != metric.Missing || b[1].Values[gpu.Power] == metric.Missing {
		t.Errorf("%v and %v W", values(b[0])[gpu.Power], values(b[1])[gpu.Power])
	}
}

// A card in a reset has no values, not even those that are read rarely; once it
// answers again they are all there at once.
func TestReset(t *testing.T) {
	const status, limit = "sys/devices/virtual/habanalabs/hl0/status", "sys/devices/virtual/habanalabs/hl0/max_power"
	m := unpack(t, "gaudi2")
	m.open()
	before := m.read()[0]
	m.write(status, "In reset\n")
	b := m.read()
	if b[0].Absent || len(values(b[0])) > 0 || values(b[1])[gpu.Power] != 97 {
		t.Errorf("in reset: %+v", b)
	}
	if want := []string{`0000:19:00.0: its status is "In reset"; after a malfunction it wants a reset`}; !cmp.Equal(want, m.r.Refused) {
		t.Errorf("refused: %q", m.r.Refused)
	}
	m.write(status, "Operational\n")
	m.write(limit, "500000\n")
	after := m.read()[0]
	if v := values(after); v[gpu.PowerLimit] != 500 {
		t.Errorf("limit after the reset is %v W", v[gpu.PowerLimit])
	}
	before.Values[gpu.PowerLimit] = after.Values[gpu.PowerLimit]
	if diff := cmp.Diff(before, after); diff != "" {
		t.Error(diff)
	}
	if len(m.r.Refused) > 0 {
		t.Errorf("refused: %q", m.r.Refused)
	}
}

func TestBoardLostAndBack(t *testing.T) {
	const at = "sys/devices/virtual/habanalabs/hl0"
	synctest.Test(t, func(t *testing.T) {
		m := unpack(t, "gaudi2")
		m.open()
		before := m.read()[0]
		if err := os.Rename(m.path(at), m.path("elsewhere")); err != nil {
			t.Fatal(err)
		}
		for i := range 20 {
			time.Sleep(5 * time.Second)
			b := m.read()
			if !b[0].Absent || len(values(b[0])) > 0 || b[0].UUID != before.UUID || b[0].PCI != before.PCI || b[0].Index != 0 {
				t.Fatalf("reading %d of the lost board: %+v", i, b[0])
			}
			if b[1].Absent || values(b[1])[gpu.Power] != 97 || b[1].Index != 1 {
				t.Fatalf("reading %d of its neighbour: %+v", i, b[1])
			}
		}
		if err := os.Rename(m.path("elsewhere"), m.path(at)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if diff := cmp.Diff(before, m.read()[0]); diff != "" {
			t.Errorf("after its return (-want +got):\n%s", diff)
		}
	})
}

func TestIdentities(t *testing.T) {
	const first, second = "sys/devices/virtual/habanalabs/hl0/", "sys/devices/virtual/habanalabs/hl1/"
	const a, b = "01P0-HL2080A0-15-TF8A81-03-07-03", "01P0-HL2080A0-15-TNPS14-20-07-07"
	for name, x := range map[string]struct {
		change  func(*machine)
		uuid    [2]string
		model   string
		refused string
	}{
		"fuses":             {func(*machine) {}, [2]string{a, b}, "Intel Gaudi 2", ""},
		"no fuses":          {func(m *machine) { m.write(first+"fuse_ver", "\n") }, [2]string{"GAUDI-0000:19:00.0", b}, "Intel Gaudi 2", "known by its bus address"},
		"the same fuses":    {func(m *machine) { m.write(second+"fuse_ver", a) }, [2]string{a, a + "-0000:b3:00.0"}, "Intel Gaudi 2", "its bus address tells them apart"},
		"a device to come":  {func(m *machine) { m.write(first+"device_type", "GAUDI9") }, [2]string{a, b}, "Intel GAUDI9", ""},
		"shown by both":     {func(m *machine) { m.link("sys/class/accel/accel7/device", "../../../devices/virtual/habanalabs/hl0") }, [2]string{a, b}, "Intel Gaudi 2", ""},
		"without a version": {func(m *machine) { m.remove("sys/module") }, [2]string{a, b}, "Intel Gaudi 2", ""},
	} {
		t.Run(name, func(t *testing.T) {
			m := unpack(t, "gaudi2")
			x.change(m)
			m.open()
			var got [2]string
			for i, board := range m.read() {
				got[i] = board.UUID
			}
			if got != x.uuid || m.r.Boards[0].Model != x.model {
				t.Errorf("%q, %s", got, m.r.Boards[0].Model)
			}
			if said := strings.Join(m.r.Refused, "\n"); !strings.Contains(said, x.refused) || (said == "") != (x.refused == "") {
				t.Errorf("refused:\n%s", said)
			}
		})
	}
}

func TestNoBoards(t *testing.T) {
	if _, err := Open(Config{Root: t.TempDir()}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
}
