package web_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gigawatch/gigawatch/aggregator/internal/rights"
	"github.com/gigawatch/gigawatch/aggregator/internal/web"
)

// a rightOf is what a method of a route is for, as it is promised: written down here
// a second time, so that no table is changed unawares.
type rightOf struct {
	roles rights.Role
	holds string   // of the sites
	asks  []string // parameters; SITE stands for a site
}

const everybody, operators, accountants = rights.Everybody, rights.Operator | rights.Admin, rights.Energy | rights.Admin

// promised are the rights, by method and route.
func promised() map[string]rightOf {
	series := []string{
		`{__name__=~".+"}`, `gpu_power_watts{site="SITE"}`, `gpu_power_watts{host="host-SITE"}`, `only_SITE_watts`, `absent(only_SITE_watts)`, `{__name__=~"only.*"}`,
		`gpu_power_watts unless gpu_power_watts{site="SITE"}`, `label_replace(gpu_power_watts{site="SITE"}, "site", "alfa", "", "")`, `max_over_time(gpu_power_watts{site="SITE"}[5m:1m])`,
		`count_values("x", gpu_power_watts{site=~"SITE|alfa"})`, `gpu_power_watts @ 900 or gpu_power_watts{site="SITE"} offset 5m`, `sum by (site, tenant) (job_gpu_share_ratio)`,
	}
	asks := func(name string, also ...string) (out []string) {
		for _, s := range series {
			out = append(out, name+"="+url.QueryEscape(s)+strings.Join(also, ""))
		}
		return out
	}
	matches := []string{"", "match[]=" + url.QueryEscape(`{__name__=~".+"}`), "match[]=" + url.QueryEscape(`gpu_power_watts{site="SITE"}`), "match[]=up&match[]=" + url.QueryEscape(`{host=~"host-SITE"}`)}
	at, span := "&time=1200", "&start=600&end=1200&step=60"
	bySite := []string{"", "site=SITE"}
	form := func(path string, asks []string) map[string]rightOf {
		return map[string]rightOf{"GET " + path: {everybody, "series", asks}, "POST " + path: {everybody, "series", asks}}
	}
	out := map[string]rightOf{
		"GET /api/v1/label/{name}/values": {everybody, "series", matches},
		"GET /api/v1/metadata":            {everybody, "none", []string{""}},
		"GET /api/v1/rules":               {everybody, "alerts", []string{"", "type=alert", "exclude_alerts=true", "rule_name[]=named", "rule_name[]=hot"}},
		"GET /api/v1/alerts":              {everybody, "alerts", bySite},
		"POST /api/v1/alerts/receipt":     {operators, "alerts", bySite},
		"GET /api/v1/windows":             {everybody, "site", []string{"", "site=SITE", "site=SITE&over=true"}},
		"POST /api/v1/windows":            {operators, "site", []string{"site=SITE&match[]=rack%3Dr1&to=9999999999&owner=ada&reason=x"}},
		"DELETE /api/v1/windows/{id}":     {operators, "site", bySite},
		"GET /api/v1/format_query":        {everybody, "none", []string{"query=up"}},
		"POST /api/v1/format_query":       {everybody, "none", []string{"query=up"}},
		"GET /api/v1/parse_query":         {everybody, "none", []string{"query=up"}},
		"POST /api/v1/parse_query":        {everybody, "none", []string{"query=up"}},
		"GET /api/v1/status/buildinfo":    {everybody, "none", []string{""}},

		"GET /api/v1/energy":              {everybody, "jobs", []string{"by=host&boundary=gpu", "site=SITE&by=host&boundary=gpu", "site=SITE&by=job&boundary=gpu", "by=tenant&boundary=gpu", "site=SITE", "site=SITE&explain=1", "site=SITE&by=job&boundary=gpu&tenant=zoology", "site=SITE&site=alfa"}},
		"GET /api/v1/kpi":                 {everybody, "site", []string{"", "site=SITE", "site=SITE&kpi=pue", "site=alfa&site=SITE"}},
		"GET /api/v1/fleet":               {everybody, "sites", []string{"", "site=SITE", "kpi=pue", "site=SITE&site=alfa"}},
		"GET /api/v1/checkpoint":          {everybody, "site", []string{"", "site=SITE", "site=SITE&witnessed=true"}},
		"GET /api/v1/reconciliation":      {everybody, "site", bySite},
		"GET /api/v1/inventory":           {everybody, "parts", []string{"", "kind=site", "site=SITE", "site=SITE&kind=gpu", "site=SITE&kind=job", "kind=tenant&site=SITE", "kind=site&site=SITE", "kind=job&site=SITE&host=host-SITE", "kind=site&match=SITE"}},
		"GET /api/v1/top":                 {everybody, "site", []string{"", "site=SITE", "site=SITE&of=rack"}},
		"GET /api/v1/map":                 {everybody, "site", bySite},
		"GET /api/v1/counts":              {everybody, "site", bySite},
		"GET /api/v1/live":                {everybody, "sites", []string{"", "site=SITE", "by=rack", "by=rack&site=SITE"}},
		"GET /api/v1/health":              {everybody, "sites", bySite},
		"POST /api/v1/health/reset":       {operators, "site", []string{"site=SITE&subject=host-SITE&by=ada"}},
		"GET /api/v1/quarantine":          {everybody, "sites", bySite},
		"GET /api/v1/imports":             {everybody, "site", bySite},
		"POST /api/v1/quarantine/release": {operators, "site", []string{"site=SITE&agent=host-SITE"}},

		"POST /api/v1/imports":        {accountants, "site", bySite},
		"DELETE /api/v1/imports/{id}": {accountants, "site", bySite},
		"GET /api/v1/report":          {accountants, "sites", []string{"", "site=SITE", "year=2025&site=SITE", "year=2025", "year=2025&format=pdf"}},
		"GET /api/v1/status":          {everybody, "sites", bySite},
		"GET /api":                    {everybody, "none", []string{""}},
		"POST /api":                   {everybody, "none", []string{""}},
		"GET /api/":                   {everybody, "none", []string{""}},
		"POST /api/":                  {everybody, "none", []string{""}},

		"GET /healthz":  {0, "none", []string{""}},
		"HEAD /healthz": {0, "none", []string{""}},
		"GET /readyz":   {0, "none", []string{""}},
		"HEAD /readyz":  {0, "none", []string{""}},
		"GET /metrics":  {operators, "all", []string{""}},
		"GET /":         {everybody, "none", []string{""}},
		"HEAD /":        {everybody, "none", []string{""}},
	}
	for _, kind := range []string{"job", "tenant"} {
		asks := []string{"site=SITE&year=2025", "site=SITE&year=2025&tenant=zoology", "site=SITE&year=2025&tenant=physics", "year=2025"}
		out["GET /api/v1/report/statement/"+kind] = rightOf{everybody, "jobs", asks}
		out["POST /api/v1/report/statement/"+kind] = rightOf{accountants, "jobs", asks[:2]}
	}
	for _, kind := range []string{"esrs", "fleet"} {
		for _, method := range []string{"GET", "POST"} {
			out[method+" /api/v1/report/statement/"+kind] = rightOf{accountants, "sites", []string{"year=2025", "year=2025&site=SITE"}}
		}
	}
	const report = "/api/v1/report/{site}/{year}"
	for _, below := range []string{"", "/issues", "/figure/{figure}", "/file", "/steps"} {
		out["GET "+report+below] = rightOf{accountants, "site", []string{"", "version=1", "site=SITE"}}
	}
	for _, action := range []string{"validate", "lock", "submit", "correct"} {
		out["POST "+report+"/"+action] = rightOf{rights.Energy, "site", []string{""}}
	}
	out["POST "+report+"/approve"] = rightOf{accountants, "site", []string{""}}
	for _, m := range []map[string]rightOf{form("/api/v1/query", asks("query", at)), form("/api/v1/query_range", asks("query", span)), form("/api/v1/series", matches[1:]), form("/api/v1/labels", matches)} {
		for k, v := range m {
			out[k] = v
		}
	}
	return out
}

