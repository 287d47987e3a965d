package live_test

import (
	"fmt"
	"testing"

	"github.com/gigawatch/gigawatch/aggregator/internal/live"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// shownAs is a figure in a line.
func shownAs(f live.Figure) string {
	watts := "null"
	if f.Watts != nil {
		watts = fmt.Sprint(*f.Watts)
	}
	s := fmt.Sprintf("%s %.3g %d %s", watts, f.Coverage, f.Category, f.Reason)
	if f.Note != "" {
		s += "(" + f.Note + ")"
	}
	return s
}

// named is an agent of meters of these names, each beginning with its role up to a
// dash; at a rack if @ says so.
func named(names ...string) *machine {
	m := meters("m", names...)
	for i := range m.layout.Entities {
		e := &m.layout.Entities[i]
		if e.Kind != metric.Meter {
			continue
		}
		name := e.Label("role")
		e.Name = name
		e.Labels = []metric.Pair{{Name: "role", Value: before(name)}}
	}
	return m
}

func before(name string) string {
	for i, c := range name {
		if c == '-' {
			return name[:i]
		}
	}
	return name
}

// plan is of meters of these names.
func plan(change func(m map[string]*live.Meter), names ...string) live.Plan {
	var p live.Plan
	at := map[string]*live.Meter{}
	for _, n := range names {
		p.Meters = append(p.Meters, live.Meter{Name: n, Role: before(n)})
	}
	for i := range p.Meters {
		at[p.Meters[i].Name] = &p.Meters[i]
	}
	if change != nil {
		change(at)
	}
	return p
}

func TestMetersCountAsTheyAreStated(t *testing.T) {
	backup := func(m map[string]*live.Meter) { m["grid_input-b"].Backup = "grid_input-a" }
	for name, tc := range map[string]struct {
		plan     live.Plan
		names    []string
		values   []metric.Raw
		boundary string
		want     string
	}{
		"two feeds are added": {plan(nil, "grid_input-a", "grid_input-b"), []string{"grid_input-a", "grid_input-b"}, of(60, 40), "facility", "100 1 0 "},
		"one was never heard of": {plan(nil, "grid_input-a", "grid_input-b"), []string{"grid_input-a"}, of(60), "facility",
			"null 0.5 0 1 of 2 grid_input meters is silent"},
		"none was ever heard of":                      {plan(nil, "grid_input-a"), []string{"cooling-a"}, of(60), "facility", "null 0 0 facility meters are silent"},
		"one that nobody states is added":             {plan(nil, "grid_input-a"), []string{"grid_input-a", "grid_input-new"}, of(60, 5), "facility", "65 1 0 "},
		"one that the file does not name is not":      {live.Plan{Only: true, Meters: plan(nil, "grid_input-a").Meters}, []string{"grid_input-a", "grid_input-new"}, of(60, 5), "facility", "60 1 0 "},
		"none that the file names stands there today": {live.Plan{Only: true}, []string{"grid_input-a"}, of(60), "facility", "null 0 0 no facility meter"},
		"a backup is not added":                       {plan(backup, "grid_input-a", "grid_input-b"), []string{"grid_input-a", "grid_input-b"}, of(60, 61), "facility", "60 1 0 "},
		"a backup stands in": {plan(backup, "grid_input-a", "grid_input-b"), []string{"grid_input-a", "grid_input-b"}, of(-1, 61), "facility",
			"61 1 0 (a backup stands in for a meter)"},
		"a backup stands in for what was never heard of": {plan(backup, "grid_input-a", "grid_input-b"), []string{"grid_input-b"}, of(61), "facility",
			"61 1 0 (a backup stands in for a meter)"},
		"both are silent": {plan(backup, "grid_input-a", "grid_input-b", "grid_input-c"), []string{"grid_input-a", "grid_input-b", "grid_input-c"}, of(-1, -1, 7), "facility",
			"null 0.5 0 1 of 2 grid_input meters is silent"},
		"one inside another": {plan(func(m map[string]*live.Meter) { m["grid_input-lv"].Inside = true }, "grid_input-a", "grid_input-lv"),
			[]string{"grid_input-a", "grid_input-lv"}, of(60, 59), "facility", "60 1 0 "},
		"one inside another may be silent": {plan(func(m map[string]*live.Meter) { m["grid_input-lv"].Inside = true }, "grid_input-a", "grid_input-lv"),
			[]string{"grid_input-a", "grid_input-lv"}, of(60, -1), "facility", "60 1 0 "},
		"an office behind the meter": {plan(func(m map[string]*live.Meter) { m["distribution-office"].Less = true }, "grid_input-a", "distribution-office"),
			[]string{"grid_input-a", "distribution-office"}, of(60, 5), "facility", "55 1 0 "},
		"the office is silent": {plan(func(m map[string]*live.Meter) { m["distribution-office"].Less = true }, "grid_input-a", "distribution-office"),
			[]string{"grid_input-a"}, of(60), "facility", "null 0.5 0 the taken-off distribution meter is silent"},
		"export": {plan(nil, "grid_input-a", "export-a"), []string{"grid_input-a", "export-a"}, of(60, 8), "facility", "52 1 0 "},
		"beyond its rating": {plan(func(m map[string]*live.Meter) { m["grid_input-a"].Rating = 50 }, "grid_input-a", "grid_input-b"),
			[]string{"grid_input-a", "grid_input-b"}, of(60.1, 5), "facility", "null 0.5 0 1 of 2 grid_input meters says more than the rating allows"},
		"the only one is beyond its rating": {plan(func(m map[string]*live.Meter) { m["grid_input-a"].Rating = 50 }, "grid_input-a"),
			[]string{"grid_input-a"}, of(6000), "facility", "null 0 0 the grid_input meter says more than the rating allows"},
		"a fifth beyond its rating": {plan(func(m map[string]*live.Meter) { m["grid_input-a"].Rating = 50 }, "grid_input-a"),
			[]string{"grid_input-a"}, of(60), "facility", "60 1 0 "},
		"it does not say its power": {plan(nil, "grid_input-a", "grid_input-b"), []string{"grid_input-a", "grid_input-b energy"}, of(60, 7), "facility",
			"null 0.5 0 1 of 2 grid_input meters does not say its power"},
		"IT where it is stated": {live.Plan{Category: 2, Meters: plan(nil, "ups_output-a", "pdu_output-a", "pdu_output-b").Meters},
			[]string{"ups_output-a", "pdu_output-a", "pdu_output-b"}, of(40, 39, 55), "it", "94 1 2 "},
		"a role that it has not": {plan(func(m map[string]*live.Meter) { m["pdu_output-a"].Role = metric.RoleCooling }, "pdu_output-a", "pdu_output-b"),
			[]string{"pdu_output-a", "pdu_output-b"}, of(40, 39), "it", "39 1 2 "},
	} {
		for _, when := range []string{"before", "after", "changed"} {
			p := newPresent(t, nil)
			switch when {
			case "before":
				p.SetPlan("s", tc.plan)
			case "changed": // from another, which no reading outlives
				p.SetPlan("s", plan(nil, "grid_input-other", "pdu_output-other"))
			}
			m := named(tc.names...)
			for n := range 12 { // what was said before is held for a while
				if n == 4 && when != "before" {
					p.SetPlan("s", tc.plan)
				}
				p.says(m, n, 100, tc.values...)
			}
			if got := shownAs(p.status(12).Power[tc.boundary]); got != tc.want {
				t.Errorf("%s, stated %s it was heard: got %s, want %s", name, when, got, tc.want)
			}
		}
	}
}

// A plan that is stated anew loses no second of a slow meter.
func TestANewPlanKeepsWhatMetersSaid(t *testing.T) {
	p := newPresent(t, nil)
	p.SetPlan("s", plan(nil, "grid_input-a"))
	slow, host := named("grid_input-a"), newMachine("n1", "h01", "r1")
	for n := range 100 {
		if n%20 == 0 {
			p.says(slow, n, 100, of(60)...)
		}
		p.says(host, n, 120, well(1, 1)...)
		if n == 70 {
			p.SetPlan("s", plan(nil, "pdu_output-x", "grid_input-a"))
		}
		if f := p.status(n).Power["facility"]; n > 62 && (f.Watts == nil || *f.Watts != 60) {
			t.Fatalf("second %d: %+v", n, f)
		}
	}
}

func TestARackLacksAPDUThatWasNeverHeardOf(t *testing.T) {
	p := newPresent(t, nil)
	p.SetPlan("s", plan(func(m map[string]*live.Meter) {
		for _, x := range m {
			x.Hall, x.Rack = "h01", "r1"
		}
	}, "pdu_output-a", "pdu_output-b"))
	a := named("pdu_output-a@r1")
	for n := range 6 {
		p.says(a, n, 100, of(20)...)
		p.says(newMachine("n1", "h01", "r1"), n, 120, well(30, 20)...)
	}
	h := p.status(6).Halls[0]
	if r := h.Racks[0]; r.Watts != nil || r.Reason != "1 of 2 pdu_output meters is silent" || r.State != "warn" {
		t.Errorf("the rack: %+v", r)
	}
	if h.Watts != nil || h.Reason != "1 of 2 pdu_output meters is silent" {
		t.Errorf("the hall: %+v", h)
	}
	if got := p.take("s/h01/r1 rack_power_watts{it}"); len(got) > 0 {
		t.Errorf("half of a rack is rolled up: %v", got)
	}
	b := named("pdu_output-b@r1")
	b.name = "m2"
	for n := 6; n < 12; n++ {
		p.says(a, n, 100, of(20)...)
		p.says(b, n, 100, of(22)...)
		p.says(newMachine("n1", "h01", "r1"), n, 120, well(30, 20)...)
	}
	if r := p.status(12).Halls[0].Racks[0]; r.Watts == nil || *r.Watts != 42 || r.Boundary != "it" {
		t.Errorf("the rack: %+v", r)
	}
}
