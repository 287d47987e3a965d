package main

import (
	"context"
	"log/slog"
	"math"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/aggregator/internal/ledger"
	"github.com/gigawatch/gigawatch/aggregator/internal/live"
	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/site"
)

// today keeps what the ledger says of the day so far, for the page and for the
// site's series, and asks it no oftener than it can have changed. What day that is
// the ledger says, to the API as well.
type today struct {
	ledger *ledger.Ledger
	emit   func([]live.Point)
	due    chan struct{} // that the ledger has changed; one is enough
	log    *slog.Logger
	life   *lifetimes
	limits func(site string) site.YearBounds // nil: none are stated

	treeless bool // the parts of sites are not known here

	began time.Time

	mu      sync.Mutex
	booked  map[string]time.Time // when something was last booked of a site
	sites   map[string]*siteDay
	outlets map[outletKey]*live.Outlet
}

type outletKey struct {
	site   string
	metric metric.Number
	point  uint32
}

// siteDay is one site's day so far.
type siteDay struct {
	from, to int64           // milliseconds since 1970
	asked    time.Time       // the ledger
	energy   [4]account.Line // by boundary
	since    int64           // energy is of whole hours: of the one that the day begins in
	kpis     map[string]account.KPI
	year     *forecast // likewise
	tree     *treeDay  // what of the power tree is known; shared with the days before
}

func newToday(l *ledger.Ledger, emit func([]live.Point), log *slog.Logger) *today {
	return &today{began: time.Now(), booked: map[string]time.Time{}, ledger: l, emit: emit, log: log, life: newLifetimes("", log), due: make(chan struct{}, 1), sites: map[string]*siteDay{}, outlets: map[outletKey]*live.Outlet{}}
}

// kpiSeries says which series a KPI is shown as.
var kpiSeries = map[string]metric.Number{
	"pue": metric.SitePUE, "wue": metric.SiteWUE, "cue": metric.SiteCUE, "erf": metric.SiteERF, "ref": metric.SiteREF,
}

// took notes that something was booked of a site.
func (d *today) took(site string, now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.booked[site] = now
}

// lastTook is when something was last booked of a site, or this program began.
func (d *today) lastTook(site string) time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	if at, ok := d.booked[site]; ok {
		return at
	}
	return d.began
}

// idle is after how long a site of which nothing is booked has no newer energy than
// what was told: others' commits are none of its.
const idle = time.Minute

// wake says that the ledger has changed. It waits for nothing.
func (d *today) wake() {
	select {
	case d.due <- struct{}{}:
	default:
	}
}

// shownKPIs are the figures of the day, as the page shows them.
var shownKPIs = []string{"pue", "wue", "cue", "erf", "ref", "carbon_location", "carbon_market", "carbon_scope1", "cost"}

// midnight is when the next day of any site begins.
func (d *today) midnight(now time.Time) time.Time {
	next := now.UTC().Truncate(24 * time.Hour).Add(24 * time.Hour)
	for _, name := range d.ledger.Sites() {
		_, end := d.ledger.Around(name, account.ByDay, now.UnixMilli())
		if t := time.UnixMilli(end); t.Before(next) {
			next = t
		}
	}
	return next
}

// Run refreshes after each change, and when a site's day begins, until ctx ends.
func (d *today) Run(ctx context.Context) error {
	for {
		midnight := time.NewTimer(time.Until(d.midnight(time.Now())))
		select {
		case <-ctx.Done():
			midnight.Stop()
			d.life.save()
			return nil
		case <-d.due:
		case <-midnight.C:
		}
		midnight.Stop()
		began := time.Now()
		d.refresh(began)
		select { // a large site's day takes a while to add up
		case <-ctx.Done():
			d.life.save()
			return nil
		case <-time.After(min(shareOfCore*time.Since(began), mostRest)):
		}
	}
}

// After a refresh there is a rest, so that they take a twentieth of a core at
// most.
const (
	shareOfCore = 20
	mostRest    = 10 * time.Second
)

// refresh asks the ledger for the day so far and emits the site's series.
func (d *today) refresh(now time.Time) {
	for _, name := range d.ledger.Sites() {
		day := &siteDay{asked: now, kpis: map[string]account.KPI{}}
		day.from, day.to = d.ledger.Today(name, now)
		if midnight, _ := d.ledger.Around(name, account.ByDay, now.UnixMilli()); day.from == midnight { // else nothing was drawn before
			day.since = midnight - midnight%hourMillis
		}
		for b := metric.Facility; b <= metric.GPUs; b++ {
			day.energy[b] = d.energy(name, b, day.from, day.to)
		}
		kpis, err := d.ledger.KPIs(name, account.KPIQuestion{Names: shownKPIs, From: day.from, To: day.to})
		for i, k := range shownKPIs {
			if err != nil {
				day.kpis[k] = account.KPI{Name: k, Reason: err.Error()}
				continue
			}
			day.kpis[k] = kpis[i]
		}
		before := d.of(name)
		if before != nil {
			day.tree, day.year = before.tree, before.year
		}
		if d.limits != nil {
			day.year = d.foresee(name, d.limits(name), day.year, now)
		}
		if !d.treeless {
			day.tree = d.reconcile(name, day.kpis["pue"].Terms, day.tree, now)
		}
		d.mu.Lock()
		d.sites[name] = day
		d.mu.Unlock()
		d.publish(name, day, now.UnixMilli())
	}
}

