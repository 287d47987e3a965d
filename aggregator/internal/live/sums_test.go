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
		"s/h01/ hall_gpu_temperature_celsius_max{} 71",
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
	if st.Agents.Known != 2 || st.Agents.Silent != 1 || st.Agents.Refused != 0 || st.Hosts != (live.Count{Expected: 2, Reporting: 1}) {
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
		"one of two inputs silent":            {[]string{"grid_input", "grid_input"}, of(100, -1), "facility", "null 0.5 0 1 of 2 grid_input meters is silent"},
		"two of three inputs silent":          {[]string{"grid_input", "grid_input", "grid_input"}, of(-1, 100, -1), "facility", "null 0.3333333333333333 0 2 of 3 grid_input meters are silent"},
		"one silent of each kind":             {[]string{"grid_input", "grid_input", "generator_output"}, of(100, -1, -1), "facility", "null 0.3333333333333333 0 1 of 2 grid_input meters is silent, the generator_output meter is silent"},
		"the export meter silent":             {[]string{"grid_input", "export"}, of(100, -1), "facility", "null 0.5 0 the export meter is silent"},
		"all inputs silent":                   {[]string{"grid_input", "export"}, of(-1, 7), "facility", "null 0.5 0 the grid_input meter is silent"},
		"everything silent":                   {[]string{"grid_input", "export"}, of(-1, -1), "facility", "null 0 0 facility meters are silent"},
		"one input counts energy only":        {[]string{"grid_input", "grid_input energy"}, of(100, 7), "facility", "null 0.5 0 1 of 2 grid_input meters does not say its power"},
		"one of two UPS silent":               {[]string{"ups_output", "ups_output", "it_input"}, of(60, -1, 80), "it", "null 0.5 1 1 of 2 ups_output meters is silent"},
		"one of two PDUs silent":              {[]string{"it_input", "pdu_output@r1", "pdu_output@r2"}, of(80, 45, -1), "it", "null 0.5 2 1 of 2 pdu_output meters is silent"},
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

func TestARollUpEndsWithTheSecondInWhichAMeterIsMissed(t *testing.T) {
	p := newPresent(t, nil)
	grid, pdus := meters("plant", "grid_input", "export"), meters("pdus", "pdu_output@r1", "pdu_output@r1", "pdu_output@r2")
	for n := range 12 {
		of2, export := 40.0, 1.0
		if n >= 2 && n < 7 { // held for two seconds
			of2, export = -1, -1
		}
		p.says(grid, n, 100, of(101, export)...)
		p.says(pdus, n, 100, of(30, of2, 20)...)
		p.says(newMachine("n1", "h01", "r1"), n, 120, well(60, 50)...)
		if n == 7 { // second 5 is closed
			st := p.status(n)
			h := st.Halls[0]
			if r := h.Racks[0]; r.Watts != nil || r.Boundary != "it" || r.State != "warn" || r.Reason != "1 of 2 pdu_output meters is silent" {
				t.Errorf("rack %+v", r)
			}
			if r := h.Racks[1]; r.Watts == nil || *r.Watts != 20 || r.State != "ok" || r.Reason != "" {
				t.Errorf("the other rack %+v", r)
			}
			if h.Watts != nil || h.Reason != "1 of 3 pdu_output meters is silent" {
				t.Errorf("hall %+v", h)
			}
			if f := st.Power["facility"]; f.Reason != "the export meter is silent" {
				t.Errorf("facility %+v", f)
			}
		}
	}
	lines := p.take("")
	for series, want := range map[string]string{
		"s// site_power_watts{facility}":              "2 100, 3 100, 4 NaN, 7 100, 8 100",
		"s// site_power_watts{it}":                    "2 90, 3 90, 4 NaN, 7 90, 8 90",
		"s/h01/ hall_power_watts{it}":                 "2 90, 3 90, 4 NaN, 7 90, 8 90",
		"s/h01/r1 rack_power_watts{it}":               "2 70, 3 70, 4 NaN, 7 70, 8 70",
		"s/h01/r2 rack_power_watts{it}":               "2 20, 3 20, 4 20, 5 20, 6 20, 7 20, 8 20",
		"s/h01/r1 rack_power_watts{host}":             "2 60, 3 60, 4 60, 5 60, 6 60, 7 60, 8 60",
		"s// site_power_watts{gpu}":                   "2 50, 3 50, 4 50, 5 50, 6 50, 7 50, 8 50",
		"s/h01/ hall_power_watts{host}":               "2 60, 3 60, 4 60, 5 60, 6 60, 7 60, 8 60",
		"s/h01/r2 rack_power_watts{host}":             "",
		"s/h01/r2 rack_power_watts{gpu}":              "",
		"s/h01/r1 rack_gpu_temperature_celsius_max{}": "2 60, 3 60, 4 60, 5 60, 6 60, 7 60, 8 60",
	} {
		var got []string
		for _, l := range lines {
			if at, rest, _ := strings.Cut(l, " "); strings.HasPrefix(rest, series+" ") && len(at) == 1 && at >= "2" && at <= "8" {
				got = append(got, at+strings.TrimPrefix(rest, series))
			}
		}
		if got := strings.Join(got, ", "); got != want {
			t.Errorf("%s: %q, want %q", series, got, want)
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