// cut is a writer that ends a stream after its first event.
type cut struct {
	*httptest.ResponseRecorder
	end   context.CancelFunc
	times int
}

func (c *cut) FlushError() error {
	if c.times++; c.times == 2 {
		c.end()
	}
	return nil
}

// asked is the answer to somebody.
func asked(t *testing.T, s *web.Server, method, path, ask, authorization string) response {
	t.Helper()
	ctx, end := context.WithCancel(t.Context())
	defer end()
	var r *http.Request
	switch {
	case method == http.MethodPost && path == "/api/v1/imports":
		r = httptest.NewRequestWithContext(ctx, method, path+"?"+ask, strings.NewReader("time,value\n"))
		r.Header.Set("Content-Type", "text/csv")
	case method == http.MethodPost && path == "/api/v1/alerts/receipt":
		r = httptest.NewRequestWithContext(ctx, method, path+"?"+ask, strings.NewReader("{}"))
		r.Header.Set("Content-Type", "application/json")
	case method == http.MethodPost && strings.HasPrefix(path, "/api/v1/report/statement"):
		r = httptest.NewRequestWithContext(ctx, method, path+"?"+ask, strings.NewReader("{}"))
		r.Header.Set("Content-Type", "application/json")
	case method == http.MethodPost && strings.HasPrefix(path, "/api/v1/report"):
		r = httptest.NewRequestWithContext(ctx, method, path+"?"+ask, strings.NewReader(`{"version":1,"record_sha256":"`+strings.Repeat("0", 64)+`"}`))
		r.Header.Set("Content-Type", "application/json")
	case method == http.MethodPost:
		r = httptest.NewRequestWithContext(ctx, method, path, strings.NewReader(ask))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	default:
		r = httptest.NewRequestWithContext(ctx, method, path+"?"+ask, nil)
	}
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	w := &cut{ResponseRecorder: httptest.NewRecorder(), end: end}
	s.ServeHTTP(w, r)
	return response{w.Code, w.Header(), w.Body.String()}
}

