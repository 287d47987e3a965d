package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/gigawatch/gigawatch/aggregator/internal/rights"
	"github.com/gigawatch/gigawatch/aggregator/query"
)

// statementRoutes are those of what is handed out of the ledger besides reports:
// energy of jobs and tenants, for who sees them, and what follows from records, for
// those who report. To have one signed is for these alone.
func (s *Server) statementRoutes(body int64) (rs []route) {
	accountants, methods := rights.Energy|rights.Admin, []string{http.MethodGet, http.MethodPost}
	for _, kind := range query.StatementKinds() {
		p := reads(holdsJobs)
		if kind == query.StatementOfESRS || kind == query.StatementOfFleet {
			p = only(accountants, holdsSites)
		}
		rs = append(rs, route{"/api/v1/report/statement/" + kind, methods, p.changed(accountants, http.MethodPost), reportLane, body, reportTimeout, s.statement(kind)})
	}
	return rs
}

// Bounds of what is asked for.
const (
	mostNames    = 16 << 10 // bytes of names of jobs
	mostNameText = 512
)

// askedStatement reads which statement a request is of, and narrows it to what who
// asks sees.
func (s *Server) askedStatement(r *http.Request, kind string) (q query.StatementQuestion, err error) {
	if s.c.Reports == nil {
		return q, refuse(query.NotImplemented, "%s is not in this version", r.URL.Path)
	}
	names := []string{"site", "year", "format"}
	switch kind {
	case query.StatementOfJobs:
		names = append(names, "from", "to", "job", "tenant", "names")
	case query.StatementOfTenant:
		names = append(names, "month", "tenant", "names")
	}
	if err := known(r.Form, names...); err != nil {
		return q, err
	}
	get := r.Form.Get
	q = query.StatementQuestion{Kind: kind, Site: get("site"), Month: get("month"), From: get("from"), To: get("to"), Tenant: get("tenant"), Format: get("format")}
	for _, name := range names {
		if v := get(name); len(v) > mostNameText && name != "job" || len(v) > mostNames || !utf8.ValidString(v) {
			return q, badParameter(name, "it is too long, or no text")
		}
	}
	if y := get("year"); y != "" {
		if q.Year, err = strconv.Atoi(y); err != nil || len(y) != 4 || q.Year < 1990 || q.Year > 2100 {
			return q, badParameter("year", "%.20q is none of 1990 to 2100", y)
		}
	}
	for _, j := range strings.Split(get("job"), ",") {
		if j = strings.TrimSpace(j); j != "" {
			q.Jobs = append(q.Jobs, j)
		}
	}
	switch v := get("names"); v {
	case "", "false":
	case "true":
		q.Names = true
	default:
		return q, badParameter("names", "%.20q is neither true nor false", v)
	}
	if kind != query.StatementOfJobs && kind != query.StatementOfTenant {
		return q, nil
	}
	if q.Site == "" {
		sites := visible(r.Context(), s.c.Ledger.Sites())
		if len(sites) != 1 {
			return q, badParameter("site", "needed, as there are %d sites", len(sites))
		}
		q.Site = sites[0]
	}
	return q, s.ownStatement(r, &q)
}

// ownStatement narrows q to the one tenant whose jobs who asks sees.
func (s *Server) ownStatement(r *http.Request, q *query.StatementQuestion) error {
	scope := scopeOf(r.Context())
	tenants, all := scope.Tenants()
	if all {
		return nil
	}
	if q.Tenant == "" {
		if len(tenants) != 1 {
			return badParameter("tenant", "needed, as you may see %s", strings.Join(tenants, ", "))
		}
		q.Tenant = tenants[0]
	}
	if !scope.Tenant(q.Tenant) {
		return s.lacks(rights.From(r.Context()), "sees %v, and not tenant %.70q", scope, q.Tenant)
	}
	q.Mine, q.Own = true, !scope.Whole()
	return nil
}

// statement answers with one as a file, and signed with what a person needs to check
// it.
func (s *Server) statement(kind string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		q, err := s.askedStatement(r, kind)
		sign := r.Method == http.MethodPost
		if err == nil && sign {
			q.About, err = parseAbout(r.Body)
		}
		if err != nil {
			s.fail(w, r, err)
			return
		}
		a, err := s.c.Reports.Statement(r.Context(), q, sign, asking(r.Context()), scopeOf(r.Context()).Site)
		if err != nil {
			s.fail(w, r, s.statementFailure(err))
			return
		}
		if sign {
			s.succeed(w, r, a)
			return
		}
		sendFile(w, &query.ReportFile{Name: a.Name, Type: a.Type, Bytes: a.File})
	}
}

// parseAbout reads what is stated of a job: the object about of a body, and nothing
// besides.
func parseAbout(body io.Reader) (json.RawMessage, error) {
	var x struct {
		About json.RawMessage `json:"about"`
	}
	d := json.NewDecoder(body)
	d.DisallowUnknownFields()
	if err := d.Decode(&x); err != nil {
		return nil, refuse(query.BadData, "body: %s", strings.TrimPrefix(err.Error(), "json: "))
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, refuse(query.BadData, "body: there is more than one object")
	}
	return x.About, nil
}

// statementFailure is err as callers are told of it.
func (s *Server) statementFailure(err error) error {
	text := func(of error) string { return strings.TrimPrefix(err.Error(), of.Error()+": ") }
	switch {
	case errors.Is(err, query.ErrAsked):
		return refuse(query.BadData, "%s", text(query.ErrAsked))
	case errors.Is(err, query.ErrNames):
		return refuse(query.Forbidden, "%s%s", text(query.ErrNames), s.c.Rights.Ask())
	case errors.Is(err, query.ErrNothing):
		return refuse(query.NotFound, "%s", text(query.ErrNothing))
	}
	return reportFailure(err)
}

// sendFile answers with a file to be kept.
func sendFile(w http.ResponseWriter, f *query.ReportFile) {
	h := w.Header()
	h.Set("Content-Type", f.Type)
	h.Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", f.Name))
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox") // should a browser show it all the same
	h.Set("Content-Length", strconv.Itoa(len(f.Bytes)))
	_, _ = w.Write(f.Bytes) // the client may have gone
}
