package sim

import "github.com/gigawatch/gigawatch/collector/metric"

// furnish puts the hosts and their boards in their racks, each a little unlike
// the next, with registers that have been counting for weeks.
func (w *World) furnish(hosts int) {
	w.plan, w.columns = planOf(w.gpus, 0), columnsOf(w.gpus)
	w.hosts = make([]host, hosts)
	w.boards = make([]gpu, hosts*w.gpus)
	w.values = make([]metric.Raw, hosts*w.plan.width)
	for h := range w.hosts {
		hs := &w.hosts[h]
		hs.rng = newSource(w.seed, streamHosts+uint64(h))
		r := &hs.rng
		hs.offset = 0.12*float64(h%rackHosts) + 0.5*r.bell()
		hs.cap = 1
		if r.uniform() < 0.1 {
			hs.cap = 0.8 // its owner trades speed for energy
		}
		hs.fan, hs.cpu, hs.memory, hs.scratch = 0.5, 0.1, 0.3, r.between(0.2, 0.85)
		hs.outlet, hs.package0, hs.package1, hs.drive = 40, 50, 52, 38
		age := r.between(4e8, 2.4e9) // ms: between 5 days and 4 weeks
		hs.bmc = counter{epoch: 1, now: int64(age * 5400)}
		hs.rapl = counter{epoch: 1, now: int64(age * 260)}
		w.furnishValues(h, r)
		for i := range w.gpus {
			g := &w.boards[h*w.gpus+i]
			*g = gpu{
				energy: counter{epoch: 1, now: int64(age * r.between(380, 520))},
				power:  300, die: 55, hbm: 60, memory: 1000, own: r.uniform(),
				spread: 1 + 0.055*r.bell(), thermo: 1 + 0.08*r.bell(), ahead: 3.2 + 3.5*float64(i/max(1, (w.gpus+1)/2)) + 0.8*r.bell(),
			}
			if r.uniform() < 0.004 {
				g.thermo *= 1.35 // its paste has dried
			}
		}
	}
}

// furnishValues sets what host h shows and seldom changes.
func (w *World) furnishValues(h int, r *source) {
	v, at, n := w.shown(h), &w.plan, w.gpus
	for i := range n {
		v[at.memoryTotal+i] = metric.Raw(w.board.memory << 20)
		v[at.memoryClock+i] = metric.Raw(w.board.memClock * 1_000_000)
		v[at.limit+i] = metric.Of(w.board.limit * w.hosts[h].cap)
		v[at.state+i] = metric.GPUOk
		if r.uniform() < 0.03 { // a board with a history
			life := metric.Raw(r.below(400))
			v[at.ecc+eccCorrectedAggregate*n+i] = life
			v[at.remapped+i] = life / 200
		}
	}
	v[at.up] = 1
	v[at.hostMemoryTotal] = hostMemory
	v[at.mount] = metric.Raw(int64(r.between(0.08, 0.4)*(rootSize>>12)) << 12)
	v[at.mount+1] = metric.Raw(int64(w.hosts[h].scratch*(scratchSize>>12)) << 12)
	v[at.mountTotal], v[at.mountTotal+1] = rootSize, scratchSize
	for i := range 2 * nics {
		v[at.nic+i] = metric.Raw(r.next() >> 20)
	}
	for i := range 2 * disks {
		v[at.disk+i] = metric.Raw(r.next() >> 18)
	}
	for i := range ports {
		v[at.port+i] = metric.Raw(r.next() >> 12)
		v[at.port+ports+i] = metric.Raw(r.next() >> 12)
		v[at.portRate+i] = portRate
	}
	for i := range drives {
		v[at.nvme+i] = metric.Of(40)
		v[at.wear+i] = metric.Of(float64(1+r.below(23)) / 100)
	}
}

// build makes the agents and the plant.
func (w *World) build(c Config) {
	n := len(w.hosts)
	racks := (n + rackHosts - 1) / rackHosts
	halls := (racks + hallRacks - 1) / hallRacks
	w.agents = make([]Agent, 0, n+halls+1)
	for h := range n {
		bare := &metric.Layout{Entities: w.hostEntities(h)}
		w.agents = append(w.agents, Agent{HostName(h), bare, bare})
		w.dress(h)
	}
	w.plant.build(w, c, racks, halls)
	if w.wired {
		telemetry, ledger := w.gridLayouts()
		w.agents = append(w.agents, Agent{"grid", telemetry, ledger})
		return
	}
	for hall := range halls {
		telemetry, ledger := w.hallLayouts(hall)
		w.agents = append(w.agents, Agent{hallAgent(hall), telemetry, ledger})
	}
	telemetry, ledger := w.plantLayouts()
	w.agents = append(w.agents, Agent{PlantAgent, telemetry, ledger})
}
