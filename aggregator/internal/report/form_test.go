package report_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"github.com/gigawatch/gigawatch/aggregator/internal/report"
)

func TestCellsAreNoFormulas(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "plain": "plain", "-5": "-5", "-5.25": "-5.25", "+5": "'+5", "=1+1": "'=1+1", "@SUM(A1)": "'@SUM(A1)", "-2+3": "'-2+3", "\t=1": "'\t=1",
		"\r=1": "'\r=1", "|cmd": "'|cmd", "%0A": "'%0A", "＝1": "'＝1", "a=b": "a=b", "12": "12", "-": "'-", "--1": "'--1", "+352 4711": "'+352 4711",
	} {
		if got := report.Cell(in); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
}

func TestDecimalsAreExact(t *testing.T) {
	for in, want := range map[string]string{"1.500": "1.5", "-0.050": "-0.05", "100": "100", "0.000": "0", "1292976000.001": "1292976000.001", "-3": "-3", "9.000000001": "9.000000001"} {
		d, err := report.ParseDecimal(in)
		if err != nil || d.String() != want {
			t.Errorf("%s is %s, %v; want %s", in, d, err, want)
		}
		b, err := json.Marshal(d)
		if err != nil || string(b) != want {
			t.Errorf("%s is %s as JSON, %v", in, b, err)
		}
	}
	for _, in := range []string{"", "1.2.3", "1,5", "1e5", "x", "1.-5", "99999999999999999999", "0.1234567890123"} {
		if d, err := report.ParseDecimal(in); err == nil {
			t.Errorf("%q is read as %s", in, d)
		}
	}
}

func TestTemperaturesAreReadWhen(t *testing.T) {
	for name, tc := range map[string]struct {
		text string
		days int
		july string
		err  string
	}{
		"plain":                   {"2026-07-01,24.5\n2026-07-02,20\n", 2, "49/2", ""},
		"with a heading":          {"date;tmean\n2026-07-01;24.5\n", 1, "49/2", ""},
		"with tabs and a BOM":     {"\ufeff2026-07-01\t24.5\n", 1, "49/2", ""},
		"hourly":                  {"time,t\n2026-07-01T00:00Z,20\n2026-07-01T01:00Z,23\n2026-07-01T02:00Z,23\n", 1, "22/1", ""},
		"with a remark":           {"# source\n2026-07-01,24.5\n", 1, "49/2", ""},
		"a day is none":           {"2026-07-01,24.5\n2026-13-01,3\n", 0, "", "line 2"},
		"a temperature is none":   {"2026-07-01,24.5\n2026-07-02,\n", 0, "", "line 2"},
		"a decimal comma":         {"2026-07-01;24,5\n2026-07-02;20,5\n", 0, "", "line 1"},
		"a temperature is kelvin": {"2026-07-01,297.6\n", 0, "", "of no place"},
		"one field":               {"2026-07-01\n", 0, "", "1 fields"},
	} {
		s, err := report.ParseSeries(strings.NewReader(tc.text), "test")
		if tc.err != "" {
			if err == nil || !strings.Contains(err.Error(), tc.err) {
				t.Errorf("%s: %v, want %q", name, err, tc.err)
			}
			continue
		}
		if err != nil || len(s.Days) != tc.days || s.Days["2026-07-01"].String() != tc.july {
			t.Errorf("%s: %v, %v", name, s.Days, err)
		}
	}
}

func FuzzParseSeries(f *testing.F) {
	f.Add("day;t\n2026-07-01;24.5\n")
	f.Add("2026-07-01\t1\n2026-07-01\t-1\n")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := report.ParseSeries(strings.NewReader(text), "fuzz")
		if err != nil {
			return
		}
		if sum, _ := s.DegreeDays("2026-01-01", "2026-12-31"); sum.Sign() < 0 {
			t.Errorf("%v degree days", sum)
		}
	})
}

func FuzzParseRecord(f *testing.F) {
	f.Add([]byte(`{"schema":"gigawatch-report/1"}`))
	f.Add([]byte(`{"schema":"gigawatch-report/1","annex2":[{"key":"a","title":"b","value":1.50}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := report.ParseRecord(b)
		if err != nil {
			return
		}
		for _, format := range []string{"json", "csv"} {
			if _, err := r.As(format); err != nil {
				t.Error(err)
			}
		}
	})
}

// The long form has as many cells in each row, and none that a spreadsheet would
// run.
func TestTheLongFormIsWholeAndSafe(t *testing.T) {
	x := situation{entries: []string{"owner", `"=cmd|' /C calc'!A0"`, "refrigerants", `["@x", R717]`}}
	r := build(t, x.input(t))
	b, err := r.CSV()
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(b)).ReadAll()
	if err != nil || len(rows) < 60 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	for _, row := range rows {
		for _, c := range row {
			if c != "" && strings.ContainsRune("=+@", rune(c[0])) {
				t.Errorf("a formula: %q", c)
			}
		}
	}
}

// The workbook opens, has its sheets in order, says what the record says, and holds
// no formula; the same record gives the same bytes.
func TestTheWorkbookSaysWhatTheRecordSays(t *testing.T) {
	x := situation{entries: []string{"owner", `"=cmd|' /C calc'!A0"`, "t_wh_c", `""`, "lau_code", `"+1"`}}
	r := build(t, x.input(t))
	b, err := r.XLSX()
	if err != nil {
		t.Fatal(err)
	}
	f, err := excelize.OpenReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	want := "Report,Annex I,Annex II,Annex III,Inside,Preview 1,Months,Meters,Renewables,Evidence,Issues"
	if got := strings.Join(f.GetSheetList(), ","); got != want {
		t.Errorf("sheets are %s, want %s", got, want)
	}
	seen := map[string]string{}
	for _, name := range f.GetSheetList() {
		rows, err := f.GetRows(name, excelize.Options{RawCellValue: true})
		if err != nil {
			t.Fatal(err)
		}
		for i, row := range rows {
			for k := range row {
				at, err := excelize.CoordinatesToCellName(k+1, i+1)
				if err != nil {
					t.Fatal(err)
				}
				if formula, err := f.GetCellFormula(name, at); err != nil || formula != "" {
					t.Errorf("%s!%s is a formula, %q, %v", name, at, formula, err)
				}
			}
			if strings.HasPrefix(name, "Annex I") && len(row) > 3 && i > 1 {
				seen[name+" "+row[2]] = row[3]
			}
		}
	}
	for i := range r.Figures {
		a := &r.Figures[i]
		switch got := seen["Annex II "+a.Title]; {
		case a.Missing != "" && got != "missing: "+a.Missing, a.Value != nil && got != a.Value.String():
			t.Errorf("%s is %q in the workbook, and %v, %q in the record", a.Key, got, a.Value, a.Missing)
		}
	}
	if seen["Annex III Power usage effectiveness"] == "" {
		t.Errorf("there is no PUE in %v", seen)
	}
	again, err := r.XLSX()
	if err != nil || !bytes.Equal(b, again) {
		t.Errorf("the same record gives other bytes: %v", err)
	}
}
