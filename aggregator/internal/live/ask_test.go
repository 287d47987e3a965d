package live_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/gigawatch/gigawatch/aggregator/internal/live"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// lines are a top's rows as text, then how many were considered and are missing.
func (p *present) top(n int, q live.TopQuestion) []string {
	p.t.Helper()
	if q.Limit == 0 {
		q.Limit = 10
	}
	t, ok := p.Top("s", q, second(n))
	if !ok {
		p.t.Fatal("nothing is known of the site")
	}
	out := []string{}
	for _, r := range t.Rows {
		out = append(out, fmt.Sprintf("%s/%s/%s/%s %g @%d", r.Hall, r.Rack, r.Host, r.GPU, r.Value, r.Second-base))
	}
	return append(out, strings.TrimSpace(fmt.Sprintf("%d %d %s", t.Considered, t.Missing, t.Reason)))
}

func TestTopRanksWhatIsKnownNow(t *testing.T) {
	p := newPresent(t, nil)
	a, b, c := newMachine("n1", "h01", "r1"), newMachine("n2", "h01", "r2"), newMachine("n3", "h02", "r1")
	for n := range 12 {
		p.says(a, n, 100, well(900, 500)...)
		p.says(b, n, 100, metric.Of(800), metric.Missing, metric.Of(70), metric.GPUOk)
		if n < 5 {
			p.says(c, n, 100, well(1000, 700)...)
		}
	}
	power := live.TopQuestion{By: metric.GPUPowerWatts}
	with := func(change func(*live.TopQuestion)) live.TopQuestion {
		q := power
		change(&q)
		return q
	}
	for name, tc := range map[string]struct {
		n    int
		q    live.TopQuestion
		want []string
	}{
		"a value that was not read and a silent host's are missing": {11, power, []string{"h01/r1/n1/0 500 @11", "3 2"}},
		"the least":                  {11, live.TopQuestion{By: metric.GPUTemperature, Ascending: true}, []string{"h01/r1/n1/0 60 @11", "h01/r2/n2/0 70 @11", "3 1"}},
		"the greatest":               {11, live.TopQuestion{By: metric.GPUTemperature, Limit: 1}, []string{"h01/r2/n2/0 70 @11", "3 1"}},
		"of hosts":                   {11, live.TopQuestion{By: metric.HostPowerWatts}, []string{"h01/r1/n1/ 900 @11", "h01/r2/n2/ 800 @11", "3 1"}},
		"what nobody says":           {11, live.TopQuestion{By: metric.HostCPUUsage}, []string{"3 3"}},
		"in a hall":                  {11, with(func(q *live.TopQuestion) { q.Hall = "h01" }), []string{"h01/r1/n1/0 500 @11", "2 1"}},
		"in racks of one name":       {11, with(func(q *live.TopQuestion) { q.Rack = "r1" }), []string{"h01/r1/n1/0 500 @11", "2 1"}},
		"of a host":                  {11, with(func(q *live.TopQuestion) { q.Host = "n2" }), []string{"1 1"}},
		"hosts of a rack":            {11, live.TopQuestion{By: metric.HostPowerWatts, Where: live.Where{Rack: "r2"}}, []string{"h01/r2/n2/ 800 @11", "1 0"}},
		"where nothing stands":       {11, with(func(q *live.TopQuestion) { q.Hall = "h09" }), []string{"0 0"}},
		"nothing of a stream behind": {50, power, []string{"3 3 what is known is 41s old"}},
	} {
		t.Run(name, func(t *testing.T) {
			if d := gocmp.Diff(tc.want, p.top(tc.n, tc.q)); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
		})
	}
	if _, ok := p.Top("elsewhere", power, second(11)); ok {
		t.Error("a site that never spoke is known")
	}
}

func TestWhatTwoAgentsReportIsRankedOnce(t *testing.T) {
	p := newPresent(t, nil)
	host := newMachine("n1", "h01", "r1")
	board := &machine{name: "bmc", layout: &metric.Layout{
		Entities: metric.Place{Host: "n1"}.Entities(),
		Columns:  []metric.Column{{Metric: metric.HostPowerWatts, Form: metric.Float, First: 0, Count: 1}},
	}}
	other := &machine{name: "copy", layout: host.layout}
	for n := range 6 {
		p.says(board, n, 50, metric.Of(950))
		p.says(host, n, 100, well(900, 500)...)
		p.says(other, n, 120, well(901, 501)...)
	}
	if d := gocmp.Diff([]string{"h01/r1/n1/0 500 @5", "1 0"}, p.top(5, live.TopQuestion{By: metric.GPUPowerWatts})); d != "" {
		t.Errorf("GPUs (-want +got)\n%s", d)
	}
	// Who speaks of the power need not know where the host stands.
	if d := gocmp.Diff([]string{"//n1/ 950 @5", "1 0"}, p.top(5, live.TopQuestion{By: metric.HostPowerWatts})); d != "" {
		t.Errorf("hosts (-want +got)\n%s", d)
	}
	_, things, total, _ := p.Things("s", live.ThingQuestion{Kind: metric.Host, Limit: 10}, second(5))
	if total != 1 || things[0].Rack != "r1" {
		t.Errorf("hosts: %+v", things)
	}
}

