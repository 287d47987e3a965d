package main

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/promql/parser"

	"github.com/gigawatch/gigawatch/alerts/rule"
	"github.com/gigawatch/gigawatch/collector/metric"
)

func TestTheRunbookHasAWholeSectionOfEachRule(t *testing.T) {
	book, err := os.ReadFile("RUNBOOK.md")
	if err != nil {
		t.Fatal(err)
	}
	text := string(book)
	var names, sections []string
	for _, r := range rule.Table() {
		names = append(names, r.Name)
		_, after, found := strings.Cut(text, "\n## "+r.Name+"\n")
		if !found {
			t.Errorf("%s has no section", r.Name)
			continue
		}
		own, _, _ := strings.Cut(after, "\n## ")
		last := 0
		for _, part := range []string{"**Means** ", "**At stake** ", "**Look** ", "**Do** ", "**Escalate** ", "**Over** when "} {
			at := strings.Index(own, "\n- "+part)
			if at < last {
				t.Errorf("%s lacks %q in its place", r.Name, part)
			}
			last = max(at, 0)
		}
	}
	for _, m := range section.FindAllStringSubmatch(text, -1) {
		sections = append(sections, m[1])
	}
	if !slices.Equal(names, sections) {
		t.Errorf("the sections are not the rules in the order of the table:\n%q\n%q", sections, names)
	}
}

// What is to be asked of the store names metrics and labels that there are.
func TestTheRunbookAsksForWhatThereIs(t *testing.T) {
	book, err := os.ReadFile("RUNBOOK.md")
	if err != nil {
		t.Fatal(err)
	}
	language := parser.NewParser(parser.Options{})
	like := regexp.MustCompile(`^[a-z_(), 0-9]*(gpu|host|site|hall|rack|meter|agent|nvme|fabric|nvswitch|grid|job|gigawatch)_\w+([{(\[ ].*)?\)?$`)
	asked := 0
	for _, m := range regexp.MustCompile("`([^`\n]+)`").FindAllStringSubmatch(factsBlock.ReplaceAllString(string(book), ""), -1) {
		if !like.MatchString(m[1]) {
			continue
		}
		expr, err := language.ParseExpr(m[1])
		if err != nil {
			t.Errorf("%s: %v", m[1], err)
			continue
		}
		parser.Inspect(expr, func(n parser.Node, _ []parser.Node) error {
			v, ok := n.(*parser.VectorSelector)
			if !ok {
				return nil
			}
			asked++
			d := metric.ByName(v.Name)
			if strings.HasPrefix(v.Name, "gigawatch_") {
				if !slices.Contains([]string{rule.MetricLatency, rule.MetricUndelivered, rule.MetricSuppressed, rule.MetricCanaryMissed}, v.Name) {
					t.Errorf("%s is no metric of the aggregator", v.Name)
				}
				return nil
			}
			if d == nil {
				t.Errorf("%s: there is no metric %s", m[1], v.Name)
				return nil
			}
			for _, l := range v.LabelMatchers {
				known := []string{"__name__", "site", "hall", "rack", "host", "gpu", "meter", "role", "point"}
				for _, own := range d.Labels {
					known = append(known, own.Name)
				}
				if !slices.Contains(known, l.Name) {
					t.Errorf("%s: %s has no label %s", m[1], v.Name, l.Name)
				}
			}
			return nil
		})
	}
	if asked < 9 {
		t.Errorf("only %d metrics were found", asked)
	}
}
