//go:build cgo

package nvml

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math"
	"sync/atomic"
	"testing"
	"time"

	nvidia "github.com/NVIDIA/go-nvml/pkg/nvml"
	"github.com/NVIDIA/go-nvml/pkg/nvml/mock"
	"github.com/gigawatch/gigawatch/collector/internal/gpu"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// A host is a library with boards. Whatever it does not implement, and whatever
// is called without its symbol, fails the test.
type host struct {
	mock.Interface
	t       testing.TB
	boards  []*fake
	version string
	lacks   map[string]bool // symbols
	refuses nvidia.Return   // of Init
	uncount nvidia.Return   // of DeviceGetCount
	events  chan nvidia.EventData
	freed   atomic.Bool
	down    atomic.Bool
}

// run opens a driver on boards.
func run(t testing.TB, boards ...*fake) (*host, *Driver) {
	t.Helper()
	h := newHost(t, boards...)
	d, err := open(Config{}, h)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
		if d.xids != nil || !h.down.Load() {
			t.Error("not let go of")
		}
	})
	return h, d
}

func newHost(t testing.TB, boards ...*fake) *host {
	h := &host{t: t, boards: boards, version: "580.82.07", lacks: map[string]bool{}, events: make(chan nvidia.EventData)}
	for i, b := range boards {
		b.h, b.index = h, i
	}
	return h
}

// use notes that one of the symbols is called.
func (h *host) use(names ...string) {
	for _, name := range names {
		if !h.lacks[name] {
			return
		}
	}
	h.t.Errorf("%s is called, which the library lacks", names[0])
}

func (h *host) Extensions() nvidia.ExtendedInterface { return h }
func (h *host) LookupSymbol(name string) error {
	if h.lacks[name] {
		return errors.New("undefined symbol: " + name)
	}
	return nil
}
func (h *host) Init() nvidia.Return { return h.refuses }
func (h *host) Shutdown() nvidia.Return {
	h.down.Store(true)
	return nvidia.SUCCESS
}
func (h *host) SystemGetDriverVersion() (string, nvidia.Return) {
	h.use("nvmlSystemGetDriverVersion")
	return h.version, nvidia.SUCCESS
}
func (h *host) SystemGetNVMLVersion() (string, nvidia.Return) {
	h.use("nvmlSystemGetNVMLVersion")
	return "13." + h.version, nvidia.SUCCESS
}
func (h *host) DeviceGetCount() (int, nvidia.Return) {
	h.use("nvmlDeviceGetCount_v2", "nvmlDeviceGetCount")
	return len(h.boards), h.uncount
}
func (h *host) DeviceGetHandleByIndex(i int) (nvidia.Device, nvidia.Return) {
	h.use("nvmlDeviceGetHandleByIndex_v2", "nvmlDeviceGetHandleByIndex")
	if h.boards[i].gone {
		return nil, nvidia.ERROR_GPU_IS_LOST
	}
	return h.boards[i], nvidia.SUCCESS
}
func (h *host) EventSetCreate() (nvidia.EventSet, nvidia.Return) {
	h.use("nvmlEventSetCreate")
	return h, nvidia.SUCCESS
}
func (h *host) Wait(ms uint32) (nvidia.EventData, nvidia.Return) {
	h.use("nvmlEventSetWait_v2", "nvmlEventSetWait")
	select {
	case e := <-h.events:
		return e, nvidia.SUCCESS
	case <-time.After(time.Duration(ms) * time.Millisecond):
		return nvidia.EventData{}, nvidia.ERROR_TIMEOUT
	}
}
func (h *host) Free() nvidia.Return {
	h.use("nvmlEventSetFree")
	h.freed.Store(true)
	return nvidia.SUCCESS
}

// xid makes one.
func (h *host) xid(b *fake, code uint64) {
	h.events <- nvidia.EventData{Device: b, EventType: nvidia.EventTypeXidCriticalError, EventData: code}
}

// A datum is what a field is answered with.
type datum struct {
	ret   nvidia.Return
	kind  nvidia.ValueType
	value uint64 // bits
	at    int64  // µs since 1970
}

type key struct{ id, scope uint32 }

