package rule_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gigawatch/gigawatch/aggregator/internal/rule"
	table "github.com/gigawatch/gigawatch/alerts/rule"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// full is a tick of a host of eight GPUs with all that is known of them, and where the
// values stand that rules of the table look at, and how many.
func full(host string) (t rule.Tick, columns [][2]int) {
	rules := table.Table()
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
			for _, r := range rules {
				if r.Watch != nil && r.Watch.Metric == d.Number && (len(r.Watch.Points) == 0 && p == 0 || contains(r.Watch.Points, uint32(p))) {
					columns = append(columns, [2]int{len(values) - c.Count, c.Count})
				}
			}
		}
	}
	return rule.Tick{Key: "fra1/" + host, Site: "fra1", Agent: host, Layout: l, Values: values, Received: time.Now()}, columns
}

func contains(list []uint32, p uint32) bool {
	for _, x := range list {
		if x == p {
			return true
		}
	}
	return false
}

// processor is the time that this program had a processor, in nanoseconds: on a machine
// that others use it says more than a clock.
func processor(b *testing.B) int64 {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return u.Utime.Nano() + u.Stime.Nano()
}

// another is t of another host.
func another(t rule.Tick, host string) rule.Tick {
	l := *t.Layout
	l.Entities = slices.Clone(l.Entities)
	for i := range l.Entities {
		l.Entities[i].Name = strings.Replace(l.Entities[i].Name, t.Agent, host, 1)
	}
	t.Key, t.Agent, t.Layout, t.Values = "fra1/"+host, host, &l, slices.Clone(t.Values)
	return t
}

// BenchmarkObserve is of ticks of hosts that are well, a second apart. The floors are
// what it costs to read the same values in the same order: for less no rule can look at
// them.
func BenchmarkObserve(b *testing.B) {
	for _, x := range []struct {
		name  string
		hosts int
		fresh bool // ticks lie where the last was, as a decoder has them
	}{{"one host", 1, false}, {"a gigafactory", 12_500, false}, {"a gigafactory, just decoded", 12_500, true}} {
		first, columns := full("n0")
		ticks := []rule.Tick{first}
		for i := 1; i < x.hosts; i++ {
			t := another(first, fmt.Sprintf("n%d", i))
			if x.fresh {
				t.Values = first.Values
			}
			ticks = append(ticks, t)
		}
		looked := 0
		for _, c := range columns {
			looked += c[1]
		}
		perRule := func(b *testing.B, used int64) {
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(looked), "ns/device-rule")
			b.ReportMetric(float64(processor(b)-used)/float64(b.N)/float64(looked), "cpu-ns/device-rule")
		}
		b.Run(x.name, func(b *testing.B) {
			e, err := rule.New(rule.Config{Rules: table.Table()})
			if err != nil {
				b.Fatal(err)
			}
			for i := range ticks {
				e.Observe(ticks[i])
			}
			i, used := 0, processor(b)
			b.ReportAllocs()
			for b.Loop() {
				if i++; i == x.hosts {
					i = 0
				}
				ticks[i].Received = ticks[i].Received.Add(time.Second)
				e.Observe(ticks[i])
			}
			perRule(b, used)
			b.ReportMetric(float64(looked), "device-rules")
		})
		b.Run(x.name+", floor", func(b *testing.B) {
			i, n, used := 0, 0, processor(b)
			for b.Loop() {
				if i++; i == x.hosts {
					i = 0
				}
				values := ticks[i].Values
				for _, c := range columns {
					for _, v := range values[c[0]:][:c[1]] {
						if v > 1<<62 {
							n++
						}
					}
				}
			}
			perRule(b, used)
			if n > 1<<60 {
				b.Fatal(n)
			}
		})
	}
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
	tick, columns := full("n1")
	e.Observe(tick)
	if len(columns) < 4 {
		t.Fatalf("the table looks at %d columns of a host of 8 GPUs", len(columns))
	}
	if n := testing.AllocsPerRun(200, func() {
		tick.Received = tick.Received.Add(time.Millisecond)
		e.Observe(tick)
	}); n > 0 {
		t.Errorf("%g allocations a tick", n)
	}
}
