package amd

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

const joule = 1 << 16 // of the accumulator

func TestMI250X(t *testing.T) {
	m := unpack(t, "mi250x", shape{3, 120, 22, 24}.table(489, 1_234_567*joule+joule/2))
	m.open()
	b := m.read()
	if len(b) != 2 {
		t.Fatalf("%d boards, want the two dies", len(b))
	}
	first := map[gpu.Slot]float64{
		gpu.Power: 489, gpu.Energy: 1_234_567.5, gpu.Temperature: 63, gpu.MemoryTemperature: 58,
		gpu.Utilization: 0.97, gpu.MemoryUtilization: 0.41, gpu.MemoryUsed: 51539607552, gpu.MemoryTotal: 68702699520,
		gpu.SMClock: 1.7e9, gpu.MemoryClock: 1.6e9, gpu.PowerLimit: 560, gpu.PowerLimitDefault: 560,
		gpu.CorrectedVolatile: 12, gpu.UncorrectedVolatile: 1, gpu.PagesDoubleBit: 2, gpu.PagesPending: 1,
		gpu.PCIeReplays: 3, gpu.PCIeWidth: 16, gpu.PCIeWidthMax: 16, gpu.PCIeGeneration: 4, gpu.PCIeGenerationMax: 4,
		gpu.Partitions: 0,
	}
	if diff := cmp.Diff(first, values(b[0])); diff != "" {
		t.Errorf("first die (-want +got):\n%s", diff)
	}
	second := maps.Clone(first)
	for _, s := range []gpu.Slot{gpu.Power, gpu.Energy, gpu.PowerLimit, gpu.PowerLimitDefault} {
		delete(second, s)
	}
	second[gpu.Utilization] = 0.92
	if diff := cmp.Diff(second, values(b[1])); diff != "" {
		t.Errorf("second die, which has no meter (-want +got):\n%s", diff)
	}
	for i := range b {
		b[i].Values = [gpu.Slots]metric.Raw{}
	}
	want := []gpu.Board{
		{UUID: "AMD-2d8a5f0ab0b5d4f2", Index: 0, Model: "AMD Instinct MI250X", PCI: "0000:c1:00.0", Serial: "PCB052348-0118", Driver: "amdgpu 6.3.6"},
		{UUID: "AMD-91c2e7d3340a6b18", Index: 1, Model: "AMD Instinct MI250X", PCI: "0000:c6:00.0", Serial: "PCB052348-0118", Driver: "amdgpu 6.3.6"},
	}
	if diff := cmp.Diff(want, b); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"0000:c6:00.0: no power of its own: the die beside it on the same board measures both"}, m.r.Refused); diff != "" {
		t.Error(diff)
	}
	if want := "amdgpu 6.3.6, files of the kernel: 2 AMD Instinct MI250X"; m.r.Found != want {
		t.Errorf("found %q, want %q", m.r.Found, want)
	}
}

func TestMI300X(t *testing.T) {
	m := unpack(t, "mi300x", shape{7, 2208, 10, 24}.table(743, 90_000_000*joule))
	m.open()
	b := m.read()
	want := map[gpu.Slot]float64{
		gpu.Power: 742, gpu.PowerInstant: 742, gpu.Energy: 90e6, gpu.Temperature: 81, gpu.MemoryTemperature: 66,
		gpu.Utilization: 1, gpu.MemoryUtilization: 0.38, gpu.MemoryUsed: 171798691840, gpu.MemoryTotal: 206141652992,
		gpu.SMClock: 2.1e9, gpu.MemoryClock: 1.3e9, gpu.PowerLimit: 750, gpu.PowerLimitDefault: 750,
		gpu.CorrectedVolatile: 5, gpu.UncorrectedVolatile: 0, gpu.PagesDoubleBit: 0, gpu.PagesPending: 0,
		gpu.PCIeReplays: 0, gpu.PCIeWidth: 16, gpu.PCIeWidthMax: 16, gpu.PCIeGeneration: 5, gpu.PCIeGenerationMax: 5,
		gpu.Partitions: 0,
	}
	for i := range b {
		if diff := cmp.Diff(want, values(b[i])); diff != "" {
			t.Errorf("board %d (-want +got):\n%s", i, diff)
		}
	}
	if len(m.r.Refused) > 0 {
		t.Errorf("refused: %q", m.r.Refused)
	}
}

