package main

import (
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/site"
)

// A forecast is what the figures of a calendar year will come to, over the limits
// that the site's file sets: point by point of site_year_forecast_ratio.
type forecast struct {
	asked  time.Time
	limits site.YearBounds
	ratios map[uint32]float64
}

const (
	// forecastEvery is after how long it is worked out again: it reads every hour of
	// the year.
	forecastEvery = time.Hour
	// pace is over how long it is looked how fast things go, and leastPace how much of
	// it must be known.
	pace      = 28 * 24 * time.Hour
	leastPace = 24 * time.Hour
)

// Points of site_year_forecast_ratio.
const (
	forecastEnergy uint32 = iota
	forecastCarbon
	forecastWater
	forecastPUE
)

// used is how much of something was used in the time in which that is known.
type used struct {
	amount float64
	known  float64 // ms
}

// to is what it will come to in a time of so many milliseconds, of which u is known
// already: what is not known goes on as lately.
func (u used) to(year float64, lately used) (float64, bool) {
	if lately.known < float64(leastPace.Milliseconds()) {
		return 0, false
	}
	return u.amount + lately.amount/lately.known*max(0, year-u.known), true
}

// consumption is what a site used in a time; what is not known has no known time.
type consumption struct{ facility, it, carbon, water used }

// consumed asks the ledger for [from, to), of which what lies behind now is known at
// most.
func (d *today) consumed(name string, from, to, now int64) (c consumption, err error) {
	over := float64(now - from)
	began, ok := d.ledger.Began(name)
	if !ok {
		return c, nil
	}
	expected := float64(now - max(from, began)) // a line expects nothing before
	if line := d.energy(name, metric.Facility, from, now-now%hourMillis); line.Reason == "" && line.ExpectedMillis > 0 {
		if mj, err := line.Energy.Total(); err == nil {
			c.facility = used{float64(mj) / metric.MillijoulesPerKWh, expected * float64(line.CoveredMillis) / float64(line.ExpectedMillis)}
		}
	}
	kpis, err := d.ledger.KPIs(name, account.KPIQuestion{Names: []string{"pue", "carbon_location", "wue"}, From: from, To: to})
	if err != nil {
		return c, err
	}
	for _, k := range kpis {
		if k.Value == nil {
			continue
		}
		known := over * k.Coverage
		if k.Name == "carbon_location" {
			c.carbon = used{*k.Value, known}
		}
		for _, in := range k.Inputs {
			switch {
			case in.Value == nil:
			case k.Name == "pue" && in.Name == "energy of IT":
				c.it = used{*in.Value, known}
			case k.Name == "wue" && in.Name == "water":
				c.water = used{*in.Value, known}
			}
		}
		if k.Name == "pue" { // of the same minutes
			c.it.amount, c.it.known = c.it.amount/3.6e6, known
		}
	}
	return c, nil
}

// foresee is the forecast of the year that now is in, or before if that still holds.
func (d *today) foresee(name string, limits site.YearBounds, before *forecast, now time.Time) *forecast {
	if before != nil && before.limits == limits && now.Sub(before.asked) < forecastEvery {
		return before
	}
	f := &forecast{asked: now, limits: limits, ratios: map[uint32]float64{}}
	if limits == (site.YearBounds{}) {
		return f
	}
	at := now.Truncate(time.Minute).UnixMilli()
	from, to := d.ledger.Around(name, account.ByYear, at)
	so, err := d.consumed(name, from, to, at)
	var lately consumption
	if err == nil {
		lately, err = d.consumed(name, at-pace.Milliseconds(), at+time.Minute.Milliseconds(), at)
	}
	if err != nil {
		d.log.Error("forecast of the year not known", "site", name, "error", err)
		return f
	}
	year := float64(to - from)
	over := func(point uint32, limit float64, u, lately used) {
		if v, ok := u.to(year, lately); ok && limit > 0 {
			f.ratios[point] = v / limit
		}
	}
	over(forecastEnergy, limits.Energy.KWh(), so.facility, lately.facility)
	over(forecastCarbon, float64(limits.Carbon)/1e6, so.carbon, lately.carbon)
	over(forecastWater, float64(limits.Water), so.water, lately.water)
	facility, ok := so.facility.to(year, lately.facility)
	it, also := so.it.to(year, lately.it)
	if ok && also && it > 0 && limits.PUE > 0 {
		f.ratios[forecastPUE] = facility / it / limits.PUE
	}
	return f
}
