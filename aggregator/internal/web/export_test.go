package web

import (
	"net/http"
	"net/url"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/rights"
	"github.com/gigawatch/gigawatch/aggregator/query"
)

// Routes is the table, as far as tests judge it.
func (s *Server) Routes() []Route {
	var rs []Route
	for i := range s.routes {
		r := &s.routes[i]
		rs = append(rs, Route{r.path, r.methods, r.policy.open, r.body, r.timeout, r.policy.holds.String(), r.policy.may})
	}
	return rs
}

type Route struct {
	Path    string
	Methods []string
	Open    bool
	Body    int64
	Timeout time.Duration
	Holds   string
	May     func(method string) rights.Role
}

func (s *Server) HTTPServer() *http.Server { return s.httpServer() }

var ParseSpan = func(v map[string][]string, now time.Time) (from, to time.Time, err error) {
	q, err := parseSpan(v, now)
	return q.from, q.to, err
}

var KilowattHours = kilowattHours

func ParseEnergy(v url.Values, now time.Time) (query.EnergyQuestion, error) {
	q, by, boundary, err := parseEnergy(v, now)
	return query.EnergyQuestion{Site: q.site, By: by.String(), Boundary: boundary, From: q.from, To: q.to, Step: q.step, Limit: q.limit}, err
}
