package fault

import (
	"encoding/binary"
	"fmt"
	"slices"
	"syscall"
	"testing/synctest"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/bus"
	"github.com/gigawatch/gigawatch/aggregator/internal/ledger"
	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/sim"
	"github.com/gigawatch/gigawatch/collector/wire"
)

// inject lets happen what happens in this step.
func (r *run) inject() {
	if r.calm {
		return
	}
	r.breakWorld()
	r.breakBus()
	for _, c := range r.collectors {
		r.breakCollector(c)
	}
	r.cutOff()
	if r.reading != nil && r.chance(flipSlot) {
		r.damageSlot()
	}
}

// lasting is a time that a fault of the world holds for.
func (r *run) lasting() time.Duration { return time.Duration(10+r.rng.IntN(400)) * time.Second }

func (r *run) breakWorld() {
	for h := range r.o.Hosts {
		gpu := r.rng.IntN(r.o.GPUs)
		for _, x := range []struct {
			kind
			sim.Fault
		}{{resetGPU, sim.UncorrectedECC}, {lostGPU, sim.LostGPU}, {blankDriver, sim.BlankDriver}, {hungProbe, sim.HungProbe}, {resetMeter, sim.MeterReset}, {hungMeter, sim.HungMeter}} {
			if r.chance(x.kind) && r.world.Break(x.Fault, h, gpu, r.lasting()) {
				r.sum.resets++
			}
		}
		if c := r.collectors[h]; r.chance(deadHost) {
			if d := r.lasting(); r.world.Break(sim.DeadHost, h, gpu, d) {
				r.sum.resets++
				c.stop(int(d/r.o.Interval)+2, true)
				c.booted = time.Now().Add(d)
			}
		}
	}
}

func (r *run) breakBus() {
	l := r.lane
	if l == nil {
		r.breakServer()
		return
	}
	switch {
	case l.down || l.frozen:
		if r.rng.IntN(10) == 0 {
			l.down, l.frozen = false, false
		}
	case r.chance(restartBus):
		l.down = true
	case r.chance(fullBus):
		l.frozen = true
	case r.chance(wipeBus):
		l.wipe()
	}
	if n := len(l.stored); n > 0 && r.chance(holeInBus) {
		l.hole(r.rng.IntN(n), 1+r.rng.IntN(100))
	}
	if r.chance(junk) {
		r.forge()
	}
}

// forge puts on the bus what no collector sends: bytes, torn and flipped records, those of
// another's name, and those of an earlier life or a number far ahead under its own.
func (r *run) forge() {
	own := wire.Subject(metric.Ledger, siteName, "evil")
	b := make([]byte, r.rng.IntN(300))
	for i := range b {
		b[i] = byte(r.rng.IntN(256))
	}
	if n := len(r.lane.stored); n > 0 {
		b = slices.Clone(r.lane.stored[r.rng.IntN(n)].bytes)
		switch how := r.rng.IntN(3); {
		case len(b) == 0: // it was forged itself
		case how == 0:
			b = b[:r.rng.IntN(len(b))]
		case how == 1:
			b[r.rng.IntN(len(b))] ^= 1 << r.rng.IntN(8)
		}
	}
	r.lane.store(own, b)
	empty, err := wire.Compile(&metric.Layout{Simulated: true})
	if err == nil {
		x := metric.Batch{Site: siteName, Agent: "evil", Lane: metric.Ledger, Incarnation: r.rng.Uint64N(1 << 40), Sequence: 1 + r.rng.Uint64N(1<<40), Ticks: 1, Flags: metric.Flags(r.rng.IntN(64))}
		if b, err := wire.Append(nil, &x, empty, true); err == nil {
			r.lane.store(own, b)
		}
	}
}

func (r *run) breakCollector(c *collector) {
	if c.rec == nil && !c.invalid && r.chance(flipSpool) {
		c.flipSpool()
	}
	if c.rec != nil && c.earlier != nil && c.known() && r.chance(revenant) {
		c.haunt()
	}
	if c.rec != nil && r.chance(spoolLost) {
		c.stop(1+r.rng.IntN(10), false)
		c.invalid = true
	}
	if c.rec != nil && r.chance(killCollector) {
		c.stop(1+r.rng.IntN(60), false)
	}
	if c.rec != nil && c.sick == 0 && r.chance(sickSpool) {
		c.sick = 1 + r.rng.IntN(20)
		why := pick(r.rng, []error{syscall.EIO, syscall.ENOSPC, syscall.EROFS})
		of := pick(r.rng, [][]string{{"write", "create"}, {"sync"}, {"syncdir"}, {"write", "create", "rename", "remove", "truncate", "sync", "syncdir"}})
		c.device.fault = func(op, _ string) error {
			if slices.Contains(of, op) {
				return why
			}
			return nil
		}
	}
	if r.chance(clock) {
		switch r.rng.IntN(5) {
		case 0:
			c.offset = 0
		case 1: // a leap second, or a step of NTP
			c.offset += pick(r.rng, []time.Duration{time.Second, -time.Second})
		case 2:
			c.ppm = int64(r.rng.IntN(1001) - 500)
		case 3:
			c.offset = -29 * 365 * 24 * time.Hour // a dead battery
		default:
			c.offset = time.Duration(r.rng.Int64N(2*24*3600)-24*3600) * time.Second
		}
		if r.rng.IntN(8) == 0 {
			c.noBoot = !c.noBoot
		}
	}
	if r.chance(divide) {
		c.divided = r.rng.IntN(3)
	}
	if len(c.regs) == 0 {
		return
	}
	if c.wrong == 0 && r.chance(glitchCounter) {
		c.glitch, c.jumps, c.wrong = pick(r.rng, c.regs).key, r.rng.IntN(2) == 0, 1
		if !c.jumps {
			c.wrong += r.rng.IntN(3)
		}
	}
	if r.chance(freezeCounter) {
		if k := pick(r.rng, c.regs).key; c.frozen[k] == nil && k.kind == metric.GPU {
			c.frozen[k] = &freeze{left: int(time.Duration(5+r.rng.IntN(40)) * time.Minute / r.o.Interval)}
		}
	}
}

