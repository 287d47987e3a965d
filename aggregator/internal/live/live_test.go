package live_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/google/go-cmp/cmp"

	"github.com/gigawatch/gigawatch/aggregator/internal/live"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// present is a Live with what it emitted, one line a value.
type present struct {
	*live.Live
	t *testing.T

	mu     sync.Mutex
	lines  []string
	silent []string
}

func newPresent(t *testing.T, expected map[string]live.Inventory) *present {
	p := &present{t: t}
	p.Live = live.New(live.Config{
		Expected: expected, Metrics: metrics.NewSet(),
		Emit: func(points []live.Point) {
			p.mu.Lock()
			defer p.mu.Unlock()
			for _, k := range points {
				d := metric.Lookup(k.Metric)
				label := ""
				if len(d.Labels) > 0 {
					label = d.LabelValue(k.Point, 0)
				}
				p.lines = append(p.lines, fmt.Sprintf("%d %s/%s/%s %s{%s} %g", k.Millis/1000%3600, k.Site, k.Place.Hall, k.Place.Rack, d.Name, label, k.Value))
			}
		},
		Silent: func(key string, millis int64) {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.silent = append(p.silent, fmt.Sprintf("%s %d", key, millis/1000%3600))
		},
	})
	return p
}

// take is what was emitted since it was last asked, of the metric named.
func (p *present) take(name string) (got []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range p.lines {
		if strings.Contains(l, name) {
			got = append(got, l)
		}
	}
	p.lines = nil
	return got
}

const base = 1_795_366_800 // second 0 of an hour

func second(n int) time.Time { return time.Unix(base+int64(n), 0) }

// machine is a host with one GPU: layout and a tick of its values.
type machine struct {
	name, hall, rack string
	layout           *metric.Layout
}

func newMachine(name, hall, rack string) *machine {
	m := &machine{name: name, hall: hall, rack: rack}
	es := metric.Place{Hall: hall, Rack: rack, Host: name}.Entities()
	host := len(es) - 1
	es = append(es, metric.Entity{Kind: metric.GPU, Name: "GPU-" + name, Parent: host, Labels: []metric.Pair{{Name: "gpu", Value: "0"}, {Name: "model", Value: "H200"}}})
	m.layout = &metric.Layout{Entities: es, Columns: []metric.Column{
		{Metric: metric.HostPowerWatts, Form: metric.Float, First: host, Count: 1},
		{Metric: metric.GPUPowerWatts, Form: metric.Float, First: host + 1, Count: 1},
		{Metric: metric.GPUTemperature, Form: metric.Float, First: host + 1, Count: 1},
		{Metric: metric.GPUState, Form: metric.Int, First: host + 1, Count: 1},
	}}
	return m
}

// says reports the tick of second n, which came after the given milliseconds.
func (p *present) says(m *machine, n, after int, values ...metric.Raw) {
	p.Observe("s/"+m.name, "s", m.layout, second(n).UnixMilli(), values, second(n).Add(time.Duration(after)*time.Millisecond))
}

// well is a tick of a machine in good health.
func well(host, gpu float64) []metric.Raw {
	return []metric.Raw{metric.Of(host), metric.Of(gpu), metric.Of(60), metric.GPUOk}
}

// meters is an agent of meters: role and rack of each, with no rack for the site's.
func meters(name string, roles ...string) *machine {
	m := &machine{name: name, layout: &metric.Layout{}}
	for _, role := range roles {
		parent := -1
		if r, rack, ok := strings.Cut(role, "@"); ok {
			role = r
			parent = len(m.layout.Entities) + 1
			m.layout.Entities = append(m.layout.Entities,
				metric.Entity{Kind: metric.Hall, Name: "h01", Parent: -1}, metric.Entity{Kind: metric.Rack, Name: rack, Parent: parent - 1})
		}
		at := len(m.layout.Entities)
		m.layout.Entities = append(m.layout.Entities, metric.Entity{Kind: metric.Meter, Name: fmt.Sprint(role, at), Parent: parent, Labels: []metric.Pair{{Name: "role", Value: role}}})
		m.layout.Columns = append(m.layout.Columns, metric.Column{Metric: metric.MeterPowerWatts, Form: metric.Float, First: at, Count: 1})
	}
	return m
}

