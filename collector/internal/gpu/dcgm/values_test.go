//go:build cgo && linux

package dcgm_test

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/gigawatch/gigawatch/collector/internal/gpu"
	"github.com/gigawatch/gigawatch/collector/internal/gpu/dcgm"
	"github.com/gigawatch/gigawatch/collector/internal/gpu/dcgm/double"
	"github.com/gigawatch/gigawatch/collector/metric"
)

func TestEveryValueInItsUnit(t *testing.T) {
	e := newEngine(t, 1)
	e.Module = 1
	g := e.GPU(0)
	g.Power(start.Add(-time.Minute), 612.5, 42_000_000_123)
	for field, v := range map[int32]int64{
		150: 71, 140: 84, 153: -3, 100: 1980, 101: 2619, 112: 0x44, 190: 2, 203: 97, 204: 41, 206: 5, 207: 6,
		250: 81559, 252: 70000, 310: 3, 311: 1, 312: 30, 313: 10, 346: 1,
		240: 1_500_000_000, 241: 2, 243: 3, 245: 4, 1422: 5, 1423: 6, 1424: 7, 1523: 4,
		202: 12, 235: 5, 236: 16, 237: 4, 238: 8, 390: 21, 391: 22, 392: 23, 393: 24, 394: 25, 395: 1, 396: 1, 1507: 1,
		409: 31, 419: 32, 429: 33, 439: 34, 1205: 100, 1206: 20, 1207: 3, 1219: 41, 1220: 42,
		1009: 9, 1010: 10, 1011: 11, 1012: 12,
	} {
		g.Set(field, v)
	}
	for field, v := range map[int32]float64{163: 700, 164: 650, 1001: 0.9, 1002: 0.8, 1004: 0.7, 1005: 0.6} {
		g.SetFloat(field, v)
	}
	var r gpu.Reading
	d := e.open()
	e.read(d, &r)
	e.next(d, &r)

	got := map[gpu.Slot]float64{}
	for s := range gpu.Slots {
		got[s] = value(r.Boards[0], s)
	}
	want := map[gpu.Slot]float64{
		gpu.Power: 612.5, gpu.PowerInstant: 612.5, gpu.Energy: 42_000_000.123 + 61*612.5,
		gpu.Temperature: 71, gpu.MemoryTemperature: 84, gpu.TemperatureMargin: -3,
		gpu.Utilization: .97, gpu.MemoryUtilization: .41, gpu.EncoderUtilization: .05, gpu.DecoderUtilization: .06,
		gpu.MemoryUsed: 70000 << 20, gpu.MemoryTotal: 81559 << 20, gpu.SMClock: 1.98e9, gpu.MemoryClock: 2.619e9,
		gpu.PerformanceState: 2, gpu.ClockReasons: 0x44, gpu.PowerLimit: 650, gpu.PowerLimitDefault: 700,
		gpu.CorrectedVolatile: 3, gpu.UncorrectedVolatile: 1, gpu.CorrectedAggregate: 30, gpu.UncorrectedAggregate: 10,
		gpu.RemappedUncorrectable: 24, gpu.RemappedCorrectable: 25, gpu.RemapFailed: 1, gpu.RemapPending: 1,
		gpu.PagesSingleBit: 21, gpu.PagesDoubleBit: 22, gpu.PagesPending: 23, gpu.SRAMThreshold: 1, gpu.MemoryUnrepairable: 1,
		gpu.SlowPower: 1.5, gpu.SlowThermal: 2e-9, gpu.SlowBoard: 3e-9, gpu.SlowReliability: 4e-9,
		gpu.SlowSoftwareThermal: 5e-9, gpu.SlowHardwareThermal: 6e-9, gpu.SlowPowerBrake: 7e-9,
		gpu.PCIeReplays: 12, gpu.PCIeWidth: 8, gpu.PCIeWidthMax: 16, gpu.PCIeGeneration: 4, gpu.PCIeGenerationMax: 5,
		gpu.NVLinkFlit: 31, gpu.NVLinkData: 32, gpu.NVLinkReplay: 33, gpu.NVLinkRecovery: 34,
		gpu.NVLinkReceive: 123, gpu.NVLinkEffective: 41, gpu.NVLinkECC: 42, gpu.RecoveryAction: 4, gpu.Partitions: 0,
		gpu.EngineActive: .9, gpu.SMActive: .8, gpu.TensorActive: .7, gpu.MemoryActive: .6,
		gpu.PCIeTransmit: 9, gpu.PCIeReceive: 10, gpu.NVLinkThroughputTransmit: 11, gpu.NVLinkThroughputReceive: 12,
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateApprox(1e-12, 0), cmpopts.EquateNaNs()); diff != "" {
		t.Errorf("values (-want +got):\n%s", diff)
	}
	b := r.Boards[0]
	b.Values = gpu.Board{}.Values
	if diff := cmp.Diff(gpu.Board{
		UUID: "GPU-6a000000-0000-4000-8000-000000000001", Model: "NVIDIA H100 80GB HBM3", PCI: "0000:19:00.0",
		Serial: "1650323000000", Driver: "580.95.05", Time: e.clock.UnixMicro(), EnergyTime: e.clock.UnixMicro(),
	}, b); diff != "" {
		t.Errorf("board (-want +got):\n%s", diff)
	}
	if want := "DCGM 4.6.0 host engine at unix://" + e.socket + ": 1 GPU"; r.Found != want || r.Refused != nil {
		t.Errorf("found %q, refused %q, want %q and nothing", r.Found, r.Refused, want)
	}
}

