package account_test

import (
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/collector/metric"
)

const (
	second = int64(1000)
	hour   = 3600 * second
	missed = int64(metric.Missing)
)

// noon is a whole hour.
var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC).UnixMilli()

// An emitter is an agent of a test: it numbers its records.
type emitter struct {
	t      *testing.T
	s      *account.State
	name   string
	layout *metric.Layout

	incarnation, sequence uint64
	life                  uint64       // incarnation of the newest record
	flags                 metric.Flags // of the next record only
	boot                  int64        // ms of wall clock at which it booted; 0: unknown
	skew                  int64        // its wall clock less the true time
	delay                 int64        // from reading to arrival
}

func newEmitter(t *testing.T, s *account.State, name string, l *metric.Layout) *emitter {
	if err := l.Check(); err != nil {
		t.Fatal(err)
	}
	return &emitter{t: t, s: s, name: name, layout: l, incarnation: 1, flags: metric.Fresh}
}

// batch is the next record, read at the given true time.
func (e *emitter) batch(at int64, values ...int64) *metric.Batch {
	e.sequence++
	if e.life != 0 && e.life != e.incarnation && e.flags&metric.Fresh == 0 {
		e.flags |= metric.Began
	}
	e.life = e.incarnation
	b := &metric.Batch{
		Site: "s1", Agent: e.name, Lane: metric.Ledger, Flags: e.flags, Incarnation: e.incarnation, Sequence: e.sequence,
		Time: at + e.skew, Ticks: 1, Layout: e.layout,
	}
	if e.boot != 0 {
		b.Boottime = (at - e.boot) * 1e6
	}
	for _, v := range values {
		b.Values = append(b.Values, metric.Raw(v))
	}
	e.flags = 0
	return b
}

// send applies the next record, which must be accepted.
func (e *emitter) send(at int64, values ...int64) []account.Alarm {
	e.t.Helper()
	o := e.s.Apply(e.batch(at, values...), at+e.delay)
	if o.Verdict != account.Accepted {
		e.t.Fatalf("%s at %+d ms: %v, %s", e.name, at-noon, o.Verdict, o.Reason)
	}
	return o.Alarms
}

// board is the layout of a host with GPUs: for each its energy, then for each
// its power, then for each its epoch.
func board(host string, uuids ...string) *metric.Layout {
	l := &metric.Layout{Entities: metric.Place{Hall: "h1", Rack: "r1", Host: host}.Entities()}
	for i, u := range uuids {
		l.Entities = append(l.Entities, metric.Entity{Kind: metric.GPU, Name: u, Parent: 2,
			Labels: []metric.Pair{{Name: "gpu", Value: string(rune('0' + i))}, {Name: "model", Value: "H200"}}})
	}
	n := len(uuids)
	l.Columns = []metric.Column{
		{Metric: metric.GPUEnergyJoules, Form: metric.Int, First: 3, Count: n},
		{Metric: metric.GPUPowerWatts, Form: metric.Float, First: 3, Count: n},
		{Metric: metric.CounterEpoch, Form: metric.Int, Point: metric.EpochPoint(metric.GPUEnergyJoules, 0), First: 3, Count: n},
	}
	return l
}

// watts is a power as it travels.
func watts(w float64) int64 { return int64(metric.Of(w)) }

// meters is the layout of meters, each with the role of its name up to a dash:
// one column of energy.
func meters(names ...string) *metric.Layout {
	l := &metric.Layout{}
	for _, n := range names {
		role := n
		for i := range n {
			if n[i] == '-' {
				role = n[:i]
			}
		}
		l.Entities = append(l.Entities, metric.Entity{Kind: metric.Meter, Name: n, Parent: -1, Labels: []metric.Pair{{Name: "role", Value: role}}})
	}
	l.Columns = []metric.Column{{Metric: metric.MeterEnergyJoules, Form: metric.Int, First: 0, Count: len(names)}}
	return l
}

// booked is what an account has booked: what its register counted, and besides.
func booked(s *account.State, name string) (counted, estimated uint64) {
	for b := range func(yield func(account.Balance) bool) { s.Balances("s1", yield) } {
		if b.Device.Name == name {
			counted += b.Counted
			estimated += b.Estimated
		}
	}
	return counted, estimated
}

// rows are the rows of a device in an open hour.
func rows(s *account.State, number int64, name string) (out []account.Row) {
	s.Rows("s1", number, (number+1)*hour, func(d *account.Device, _ *account.Place, r *account.Row) {
		if d.Name == name && (r.Amount > 0 || r.Covered > 0) {
			out = append(out, *r)
		}
	})
	return out
}

func kinds(as []account.Alarm) (ks []account.AlarmKind) {
	for _, a := range as {
		ks = append(ks, a.Kind)
	}
	return ks
}

// checkBooks holds the state's own sums against each other: every account
// against its rows, every quantity against its minutes.
func checkBooks(t *testing.T, s *account.State) {
	t.Helper()
	rows, accounts := map[account.Device]uint64{}, map[account.Device]uint64{}
	var byQuantity, byMinute, life [account.Quantities]uint64
	for _, r := range s.OpenHours("s1") {
		if r.Late { // yielded with the hour itself, where that is open
			continue
		}
		u := s.Summarize("s1", r.Number, (r.Number+1)*hour)
		for q := range account.Quantities {
			for m := range 60 {
				byMinute[q] += u.Amount[q][m]
				if u.Covered[q][m] > u.Expected[q][m] {
					t.Errorf("%v in minute %d: %d ms are known of %d", q, m, u.Covered[q][m], u.Expected[q][m])
				}
			}
		}
		s.Rows("s1", r.Number, (r.Number+1)*hour, func(d *account.Device, _ *account.Place, r *account.Row) {
			rows[*d] += r.Amount
			byQuantity[d.Quantity] += r.Amount
		})
	}
	for b := range func(yield func(account.Balance) bool) { s.Balances("s1", yield) } {
		accounts[b.Device] = b.Counted + b.Estimated
		if rows[b.Device] != b.Counted+b.Estimated {
			t.Errorf("%s booked %d and has rows of %d", b.Device.Name, b.Counted+b.Estimated, rows[b.Device])
		}
	}
	for q := range account.Quantities {
		for _, w := range s.Life("s1", q) {
			life[q] += w.Lo
		}
		if q != account.Other && byMinute[q] != byQuantity[q] || life[q] != byQuantity[q] {
			t.Errorf("%v: rows %d, minutes %d, lifetime %d", q, byQuantity[q], byMinute[q], life[q])
		}
	}
}
