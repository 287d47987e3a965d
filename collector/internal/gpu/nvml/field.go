//go:build cgo

package nvml

import (
	"encoding/binary"
	"math"

	nvidia "github.com/NVIDIA/go-nvml/pkg/nvml"
	"github.com/gigawatch/gigawatch/collector/internal/gpu"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// A field is one value that the library gives by number. Several of one slot
// and rank are added up, as links are; a lower rank is better.
type field struct {
	id, scope uint32
	slot      gpu.Slot
	rank      int
	of        func(int64) metric.Raw
}

const ranks = 3

// fast are the fields of every reading.
var fast = []field{
	{nvidia.FI_DEV_TOTAL_ENERGY_CONSUMPTION, 0, gpu.Energy, 0, count},
	{nvidia.FI_DEV_POWER_AVERAGE, 0, gpu.Power, 0, milliwatts},
	{nvidia.FI_DEV_POWER_INSTANT, 0, gpu.PowerInstant, 0, milliwatts},
	{nvidia.FI_DEV_MEMORY_TEMP, 0, gpu.MemoryTemperature, 0, celsius},
	{nvidia.FI_DEV_ECC_SBE_VOL_TOTAL, 0, gpu.CorrectedVolatile, 0, count},
	{nvidia.FI_DEV_ECC_DBE_VOL_TOTAL, 0, gpu.UncorrectedVolatile, 0, count},
	{nvidia.FI_DEV_PERF_POLICY_POWER, 0, gpu.SlowPower, 0, count}, // nanoseconds, like the slot
	{nvidia.FI_DEV_PERF_POLICY_THERMAL, 0, gpu.SlowThermal, 0, count},
	{nvidia.FI_DEV_PERF_POLICY_BOARD_LIMIT, 0, gpu.SlowBoard, 0, count},
	{nvidia.FI_DEV_PERF_POLICY_RELIABILITY, 0, gpu.SlowReliability, 0, count},
	{nvidia.FI_DEV_CLOCKS_EVENT_REASON_SW_THERM_SLOWDOWN, 0, gpu.SlowSoftwareThermal, 0, count},
	{nvidia.FI_DEV_CLOCKS_EVENT_REASON_HW_THERM_SLOWDOWN, 0, gpu.SlowHardwareThermal, 0, count},
	{nvidia.FI_DEV_CLOCKS_EVENT_REASON_HW_POWER_BRAKE_SLOWDOWN, 0, gpu.SlowPowerBrake, 0, count},
	{nvidia.FI_DEV_GET_GPU_RECOVERY_ACTION, 0, gpu.RecoveryAction, 0, count},
}

// rare are those of every 30 s; see [withLinks].
var rare = []field{
	{nvidia.FI_DEV_ECC_SBE_AGG_TOTAL, 0, gpu.CorrectedAggregate, 0, count},
	{nvidia.FI_DEV_ECC_DBE_AGG_TOTAL, 0, gpu.UncorrectedAggregate, 0, count},
	{nvidia.FI_DEV_REMAPPED_COR, 0, gpu.RemappedCorrectable, 0, count},
	{nvidia.FI_DEV_REMAPPED_UNC, 0, gpu.RemappedUncorrectable, 0, count},
	{nvidia.FI_DEV_REMAPPED_PENDING, 0, gpu.RemapPending, 0, flag},
	{nvidia.FI_DEV_REMAPPED_FAILURE, 0, gpu.RemapFailed, 0, flag},
	{nvidia.FI_DEV_RETIRED_SBE, 0, gpu.PagesSingleBit, 0, count},
	{nvidia.FI_DEV_RETIRED_DBE, 0, gpu.PagesDoubleBit, 0, count},
	{nvidia.FI_DEV_RETIRED_PENDING, 0, gpu.PagesPending, 0, flag}, // whether, not how many
	{nvidia.FI_DEV_PCIE_REPLAY_COUNTER, 0, gpu.PCIeReplays, 0, count},
	{nvidia.FI_DEV_POWER_CURRENT_LIMIT, 0, gpu.PowerLimit, 0, milliwatts},
	{nvidia.FI_DEV_POWER_DEFAULT_LIMIT, 0, gpu.PowerLimitDefault, 0, milliwatts},
	{nvidia.FI_DEV_NVLINK_CRC_FLIT_ERROR_COUNT_TOTAL, 0, gpu.NVLinkFlit, 0, count},
	{nvidia.FI_DEV_NVLINK_CRC_DATA_ERROR_COUNT_TOTAL, 0, gpu.NVLinkData, 0, count},
	{nvidia.FI_DEV_NVLINK_REPLAY_ERROR_COUNT_TOTAL, 0, gpu.NVLinkReplay, 0, count},
	{nvidia.FI_DEV_NVLINK_RECOVERY_ERROR_COUNT_TOTAL, 0, gpu.NVLinkRecovery, 0, count},
	{nvidia.FI_DEV_NVLINK_ECC_DATA_ERROR_COUNT_TOTAL, 0, gpu.NVLinkECC, 0, count},
}

// perLink are rare fields that are asked for link by link: of Hopper where it
// lacks the totals, and of NVLink 5.
var perLink = []field{
	{nvidia.FI_DEV_NVLINK_ERROR_DL_CRC, 0, gpu.NVLinkFlit, 1, count},
	{nvidia.FI_DEV_NVLINK_ERROR_DL_REPLAY, 0, gpu.NVLinkReplay, 1, count},
	{nvidia.FI_DEV_NVLINK_ERROR_DL_RECOVERY, 0, gpu.NVLinkRecovery, 1, count},
	{nvidia.FI_DEV_NVLINK_COUNT_LINK_RECOVERY_EVENTS, 0, gpu.NVLinkRecovery, 2, count},
	{nvidia.FI_DEV_NVLINK_COUNT_RCV_ERRORS, 0, gpu.NVLinkReceive, 0, count},
	{nvidia.FI_DEV_NVLINK_COUNT_EFFECTIVE_ERRORS, 0, gpu.NVLinkEffective, 0, count},
}

// withLinks are rare and, for each link, perLink.
func withLinks() []field {
	all := append(make([]field, 0, len(rare)+nvidia.NVLINK_MAX_LINKS*len(perLink)), rare...)
	for link := range uint32(nvidia.NVLINK_MAX_LINKS) {
		for _, f := range perLink {
			f.scope = link
			all = append(all, f)
		}
	}
	return all
}

// A question is a list of fields that are asked for in one call; those that the
// board does not support are left out until it is listed anew.
type question struct {
	fields []field
	values []nvidia.FieldValue
}

func ask(fields []field) question {
	return question{append([]field(nil), fields...), make([]nvidia.FieldValue, len(fields))}
}

// A tally is the sum of a slot's fields of one rank.
type tally struct {
	sum int64
	n   int
	bad bool // one of them could not be read now: the sum would fall
}

// An answer is what became of a question.
type answer struct {
	newest, energy int64 // µs since 1970; 0: not said
	lost           bool
	denied         bool // some field wants more rights
}

// put asks the device and writes what it says to values.
func (q *question) put(device nvidia.Device, values *[gpu.Slots]metric.Raw) (a answer) {
	if len(q.fields) == 0 {
		return a
	}
	q.values = q.values[:len(q.fields)]
	for i, f := range q.fields {
		q.values[i] = nvidia.FieldValue{FieldId: f.id, ScopeId: f.scope, NvmlReturn: uint32(nvidia.ERROR_UNKNOWN)}
	}
	switch ret := device.GetFieldValues(q.values); ret {
	case nvidia.SUCCESS:
	case nvidia.ERROR_GPU_IS_LOST:
		a.lost = true
		return a
	case nvidia.ERROR_INVALID_ARGUMENT, nvidia.ERROR_NOT_SUPPORTED:
		return q.halve(device, values)
	default:
		a.denied = ret == nvidia.ERROR_NO_PERMISSION
		return a
	}
	var tallies [gpu.Slots][ranks]tally
	kept := q.fields[:0]
	for i, f := range q.fields {
		v, t := &q.values[i], &tallies[f.slot][f.rank]
		switch nvidia.Return(v.NvmlReturn) {
		case nvidia.SUCCESS:
			n, ok := number(v)
			if ok && t.sum+n < t.sum && n > 0 {
				ok = false
			}
			if !ok {
				t.bad = true
				break
			}
			t.sum, t.n = t.sum+n, t.n+1
			a.newest = max(a.newest, v.Timestamp)
			if f.slot == gpu.Energy {
				a.energy = v.Timestamp
			}
		case nvidia.ERROR_GPU_IS_LOST:
			a.lost = true
		case nvidia.ERROR_NOT_SUPPORTED, nvidia.ERROR_INVALID_ARGUMENT, nvidia.ERROR_FUNCTION_NOT_FOUND:
			continue
		case nvidia.ERROR_NO_PERMISSION:
			a.denied = true
			continue
		default:
			t.bad = true
		}
		kept = append(kept, f)
	}
	q.fields = kept
	for _, f := range kept {
		for rank := range ranks {
			if t := tallies[f.slot][rank]; t.bad || t.n > 0 {
				if values[f.slot] = metric.Missing; !t.bad {
					values[f.slot] = f.of(t.sum)
				}
				break
			}
		}
	}
	return a
}

// halve asks for the fields in two parts, so that one which the driver does not
// know, and answers nothing for, is found and left out.
func (q *question) halve(device nvidia.Device, values *[gpu.Slots]metric.Raw) (a answer) {
	if len(q.fields) == 1 {
		q.fields = nil
		return a
	}
	var kept []field
	for _, part := range [][]field{q.fields[:len(q.fields)/2], q.fields[len(q.fields)/2:]} {
		half := ask(part)
		b := half.put(device, values)
		kept = append(kept, half.fields...)
		a.newest, a.energy = max(a.newest, b.newest), max(a.energy, b.energy)
		a.lost, a.denied = a.lost || b.lost, a.denied || b.denied
	}
	q.fields = kept
	return a
}

// number is v's value as its type has it. All that is asked for here are whole
// numbers.
func number(v *nvidia.FieldValue) (int64, bool) {
	bits := binary.NativeEndian.Uint64(v.Value[:])
	switch nvidia.ValueType(v.ValueType) {
	case nvidia.VALUE_TYPE_DOUBLE:
		f := math.Float64frombits(bits)
		if !(math.Abs(f) < 1<<53) {
			return 0, false
		}
		return int64(math.Round(f)), true
	case nvidia.VALUE_TYPE_UNSIGNED_INT:
		return int64(binary.NativeEndian.Uint32(v.Value[:4])), true
	case nvidia.VALUE_TYPE_UNSIGNED_LONG, nvidia.VALUE_TYPE_UNSIGNED_LONG_LONG:
		return int64(bits), bits <= math.MaxInt64
	case nvidia.VALUE_TYPE_SIGNED_LONG_LONG:
		return int64(bits), true
	case nvidia.VALUE_TYPE_SIGNED_INT:
		return int64(int32(binary.NativeEndian.Uint32(v.Value[:4]))), true
	case nvidia.VALUE_TYPE_UNSIGNED_SHORT:
		return int64(binary.NativeEndian.Uint16(v.Value[:2])), true
	}
	return 0, false
}

// Bounds of what a board can have; what lies beyond is no reading.
const (
	mostWatts        = 100_000
	coldest, hottest = -60, 200 // degrees Celsius
	most             = 1 << 60  // of anything that is counted: blanks are larger
)

func milliwatts(v int64) metric.Raw {
	if v < 0 || v > mostWatts*1000 {
		return metric.Missing
	}
	return metric.Of(float64(v) / 1000)
}

func celsius(v int64) metric.Raw {
	if v < coldest || v > hottest {
		return metric.Missing
	}
	return metric.Of(float64(v))
}

// count is a number of things, millijoules or nanoseconds.
func count(v int64) metric.Raw {
	if v < 0 || v > most {
		return metric.Missing
	}
	return metric.Raw(v)
}

func flag(v int64) metric.Raw {
	if v != 0 {
		return 1
	}
	return 0
}

func percent(v uint32) metric.Raw {
	if v > 100 {
		return metric.Missing
	}
	return metric.Of(float64(v) / 100)
}

func megahertz(v uint32) metric.Raw {
	if v > 100_000 {
		return metric.Missing
	}
	return metric.Raw(v) * 1e6
}
