package web_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/gigawatch/gigawatch/aggregator/internal/rights"
	"github.com/gigawatch/gigawatch/aggregator/internal/web"
	"github.com/gigawatch/gigawatch/aggregator/query"
)

// ofRole is one of the people with a role, who see some sites only or all.
func ofRole(ps []person, role rights.Role, bounded bool) *person {
	i := slices.IndexFunc(ps, func(p person) bool { return p.role == role && p.scope.Bounded() == bounded })
	return &ps[i]
}

// signing is a request of a step.
func signing(path, body string, p *person, header ...string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+p.token)
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return r
}

func TestAStepIsTakenByWhomTheServerKnows(t *testing.T) {
	ps, list := people()
	c, _ := worldConfig(t, list)
	s, err := web.New(c)
	if err != nil {
		t.Fatal(err)
	}
	const path = "/api/v1/report/alfa/2025/"
	hash := strings.Repeat("a", 64)
	good := `{"version":1,"record_sha256":"` + hash + `","text":"receipt 1"}`
	anna, admin := ofRole(ps, rights.Energy, true), ofRole(ps, rights.Admin, false)
	for name, tt := range map[string]struct {
		r    *http.Request
		code int
		want string
	}{
		"locked by energy":               {signing(path+"lock", good, anna), 200, "lock by " + anna.name + ", energy"},
		"locked by an administrator":     {signing(path+"lock", good, admin), 403, "role energy"},
		"approved by an administrator":   {signing(path+"approve", good, admin), 200, "approve by " + admin.name + ", admin"},
		"under another name":             {signing(path+"approve", `{"version":1,"record_sha256":"`+hash+`","by":"Ben"}`, anna), 400, "unknown field"},
		"under another name, beside it":  {signing(path+"approve?by=Ben", good, anna), 400, `parameter \"by\": unknown`},
		"of a site that is not hers":     {signing("/api/v1/report/zulu/2025/lock", good, anna), 403, "not site"},
		"with a second site":             {signing(path+"lock?site=alfa", good, anna), 400, "the path says it"},
		"of no version":                  {signing(path+"lock", `{"record_sha256":"`+hash+`"}`, anna), 400, "version is missing"},
		"of no record":                   {signing(path+"lock", `{"version":1}`, anna), 400, "record_sha256 is missing"},
		"of a year that is none":         {signing("/api/v1/report/alfa/20x5/lock", good, anna), 400, "none of 1990 to 2100"},
		"of a year long ago":             {signing("/api/v1/report/alfa/1789/lock", good, anna), 400, "none of 1990 to 2100"},
		"with two objects":               {signing(path+"lock", good+good, anna), 400, "more than one"},
		"with lines in its text":         {signing(path+"submit", `{"version":1,"record_sha256":"`+hash+`","text":"a\nb"}`, anna), 400, "not one line"},
		"with a long text":               {signing(path+"submit", `{"version":1,"record_sha256":"`+hash+`","text":"`+strings.Repeat("x", 2001)+`"}`, anna), 400, "longer than 2000"},
		"as a form, which a page sends":  {signing(path+"lock", "version=1", anna, "Content-Type", "application/x-www-form-urlencoded"), 415, "application/json"},
		"as text, which a page sends":    {signing(path+"lock", good, anna, "Content-Type", "text/plain"), 415, "application/json"},
		"from a page of another origin":  {signing(path+"lock", good, anna, "Origin", "https://evil.example"), 403, "cross-origin"},
		"from another site, by a frame":  {signing(path+"lock", good, anna, "Sec-Fetch-Site", "same-site"), 403, "cross-origin"},
		"from the page":                  {signing(path+"lock", good, anna, "Sec-Fetch-Site", "same-origin"), 200, "lock by"},
		"as a password, as browsers do":  {signing(path+"lock", good, anna, "Authorization", "Basic "+basic("x", anna.token)), 200, "lock by " + anna.name},
		"with too much":                  {signing(path+"lock", `{"text":"`+strings.Repeat("x", 70<<10)+`"}`, anna), 413, "too_large"},
		"of a path that is not a step":   {signing(path+"unlock", good, anna), 400, "takes no body"},
		"by asking":                      {httptest.NewRequest(http.MethodGet, path+"lock", nil), 405, "does not answer GET"},
		"by nobody":                      {httptest.NewRequest(http.MethodPost, path+"lock", strings.NewReader(good)), 401, "token"},
		"by a viewer":                    {signing(path+"lock", good, ofRole(ps, rights.Viewer, true)), 403, "role energy"},
		"by an operator":                 {signing(path+"approve", good, ofRole(ps, rights.Operator, true)), 403, "role energy or admin"},
		"with a tail behind the version": {signing(path+"lock", `{"version":1.5,"record_sha256":"`+hash+`"}`, anna), 400, "body"},
	} {
		w := httptest.NewRecorder()
		if s.ServeHTTP(w, tt.r); w.Code != tt.code || !strings.Contains(w.Body.String(), tt.want) {
			t.Errorf("%s: %d %s, want %d with %q", name, w.Code, w.Body, tt.code, tt.want)
		}
	}
}

