package web_test

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/promql/promqltest"

	"github.com/gigawatch/gigawatch/aggregator/internal/rights"
	"github.com/gigawatch/gigawatch/aggregator/internal/rule"
	"github.com/gigawatch/gigawatch/aggregator/internal/web"
	"github.com/gigawatch/gigawatch/aggregator/query"
	table "github.com/gigawatch/gigawatch/alerts/rule"
)

// evaluator is the real one, without anything to evaluate.
func evaluator(t *testing.T, log *slog.Logger, of ...rule.Window) *rule.Evaluator {
	t.Helper()
	e, err := rule.New(rule.Config{Rules: table.Table(), Windows: of, WindowsFile: filepath.Join(t.TempDir(), "windows.json"), Logger: log})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// A window is opened by a client, listed, held against the longest, and closed.
func TestAWindowOfMaintenance(t *testing.T) {
	var log bytes.Buffer
	rack, err := rule.NewMatcher("rack", "r9", false)
	if err != nil {
		t.Fatal(err)
	}
	c := config(t)
	written := rule.Window{ID: "configuration-0", Match: []rule.Matcher{rack}, From: time.Now().Add(-time.Hour), To: time.Now().Add(time.Hour), Owner: "ops", Reason: "fans"}
	c.Alerts = evaluator(t, slog.New(slog.NewTextHandler(&log, nil)), written)
	_, base := serve(t, c)
	client := &query.Client{URL: base}
	now := time.Now()
	q := query.WindowQuestion{Site: "fra1", Match: []string{"rack=r3", `alertname=~Host.*|RackDown`}, To: now.Add(8 * time.Hour), Owner: "facility", Reason: "a new switch"}
	w, err := client.OpenWindow(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	if w.Site != "fra1" || w.State != "open" || strings.Join(w.Match, " ") != "site=fra1 rack=r3 alertname=~Host.*|RackDown" || w.Owner != "facility" || w.ID == "" || w.Opened == nil {
		t.Errorf("it is %+v", w)
	}
	for name, x := range map[string]struct {
		q    query.WindowQuestion
		want string
	}{
		"of everything":         {query.WindowQuestion{Match: []string{"rack=~.*"}, To: now.Add(time.Hour), Owner: "o", Reason: "r"}, "matches everything"},
		"of all that is":        {query.WindowQuestion{Match: []string{"rack=~.+"}, To: now.Add(time.Hour), Owner: "o", Reason: "r"}, "matches everything"},
		"of nothing":            {query.WindowQuestion{To: now.Add(time.Hour), Owner: "o", Reason: "r"}, "matches everything"},
		"of nobody":             {query.WindowQuestion{Match: []string{"rack=r1"}, To: now.Add(time.Hour), Reason: "r"}, "an owner and a reason"},
		"without a reason":      {query.WindowQuestion{Match: []string{"rack=r1"}, To: now.Add(time.Hour), Owner: "o", Reason: " "}, "an owner and a reason"},
		"too long":              {query.WindowQuestion{Match: []string{"rack=r1"}, To: now.Add(169 * time.Hour), Owner: "o", Reason: "r"}, "longer than 168h"},
		"over":                  {query.WindowQuestion{Match: []string{"rack=r1"}, From: now.Add(-3 * time.Hour), To: now.Add(-time.Hour), Owner: "o", Reason: "r"}, "over already"},
		"backwards":             {query.WindowQuestion{Match: []string{"rack=r1"}, From: now.Add(3 * time.Hour), To: now.Add(time.Hour), Owner: "o", Reason: "r"}, "ends before it begins"},
		"in two years":          {query.WindowQuestion{Match: []string{"rack=r1"}, From: now.Add(2 * 366 * 24 * time.Hour), To: now.Add((2*366*24 + 1) * time.Hour), Owner: "o", Reason: "r"}, "more than a year"},
		"what is no label":      {query.WindowQuestion{Match: []string{"ra ck=r1"}, To: now.Add(time.Hour), Owner: "o", Reason: "r"}, "no label"},
		"what is no matcher":    {query.WindowQuestion{Match: []string{"r1"}, To: now.Add(time.Hour), Owner: "o", Reason: "r"}, "LABEL=VALUE"},
		"no expression":         {query.WindowQuestion{Match: []string{"rack=~("}, To: now.Add(time.Hour), Owner: "o", Reason: "r"}, "match rack"},
		"of two lines":          {query.WindowQuestion{Match: []string{"rack=r1"}, To: now.Add(time.Hour), Owner: "o", Reason: "r\nlevel=ERROR"}, "one line"},
		"the same, again":       {query.WindowQuestion{Site: "fra1", Match: slices.Clone(q.Match), From: now.Add(8 * time.Hour), To: now.Add(170 * time.Hour), Owner: "o", Reason: "r"}, "together with window " + w.ID},
		"the same, otherwise":   {query.WindowQuestion{Site: "fra1", Match: []string{q.Match[1], q.Match[0], q.Match[0]}, From: now.Add(4 * time.Hour), To: now.Add(171 * time.Hour), Owner: "o", Reason: "r"}, "together with window " + w.ID},
		"after one of the file": {query.WindowQuestion{Match: []string{"rack=r9"}, From: now.Add(90 * time.Minute), To: now.Add(168 * time.Hour), Owner: "o", Reason: "r"}, "together with window configuration-0"},
	} {
		var refused *query.Error
		if _, err := client.OpenWindow(t.Context(), x.q); !errors.As(err, &refused) || refused.Reason != query.BadData || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%s: %v, want %q", name, err, x.want)
		}
	}
	next := q
	next.From, next.To = now.Add(10*time.Hour), now.Add(177*time.Hour)
	if _, err := client.OpenWindow(t.Context(), next); err != nil {
		t.Errorf("hours later there may be another: %v", err)
	}
	list, err := client.Windows(t.Context(), "fra1", false)
	if err != nil {
		t.Fatal(err)
	}
	if len(list.Windows) != 2 || list.Windows[0].ID != w.ID || list.Windows[1].State != "coming" || list.Longest != 7*24*3600 {
		t.Errorf("they are %+v", list)
	}
	if _, err := client.CloseWindow(t.Context(), "ber1", w.ID); err == nil || !strings.Contains(err.Error(), "no such maintenance window") {
		t.Errorf("as one of another site: %v", err)
	}
	if _, err := client.CloseWindow(t.Context(), "", "configuration-0"); err == nil || !strings.Contains(err.Error(), "stands in the configuration") {
		t.Errorf("one of the configuration: %v", err)
	}
	if closed, err := client.CloseWindow(t.Context(), "fra1", w.ID); err != nil || closed.State != "over" || closed.Closed == nil {
		t.Errorf("closed: %+v, %v", closed, err)
	}
	if _, err := client.CloseWindow(t.Context(), "fra1", w.ID); err == nil {
		t.Error("it is closed twice")
	}
	if list, err = client.Windows(t.Context(), "", true); err != nil || len(list.Windows) != 3 || list.Windows[2].ID != w.ID || !list.Windows[0].Configured {
		t.Errorf("with those that are over: %+v, %v", list, err)
	}
	for _, want := range []string{"maintenance window opened", "maintenance window closed", `owner=facility reason="a new switch"`, w.ID} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log lacks %q:\n%s", want, log.String())
		}
	}
}

