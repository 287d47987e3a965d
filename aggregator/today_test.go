package main

import (
	"context"
	"encoding/json"
	"math"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/storage"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/aggregator/internal/ledger"
	"github.com/gigawatch/gigawatch/aggregator/internal/live"
	"github.com/gigawatch/gigawatch/aggregator/internal/web"
	"github.com/gigawatch/gigawatch/aggregator/query"
	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/sim"
)

// emptyLedger knows nothing yet.
func emptyLedger(t *testing.T) *ledger.Ledger {
	t.Helper()
	dir, err := ledger.OpenDir(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	l, err := ledger.Open(ledger.Config{Dir: dir, Logger: quietly(), Metrics: metrics.NewSet()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, err := range []error{l.Close(), dir.Close()} {
			if err != nil {
				t.Error(err)
			}
		}
	})
	return l
}

// ran is l after a simulated site ran for a while.
func ran(t *testing.T, l *ledger.Ledger, from, to time.Time) *ledger.Ledger {
	t.Helper()
	world, err := sim.New(sim.Config{Site: "s1", Hosts: 2, GPUs: 2, Seed: 1, Start: from, Faults: sim.Faults{Off: true}})
	if err != nil {
		t.Fatal(err)
	}
	n := uint64(0)
	for now := from; !now.After(to); now = now.Add(10 * time.Second) {
		world.Step(now)
		n++
		for i := range world.Agents() {
			values, ok := world.Ledger(i, nil)
			if !ok {
				continue
			}
			b := metric.Batch{Site: "s1", Agent: world.Agent(i).Name, Lane: metric.Ledger, Incarnation: 1, Sequence: n, Time: now.UnixMilli(), Ticks: 1, Layout: world.Agent(i).Ledger, Values: values}
			if n == 1 {
				b.Flags = metric.Fresh
			}
			l.Apply(&b, now, "stream", n*100+uint64(i))
		}
	}
	if _, err := l.Commit(to); err != nil {
		t.Fatal(err)
	}
	return l
}

// ask is the data of the API's answer.
func ask(t *testing.T, s *web.Server, path string, data any) {
	t.Helper()
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
	if err := json.Unmarshal(w.Body.Bytes(), &struct{ Data any }{data}); err != nil || w.Code != http.StatusOK {
		t.Fatalf("%s: %d %s: %v", path, w.Code, w.Body, err)
	}
}

// What the page shows of today, what its series say and what the API answers
// without a time are one figure of one time.
func TestTodayIsTheSameOnThePageAndInTheAPI(t *testing.T) {
	for name, tc := range map[string]struct {
		now     time.Duration // since a midnight
		ago     time.Duration // that the site began
		lasting time.Duration
		from    time.Duration // since that midnight
	}{
		"a site that began some minutes ago": {14*time.Hour + 10*time.Minute + 40*time.Second, 7 * time.Minute, 7 * time.Minute, 14*time.Hour + 4*time.Minute},
		"a site that began before midnight":  {5*time.Minute + 30*time.Second, 8 * time.Minute, 8 * time.Minute, 0},
		"a site that is silent since":        {20 * time.Hour, 20*time.Hour + 5*time.Minute, 15 * time.Minute, 0},
	} {
		t.Run(name, func(t *testing.T) {
			l := emptyLedger(t)
			server, err := web.New(web.Config{Queryable: storage.QueryableFunc(func(int64, int64) (storage.Querier, error) { return storage.NoopQuerier(), nil }), Ledger: l})
			if err != nil {
				t.Fatal(err)
			}
			synctest.Test(t, func(t *testing.T) {
				midnight := time.Now().UTC().Truncate(24 * time.Hour).Add(24 * time.Hour)
				time.Sleep(time.Until(midnight.Add(tc.now)))
				now := time.Now()
				ran(t, l, now.Add(-tc.ago), now.Add(tc.lasting-tc.ago))
				series := map[metric.Number]float64{}
				d := newToday(l, func(points []live.Point) {
					for _, p := range points {
						series[p.Metric] = p.Value
					}
				}, quietly())
				d.refresh(now)
				p := &statusPage{today: d}
				shown := p.site(t.Context(), &live.Status{Site: "s1"})

				var a query.KPIs
				ask(t, server, "/api/v1/kpi?site=s1&kpi=pue,carbon_location", &a)
				from, to := midnight.Add(tc.from), now.Truncate(time.Minute).Add(time.Minute)
				if !a.From.Equal(from) || !a.To.Equal(to) {
					t.Errorf("the API is of %v to %v, want %v to %v", a.From, a.To, from, to)
				}
				if got := (dayStatus{shown.PUE.From, shown.PUE.To, now.UnixMilli()}); got != *shown.Today || got.From != from.UnixMilli() || got.To != to.UnixMilli() {
					t.Errorf("PUE on the page is of %+v, the day is %+v", got, *shown.Today)
				}
				pue, carbon := a.KPIs[0].Value, a.KPIs[1].Value
				if pue == nil || shown.PUE.Value == nil || *pue != *shown.PUE.Value || series[metric.SitePUE] != *pue {
					t.Errorf("PUE is %v, on the page %v, as a series %v", value(pue), value(shown.PUE.Value), series[metric.SitePUE])
				}
				if carbon == nil || shown.Carbon.Tonnes == nil || *carbon/1000 != *shown.Carbon.Tonnes {
					t.Errorf("carbon is %v kg, on the page %v t", value(carbon), value(shown.Carbon.Tonnes))
				}
				var energy struct {
					Lines []struct{ Millijoules string }
				}
				ask(t, server, "/api/v1/energy?site=s1", &energy)
				if got, want := *shown.Energy["facility"].Millijoules, energy.Lines[0].Millijoules; got != want {
					t.Errorf("energy is %s mJ, on the page %s", want, got)
				}
			})
		})
	}
}

func value(v *float64) any {
	if v == nil {
		return nil
	}
	return *v
}

func TestASeriesOfTodayEndsWhenItsFigureIsGone(t *testing.T) {
	now := time.Date(2026, 11, 22, 14, 10, 40, 0, time.UTC)
	l := ran(t, emptyLedger(t), now.Add(-5*time.Minute), now)
	var got []live.Point
	d := newToday(l, func(points []live.Point) { got = points }, quietly())
	d.began = now
	find := func(n metric.Number) (v float64, ok bool) {
		for _, p := range got {
			if p.Metric == n {
				return p.Value, true
			}
		}
		return 0, false
	}
	d.refresh(now)
	if v, ok := find(metric.SitePUE); !ok || math.IsNaN(v) {
		t.Fatalf("no PUE: %v, %t", v, ok)
	}
	d.refresh(now.Add(24 * time.Hour)) // of a day of which nothing is known
	if v, ok := find(metric.SitePUE); !ok || !math.IsNaN(v) {
		t.Errorf("PUE of a day of which nothing is known: %v, %t; want its end", v, ok)
	}
	if v, ok := find(metric.SiteEnergyJoules); ok {
		t.Errorf("a day after the newest record a counter is told, or ended: %v", v)
	}
	d.took("s1", now.Add(24*time.Hour))
	d.refresh(now.Add(24 * time.Hour))
	if v, ok := find(metric.SiteEnergyJoules); !ok || math.IsNaN(v) {
		t.Errorf("a counter ended: %v, %t", v, ok)
	}
}

func TestTheDaySoFarIsPartOfTheStatus(t *testing.T) {
	now := time.Date(2026, 11, 22, 14, 10, 40, 0, time.UTC)
	l := ran(t, emptyLedger(t), now.Add(-5*time.Minute), now)
	d := newToday(l, func([]live.Point) {}, quietly())
	p := &statusPage{today: d}
	if st := p.site(t.Context(), &live.Status{Site: "s1"}); st.Today != nil || st.Energy["it"].Reason != "nothing in the ledger yet" {
		t.Errorf("before the ledger was asked: %+v, %+v", st.Today, st.Energy["it"])
	}
	d.refresh(now)
	b, err := json.Marshal(p.site(t.Context(), &live.Status{Site: "s1"}))
	if err != nil {
		t.Fatal(err)
	}
	var got struct{ Today map[string]int64 }
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	from, to := l.Today("s1", now)
	if d := cmp.Diff(map[string]int64{"from": from, "to": to, "asked": now.UnixMilli()}, got.Today); d != "" {
		t.Error(d)
	}
}

// Today is the site's day: it begins at its midnight, and so does the wait for the
// next.
func TestTodayIsTheSitesDay(t *testing.T) {
	auckland, err := time.LoadLocation("Pacific/Auckland")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 22, 10, 30, 0, 0, time.UTC) // 23:30 there
	l := ran(t, emptyLedger(t), now.Add(-30*time.Minute), now)
	if _, err := l.SetTerms("s1", account.Terms{Location: auckland}); err != nil {
		t.Fatal(err)
	}
	var got []live.Point
	d := newToday(l, func(points []live.Point) { got = points }, quietly())
	midnight := time.Date(2026, 11, 22, 11, 0, 0, 0, time.UTC)
	if next := d.midnight(now); !next.Equal(midnight) {
		t.Errorf("the next day is waited for until %v, want %v", next, midnight)
	}
	p := &statusPage{today: d}
	d.refresh(now)
	st := p.site(t.Context(), &live.Status{Site: "s1"})
	if st.PUE.Value == nil || st.TimeZone != "Pacific/Auckland" || st.Today.From != now.Add(-29*time.Minute).UnixMilli() {
		t.Errorf("late in its day: %+v, %+v in %s", st.PUE, st.Today, st.TimeZone)
	}
	d.refresh(midnight.Add(10 * time.Second))
	st = p.site(t.Context(), &live.Status{Site: "s1"})
	if st.PUE.Value != nil || st.Today.From != midnight.UnixMilli() {
		t.Errorf("after its midnight: %+v, %+v", st.PUE, st.Today)
	}
	ended := false
	for _, x := range got {
		ended = ended || x.Metric == metric.SitePUE && math.IsNaN(x.Value)
	}
	if !ended {
		t.Error("the series of yesterday's PUE goes on")
	}
}

