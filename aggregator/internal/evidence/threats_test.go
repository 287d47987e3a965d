package evidence_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gigawatch/gigawatch/aggregator/internal/evidence"
)

const root = "../../.."

// missing is which of the tests that a text names there are not.
func missing(t *testing.T, text string) (names []string) {
	t.Helper()
	tests, err := evidence.Tests(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range evidence.Named(text) {
		if len(tests[name]) == 0 {
			names = append(names, name)
		}
	}
	return names
}

// THREATS.md names tests that there are, and each of its threats names one or says that
// none does.
func TestTheListOfThreatsNamesTestsThatThereAre(t *testing.T) {
	b, err := os.ReadFile(root + "/THREATS.md")
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	for _, name := range missing(t, text) {
		t.Errorf("%s is named, and there is no such test", name)
	}
	rows := map[string]bool{}
	for line := range strings.Lines(text) {
		cells := strings.Split(strings.TrimSpace(line), "|")
		if len(cells) != 7 || !regexp.MustCompile(`^ [A-Z]\d+ $`).MatchString(cells[1]) {
			if len(cells) > 2 && !strings.Contains(line, "---") && cells[1] != " # " {
				t.Errorf("a row that is none: %s", line)
			}
			continue
		}
		number, tests, lacking := strings.TrimSpace(cells[1]), strings.Fields(cells[4]), strings.TrimSpace(cells[5])
		if rows[number] {
			t.Errorf("row %s stands twice", number)
		}
		rows[number] = true
		for _, name := range tests {
			if !slices.Equal(evidence.Named(name), []string{name}) {
				t.Errorf("row %s names %s as a test", number, name)
			}
		}
		if len(tests) == 0 && lacking == "" {
			t.Errorf("row %s names no test, and does not say so", number)
		}
	}
	if len(rows) < 30 {
		t.Errorf("there are %d rows", len(rows))
	}
	for _, m := range regexp.MustCompile(`\]\(([^)#:]+)\)`).FindAllStringSubmatch(text, -1) {
		if _, err := os.Stat(root + "/" + m[1]); err != nil {
			t.Errorf("it points to %s: %v", m[1], err)
		}
	}
	if got := missing(t, "evidence.TestThatIsNot wire.FuzzParse"); !slices.Equal(got, []string{"evidence.TestThatIsNot"}) {
		t.Errorf("missing are %v", got)
	}
}