// A window is of who opened it, and of their site.
func TestWindowsAreSignedAndOfOnesOwnSite(t *testing.T) {
	ps, list := people()
	c, _ := worldConfig(t, list)
	var log bytes.Buffer
	c.Alerts = evaluator(t, slog.New(slog.NewTextHandler(&log, nil)))
	s, err := web.New(c)
	if err != nil {
		t.Fatal(err)
	}
	find := func(role rights.Role, sites int) person {
		return ps[slices.IndexFunc(ps, func(p person) bool { n, _ := p.scope.Sites(); return p.role == role && len(n) == sites })]
	}
	open := func(p person, v url.Values) response {
		for name, value := range map[string]string{"to": time.Now().Add(time.Hour).Format(time.RFC3339), "owner": "ada", "reason": "x", "match[]": "rack=r1"} {
			v.Set(name, value)
		}
		return asked(t, s, http.MethodPost, "/api/v1/windows", v.Encode(), "Bearer "+p.token)
	}
	one, two, all := find(rights.Operator, 1), find(rights.Operator, 2), find(rights.Admin, 0)
	for name, x := range map[string]struct {
		p    person
		site string
		code int
		want string
	}{
		"of one site, which is not named": {one, "", 200, `"site":"alfa"`},
		"another's":                       {one, theirs, 403, "not site"},
		"of two sites, none is named":     {two, "", 400, "alfa, mike"},
		"of two sites, one is named":      {two, ally, 200, `"by":"` + two.name + `"`},
		"a viewer":                        {find(rights.Viewer, 1), ours, 403, "takes the role"},
		"who signs reports":               {find(rights.Energy, 1), ours, 403, "takes the role"},
		"all, of none":                    {all, "", 200, `"match":["rack=r1"]`},
	} {
		v := url.Values{}
		if x.site != "" {
			v.Set("site", x.site)
		}
		if r := open(x.p, v); r.code != x.code || !strings.Contains(r.body, x.want) {
			t.Errorf("%s: %d %s", name, r.code, r.body)
		}
	}
	if r := asked(t, s, http.MethodGet, "/api/v1/windows", "", "Bearer "+one.token); strings.Count(r.body, `"id"`) != 1 || strings.Contains(r.body, ally) {
		t.Errorf("who sees one site is told of %s", r.body)
	}
	var id string
	for _, w := range c.Alerts.Windows(time.Now()) {
		if w.Site() == ally {
			id = w.ID
		}
	}
	other, none := asked(t, s, http.MethodDelete, "/api/v1/windows/"+id, "", "Bearer "+one.token), asked(t, s, http.MethodDelete, "/api/v1/windows/w-none", "", "Bearer "+one.token)
	if other.code != 404 || other.body != none.body {
		t.Errorf("closing another site's: %d %s, and one that is not: %s", other.code, other.body, none.body)
	}
	if r := asked(t, s, http.MethodDelete, "/api/v1/windows/"+id, "site="+ally, "Bearer "+two.token); r.code != 200 || !strings.Contains(r.body, `"closed_by":"`+two.name+`"`) {
		t.Errorf("closing one's own: %d %s", r.code, r.body)
	}
	if !strings.Contains(log.String(), "by="+two.name) {
		t.Errorf("the log does not say who:\n%s", log.String())
	}
}

func FuzzWindow(f *testing.F) {
	f.Add("site=a&match[]=rack%3D~r.*&owner=o&reason=r&to=9999999999")
	f.Fuzz(func(t *testing.T, form string) {
		c := web.Config{Queryable: promqltest.LoadedStorage(t, ""), Ledger: newBooks(), Alerts: evaluator(t, slog.New(slog.DiscardHandler)), Insecure: true}
		s, err := web.New(c)
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest(http.MethodPost, "/api/v1/windows", strings.NewReader(form))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code >= 500 {
			t.Errorf("%d %s", w.Code, w.Body)
		}
		for _, x := range c.Alerts.Windows(time.Now()) {
			if err := x.Check(); err != nil {
				t.Errorf("%q opened %+v: %v", form, x, err)
			}
		}
	})
}