func TestAReportIsShownToWhoReports(t *testing.T) {
	ps, list := people()
	c, _ := worldConfig(t, list)
	s, err := web.New(c)
	if err != nil {
		t.Fatal(err)
	}
	anna, admin := ofRole(ps, rights.Energy, true), ofRole(ps, rights.Admin, false)
	get := func(target string, p *person) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodGet, target, nil)
		r.Header.Set("Authorization", "Bearer "+p.token)
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		return w
	}
	w := get("/api/v1/report/alfa/2025/file?format=pdf", anna)
	if h := w.Header(); w.Code != 200 || h.Get("Content-Type") != "application/pdf" || h.Get("Content-Disposition") != `attachment; filename="report-alfa.pdf"` ||
		h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Cache-Control") != "no-store" || w.Body.String() != "of alfa" {
		t.Errorf("a file: %d %v %s", w.Code, h, w.Body)
	}
	if w := get("/api/v1/report?year=2025&format=xlsx", anna); w.Code != 200 || w.Body.String() != "of alfa" {
		t.Errorf("as the command asks: %d %s", w.Code, w.Body)
	}
	if w := get("/api/v1/report?year=2025", admin); w.Code != 400 || !strings.Contains(w.Body.String(), "needed") {
		t.Errorf("of which site: %d %s", w.Code, w.Body)
	}
	if w := get("/api/v1/report?site=nowhere", admin); w.Code != 404 {
		t.Errorf("of no site: %d %s", w.Code, w.Body)
	}
	// Which steps are open to somebody is said by their role.
	for _, p := range []*person{anna, admin} {
		var e struct{ Data query.Report }
		if err := json.Unmarshal(get("/api/v1/report/alfa/2025", p).Body.Bytes(), &e); err != nil {
			t.Fatal(err)
		}
		for _, n := range e.Data.Next {
			if may := p.role == rights.Energy || n.Action == "approve"; n.May != may || may != (n.Why == "") {
				t.Errorf("%s: %+v", p.name, n)
			}
		}
		if e.Data.You.Name != p.name || e.Data.You.Role != p.role.String() {
			t.Errorf("%s is told to be %+v", p.name, e.Data.You)
		}
	}
	c.Reports, c.Metrics = nil, nil
	none, err := web.New(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, target := range []string{"/api/v1/report", "/api/v1/report/alfa/2025", "/api/v1/report/alfa/2025/file", "/api/v1/report?year=2025"} {
		r := httptest.NewRequest(http.MethodGet, target, nil)
		r.Header.Set("Authorization", "Bearer "+anna.token)
		w := httptest.NewRecorder()
		if none.ServeHTTP(w, r); w.Code != http.StatusNotImplemented {
			t.Errorf("%s without reports: %d %s", target, w.Code, w.Body)
		}
	}
}
