package main_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/gigawatch/gigawatch/aggregator/query"
)

// report answers as an aggregator does of a site whose report on 2025 was corrected, and
// that on 2026 is a draft.
func (f *fake) report(w http.ResponseWriter, rest, site string) {
	year := func(n, version int, over bool) query.ReportYear {
		return query.ReportYear{Year: n, State: "draft", Version: version, Over: over, Due: time.Date(n+1, 5, 15, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)}
	}
	if rest == "" {
		succeed(w, query.ReportList{Sites: []query.ReportSite{{Site: site, Name: "The " + site, Years: []query.ReportYear{year(2026, 1, false), year(2025, 2, true)}}}})
		return
	}
	named, rest, _ := strings.Cut(strings.TrimPrefix(rest, "/"), "/")
	if !slices.Contains(f.sites, named) {
		refuse(w, http.StatusForbidden, query.Forbidden, "not site "+named)
		return
	}
	switch rest {
	case "2025/steps":
		succeed(w, query.ReportTrail{Trail: []query.ReportEvent{{At: "2026-03-01T10:00:00Z", Action: "lock", By: "Ada"}, {At: "2026-04-02T09:30:00Z", Action: "correct", By: "Ben", Role: "energy", Text: "a meter was swapped"}}})
	case "2026":
		succeed(w, query.Report{Site: named, Year: 2026, Version: 1, State: "draft", Mend: 2, Comment: 1, Record: json.RawMessage(`{"schema":"gigawatch-report/1","period":{"open":true},
			"annex2":[{"key":"e_dc_kwh","point":"2a","title":"Energy of the data centre","unit":"kWh","value":12345678.5,"quality":"measured","coverage_pct":98.76},
				{"key":"e_it_kwh","point":"2b","title":"Energy of IT","unit":"kWh","value":-1234,"quality":"estimated","coverage_pct":80},
				{"key":"w_in_m3","point":"2e","title":"Water","unit":"m3","missing":"no water meter: none has role water_total"},
				{"key":"s_dc_m2","point":"1b","title":"Floor area","unit":"m2","missing":"it is not entered"},
				{"key":"backup","point":"2x","title":"Backup on diesel","is":false,"quality":"entered"},
				{"key":"cold","point":"2y","title":"Refrigerants","list":["R134a","R32"]}, {"key":"heat","point":"2z","title":"Heat customers","none":true}],
			"annex3":[{"key":"pue","title":"PUE","unit":"1","value":1.12,"quality":"calculated","coverage_pct":80}]}`)})
	case "2026/issues":
		succeed(w, query.ReportIssues{Mend: 2, Comment: 1, Issues: []query.ReportIssue{
			{Code: "E_COVERAGE", Severity: "E", Open: true, Field: "e_it_kwh", Title: "Energy of IT", Rule: "at least 95 %", Text: "80 % of the year are known", Fix: "import what the meter has stored"},
			{Code: "E_MISSING", Severity: "E", Open: true, Field: "s_dc_m2", Title: "Floor area", Text: "Floor area: it is not entered"},
			{Code: "W_PUE_LOW", Severity: "W", Open: true, Field: "pue", Title: "PUE", Text: "it is lower than most", Fix: "look at the IT meters", Write: "report.comment_W_PUE_LOW"},
			{Code: "W_HEAT", Severity: "W", Field: "heat", Title: "Heat customers", Text: "none is stated", Comment: "the site has none", Write: "report.comment_W_HEAT"},
		}})
	default:
		refuse(w, http.StatusNotFound, query.NotFound, "there is no version of "+rest)
	}
}

// cellsOf are the rows of a table, by its columns' names, with spaces that are all alike.
func cellsOf(f *data.Frame, names ...string) (rows []string) {
	for i := range f.Rows() {
		var row []string
		for _, n := range names {
			field, _ := f.FieldByName(n)
			row = append(row, value(field, i))
		}
		rows = append(rows, strings.ReplaceAll(strings.Join(row, " | "), "\u202f", " "))
	}
	return rows
}

