package web

import (
	"encoding/json"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/rule"
	"github.com/gigawatch/gigawatch/aggregator/query"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// Alerts answers for what fires. It is asked from many goroutines at once.
type Alerts interface {
	Alerts(site string, limit int) (list []rule.View, more int)
	Rules(limit int) []rule.Status
	// IsCanary and Heard are for the receipts of test alerts.
	IsCanary(alertname string) bool
	Heard(site string, now time.Time)

	Windows(now time.Time) []rule.WindowView
	OpenWindow(w rule.Window, now time.Time) (rule.Window, error)
	CloseWindow(id, site, by string, now time.Time) (rule.Window, error)
}

// mostAlerts is how many one answer names.
const mostAlerts = 2000

// alertShown is an alert as Prometheus shows it, and why it is not sent.
type alertShown struct {
	Labels          map[string]string `json:"labels"`
	Annotations     map[string]string `json:"annotations"`
	State           string            `json:"state"` // firing, pending; suppressed besides
	ActiveAt        *time.Time        `json:"activeAt,omitempty"`
	KeepFiringSince *time.Time        `json:"keepFiringSince,omitempty"`
	Value           string            `json:"value"`

	Reason string            `json:"suppressedBy,omitempty"` // blind, site, hall, rack, host, device, window, cap
	Parent map[string]string `json:"parent,omitempty"`       // labels of the alert that it is part of
	Window string            `json:"window,omitempty"`       // id of the window that holds it back
}

func showAlert(v *rule.View) alertShown {
	a := alertShown{
		Labels: inMap(v.Labels), Annotations: inMap(v.Annotations), State: v.State, ActiveAt: &v.Since,
		Value: strconv.FormatFloat(v.Value, 'e', -1, 64), Reason: v.Reason, Window: v.Window,
	}
	if !v.Held.IsZero() && v.State == "firing" {
		a.KeepFiringSince = &v.Held
	}
	if len(v.Parent) > 0 {
		a.Parent = inMap(v.Parent)
	}
	return a
}

func inMap(list []metric.Pair) map[string]string {
	m := make(map[string]string, len(list))
	for _, p := range list {
		m[p.Name] = p.Value
	}
	return m
}

// ruleShown is a rule as Prometheus shows it.
type ruleShown struct {
	State          string            `json:"state"`
	Name           string            `json:"name"`
	Query          string            `json:"query"`
	Duration       float64           `json:"duration"`
	KeepFiringFor  float64           `json:"keepFiringFor"`
	Labels         map[string]string `json:"labels"`
	Annotations    map[string]string `json:"annotations"`
	Alerts         []alertShown      `json:"alerts"`
	Health         string            `json:"health"`
	LastError      string            `json:"lastError,omitempty"`
	EvaluationTime float64           `json:"evaluationTime"`
	LastEvaluation time.Time         `json:"lastEvaluation"`
	Type           string            `json:"type"`
}

type groupShown struct {
	Name           string      `json:"name"`
	File           string      `json:"file"`
	Rules          []ruleShown `json:"rules"`
	Interval       float64     `json:"interval"`
	Limit          int         `json:"limit"`
	EvaluationTime float64     `json:"evaluationTime"`
	LastEvaluation time.Time   `json:"lastEvaluation"`
}

// alerts answers as Prometheus does; what is suppressed comes last.
func (s *Server) alerts(otherwise http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if s.c.Alerts == nil {
			otherwise(w, r)
			return
		}
		if err := known(r.Form, "site"); err != nil {
			s.fail(w, r, err)
			return
		}
		list, more := s.c.Alerts.Alerts(r.Form.Get("site"), mostAlerts)
		shown := make([]alertShown, len(list))
		for i := range list {
			shown[i] = showAlert(&list[i])
		}
		var warnings []string
		if more > 0 {
			warnings = []string{strconv.Itoa(more) + " more alerts are left out"}
		}
		s.succeedWith(w, r, map[string]any{"alerts": shown}, warnings)
	}
}

// rules answers as Prometheus does: all rules, by the group of who owns them.
func (s *Server) rules(otherwise http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if s.c.Alerts == nil {
			otherwise(w, r)
			return
		}
		if err := known(r.Form, "type", "rule_name[]", "rule_group[]", "file[]", "exclude_alerts", "match[]", "group_limit", "group_next_token"); err != nil {
			s.fail(w, r, err)
			return
		}
		if err := checkRules(r.Form); err != nil {
			s.fail(w, r, err)
			return
		}
		s.succeed(w, r, map[string]any{"groups": showRules(s.c.Alerts.Rules(mostAlerts), r.Form)})
	}
}

