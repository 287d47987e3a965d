package rule

import (
	"fmt"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	table "github.com/gigawatch/gigawatch/alerts/rule"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// canaries are boards that do not exist, one a site, which get too hot every ten
// minutes: what is made of it goes the way of all alerts, and the receiver at its
// end says so.
type canaries struct {
	rule     *compiled // nil: there are none
	layout   *metric.Layout
	modelled *metric.Layout     // the same, of a simulated site
	every    time.Duration      // they get too hot
	sings    time.Duration      // and are so
	bySite   map[string]*canary // guarded by the evaluator
}

type canary struct {
	sung   int64        // when it last got too hot, ms since 1970; 0: not yet
	heard  bool         // a receiver was told
	hot    atomic.Int32 // 1: it is
	missed atomic.Int32 // in a row

	mu   sync.Mutex // guards the seconds of the newest
	took []float64
}

const (
	canaryEvery = 10 * time.Minute
	canarySings = 90 * time.Second // so long it is too hot
	canaryMiss  = 2                // in a row are an alert
	canaryCalm  = 30.0             // degrees Celsius
	canaryHot   = 1000.0
	canaryFires = 900.0 // which no board is
)

// hatch makes of the table's rule one that watches, so that a canary is looked at
// as all boards are.
func (e *Evaluator) hatch() {
	e.canaries = canaries{
		bySite: map[string]*canary{}, every: canaryEvery, sings: canarySings,
		layout: &metric.Layout{
			Entities: []metric.Entity{
				{Kind: metric.Host, Name: "canary", Parent: -1},
				{Kind: metric.GPU, Name: "GPU-canary", Labels: []metric.Pair{{Name: "gpu", Value: "0"}}},
			},
			Columns: []metric.Column{{Metric: metric.GPUTemperature, Form: metric.Float, First: 1, Count: 1}},
		},
	}
	modelled := *e.canaries.layout
	modelled.Simulated = true
	e.canaries.modelled = &modelled
	if !e.c.Canary {
		return
	}
	for i, c := range e.rules {
		if c.Judged == nil || !matches(c.Judged.Causes, table.Canary) {
			continue
		}
		r := *c.Rule
		r.Judged, r.Watch = nil, &table.Watch{Metric: metric.GPUTemperature, Test: table.Above, Fire: canaryFires, Clear: canaryFires - 1}
		e.canaries.rule = &compiled{Rule: &r, order: i, own: true, canary: true, def: metric.Lookup(metric.GPUTemperature)}
		e.rules[i] = e.canaries.rule
		return
	}
}

// newCanary is that of a site, with what it shows.
func (e *Evaluator) newCanary(site *site) *canary {
	x := &canary{}
	of := func(name string) string { return fmt.Sprintf("%s{%s}", name, site.labels()) }
	for _, q := range []float64{0.5, 0.99, 1} {
		e.c.Metrics.NewGauge(fmt.Sprintf("%s{%s,quantile=\"%g\"}", table.MetricLatency, site.labels(), q), func() float64 { return x.quantile(q) })
	}
	e.c.Metrics.NewGauge(of(table.MetricCanaryHot), func() float64 { return float64(x.hot.Load()) })
	e.c.Metrics.NewGauge(of(table.MetricCanaryMissed), func() float64 { return float64(x.missed.Load()) })
	return x
}

// canariesKept are those of which it is known how long they took: of four hours.
const canariesKept = 24

func (x *canary) note(seconds float64) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.took = append(x.took, seconds); len(x.took) > canariesKept {
		x.took = x.took[1:]
	}
}

// quantile of how long they took; NaN if nobody was told yet.
func (x *canary) quantile(q float64) float64 {
	x.mu.Lock()
	defer x.mu.Unlock()
	if len(x.took) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(x.took))
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}

// sing lets a second pass for the canaries.
func (e *Evaluator) sing(now time.Time) {
	if e.canaries.rule == nil {
		return
	}
	millis := now.UnixMilli()
	hot := map[string]bool{}
	e.mu.Lock()
	for name, s := range e.sites {
		x := e.canaries.bySite[name]
		if x == nil {
			x = e.newCanary(s)
			e.canaries.bySite[name] = x
		}
		start := now.Truncate(e.canaries.every).UnixMilli()
		if start > x.sung && start > e.began && millis-start < e.canaries.sings.Milliseconds() {
			if x.sung > 0 && !x.heard {
				x.missed.Add(1)
			}
			x.sung, x.heard = start, false
		}
		hot[name] = millis-x.sung < e.canaries.sings.Milliseconds()
		x.hot.Store(0)
		if hot[name] {
			x.hot.Store(1)
		}
	}
	layouts := map[string]*metric.Layout{}
	for name, s := range e.sites {
		layouts[name] = e.canaries.layout
		if s.simulated {
			layouts[name] = e.canaries.modelled
		}
	}
	e.mu.Unlock()
	for name, is := range hot {
		value := canaryCalm
		if is {
			value = canaryHot
		}
		e.observe(Tick{Key: "\x00" + name, Site: name, Layout: layouts[name], Values: []metric.Raw{metric.Of(value)}, Received: now}, true)
	}
}

// Heard is that a receiver was told of the canary of a site.
func (e *Evaluator) Heard(site string, now time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	x := e.canaries.bySite[site]
	if x == nil || x.sung == 0 || x.heard {
		return
	}
	x.heard = true
	x.missed.Store(0)
	x.note(now.Sub(time.UnixMilli(x.sung)).Seconds())
}

// IsCanary reports whether an alert of that name is a canary's.
func (e *Evaluator) IsCanary(alertname string) bool {
	return e.canaries.rule != nil && e.canaries.rule.Name == alertname
}

// tellMissed has an alert for each site of whose canary nobody was told, twice.
func (e *Evaluator) tellMissed(now int64) {
	for _, c := range e.own[table.CanaryMissed] {
		for name, k := range e.canaries.bySite {
			x := label(c, e.sites[name].simulated, metric.Pair{Name: "site", Value: name})
			if n := k.missed.Load(); n >= canaryMiss {
				e.raise(c, x, 1, now, now, float64(n), "")
			} else {
				e.over(e.alerts[x.id()], 1, now)
			}
		}
	}
}