// What stands on the board is what the aggregator's page of reports says.
func TestTheReportIsTheAggregators(t *testing.T) {
	f := newFake(t, "north")
	h, s := start(t), f.source("")
	for _, c := range []struct {
		shape   string
		columns []string
		want    []string
	}{
		{"figures", []string{"figure", "status", "value", "coverage", "what"}, []string{
			"Energy of the data centre | ready | 12 345 678.5 kWh | 0.987 | ",
			"Energy of IT | to mend | −1 234 kWh | 0.8 | E_COVERAGE: 80 % of the year are known",
			"Water | missing |  | null | no water meter: none has role water_total",
			"Floor area | to mend |  | null | E_MISSING: Floor area: it is not entered",
			"Backup on diesel | ready | no | null | ",
			"Refrigerants | ready | R134a, R32 | null | ",
			"Heat customers | ready | none | null | ",
			"PUE | to comment on | 1.12 | 0.8 | W_PUE_LOW: it is lower than most",
		}},
		{"issues", []string{"status", "code", "figure", "what", "fix", "comment"}, []string{
			"to mend | E_COVERAGE | Energy of IT | 80 % of the year are known | import what the meter has stored | ",
			"to mend | E_MISSING | Floor area | Floor area: it is not entered |  | ",
			"to comment on | W_PUE_LOW | PUE | it is lower than most | look at the IT meters; or say in the site file why it is so: report.comment_W_PUE_LOW | ",
			"commented on | W_HEAT | Heat customers | none is stated |  | the site has none",
		}},
		{"steps", []string{"year", "status", "version", "over", "due", "step", "at"}, []string{
			"2026 | draft | 1 | goes on | 2027-05-15 |  | null",
			"2025 | draft | 2 | is over | 2026-05-15 | corrected by Ben (energy): a meter was swapped | 2026-04-02T09:30:00Z",
		}},
	} {
		frame := h.one(t, s, asked{"queryType": "report_status", "shape": c.shape})[0]
		if d := cmp.Diff(c.want, cellsOf(frame, c.columns...)); d != "" {
			t.Errorf("%s (-want +got)\n%s", c.shape, d)
		}
	}
	got := read(t, h.one(t, s, asked{"queryType": "report_status", "shape": "open"}))
	want := map[string]any{"to_mend{site=north}": 2.0, "to_comment_on{site=north}": 1.0, "figures_ready{site=north}": 4.0, "figures{site=north}": 8.0}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("numbers (-want +got)\n%s", d)
	}
}

// A rule gets numbers, whatever a panel of the same question shows.
func TestARuleOfTheReportGetsNumbers(t *testing.T) {
	f := newFake(t, "north")
	h, s := start(t), f.source("")
	for shape, want := range map[string]string{"": "ready{figure=pue, site=north}", "issues": "to_mend{site=north}", "steps": "to_mend{site=north}", "open": "to_mend{site=north}"} {
		r := h.ask(t, s, map[string]string{backend.FromAlertHeaderName: "true"}, asked{"queryType": "report_status", "shape": shape})[0]
		if r.Error != nil {
			t.Fatal(r.Error)
		}
		if _, ok := read(t, r.Frames)[want]; !ok {
			t.Errorf("%q: the rule reads %v, without %s", shape, read(t, r.Frames), want)
		}
	}
}

