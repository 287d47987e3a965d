package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAlertsAreConfigured(t *testing.T) {
	const head = "data: d\nbus: {embedded: {}}\nalerts:\n"
	c, err := parseConfig("c.yaml", []byte(head+`  alertmanagers: [{url: http://a:9093}, {url: https://b/am, token_file: t}]
  direct: {url: https://pager/hook}
  external_labels: {region: eu}
  canary: true
  caps: {rule: 5}
  windows:
    - {match: {rack: r1}, match_regex: {alertname: "Host.*"}, from: 2026-11-23T08:00:00Z, to: 2026-11-24T08:00:00Z, owner: ops, reason: a new switch}
`))
	if err != nil {
		t.Fatal(err)
	}
	if a := c.Alerts; len(a.Alertmanagers) != 2 || a.Direct.URL == "" || !a.Canary || a.Caps.Rule != 5 || len(a.Windows) != 1 || len(a.Windows[0].Match) != 2 || len(a.External) != 1 {
		t.Errorf("it is read as %+v", a)
	}
	const window = "from: 2026-11-23T08:00:00Z, to: 2026-11-24T08:00:00Z, owner: ops, reason: x"
	for text, want := range map[string]string{
		"  alertmanagers: [{url: a:9093}]":                               `c.yaml:4: alerts.alertmanagers.0: url "a:9093": it is no URL`,
		"  alertmanagers: [{url: http://x:y@a}]":                         "secrets do not belong into a URL",
		"  alertmanagers: [{url: http://a}, {url: http://a}]":            "http://a stands twice",
		"  direct: {token_file: t}":                                      "alerts.direct",
		"  windows: [{" + window + "}]":                                  "it matches everything",
		"  windows: [{match: {rack: r1}, from: x, to: y}]":               "is not of the form",
		"  windows: [{match_regex: {rack: '('}, " + window + "}]":        "match rack",
		"  windows: [{match: {rack: r1}, " + window + ", until: never}]": "until",
		"  windows: [{match: {rack: r1}, from: 2026-11-01T00:00:00Z, to: 2026-12-01T00:00:00Z, owner: o, reason: r}]": "longer than 168h0m0s",
	} {
		if _, err := parseConfig("c.yaml", []byte(head+text+"\n")); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

// aggregator alert test sends a test the way of all and says who took it and whom it
// is sent to.
func TestATestAlert(t *testing.T) {
	var got []struct{ Labels map[string]string }
	am := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodPost && r.URL.Path == "/api/v2/alerts":
			if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
				t.Error(err)
			}
		case r.URL.Path == "/api/v2/alerts":
			_ = json.NewEncoder(w).Encode([]any{map[string]any{"receivers": []any{map[string]string{"name": "gpus-page"}}}})
		}
	}))
	defer am.Close()
	pager := httptest.NewServer(http.NotFoundHandler())
	defer pager.Close()
	path := filepath.Join(t.TempDir(), "c.yaml")
	text := "data: d\nbus: {embedded: {}}\nsites: [{name: fra1}]\nalerts:\n  alertmanagers: [{url: " + am.URL + "}]\n  direct: {url: " + pager.URL + "}\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	err := run(t.Context(), []string{"alert", "test", "-config", path, "-owner", "gpus"}, strings.NewReader(""), &out, &out)
	if err == nil || err.Error() != "1 of 2 receivers did not take the test" {
		t.Errorf("it ends with %v", err)
	}
	want := pager.URL + " did not take it: 404 Not Found\n" + am.URL + " took it: 200 OK\n" + am.URL + " sends it to gpus-page\n"
	if out.String() != want {
		t.Errorf("it says\n%swant\n%s", out.String(), want)
	}
	if len(got) != 1 || got[0].Labels["alertname"] != "AlertTest" || got[0].Labels["owner"] != "gpus" || got[0].Labels["site"] != "fra1" {
		t.Errorf("it sent %v", got)
	}
}