func of(watts ...float64) (values []metric.Raw) {
	for _, w := range watts {
		if w < 0 {
			values = append(values, metric.Missing)
			continue
		}
		values = append(values, metric.Of(w))
	}
	return values
}

func (p *present) status(n int) *live.Status {
	p.t.Helper()
	st := p.Status("s", 0, second(n).UnixMilli())
	if st == nil {
		p.t.Fatal("nothing is known of the site")
	}
	return st
}

func TestTheSumsOfASecond(t *testing.T) {
	p := newPresent(t, nil)
	a, b, c := newMachine("n1", "h01", "r1"), newMachine("n2", "h01", "r1"), newMachine("n3", "h02", "r2")
	pdu := meters("pdu", "pdu_output@r1")
	for n := range 6 {
		p.says(a, n, 100, well(1000, 700)...)
		p.says(b, n, 150, metric.Of(900), metric.Of(650), metric.Of(71), metric.GPULost)
		p.says(c, n, 200, metric.Of(500), metric.Missing, metric.Missing, metric.GPUOk)
		p.says(pdu, n, 250, of(2100)...)
	}
	var got []string
	for _, l := range p.take("") {
		if l, ok := strings.CutPrefix(l, "3 "); ok {
			got = append(got, l)
		}
	}
	slices.Sort(got)
	want := []string{
		"s// site_gpus{expected} 3", "s// site_gpus{reporting} 2",
		"s// site_hosts{expected} 3", "s// site_hosts{reporting} 3",
		"s// site_power_watts{gpu} 1350", "s// site_power_watts{host} 2400", "s// site_power_watts{it} 2100",
		"s/h01/ hall_power_watts{gpu} 1350", "s/h01/ hall_power_watts{host} 1900", "s/h01/ hall_power_watts{it} 2100",
		"s/h01/r1 rack_gpu_temperature_celsius_max{} 71",
		"s/h01/r1 rack_power_watts{gpu} 1350", "s/h01/r1 rack_power_watts{host} 1900", "s/h01/r1 rack_power_watts{it} 2100",
		"s/h02/ hall_power_watts{host} 500", "s/h02/r2 rack_power_watts{host} 500",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	st := p.status(5)
	states := map[string]string{}
	for _, h := range st.Halls {
		for _, r := range h.Racks {
			states[h.Hall+"/"+r.Rack] = fmt.Sprint(r.State, " ", *r.Watts, " ", r.Boundary, " ", r.GPUsOk, "/", r.GPUs)
		}
	}
	if d := cmp.Diff(map[string]string{"h01/r1": "bad 2100 it 1/2", "h02/r2": "ok 500 host 1/1"}, states); d != "" {
		t.Error(d)
	}
}

func TestAReadingIsHeldForTwoSecondsAndThenMissing(t *testing.T) {
	p := newPresent(t, nil)
	a, b := newMachine("n1", "h01", "r1"), newMachine("n2", "h01", "r1")
	for n := range 12 {
		p.says(a, n, 100, well(1, 1)...)
		if n < 4 {
			p.says(b, n, 100, well(100, 1)...)
		}
	}
	want := []string{"3 101", "4 101", "5 101", "6 1", "7 1"}
	if d := cmp.Diff(want, hostWatts(p)[3:8]); d != "" {
		t.Error(d)
	}
	st := p.status(11)
	if f := st.Power["host"]; f.Coverage != 0.5 {
		t.Errorf("coverage %g with one of two, want 0.5", f.Coverage)
	}
	if st.Agents != (live.AgentCount{Known: 2, Silent: 1}) || st.Hosts != (live.Count{Expected: 2, Reporting: 1}) {
		t.Errorf("agents %+v, hosts %+v", st.Agents, st.Hosts)
	}
	if r := st.Halls[0].Racks[0]; r.State != "bad" || r.Hosts != 2 || r.Reporting != 1 {
		t.Errorf("rack %+v", r)
	}
}

// hostWatts are the site's seconds with their host power.
func hostWatts(p *present) (got []string) {
	for _, l := range p.take("s// site_power_watts{host}") {
		got = append(got, strings.Replace(l, "s// site_power_watts{host} ", "", 1))
	}
	return got
}

func TestLateTicksChangeNoSecondThatIsClosed(t *testing.T) {
	p := newPresent(t, nil)
	a, b := newMachine("n1", "h01", "r1"), newMachine("n2", "h01", "r1")
	old := newMachine("n1", "h01", "r1") // the same under another layout, off a spool
	old.layout.Columns = old.layout.Columns[:1]
	for n := range 12 {
		p.says(a, n, 100, well(1, 1)...)
		p.says(b, n-2, 2100, well(100, 1)...) // always 2.1 s on its way
		if n >= 6 {
			p.says(old, n-600, 600_200, metric.Of(5000))
		}
	}
	// It stands for a later second, and what is older than that for none.
	want := []string{"3 101", "4 101", "5 101", "6 101", "7 101", "8 101", "9 101"}
	if d := cmp.Diff(want, hostWatts(p)[4:]); d != "" {
		t.Error(d)
	}
}

func TestALayoutThatChangesLosesNoSecond(t *testing.T) {
	p := newPresent(t, nil)
	a := newMachine("n1", "h01", "r1")
	for n := range 4 {
		p.says(a, n, 100, well(10, 1)...)
	}
	more := newMachine("n1", "h01", "r1")
	more.layout.Columns = append([]metric.Column{{Metric: metric.HostUp, Form: metric.Int, First: 2, Count: 1}}, more.layout.Columns...)
	for n := 4; n < 8; n++ {
		p.says(more, n, 100, append([]metric.Raw{1}, well(20, 1)...)...)
	}
	if d := cmp.Diff([]string{"1 10", "2 10", "3 10", "4 20", "5 20"}, hostWatts(p)[1:6]); d != "" {
		t.Error(d)
	}
	if st := p.status(8); st.Hosts.Expected != 1 || st.GPUs.Expected != 1 || st.Power["gpu"].Coverage != 1 {
		t.Errorf("counted twice: %+v %+v %+v", st.Hosts, st.GPUs, st.Power["gpu"])
	}
}

func TestBoundariesAreNeverFilledFromAnother(t *testing.T) {
	for name, tc := range map[string]struct {
		roles    []string
		values   []metric.Raw
		boundary string
		want     string // watts coverage category reason
	}{
		"no meter at all":                     {nil, nil, "facility", "null 0 0 no facility meter"},
		"no IT meter":                         {[]string{"grid_input"}, of(5), "it", "null 0 0 no IT meter"},
		"what comes in, less what goes out":   {[]string{"grid_input", "generator_output", "onsite_generation", "export"}, of(100, 20, 3, 7), "facility", "116 1 0 "},
		"one of two inputs silent":            {[]string{"grid_input", "grid_input"}, of(100, -1), "facility", "100 0.5 0 "},
		"the export meter silent":             {[]string{"grid_input", "export"}, of(100, -1), "facility", "100 0.5 0 "},
		"all inputs silent":                   {[]string{"grid_input", "export"}, of(-1, 7), "facility", "null 0 0 facility meters are silent"},
		"UPS before PDU":                      {[]string{"pdu_output@r1", "ups_output", "it_input"}, of(90, 100, 80), "it", "100 1 1 "},
		"PDU before IT input":                 {[]string{"it_input", "pdu_output@r1", "pdu_output@r2"}, of(80, 45, 50), "it", "95 1 2 "},
		"IT input":                            {[]string{"it_input"}, of(80), "it", "80 1 3 "},
		"a silent UPS is not a PDU":           {[]string{"ups_output", "pdu_output@r1"}, of(-1, 90), "it", "null 0 1 IT meters are silent"},
		"cooling is none of them":             {[]string{"cooling", "lighting"}, of(1, 2), "facility", "null 0 0 no facility meter"},
		"node power is not made of its GPUs":  {nil, nil, "host", "null 0 0 no node power"},
		"board power is not made of the node": {[]string{"it_input"}, of(80), "gpu", "null 0 0 no GPU reports power"},
	} {
		p := newPresent(t, nil)
		m := meters("m", tc.roles...)
		for n := range 5 {
			p.says(m, n, 100, tc.values...)
		}
		f := p.status(5).Power[tc.boundary]
		watts := "null"
		if f.Watts != nil {
			watts = fmt.Sprint(*f.Watts)
		}
		if got := fmt.Sprint(watts, " ", f.Coverage, " ", f.Category, " ", f.Reason); got != tc.want {
			t.Errorf("%s: got %s, want %s", name, got, tc.want)
		}
		if (f.Watts == nil) != (f.Reason != "") {
			t.Errorf("%s: a figure with a reason, or neither", name)
		}
	}
}

func TestModulePowerStandsInWhereThereIsNoBMC(t *testing.T) {
	for name, tc := range map[string]struct {
		points []uint32 // of host_power_watts: 0 bmc, 3 module
		want   string
	}{"both": {[]uint32{3, 0}, "3 100"}, "module only": {[]uint32{3}, "3 200"}, "rapl only": {[]uint32{1}, ""}} {
		p := newPresent(t, nil)
		m := newMachine("n1", "h01", "r1")
		m.layout.Columns = nil
		var values []metric.Raw
		d := metric.Lookup(metric.HostPowerWatts)
		for _, point := range tc.points {
			m.layout.Columns = append(m.layout.Columns, metric.Column{Metric: d.Number, Form: d.Form, Point: point, First: 2, Count: 1})
			switch d.LabelValue(point, 0) {
			case "bmc":
				values = append(values, metric.Of(100))
			case "module":
				values = append(values, metric.Of(200))
			default:
				values = append(values, metric.Of(50))
			}
		}
		for n := range 6 {
			p.says(m, n, 100, values...)
		}
		got := ""
		if all := hostWatts(p); len(all) > 3 {
			got = all[3]
		}
		if got != tc.want {
			t.Errorf("%s: got %q, want %q", name, got, tc.want)
		}
	}
}

func TestSecondsCloseWhenAllHaveReportedAndElseAfterASecondAndAHalf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPresent(t, nil)
		time.Sleep(time.Until(second(0)))
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- p.Run(ctx) }()
		a, b := newMachine("n1", "h01", "r1"), newMachine("n2", "h01", "r1")
		tick := func(m *machine, n, after int) {
			time.Sleep(time.Until(second(n).Add(time.Duration(after) * time.Millisecond)))
			p.says(m, n, after, well(1, 1)...)
		}
		for n := range 4 {
			tick(a, n, 200)
			tick(b, n, 240)
		}
		time.Sleep(60 * time.Millisecond) // 3.300
		if got := hostWatts(p); got[len(got)-1] != "3 2" {
			t.Errorf("all have reported second 3; at 3.3 s there is %q", got)
		}
		tick(a, 4, 200)
		time.Sleep(time.Second - 200*time.Millisecond + 490*time.Millisecond) // 5.490
		if got := hostWatts(p); len(got) > 0 && strings.HasPrefix(got[0], "4 ") {
			t.Errorf("b is late; at 5.49 s there is %q", got)
		}
		tick(a, 5, 510)
		if got := hostWatts(p); !slices.Contains(got, "4 2") { // b held
			t.Errorf("at 5.51 s there is %q", got)
		}

		// A lane that brings nothing does not hold up the clock.
		time.Sleep(20 * time.Second)
		st := p.Status("s", 0, time.Now().UnixMilli())
		if *st.Freshness > 5 || st.Power["host"].Watts != nil || st.Hosts.Reporting != 0 {
			t.Errorf("20 s later: fresh to %g s, %+v, %+v", *st.Freshness, st.Power["host"], st.Hosts)
		}
		time.Sleep(time.Hour)
		if st := p.Status("s", 0, time.Now().UnixMilli()); *st.Freshness > 5 {
			t.Errorf("an hour later: fresh to %g s", *st.Freshness)
		}
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func TestAReplayMakesTheSameRollUps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tell := func(p *present, pause time.Duration) []string {
			a, b := newMachine("n1", "h01", "r1"), newMachine("n2", "h01", "r1")
			for n := range 80 {
				p.says(a, n, 200, well(float64(n), 1)...)
				p.says(b, n, 900, well(100, 1)...)
				time.Sleep(pause)
			}
			return p.take("")
		}
		time.Sleep(time.Until(second(0).Add(time.Millisecond)))
		first := newPresent(t, nil)
		want := tell(first, time.Second)
		time.Sleep(10 * time.Second) // now the same is read back, 90 s late and less
		again := newPresent(t, nil)
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		go again.Run(ctx)
		if d := cmp.Diff(want, tell(again, 30*time.Millisecond)); d != "" {
			t.Error(d)
		}
	})
}