func TestWhatIsNoReadingIsMissing(t *testing.T) {
	const i, f, s = 'i', 'd', 's'
	for name, c := range map[string]struct {
		field int32
		slot  gpu.Slot
		value double.Value
		want  float64
	}{
		"blank integer":                          {150, gpu.Temperature, double.Value{Type: i, Int: 0x7ffffffffffffff0}, math.NaN()},
		"integer not found":                      {150, gpu.Temperature, double.Value{Type: i, Int: 0x7ffffffffffffff1}, math.NaN()},
		"integer not supported":                  {312, gpu.CorrectedAggregate, double.Value{Type: i, Int: 0x7ffffffffffffff2}, math.NaN()},
		"integer without permission":             {240, gpu.SlowPower, double.Value{Type: i, Int: 0x7ffffffffffffff3}, math.NaN()},
		"blank double":                           {155, gpu.Power, double.Value{Type: f, Float: 140737488355328}, math.NaN()},
		"double without permission":              {155, gpu.Power, double.Value{Type: f, Float: 140737488355331}, math.NaN()},
		"not a number":                           {155, gpu.Power, double.Value{Type: f, Float: math.NaN()}, math.NaN()},
		"infinite":                               {155, gpu.Power, double.Value{Type: f, Float: math.Inf(1)}, math.NaN()},
		"negative power":                         {155, gpu.Power, double.Value{Type: f, Float: -1}, math.NaN()},
		"32-bit blank in a 32-bit count":         {202, gpu.PCIeReplays, double.Value{Type: i, Int: 0x7ffffff0}, math.NaN()},
		"32-bit blank as a temperature":          {150, gpu.Temperature, double.Value{Type: i, Int: 0x7ffffff0}, math.NaN()},
		"32-bit blank is 51 minutes at 700 W":    {156, gpu.Energy, double.Value{Type: i, Int: 0x7ffffff0}, 2147483.632},
		"more than 51 minutes at 700 W":          {156, gpu.Energy, double.Value{Type: i, Int: 1 << 45}, (1 << 45) / 1000.0},
		"negative energy":                        {156, gpu.Energy, double.Value{Type: i, Int: -5}, math.NaN()},
		"more than all of the time":              {203, gpu.Utilization, double.Value{Type: i, Int: 101}, math.NaN()},
		"a value with a bad status":              {150, gpu.Temperature, double.Value{Type: i, Int: 40, Status: -3}, math.NaN()},
		"text where a number was":                {150, gpu.Temperature, double.Value{Type: s}, math.NaN()},
		"a double where an integer was":          {150, gpu.Temperature, double.Value{Type: f, Float: 44}, 44},
		"an integer where a double was":          {155, gpu.Power, double.Value{Type: i, Int: 300}, 300},
		"no instant power beside power":          {157, gpu.PowerInstant, double.Value{Type: f, Float: 0}, math.NaN()},
		"no memory temperature beside the die's": {140, gpu.MemoryTemperature, double.Value{Type: i, Int: 0}, math.NaN()},
		"zero degrees is one":                    {150, gpu.Temperature, double.Value{Type: i, Int: 0}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEngine(t, 2)
			c.value.Field = c.field
			e.GPU(0).Put(c.value)
			var r gpu.Reading
			e.read(e.open(), &r)
			got := value(r.Boards[0], c.slot)
			if !cmp.Equal(got, c.want, cmpopts.EquateNaNs()) {
				t.Errorf("%v is %v, want %v", c.slot.Def().Name, got, c.want)
			}
			if missing(r.Boards[0]) || math.IsNaN(value(r.Boards[1], gpu.Power)) {
				t.Error("more than that is missing")
			}
		})
	}
}

