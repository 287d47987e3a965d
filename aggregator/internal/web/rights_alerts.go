package web

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/gigawatch/gigawatch/aggregator/internal/rights"
	"github.com/gigawatch/gigawatch/aggregator/query"
)

// ownAlerts keeps of the alerts that h answers those within the scope of who asks.
// Whatever makes them, an alert is its labels. h is asked site by site, so that no
// others' alerts leave no room for these.
func (s *Server) ownAlerts(h http.HandlerFunc) http.HandlerFunc { return s.own(h, true) }

// ownRules does so of rules with their alerts.
func (s *Server) ownRules(h http.HandlerFunc) http.HandlerFunc { return s.own(h, false) }

func (s *Server) own(h http.HandlerFunc, bySite bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		scope := scopeOf(r.Context())
		if !scope.Bounded() {
			h(w, r)
			return
		}
		sites, all := scope.Sites()
		if all || !bySite || r.Form.Has("site") {
			sites = []string{r.Form.Get("site")}
		}
		own := alertsAnswer{bare: r.Form.Get("exclude_alerts") == "true"}
		for _, site := range sites {
			code, b := unabridged(h, r, site)
			if code != http.StatusOK { // a mistake in the question, as it is for every site
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(code)
				_, _ = w.Write(b) // as in fail
				return
			}
			if err := own.add(scope, b); err != nil {
				s.fail(w, r, fmt.Errorf("narrow alerts: %w", err))
				return
			}
		}
		s.succeed(w, r, &own)
	}
}

// unabridged is what h answers of a site, as it is and with the alerts that make a
// rule's state.
func unabridged(h http.HandlerFunc, r *http.Request, site string) (code int, answer []byte) {
	r = r.Clone(r.Context())
	r.Header.Del("Accept-Encoding")
	r.Form.Del("exclude_alerts")
	if site != "" {
		r.Form.Set("site", site)
	}
	r.URL.RawQuery = r.Form.Encode()
	kept := &keeping{header: http.Header{}, code: http.StatusOK}
	h(kept, r)
	return kept.code, kept.text.Bytes()
}

// keeping is an answer that is kept for now.
type keeping struct {
	header http.Header
	code   int
	text   bytes.Buffer
}

func (k *keeping) Header() http.Header         { return k.header }
func (k *keeping) WriteHeader(code int)        { k.code = code }
func (k *keeping) Write(b []byte) (int, error) { return k.text.Write(b) }

// fields is a JSON object of which some fields are looked at.
type fields map[string]json.RawMessage

// alertsAnswer is an answer of alerts or of rules.
type alertsAnswer struct {
	Alerts *[]json.RawMessage `json:"alerts,omitempty"`
	Groups *[]fields          `json:"groups,omitempty"`
	Next   string             `json:"groupNextToken,omitempty"`

	bare bool // the alerts of rules are not wanted
}

// add takes of an answer what is within the scope. Its warnings it leaves: what was
// cut may be others'.
func (a *alertsAnswer) add(scope *rights.Scope, answer []byte) error {
	var e query.Envelope
	if err := json.Unmarshal(answer, &e); err != nil {
		return err
	}
	var x alertsAnswer
	if err := json.Unmarshal(e.Data, &x); err != nil {
		return err
	}
	a.Next = x.Next
	if x.Alerts != nil {
		own, err := ownOnes(scope, *x.Alerts)
		if err != nil {
			return err
		}
		if a.Alerts == nil {
			a.Alerts = &own
		} else {
			*a.Alerts = append(*a.Alerts, own...)
		}
	}
	if x.Groups == nil {
		return nil
	}
	a.Groups = &[]fields{}
	for _, g := range *x.Groups {
		some, err := narrowGroup(scope, g, a.bare)
		if err != nil {
			return err
		}
		if some {
			*a.Groups = append(*a.Groups, g)
		}
	}
	return nil
}

// ownOnes are the alerts within the scope.
func ownOnes(scope *rights.Scope, alerts []json.RawMessage) ([]json.RawMessage, error) {
	own := []json.RawMessage{}
	for _, raw := range alerts {
		var a struct{ Labels map[string]string }
		if err := json.Unmarshal(raw, &a); err != nil {
			return nil, err
		}
		if scope.Labels(a.Labels) {
			own = append(own, raw)
		}
	}
	return own, nil
}

// narrowGroup takes the rules and alerts out of a group that are not within the
// scope; some reports whether rules are left.
func narrowGroup(scope *rights.Scope, g fields, bare bool) (some bool, err error) {
	var all []fields
	if err := json.Unmarshal(g["rules"], &all); err != nil {
		return false, err
	}
	rules := []fields{}
	for _, rule := range all {
		ok, err := narrowRule(scope, rule, bare)
		if err != nil {
			return false, err
		}
		if ok {
			rules = append(rules, rule)
		}
	}
	g["rules"], err = json.Marshal(rules)
	return len(rules) > 0, err
}

// narrowRule takes out of a rule what is of others: their alerts, the state that
// these make, and what went wrong with them. ok is false of a rule that names
// others by itself.
func narrowRule(scope *rights.Scope, rule fields, bare bool) (ok bool, err error) {
	var x struct {
		Query  string            `json:"query"`
		Labels map[string]string `json:"labels"`
		Alerts []json.RawMessage `json:"alerts"`
	}
	for name, into := range map[string]any{"query": &x.Query, "labels": &x.Labels, "alerts": &x.Alerts} {
		if raw := rule[name]; len(raw) > 0 {
			if err := json.Unmarshal(raw, into); err != nil {
				return false, err
			}
		}
	}
	if names(scope, x.Query, x.Labels) {
		return false, nil
	}
	delete(rule, "lastError")
	if _, err := parser.NewParser(parser.Options{}).ParseExpr(x.Query); err != nil {
		rule["query"] = json.RawMessage(`""`)
	}
	if _, ok := rule["state"]; !ok {
		return true, nil
	}
	own, err := ownOnes(scope, x.Alerts)
	if err != nil {
		return false, err
	}
	state := "inactive"
	for _, raw := range own {
		var a struct{ State string }
		if err := json.Unmarshal(raw, &a); err != nil {
			return false, err
		}
		if a.State == "firing" || a.State == "pending" && state == "inactive" {
			state = a.State
		}
	}
	if bare {
		own = []json.RawMessage{}
	}
	if rule["alerts"], err = json.Marshal(own); err == nil {
		rule["state"], err = json.Marshal(state)
	}
	return true, err
}

// names reports whether a rule's text says something of sites or tenants that are
// not within the scope, or may.
func names(scope *rights.Scope, expr string, of map[string]string) bool {
	known := func(label, value string) bool {
		return value == "" || label == "site" && scope.Site(value) || label == "tenant" && scope.Tenant(value)
	}
	for _, label := range []string{"site", "tenant"} {
		if !known(label, of[label]) {
			return true
		}
	}
	e, err := parser.NewParser(parser.Options{}).ParseExpr(expr)
	if err != nil {
		return false // it is no PromQL, and is not shown
	}
	return slices.ContainsFunc(parser.ExtractSelectors(e), func(ms []*labels.Matcher) bool {
		return slices.ContainsFunc(ms, func(m *labels.Matcher) bool {
			return (m.Name == "site" || m.Name == "tenant") && (m.Type != labels.MatchEqual && m.Value != "" || !known(m.Name, m.Value))
		})
	})
}
