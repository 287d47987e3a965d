package main_test

import (
	"strings"
	"testing"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
)

func a(key, operator string, values ...string) map[string]any {
	return map[string]any{"key": key, "operator": operator, "value": values[0], "values": values}
}

// A dashboard's filters narrow every answer that tells what they are about. Of
// others a panel says that they do not, and a rule is refused.
func TestFilters(t *testing.T) {
	f := newFake(t, "north", "south")
	h, s := start(t), f.source("")
	for _, c := range []struct {
		name   string
		q      asked
		filter map[string]any
		has    string // labels of an answer
		not    string
		says   string // to a panel, and why a rule is refused
		asks   string // of the aggregator
	}{
		{"by code", asked{"queryType": "kpi", "editorMode": "code", "code": "map site=north"}, a("rack", "=", "r3"), "rack=r3", "rack=r1", "", ""},
		{"by code with a macro", asked{"queryType": "kpi", "editorMode": "code", "code": "power_energy site=north by=rack step=$__interval"}, a("rack", "=", "r2"), "site=north", "", "", "rack%3D%22r2%22"},
		{"one site", asked{"queryType": "kpi", "site": "*"}, a("site", "=", "south"), "site=south", "north", "", ""},
		{"all sites but one", asked{"queryType": "counts", "site": "*"}, a("site", "!=|", "south", "east"), "site=north", "south", "", ""},
		{"a rack of figures of sites", asked{"queryType": "kpi", "site": "north"}, a("rack", "=", "r1"), "site=north", "", "the filter rack=r1", ""},
		{"a rack of how many", asked{"queryType": "counts", "site": "north"}, a("rack", "=|", "r1", "r2"), "site=north", "", "the filter rack=|r1|r2", ""},
		{"a rack of a site's power", asked{"queryType": "power_energy", "site": "north"}, a("rack", "=", "r1"), "boundary=facility", "", "the filter rack=r1", ""},
		{"a boundary of power", asked{"queryType": "power_energy", "site": "north", "by": "host"}, a("boundary", "=", "gpu"), "", "host=n1", "", ""},
		{"a rack of the top", asked{"queryType": "top", "site": "north"}, a("rack", "=", "r1"), "rack=r1", "rack=r2", "", "rack=r1"},
		{"several racks of the top", asked{"queryType": "top", "site": "north", "limit": 1}, a("rack", "=|", "r2", "r3"), "rack=r2", "rack=r1", "", "limit=1000"},
		{"a host of the top racks", asked{"queryType": "top", "site": "north", "of": "rack"}, a("host", "=", "n1"), "", "rack=r1", "", "limit=1000"},
		{"a state of racks", asked{"queryType": "map", "site": "north"}, a("state", "=", "silent"), "rack=r2", "rack=r1", "", ""},
		{"a rack of energy by GPU", asked{"queryType": "power_energy", "measure": "energy", "by": "gpu", "site": "north"}, a("rack", "=", "r2"), "gpu=1", "gpu=0", "", "rack=r2"},
		{"a model of energy by GPU", asked{"queryType": "power_energy", "measure": "energy", "by": "gpu", "site": "north"}, a("model", "!=", "H200"), "", "gpu=0", "", ""},
		{"a tenant of energy by job", asked{"queryType": "power_energy", "measure": "energy", "by": "job", "site": "north"}, a("tenant", "=", "x"), "", "job=j1", "", "tenant=x"},
		{"a hall of energy by job", asked{"queryType": "power_energy", "measure": "energy", "by": "job", "site": "north"}, a("hall", "=", "h1"), "job=j2", "job=j1", "the ledger does not tell", "hall=h1&kind=job"},
		{"a host of energy by tenant", asked{"queryType": "power_energy", "measure": "energy", "by": "tenant", "site": "north", "host": "n1"}, a("tenant", "!=", "x"), "tenant=tenant of north", "", "the ledger does not tell", "host=n1&kind=tenant"},
		{"halls of energy by job", asked{"queryType": "power_energy", "measure": "energy", "by": "job", "site": "north"}, a("hall", "=~", "h.*"), "job=j1", "", "the filter hall=~h.*", ""},
		{"PromQL without them", asked{"queryType": "promql", "expr": "x", "site": "north"}, a("hall", "=", "h1"), "site=north", "", "filters", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.q["filters"] = []any{c.filter}
			f.forget()
			frames := h.one(t, s, c.q)
			var labels []string
			for key := range read(t, frames) {
				labels = append(labels, key)
			}
			got := strings.Join(labels, "\n")
			if !strings.Contains(got, c.has) || c.not != "" && strings.Contains(got, c.not) {
				t.Errorf("it tells %s; want %q and not %q", got, c.has, c.not)
			}
			said := notices(frames)
			if !strings.Contains(said, c.says) || c.says == "" && (strings.Contains(said, "narrow this down")) {
				t.Errorf("it says %q; want %q", said, c.says)
			}
			if asked := strings.Join(f.questions(""), "\n"); !strings.Contains(asked, c.asks) {
				t.Errorf("the aggregator was asked %s; want %q", asked, c.asks)
			}
			r := h.ask(t, s, map[string]string{backend.FromAlertHeaderName: "true"}, c.q)[0]
			if (r.Error != nil) != (c.says != "") || c.says != "" && !strings.Contains(r.Error.Error(), c.says) {
				t.Errorf("a rule gets %v", r.Error)
			}
		})
	}
}
