package wire_test

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/wire"
)

// A host is a synthetic machine of eight GPUs under load, of the catalogue's
// shape: what its collector would read, at the resolution of the real sources.
type host struct {
	layout *metric.Layout
	rng    *rand.Rand
	second int64

	read []func(i int) metric.Raw // one a column, given the index in the column
	step []func()
}

const gpus = 8

func newHost(seed uint64) *host {
	h := &host{rng: rand.New(rand.NewPCG(seed, 1)), layout: &metric.Layout{Simulated: true}}
	es := metric.Place{Hall: "h01", Rack: "r003", Host: "n00017"}.Entities()
	self := len(es) - 1
	group := func(kind metric.EntityKind, n int, name func(i int) string, labels func(i int) []metric.Pair) (first int) {
		first = len(es)
		for i := range n {
			e := metric.Entity{Kind: kind, Name: name(i), Parent: self}
			if labels != nil {
				e.Labels = labels(i)
			}
			es = append(es, e)
		}
		return first
	}
	gpu := group(metric.GPU, gpus, func(int) string {
		return fmt.Sprintf("GPU-%08x-%04x-%04x-%04x-%012x", h.rng.Uint32(), h.rng.Uint32()>>16, h.rng.Uint32()>>16, h.rng.Uint32()>>16, h.rng.Uint64()>>16)
	}, func(i int) []metric.Pair {
		return []metric.Pair{{Name: "gpu", Value: fmt.Sprint(i)}, {Name: "model", Value: "NVIDIA H200"}}
	})
	name := func(format string) func(int) string { return func(i int) string { return fmt.Sprintf(format, i) } }
	nics := group(metric.Device, 2, name("eth%d"), nil)
	disks := group(metric.Device, 2, name("nvme%dn1"), nil)
	mounts := group(metric.Mount, 2, func(i int) string { return []string{"/", "/scratch"}[i] }, nil)
	sensors := group(metric.Sensor, 4, name("cpu%d"), nil)
	ports := group(metric.Port, 2, name("mlx5_%d/1"), nil)
	h.layout.Entities = es

	column := func(n metric.Number, point uint32, first, count int, f func(i int) metric.Raw) {
		h.layout.Columns = append(h.layout.Columns, metric.Column{Metric: n, Form: metric.Lookup(n).Form, Point: point, First: first, Count: count})
		h.read = append(h.read, f)
	}
	constant := func(v metric.Raw) func(int) metric.Raw { return func(int) metric.Raw { return v } }
	zero := constant(0)
	var zeroPoints = func(n metric.Number, first, count int) {
		for p := range metric.Lookup(n).Points() {
			column(n, uint32(p), first, count, zero)
		}
	}
	// state keeps a value for each of n and lets it move each second.
	state := func(n int, start, move func() float64) []float64 {
		s := make([]float64, n)
		for i := range s {
			s[i] = start()
		}
		h.step = append(h.step, func() {
			for i := range s {
				s[i] += move()
			}
		})
		return s
	}
	uniform := func(lo, hi float64) func() float64 { return func() float64 { return lo + (hi-lo)*h.rng.Float64() } }
	gauge := func(s []float64, digits int) func(int) metric.Raw {
		p := math.Pow10(digits)
		return func(i int) metric.Raw { return metric.Of(math.Round(s[i]*p) / p) }
	}
	counter := func(s []float64, unit int64) func(int) metric.Raw {
		return func(i int) metric.Raw { return metric.Raw(int64(s[i]) * unit) }
	}
	fixed := uniform(0, 0)

	power := state(gpus, uniform(560, 690), uniform(-1, 1))
	energy := state(gpus, uniform(4e11, 9e11), uniform(0, 0)) // mJ: twelve digits
	h.step = append(h.step, func() {
		for i := range energy {
			energy[i] += power[i] * 1000
		}
	})
	capped := state(gpus, uniform(1e9, 9e9), uniform(0, 1e6)) // µs
	column(metric.GPUPowerWatts, 0, gpu, gpus, gauge(power, 3))
	column(metric.GPUEnergyJoules, 0, gpu, gpus, counter(energy, 1))
	column(metric.GPUTemperature, 0, gpu, gpus, gauge(state(gpus, uniform(52, 66), uniform(-.4, .4)), 0))
	column(metric.GPUMemoryTemperature, 0, gpu, gpus, gauge(state(gpus, uniform(60, 78), uniform(-.4, .4)), 0))
	column(metric.GPUTemperatureMargin, 0, gpu, gpus, gauge(state(gpus, uniform(20, 35), uniform(-.4, .4)), 0))
	column(metric.GPUUtilization, 0, gpu, gpus, gauge(state(gpus, uniform(.93, 1), fixed), 2))
	column(metric.GPUMemoryUtilization, 0, gpu, gpus, gauge(state(gpus, uniform(.4, .6), uniform(-.03, .03)), 2))
	column(metric.GPUMemoryUsed, 0, gpu, gpus, counter(state(gpus, uniform(120000, 138000), uniform(-9, 9)), 1<<20))
	column(metric.GPUMemoryTotal, 0, gpu, gpus, constant(143771<<20))
	column(metric.GPUSMClock, 0, gpu, gpus, func(int) metric.Raw { return metric.Raw(1980-15*h.rng.IntN(20)) * 1e6 })
	column(metric.GPUMemoryClock, 0, gpu, gpus, constant(3201e6))
	column(metric.GPUPowerLimit, 0, gpu, gpus, constant(metric.Of(700)))
	column(metric.GPUECCErrors, 0, gpu, gpus, counter([]float64{0, 0, 3, 0, 0, 0, 0, 1}, 1))
	column(metric.GPUECCErrors, 1, gpu, gpus, counter([]float64{2, 0, 19, 0, 0, 0, 0, 1}, 1))
	column(metric.GPUECCErrors, 2, gpu, gpus, zero)
	column(metric.GPUECCErrors, 3, gpu, gpus, zero)
	zeroPoints(metric.GPURemappedRows, gpu, gpus)
	column(metric.GPURowRemapPending, 0, gpu, gpus, zero)
	column(metric.GPURowRemapFailed, 0, gpu, gpus, zero)
	column(metric.GPUXIDEvents, 63, gpu, gpus, counter([]float64{0, 0, 1, 0, 0, 0, 0, 0}, 1))
	column(metric.GPUSlowdownSeconds, 0, gpu, gpus, counter(capped, 1000))
	column(metric.GPUSlowdownSeconds, 1, gpu, gpus, counter(state(gpus, uniform(0, 4e6), fixed), 1000))
	for p := uint32(2); p < 7; p++ {
		column(metric.GPUSlowdownSeconds, p, gpu, gpus, zero)
	}
	column(metric.GPUPCIeReplays, 0, gpu, gpus, counter([]float64{1, 0, 0, 0, 2, 0, 0, 0}, 1))
	zeroPoints(metric.GPUNVLinkErrors, gpu, gpus)
	column(metric.GPUState, 0, gpu, gpus, zero)
	column(metric.GPURecoveryAction, 0, gpu, gpus, zero)

	bytes := func(n int) func(int) metric.Raw { return counter(state(n, uniform(1e12, 9e14), uniform(0, 2e9)), 1) }
	column(metric.HostUp, 0, self, 1, constant(1))
	column(metric.HostCPUUsage, 0, self, 1, gauge(state(1, uniform(.1, .3), uniform(-.01, .01)), 4))
	column(metric.HostLoad1, 0, self, 1, gauge(state(1, uniform(20, 40), uniform(-.2, .2)), 2))
	column(metric.HostMemoryUsed, 0, self, 1, counter(state(1, uniform(2e8, 9e8), uniform(-1e4, 1e4)), 1<<10))
	column(metric.HostMemoryTotal, 0, self, 1, constant(2113568340<<10))
	for p := range uint32(2) {
		column(metric.HostNetworkBytes, p, nics, 2, bytes(2))
	}
	for p := range uint32(2) {
		column(metric.HostDiskBytes, p, disks, 2, counter(state(2, uniform(1e9, 9e11), uniform(0, 1e6)), 512))
	}
	column(metric.HostFilesystemUsed, 0, mounts, 2, counter(state(2, uniform(1e6, 9e8), uniform(0, 100)), 4096))
	column(metric.HostFilesystemTotal, 0, mounts, 2, constant(3750000000<<12))
	column(metric.HostTemperature, 0, sensors, 4, gauge(state(4, uniform(50, 70), uniform(-.5, .5)), 1))
	column(metric.HostPowerWatts, 0, self, 1, gauge(state(1, uniform(6000, 7000), uniform(-20, 20)), 0))
	column(metric.HostPowerWatts, 1, self, 1, gauge(state(1, uniform(400, 500), uniform(-9, 9)), 3))
	column(metric.HostEnergyJoules, 0, self, 1, counter(state(1, uniform(1e12, 9e12), uniform(6e6, 7e6)), 1))
	column(metric.HostEnergyJoules, 1, self, 1, counter(state(1, uniform(1e11, 9e11), uniform(4e5, 5e5)), 1))
	for p := range uint32(2) {
		column(metric.FabricPortBytes, p, ports, 2, bytes(2))
	}
	zeroPoints(metric.FabricPortErrors, ports, 2)
	column(metric.FabricPortLinkDowns, 0, ports, 2, counter([]float64{1, 3}, 1))
	column(metric.FabricPortRate, 0, ports, 2, constant(400e9))
	column(metric.NVMeTemperature, 0, disks, 2, gauge(state(2, uniform(35, 45), uniform(-.2, .2)), 0))
	column(metric.NVMeWear, 0, disks, 2, gauge([]float64{.03, .04}, 2))
	column(metric.NVMeMediaErrors, 0, disks, 2, zero)
	return h
}

// batch is the next ticks seconds of h.
func (h *host) batch(ticks int) *metric.Batch {
	b := &metric.Batch{
		Site: "ber1", Agent: "n00017", Lane: metric.Telemetry,
		Incarnation: 1_795_000_000_123, Sequence: 1_000_000 + uint64(h.second),
		Time: 1_795_000_000_000 + h.second*1000, Boottime: 1_234_567_890_123_456 + h.second*1e9,
		Ticks: ticks, Layout: h.layout,
	}
	if ticks > 1 {
		b.Interval = 1000
	}
	for range ticks {
		for _, s := range h.step {
			s()
		}
		for i, c := range h.layout.Columns {
			for j := range c.Count {
				b.Values = append(b.Values, h.read[i](j))
			}
		}
		h.second++
	}
	return b
}

// compile is wire.Compile for layouts known to be right.
func compile(l *metric.Layout) *wire.Layout {
	c, err := wire.Compile(l)
	if err != nil {
		panic(err)
	}
	return c
}
