package main_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/query"
)

// Panels that ask for one figure each of the same time make the aggregator read the
// ledger once; who may not read all figures still gets its own.
func TestFiguresOfOneTimeAreAskedForOnce(t *testing.T) {
	names := []string{"pue", "wue", "cue", "carbon_location", "cost"}
	for name, c := range map[string]struct {
		more   asked
		refuse bool
		want   int
	}{
		"a figure a panel":               {asked{}, false, 1},
		"tables of several":              {asked{"shape": "table"}, false, 1},
		"of the day":                     {asked{"period": "today"}, false, 1},
		"of many intervals each its own": {asked{"shape": "series"}, false, len(names)},
		"who may not read all of them":   {asked{}, true, 2 * len(names)},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t, "north")
			var mu sync.Mutex
			n := 0
			f.answer("/api/v1/kpi", func(w http.ResponseWriter, r *http.Request) {
				mu.Lock()
				n++
				mu.Unlock()
				time.Sleep(50 * time.Millisecond) // the others come meanwhile
				of := strings.Split(r.URL.Query().Get("kpi"), ",")
				if c.refuse && len(of) > 1 {
					refuse(w, 403, query.Forbidden, "cost is not yours")
					return
				}
				a := query.KPIs{Site: "north"}
				for i, k := range of {
					v := float64(i)
					a.KPIs = append(a.KPIs, query.KPI{Name: k, Unit: "ratio", Value: &v, Coverage: 1})
				}
				succeed(w, a)
			})
			h, s := start(t), f.source("")
			var wait sync.WaitGroup
			for _, k := range names {
				q := asked{"queryType": "kpi", "kpis": []string{k}}
				for key, v := range c.more {
					q[key] = v
				}
				wait.Go(func() {
					frames := h.one(t, s, q)
					if got := frames[0].Fields[len(frames[0].Fields)-1].Name; c.more["shape"] == nil && got != k {
						t.Errorf("who asks for %s gets %s", k, got)
					}
					if rows, err := frames[0].RowLen(); err != nil || rows != 1 {
						t.Errorf("%s has %d rows: %v", k, rows, err)
					}
				})
			}
			wait.Wait()
			if n > c.want || c.want > 1 && n < len(names) {
				t.Errorf("the aggregator was asked %d times, at most %d wanted", n, c.want)
			}
		})
	}
}

// A figure is not older than the refresh of a dashboard lets one think.
func TestFiguresAreAskedForAgain(t *testing.T) {
	f := newFake(t, "north")
	h, s := start(t), f.source("")
	q := asked{"queryType": "kpi", "kpis": []string{"pue"}}
	h.one(t, s, q)
	time.Sleep(2100 * time.Millisecond)
	h.one(t, s, q)
	if n := len(f.questions("/api/v1/kpi")); n != 2 {
		t.Errorf("the aggregator was asked %d times", n)
	}
}
