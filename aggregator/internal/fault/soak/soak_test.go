package main

import (
	"io"
	"os"
	"strings"
	"testing"
)

const list = `
| # | Fault | Tests | Not covered |
|---|---|---|---|
| 1 | Killed | spool.TestA fault.TestB | |
| 2 | Cut off | fault.TestB | a year |
| 3 | All of it | | not covered |
`

// of is what go test -json writes of a test.
func of(pkg, test, action string, lines ...string) string {
	var b strings.Builder
	for _, l := range lines {
		b.WriteString(`{"Action":"output","Package":"x/` + pkg + `","Test":"` + test + `","Output":"    a_test.go:7: ` + strings.ReplaceAll(l, `"`, `\"`) + `\n"}` + "\n")
	}
	b.WriteString(`{"Action":"` + action + `","Package":"x/` + pkg + `","Test":"` + test + `"}` + "\n")
	return b.String()
}

func TestTheTableSaysWhatWasCountedAndWhatIsWrong(t *testing.T) {
	rows, err := rowsOf(list)
	if err != nil || len(rows) != 3 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	const one, two = `soak: {"row":1,"injected":12}`, `soak: {"row":2,"injected":5,"seeds":3}`
	for name, x := range map[string]struct{ said, wants, wrong string }{
		"all is well":         {of("spool", "TestA/sub", "pass") + of("spool", "TestA", "pass", one) + of("fault", "TestB", "pass", two, two), "2  Cut off    1             10               6      0       0", ""},
		"the sum":             {of("spool", "TestA", "pass", one) + of("fault", "TestB", "pass", two), "in all     3             17               3      0       0", ""},
		"what is not covered": {of("spool", "TestA", "pass", one) + of("fault", "TestB", "pass", two), "fault.TestB · not covered: a year", ""},
		"a test failed":       {of("spool", "TestA", "fail", one) + of("fault", "TestB", "pass", two), "spool.TestA (FAILED)", "row 1: spool.TestA failed"},
		"a test did not run":  {of("fault", "TestB", "pass", one, two), "", "row 1: spool.TestA did not run"},
		"a row has no count":  {of("spool", "TestA", "pass", one) + of("fault", "TestB", "pass"), "", "row 2 has no count"},
		"a millijoule":        {of("spool", "TestA", "pass", one, `soak: {"row":1,"injected":1,"mj":-1}`, `soak: {"row":1,"mj":1}`) + of("fault", "TestB", "pass", two), "", "row 1: 2 mJ of difference"},
		"silently wrong":      {of("spool", "TestA", "pass", one, `soak: {"row":1,"silent":1}`) + of("fault", "TestB", "pass", two), "", "row 1: 1 silently wrong"},
		"a count of no row":   {of("spool", "TestA", "pass", one, `soak: {"row":9,"injected":1}`) + of("fault", "TestB", "pass", two), "", "a count of row 9, and no such row"},
		"a package failed":    {of("spool", "TestA", "pass", one) + of("fault", "TestB", "pass", two) + `{"Action":"fail","Package":"x/fault"}`, "", "package x/fault failed"},
		"a test was skipped":  {of("spool", "TestA", "skip", one) + of("fault", "TestB", "pass", two), "spool.TestA (skipped)", ""},
	} {
		t.Run(name, func(t *testing.T) {
			a := newTally()
			if err := a.read(strings.NewReader(x.said), io.Discard); err != nil {
				t.Fatal(err)
			}
			var out strings.Builder
			err := a.write(&out, rows)
			if !strings.Contains(out.String(), x.wants) {
				t.Errorf("the table is\n%s\nand lacks %q", out.String(), x.wants)
			}
			if (err == nil) != (x.wrong == "") || err != nil && !strings.Contains(err.Error(), x.wrong) {
				t.Errorf("it says %v, want %q", err, x.wrong)
			}
		})
	}
	a := newTally()
	if err := a.read(strings.NewReader(of("spool", "TestA", "pass", `soak: {"row":1,"injectde":12}`)), io.Discard); err == nil {
		t.Error("a count that cannot be read is passed over")
	}
}

// Every test that the list names is found, in one package each.
func TestTheListIsRun(t *testing.T) {
	text, err := os.ReadFile("../FAULTS.md")
	if err != nil {
		t.Fatal(err)
	}
	rows, err := rowsOf(string(text))
	if err != nil {
		t.Fatal(err)
	}
	packages, err := packagesOf("../../../..", rows)
	if err != nil || len(packages["../../../../collector"]) == 0 || len(packages["../../../../aggregator/internal/fault"]) == 0 {
		t.Errorf("%v, %v", packages, err)
	}
	if _, err := packagesOf("../../../..", []row{{number: 1, tests: []string{"fault.TestNone"}}}); err == nil {
		t.Error("a test that is not there is found")
	}
}