func TestEnergyIsThePowerIntegrated(t *testing.T) {
	e := newEngine(t, 8)
	d := e.open()
	var r gpu.Reading
	e.read(d, &r)
	for i := range 60 {
		for n := range 8 {
			if (i+n)%7 == 0 {
				e.GPU(n).Power(e.clock.Add(time.Duration(i)*7*time.Millisecond), float64(70+(i*97+n*31)%630))
			}
		}
		e.next(d, &r)
		for n, b := range r.Boards {
			if want := e.GPU(n).Energy(time.UnixMicro(b.EnergyTime)); int64(b.Values[gpu.Energy]) != want {
				t.Fatalf("GPU %d at second %d: %d mJ, want %d", n, i, b.Values[gpu.Energy], want)
			}
		}
	}
}

func TestASumIsOfAllOrNone(t *testing.T) {
	e := newEngine(t, 1)
	g := e.GPU(0)
	for field, v := range map[int32]int64{1205: 100, 1206: 20, 1207: 3} {
		g.Set(field, v)
	}
	e.Forget("4.4.0", 1205)
	d := e.open()
	var r gpu.Reading
	for range 40 { // and no sum of sums
		e.next(d, &r)
	}
	if got := value(r.Boards[0], gpu.NVLinkReceive); got != 23 {
		t.Errorf("errors %v, want 23 of what the engine knows", got)
	}
	g.Unset(1206)
	for range 40 {
		e.next(d, &r)
	}
	if got := value(r.Boards[0], gpu.NVLinkReceive); !math.IsNaN(got) {
		t.Errorf("errors %v, want none", got)
	}
}

func TestACounterThatBeganAgainIsHandedOnAsItIs(t *testing.T) {
	e := newEngine(t, 1)
	d := e.open()
	var r gpu.Reading
	e.read(d, &r)
	e.pass(500 * time.Millisecond)
	e.GPU(0).Power(e.clock, 100, 0)
	e.pass(500 * time.Millisecond)
	e.read(d, &r)
	if got := r.Boards[0].Values[gpu.Energy]; got != 50_000 {
		t.Errorf("%d mJ, want 50000", got)
	}
}

func TestCallsAreBoundedAndLeaveTheEngineAlone(t *testing.T) {
	e := newEngine(t, 32)
	e.Module = 1
	var r gpu.Reading
	d := e.open()
	for range 70 {
		e.next(d, &r)
	}
	s := e.Seen
	if s.Largest > 256 || s.Flags != 0 || s.Keep != 300 {
		t.Errorf("at most %d values a call, flags %d, kept for %d s; want 256, 0 and 300", s.Largest, s.Flags, s.Keep)
	}
	if s.Policy != 0 || s.Health != 0 || s.Unwatches != 0 || s.Versions != 0 {
		t.Errorf("policies %d, health %d, unwatched %d, wrong versions %d; want none", s.Policy, s.Health, s.Unwatches, s.Versions)
	}
	if s.Groups > 8 || s.FieldGroups > 8 {
		t.Errorf("%d groups and %d field groups stay, of 64 for all clients", s.Groups, s.FieldGroups)
	}
	if len(r.Boards) != 32 || missing(r.Boards[31]) {
		t.Errorf("%d boards, the last is missing", len(r.Boards))
	}
}

