package live_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// as reports m's tick of second n as another agent would.
func (p *present) as(agent string, m *machine, n, after int, values ...metric.Raw) {
	o := *m
	o.name = agent
	p.says(&o, n, after, values...)
}

func TestWhatTwoAgentsReportCountsOnce(t *testing.T) {
	shared := newMachine("n1", "h01", "r1")
	apart := newMachine("n1", "h01", "r1") // another machine under the same name
	apart.layout.Entities[3].Name = "GPU-apart"
	for name, tc := range map[string]struct {
		second *machine
		want   string // hosts gpus host-watts gpu-watts
		reason string
	}{
		"the same host twice":                 {shared, "1 1 1000 700", "agent n1-b: host n1 and 2 more not counted, as agent n1-a came first"},
		"two hosts of one name, each a board": {apart, "1 2 1000 1300", "agent n1-b: host n1 and 1 more not counted, as agent n1-a came first"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPresent(t, nil)
			for n := range 8 {
				p.as("n1-a", shared, n, 100, well(1000, 700)...)
				p.as("n1-b", tc.second, n, 150, well(900, 600)...)
			}
			st := p.status(8)
			if got := fmt.Sprint(st.Hosts.Reporting, " ", st.GPUs.Reporting, " ", *st.Power["host"].Watts, " ", *st.Power["gpu"].Watts); got != tc.want {
				t.Errorf("hosts, GPUs and power are %s, want %s", got, tc.want)
			}
			if st.Hosts.Expected != 1 || st.Power["host"].Coverage != 1 || st.Power["gpu"].Coverage != 1 {
				t.Errorf("expected %d hosts; coverage %g and %g", st.Hosts.Expected, st.Power["host"].Coverage, st.Power["gpu"].Coverage)
			}
			if r := st.Halls[0].Racks[0]; r.Hosts != 1 || r.GPUs != r.GPUsOk {
				t.Errorf("rack %+v", r)
			}
			if d := cmp.Diff([]string{tc.reason}, st.Agents.Refusals); d != "" || st.Agents.Refused != 1 {
				t.Errorf("%d refused: %s", st.Agents.Refused, d)
			}
			if n := p.counted("gigawatch_live_ticks_refused_total"); n != 8 {
				t.Errorf("%d ticks counted as refused, want 8", n)
			}
			if d := cmp.Diff([]string{"s/n1-a"}, p.Agents("s", "n1")); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestAMeterThatTwoGatewaysReadCountsOnce(t *testing.T) {
	p := newPresent(t, nil)
	grid := meters("gateway", "grid_input", "grid_input")
	for n := range 6 {
		p.as("gateway-a", grid, n, 100, of(60, 50)...)
		p.as("gateway-b", grid, n, 150, of(60, 50)...)
	}
	if f := p.status(6).Power["facility"]; f.Watts == nil || *f.Watts != 110 || f.Coverage != 1 {
		t.Errorf("facility %+v, want 110 W", f)
	}
	if got := p.status(6).Agents.Refusals; len(got) != 1 || !strings.HasPrefix(got[0], "agent gateway-b: meter gateway-grid_input0 and 1 more not counted") {
		t.Errorf("said: %q", got)
	}
	// The second takes over when the first has been silent for as long as a reading
	// is held, and keeps what it has when the first comes back.
	p.take("")
	for n := 6; n < 20; n++ {
		if n >= 12 {
			p.as("gateway-a", grid, n, 100, of(60, 50)...)
		}
		p.as("gateway-b", grid, n, 150, of(61, 50)...)
	}
	var got []string
	for _, l := range p.take("s// site_power_watts{facility}") {
		got = append(got, strings.Replace(l, "s// site_power_watts{facility} ", "", 1))
	}
	if d := cmp.Diff([]string{"4 110", "5 110", "6 110", "7 110", "8 NaN", "11 111", "12 111", "13 111", "14 111", "15 111", "16 111", "17 111"}, got); d != "" {
		t.Error(d)
	}
	if got := p.status(20).Agents.Refusals; len(got) != 1 || !strings.HasPrefix(got[0], "agent gateway-a: ") {
		t.Errorf("said: %q", got)
	}
}

func TestNodePowerMayComeFromAnotherAgentThanTheHost(t *testing.T) {
	p := newPresent(t, nil)
	inside := newMachine("n1", "h01", "r1")
	inside.layout.Columns = inside.layout.Columns[1:]
	outside := &machine{name: "bmcs", layout: &metric.Layout{}}
	for _, host := range []string{"n1", "n2"} {
		outside.layout.Entities = append(outside.layout.Entities, metric.Entity{Kind: metric.Host, Name: host, Parent: -1})
	}
	outside.layout.Columns = []metric.Column{{Metric: metric.HostPowerWatts, Form: metric.Float, First: 0, Count: 2}}
	for n := range 5 {
		p.says(outside, n, 50, of(900, 800)...)
		p.says(inside, n, 100, well(0, 700)[1:]...)
	}
	st := p.status(5)
	if st.Power["host"].Watts == nil || *st.Power["host"].Watts != 1700 || st.Hosts.Expected != 1 || st.Agents.Refused != 0 {
		t.Errorf("host power %+v, %d hosts, refused %q", st.Power["host"], st.Hosts.Expected, st.Agents.Refusals)
	}
}

func TestAnAgentOfMetersIsNoHost(t *testing.T) {
	p := newPresent(t, nil)
	gateway := meters("gateway", "grid_input")
	gateway.layout.Entities = append(metric.Place{Host: "n1"}.Entities(), gateway.layout.Entities...)
	gateway.layout.Columns = []metric.Column{
		{Metric: metric.AgentSpoolBytes, Form: metric.Int, First: 0, Count: 1}, // what every agent says of itself
		{Metric: metric.MeterPowerWatts, Form: metric.Float, First: 1, Count: 1},
	}
	for n := range 5 {
		p.says(gateway, n, 50, 0, metric.Of(80))
		p.says(newMachine("n1", "h01", "r1"), n, 100, well(1000, 700)...)
	}
	st := p.status(5)
	if st.Hosts.Expected != 1 || st.Agents.Refused != 0 || st.Power["facility"].Watts == nil {
		t.Errorf("%d hosts, refused %q, facility %+v", st.Hosts.Expected, st.Agents.Refusals, st.Power["facility"])
	}
}

func TestARenamedAgentIsNotMissed(t *testing.T) { synctest.Test(t, aRenamedAgentIsNotMissed) }

func aRenamedAgentIsNotMissed(t *testing.T) {
	p := newPresent(t, nil)
	m, other := newMachine("n1", "h01", "r1"), newMachine("n2", "h01", "r1")
	n := 0
	for life := range 50 {
		for range 30 {
			p.as(fmt.Sprintf("n1-%d", life), m, n, 100, well(1000, 700)...)
			p.says(other, n, 100, well(1000, 700)...)
			n++
		}
		p.tend()
	}
	// The newest two names are known, and others that were silent for a minute only.
	st := p.status(n)
	if st.Hosts.Expected != 2 || st.Agents.Known > 6 || p.gauge("gigawatch_live_agents") > 6 {
		t.Errorf("%d hosts expected, %d agents known", st.Hosts.Expected, st.Agents.Known)
	}
	if len(p.silent) > 0 || len(p.forgotten) < 46 || p.forgotten[0] != "s/n1-0" {
		t.Errorf("said to be silent: %q, to be forgotten: %q", p.silent, p.forgotten)
	}
}

func TestASilentHostIsExpectedForAWeekAndAMeterForAMonth(t *testing.T) {
	synctest.Test(t, aSilentHostIsExpectedForAWeekAndAMeterForAMonth)
}

func aSilentHostIsExpectedForAWeekAndAMeterForAMonth(t *testing.T) {
	p := newPresent(t, nil)
	a, b, grid := newMachine("n1", "h01", "r1"), newMachine("n2", "h01", "r2"), meters("gateway", "grid_input")
	for n := range 5 {
		p.says(a, n, 100, well(1, 1)...)
		p.says(b, n, 100, well(1, 1)...)
		p.says(grid, n, 100, of(5)...)
	}
	const day = 24 * 3600
	for _, tc := range []struct {
		after        int
		hosts, racks int
		facility     string
	}{
		{6 * day, 2, 2, "facility meters are silent"},
		{8 * day, 1, 1, "facility meters are silent"},
		{29 * day, 1, 1, "facility meters are silent"},
		{31 * day, 1, 1, "no facility meter"},
	} {
		for n := range 5 {
			p.says(a, tc.after+n, 100, well(1, 1)...)
		}
		p.tend()
		st := p.status(tc.after + 5)
		if st.Hosts.Expected != tc.hosts || len(st.Halls) != 1 || len(st.Halls[0].Racks) != tc.racks || st.Power["facility"].Reason != tc.facility {
			t.Errorf("after %d days: %d hosts, halls %+v, facility %+v", tc.after/day, st.Hosts.Expected, st.Halls, st.Power["facility"])
		}
	}
}

func TestRacksOfHostsThatMovedAreForgotten(t *testing.T) {
	synctest.Test(t, racksOfHostsThatMovedAreForgotten)
}

func racksOfHostsThatMovedAreForgotten(t *testing.T) {
	p := newPresent(t, nil)
	n := 0
	for move := range 40 {
		m := newMachine("n1", "h01", fmt.Sprintf("r%d", move))
		for range 300 {
			p.says(m, n, 100, well(1000, 700)...)
			n++
		}
		p.tend()
	}
	st := p.status(n)
	if len(st.Halls) != 1 || len(st.Halls[0].Racks) != 1 || st.Halls[0].Racks[0].Rack != "r39" {
		t.Errorf("halls %+v", st.Halls)
	}
	last := ""
	for _, l := range p.take("rack_power_watts{host}") {
		last = l
	}
	if !strings.Contains(last, "/r39 ") {
		t.Errorf("the newest roll-up is %q", last)
	}
}

func TestMoreAgentsThanAreToldApartAreCounted(t *testing.T) {
	p := newPresent(t, nil)
	empty := &metric.Layout{}
	for i := range 1<<16 + 3 {
		p.Observe(fmt.Sprintf("s/a%d", i), "s", empty, second(0).UnixMilli(), nil, second(0))
	}
	for i := range 1 << 10 {
		p.Observe("x/a", fmt.Sprintf("x%d", i), empty, second(0).UnixMilli(), nil, second(0))
	}
	if got := p.counted("gigawatch_live_ticks_full_total"); got != 4 {
		t.Errorf("%d ticks counted, want 4", got)
	}
}
