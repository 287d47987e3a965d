package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
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

// A panel that the runbook sends to stands on the board that it names.
func TestTheRunbookNamesPanelsThatThereAre(t *testing.T) {
	book, err := os.ReadFile("RUNBOOK.md")
	if err != nil {
		t.Fatal(err)
	}
	type panel struct {
		Title  string
		Panels []panel
	}
	titles := map[string]bool{}
	files, err := filepath.Glob("../dashboards/*.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		var d struct {
			UID    string
			Panels []panel
		}
		text, err := os.ReadFile(file)
		if err == nil {
			err = json.Unmarshal(text, &d)
		}
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for _, p := range d.Panels {
			for _, q := range append(p.Panels, p) {
				titles[strings.TrimPrefix(d.UID, "gigawatch-")+" "+q.Title] = true
			}
		}
	}
	found := regexp.MustCompile(`(?i)(\w+|gpu health|power quality) board,((?: and)? \*[^*]+\*)+`).FindAllString(string(book), -1)
	if len(found) < 25 {
		t.Errorf("only %d were found", len(found))
	}
	for _, m := range found {
		board, rest, _ := strings.Cut(strings.ToLower(m), " board,")
		board = strings.ReplaceAll(board, " ", "-")
		for _, p := range regexp.MustCompile(`\*([^*]+)\*`).FindAllStringSubmatch(m[len(m)-len(rest):], -1) {
			if !titles[board+" "+p[1]] {
				t.Errorf("board %s has no panel %q", board, p[1])
			}
		}
	}
}

// What goes on until a laxer bound is not said to be over before.
func TestTheRunbookSaysWhenWhatGoesOnIsOver(t *testing.T) {
	book, err := os.ReadFile("RUNBOOK.md")
	if err != nil {
		t.Fatal(err)
	}
	bound := regexp.MustCompile(`[<>]=? ([0-9.]+)\)?$`)
	checked := 0
	for _, r := range rule.Table() {
		m := bound.FindStringSubmatch(r.Still)
		if m == nil {
			continue
		}
		checked++
		v, err := strconv.ParseFloat(m[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		_, own, _ := strings.Cut(string(book), "\n## "+r.Name+"\n")
		_, over, _ := strings.Cut(own, "\n- **Over** ")
		over, _, _ = strings.Cut(over, "\n")
		if !regexp.MustCompile(`\b` + fmt.Sprintf("(%g|%g %%)", v, 100*v) + `(\D|$)`).MatchString(over) {
			t.Errorf("%s goes on until %s, and is said to be over %s", r.Name, m[1], over)
		}
	}
	if checked < 8 {
		t.Errorf("only %d rules were looked at", checked)
	}
}

// The XIDs that it lists are those that the rule has.
func TestTheRunbookListsTheXIDsThatFail(t *testing.T) {
	book, err := os.ReadFile("RUNBOOK.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rule.Table() {
		if r.Name != "GPUFailed" {
			continue
		}
		codes := regexp.MustCompile(`xid=~"([0-9|]+)"`).FindStringSubmatch(r.Prom)[1]
		if want := "no alert of its own: " + strings.ReplaceAll(codes, "|", ", ") + "."; !strings.Contains(string(book), want) {
			t.Errorf("it does not say %q", want)
		}
	}
}

func TestTheReadmeCountsTheRules(t *testing.T) {
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("`alerts/rule`: %d rules, ", len(rule.Table())); !strings.Contains(string(text), want) {
		t.Errorf("it does not say %q", want)
	}
}
