package main

import (
	"context"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/health"
	"github.com/gigawatch/gigawatch/aggregator/internal/live"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// xidCounts shows what health has counted of XIDs as series of halls: to add up a
// counter of every GPU takes seconds.
type xidCounts struct {
	counted func(dst []health.XIDs) []health.XIDs
	emit    func([]live.Point)

	last []health.XIDs
	out  map[xidKey]*live.Outlet
}

type xidKey struct {
	site, hall string
	code       uint32
}

// countXIDsEvery is how often they are shown.
const countXIDsEvery = 5 * time.Second

// Run shows them until ctx ends.
func (x *xidCounts) Run(ctx context.Context) error {
	every := time.NewTicker(countXIDsEvery)
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-every.C:
			x.show(now)
		}
	}
}

func (x *xidCounts) show(now time.Time) {
	x.last = x.counted(x.last[:0])
	if x.out == nil {
		x.out = map[xidKey]*live.Outlet{}
	}
	points := make([]live.Point, 0, len(x.last))
	for _, c := range x.last {
		k := xidKey{c.Site, c.Hall, c.Code}
		o := x.out[k]
		if o == nil || o.Simulated != c.Simulated {
			o = &live.Outlet{Metric: metric.HallXIDEvents, Point: c.Code, Site: c.Site, Place: metric.Place{Hall: c.Hall}, Simulated: c.Simulated}
			x.out[k] = o
		}
		points = append(points, live.Point{Outlet: o, Millis: now.UnixMilli(), Value: float64(c.Total)})
	}
	if len(points) > 0 {
		x.emit(points)
	}
}
