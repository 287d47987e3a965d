package main_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/grafana/dataplane/sdata/numeric"
	"github.com/grafana/dataplane/sdata/timeseries"
	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/data"
)

// read reads frames as Grafana's alerting does, by their type: labels with the
// newest value, null as NaN's stand-in "null".
func read(t *testing.T, frames data.Frames) map[string]any {
	t.Helper()
	out := map[string]any{}
	put := func(name string, l data.Labels, v *float64) {
		key := name + "{" + l.String() + "}"
		if _, twice := out[key]; twice {
			t.Fatalf("series %s is there twice", key)
		}
		out[key] = "null"
		if v != nil {
			out[key] = *v
		}
	}
	if len(frames) == 0 || frames[0].Meta == nil {
		t.Fatal("no frame, or one without a type")
	}
	if v := frames[0].Meta.TypeVersion; v != (data.FrameTypeVersion{0, 1}) {
		t.Fatalf("type version %v", v)
	}
	if strings.HasPrefix(string(frames[0].Meta.Type), "numeric") {
		r, err := numeric.CollectionReaderFromFrames(frames)
		if err != nil {
			t.Fatal(err)
		}
		c, err := r.GetCollection(false) // as Grafana does; true panics in this version
		if err != nil {
			t.Fatal(err)
		}
		for _, ref := range c.Refs {
			v, _, err := ref.NullableFloat64Value()
			if err != nil {
				t.Fatal(err)
			}
			put(ref.GetMetricName(), ref.GetLabels(), v)
		}
		return out
	}
	r, err := timeseries.CollectionReaderFromFrames(frames)
	if err != nil {
		t.Fatal(err)
	}
	c, err := r.GetCollection(true)
	if err != nil {
		t.Fatal(err)
	}
	if c.Warning != nil {
		t.Fatal(c.Warning)
	}
	for _, ref := range c.Refs {
		n, err := ref.Len()
		if err != nil {
			t.Fatal(err)
		}
		v, err := ref.NullableFloat64Value(n - 1)
		if err != nil {
			t.Fatal(err)
		}
		put(ref.GetMetricName(), ref.GetLabels(), v)
	}
	return out
}

