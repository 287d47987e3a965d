package main

import (
	"context"
	"flag"
	"fmt"
	"net/url"
	"os"
	"regexp"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/prometheus/prometheus/template"

	"github.com/gigawatch/gigawatch/alerts/rule"
	"github.com/gigawatch/gigawatch/alerts/scene"
)

var update = flag.Bool("update", false, "rewrite testdata")

// What a person is sent, of every rule, is read in testdata/texts.txt.
func TestTextsReadAsTheyShould(t *testing.T) {
	t.Parallel()
	const file = "testdata/texts.txt"
	engine := promql.NewEngine(promql.EngineOpts{MaxSamples: 1e6, Timeout: time.Minute, LookbackDelta: 5 * time.Minute, Parser: parser.NewParser(parser.Options{})})
	defer engine.Close()
	var b strings.Builder
	for _, r := range rule.Table() {
		s, _ := scene.Of(r.Name)
		for _, quiet := range []bool{true, false} {
			series := s.Fires
			if quiet {
				series = s.Quiet
			}
			found := ask(t, engine, &r, &s, series)
			if quiet {
				if len(found) > 0 {
					t.Errorf("%s: what should be quiet returns %v", r.Name, found)
				}
				continue
			}
			if len(found) != 1 {
				t.Errorf("%s: what should fire one alert returns %v", r.Name, found)
				continue
			}
			if got, want := found[0].Metric.Map(), without(s.Labels(&r), "alertname", "severity", "owner"); !cmp.Equal(got, want) {
				t.Errorf("%s: labels: want -, got +\n%s", r.Name, cmp.Diff(want, got))
			}
			fmt.Fprintf(&b, "%s\n", text(t, &r, found[0]))
		}
	}
	if *update {
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("%s, which -update rewrites: want -, got +\n%s", file, diff)
	}
}

func ask(t *testing.T, engine *promql.Engine, r *rule.Rule, s *scene.Scene, series scene.Series) promql.Vector {
	t.Helper()
	load := "load " + lasting(s.Every) + "\n"
	for _, name := range series.Names() {
		load += "  " + name + " " + series[name] + "\n"
	}
	store := promqltest.LoadedStorage(t, load)
	defer store.Close()
	q, err := engine.NewInstantQuery(context.Background(), store, nil, r.Expr(), time.Unix(0, 0).Add(s.At))
	if err != nil {
		t.Fatalf("%s: %v", r.Name, err)
	}
	defer q.Close()
	v, err := q.Exec(t.Context()).Vector()
	if err != nil {
		t.Fatalf("%s: %v", r.Name, err)
	}
	out := make(promql.Vector, len(v))
	copy(out, v)
	return out
}

func without(m map[string]string, names ...string) map[string]string {
	for _, n := range names {
		delete(m, n)
	}
	return m
}

// text is what an alert says of itself, annotation by annotation.
func text(t *testing.T, r *rule.Rule, s promql.Sample) string {
	t.Helper()
	annotations := annotationsOf(r)
	names := []string{}
	for n := range annotations {
		names = append(names, n)
	}
	sort.Slice(names, func(i, j int) bool { return order[names[i]] < order[names[j]] })
	var b strings.Builder
	fmt.Fprintf(&b, "%s (%s, to %s)\n", r.Name, r.Severity, r.Owner)
	for _, n := range names {
		said, err := expanded(t, annotations[n], s, "missingkey=error")
		if err != nil {
			t.Errorf("%s: %s: %v", r.Name, n, err)
		}
		if regexp.MustCompile(`no value|%!|NaN|Inf|\{\{`).MatchString(said) {
			t.Errorf("%s: %s reads %q", r.Name, n, said)
		}
		if n == "summary" && len([]rune(said)) > 100 {
			t.Errorf("%s: the summary does not fit on a phone: %q", r.Name, said)
		}
		fmt.Fprintf(&b, "  %s: %s\n", n, said)
	}
	return b.String()
}

func expanded(t *testing.T, text string, s promql.Sample, missing string) (string, error) {
	t.Helper()
	data := template.AlertTemplateData(s.Metric.Map(), nil, "", s)
	head := `{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}{{$externalURL := .ExternalURL}}{{$value := .Value}}`
	return template.NewTemplateExpander(t.Context(), head+text, "alert", data, model.Time(0), nil, &url.URL{}, []string{missing}).Expand()
}

// What stands in no hall or rack has no such label, and its text no hole there.
// A board has an index or a uuid.
func TestTextsHaveNoHoles(t *testing.T) {
	hole := regexp.MustCompile(`no value|nil|[( ] |\(\)| [),.;:]|[&?]var-\w+=(&|$)|^ | $`)
	for _, r := range rule.Table() {
		may := map[rule.Level][]string{
			rule.Host: {"hall", "rack", "host"}, rule.GPU: {"hall", "rack", "host", "gpu"}, rule.Meter: {"hall", "rack"}, rule.Point: {"hall", "rack"}, rule.Rack: {"hall", "rack"}, rule.Hall: {"hall"},
		}[r.Level]
		s, _ := scene.Of(r.Name)
		for some := range 1 << len(may) {
			is := s.Labels(&r)
			for i, l := range may {
				if some>>i&1 == 1 {
					delete(is, l)
				}
			}
			for name, text := range annotationsOf(&r) {
				for _, missing := range []string{"missingkey=zero", "missingkey=invalid"} { // Prometheus', Grafana's
					said, err := expanded(t, text, promql.Sample{Metric: labels.FromMap(is), F: 1}, missing)
					if err != nil || hole.MatchString(said) {
						t.Errorf("%s: of %v its %s reads %q: %v", r.Name, is, name, said, err)
					}
				}
			}
		}
	}
}

var order = map[string]int{"summary": 1, "evidence": 2, "do": 3, "runbook_url": 4, "dashboard": 5}
