package main

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/gigawatch/gigawatch/alerts/rule"
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