func TestNumbersAreReadAsAlertingReadsThem(t *testing.T) {
	f := newFake(t, "north")
	h, s := start(t), f.source("")
	for _, c := range []struct {
		name string
		q    asked
		kind data.FrameType
		want map[string]any
		says string
		unit string
	}{
		{"power of the site", asked{"queryType": "power_energy"}, data.FrameTypeTimeSeriesMulti,
			map[string]any{"site_power_watts{boundary=facility, site=north}": 1060.0}, "", "watt"},
		{"energy of jobs, an hour not known", asked{"queryType": "power_energy", "measure": "energy", "by": "job", "from": now.Add(-3 * time.Hour)}, data.FrameTypeTimeSeriesMulti,
			map[string]any{"energy{boundary=host, job=j1, site=north, tenant=tenant of north}": 2000.0, "energy{boundary=host, job=j2, site=north, tenant=tenant of north}": 2000.0},
			"2 of 6 intervals are not known: no facility meter", "watth"},
		{"power of jobs is the mean of each hour", asked{"queryType": "power_energy", "by": "job"}, data.FrameTypeTimeSeriesMulti,
			map[string]any{"power{boundary=host, job=j1, site=north, tenant=tenant of north}": 2000.0, "power{boundary=host, job=j2, site=north, tenant=tenant of north}": 2000.0},
			"97.6 % covered", "watt"},
		{"energy in all, in joules", asked{"queryType": "power_energy", "measure": "energy", "shape": "total", "unit": "J"}, data.FrameTypeNumericWide,
			map[string]any{"energy{boundary=facility, site=north}": 7.2e6}, "the energy is 30.5 % integrated, 69.4 % measured", "joule"},
		{"figures, one not known", asked{"queryType": "kpi", "kpis": []string{"pue", "wue"}}, data.FrameTypeNumericWide,
			map[string]any{"pue{site=north}": 1.12, "wue{site=north}": "null"}, "not known: WUE: no water meter", ""},
		{"figures over time", asked{"queryType": "kpi", "shape": "series"}, data.FrameTypeTimeSeriesMulti, map[string]any{"pue{site=north}": 1.12}, "PUE rests on 97.0 % of its time, less than the 99.0 % that it needs", ""},
		{"top", asked{"queryType": "top", "metric": "gpu_temperature_celsius"}, data.FrameTypeNumericLong,
			map[string]any{"value{gpu=0, hall=h1, host=n1, model=H200, rack=r1, site=north, uuid=GPU-a}": 91.0, "value{gpu=1, hall=h1, host=n2, model=H200, rack=r2, site=north, uuid=GPU-b}": 88.0}, "of 7 of 1000 GPUs nothing is known now", ""},
		{"counts", asked{"queryType": "counts"}, data.FrameTypeNumericWide, map[string]any{
			"hosts_expected{site=north}": 125.0, "hosts_reporting{site=north}": 122.0, "gpus_expected{site=north}": 1000.0, "gpus{site=north, state=ok}": 990.0,
			"gpus{site=north, state=lost}": 10.0, "agents_known{site=north}": 0.0, "agents_silent{site=north}": 0.0, "freshness{site=north}": 1.5}, "3 hosts missing: 97.6 % covered", ""},
		{"health as counts", asked{"queryType": "health", "shape": "count", "kind": "gpu", "states": []string{"failed"}}, data.FrameTypeNumericLong,
			map[string]any{"count{kind=gpu, site=north, state=failed}": 1.0}, "", ""},
		{"gaps", asked{"queryType": "reconciliation", "shape": "gap"}, data.FrameTypeNumericLong,
			map[string]any{"percent{name=, site=north, stage=facility}": 2.0, "percent{name=p1, site=north, stage=pdu}": "null"}, "of 1 stages above or below is not known", ""},
		{"alerts as counts", asked{"queryType": "alerts", "shape": "count"}, data.FrameTypeNumericLong,
			map[string]any{"count{site=, state=firing}": 0.0, "count{site=north, state=firing}": 1.0}, "", ""},
		{"PromQL over a range", asked{"queryType": "promql", "expr": `gpu_temperature_celsius{site="north"}`}, data.FrameTypeTimeSeriesMulti,
			map[string]any{"gpu_temperature_celsius{boundary=facility, site=north}": 1060.0}, "", "celsius"},
		{"PromQL at an instant", asked{"queryType": "promql", "mode": "instant", "expr": `sum(rate(x[$__rate_interval]))`}, data.FrameTypeNumericWide,
			map[string]any{"value{boundary=facility, site=north}": 12.0}, "", ""},
		{"PromQL as a table", asked{"queryType": "promql", "mode": "instant", "format": "table", "expr": "x"}, data.FrameTypeNumericLong,
			map[string]any{"value{boundary=facility, site=north}": 12.0}, "", ""},
		{"by code", asked{"queryType": "kpi", "editorMode": "code", "code": `power_energy by=site boundary="facility"`}, data.FrameTypeTimeSeriesMulti,
			map[string]any{"site_power_watts{boundary=facility, site=north}": 1060.0}, "", "watt"},
	} {
		t.Run(c.name, func(t *testing.T) {
			frames := h.one(t, s, c.q)
			if frames[0].Meta.Type != c.kind {
				t.Errorf("type %q, want %q", frames[0].Meta.Type, c.kind)
			}
			if d := cmp.Diff(c.want, read(t, frames)); d != "" {
				t.Errorf("read back (-want +got):\n%s", d)
			}
			if said := notices(frames); !strings.Contains(said, c.says) {
				t.Errorf("notices are %q; want %q in them", said, c.says)
			}
			if c.unit != "" {
				if got := frames[0].Fields[1%len(frames[0].Fields)].Config.Unit; got != c.unit {
					t.Errorf("unit %q, want %q", got, c.unit)
				}
			}
		})
	}
}

