package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/rights"
	"github.com/gigawatch/gigawatch/aggregator/query"
)

// Bounds of reports: one is made of all hours of a year.
const (
	reportsAtOnce = 4
	reportQueue   = 16
	reportTimeout = 2 * time.Minute
)

// signatures are the paths of the steps of a report, and who may take each: a report is
// prepared and signed by those for energy, and approved by another of them or by an
// administrator.
var signatures = [...]struct {
	action string
	who    rights.Role
}{
	{"validate", rights.Energy}, {"lock", rights.Energy}, {"approve", rights.Energy | rights.Admin}, {"submit", rights.Energy}, {"correct", rights.Energy},
}

// reportRoutes are those of reports. A record holds contracts and names: it is for
// those who report, of the sites that they see.
func (s *Server) reportRoutes(body int64, short time.Duration) []route {
	const one = "/api/v1/report/{site}/{year}"
	get, accountants := []string{http.MethodGet}, rights.Energy|rights.Admin
	reads := only(accountants, holdsSite)
	rs := []route{
		{"/api/v1/report", get, only(accountants, holdsSites), reportLane, 0, reportTimeout, packed(s.reportList)},
		{one, get, reads, reportLane, 0, reportTimeout, packed(s.report)},
		{one + "/issues", get, reads, reportLane, 0, reportTimeout, packed(s.reportIssues)},
		{one + "/figure/{figure}", get, reads, reportLane, 0, reportTimeout, packed(s.reportFigure)},
		{one + "/file", get, reads, reportLane, 0, reportTimeout, s.reportFile},
		{one + "/steps", get, reads, statusLane, 0, short, packed(s.reportTrail)},
	}
	for _, x := range signatures {
		rs = append(rs, route{one + "/" + x.action, []string{http.MethodPost}, only(accountants, holdsSite).changed(x.who, http.MethodPost), reportLane, body, reportTimeout, s.reportStep(x.action)})
	}
	return append(rs, s.statementRoutes(body)...)
}

// asking is who asks.
func asking(ctx context.Context) query.ReportReader {
	p := rights.From(ctx)
	if p == nil {
		return query.ReportReader{}
	}
	return query.ReportReader{Name: p.Name, Role: p.Role.String()}
}

// asked reads which report a request is of; names are those of further parameters.
func (s *Server) askedReport(r *http.Request, names ...string) (q query.ReportQuestion, err error) {
	if s.c.Reports == nil {
		return q, refuse(query.NotImplemented, "%s is not in this version", r.URL.Path)
	}
	if err := known(r.Form, append([]string{"site", "version"}, names...)...); err != nil {
		return q, err
	}
	q.Site = r.Form.Get("site")
	year := r.PathValue("year")
	if year == "" {
		year = r.Form.Get("year")
	}
	if q.Year, err = strconv.Atoi(year); err != nil || len(year) != 4 || q.Year < 1990 || q.Year > 2100 {
		return q, badParameter("year", "%.20q is none of 1990 to 2100", year)
	}
	if v := r.Form.Get("version"); v != "" {
		if q.Version, err = strconv.Atoi(v); err != nil || q.Version < 1 || q.Version > 10_000 {
			return q, badParameter("version", "%.20q is not a number from 1 on", v)
		}
	}
	return q, nil
}

func (s *Server) reportList(w http.ResponseWriter, r *http.Request) {
	if r.Form.Has("year") { // the report itself, as the command gives it
		if r.Form.Get("site") == "" {
			sites := visible(r.Context(), s.c.Ledger.Sites())
			if len(sites) != 1 {
				s.fail(w, r, badParameter("site", "needed, as there are %d sites", len(sites)))
				return
			}
			r.Form.Set("site", sites[0])
		}
		s.sendReport(w, r)
		return
	}
	if s.c.Reports == nil {
		s.notYet(w, r)
		return
	}
	if err := known(r.Form, "site"); err != nil {
		s.fail(w, r, err)
		return
	}
	scope, site := scopeOf(r.Context()), r.Form.Get("site")
	a, err := s.c.Reports.List(r.Context(), func(name string) bool { return scope.Site(name) && (site == "" || site == name) })
	if err != nil {
		s.fail(w, r, reportFailure(err))
		return
	}
	if site != "" && len(a.Sites) == 0 {
		s.fail(w, r, refuse(query.NotFound, "parameter \"site\": no site %.70q", site))
		return
	}
	a.You = asking(r.Context())
	s.succeed(w, r, a)
}

