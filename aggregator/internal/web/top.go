package web

import (
	"cmp"
	"context"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/live"
	"github.com/gigawatch/gigawatch/aggregator/query"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// short are the metrics that have a short name, of GPUs, hosts, racks and halls.
func short(of metric.EntityKind, by string) metric.Number {
	switch {
	case by == "power" || by == "":
		return map[metric.EntityKind]metric.Number{metric.GPU: metric.GPUPowerWatts, metric.Host: metric.HostPowerWatts, metric.Rack: metric.RackPowerWatts, metric.Hall: metric.HallPowerWatts}[of]
	case by == "temperature":
		return map[metric.EntityKind]metric.Number{metric.GPU: metric.GPUTemperature, metric.Rack: metric.RackGPUTemperatureMax}[of]
	case by == "utilization":
		return map[metric.EntityKind]metric.Number{metric.GPU: metric.GPUUtilization, metric.Host: metric.HostCPUUsage}[of]
	}
	return 0
}

// ranked is the metric that v says: a gauge of one value a thing, or what agents say
// of themselves.
func ranked(of metric.EntityKind, by string) (*metric.Def, error) {
	if n := short(of, by); n != 0 {
		return metric.Lookup(n), nil
	}
	for d := range metric.All {
		switch {
		case d.Name != by:
		case d.Entity != of:
			return nil, badParameter("by", "%s is of a %s, not of a %s", by, d.Entity, of)
		case live.OfItself(d.Number):
			return d, nil
		case d.Number == metric.HostPowerWatts, d.Number == metric.RackPowerWatts, d.Number == metric.HallPowerWatts, d.Kind == metric.Gauge && len(d.Labels) == 0:
			return d, nil
		default:
			return nil, badParameter("by", "%s is not one present value a %s: it is a %s of %d labels", by, of, d.Kind, len(d.Labels))
		}
	}
	return nil, badParameter("by", "%q is neither power, temperature or utilization where a %s has it, nor a metric of the catalogue", by, of)
}

func (s *Server) top(ctx context.Context, v url.Values, now time.Time) (any, error) {
	levels := []metric.EntityKind{metric.GPU, metric.Host, metric.Rack, metric.Hall, metric.Sensor}
	of, err := chosen(v, "of", "gpu", "host", "rack", "hall", "sensor")
	if err != nil {
		return nil, err
	}
	level := levels[of]
	d, err := ranked(level, v.Get("by"))
	if err != nil {
		return nil, err
	}
	q := live.TopQuestion{By: d.Number, Where: where(v)}
	if q.Point, q.Over, err = ofCounter(d, v); err != nil {
		return nil, err
	}
	order, err := chosen(v, "order", "desc", "asc")
	if err != nil {
		return nil, err
	}
	limit, err := limitOf(v, fewRows, mostRows)
	if err != nil {
		return nil, err
	}
	if level < metric.Host && v.Get("host") != "" {
		return nil, badParameter("host", "a %s is in no host", level)
	}
	site, err := s.liveSite(ctx, v)
	if err != nil {
		return nil, err
	}
	a := &query.Top{Site: site, Of: level.String(), By: d.Name, Unit: cmp.Or(string(d.Unit), "count"), Rows: []query.TopRow{}}
	var p live.Present
	var ok bool
	switch d.Number {
	case metric.RackPowerWatts, metric.HallPowerWatts, metric.RackGPUTemperatureMax:
		p, ok = s.topPlaces(a, level, d.Number, where(v), order == 1, limit, now)
	default:
		var t live.Top
		q.Ascending, q.Limit = order == 1, limit
		t, ok = s.c.Live.Top(site, q, now)
		p = t.Present
		if began := time.Unix(t.Since, 0).UTC(); q.Over > 0 && p.Second > 0 && time.Unix(p.Second, 0).Add(-q.Over).Before(began) {
			a.Since = &began
		}
		for i := range t.Rows {
			r := &t.Rows[i]
			a.Rows = append(a.Rows, query.TopRow{
				Hall: r.Hall, Rack: r.Rack, Host: r.Host, GPU: r.GPU, UUID: r.UUID, Model: r.Model, Sensor: r.Sensor, At: time.Unix(r.Second, 0).UTC(), Value: r.Value,
			})
			if len(d.Labels) > 0 && live.OfItself(d.Number) {
				a.Rows[i].Lane = d.LabelValue(r.Point, 0)
			}
		}
		a.Considered, a.Missing = t.Considered, t.Missing
	}
	if !ok {
		return nil, noSite(site)
	}
	a.Simulated, a.At, a.Reason = p.Simulated, secondOf(p.Second), p.Reason
	a.Truncated = a.Considered-a.Missing > len(a.Rows)
	return a, nil
}

// ofCounter reads which lane of an agent is meant, and over what time a counter is
// looked at.
func ofCounter(d *metric.Def, v url.Values) (point *uint32, over time.Duration, err error) {
	if lane := v.Get("lane"); lane != "" {
		if len(d.Labels) != 1 || d.Labels[0].Name != "lane" {
			return nil, 0, badParameter("lane", "%s is of no lane", d.Name)
		}
		n, ok := d.Point(lane)
		if !ok {
			return nil, 0, badParameter("lane", "%q is none of %s", lane, strings.Join(d.Labels[0].Values, ", "))
		}
		point = &n
	}
	said := v.Get("over")
	switch {
	case d.Kind != metric.Counter && said != "":
		return nil, 0, badParameter("over", "%s does not count anything: it is what it is now", d.Name)
	case d.Kind != metric.Counter:
		return point, 0, nil
	case !live.Rises(d.Number):
		return nil, 0, badParameter("by", "%s is a counter of which it is not remembered how it rose", d.Name)
	}
	if over, err = parseStep(said); err != nil || over < time.Minute || over > live.LongestRise || over%time.Minute != 0 {
		return nil, 0, badParameter("over", "%q is not whole minutes up to %v: a counter is ranked by what it rose", said, live.LongestRise)
	}
	return point, over, nil
}

// topPlaces ranks racks or halls: there are so few that they are sorted.
func (s *Server) topPlaces(a *query.Top, level metric.EntityKind, by metric.Number, in live.Where, ascending bool, limit int, now time.Time) (p live.Present, ok bool) {
	take := func(hall, rack, boundary string, value *float64) {
		if in.Hall != "" && in.Hall != hall || in.Rack != "" && in.Rack != rack {
			return
		}
		if a.Considered++; value == nil {
			a.Missing++
			return
		}
		a.Rows = append(a.Rows, query.TopRow{Hall: hall, Rack: rack, Boundary: boundary, At: time.Unix(p.Second, 0).UTC(), Value: *value})
	}
	if by == metric.RackGPUTemperatureMax {
		var racks []live.MapRack
		p, racks, ok = s.c.Live.Map(a.Site, live.MapTemperature, now)
		for i := range racks {
			take(racks[i].Hall, racks[i].Rack, "", racks[i].Value)
		}
	} else {
		var powers []live.PlacePower
		p, powers, ok = s.c.Live.Powers(a.Site, level, -1, now)
		for i := range powers {
			take(powers[i].Hall, powers[i].Rack, powers[i].Boundary, powers[i].Watts)
		}
	}
	slices.SortStableFunc(a.Rows, func(x, y query.TopRow) int {
		if ascending {
			return cmp.Compare(x.Value, y.Value)
		}
		return cmp.Compare(y.Value, x.Value)
	})
	a.Rows = a.Rows[:min(len(a.Rows), limit)]
	return p, ok
}