func TestSilentAgentsAreNamedOnceAMinuteByTheStreamsClock(t *testing.T) {
	for name, step := range map[string]int{"as it comes": 1, "in leaps": 7} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPresent(t, nil)
				ctx, stop := context.WithCancel(t.Context())
				defer stop()
				go p.Run(ctx)
				a, b := newMachine("n1", "h01", "r1"), newMachine("n2", "h01", "r1")
				p.says(b, 0, 100, well(1, 1)...)
				for n := 0; n < 140; n += step {
					p.says(a, n, 200, well(1, 1)...)
					time.Sleep(100 * time.Millisecond)
				}
				time.Sleep(time.Hour) // the lane is away
				if len(p.silent) != 3 {
					t.Errorf("said: %q, want three times in 140 s", p.silent)
				}
				for i, s := range p.silent {
					var n int
					fmt.Sscanf(s, "s/n2 %d", &n)
					if due := 10 + 60*i; n < due || n >= due+step {
						t.Errorf("said: %q, want it at %d", s, due)
					}
				}
			})
		})
	}
}

func TestHistoryHasGapsWhereNothingIsKnown(t *testing.T) {
	p := newPresent(t, nil)
	empty := newPresent(t, nil)
	empty.Observe("s/x", "s", &metric.Layout{}, second(0).UnixMilli(), nil, time.Unix(0, 0))
	m := newMachine("n1", "h01", "r1")
	n := 0
	for ; n < 20; n++ {
		p.says(m, n, 100, well(float64(n), 1)...)
	}
	n += 40 // a long silence
	for ; n < 80; n++ {
		p.says(m, n, 100, well(float64(n), 1)...)
	}
	h := p.status(80).History
	at := func(n int) string {
		i := n - int((h.Start/1000)-base)
		if i < 0 || i >= len(h.Host) {
			return "none"
		}
		if h.Host[i] == nil {
			return "null"
		}
		return fmt.Sprint(*h.Host[i])
	}
	for n, want := range map[int]string{5: "5", 17: "17", 30: "null", 50: "null", 62: "62", 77: "77", 90: "none"} {
		if got := at(n); got != want {
			t.Errorf("second %d: got %s, want %s", n, got, want)
		}
	}
	if h.Facility[3] != nil || len(h.Facility) != len(h.Host) {
		t.Error("facility power is known, or another number of seconds")
	}
	later := p.Status("s", second(70).UnixMilli(), second(80).UnixMilli()).History
	if later.Start != second(71).UnixMilli() || *later.Host[0] != 71 {
		t.Errorf("since second 70: starts at %d", later.Start/1000-base)
	}
	for ; n < 2000; n++ {
		p.says(m, n, 100, well(float64(n), 1)...)
	}
	if h := p.status(2000).History; len(h.Host) != 900 || *h.Host[899] != 1997 || h.Start != second(1997-899).UnixMilli() {
		t.Errorf("%d seconds from %d", len(h.Host), h.Start/1000-base)
	}
	for name, st := range map[string]*live.Status{"nothing heard yet": empty.status(0), "nothing new": p.Status("s", second(9999).UnixMilli(), second(2000).UnixMilli())} {
		b, err := json.Marshal(st.History)
		if err != nil || !strings.Contains(string(b), `"facility":[]`) {
			t.Errorf("%s: %s, %v", name, b, err)
		}
	}
}

