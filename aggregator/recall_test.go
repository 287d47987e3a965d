package main

import (
	"context"
	"errors"
	"math"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/util/annotations"

	"github.com/gigawatch/gigawatch/aggregator/internal/health"
	"github.com/gigawatch/gigawatch/aggregator/internal/live"
	"github.com/gigawatch/gigawatch/aggregator/internal/store"
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

// What the store has of a site's power is drawn by the next process.
func TestTheChartGoesOnAfterARestart(t *testing.T) {
	dir, now := t.TempDir(), time.Now().Truncate(time.Second)
	keep := func() *store.Store {
		s, err := store.Open(store.Config{Dir: dir, Logger: quietly(), Metrics: metrics.NewSet()})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := keep()
	w := s.Writer()
	gpus, err := w.Series(metric.SitePowerWatts, uint32(metric.GPUs), "s", metric.Place{}, false)
	if err != nil {
		t.Fatal(err)
	}
	for n := range 120 {
		v := 1000 + float64(n)
		if n == 60 {
			v = math.NaN()
		}
		gpus.Append(now.Add(time.Duration(n-120)*time.Second).UnixMilli(), v)
	}
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = keep()
	defer s.Close()
	l := live.New(live.Config{Metrics: metrics.NewSet()})
	recall(l, []health.Known{{Host: health.Host{Site: "s", Name: "n1"}}}, nil)
	if err := recallPower(t.Context(), l, s, now); err != nil {
		t.Fatal(err)
	}
	h := l.Status("s", 0, now.UnixMilli()).History
	if len(h.GPU) != 120 || h.Start != now.Add(-2*time.Minute).UnixMilli() {
		t.Fatalf("%d seconds since %v", len(h.GPU), time.UnixMilli(h.Start))
	}
	for n, v := range h.GPU {
		if n == 60 && v != nil || n != 60 && (v == nil || *v != float32(1000+n)) {
			t.Errorf("second %d: %v", n, v)
		}
		if h.Facility[n] != nil {
			t.Errorf("second %d: a facility's power that nobody metered", n)
		}
	}
}

// unreadable are series of which a chunk is damaged.
type unreadable struct {
	storage.LabelQuerier
	told bool
}

func (*unreadable) Close() error { return nil }
func (u *unreadable) Select(context.Context, bool, *storage.SelectHints, ...*labels.Matcher) storage.SeriesSet {
	return u
}
func (u *unreadable) At() storage.Series {
	return &storage.SeriesEntry{
		Lset:             labels.FromStrings("site", "s", "boundary", "gpu"),
		SampleIteratorFn: func(chunkenc.Iterator) chunkenc.Iterator { return damaged{chunkenc.NewNopIterator()} },
	}
}
func (u *unreadable) Next() bool {
	defer func() { u.told = true }()
	return !u.told
}
func (*unreadable) Err() error                        { return nil }
func (*unreadable) Warnings() annotations.Annotations { return nil }

type damaged struct{ chunkenc.Iterator }

func (damaged) Err() error { return errors.New("a chunk is damaged") }

func TestDamageOfWhatIsDrawnIsSaid(t *testing.T) {
	l := live.New(live.Config{Metrics: metrics.NewSet()})
	if err := recallPower(t.Context(), l, storage.QueryableFunc(func(int64, int64) (storage.Querier, error) { return &unreadable{}, nil }), time.Now()); err == nil || !strings.Contains(err.Error(), "a chunk is damaged") {
		t.Errorf("it says %v", err)
	}
}
