package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/gigawatch/gigawatch/aggregator/query"
)

// describeImport says what a file is and what it changes, for the people who
// decide on it.
func describeImport(w io.Writer, a *query.ImportReport) {
	where, err := time.LoadLocation(a.TimeZone)
	if err != nil {
		where = time.UTC
	}
	fmt.Fprintf(w, "%s, for site %s: import %s\n", oneLine(a.File), a.Site, a.ID)
	fmt.Fprintf(w, "%d readings", a.Rows)
	for _, c := range []struct {
		n    int
		what string
	}{
		{a.Bad, "cannot be taken"}, {a.Doubles, "said twice alike"}, {a.Missing, "without a value"}, {a.Footers, "sums of others"}, {a.Other, "not asked for"},
	} {
		if c.n > 0 {
			fmt.Fprintf(w, "; %s: %d", c.what, c.n)
		}
	}
	fmt.Fprintf(w, "\n\n")
	describeMeters(w, a, where)
	describeMonths(w, a)
	if len(a.Notes) > 0 {
		fmt.Fprintln(w, "Look at this:")
		for _, n := range a.Notes {
			fmt.Fprintf(w, "  %s\n", oneLine(n))
		}
		fmt.Fprintln(w)
	}
	listImportProblems(w, "Rows that cannot be taken:", a.Problems, a.Bad)
	listImportProblems(w, "What must be settled before it can be applied:", a.Stops, len(a.Stops))
	switch {
	case a.Applied:
		fmt.Fprintf(w, "Applied: %s", quarters(a.Receipt.Quarters))
		for _, c := range []struct {
			n    int
			what string
		}{{a.Receipt.Unchanged, "so before"}, {a.Receipt.Shadowed, "behind a better reading"}, {a.Receipt.Estimated, "estimates"}, {a.Receipt.Skipped, "skipped rows"}} {
			if c.n > 0 {
				fmt.Fprintf(w, "; %s: %d", c.what, c.n)
			}
		}
		fmt.Fprintf(w, ".\n-revert %s takes it back.\n", a.ID)
	case len(a.Stops) > 0:
		fmt.Fprintln(w, "Nothing was changed.")
	case a.Bad > 0:
		fmt.Fprintln(w, "Nothing was changed. Mend the rows; or -apply -skip-bad-rows takes the others.")
	default:
		fmt.Fprintln(w, "Nothing was changed. -apply does what is said here.")
	}
}

func describeMeters(w io.Writer, a *query.ImportReport, where *time.Location) {
	if len(a.Meters) == 0 {
		return
	}
	at := func(t time.Time) string { return t.In(where).Format("2006-01-02 15:04 MST") }
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "meter\treadings\tof\tfrom\tto\tgaps")
	for i := range a.Meters {
		m := &a.Meters[i]
		what := m.Kind
		if m.Interval != "" {
			what += " of " + m.Interval + ", times at the " + m.Labelled
		}
		gaps := "none"
		if m.Gaps > 0 {
			gaps = fmt.Sprintf("%d, %s in all", m.Gaps, time.Duration(m.GapSeconds)*time.Second)
		}
		fmt.Fprintf(t, "%s\t%d\t%s\t%s\t%s\t%s\n", plainCell(m.Meter), m.Rows, what, at(m.From), at(m.To), gaps)
	}
	_ = t.Flush() // w says so itself
	for i := range a.Meters {
		m := &a.Meters[i]
		for n, g := range m.FirstGaps {
			if n == 5 && m.Gaps > 6 {
				fmt.Fprintf(w, "  … and %d more\n", m.Gaps-n)
				break
			}
			fmt.Fprintf(w, "  gap of %s: %s to %s\n", plainCell(m.Meter), at(g.From), at(g.To))
		}
	}
	fmt.Fprintln(w)
}

