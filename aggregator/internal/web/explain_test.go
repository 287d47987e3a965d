package web_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/aggregator/internal/rights"
	"github.com/gigawatch/gigawatch/aggregator/internal/web"
	"github.com/gigawatch/gigawatch/aggregator/query"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// Explain tells of three entries an hour, of which one takes away.
func (b *books) Explain(q account.Question, from, limit int) (*account.Explanation, error) {
	if q.Step > 0 && q.Step < q.To-q.From {
		return nil, &account.QuestionError{Field: "step", Problem: "one interval is explained at a time"}
	}
	x := &account.Explanation{Line: account.Line{From: q.From, To: q.To, Host: "host-" + q.Site}}
	for at := q.From; at < q.To; at += hour {
		for i, mj := range []int64{5_000_000, -1_500_000, 100_000} {
			e := account.Entry{Kind: account.EntryHour, Hour: at, Leaf: int64(i), File: strings.Repeat("ab", 32), Quality: metric.Measured, Millijoules: mj,
				Device: account.Device{Kind: metric.Meter, Name: "grid-" + q.Site, Metric: metric.MeterEnergyJoules, Quantity: account.GridInput}}
			if i == 2 {
				e = account.Entry{Kind: account.EntryOpen, Hour: at, Leaf: -1, Millijoules: mj}
			}
			if x.Sum = x.Sum.AddSigned(mj); x.Total >= from && len(x.Entries) < limit {
				x.Entries = append(x.Entries, e)
			}
			x.Total++
			x.Energy[metric.Measured] += uint64(mj)
		}
	}
	return x, nil
}

// A client that reads page after page has all entries once, and their sum is the
// figure.
func TestAFigureIsExplainedPageByPage(t *testing.T) {
	_, base := serve(t, config(t))
	client := query.Client{URL: base}
	q := query.EnergyQuestion{Site: "fra1", From: time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC), To: time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC), Explain: true, Limit: 4}
	var sum int64
	entries, pages := 0, 0
	for {
		a, err := client.Energy(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		x := a.Explained
		if x == nil || len(a.Lines) != 1 || x.Total != 21 || x.From != q.EntriesFrom || a.Truncated != (x.Next > 0) || x.Millijoules != strconv.FormatUint(*a.Lines[0].Millijoules, 10) {
			t.Fatalf("%+v", a)
		}
		pages++
		entries += len(x.Entries)
		for _, e := range x.Entries {
			sum += int64(e.Millijoules)
			if (e.Leaf != nil) != (e.Kind == "hour") || e.Kind == "hour" && (e.Role != "grid_input" || e.Metric != "meter_energy_joules_total" || e.Of != "meter") {
				t.Errorf("%+v", e)
			}
		}
		if q.EntriesFrom = x.Next; x.Next == 0 {
			if want := strconv.FormatInt(sum, 10); x.Millijoules != want || entries != 21 || pages != 6 {
				t.Errorf("%d entries on %d pages are %s mJ, and the figure is %s", entries, pages, want, x.Millijoules)
			}
			return
		}
	}
}

func TestExplanationsThatAreRefused(t *testing.T) {
	_, base := serve(t, config(t))
	for ask, want := range map[string]string{
		"explain=2":                `parameter \"explain\"`,
		"explain=1&entries_from=x": `parameter \"entries_from\"`,
		"explain=1&largest=3":      "one figure is explained at a time",
		"explain=1&step=1h&from=2026-11-22T03:00:00Z&to=2026-11-22T10:00:00Z": "one interval is explained at a time",
	} {
		if r := get(t, base+"/api/v1/energy?site=fra1&"+ask); r.code != http.StatusBadRequest || !strings.Contains(r.body, want) {
			t.Errorf("%s: %d %s", ask, r.code, r.body)
		}
	}
}

// Entries name hosts, which are not for who sees the jobs of a tenant only.
func TestWhoSeesTenantsIsToldOfNoEntries(t *testing.T) {
	ps, list := people()
	c, _ := worldConfig(t, list)
	s, err := web.New(c)
	if err != nil {
		t.Fatal(err)
	}
	bounded := slices.DeleteFunc(slices.Clone(ps), func(p person) bool { return p.scope.Whole() || p.role&rights.Everybody == 0 })
	if len(bounded) == 0 {
		t.Fatal("nobody sees tenants only")
	}
	for _, p := range bounded {
		r := httptest.NewRequest(http.MethodGet, "/api/v1/energy?site="+ours+"&by=tenant&boundary=gpu&explain=1", nil)
		r.Header.Set("Authorization", "Bearer "+p.token)
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code != http.StatusForbidden || strings.Contains(w.Body.String(), "grid-") {
			t.Errorf("%s: %d %s", p.name, w.Code, w.Body)
		}
	}
}
