package web

import (
	"net/http"
	"time"

	"github.com/prometheus/prometheus/util/httputil"

	"github.com/gigawatch/gigawatch/aggregator/internal/rights"
	"github.com/gigawatch/gigawatch/aggregator/query"
)

// lane is the gate that a route's requests pass.
type lane string

const (
	noLane     lane = "" // always answered
	seriesLane lane = "series"
	ledgerLane lane = "ledger"
	statusLane lane = "status"
	streamLane lane = "stream"
	importLane lane = "import" // its bodies are files, which the handler reads

	receiptLane lane = "receipt" // its bodies are JSON, likewise
	reportLane  lane = "report"  // likewise
)

// A route is one line of the table that the server is built from.
type route struct {
	path    string   // as http.ServeMux has it, without a method
	methods []string // all others are refused
	policy  policy   // who may
	lane    lane
	body    int64         // bytes of a form that are read; 0: a body is refused
	timeout time.Duration // for the handler
	serve   http.HandlerFunc
}

// table is every path the server answers.
func (s *Server) table(p *prometheus) []route {
	get, form := []string{http.MethodGet}, []string{http.MethodGet, http.MethodPost}
	probe := []string{http.MethodGet, http.MethodHead}
	long, short := s.l.Timeout, min(s.l.Timeout, 5*time.Second)
	body := s.l.Body

	figures, whole, jobs, none := reads(holdsSite), reads(holdsSites), reads(holdsJobs), reads(holdsNone)
	points, alerts := reads(holdsSeries), reads(holdsAlerts)
	accountants, operators := rights.Energy|rights.Admin, rights.Operator|rights.Admin

	series := s.cut(p, "limit", s.l.Series)
	values := s.cut(p, "limit", s.l.Values)
	return append(s.reportRoutes(body, short), []route{
		{"/api/v1/query", form, points, seriesLane, body, long, series},
		{"/api/v1/query_range", form, points, seriesLane, body, long, series},
		{"/api/v1/series", form, points, seriesLane, body, long, series},
		{"/api/v1/labels", form, points, seriesLane, body, long, values},
		{"/api/v1/label/{name}/values", get, points, seriesLane, 0, long, values},
		{"/api/v1/metadata", get, none, noLane, 0, short, packed(s.metadata)},
		{"/api/v1/rules", get, alerts, seriesLane, 0, short, s.ownRules(s.rules(s.cut(p, "group_limit", s.l.Series)))},
		{"/api/v1/alerts", get, alerts, seriesLane, 0, short, s.ownAlerts(s.alerts(p.ServeHTTP))},
		{"/api/v1/alerts/receipt", []string{http.MethodPost}, alerts.changed(operators, http.MethodPost), receiptLane, body, short, s.receipt},
		{"/api/v1/windows", form, figures.changed(operators, http.MethodPost), statusLane, body, short, s.windows},
		{"/api/v1/windows/{id}", []string{http.MethodDelete}, figures.changed(operators, http.MethodDelete), statusLane, 0, short, s.windowClose},
		{"/api/v1/format_query", form, none, seriesLane, body, short, s.cut(p, "limit", s.l.Series)},
		{"/api/v1/parse_query", form, none, seriesLane, body, short, s.cut(p, "limit", s.l.Series)},
		{"/api/v1/status/buildinfo", get, none, noLane, 0, short, p.ServeHTTP},

		{"/api/v1/energy", get, jobs, ledgerLane, 0, long, packed(s.energy)},
		{"/api/v1/kpi", get, figures, ledgerLane, 0, long, packed(s.kpi)},
		{"/api/v1/fleet", get, whole, ledgerLane, 0, long, packed(s.fleet)},
		{"/api/v1/checkpoint", get, figures, statusLane, 0, short, s.checkpoint},
		{"/api/v1/reconciliation", get, figures, ledgerLane, 0, long, packed(s.reconciliation)},
		{"/api/v1/inventory", get, reads(holdsParts), statusLane, 0, short, packed(s.present(s.inventory, "site", "kind", "hall", "rack", "host", "match", "limit"))},
		{"/api/v1/top", get, figures, statusLane, 0, short, packed(s.present(s.top, "site", "of", "by", "lane", "over", "hall", "rack", "host", "order", "limit"))},
		{"/api/v1/map", get, figures, statusLane, 0, short, packed(s.present(s.rackMap, "site", "value"))},
		{"/api/v1/counts", get, figures, statusLane, 0, short, packed(s.present(s.counts, "site"))},
		{"/api/v1/live", get, whole, streamLane, 0, streamTime, s.stream},
		{"/api/v1/health", get, whole, statusLane, 0, short, packed(s.health)},
		{"/api/v1/health/reset", []string{http.MethodPost}, figures.changed(operators, http.MethodPost), statusLane, body, short, s.healthReset},
		{"/api/v1/quarantine", get, whole, statusLane, 0, short, s.quarantine},
		{"/api/v1/quarantine/release", []string{http.MethodPost}, figures.changed(operators, http.MethodPost), statusLane, body, short, s.quarantineRelease},
		{"/api/v1/imports", form, figures.changed(accountants, http.MethodPost), importLane, maxImport, importTimeout, packed(s.imports)},
		{"/api/v1/imports/{id}", []string{http.MethodDelete}, figures.changed(accountants, http.MethodDelete), importLane, 0, importTimeout, s.importRevert},
		{"/api/v1/status", get, whole, statusLane, 0, short, s.status},
		{"/api", form, none, noLane, 0, short, s.unknown},
		{"/api/", form, none, noLane, 0, short, s.unknown},

		{"/healthz", probe, free(), noLane, 0, short, s.healthz},
		{"/readyz", probe, free(), noLane, 0, short, s.readyz},
		{"/metrics", get, only(operators, holdsAll), noLane, 0, short, s.metrics},
		{"/", probe, none, noLane, 0, short, s.page},
	}...)
}

// packed compresses what h answers for those who take it so; Prometheus' own
// handlers do it themselves.
func packed(h http.HandlerFunc) http.HandlerFunc {
	return httputil.CompressionHandler{Handler: h}.ServeHTTP
}

func (s *Server) notYet(w http.ResponseWriter, r *http.Request) {
	s.fail(w, r, refuse(query.NotImplemented, "%s is not in this version", r.URL.Path))
}

func (s *Server) unknown(w http.ResponseWriter, r *http.Request) {
	s.fail(w, r, refuse(query.NotFound, "no such path: %s", r.URL.Path))
}

func (s *Server) page(w http.ResponseWriter, r *http.Request) {
	if s.c.Page == nil {
		s.unknown(w, r)
		return
	}
	s.c.Page.ServeHTTP(w, r)
}