func TestAnIntensityIsInForceForAnHour(t *testing.T) {
	p := newPresent(t, nil)
	plant := &machine{name: "plant", layout: &metric.Layout{
		Entities: []metric.Entity{{Kind: metric.Zone, Name: "DE-LU", Parent: -1, Labels: []metric.Pair{{Name: "provider", Value: "x"}, {Name: "tier", Value: "1"}}}},
		Columns: []metric.Column{
			{Metric: metric.GridCarbonIntensity, Form: metric.Float, Point: 0, Count: 1},
			{Metric: metric.GridCarbonIntensity, Form: metric.Float, Point: 1, Count: 1}},
	}}
	m := newMachine("n1", "h01", "r1")
	for n := range 5 {
		p.says(plant, n, 50, of(312, 290)...)
		p.says(m, n, 100, well(1, 1)...)
	}
	if d := cmp.Diff(&live.Grid{GramsPerKWh: 312, Zone: "DE-LU", Factor: "lifecycle", Provider: "x", Tier: "1"}, p.status(5).Grid); d != "" {
		t.Error(d)
	}
	for _, n := range []int{3000, 3700} {
		for k := range 5 {
			p.says(m, n+k, 100, well(1, 1)...)
		}
		if g := p.status(n + 5).Grid; (g != nil) != (n == 3000) {
			t.Errorf("after %d s: %+v", n, g)
		}
	}
}

