package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/gigawatch/gigawatch/alerts/rule"
)

const prometheusDir = "alerts/prometheus/"

const prometheusHead = `# Rules for Prometheus 2.42 and newer, vmalert and Mimir, over what Gigawatch writes
# by remote write and shows at /metrics. The aggregator evaluates the same table by
# itself, faster: load these where it is not to be relied on alone, not beside it
# into one Alertmanager. Written by go generate ./alerts; do not edit.
`

// The types below are Prometheus' file of rules.
type ruleFile struct {
	Groups []ruleGroup `yaml:"groups"`
}

type ruleGroup struct {
	Name     string     `yaml:"name"`
	Interval string     `yaml:"interval"`
	Rules    []promRule `yaml:"rules"`
}

type promRule struct {
	Alert         string            `yaml:"alert"`
	Expr          string            `yaml:"expr"`
	For           string            `yaml:"for,omitempty"`
	KeepFiringFor string            `yaml:"keep_firing_for,omitempty"`
	Labels        map[string]string `yaml:"labels"`
	Annotations   map[string]string `yaml:"annotations"`
}

// books is where the runbook is read.
const books = "https://github.com/gigawatch/gigawatch/blob/main/alerts/RUNBOOK.md"

func runbookOf(r *rule.Rule) string { return books + "#" + strings.ToLower(r.Name) }

// writePrometheus writes a file an owner, with a group a level in it.
func writePrometheus(rules []rule.Rule, files map[string][]byte) error {
	for _, owner := range rule.Owners() {
		var f ruleFile
		groups := map[rule.Level]int{}
		for i := range rules {
			r := &rules[i]
			if r.Owner != owner {
				continue
			}
			g, ok := groups[r.Level]
			if !ok {
				g = len(f.Groups)
				groups[r.Level] = g
				f.Groups = append(f.Groups, ruleGroup{Name: fmt.Sprintf("gigawatch-%s-%s", owner, r.Level), Interval: intervalOf(r.Level)})
			}
			f.Groups[g].Rules = append(f.Groups[g].Rules, promRule{
				Alert: r.Name, Expr: r.Expr(), For: lasting(r.For), KeepFiringFor: lasting(r.Hold),
				Labels: labelsOf(r), Annotations: annotationsOf(r),
			})
		}
		text, err := asYAML(prometheusHead, f)
		if err != nil {
			return fmt.Errorf("rules of %s: %w", owner, err)
		}
		files[prometheusDir+string(owner)+".yaml"] = text
	}
	return nil
}

// intervalOf is how often rules of a level are evaluated: those of devices cost most
// of a second at 100,000 of them.
func intervalOf(l rule.Level) string {
	if l == rule.GPU || l == rule.Host {
		return "15s"
	}
	return "5s"
}

func labelsOf(r *rule.Rule) map[string]string {
	return map[string]string{"severity": r.Severity.String(), "owner": string(r.Owner)}
}

func annotationsOf(r *rule.Rule) map[string]string {
	return map[string]string{
		"summary": r.Summary, "evidence": r.Evidence, "do": r.Do, "runbook_url": runbookOf(r),
		"dashboard": "/d/" + r.Board + variablesOf(r),
	}
}

// variablesOf chooses on a dashboard what an alert is of.
func variablesOf(r *rule.Rule) string {
	var chosen string
	for _, l := range r.Level.Labels() {
		switch l {
		case "site":
			chosen = "?var-site={{ $labels.site | urlquery }}"
		case "hall", "rack", "host", "gpu":
			chosen += fmt.Sprintf("{{ with $labels.%s }}&var-%s={{ . | urlquery }}{{ end }}", l, l)
		}
	}
	return chosen
}

// lasting is d as Prometheus writes it.
func lasting(d time.Duration) string {
	if d == 0 {
		return ""
	}
	out := ""
	for _, u := range []struct {
		name string
		of   time.Duration
	}{{"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}} {
		if n := d / u.of; n > 0 {
			out += fmt.Sprintf("%d%s", n, u.name)
			d -= n * u.of
		}
	}
	return out
}
