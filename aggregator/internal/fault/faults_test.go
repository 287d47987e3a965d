package fault

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/gigawatch/gigawatch/aggregator/internal/evidence"
)

// TestTheListOfFaultsNamesTestsThatThereAre holds FAULTS.md against the tests of the module and
// against the faults that are injected here.
func TestTheListOfFaultsNamesTestsThatThereAre(t *testing.T) {
	text, err := os.ReadFile("FAULTS.md")
	if err != nil {
		t.Fatal(err)
	}
	tests, err := evidence.Tests("../../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range evidence.Named(string(text)) {
		if len(tests[name]) == 0 {
			t.Errorf("%s is named, and there is no such test", name)
		}
	}
	rows := map[string][]string{}
	for line := range strings.Lines(string(text)) {
		f := strings.Split(line, "|")
		if len(f) < 5 {
			continue
		}
		number := strings.TrimSpace(f[1])
		if strings.Trim(number, "0123456789") != "" || number == "" {
			continue
		}
		rows[number] = strings.Fields(f[3])
		for _, name := range rows[number] {
			if !strings.Contains(name, ".Test") {
				t.Errorf("row %s names %s as a test", number, name)
			}
		}
		if len(rows[number]) == 0 && !strings.Contains(line, "not covered") {
			t.Errorf("row %s names no test, and does not say so", number)
		}
	}
	for n := range 27 {
		if _, ok := rows[fmt.Sprint(n+1)]; !ok {
			t.Errorf("there is no row %d", n+1)
		}
	}
	for k := range kinds {
		for number := range strings.FieldsSeq(table[k].rows) {
			if !strings.Contains(strings.Join(rows[number], " "), "fault.TestFaults") {
				t.Errorf("%s is injected as fault %s, and the row does not name the test", k, number)
			}
		}
	}
}

// TestTheListOfFaultsNamesTheSeededBugs holds what FAULTS.md says of the bugs against them.
func TestTheListOfFaultsNamesTheSeededBugs(t *testing.T) {
	text, err := os.ReadFile("FAULTS.md")
	if err != nil {
		t.Fatal(err)
	}
	_, list, _ := strings.Cut(string(text), "## Seeded bugs")
	said := map[string]string{}
	for line := range strings.Lines(list) {
		if f := strings.Split(line, "|"); len(f) == 4 {
			by, _, _ := strings.Cut(strings.TrimSpace(f[2]), ":")
			for name := range strings.SplitSeq(f[1], ";") {
				said[strings.TrimSpace(name)] = by
			}
		}
	}
	for _, b := range bugs {
		if said[b.name] != b.by {
			t.Errorf("%s is noticed by %s, and %q is said", b.name, b.by, said[b.name])
		}
		delete(said, b.name)
	}
	delete(said, "Bug")
	delete(said, "---")
	for name := range said {
		t.Errorf("there is no bug %q", name)
	}
}
