package main_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/grafana/grafana-plugin-sdk-go/backend"

	"github.com/gigawatch/gigawatch/aggregator/query"
	"github.com/gigawatch/gigawatch/collector/loopback"
)

// both is a data source of two aggregators.
func both(uid string, urls ...string) *source {
	return &source{uid: uid, json: map[string]any{"timeoutSeconds": 2, "aggregators": []any{map[string]string{"name": "N", "url": urls[0]}, map[string]string{"name": "S", "url": urls[1]}}}}
}

// A rule sees no notices: of several aggregators all must answer it.
func TestARuleGetsAllOrAnError(t *testing.T) {
	north, busy, gone := newFake(t, "north"), newFake(t, "south"), "http://"+loopback.Free(t)
	refuse := func(w http.ResponseWriter, _ *http.Request) { refuse(w, 503, query.Unavailable, "starting") }
	for _, path := range []string{"query", "query_range", "kpi", "health", "top", "map", "counts", "reconciliation", "alerts", "imports", "energy", "report"} {
		busy.answer("/api/v1/"+path, refuse)
	}
	h := start(t)
	rule := map[string]string{backend.FromAlertHeaderName: "true"}
	questions := []asked{
		{"queryType": "power_energy"}, {"queryType": "power_energy", "measure": "energy", "shape": "total"}, {"queryType": "kpi"}, {"queryType": "health", "shape": "count"},
		{"queryType": "top"}, {"queryType": "map"}, {"queryType": "counts"}, {"queryType": "reconciliation", "shape": "gap"}, {"queryType": "alerts", "shape": "count"},
		{"queryType": "report_status"}, {"queryType": "promql", "mode": "instant", "expr": "x"},
	}
	for _, q := range questions {
		for what, s := range map[string]*source{"one is busy": both("busy", north.URL, busy.URL), "one is gone": both("gone", north.URL, gone)} {
			of := asked{"site": "*"}
			for k, v := range q {
				of[k] = v
			}
			if r := h.ask(t, s, nil, of)[0]; r.Error != nil || !strings.Contains(notices(r.Frames), "aggregator S: ") {
				t.Errorf("%v, %s: a panel gets %v and is told %q", q, what, r.Error, notices(r.Frames))
			}
			if r := h.ask(t, s, rule, of)[0]; r.Error == nil || !strings.Contains(r.Error.Error(), "aggregator S: ") || r.ErrorSource != backend.ErrorSourceDownstream {
				t.Errorf("%v, %s: a rule gets %v of %q", q, what, r.Error, r.ErrorSource)
			}
			of["site"] = "north"
			if r := h.ask(t, s, rule, of)[0]; r.Error != nil {
				t.Errorf("%v, %s: a rule of the other's site gets %v", q, what, r.Error)
			}
			if r := h.ask(t, s, nil, of)[0]; r.Error != nil || strings.Contains(notices(r.Frames), "aggregator S") {
				t.Errorf("%v, %s: a panel of the other's site gets %v and is told %q", q, what, r.Error, notices(r.Frames))
			}
		}
	}
}

// A hub answers for the sites behind it too. That is as it was set up, and no
// panel's concern.
func TestASiteAndItsHub(t *testing.T) {
	site, hub := newFake(t, "north"), newFake(t, "north", "south")
	h, s := start(t), both("hub", site.URL, hub.URL)
	const said = "of north the aggregator N, not S is asked"
	for _, q := range []asked{{"queryType": "kpi"}, {"queryType": "power_energy"}, {"queryType": "counts"}, {"queryType": "map"}, {"queryType": "alerts"}} {
		q["site"] = "*"
		frames := h.one(t, s, q)
		n := 0
		for _, f := range frames {
			for _, x := range f.Meta.Notices {
				if strings.Contains(x.Text, said) {
					n++
					if x.Severity.String() != "info" {
						t.Errorf("%v: it is a %v", q, x.Severity)
					}
				} else if strings.Contains(x.Text, "both") || strings.Contains(x.Text, "answered for") {
					t.Errorf("%v: told %q", q, x.Text)
				}
			}
		}
		if want := map[bool]int{true: 1}[q["queryType"] == "counts"]; n != want {
			t.Errorf("%v: said %d times, want %d: %q", q, n, want, notices(frames))
		}
	}
	if _, text, _ := h.health(t, s); !strings.Contains(text, "N and S both answer for north: N is asked") {
		t.Errorf("Save & test says %q", text)
	}
}
