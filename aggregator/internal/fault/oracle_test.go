package fault

import (
	"slices"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// An accountKey tells accounts of a site apart.
type accountKey struct {
	kind   metric.EntityKind
	name   string
	metric metric.Number
	point  uint32
}

func keyOf(d *account.Device) accountKey { return accountKey{d.Kind, d.Name, d.Metric, d.Point} }

// A register is where a layout has a counter, its epoch and its power.
type register struct {
	key          accountKey
	value, epoch int
	power        int // -1: none
}

// registers finds the counters of a ledger layout.
func registers(l *metric.Layout) (rs []register) {
	at := map[accountKey]int{} // of epochs and powers
	n := 0
	each := func(f func(c *metric.Column, e *metric.Entity, i int)) {
		n = 0
		for k := range l.Columns {
			c := &l.Columns[k]
			for i := range c.Count {
				f(c, &l.Entities[c.First+i], n)
				n++
			}
		}
	}
	each(func(c *metric.Column, e *metric.Entity, i int) { at[accountKey{e.Kind, e.Name, c.Metric, c.Point}] = i })
	powers := map[metric.Number]metric.Number{
		metric.GPUEnergyJoules: metric.GPUPowerWatts, metric.HostEnergyJoules: metric.HostPowerWatts, metric.MeterEnergyJoules: metric.MeterPowerWatts,
	}
	each(func(c *metric.Column, e *metric.Entity, i int) {
		d := metric.Lookup(c.Metric)
		if d == nil || !d.Ledger || c.Form != metric.Int {
			return
		}
		epoch, ok := at[accountKey{e.Kind, e.Name, metric.CounterEpoch, metric.EpochPoint(c.Metric, c.Point)}]
		if !ok {
			return
		}
		r := register{accountKey{e.Kind, e.Name, c.Metric, c.Point}, i, epoch, -1}
		if p, ok := at[accountKey{e.Kind, e.Name, powers[c.Metric], c.Point}]; ok && powers[c.Metric] != 0 {
			r.power = p
		}
		rs = append(rs, r)
	})
	return rs
}

// A track is the books of an accountant who saw some of a register's readings.
type track struct {
	seen   bool
	value  int64
	epoch  int64
	sum    int64
	time   int64 // of the newest, ms
	began  int   // lifetimes that began since the first reading
	unseen int64 // ms between the readings on both sides of such a beginning
}

func (t *track) read(value, epoch, now int64) {
	switch {
	case !t.seen:
		t.seen = true
	case epoch == t.epoch:
		t.sum += value - t.value
	default:
		t.sum += value
		t.began++
		t.unseen += now - t.time
	}
	t.value, t.epoch, t.time = value, epoch, now
}

// An oracle knows what must be booked of one collector's registers: at least what
// those readings show that cannot be lost, at most what all of them show. Where no
// reading was lost for good the two are one.
type oracle struct {
	keys      map[accountKey]int
	order     []accountKey
	low, high []track
	some      bool   // readings were lost
	past      []past // low after each record, as far back as one may be lost
}

type past struct {
	sequence uint64
	low      []track
	readings []shown // that count
}

// shown is what a record shows of the n-th register.
type shown struct {
	n                  int
	value, epoch, time int64
}

func newOracle() *oracle { return &oracle{keys: map[accountKey]int{}} }

// read takes the readings of record sequence; those named in blurred will be set
// aside by who books them, or may be.
func (o *oracle) read(sequence uint64, rs []register, values []metric.Raw, now time.Time, blurred map[accountKey]bool) {
	p := past{sequence: sequence}
	for i := range rs {
		r := &rs[i]
		v, e := values[r.value], values[r.epoch]
		if v == metric.Missing || v < 0 {
			continue
		}
		n, ok := o.keys[r.key]
		if !ok {
			n = len(o.order)
			o.keys[r.key], o.order = n, append(o.order, r.key)
			o.low, o.high = append(o.low, track{}), append(o.high, track{})
		}
		o.high[n].read(int64(v), int64(e), now.UnixMilli())
		if !blurred[r.key] {
			o.low[n].read(int64(v), int64(e), now.UnixMilli())
			p.readings = append(p.readings, shown{n, int64(v), int64(e), now.UnixMilli()})
		}
	}
	p.low = slices.Clone(o.low)
	o.past = append(o.past, p)
}

// left takes back the records after durable of which nothing is left.
func (o *oracle) left(durable uint64, have map[uint64][]byte) {
	low := make([]track, len(o.low))
	for i := range o.past {
		p := &o.past[i]
		if p.sequence <= durable {
			copy(low, p.low)
			continue
		}
		if have[p.sequence] != nil {
			for _, x := range p.readings {
				low[x.n].read(x.value, x.epoch, x.time)
			}
		}
		p.low = slices.Clone(low)
	}
	o.some = true
	copy(o.low, low)
}

// durable forgets what cannot be lost any more.
func (o *oracle) durable(sequence uint64) {
	n := 0
	for n+1 < len(o.past) && o.past[n+1].sequence <= sequence {
		n++
	}
	o.past = o.past[n:]
}

// lost takes back the records after sequence: nobody may ever see them.
func (o *oracle) lost(sequence uint64) {
	for len(o.past) > 0 && o.past[len(o.past)-1].sequence > sequence {
		o.past = o.past[:len(o.past)-1]
	}
	o.some = true
	clear(o.low)
	if n := len(o.past); n > 0 {
		copy(o.low, o.past[n-1].low)
	}
}

// anew takes back the records after durable, of which nothing is left; those to come have numbers
// of those before.
func (o *oracle) anew(durable uint64) {
	o.lost(durable)
	for i := range o.past {
		o.past[i].sequence = 0
	}
}

// knows reports whether a register was read rightly in a lifetime, and not at zero, which any may show.
func (o *oracle) knows(k accountKey, epoch int64) bool {
	n, ok := o.keys[k]
	return ok && o.low[n].seen && o.low[n].epoch == epoch && o.low[n].value > 0
}