// Where there is no report to show, the panel says why and what to do; a rule gets no
// numbers of it, or the error.
func TestWhyThereIsNoReport(t *testing.T) {
	may := `"anna" (viewer) may not ask /api/v1/report; that takes the role energy or admin. Ask desk@example.org`
	for name, c := range map[string]struct {
		path   string
		answer http.HandlerFunc
		from   time.Time
		says   string
		rule   string // "": it gets no numbers
	}{
		"a token that may not": {"/api/v1/report", func(w http.ResponseWriter, _ *http.Request) { refuse(w, 403, query.Forbidden, may) }, now,
			"this data source's token may not read reports: " + may, "may not read"},
		"a site without a file": {"/api/v1/report", func(w http.ResponseWriter, _ *http.Request) {
			succeed(w, query.ReportList{Sites: []query.ReportSite{{Site: "north", Missing: "no site file describes it"}}})
		}, now, "no site file describes it", ""},
		"a year without one": {"", nil, now.AddDate(-3, 0, 0), "there is no report on 2023: choose a time range that ends in another year", ""},
		"one that is being made": {"/api/v1/report/north/2026", func(w http.ResponseWriter, _ *http.Request) {
			refuse(w, 503, query.Unavailable, query.ErrMaking.Error()+": it is made of all hours of the year; ask again in a while")
		}, now, "the report is still being made, of all hours of the year: this panel has it once it is refreshed", "busy"},
		"an aggregator that makes none": {"/api/v1/report", func(w http.ResponseWriter, _ *http.Request) {
			refuse(w, 501, query.NotImplemented, "/api/v1/report is not in this version")
		}, now, "this aggregator makes no reports: ask that of the site", "does not answer this"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t, "north")
			if c.path != "" {
				f.answer(c.path, c.answer)
			}
			h, s := start(t), f.source("")
			for _, shape := range []string{"figures", "issues"} {
				q := asked{"queryType": "report_status", "shape": shape, "from": c.from.Add(-time.Hour), "to": c.from}
				frames := h.one(t, s, q)
				if rows := cellsOf(frames[0], "status", "what"); len(rows) != 1 || rows[0] != "not shown | "+c.says || !strings.Contains(notices(frames), "north: "+c.says) {
					t.Errorf("%s: rows %q, notices %q", shape, rows, notices(frames))
				}
				r := h.ask(t, s, map[string]string{backend.FromAlertHeaderName: "true"}, q)[0]
				switch {
				case c.rule == "" && (r.Error != nil || len(read(t, r.Frames)) > 0), c.rule != "" && (r.Error == nil || !strings.Contains(r.Error.Error(), c.rule)):
					t.Errorf("%s: a rule gets %v, %v", shape, r.Frames, r.Error)
				}
			}
			frame := h.one(t, s, asked{"queryType": "report_status", "shape": "open", "from": c.from.Add(-time.Hour), "to": c.from})[0]
			for _, field := range frame.Fields {
				if v, ok := field.ConcreteAt(0); ok {
					t.Errorf("%s is %v", field.Name, v)
				}
			}
		})
	}
	f := newFake(t, "north")
	f.answer("/api/v1/report/north/2026", func(w http.ResponseWriter, _ *http.Request) {
		refuse(w, 422, query.Execution, "hour 2026-03-01T12Z was changed after it was sealed")
	})
	h := start(t)
	if r := h.ask(t, f.source(""), nil, asked{"queryType": "report_status"})[0]; r.Error == nil || !strings.Contains(r.Error.Error(), "2026-03-01T12Z was changed") {
		t.Errorf("of books that were changed it says %v", r.Error)
	}
}

// The year of a range is the one that ends with it, in whatever zone that was chosen.
func TestTheYearOfAReportEndsWithTheRange(t *testing.T) {
	f := newFake(t, "north")
	h, s := start(t), f.source("")
	for _, c := range []struct {
		to   time.Time
		year string
	}{
		{time.Date(2026, 12, 31, 23, 59, 59, 999e6, time.FixedZone("", -8*3600)), "2026"}, {time.Date(2026, 12, 31, 23, 59, 59, 999e6, time.FixedZone("", 12*3600)), "2026"}, {now, "2026"},
	} {
		h.one(t, s, asked{"queryType": "report_status", "from": c.to.AddDate(-1, 0, 0), "to": c.to})
		if asked := f.questions("/api/v1/report/north/" + c.year); len(asked) == 0 {
			t.Errorf("%v is not of %s", c.to, c.year)
		}
		f.forget()
	}
}