// Whatever the values, what is given is what sorting all of them would give.
func TestTopIsThatOfASort(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed: %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	p := newPresent(t, nil)
	type row struct {
		name  string
		value float64
	}
	var all []row
	for i := range 300 {
		m := newMachine(fmt.Sprintf("n%03d", i), "h01", "r1")
		v := float64(random.IntN(40))
		all = append(all, row{m.name, v})
		for n := range 2 {
			p.says(m, n, 100, well(1000, v)...)
		}
	}
	p.says(newMachine("last", "", ""), 3, 100, well(1, 1)...) // closes the second before
	for _, ascending := range []bool{false, true} {
		slices.SortFunc(all, func(a, b row) int {
			order := cmp.Compare(b.value, a.value)
			if ascending {
				order = -order
			}
			return cmp.Or(order, strings.Compare(a.name, b.name))
		})
		for _, limit := range []int{1, 7, 300, 1000} {
			top, _ := p.Top("s", live.TopQuestion{By: metric.GPUPowerWatts, Ascending: ascending, Limit: limit, Where: live.Where{Rack: "r1"}}, second(3))
			if len(top.Rows) != min(limit, 300) {
				t.Fatalf("%d rows of limit %d", len(top.Rows), limit)
			}
			for i, r := range top.Rows {
				if r.Host != all[i].name || r.Value != all[i].value {
					t.Fatalf("row %d of %d, ascending %t: %s %g, want %+v", i, limit, ascending, r.Host, r.Value, all[i])
				}
			}
		}
	}
}

func TestMapShowsEveryRackOrWhyNot(t *testing.T) {
	p := newPresent(t, nil)
	a, b, c := newMachine("n1", "h01", "r1"), newMachine("n2", "h01", "r1"), newMachine("n3", "h02", "r1")
	pdu := meters("pdus", "pdu_output@r1")
	for n := range 12 {
		p.says(a, n, 100, well(900, 500)...)
		p.says(pdu, n, 100, of(2500)...)
		if n < 5 {
			p.says(b, n, 100, well(800, 400)...)
			p.says(c, n, 100, well(1000, 700)...)
		}
	}
	for name, tc := range map[string]struct {
		n    int
		of   live.MapValue
		want []string
	}{
		"power":         {11, live.MapPower, []string{"h01/r1 2500 it bad 1/2", "h02/r1 no power is reported silent 0/1"}},
		"temperature":   {11, live.MapTemperature, []string{"h01/r1 60 it bad 1/2", "h02/r1 no GPU says its temperature silent 0/1"}},
		"GPUs not ok":   {11, live.MapGPUsNotOk, []string{"h01/r1 1 it bad 1/2", "h02/r1 no host reports silent 0/1"}},
		"hosts silent":  {11, live.MapHostsSilent, []string{"h01/r1 1 it bad 1/2", "h02/r1 1 silent 0/1"}},
		"nobody says":   {11, live.MapUtilization, []string{"h01/r1 no GPU says how busy it is it bad 1/2", "h02/r1 no GPU says how busy it is silent 0/1"}},
		"stream behind": {50, live.MapPower, []string{"h01/r1 what is known is 41s old it unknown 0/2", "h02/r1 what is known is 41s old unknown 0/1"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, racks, _ := p.Map("s", tc.of, second(tc.n))
			var got []string
			for _, r := range racks {
				value := r.Reason
				if r.Value != nil {
					value = fmt.Sprint(*r.Value)
				}
				got = append(got, strings.Join(strings.Fields(fmt.Sprintf("%s/%s %s %s %s %d/%d", r.Hall, r.Rack, value, r.Boundary, r.State, r.Reporting, r.Hosts)), " "))
			}
			if d := gocmp.Diff(tc.want, got); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
		})
	}
}

