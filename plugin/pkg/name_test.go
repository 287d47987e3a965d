package main_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/gigawatch/gigawatch/aggregator/query"
)

// names are what the columns of numbers are called.
func names(frames data.Frames) (out []string) {
	for _, f := range frames {
		for _, field := range f.Fields {
			if field.Type() == data.FieldTypeNullableFloat64 {
				out = append(out, field.Config.DisplayNameFromDS)
			}
		}
	}
	return out
}

func TestNamesSayTheSiteWhereThereAreSeveral(t *testing.T) {
	f := newFake(t, "north", "south")
	h, s := start(t), f.source("")
	for _, c := range []struct {
		q        asked
		one, all []string
	}{
		{asked{"queryType": "power_energy"}, []string{"facility"}, []string{"north", "south"}},
		{asked{"queryType": "power_energy", "by": "rack"}, []string{"h1 r1", "h1 r2"}, []string{"north h1 r1", "north h1 r2", "south h1 r1", "south h1 r2"}},
		{asked{"queryType": "power_energy", "by": "gpu"}, []string{"n1 gpu 0", "n2 gpu 1"}, []string{"north n1 gpu 0", "north n2 gpu 1", "south n1 gpu 0", "south n2 gpu 1"}},
		{asked{"queryType": "power_energy", "measure": "energy", "shape": "total", "by": "job"}, []string{"j1 tenant of north", "j2 tenant of north"},
			[]string{"north j1 tenant of north", "north j2 tenant of north", "south j1 tenant of south", "south j2 tenant of south"}},
		{asked{"queryType": "kpi"}, []string{"PUE"}, []string{"PUE north", "PUE south"}},
		{asked{"queryType": "promql", "expr": `rack_power_watts{boundary="it"}`}, []string{"h1 r1 it", "h1 r2 it"}, []string{"north h1 r1 it", "north h1 r2 it", "south h1 r1 it", "south h1 r2 it"}},
	} {
		c.q["site"] = "*"
		if d := cmp.Diff(c.all, names(h.one(t, s, c.q))); d != "" {
			t.Errorf("%v of all sites (-want +got)\n%s", c.q, d)
		}
		if c.q["site"] = "north"; c.q["queryType"] == "promql" {
			c.q["expr"] = `rack_power_watts{boundary="it",site="north"}`
		}
		if d := cmp.Diff(c.one, names(h.one(t, s, c.q))); d != "" {
			t.Errorf("%v of one site (-want +got)\n%s", c.q, d)
		}
	}
	// One site that does not answer changes no name of the other's.
	s2 := &source{uid: "one of two", json: map[string]any{"aggregators": []any{map[string]string{"name": "N", "url": newFake(t, "north").URL}, map[string]string{"name": "S", "url": f.URL}}}}
	if got := names(h.one(t, s2, asked{"queryType": "kpi", "site": "north,south"})); !slices.Equal(got, []string{"PUE north", "PUE south"}) {
		t.Errorf("of two aggregators: %v", got)
	}
	// Expressions of all sites of an aggregator, with one chosen, stay apart.
	if got := names(h.one(t, s, asked{"queryType": "promql", "expr": "sum by (site) (x)", "site": "north"})); len(got) != 2 || got[0] == got[1] {
		t.Errorf("alike: %v", got)
	}
}

func TestNamesStayWhenARackFallsSilent(t *testing.T) {
	f := newFake(t, "north")
	h, s := start(t), f.source("")
	for _, q := range []asked{{"queryType": "live", "by": "rack"}, {"queryType": "live", "by": "hall", "boundary": "host"}} {
		f.silent.Store(false)
		before := h.one(t, s, q)
		f.silent.Store(true)
		after := h.one(t, s, q)
		said := func(frames data.Frames) (out []string) {
			for _, field := range frames[0].Fields[1:] {
				out = append(out, field.Config.DisplayNameFromDS+" "+field.Labels.String())
			}
			return out
		}
		if d := cmp.Diff(said(before), said(after)); d != "" {
			t.Errorf("%v (-before +after)\n%s", q, d)
		}
	}
	f.silent.Store(false)
	next, stop := h.watch(t, s, "live/rack/north")
	defer stop()
	for i := range 4 {
		frame, err := next()
		if err != nil {
			t.Fatal(err)
		}
		if i > 0 && strings.Contains(frame, `"schema"`) {
			t.Errorf("frame %d has other columns: %s", i, frame)
		}
		f.silent.Store(true)
	}
}

func TestAMapOfTooManyRacksShowsTheWorst(t *testing.T) {
	f := newFake(t, "north")
	f.racks = 50
	h, s := start(t), f.source("")
	frames := h.one(t, s, asked{"queryType": "map", "limit": 3})
	var racks []string
	for i := range frames[0].Rows() {
		racks = append(racks, frames[0].Fields[2].At(i).(string))
	}
	if d := cmp.Diff([]string{"r2", "r50", "r49"}, racks); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	if said := notices(frames); !strings.Contains(said, "3 of 50 racks are shown, the worst first") {
		t.Errorf("it says %q", said)
	}
}

// A number of a job that two tenants' schedulers gave is two jobs: they have the name that
// a panel gives, and beside it whose they are.
func TestJobsOfOneNumberAreToldApart(t *testing.T) {
	var tenants []string
	f := newFake(t, "north")
	f.answer("/api/v1/energy", func(w http.ResponseWriter, r *http.Request) {
		var a query.Energy
		from, _ := time.Parse(time.RFC3339, r.URL.Query().Get("from"))
		to, _ := time.Parse(time.RFC3339, r.URL.Query().Get("to"))
		step := time.Hour
		if r.URL.Query().Get("step") == "" {
			step = to.Sub(from)
		}
		for at := from; at.Before(to); at = at.Add(step) {
			for _, tenant := range tenants {
				mj := uint64(3_600_000_000)
				a.Lines = append(a.Lines, query.EnergyLine{From: at, To: at.Add(step), Job: "7", Tenant: tenant, Millijoules: &mj})
			}
		}
		succeed(w, a)
	})
	h, s := start(t), f.source("")
	total := asked{"measure": "energy", "shape": "total"}
	hours := asked{"from": time.Now().Add(-time.Hour), "to": time.Now(), "step": "1h"}
	for _, c := range []struct {
		name    string
		tenants []string
		q       asked
		want    []string
	}{
		{"of one", []string{"acme"}, total, []string{"Hosts"}},
		{"of two", []string{"acme", "umbrella"}, total, []string{"Hosts acme", "Hosts umbrella"}},
		{"over time, of one", []string{"acme"}, hours, []string{"Hosts", "Hosts, so far"}},
		{"over time, of two", []string{"acme", "umbrella"}, hours, []string{"Hosts acme", "Hosts acme, so far", "Hosts umbrella", "Hosts umbrella, so far"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			tenants = c.tenants
			q := asked{"queryType": "power_energy", "by": "job", "job": "7", "legend": "Hosts"}
			for k, v := range c.q {
				q[k] = v
			}
			got := names(h.one(t, s, q))
			slices.Sort(got)
			if d := cmp.Diff(c.want, got); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
		})
	}
}