func TestAFieldThatStopsIsMissing(t *testing.T) {
	e := newEngine(t, 1)
	d := e.open()
	var r gpu.Reading
	e.next(d, &r)
	e.GPU(0).Put(double.Value{Field: 150, Type: 'i', Int: 40, Time: e.Now})
	for i := range 6 {
		if got := r.Boards[0].Values[gpu.Temperature] != metric.Missing; got != (i <= 3) {
			t.Errorf("a temperature of %d s ago is told: %t", i, got)
		}
		e.next(d, &r)
	}
	if missing(r.Boards[0]) {
		t.Error("nothing else is told")
	}
}

func TestSlowValuesFollow(t *testing.T) {
	e := newEngine(t, 1)
	d := e.open()
	var r gpu.Reading
	e.read(d, &r)
	e.GPU(0).SetFloat(164, 500)
	var at time.Duration
	for range 45 {
		if e.next(d, &r); value(r.Boards[0], gpu.PowerLimit) == 500 {
			at = e.clock.Sub(start)
			break
		}
	}
	if at == 0 || at > 40*time.Second {
		t.Errorf("the new limit was told after %v, want at most 40 s", at)
	}
}

func TestProfiling(t *testing.T) {
	on := func(c *dcgm.Config) { c.Profiling = dcgm.ProfilingOn }
	off := func(c *dcgm.Config) { c.Profiling = dcgm.ProfilingOff }
	auto := func(*dcgm.Config) {}
	for name, c := range map[string]struct {
		model   int64
		module  int32
		change  func(*dcgm.Config)
		watched bool
		refused string
	}{
		"Hopper":                 {9, 1, auto, true, ""},
		"Hopper, engine cannot":  {9, 0, auto, false, "The engine does not watch fields 1001, 1002, 1004, 1005, 1009, 1010, 1011, 1012 of the GPUs' profiling"},
		"Ampere":                 {8, 1, auto, false, "Profiling is off: on GPUs older than Hopper"},
		"Ampere, wanted":         {8, 1, on, true, ""},
		"Ampere, wanted, cannot": {8, 0, on, false, "The engine does not watch fields 1001"},
		"Hopper, not wanted":     {9, 1, off, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEngine(t, 2)
			e.Module = c.module
			for n := range 2 {
				e.GPU(n).Model("a GPU", c.model)
				e.GPU(n).SetFloat(1002, 0.5)
			}
			var r gpu.Reading
			d := e.open(c.change)
			e.next(d, &r)
			if got := r.Boards[1].Values[gpu.SMActive] != metric.Missing; got != c.watched {
				t.Errorf("activity is there: %t, want %t", got, c.watched)
			}
			if missing(r.Boards[1]) {
				t.Error("nothing else is there")
			}
			says(t, r, c.refused)
		})
	}
}

func TestAnOlderEngineServesWhatItKnows(t *testing.T) {
	e := newEngine(t, 4)
	e.Forget("4.2.3", 1422, 1423, 1424, 1523, 1507, 1205, 1206, 1207, 1219, 1220)
	var r gpu.Reading
	d := e.open()
	e.next(d, &r)
	if b := r.Boards[3]; value(b, gpu.Power) != 73 || value(b, gpu.PowerLimit) != 700 || b.Values[gpu.RecoveryAction] != metric.Missing {
		t.Error("what it knows is not told, or what it does not know is")
	}
	says(t, r, "The engine does not know fields 1422, 1423, 1424, 1523 of the GPUs (", "a newer DCGM may.")
	says(t, r, "The engine does not know fields 1205, 1206, 1207, 1219, 1220, 1507 of the GPUs (")
	if e.Seen.FieldGroups > 8 {
		t.Errorf("%d field groups stay", e.Seen.FieldGroups)
	}
}
