package store

import (
	"fmt"
	"math"

	"github.com/prometheus/prometheus/storage"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// A Series is one series that its owner writes value by value: a roll-up.
type Series struct {
	w      *Writer
	site   string
	layout metric.Layout
	def    *metric.Def
	point  uint32
	ref    storage.SeriesRef
	ended  bool // there is nothing to end
}

// Series is the series of metric n at a point, of a place: the zero place is
// the site, one with a hall only the hall, and so on. Of a state metric, the
// point is the state. It belongs to w's goroutine.
func (w *Writer) Series(n metric.Number, point uint32, site string, place metric.Place, simulated bool) (*Series, error) {
	d := metric.Lookup(n)
	if d == nil {
		return nil, fmt.Errorf("series of metric %d: not in the catalogue", n)
	}
	points := d.Points()
	if d.Kind == metric.State {
		points = len(d.Labels[0].Values)
	}
	if points > 0 && int(point) >= points {
		return nil, fmt.Errorf("series of %s: it has no point %d", d.Name, point)
	}
	return &Series{
		w: w, site: site, def: d, point: point, ended: true,
		layout: metric.Layout{Simulated: simulated, Entities: place.Entities()},
	}, nil
}

// Append stores v, in the metric's base unit, at t, in milliseconds since 1970.
// NaN ends the series until the next value.
func (s *Series) Append(t int64, v float64) {
	if math.IsNaN(v) {
		if s.ended {
			return
		}
		v = staleNaN
	}
	s.ended = math.IsNaN(v)
	s.w.tally.values++
	if t > s.w.store.config.Now().Add(ahead).UnixMilli() {
		s.w.tally.dropped[future]++
		return
	}
	s.w.again = true // a roll-up is of now: an older one was stored before a restart
	defer func() { s.w.again = false }()
	if s.ref != 0 && s.w.appendTo(s.ref, t, v) {
		return
	}
	s.w.create(nil, &s.ref, s.w.labels.of(s.site, &s.layout, len(s.layout.Entities)-1, s.def, s.point), t, v)
}
