package report_test

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"encoding/xml"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/report"
)

// What a person opens: every sheet of every workbook that is made, in LibreOffice.
func TestWorkbooksOpenInLibreOffice(t *testing.T) {
	if _, err := exec.LookPath("soffice"); err != nil {
		const missing = "soffice is missing: Debian package libreoffice-calc-nogui, make packages"
		if os.Getenv("CI") == "true" {
			t.Fatal(missing)
		}
		t.Skip(missing)
	}
	t.Parallel()
	dir := t.TempDir()
	// The statements are those of the tests of what they say.
	made := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^(TestAnESRSExtract|TestAFleetShows|TestVectorT1N|TestVectorT7|TestTenantsSum|TestATenantIsTold)")
	made.Env = append(os.Environ(), "STATEMENTS="+dir)
	if out, err := made.CombinedOutput(); err != nil {
		t.Fatalf("make statements: %v\n%s", err, out)
	}
	if err := os.WriteFile(filepath.Join(dir, "german.xlsx"), germanBook(t), 0o600); err != nil {
		t.Fatal(err)
	}
	books, err := filepath.Glob(filepath.Join(dir, "*.xlsx"))
	if err != nil || len(books) != 7 {
		t.Fatalf("%d workbooks, want the report's two and five statements: %v, %v", len(books), books, err)
	}
	// Every sheet to a file, as it is shown, and all pages as they are printed.
	shown := t.TempDir()
	office(t, shown, "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,-1", books)
	office(t, shown, "pdf", books)
	limits := false
	for _, book := range books {
		name := strings.TrimSuffix(filepath.Base(book), ".xlsx")
		for _, sheet := range sheetsOf(t, book) {
			b, err := os.ReadFile(filepath.Join(shown, name+"-"+sheet+".csv"))
			if err != nil {
				t.Errorf("%s: sheet %q is not opened: %v", name, sheet, err)
				continue
			}
			limits = limits || strings.HasPrefix(sheet, "Limits")
			rows := 0
			r := csv.NewReader(bytes.NewReader(b))
			r.FieldsPerRecord = -1
			for cells, err := r.Read(); err == nil; cells, err = r.Read() {
				for _, c := range cells {
					if faulty.MatchString(c) {
						t.Errorf("%s, sheet %q: a cell shows %q", name, sheet, c)
					}
				}
				rows++
			}
			if rows < 2 {
				t.Errorf("%s: sheet %q has %d rows, want a title and a heading", name, sheet, rows)
			}
		}
		b, err := os.ReadFile(filepath.Join(shown, name+".pdf"))
		if err != nil {
			t.Errorf("%s is not printed: %v", name, err)
			continue
		}
		for i, page := range words(t, b) {
			if strings.Contains(page, "###") {
				t.Errorf("%s, page %d: a column is too narrow for its numbers\n%s", name, i+1, page)
			}
		}
	}
	if !limits {
		t.Error("no workbook has a sheet of limits")
	}
}

// faulty is a cell whose formula fails.
var faulty = regexp.MustCompile(`^(Err:\d+|#(REF|NAME|VALUE|DIV/0|NUM|NULL)[!?]?|#N/A)`)

// germanBook is that of a German year.
func germanBook(t *testing.T) []byte {
	t.Helper()
	b, err := germanYear(t).XLSX()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// germanYear is a report with limits of the country, gaps, and texts that a workbook could
// take for formulas.
func germanYear(t *testing.T) *report.Record {
	t.Helper()
	l := &fakeLedger{perHour: map[string]float64{"grid": 1250, "ups": 1000, "heat": 200}, known: blind("ups", 700, 800)}
	in := faked(t, "meters:\n  - {id: grid, role: grid_input}\n  - {id: ups, role: ups_output}\n  - {id: heat, role: heat_reuse}\nit_power: {power: 2 MW, evidence: list}\n"+
		begun("2026-12", "in_operation_since", "2026-01", "owner", `"=HYPERLINK(\"http://example.org\",1/0)"`), l)
	in.Rules, in.Beside = germany()
	in.Now = time.Date(2027, 2, 1, 0, 0, 0, 0, time.UTC)
	return build(t, in)
}

// office has LibreOffice make files of another kind, and say nothing else.
func office(t *testing.T, dir, kind string, books []string) {
	t.Helper()
	c := exec.CommandContext(t.Context(), "soffice", append([]string{"--headless", "-env:UserInstallation=file://" + dir + "/profile", "--convert-to", kind, "--outdir", dir}, books...)...)
	var said bytes.Buffer
	c.Stderr = &said
	out, err := c.Output()
	for line := range strings.Lines(said.String() + string(out)) {
		if strings.HasPrefix(line, "convert ") || strings.HasPrefix(line, "Writing sheet ") || strings.Contains(line, "javaldx") { // it is not asked for Java
			continue
		}
		t.Errorf("LibreOffice says %q", line)
	}
	if err != nil {
		t.Fatalf("soffice --convert-to %s: %v", kind, err)
	}
}

// sheetsOf are the names of the sheets of a workbook.
func sheetsOf(t *testing.T, book string) (names []string) {
	t.Helper()
	z, err := zip.OpenReader(book)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	f, err := z.Open("xl/workbook.xml")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var w struct {
		Sheets []struct {
			Name string `xml:"name,attr"`
		} `xml:"sheets>sheet"`
	}
	if err := xml.NewDecoder(f).Decode(&w); err != nil {
		t.Fatal(fmt.Errorf("read sheets of %s: %w", book, err))
	}
	for _, s := range w.Sheets {
		names = append(names, s.Name)
	}
	return names
}
