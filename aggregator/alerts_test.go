package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/storage"

	"github.com/gigawatch/gigawatch/aggregator/internal/rule"
	"github.com/gigawatch/gigawatch/aggregator/internal/web"
	table "github.com/gigawatch/gigawatch/alerts/rule"
	"github.com/gigawatch/gigawatch/collector/program"
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
		"  alertmanagers: [{url: a:9093}]":                               `c.yaml:4: alerts.alertmanagers.0: url: it is no URL`,
		"  alertmanagers: [{url: http://x:y@a}]":                         "secrets do not belong into a URL",
		"  alertmanagers: [{url: http://a}, {url: http://a}]":            "http://a stands twice",
		"  direct: {token_file: t}":                                      "alerts.direct",
		"  windows: [{" + window + "}]":                                  "it matches everything",
		"  windows: [{match: {rack: r1}, from: x, to: y}]":               "is not of the form",
		"  windows: [{match_regex: {rack: '('}, " + window + "}]":        "match rack",
		"  windows: [{match: {rack: r1}, " + window + ", until: never}]": "until",
		"  windows: [{match: {rack: r1}, from: 2026-11-01T00:00:00Z, to: 2026-11-08T00:00:00Z, owner: o, reason: r}, {match: {rack: r1}, from: 2026-11-08T00:30:00Z, to: 2026-11-08T08:00:00Z, owner: o, reason: r}]": "together with window configuration-1",
		"  windows: [{match: {rack: r1}, from: 2026-11-01T00:00:00Z, to: 2026-12-01T00:00:00Z, owner: o, reason: r}]":                                                                                                 "longer than 168h0m0s",
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

// A window of maintenance is opened, listed and closed by command.
func TestAWindowByCommand(t *testing.T) {
	e, err := rule.New(rule.Config{Rules: table.Table(), WindowsFile: filepath.Join(t.TempDir(), windowsFile)})
	if err != nil {
		t.Fatal(err)
	}
	w, err := web.New(web.Config{Queryable: struct{ storage.Queryable }{}, Ledger: struct{ web.Ledger }{}, Alerts: e})
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(w)
	defer s.Close()
	do := func(args ...string) (string, error) {
		var out bytes.Buffer
		err := run(t.Context(), append([]string{"alert", "window", "-url", s.URL}, args...), strings.NewReader(""), &out, &out)
		return out.String(), err
	}
	said, err := do("-site", "fra1", "-match", "rack=r1", "-match", "alertname=~Host{1,2}.*", "-from", "2099-01-01T08:00:00Z", "-for", "4h", "-owner", "ada", "-reason", "fans")
	if err == nil || !strings.Contains(err.Error(), "more than a year") {
		t.Errorf("%q, %v", said, err)
	}
	if said, err = do("-site", "fra1", "-match", "rack=r1", "-match", "alertname=~Host{1,2}.*", "-for", "4h", "-owner", "ada", "-reason", "fans"); err != nil || !strings.Contains(said, " open: site=fra1 rack=r1 alertname=~Host{1,2}.*, ") || !strings.HasSuffix(said, "of ada: fans; holds back 0\n") {
		t.Errorf("%q, %v", said, err)
	}
	id, _, _ := strings.Cut(said, " ")
	if said, err = do("-list"); err != nil || !strings.HasPrefix(said, id+" open: ") {
		t.Errorf("%q, %v", said, err)
	}
	if said, err = do("-close", id); err != nil || !strings.HasPrefix(said, id+" over: ") || !strings.Contains(said, ", closed, of ada") {
		t.Errorf("%q, %v", said, err)
	}
	for _, args := range [][]string{{"-match", "rack=r1", "-owner", "a", "-reason", "b"}, {"-for", "1h", "-from", "today"}} {
		if said, err := do(args...); !errors.Is(err, program.ErrUsage) {
			t.Errorf("%q: %q, %v", args, said, err)
		}
	}
}
