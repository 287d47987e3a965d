package live

import "github.com/gigawatch/gigawatch/collector/metric"

// rollUp closes a second of a site and emits what it came to.
func (l *Live) rollUp(s *site, second int64) {
	s.close(second)
	l.rollups.Inc()
	millis := second * 1000
	for i := range s.racks {
		r := &s.racks[i]
		labels := func() []metric.Pair {
			return s.labels(metric.Pair{Name: "hall", Value: s.halls[r.hall].name}, metric.Pair{Name: "rack", Value: r.name})
		}
		l.emitPlace(&r.out, metric.RackPowerWatts, &r.sums, labels, millis)
		if t := r.sums[gpuCelsius]; t.n > 0 {
			l.emit(&r.out.celsius, metric.RackGPUTemperatureMax, 0, labels, millis, t.sum)
		}
	}
	for i := range s.halls {
		h := &s.halls[i]
		l.emitPlace(&h.out, metric.HallPowerWatts, &h.sums, func() []metric.Pair {
			return s.labels(metric.Pair{Name: "hall", Value: h.name})
		}, millis)
	}
	site := func() []metric.Pair { return s.labels() }
	var watts [4]*float64
	for b := metric.Facility; b <= metric.GPUs; b++ {
		f := s.power(b)
		if watts[b] = f.Watts; f.Watts != nil {
			l.emit(&s.history.power[b], metric.SitePowerWatts, uint32(b), site, millis, *f.Watts)
		}
	}
	known := s.inventory()
	for i, n := range []int{known.Hosts, s.hosts} {
		l.emit(&s.history.hosts[i], metric.SiteHosts, uint32(i), site, millis, float64(n))
	}
	for i, n := range []int{known.GPUs, s.gpus} {
		l.emit(&s.history.gpus[i], metric.SiteGPUs, uint32(i), site, millis, float64(n))
	}
	s.history.add(second, watts)
	s.remember(second)
}

func (l *Live) emitPlace(o *outlets, n metric.Number, sums *[quantities]total, labels func() []metric.Pair, millis int64) {
	if t := sums[gpuWatts]; t.n > 0 {
		l.emit(&o.gpu, n, uint32(metric.GPUs), labels, millis, t.sum)
	}
	if t := sums[hostWatts]; t.n > 0 {
		l.emit(&o.host, n, uint32(metric.Hosts), labels, millis, t.sum)
	}
	if t := sums[pduWatts]; t.n > 0 {
		l.emit(&o.it, n, uint32(metric.IT), labels, millis, t.sum)
	}
}

func (l *Live) emit(o **Outlet, n metric.Number, point uint32, labels func() []metric.Pair, millis int64, v float64) {
	if l.c.Emit == nil {
		return
	}
	if *o == nil {
		*o = &Outlet{Metric: n, Point: point, Labels: labels()}
	}
	l.c.Emit(*o, millis, v)
}

// labels are those of a place, sorted by name: hall, rack, simulated, site.
func (s *site) labels(place ...metric.Pair) []metric.Pair {
	var ps []metric.Pair
	for _, p := range place {
		if p.Value != "" {
			ps = append(ps, p)
		}
	}
	if s.simulated {
		ps = append(ps, metric.Pair{Name: "simulated", Value: "true"})
	}
	return append(ps, metric.Pair{Name: "site", Value: s.name})
}

// historySeconds is how much of the site's power the page draws.
const historySeconds = 900

// history is the last quarter of an hour of the site's power, and the site's
// own outlets. A watt that is not known is NaN.
type history struct {
	power  [4]*Outlet
	hosts  [2]*Outlet
	gpus   [2]*Outlet
	watts  [4][historySeconds]float32
	known  [4][historySeconds]bool
	first  int64 // second of the oldest, 0: none
	newest int64
}

func (h *history) add(second int64, watts [4]*float64) {
	if h.first == 0 {
		h.first = second
	}
	for missing := max(h.newest+1, second-historySeconds+1); h.newest > 0 && missing < second; missing++ {
		for b := range h.known {
			h.known[b][missing%historySeconds] = false
		}
	}
	h.newest = second
	h.first = max(h.first, second-historySeconds+1)
	for b, w := range watts {
		at := second % historySeconds
		if h.known[b][at] = w != nil; w != nil {
			h.watts[b][at] = float32(*w)
		}
	}
}

// since lists the seconds after the given one, oldest first; a second that is
// not known is nil.
func (h *history) since(second int64) (start int64, series [4][]*float32) {
	if h.first == 0 {
		return 0, series
	}
	start = max(h.first, second+1)
	for b := range series {
		series[b] = []*float32{}
		for t := start; t <= h.newest; t++ {
			var p *float32
			if at := t % historySeconds; h.known[b][at] {
				w := h.watts[b][at]
				p = &w
			}
			series[b] = append(series[b], p)
		}
	}
	return start, series
}
