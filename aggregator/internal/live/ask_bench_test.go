package live_test

import (
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/live"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// questions are what is asked of a fleet all the time.
func (c *crowd) questions(now time.Time) map[string]func() bool {
	top := func(n metric.Number, w live.Where) func() bool {
		return func() bool {
			t, _ := c.Top("demo", live.TopQuestion{By: n, Where: w, Limit: 10}, now)
			return len(t.Rows) > 0
		}
	}
	things := func(q live.ThingQuestion) func() bool {
		return func() bool {
			_, things, _, _ := c.Things("demo", q, now)
			return len(things) > 0
		}
	}
	shown := func(v live.MapValue) func() bool {
		return func() bool {
			_, racks, _ := c.Map("demo", v, now)
			return len(racks) > 0 && racks[0].Value != nil
		}
	}
	return map[string]func() bool{
		"top gpu power":          top(metric.GPUPowerWatts, live.Where{}),
		"top gpu memory celsius": top(metric.GPUMemoryTemperature, live.Where{}),
		"top gpu of a rack":      top(metric.GPUPowerWatts, live.Where{Rack: "r0100"}),
		"top host power":         top(metric.HostPowerWatts, live.Where{}),
		"map power":              shown(live.MapPower),
		"map utilization":        shown(live.MapUtilization),
		"inventory match":        things(live.ThingQuestion{Kind: metric.GPU, Match: "n0042", Limit: 1000}),
		"inventory gpus":         things(live.ThingQuestion{Kind: metric.GPU, Limit: 10_000}),
		"inventory jobs":         things(live.ThingQuestion{Kind: metric.Job, Limit: 1000}),
		"counts": func() bool {
			n, _ := c.Counts("demo", now)
			return n.States["ok"] > 0
		},
		"powers of racks": func() bool {
			_, racks, _ := c.Powers("demo", metric.Rack, -1, now)
			return len(racks) > 0
		},
	}
}

func BenchmarkAsk(b *testing.B) {
	c := newCrowd(b, gigafactory)
	for n := range 5 {
		c.tell(n)
	}
	ask := c.questions(second(4))
	names := make([]string, 0, len(ask))
	for name := range ask {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if !ask[name]() {
					b.Fatal("nothing is known")
				}
			}
		})
	}
}

// BenchmarkObserveWhileAsked tells how long readings wait while everything is
// asked without a pause, beside what they wait while nothing is.
func BenchmarkObserveWhileAsked(b *testing.B) {
	for _, asked := range []bool{false, true} {
		b.Run(map[bool]string{false: "quiet", true: "asked"}[asked], func(b *testing.B) {
			c := newCrowd(b, gigafactory)
			for n := range 5 {
				c.tell(n)
			}
			var stop atomic.Bool
			ended := make(chan int)
			go func() {
				answers := 0
				for ask := c.questions(second(4)); asked && !stop.Load(); {
					for _, q := range ask {
						q()
						answers++
					}
				}
				ended <- answers
			}()
			var waits []time.Duration
			for b.Loop() {
				i := rand.IntN(len(c.keys))
				began := time.Now()
				c.Observe(c.keys[i], "demo", c.layouts[i], second(5).UnixMilli(), c.values[i], second(4))
				waits = append(waits, time.Since(began))
				time.Sleep(80 * time.Microsecond) // 12,500 a second
			}
			stop.Store(true)
			b.ReportMetric(float64(<-ended), "answers")
			slices.Sort(waits)
			b.ReportMetric(float64(waits[len(waits)/2].Nanoseconds()), "p50-ns")
			b.ReportMetric(float64(waits[len(waits)*99/100].Nanoseconds()), "p99-ns")
			b.ReportMetric(float64(waits[len(waits)-1].Nanoseconds()), "max-ns")
		})
	}
}
