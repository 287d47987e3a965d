//go:build cgo

package nvml

import (
	"fmt"
	"strings"

	nvidia "github.com/NVIDIA/go-nvml/pkg/nvml"
	"github.com/gigawatch/gigawatch/collector/internal/gpu"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// A board is one GPU and what it is asked for.
type board struct {
	gpu.Board
	device nvidia.Device // nil while there is none
	module bool          // its module's power is that of one GPU and its processor
	lost   bool          // it said so in this reading
	fresh  bool          // nothing slow was read since it was there

	divided bool // whether and into what was read once

	often, seldom question
	refuses       [calls]bool // since it was listed
	slow          [gpu.Slots]metric.Raw
}

// unnamed is the model of a board that does not say it.
const unnamed = "NVIDIA"

// meet makes device b's, and asks for all again that it may have refused.
func (d *Driver) meet(b *board, index int, device nvidia.Device) {
	b.fresh = b.fresh || b.device == nil
	b.device, b.Index, b.Driver, b.lost = device, index, d.version, false
	b.often, b.seldom, b.refuses = ask(fast), ask(withLinks()), [calls]bool{}
	if b.PCI == "" {
		if pci, ok := query(d, b, callPCI, device.GetPciInfo); ok {
			b.PCI = address(pci)
		}
	}
	if b.Model == "" || b.Model == unnamed {
		b.Serial, _ = query(d, b, callSerial, device.GetSerial)
		if b.Model, _ = query(d, b, callName, device.GetName); b.Model == "" {
			b.Model = unnamed
		}
		// Elsewhere a module has several GPUs, each of which tells its power.
		b.module = strings.Contains(b.Model, "GH200")
	}
}

// address is a bus address as the kernel writes it.
func address(pci nvidia.PciInfo) string {
	return fmt.Sprintf("%04x:%02x:%02x.0", pci.Domain, pci.Bus, pci.Device)
}

// query calls f, which is c, unless the library lacks it, b has refused it or b
// is lost.
func query[T any](d *Driver, b *board, c call, f func() (T, nvidia.Return)) (v T, ok bool) {
	if b.lost || b.refuses[c] || !d.have[c] {
		return v, false
	}
	v, ret := f()
	switch ret {
	case nvidia.SUCCESS:
		return v, true
	case nvidia.ERROR_GPU_IS_LOST:
		b.lost = true
	case nvidia.ERROR_NO_PERMISSION:
		b.refuses[c] = true
		d.deny(b, symbols[c].what)
	case nvidia.ERROR_NOT_SUPPORTED, nvidia.ERROR_INVALID_ARGUMENT, nvidia.ERROR_FUNCTION_NOT_FOUND, nvidia.ERROR_ARGUMENT_VERSION_MISMATCH:
		b.refuses[c] = true
	}
	var none T
	return none, false
}

// read fills b.
func (d *Driver) read(b *board, slow bool) {
	before := b.Absent
	if b.lost = b.device == nil; !b.lost {
		if slow || b.fresh {
			d.readSlow(b)
			b.fresh = false
		}
		b.Values = b.slow
		d.readFast(b)
	}
	if b.Absent = b.lost; b.lost {
		b.Clear()
		b.Time, b.EnergyTime, b.fresh = 0, 0, true
	}
	if b.Absent && !before {
		d.log.Warn("gpu is lost", "gpu", b.UUID, "pci", b.PCI)
	} else if before && !b.Absent {
		d.log.Info("gpu is back", "gpu", b.UUID, "pci", b.PCI)
	}
}

// put asks q of b.
func (d *Driver) put(b *board, q *question, values *[gpu.Slots]metric.Raw) answer {
	if b.lost || !d.have[callFields] {
		return answer{}
	}
	a := q.put(b.device, values)
	b.lost = b.lost || a.lost
	if a.denied {
		d.deny(b, "some fields")
	}
	return a
}

// readFast reads what moves all the time.
func (d *Driver) readFast(b *board) {
	v := &b.Values
	a := d.put(b, &b.often, v)
	b.Time, b.EnergyTime = a.newest, a.energy
	if v[gpu.Energy] == metric.Missing {
		if mj, ok := query(d, b, callEnergy, b.device.GetTotalEnergyConsumption); ok && mj < 1<<63 {
			v[gpu.Energy] = count(int64(mj))
		}
	}
	if v[gpu.Power] == metric.Missing {
		if mw, ok := query(d, b, callPower, b.device.GetPowerUsage); ok {
			v[gpu.Power] = milliwatts(int64(mw))
		}
	}
	// A board without a meter of the moment may say zero watts instead.
	if v[gpu.PowerInstant] == 0 && v[gpu.Power] > 0 {
		v[gpu.PowerInstant] = metric.Missing
	}
	if u, ok := query(d, b, callUtilization, b.device.GetUtilizationRates); ok {
		v[gpu.Utilization], v[gpu.MemoryUtilization] = percent(u.Gpu), percent(u.Memory)
	}
	if c, ok := query(d, b, callTemperature, func() (uint32, nvidia.Return) { return b.device.GetTemperature(nvidia.TEMPERATURE_GPU) }); ok {
		v[gpu.Temperature] = celsius(int64(c))
	}
	if m, ok := query(d, b, callMargin, b.device.GetMarginTemperature); ok {
		v[gpu.TemperatureMargin] = celsius(int64(m.MarginTemperature))
	}
	if hz, ok := query(d, b, callClock, func() (uint32, nvidia.Return) { return b.device.GetClockInfo(nvidia.CLOCK_SM) }); ok {
		v[gpu.SMClock] = megahertz(hz)
	}
	if bits, ok := d.reasons(b); ok && bits < 1<<63 {
		v[gpu.ClockReasons] = count(int64(bits))
	}
	if s, ok := query(d, b, callState, b.device.GetPerformanceState); ok && s >= 0 && s <= 15 {
		v[gpu.PerformanceState] = metric.Raw(s)
	}
	d.readMemory(b)
}

// reasons are the bits of why clocks are low.
func (d *Driver) reasons(b *board) (uint64, bool) {
	if d.have[callReasons] {
		return query(d, b, callReasons, b.device.GetCurrentClocksEventReasons)
	}
	return query(d, b, callReasonsOld, b.device.GetCurrentClocksThrottleReasons)
}

// readMemory reads the memory in use, without what the driver reserves where it
// tells them apart.
func (d *Driver) readMemory(b *board) {
	v := &b.Values
	if m, ok := query(d, b, callMemory, b.device.GetMemoryInfo_v2); ok {
		v[gpu.MemoryUsed], v[gpu.MemoryTotal] = octets(m.Used), octets(m.Total)
	} else if m, ok := query(d, b, callMemoryOld, b.device.GetMemoryInfo); ok {
		v[gpu.MemoryUsed], v[gpu.MemoryTotal] = octets(m.Used), octets(m.Total)
	}
}

func octets(n uint64) metric.Raw {
	if n > most {
		return metric.Missing
	}
	return metric.Raw(n)
}

// readSlow reads what moves rarely, which is repeated until it is read again.
func (d *Driver) readSlow(b *board) {
	v := &b.slow
	for i := range v {
		v[i] = metric.Missing
	}
	d.put(b, &b.seldom, v)
	if v[gpu.PowerLimit] == metric.Missing {
		if mw, ok := query(d, b, callLimit, b.device.GetEnforcedPowerLimit); ok {
			v[gpu.PowerLimit] = milliwatts(int64(mw))
		}
	}
	if v[gpu.PowerLimitDefault] == metric.Missing {
		if mw, ok := query(d, b, callLimitDefault, b.device.GetPowerManagementDefaultLimit); ok {
			v[gpu.PowerLimitDefault] = milliwatts(int64(mw))
		}
	}
	if v[gpu.PCIeReplays] == metric.Missing {
		if n, ok := query(d, b, callReplays, b.device.GetPcieReplayCounter); ok {
			v[gpu.PCIeReplays] = count(int64(n))
		}
	}
	if hz, ok := query(d, b, callClock, func() (uint32, nvidia.Return) { return b.device.GetClockInfo(nvidia.CLOCK_MEM) }); ok {
		v[gpu.MemoryClock] = megahertz(hz)
	}
	for _, x := range []struct {
		slot gpu.Slot
		c    call
		f    func() (int, nvidia.Return)
	}{
		{gpu.PCIeWidth, callWidth, b.device.GetCurrPcieLinkWidth},
		{gpu.PCIeWidthMax, callWidthMax, b.device.GetMaxPcieLinkWidth},
		{gpu.PCIeGeneration, callGeneration, b.device.GetCurrPcieLinkGeneration},
		{gpu.PCIeGenerationMax, callGenerationMax, b.device.GetMaxPcieLinkGeneration},
	} {
		if n, ok := query(d, b, x.c, x.f); ok && n > 0 && n <= 32 {
			v[x.slot] = metric.Raw(n)
		}
	}
	for _, x := range []struct {
		slot gpu.Slot
		c    call
		f    func() (uint32, uint32, nvidia.Return)
	}{
		{gpu.EncoderUtilization, callEncoder, b.device.GetEncoderUtilization},
		{gpu.DecoderUtilization, callDecoder, b.device.GetDecoderUtilization},
	} {
		if u, ok := query(d, b, x.c, func() (uint32, nvidia.Return) { u, _, ret := x.f(); return u, ret }); ok {
			v[x.slot] = percent(u)
		}
	}
	if s, ok := query(d, b, callSRAM, b.device.GetSramEccErrorStatus); ok {
		v[gpu.SRAMThreshold] = flag(int64(s.BThresholdExceeded))
	}
	v[gpu.Partitions] = d.divide(b)
}

// readModule is the power of the module of a GPU and its processor.
func (d *Driver) readModule(b *board) metric.Raw {
	var v [gpu.Slots]metric.Raw
	v[gpu.Power] = metric.Missing
	if !b.Absent && d.have[callFields] {
		q := ask([]field{{nvidia.FI_DEV_POWER_AVERAGE, uint32(nvidia.POWER_SCOPE_MODULE), gpu.Power, 0, milliwatts}})
		q.put(b.device, &v)
	}
	return v[gpu.Power]
}