func (s *Server) report(w http.ResponseWriter, r *http.Request) {
	q, err := s.askedReport(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	a, err := s.c.Reports.Report(r.Context(), q, asking(r.Context()))
	if err != nil {
		s.fail(w, r, reportFailure(err))
		return
	}
	p := rights.From(r.Context())
	for i := range a.Next {
		n := &a.Next[i]
		for _, x := range signatures {
			if x.action == n.Action && n.May && (p == nil || !p.Role.Has(x.who)) {
				n.May, n.Why = false, "that takes the role "+strings.ReplaceAll(x.who.String(), ", ", " or ")
			}
		}
	}
	s.succeed(w, r, a)
}

func (s *Server) reportIssues(w http.ResponseWriter, r *http.Request) {
	q, err := s.askedReport(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	a, err := s.c.Reports.Issues(r.Context(), q)
	if err != nil {
		s.fail(w, r, reportFailure(err))
		return
	}
	s.succeed(w, r, a)
}

func (s *Server) reportFigure(w http.ResponseWriter, r *http.Request) {
	q, err := s.askedReport(r, "at")
	if err != nil {
		s.fail(w, r, err)
		return
	}
	figure, at := r.PathValue("figure"), r.Form.Get("at")
	if len(figure) > 64 || len(at) > 32 {
		s.fail(w, r, badParameter("at", "it is too long"))
		return
	}
	a, err := s.c.Reports.Figure(r.Context(), q, figure, at)
	if err != nil {
		s.fail(w, r, reportFailure(err))
		return
	}
	s.succeed(w, r, a)
}

func (s *Server) reportTrail(w http.ResponseWriter, r *http.Request) {
	q, err := s.askedReport(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	a, err := s.c.Reports.Trail(r.Context(), q.Site, q.Year)
	if err != nil {
		s.fail(w, r, reportFailure(err))
		return
	}
	s.succeed(w, r, a)
}

func (s *Server) reportFile(w http.ResponseWriter, r *http.Request) { s.sendReport(w, r) }

// sendReport answers with a record in a format.
func (s *Server) sendReport(w http.ResponseWriter, r *http.Request) {
	names := []string{"format"}
	if r.PathValue("year") == "" {
		names = append(names, "year")
	}
	q, err := s.askedReport(r, names...)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	format := r.Form.Get("format")
	if format == "" {
		format = "json"
	}
	if len(format) > 16 {
		s.fail(w, r, badParameter("format", "it is too long"))
		return
	}
	f, err := s.c.Reports.File(r.Context(), q, format)
	if err != nil {
		s.fail(w, r, reportFailure(err))
		return
	}
	sendFile(w, f)
}

// reportFailure is err as callers are told of it.
func reportFailure(err error) error {
	text := func(of error) string { return strings.TrimPrefix(err.Error(), of.Error()+": ") }
	switch {
	case errors.Is(err, context.Canceled):
		return refuse(query.Canceled, "the client went away")
	case errors.Is(err, query.ErrMaking), errors.Is(err, context.DeadlineExceeded):
		return refuse(query.Unavailable, "%v: it is made of all hours of the year; ask again in a while", query.ErrMaking)
	case errors.Is(err, query.ErrNoReport):
		return refuse(query.NotFound, "%s", text(query.ErrNoReport))
	case errors.Is(err, query.ErrNoSite):
		return refuse(query.NotFound, "%s", text(query.ErrNoSite))
	case errors.Is(err, query.ErrStep):
		return refuse(query.Conflict, "%s", text(query.ErrStep))
	case errors.Is(err, query.ErrReport):
		return refuse(query.Execution, "%s", text(query.ErrReport))
	}
	return fmt.Errorf("report: %w", err)
}

// ofPath lets the site that a path names stand for the parameter of that name, by
// which scopes bound it.
func ofPath(r *http.Request) error {
	site := r.PathValue("site")
	if site == "" {
		return nil
	}
	if r.Form.Has("site") {
		return badParameter("site", "the path says it")
	}
	if r.Form == nil {
		r.Form = url.Values{}
	}
	r.Form.Set("site", site)
	return nil
}