// Every method of every route of the router, for every role and scope: who may not is
// refused in words, who may sees their own, and nobody learns of others even that
// they are there.
func TestEveryRouteForEveryRoleAndScope(t *testing.T) {
	ps, list := people()
	c, _ := worldConfig(t, list)
	s, err := web.New(c)
	if err != nil {
		t.Fatal(err)
	}
	c.Alerts, c.Metrics = worldAlerts{}, nil
	evaluated, err := web.New(c)
	if err != nil {
		t.Fatal(err)
	}
	said := promised()
	for _, rt := range s.Routes() {
		for _, method := range rt.Methods {
			x, ok := said[method+" "+rt.Path]
			if !ok {
				t.Errorf("%s %s: nothing is promised of who may ask it: write it down here, too", method, rt.Path)
				continue
			}
			if rt.Open != (x.roles == 0) || rt.Holds != x.holds || rt.May(method) != x.roles {
				t.Errorf("%s %s: the policy is %v, %v, open %t; promised is %v, %s", method, rt.Path, rt.May(method), rt.Holds, rt.Open, x.roles, x.holds)
			}
			for _, ask := range x.asks {
				for _, p := range ps {
					p.try(t, s, &rt, method, ask, x)
					if x.holds == "alerts" || strings.Contains(rt.Path, "/windows") {
						p.try(t, evaluated, &rt, method, ask, x)
					}
				}
				for _, shown := range []string{"", "Bearer gw_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "Basic " + basic(ps[0].name, "x")} {
					if r := asked(t, s, method, concrete(rt.Path), of(ask, ours), shown); (r.code == 401) != (x.roles != 0) || strings.Contains(r.body, "zulu") {
						t.Errorf("%s %s?%s for nobody: %d %s", method, rt.Path, ask, r.code, r.body)
					}
				}
			}
		}
	}
}

