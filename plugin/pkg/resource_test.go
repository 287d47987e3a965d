package main_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/gigawatch/gigawatch/aggregator/query"
)

func TestLists(t *testing.T) {
	f := newFake(t, "north", "simulated")
	h, s := start(t), f.source("")
	for _, c := range []struct {
		method, path string
		body         any
		code         int
		want         []string
		not          string
	}{
		{"GET", "sites", nil, 200, []string{`"value":"north"`, `"text":"simulated (simulated)"`}, ""},
		{"GET", "racks?site=north&match=rack1&limit=2", nil, 200, []string{"north-rack1", "north-rack10", `"truncated":true`, `"total":4`}, "north-rack12"},
		{"GET", "hosts", nil, 200, []string{"north-host2", "simulated-host2"}, ""},
		{"GET", "gpus?site=north", nil, 200, []string{`"text":"n1 gpu 0","value":"GPU-a"`}, ""},
		{"GET", "jobs?site=north", nil, 200, []string{`"text":"north-job1 (t1)"`}, ""},
		{"GET", "metrics?match=pue", nil, 200, []string{"site_pue_ratio"}, "gpu_power_watts"},
		{"GET", "metrics?of=gpu", nil, 200, []string{`"value":"gpu_sm_clock_hertz","title":"SM clock"`, "gpu_temperature_celsius"}, "gpu_state"},
		{"GET", "metrics?of=rack", nil, 200, []string{"rack_power_watts"}, "rack_gpu"},
		{"GET", "metrics/gpu_ecc_errors_total", nil, 200, []string{`"kind":["corrected","uncorrected"]`, `"of":"gpu"`}, ""},
		{"GET", "metrics/gpu_ecc", nil, 404, []string{"no such metric"}, ""},
		{"GET", "kpis", nil, 200, []string{`"text":"Carbon-free share","value":"cfe"`}, ""},
		{"GET", "tag-keys", nil, 200, []string{`"value":"tenant"`}, ""},
		{"GET", "tag-values?key=boundary", nil, 200, []string{"facility", "gpu"}, ""},
		{"GET", "tag-values?key=provider", nil, 200, []string{"entsoe"}, ""},
		{"GET", "tag-values?key=a%20b", nil, 400, []string{"is not a label's name"}, ""},
		{"GET", "racks?site=east", nil, 400, []string{"east", "there are north, simulated"}, ""},
		{"GET", "racks?sight=north", nil, 400, []string{"known are site, hall, rack"}, ""},
		{"GET", "racks?limit=0", nil, 400, []string{"is not a number from 1 to 10000"}, ""},
		{"GET", "nothing", nil, 404, []string{"no such path"}, ""},
		{"POST", "variables", map[string]any{"of": "rack", "site": "north", "match": "rack12"}, 200, []string{"north-rack12"}, "north-rack1\""},
		{"POST", "variables", map[string]any{"of": "label", "label": "provider"}, 200, []string{"entsoe"}, ""},
		{"POST", "variables", map[string]any{"of": "metric", "match": "wue"}, 200, []string{"site_wue_litres_per_kwh"}, ""},
		{"POST", "variables", map[string]any{"of": "row"}, 400, []string{"write one of site, hall, rack"}, ""},
		{"POST", "variables", map[string]any{"of": "rack", "where": "north"}, 400, []string{"unknown field"}, ""},
		{"POST", "variables", map[string]any{"of": strings.Repeat("x", 70_000)}, 400, []string{"is longer than"}, ""},
	} {
		code, body := h.call(t, s, c.method, c.path, c.body)
		if code != c.code || c.not != "" && strings.Contains(body, c.not) {
			t.Errorf("%s %s: %d %.300s", c.method, c.path, code, body)
		}
		if !json.Valid([]byte(body)) {
			t.Errorf("%s %s: not JSON: %.300s", c.method, c.path, body)
		}
		for _, want := range c.want {
			if !strings.Contains(body, want) {
				t.Errorf("%s %s: %.600s; want %s in it", c.method, c.path, body, want)
			}
		}
	}
}

// Many ask at once, and the aggregator is asked once; figures are asked anew.
func TestListsAreAskedOnce(t *testing.T) {
	f := newFake(t, "north")
	h, s := start(t), f.source("")
	var wait sync.WaitGroup
	for range 20 {
		wait.Go(func() {
			if code, body := h.call(t, s, "GET", "racks", nil); code != 200 {
				t.Errorf("%d %s", code, body)
			}
		})
	}
	wait.Wait()
	if n := len(f.questions("/api/v1/inventory")); n != 2 { // sites, racks
		t.Errorf("the inventory was asked %d times, want 2", n)
	}
	for range 2 {
		h.one(t, s, asked{"queryType": "counts"})
	}
	if n := len(f.questions("/api/v1/counts")); n != 2 {
		t.Errorf("counts were asked %d times, want 2", n)
	}
}

func TestFailuresAreNotKept(t *testing.T) {
	f := newFake(t, "north")
	h, s := start(t), f.source("")
	f.answer("/api/v1/inventory", func(w http.ResponseWriter, _ *http.Request) { refuse(w, 503, query.Unavailable, "starting") })
	if code, body := h.call(t, s, "GET", "sites", nil); code != 503 || !strings.Contains(body, "busy or starting") {
		t.Errorf("%d %s", code, body)
	}
	f.answer("/api/v1/inventory", nil)
	if code, _ := h.call(t, s, "GET", "sites", nil); code != 200 {
		t.Errorf("once it runs: %d", code)
	}
}
