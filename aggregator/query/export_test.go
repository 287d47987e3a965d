package query

import (
	"net/http"
	"net/url"
	"time"
)

// Routes is the table, as far as tests judge it.
func (s *Server) Routes() []Route {
	var rs []Route
	for i := range s.routes {
		r := &s.routes[i]
		rs = append(rs, Route{r.path, r.methods, r.open, r.body, r.timeout})
	}
	return rs
}

type Route struct {
	Path    string
	Methods []string
	Open    bool
	Body    int64
	Timeout time.Duration
}

func (s *Server) HTTPServer() *http.Server { return s.httpServer() }

var ParseSpan = func(v map[string][]string, now time.Time) (from, to time.Time, err error) {
	q, err := parseSpan(v, now)
	return q.from, q.to, err
}

var KilowattHours = kilowattHours

func ParseEnergy(v url.Values, now time.Time) (EnergyQuestion, error) {
	q, by, boundary, err := parseEnergy(v, now)
	return EnergyQuestion{q.site, by.String(), boundary, q.from, q.to, q.step, q.limit}, err
}

func Values(q EnergyQuestion) url.Values { return q.values() }
