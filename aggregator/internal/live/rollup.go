package live

import (
	"math"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// rollUp closes a second of a site and emits what it came to.
func (l *Live) rollUp(s *site, second int64) {
	s.close(second)
	l.rollups.Inc()
	millis := second * 1000
	l.points = make([]Point, 0, len(l.points)+16)
	for i := range s.racks {
		r := &s.racks[i]
		place := metric.Place{Hall: s.halls[r.hall].name, Rack: r.name}
		l.sums(s, &r.out, metric.RackPowerWatts, &r.sums, r.pdus+r.due, place, millis)
		t := r.sums[gpuCelsius]
		l.emit(s, &r.out.celsius, metric.RackGPUTemperatureMax, 0, place, millis, t.sum, t.n > 0)
		expected := max(r.hosts, r.plan)
		l.count(s, &r.out.hosts, metric.RackHosts, [2]int32{expected, r.up}, place, second)
		h := &s.halls[r.hall]
		h.hosts[0] += expected
		h.hosts[1] += r.up
	}
	for i := range s.halls {
		h := &s.halls[i]
		l.sums(s, &h.out, metric.HallPowerWatts, &h.sums, h.pdus+h.due, metric.Place{Hall: h.name}, millis)
		t := h.sums[gpuCelsius]
		l.emit(s, &h.out.celsius, metric.HallGPUTemperatureMax, 0, metric.Place{Hall: h.name}, millis, t.sum, t.n > 0)
		l.count(s, &h.out.hosts, metric.HallHosts, h.hosts, metric.Place{Hall: h.name}, second)
	}
	var watts [4]*float64
	for b := metric.Facility; b <= metric.GPUs; b++ {
		if watts[b] = s.power(b).Watts; b >= metric.Hosts && !s.whole {
			watts[b] = nil
		}
		v := 0.0
		if watts[b] != nil {
			v = *watts[b]
		}
		l.emit(s, &s.history.power[b], metric.SitePowerWatts, uint32(b), metric.Place{}, millis, v, watts[b] != nil)
	}
	if all, _, _ := s.meterCounts(gridWatts); all > 0 || s.history.grid != nil {
		f := s.metered("grid", gridWatts)
		v := 0.0
		if f.Watts != nil {
			v = *f.Watts
		}
		l.emit(s, &s.history.grid, metric.SiteGridPower, 0, metric.Place{}, millis, v, f.Watts != nil)
	}
	known := s.inventory()
	for i, n := range []int{known.Hosts, s.hosts} {
		l.emit(s, &s.history.hosts[i], metric.SiteHosts, uint32(i), metric.Place{}, millis, float64(n), true)
	}
	l.emit(s, &s.history.hosts[2], metric.SiteHosts, 2, metric.Place{}, millis, float64(max(0, known.Hosts-s.never)), s.never >= 0)
	l.emit(s, &s.history.expiry, metric.SiteCertificateLeft, 0, metric.Place{}, millis, float64(s.expiry), s.expiry != metric.Missing)
	for i, n := range []int{known.GPUs, s.gpus} {
		l.emit(s, &s.history.gpus[i], metric.SiteGPUs, uint32(i), metric.Place{}, millis, float64(n), true)
	}
	s.history.add(second, watts)
	s.remember(second)
	l.tell()
	if l.c.Emit != nil {
		l.c.Emit(l.points)
	}
}

// censusEvery is how often hosts are counted out, in seconds, where nothing changed.
const censusEvery = 5

// count emits how many hosts of a place there should be, and how many report; the
// end of both if there are none.
func (l *Live) count(s *site, c *census, n metric.Number, hosts [2]int32, place metric.Place, second int64) {
	if hosts == c.n && second%censusEvery != 0 {
		return
	}
	c.n = hosts
	for i, v := range hosts {
		l.emit(s, &c.out[i], n, uint32(i), place, second*1000, float64(v), hosts[0] > 0)
	}
}

// sums emits the power of a place, that of IT if all its PDUs are known.
func (l *Live) sums(s *site, o *outlets, n metric.Number, sums *[quantities]total, pdus int32, place metric.Place, millis int64) {
	for _, f := range []struct {
		out *(*Outlet)
		metric.Boundary
		total
		known bool
	}{{&o.gpu, metric.GPUs, sums[gpuWatts], s.whole && sums[gpuWatts].n > 0}, {&o.host, metric.Hosts, sums[hostWatts], s.whole && sums[hostWatts].n > 0},
		{&o.it, metric.IT, sums[pduWatts], sums[pduWatts].n >= max(1, pdus)}} {
		l.emit(s, f.out, n, uint32(f.Boundary), place, millis, f.sum, f.known)
	}
}

// emit adds a point to a series, or, once, its end if the value is not known.
func (l *Live) emit(s *site, o **Outlet, n metric.Number, point uint32, place metric.Place, millis int64, v float64, known bool) {
	switch {
	case known && *o == nil:
		*o = &Outlet{Metric: n, Point: point, Site: s.name, Place: place, Simulated: s.simulated}
	case known:
	case *o == nil || (*o).ended:
		return
	default:
		v = math.NaN()
	}
	(*o).ended = !known
	l.points = append(l.points, Point{*o, millis, v})
}

// Drawn is how much of the site's power the page draws.
const Drawn = historySeconds * time.Second

const historySeconds = 900

// history is the last quarter of an hour of the site's power, and the site's
// own outlets.
type history struct {
	power  [4]*Outlet
	hosts  [3]*Outlet
	expiry *Outlet
	gpus   [2]*Outlet
	grid   *Outlet
	watts  [4][historySeconds]float32
	known  [4][historySeconds]bool
	first  int64 // second of the oldest, 0: none
	newest int64
}

// add draws a second after those that are drawn.
func (h *history) add(second int64, watts [4]*float64) {
	if second <= h.newest {
		return
	}
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
	start = max(h.first, second+1)
	for b := range series {
		series[b] = []*float32{}
		for t := start; h.first > 0 && t <= h.newest; t++ {
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
