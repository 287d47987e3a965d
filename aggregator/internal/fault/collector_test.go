package fault

import (
	"log/slog"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/gigawatch/gigawatch/collector/agent"
	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/wire"
)

const siteName = "s1"

// A collector is one agent with its disk, its clocks and its way to the bus.
type collector struct {
	r       *run
	i       int // in the world
	name    string
	device  *device
	rec     *agent.Recorder // nil: it is not running
	oracle  *oracle
	inbox   []wire.Ack
	records int // taken

	down    int  // steps until it is started again
	cut     int  // steps for which nothing gets through
	silent  bool // and no error says so
	linked  bool // the bus was there at the last step
	sick    int  // steps for which its disk fails
	newest  uint64
	synced  uint64         // of which the spool said so
	durable uint64         // at the end of the lives before this one
	began   uint64         // newest of the lives before this one
	sample  []byte         // of this life, as it was sent
	earlier []byte         // of a life before
	whole   *metric.Layout // as the world has it
	parts   int            // that layout adds to each board
	layout  *metric.Layout
	shown   []metric.Raw // in the newest record, of that layout
	regs    []register
	blurred map[accountKey]bool

	offset time.Duration // of its wall clock
	ppm    int64         // by which its clocks run fast
	booted time.Time
	noBoot bool // it has no boot clock

	glitch  accountKey // a register that is read wrongly
	wrong   int        // for so many records
	jumps   bool       // far ahead, and not as zero
	absurd  metric.Raw // how often it was
	frozen  map[accountKey]*freeze
	renamed map[accountKey]metric.Raw // of registers: the epoch that is told as another
	divided int                       // parts that each board is shown as besides; 0: it is whole
	invalid bool                      // the next start has no spool
	adrift  bool                      // it started without a clock that is right
	givenUp bool                      // something of it was said to be lost, and may be
	taken   []uint64                  // numbers of the records with readings that were taken; what is thinned has none
}

// freeze is a counter that stands still: from then on it shows less.
type freeze struct {
	left  int // steps
	at    metric.Raw
	epoch metric.Raw
	less  metric.Raw
}

func newCollector(r *run, i int) *collector {
	return &collector{
		r: r, i: i, name: r.world.Agent(i).Name, device: newDevice(r.rng), oracle: newOracle(), linked: true,
		blurred: map[accountKey]bool{}, frozen: map[accountKey]*freeze{}, renamed: map[accountKey]metric.Raw{}, booted: time.Now().Add(-time.Hour),
	}
}

func (c *collector) start() {
	rec, err := agent.OpenRecorder(agent.RecorderConfig{
		Site: siteName, Agent: c.name, Dir: "/spool", SyncEvery: -1, Disk: drawer{c.device}, Logger: slog.New(slog.DiscardHandler),
		MaxBytes: c.r.o.SpoolBytes,
	})
	if err != nil {
		c.r.t.Fatalf("a collector does not start: %v", err)
	}
	last, _ := rec.Standing()
	if last < c.synced {
		c.r.bad("I2", "the spool of %s had %d records on disk, and has %d", c.name, c.synced, last)
	}
	if last < c.newest { // what was not on disk is gone, though some of it may have been sent
		c.r.sum.lostRecords += int(c.newest - max(last, c.durable))
		if last < c.durable {
			c.oracle.anew(c.kept(c.durable))
			c.durable = last
		} else {
			c.oracle.lost(last)
		}
	}
	c.newest, c.began = last, last // some of it may be in memory only until this one syncs
	c.trace("start")
	c.rec, c.linked = rec, false
	c.adrift = c.adrift || c.noBoot && time.Since(c.wall()).Abs() > time.Minute
}

// stop is a kill -9, and with the power of its host gone a power cut.
func (c *collector) stop(steps int, powerCut bool) {
	if c.rec != nil {
		_, durable := c.rec.Standing()
		c.durable = max(c.durable, durable)
	}
	c.trace("stop")
	c.rec, c.down, c.inbox = nil, steps, nil
	if c.sample != nil {
		c.sample, c.earlier = nil, c.sample
	}
	c.device.fault = nil
	if powerCut {
		c.device = c.device.cut()
	} else {
		c.device = c.device.kill()
	}
	c.sick = 0
}

// wall is what the collector's wall clock shows.
func (c *collector) wall() time.Time {
	return time.Now().Add(c.offset + time.Duration(c.r.since().Nanoseconds()/1_000_000*c.ppm))
}

func (c *collector) boottime() int64 {
	if c.noBoot {
		return 0
	}
	up := time.Since(c.booted)
	return int64(up) + int64(up)/1_000_000*c.ppm
}

// Publish sends to the bus, as far as there is a way.
func (c *collector) Publish(subject string, b []byte) error {
	r := c.r
	switch {
	case c.cut > 0 && c.silent:
		return nil
	case c.cut > 0 || r.lane != nil && r.lane.down:
		return errAway
	}
	if r.o.Often[revenant] > 0 {
		c.sample = append(c.sample[:0], b...)
	}
	r.carry(subject, b)
	return nil
}

