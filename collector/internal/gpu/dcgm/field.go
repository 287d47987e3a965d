//go:build cgo && linux

package dcgm

import (
	"fmt"
	"slices"
	"strings"

	dcgmlib "github.com/NVIDIA/go-dcgm/pkg/dcgm"

	"github.com/gigawatch/gigawatch/collector/internal/gpu"
)

// A field is one of DCGM's, by its number: the names change from release to
// release.
type field struct {
	id   uint16
	slot gpu.Slot
	kind *kind
	add  bool // to what the field before it in a watch gave the same slot
}

// fast fields move with the load, or tell of trouble; most of them come to the
// engine in one call of the driver.
var fast = []field{
	{id: 155, slot: gpu.Power, kind: &watts},
	{id: 157, slot: gpu.PowerInstant, kind: &watts},
	{id: 156, slot: gpu.Energy, kind: &millijoules},
	{id: 150, slot: gpu.Temperature, kind: &celsius},
	{id: 140, slot: gpu.MemoryTemperature, kind: &celsius},
	{id: 153, slot: gpu.TemperatureMargin, kind: &celsius},
	{id: 100, slot: gpu.SMClock, kind: &megahertz},
	{id: 112, slot: gpu.ClockReasons, kind: &bits},
	{id: 203, slot: gpu.Utilization, kind: &percent},
	{id: 204, slot: gpu.MemoryUtilization, kind: &percent},
	{id: 252, slot: gpu.MemoryUsed, kind: &mebibytes},
	{id: 310, slot: gpu.CorrectedVolatile, kind: &count},
	{id: 311, slot: gpu.UncorrectedVolatile, kind: &count},
	{id: 240, slot: gpu.SlowPower, kind: &nanoseconds},
	{id: 241, slot: gpu.SlowThermal, kind: &nanoseconds},
	{id: 243, slot: gpu.SlowBoard, kind: &nanoseconds},
	{id: 245, slot: gpu.SlowReliability, kind: &nanoseconds},
	{id: 1422, slot: gpu.SlowSoftwareThermal, kind: &nanoseconds},
	{id: 1423, slot: gpu.SlowHardwareThermal, kind: &nanoseconds},
	{id: 1424, slot: gpu.SlowPowerBrake, kind: &nanoseconds},
	{id: 1523, slot: gpu.RecoveryAction, kind: &small},
}

// slow fields seldom move, and each costs the engine a call of the driver.
var slow = []field{
	{id: 101, slot: gpu.MemoryClock, kind: &megahertz},
	{id: 190, slot: gpu.PerformanceState, kind: &small},
	{id: 206, slot: gpu.EncoderUtilization, kind: &percent},
	{id: 207, slot: gpu.DecoderUtilization, kind: &percent},
	{id: 250, slot: gpu.MemoryTotal, kind: &mebibytes},
	{id: 163, slot: gpu.PowerLimitDefault, kind: &watts},
	{id: 164, slot: gpu.PowerLimit, kind: &watts},
	{id: 202, slot: gpu.PCIeReplays, kind: &count32},
	{id: 235, slot: gpu.PCIeGenerationMax, kind: &small},
	{id: 236, slot: gpu.PCIeWidthMax, kind: &small},
	{id: 237, slot: gpu.PCIeGeneration, kind: &small},
	{id: 238, slot: gpu.PCIeWidth, kind: &small},
	{id: 312, slot: gpu.CorrectedAggregate, kind: &count},
	{id: 313, slot: gpu.UncorrectedAggregate, kind: &count},
	{id: 346, slot: gpu.SRAMThreshold, kind: &small},
	{id: 390, slot: gpu.PagesSingleBit, kind: &count32},
	{id: 391, slot: gpu.PagesDoubleBit, kind: &count32},
	{id: 392, slot: gpu.PagesPending, kind: &count32},
	{id: 393, slot: gpu.RemappedUncorrectable, kind: &count32},
	{id: 394, slot: gpu.RemappedCorrectable, kind: &count32},
	{id: 395, slot: gpu.RemapFailed, kind: &small},
	{id: 396, slot: gpu.RemapPending, kind: &small},
	{id: 1507, slot: gpu.MemoryUnrepairable, kind: &small},
	{id: 409, slot: gpu.NVLinkFlit, kind: &count},
	{id: 419, slot: gpu.NVLinkData, kind: &count},
	{id: 429, slot: gpu.NVLinkReplay, kind: &count},
	{id: 439, slot: gpu.NVLinkRecovery, kind: &count},
	{id: 1205, slot: gpu.NVLinkReceive, kind: &count},
	{id: 1206, slot: gpu.NVLinkReceive, kind: &count},
	{id: 1207, slot: gpu.NVLinkReceive, kind: &count},
	{id: 1219, slot: gpu.NVLinkEffective, kind: &count},
	{id: 1220, slot: gpu.NVLinkECC, kind: &count},
}

// profiling fields come from the GPU's performance counters.
var profiling = []field{
	{id: 1001, slot: gpu.EngineActive, kind: &ratio},
	{id: 1002, slot: gpu.SMActive, kind: &ratio},
	{id: 1004, slot: gpu.TensorActive, kind: &ratio},
	{id: 1005, slot: gpu.MemoryActive, kind: &ratio},
	{id: 1009, slot: gpu.PCIeTransmit, kind: &bytesASecond},
	{id: 1010, slot: gpu.PCIeReceive, kind: &bytesASecond},
	{id: 1011, slot: gpu.NVLinkThroughputTransmit, kind: &bytesASecond},
	{id: 1012, slot: gpu.NVLinkThroughputReceive, kind: &bytesASecond},
}

// What is read of a GPU that fills no slot.
const (
	fieldDriver     = 1
	fieldModel      = 50
	fieldIndex      = 52
	fieldSerial     = 53
	fieldUUID       = 54
	fieldPCI        = 57
	fieldCapability = 63 // of CUDA: 16 bits major, 16 bits minor
	fieldMIG        = 67 // 1: MIG is on
	fieldSlices     = 69 // that MIG can divide it into; 0 while it is off
	fieldEnergy     = 156
	fieldXID        = 230

	fieldFatal, fieldNonFatal, fieldSwitchTemperature = 856, 857, 858 // of an NVSwitch
	fieldCPU, fieldIO, fieldModule                    = 1130, 1132, 1133
)

var (
	ident    = plain(fieldDriver, fieldModel, fieldIndex, fieldSerial, fieldUUID, fieldPCI, fieldCapability, fieldMIG, fieldSlices)
	parts    = plain(fieldUUID) // of compute instances: each is a MIG device
	events   = plain(fieldXID)
	switches = plain(fieldFatal, fieldNonFatal, fieldSwitchTemperature)
	sockets  = plain(fieldCPU, fieldIO, fieldModule)
)

func plain(ids ...uint16) []field {
	f := make([]field, len(ids))
	for i, id := range ids {
		f[i] = field{id: id, slot: -1}
	}
	return f
}

func numbers(fields []field) []dcgmlib.Short {
	ids := make([]dcgmlib.Short, len(fields))
	for i := range fields {
		ids[i] = dcgmlib.Short(fields[i].id)
	}
	return ids
}

// list names fields in a sentence, in the order of their numbers.
func list(fields []field) string {
	ids := numbers(fields)
	slices.Sort(ids)
	s := make([]string, len(ids))
	for i, id := range ids {
		s[i] = fmt.Sprint(id)
	}
	if len(s) == 1 {
		return "field " + s[0]
	}
	return "fields " + strings.Join(s, ", ")
}
