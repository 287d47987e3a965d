//go:build cgo

package nvml

import (
	"maps"
	"testing"
	"testing/synctest"
	"time"

	nvidia "github.com/NVIDIA/go-nvml/pkg/nvml"
	"github.com/gigawatch/gigawatch/collector/internal/gpu"
	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/google/go-cmp/cmp"
)

func read(t testing.TB, d *Driver) *gpu.Reading {
	t.Helper()
	var r gpu.Reading
	if err := d.Read(t.Context(), time.Now(), &r); err != nil {
		t.Fatal(err)
	}
	return &r
}

// common is what all the fakes have.
func common() map[gpu.Slot]float64 {
	return map[gpu.Slot]float64{
		gpu.Energy: 5_400_000.123, gpu.PowerInstant: 688.12, gpu.MemoryTemperature: 58, gpu.Temperature: 61, gpu.TemperatureMargin: 24,
		gpu.Utilization: 0.98, gpu.MemoryUtilization: 0.54, gpu.EncoderUtilization: 0, gpu.DecoderUtilization: 0.03,
		gpu.MemoryUsed: 72000000000, gpu.MemoryTotal: 85520809984, gpu.SMClock: 1.98e9, gpu.MemoryClock: 2.619e9,
		gpu.PerformanceState: 0, gpu.ClockReasons: 4,
		gpu.CorrectedVolatile: 12, gpu.UncorrectedVolatile: 1, gpu.CorrectedAggregate: 40, gpu.UncorrectedAggregate: 2,
		gpu.RemappedCorrectable: 3, gpu.RemappedUncorrectable: 1, gpu.RemapPending: 0, gpu.RemapFailed: 1, gpu.SRAMThreshold: 1,
		gpu.SlowPower: 3, gpu.SlowThermal: 17e-9, gpu.SlowBoard: 5e-9, gpu.SlowReliability: 6e-9,
		gpu.PCIeReplays: 9, gpu.PCIeWidth: 16, gpu.PCIeWidthMax: 16, gpu.PCIeGeneration: 5, gpu.PCIeGenerationMax: 5,
		gpu.Partitions: 0,
	}
}

func TestModels(t *testing.T) {
	hopper := map[gpu.Slot]float64{
		gpu.Power: 690.5, gpu.PowerLimit: 650, gpu.PowerLimitDefault: 700, gpu.RecoveryAction: 1,
		gpu.SlowSoftwareThermal: 21e-9, gpu.SlowHardwareThermal: 22e-9, gpu.SlowPowerBrake: 23e-9,
	}
	for name, x := range map[string]struct {
		board *fake
		want  []map[gpu.Slot]float64
		not   []gpu.Slot
	}{
		"H100": {h100("GPU-1"), []map[gpu.Slot]float64{hopper,
			{gpu.NVLinkFlit: 11, gpu.NVLinkData: 12, gpu.NVLinkReplay: 13, gpu.NVLinkRecovery: 14, gpu.NVLinkECC: 15}}, nil},
		"H200": {h200("GPU-1"), []map[gpu.Slot]float64{hopper, {gpu.NVLinkReplay: 18, gpu.NVLinkRecovery: 36, gpu.NVLinkFlit: 153}}, nil},
		"B200": {b200("GPU-1"), []map[gpu.Slot]float64{hopper, {gpu.NVLinkReceive: 180, gpu.NVLinkRecovery: 18, gpu.NVLinkEffective: 1800}}, nil},
		"A100": {a100("GPU-1"), []map[gpu.Slot]float64{{gpu.Power: 391, gpu.PowerLimit: 400, gpu.PowerLimitDefault: 400}}, []gpu.Slot{gpu.PowerInstant}},
	} {
		t.Run(name, func(t *testing.T) {
			_, d := run(t, x.board)
			want := common()
			for _, w := range x.want {
				maps.Copy(want, w)
			}
			for _, s := range x.not {
				delete(want, s)
			}
			for range 2 { // the second asks for what the first found only
				b := read(t, d).Boards[0]
				if diff := cmp.Diff(want, values(b)); diff != "" {
					t.Fatalf("(-want +got):\n%s", diff)
				}
				if b.Time != driven || b.EnergyTime != driven {
					t.Errorf("taken at %d, energy at %d", b.Time, b.EnergyTime)
				}
			}
		})
	}
}

