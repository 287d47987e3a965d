package sim

import (
	"fmt"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// The budget: a second of 12,500 hosts of 8 GPUs, stepped and read, in well
// under 0.12 s of one core.
var sizes = []int{100, 12_500}

func width(w *World) int {
	n := 0
	for i := range w.Agents() {
		n += w.Agent(i).Telemetry.Width()
	}
	return n
}

func perValue(b *testing.B, n int) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/value")
}

func BenchmarkStep(b *testing.B) {
	for _, hosts := range sizes {
		b.Run(fmt.Sprintf("hosts=%d", hosts), func(b *testing.B) {
			w := newWorld(b, Config{Hosts: hosts, Seed: 1})
			n, now := width(w), morning
			b.ReportAllocs()
			for b.Loop() {
				now = now.Add(time.Second)
				w.Step(now)
			}
			perValue(b, n)
		})
	}
}

func BenchmarkTelemetry(b *testing.B) {
	for _, hosts := range sizes {
		b.Run(fmt.Sprintf("hosts=%d", hosts), func(b *testing.B) {
			w := newWorld(b, Config{Hosts: hosts, Seed: 1})
			n := width(w)
			v := make([]metric.Raw, 0, 8192)
			b.ReportAllocs()
			for b.Loop() {
				for i := range w.Agents() {
					v, _ = w.Telemetry(i, v[:0])
				}
			}
			perValue(b, n)
		})
	}
}

func BenchmarkLedger(b *testing.B) {
	w := newWorld(b, Config{Hosts: 12_500, Seed: 1})
	v := make([]metric.Raw, 0, 8192)
	b.ReportAllocs()
	for b.Loop() {
		for i := range w.Agents() {
			v, _ = w.Ledger(i, v[:0])
		}
	}
}

func BenchmarkNew(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		newWorld(b, Config{Hosts: 12_500, Seed: 1})
	}
}

func BenchmarkTruth(b *testing.B) {
	w := newWorld(b, Config{Hosts: 12_500, Seed: 1})
	b.ReportAllocs()
	for b.Loop() {
		w.Truth()
	}
}
