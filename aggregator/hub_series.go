package main

import (
	"math"
	"sync"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/hub"
	"github.com/gigawatch/gigawatch/aggregator/internal/live"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// hubSeries are what sites say of their present, as time series.
type hubSeries struct {
	emit func([]live.Point)

	mu      sync.Mutex
	outlets map[outletKey]*live.Outlet
	recent  map[string][]siteMoment // by site
}

// siteMoment is the power of a site by boundary.
type siteMoment struct {
	slot  int64 // of historyStep since 1970
	watts [4]*float32
}

// What the chart of the page has: a quarter of an hour.
const (
	historyStep  = 2 * tellEvery // one that a message may be late for
	historySlots = int64(15 * time.Minute / historyStep)
)

func newHubSeries(emit func([]live.Point)) *hubSeries {
	return &hubSeries{emit: emit, outlets: map[outletKey]*live.Outlet{}, recent: map[string][]siteMoment{}}
}

func (s *hubSeries) heard(n *hub.Now) {
	if n.Agents == 0 { // nobody has told the site anything yet
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.remember(n)
	var points []live.Point
	add := func(m metric.Number, point uint32, v float64) {
		k := outletKey{n.Site, m, point}
		o := s.outlets[k]
		if o == nil {
			o = &live.Outlet{Metric: m, Point: point, Site: n.Site, Simulated: n.Simulated}
			s.outlets[k] = o
		}
		points = append(points, live.Point{Outlet: o, Millis: n.At, Value: v})
	}
	for b, p := range n.Power {
		v := math.NaN()
		if p.Watts != nil {
			v = *p.Watts
		}
		add(metric.SitePowerWatts, uint32(b), v)
	}
	for i, v := range []int{n.Hosts.Expected, n.Hosts.Reporting} {
		add(metric.SiteHosts, uint32(i), float64(v))
	}
	for i, v := range []int{n.GPUs.Expected, n.GPUs.Reporting} {
		add(metric.SiteGPUs, uint32(i), float64(v))
	}
	s.emit(points)
}

// remember keeps the power of a site for as long as the page shows it.
func (s *hubSeries) remember(n *hub.Now) {
	m := siteMoment{slot: n.At / historyStep.Milliseconds()}
	for b, p := range n.Power {
		if p.Watts != nil {
			w := float32(*p.Watts)
			m.watts[b] = &w
		}
	}
	all := s.recent[n.Site]
	for len(all) > 0 && all[len(all)-1].slot >= m.slot { // said again, or the site's clock was set back
		all = all[:len(all)-1]
	}
	all = append(all, m)
	for all[0].slot <= m.slot-historySlots {
		all = all[1:]
	}
	s.recent[n.Site] = all
}

// history is the power of a site after since, milliseconds since 1970.
func (s *hubSeries) history(site string, since int64) live.History {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := live.History{Step: historyStep.Milliseconds()}
	for _, m := range s.recent[site] {
		if (m.slot+1)*h.Step <= since {
			continue
		}
		if h.Start == 0 {
			h.Start = m.slot * h.Step
		}
		for at := int64(len(h.Facility)); at <= m.slot-h.Start/h.Step; at++ {
			var w [4]*float32
			if at == m.slot-h.Start/h.Step {
				w = m.watts
			}
			h.Facility, h.IT, h.Host, h.GPU = append(h.Facility, w[0]), append(h.IT, w[1]), append(h.Host, w[2]), append(h.GPU, w[3])
		}
	}
	return h
}
