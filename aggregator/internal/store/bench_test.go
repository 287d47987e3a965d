package store_test

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/gigawatch/gigawatch/aggregator/internal/store"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// openQuiet is a store for measuring.
func openQuiet(tb testing.TB, change ...func(*store.Config)) *store.Store {
	tb.Helper()
	c := store.Config{
		Dir: tb.TempDir(), OutOfOrder: time.Hour, Creations: 1 << 30, Logger: slog.New(slog.DiscardHandler),
		Now: func() time.Time { return epoch.Add(1000 * time.Hour) },
	}
	for _, f := range change {
		f(&c)
	}
	s, err := store.Open(c)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Error(err)
		}
	})
	return s
}

func TestKnownSeriesAreAppendedWithoutAllocation(t *testing.T) {
	s := openQuiet(t)
	w := s.Writer()
	l := host(column(metric.GPUPowerWatts, 0, 3, 2), column(metric.GPUEnergyJoules, 0, 3, 2), column(metric.GPUState, 0, 3, 2))
	values := make([]metric.Raw, l.Width())
	now := at(0)
	tick := func() {
		now += 10_000
		for i := range values[:4] {
			values[i] += metric.Raw(i + 1)
		}
		if err := w.Append("dc1/a", l, "dc1", now, values); err != nil {
			t.Fatal(err)
		}
	}
	for range 4000 { // several batches, so that the buffers have their size
		tick()
	}
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
	tick()
	if n := testing.AllocsPerRun(100, tick); n != 0 { // less than a batch
		t.Errorf("%v allocations a tick of known series", n)
	}
}

// BenchmarkAppend is one tick after another of hosts whose series exist.
func BenchmarkAppend(b *testing.B) {
	for _, c := range []struct {
		name  string
		moves int
	}{{"all move", 1}, {"a quarter moves", 4}, {"none moves", 0}} {
		b.Run(c.name, func(b *testing.B) {
			s := openQuiet(b)
			w := s.Writer()
			f := newFleet(64, 8)
			f.append(b, w, at(0))
			now, n := at(0), 0
			b.ReportAllocs()
			for b.Loop() {
				now += 10_000
				n += f.step(c.moves)
				f.append(b, w, now)
			}
			values := float64(f.width()) * float64(b.N)
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/values, "ns/value")
			if n > 0 {
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/moved")
			}
		})
	}
}

// BenchmarkCreate is hosts that the store sees for the first time.
func BenchmarkCreate(b *testing.B) {
	s := openQuiet(b)
	w := s.Writer()
	n := 0
	b.ReportAllocs()
	for b.Loop() {
		f := newFleet(1, 8)
		f.agents[0].key = fmt.Sprint("dc1/m", n)
		f.agents[0].layout.Entities[2].Name = fmt.Sprint("m", n)
		f.append(b, w, at(0))
		n++
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n*newFleet(1, 8).width()), "ns/series")
}

// BenchmarkQuery is what a dashboard asks of all GPUs of 128 hosts.
func BenchmarkQuery(b *testing.B) {
	s := openQuiet(b)
	w := s.Writer()
	f := newFleet(128, 8)
	for t := at(0); t < at(900); t += 10_000 {
		for k := range f.agents {
			f.move(&f.agents[k])
		}
		f.append(b, w, t)
	}
	engine := promql.NewEngine(promql.EngineOpts{MaxSamples: 1e8, Timeout: time.Minute, Parser: parser.NewParser(parser.Options{})})
	defer engine.Close()
	for _, query := range []string{
		"gpu_temperature_celsius > 65",
		"sum(gpu_power_watts)",
		"sum by (rack) (rate(gpu_energy_joules_total[5m]))",
		"topk(10, gpu_power_watts)",
	} {
		b.Run(query, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				q, err := engine.NewInstantQuery(b.Context(), s, nil, query, time.UnixMilli(at(890)))
				if err != nil {
					b.Fatal(err)
				}
				if r := q.Exec(b.Context()); r.Err != nil {
					b.Fatal(r.Err)
				}
				q.Close()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1024, "ns/gpu")
		})
	}
}
