package main_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
)

// A board that has no NVLink and one that was not read twice yet are not the same.
func TestWhatWasNotReadIsNotWhatIsNotThere(t *testing.T) {
	const text = "Not read twice in this time"
	f := newFake(t, "north")
	f.answer("/api/v1/query_range", func(w http.ResponseWriter, _ *http.Request) {
		succeed(w, map[string]any{"resultType": "matrix", "result": []any{}})
	})
	f.answer("/api/v1/query", func(w http.ResponseWriter, _ *http.Request) {
		succeed(w, map[string]any{"resultType": "vector", "result": []any{}})
	})
	f.answer("/api/v1/series", func(w http.ResponseWriter, r *http.Request) {
		found := []any{}
		if match := r.URL.Query()["match[]"]; len(match) == 1 && strings.HasPrefix(match[0], `known_total{`) {
			found = append(found, map[string]string{"__name__": "known_total"})
		}
		succeed(w, found)
	})
	h, s := start(t), f.source("")
	for _, c := range []struct {
		name           string
		q              asked
		fields         int
		display, value string
	}{
		{"there, and not read", asked{"expr": `sum(increase(known_total{host="n{1}\"x"}[10m]))`, "legend": "Errors"}, 2, "Errors: not read twice in this time", "–"},
		{"where each series has a name of its own", asked{"expr": `increase(known_total{host="n1"}[10m])`, "legend": "{{kind}}"}, 2, text, "–"},
		{"without a name", asked{"expr": `increase(known_total{host="n1"}[10m])`}, 2, text, "–"},
		{"of now", asked{"expr": `known_total{host="n1"}`, "mode": "instant", "legend": "Errors"}, 1, "Errors", text},
		{"not there", asked{"expr": `increase(other_total{host="n1"}[10m])`}, 0, "", ""},
		{"one is there, and another that it takes is not", asked{"expr": `known_total{host="n1"} / other_total{host="n1"}`}, 0, "", ""},
		{"a table has no such row", asked{"expr": `known_total{host="n1"}`, "mode": "instant", "format": "table"}, 1, "", ""},
		{"who does not ask", asked{"expr": `known_total{host="n1"}`, "unread": ""}, 0, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			q := asked{"queryType": "promql", "unread": text}
			for k, v := range c.q {
				q[k] = v
			}
			frame := h.one(t, s, q)[0]
			fields := frame.Fields
			if len(fields) != c.fields {
				t.Fatalf("%d fields, %d wanted", len(fields), c.fields)
			}
			if c.value == "" {
				return
			}
			last := fields[len(fields)-1]
			if v, ok := last.ConcreteAt(0); ok || last.Config.NoValue != c.value || last.Config.DisplayNameFromDS != c.display {
				t.Errorf("%v (%v), named %q, in its place %q", v, ok, last.Config.DisplayNameFromDS, last.Config.NoValue)
			}
			if own := frame.RefID != "A"; own != (c.q["mode"] != "instant") { // else a panel would call it by the name of what is read
				t.Errorf("it is of the question %q", frame.RefID)
			}
			for _, f := range h.ask(t, s, map[string]string{backend.FromAlertHeaderName: "true"}, q)[0].Frames {
				if len(f.Fields) > 0 {
					t.Error("a rule gets a value that is none")
				}
			}
		})
	}
}
