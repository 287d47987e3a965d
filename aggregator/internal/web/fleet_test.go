package web_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/aggregator/query"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// fleetBooks are of two real sites, one that was never heard, and a simulated one.
type fleetBooks struct{ *books }

func (fleetBooks) Simulated(site string) bool { return site == "sim1" }

func (b fleetBooks) Energy(q account.Question) ([]account.Line, error) {
	l := account.Line{From: q.From, To: q.To, CoveredMillis: 1, ExpectedMillis: 1, Final: true}
	l.Energy[metric.Measured] = map[string]uint64{"ams1": 1<<64 - 1, "fra1": 7_200_000_001, "sim1": 5}[q.Site]
	if q.Boundary == metric.IT && q.Site == "fra1" {
		l = account.Line{From: q.From, To: q.To, Reason: "no IT meter"}
	}
	return []account.Line{l}, nil
}

type allSites []string

func (s allSites) Sites() []string            { return s }
func (s allSites) Simulated(site string) bool { return site == "sim1" }

func TestFleet(t *testing.T) {
	c := config(t)
	b := fleetBooks{newBooks()}
	b.sites = []string{"ams1", "fra1", "sim1"}
	c.Ledger, c.Fleet = b, allSites{"ams1", "fra1", "sim1"}
	_, url := serve(t, c)
	ask := query.Client{URL: url}
	day := query.FleetQuestion{From: time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC), To: time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)}
	a, err := ask.Fleet(t.Context(), day)
	if err != nil {
		t.Fatal(err)
	}
	if a.Real.Sites != 2 || a.Simulated.Sites != 1 || len(a.Sites) != 3 || len(a.Real.KPIs) != len(query.FleetKPINames()) {
		t.Fatalf("%+v", a)
	}
	if e := a.Real.Energy["facility"]; e.Millijoules == nil || *e.Millijoules != "18446744080909551616" || e.Parts["measured"] != *e.Millijoules || !e.Final || *e.Coverage != 1 || *e.KWh != 5124095578.03 {
		t.Errorf("%+v, %v", e, *e.KWh)
	}
	if e := a.Simulated.Energy["facility"]; e.Millijoules == nil || *e.Millijoules != "5" {
		t.Errorf("%+v", e)
	}
	if e := a.Real.Energy["it"]; e.Millijoules != nil || e.Known != "18446744073709551615" || e.Reason != "not known of 1 of 2 sites" || !slices.Equal(e.Lacking, []query.Lack{{Site: "fra1", Reason: "no IT meter"}}) {
		t.Errorf("%+v", e)
	}
	if k := a.Real.KPIs[0]; k.Name != "pue" || k.Value == nil || *k.Value != 1.2 {
		t.Errorf("%+v", k)
	}
	if k := a.Real.KPIs[1]; k.Value != nil || len(k.Lacking) != 2 {
		t.Errorf("%+v", k)
	}

	c.Fleet = allSites{"ams1", "fra1", "osl1"} // which was not heard yet
	_, url = serve(t, c)
	ask.URL, day.KPIs = url, []string{"carbon_location", "pue"}
	if a, err = ask.Fleet(t.Context(), day); err != nil {
		t.Fatal(err)
	}
	if e := a.Real.Energy["facility"]; e.Millijoules != nil || len(e.Lacking) != 1 || e.Lacking[0].Site != "osl1" || a.Simulated != nil {
		t.Errorf("%+v", a)
	}
	if len(a.Real.KPIs) != 2 || a.Real.KPIs[1].Name != "pue" || a.Real.KPIs[1].Value != nil || *a.Real.KPIs[1].Known != 1.2 {
		t.Errorf("%+v", a.Real.KPIs)
	}
	day.Site = "fra1"
	if a, err = ask.Fleet(t.Context(), day); err != nil || len(a.Sites) != 1 || a.Real.Sites != 1 {
		t.Errorf("%+v, %v", a, err)
	}
	for ask, want := range map[string]int{"kpi=cfe": http.StatusBadRequest, "kpi=pue,pue": http.StatusBadRequest, "site=nowhere": http.StatusNotFound, "step=1h": http.StatusBadRequest, "from=1&to=3600": http.StatusBadRequest, "from=0&to=1800000000": http.StatusBadRequest} {
		if r := get(t, url+"/api/v1/fleet?"+ask); r.code != want || !strings.Contains(r.body, "error") {
			t.Errorf("%s: %d %s", ask, r.code, r.body)
		}
	}
}