// Each revision's energy comes out, whatever else moved about in it.
func TestRevisions(t *testing.T) {
	for _, s := range shapes {
		b := s.table(431, 7_000_000_123)
		got, err := decode(b)
		if want := (snapshot{metric.Of(431), 106811525}); err != nil || got != want { // 7000000123 × 1000 / 65536
			t.Errorf("1.%d of %d bytes: %v, %v", s.content, s.size, got, err)
		}
		if _, err := decode(b[:len(b)-1]); err == nil {
			t.Errorf("1.%d: nothing said of a table cut off", s.content)
		}
		if got, err := decode(s.table(0xffff, 1<<64-1)); err != nil || got != (snapshot{metric.Missing, metric.Missing}) {
			t.Errorf("1.%d, nothing to be had: %v, %v", s.content, got, err)
		}
		if got, _ := decode(s.table(1, 1<<32-1)); got.energy != metric.Missing {
			t.Errorf("1.%d, no counter in 32 bits: %v", s.content, got)
		}
	}
}

func TestAttributes(t *testing.T) {
	const power, accumulator, temperatures = 3, 7, 0
	is := func(watts, energy metric.Raw) snapshot { return snapshot{watts, energy} }
	for name, x := range map[string]struct {
		table []byte
		want  snapshot
		fails bool
	}{
		"as MI300X has it": {attributes(
			attribute{2, 2, temperatures, 1, u16(80)}, attribute{3, 2, power, 1, u16(743)}, attribute{0, 6, 29, 8, make([]byte, 64)},
			attribute{0, 6, accumulator, 1, u64(5 * joule)}), is(metric.Of(743), 5000), false},
		"a byte between": {attributes(attribute{0, 0, 900, 1, []byte{1}}, attribute{0, 6, accumulator, 1, u64(joule)}), is(metric.Missing, 1000), false},
		"none":           {attributes(), is(metric.Missing, metric.Missing), false},
		"not available":  {attributes(attribute{0, 6, accumulator, 1, u64(1<<64 - 1)}), is(metric.Missing, metric.Missing), false},
		"of another width": {attributes(attribute{0, 4, accumulator, 1, []byte{1, 2, 3, 4}}, attribute{3, 2, power, 1, u16(9)}),
			is(metric.Of(9), metric.Missing), false},
		"an unknown type": {attributes(attribute{0, 9, accumulator, 1, u64(1)}), is(metric.Missing, metric.Missing), true},
		"cut off":         {attributes(attribute{0, 6, accumulator, 2, u64(1)}), is(metric.Missing, metric.Missing), true},
	} {
		got, err := decode(x.table)
		if got != x.want || (err != nil) != x.fails {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

// Nothing is lost to rounding: what many readings add up to is what the first
// and the last differ by.
func TestMillijoulesAddUp(t *testing.T) {
	var sum metric.Raw
	const step = 11_468_800/256 + 1 // about 683 mJ
	for i := range uint64(1000) {
		sum += millijoules((i+1)*step) - millijoules(i*step)
	}
	if want := millijoules(1000 * step); sum != want {
		t.Errorf("%d, want %d", sum, want)
	}
	if got := millijoules(1<<64 - 2); got != (1<<48-1)*1000+999 {
		t.Errorf("at its end: %d", got)
	}
}

// Where the accumulator cannot be believed there is none, and the power is
// there to be integrated.
func TestCountersThatAreNone(t *testing.T) {
	const dir = "sys/devices/pci0000:15/0000:15:01.0/0000:1b:00.0/"
	for name, x := range map[string]struct {
		table  []byte
		device string
		why    string
	}{
		"a revision of laptops":    {[]byte{120, 0, 2, 4, 0, 0}, "0x74a1", "gpu_metrics is cut off or is none"},
		"an unknown revision":      {append([]byte{8, 0, 1, 77}, 0, 0, 0, 0), "0x74a1", "gpu_metrics has revision 1.77, which is not known here"},
		"the unnatural first":      {append([]byte{8, 0, 1, 0}, 0, 0, 0, 0), "0x74a1", "gpu_metrics has revision 1.0, which is not known here"},
		"none":                     {nil, "0x74a1", "gpu_metrics cannot be read (no such file or directory)"},
		"firmware without":         {shape{8, 3872, 10, 24}.table(5, 1<<64-1), "0x74a1", "the firmware says it has none"},
		"MI100, 32 bits":           {shape{3, 120, 22, 24}.table(5, 77), "0x738c", "its accumulator has 32 bits and begins anew every 65 kJ"},
		"MI300 in a unit of a day": {shape{3, 120, 22, 24}.table(5, 77), "0x74a1", "the unit of its accumulator in gpu_metrics 1.3 differs by kernel; Linux 6.7 or newer says it in 1.4"},
	} {
		t.Run(name, func(t *testing.T) {
			m := unpack(t, "mi300x", x.table)
			m.write(dir+"device", x.device+"\n")
			m.open()
			v := values(m.read()[0])
			if _, ok := v[gpu.Energy]; ok {
				t.Errorf("energy is %v", v[gpu.Energy])
			}
			if v[gpu.Power] != 742 {
				t.Errorf("%v W, want 742", v[gpu.Power])
			}
			if got := strings.Join(m.r.Refused, "\n"); !strings.Contains(got, "no energy counter, power is integrated: "+x.why) {
				t.Errorf("refused:\n%s", got)
			}
		})
	}
}

// What fails alone is missing alone.
func TestWhatIsMissing(t *testing.T) {
	const dir = "sys/devices/pci0000:15/0000:15:01.0/0000:1b:00.0/"
	table := shape{7, 2208, 10, 24}.table(743, joule)
	m := unpack(t, "mi300x", table)
	m.open()
	whole := values(m.read()[0])
	for name, x := range map[string]struct {
		file, text string
		gone       []gpu.Slot
	}{
		"power without a number":     {"hwmon/hwmon5/power1_input", "", []gpu.Slot{gpu.Power, gpu.PowerInstant}},
		"power of a stray register":  {"hwmon/hwmon5/power1_input", "4294967295000000", []gpu.Slot{gpu.Power, gpu.PowerInstant}},
		"temperature below anything": {"hwmon/hwmon5/temp2_input", "-273000", []gpu.Slot{gpu.Temperature}},
		"busy beyond all":            {"gpu_busy_percent", "65535", []gpu.Slot{gpu.Utilization}},
		"errors during a reset":      {"ras/gfx_err_count", "Query currently inaccessible", []gpu.Slot{gpu.CorrectedVolatile, gpu.UncorrectedVolatile}},
		"half an answer":             {"ras/gfx_err_count", "ue: 5", []gpu.Slot{gpu.CorrectedVolatile, gpu.UncorrectedVolatile}},
		"pages of another form":      {"ras/gpu_vram_bad_pages", "0x1 : 0x1000 : X", []gpu.Slot{gpu.PagesDoubleBit, gpu.PagesPending}},
		"a link without a speed":     {"current_link_speed", "Unknown", []gpu.Slot{gpu.PCIeGeneration}},
		"a link of no lanes":         {"current_link_width", "255", []gpu.Slot{gpu.PCIeWidth}},
		"metrics cut off":            {"gpu_metrics", "\x10\x00\x01\x07", []gpu.Slot{gpu.Energy}},
	} {
		t.Run(name, func(t *testing.T) {
			want := maps.Clone(whole)
			for _, s := range x.gone {
				delete(want, s)
			}
			m := unpack(t, "mi300x", table)
			m.write(dir+x.file, x.text)
			m.open()
			if diff := cmp.Diff(want, values(m.read()[0])); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// Without files of power the firmware's table has it; without either nothing is
// made up.
func TestPowerOfTheTable(t *testing.T) {
	const hwmon = "sys/devices/pci0000:15/0000:15:01.0/0000:1b:00.0/hwmon"
	m := unpack(t, "mi300x", shape{4, 288, 10, 24}.table(511, joule))
	m.remove(hwmon)
	m.open()
	if v := values(m.read()[0]); v[gpu.Power] != 511 {
		t.Errorf("%v W, want 511", v[gpu.Power])
	}
	if got := strings.Join(m.r.Refused, "\n"); !strings.Contains(got, "0000:1b:00.0: no hwmon") {
		t.Errorf("refused:\n%s", got)
	}
}

// A board that falls off the bus stays, absent; its neighbour keeps its values
// and its place, and when it is back its values are too.
func TestBoardLostAndBack(t *testing.T) {
	const at = "sys/devices/pci0000:15/0000:15:01.0/0000:1b:00.0"
	synctest.Test(t, func(t *testing.T) {
		m := unpack(t, "mi300x", shape{7, 2208, 10, 24}.table(743, joule))
		m.open()
		before := m.read()[0]
		if err := os.Rename(m.path(at), m.path("elsewhere")); err != nil {
			t.Fatal(err)
		}
		for i := range 20 {
			time.Sleep(5 * time.Second)
			b := m.read()
			if !b[0].Absent || len(values(b[0])) > 0 || b[0].UUID != before.UUID || b[0].Serial != before.Serial || b[0].PCI != before.PCI || b[0].Index != 0 {
				t.Fatalf("reading %d of the lost board: %+v", i, b[0])
			}
			if b[1].Absent || values(b[1])[gpu.Power] != 742 || b[1].Index != 1 {
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

// A driver that is loaded anew may number its hwmon otherwise.
func TestSensorsMoved(t *testing.T) {
	const hwmon = "sys/devices/pci0000:15/0000:15:01.0/0000:1b:00.0/hwmon/"
	synctest.Test(t, func(t *testing.T) {
		m := unpack(t, "mi300x", nil)
		m.open()
		m.read()
		if err := os.Rename(m.path(hwmon+"hwmon5"), m.path(hwmon+"hwmon11")); err != nil {
			t.Fatal(err)
		}
		m.read()
		time.Sleep(relistSoon)
		if v := values(m.read()[0]); v[gpu.Power] != 742 || v[gpu.Temperature] != 81 || v[gpu.PowerLimit] != 750 {
			t.Errorf("%v W of %v W, %v degrees", v[gpu.Power], v[gpu.PowerLimit], v[gpu.Temperature])
		}
	})
}

// What moves rarely is read every half minute.
func TestSlowValues(t *testing.T) {
	const count = "sys/devices/pci0000:15/0000:15:01.0/0000:1b:00.0/ras/gfx_err_count"
	synctest.Test(t, func(t *testing.T) {
		m := unpack(t, "mi300x", nil)
		m.open()
		m.read()
		m.write(count, "ue: 7\nce: 0\n")
		time.Sleep(slowEvery - time.Second)
		if v := values(m.read()[0]); v[gpu.UncorrectedVolatile] != 0 {
			t.Errorf("read anew after %v", slowEvery-time.Second)
		}
		time.Sleep(time.Second)
		if v := values(m.read()[0]); v[gpu.UncorrectedVolatile] != 7 {
			t.Errorf("%v errors after %v, want 7", v[gpu.UncorrectedVolatile], slowEvery)
		}
	})
}

func TestIdentities(t *testing.T) {
	const first, second = "sys/devices/pci0000:15/0000:15:01.0/0000:1b:00.0/", "sys/devices/pci0000:37/0000:37:01.0/0000:3d:00.0/"
	for name, x := range map[string]struct {
		change  func(m *machine)
		uuid    [2]string
		model   string
		refused string
	}{
		"a unique id":       {func(*machine) {}, [2]string{"AMD-70f51cae41ff8c96", "AMD-0b6c0e3a7a1e3f41"}, "AMD Instinct MI300X OAM", ""},
		"only a serial":     {func(m *machine) { m.remove(first + "unique_id") }, [2]string{"AMD-692246001513", "AMD-0b6c0e3a7a1e3f41"}, "AMD Instinct MI300X OAM", ""},
		"zeros":             {func(m *machine) { m.write(first+"unique_id", "0000000000000000") }, [2]string{"AMD-692246001513", "AMD-0b6c0e3a7a1e3f41"}, "AMD Instinct MI300X OAM", ""},
		"nothing":           {func(m *machine) { m.remove(first + "unique_id"); m.remove(first + "serial_number") }, [2]string{"AMD-0000:1b:00.0", "AMD-0b6c0e3a7a1e3f41"}, "AMD Instinct MI300X OAM", "known by its bus address"},
		"one for both":      {func(m *machine) { m.write(second+"unique_id", "70f51cae41ff8c96") }, [2]string{"AMD-70f51cae41ff8c96", "AMD-70f51cae41ff8c96-0000:3d:00.0"}, "AMD Instinct MI300X OAM", "its bus address tells them apart"},
		"no name":           {func(m *machine) { m.remove(first + "product_name") }, [2]string{"AMD-70f51cae41ff8c96", "AMD-0b6c0e3a7a1e3f41"}, "AMD Instinct MI300X", ""},
		"a device to come":  {func(m *machine) { m.remove(first + "product_name"); m.write(first+"device", "0x9999") }, [2]string{"AMD-70f51cae41ff8c96", "AMD-0b6c0e3a7a1e3f41"}, "AMD 0x9999", ""},
		"a display adapter": {func(m *machine) { m.write(first+"class", "0x030000") }, [2]string{"AMD-0b6c0e3a7a1e3f41"}, "AMD Instinct MI300X OAM", "0000:1b:00.0: a display adapter (class 0x030000), not an accelerator"},
	} {
		t.Run(name, func(t *testing.T) {
			m := unpack(t, "mi300x", shape{7, 2208, 10, 24}.table(743, joule))
			x.change(m)
			m.open()
			var got [2]string
			for i, b := range m.read() {
				got[i] = b.UUID
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

// 65 536 000 steps of an accumulator are 1000 J.
func TestV17AThousandJoulesOfAnAccumulator(t *testing.T) {
	const before = 90_000_000*joule + 12_345
	m := unpack(t, "mi300x", shape{7, 2208, 10, 24}.table(743, before))
	m.open()
	first := m.read()[0].Values[gpu.Energy]
	m.write("sys/devices/pci0000:15/0000:15:01.0/0000:1b:00.0/gpu_metrics", string(shape{7, 2208, 10, 24}.table(743, before+65_536_000)))
	if got := m.read()[0].Values[gpu.Energy] - first; got != 1_000_000 {
		t.Errorf("%d mJ, want 1000 J", got)
	}
}
