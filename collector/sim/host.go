package sim

import (
	"math"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// condition of a host.
type condition uint8

const (
	up   condition = iota
	hung           // the kernel is stuck: no agent, no work, but power
	off            // no power save what the BMC needs
)

// A host is the physics of one node, save its GPUs.
type host struct {
	rng      source
	bmc      counter // all of the node at its plug, mJ
	rapl     counter // its processors, inside bmc, mJ
	claim    claim   // as of its newest ledger record
	recorded int64   // that, ms since 1970
	job      int32
	next     int32 // host of the same job, -1 at the end
	state    condition
	mute     bool  // its agent has stopped
	braked   bool  // its power supplies ask the GPUs to slow down
	marred   bool  // boards of it cannot be read
	xids     []xid // events that its agent saw since it started

	offset float64 // K that its place is warmer than the cold aisle
	cap    float64 // share of the boards' power limit that its owner allows
	fan    float64 // 0 to 1
	cpu    float64 // 0 to 1
	load   float64
	outlet float64 // °C
	package0, package1,
	drive float64 // °C
	memory  float64 // share in use
	scratch float64 // share in use
}

// parts are the energies of a node in one step, in mJ: all that the node draws
// at its plug, in the order of the books.
type parts struct {
	gpus, cpu, dram, nic, disk, fans, board, psu int64
}

func (p *parts) node() int64 {
	return p.gpus + p.cpu + p.dram + p.nic + p.disk + p.fans + p.board + p.psu
}

func (p *parts) add(o *parts) {
	p.gpus += o.gpus
	p.cpu += o.cpu
	p.dram += o.dram
	p.nic += o.nic
	p.disk += o.disk
	p.fans += o.fans
	p.board += o.board
	p.psu += o.psu
}

// stepHost moves host h on and books its energy.
func (w *World) stepHost(h int, p *pace, site *parts) int64 {
	hs := &w.hosts[h]
	var e parts
	var hottest float64
	e.gpus, hottest = w.stepGPUs(h, hs, p)
	j := &w.schedule.jobs[hs.job]
	noise := hs.rng.bell()

	work, net, disk := j.cpu, j.net, j.disk
	if hs.state != up {
		work, net, disk = 0, 0, 0
	}
	hs.cpu += (min(1, max(0.012, work*(1+0.25*noise)+0.012)) - hs.cpu) * p.cpu
	hs.load += (hs.cpu*threads*1.1 - hs.load) * p.load
	hs.fan += (min(1, max(0.28, (hottest-42)*(1.0/40))) - hs.fan) * p.fan
	hs.memory += (0.05 + 0.5*j.resident - hs.memory) * p.load

	joules := func(watts float64) int64 { return int64(watts*float64(p.ms) + 0.5) } // W × ms = mJ
	cpu := 150 + 560*hs.cpu
	if hs.state == off {
		e.board = joules(38) // the BMC and the supplies themselves
		cpu = 0
	} else {
		e.cpu = joules(cpu)
		e.dram = joules(48 + 70*hs.cpu + 25*net)
		e.nic = joules(96 + 70*net)
		e.disk = joules(26 + 30*disk)
		e.fans = joules((55 + 880*hs.fan*hs.fan*hs.fan) * w.fanScale)
		e.board = joules(145)
		dc := float64(e.node()) / float64(p.ms)
		e.psu = joules(w.psuFixed + 0.014*dc + w.psuSquare*dc*dc)
	}
	node := e.node()
	hs.bmc.now += node
	hs.rapl.now += e.cpu
	site.add(&e)

	nodeWatts := float64(node) / float64(p.ms)
	inlet := p.air + hs.offset
	hs.outlet += (inlet + nodeWatts*w.airRise/(0.3+hs.fan) - hs.outlet) * p.die
	hs.package0 += (inlet + 8 + 0.075*cpu - hs.package0) * p.die
	hs.package1 += (inlet + 11 + 0.078*cpu - hs.package1) * p.die
	hs.drive += (inlet + 10 + 16*disk - hs.drive) * p.hbm

	v, at := w.shown(h), &w.plan
	v[at.cpu] = metric.Raw(math.Float64bits(float64(int64(hs.cpu*10000)) / 10000))
	v[at.load] = metric.Raw(math.Float64bits(float64(int64(hs.load*100)) / 100))
	v[at.hostMemory] = metric.Raw(int64(hs.memory*(hostMemory>>12)) << 12)
	v[at.sensors] = whole(inlet)
	v[at.sensors+1] = whole(hs.outlet)
	v[at.sensors+2] = whole(hs.package0)
	v[at.sensors+3] = whole(hs.package1)
	v[at.hostPower] = whole(nodeWatts) // a BMC shows whole watts
	v[at.hostPower+1] = watts(e.cpu * 1000 / p.ms)
	v[at.hostEnergy] = metric.Raw(hs.bmc.now)
	v[at.hostEnergy+1] = metric.Raw(hs.rapl.now)

	if hs.state == up {
		w.stepTraffic(v, hs, p, net, disk, noise)
	}
	return node
}

// stepTraffic advances what counts bytes.
func (w *World) stepTraffic(v []metric.Raw, hs *host, p *pace, net, disk, noise float64) {
	at := &w.plan
	bytes := func(i int, rate float64) { v[i] += metric.Raw(rate * p.dt * (1 + 0.1*noise)) }
	for i := range nics {
		bytes(at.nic+i, (9e4+1.1e8*net)*(1+0.2*float64(i)))      // receive
		bytes(at.nic+nics+i, (7e4+0.9e8*net)*(1+0.2*float64(i))) // transmit
	}
	for i := range disks {
		share := 1.0
		if i > 1 {
			share = 0.1
		}
		bytes(at.disk+i, (3e4+2.1e9*disk*disk)*share)
		bytes(at.disk+disks+i, (9e4+3.2e9*disk)*share)
	}
	rate := 38e9 * net
	for i := range ports {
		bytes(at.port+i, rate)
		bytes(at.port+ports+i, rate)
	}
	if hs.scratch += 6.4e9 * disk * p.dt / scratchSize; hs.scratch > 0.9 {
		hs.scratch = 0.35 // old checkpoints are thrown away
	}
	v[at.mount+1] = metric.Raw(int64(hs.scratch*(scratchSize>>12)) << 12)
	for i := range drives {
		v[at.nvme+i] = whole(hs.drive + float64(i))
	}
}
