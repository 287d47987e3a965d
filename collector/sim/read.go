package sim

import (
	"math"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// Telemetry appends what agent i reads now to dst, in the order of its telemetry
// layout; false if the agent is dead.
func (w *World) Telemetry(i int, dst []metric.Raw) ([]metric.Raw, bool) {
	switch n := len(w.hosts); {
	case i < n:
		return w.hostTelemetry(i, dst)
	case w.wired:
		return w.grid(dst), true
	case i < len(w.agents)-1:
		from, to := w.plant.hallSpan(i - n)
		racks := w.plant.racks[from:to]
		for r := range racks {
			dst = append(dst, racks[r].power())
		}
		for r := range racks {
			dst = append(dst, racks[r].register())
		}
		return dst, true
	}
	return w.plantTelemetry(dst), true
}

// lifetime is what a counter's epoch is published as. It holds the world's
// start, so that a world that begins anew, with all its counters at zero, is no
// continuation of the one before.
func (w *World) lifetime(epoch int64) metric.Raw { return metric.Raw(w.start<<10 + epoch) }

func (w *World) hostTelemetry(h int, dst []metric.Raw) ([]metric.Raw, bool) {
	hs := &w.hosts[h]
	if hs.state != up || hs.mute {
		return dst, false
	}
	at := len(dst)
	dst = append(dst, w.shown(h)...)
	if hs.marred {
		w.blank(h, dst[at:])
	}
	dst = w.shares(h, dst)
	for i := range hs.xids {
		dst = append(dst, metric.Raw(hs.xids[i].count))
	}
	return dst, true
}

// blank takes away what cannot be read of the boards of host h that are not ok;
// what is left of such a board is its state.
func (w *World) blank(h int, v []metric.Raw) {
	n := w.gpus
	for i := range n {
		state := w.boards[h*n+i].state
		if state == metric.GPUOk {
			continue
		}
		for at := i; at < w.plan.gpuEnd; at += n {
			v[at] = metric.Missing
		}
		v[w.plan.state+i] = state
	}
}

// power is what the meter shows, in whole watts.
func (m *meter) power() metric.Raw {
	if m.hung {
		return metric.Missing
	}
	return metric.Raw(math.Float64bits(float64(m.watts)))
}

func (m *meter) register() metric.Raw {
	if m.hung {
		return metric.Missing
	}
	return metric.Raw(m.now)
}

func (w *World) plantTelemetry(dst []metric.Raw) []metric.Raw {
	p, s := &w.plant, &w.sky
	for i := range p.meters {
		dst = append(dst, p.meters[i].power())
	}
	dst = append(dst, p.heat.power())
	for i := range p.meters {
		dst = append(dst, p.meters[i].register())
	}
	dst = append(dst,
		p.heat.register(), p.total.register(), p.drink.register(),
		fine(p.heatFlow, 1e6), fine(p.waterFlow, 1e9), fine(p.drinkFlow, 1e9),
		fine(s.outside, 10), fine(p.supply, 10), fine(p.back, 10), metric.Of(heatSupply), metric.Of(heatReturn))
	return w.grid(dst)
}

// grid is what the grid's providers say.
func (w *World) grid(dst []metric.Raw) []metric.Raw {
	return append(dst, metric.Of(w.sky.lifecycle), metric.Of(w.sky.direct), metric.Of(w.sky.price))
}

// fine is the Raw of v to 1/per.
func fine(v, per float64) metric.Raw { return metric.Of(math.Round(v*per) / per) }

// Ledger appends the counters of agent i as they are now, in the order of its
// ledger layout, and remembers them as observed; false if the agent is dead.
func (w *World) Ledger(i int, dst []metric.Raw) ([]metric.Raw, bool) {
	switch n := len(w.hosts); {
	case i < n:
		return w.hostLedger(i, dst)
	case w.wired:
		return w.grid(dst), true
	case i < len(w.agents)-1:
		from, to := w.plant.hallSpan(i - n)
		racks := w.plant.racks[from:to]
		for r := range racks {
			dst = append(dst, racks[r].observe())
		}
		for r := range racks {
			dst = append(dst, racks[r].power())
		}
		for r := range racks {
			dst = append(dst, w.lifetime(racks[r].epoch))
		}
		return dst, true
	}
	return w.plantLedger(dst), true
}

// observe is the register, booked as read.
func (m *meter) observe() metric.Raw {
	if !m.hung {
		m.read()
	}
	return m.register()
}

func (w *World) hostLedger(h int, dst []metric.Raw) ([]metric.Raw, bool) {
	hs := &w.hosts[h]
	if hs.state != up || hs.mute {
		return dst, false
	}
	boards := w.boards[h*w.gpus : (h+1)*w.gpus]
	holder, late := w.holder(h), hs.recorded != 0 && w.now-hs.recorded > silence
	hs.recorded = w.now
	for i := range boards {
		g := &boards[i]
		if g.state != metric.GPUOk {
			if g.energy.first {
				g.claim.pass(holder)
			}
			dst = append(dst, metric.Missing)
			continue
		}
		mj := g.energy.read()
		w.tenancies[g.claim.settle(holder, late)].gpu.Add(mj)
		dst = append(dst, metric.Raw(g.energy.now))
	}
	v := w.shown(h)
	for i := range boards {
		if boards[i].state != metric.GPUOk {
			dst = append(dst, metric.Missing)
			continue
		}
		dst = append(dst, v[w.plan.power+i])
	}
	for i := range boards {
		dst = append(dst, w.lifetime(boards[i].energy.epoch))
	}
	mj := hs.bmc.read()
	w.tenancies[hs.claim.settle(holder, late)].node.Add(mj)
	hs.rapl.read()
	dst = append(dst,
		metric.Raw(hs.bmc.now), v[w.plan.hostPower+bmc], w.lifetime(hs.bmc.epoch),
		metric.Raw(hs.rapl.now), v[w.plan.hostPower+raplPackage], w.lifetime(hs.rapl.epoch),
		metric.Raw(metric.Measured))
	return w.shares(h, dst), true
}

func (w *World) plantLedger(dst []metric.Raw) []metric.Raw {
	p := &w.plant
	for i := range p.meters {
		dst = append(dst, p.meters[i].observe())
	}
	for i := range p.meters {
		dst = append(dst, p.meters[i].power())
	}
	for i := range p.meters {
		dst = append(dst, w.lifetime(p.meters[i].epoch))
	}
	dst = append(dst, p.heat.observe(), p.heat.power(), w.lifetime(p.heat.epoch))
	dst = append(dst, p.total.observe(), p.drink.observe(), w.lifetime(p.total.epoch), w.lifetime(p.drink.epoch))
	return w.grid(dst)
}
