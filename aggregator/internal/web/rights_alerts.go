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

// ownAlerts keeps of the alerts and rules that h answers those within the scope of
// who asks. Whatever makes them, an alert is its labels.
func (s *Server) ownAlerts(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		scope := scopeOf(r.Context())
		if !scope.Bounded() {
			h(w, r)
			return
		}
		plain := r.Clone(r.Context())
		plain.Header.Del("Accept-Encoding")
		kept := &keeping{header: http.Header{}, code: http.StatusOK}
		h(kept, plain)
		b := kept.text.Bytes()
		if kept.code == http.StatusOK {
			var err error
			if b, err = narrowAlerts(scope, b); err != nil {
				s.fail(w, r, fmt.Errorf("narrow alerts: %w", err))
				return
			}
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(kept.code)
		_, _ = w.Write(b) // as in fail
	}
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

// narrowAlerts is an answer of alerts or of rules without what is not within the
// scope.
func narrowAlerts(scope *rights.Scope, answer []byte) ([]byte, error) {
	var e query.Envelope
	if err := json.Unmarshal(answer, &e); err != nil {
		return nil, err
	}
	var d struct {
		Alerts *[]json.RawMessage `json:"alerts,omitempty"`
		Groups *[]fields          `json:"groups,omitempty"`
		Next   string             `json:"groupNextToken,omitempty"`
	}
	if err := json.Unmarshal(e.Data, &d); err != nil {
		return nil, err
	}
	if d.Alerts != nil {
		own, err := ownOnes(scope, *d.Alerts)
		if err != nil {
			return nil, err
		}
		*d.Alerts = own
	}
	if d.Groups != nil {
		groups := []fields{}
		for _, g := range *d.Groups {
			some, err := narrowGroup(scope, g)
			if err != nil {
				return nil, err
			}
			if some {
				groups = append(groups, g)
			}
		}
		*d.Groups = groups
	}
	raw, err := json.Marshal(&d)
	if err != nil {
		return nil, err
	}
	b, err := json.Marshal(query.Envelope{Status: e.Status, Data: raw, Warnings: e.Warnings})
	return append(b, '\n'), err
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
func narrowGroup(scope *rights.Scope, g fields) (some bool, err error) {
	var all []fields
	if err := json.Unmarshal(g["rules"], &all); err != nil {
		return false, err
	}
	rules := []fields{}
	for _, rule := range all {
		ok, err := narrowRule(scope, rule)
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
func narrowRule(scope *rights.Scope, rule fields) (ok bool, err error) {
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
		if a.State == "firing" || state == "inactive" && a.State != "" {
			state = a.State
		}
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
		return expr != "" // it is not PromQL, and may say anything
	}
	return slices.ContainsFunc(parser.ExtractSelectors(e), func(ms []*labels.Matcher) bool {
		return slices.ContainsFunc(ms, func(m *labels.Matcher) bool {
			return (m.Name == "site" || m.Name == "tenant") && (m.Type != labels.MatchEqual && m.Value != "" || !known(m.Name, m.Value))
		})
	})
}
