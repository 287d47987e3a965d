package main

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/gigawatch/gigawatch/aggregator/internal/health"
	"github.com/gigawatch/gigawatch/aggregator/internal/live"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// A rack that died before a restart stays on the map, though no site file names it.
func TestADeadRackIsKnownAfterARestart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "health.json")
	watch := func() *health.Health {
		h, err := health.New(health.Config{File: file, Metrics: metrics.NewSet()})
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	tick := func(host, rack string, millis int64) health.Tick {
		l := layoutOf(&health.Known{Host: health.Host{Site: "s", Hall: "h1", Rack: rack, Name: host}, GPUs: []health.Board{{UUID: "GPU-" + host, Index: "0", Model: "H200"}}})
		return health.Tick{Key: "s/" + host, Site: "s", Layout: l, Millis: millis, Values: []metric.Raw{1, metric.GPUOk}, Received: time.UnixMilli(millis)}
	}
	now := time.Now().UnixMilli()
	before := watch()
	for host, rack := range map[string]string{"n1": "r1", "n2": "r2", "n3": "r2"} {
		before.Observe(tick(host, rack, now))
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if err := before.Run(ended); err != nil {
		t.Fatal(err)
	}

	l := live.New(live.Config{Metrics: metrics.NewSet()})
	recall(l, watch().Known(), []string{"elsewhere"})
	if names := l.Sites(); len(names) != 0 {
		t.Errorf("sites %q are shown, which may not speak", names)
	}
	recall(l, watch().Known(), nil)
	for n := range int64(5) {
		x := tick("n1", "r1", now+1000*n)
		l.Observe(x.Key, x.Site, x.Layout, x.Millis, x.Values, x.Received)
	}
	st := l.Status("s", 0, now+5000)
	if st.Hosts != (live.Count{Expected: 3, Reporting: 1}) || st.GPUs != (live.Count{Expected: 3, Reporting: 1}) {
		t.Errorf("hosts %+v, GPUs %+v", st.Hosts, st.GPUs)
	}
	if racks := st.Halls[0].Racks; len(racks) != 2 || racks[1].Rack != "r2" || racks[1].State != "silent" || racks[1].Hosts != 2 {
		t.Errorf("racks %+v", racks)
	}
}