// step lets the collector live for one interval of the site.
func (c *collector) step() {
	if c.rec == nil {
		if c.down--; c.down > 0 {
			return
		}
		if c.invalid {
			c.device, c.invalid, c.synced = newDevice(c.r.rng), false, 0
		}
		c.start()
	}
	away := c.cut > 0 && !c.silent || c.r.away()
	if !away && !c.linked {
		c.rec.Reconnected(c.wall())
	}
	c.linked = !away
	for _, a := range c.inbox {
		// Behind or beyond what it knows, or of another life: it sorts them out.
		_ = c.rec.Heard(c, a, c.wall())
	}
	c.inbox = nil
	if !c.r.quiet {
		c.record()
	}
	for left := c.r.o.Interval - time.Second; left >= 0; left -= time.Second { // as the agent does
		now := c.wall().Add(-left)
		_ = c.rec.Pump(c, now, c.rec.Pace(now))
	}
	if c.cut > 0 {
		c.cut--
	}
	_, durable := c.rec.Standing()
	c.oracle.durable(c.kept(durable))
}

// accepted notes that a record with readings was.
func (c *collector) accepted(sequence uint64) {
	n, _ := slices.BinarySearch(c.taken, sequence)
	c.taken = append(c.taken[:n], sequence)
}

// kept is the newest record of which the readings are durable, if all up to one is.
func (c *collector) kept(durable uint64) uint64 {
	n, found := slices.BinarySearch(c.taken, durable)
	switch {
	case found:
		return durable
	case n == 0:
		return 0
	}
	return c.taken[n-1]
}

// record reads the registers and queues a record.
func (c *collector) record() {
	w := c.r.world
	values, alive := w.Ledger(c.i, nil)
	if !alive {
		return
	}
	if whole := w.Agent(c.i).Ledger; whole != c.whole || c.divided != c.parts {
		c.whole, c.parts = whole, c.divided
		c.layout = parts(whole, c.divided)
		c.regs = registers(c.layout)
	}
	layout := c.layout
	values = repeated(c.whole, values, c.divided)
	c.freeze(values)
	shown := c.misread(values)
	now := c.wall()
	var flags metric.Flags
	if now.Truncate(time.Hour).Equal(now) {
		flags = metric.HourEdge
	}
	if err := c.rec.Record(now, c.boottime(), flags, layout, shown); err != nil {
		c.r.t.Fatalf("a record is not taken: %v", err)
	}
	c.newest, _ = c.rec.Standing()
	c.shown = shown
	c.records++
	c.oracle.read(c.newest, c.regs, values, time.Now(), c.blurred)
	c.trace("record")
}

// freeze makes the readings what registers show that stood still for a while.
func (c *collector) freeze(values []metric.Raw) {
	for i := range c.regs {
		r := &c.regs[i]
		f := c.frozen[r.key]
		if f == nil || values[r.value] == metric.Missing {
			continue
		}
		if f.epoch == 0 {
			f.epoch = values[r.epoch]
		}
		if f.epoch != values[r.epoch] { // it began anew, and that heals it
			delete(c.frozen, r.key)
			continue
		}
		values[r.value] -= f.less
		switch {
		case f.left > 0 && f.at == 0:
			f.at = values[r.value]
		case f.left > 0:
			f.less += values[r.value] - f.at
			values[r.value] = f.at
		}
		f.left--
	}
}

// misread is what is read of the registers, one of which may be read wrongly.
func (c *collector) misread(values []metric.Raw) []metric.Raw {
	clear(c.blurred)
	if c.wrong == 0 && len(c.renamed) == 0 {
		return values
	}
	shown := slices.Clone(values)
	defer c.rename(shown)
	if c.wrong == 0 {
		return shown
	}
	c.wrong--
	for i := range c.regs {
		r := &c.regs[i]
		// One that begins anew unseen, and is then read wrongly, cannot be told from one that does not.
		if r.key == c.glitch && values[r.value] != metric.Missing && c.oracle.knows(r.key, int64(values[r.epoch])) {
			shown[r.value] = 0
			if c.jumps {
				c.absurd++ // never twice alike: two that agree are a register that was replaced
				shown[r.value] = beyond + 1e18 - c.absurd*1e15
			}
			c.blurred[r.key] = true
			// Of a small register nobody could tell.
			if !c.jumps && values[r.value] > large && c.renamed[r.key] == 0 && c.r.chance(rename) {
				c.renamed[r.key] = values[r.epoch]
			}
		}
	}
	return shown
}

// beyond is what no register has counted to.
const beyond = 3e18

// large is what nothing can count while it is not seen in a run: a host's 50 kW for eight hours.
const large = 1.5e12

// rename makes the epochs what an agent says that takes a counter which falls for another.
func (c *collector) rename(shown []metric.Raw) {
	for i := range c.regs {
		r := &c.regs[i]
		x := c.renamed[r.key]
		if x != 0 && x != shown[r.epoch] { // it did begin anew
			delete(c.renamed, r.key)
		} else if x != 0 {
			shown[r.epoch] = x + 1<<40
		}
	}
}

// away reports whether the bus is not there.
func (r *run) away() bool { return r.lane != nil && r.lane.down }

// pick is any of the collectors.
func pick[T any](rng *rand.Rand, of []T) T { return of[rng.IntN(len(of))] }
