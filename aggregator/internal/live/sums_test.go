package live_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gigawatch/gigawatch/aggregator/internal/live"
	"github.com/gigawatch/gigawatch/collector/metric"
)

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
