package sim

import (
	"math"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// Faults says how often things break by themselves.
type Faults struct {
	Off      bool          // never
	Per      time.Duration // mean time between faults of one GPU, all kinds together; 0: 5000 hours
	Every    time.Duration // mean time between faults of the site, if that is sooner; 0: 2 minutes
	Lifelike bool          // Per alone counts, so that a small site may see nothing for weeks
	Only     []Fault       // nil: all, each with its weight
}

// A Fault is a way to break.
type Fault uint8

// The faults. Those of a GPU or a host heal by themselves after a while.
const (
	CorrectedECC   Fault = iota // a burst of corrected memory errors
	UncorrectedECC              // XID 48, 63 and 94 or 95; a row waits for a reset, which restarts the counters
	RemapFailed                 // XID 64: the board asks to be replaced
	AppError                    // XID 13, 31, 43 or 45: the job's own fault
	NVLinkError                 // XID 74
	PCIeReplay                  // packets sent again
	LostGPU                     // XID 79: all values missing; its counters restart when it returns
	HungProbe                   // readings stop, counters go on
	BlankDriver                 // XID 119: the driver answers for no board of the host
	DeadHost                    // its agent falls silent, then its power; all its counters restart
	HotGPU                      // its cooling is blocked
	PowerBrake                  // a power supply fails and the boards are told to slow down
	PortDown                    // a fabric port loses its link and comes back at half its rate
	MediaError                  // an NVMe disk cannot read back what it wrote
	HungMeter                   // the rack's PDU meter does not answer
	MeterReset                  // the rack's PDU meter begins again from zero
	SilentAgent                 // the host's agent stops; its counters go on
	faultKinds
)

// weights of the faults, and for how long each holds, s.
var faultTable = [faultKinds]struct{ weight, least, most float64 }{
	CorrectedECC:   {16, 5, 30},
	UncorrectedECC: {8, 120, 400},
	RemapFailed:    {2, 400, 900},
	AppError:       {18, 0, 0},
	NVLinkError:    {9, 0, 0},
	PCIeReplay:     {8, 0, 0},
	LostGPU:        {7, 90, 420},
	HungProbe:      {9, 20, 150},
	BlankDriver:    {3, 40, 160},
	DeadHost:       {5, 120, 420},
	HotGPU:         {8, 240, 700},
	PowerBrake:     {4, 40, 200},
	PortDown:       {7, 60, 400},
	MediaError:     {3, 0, 0},
	HungMeter:      {3, 30, 240},
	MeterReset:     {1, 0, 0},
	SilentAgent:    {5, 15, 180},
}

// A breakage is a fault that holds.
type breakage struct {
	fault     Fault
	host, gpu int32
	port      int32
	until     int64 // ms since 1970
	dark      int64 // dead host: when its power goes
}

type faults struct {
	rng    source
	off    bool
	mean   float64 // s between faults of the site
	wait   float64 // s to the next
	weight [faultKinds]float64
	sum    float64
	active []breakage
}

// most faults at one time; beyond it no more begin.
const mostBreakages = 2048

func (f *faults) begin(c Config, w *World) {
	f.rng = newSource(c.Seed, streamFaults)
	f.off = c.Faults.Off
	per, every := c.Faults.Per.Seconds(), c.Faults.Every.Seconds()
	if per <= 0 {
		per = 5000 * 3600
	}
	if every <= 0 {
		every = 120
	}
	f.mean = per / float64(len(w.boards))
	if !c.Faults.Lifelike {
		f.mean = min(f.mean, every)
	}
	for k := range f.weight {
		f.weight[k] = faultTable[k].weight
	}
	if c.Faults.Only != nil {
		f.weight = [faultKinds]float64{}
		for _, k := range c.Faults.Only {
			if k < faultKinds {
				f.weight[k] = faultTable[k].weight
			}
		}
	}
	for _, x := range f.weight {
		f.sum += x
	}
	f.off = f.off || f.sum == 0
	f.active = make([]breakage, 0, mostBreakages)
	f.wait = f.gap()
}

// gap is the time to the next fault: they know nothing of each other.
func (f *faults) gap() float64 { return -f.mean * math.Log(1-f.rng.uniform()) }

// step heals what is over and breaks what is due.
func (f *faults) step(w *World, ms int64) {
	for i := 0; i < len(f.active); {
		b := &f.active[i]
		if b.fault == DeadHost && b.dark != 0 && w.now >= b.dark {
			b.dark = 0
			w.hosts[b.host].state = off
		}
		if w.now < b.until {
			w.ail(b)
			i++
			continue
		}
		w.heal(b)
		f.active[i] = f.active[len(f.active)-1]
		f.active = f.active[:len(f.active)-1]
	}
	if f.off {
		return
	}
	for f.wait -= float64(ms) / 1000; f.wait <= 0; f.wait += f.gap() {
		x := f.rng.uniform() * f.sum
		k := Fault(0)
		for x -= f.weight[k]; x >= 0 && k+1 < faultKinds; x -= f.weight[k] {
			k++
		}
		t := &faultTable[k]
		d := time.Duration(f.rng.between(t.least, t.most) * float64(time.Second))
		w.Break(k, f.rng.below(len(w.hosts)), f.rng.below(w.gpus), d)
	}
}

// Break makes a fault happen now and hold for d, on a GPU of host, on the host
// or on the meter of its rack. It reports whether it did: what is broken already
// does not break again.
func (w *World) Break(k Fault, host, gpu int, d time.Duration) bool {
	if host < 0 || host >= len(w.hosts) || gpu < 0 || gpu >= w.gpus || k >= faultKinds || len(w.faults.active) == mostBreakages {
		return false
	}
	switch k {
	case MeterReset:
	case HungMeter:
		if w.plant.racks[host/rackHosts].hung {
			return false
		}
	default:
		if w.ails(host) {
			return false
		}
	}
	b := breakage{fault: k, host: int32(host), gpu: int32(gpu), until: w.now + max(d.Milliseconds(), 1)}
	if w.strike(&b) {
		w.faults.active = append(w.faults.active, b)
	}
	return true
}

// ails reports whether a fault holds on host h.
func (w *World) ails(h int) bool {
	for i := range w.faults.active {
		if b := &w.faults.active[i]; int(b.host) == h && b.fault != HungMeter {
			return true
		}
	}
	return false
}

// strike begins b and reports whether it holds for a while.
func (w *World) strike(b *breakage) bool {
	h, g, r := int(b.host), int(b.gpu), &w.faults.rng
	hs, v, at, n := &w.hosts[h], w.shown(h), &w.plan, w.gpus
	j := &w.schedule.jobs[hs.job]
	board := &w.boards[h*n+g]
	switch b.fault {
	case CorrectedECC:
		return true
	case UncorrectedECC:
		v[at.ecc+eccUncorrectedVolatile*n+g]++
		v[at.ecc+eccUncorrectedAggregate*n+g]++
		v[at.remapped+n+g]++
		v[at.pending+g] = 1
		w.see(h, g, 48)
		w.see(h, g, 63)
		if r.uniform() < 0.7 {
			w.see(h, g, 94) // contained
		} else {
			w.see(h, g, 95)
			v[at.recovery+g] = 1 // asks for a reset
		}
		j.stall(60)
		return true
	case RemapFailed:
		v[at.remapFailed+g] = 1
		v[at.recovery+g] = 4
		w.see(h, g, 64)
		return true
	case AppError:
		w.see(h, g, [...]uint32{13, 31, 43, 45}[r.below(4)])
		j.stall(r.between(20, 90))
	case NVLinkError:
		v[at.nvlink+g] += metric.Raw(1 + r.below(300))     // crc_flit
		v[at.nvlink+n+g] += metric.Raw(r.below(4))         // crc_data
		v[at.nvlink+2*n+g] += metric.Raw(1 + r.below(200)) // replay
		v[at.nvlink+3*n+g]++                               // recovery
		w.see(h, g, 74)
		j.stall(r.between(30, 120))
	case PCIeReplay:
		v[at.replays+g] += metric.Raw(1 + r.below(60))
	case LostGPU:
		board.state, hs.marred = metric.GPULost, true
		w.see(h, g, 79)
		j.stall(r.between(90, 240))
		return true
	case HungProbe:
		board.state, hs.marred = metric.GPUStale, true
		return true
	case BlankDriver:
		for i := range n {
			w.boards[h*n+i].state = metric.GPUBlank
		}
		hs.marred = true
		w.see(h, g, 119)
		return true
	case DeadHost:
		hs.state = hung
		b.dark = w.now + min((b.until-w.now)/2, int64(r.between(15, 60)*1000))
		j.stall(float64(b.until-w.now)/1000 + 60)
		return true
	case HotGPU:
		board.thermo *= 2.2
		return true
	case PowerBrake:
		hs.braked = true
		return true
	case PortDown:
		b.port = int32(r.below(ports))
		v[at.linkDowns+int(b.port)]++
		v[at.portErrors+int(b.port)] += metric.Raw(1 + r.below(2000))
		v[at.portErrors+2*ports+int(b.port)]++
		v[at.portRate+int(b.port)] = portRate / 2
		j.stall(r.between(5, 30))
		return true
	case MediaError:
		v[at.mediaErrors+r.below(drives)]++
	case HungMeter:
		w.plant.racks[h/rackHosts].hung = true
		return true
	case MeterReset:
		w.plant.racks[h/rackHosts].restart()
	case SilentAgent:
		hs.mute = true
		return true
	}
	return false
}

// ail is what b does while it holds.
func (w *World) ail(b *breakage) {
	r := &w.faults.rng
	h, g := int(b.host), int(b.gpu)
	v, at, n := w.shown(h), &w.plan, w.gpus
	switch b.fault {
	case CorrectedECC:
		errors := metric.Raw(r.below(8))
		v[at.ecc+eccCorrectedVolatile*n+g] += errors
		v[at.ecc+eccCorrectedAggregate*n+g] += errors
	case PortDown:
		v[at.portErrors+int(b.port)] += metric.Raw(r.below(40))
		v[at.portErrors+ports+int(b.port)] += metric.Raw(r.below(3))
	}
}

// heal ends b.
func (w *World) heal(b *breakage) {
	h, g := int(b.host), int(b.gpu)
	hs, v, at, n := &w.hosts[h], w.shown(h), &w.plan, w.gpus
	switch b.fault {
	case UncorrectedECC, LostGPU:
		w.reload(h, g)
		hs.marred = false
	case RemapFailed: // the board was replaced
		w.reload(h, g)
		v[at.remapFailed+g] = 0
	case HungProbe:
		w.boards[h*n+g].state = metric.GPUOk
		hs.marred = false
	case BlankDriver:
		for i := range n {
			w.boards[h*n+i].state = metric.GPUOk
		}
		hs.marred = false
	case DeadHost:
		w.reboot(h)
	case HotGPU:
		w.boards[h*n+g].thermo /= 2.2
	case PowerBrake:
		hs.braked = false
	case PortDown:
		v[at.portRate+int(b.port)] = portRate
	case HungMeter:
		w.plant.racks[h/rackHosts].hung = false
	case SilentAgent:
		hs.mute = false
		w.forget(h)
	}
}

// reboot brings host h back, with all that counts since boot at zero.
func (w *World) reboot(h int) {
	hs, v, at := &w.hosts[h], w.shown(h), &w.plan
	for i := range w.gpus {
		w.reload(h, i)
	}
	hs.bmc.restart()
	hs.rapl.restart()
	v[at.hostEnergy], v[at.hostEnergy+1] = 0, 0
	for i := range 2 * nics {
		v[at.nic+i] = 0
	}
	for i := range 2 * disks {
		v[at.disk+i] = 0
	}
	for i := range 2 * ports {
		v[at.port+i] = 0
	}
	for i := range ports {
		v[at.linkDowns+i] = 0
		for k := range portErrorKinds {
			v[at.portErrors+k*ports+i] = 0
		}
	}
	hs.load, hs.cpu = 0, 0.02
	hs.state = up
	w.forget(h)
}

// forget makes the agent of host h one that has just started: it has seen no XID.
func (w *World) forget(h int) {
	w.hosts[h].xids = w.hosts[h].xids[:0]
	w.dress(h)
}
