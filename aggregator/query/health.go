package query

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/gigawatch/gigawatch/aggregator/internal/health"
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

// HealthReport is what needs a person.
type HealthReport struct {
	Sites []SiteHealth `json:"sites"` // by name
}

// SiteHealth is what needs a person at a site.
type SiteHealth struct {
	Site      string         `json:"site"`
	At        time.Time      `json:"at"`
	Simulated bool           `json:"simulated"`
	XIDTable  string         `json:"xid_table"` // the date of the table by which XIDs are judged
	Hosts     map[string]int `json:"hosts"`     // that are known, by state: ok, watch, unknown, degraded, failed
	GPUs      map[string]int `json:"gpus"`
	Blind     *Finding       `json:"blind"`     // most hosts fell silent together; nil: they did not
	Common    []Common       `json:"common"`    // what many hosts have at once, for the record
	Subjects  []Verdict      `json:"subjects"`  // the most urgent first, the newest of a state first
	Truncated bool           `json:"truncated"` // there are more subjects
	Cut       int            `json:"cut"`       // so many
	Aside     []Aside        `json:"set_aside"`
}

// A Place is where a host or GPU stands.
type Place struct {
	Kind  string `json:"kind"` // gpu or host
	Hall  string `json:"hall,omitempty"`
	Rack  string `json:"rack,omitempty"`
	Host  string `json:"host,omitempty"`
	GPU   string `json:"gpu,omitempty"`
	UUID  string `json:"uuid,omitempty"`
	Model string `json:"model,omitempty"`
}

// A Verdict is about one GPU or host: what is said first is of its worst finding.
type Verdict struct {
	Place
	Finding
	Findings []Finding `json:"findings"` // all of them, the worst first
}

// A Finding is one thing that is wrong.
type Finding struct {
	Cause    string     `json:"cause"`
	State    string     `json:"state"` // watch, unknown, degraded or failed
	Since    time.Time  `json:"since"`
	Last     *time.Time `json:"last"`            // when it last happened; nil: it is still so
	Count    int64      `json:"count,omitempty"` // of what was counted
	Evidence string     `json:"evidence"`
	Advice   string     `json:"advice"`
	Action   string     `json:"action"` // the advice in one word
}

// Common is a finding that many hosts have.
type Common struct {
	Finding
	Hosts int `json:"hosts"`
}

// An Aside is a finding that a person set aside while it lasts.
type Aside struct {
	Place
	Cause    string    `json:"cause"`
	Evidence string    `json:"evidence"`
	By       string    `json:"by"`
	At       time.Time `json:"at"`
}

// HealthReset is what was set aside.
type HealthReset struct {
	Site    string   `json:"site"`
	Subject string   `json:"subject"`
	Causes  []string `json:"causes"`
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
	sites, limit, err := parseHealth(r.Form, s.c.Health.Sites())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	now, a := time.Now(), HealthReport{Sites: []SiteHealth{}}
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
		return refuse(NotFound, "parameter \"site\": no site %q", site)
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
		s.fail(w, r, refuse(Forbidden, "%v", err))
		return
	}
	if err := checkReset(r.Form, s.c.Health.Sites()); err != nil {
		s.fail(w, r, err)
		return
	}
	a := HealthReset{Site: r.Form.Get("site"), Subject: r.Form.Get("subject")}
	var err error
	if a.Causes, err = s.c.Health.Reset(a.Site, a.Subject, r.Form.Get("cause"), r.Form.Get("by")); err != nil {
		if errors.Is(err, health.ErrNothing) {
			err = refuse(NotFound, "%v", err)
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
func healthShown(r *health.Report) SiteHealth {
	a := SiteHealth{
		Site: r.Site, At: r.At.UTC(), Simulated: r.Simulated, XIDTable: r.Table, Hosts: map[string]int{}, GPUs: map[string]int{},
		Common: []Common{}, Subjects: []Verdict{}, Truncated: r.Cut > 0, Cut: r.Cut, Aside: []Aside{},
	}
	for state := range health.States {
		a.Hosts[state.String()], a.GPUs[state.String()] = r.Hosts[state], r.GPUs[state]
	}
	if r.Blind != nil {
		f := findingShown(r.Blind)
		a.Blind = &f
	}
	for i := range r.Common {
		a.Common = append(a.Common, Common{findingShown(&r.Common[i].Finding), r.Common[i].Hosts})
	}
	for i := range r.Subjects {
		v := Verdict{Place: placeShown(&r.Subjects[i].Who)}
		for j := range r.Subjects[i].Findings {
			v.Findings = append(v.Findings, findingShown(&r.Subjects[i].Findings[j]))
		}
		v.Finding = v.Findings[0]
		a.Subjects = append(a.Subjects, v)
	}
	for i := range r.Aside {
		o := &r.Aside[i]
		a.Aside = append(a.Aside, Aside{placeShown(&o.Who), o.Cause, o.Evidence, o.By, time.UnixMilli(o.At).UTC()})
	}
	return a
}

func placeShown(w *health.Who) Place { return Place(*w) }

func findingShown(f *health.Finding) Finding {
	a := Finding{
		Cause: f.Cause, State: f.State.String(), Since: time.UnixMilli(f.Since).UTC(), Count: f.Count,
		Evidence: f.Evidence, Advice: f.Advice, Action: string(f.Action),
	}
	if !f.Stands {
		last := time.UnixMilli(f.Last).UTC()
		a.Last = &last
	}
	return a
}

// Health asks for what needs a person at a site, or at all if site is empty; of
// each no more than limit hosts and GPUs, or as many as the server gives if it is
// 0.
func (c *Client) Health(ctx context.Context, site string, limit int) (*HealthReport, error) {
	v := url.Values{}
	if site != "" {
		v.Set("site", site)
	}
	if limit != 0 {
		v.Set("limit", strconv.Itoa(limit))
	}
	var a HealthReport
	if _, err := c.ask(ctx, "/api/v1/health", v, &a); err != nil {
		return nil, fmt.Errorf("ask for health: %w", err)
	}
	return &a, nil
}
