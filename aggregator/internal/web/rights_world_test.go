package web_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/prometheus/prometheus/rules"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/aggregator/internal/health"
	"github.com/gigawatch/gigawatch/aggregator/internal/live"
	"github.com/gigawatch/gigawatch/aggregator/internal/rights"
	"github.com/gigawatch/gigawatch/aggregator/internal/rule"
	"github.com/gigawatch/gigawatch/aggregator/internal/web"
	"github.com/gigawatch/gigawatch/aggregator/query"
	table "github.com/gigawatch/gigawatch/alerts/rule"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// A world of three sites. Every word of a site has its name in it, and every job
// that of its tenant.
const (
	ours, ally, theirs, nowhere = "alfa", "mike", "zulu", "ghos" // as long, so that answers are
	contact                     = "desk@example.org"
)

func worldSites() []string { return []string{ours, ally, theirs} }

func worldSeries() string {
	text := "load 10s\n"
	for i, s := range worldSites() {
		for _, l := range []string{
			`site_power_watts{site="SITE",boundary="it"} 9000+1x360`,
			`gpu_power_watts{site="SITE",hall="hall-SITE",host="host-SITE",gpu="0"} 700+0x360`,
			`only_SITE_watts{site="SITE",label_SITE="x"} 1+0x360`,
			`job_gpu_share_ratio{site="SITE",host="host-SITE",job="job-SITE-physics",tenant="physics"} 1+0x360`,
			`job_gpu_share_ratio{site="SITE",host="host-SITE",job="job-SITE-zoology",tenant="zoology"} 1+0x360`,
		} {
			text += "\t" + of(l, s) + "\n"
		}
		_ = i
	}
	return text
}

// of is a text about a site.
func of(text, site string) string {
	return string(bytes.ReplaceAll([]byte(text), []byte("SITE"), []byte(site)))
}

// worldBooks are a ledger of three sites.
type worldBooks struct{ *books }

func (worldBooks) Sites() []string { return worldSites() }

func (worldBooks) Simulated(site string) bool { return site == ally }

func (worldBooks) Energy(q account.Question) (lines []account.Line, err error) {
	line := func(l account.Line) {
		l.From, l.To, l.Recorded, l.Drawn = q.From, q.To, 3, 4
		l.Energy[metric.Measured] = 3_600_000
		lines = append(lines, l)
	}
	if !q.By.ByJobs() {
		line(account.Line{Hall: "hall-" + q.Site, Host: "host-" + q.Site, CoveredMillis: 1, ExpectedMillis: 1})
		return lines, nil
	}
	line(account.Line{Allocation: account.Unrecorded, Reason: "no record of jobs is connected on 4711 hosts"})
	line(account.Line{Allocation: account.Unallocated})
	for _, t := range []string{"physics", "zoology"} {
		if q.Of.Tenant == "" || q.Of.Tenant == t {
			line(account.Line{Job: "job-" + q.Site + "-" + t, Tenant: t})
		}
	}
	return lines, nil
}

func (b worldBooks) KPIs(site string, q account.KPIQuestion) ([]account.KPI, error) {
	ks, err := b.books.KPIs(site, q)
	for i := range ks {
		ks[i].Reason = "kpi-" + site
	}
	return ks, err
}

func (b worldBooks) Reconcile(site string, from, to int64, of []account.Stage) ([]account.Gap, error) {
	gaps, err := b.books.Reconcile(site, from, to, of)
	for i := range gaps {
		gaps[i].Name = "stage-" + site
	}
	return gaps, err
}

type worldHealth struct{ ward }

func (*worldHealth) Sites() []string { return worldSites() }

func (*worldHealth) Report(site string, _ int, now time.Time) *health.Report {
	f := health.Finding{Cause: "lost", Evidence: "evidence-" + site, Since: now.UnixMilli(), Stands: true}
	return &health.Report{Site: site, At: now, Subjects: []health.Verdict{{Who: health.Who{Kind: "host", Host: "host-" + site}, Findings: []health.Finding{f}}}}
}

// worldQuarantine has a host of every site.
type worldQuarantine struct{}

