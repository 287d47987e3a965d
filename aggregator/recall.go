package main

import (
	"slices"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/health"
	"github.com/gigawatch/gigawatch/aggregator/internal/live"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// recall makes known to the present the hosts that health kept over a restart: who is
// silent since before it would else not be missed on any page. No site stands for all.
func recall(l *live.Live, known []health.Known, sites []string) {
	for i := range known {
		k := &known[i]
		if len(sites) == 0 || slices.Contains(sites, k.Site) {
			l.Recall(k.Site+"/"+k.Name, k.Site, layoutOf(k), time.UnixMilli(k.Heard))
		}
	}
}

// layoutOf is the layout of an agent that says of a host that it is there, and of its
// GPUs how they are.
func layoutOf(k *health.Known) *metric.Layout {
	l := &metric.Layout{Simulated: k.Simulated, Entities: metric.Place{Hall: k.Hall, Rack: k.Rack, Host: k.Name}.Entities()}
	host := len(l.Entities) - 1
	l.Columns = []metric.Column{{Metric: metric.HostUp, Form: metric.Int, First: host, Count: 1}}
	for _, b := range k.GPUs {
		l.Entities = append(l.Entities, metric.Entity{Kind: metric.GPU, Name: b.UUID, Parent: host, Labels: []metric.Pair{{Name: "gpu", Value: b.Index}, {Name: "model", Value: b.Model}}})
	}
	if n := len(k.GPUs); n > 0 {
		l.Columns = append(l.Columns, metric.Column{Metric: metric.GPUState, Form: metric.Int, First: host + 1, Count: n})
	}
	return l
}
