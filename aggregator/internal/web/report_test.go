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

// A statement is of what one sees: a tenant has its own with its names, others have
// keys, and names if the desk says so; one is signed for those who report.
func TestAStatementIsOfWhatOneSees(t *testing.T) {
	ps, list := people()
	c, _ := worldConfig(t, list)
	s, err := web.New(c)
	if err != nil {
		t.Fatal(err)
	}
	anna, viewer := ofRole(ps, rights.Energy, true), ofRole(ps, rights.Viewer, true)
	tenant := &ps[slices.IndexFunc(ps, func(p person) bool { return !p.scope.Tenant("") && p.scope.Tenant("physics") })]
	both := &ps[slices.IndexFunc(ps, func(p person) bool { return p.scope.Tenant("chemistry") && !p.scope.Tenant("zoology") })]
	const path = "/api/v1/report/statement/"
	get := func(target string, p *person) *http.Request {
		r := httptest.NewRequest(http.MethodGet, path+target, nil)
		r.Header.Set("Authorization", "Bearer "+p.token)
		return r
	}
	for name, tt := range map[string]struct {
		r    *http.Request
		code int
		want string
	}{
		"a tenant's own":                  {get("tenant?month=2025-12", tenant), 200, "of alfa physics"},
		"with its names":                  {get("job?year=2025&names=true", tenant), 200, "of alfa physics"},
		"another tenant's":                {get("tenant?month=2025-12&tenant=zoology", tenant), 403, "not tenant"},
		"of all sites, for a tenant":      {get("fleet?year=2025", tenant), 403, "role energy or admin"},
		"signed, for a tenant":            {signing(path+"tenant?month=2025-12", "{}", tenant), 403, "role energy or admin"},
		"of which of two tenants":         {get("tenant?month=2025-12&site=alfa", both), 400, "physics"},
		"names for one who may not":       {get("tenant?month=2025-12&names=true", anna), 403, "anna's"},
		"all, by key":                     {get("tenant?month=2025-12", anna), 200, "of alfa"},
		"all, for a viewer of the site":   {get("tenant?month=2025-12", viewer), 200, "of alfa"},
		"signed":                          {signing(path+"tenant?month=2025-12&format=csv", "{}", anna), 200, `"signed":true`},
		"with what is stated":             {signing(path+"job?from=2025-12-01&to=2025-12-05&job=a,b", `{"about":{"model":"m"}}`, anna), 200, `"signed":true`},
		"with something else":             {signing(path+"job?year=2025&job=a", `{"model":"m"}`, anna), 400, "unknown field"},
		"signed from another origin":      {signing(path+"tenant?month=2025-12", "{}", anna, "Origin", "https://evil.example"), 403, "cross-origin"},
		"of another site":                 {get("tenant?month=2025-12&site=zulu", anna), 403, "not site"},
		"of a year that is none":          {get("esrs?year=25", anna), 400, "1990 to 2100"},
		"with a parameter of another one": {get("esrs?year=2025&tenant=physics", anna), 400, "unknown"},
		"of names that are neither":       {get("tenant?month=2025-12&names=1", anna), 400, "neither true nor false"},
		"of very many jobs":               {get("job?year=2025&job="+strings.Repeat("a,", 9000), anna), 400, "too long"},
		"by nobody":                       {httptest.NewRequest(http.MethodGet, path+"tenant?month=2025-12", nil), 401, "token"},
		"of another kind":                 {get("weather?year=2025", anna), 403, "not site"},
	} {
		w := httptest.NewRecorder()
		if s.ServeHTTP(w, tt.r); w.Code != tt.code || !strings.Contains(w.Body.String(), tt.want) {
			t.Errorf("%s: %d %s, want %d with %q", name, w.Code, w.Body, tt.code, tt.want)
		}
	}
	w := httptest.NewRecorder()
	if s.ServeHTTP(w, get("tenant?month=2025-12", tenant)); strings.Contains(w.Body.String(), "4711") || w.Header().Get("Content-Disposition") != `attachment; filename="tenant.csv"` || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("a tenant's own: %v %s", w.Header(), w.Body)
	}
}
