package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/gigawatch/gigawatch/alerts/rule"
	"github.com/gigawatch/gigawatch/alerts/scene"
)

// The types below are promtool's file of unit tests.
type testFile struct {
	RuleFiles          []string   `yaml:"rule_files"`
	EvaluationInterval string     `yaml:"evaluation_interval"`
	Tests              []testCase `yaml:"tests"`
}

type testCase struct {
	Name     string        `yaml:"name"`
	Interval string        `yaml:"interval"`
	Series   []inputSeries `yaml:"input_series"`
	Exprs    []exprTest    `yaml:"promql_expr_test"`
}

type inputSeries struct {
	Series string `yaml:"series"`
	Values string `yaml:"values"`
}

type exprTest struct {
	Expr    string       `yaml:"expr"`
	At      string       `yaml:"eval_time"`
	Samples []testSample `yaml:"exp_samples"`
}

type testSample struct {
	Labels string  `yaml:"labels"`
	Value  float64 `yaml:"value"`
}

const testsHead = `# promtool test rules FILE. Written by go generate ./alerts; do not edit.
`

// writeUnitTests writes, an owner each, what fires a rule and what does not.
func writeUnitTests(rules []rule.Rule, files map[string][]byte) error {
	for _, owner := range rule.Owners() {
		f := testFile{RuleFiles: []string{"../" + string(owner) + ".yaml"}, EvaluationInterval: "1m"}
		for i := range rules {
			r := &rules[i]
			if r.Owner != owner {
				continue
			}
			s, ok := scene.Of(r.Name)
			if !ok {
				return fmt.Errorf("rule %s has no scene", r.Name)
			}
			f.Tests = append(f.Tests, caseOf(r, &s, "fires", true, s.Fires, s.Every, s.At), caseOf(r, &s, "is quiet", false, s.Quiet, s.Every, s.At))
		}
		text, err := asYAML(testsHead, f)
		if err != nil {
			return fmt.Errorf("tests of %s: %w", owner, err)
		}
		files[prometheusDir+"tests/"+string(owner)+".yaml"] = text
	}
	return nil
}

func caseOf(r *rule.Rule, s *scene.Scene, name string, fires bool, series scene.Series, every, at time.Duration) testCase {
	c := testCase{Name: r.Name + " " + name, Interval: lasting(every)}
	ask := exprTest{Expr: `ALERTS{alertname="` + r.Name + `",alertstate="firing"}`, At: lasting(at), Samples: []testSample{}}
	if fires {
		labels := s.Labels(r)
		labels["alertstate"] = "firing"
		var list []string
		for _, l := range slices.Sorted(maps.Keys(labels)) {
			list = append(list, fmt.Sprintf("%s=%q", l, labels[l]))
		}
		ask.Samples = []testSample{{Labels: "ALERTS{" + strings.Join(list, ",") + "}", Value: 1}}
	}
	for _, name := range series.Names() {
		c.Series = append(c.Series, inputSeries{name, series[name]})
	}
	c.Exprs = []exprTest{ask}
	return c
}
