package main_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/gigawatch/gigawatch/aggregator/query"
)

// What rests on a part is said to.
func TestAPartIsNotTakenForTheWhole(t *testing.T) {
	f := newFake(t, "north")
	f.answer("/api/v1/top", func(w http.ResponseWriter, _ *http.Request) {
		a := query.Top{Site: "north", Of: "gpu", Considered: 100_000, Truncated: true}
		for range 1000 {
			a.Rows = append(a.Rows, query.TopRow{Hall: "h1", Rack: "r1", Host: "n1", GPU: "0", Value: 700})
		}
		succeed(w, a)
	})
	f.answer("/api/v1/health", func(w http.ResponseWriter, _ *http.Request) {
		succeed(w, query.HealthReport{Sites: []query.SiteHealth{{Site: "north", Cut: 7}}})
	})
	f.answer("/api/v1/energy", func(w http.ResponseWriter, r *http.Request) {
		from, _ := time.Parse(time.RFC3339, r.URL.Query().Get("from"))
		cover, mj := 0.979, uint64(3_600_000)
		succeed(w, query.Energy{Site: "north", Lines: []query.EnergyLine{{From: from, To: from.Add(time.Hour), Reason: "nothing was read"}, {From: from.Add(time.Hour), To: from.Add(2 * time.Hour), Coverage: &cover, Millijoules: &mj}}})
	})
	h, s := start(t), f.source("")
	among := func(racks ...string) []any {
		return []any{map[string]any{"key": "rack", "operator": "=|", "value": racks[0], "values": racks}}
	}
	for _, c := range []struct {
		name string
		q    asked
		says string // "": nothing of a part
	}{
		{"the top of racks that are far down", asked{"queryType": "top", "filters": among("r8", "r9")}, "the first 1000 of 100000 are looked at"},
		{"the top of racks that are at the top", asked{"queryType": "top", "filters": among("r1", "r9")}, ""},
		{"health that was cut, as numbers", asked{"queryType": "health", "shape": "count", "hall": "h1"}, "7 more hosts and GPUs need a person"},
		{"a site that began within the range", asked{"queryType": "power_energy", "measure": "energy", "from": now.Add(-2 * time.Hour)}, "97.9 % covered where meters were expected, which is not so of all intervals"},
		{"more figures than rows", asked{"queryType": "kpi", "shape": "table", "kpis": []string{"pue", "cost"}, "limit": 1}, "1 of 2 figures are shown"},
	} {
		t.Run(c.name, func(t *testing.T) {
			said := notices(h.one(t, s, c.q))
			if !strings.Contains(said, c.says) || c.says == "" && strings.Contains(said, "looked at") {
				t.Errorf("notices are %q; want %q", said, c.says)
			}
		})
	}
}

// A hub has the alerts of the sites that answer for themselves too.
func TestAnAlertOfTwoAggregatorsIsOne(t *testing.T) {
	f := newFake(t, "north")
	h := start(t)
	s := &source{json: map[string]any{"aggregators": []any{map[string]string{"name": "site", "url": f.URL}, map[string]string{"name": "hub", "url": f.URL}}}}
	if got := read(t, h.one(t, s, asked{"queryType": "alerts", "shape": "count"})); got["count{site=north, state=firing}"] != 1.0 {
		t.Errorf("counted: %v", got)
	}
}

func TestCoverageIsNeverRoundedUp(t *testing.T) {
	f := newFake(t, "north")
	v := 1.1
	f.answer("/api/v1/kpi", func(w http.ResponseWriter, _ *http.Request) {
		succeed(w, query.KPIs{Site: "north", KPIs: []query.KPI{{Name: "pue", Unit: "ratio", From: now.Add(-time.Hour), To: now, Value: &v, Coverage: 0.94967, Needed: 0.95, Quality: map[string]float64{"measured": 0.99999}}}})
	})
	h, s := start(t), f.source("")
	frame := h.one(t, s, asked{"queryType": "kpi", "shape": "table"})[0]
	for name, want := range map[string]float64{"coverage": 0.949, "measured": 0.999} {
		column, _ := frame.FieldByName(name)
		if got, err := column.FloatAt(0); err != nil || got != want {
			t.Errorf("%s is %v, want %v (%v)", name, got, want, err)
		}
	}
}

// Of many events those that just happened are told.
func TestOfManyEventsTheNewestStay(t *testing.T) {
	f := newFake(t, "north")
	f.answer("/api/v1/imports", func(w http.ResponseWriter, _ *http.Request) {
		var a query.ImportList
		for i := range 5 {
			a.Imports = append(a.Imports, query.ImportLine{Reason: string(rune('a' + i)), At: now.Add(time.Duration(i-10) * time.Minute)})
		}
		succeed(w, a)
	})
	frame := start(t).one(t, f.source(""), asked{"queryType": "annotations", "what": []string{"restatement"}, "limit": 2})[0]
	if got := titles(frame); got != "restated: d, restated: e" {
		t.Errorf("told: %s", got)
	}
}

func titles(f *data.Frame) string {
	column, _ := f.FieldByName("title")
	var out []string
	for i := range column.Len() {
		out = append(out, column.At(i).(string))
	}
	return strings.Join(out, ", ")
}

// How many need a person are as many as the table has rows: a silent host is one, with all
// its GPUs, and so are hosts that fell silent together.
func TestWhoNeedsAPersonIsCountedAsListed(t *testing.T) {
	verdict := func(kind, hall, host, state string) query.Verdict {
		return query.Verdict{Place: query.Place{Kind: kind, Hall: hall, Host: host}, Finding: query.Finding{State: state, Since: now}}
	}
	blind := &query.Finding{Cause: "blind", State: "unknown", Since: now, Evidence: "5 of 8 hosts fell silent together: n1, n2, n3, …", Advice: "look at the network"}
	f := newFake(t, "north")
	f.answer("/api/v1/health", func(w http.ResponseWriter, _ *http.Request) {
		succeed(w, query.HealthReport{Sites: []query.SiteHealth{{Site: "north", Blind: blind, Hosts: map[string]int{"ok": 2, "unknown": 6}, GPUs: map[string]int{"ok": 15, "failed": 1, "unknown": 48},
			Subjects: []query.Verdict{verdict("gpu", "h1", "n7", "failed"), verdict("host", "h1", "n6", "unknown"), verdict("gpu", "h2", "n8", "watch")}}}})
	})
	h, s := start(t), f.source("")
	calling := []string{"failed", "degraded", "unknown"}
	for _, c := range []struct {
		name string
		q    asked
		want float64
	}{
		{"in any state", asked{}, 4},
		{"that need a person", asked{"states": calling}, 3},
		{"of a hall", asked{"states": calling, "hall": "h2"}, 1}, // which cannot be seen to be well
		{"of hosts", asked{"kind": "host"}, 1},
		{"that failed", asked{"states": []string{"failed"}}, 1},
		{"by a filter", asked{"filters": []any{a("host", "=", "n6")}}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			q := asked{"queryType": "health"}
			for k, v := range c.q {
				q[k] = v
			}
			rows := h.one(t, s, q)[0].Rows()
			q["shape"] = "needing"
			for _, header := range []map[string]string{nil, {backend.FromAlertHeaderName: "true"}} {
				r := h.ask(t, s, header, q)[0]
				if r.Error != nil {
					t.Fatal(r.Error)
				}
				count, _ := r.Frames[0].FieldByName("count")
				if got, err := count.FloatAt(0); err != nil || got != c.want || rows != int(c.want) {
					t.Errorf("%v are counted (%v), and %d listed; want %v", got, err, rows, c.want)
				}
			}
		})
	}
}