const hourMillis = int64(time.Hour / time.Millisecond)

// energy is what is booked in [from, to). It is booked by the hour: on a site's
// first day that includes the part of a minute before the first whole one, and
// where midnight is not on a whole hour UTC the part of the hour before it.
func (d *today) energy(site string, b metric.Boundary, from, to int64) account.Line {
	from, to = from-from%hourMillis, to+(hourMillis-to%hourMillis)%hourMillis
	lines, err := d.ledger.Energy(account.Question{Site: site, By: account.BySite, Boundary: b, From: from, To: to})
	switch {
	case err != nil:
		return account.Line{Reason: err.Error()}
	case len(lines) == 0:
		return account.Line{Reason: "nothing in the ledger"}
	}
	return lines[0]
}

// publish emits the figures as series of the site. One that is not known any more
// ends its series.
func (d *today) publish(name string, day *siteDay, millis int64) {
	var points []live.Point
	told := map[outletKey]bool{}
	add := func(n metric.Number, point uint32, v float64) {
		told[outletKey{name, n, point}] = true
		points = append(points, live.Point{Outlet: d.outlet(name, n, point), Millis: millis, Value: v})
	}
	defer func() {
		for _, o := range d.others(name, told) {
			points = append(points, live.Point{Outlet: o, Millis: millis, Value: math.NaN()})
		}
		d.emit(points)
	}()
	for b := range day.energy {
		if mj, _, ok := d.ledger.Life(name, metric.Boundary(b)); ok {
			boundary, terms := metric.Boundary(b), ""
			if boundary <= metric.IT { // nothing is stated of hosts and boards
				terms = day.kpis["pue"].Terms
			}
			if time.UnixMilli(millis).Sub(d.lastTook(name)) > idle {
				told[outletKey{name, metric.SiteEnergyJoules, uint32(b)}] = true // it stands, and is not of now
			} else {
				add(metric.SiteEnergyJoules, uint32(b), d.life.show(name+"/"+boundary.String(), terms, mj.Float()/1000))
			}
		}
		if l := day.energy[b]; l.Reason == "" && l.ExpectedMillis > 0 {
			add(metric.SiteCoverage, uint32(b), float64(l.CoveredMillis)/float64(l.ExpectedMillis))
		}
	}
	for kpi, n := range kpiSeries {
		k, point := day.kpis[kpi], uint32(0)
		if n == metric.SitePUE {
			point = uint32(max(0, k.Category-1))
		}
		if k.Value != nil {
			add(n, point, *k.Value)
		}
	}
	if day.tree != nil && day.tree.reason == "" {
		var stages [4]int
		for i := range day.tree.gaps {
			stages[slices.Index(findings[:], day.tree.gaps[i].Finding)]++
		}
		for point, n := range stages {
			add(metric.SiteReconciliation, uint32(point), float64(n))
		}
	}
	if day.year != nil {
		for point, ratio := range day.year.ratios {
			add(metric.SiteYearForecast, point, ratio)
		}
	}
	if sealed, ok := d.ledger.Sealed(name); ok {
		add(metric.SiteSealed, 0, float64(sealed)/1000)
	}
	switch grams, ok, err := d.ledger.Carbon(name); {
	case err != nil:
		d.log.Error("carbon not known", "site", name, "error", err)
	case ok:
		add(metric.SiteCarbonGrams, 0, d.life.show(name+"/carbon", day.kpis["pue"].Terms, grams))
	}
}

// findings are the values of the label finding of site_reconciliation_stages.
var findings = [...]account.Finding{account.Balanced, account.Lacking, account.Exceeds, account.Unknown}

// others are the site's outlets that are not among those told.
func (d *today) others(site string, told map[outletKey]bool) (out []*live.Outlet) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for key, o := range d.outlets {
		if key.site == site && !told[key] {
			out = append(out, o)
		}
	}
	return out
}

func (d *today) outlet(site string, n metric.Number, point uint32) *live.Outlet {
	d.mu.Lock()
	defer d.mu.Unlock()
	key := outletKey{site, n, point}
	if d.outlets[key] == nil {
		d.outlets[key] = &live.Outlet{Metric: n, Point: point, Site: site, Simulated: d.ledger.Simulated(site)}
	}
	return d.outlets[key]
}

func (d *today) of(site string) *siteDay {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.sites[site]
}

// energyStatus is a boundary's energy as the page reads it.
type energyStatus struct {
	KWh         *float64 `json:"kwh"`
	Millijoules *string  `json:"millijoules"`
	Coverage    *float64 `json:"coverage"`
	Since       int64    `json:"since,omitempty"` // milliseconds since 1970, where it begins before the day: midnight is on no whole hour UTC
	Reason      string   `json:"reason"`
}

func energyOf(l account.Line) energyStatus {
	if l.Reason != "" {
		return energyStatus{Reason: l.Reason}
	}
	mj, err := l.Energy.Total()
	if err != nil {
		return energyStatus{Reason: err.Error()}
	}
	kwh, exact := float64(mj)/metric.MillijoulesPerKWh, strconv.FormatUint(mj, 10)
	st := energyStatus{KWh: &kwh, Millijoules: &exact}
	if l.ExpectedMillis > 0 {
		c := float64(l.CoveredMillis) / float64(l.ExpectedMillis)
		st.Coverage = &c
	}
	return st
}
