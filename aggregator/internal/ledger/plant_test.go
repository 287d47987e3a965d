package ledger

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// A plant is the meters of a site, read by one agent. Their names begin with
// their roles, up to a dash.
type plant struct {
	t        testing.TB
	b        *books
	now      int64
	step     int64 // ms between records
	names    []string
	register map[string]uint64 // mJ or mL, as they show
	epoch    map[string]int64
	silent   map[string]bool
	said     map[account.GridKind]float64 // of the grid; g/kWh, EUR/MWh
	sequence uint64
	cut      bool // nothing gets through
	down     bool // nothing is read
	spool    []*metric.Batch
	messages uint64
}

func newPlant(t testing.TB, d Disk, now, step int64, names ...string) *plant {
	t.Helper()
	c := config()
	c.Account.Interval = step
	l, err := open(c, d)
	if err != nil {
		t.Fatal(err)
	}
	return &plant{t: t, b: &books{Ledger: l}, now: now, step: step, names: names, register: map[string]uint64{}, epoch: map[string]int64{},
		silent: map[string]bool{}, said: map[account.GridKind]float64{}}
}

// reopen is another process on the same disk.
func (p *plant) reopen(d Disk) {
	p.t.Helper()
	c := config()
	c.Account.Interval = p.step
	l, err := open(c, d)
	if err != nil {
		p.t.Fatal(err)
	}
	p.b = &books{Ledger: l}
}

func quantityOf(meter string) account.Quantity {
	role, _, _ := strings.Cut(meter, "-")
	return account.OfRole(role)
}

func registerOf(q account.Quantity) metric.Number {
	switch {
	case q.IsWater():
		return metric.MeterWater
	case q == account.HeatReuse:
		return metric.MeterHeatJoules
	}
	return metric.MeterEnergyJoules
}

// layout is that of the meters that are read, and of what is said of the grid.
func (p *plant) layout() *metric.Layout {
	l := &metric.Layout{}
	for _, n := range p.names {
		role, _, _ := strings.Cut(n, "-")
		l.Entities = append(l.Entities, metric.Entity{Kind: metric.Meter, Name: n, Parent: -1, Labels: []metric.Pair{{Name: "role", Value: role}}})
	}
	for i, n := range p.names {
		r := registerOf(quantityOf(n))
		l.Columns = append(l.Columns, metric.Column{Metric: r, Form: metric.Int, First: i, Count: 1},
			metric.Column{Metric: metric.CounterEpoch, Form: metric.Int, Point: metric.EpochPoint(r, 0), First: i, Count: 1})
	}
	zone := len(l.Entities)
	l.Entities = append(l.Entities, metric.Entity{Kind: metric.Zone, Name: "BE", Parent: -1, Labels: []metric.Pair{{Name: "provider", Value: "entsoe"}, {Name: "tier", Value: "2"}}})
	for _, k := range []account.GridKind{account.Lifecycle, account.Direct} {
		l.Columns = append(l.Columns, metric.Column{Metric: metric.GridCarbonIntensity, Form: metric.Float, Point: uint32(k), First: zone, Count: 1})
	}
	l.Columns = append(l.Columns, metric.Column{Metric: metric.GridPrice, Form: metric.Float, First: zone, Count: 1})
	return l
}

// read takes a record of what the meters show now, and sends what gets through.
func (p *plant) read() {
	p.t.Helper()
	if !p.down {
		p.sequence++
		x := &metric.Batch{Site: "s1", Agent: "plant", Lane: metric.Ledger, Incarnation: 1, Sequence: p.sequence, Time: p.now,
			Boottime: (p.now - start + 1e12) * 1e6, Ticks: 1, Layout: p.layout()}
		if p.sequence == 1 {
			x.Flags = metric.Fresh
		}
		for _, n := range p.names {
			if p.silent[n] {
				x.Values = append(x.Values, metric.Missing, metric.Missing)
				continue
			}
			x.Values = append(x.Values, metric.Raw(p.register[n]), metric.Raw(p.epoch[n]))
		}
		for k := range account.GridKinds {
			if v, ok := p.said[k]; ok {
				x.Values = append(x.Values, metric.Of(v))
			} else {
				x.Values = append(x.Values, metric.Missing)
			}
		}
		p.spool = append(p.spool, x)
	}
	if p.cut {
		return
	}
	for _, x := range p.spool {
		p.messages++
		if o := p.b.Apply(x, time.UnixMilli(p.now), "L/1", p.messages); o.Verdict != account.Accepted {
			p.t.Fatalf("record %d: %v, %s", x.Sequence, o.Verdict, o.Reason)
		}
	}
	p.spool = nil
}

func (p *plant) commit() {
	p.t.Helper()
	if _, err := p.b.Commit(time.UnixMilli(p.now)); err != nil {
		p.t.Fatal(err)
	}
}

// run draws so many kW by meter (litres a second of water) for a time.
func (p *plant) run(d time.Duration, kw map[string]uint64) {
	p.t.Helper()
	if p.sequence == 0 {
		p.read()
	}
	for end := p.now + d.Milliseconds(); p.now < end; {
		p.now += p.step
		for n, v := range kw {
			p.register[n] += v * 1000 * uint64(p.step)
		}
		p.read()
		if p.now%hourMs == 0 || p.now%(20*60*second) == 0 {
			p.commit()
		}
	}
}

// settle lets time pass in which nothing is drawn, until all is sealed.
func (p *plant) settle() {
	p.t.Helper()
	for range 4 {
		p.now += 20 * 60 * second
		p.read()
		p.commit()
	}
}

// kpi is a figure, which must be there.
func (p *plant) kpi(name string, from, to int64) account.KPI {
	p.t.Helper()
	k, err := p.b.KPI("s1", name, from, to)
	if err != nil {
		p.t.Fatal(err)
	}
	return k
}

func (p *plant) is(name string, from, to int64, want float64) account.KPI {
	p.t.Helper()
	k := p.kpi(name, from, to)
	if k.Value == nil {
		p.t.Errorf("%s: none, for %q", name, k.Reason)
	} else if math.Abs(*k.Value-want) > 1e-9*math.Max(1, math.Abs(want)) {
		p.t.Errorf("%s is %v, want %v", name, *k.Value, want)
	}
	return k
}

func flagged(k account.KPI, code string) bool {
	return slices.ContainsFunc(k.Flags, func(f account.Flag) bool { return f.Code == code })
}

// lines are those of the site's log that begin so.
func lines(t testing.TB, d *memory, prefix string) (out []string) {
	t.Helper()
	b, err := d.ReadFile(logDir("s1") + "/leaves")
	if err != nil {
		t.Fatal(err)
	}
	for l := range strings.SplitSeq(strings.TrimSuffix(string(b), "\n"), "\n") {
		if strings.HasPrefix(l, prefix) {
			out = append(out, l)
		}
	}
	return out
}