// try asks as p, of their own site, of another, and of one that is not there.
func (p *person) try(t *testing.T, s *web.Server, rt *web.Route, method, ask string, x rightOf) {
	t.Helper()
	hear := func(site string) response {
		path := concrete(strings.ReplaceAll(rt.Path, "{site}", site))
		if rt.Path == "/api/v1/label/{name}/values" {
			path = "/api/v1/label/site/values"
		}
		r := asked(t, s, method, path, of(ask, site), "Bearer "+p.token)
		if r.code == 401 || r.code == 500 || r.code == 403 && x.roles.Has(p.role) && !strings.Contains(r.body, "Ask "+contact) {
			t.Errorf("%s: %s %s?%s: %d %s", p.name, method, path, of(ask, site), r.code, r.body)
		}
		return r
	}
	path := rt.Path
	own := hear(ours)
	if may := x.roles == 0 || x.roles.Has(p.role) && p.within(x, ask); may == (own.code == 403) {
		t.Errorf("%s, who sees %v: %s %s?%s: may is %t, and the answer %d %s", p.name, &p.scope, method, path, of(ask, ours), may, own.code, own.body)
	}
	if own.code == 403 && !x.roles.Has(p.role) && !strings.Contains(own.body, "role "+strings.ReplaceAll(x.roles.String(), ", ", " or ")) {
		t.Errorf("%s: %s %s is refused without a word of the role: %s", p.name, method, path, own.body)
	}
	if !p.scope.Site(theirs) {
		other, none := hear(theirs), hear(nowhere)
		for name, r := range map[string]response{ours: own, theirs: other} {
			body := strings.ReplaceAll(r.body, theirs, nowhere)
			if name == theirs && (r.code != none.code || undated(body) != undated(none.body)) {
				t.Errorf("%s: %s %s?%s tells that a site is there: %d %s, and of one that is not %d %s", p.name, method, path, ask, r.code, r.body, none.code, none.body)
			}
			if name == ours && strings.Contains(r.body, theirs) {
				t.Errorf("%s: %s %s?%s tells of another site: %s", p.name, method, path, of(ask, ours), r.body)
			}
		}
		if strings.Contains(other.body, "host-zulu") || strings.Contains(other.body, "job-zulu") {
			t.Errorf("%s: %s %s?%s tells of another site: %s", p.name, method, path, of(ask, theirs), other.body)
		}
	}
	if !p.scope.Tenant("zoology") && strings.Contains(strings.ReplaceAll(own.body, `not tenant \"zoology\"`, ""), "zoology") {
		t.Errorf("%s: %s %s?%s tells of another tenant: %s", p.name, method, path, of(ask, ours), own.body)
	}
	if !p.scope.Tenant("") && strings.Contains(own.body, "4711 hosts") {
		t.Errorf("%s: %s %s?%s tells how many hosts a site has: %s", p.name, method, path, of(ask, ours), own.body)
	}
	if !p.scope.Tenant("") && strings.Contains(own.body, "host-alfa") && !strings.Contains(own.body, "job-alfa-physics") {
		t.Errorf("%s: %s %s?%s tells of what is no tenant's: %s", p.name, method, path, of(ask, ours), own.body)
	}
}

// within reports whether p's scope has what is asked of their own site.
func (p *person) within(x rightOf, ask string) bool {
	v, err := url.ParseQuery(of(ask, ours))
	if err != nil {
		return false
	}
	jobs := v.Has("year") || // a statement, which is of jobs or tenants always
		slices.Contains([]string{"job", "tenant"}, v.Get("by")) || slices.Contains([]string{"job", "tenant", "site"}, v.Get("kind"))
	switch x.holds {
	case "all":
		return !p.scope.Bounded()
	case "site", "sites":
		return p.scope.Whole()
	case "jobs", "parts":
		if t := v.Get("tenant"); t != "" && !p.scope.Tenant(t) {
			return false
		}
		sites, all := p.scope.Sites()
		if len(v["site"]) > 1 {
			return true // which of them, likewise
		}
		if named := v.Has("site"); !named && (all || len(sites) > 1) && !p.scope.Whole() && !jobs {
			return x.holds == "jobs" // which site, is asked first
		}
		return p.scope.Whole() || jobs
	}
	return true
}

// moments are what of an answer differs by when it was asked.
var moments = regexp.MustCompile(`\d{4}-\d\d-\d\dT[0-9:.]+Z|id: \d+|"(freshness_seconds|evaluationTime)":[0-9.e-]+|"lost":\d+,`)

// undated is a body without the times of its making, and without order.
func undated(body string) string {
	parts := strings.FieldsFunc(moments.ReplaceAllString(body, ""), func(r rune) bool { return strings.ContainsRune("{}[],", r) })
	slices.Sort(parts)
	return strings.Join(parts, " ")
}