func TestIdentity(t *testing.T) {
	_, d := run(t, h100("GPU-aa"), h200("GPU-bb"))
	r := read(t, d)
	for i := range r.Boards {
		r.Boards[i].Values = [gpu.Slots]metric.Raw{}
	}
	want := []gpu.Board{
		{UUID: "GPU-aa", Index: 0, Model: "NVIDIA H100 80GB HBM3", PCI: "0000:1b:00.0", Serial: "165312302", Driver: "580.82.07", Time: driven, EnergyTime: driven},
		{UUID: "GPU-bb", Index: 1, Model: "NVIDIA H200", PCI: "0000:1c:00.0", Serial: "165312302", Driver: "580.82.07", Time: driven, EnergyTime: driven},
	}
	if diff := cmp.Diff(want, r.Boards); diff != "" {
		t.Error(diff)
	}
	if want := "NVML 13.580.82.07, driver 580.82.07: 1 NVIDIA H100 80GB HBM3, 1 NVIDIA H200"; r.Found != want {
		t.Errorf("found %q", r.Found)
	}
	if len(r.Refused) > 0 {
		t.Errorf("refused: %q", r.Refused)
	}
}

// Each field stands alone: what fails, or is nothing, is missing, and no other
// value suffers.
func TestFieldsThatFail(t *testing.T) {
	for name, x := range map[string]struct {
		id   uint32
		as   datum
		gone []gpu.Slot
		now  map[gpu.Slot]float64
	}{
		"memory temperature, for now":        {82, datum{ret: nvidia.ERROR_UNKNOWN}, []gpu.Slot{gpu.MemoryTemperature}, nil},
		"memory temperature, no data":        {82, datum{ret: nvidia.ERROR_NO_DATA}, []gpu.Slot{gpu.MemoryTemperature}, nil},
		"memory temperature, a reset needed": {82, datum{ret: nvidia.ERROR_RESET_REQUIRED}, []gpu.Slot{gpu.MemoryTemperature}, nil},
		"errors without ECC":                 {4, datum{ret: nvidia.ERROR_NOT_SUPPORTED}, []gpu.Slot{gpu.UncorrectedVolatile}, nil},
		"a field of a driver to come":        {230, datum{ret: nvidia.ERROR_INVALID_ARGUMENT}, []gpu.Slot{gpu.RecoveryAction}, nil},
		"a type to come":                     {82, datum{kind: 77, value: 5}, []gpu.Slot{gpu.MemoryTemperature}, nil},
		"no temperature of this world":       {82, u32(4_294_967_295), []gpu.Slot{gpu.MemoryTemperature}, nil},
		"nanoseconds below zero":             {74, u64(1<<64 - 1), []gpu.Slot{gpu.SlowPower}, nil},
		"energy, asked for otherwise":        {83, datum{ret: nvidia.ERROR_NOT_SUPPORTED}, nil, map[gpu.Slot]float64{gpu.Energy: 0.777}},
		"power, asked for otherwise":         {185, datum{ret: nvidia.ERROR_UNKNOWN}, nil, map[gpu.Slot]float64{gpu.Power: 0.391}},
		"no power of the moment":             {186, u32(0), []gpu.Slot{gpu.PowerInstant}, nil},
		"a signed number":                    {82, i32(-7), nil, map[gpu.Slot]float64{gpu.MemoryTemperature: -7}},
		"a float":                            {185, f64(512_000.4), nil, map[gpu.Slot]float64{gpu.Power: 512}},
		"a float that is none":               {82, f64(1e300), []gpu.Slot{gpu.MemoryTemperature}, nil},
		"four bytes of eight":                {82, datum{kind: nvidia.VALUE_TYPE_UNSIGNED_INT, value: 0xdeadbeef_0000002a, at: driven}, nil, map[gpu.Slot]float64{gpu.MemoryTemperature: 42}},
		"two bytes of eight":                 {82, datum{kind: nvidia.VALUE_TYPE_UNSIGNED_SHORT, value: 0xdeadbeef_feed002b, at: driven}, nil, map[gpu.Slot]float64{gpu.MemoryTemperature: 43}},
	} {
		t.Run(name, func(t *testing.T) {
			_, whole := run(t, h100("GPU-1"))
			want := values(read(t, whole).Boards[0])
			for _, s := range x.gone {
				delete(want, s)
			}
			maps.Copy(want, x.now)
			b := h100("GPU-1")
			b.power, b.energy = 391, 777
			b.fields[key{x.id, 0}] = x.as
			_, d := run(t, b)
			for range 2 {
				if diff := cmp.Diff(want, values(read(t, d).Boards[0])); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			}
		})
	}
}

