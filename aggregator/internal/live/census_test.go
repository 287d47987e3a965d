package live_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gigawatch/gigawatch/aggregator/internal/live"
	"github.com/gigawatch/gigawatch/collector/metric"
)

func TestHostsOfARackAreCountedAgainstThePlan(t *testing.T) {
	p := newPresent(t, nil)
	p.SetPlan("s", live.Plan{Racks: []live.Rack{{Hall: "h1", Name: "r1", Hosts: 3}}})
	a, b, c := newMachine("a", "h1", "r1"), newMachine("b", "h1", "r1"), newMachine("c", "h1", "r2")
	run := func(from, to int, up ...*machine) {
		for n := from; n < to; n++ {
			for _, m := range up {
				p.says(m, n, 100, well(500, 300)...)
			}
		}
	}
	last := func(situation, name string, lines ...string) {
		t.Helper()
		got := p.take(name)
		got = got[max(0, len(got)-len(lines)):]
		for i := range got { // without its second
			_, got[i], _ = strings.Cut(got[i], " ")
		}
		if diff := cmp.Diff(lines, got); diff != "" {
			t.Errorf("%s: want -, got +\n%s", situation, diff)
		}
	}
	run(0, 4, a, b, c)
	last("of the third only its place is known", "r1 rack_hosts", "s/h1/r1 rack_hosts{expected} 3", "s/h1/r1 rack_hosts{reporting} 2")
	run(4, 14, a, c)
	last("one is silent", "hall_hosts", "s/h1/ hall_hosts{expected} 4", "s/h1/ hall_hosts{reporting} 2")
	run(14, 24, a, c)
	if n := len(p.take("r2 rack_hosts{reporting}")); n != 2 {
		t.Errorf("in ten seconds in which nothing changed it was said %d times, want 2", n)
	}
	p.SetPlan("s", live.Plan{Racks: []live.Rack{{Hall: "h1", Name: "r1", Hosts: 8}}})
	run(24, 28, a, c)
	last("the plan is another", "r1 rack_hosts", "s/h1/r1 rack_hosts{expected} 8", "s/h1/r1 rack_hosts{reporting} 1")
}

func TestHostsThatNobodyEverHeardOf(t *testing.T) {
	p := newPresent(t, nil)
	p.SetPlan("s", live.Plan{Inventory: live.Inventory{Hosts: 20}})
	a := newMachine("a", "h1", "r1")
	run := func(from int) {
		for n := range 4 {
			p.says(a, from+n, 100, well(500, 300)...)
		}
	}
	run(0)
	if got := p.take("{known}"); got != nil {
		t.Errorf("nobody said: %q", got)
	}
	p.SetNever("s", 3)
	run(4)
	if got := p.take("site_hosts{known}"); len(got) == 0 || !strings.HasSuffix(got[len(got)-1], " 17") {
		t.Errorf("three of twenty: %q", got)
	}
	p.SetNever("nobody", 3)
}

func TestTheFirstCertificateToExpire(t *testing.T) {
	p := newPresent(t, nil)
	agent := func(name string) *machine {
		m := newMachine(name, "h1", "r1")
		host := len(m.layout.Entities) - 2
		m.layout.Columns = append(m.layout.Columns, metric.Column{Metric: metric.AgentCertificateLeft, Form: metric.Int, First: host, Count: 1})
		return m
	}
	a, b, c, none := agent("a"), agent("b"), agent("c"), newMachine("d", "h1", "r1")
	for n := range 8 {
		p.says(none, n, 100, well(500, 300)...)
		if n < 3 {
			continue
		}
		p.says(a, n, 100, append(well(500, 300), 90_000)...)
		p.says(b, n, 100, append(well(500, 300), -3600)...)
		p.says(c, n, 100, append(well(500, 300), metric.Missing)...)
	}
	got := p.take("site_agent_certificate_left_seconds")
	if len(got) == 0 || got[0] < "3 " || !strings.HasSuffix(got[len(got)-1], " -3600") {
		t.Errorf("got %q", got)
	}
}

func TestWhatComesFromTheGridIsShownByItself(t *testing.T) {
	p := newPresent(t, nil)
	l := &metric.Layout{
		Entities: []metric.Entity{
			{Kind: metric.Meter, Name: "a", Parent: -1, Labels: []metric.Pair{{Name: "role", Value: metric.RoleGridInput}}},
			{Kind: metric.Meter, Name: "sun", Parent: -1, Labels: []metric.Pair{{Name: "role", Value: metric.RoleOnsiteGeneration}}},
		},
		Columns: []metric.Column{{Metric: metric.MeterPowerWatts, Form: metric.Float, Count: 2}},
	}
	m := &machine{name: "m", layout: l}
	p.says(m, 0, 100, metric.Of(1000), metric.Of(200))
	for n := 1; n < 10; n++ {
		p.says(m, n, 100, metric.Missing, metric.Of(200))
	}
	got := p.take("site_grid_power")
	if got[0] != "0 s// site_grid_power_watts{} 1000" || !strings.HasSuffix(got[len(got)-1], " NaN") || len(got) > 5 {
		t.Errorf("got %q, want 1000 for as long as a reading is held, and its end", got)
	}
}
