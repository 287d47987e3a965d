package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/grafana/grafana-foundation-sdk/go/alerting"
	"github.com/grafana/grafana-foundation-sdk/go/cog/variants"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/expr"

	"github.com/gigawatch/gigawatch/alerts/rule"
)

const grafanaDir = "deploy/grafana/provisioning/alerting/"

const grafanaHead = `# Alert rules for Grafana over the data source gigawatch: for who has Grafana's
# alerting and no Alertmanager. The aggregator sends the same alerts by itself; do
# not have both call people: there the aggregator's own alerts are in the store too,
# and what stays at a bound goes on by them. At more than some ten thousand GPUs leave out the groups of hosts and
# GPUs, whose queries look at each of them: gigawatch-health says how many need a
# person, at any size. Written by go generate ./alerts; do not edit.
`

// The types below are Grafana's file of alert rules.
type grafanaFile struct {
	APIVersion int            `yaml:"apiVersion"`
	Groups     []grafanaGroup `yaml:"groups"`
}

type grafanaGroup struct {
	OrgID    int           `yaml:"orgId"`
	Name     string        `yaml:"name"`
	Folder   string        `yaml:"folder"`
	Interval string        `yaml:"interval"`
	Rules    []grafanaRule `yaml:"rules"`
}

type grafanaRule struct {
	UID           string            `yaml:"uid"`
	Title         string            `yaml:"title"`
	Condition     string            `yaml:"condition"`
	Data          []any             `yaml:"data"`
	For           string            `yaml:"for"`
	KeepFiringFor string            `yaml:"keepFiringFor"`
	NoDataState   string            `yaml:"noDataState"`
	ExecErrState  string            `yaml:"execErrState"`
	Labels        map[string]string `yaml:"labels"`
	Annotations   map[string]string `yaml:"annotations"`
}

// A sourceQuery is a question to the data source, as the plugin reads it.
type sourceQuery struct {
	RefID      string               `json:"refId"`
	QueryType  string               `json:"queryType"`
	Datasource common.DataSourceRef `json:"datasource"`
	Version    int                  `json:"version"`
	Site       string               `json:"site"`
	Expr       string               `json:"expr,omitempty"`
	Mode       string               `json:"mode,omitempty"`
	Shape      string               `json:"shape,omitempty"`
	Kind       string               `json:"kind,omitempty"`
	States     []string             `json:"states,omitempty"`
}

// ImplementsDataqueryVariant lets the SDK carry it.
func (sourceQuery) ImplementsDataqueryVariant() {}

// Equals lets the SDK compare it.
func (q sourceQuery) Equals(other variants.Dataquery) bool {
	o, ok := other.(sourceQuery)
	return ok && fmt.Sprint(q) == fmt.Sprint(o)
}

// Validate lets the SDK check it: the plugin does.
func (sourceQuery) Validate() error { return nil }

// DataqueryType names the data source.
func (sourceQuery) DataqueryType() string { return sourceType }

const (
	sourceUID  = "gigawatch"
	sourceType = "gigawatch-gigawatch-datasource"
	exprUID    = "__expr__"
)

// chainOf asks a question, makes a number a series of it, and is true where there is
// one and, with more than a number, where it is above zero.
func chainOf(q sourceQuery, positive bool) (condition string, data []any, err error) {
	q.RefID, q.Datasource, q.Version, q.Site = "A", common.DataSourceRef{Type: ptr(sourceType), Uid: ptr(sourceUID)}, 1, "*"
	inner := &common.DataSourceRef{Type: ptr(exprUID), Uid: ptr(exprUID)}
	is := "is_number($B)"
	if positive {
		is = "$B"
	}
	for _, x := range []struct {
		ref, source string
		model       variants.Dataquery
	}{
		{"A", sourceUID, q},
		{"B", exprUID, &expr.TypeReduce{Datasource: inner, RefId: ptr("B"), Type: "reduce", Expression: "A", Reducer: expr.TypeReduceReducerLast}},
		{"C", exprUID, &expr.TypeMath{Datasource: inner, RefId: ptr("C"), Type: "math", Expression: is}},
		{"D", exprUID, &expr.TypeThreshold{Datasource: inner, RefId: ptr("D"), Type: "threshold", Expression: "C", Conditions: []expr.ExprTypeThresholdConditions{
			{Evaluator: expr.ExprTypeThresholdConditionsEvaluator{Type: expr.ExprTypeThresholdConditionsEvaluatorTypeGt, Params: []float64{0}}}}}},
	} {
		ask := alerting.Query{
			RefId: ptr(x.ref), DatasourceUid: ptr(x.source), Model: x.model,
			RelativeTimeRange: &alerting.RelativeTimeRange{From: ptr(alerting.Duration(600)), To: ptr(alerting.Duration(0))},
		}
		if x.ref == "A" {
			ask.QueryType = ptr(q.QueryType)
		}
		plain, err := asPlain(ask)
		if err != nil {
			return "", nil, fmt.Errorf("query %s: %w", x.ref, err)
		}
		data = append(data, plain)
	}
	return "D", data, nil
}

