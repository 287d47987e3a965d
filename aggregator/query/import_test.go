package query_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gigawatch/gigawatch/aggregator/query"
)

// intake takes in what it is given, or fails.
type intake struct {
	asked []query.ImportQuestion
	text  string
	fault error
}

func (x *intake) Import(_ context.Context, q query.ImportQuestion, file io.Reader) (*query.ImportReport, error) {
	x.asked = append(x.asked, q)
	b, err := io.ReadAll(file)
	x.text = string(b)
	return &query.ImportReport{Site: q.Site, ID: "csv-1", File: q.Name, Rows: strings.Count(x.text, "\n")}, errors.Join(err, x.fault)
}

func (x *intake) Imports(_ context.Context, site string) (*query.ImportList, error) {
	return &query.ImportList{Site: site, Imports: []query.ImportLine{{ID: "csv-1"}}}, x.fault
}

func (x *intake) RevertImport(_ context.Context, site, id string) (*query.ImportReceipt, error) {
	return &query.ImportReceipt{Site: site, ID: id, Quarters: 4}, x.fault
}

func TestTheClientSaysOfAFileWhatItWasTold(t *testing.T) {
	x := &intake{}
	c := config(t)
	c.Imports, c.Token = x, query.NewSecret(token)
	_, base := serve(t, c)
	client := &query.Client{URL: base, Token: query.NewSecret(token)}
	q := query.ImportQuestion{
		Site: "fra1", Apply: true, ID: "january", Name: "Januar & so.csv", Reason: "settled", SkipBad: true, Settlement: true, Meter: "main=Zähler 1", Kind: "interval", Unit: "kWh",
		Labelled: "end", Interval: "15m", Decimal: "comma", Dates: "dmy", Negative: "zero", TimeZone: "Europe/Brussels", Registers: []string{"Afname Dag", "Afname Nacht"},
		Columns: map[string]string{"time": "Zeit, bis", "value": "Wert=1"}, Totals: []string{"2026-01=1 MWh", "main:2026-02=2 MWh"},
	}
	a, err := client.Import(t.Context(), q, strings.NewReader("a;b\n1;2\n"))
	if err != nil || a.Rows != 2 || a.File != q.Name {
		t.Errorf("%+v, %v", a, err)
	}
	if d := cmp.Diff([]query.ImportQuestion{q}, x.asked); d != "" || x.text != "a;b\n1;2\n" {
		t.Errorf("%q\n%s", x.text, d)
	}
	// Without a word, nothing is applied, and the only site is meant.
	if _, err := client.Import(t.Context(), query.ImportQuestion{}, strings.NewReader("")); err != nil || x.asked[1].Apply || x.asked[1].Site != "fra1" {
		t.Errorf("%+v, %v", x.asked, err)
	}
	if l, err := client.Imports(t.Context(), ""); err != nil || l.Site != "fra1" || len(l.Imports) != 1 {
		t.Errorf("%+v, %v", l, err)
	}
	if r, err := client.RevertImport(t.Context(), "fra1", "csv-1"); err != nil || r.ID != "csv-1" || r.Quarters != 4 {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestWhatIsNoImportIsRefused(t *testing.T) {
	x := &intake{}
	c := config(t)
	c.Imports = x
	_, base := serve(t, c)
	for name, tc := range map[string]struct {
		method, path string
		headers      []string
		body         string
		fault        error
		code         int
		says         string
	}{
		"a form":                    {"POST", "/api/v1/imports", []string{"Content-Type", "application/x-www-form-urlencoded"}, "a=b", nil, 415, "a body must be text/csv"},
		"a word that it lacks":      {"POST", "/api/v1/imports?aply=1", nil, "x", nil, 400, `"aply": unknown`},
		"neither dry nor not":       {"POST", "/api/v1/imports?dry=maybe", nil, "x", nil, 400, "neither 0 nor 1"},
		"columns without a name":    {"POST", "/api/v1/imports?columns=x", nil, "x", nil, 400, "is not NAME=HEADER"},
		"an id of two lines":        {"POST", "/api/v1/imports?id=a%0ab", nil, "x", nil, 400, "not one line"},
		"text that is none":         {"POST", "/api/v1/imports?meter=a%00b", nil, "x", nil, 400, "or not text"},
		"another site":              {"POST", "/api/v1/imports?site=ams1", nil, "x", nil, 404, "no site"},
		"another site's list":       {"GET", "/api/v1/imports?site=ams1", nil, "", nil, 404, "no site"},
		"another origin":            {"POST", "/api/v1/imports", []string{"Sec-Fetch-Site", "cross-site"}, "x", nil, 403, "cross-origin"},
		"another origin takes back": {"DELETE", "/api/v1/imports/csv-1", []string{"Sec-Fetch-Site", "cross-site"}, "", nil, 403, "cross-origin"},
		"a body to take back":       {"DELETE", "/api/v1/imports/csv-1", nil, "x", nil, 400, "takes no body"},
		"no readings":               {"POST", "/api/v1/imports", nil, "x", fmt.Errorf("%w: no header", query.ErrFile), 400, "no header"},
		"no room":                   {"POST", "/api/v1/imports?dry=0", nil, "x", query.ErrRoom, 503, "it goes on"},
		"no such import":            {"DELETE", "/api/v1/imports/csv-2", nil, "", query.ErrNoImport, 404, "no such import"},
		"the books' own fault":      {"GET", "/api/v1/imports", nil, "", errors.New("disk /secret"), 500, "the aggregator's log says more"},
		"longer than there may be":  {"POST", "/api/v1/imports", nil, strings.Repeat("x", 64<<20+1), nil, 413, "longer than the limit"},
	} {
		t.Run(name, func(t *testing.T) {
			x.fault = tc.fault
			r := request(t, tc.method, base+tc.path, tc.body)
			r.Header.Set("Content-Type", "text/csv")
			for i := 0; i < len(tc.headers); i += 2 {
				r.Header.Set(tc.headers[i], tc.headers[i+1])
			}
			got := do(t, r)
			if _, says := got.failure(t); got.code != tc.code || !strings.Contains(says, tc.says) {
				t.Errorf("answer is %d, %q; want %d, %q", got.code, says, tc.code, tc.says)
			}
		})
	}
	c.Imports = nil
	_, base = serve(t, c)
	if got := do(t, request(t, http.MethodGet, base+"/api/v1/imports", "")); got.code != http.StatusNotImplemented {
		t.Errorf("without books the answer is %d", got.code)
	}
}
