package health_test

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/health"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// full is a host of 8 GPUs with some 60 columns of each.
func full(i int) *machine {
	m := newMachine(fmt.Sprintf("n%d", i), 8)
	for d := range metric.All {
		if d.Entity == metric.GPU && d.Points() > 0 {
			for p := range d.Points() {
				m.has(d.Number, uint32(p))
			}
		}
	}
	for _, code := range []uint32{13, 45, 94} {
		m.xid(0, code, 1)
	}
	return m
}

func BenchmarkObserve(b *testing.B) {
	for name, hosts := range map[string]int{"one host": 1, "a gigafactory": 12_500} {
		b.Run(name, func(b *testing.B) {
			h, err := health.New(health.Config{})
			if err != nil {
				b.Fatal(err)
			}
			ticks := make([]health.Tick, hosts)
			for i := range ticks {
				ticks[i] = full(i).tick()
				h.Observe(ticks[i])
			}
			gpus := len(ticks[0].Values) / 8
			energy := energyOf(ticks[0].Layout)
			i := 0
			b.ReportAllocs()
			for b.Loop() {
				t := &ticks[i%hosts]
				if i++; i%hosts == 0 {
					for j := range ticks {
						ticks[j].Received = ticks[j].Received.Add(time.Second)
					}
				}
				for k := range 8 { // power flows
					t.Values[energy+k] += 700_000
				}
				h.Observe(*t)
			}
			b.ReportMetric(float64(gpus), "columns")
		})
	}
}

func energyOf(l *metric.Layout) (at int) {
	for _, c := range l.Columns {
		if c.Metric == metric.GPUEnergyJoules {
			return at
		}
		at += c.Count
	}
	return -1
}

// BenchmarkObserveEvent is a tick with one XID more, again and again.
func BenchmarkObserveEvent(b *testing.B) {
	h, err := health.New(health.Config{})
	if err != nil {
		b.Fatal(err)
	}
	m := full(1)
	t := m.tick()
	at := 0
	for _, c := range t.Layout.Columns {
		if c.Metric == metric.GPUXIDEvents && c.Point == 94 {
			break
		}
		at += c.Count
	}
	b.ReportAllocs()
	for b.Loop() {
		t.Values[at]++
		h.Observe(t)
	}
}

// BenchmarkReport is of 100,000 GPUs of which one in a hundred has a fault.
func BenchmarkReport(b *testing.B) {
	h, err := health.New(health.Config{})
	if err != nil {
		b.Fatal(err)
	}
	for i := range 12_500 {
		m := newMachine(fmt.Sprintf("n%d", i), 8)
		if i%12 == 0 {
			m.set(metric.GPURowRemapPending, 0, 3, 1)
		}
		h.Observe(m.tick())
	}
	b.ReportAllocs()
	for b.Loop() {
		if r := h.Report("fra1", 1000, time.Now()); len(r.Subjects) != 1000 {
			b.Fatal(len(r.Subjects))
		}
	}
}

// BenchmarkSweep is of 12,500 hosts that report.
func BenchmarkSweep(b *testing.B) {
	h, err := health.New(health.Config{})
	if err != nil {
		b.Fatal(err)
	}
	now := time.Now().Add(time.Minute)
	for i := range 12_500 {
		t := newMachine(fmt.Sprintf("n%d", i), 8).tick()
		t.Received = now
		h.Observe(t)
	}
	b.ReportAllocs()
	for b.Loop() {
		h.Sweep(now)
	}
}

// BenchmarkSave is of 100,000 GPUs, all of them with their names.
func BenchmarkSave(b *testing.B) {
	h, err := health.New(health.Config{File: filepath.Join(b.TempDir(), "health.json")})
	if err != nil {
		b.Fatal(err)
	}
	for i := range 12_500 {
		h.Observe(newMachine(fmt.Sprintf("n%d", i), 8).tick())
	}
	ended, end := context.WithCancel(b.Context())
	end()
	b.ReportAllocs()
	for b.Loop() {
		if err := h.Run(ended); err != nil {
			b.Fatal(err)
		}
	}
}
