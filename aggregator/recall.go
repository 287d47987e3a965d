package main

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"

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

// recallPower makes known what sites drew before a restart, so that their charts go on.
func recallPower(ctx context.Context, l *live.Live, kept storage.Queryable, now time.Time) error {
	q, err := kept.Querier(now.Add(-live.Drawn).UnixMilli(), now.UnixMilli())
	if err != nil {
		return fmt.Errorf("recall power of sites: %w", err)
	}
	defer q.Close()
	d := metric.Lookup(metric.SitePowerWatts)
	type of struct {
		site      string
		simulated bool
	}
	drawn := map[of]map[int64]*[4]*float64{} // by second
	series := q.Select(ctx, false, nil, labels.MustNewMatcher(labels.MatchEqual, model.MetricNameLabel, d.Name))
	for series.Next() {
		s := series.At()
		boundary, ok := d.Point(s.Labels().Get(d.Labels[0].Name))
		if !ok {
			continue
		}
		of := of{s.Labels().Get("site"), s.Labels().Get("simulated") == "true"}
		if drawn[of] == nil {
			drawn[of] = map[int64]*[4]*float64{}
		}
		i := s.Iterator(nil)
		for i.Next() == chunkenc.ValFloat {
			millis, watts := i.At()
			second := millis / 1000
			if drawn[of][second] == nil {
				drawn[of][second] = &[4]*float64{}
			}
			if !math.IsNaN(watts) {
				drawn[of][second][boundary] = &watts
			}
		}
		if err := i.Err(); err != nil {
			return fmt.Errorf("recall power of sites: %w", err)
		}
	}
	if err := series.Err(); err != nil {
		return fmt.Errorf("recall power of sites: %w", err)
	}
	for of, seconds := range drawn {
		for _, second := range slices.Sorted(maps.Keys(seconds)) {
			l.RecallPower(of.site, of.simulated, second, *seconds[second])
		}
	}
	return nil
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