// A fake is one board.
type fake struct {
	mock.Device
	h     *host
	index int

	uuid, name   string
	gone, lost   bool    // off the bus: not listed, and answering nothing
	mig          int     // instances; -1: cannot have any
	parts        []*fake // other ones than alike
	gi, ci       int     // of an instance
	slices       uint32
	fields       map[key]datum
	whole        nvidia.Return            // of GetFieldValues itself
	returns      map[string]nvidia.Return // of functions
	power        uint32                   // of nvmlDeviceGetPowerUsage, mW
	energy       uint64                   // of nvmlDeviceGetTotalEnergyConsumption, mJ
	asked        int                      // calls since somebody looked
	registered   int
	eventTypes   uint64
	askedOfLinks int
}

// ret is how the function with one of the names answers.
func (b *fake) ret(names ...string) nvidia.Return {
	b.h.use(names...)
	b.asked++
	if b.lost {
		return nvidia.ERROR_GPU_IS_LOST
	}
	return b.returns[names[0]]
}

func (b *fake) GetUUID() (string, nvidia.Return)   { return b.uuid, b.ret("nvmlDeviceGetUUID") }
func (b *fake) GetName() (string, nvidia.Return)   { return b.name, b.ret("nvmlDeviceGetName") }
func (b *fake) GetSerial() (string, nvidia.Return) { return "165312302", b.ret("nvmlDeviceGetSerial") }
func (b *fake) GetPciInfo() (nvidia.PciInfo, nvidia.Return) {
	return nvidia.PciInfo{Bus: uint32(0x1b + b.index)}, b.ret("nvmlDeviceGetPciInfo_v3", "nvmlDeviceGetPciInfo_v2", "nvmlDeviceGetPciInfo")
}
func (b *fake) GetTotalEnergyConsumption() (uint64, nvidia.Return) {
	return b.energy, b.ret("nvmlDeviceGetTotalEnergyConsumption")
}
func (b *fake) GetPowerUsage() (uint32, nvidia.Return) {
	return b.power, b.ret("nvmlDeviceGetPowerUsage")
}
func (b *fake) GetUtilizationRates() (nvidia.Utilization, nvidia.Return) {
	return nvidia.Utilization{Gpu: 98, Memory: 54}, b.ret("nvmlDeviceGetUtilizationRates")
}
func (b *fake) GetTemperature(nvidia.TemperatureSensors) (uint32, nvidia.Return) {
	return 61, b.ret("nvmlDeviceGetTemperature")
}
func (b *fake) GetMarginTemperature() (nvidia.MarginTemperature, nvidia.Return) {
	return nvidia.MarginTemperature{MarginTemperature: 24}, b.ret("nvmlDeviceGetMarginTemperature")
}
func (b *fake) GetClockInfo(kind nvidia.ClockType) (uint32, nvidia.Return) {
	return map[nvidia.ClockType]uint32{nvidia.CLOCK_SM: 1980, nvidia.CLOCK_MEM: 2619}[kind], b.ret("nvmlDeviceGetClockInfo")
}
func (b *fake) GetCurrentClocksEventReasons() (uint64, nvidia.Return) {
	return 4, b.ret("nvmlDeviceGetCurrentClocksEventReasons")
}
func (b *fake) GetCurrentClocksThrottleReasons() (uint64, nvidia.Return) {
	return 4, b.ret("nvmlDeviceGetCurrentClocksThrottleReasons")
}
func (b *fake) GetPerformanceState() (nvidia.Pstates, nvidia.Return) {
	return nvidia.PSTATE_0, b.ret("nvmlDeviceGetPerformanceState")
}
func (b *fake) GetMemoryInfo_v2() (nvidia.Memory_v2, nvidia.Return) {
	return nvidia.Memory_v2{Total: 85520809984, Reserved: 587202560, Used: 72000000000}, b.ret("nvmlDeviceGetMemoryInfo_v2")
}
func (b *fake) GetMemoryInfo() (nvidia.Memory, nvidia.Return) {
	return nvidia.Memory{Total: 85520809984, Used: 72587202560}, b.ret("nvmlDeviceGetMemoryInfo")
}
func (b *fake) GetEncoderUtilization() (uint32, uint32, nvidia.Return) {
	return 0, 167000, b.ret("nvmlDeviceGetEncoderUtilization")
}
func (b *fake) GetDecoderUtilization() (uint32, uint32, nvidia.Return) {
	return 3, 167000, b.ret("nvmlDeviceGetDecoderUtilization")
}
func (b *fake) GetEnforcedPowerLimit() (uint32, nvidia.Return) {
	return 400000, b.ret("nvmlDeviceGetEnforcedPowerLimit")
}
func (b *fake) GetPowerManagementDefaultLimit() (uint32, nvidia.Return) {
	return 400000, b.ret("nvmlDeviceGetPowerManagementDefaultLimit")
}
func (b *fake) GetPcieReplayCounter() (int, nvidia.Return) {
	return 2, b.ret("nvmlDeviceGetPcieReplayCounter")
}
func (b *fake) GetCurrPcieLinkWidth() (int, nvidia.Return) {
	return 16, b.ret("nvmlDeviceGetCurrPcieLinkWidth")
}
func (b *fake) GetMaxPcieLinkWidth() (int, nvidia.Return) {
	return 16, b.ret("nvmlDeviceGetMaxPcieLinkWidth")
}
func (b *fake) GetCurrPcieLinkGeneration() (int, nvidia.Return) {
	return 5, b.ret("nvmlDeviceGetCurrPcieLinkGeneration")
}
func (b *fake) GetMaxPcieLinkGeneration() (int, nvidia.Return) {
	return 5, b.ret("nvmlDeviceGetMaxPcieLinkGeneration")
}
func (b *fake) GetSramEccErrorStatus() (nvidia.EccSramErrorStatus, nvidia.Return) {
	return nvidia.EccSramErrorStatus{BThresholdExceeded: 1}, b.ret("nvmlDeviceGetSramEccErrorStatus")
}
func (b *fake) GetMigMode() (int, int, nvidia.Return) {
	if b.mig < 0 {
		return 0, 0, nvidia.ERROR_NOT_SUPPORTED
	}
	return min(b.mig, 1), min(b.mig, 1), b.ret("nvmlDeviceGetMigMode")
}
func (b *fake) GetMaxMigDeviceCount() (int, nvidia.Return) {
	return 7, b.ret("nvmlDeviceGetMaxMigDeviceCount")
}
func (b *fake) GetMigDeviceHandleByIndex(i int) (nvidia.Device, nvidia.Return) {
	if b.parts != nil {
		if b.parts[i] == nil {
			return nil, nvidia.ERROR_NOT_FOUND
		}
		return b.parts[i], b.ret("nvmlDeviceGetMigDeviceHandleByIndex")
	}
	if i >= b.mig {
		return nil, nvidia.ERROR_NOT_FOUND
	}
	return &fake{h: b.h, uuid: fmt.Sprintf("MIG-%d", i), gi: i + 1, slices: 1}, b.ret("nvmlDeviceGetMigDeviceHandleByIndex")
}
func (b *fake) GetGpuInstanceId() (int, nvidia.Return) {
	return b.gi, b.ret("nvmlDeviceGetGpuInstanceId")
}
func (b *fake) GetComputeInstanceId() (int, nvidia.Return) {
	return b.ci, b.ret("nvmlDeviceGetComputeInstanceId")
}
func (b *fake) GetAttributes() (nvidia.DeviceAttributes, nvidia.Return) {
	return nvidia.DeviceAttributes{GpuInstanceSliceCount: max(3, b.slices), ComputeInstanceSliceCount: b.slices}, b.ret("nvmlDeviceGetAttributes_v2", "nvmlDeviceGetAttributes")
}
func (b *fake) GetSupportedEventTypes() (uint64, nvidia.Return) {
	return b.eventTypes, b.ret("nvmlDeviceGetSupportedEventTypes")
}
func (b *fake) RegisterEvents(uint64, nvidia.EventSet) nvidia.Return {
	b.registered++
	return b.ret("nvmlDeviceRegisterEvents")
}
func (b *fake) GetFieldValues(values []nvidia.FieldValue) nvidia.Return {
	if ret := b.ret("nvmlDeviceGetFieldValues"); ret != nvidia.SUCCESS {
		return ret
	}
	for i := range values {
		v := &values[i]
		x, ok := b.fields[key{v.FieldId, v.ScopeId}]
		if !ok {
			x.ret = nvidia.ERROR_NOT_SUPPORTED
			if b.whole != nvidia.SUCCESS {
				return b.whole
			}
		}
		if v.ScopeId > 0 {
			b.askedOfLinks++
		}
		v.NvmlReturn, v.ValueType, v.Timestamp = uint32(x.ret), uint32(x.kind), x.at
		binary.NativeEndian.PutUint64(v.Value[:], x.value)
	}
	return nvidia.SUCCESS
}

