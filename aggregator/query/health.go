package query

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// Health answers for what needs a person.
type Health interface {
	// Sites are those it watches.
	Sites() []string
	// Report is what needs a person at a site, the most urgent first and no more
	// than limit, as JSON.
	Report(site string, limit int) any
	// Reset sets findings of a GPU, by its uuid, or a host, by its name, aside: that
	// of one cause, or all if cause is empty. by is the person who says so.
	Reset(site, subject, cause, by string) error
}

const (
	healthSubjects    = 1000
	maxHealthSubjects = 100_000
)

func (s *Server) health(w http.ResponseWriter, r *http.Request) {
	if s.c.Health == nil {
		s.notYet(w, r)
		return
	}
	limit := healthSubjects
	if v := r.Form.Get("limit"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 || n > maxHealthSubjects {
			s.fail(w, r, badParameter("limit", "%q is not a number from 1 to %d", v, maxHealthSubjects))
			return
		}
		limit = n
	}
	sites := s.c.Health.Sites()
	if site := r.Form.Get("site"); site != "" {
		if err := watched(sites, site); err != nil {
			s.fail(w, r, err)
			return
		}
		sites = []string{site}
	}
	reports := []any{}
	for _, site := range sites {
		reports = append(reports, s.c.Health.Report(site, limit))
	}
	s.succeed(w, r, reports)
}

// healthReset is the one request that changes something; a page of another
// origin must not be able to make it.
func (s *Server) healthReset(w http.ResponseWriter, r *http.Request) {
	if s.c.Health == nil {
		s.notYet(w, r)
		return
	}
	if err := http.NewCrossOriginProtection().Check(r); err != nil {
		s.fail(w, r, refuse(Unauthorized, "%v", err))
		return
	}
	f := r.Form
	if err := watched(s.c.Health.Sites(), f.Get("site")); err != nil {
		s.fail(w, r, err)
		return
	}
	for _, name := range []string{"subject", "by"} {
		if v := f.Get(name); v == "" || len(v) > metric.MaxText {
			s.fail(w, r, badParameter(name, "it is needed, and at most %d bytes long", metric.MaxText))
			return
		}
	}
	if err := s.c.Health.Reset(f.Get("site"), f.Get("subject"), f.Get("cause"), f.Get("by")); err != nil {
		s.fail(w, r, refuse(NotFound, "%v", err))
		return
	}
	s.succeed(w, r, fmt.Sprintf("set aside for %s", f.Get("subject")))
}

func watched(sites []string, site string) error {
	if !metric.ValidName(site) {
		return badParameter("site", "%q is not a site's name", site)
	}
	if !slices.Contains(sites, site) {
		return refuse(NotFound, "parameter \"site\": no site %q", site)
	}
	return nil
}