func TestPowersOfPlacesAreInsideOneBoundary(t *testing.T) {
	p := newPresent(t, nil)
	a, b := newMachine("n1", "h01", "r1"), newMachine("n2", "h01", "r2")
	pdus := meters("pdus", "pdu_output@r1", "grid_input")
	for n := range 6 {
		p.says(a, n, 100, well(900, 500)...)
		p.says(b, n, 100, well(800, 400)...)
		p.says(pdus, n, 100, of(1000, 3000)...)
	}
	for name, tc := range map[string]struct {
		n        int
		level    metric.EntityKind
		boundary int
		want     []string
	}{
		"the site's":         {5, metric.Site, -1, []string{"/ facility 3000", "/ it 1000", "/ host 1700", "/ gpu 900"}},
		"one of the site's":  {5, metric.Site, int(metric.Hosts), []string{"/ host 1700"}},
		"the outermost":      {5, metric.Rack, -1, []string{"h01/r1 it 1000", "h01/r2 host 800"}},
		"racks' hosts":       {5, metric.Rack, int(metric.Hosts), []string{"h01/r1 host 900", "h01/r2 host 800"}},
		"racks without PDUs": {5, metric.Rack, int(metric.IT), []string{"h01/r1 it 1000", "h01/r2 it no IT meter"}},
		"no rack has a grid": {5, metric.Rack, int(metric.Facility), []string{"h01/r1 facility the facility is metered as a whole", "h01/r2 facility the facility is metered as a whole"}},
		"halls":              {5, metric.Hall, int(metric.GPUs), []string{"h01/ gpu 900"}},
		"behind":             {60, metric.Hall, -1, []string{"h01/ it what is known is 57s old"}},
		"the site's behind":  {60, metric.Site, int(metric.IT), []string{"/ it what is known is 57s old"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, powers, _ := p.Powers("s", tc.level, tc.boundary, second(tc.n))
			var got []string
			for _, x := range powers {
				value := x.Reason
				if x.Watts != nil {
					value = fmt.Sprint(*x.Watts)
				}
				got = append(got, fmt.Sprintf("%s/%s %s %s", x.Hall, x.Rack, x.Boundary, value))
			}
			if d := gocmp.Diff(tc.want, got); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
		})
	}
}

// working is a machine of which job holds the GPU.
func working(name, job, tenant string) *machine {
	m := newMachine(name, "h01", "r1")
	l := *m.layout
	at := len(l.Entities)
	l.Entities = append(slices.Clone(l.Entities), metric.Entity{Kind: metric.Job, Name: job, Parent: at - 1, Labels: []metric.Pair{{Name: "tenant", Value: tenant}}})
	l.Columns = append(slices.Clone(l.Columns), metric.Column{Metric: metric.JobGPUShare, Form: metric.Int, First: at, Count: 1})
	m.layout = &l
	return m
}

func TestInventoryIsInOrderAndOfWhatIsAskedFor(t *testing.T) {
	p := newPresent(t, nil)
	pdu := meters("pdus", "pdu_output@r1", "grid_input")
	machines := []*machine{working("n10", "4711", "physics"), working("n2", "4711", "physics"), working("m1", "4712", "biology")}
	machines[2].layout.Entities[3].Labels[1].Value = "B200"
	for n := range 12 {
		p.says(pdu, n, 100, of(1, 2)...)
		for i, m := range machines {
			if i < 2 || n < 5 {
				p.says(m, n, 100, append(well(900, 500), 1_000_000)...)
			}
		}
	}
	for name, tc := range map[string]struct {
		n     int
		q     live.ThingQuestion
		total int
		want  []string
	}{
		"halls":                       {11, live.ThingQuestion{Kind: metric.Hall}, 1, []string{"h01"}},
		"racks":                       {11, live.ThingQuestion{Kind: metric.Rack}, 1, []string{"r1"}},
		"a silent host stays":         {11, live.ThingQuestion{Kind: metric.Host}, 3, []string{"m1", "n10", "n2"}},
		"cut":                         {11, live.ThingQuestion{Kind: metric.Host, Limit: 2}, 3, []string{"m1", "n10"}},
		"by a part of the name":       {11, live.ThingQuestion{Kind: metric.Host, Match: "N1"}, 1, []string{"n10"}},
		"GPUs by host":                {11, live.ThingQuestion{Kind: metric.GPU, Match: "n2/0"}, 1, []string{"GPU-n2"}},
		"GPUs by model":               {11, live.ThingQuestion{Kind: metric.GPU, Match: "b200"}, 1, []string{"GPU-m1"}},
		"GPUs of a host":              {11, live.ThingQuestion{Kind: metric.GPU, Where: live.Where{Host: "n10"}}, 1, []string{"GPU-n10"}},
		"in another hall":             {11, live.ThingQuestion{Kind: metric.Rack, Where: live.Where{Hall: "h02"}}, 0, nil},
		"meters, the site's first":    {11, live.ThingQuestion{Kind: metric.Meter}, 2, []string{"pdus-grid_input3", "pdus-pdu_output2"}},
		"jobs that somebody says run": {11, live.ThingQuestion{Kind: metric.Job}, 1, []string{"4711"}},
		"jobs of a host":              {11, live.ThingQuestion{Kind: metric.Job, Where: live.Where{Host: "m1"}}, 0, nil},
		"tenants":                     {11, live.ThingQuestion{Kind: metric.Job, Tenants: true}, 1, []string{"physics"}},
		"no job of a stream behind":   {60, live.ThingQuestion{Kind: metric.Job}, 0, nil},
		"GPUs of a stream behind":     {60, live.ThingQuestion{Kind: metric.GPU, Limit: 1}, 3, []string{"GPU-m1"}},
	} {
		t.Run(name, func(t *testing.T) {
			if tc.q.Limit == 0 {
				tc.q.Limit = 10
			}
			_, things, total, ok := p.Things("s", tc.q, second(tc.n))
			var got []string
			for _, x := range things {
				got = append(got, x.Name)
			}
			if d := gocmp.Diff(tc.want, got); d != "" || total != tc.total || !ok {
				t.Errorf("%d in all, want %d (-want +got)\n%s", total, tc.total, d)
			}
		})
	}
}