const driven = 1_764_000_000_000_000 // µs: when the driver took its values

func u32(v uint32) datum {
	return datum{kind: nvidia.VALUE_TYPE_UNSIGNED_INT, value: uint64(v), at: driven}
}
func u64(v uint64) datum {
	return datum{kind: nvidia.VALUE_TYPE_UNSIGNED_LONG_LONG, value: v, at: driven}
}
func i32(v int32) datum {
	return datum{kind: nvidia.VALUE_TYPE_SIGNED_INT, value: uint64(uint32(v)), at: driven}
}
func f64(v float64) datum {
	return datum{kind: nvidia.VALUE_TYPE_DOUBLE, value: math.Float64bits(v), at: driven}
}

// board is a board of whichever model, with what all since Ampere answer.
func newFake(uuid, name string) *fake {
	return &fake{
		uuid: uuid, name: name, eventTypes: nvidia.EventTypeAll, returns: map[string]nvidia.Return{},
		fields: map[key]datum{
			{83, 0}: u64(5_400_000_123), {82, 0}: u32(58), {186, 0}: u32(688_120),
			{3, 0}: u64(12), {4, 0}: u64(1), {5, 0}: u64(40), {6, 0}: u64(2),
			{74, 0}: u64(3_000_000_000), {75, 0}: u64(17), {77, 0}: u64(5), {79, 0}: u64(6),
			{142, 0}: u32(3), {143, 0}: u32(1), {144, 0}: u32(0), {145, 0}: u32(1),
			{94, 0}: u32(9),
		},
	}
}

