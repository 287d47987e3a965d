package web

import (
	"net/http"

	"github.com/gigawatch/gigawatch/aggregator/internal/changes"
	"github.com/gigawatch/gigawatch/aggregator/internal/rights"
	"github.com/gigawatch/gigawatch/aggregator/query"
)

// keep keeps that p asks for a change; kept, once it was answered, what came of it.
// What programs hand over all the time is no change of a person's.
func (s *Server) keep(rt *route, p *rights.Principal, r *http.Request) (kept func(*answer), err error) {
	c := changes.Change{By: p.Name, Role: p.Role.String(), Method: r.Method, Route: rt.path, Path: r.URL.Path, Site: r.Form.Get("site")}
	hash := ""
	if s.c.Changes != nil && rt.lane != receiptLane {
		if hash, err = s.c.Changes.Ask(c); err != nil {
			s.log.ErrorContext(r.Context(), "a change is refused, as it cannot be kept who asked for it", "route", rt.path, "principal", p.Name, "error", err)
			return nil, refuse(query.Unavailable, "it cannot be kept who asked for this change, so it is not made; the aggregator's log says more")
		}
	}
	s.log.InfoContext(r.Context(), "change asked for", "route", c.Route, "method", c.Method, "principal", c.By, "role", c.Role, "site", c.Site, "kept", hash)
	return func(a *answer) {
		if hash == "" {
			return
		}
		status := a.code
		if status == 0 { // it panicked
			status = http.StatusInternalServerError
		}
		if err := s.c.Changes.Answer(hash, status); err != nil {
			s.log.ErrorContext(r.Context(), "what came of a change is not kept", "kept", hash, "status", status, "error", err)
		}
	}, nil
}