func checkRules(v url.Values) error {
	switch v.Get("type") {
	case "", "alert", "record":
	default:
		return badParameter("type", "%.70q is none of alert and record", v.Get("type"))
	}
	if len(v["match[]"]) > 0 {
		return badParameter("match[]", "rules are not asked for by their labels here")
	}
	return nil
}

// file is what the rules come from.
const file = "gigawatch"

func showRules(list []rule.Status, v url.Values) []groupShown {
	groups := []groupShown{}
	asked := func(name, value string) bool { return len(v[name]) == 0 || slices.Contains(v[name], value) }
	if v.Get("type") == "record" || !asked("file[]", file) {
		return groups
	}
	for i := range list {
		x := &list[i]
		owner := string(x.Rule.Owner)
		if !asked("rule_name[]", x.Rule.Name) || !asked("rule_group[]", owner) {
			continue
		}
		at := slices.IndexFunc(groups, func(g groupShown) bool { return g.Name == owner })
		if at < 0 {
			at = len(groups)
			groups = append(groups, groupShown{Name: owner, File: file, Interval: 1})
		}
		g := &groups[at]
		g.Rules = append(g.Rules, showRule(x, v.Get("exclude_alerts") == "true"))
		g.EvaluationTime += x.Took.Seconds()
		if x.Asked.After(g.LastEvaluation) {
			g.LastEvaluation = x.Asked
		}
	}
	return groups
}

func showRule(x *rule.Status, bare bool) ruleShown {
	r := ruleShown{
		State: x.State, Name: x.Rule.Name, Query: x.Rule.Expr(), Duration: x.Rule.For.Seconds(), KeepFiringFor: x.Rule.Hold.Seconds(),
		Labels:      map[string]string{"severity": x.Rule.Severity.String(), "owner": string(x.Rule.Owner)},
		Annotations: map[string]string{"summary": x.Rule.Summary, "evidence": x.Rule.Evidence, "do": x.Rule.Do},
		Alerts:      []alertShown{}, Health: "ok", LastError: x.Problem, EvaluationTime: x.Took.Seconds(), LastEvaluation: x.Asked, Type: "alerting",
	}
	switch {
	case x.Problem != "":
		r.Health = "err"
	case x.Asked.IsZero():
		r.Health = "unknown"
	}
	for i := range x.Alerts {
		if !bare {
			r.Alerts = append(r.Alerts, showAlert(&x.Alerts[i]))
		}
	}
	return r
}

// receipts is how many are read at once.
const receipts = 4

// openReceipt leaves the body, JSON of at most limit bytes, to the handler.
func (s *Server) openReceipt(a *answer, r *http.Request, limit int64) (err error) {
	if r.ContentLength > limit {
		a.Header().Set("Connection", "close")
		return refuse(query.TooLarge, "body is longer than the limit of %d bytes", limit)
	}
	if t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || t != "application/json" {
		a.Header().Set("Connection", "close")
		return refuse(query.BadEncoding, "a body must be application/json")
	}
	if r.Form, err = url.ParseQuery(r.URL.RawQuery); err != nil {
		return refuse(query.BadData, "parse parameters: %v", err)
	}
	r.Body = http.MaxBytesReader(a.ResponseWriter, r.Body, limit)
	return nil
}

// receipt is that a receiver was told of alerts, in the form of Alertmanager's
// webhook: of test alerts it is noted.
func (s *Server) receipt(w http.ResponseWriter, r *http.Request) {
	if s.c.Alerts == nil {
		s.notYet(w, r)
		return
	}
	var m struct {
		Alerts []struct {
			Status string
			Labels map[string]string
		}
	}
	if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
		s.fail(w, r, refuse(query.BadData, "body: %s", strings.TrimPrefix(err.Error(), "json: ")))
		return
	}
	now, heard := time.Now(), 0
	for _, a := range m.Alerts {
		if site := a.Labels["site"]; a.Status == "firing" && s.c.Alerts.IsCanary(a.Labels["alertname"]) && scopeOf(r.Context()).Site(site) {
			s.c.Alerts.Heard(site, now)
			heard++
		}
	}
	s.succeed(w, r, map[string]int{"heard": heard})
}
