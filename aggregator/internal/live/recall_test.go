package live_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gigawatch/gigawatch/aggregator/internal/live"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// recalls makes known that there were machines, when second n was the newest of them.
func (p *present) recalls(n int, machines ...*machine) {
	for _, m := range machines {
		l := &metric.Layout{Entities: m.layout.Entities}
		host := len(l.Entities) - 2
		l.Columns = []metric.Column{{Metric: metric.HostUp, Form: metric.Int, First: host, Count: 1}, {Metric: metric.GPUState, Form: metric.Int, First: host + 1, Count: 1}}
		p.Recall("s/"+m.name, "s", l, second(n))
	}
}

// shown is what a status says of hosts, boards, racks and agents.
func shown(st *live.Status) string {
	s := fmt.Sprintf("hosts %d/%d gpus %d/%d agents %d/%d", st.Hosts.Reporting, st.Hosts.Expected, st.GPUs.Reporting, st.GPUs.Expected, st.Agents.Known-st.Agents.Silent, st.Agents.Known)
	for _, h := range st.Halls {
		for _, r := range h.Racks {
			s += fmt.Sprintf(" %s/%s %s %d/%d", h.Hall, r.Rack, r.State, r.Reporting, r.Hosts)
		}
	}
	return s
}

func TestWhoWasKnownBeforeTheStartIsMissed(t *testing.T) {
	a, b := newMachine("a", "h1", "r1"), newMachine("b", "h1", "r2")
	for name, tc := range map[string]struct {
		says map[string]*machine // by agent
		want string
	}{
		"one speaks":                           {map[string]*machine{"a": a}, "hosts 1/2 gpus 1/2 agents 1/2 h1/r1 ok 1/1 h1/r2 silent 0/1"},
		"both do":                              {map[string]*machine{"a": a, "b": b}, "hosts 2/2 gpus 2/2 agents 2/2 h1/r1 ok 1/1 h1/r2 ok 1/1"},
		"under the name of another agent":      {map[string]*machine{"new": a}, "hosts 1/2 gpus 1/2 agents 1/2 h1/r1 ok 1/1 h1/r2 silent 0/1"},
		"it stands in another rack now":        {map[string]*machine{"a": newMachine("a", "h1", "r9"), "b": b}, "hosts 2/2 gpus 2/2 agents 2/2 h1/r2 ok 1/1 h1/r9 ok 1/1"},
		"its boards are in a host that is new": {map[string]*machine{"b": b, "c": moved(a, "c")}, "hosts 2/2 gpus 2/2 agents 2/2 h1/r1 ok 1/1 h1/r2 ok 1/1"},
		"another one alone":                    {map[string]*machine{"z": newMachine("z", "h1", "r3")}, "hosts 1/3 gpus 1/3 agents 1/3 h1/r1 silent 0/1 h1/r2 silent 0/1 h1/r3 ok 1/1"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPresent(t, nil)
				p.recalls(-30, a, b)
				if got, want := shown(p.status(0)), "hosts 0/2 gpus 0/2 agents 0/2 h1/r1 unknown 0/0 h1/r2 unknown 0/0"; got != want {
					t.Errorf("before anything is heard: %s, want %s", got, want)
				}
				for n := range 100 {
					for agent, m := range tc.says {
						p.as(agent, m, n, 100, well(1000, 700)...)
					}
				}
				p.tend()
				if got := shown(p.status(100)); got != tc.want {
					t.Errorf("%s\nwant %s", got, tc.want)
				}
				if p.silent != nil || p.counted("gigawatch_live_ticks_refused_total") != 0 {
					t.Errorf("silent: %q; %d refused", p.silent, p.counted("gigawatch_live_ticks_refused_total"))
				}
			})
		})
	}
}

// moved is a machine with the board of another.
func moved(of *machine, name string) *machine {
	m := newMachine(name, of.hall, of.rack)
	m.layout.Entities[len(m.layout.Entities)-1].Name = "GPU-" + of.name
	return m
}

func TestWhoIsRecalledIsMissedForAWeek(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPresent(t, nil)
		a, b := newMachine("a", "h1", "r1"), newMachine("b", "h1", "r2")
		p.recalls(-7*24*3600-60, b)
		for n := range 5 {
			p.says(a, n, 100, well(1000, 700)...)
		}
		p.tend()
		if got := shown(p.status(5)); !strings.HasPrefix(got, "hosts 1/1 gpus 1/1 agents 1/1") {
			t.Error(got)
		}
	})
}

