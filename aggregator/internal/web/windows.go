package web

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"

	"github.com/gigawatch/gigawatch/aggregator/internal/rule"
	"github.com/gigawatch/gigawatch/aggregator/query"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// windows lists windows of maintenance, or opens one.
func (s *Server) windows(w http.ResponseWriter, r *http.Request) {
	if s.c.Alerts == nil {
		s.notYet(w, r)
		return
	}
	if r.Method == http.MethodGet {
		s.windowList(w, r)
		return
	}
	asked, err := parseWindow(r.Form, time.Now())
	if err == nil {
		err = sameOrigin(r)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	asked.By = signed(r.Context(), "")
	opened, err := s.c.Alerts.OpenWindow(asked, time.Now())
	s.windowDone(w, r, &opened, err)
}

func (s *Server) windowList(w http.ResponseWriter, r *http.Request) {
	if err := known(r.Form, "site", "over"); err != nil {
		s.fail(w, r, err)
		return
	}
	over := r.Form.Get("over")
	if over != "" && over != "true" && over != "false" {
		s.fail(w, r, badParameter("over", "%.70q is neither true nor false", over))
		return
	}
	a := query.Windows{Windows: []query.Window{}, Longest: rule.LongestWindow.Seconds()}
	site := r.Form.Get("site")
	for _, x := range s.c.Alerts.Windows(time.Now()) {
		if (site == "" || x.Site() == site) && (x.State != "over" || over == "true") {
			a.Windows = append(a.Windows, windowShown(&x))
		}
	}
	s.succeed(w, r, &a)
}

// windowClose ends one before its time.
func (s *Server) windowClose(w http.ResponseWriter, r *http.Request) {
	if s.c.Alerts == nil {
		s.notYet(w, r)
		return
	}
	err := known(r.Form, "site")
	if err == nil {
		err = sameOrigin(r)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	closed, err := s.c.Alerts.CloseWindow(r.PathValue("id"), r.Form.Get("site"), signed(r.Context(), ""), time.Now())
	s.windowDone(w, r, &closed, err)
}

func (s *Server) windowDone(w http.ResponseWriter, r *http.Request, x *rule.Window, err error) {
	switch {
	case errors.Is(err, rule.ErrNoWindow):
		s.fail(w, r, refuse(query.NotFound, "%v", err))
	case errors.Is(err, rule.ErrWindow):
		s.fail(w, r, refuse(query.BadData, "%v", err))
	case err != nil:
		s.fail(w, r, err)
	default:
		shown := windowShown(&rule.WindowView{Window: *x, State: x.State(time.Now())})
		s.succeed(w, r, &shown)
	}
}

// parseWindow reads a window that is to be opened; whatever it matches, it is of the
// site that is named.
func parseWindow(v url.Values, now time.Time) (x rule.Window, err error) {
	if err := known(v, "site", "match[]", "from", "to", "owner", "reason"); err != nil {
		return x, err
	}
	for _, name := range []string{"owner", "reason"} {
		if strings.ContainsFunc(v.Get(name), unicode.IsControl) {
			return x, badParameter(name, "it is not one line of text")
		}
	}
	x = rule.Window{From: now, Owner: v.Get("owner"), Reason: v.Get("reason")}
	match := v["match[]"]
	if site := v.Get("site"); site != "" {
		if !metric.ValidName(site) {
			return x, badParameter("site", "%.70q is not a site's name", site)
		}
		match = append([]string{"site=" + site}, match...)
	}
	for _, text := range match {
		m, err := rule.ParseMatcher(text)
		if err != nil {
			return x, badParameter("match[]", "%v", err)
		}
		x.Match = append(x.Match, m)
	}
	for name, t := range map[string]*time.Time{"from": &x.From, "to": &x.To} {
		s := v.Get(name)
		if s == "" && name == "from" {
			continue
		}
		if *t, err = parseTime(s); err != nil {
			return x, badParameter(name, "%.70q is neither RFC 3339 nor unix seconds", s)
		}
	}
	return x, nil
}

func windowShown(x *rule.WindowView) query.Window {
	a := query.Window{
		ID: x.ID, Site: x.Site(), Match: []string{}, From: x.From.UTC(), To: x.To.UTC(), Owner: x.Owner, Reason: x.Reason, State: x.State, Held: x.Held,
		Configured: x.Opened.IsZero(), By: x.By, ClosedBy: x.ClosedBy,
	}
	for _, m := range x.Match {
		a.Match = append(a.Match, m.String())
	}
	for _, t := range []struct {
		at   time.Time
		into **time.Time
	}{{x.Opened, &a.Opened}, {x.Closed, &a.Closed}} {
		if !t.at.IsZero() {
			at := t.at.UTC()
			*t.into = &at
		}
	}
	return a
}
