package rule_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/rule"
	table "github.com/gigawatch/gigawatch/alerts/rule"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// full is a tick of a host of eight GPUs with all that is known of them, and how
// many of its values rules of the table look at.
func full(host string) (t rule.Tick, looked int) {
	l := &metric.Layout{Entities: metric.Place{Hall: "h1", Rack: "r" + host, Host: host}.Entities()}
	at := len(l.Entities) - 1
	for i := range 8 {
		l.Entities = append(l.Entities, metric.Entity{Kind: metric.GPU, Name: fmt.Sprintf("GPU-%s-%d", host, i), Parent: at, Labels: []metric.Pair{{Name: "gpu", Value: fmt.Sprint(i)}}})
	}
	for i := range 8 {
		l.Entities = append(l.Entities, metric.Entity{Kind: metric.Job, Name: "j", Parent: at + 1 + i})
	}
	var values []metric.Raw
	for d := range metric.All {
		for p := range d.Points() {
			c := metric.Column{Metric: d.Number, Form: d.Form, Point: uint32(p), First: at, Count: 1}
			if d.Entity == metric.GPU {
				c.First, c.Count = at+1, 8
			} else if d.Entity != metric.Host {
				continue
			}
			l.Columns = append(l.Columns, c)
			v := 0.0
			switch d.Number {
			case metric.GPUTemperatureMargin:
				v = 20
			case metric.GPUSMClock:
				v = 1.9e9
			case metric.GPUUtilization:
				v = 1
			}
			for range c.Count {
				values = append(values, d.Raw(v))
			}
			for _, r := range table.Table() {
				if r.Watch != nil && r.Watch.Metric == d.Number && (len(r.Watch.Points) == 0 && p == 0 || contains(r.Watch.Points, uint32(p))) {
					looked += c.Count
				}
			}
		}
	}
	return rule.Tick{Key: "fra1/" + host, Site: "fra1", Agent: host, Layout: l, Values: values, Received: time.Now()}, looked
}

func contains(list []uint32, p uint32) bool {
	for _, x := range list {
		if x == p {
			return true
		}
	}
	return false
}

// BenchmarkObserve is of ticks of hosts that are well. The floor is what it costs
// to read as many values.
func BenchmarkObserve(b *testing.B) {
	for name, hosts := range map[string]int{"one host": 1, "a gigafactory": 12_500} {
		b.Run(name, func(b *testing.B) {
			e, err := rule.New(rule.Config{Rules: table.Table()})
			if err != nil {
				b.Fatal(err)
			}
			ticks, looked := make([]rule.Tick, hosts), 0
			for i := range ticks {
				ticks[i], looked = full(fmt.Sprintf("n%d", i))
				e.Observe(ticks[i])
			}
			i := 0
			b.ReportAllocs()
			for b.Loop() {
				if i++; i%hosts == 0 {
					for j := range ticks {
						ticks[j].Received = ticks[j].Received.Add(time.Millisecond)
					}
				}
				e.Observe(ticks[i%hosts])
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(looked), "ns/device-rule")
			b.ReportMetric(float64(looked), "device-rules")
		})
	}
	b.Run("floor", func(b *testing.B) {
		t, looked := full("n")
		sum, at := metric.Raw(0), 0
		for b.Loop() {
			for k := range looked {
				sum += t.Values[(at+k)%len(t.Values)]
			}
			at++
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(looked), "ns/device-rule")
		_ = sum
	})
}

// BenchmarkStep is a second of 12,500 hosts that are well, and of as many of which
// a third is dead.
func BenchmarkStep(b *testing.B) {
	for name, dead := range map[string]int{"all well": 0, "a third is dead": 4_000} {
		b.Run(name, func(b *testing.B) {
			now := time.Now().Add(time.Hour)
			hosts := make([]rule.Host, 12_500)
			for i := range hosts {
				hosts[i] = rule.Host{Site: "fra1", Hall: fmt.Sprintf("h%d", i/3125), Rack: fmt.Sprintf("r%d", i/64), Name: fmt.Sprintf("n%d", i), Heard: now.UnixMilli()}
				if i < dead {
					hosts[i].Heard -= 120_000
				}
			}
			e, err := rule.New(rule.Config{Rules: table.Table(), Hosts: func() []rule.Host { return hosts }})
			if err != nil {
				b.Fatal(err)
			}
			e.Step(now.Add(-time.Second))
			b.ReportAllocs()
			for b.Loop() {
				e.Step(now)
			}
		})
	}
}

func TestAUsualTickAllocatesNothing(t *testing.T) {
	e, err := rule.New(rule.Config{Rules: table.Table()})
	if err != nil {
		t.Fatal(err)
	}
	tick, looked := full("n1")
	e.Observe(tick)
	if looked < 8*3 {
		t.Fatalf("the table looks at %d values of a host of 8 GPUs", looked)
	}
	if n := testing.AllocsPerRun(200, func() {
		tick.Received = tick.Received.Add(time.Millisecond)
		e.Observe(tick)
	}); n > 0 {
		t.Errorf("%g allocations a tick", n)
	}
}
