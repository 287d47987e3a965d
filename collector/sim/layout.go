package sim

import (
	"fmt"
	"strconv"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// A plan says where in a host's values each metric begins. GPU columns come
// first, each n GPUs wide; point follows point.
type plan struct {
	power, energy, die, hbm, margin, util, traffic, memory, memoryTotal,
	clock, memoryClock, limit, ecc, remapped, pending, remapFailed, retired,
	slowdown, replays, nvlink, state, recovery int
	gpuEnd int // where the GPUs' values end

	up, cpu, load, hostMemory, hostMemoryTotal, nic, disk, mount, mountTotal,
	sensors, hostPower, hostEnergy, port, portErrors, linkDowns, portRate,
	nvme, wear, mediaErrors int
	width   int
	columns []metric.Column
	gpus    int // index of the first GPU among the entities
}

// column adds points of metric m for count entities from first, and is where they begin.
func (p *plan) column(m metric.Number, first, count int, points ...uint32) int {
	at := p.width
	form := metric.Lookup(m).Form
	for _, point := range points {
		p.columns = append(p.columns, metric.Column{Metric: m, Form: form, Point: point, First: first, Count: count})
		p.width += count
	}
	return at
}

// upTo is the points 0 to n-1.
func upTo(n int) []uint32 {
	p := make([]uint32, n)
	for i := range p {
		p[i] = uint32(i)
	}
	return p
}

// Points of host_power_watts and host_energy_joules_total.
const (
	bmc         = 0
	raplPackage = 1
)

// portErrorKinds that a simulated port counts: symbol, receive, link_integrity.
var portErrorKinds = [...]uint32{0, 1, 3}

// planOf is the plan of a host with n GPUs, for entities as hostEntities makes
// them, with a number of jobs between the GPUs and the rest.
func planOf(n, jobs int) plan {
	var p plan
	const hostAt = 2
	gpu := hostAt + 1
	p.gpus = gpu
	g := func(m metric.Number, points ...uint32) int { return p.column(m, gpu, n, points...) }
	one := []uint32{0}
	p.power = g(metric.GPUPowerWatts, one...)
	p.energy = g(metric.GPUEnergyJoules, one...)
	p.die = g(metric.GPUTemperature, one...)
	p.hbm = g(metric.GPUMemoryTemperature, one...)
	p.margin = g(metric.GPUTemperatureMargin, one...)
	p.util = g(metric.GPUUtilization, one...)
	p.traffic = g(metric.GPUMemoryUtilization, one...)
	p.memory = g(metric.GPUMemoryUsed, one...)
	p.memoryTotal = g(metric.GPUMemoryTotal, one...)
	p.clock = g(metric.GPUSMClock, one...)
	p.memoryClock = g(metric.GPUMemoryClock, one...)
	p.limit = g(metric.GPUPowerLimit, one...)
	p.ecc = g(metric.GPUECCErrors, upTo(4)...)
	p.remapped = g(metric.GPURemappedRows, upTo(2)...)
	p.pending = g(metric.GPURowRemapPending, one...)
	p.remapFailed = g(metric.GPURowRemapFailed, one...)
	p.retired = g(metric.GPURetiredPages, upTo(2)...)
	p.slowdown = g(metric.GPUSlowdownSeconds, upTo(slowdowns)...)
	p.replays = g(metric.GPUPCIeReplays, one...)
	p.nvlink = g(metric.GPUNVLinkErrors, upTo(4)...)
	p.state = g(metric.GPUState, one...)
	p.recovery = g(metric.GPURecoveryAction, one...)
	p.gpuEnd = p.width

	h := func(m metric.Number, points ...uint32) int { return p.column(m, hostAt, 1, points...) }
	nicAt := gpu + n + jobs
	diskAt := nicAt + nics
	driveAt := diskAt + disks
	mountAt := driveAt + drives
	sensorAt := mountAt + mounts
	portAt := sensorAt + sensors + ports
	p.up = h(metric.HostUp, one...)
	p.cpu = h(metric.HostCPUUsage, one...)
	p.load = h(metric.HostLoad1, one...)
	p.hostMemory = h(metric.HostMemoryUsed, one...)
	p.hostMemoryTotal = h(metric.HostMemoryTotal, one...)
	p.nic = p.column(metric.HostNetworkBytes, nicAt, nics, upTo(2)...)
	p.disk = p.column(metric.HostDiskBytes, diskAt, disks, upTo(2)...)
	p.mount = p.column(metric.HostFilesystemUsed, mountAt, mounts, one...)
	p.mountTotal = p.column(metric.HostFilesystemTotal, mountAt, mounts, one...)
	p.sensors = p.column(metric.HostTemperature, sensorAt, sensors, one...)
	p.hostPower = h(metric.HostPowerWatts, bmc, raplPackage)
	p.hostEnergy = h(metric.HostEnergyJoules, bmc, raplPackage)
	p.port = p.column(metric.FabricPortBytes, portAt, ports, upTo(2)...)
	p.portErrors = p.column(metric.FabricPortErrors, portAt, ports, portErrorKinds[:]...)
	p.linkDowns = p.column(metric.FabricPortLinkDowns, portAt, ports, one...)
	p.portRate = p.column(metric.FabricPortRate, portAt, ports, one...)
	p.nvme = p.column(metric.NVMeTemperature, driveAt, drives, one...)
	p.wear = p.column(metric.NVMeWear, driveAt, drives, one...)
	p.mediaErrors = p.column(metric.NVMeMediaErrors, driveAt, drives, one...)
	return p
}

// apparatus is how many things besides its GPUs are measured of a host.
const apparatus = nics + disks + drives + mounts + sensors + 2*ports

// hostEntities is host h and all that is measured of it. Its place and its GPUs
// come first: the ledger's layout is that much of it.
func (w *World) hostEntities(h int) []metric.Entity {
	es := make([]metric.Entity, 0, 3+w.gpus+apparatus)
	es = append(es, metric.Place{Hall: HallName(h / rackHosts / hallRacks), Rack: RackName(h / rackHosts), Host: HostName(h)}.Entities()...)
	at := len(es) - 1
	under := func(k metric.EntityKind, parent int, name string, labels ...metric.Pair) {
		es = append(es, metric.Entity{Kind: k, Name: name, Parent: parent, Labels: labels})
	}
	for g := range w.gpus {
		under(metric.GPU, at, uuid(w.seed, h*w.gpus+g), metric.Pair{Name: "gpu", Value: strconv.Itoa(g)}, metric.Pair{Name: "model", Value: w.board.name})
	}
	for _, name := range [nics]string{"eno1", "eno2"} {
		under(metric.Device, at, name)
	}
	for _, name := range [disks]string{"nvme0n1", "nvme1n1", "sda", "sdb"} {
		under(metric.Device, at, name)
	}
	for _, name := range [drives]string{"nvme0", "nvme1"} {
		under(metric.Device, at, name)
	}
	for _, name := range [mounts]string{"/", "/scratch"} {
		under(metric.Mount, at, name)
	}
	for _, name := range [sensors]string{"inlet", "outlet", "cpu0", "cpu1"} {
		under(metric.Sensor, at, name)
	}
	adapters := len(es)
	for _, name := range [ports]string{"mlx5_0", "mlx5_1", "mlx5_2", "mlx5_3"} {
		under(metric.Device, at, name)
	}
	for i := range ports {
		under(metric.Port, adapters+i, "1")
	}
	return es
}

// ledgerColumns are the accounted counters of a host, their powers and their
// epochs, and that its jobs are known.
func ledgerColumns(n int) []metric.Column {
	var p plan
	const hostAt = 2
	p.counters(metric.GPUEnergyJoules, metric.GPUPowerWatts, 0, hostAt+1, n, n)
	p.counters(metric.HostEnergyJoules, metric.HostPowerWatts, bmc, hostAt, 1, 1)
	p.counters(metric.HostEnergyJoules, metric.HostPowerWatts, raplPackage, hostAt, 1, 1)
	p.column(metric.CounterQuality, hostAt, 1, metric.EpochPoint(metric.JobHostShare, 0))
	return p.columns
}

// counters adds count counters, the powers of the first few, and their epochs.
func (p *plan) counters(counter, power metric.Number, point uint32, first, count, powers int) {
	p.column(counter, first, count, point)
	if powers > 0 {
		p.column(power, first, powers, point)
	}
	p.column(metric.CounterEpoch, first, count, metric.EpochPoint(counter, point))
}

// An xid is how often an agent saw an event of one code on one GPU.
type xid struct {
	gpu   int
	code  uint32
	count int64
}

// see counts an XID event on GPU g of host h. The first of its code there adds
// a column to the agent's layout.
func (w *World) see(h, g int, code uint32) {
	hs := &w.hosts[h]
	for i := range hs.xids {
		if x := &hs.xids[i]; x.gpu == g && x.code == code {
			x.count++
			return
		}
	}
	hs.xids = append(hs.xids, xid{g, code, 1})
	w.agents[h].Telemetry = w.withXIDs(h)
}

// withXIDs is the layout of host h with a column for each XID that its agent saw.
func (w *World) withXIDs(h int) *metric.Layout {
	xids, base := w.hosts[h].xids, w.columns[min(1, w.hosts[h].job)].telemetry
	columns := append(make([]metric.Column, 0, len(base)+len(xids)), base...)
	for _, x := range xids {
		columns = append(columns, metric.Column{Metric: metric.GPUXIDEvents, Form: metric.Int, Point: x.code, First: w.plan.gpus + x.gpu, Count: 1})
	}
	return &metric.Layout{Simulated: true, Entities: w.agents[h].Telemetry.Entities, Columns: columns}
}

// HostName is the name of host h, from 0.
func HostName(h int) string { return fmt.Sprintf("n%05d", h+1) }

// RackName is the name of rack r, from 0.
func RackName(r int) string { return fmt.Sprintf("r%04d", r+1) }

// HallName is the name of hall h, from 0.
func HallName(h int) string { return fmt.Sprintf("h%02d", h+1) }

// uuid is the name that the driver would give board n.
func uuid(seed uint64, n int) string {
	a, b := mix(seed^mix(uint64(n)<<1)), mix(seed^mix(uint64(n)<<1|1))
	return fmt.Sprintf("GPU-%08x-%04x-4%03x-%04x-%012x", a>>32, a>>16&0xffff, a&0xfff, b>>48&0x3fff|0x8000, b&0xffffffffffff)
}