// One link that cannot be read now makes the sum missing, which would fall
// without it.
func TestLinkThatFails(t *testing.T) {
	b := b200("GPU-1")
	b.fields[key{208, 5}] = datum{ret: nvidia.ERROR_UNKNOWN}
	_, d := run(t, b)
	v := values(read(t, d).Boards[0])
	if _, ok := v[gpu.NVLinkReceive]; ok || v[gpu.NVLinkEffective] != 1800 {
		t.Errorf("receive errors %v, effective %v", v[gpu.NVLinkReceive], v[gpu.NVLinkEffective])
	}
}

// A driver that answers nothing for a field that it does not know still gives
// all the others, and is asked for those alone the next time.
func TestDriverThatKnowsNotAField(t *testing.T) {
	b := h100("GPU-1")
	b.whole = nvidia.ERROR_INVALID_ARGUMENT
	_, d := run(t, b)
	first := values(read(t, d).Boards[0])
	if first[gpu.Energy] != 5_400_000.123 || first[gpu.NVLinkECC] != 15 {
		t.Errorf("%v", first)
	}
	b.asked = 0
	b.returns["nvmlDeviceGetTotalEnergyConsumption"] = nvidia.ERROR_NOT_SUPPORTED
	second := values(read(t, d).Boards[0])
	if diff := cmp.Diff(first, second); diff != "" {
		t.Errorf("(-first +second):\n%s", diff)
	}
	if b.asked > 12 {
		t.Errorf("%d calls for a reading", b.asked)
	}
}

// A board that falls off the bus is absent at once, is not asked on and on, and
// keeps its identity; its neighbour does not notice. What it says when it is
// back is all new.
func TestBoardLostAndBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := h100("GPU-1"), h100("GPU-2")
		_, d := run(t, a, b)
		before := read(t, d).Boards[0]
		a.lost = true
		a.asked = 0
		for i := range 90 { // over a listing
			r := read(t, d)
			lost, other := r.Boards[0], r.Boards[1]
			if !lost.Absent || len(values(lost)) > 0 || lost.UUID != before.UUID || lost.PCI != before.PCI || lost.Serial != before.Serial || lost.Model != before.Model || lost.Time != 0 {
				t.Fatalf("reading %d: %+v", i, lost)
			}
			if other.Absent || values(other)[gpu.Energy] != 5_400_000.123 || other.Index != 1 {
				t.Fatalf("reading %d of its neighbour: %+v", i, other)
			}
			time.Sleep(time.Second)
		}
		if a.asked > 100 {
			t.Errorf("%d calls on a lost board in 90 readings", a.asked)
		}
		a.lost = false
		time.Sleep(time.Minute)
		if diff := cmp.Diff(before, read(t, d).Boards[0]); diff != "" {
			t.Errorf("after its return (-want +got):\n%s", diff)
		}
	})
}

// One that is lost while it is asked has no half of its values.
func TestLostHalfway(t *testing.T) {
	b := h100("GPU-1")
	_, d := run(t, b)
	read(t, d)
	b.returns["nvmlDeviceGetClockInfo"] = nvidia.ERROR_GPU_IS_LOST
	if got := read(t, d).Boards[0]; !got.Absent || len(values(got)) > 0 {
		t.Errorf("%+v", got)
	}
	b.returns["nvmlDeviceGetClockInfo"] = nvidia.SUCCESS
	if got := read(t, d).Boards[0]; got.Absent || values(got)[gpu.PCIeWidth] != 16 {
		t.Errorf("%+v", got)
	}
}

