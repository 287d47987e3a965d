package main_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/data"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden compares got with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s differs (-want +got); -update rewrites it:\n%s", path, d)
	}
}

// told is an answer as people see it: each frame with its type and notices, each
// column with its labels, name, unit and values.
func told(b *strings.Builder, r backend.DataResponse) {
	if r.Error != nil {
		fmt.Fprintf(b, "  error %d of %s: %v\n", r.Status, r.ErrorSource, r.Error)
		return
	}
	for _, f := range r.Frames {
		fmt.Fprintf(b, "  %s %d.%d", f.Meta.Type, f.Meta.TypeVersion[0], f.Meta.TypeVersion[1])
		if f.Name != "" {
			fmt.Fprintf(b, " %q", f.Name)
		}
		b.WriteString("\n")
		if f.Meta.Channel != "" {
			fmt.Fprintf(b, "    channel: %s\n", f.Meta.Channel)
		}
		if f.Meta.ExecutedQueryString != "" {
			fmt.Fprintf(b, "    executed: %s\n", strings.ReplaceAll(f.Meta.ExecutedQueryString, "\n", " | "))
		}
		for _, n := range f.Meta.Notices {
			fmt.Fprintf(b, "    %v: %s\n", n.Severity, n.Text)
		}
		for _, field := range f.Fields {
			column(b, field)
		}
	}
}

func column(b *strings.Builder, f *data.Field) {
	fmt.Fprintf(b, "    %s", f.Name)
	if len(f.Labels) > 0 {
		fmt.Fprintf(b, "{%s}", f.Labels)
	}
	if c := f.Config; c != nil {
		fmt.Fprintf(b, " %q", c.DisplayNameFromDS)
		if c.Unit != "" {
			fmt.Fprintf(b, " [%s]", c.Unit)
		}
		if c.Description != "" {
			fmt.Fprintf(b, " (%s)", c.Description)
		}
		if c.Min != nil {
			fmt.Fprintf(b, " from %v", *c.Min)
		}
		if c.Max != nil {
			fmt.Fprintf(b, " to %v", *c.Max)
		}
		if c.Thresholds != nil {
			raw, _ := json.Marshal(c.Thresholds.Steps) // of numbers and words
			fmt.Fprintf(b, " thresholds %s", raw)
		}
		if len(c.Mappings) > 0 {
			b.WriteString(" coloured by what it says")
		}
	}
	values := make([]string, f.Len())
	for i := range values {
		values[i] = value(f, i)
	}
	if n := len(values); n > 6 {
		values = slices.Concat(values[:4], []string{fmt.Sprintf("… %d in all …", n)}, values[n-1:])
	}
	fmt.Fprintf(b, ": %s\n", strings.Join(values, " | "))
}

func value(f *data.Field, i int) string {
	v, ok := f.ConcreteAt(i)
	if !ok {
		return "null"
	}
	if t, ok := v.(time.Time); ok {
		return t.UTC().Format("2006-01-02T15:04:05Z")
	}
	return fmt.Sprint(v)
}

// What every question of the builder is answered with, as panels and rules get
// it. A change of what they would see is a change of a file.
func TestAnswersAreAsRecorded(t *testing.T) {
	f := newFake(t, "north")
	two := newFake(t, "north", "south")
	h := start(t)
	all := map[string][]asked{
		"power": {
			{}, {"boundary": "it"}, {"by": "hall"}, {"by": "rack", "boundary": "it"}, {"by": "host"}, {"by": "gpu"}, {"by": "gpu", "host": "n1"}, {"by": "job"}, {"by": "tenant", "boundary": "gpu"},
			{"by": "rack", "limit": 1}, {"by": "rack", "boundary": "facility"},
		},
		"energy": {
			{"measure": "energy"}, {"measure": "energy", "by": "rack", "shape": "total"}, {"measure": "energy", "by": "gpu", "shape": "total", "unit": "J"},
			{"measure": "energy", "by": "job", "step": "1h"}, {"measure": "energy", "by": "job", "boundary": "facility"},
		},
		"kpi":            {{}, {"kpis": []string{"pue", "wue", "carbon_location", "cost"}}, {"shape": "series"}, {"shape": "table", "kpis": []string{"pue", "wue"}}, {"period": "today", "kpis": []string{"cfe"}}},
		"health":         {{}, {"shape": "count"}, {"shape": "needing"}, {"states": []string{"watch"}}},
		"top":            {{}, {"of": "host", "metric": "host_cpu_usage_ratio"}, {"of": "rack"}, {"metric": "gpu_temperature_celsius", "order": "asc"}},
		"map":            {{}, {"shape": "tiles"}, {"shape": "tiles", "words": 2}, {"words": 2}, {"value": "temperature"}, {"value": "gpus_not_ok"}, {"value": "hosts_silent"}, {"value": "utilization"}},
		"counts":         {{}, {"shape": "table"}},
		"reconciliation": {{}, {"shape": "gap"}},
		"alerts":         {{}, {"shape": "count"}},
		"report_status":  {{}, {"shape": "issues"}, {"shape": "steps"}, {"shape": "open"}},
		"promql": {
			{"expr": "gpu_temperature_celsius"}, {"expr": `rack_power_watts{boundary="it"}`}, {"expr": "sum(x)", "mode": "instant"}, {"expr": "x", "mode": "instant", "format": "table", "unit": "bytes"},
			{"expr": "rate(x[$__rate_interval])", "legend": "{{site}} by {{boundary}}", "step": "5m"},
		},
		"annotations": {{}},
		"live":        {{}, {"boundary": "facility"}, {"by": "rack"}},
	}
	for name, questions := range all {
		t.Run(name, func(t *testing.T) {
			var b strings.Builder
			for _, q := range questions {
				written, err := json.Marshal(q)
				if err != nil {
					t.Fatal(err)
				}
				sent := asked{"queryType": name, "from": now.Add(-3 * time.Hour), "interval": 5 * time.Minute}
				if name == "power" || name == "energy" {
					sent["queryType"] = "power_energy"
				}
				for k, v := range q {
					sent[k] = v
				}
				s := &source{uid: "one", url: f.URL}
				fmt.Fprintf(&b, "%s %s\n", name, written)
				panel := &strings.Builder{}
				told(panel, h.ask(t, s, nil, sent)[0])
				b.WriteString(panel.String())
				rule := &strings.Builder{}
				told(rule, h.ask(t, s, map[string]string{backend.FromAlertHeaderName: "true"}, sent)[0])
				if rule.String() != panel.String() {
					b.WriteString("a rule gets\n" + rule.String())
				}
				b.WriteString("\n")
			}
			if name != "live" {
				sent := asked{"queryType": name, "site": "*", "expr": "x"}
				if name != "promql" {
					delete(sent, "expr")
				}
				if name == "power" || name == "energy" {
					sent["queryType"], sent["measure"] = "power_energy", name
				}
				fmt.Fprintf(&b, "%s of two sites\n", name)
				told(&b, h.ask(t, &source{uid: "two", url: two.URL}, nil, sent)[0])
			}
			golden(t, "answer_"+name+".txt", b.String())
		})
	}
}
