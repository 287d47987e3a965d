package web

import (
	"net/http"
	"slices"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/query"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// A Quarantine is who is not heard. It is asked from many goroutines at once.
type Quarantine interface {
	Quarantined(now time.Time) []query.Quarantined // the newest first
	// Release has an agent heard again; ok is false if it is not in quarantine.
	Release(site, agent, by string, now time.Time) (a query.Quarantined, ok bool)
}

// mostQuarantined is how many an answer names.
const mostQuarantined = 1000

func (s *Server) quarantine(w http.ResponseWriter, r *http.Request) {
	if s.c.Quarantine == nil {
		s.notYet(w, r)
		return
	}
	err := known(r.Form, "site")
	site := r.Form.Get("site")
	if err == nil && site != "" && !metric.ValidName(site) {
		err = badParameter("site", "%.70q is not a site's name", site)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	scope := scopeOf(r.Context())
	all := slices.DeleteFunc(s.c.Quarantine.Quarantined(time.Now()), func(a query.Quarantined) bool {
		return site != "" && a.Site != site || !scope.Site(a.Site)
	})
	s.succeed(w, r, &query.Quarantine{Agents: append([]query.Quarantined{}, all[:min(len(all), mostQuarantined)]...)})
}

// quarantineRelease takes a person's word for an agent.
func (s *Server) quarantineRelease(w http.ResponseWriter, r *http.Request) {
	if s.c.Quarantine == nil {
		s.notYet(w, r)
		return
	}
	err := known(r.Form, "site", "agent")
	for _, name := range []string{"site", "agent"} {
		if v := r.Form.Get(name); err == nil && !metric.ValidName(v) {
			err = badParameter(name, "%.70q is no name", v)
		}
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	site, agent := r.Form.Get("site"), r.Form.Get("agent")
	a, ok := s.c.Quarantine.Release(site, agent, signed(r.Context(), ""), time.Now())
	if !ok {
		s.fail(w, r, refuse(query.NotFound, "no agent %q of site %q is in quarantine", agent, site))
		return
	}
	s.succeed(w, r, &a)
}