func TestRulesSeeWhatPanelsShow(t *testing.T) {
	f := newFake(t, "north")
	h, s := start(t), f.source("")
	for _, q := range []asked{
		{"queryType": "power_energy"}, {"queryType": "kpi"}, {"queryType": "top"}, {"queryType": "counts"},
		{"queryType": "promql", "expr": "rate(x[$__rate_interval])"}, {"queryType": "power_energy", "measure": "energy", "by": "tenant"},
	} {
		panel := h.one(t, s, q)
		r := h.ask(t, s, map[string]string{backend.FromAlertHeaderName: "true"}, q)[0]
		if r.Error != nil {
			t.Fatalf("%v: %v", q, r.Error)
		}
		if d := cmp.Diff(read(t, panel), read(t, r.Frames)); d != "" {
			t.Errorf("%v: the rule reads otherwise (-panel +rule):\n%s", q, d)
		}
	}
	// What is a table to people is numbers to a rule.
	for _, q := range []asked{{"queryType": "health"}, {"queryType": "map"}, {"queryType": "reconciliation"}, {"queryType": "alerts"}, {"queryType": "report_status"}} {
		r := h.ask(t, s, map[string]string{"http_" + backend.FromAlertHeaderName: "true"}, q)[0]
		if r.Error != nil {
			t.Fatalf("%v: %v", q, r.Error)
		}
		if len(read(t, r.Frames)) == 0 {
			t.Errorf("%v: a rule reads nothing", q)
		}
	}
}

// A rule may say neither interval nor points, and watch a few minutes.
func TestRulesWithoutAnInterval(t *testing.T) {
	f := newFake(t, "north")
	h, s := start(t), f.source("")
	for _, q := range []asked{{"queryType": "power_energy"}, {"queryType": "promql", "expr": "x"}, {"queryType": "power_energy", "measure": "energy"}, {"queryType": "kpi", "shape": "series"}} {
		q["interval"], q["maxDataPoints"], q["from"] = time.Duration(0), 0, now.Add(-10*time.Minute)
		r := h.ask(t, s, map[string]string{backend.FromAlertHeaderName: "true"}, q)[0]
		if r.Error != nil {
			t.Errorf("%v: %v", q, r.Error)
			continue
		}
		if n := r.Frames[0].Rows(); n < 1 || n > 61 {
			t.Errorf("%v: %d points of ten minutes", q, n)
		}
		read(t, r.Frames)
	}
}

// $__interval is the distance of the points that are asked for.
func TestTheIntervalIsTheStep(t *testing.T) {
	f := newFake(t, "north")
	h, s := start(t), f.source("")
	h.one(t, s, asked{"queryType": "promql", "expr": "increase(x[$__interval])", "step": "5m", "interval": 15 * time.Second})
	h.one(t, s, asked{"queryType": "promql", "expr": "increase(y[$__interval])", "interval": 2 * time.Second})
	got := strings.Join(f.questions("/api/v1/query_range"), "\n")
	for _, want := range []string{"x%5B5m%5D%29&start=1795345200&step=300", "y%5B10s%5D%29&start=1795345200&step=10"} {
		if !strings.Contains(got, want) {
			t.Errorf("asked %s; want %s in it", got, want)
		}
	}
}

