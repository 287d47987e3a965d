package report_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gigawatch/gigawatch/aggregator/internal/report"
)

var pdfDir = flag.String("pdf", "", "`folder` in which documents of tests are kept, to be looked at")

// aYear is the record of a simulated year.
func aYear(t testing.TB) *report.Record {
	t.Helper()
	b, err := os.ReadFile("testdata/pdf_year.json")
	if err != nil {
		t.Fatal(err)
	}
	r, err := report.ParseRecord(b)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// document writes a record, twice: the bytes must be the same.
func document(t testing.TB, name string, r *report.Record, b report.Beside) []byte {
	t.Helper()
	out, err := r.PDF(b)
	if err != nil {
		t.Fatal(err)
	}
	again, err := r.PDF(b)
	if err != nil || !bytes.Equal(out, again) {
		t.Errorf("the same record gives other bytes, %v", err)
	}
	if *pdfDir != "" {
		if err := os.WriteFile(filepath.Join(*pdfDir, name+".pdf"), out, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// words are the text of a document as a reader of it has it, page after page.
func words(t testing.TB, pdf []byte) []string {
	t.Helper()
	if _, err := exec.LookPath("pdftotext"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("pdftotext is missing: Debian package poppler-utils, make packages")
		}
		t.Skip("pdftotext is missing: Debian package poppler-utils, make packages")
	}
	c := exec.CommandContext(t.Context(), "pdftotext", "-layout", "-", "-")
	c.Stdin = bytes.NewReader(pdf)
	var faults bytes.Buffer
	c.Stderr = &faults
	out, err := c.Output()
	if err != nil || faults.Len() > 0 {
		t.Fatalf("pdftotext: %v, %s", err, &faults)
	}
	return strings.Split(strings.TrimSuffix(string(out), "\f"), "\f")
}

// flat is a text without its line breaks and runs of spaces.
func flat(pages []string) string { return strings.Join(strings.Fields(strings.Join(pages, " ")), " ") }

func says(t *testing.T, pages []string, want ...string) {
	t.Helper()
	all := flat(pages)
	for _, w := range want {
		if !strings.Contains(all, strings.Join(strings.Fields(w), " ")) {
			t.Errorf("the document does not say %q", w)
		}
	}
}

// locked is a filing whose version 1 is r, approved.
func locked(t testing.TB, r *report.Record) *report.Filing {
	t.Helper()
	f := &report.Filing{Site: r.Site, Year: r.Period.Year}
	for i := range r.Issues {
		r.Issues[i].Comment = "The table was looked at by hand on 2 March; the meter was changed on 28 July."
	}
	b, err := r.JSON()
	if err != nil {
		t.Fatal(err)
	}
	for i, e := range []report.Event{
		{Action: report.ActValidate, By: "Anna Berg"}, {Action: report.ActLock, By: "Anna Berg"}, {Action: report.ActApprove, By: "Ben Țîrlea"},
	} {
		e.At, e.Version, e.Record = fmt.Sprintf("2026-03-0%dT09:00:00Z", i+1), 1, report.Hash(b)
		f.Events = append(f.Events, e)
	}
	return f
}

// earlier is the record of the year before r, whose energy was a little more.
func earlier(t testing.TB, r *report.Record) *report.Record {
	t.Helper()
	b, err := r.JSON()
	if err != nil {
		t.Fatal(err)
	}
	b = bytes.ReplaceAll(b, []byte("2025-"), []byte("2024-"))
	b = bytes.ReplaceAll(b, []byte(`"year": 2025`), []byte(`"year": 2024`))
	was, err := report.ParseRecord(b)
	if err != nil {
		t.Fatal(err)
	}
	was.Period.Hours = 8784
	number := func(s string) *report.Decimal {
		d, err := report.ParseDecimal(s)
		if err != nil {
			t.Fatal(err)
		}
		return &d
	}
	was.Figure("pue").Value, was.Figure("e_dc_kwh").Value = number("1.19"), number("650000000")
	was.Figure("w_in_m3").Value, was.Figure("w_in_m3").Missing = nil, "no meter of it"
	for i := range was.Months {
		m := &was.Months[i]
		m.Facility, m.PUE = number(fmt.Sprint(52_000_000+300_000*(i%5))), number(fmt.Sprintf("1.1%d", 6+i%3))
	}
	was.Months[3].PUE = nil
	return was
}

func TestTheDocumentOfALockedYear(t *testing.T) {
	r := aYear(t)
	b := document(t, "locked", r, report.Beside{Filing: locked(t, r), Earlier: earlier(t, r)})
	pages := words(t, b)
	got := strings.Join(pages, "\n----\n")
	path := filepath.Join("testdata", "pdf_year.txt")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	// Versions of the reader set columns apart by more or fewer spaces.
	if d := cmp.Diff(strings.Fields(string(want)), strings.Fields(got)); d != "" {
		t.Errorf("%s differs (-want +got); go test -update writes it anew\n%s", path, d)
	}
}

// nothingKnown is a record of a simulated site of which no figure is known.
func nothingKnown(t *testing.T) *report.Record {
	r := aYear(t)
	r.Ledger = report.Books{Simulated: true}
	for _, list := range [][]report.Figure{r.Figures, r.Indicators, r.Inside} {
		for i := range list {
			f := &list[i]
			*f = report.Figure{Key: f.Key, Point: f.Point, Symbol: f.Symbol, Title: f.Title, Unit: f.Unit, Missing: "no meter of it; it is not entered: write it under report." + f.Key + " of the site file, with evidence"}
		}
	}
	for i := range r.Months {
		r.Months[i] = report.Month{Month: r.Months[i].Month}
	}
	r.Meters, r.Gaps, r.Size, r.Scope = nil, nil, "", report.Scope{Because: "installed IT power is not known"}
	return r
}

func TestWhatIsMissingIsSaidAndNeverZero(t *testing.T) {
	r := nothingKnown(t)
	was := nothingKnown(t)
	pages := words(t, document(t, "nothing", r, report.Beside{Earlier: was}))
	says(t, pages, "SIMULATED: DO NOT REPORT", "DRAFT, unless it was locked: that is not known here", "It is not known whether the site must report: installed IT power is not known",
		"PUE is not known of any month: no meter of it", "The balance cannot be drawn: total energy is not known: no meter of it", "its log is not known", "No meter was read.",
		"Not known: no figure of the record rests on meters.", "write it under report.e_it_kwh of the site file")
	for i, p := range pages[1:] {
		if !strings.Contains(p, "SIMULATED") {
			t.Errorf("page %d does not say that it is simulated", i+2)
		}
	}
	for _, unit := range []string{"kWh", "kW", "L/kWh", "m³", "MW", "GWh", "%"} {
		if strings.Contains(flat(pages), " 0 "+unit) {
			t.Errorf("a figure is 0 %s", unit)
		}
	}
	if n := strings.Count(flat(pages), "not known"); n < len(r.Figures)+len(r.Indicators)+len(r.Inside) {
		t.Errorf("%d times not known, of %d figures", n, len(r.Figures)+len(r.Indicators)+len(r.Inside))
	}
	r.Months, r.Figures, r.Indicators, r.Inside, r.Issues = nil, nil, nil, nil, nil
	says(t, words(t, document(t, "empty", r, report.Beside{Earlier: r})), "No month is known", "Every rule is kept")
}

// A year of which half is known: a month without readings, a part that is negative,
// more uses than supply.
func TestAYearThatIsKnownInPart(t *testing.T) {
	r := aYear(t)
	r.Months[3], r.Months[7] = report.Month{Month: "2025-04"}, report.Month{Month: "2025-08", Facility: r.Months[7].Facility}
	for i := range r.Months[:6] {
		d, err := report.ParseDecimal([]string{"100", "99.4", "81.25", "0", "97", "100"}[i])
		if err != nil {
			t.Fatal(err)
		}
		r.Months[i].Coverage = &d
	}
	grid, out := r.Figure("e_grid_kwh"), r.Figure("e_export_kwh")
	grid.Value, grid.Missing = nil, "no meter of it"
	out.Value = r.Figure("e_onsite_kwh").Value
	rest := r.Figure("e_rest_kwh")
	rest.Value = r.Figure("e_losses_kwh").Value
	cooling := r.Figure("e_cooling_kwh")
	cooling.Value, cooling.Missing = nil, "no meter of it"
	f := &report.Filing{Site: r.Site, Year: 2025}
	says(t, words(t, document(t, "part", r, report.Beside{Filing: f})), "DRAFT of version 1", "Grid: not known, no meter of it", "Cooling: not known, no meter of it", "81.25", "Exported", "16.4 GWh",
		"What to do: look")
}

func TestLongNamesAndForeignLetters(t *testing.T) {
	r := aYear(t)
	long := strings.Repeat("Rechenzentrumsbetriebsgesellschaft-", 12)
	r.SiteName = "Łódź–Țăndărei ἀ Ελλάδα България Trần 東京 😀 e\u0301 \x00\xff\u202e" + long
	r.Program = strings.Repeat("v", 300)
	for i := range r.Meters {
		r.Meters[i].ID, r.Meters[i].Point = long+fmt.Sprint(i), strings.Repeat("hall 1, row 2; ", 40)
	}
	f := r.Figure("e_dc_kwh")
	for i := range 400 {
		f.Meters = append(f.Meters, fmt.Sprintf("%s%d", long, i))
	}
	f.Notes = append(f.Notes, strings.Repeat("a note that does not end, ", 500))
	r.Figure("wue").Title = strings.Repeat("W", 4000)
	r.RuleSet.Law = append(r.RuleSet.Law, long)
	pages := words(t, document(t, "long", r, report.Beside{Earlier: r}))
	says(t, pages, "Łódź–Țăndărei α Ελλάδα България Tran □□ □ é", "… the record has all of it", "stands for a character that the fonts of this document lack")
	if len(pages) > 30 {
		t.Errorf("%d pages", len(pages))
	}
}

func TestEightyIssues(t *testing.T) {
	r := aYear(t)
	r.Issues = nil
	checks := report.Checks()
	for i := range 80 {
		c := checks[i%len(checks)]
		x := report.Issue{Code: c.Code, Severity: c.Severity, Field: fmt.Sprintf("field_%d", i), Text: strings.Repeat(fmt.Sprintf("what is wrong with %d; ", i), 1+i%7), Fix: c.Fix}
		if c.Severity == report.Warning && i%5 == 0 {
			x.Comment = "It is as it should be. " + strings.Repeat("And that is why. ", i)
		}
		r.Issues = append(r.Issues, x)
	}
	r.Issues[40].Text = strings.Repeat("a text of its own length ", 900)
	pages := words(t, document(t, "issues", r, report.Beside{}))
	for i := range 80 {
		says(t, pages, fmt.Sprintf("field_%d", i))
	}
	mend, comment := 0, 0
	for i := range r.Issues {
		if x := &r.Issues[i]; x.Severity == report.Error {
			mend++
		} else if x.Open() {
			comment++
		}
	}
	says(t, pages, fmt.Sprintf("%d to mend, %d to comment on", mend, comment), fmt.Sprintf("Page 1 of %d", len(pages)), fmt.Sprintf("Page %d of %d", len(pages), len(pages)))
}

// What was corrected since is no longer the report.
func TestARecordThatIsSuperseded(t *testing.T) {
	r := aYear(t)
	f := locked(t, r)
	f.Events = append(f.Events, report.Event{Action: report.ActCorrect, Version: 1, By: "Anna Berg", At: "2026-04-01T09:00:00Z", Text: "area of hall 2", Record: f.Events[1].Record})
	says(t, words(t, document(t, "superseded", r, report.Beside{Filing: f})), "LOCKED and APPROVED, version 1", "version 2 is worked on, and this one is superseded")
	r.Size = "another"
	says(t, words(t, document(t, "draft", r, report.Beside{Filing: f})), "DRAFT of version 2: not locked, and may change")
}
