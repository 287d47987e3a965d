package sim

import (
	"math"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// A gpu is the physics of one board. What its driver shows of it lies in the
// host's part of World.values.
type gpu struct {
	energy counter // since the driver was loaded, mJ
	claim  claim   // as of its newest ledger record
	power  float64 // W
	die    float64 // °C
	hbm    float64 // °C
	memory float64 // MiB in use
	own    float64 // its own level in a batch job, its share of the requests in inference
	spread float64 // its dynamic power, as a share of the average board's
	thermo float64 // K/W to air, as a share of the average board's
	ahead  float64 // K that boards upstream have warmed its air
	state  metric.Raw
}

// slowdown reasons, points of gpu_slowdown_seconds_total.
const (
	byPower = iota
	byThermal
	byBoard
	byReliability
	bySoftwareThermal
	byHardwareThermal
	byPowerBrake
	slowdowns
)

// A pace holds what is the same for all boards in one step of dt.
type pace struct {
	dt         float64 // s
	ms         int64
	power      float64 // shares of the way, see toward
	die, hbm   float64
	memory     float64
	fan        float64
	cpu, load  float64
	air        float64 // °C of the cold aisle
	switchover float64 // chance that a board takes on something else of its own
}

func paceOf(ms int64, air float64) pace {
	dt := float64(ms) / 1000
	return pace{
		dt: dt, ms: ms, air: air,
		power: toward(dt, 0.35), die: toward(dt, 22), hbm: toward(dt, 35), memory: toward(dt, 9),
		fan: toward(dt, 12), cpu: toward(dt, 2.5), load: toward(dt, 60),
		switchover: min(0.9, dt/420),
	}
}

// watts is the Raw of a power given in integer milliwatts.
func watts(mw int64) metric.Raw { return metric.Raw(math.Float64bits(float64(mw) / 1000)) }

// whole is the Raw of v rounded to an integer, v above -1000.
func whole(v float64) metric.Raw {
	return metric.Raw(math.Float64bits(float64(int64(v+1000.5) - 1000)))
}

// stepGPUs moves the boards of host h on and returns the millijoules they took
// and the temperature of the hottest.
func (w *World) stepGPUs(h int, hs *host, p *pace) (int64, float64) {
	b := &w.board
	j := &w.schedule.jobs[hs.job]
	v := w.shown(h)
	at := &w.plan
	gpus := w.boards[h*w.gpus : (h+1)*w.gpus]
	n := len(gpus)

	air := p.air + hs.offset
	flow := b.resistance * (1.3 - 0.5*hs.fan)
	powered := hs.state != off
	level, util, traffic, resident := j.level, j.util, j.memory, j.resident*float64(b.memory)
	if hs.state != up {
		level, util, traffic, resident = 0, 0, 0, 0
	}
	apart := hs.state == up && (j.kind == batch || j.kind == inference)
	ns := metric.Raw(p.ms * 1_000_000)
	limit := b.limit * hs.cap
	r := hs.rng
	var sum int64
	hottest := 0.0
	for i := range gpus {
		g := &gpus[i]
		draw := r.next()
		noise := bell(draw)
		u, use, mem := level, util, traffic
		if apart {
			if float64(draw&0xffff)*(1.0/65536) < p.switchover {
				g.own = max(0, float64(draw>>16&0xffff)*(1.3/65536)-0.25)
			}
			if j.kind == batch {
				u, use, mem = g.own, g.own, 0.6*g.own
			} else { // requests are not spread evenly
				share := 0.8 + 0.4*g.own
				u, use, mem = min(1, u*share), min(1, use*share), min(1, mem*share)
			}
		}
		if g.state == metric.GPULost {
			u, use, mem = 0, 0, 0
		}

		// Power: what the work asks for, held to the limit and to what the cooling can carry off.
		demand := b.idle + (b.peak-b.idle)*u*g.spread*(1+0.02*noise)
		held := limit
		reason := byPower
		warm := air + g.ahead
		ohm := flow * g.thermo
		if next := g.die + (warm+ohm*demand-g.die)*p.die; next > softLimit {
			if most := max(b.idle, (g.die+(softLimit-g.die)/p.die-warm)/ohm); most < held {
				held, reason = most, byThermal
			}
		}
		if hs.braked && held > 0.5*b.limit {
			held, reason = 0.5*b.limit, byPowerBrake
		}
		clock := b.clock
		if demand > held {
			clock *= 1 - 0.55*(1-held/demand)
			demand = held
			v[at.slowdown+reason*n+i] += ns
			if reason == byThermal {
				v[at.slowdown+bySoftwareThermal*n+i] += ns
			}
		} else if u < 0.02 {
			clock = b.rest
		}
		if !powered {
			demand = 0
		}
		g.power += (demand - g.power) * p.power
		mw := int64(g.power*(1000+3*noise) + 0.5)
		mj := mw * p.ms / 1000
		g.energy.now += mj
		sum += mj

		// Heat.
		g.die += (warm + ohm*g.power - g.die) * p.die
		g.hbm += (g.die + 3 + 9*mem - g.hbm) * p.hbm
		hottest = max(hottest, g.die)
		g.memory += (resident*(0.98+0.02*g.spread) + 590 - g.memory) * p.memory

		v[at.power+i] = watts(mw)
		v[at.energy+i] = metric.Raw(g.energy.now)
		die := int64(g.die + 0.5)
		v[at.die+i] = metric.Raw(math.Float64bits(float64(die)))
		v[at.hbm+i] = whole(g.hbm)
		v[at.margin+i] = metric.Raw(math.Float64bits(float64(int64(slowdown) - die)))
		v[at.util+i] = w.percent[min(100, int(use*(100.4-0.7*float64(draw>>62))+0.3))]
		v[at.traffic+i] = w.percent[min(100, int(mem*(100+6*noise)+0.5))]
		v[at.memory+i] = metric.Raw(int64(g.memory) << 20)
		v[at.clock+i] = metric.Raw(int64(clock*(1.0/15)+0.5) * 15_000_000)
	}
	hs.rng = r
	return sum, hottest
}

// reload loads the driver of one board anew: what counts since then begins
// again from zero.
func (w *World) reload(h, i int) {
	n, v, at := w.gpus, w.shown(h), &w.plan
	g := &w.boards[h*n+i]
	g.energy.restart()
	v[at.energy+i] = 0
	for k := range slowdowns {
		v[at.slowdown+k*n+i] = 0
	}
	v[at.ecc+eccCorrectedVolatile*n+i] = 0
	v[at.ecc+eccUncorrectedVolatile*n+i] = 0
	v[at.replays+i] = 0
	for k := range 4 {
		v[at.nvlink+k*n+i] = 0
	}
	v[at.pending+i] = 0
	v[at.recovery+i] = 0
	g.state = metric.GPUOk
	v[at.state+i] = metric.GPUOk
}

// Points of gpu_ecc_errors_total.
const (
	eccCorrectedVolatile = iota
	eccCorrectedAggregate
	eccUncorrectedVolatile
	eccUncorrectedAggregate
)