func TestTablesForPeople(t *testing.T) {
	f := newFake(t, "north")
	h, s := start(t), f.source("")
	for _, c := range []struct {
		q    asked
		rows int
		cell string
	}{
		{asked{"queryType": "health"}, 1, "drain the host and restart it"},
		{asked{"queryType": "map"}, 3, "silent"},
		{asked{"queryType": "reconciliation"}, 2, "meter p1"},
		{asked{"queryType": "alerts"}, 2, "GPU lost"},
		{asked{"queryType": "report_status"}, 8, "no water meter: none has role water_total"},
		{asked{"queryType": "kpi", "shape": "table"}, 1, "1, UPS output"},
		{asked{"queryType": "annotations"}, 4, "restated: bill of October"},
		{asked{"queryType": "annotations", "what": []string{"meter"}}, 2, "meter  "},
	} {
		frame := h.one(t, s, c.q)[0]
		if n := frame.Rows(); n != c.rows {
			t.Errorf("%v: %d rows, want %d", c.q, n, c.rows)
		}
		found := false
		for _, field := range frame.Fields {
			for i := range field.Len() {
				if text, ok := field.At(i).(string); ok && strings.Contains(text, c.cell) {
					found = true
				}
			}
		}
		if !found {
			t.Errorf("%v: no cell holds %q", c.q, c.cell)
		}
	}
}

func TestNullStaysNull(t *testing.T) {
	f := newFake(t, "north")
	frames := start(t).one(t, f.source(""), asked{"queryType": "power_energy"})
	values := frames[0].Fields[1]
	nulls := 0
	for i := range values.Len() {
		if values.NilAt(i) {
			nulls++
		}
	}
	if nulls != 1 || !values.NilAt(2) {
		t.Errorf("%d of %d values are null; the third alone is not known", nulls, values.Len())
	}
}

func TestQuestionsThatCannotBeAsked(t *testing.T) {
	f := newFake(t, "north", "south")
	h, s := start(t), f.source("")
	for _, c := range []struct {
		q    asked
		want string
	}{
		{asked{"queryType": "power"}, `queryType "power" is not known; write one of alerts, annotations`},
		{asked{"queryType": "power_energy", "boundry": "it"}, `"boundry" is not known; known are boundary, by`},
		{asked{"queryType": "power_energy", "by": 3}, "by is a number; write a text"},
		{asked{"queryType": "power_energy", "site": "north", "by": "rack", "boundary": "facility"}, "the facility is metered as a whole; write boundary=host or it or gpu, or by=site"},
		{asked{"queryType": "power_energy", "site": "north", "by": "host", "boundary": "it"}, "IT meters stand at UPS and PDU outputs, of racks at the innermost; write boundary=host or gpu, or by=rack"},
		{asked{"queryType": "power_energy", "site": "north", "by": "gpu", "boundary": "host"}, "there is no boundary host by gpu"},
		{asked{"queryType": "power_energy", "site": "north", "by": "job", "boundary": "it"}, "what lies outside the hosts is no job's by any meter; write boundary=host or gpu"},
		{asked{"queryType": "power_energy", "site": "north", "by": "host", "boundary": "gpu"}, "by host there is the power of the whole host"},
		{asked{"queryType": "power_energy", "site": "north", "by": "host", "boundary": "rack"}, `boundary "rack" is not known; write one of host, gpu`},
		{asked{"queryType": "power_energy"}, "which site? Write one of north, south, or * for all"},
		{asked{"queryType": "power_energy", "site": "east"}, `site "east" is not known`},
		{asked{"queryType": "power_energy", "version": 9}, "version is 9; this plugin knows 1"},
		{asked{"queryType": "power_energy", "measure": "energy", "step": "90m"}, "write a whole number of hours"},
		{asked{"queryType": "kpi", "kpis": []string{"pu"}}, `kpi "pu" is not known; write some of pue`},
		{asked{"queryType": "top", "metric": "gpu_watts"}, "is not in the catalogue"},
		{asked{"queryType": "top", "metric": "host_cpu_usage_ratio"}, "metric host_cpu_usage_ratio is of a host; write of=host, or a metric of a gpu"},
		{asked{"queryType": "top", "metric": "gpu_state"}, "gpus cannot be ranked by gpu_state"},
		{asked{"queryType": "live", "site": "north", "by": "rack", "boundary": "facility"}, "the facility is metered as a whole"},
		{asked{"queryType": "promql"}, "the expression is empty"},
		{asked{"queryType": "promql", "expr": "rate(x[$interval])"}, "$interval is not filled in"},
		{asked{"queryType": "power_energy", "by": "rack", "hall": "$hall"}, "hall=$hall is not filled in"},
		{asked{"queryType": "top", "site": "${site:csv}"}, "site=${site:csv} is not filled in"},
		{asked{"queryType": "promql", "expr": "x > $__timeFilter"}, "there is no $__timeFilter"},
		{asked{"queryType": "kpi", "editorMode": "code", "code": "power_energy bye=rack"}, `"bye" is not known; keys of power_energy are`},
		{asked{"queryType": "kpi", "editorMode": "code", "code": `top hall="h 1`}, "a quote is open"},
		{asked{"queryType": "kpi", "editorMode": "code", "code": "top site=north", "version": 9}, "version is 9; this plugin knows 1"},
		{asked{"queryType": "kpi", "editorMode": "code", "code": "top site=north", "filters": []any{map[string]string{"key": "host", "operator": "~", "value": "n1"}}}, `operator of a filter "~" is not known`},
	} {
		r := h.ask(t, s, nil, c.q)[0]
		if r.Error == nil || !strings.Contains(r.Error.Error(), c.want) {
			t.Errorf("%v: error is %v; want %q in it", c.q, r.Error, c.want)
			continue
		}
		if r.Status != backend.StatusBadRequest || r.ErrorSource != backend.ErrorSourceDownstream {
			t.Errorf("%v: status %d of %s", c.q, r.Status, r.ErrorSource)
		}
	}
}