// cutOff separates collectors from the bus.
func (r *run) cutOff() {
	long := func() int {
		if r.rng.IntN(10) == 0 {
			return 200 + r.rng.IntN(300)
		}
		return 1 + r.rng.IntN(60)
	}
	for _, c := range r.collectors {
		if c.cut == 0 && r.chance(cutHost) {
			c.cut, c.silent = long(), r.rng.IntN(2) == 0
		}
		if c.cut == 0 && r.chance(cutLong) {
			c.cut, c.silent = int(200*time.Minute/r.o.Interval), r.rng.IntN(2) == 0
		}
	}
	rack, site := r.chance(cutRack), r.chance(cutSite)
	if rack || site {
		n, silent := long(), r.rng.IntN(2) == 0
		for i, c := range r.collectors {
			if site || i < r.o.Hosts {
				c.cut, c.silent = n, silent
			}
		}
	}
}

// aggregate lets the aggregator read, commit and tell, or fail at it.
func (r *run) aggregate() {
	r.committed = false
	if r.reading != nil && r.gone() { // the stream was made anew
		r.device = r.device.kill()
	}
	if r.reading == nil && !r.restart() {
		return
	}
	n := 1 << 30
	killed := r.chance(killAggregator)
	if killed {
		n = r.rng.IntN(30)
	}
	r.deliver(n)
	if killed {
		r.kill(false)
		return
	}
	crash, fails := r.chance(crashCommit), r.chance(ioError)
	switch {
	case crash:
		left := r.rng.IntN(20)
		r.device.fault = func(string, string) error {
			if left--; left < 0 {
				return errStopped
			}
			return nil
		}
	case fails:
		at, why := r.rng.IntN(8), pick(r.rng, []error{syscall.EIO, syscall.ENOSPC, syscall.EROFS})
		r.device.fault = func(string, string) error {
			if at--; at == -1 {
				return why
			}
			return nil
		}
	}
	silent := r.chance(killBeforeAck)
	r.reading.Hurry()
	synctest.Wait()
	if silent {
		r.said = nil
	}
	r.told()
	r.device.fault = nil
	r.committed = !crash && !fails
	switch {
	case r.gone() || crash:
		if r.reading != nil { // it was done before the power went
			r.kill(true)
		} else if crash {
			r.device = r.device.cut()
		} else {
			r.device = r.device.kill()
		}
	case silent:
		r.kill(false)
	}
}

func (r *run) deliver(n int) {
	if r.lane == nil {
		r.arrive()
		return
	}
	r.lane.deliver(n)
	synctest.Wait()
}

// restart starts the aggregator; the power may go while it recovers.
func (r *run) restart() bool {
	for r.chance(crashOpen) {
		left := r.rng.IntN(6)
		r.device.fault = func(op, _ string) error {
			if op == "read" || op == "list" {
				return nil
			}
			if left--; left < 0 {
				return errStopped
			}
			return nil
		}
		_, _ = ledger.Open(r.ledgerConfig(r.device))
		r.device = r.device.cut()
	}
	ok := r.open()
	if ok {
		r.fromStorage("after a start")
	}
	return ok
}

// slotHead is what a slot says of itself.
type slotHead struct {
	name       string
	generation uint64
	stream     string
	sequence   uint64
}

func (r *run) slots() (found []slotHead) {
	for _, name := range []string{"ledger/state.0", "ledger/state.1"} {
		f := r.device.names[name]
		if f == nil || len(f.data) < 20 {
			continue
		}
		b := f.data[6:]
		uint := func() uint64 {
			v, n := binary.Uvarint(b)
			b = b[max(0, n):]
			return v
		}
		h := slotHead{name: name, generation: uint()}
		n := int(uint())
		if n > len(b) {
			continue
		}
		h.stream, b = string(b[:n]), b[n:]
		h.sequence = uint()
		found = append(found, h)
	}
	slices.SortFunc(found, func(a, b slotHead) int { return int(b.generation) - int(a.generation) })
	return found
}

// damageSlot flips a bit of the newer slot, as a bad sector does. What came since the
// older must still be on the bus: two things at once are too many.
func (r *run) damageSlot() {
	s := r.slots()
	if len(s) < 2 || r.lane == nil || s[1].stream != fmt.Sprintf("%s/%d", bus.Ledger, r.lane.created.UnixNano()) {
		return
	}
	next := s[1].sequence + 1
	for _, m := range r.lane.stored {
		if m.sequence == next {
			next++
		}
	}
	if next != r.lane.last+1 {
		return
	}
	r.kill(false)
	f := r.device.names[s[0].name]
	at := r.rng.IntN(len(f.data))
	f.data[at] ^= 1 << r.rng.IntN(8)
	f.synced = slices.Clone(f.data)
	r.flipped = true
}