func TestCountsSayWhatIsKnownOfEveryGPU(t *testing.T) {
	p := newPresent(t, map[string]live.Inventory{"s": {Hosts: 5, GPUs: 40}})
	a, b, c, d := newMachine("n1", "h01", "r1"), newMachine("n2", "h01", "r1"), newMachine("n3", "h01", "r1"), newMachine("n4", "h01", "r1")
	for n := range 12 {
		p.says(a, n, 100, well(900, 500)...)
		p.says(b, n, 100, metric.Of(1), metric.Missing, metric.Missing, metric.GPULost)
		p.says(c, n, 100, metric.Of(1), metric.Of(1), metric.Of(1), metric.Missing)
		if n < 5 {
			p.says(d, n, 100, well(900, 500)...)
		}
	}
	got, _ := p.Counts("s", second(11))
	if got.Hosts != (live.Count{Expected: 5, Reporting: 3}) || got.GPUs != (live.Count{Expected: 40, Reporting: 1}) || got.Agents.Known != 4 || got.Agents.Silent != 1 || *got.Behind > 2 {
		t.Errorf("%+v", got)
	}
	want := map[string]int{"ok": 1, "lost": 1, "unknown": 1, "silent": 1, "blank": 0, "stale": 0, "unreachable": 0}
	if d := gocmp.Diff(want, got.States); d != "" {
		t.Errorf("states (-want +got)\n%s", d)
	}
	late, _ := p.Counts("s", second(60))
	if late.Reason == "" || late.Hosts.Reporting != 0 || late.GPUs.Reporting != 0 || late.States["silent"] != 4 || late.Agents.Silent != 4 {
		t.Errorf("of a stream behind: %+v", late)
	}
}

// Questions from many sides while readings come and agents leave: for the race
// detector.
func TestQuestionsWhileReadingsCome(t *testing.T) {
	p := newPresent(t, nil)
	var machines []*machine
	for i := range 300 { // more than a portion
		machines = append(machines, working(fmt.Sprintf("n%03d", i), "4711", "physics"))
	}
	var wait sync.WaitGroup
	done := make(chan struct{})
	for range 3 {
		wait.Go(func() {
			for {
				select {
				case <-done:
					return
				case <-p.Closed():
				default:
				}
				p.Top("s", live.TopQuestion{By: metric.GPUUtilization, Limit: 3}, second(5))
				p.Map("s", live.MapUtilization, second(5))
				p.Counts("s", second(5))
				p.Powers("s", metric.Hall, -1, second(5))
				p.Things("s", live.ThingQuestion{Kind: metric.Job, Limit: 3}, second(5))
				p.Things("s", live.ThingQuestion{Kind: metric.GPU, Limit: 3, Match: "7"}, second(5))
			}
		})
	}
	for n := range 8 {
		for i, m := range machines {
			if n == 4 && i%2 == 0 {
				m = newMachine(m.name, "h02", "r2")
				machines[i] = m
			}
			values := well(900, 500)
			if len(m.layout.Columns) == 5 {
				values = append(values, 1_000_000)
			}
			p.says(m, n, 100, values...)
		}
	}
	close(done)
	wait.Wait()
}