func TestMacrosAreExpandedHere(t *testing.T) {
	f := newFake(t, "north")
	h, s := start(t), f.source("")
	h.one(t, s, asked{"queryType": "promql", "expr": `x[$__interval] y[$__rate_interval] z[$__range] ${__from} $__to ${__to:date:iso} {$__filters}`,
		"filters": []any{map[string]any{"key": "host", "operator": "=|", "values": []string{"n1", "n.2"}}}})
	got := strings.Join(f.questions("/api/v1/query_range"), "\n")
	for _, want := range []string{"x%5B1m%5D", "y%5B1m10s%5D", "z%5B3600s%5D", "1795345200000", "1795348800000", "2026-11-22T12%3A00%3A00.000Z", "host%3D~%22n1%7Cn%5C%5C.2%22"} {
		if !strings.Contains(got, want) {
			t.Errorf("asked %s; want %s in it", got, want)
		}
	}
}

func TestEveryRefIDGetsItsOwnAnswer(t *testing.T) {
	f := newFake(t, "north")
	f.answer("/api/v1/kpi", nil)
	got := start(t).ask(t, f.source(""), nil, asked{"queryType": "power_energy"}, asked{"queryType": "nothing"}, asked{"queryType": "counts"})
	if got[0].Error != nil || got[1].Error == nil || got[2].Error != nil {
		t.Errorf("answers are %v, %v, %v; only the second is wrong", got[0].Error, got[1].Error, got[2].Error)
	}
}

func TestLimitsCutAndSaySo(t *testing.T) {
	f := newFake(t, "north")
	f.racks = 50
	h, s := start(t), f.source("")
	s.json = map[string]any{"limits": map[string]any{"rows": 10, "points": 7, "series": 1}}
	frames := h.one(t, s, asked{"queryType": "map"})
	if n := frames[0].Rows(); n != 10 {
		t.Errorf("%d racks, want 10", n)
	}
	if said := notices(frames); !strings.Contains(said, "10 of 50 racks are shown") {
		t.Errorf("notices are %q", said)
	}
	frames = h.one(t, s, asked{"queryType": "power_energy"})
	if n := frames[0].Rows(); n > 7 || n < 5 {
		t.Errorf("%d points, want at most 7", n)
	}
	frames = h.one(t, s, asked{"queryType": "power_energy", "measure": "energy", "by": "job"})
	if said := notices(frames); len(frames) != 1 || !strings.Contains(said, "1 of 2 series are shown") {
		t.Errorf("%d frames; notices are %q", len(frames), said)
	}
}