func ptr[T any](v T) *T { return &v }

// asPlain is v as its JSON says it.
func asPlain(v any) (any, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	var out any
	return out, json.Unmarshal(text, &out)
}

func writeGrafana(rules []rule.Rule, files map[string][]byte) error {
	f := grafanaFile{APIVersion: 1}
	groups := map[string]int{}
	for i := range rules {
		r := &rules[i]
		every := time.Minute
		if r.Severity == rule.Critical && r.Level != rule.GPU && r.Level != rule.Host {
			every = 10 * time.Second // the shortest that Grafana takes
		}
		name := fmt.Sprintf("gigawatch-%s-%s-%s", r.Owner, r.Level, lasting(every))
		g, ok := groups[name]
		if !ok {
			g = len(f.Groups)
			groups[name] = g
			f.Groups = append(f.Groups, grafanaGroup{OrgID: 1, Name: name, Folder: "Gigawatch", Interval: lasting(every)})
		}
		x, err := grafanaOf(r, every)
		if err != nil {
			return fmt.Errorf("rule %s: %w", r.Name, err)
		}
		f.Groups[g].Rules = append(f.Groups[g].Rules, x)
	}
	counted, err := healthGroup()
	if err != nil {
		return err
	}
	f.Groups = append(f.Groups, counted)
	files[grafanaDir+"rules.yaml"], err = asYAML(grafanaHead, f)
	return err
}

func grafanaOf(r *rule.Rule, every time.Duration) (grafanaRule, error) {
	condition, data, err := chainOf(sourceQuery{QueryType: "promql", Expr: r.Expr(), Mode: "instant"}, false)
	x := grafanaRule{
		UID: "gigawatch-" + strings.ToLower(r.Name), Title: r.Name, Condition: condition, Data: data,
		For: lastingOf(r.For, every), KeepFiringFor: lastingOf(r.Hold, every),
		NoDataState: "OK", ExecErrState: "KeepLast", Labels: labelsOf(r), Annotations: map[string]string{},
	}
	if r.Name == "TelemetryBlind" { // one of them says that the data source does not answer
		x.ExecErrState = "Error"
	}
	for name, text := range annotationsOf(r) { // there $value is a text about all queries
		x.Annotations[name] = strings.ReplaceAll(text, "$value", "$values.B.Value")
	}
	return x, err
}

// lastingOf is d in whole evaluations.
func lastingOf(d, every time.Duration) string {
	d = (d + every - 1) / every * every
	if d == 0 {
		return "0s"
	}
	return lasting(d)
}

// healthGroup counts GPUs and hosts that need a person, out of the present.
func healthGroup() (grafanaGroup, error) {
	g := grafanaGroup{OrgID: 1, Name: "gigawatch-health", Folder: "Gigawatch", Interval: "1m"}
	for _, k := range []struct{ title, kind, what string }{
		{"GPUsNeedAPerson", "gpu", "GPUs"}, {"HostsNeedAPerson", "host", "hosts"},
	} {
		condition, data, err := chainOf(sourceQuery{QueryType: "health", Shape: "count", Kind: k.kind, States: []string{"failed"}}, true)
		if err != nil {
			return g, fmt.Errorf("rule %s: %w", k.title, err)
		}
		g.Rules = append(g.Rules, grafanaRule{
			UID: "gigawatch-" + strings.ToLower(k.title), Title: k.title, Condition: condition, Data: data, For: "1m", KeepFiringFor: "5m",
			NoDataState: "OK", ExecErrState: "KeepLast", Labels: map[string]string{"severity": "warning", "owner": string(rule.GPUs)},
			Annotations: map[string]string{
				"summary":     "{{ $values.B.Value }} " + k.what + " of {{ $labels.site }} have failed",
				"evidence":    "Counted by the health judgement, each with its cause and what to do.",
				"do":          "See which on the GPU health board.",
				"runbook_url": books, "dashboard": "/d/gigawatch-gpu-health?var-site={{ $labels.site | urlquery }}",
			},
		})
	}
	return g, nil
}