func (worldQuarantine) Quarantined(time.Time) (all []query.Quarantined) {
	for _, site := range worldSites() {
		all = append(all, query.Quarantined{Site: site, Agent: "host-" + site, Why: "it says " + site})
	}
	return all
}

func (worldQuarantine) Release(site, agent, by string, _ time.Time) (query.Quarantined, bool) {
	return query.Quarantined{Site: site, Agent: agent, By: by}, slices.Contains(worldSites(), site)
}

type worldImports struct{}

func (worldImports) Import(_ context.Context, q query.ImportQuestion, f io.Reader) (*query.ImportReport, error) {
	_, err := io.Copy(io.Discard, f)
	return &query.ImportReport{Site: q.Site, ID: "import-" + q.Site}, err
}

func (worldImports) Imports(_ context.Context, site string) (*query.ImportList, error) {
	return &query.ImportList{Imports: []query.ImportLine{{ID: "import-" + site}}}, nil
}

func (worldImports) RevertImport(_ context.Context, site, id string) (*query.ImportReceipt, error) {
	return &query.ImportReceipt{ID: id + "-" + site}, nil
}

// worldReports are a report of every site.
type worldReports struct{}

func (worldReports) List(_ context.Context, sees func(string) bool) (*query.ReportList, error) {
	a := &query.ReportList{Sites: []query.ReportSite{}}
	for _, s := range worldSites() {
		if sees(s) {
			a.Sites = append(a.Sites, query.ReportSite{Site: s})
		}
	}
	return a, nil
}

// known is what a desk says of a site that it does not have.
func (worldReports) known(site string) error {
	if !slices.Contains(worldSites(), site) {
		return fmt.Errorf("%w: no site %q", query.ErrNoSite, site)
	}
	return nil
}

func (w worldReports) Report(_ context.Context, q query.ReportQuestion, by query.ReportReader) (*query.Report, error) {
	next := []query.ReportNext{}
	for _, action := range []string{"validate", "lock", "approve", "submit", "correct"} {
		next = append(next, query.ReportNext{Action: action, May: true})
	}
	return &query.Report{Site: q.Site, You: by, Next: next, Record: []byte(`{}`)}, w.known(q.Site)
}

func (w worldReports) Issues(_ context.Context, q query.ReportQuestion) (*query.ReportIssues, error) {
	return &query.ReportIssues{Issues: []query.ReportIssue{{Text: "of " + q.Site}}}, w.known(q.Site)
}

func (w worldReports) Figure(_ context.Context, q query.ReportQuestion, figure, _ string) (*query.ReportFigure, error) {
	return &query.ReportFigure{Site: q.Site, Key: figure, Figure: []byte(`{}`)}, w.known(q.Site)
}

func (w worldReports) File(_ context.Context, q query.ReportQuestion, format string) (*query.ReportFile, error) {
	return &query.ReportFile{Name: "report-" + q.Site + "." + format, Type: "application/pdf", Bytes: []byte("of " + q.Site)}, w.known(q.Site)
}

func (w worldReports) Trail(_ context.Context, site string, year int) (*query.ReportTrail, error) {
	return &query.ReportTrail{Site: site, Year: year}, w.known(site)
}

func (w worldReports) Step(_ context.Context, q query.ReportStep, by query.ReportReader) (*query.ReportReceipt, error) {
	return &query.ReportReceipt{Site: q.Site, State: q.Action + " by " + by.Name + ", " + by.Role}, w.known(q.Site)
}

func (w worldReports) Statement(_ context.Context, q query.StatementQuestion, sign bool, by query.ReportReader, sees func(string) bool) (*query.Statement, error) {
	if q.Site != "" {
		if !sees(q.Site) {
			return nil, fmt.Errorf("%w: no site %q", query.ErrNoSite, q.Site)
		}
		if err := w.known(q.Site); err != nil {
			return nil, err
		}
	}
	if q.Names && !q.Mine && by.Name != "anna" {
		return nil, fmt.Errorf("%w: they are anna's", query.ErrNames)
	}
	x := &query.Statement{Kind: q.Kind, Site: q.Site, Name: q.Kind + ".csv", Type: "text/csv", Signed: sign}
	for _, s := range worldSites() {
		if !sees(s) || q.Site != "" && q.Site != s {
			continue
		}
		x.File = append(x.File, "of "+s+" "+q.Tenant...)
		if q.Tenant == "" {
			x.File = append(x.File, " and zoology"...)
		}
		if !q.Own {
			x.File = append(x.File, " 4711 hosts"...)
		}
	}
	return x, nil
}

