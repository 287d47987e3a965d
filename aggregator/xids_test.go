package main

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gigawatch/gigawatch/aggregator/internal/health"
	"github.com/gigawatch/gigawatch/aggregator/internal/live"
	"github.com/gigawatch/gigawatch/collector/metric"
)

func TestXIDsOfHallsAreSeries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		type point struct {
			site, hall string
			code       uint32
			after      time.Duration
			value      float64
			simulated  bool
		}
		began := time.Now()
		now := []health.XIDs{}
		var got []point
		outlets := map[*live.Outlet]bool{}
		x := &xidCounts{
			counted: func(dst []health.XIDs) []health.XIDs { return append(dst, now...) },
			emit: func(points []live.Point) {
				for _, p := range points {
					if p.Metric != metric.HallXIDEvents || p.Place.Rack != "" {
						t.Errorf("%+v", p.Outlet)
					}
					outlets[p.Outlet] = true
					got = append(got, point{p.Site, p.Place.Hall, p.Point, time.UnixMilli(p.Millis).Sub(began.Truncate(time.Millisecond)), p.Value, p.Simulated})
				}
			},
		}
		go x.Run(t.Context())
		time.Sleep(7 * time.Second) // nothing was ever seen
		now = []health.XIDs{{Site: "s1", Hall: "h1", Code: 79, Total: 3}, {Site: "s2", Simulated: true, Code: 31, Total: 1}}
		time.Sleep(5 * time.Second)
		now[0].Total = 4
		time.Sleep(5 * time.Second)
		want := []point{
			{"s1", "h1", 79, 10 * time.Second, 3, false}, {"s2", "", 31, 10 * time.Second, 1, true},
			{"s1", "h1", 79, 15 * time.Second, 4, false}, {"s2", "", 31, 15 * time.Second, 1, true},
		}
		if d := cmp.Diff(want, got, cmp.AllowUnexported(point{})); d != "" {
			t.Error(d)
		}
		if len(outlets) != 2 {
			t.Errorf("%d series, want 2", len(outlets))
		}
	})
}