// h100 is one with NVLink 4.
func h100(uuid string) *fake {
	b := newFake(uuid, "NVIDIA H100 80GB HBM3")
	maps.Copy(b.fields, map[key]datum{
		{185, 0}: u32(690_500), {190, 0}: u32(650_000), {189, 0}: u32(700_000),
		{251, 0}: u64(21), {252, 0}: u64(22), {253, 0}: u64(23), {230, 0}: u32(1),
		{38, 0}: u64(11), {45, 0}: u64(12), {52, 0}: u64(13), {59, 0}: u64(14), {160, 0}: u64(15),
	})
	return b
}

// h200 is one that has no totals of its links.
func h200(uuid string) *fake {
	b := h100(uuid)
	b.name = "NVIDIA H200"
	for _, id := range []uint32{38, 45, 52, 59, 160} {
		delete(b.fields, key{id, 0})
	}
	for link := range uint32(18) {
		b.fields[key{161, link}], b.fields[key{162, link}], b.fields[key{163, link}] = u64(1), u64(2), u64(uint64(link))
	}
	return b
}

// b200 is one with NVLink 5.
func b200(uuid string) *fake {
	b := h100(uuid)
	b.name = "NVIDIA B200"
	for _, id := range []uint32{38, 45, 52, 59, 160} {
		delete(b.fields, key{id, 0})
	}
	for link := range uint32(18) {
		b.fields[key{208, link}], b.fields[key{215, link}], b.fields[key{219, link}] = u64(10), u64(1), u64(100)
	}
	return b
}

// a100 is one whose power has no field.
func a100(uuid string) *fake {
	b := newFake(uuid, "NVIDIA A100-SXM4-80GB")
	b.power, b.energy = 391_000, 777_000
	delete(b.fields, key{186, 0})
	return b
}

// values are those of b that are there, in base units.
func values(b gpu.Board) map[gpu.Slot]float64 {
	v := map[gpu.Slot]float64{}
	for s, raw := range b.Values {
		if raw != metric.Missing {
			v[gpu.Slot(s)] = gpu.Slot(s).Def().Value(raw)
		}
	}
	return v
}