func TestASiteThatIsRecalledAsAModelMayBeReal(t *testing.T) {
	p := newPresent(t, nil)
	a := newMachine("a", "h1", "r1")
	p.Recall("s/a", "s", &metric.Layout{Simulated: true, Entities: a.layout.Entities, Columns: []metric.Column{{Metric: metric.HostUp, Form: metric.Int, First: 2, Count: 1}}}, time.Unix(base-30, 0))
	for n := range 5 {
		p.says(a, n, 100, well(1000, 700)...)
	}
	if st := p.status(5); st.Simulated || !strings.HasPrefix(shown(st), "hosts 1/1 gpus 1/1 agents 1/1") {
		t.Errorf("simulated: %t, %s", st.Simulated, shown(st))
	}
}

// The chart goes on from what was drawn before the start; what the lane brings again, of
// agents that are understood one after the other, draws no valley into it.
func TestPowerOfBeforeTheStartIsDrawn(t *testing.T) {
	p := newPresent(t, nil)
	a, b := newMachine("a", "h1", "r1"), newMachine("b", "h1", "r2")
	p.recalls(-30, a, b)
	watts := 1400.0
	for n := -60; n <= -10; n++ {
		p.RecallPower("s", false, second(n).Unix(), [4]*float64{metric.GPUs: &watts})
		p.RecallPower("s", true, second(n+100).Unix(), [4]*float64{metric.GPUs: &watts}) // of a model of that name
	}
	p.RecallPower("nowhere", false, second(0).Unix(), [4]*float64{metric.GPUs: &watts})
	for n := -30; n < 5; n++ {
		p.says(a, n, 100, well(1000, 700)...)
	}
	st := p.status(5)
	for of, f := range map[string]live.Figure{"host": st.Power["host"], "gpu": st.Power["gpu"]} {
		if f.Watts == nil || f.Coverage != 0.5 {
			t.Errorf("%s: %+v, half of it is covered", of, f)
		}
	}
	at := func(n int) float32 {
		i := (second(n).UnixMilli() - st.History.Start) / st.History.Step
		if i < 0 || int(i) >= len(st.History.GPU) || st.History.GPU[i] == nil {
			return -1
		}
		return *st.History.GPU[i]
	}
	for n, want := range map[int]float32{-61: -1, -60: 1400, -30: 1400, -10: 1400, -9: 700, 2: 700} {
		if got := at(n); got != want {
			t.Errorf("second %d: %g W, want %g", n, got, want)
		}
	}
}

// While those that were known come back, one after the other, the sum of those that have
// is nobody's power.
func TestASumOfThoseThatCameFirstIsNotTheSites(t *testing.T) {
	a, b, c, dead := newMachine("a", "h1", "r1"), newMachine("b", "h1", "r1"), newMachine("c", "h1", "r2"), newMachine("d", "h1", "r3")
	for name, tc := range map[string]struct {
		recalled []*machine
		whole    int // the first second that is
	}{
		"nobody was known":      {nil, 0},
		"all of them come back": {[]*machine{a, b, c}, 5},
		"one of them does not":  {[]*machine{a, b, c, dead}, 8},
		"others were known":     {[]*machine{dead}, 3},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPresent(t, nil)
			p.recalls(-30, tc.recalled...)
			for n := range 15 {
				p.says(a, n, 100, well(1000, 700)...)
				if n >= 2 || tc.recalled == nil {
					p.says(b, n, 100, well(1000, 700)...)
				}
				if n >= 5 || tc.recalled == nil {
					p.says(c, n, 100, well(1000, 700)...)
				}
			}
			st := p.status(14)
			for n := range 12 {
				i := (second(n).UnixMilli() - st.History.Start) / st.History.Step
				if i < 0 || int(i) >= len(st.History.GPU) {
					t.Fatalf("second %d is not drawn: %+v", n, st.History.Start)
				}
				for of, drawn := range map[string]*float32{"GPUs": st.History.GPU[i], "hosts": st.History.Host[i]} {
					if known := drawn != nil; known != (n >= tc.whole) {
						t.Errorf("second %d: power of %s is known: %t", n, of, known)
					}
				}
			}
			began := map[string]string{}
			for _, line := range p.take("_power_watts") {
				at, series, _ := strings.Cut(line, " ")
				if _, name, _ := strings.Cut(series, " "); began[name[:4]] == "" {
					began[name[:4]] = at
				}
			}
			first := fmt.Sprint(second(tc.whole).Unix() % 3600)
			if d := cmp.Diff(map[string]string{"site": first, "hall": first, "rack": first}, began); d != "" {
				t.Error(d)
			}
		})
	}
}