// Energy is of whole hours: where midnight is on none it begins before it, and says
// so.
func TestEnergyOfADayThatBeginsOnNoWholeHourSaysSinceWhen(t *testing.T) {
	kolkata, err := time.LoadLocation("Asia/Kolkata")
	if err != nil {
		t.Fatal(err)
	}
	midnight := time.Date(2026, 11, 21, 18, 30, 0, 0, time.UTC)
	for name, tc := range map[string]struct {
		began, now time.Duration // since midnight
		since      int64
	}{
		"a site that was there before": {-40 * time.Minute, 5 * time.Minute, midnight.Add(-30 * time.Minute).UnixMilli()},
		"a site that has just begun":   {2 * time.Minute, 9 * time.Minute, 0},
	} {
		l := ran(t, emptyLedger(t), midnight.Add(tc.began), midnight.Add(tc.now))
		if _, err := l.SetTerms("s1", account.Terms{Location: kolkata}); err != nil {
			t.Fatal(err)
		}
		d := newToday(l, func([]live.Point) {}, quietly())
		d.refresh(midnight.Add(tc.now))
		if got := (&statusPage{today: d}).site(t.Context(), &live.Status{Site: "s1"}).Energy["facility"]; got.Since != tc.since || got.KWh == nil {
			t.Errorf("%s: since %d, want %d; %+v", name, got.Since, tc.since, got)
		}
	}
}

func TestTodayIsAskedAgainAtTheSitesMidnight(t *testing.T) {
	auckland, err := time.LoadLocation("Pacific/Auckland")
	if err != nil {
		t.Fatal(err)
	}
	l := emptyLedger(t)
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		ran(t, l, now.Add(-2*time.Minute), now)
		if _, err := l.SetTerms("s1", account.Terms{Location: auckland}); err != nil {
			t.Fatal(err)
		}
		d := newToday(l, func([]live.Point) {}, quietly())
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- d.Run(ctx) }()
		_, end := l.Around("s1", account.ByDay, now.UnixMilli())
		midnight := time.UnixMilli(end)
		if midnight.Equal(midnight.Truncate(24 * time.Hour)) {
			t.Fatal("its midnight is that of UTC")
		}
		time.Sleep(time.Until(midnight) - time.Second)
		synctest.Wait()
		if d.of("s1") != nil {
			t.Error("the ledger was asked before midnight though it has not changed")
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if day := d.of("s1"); day == nil || day.from != end {
			t.Errorf("after its midnight the day is %+v", day)
		}
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}
