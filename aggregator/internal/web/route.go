package web

import (
	"net/http"
	"time"

	"github.com/prometheus/prometheus/util/httputil"

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
)

// A route is one line of the table that the server is built from.
type route struct {
	path    string   // as http.ServeMux has it, without a method
	methods []string // all others are refused
	open    bool     // answered without the token
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

	series := s.cut(p, "limit", s.l.Series)
	values := s.cut(p, "limit", s.l.Values)
	return []route{
		{"/api/v1/query", form, false, seriesLane, body, long, series},
		{"/api/v1/query_range", form, false, seriesLane, body, long, series},
		{"/api/v1/series", form, false, seriesLane, body, long, series},
		{"/api/v1/labels", form, false, seriesLane, body, long, values},
		{"/api/v1/label/{name}/values", get, false, seriesLane, 0, long, values},
		{"/api/v1/metadata", get, false, noLane, 0, short, packed(s.metadata)},
		{"/api/v1/rules", get, false, seriesLane, 0, short, s.cut(p, "group_limit", s.l.Series)},
		{"/api/v1/alerts", get, false, seriesLane, 0, short, p.ServeHTTP},
		{"/api/v1/format_query", form, false, seriesLane, body, short, s.cut(p, "limit", s.l.Series)},
		{"/api/v1/parse_query", form, false, seriesLane, body, short, s.cut(p, "limit", s.l.Series)},
		{"/api/v1/status/buildinfo", get, false, noLane, 0, short, p.ServeHTTP},

		{"/api/v1/energy", get, false, ledgerLane, 0, long, packed(s.energy)},
		{"/api/v1/kpi", get, false, ledgerLane, 0, long, packed(s.kpi)},
		{"/api/v1/reconciliation", get, false, ledgerLane, 0, long, packed(s.reconciliation)},
		{"/api/v1/inventory", get, false, statusLane, 0, short, packed(s.present(s.inventory, "site", "kind", "hall", "rack", "host", "match", "limit"))},
		{"/api/v1/top", get, false, statusLane, 0, short, packed(s.present(s.top, "site", "of", "by", "hall", "rack", "host", "order", "limit"))},
		{"/api/v1/map", get, false, statusLane, 0, short, packed(s.present(s.rackMap, "site", "value"))},
		{"/api/v1/counts", get, false, statusLane, 0, short, packed(s.present(s.counts, "site"))},
		{"/api/v1/live", get, false, streamLane, 0, streamTime, s.stream},
		{"/api/v1/health", get, false, statusLane, 0, short, packed(s.health)},
		{"/api/v1/health/reset", []string{http.MethodPost}, false, statusLane, body, short, s.healthReset},
		{"/api/v1/imports", form, false, importLane, maxImport, importTimeout, packed(s.imports)},
		{"/api/v1/imports/{id}", []string{http.MethodDelete}, false, importLane, 0, importTimeout, s.importRevert},
		{"/api/v1/report", get, false, noLane, 0, short, s.notYet},
		{"/api/v1/status", get, false, statusLane, 0, short, s.status},
		{"/api", form, false, noLane, 0, short, s.unknown},
		{"/api/", form, false, noLane, 0, short, s.unknown},

		{"/healthz", probe, true, noLane, 0, short, s.healthz},
		{"/readyz", probe, true, noLane, 0, short, s.readyz},
		{"/metrics", get, false, noLane, 0, short, s.metrics},
		{"/", probe, false, noLane, 0, short, s.page},
	}
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
