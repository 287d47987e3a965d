package main

import (
	"context"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/tsdb/chunkenc"

	"github.com/gigawatch/gigawatch/aggregator/internal/store"
	"github.com/gigawatch/gigawatch/aggregator/internal/stream"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// recorder is a recording that stores nothing: what is due waits in its queue.
func recorder(t *testing.T, every time.Duration) *recording {
	t.Helper()
	s, err := store.Open(store.Config{Dir: t.TempDir(), Interval: every, Heartbeat: 4 * time.Minute, OutOfOrder: time.Hour, Logger: quietly(), Metrics: metrics.NewSet()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return newRecording(s, nil, metrics.NewSet(), quietly())
}

// taken are the times of the ticks that are due since it was last asked.
func (r *recording) taken() (late, present []int64) {
	for len(r.ticks) > 0 {
		if j := <-r.ticks; j.values[0] == 1 {
			late = append(late, j.millis)
		} else {
			present = append(present, j.millis)
		}
	}
	return late, present
}

func TestOneTickOfEachIntervalIsStoredLateOrNot(t *testing.T) {
	layout := &metric.Layout{Entities: metric.Place{Host: "n1"}.Entities(), Columns: []metric.Column{{Metric: metric.HostUp, Form: metric.Int, Count: 1}}}
	start := time.Unix(1_795_366_800, 0)
	const length = 10 * time.Minute
	for _, every := range []time.Duration{2 * time.Second, 5 * time.Second, 10 * time.Second, 15 * time.Second, time.Minute} {
		for _, step := range []time.Duration{250 * time.Millisecond, time.Second, 5 * time.Second, 20 * time.Second} {
			t.Run(fmt.Sprintf("stored every %s, a tick every %s", every, step), func(t *testing.T) {
				r := recorder(t, every)
				for agent := range 12 {
					key := fmt.Sprintf("s/n%d", agent)
					// An hour's backlog flows beside what is of now.
					for at := time.Duration(0); at < length; at += step {
						now := start.Add(at)
						for _, late := range []bool{false, true} {
							tick := &stream.Tick{Key: key, Site: "s", Layout: layout, Time: now.UnixMilli(), Values: []metric.Raw{0}, Received: now, Late: late}
							if late {
								tick.Time -= time.Hour.Milliseconds()
								tick.Values[0] = 1
							}
							r.Tick(tick)
						}
					}
					late, present := r.taken()
					want := int(length / max(every, step))
					for name, got := range map[string][]int64{"late": late, "present": present} {
						if len(got) < want || len(got) > want+1 {
							t.Errorf("%s: %d %s ticks of %s are stored, want %d", key, len(got), name, length, want)
						}
						for i, millis := range got[1:] {
							if gap := time.Duration(millis-got[i]) * time.Millisecond; gap >= 2*max(every, step) {
								t.Errorf("%s: %s between two %s ticks", key, gap, name)
							}
						}
					}
				}
			})
		}
	}
}

func TestAClockThatIsSetBackIsStoredAtOnce(t *testing.T) {
	r := recorder(t, time.Minute)
	layout := &metric.Layout{Entities: metric.Place{Host: "n1"}.Entities(), Columns: []metric.Column{{Metric: metric.HostUp, Form: metric.Int, Count: 1}}}
	start := time.Unix(1_795_366_800, 0)
	tell := func(at time.Duration) {
		r.Tick(&stream.Tick{Key: "s/n1", Site: "s", Layout: layout, Time: start.Add(at).UnixMilli(), Values: []metric.Raw{0}, Received: start})
	}
	for at := range 300 {
		tell(time.Duration(at) * time.Second)
	}
	r.taken()
	for at := range 300 { // set back by an hour, and a little
		tell(time.Duration(at)*time.Second - time.Hour + 17*time.Second)
	}
	if _, present := r.taken(); len(present) < 5 || len(present) > 6 {
		t.Errorf("%d ticks of five minutes are stored after the clock was set back", len(present))
	}
}

func TestTheSeriesOfAHostGoOnUnderANewAgent(t *testing.T) {
	r := recorder(t, 2*time.Second)
	w := r.store.Writer()
	layout := &metric.Layout{Entities: metric.Place{Host: "n1"}.Entities(), Columns: []metric.Column{{Metric: metric.HostUp, Form: metric.Int, Count: 1}}}
	other := &metric.Layout{Entities: metric.Place{Host: "n2"}.Entities(), Columns: layout.Columns}
	start := time.Now().Add(-10 * time.Minute).Truncate(time.Second)
	for second := range 300 {
		now := start.Add(time.Duration(second) * time.Second)
		for key, l := range map[string]*metric.Layout{fmt.Sprintf("s/life-%d", second/100): layout, "s/n2": other} {
			r.Tick(&stream.Tick{Key: key, Site: "s", Layout: l, Time: now.UnixMilli(), Values: []metric.Raw{1}, Received: now})
		}
		if second%20 == 19 { // lets live look for who is silent
			ctx, stop := context.WithTimeout(t.Context(), 110*time.Millisecond)
			if err := r.live.Run(ctx); err != nil {
				t.Error(err)
			}
			stop()
		}
		for len(r.ticks) > 0 {
			if err := r.storeTick(w, <-r.ticks); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Commit(); err != nil {
			t.Fatal(err)
		}
	}
	q, err := r.store.DB().Querier(start.UnixMilli(), start.Add(5*time.Minute).UnixMilli())
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	series := q.Select(t.Context(), false, nil, labels.MustNewMatcher(labels.MatchEqual, "host", "n1"))
	if !series.Next() {
		t.Fatal("there is no series", series.Err())
	}
	ends, n := 0, 0
	last := 0.0
	for it := series.At().Iterator(nil); it.Next() != chunkenc.ValNone; n++ {
		if _, last = it.At(); math.IsNaN(last) {
			ends++
		} else if last != 1 {
			t.Errorf("host_up is %g", last)
		}
	}
	if ends != 2 || math.IsNaN(last) {
		t.Errorf("%d ends in %d samples, the last is %g; want two, and the host up", ends, n, last)
	}
}

func TestAgentsThatAreSilentForADayAreForgotten(t *testing.T) {
	r := recorder(t, 10*time.Second)
	layout := &metric.Layout{}
	start := time.Unix(1_795_366_800, 0)
	for hour := range 24 * 10 {
		now := start.Add(time.Duration(hour) * time.Hour)
		for _, key := range []string{"s/lasting", fmt.Sprintf("s/pod-%d", hour)} {
			r.Tick(&stream.Tick{Key: key, Site: "s", Layout: layout, Time: now.UnixMilli(), Received: now})
		}
		for len(r.ticks) > 0 {
			<-r.ticks
		}
		if n := len(r.last); n > 27 {
			t.Fatalf("after %d hours %d agents are remembered", hour, n)
		}
	}
	if r.last["s/lasting"].now == 0 {
		t.Error("the agent that speaks is forgotten")
	}
}
