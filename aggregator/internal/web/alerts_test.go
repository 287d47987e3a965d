package web_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gigawatch/gigawatch/aggregator/internal/rule"
	table "github.com/gigawatch/gigawatch/alerts/rule"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// fires are alerts made up on the spot.
type fires struct {
	worldAlerts
	heard []string
}

func (f *fires) views() []rule.View {
	rack := []metric.Pair{{Name: "alertname", Value: "RackDown"}, {Name: "rack", Value: "r1"}, {Name: "site", Value: "fra1"}}
	return []rule.View{
		{Labels: rack, Annotations: []metric.Pair{{Name: "summary", Value: "Rack r1 is down"}}, State: "firing", Since: time.Unix(1000, 0).UTC(), Held: time.Unix(1060, 0).UTC(), Value: 72},
		{Labels: []metric.Pair{{Name: "alertname", Value: "HostSilent"}, {Name: "site", Value: "fra1"}}, State: "suppressed", Since: time.Unix(1001, 0).UTC(), Reason: "rack", Parent: rack},
	}
}

func (f *fires) Alerts(site string, _ int) ([]rule.View, int) {
	if site != "" && site != "fra1" {
		return nil, 0
	}
	return f.views(), 3
}

func (f *fires) Rules(int) []rule.Status {
	return []rule.Status{
		{Rule: table.Rule{Name: "RackDown", Severity: table.Critical, Owner: table.Facility, Hold: time.Minute, Prom: "rack_down > 0"}, State: "firing", Alerts: f.views()[:1], Asked: time.Unix(1100, 0).UTC()},
		{Rule: table.Rule{Name: "PUEAbovePlan", Owner: table.Energy, For: time.Hour, Ask: "pue > 1.3"}, State: "inactive", Problem: "too many samples", Asked: time.Unix(1100, 0).UTC(), Took: time.Second},
	}
}

func (f *fires) IsCanary(name string) bool        { return name == "Canary" }
func (f *fires) Heard(site string, now time.Time) { f.heard = append(f.heard, site) }

func TestAlertsAsPrometheusShowsThem(t *testing.T) {
	f := &fires{}
	c := config(t)
	c.Alerts = f
	_, base := serve(t, c)
	for path, want := range map[string]string{
		"alerts": `{"status":"success","data":{"alerts":[` +
			`{"labels":{"alertname":"RackDown","rack":"r1","site":"fra1"},"annotations":{"summary":"Rack r1 is down"},"state":"firing","activeAt":"1970-01-01T00:16:40Z","keepFiringSince":"1970-01-01T00:17:40Z","value":"7.2e+01"},` +
			`{"labels":{"alertname":"HostSilent","site":"fra1"},"annotations":{},"state":"suppressed","activeAt":"1970-01-01T00:16:41Z","value":"0e+00","suppressedBy":"rack","parent":{"alertname":"RackDown","rack":"r1","site":"fra1"}}]},` +
			`"warnings":["3 more alerts are left out"]}`,
		"rules?rule_name[]=PUEAbovePlan": `{"status":"success","data":{"groups":[{"name":"energy","file":"gigawatch","rules":[` +
			`{"state":"inactive","name":"PUEAbovePlan","query":"pue > 1.3","duration":3600,"keepFiringFor":0,"labels":{"owner":"energy","severity":"notice"},"annotations":{"do":"","evidence":"","summary":""},"alerts":[],"health":"err","lastError":"too many samples","evaluationTime":1,"lastEvaluation":"1970-01-01T00:18:20Z","type":"alerting"}],` +
			`"interval":1,"limit":0,"evaluationTime":1,"lastEvaluation":"1970-01-01T00:18:20Z"}]}}`,
		"rules?type=record": `{"status":"success","data":{"groups":[]}}`,
	} {
		got := do(t, request(t, http.MethodGet, base+"/api/v1/"+path, ""))
		var a, b any
		if err := json.Unmarshal([]byte(want), &a); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(got.body), &b); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(a, b); d != "" {
			t.Errorf("%s (-want +got):\n%s", path, d)
		}
	}
	for _, path := range []string{"rules?type=all", "rules?match[]=up", "alerts?of=x"} {
		if got := do(t, request(t, http.MethodGet, base+"/api/v1/"+path, "")); got.code != http.StatusBadRequest {
			t.Errorf("%s is answered %d", path, got.code)
		}
	}
}

func TestReceiptsOfCanaries(t *testing.T) {
	f := &fires{}
	c := config(t)
	c.Alerts = f
	_, base := serve(t, c)
	post := func(contentType, body string) int {
		r := request(t, http.MethodPost, base+"/api/v1/alerts/receipt", body)
		r.Header.Set("Content-Type", contentType)
		return do(t, r).code
	}
	const told = `{"version":"4","alerts":[{"status":"firing","labels":{"alertname":"Canary","site":"fra1"}},{"status":"resolved","labels":{"alertname":"Canary","site":"ams2"}},{"status":"firing","labels":{"alertname":"RackDown","site":"fra1"}}]}`
	if code := post("application/json", told); code != http.StatusOK || strings.Join(f.heard, " ") != "fra1" {
		t.Errorf("it is answered %d, and heard of %q", code, f.heard)
	}
	for _, bad := range []struct{ contentType, body string }{{"application/json", "{"}, {"text/plain", told}} {
		if code := post(bad.contentType, bad.body); code/100 != 4 {
			t.Errorf("%s %q is answered %d", bad.contentType, bad.body, code)
		}
	}
}
