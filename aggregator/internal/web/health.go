package web

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/gigawatch/gigawatch/aggregator/internal/health"
	"github.com/gigawatch/gigawatch/aggregator/query"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// Health answers for what needs a person. It is asked from many goroutines at
// once.
type Health interface {
	Sites() []string
	// Report is of at most limit hosts and GPUs; nil if the site is not known.
	Report(site string, limit int, now time.Time) *health.Report
	Reset(site, subject, cause, by string) (causes []string, err error)
}

// How many hosts and GPUs a report names, unless it is asked for others.
const (
	healthSubjects    = 1000
	maxHealthSubjects = 100_000
)

func (s *Server) health(w http.ResponseWriter, r *http.Request) {
	if s.c.Health == nil {
		s.notYet(w, r)
		return
	}
	sites, limit, err := parseHealth(r.Form, visible(r.Context(), s.c.Health.Sites()))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	now, a := time.Now(), query.HealthReport{Sites: []query.SiteHealth{}}
	for _, site := range sites {
		if h := s.c.Health.Report(site, limit, now); h != nil {
			a.Sites = append(a.Sites, healthShown(h))
		}
	}
	s.succeed(w, r, &a)
}

func parseHealth(v url.Values, sites []string) (asked []string, limit int, err error) {
	if err := known(v, "site", "limit"); err != nil {
		return nil, 0, err
	}
	limit = healthSubjects
	if s := v.Get("limit"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 || n > maxHealthSubjects {
			return nil, 0, badParameter("limit", "%q is not a number from 1 to %d", s, maxHealthSubjects)
		}
		limit = n
	}
	if site := v.Get("site"); site != "" {
		return []string{site}, limit, watched(sites, site)
	}
	return sites, limit, nil
}

func watched(sites []string, site string) error {
	if !metric.ValidName(site) {
		return badParameter("site", "%q is not a site's name", site)
	}
	if !slices.Contains(sites, site) {
		return refuse(query.NotFound, "parameter \"site\": no site %q", site)
	}
	return nil
}

// healthReset is the one request that changes something; a page of another
// origin must not be able to make it.
func (s *Server) healthReset(w http.ResponseWriter, r *http.Request) {
	if s.c.Health == nil {
		s.notYet(w, r)
		return
	}
	if err := http.NewCrossOriginProtection().Check(r); err != nil {
		s.fail(w, r, refuse(query.Forbidden, "%v", err))
		return
	}
	if err := checkReset(r.Form, s.c.Health.Sites()); err != nil {
		s.fail(w, r, err)
		return
	}
	a := query.HealthReset{Site: r.Form.Get("site"), Subject: r.Form.Get("subject")}
	var err error
	if a.Causes, err = s.c.Health.Reset(a.Site, a.Subject, r.Form.Get("cause"), signed(r.Context(), r.Form.Get("by"))); err != nil {
		if errors.Is(err, health.ErrNothing) {
			err = refuse(query.NotFound, "%v", err)
		}
		s.fail(w, r, err)
		return
	}
	s.succeed(w, r, &a)
}

func checkReset(v url.Values, sites []string) error {
	if err := known(v, "site", "subject", "cause", "by"); err != nil {
		return err
	}
	if err := watched(sites, v.Get("site")); err != nil {
		return err
	}
	for _, name := range []string{"subject", "cause", "by"} {
		switch s := v.Get(name); {
		case s == "" && name != "cause":
			return badParameter(name, "it is needed")
		case len(s) > metric.MaxText || strings.ContainsFunc(s, unicode.IsControl):
			return badParameter(name, "it is longer than %d bytes, or not text", metric.MaxText)
		}
	}
	return nil
}

// healthShown is r as readers see it.
func healthShown(r *health.Report) query.SiteHealth {
	a := query.SiteHealth{
		Site: r.Site, At: r.At.UTC(), Simulated: r.Simulated, XIDTable: r.Table, Hosts: map[string]int{}, GPUs: map[string]int{},
		Common: []query.Common{}, Subjects: []query.Verdict{}, Truncated: r.Cut > 0, Cut: r.Cut, Aside: []query.Aside{},
	}
	for state := range health.States {
		a.Hosts[state.String()], a.GPUs[state.String()] = r.Hosts[state], r.GPUs[state]
	}
	if r.Blind != nil {
		f := findingShown(r.Blind)
		a.Blind = &f
	}
	for i := range r.Common {
		a.Common = append(a.Common, query.Common{Finding: findingShown(&r.Common[i].Finding), Hosts: r.Common[i].Hosts})
	}
	for i := range r.Subjects {
		v := query.Verdict{Place: placeShown(&r.Subjects[i].Who)}
		for j := range r.Subjects[i].Findings {
			v.Findings = append(v.Findings, findingShown(&r.Subjects[i].Findings[j]))
		}
		v.Finding = v.Findings[0]
		a.Subjects = append(a.Subjects, v)
	}
	for i := range r.Aside {
		o := &r.Aside[i]
		a.Aside = append(a.Aside, query.Aside{Place: placeShown(&o.Who), Cause: o.Cause, Evidence: o.Evidence, By: o.By, At: time.UnixMilli(o.At).UTC()})
	}
	return a
}

func placeShown(w *health.Who) query.Place { return query.Place(*w) }

func findingShown(f *health.Finding) query.Finding {
	a := query.Finding{
		Cause: f.Cause, State: f.State.String(), Since: time.UnixMilli(f.Since).UTC(), Count: f.Count,
		Evidence: f.Evidence, Advice: f.Advice, Action: string(f.Action),
	}
	if !f.Stands {
		last := time.UnixMilli(f.Last).UTC()
		a.Last = &last
	}
	return a
}
