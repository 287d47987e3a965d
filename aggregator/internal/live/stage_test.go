package live_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/gigawatch/gigawatch/aggregator/internal/live"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// present is a Live with what it emitted, one line a value.
type present struct {
	*live.Live
	t   *testing.T
	set *metrics.Set

	mu        sync.Mutex
	lines     []string
	silent    []string
	forgotten []string
}

func newPresent(t *testing.T, expected map[string]live.Inventory) *present {
	p := &present{t: t, set: metrics.NewSet()}
	p.Live = live.New(live.Config{
		Expected: expected, Metrics: p.set,
		Emit: func(points []live.Point) {
			p.mu.Lock()
			defer p.mu.Unlock()
			for _, k := range points {
				d := metric.Lookup(k.Metric)
				label := ""
				if len(d.Labels) > 0 {
					label = d.LabelValue(k.Point, 0)
				}
				p.lines = append(p.lines, fmt.Sprintf("%d %s/%s/%s %s{%s} %g", k.Millis/1000%3600, k.Site, k.Place.Hall, k.Place.Rack, d.Name, label, k.Value))
			}
		},
		Silent: func(key string, millis int64) {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.silent = append(p.silent, fmt.Sprintf("%s %d", key, millis/1000%3600))
		},
		Forgotten: func(key string) {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.forgotten = append(p.forgotten, key)
		},
	})
	return p
}

// take is what was emitted since it was last asked, of the metric named.
func (p *present) take(name string) (got []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range p.lines {
		if strings.Contains(l, name) {
			got = append(got, l)
		}
	}
	p.lines = nil
	return got
}

// counted is a counter of p's own.
func (p *present) counted(name string) int { return int(p.set.GetOrCreateCounter(name).Get()) }

// gauge is a gauge of p's own.
func (p *present) gauge(name string) float64 { return p.set.GetOrCreateGauge(name, nil).Get() }

// tend lets p look for agents that are silent by now; in a bubble of synctest.
func (p *present) tend() {
	ctx, stop := context.WithTimeout(p.t.Context(), time.Second)
	defer stop()
	if err := p.Run(ctx); err != nil {
		p.t.Error(err)
	}
}

const base = 1_795_366_800 // second 0 of an hour

func second(n int) time.Time { return time.Unix(base+int64(n), 0) }

// machine is a host with one GPU: layout and a tick of its values.
type machine struct {
	name, hall, rack string
	layout           *metric.Layout
}

func newMachine(name, hall, rack string) *machine {
	m := &machine{name: name, hall: hall, rack: rack}
	es := metric.Place{Hall: hall, Rack: rack, Host: name}.Entities()
	host := len(es) - 1
	es = append(es, metric.Entity{Kind: metric.GPU, Name: "GPU-" + name, Parent: host, Labels: []metric.Pair{{Name: "gpu", Value: "0"}, {Name: "model", Value: "H200"}}})
	m.layout = &metric.Layout{Entities: es, Columns: []metric.Column{
		{Metric: metric.HostPowerWatts, Form: metric.Float, First: host, Count: 1},
		{Metric: metric.GPUPowerWatts, Form: metric.Float, First: host + 1, Count: 1},
		{Metric: metric.GPUTemperature, Form: metric.Float, First: host + 1, Count: 1},
		{Metric: metric.GPUState, Form: metric.Int, First: host + 1, Count: 1},
	}}
	return m
}

// says reports the tick of second n, which came after the given milliseconds.
func (p *present) says(m *machine, n, after int, values ...metric.Raw) {
	p.Observe("s/"+m.name, "s", m.layout, second(n).UnixMilli(), values, second(n).Add(time.Duration(after)*time.Millisecond))
}

// well is a tick of a machine in good health.
func well(host, gpu float64) []metric.Raw {
	return []metric.Raw{metric.Of(host), metric.Of(gpu), metric.Of(60), metric.GPUOk}
}

// meters is an agent of meters: role and rack of each, with no rack for the site's;
// "role energy" does not say its power.
func meters(name string, roles ...string) *machine {
	m := &machine{name: name, layout: &metric.Layout{}}
	for _, role := range roles {
		parent := -1
		if r, rack, ok := strings.Cut(role, "@"); ok {
			role = r
			parent = len(m.layout.Entities) + 1
			m.layout.Entities = append(m.layout.Entities,
				metric.Entity{Kind: metric.Hall, Name: "h01", Parent: -1}, metric.Entity{Kind: metric.Rack, Name: rack, Parent: parent - 1})
		}
		role, energyOnly := strings.CutSuffix(role, " energy")
		at := len(m.layout.Entities)
		m.layout.Entities = append(m.layout.Entities, metric.Entity{Kind: metric.Meter, Name: fmt.Sprint(name, "-", role, at), Parent: parent, Labels: []metric.Pair{{Name: "role", Value: role}}})
		c := metric.Column{Metric: metric.MeterPowerWatts, Form: metric.Float, First: at, Count: 1}
		if energyOnly {
			c.Metric, c.Form = metric.MeterEnergyJoules, metric.Int
		}
		m.layout.Columns = append(m.layout.Columns, c)
	}
	return m
}

func of(watts ...float64) (values []metric.Raw) {
	for _, w := range watts {
		if w < 0 {
			values = append(values, metric.Missing)
			continue
		}
		values = append(values, metric.Of(w))
	}
	return values
}

func (p *present) status(n int) *live.Status {
	p.t.Helper()
	st := p.Status("s", 0, second(n).UnixMilli())
	if st == nil {
		p.t.Fatal("nothing is known of the site")
	}
	return st
}