func TestListing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b, c := h100("GPU-1"), h100("GPU-2"), h200("GPU-3")
		h, d := run(t, a, b)
		read(t, d)

		h.boards = []*fake{a} // taken from the bus for good
		time.Sleep(relistEvery)
		if r := read(t, d); len(r.Boards) != 2 || r.Boards[0].Absent || !r.Boards[1].Absent || r.Boards[1].UUID != "GPU-2" {
			t.Errorf("one removed: %+v", r.Boards)
		}

		c.h, c.index, h.version = h, 1, "590.10.01" // another in its place, another driver
		h.boards = []*fake{a, c}
		time.Sleep(relistEvery)
		r := read(t, d)
		if len(r.Boards) != 3 || r.Boards[2].UUID != "GPU-3" || !r.Boards[1].Absent || r.Boards[2].Driver != "590.10.01" || r.Boards[0].Driver != "590.10.01" {
			t.Errorf("one come: %+v", r.Boards)
		}
		if c.registered != 1 || a.registered != 1 {
			t.Errorf("registered %d and %d times", a.registered, c.registered)
		}

		a.gone = true // listed, but nothing more
		time.Sleep(relistEvery)
		if r := read(t, d); !r.Boards[0].Absent || r.Boards[0].UUID != "GPU-1" {
			t.Errorf("one lost: %+v", r.Boards)
		}

		h.uncount = nvidia.ERROR_UNINITIALIZED
		time.Sleep(relistEvery)
		if err := d.Read(t.Context(), time.Now(), &gpu.Reading{}); err == nil {
			t.Error("no error without a library")
		}
		h.uncount = nvidia.SUCCESS
		read(t, d)
	})
}

// A board lost before it could say who it is has no identity to be shown with.
func TestLostFromTheStart(t *testing.T) {
	a, b := h100("GPU-1"), h100("GPU-2")
	a.lost = true
	_, d := run(t, a, b)
	r := read(t, d)
	if len(r.Boards) != 1 || r.Boards[0].UUID != "GPU-2" || r.Boards[0].Index != 1 {
		t.Errorf("%+v", r.Boards)
	}
	if diff := cmp.Diff([]string{"board 0 cannot say who it is: the board has fallen off the bus"}, r.Refused); diff != "" {
		t.Error(diff)
	}
}

// The power of a module is shown where it is that of one GPU and its processor.
func TestModule(t *testing.T) {
	gh, b := h200("GPU-1"), b200("GPU-2")
	gh.name = "NVIDIA GH200 480GB"
	gh.fields[key{185, 1}], b.fields[key{185, 1}] = u32(845_000), u32(2_000_000)
	_, d := run(t, gh, b)
	if diff := cmp.Diff([]gpu.Socket{{Source: "module", Index: 0, Power: metric.Of(845)}}, read(t, d).Sockets); diff != "" {
		t.Error(diff)
	}
}

// What moves rarely is read every half minute and repeated in between; once a
// board is asked, what it does not have is not asked for again until it is
// listed anew.
func TestCadence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := b200("GPU-1")
		_, d := run(t, b)
		read(t, d)
		if want := 17 * len(perLink); b.askedOfLinks != want { // link 0 has no scope
			t.Errorf("asked %d times of links, want %d", b.askedOfLinks, want)
		}
		b.fields[key{5, 0}] = u64(41)
		b.askedOfLinks = 0
		time.Sleep(slowEvery - time.Second)
		if v := values(read(t, d).Boards[0]); v[gpu.CorrectedAggregate] != 40 || b.askedOfLinks > 0 {
			t.Errorf("%v errors, asked %d times of links", v[gpu.CorrectedAggregate], b.askedOfLinks)
		}
		time.Sleep(time.Second)
		if v := values(read(t, d).Boards[0]); v[gpu.CorrectedAggregate] != 41 || b.askedOfLinks != 17*3 {
			t.Errorf("%v errors, asked %d times of links", v[gpu.CorrectedAggregate], b.askedOfLinks)
		}
	})
}

func TestNoBoards(t *testing.T) {
	_, d := run(t)
	if r := read(t, d); len(r.Boards) > 0 || r.Found != "NVML 13.580.82.07, driver 580.82.07: no board" {
		t.Errorf("%+v", r)
	}
}
