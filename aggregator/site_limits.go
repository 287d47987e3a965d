package main

import (
	"math"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/live"
	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/site"
)

// limits are the series that say what a site's file lets it do, so that rules can
// hold against them what is measured.
type limits map[limitKey]*live.Outlet

type limitKey struct {
	metric.Number
	metric.Place
}

// usualYear is how much of a year must be known for its figures to be reported,
// where a file does not say.
const usualYear = 0.99

// tellLimits emits the limits of all files, of each once a minute, since a series of
// which nothing is heard for five is over.
func (f *siteFiles) tellLimits(now time.Time) {
	if f.emit == nil {
		return
	}
	for _, x := range f.list {
		simulated, known := f.made(x.name)
		if !known || now.Sub(x.told) < time.Minute {
			continue
		}
		x.told = now
		x.mu.Lock()
		d := x.d
		x.mu.Unlock()
		if points := x.tell(d.site, simulated, now); len(points) > 0 {
			f.emit(points)
		}
	}
}

// tell is what s lets the site do at a time. What it says no more is ended.
func (x *siteFile) tell(s *site.Site, simulated bool, now time.Time) (points []live.Point) {
	if x.limits == nil {
		x.limits = limits{}
	}
	told := map[limitKey]bool{}
	add := func(n metric.Number, place metric.Place, v float64) {
		key := limitKey{n, place}
		if v <= 0 || told[key] {
			return
		}
		told[key] = true
		if x.limits[key] == nil {
			x.limits[key] = &live.Outlet{Metric: n, Site: x.name, Place: place, Simulated: simulated}
		}
		points = append(points, live.Point{Outlet: x.limits[key], Millis: now.UnixMilli(), Value: v})
	}
	whole := metric.Place{}
	add(metric.SiteGridContract, whole, s.Grid.Connection.Watts())
	add(metric.SitePUEPlan, whole, s.Bounds.PUE)
	add(metric.SiteCoolantLimit, whole, s.Bounds.Coolant.Celsius())
	year := s.Coverage.Year.Ratio()
	if year == 0 {
		year = usualYear
	}
	add(metric.SiteCoverageNeeded, whole, year)
	for i := range s.Racks {
		if k := &s.Racks[i]; k.InUse.Contains(s.DateOf(now)) {
			add(metric.RackPowerRating, metric.Place{Hall: k.Hall, Rack: k.ID}, k.Rating.Watts())
		}
	}
	for place, watts := range feedRatings(s) {
		add(metric.RackFeedRating, place, watts)
	}
	for key, o := range x.limits {
		if !told[key] {
			points = append(points, live.Point{Outlet: o, Millis: now.UnixMilli(), Value: math.NaN()})
			delete(x.limits, key)
		}
	}
	return points
}

// yearBounds are the limits of a calendar year that a site's file sets.
func (f *siteFiles) yearBounds(name string) site.YearBounds {
	x := f.of(name)
	if x == nil {
		return site.YearBounds{}
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.d.site.Bounds.Year
}

// feedRatings are the least ratings of the PDUs that feed one rack each.
func feedRatings(s *site.Site) map[metric.Place]float64 {
	least := map[metric.Place]float64{}
	for _, m := range s.MetersOf(metric.RolePDUOutput) {
		if len(m.Racks) != 1 || m.Rating == 0 {
			continue
		}
		k := s.Rack(m.Racks[0])
		if k == nil {
			continue
		}
		place := metric.Place{Hall: k.Hall, Rack: k.ID}
		if w := m.Rating.Watts(); least[place] == 0 || w < least[place] {
			least[place] = w
		}
	}
	return least
}
