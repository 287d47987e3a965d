package main_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"

	"github.com/gigawatch/gigawatch/aggregator/query"
)

// Power of a long range is the mean of each step, and no moment of it.
func TestPowerIsTheMeanOfEachStep(t *testing.T) {
	f := newFake(t, "north")
	h, s := start(t), f.source("")
	for _, c := range []struct {
		name string
		q    asked
		asks string
		says string // of the first series
	}{
		{"a site", asked{"step": "5m"}, `avg_over_time(site_power_watts{site="north",boundary="facility"}[5m])`, "Mean of the 5m up to each point."},
		{"racks of seconds", asked{"by": "rack", "interval": time.Second}, `avg_over_time(rack_power_watts{site="north",boundary="host"}[10s])`, "Mean of the 10s up to each point."},
		{"GPUs as they are stored", asked{"by": "gpu", "interval": 10 * time.Second}, `gpu_power_watts{site="north"}`, "Power drawn by the GPU board"},
		{"GPUs", asked{"by": "gpu", "step": "5m"}, `avg_over_time((gpu_power_watts{site="north"})[5m:10s])`, "Mean of the 5m up to each point."},
		{"perhaps a thousand hosts for long", asked{"by": "host", "step": "1h", "from": now.Add(-400 * time.Hour), "filters": []any{a("host", "=~", "n.*")}}, `[1h:6m40s])`, "Mean of the 1h up to each point."},
		{"a hall for long", asked{"by": "hall", "step": "2h", "from": now.Add(-100 * time.Hour)}, `[2h])`, "Mean of the 2h up to each point."},
	} {
		t.Run(c.name, func(t *testing.T) {
			f.forget()
			c.q["queryType"] = "power_energy"
			frames := h.one(t, s, c.q)
			asked, _ := url.QueryUnescape(strings.Join(f.questions("/api/v1/query_range"), "\n"))
			if !strings.Contains(asked, c.asks) {
				t.Errorf("asked %s; want %s", asked, c.asks)
			}
			if got := frames[0].Fields[1].Config.Description; !strings.HasPrefix(got, c.says) {
				t.Errorf("described as %q; want %q", got, c.says)
			}
		})
	}
}

// Of a site over hours the ledger knows it, and is not limited to what the store keeps.
func TestPowerOfASiteOverHoursIsTheLedgers(t *testing.T) {
	f := newFake(t, "north")
	h, s := start(t), f.source("")
	q := asked{"queryType": "power_energy", "step": "1h", "from": now.Add(-72 * time.Hour)}
	frames := h.one(t, s, q)
	if got, err := frames[0].Fields[1].FloatAt(0); err != nil || got != 2000 || len(f.questions("/api/v1/query_range")) > 0 {
		t.Errorf("2 kWh of an hour are %v W (%v)", got, err)
	}
	if said := notices(frames); !strings.Contains(said, "mean of each interval, from the ledger") {
		t.Errorf("told %q", said)
	}
	f.answer("/api/v1/energy", func(w http.ResponseWriter, _ *http.Request) {
		refuse(w, 403, query.Forbidden, "the ledger is not yours")
	})
	if got := h.one(t, s, q)[0].Fields[1].Config.Description; !strings.HasPrefix(got, "Mean of the 1h") {
		t.Errorf("who may not read the ledger gets %q", got)
	}
}

// The interval that is not over has a lower bar than it will have: it has a name of
// its own. A rule has one series of each thing.
func TestTheRunningIntervalIsNamed(t *testing.T) {
	f := newFake(t, "north")
	hour := time.Now().Truncate(time.Hour)
	v := 1000.0
	f.answer("/api/v1/kpi", func(w http.ResponseWriter, _ *http.Request) {
		a := query.KPIs{Site: "north"}
		for _, from := range []time.Time{hour.Add(-time.Hour), hour} {
			for name, unit := range map[string]string{"carbon_location": "kg", "pue": "ratio"} {
				a.KPIs = append(a.KPIs, query.KPI{Name: name, Unit: unit, From: from, To: from.Add(time.Hour), Value: &v, Coverage: 1})
			}
		}
		succeed(w, a)
	})
	h, s := start(t), f.source("")
	said := hour.UTC().Format("2006-01-02 15:04") + " to " + hour.Add(time.Hour).UTC().Format("2006-01-02 15:04") + " UTC is not over"
	for _, c := range []struct {
		name string
		q    asked
		want string
	}{
		{"energy of a site", asked{"queryType": "power_energy", "measure": "energy"}, "facility|facility, so far"},
		{"energy of tenants", asked{"queryType": "power_energy", "measure": "energy", "by": "tenant"}, "tenant of north|tenant of north, so far"},
		{"power of one job, whose mean so far is of another time", asked{"queryType": "power_energy", "by": "job", "job": "j1"}, "j1 tenant of north|j1 tenant of north, so far"},
		{"figures", asked{"queryType": "kpi", "shape": "series", "kpis": []string{"carbon_location", "pue"}}, "Carbon, location-based|Carbon, location-based, so far|PUE"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.q["from"], c.q["to"] = hour.Add(-time.Hour), time.Now()
			frames := h.one(t, s, c.q)
			shown := map[string]bool{}
			for _, f := range frames {
				shown[f.Fields[1].Config.DisplayNameFromDS] = true
			}
			for _, want := range strings.Split(c.want, "|") {
				if !shown[want] {
					t.Errorf("there is no %q among %v", want, shown)
				}
			}
			if len(shown) != strings.Count(c.want, "|")+1 || strings.Count(notices(frames), said) != 1 {
				t.Errorf("series are %v, and it says %q", shown, notices(frames))
			}
			for _, f := range h.ask(t, s, map[string]string{backend.FromAlertHeaderName: "true"}, c.q)[0].Frames {
				if strings.Contains(f.Fields[1].Config.DisplayNameFromDS, "so far") {
					t.Errorf("a rule gets %q", f.Fields[1].Config.DisplayNameFromDS)
				}
			}
		})
	}
	// A mean is as good of half an hour.
	if got := h.one(t, s, asked{"queryType": "power_energy", "by": "job", "from": hour.Add(-time.Hour), "to": time.Now()}); len(got) != 2 {
		t.Errorf("power is %d series", len(got))
	}
}

// A time of which nobody knows what jobs drew is no job.
func TestWhatNobodyKnowsOfJobsIsNoSeries(t *testing.T) {
	f := newFake(t, "north")
	mj := uint64(3_600_000)
	f.answer("/api/v1/energy", func(w http.ResponseWriter, r *http.Request) {
		from, _ := time.Parse(time.RFC3339, r.URL.Query().Get("from"))
		succeed(w, query.Energy{Site: "north", Lines: []query.EnergyLine{
			{From: from, To: from.Add(time.Hour), Reason: "nothing was read"},
			{From: from.Add(time.Hour), To: from.Add(2 * time.Hour), Job: "j1", Allocation: "job", Millijoules: &mj},
		}})
	})
	h, s := start(t), f.source("")
	frames := h.one(t, s, asked{"queryType": "power_energy", "by": "job", "from": now.Add(-2 * time.Hour)})
	if len(frames) != 1 || frames[0].Fields[1].Config.DisplayNameFromDS != "j1" || !strings.Contains(notices(frames), "1 of 2 intervals are not known: nothing was read") {
		t.Errorf("%d series, and it says %q", len(frames), notices(frames))
	}
}