func describeMonths(w io.Writer, a *query.ImportReport) {
	if len(a.Months) == 0 {
		return
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "meter\tmonth\tin the file\tin the books\tafter it\tof the month\t")
	for i := range a.Months {
		m := &a.Months[i]
		var notes []string
		for _, c := range []struct {
			n    int
			what string
		}{{m.New, "new"}, {m.Unchanged, "as before"}, {m.Shadowed, "behind a better reading"}, {m.Estimated, "estimated"}} {
			switch {
			case c.n == m.Quarters:
				notes = append(notes, "all "+c.what)
			case c.n > 0:
				notes = append(notes, fmt.Sprintf("%d of %d %s", c.n, m.Quarters, c.what))
			}
		}
		if m.Total != nil {
			notes = append(notes, "known total "+m.Total.Text)
		}
		before := m.Before.Text
		if m.New == m.Quarters {
			before = "nothing"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", plainCell(m.Meter), m.Month, m.File.Text, before, m.After.Text, percent(m.Quarters, m.Of), strings.Join(notes, ", "))
	}
	_ = t.Flush() // w says so itself
	fmt.Fprintln(w)
}

func quarters(n int) string {
	if n == 1 {
		return "1 quarter of an hour"
	}
	return fmt.Sprintf("%d quarters of an hour", n)
}

// percent is n of all; what is not all is never shown as all.
func percent(n, all int) string {
	if n >= all {
		return "100 %"
	}
	return fmt.Sprintf("%d.%d %%", n*100/all, n*1000/all%10)
}

func listImportProblems(w io.Writer, title string, list []query.ImportProblem, count int) {
	if count == 0 || len(list) == 0 {
		return
	}
	fmt.Fprintln(w, title)
	for _, p := range list {
		text := p.Text
		if p.Column != "" {
			text = p.Column + ": " + text
		}
		if p.Line > 0 {
			text = fmt.Sprintf("line %d: %s", p.Line, text)
		}
		fmt.Fprintf(w, "  %s\n", oneLine(text))
		if p.Alike > 0 {
			fmt.Fprintf(w, "  … and %d more such as this, up to line %d\n", p.Alike, p.Last)
		}
		fmt.Fprintf(w, "      > %s\n", oneLine(p.Fix))
		count -= 1 + p.Alike
	}
	if count > 0 {
		fmt.Fprintf(w, "  … and %d more\n", count)
	}
	fmt.Fprintln(w)
}

// listImports lists what was taken in.
func listImports(w io.Writer, a *query.ImportList) {
	if len(a.Imports) == 0 {
		fmt.Fprintf(w, "Nothing was imported at site %s.\n", a.Site)
		return
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "import\tat\tmeters\tfrom\tto\tquarters\twhat")
	for i := range a.Imports {
		x := &a.Imports[i]
		meters := strings.Join(x.Meters[:min(3, len(x.Meters))], ", ")
		if len(x.Meters) > 3 {
			meters += ", …"
		}
		var stands []string
		for _, c := range []struct {
			n    int
			what string
		}{{x.Corrected, "corrected"}, {x.Manual, "manual"}, {x.Estimated, "estimated"}, {x.Withdrawn, "taken back"}} {
			if c.n > 0 {
				stands = append(stands, fmt.Sprintf("%d %s", c.n, c.what))
			}
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", x.ID, x.At.Format(time.RFC3339), plainCell(meters), x.From.Format(time.RFC3339), x.To.Format(time.RFC3339),
			strings.Join(stands, ", "), plainCell(x.Reason))
	}
	_ = t.Flush() // w says so itself
	if a.Truncated {
		fmt.Fprintln(w, "… and older ones")
	}
}

// plainCell is a text of people for a table that may be pasted into a
// spreadsheet: no formula, and one line.
func plainCell(s string) string {
	if s = oneLine(s); s != "" && strings.ContainsRune("=+-@", rune(s[0])) {
		return "'" + s
	}
	return s
}

// oneLine is s without what moves a terminal.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)
}
