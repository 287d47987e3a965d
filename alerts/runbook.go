package main

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/gigawatch/gigawatch/alerts/rule"
)

const (
	runbookFile = "alerts/RUNBOOK.md"
	factsBegin  = "<!-- of the table, by go generate ./alerts -->"
	factsEnd    = "<!-- until here -->"
)

var (
	factsBlock = regexp.MustCompile(`(?s)\n` + regexp.QuoteMeta(factsBegin) + `.*?` + regexp.QuoteMeta(factsEnd) + `\n`)
	section    = regexp.MustCompile(`(?m)^## (\w+)\n`)
)

// withFacts is the runbook with what the table says of each rule at the end of its
// section.
func withFacts(book []byte, rules []rule.Rule) ([]byte, error) {
	text := factsBlock.ReplaceAllString(string(book), "")
	heads := section.FindAllStringSubmatchIndex(text, -1)
	var b strings.Builder
	var errs []error
	at := 0
	for k, h := range heads {
		end := len(text)
		if k+1 < len(heads) {
			end = heads[k+1][0]
		}
		name := text[h[2]:h[3]]
		b.WriteString(strings.TrimRight(text[at:end], "\n") + "\n")
		at = end
		i := slices.IndexFunc(rules, func(r rule.Rule) bool { return r.Name == name })
		if i < 0 {
			errs = append(errs, fmt.Errorf("the runbook has a section %s, and the table no such rule", name))
			continue
		}
		b.WriteString("\n" + factsBegin + "\n" + facts(&rules[i]) + factsEnd + "\n")
		if end < len(text) {
			b.WriteString("\n")
		}
	}
	b.WriteString(text[at:])
	return []byte(b.String()), errors.Join(errs...)
}

// facts is what the table says of a rule, and how it is silenced.
func facts(r *rule.Rule) string {
	after := "at once"
	if r.For > 0 {
		after = "after " + lasting(r.For)
	}
	also := ""
	if r.Direct {
		also = " · goes the direct way as well"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "**%s**, to %s · fires %s, until %s after it is over · dashboard [%s](/d/%s)%s\n\n", r.Severity, r.Owner, after, lasting(r.Hold), r.Board, r.Board, also)
	if slices.ContainsFunc(causes(r), func(c string) bool { return strings.HasPrefix(c, "xid_") }) {
		b.WriteString("What an XID told, the aggregator keeps until a reset, or a person says so; PromQL ends it after ten minutes.\n\n")
	}
	fmt.Fprintf(&b, "<details><summary>What is looked at</summary>\n\n%s```promql\n%s\n```\n\n</details>\n\n", looked(r), r.Expr())
	if !slices.Contains([]string{"Watchdog", "CanaryMissed", "AlertsCapped", "AlertsUndelivered"}, r.Name) {
		fmt.Fprintf(&b, "Silence: `amtool silence add --author=\"$USER\" --duration=4h --comment=\"why, ticket\" alertname=%s%s`\n", r.Name, matchers(r))
	}
	return b.String()
}

func causes(r *rule.Rule) []string {
	if r.Judged == nil {
		return nil
	}
	return r.Judged.Causes
}

// looked is what the aggregator looks at in place of PromQL.
func looked(r *rule.Rule) string {
	switch {
	case r.Judged != nil:
		s := "The aggregator: findings of the health judgement with cause " + strings.Join(r.Judged.Causes, ", ")
		if len(r.Judged.States) > 0 {
			s += ", of state " + strings.Join(r.Judged.States, ", ")
		}
		if len(r.Judged.Actions) > 0 {
			s += ", with action " + strings.Join(r.Judged.Actions, ", ")
		}
		return s + ". Any Prometheus:\n\n"
	case r.Watch != nil:
		return "The aggregator: each value as it passes, " + watched(r) + ". Any Prometheus:\n\n"
	}
	return ""
}

func matchers(r *rule.Rule) string {
	out := ""
	for _, l := range slices.Concat(r.Level.Labels(), r.Extra) {
		if l == "uuid" { // the place stays when the board is changed
			continue
		}
		out += " " + l + "=" + strings.ToUpper(l)
	}
	return out
}
