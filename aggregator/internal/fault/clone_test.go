package fault

import (
	"bytes"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/gigawatch/gigawatch/collector/agent"
	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/wire"
)

// known reports whether the aggregator knows of the life that the collector is in.
func (c *collector) known() bool {
	_, durable := c.rec.Standing()
	return durable > c.began
}

// haunt lets an earlier life of the collector send a record with a number that nobody has used,
// as a clone of its machine does.
func (c *collector) haunt() {
	var m wire.Message
	for one := range wire.Messages(c.earlier) {
		if err := m.Parse(one); err != nil {
			c.r.t.Fatal(err)
		}
	}
	if c.shown == nil {
		return
	}
	compiled, err := wire.Compile(c.layout) // to read the world anew would count as having seen it
	if err != nil {
		c.r.t.Fatal(err)
	}
	b, err := wire.Append(nil, &metric.Batch{
		Site: siteName, Agent: c.name, Lane: metric.Ledger, Incarnation: m.Incarnation, Sequence: c.newest + 1 + c.r.rng.Uint64N(3),
		Time: c.wall().UnixMilli(), Boottime: c.boottime(), Ticks: 1, Values: c.shown,
	}, compiled, true)
	if err != nil {
		c.r.t.Fatal(err)
	}
	c.r.carry(wire.Subject(metric.Ledger, siteName, c.name), b)
}

// flipSpool flips a bit of what is on the disk of a collector that does not run: what its spool
// has then must be what it had, and the rest a gap.
func (c *collector) flipSpool() {
	d := c.device
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(d.names)), func(n string) bool { return len(d.names[n].data) == 0 })
	if len(names) == 0 {
		return
	}
	before := c.holds(d.kill())
	f := d.names[pick(c.r.rng, names)]
	bit := c.r.rng.IntN(8 * len(f.data))
	was := slices.Clone(f.data)
	f.data = slices.Clone(f.data)
	f.data[bit/8] ^= 1 << (bit % 8)
	if len(f.synced) == len(was) {
		f.synced = slices.Clone(f.data)
	}
	after := c.holds(d.kill())
	for n, b := range after {
		if before[n] != nil && !bytes.Equal(b, before[n]) {
			c.r.bad("I2", "record %d of %s is not what it was, after a bit of its spool was flipped", n, c.name)
		}
	}
	c.oracle.left(c.kept(c.durable), after)
	c.trace("flip")
	synced := uint64(0)
	for n := range after {
		if n <= c.synced {
			synced = max(synced, n)
		}
	}
	c.synced = synced
}

// holds are the records that a spool still has, by their numbers.
func (c *collector) holds(d *device) sent {
	rec, err := agent.OpenRecorder(agent.RecorderConfig{
		Site: siteName, Agent: c.name, Dir: "/spool", SyncEvery: -1, Disk: drawer{d}, Logger: slog.New(slog.DiscardHandler), MaxBytes: c.r.o.SpoolBytes,
	})
	if err != nil {
		c.r.t.Fatalf("a collector does not start: %v", err)
	}
	out := sent{}
	if err := rec.Pump(out, time.Now(), 1<<30); err != nil {
		c.r.bad("I2", "the spool of %s sends what it did not take: %v", c.name, err)
	}
	maps.DeleteFunc(out, func(_ uint64, b []byte) bool {
		var m wire.Message
		return m.Parse(b) != nil || m.Flags&metric.Gap != 0
	})
	return out
}
