package rule_test

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/gigawatch/gigawatch/aggregator/internal/health"
	"github.com/gigawatch/gigawatch/aggregator/internal/rule"
	"github.com/gigawatch/gigawatch/aggregator/internal/store"
	table "github.com/gigawatch/gigawatch/alerts/rule"
	"github.com/gigawatch/gigawatch/alerts/scene"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// A told is one series of a scene, on a host of its own.
type told struct {
	labels labels.Labels
	def    *metric.Def
	values []parser.SequenceValue
}

// at is the value of a step.
func (s *told) at(step int, start time.Time) (v float64, ok bool) {
	if step >= len(s.values) || s.values[step].Omitted || value.IsStaleNaN(s.values[step].Value) {
		return 0, false
	}
	v = s.values[step].Value
	if s.def.Number == metric.GPUXIDTime { // scenes begin in 1970
		v += float64(start.Unix())
	}
	return v, true
}

// actors are the series of a scene on a host called name; nil if some are none that
// hosts tell.
func actors(t *testing.T, series scene.Series, name string) (list []told) {
	t.Helper()
	language := parser.NewParser(parser.Options{})
	for _, text := range series.Names() {
		ls, values, err := language.ParseSeriesDesc(text + " " + series[text])
		if err != nil {
			t.Fatal(err)
		}
		d := metric.ByName(ls.Get(model.MetricNameLabel))
		if d == nil || ls.Get("host") == "" {
			return nil
		}
		b := labels.NewBuilder(ls)
		b.Set("host", name)
		if u := ls.Get("uuid"); u != "" {
			b.Set("uuid", u+"-"+name)
		}
		list = append(list, told{b.Labels(), d, values})
	}
	return list
}

// part is a machine that tells what the series of a scene show.
type part struct {
	name   string
	layout *metric.Layout
	cells  []func(step int) metric.Raw
}

func newPart(name string, list []told, start time.Time) *part {
	p := &part{name: name}
	l := &metric.Layout{Entities: metric.Place{Hall: "h1", Rack: "r1", Host: name}.Entities()}
	host := len(l.Entities) - 1
	entity := map[string]int{}
	add := func(kind metric.EntityKind, name string, parent int, pairs ...metric.Pair) int {
		key := fmt.Sprint(kind, name, parent)
		if i, ok := entity[key]; ok {
			return i
		}
		l.Entities = append(l.Entities, metric.Entity{Kind: kind, Name: name, Parent: parent, Labels: pairs})
		entity[key] = len(l.Entities) - 1
		return entity[key]
	}
	column := func(d *metric.Def, point uint32, e int, cell func(int) metric.Raw) {
		l.Columns = append(l.Columns, metric.Column{Metric: d.Number, Form: d.Form, Point: point, First: e, Count: 1})
		p.cells = append(p.cells, cell)
	}
	states := map[int]metric.Raw{}
	seen := map[metric.Number]bool{}
	for _, s := range list {
		seen[s.def.Number] = true
		e := host
		if u := s.labels.Get("uuid"); u != "" {
			e = add(metric.GPU, u, host, metric.Pair{Name: "gpu", Value: s.labels.Get("gpu")})
			if _, ok := states[e]; !ok {
				states[e] = metric.GPUOk
			}
		}
		switch s.def.Entity {
		case metric.Job:
			e = add(metric.Job, s.labels.Get("job"), e)
		case metric.Device:
			e = add(metric.Device, s.labels.Get("device"), host)
		case metric.Port:
			e = add(metric.Port, s.labels.Get("port"), host, metric.Pair{Name: "device", Value: s.labels.Get("device")})
		case metric.Sensor:
			e = add(metric.Sensor, s.labels.Get("sensor"), host)
		}
		if s.def.Kind == metric.State {
			for i, v := range s.def.Labels[0].Values {
				if v == s.labels.Get(s.def.Labels[0].Name) {
					states[e] = metric.Raw(i)
				}
			}
			continue
		}
		var of []string
		for _, x := range s.def.Labels {
			of = append(of, s.labels.Get(x.Name))
		}
		point, _ := s.def.Point(of...)
		column(s.def, point, e, func(step int) metric.Raw {
			v, ok := s.at(step, start)
			if !ok {
				return metric.Missing
			}
			return s.def.Raw(v)
		})
		if s.def.Number == metric.GPUXIDTime { // the agent counts what it tells the times of
			column(metric.Lookup(metric.GPUXIDEvents), point, e, func(step int) metric.Raw {
				if _, ok := s.at(step, start); ok {
					return 1
				}
				return 0
			})
		}
	}
	for _, e := range slices.Sorted(maps.Keys(states)) {
		column(metric.Lookup(metric.GPUState), 0, e, func(int) metric.Raw { return states[e] })
	}
	if !seen[metric.HostUp] {
		column(metric.Lookup(metric.HostUp), 0, host, func(int) metric.Raw { return 1 })
	}
	p.layout = l
	return p
}

