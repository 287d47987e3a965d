package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"github.com/VictoriaMetrics/metrics"

	"github.com/gigawatch/gigawatch/aggregator/query"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// healthz says that the process answers; it asks nobody.
func (s *Server) healthz(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte("ok\n")) // as in fail
}

// Readiness is the answer of /readyz.
type Readiness struct {
	Ready   bool     `json:"ready"`
	Reasons []string `json:"reasons"` // why not
}

func (s *Server) readyz(w http.ResponseWriter, r *http.Request) {
	a := Readiness{Reasons: []string{}}
	if s.c.Ready != nil {
		a.Reasons = append(a.Reasons, s.c.Ready()...)
	}
	a.Ready = len(a.Reasons) == 0
	b, err := json.Marshal(a)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if !a.Ready {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_, _ = w.Write(append(b, '\n')) // as in fail
}

func (s *Server) metrics(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	s.c.Metrics.WritePrometheus(w)
	metrics.WriteProcessMetrics(w)
}

// status hands the page what it shows, without the envelope of the API.
func (s *Server) status(w http.ResponseWriter, r *http.Request) {
	if s.c.Status == nil {
		s.notYet(w, r)
		return
	}
	site := r.Form.Get("site")
	if site != "" {
		if !metric.ValidName(site) { // whether there is one, Status knows: it may be too new for the ledger
			s.fail(w, r, badParameter("site", "%q is not a site's name", site))
			return
		}
	}
	var since int64
	if v := r.Form.Get("since"); v != "" {
		var err error
		if since, err = strconv.ParseInt(v, 10, 64); err != nil {
			s.fail(w, r, badParameter("since", "%q is not an integer", v))
			return
		}
	}
	data, err := s.c.Status(r.Context(), scopeOf(r.Context()).Site, site, since)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	b, err := json.Marshal(data)
	if err != nil {
		s.fail(w, r, fmt.Errorf("encode status: %w", err))
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(append(b, '\n')) // as in fail
}

// checkSite says what is wrong with a site's name, nil if there is such a site.
func (s *Server) checkSite(site string) error {
	if !metric.ValidName(site) {
		return badParameter("site", "%q is not a site's name", site)
	}
	if !slices.Contains(s.c.Ledger.Sites(), site) {
		return refuse(query.NotFound, "parameter \"site\": no site %q", site)
	}
	return nil
}

// metadata is what the catalogue says of the metrics, as Prometheus shapes it.
func (s *Server) metadata(w http.ResponseWriter, r *http.Request) {
	limit, perMetric := -1, -1
	for name, v := range map[string]*int{"limit": &limit, "limit_per_metric": &perMetric} {
		if t := r.Form.Get(name); t != "" {
			n, err := strconv.Atoi(t)
			if err != nil {
				s.fail(w, r, badParameter(name, "%q is not a number", t))
				return
			}
			*v = n
		}
	}
	type entry struct {
		Type string `json:"type"`
		Help string `json:"help"`
		Unit string `json:"unit"`
	}
	only := r.Form.Get("metric")
	all := map[string][]entry{}
	for d := range metric.All {
		if only != "" && d.Name != only || limit >= 0 && len(all) >= limit || perMetric == 0 {
			continue
		}
		all[d.Name] = []entry{{d.Kind.String(), d.Help, string(d.Unit)}}
	}
	s.succeed(w, r, all)
}