// worldLive is a present of a host with two jobs at each site.
func worldLive() *now {
	n := &now{Live: live.New(live.Config{Metrics: metrics.NewSet()}), second: time.Now().Unix() - 4}
	for _, s := range worldSites() {
		n.host(s, "host-"+s, "rack-"+s, 7000, false)
		l := n.hosts[len(n.hosts)-1].layout
		l.Entities[0].Name = "hall-" + s
		for i, t := range []string{"physics", "zoology"} {
			l.Entities = append(l.Entities, metric.Entity{Kind: metric.Job, Name: "job-" + s + "-" + t, Parent: 3 + i, Labels: []metric.Pair{{Name: "tenant", Value: t}}})
		}
	}
	for range 4 {
		n.tick()
	}
	return n
}

// worldRules fire at every site, at none, and name one by themselves.
type worldRules struct{ list []*rules.AlertingRule }

func newWorldRules(t testing.TB) *worldRules {
	t.Helper()
	w := &worldRules{}
	for _, x := range []struct{ name, expr, site string }{{"hot", "gpu_power_watts > 1", ""}, {"named", `gpu_power_watts{site="zulu"} > 1`, ""}, {"labelled", "gpu_power_watts > 2", theirs}, {"quiet here", "quiet_watts > 1", theirs + "!"}} {
		expr, err := parser.NewParser(parser.Options{}).ParseExpr(x.expr)
		if err != nil {
			t.Fatal(err)
		}
		own := labels.EmptyLabels()
		if x.site == theirs {
			own = labels.FromStrings("site", theirs)
		}
		r := rules.NewAlertingRule(x.name, expr, 0, 0, own, labels.FromStrings("note", "{{ $labels.host }}"), labels.EmptyLabels(), "", true, slog.New(slog.DiscardHandler))
		_, err = r.Eval(t.Context(), 0, time.Now(), func(context.Context, string, time.Time) (v promql.Vector, err error) {
			for _, s := range worldSites() {
				if x.site == "" || s == theirs {
					v = append(v, promql.Sample{F: 1, Metric: labels.FromStrings("site", s, "host", "host-"+s)})
				}
			}
			return append(v, promql.Sample{F: 1, Metric: labels.FromStrings("of", "all of zulu and others")}), nil
		}, &url.URL{}, 0)
		if err != nil {
			t.Fatal(err)
		}
		w.list = append(w.list, r)
	}
	return w
}

func (w *worldRules) AlertingRules() []*rules.AlertingRule { return w.list }

func (w *worldRules) RuleGroups() []*rules.Group {
	all := make([]rules.Rule, len(w.list))
	for i, r := range w.list {
		all[i] = r
	}
	return []*rules.Group{rules.NewGroup(rules.GroupOptions{Name: "g", File: "f", Interval: time.Minute, Rules: all})}
}

// person is somebody on the list.
type person struct {
	name, token string
	role        rights.Role
	scope       rights.Scope
}

// people are every role of every scope, and viewers of tenants.
func people() (ps []person, list string) {
	list = "contact: " + contact + "\nprincipals:\n"
	add := func(role rights.Role, sites, tenants []string, common bool) {
		p := person{name: fmt.Sprintf("p%d-%v", len(ps), role), role: role, scope: rights.NewScope(sites, tenants, common)}
		var word string
		p.token, word = rights.NewToken()
		ps = append(ps, p)
		list += rights.Line(p.name, role, sites, tenants, common, word) + "\n"
	}
	for role := rights.Viewer; role <= rights.Admin; role <<= 1 {
		for _, sites := range [][]string{{"*"}, {ours}, {ours, ally}} {
			add(role, sites, nil, false)
		}
	}
	add(rights.Viewer, []string{ours}, []string{"physics"}, false)
	add(rights.Viewer, []string{ours}, []string{"physics"}, true)
	add(rights.Viewer, []string{"*"}, []string{"physics"}, false)
	add(rights.Viewer, []string{"*"}, []string{"physics", "chemistry"}, true)
	return ps, list
}

