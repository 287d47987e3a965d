package report_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/gigawatch/gigawatch/aggregator/internal/report"
	"github.com/gigawatch/gigawatch/collector/site"
)

func inOrder() *report.Record {
	return &report.Record{
		Schema: report.Schema, Site: "s1", RuleSet: report.RuleSetID{ID: "EU-2024-1364"}, Ledger: report.Books{Leaves: 9, Root: "ab"},
		Issues: []report.Issue{{Code: "W_GAP_LONG", Severity: report.Warning, Comment: "the meter was changed"}},
	}
}

func step(action, by, text string) report.Event {
	return report.Event{At: "2027-03-01T10:00:00Z", Action: action, By: by, Text: text}
}

func TestAReportGoesThroughItsStates(t *testing.T) {
	f := &report.Filing{Site: "s1", Year: 2026}
	var file []byte
	take := func(e report.Event, want report.State) {
		t.Helper()
		line, err := f.Take(e, inOrder())
		if err != nil {
			t.Fatal(err)
		}
		file = append(file, line...)
		if f.State() != want {
			t.Errorf("it is %s, want %s", f.State(), want)
		}
	}
	refuse := func(e report.Event, r *report.Record, want string) {
		t.Helper()
		before := len(f.Events)
		if _, err := f.Take(e, r); err == nil || !strings.Contains(err.Error(), want) || len(f.Events) != before {
			t.Errorf("%v, want %q", err, want)
		}
	}
	refuse(step(report.ActLock, "Anna", ""), inOrder(), "is for a report that is validated")
	open := inOrder()
	open.Issues = append(open.Issues, report.Issue{Code: "E_MISSING", Severity: report.Error, Comment: "never mind"})
	refuse(step(report.ActValidate, "Anna", ""), open, "1 to mend")
	open.Issues[1] = report.Issue{Code: "W_PUE_ODD", Severity: report.Warning}
	refuse(step(report.ActValidate, "Anna", ""), open, "1 to mend")
	take(step(report.ActValidate, "Anna", ""), report.Validated)
	refuse(step(report.ActApprove, "Ben", ""), nil, "is for a report that is locked")
	take(step(report.ActLock, "Anna", ""), report.Locked)
	refuse(step(report.ActLock, "Anna", ""), inOrder(), "version 1 is locked")
	refuse(step(report.ActApprove, "Anna", ""), nil, "it takes two")
	refuse(step(report.ActSubmit, "Ben", "R-1"), nil, "is for a report that is approved")
	take(step(report.ActApprove, "Ben", ""), report.Approved)
	refuse(step(report.ActSubmit, "Anna", ""), nil, "takes a receipt")
	take(step(report.ActSubmit, "Anna", "R-1"), report.Submitted)
	refuse(step(report.ActCorrect, "Anna", ""), nil, "takes a reason")
	take(step(report.ActCorrect, "Anna", "invoice of December came late"), report.Draft)
	if f.Version() != 2 || f.Newest().Version != 1 || f.Newest().Leaves != 9 {
		t.Errorf("version %d, locked was %+v", f.Version(), f.Newest())
	}
	take(step(report.ActValidate, "Anna", ""), report.Validated)

	again, err := report.ParseFiling("s1", 2026, file)
	if err != nil || again.State() != report.Validated || again.Version() != 2 || len(again.Events) != 6 {
		t.Fatalf("%+v, %v", again, err)
	}
	for name, change := range map[string]func(string) string{
		"a name is changed":   func(s string) string { return strings.Replace(s, `"by":"Ben"`, `"by":"Eve"`, 1) },
		"a step is left out":  func(s string) string { ls := strings.SplitAfter(s, "\n"); return ls[0] + strings.Join(ls[2:], "") },
		"a receipt is edited": func(s string) string { return strings.Replace(s, "R-1", "R-2", 1) },
		"the end is cut":      func(s string) string { return s[:len(s)-5] },
		"a blank is added":    func(s string) string { return strings.Replace(s, `"by":"Anna"`, `"by": "Anna"`, 1) },
		"it takes one":        func(s string) string { return strings.Replace(s, `"by":"Ben"`, `"by":"Anna"`, 1) },
	} {
		if _, err := report.ParseFiling("s1", 2026, []byte(change(string(file)))); err == nil {
			t.Errorf("%s, and nobody sees it", name)
		}
	}
}

func TestWhoMayDoWhat(t *testing.T) {
	people := []site.Person{{Name: "Anna", May: []string{site.MayPrepare, site.MaySubmit}}, {Name: "Ben", May: []string{site.MayApprove}}}
	for _, tc := range []struct {
		name, action string
		may          bool
	}{
		{"Anna", report.ActLock, true}, {"Anna", report.ActCorrect, true}, {"Anna", report.ActApprove, false}, {"Anna", report.ActSubmit, true},
		{"Ben", report.ActApprove, true}, {"Ben", report.ActLock, false}, {"Eve", report.ActApprove, false}, {"", report.ActValidate, false},
	} {
		err := report.May(people, tc.name, tc.action)
		if (err == nil) != tc.may || err != nil && !errors.Is(err, report.ErrMayNot) {
			t.Errorf("%s may %s: %v", tc.name, tc.action, err)
		}
	}
}

func FuzzParseFiling(f *testing.F) {
	x := &report.Filing{Site: "s1", Year: 2026}
	line, err := x.Take(step(report.ActValidate, "Anna", ""), inOrder())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(line)
	f.Add([]byte("{}\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		x, err := report.ParseFiling("s1", 2026, b)
		if err == nil && len(b) > 0 && len(x.Events) == 0 {
			t.Error("a filing of nothing was read")
		}
	})
}