func TestAStatusIsJSONAndExpectsTheInventory(t *testing.T) {
	p := newPresent(t, map[string]live.Inventory{"s": {Hosts: 4, GPUs: 32}})
	if p.Status("s", 0, 0) != nil {
		t.Error("a site that never spoke has a status")
	}
	m := newMachine("n1", "h01", "r1")
	for n := range 5 {
		p.says(m, n, 100, well(1000, 1)...)
	}
	st := p.status(5)
	b, err := json.Marshal(st)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"hosts":{"expected":4,"reporting":1}`, `"gpus":{"expected":32,"reporting":1}`, `"facility":{"watts":null,"coverage":0,"reason":"no facility meter"}`, `"worst_gpus":[{`, `"grid":null`} {
		if !strings.Contains(string(b), want) {
			t.Errorf("no %s in %s", want, b)
		}
	}
	if st.Power["host"].Coverage != 0.25 {
		t.Errorf("coverage %g of one host of four", st.Power["host"].Coverage)
	}
	if d := cmp.Diff([]string{"s/n1"}, p.Agents("s", "n1")); d != "" {
		t.Error(d)
	}
	if got := p.Agents("t", "n1"); len(got) != 0 {
		t.Errorf("agents of another site: %q", got)
	}
}

// Writers, the clock and readers at once; for the race detector.
func TestItIsReadWhileItIsWritten(t *testing.T) {
	p := newPresent(t, nil)
	ctx, stop := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer stop()
	var wg sync.WaitGroup
	wg.Go(func() { p.Run(ctx) })
	wg.Go(func() {
		m := newMachine("n1", "h01", "r1")
		for n := 0; ctx.Err() == nil; n++ {
			now := time.Now()
			p.Observe("s/n1", "s", m.layout, now.UnixMilli(), well(1, 1), now)
		}
	})
	for range 2 {
		wg.Go(func() {
			for ctx.Err() == nil {
				if st := p.Status("s", 0, time.Now().UnixMilli()); st != nil {
					if _, err := json.Marshal(st); err != nil {
						t.Error(err)
					}
				}
				p.Sites()
				p.Agents("s", "n1")
			}
		})
	}
	wg.Wait()
}