// worldConfig is a server's of that world, whose list of principals stands in a file.
func worldConfig(t testing.TB, list string) (c web.Config, file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "principals.yaml")
	if err := os.WriteFile(file, []byte(list), 0o600); err != nil {
		t.Fatal(err)
	}
	keeper, err := rights.Open(file, metrics.NewSet(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	storage := promqltest.LoadedStorage(t, worldSeries())
	return web.Config{
		Queryable: storage, Ledger: worldBooks{newBooks()}, Fleet: worldBooks{newBooks()}, Rules: newWorldRules(t), Live: worldLive(), Health: &worldHealth{}, Quarantine: worldQuarantine{}, Imports: worldImports{}, Reports: worldReports{}, Rights: keeper,
		Page:       http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "the page") }),
		Checkpoint: func(site string, _ bool) ([]byte, error) { return []byte(site + "\n"), nil },
		Status: func(_ context.Context, sees func(string) bool, _ string, _ int64) (any, error) {
			return slices.DeleteFunc(worldSites(), func(s string) bool { return !sees(s) }), nil
		},
	}, file
}

// worldAlerts are alerts of every site and of none, as the aggregator's own
// evaluator tells them.
type worldAlerts struct{}

func (worldAlerts) views(site string) (list []rule.View) {
	for _, s := range append(worldSites(), "") {
		if site == "" || s == site {
			v := rule.View{State: "firing", Since: time.Unix(1, 0), Labels: []metric.Pair{{Name: "alertname", Value: "hot"}}, Annotations: []metric.Pair{{Name: "note", Value: "host-" + s + " of " + s}}}
			if s != "" {
				v.Labels = append(v.Labels, metric.Pair{Name: "site", Value: s})
			} else {
				v.Annotations[0].Value = "all of zulu and others"
			}
			list = append(list, v)
		}
	}
	return list
}

func (a worldAlerts) Alerts(site string, _ int) ([]rule.View, int) { return a.views(site), 17 }

func (a worldAlerts) Rules(int) []rule.Status {
	hot, quiet := ruled("hot", "gpu_power_watts > 1"), ruled("quiet here", "no PromQL of zulu")
	hot.Alerts, quiet.Alerts, quiet.Problem = a.views(""), a.views(theirs), "it fails at zulu"
	return []rule.Status{hot, quiet}
}

func ruled(name, prom string) rule.Status {
	return rule.Status{State: "firing", Rule: table.Rule{Name: name, Prom: prom, Owner: table.GPUs}}
}

func (worldAlerts) IsCanary(string) bool    { return true }
func (worldAlerts) Heard(string, time.Time) {}

// Windows are one of every site, and one of none.
func (worldAlerts) Windows(now time.Time) (list []rule.WindowView) {
	for _, s := range append(worldSites(), "") {
		m, err := rule.NewMatcher("site", s, false)
		if s == "" {
			m, err = rule.NewMatcher("rack", "rack-zulu", false)
		}
		if err != nil {
			panic(err)
		}
		list = append(list, rule.WindowView{State: "open", Window: rule.Window{ID: "w-" + s, Match: []rule.Matcher{m}, From: now, To: now, Owner: "owner-" + s}})
	}
	return list
}

func (worldAlerts) OpenWindow(w rule.Window, _ time.Time) (rule.Window, error) { return w, nil }

func (a worldAlerts) CloseWindow(id, site, _ string, now time.Time) (rule.Window, error) {
	for _, w := range a.Windows(now) {
		if w.ID == id && (site == "" || w.Site() == site) {
			return w.Window, nil
		}
	}
	return rule.Window{}, rule.ErrNoWindow
}