// Both gears are shown the same: every rule's scene of what fires and of what does
// not, told by hosts to one, stored as series for the other. They fire alike.
func TestBothGearsFireAlike(t *testing.T) {
	// Nothing is asked in the first half minute, and health looks at rates once a minute.
	const grain = 40 * time.Second
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s, err := store.Open(store.Config{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		h, err := health.New(health.Config{})
		if err != nil {
			t.Fatal(err)
		}
		streaming, asking := inbox{now: map[string]rule.Message{}}, inbox{now: map[string]rule.Message{}}
		start := time.Now()
		streaming.began, asking.began = start, start
		var watched, asked []table.Rule
		var parts []*part
		var series []told
		for _, r := range table.Table() {
			x, ok := scene.Of(r.Name)
			if !ok || r.Ask != "" || r.Level < table.Host { // of places much is counted out first
				continue
			}
			fires, quiet := actors(t, x.Fires, r.Name+"-fires"), actors(t, x.Quiet, r.Name+"-quiet")
			if fires == nil || quiet == nil || r.Name == "HostSilent" || x.Every > 10*time.Second {
				continue
			}
			watched = append(watched, r)
			a := r
			a.Judged, a.Watch, a.Ask, a.Prom = nil, nil, r.Prom, ""
			asked = append(asked, a)
			parts = append(parts, newPart(r.Name+"-fires", fires, start), newPart(r.Name+"-quiet", quiet, start))
			series = append(append(series, fires...), quiet...)
		}
		if len(watched) < 25 {
			t.Fatalf("only %d rules can be compared", len(watched))
		}
		one, err := rule.New(rule.Config{Rules: watched, Health: judged(h), Hosts: hosts(h), Send: streaming.take})
		if err != nil {
			t.Fatal(err)
		}
		other, err := rule.New(rule.Config{Rules: asked, Store: s, Send: asking.take})
		if err != nil {
			t.Fatal(err)
		}
		ctx, end := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- other.Run(ctx) }()
		for second := range 31 * 60 {
			step, now := second/10, time.Now()
			for _, p := range parts {
				values := make([]metric.Raw, len(p.cells))
				for i, cell := range p.cells {
					values[i] = cell(step)
				}
				if strings.HasPrefix(p.name, "HostPowerMissing-quiet") && second >= 1000 { // it is silent
					continue
				}
				h.Observe(health.Tick{Key: "s1/" + p.name, Site: "s1", Layout: p.layout, Millis: now.UnixMilli(), Values: values, Received: now})
				one.Observe(rule.Tick{Key: "s1/" + p.name, Site: "s1", Agent: p.name, Layout: p.layout, Values: values, Received: now})
			}
			if second%10 == 0 {
				store10(t, s, series, step, start)
			}
			time.Sleep(time.Second)
			h.Sweep(time.Now())
			one.Step(time.Now())
		}
		end()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		got, want := first(streaming.lines), first(asking.lines)
		for _, r := range watched {
			for _, kind := range []string{"fires", "quiet"} {
				who := r.Name + "-" + kind
				a, b := got[r.Name+" "+who], want[r.Name+" "+who]
				switch {
				case kind == "quiet" && (a > 0) != (b > 0), kind == "fires" && (a == 0 || b == 0):
					t.Errorf("%s: streaming fired after %d s, asking after %d s; 0 is never", who, a, b)
				case math.Abs(float64(a-b)) > grain.Seconds():
					t.Errorf("%s: streaming fired after %d s, asking after %d s", who, a, b)
				}
				if kind == "fires" {
					t.Logf("%-24s streaming %4d s, asking %4d s", r.Name, a, b)
				}
			}
		}
	})
}

// store10 stores a step of all series, as an agent's would be.
func store10(t *testing.T, s *store.Store, series []told, step int, start time.Time) {
	t.Helper()
	app := s.Appender(context.Background())
	for i := range series {
		v, ok := series[i].at(step, start)
		if !ok {
			if _, was := series[i].at(step-1+boolInt(step == 0), start); !was || step == 0 {
				continue
			}
			v = math.Float64frombits(value.StaleNaN)
		}
		if _, err := app.Append(0, series[i].labels, time.Now().UnixMilli(), v); err != nil {
			t.Fatal(err)
		}
	}
	if err := app.Commit(); err != nil {
		t.Fatal(err)
	}
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// first is when each alert was first told, by its name and host.
func first(lines []string) map[string]int {
	out := map[string]int{}
	for _, l := range lines {
		var at int
		var name, hall, rack, host string
		if n, _ := fmt.Sscanf(l, "%ds %s %s %s %s", &at, &name, &hall, &rack, &host); n == 5 && name != "over:" && out[name+" "+host] == 0 {
			out[name+" "+host] = at
		}
	}
	return out
}
