package main_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/query"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// fake is an aggregator of the fake world. A token that is in rights may read its
// sites alone; without rights, everybody reads all.
type fake struct {
	*httptest.Server
	sites  []string
	rights map[string][]string
	racks  int
	slow   bool
	silent atomic.Bool // the second of its halls and racks
	lost   atomic.Bool // streams and answers end in the middle

	mu    sync.Mutex
	asked []string // paths with their parameters
	over  map[string]http.HandlerFunc
	live  atomic.Int64 // streams that are open
}

func newFake(t *testing.T, sites ...string) *fake {
	f := &fake{sites: sites, racks: 3, over: map[string]http.HandlerFunc{}}
	f.Server = httptest.NewServer(f)
	t.Cleanup(func() { f.CloseClientConnections(); f.Close() })
	return f
}

func (f *fake) source(token string) *source {
	s := &source{uid: "uid" + token, url: f.URL}
	if token != "" {
		s.secure = map[string]string{"token": token}
	}
	return s
}

// questions are those that were asked of path, or all.
func (f *fake) questions(path string) (out []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, q := range f.asked {
		if path == "" || strings.HasPrefix(q, path+"?") {
			out = append(out, q)
		}
	}
	return out
}

func (f *fake) forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = nil
}

func (f *fake) answer(path string, h http.HandlerFunc) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.over[path] = h
}

func refuse(w http.ResponseWriter, status int, reason query.Reason, text string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(query.Envelope{Status: "error", Reason: reason, Message: text})
}

func succeed(w http.ResponseWriter, v any, warnings ...string) {
	raw, _ := json.Marshal(v)
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(query.Envelope{Status: "success", Data: raw, Warnings: warnings})
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	f.mu.Lock()
	f.asked = append(f.asked, r.URL.Path+"?"+q.Encode())
	over := f.over[r.URL.Path]
	f.mu.Unlock()
	if f.slow {
		time.Sleep(20 * time.Millisecond) // until others ask the same
	}
	sites := f.sites
	if f.rights != nil {
		may, ok := f.rights[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]
		if !ok {
			refuse(w, http.StatusUnauthorized, query.Unauthorized, "a bearer token is needed")
			return
		}
		sites = may
	}
	site := q.Get("site")
	if site != "" && !slices.Contains(sites, site) {
		refuse(w, http.StatusForbidden, query.Forbidden, "site "+site+" is not yours")
		return
	}
	if over != nil {
		over(w, r)
		return
	}
	if rest, ok := strings.CutPrefix(r.URL.Path, "/api/v1/report"); ok {
		f.report(w, rest, cmp.Or(site, sites[0]))
		return
	}
	switch r.URL.Path {
	case "/api/v1/status/buildinfo":
		succeed(w, map[string]string{"version": "v9"})
	case "/api/v1/inventory":
		f.inventory(w, q.Get("kind"), site, sites, q.Get("match"), q.Get("hall"), q.Get("host"))
	case "/api/v1/counts":
		fresh := 1.5
		succeed(w, query.Counts{Site: site, Hosts: query.HostCount{Expected: 125, Reporting: 122}, GPUs: query.GPUCount{Expected: 1000, Reporting: 990, States: map[string]int{"ok": 990, "lost": 10}}, Freshness: &fresh})
	case "/api/v1/top":
		of := q.Get("of")
		a := query.Top{Site: site, Of: of, Considered: 1000, Missing: 7}
		for i, at := range things(of, site) {
			a.Rows = append(a.Rows, query.TopRow{Hall: at["hall"], Rack: at["rack"], Host: at["host"], GPU: at["gpu"], UUID: at["uuid"], Model: at["model"], Value: float64(91 - 3*i)})
		}
		succeed(w, a)
	case "/api/v1/map":
		a := query.RackMap{Site: site}
		for i := range f.racks {
			v := float64(40_000 + i)
			rack := query.MapRack{Hall: "h1", Rack: fmt.Sprintf("r%d", i+1), Value: &v, State: "ok", Hosts: 8, Reporting: 8, GPUs: 64, GPUsOk: 64}
			if i == 1 {
				rack.Value, rack.Reason, rack.Reporting, rack.State = nil, "no host reports", 0, "silent"
			}
			a.Racks = append(a.Racks, rack)
		}
		succeed(w, a)
	case "/api/v1/health":
		since := now.Add(-20 * time.Minute)
		worst := query.Finding{Cause: "lost", State: "failed", Since: since, Evidence: "the GPU answers nothing", Advice: "drain the host and restart it", Action: "reboot"}
		succeed(w, query.HealthReport{Sites: []query.SiteHealth{{Site: site, At: now, Hosts: map[string]int{"ok": 9, "failed": 1}, GPUs: map[string]int{"ok": 79, "failed": 1},
			Subjects: []query.Verdict{{Place: query.Place{Kind: "gpu", Hall: "h1", Rack: "r1", Host: "n1", GPU: "0", UUID: "GPU-a"}, Finding: worst, Findings: []query.Finding{worst}}}}}})
	case "/api/v1/alerts":
		if len(sites) == 0 {
			succeed(w, map[string]any{"alerts": []any{}})
			return
		}
		succeed(w, map[string]any{"alerts": []any{map[string]any{"labels": map[string]string{"alertname": "GPULost", "severity": "critical", "site": sites[0]}, "state": "firing", "activeAt": now, "value": "1e+00", "annotations": map[string]string{"summary": "GPU lost"}},
			map[string]any{"labels": map[string]string{"alertname": "Watchdog", "severity": "notice", "site": sites[0]}, "state": "firing", "activeAt": now, "value": "1e+00", "annotations": map[string]string{"summary": "All is well"}}}})
	case "/api/v1/imports":
		succeed(w, query.ImportList{Site: site, Imports: []query.ImportLine{{ID: "i1", Reason: "bill of October", At: now.Add(-10 * time.Minute), Meters: []string{"m1"}, Corrected: 4}}})
	case "/api/v1/reconciliation":
		above, below, gap, percent := 100.0, 98.0, 2000.0, 2.0
		succeed(w, query.Reconciliation{Site: site, Gaps: []query.Gap{{Stage: "facility", From: now.Add(-time.Hour), To: now, AboveKWh: &above, BelowKWh: &below, GapWh: &gap, Percent: &percent, High: 3, Finding: "ok", Coverage: 1, Children: 2},
			{Stage: "pdu", Name: "p1", From: now.Add(-time.Hour), To: now, Finding: "unknown", Missing: []string{"meter p1"}}}})
	case "/api/v1/energy":
		f.energy(w, r, site)
	case "/api/v1/kpi":
		f.kpi(w, r, site)
	case "/api/v1/query", "/api/v1/query_range":
		f.series(w, r, sites)
	case "/api/v1/label/provider/values":
		succeed(w, []string{"entsoe", "model"})
	case "/api/v1/live":
		f.stream(w, r, site, q.Get("by"), q.Get("boundary"))
	default:
		refuse(w, http.StatusNotFound, query.NotFound, "no such path: "+r.URL.Path)
	}
}

func (f *fake) inventory(w http.ResponseWriter, kind, site string, sites []string, match, hall, host string) {
	a := query.Inventory{Items: []query.Item{}}
	switch kind {
	case "site":
		for _, s := range sites {
			it := query.Item{Kind: kind, Name: s, Site: s, Simulated: strings.HasPrefix(s, "sim")}
			if s == "north" {
				latitude, longitude := 69.65, 18.96
				it.Latitude, it.Longitude = &latitude, &longitude
			}
			a.Items = append(a.Items, it)
		}
	case "gpu":
		a.Items = []query.Item{{Kind: kind, Name: "GPU-a", Site: site, Host: "n1", GPU: "0", UUID: "GPU-a"}}
	case "job", "tenant":
		if hall != "" || host != "" { // one of both runs there
			list := things(kind, site)
			it := list[len(list)-1]
			a.Items = []query.Item{{Kind: kind, Name: cmp.Or(it["job"], it["tenant"]), Site: site, Job: it["job"], Tenant: it["tenant"]}}
			break
		}
		fallthrough
	default:
		for i := range 12 {
			if n := fmt.Sprintf("%s-%s%d", site, kind, i+1); strings.Contains(n, match) {
				a.Items = append(a.Items, query.Item{Kind: kind, Name: n, Site: site, Tenant: "t1"})
			}
		}
	}
	a.Total = len(a.Items)
	succeed(w, a)
}

// things are those of a level that a site of the fake world has, by their labels.
func things(level, site string) []map[string]string {
	switch level {
	case "hall":
		return []map[string]string{{"hall": "h1"}, {"hall": "h2"}}
	case "rack":
		return []map[string]string{{"hall": "h1", "rack": "r1"}, {"hall": "h1", "rack": "r2"}}
	case "host":
		return []map[string]string{{"hall": "h1", "rack": "r1", "host": "n1"}, {"hall": "h1", "rack": "r2", "host": "n2"}}
	case "gpu":
		return []map[string]string{{"hall": "h1", "rack": "r1", "host": "n1", "gpu": "0", "uuid": "GPU-a", "model": "H200"}, {"hall": "h1", "rack": "r2", "host": "n2", "gpu": "1", "uuid": "GPU-b", "model": "H200"}}
	case "job":
		return []map[string]string{{"job": "j1", "tenant": "tenant of " + site}, {"job": "j2", "tenant": "tenant of " + site}}
	case "tenant":
		return []map[string]string{{"tenant": "tenant of " + site}}
	}
	return []map[string]string{{}}
}

func (f *fake) energy(w http.ResponseWriter, r *http.Request, site string) {
	q := r.URL.Query()
	a := query.Energy{Site: site, By: q.Get("by")}
	from, _ := time.Parse(time.RFC3339, q.Get("from"))
	to, _ := time.Parse(time.RFC3339, q.Get("to"))
	step, _ := strconv.Atoi(q.Get("step"))
	d := time.Duration(step) * time.Second
	if d == 0 {
		d = to.Sub(from)
	}
	cover := 0.976
	for i, t := 0, from; t.Before(to); i, t = i+1, t.Add(d) {
		for _, at := range things(a.By, site) {
			mj := uint64(7_200_000_000) // 2 kWh
			l := query.EnergyLine{
				From: t, To: t.Add(d), Coverage: &cover, Millijoules: &mj, Parts: map[string]query.Exact{"measured": 5_000_000_000, "integrated": 2_200_000_000},
				Hall: at["hall"], Rack: at["rack"], Host: at["host"], GPU: at["gpu"], UUID: at["uuid"], Model: at["model"], Job: at["job"], Tenant: at["tenant"],
			}
			if i == 1 {
				l.Millijoules, l.Parts, l.Reason = nil, nil, "no facility meter"
			}
			a.Lines = append(a.Lines, l)
		}
	}
	succeed(w, a)
}

func (f *fake) kpi(w http.ResponseWriter, r *http.Request, site string) {
	a := query.KPIs{Site: site}
	v := 1.12
	units := map[string]string{"wue": "litres_per_kwh", "wue_freshwater": "litres_per_kwh", "cue": "kg_per_kwh", "cue_market": "kg_per_kwh", "cost": "EUR", "carbon_location": "kg", "carbon_market": "kg", "carbon_hourly": "kg", "carbon_market_hourly": "kg", "carbon_scope1": "kg"}
	names := query.KPINames()
	if s := r.URL.Query().Get("kpi"); s != "" {
		names = strings.Split(s, ",")
	}
	for _, name := range names {
		k := query.KPI{Name: name, Unit: cmp.Or(units[name], "ratio"), From: now.Add(-time.Hour), To: now, Value: &v, Category: 1, Coverage: 0.97, Needed: 0.99, Quality: map[string]float64{"measured": 1}, Flags: []query.Flag{{Code: "c", Text: "one meter of three is not calibrated"}}}
		if name == "wue" {
			k.Value, k.Reason = nil, "no water meter: none has role water_total"
		}
		a.KPIs = append(a.KPIs, k)
	}
	succeed(w, a)
}

// series answers any expression with the series of the metric that is in it, else
// one a site; their middle is missing.
func (f *fake) series(w http.ResponseWriter, r *http.Request, sites []string) {
	q := r.URL.Query()
	expr := q.Get("query")
	name, _, _ := strings.Cut(expr, "{")
	if metric.ByName(name) == nil {
		name = ""
	}
	level := "site"
	for _, l := range []string{"hall", "rack", "host", "gpu"} {
		if strings.Contains(expr, l+"_power_watts") {
			level = l
		}
	}
	boundary := "facility"
	if _, after, ok := strings.Cut(expr, `boundary="`); ok {
		boundary, _, _ = strings.Cut(after, `"`)
	}
	type out struct {
		Metric map[string]string `json:"metric"`
		Values [][2]any          `json:"values,omitempty"`
		Value  *[2]any           `json:"value,omitempty"`
	}
	var list []out
	for _, s := range sites {
		if strings.Contains(expr, "site=") && !strings.Contains(expr, `site="`+s+`"`) {
			continue
		}
		for _, at := range things(level, s) {
			one := out{Metric: at}
			one.Metric["site"] = s
			if level != "host" && level != "gpu" {
				one.Metric["boundary"] = boundary
			}
			if name != "" {
				one.Metric["__name__"] = name
			}
			if r.URL.Path == "/api/v1/query" {
				at, _ := strconv.ParseFloat(q.Get("time"), 64)
				one.Value = &[2]any{at, "12"}
				list = append(list, one)
				continue
			}
			start, _ := strconv.ParseFloat(q.Get("start"), 64)
			end, _ := strconv.ParseFloat(q.Get("end"), 64)
			step, _ := strconv.ParseFloat(q.Get("step"), 64)
			for i, at := 0, start; at <= end; i, at = i+1, at+step {
				if i != 2 {
					one.Values = append(one.Values, [2]any{at, strconv.Itoa(1000 + i)})
				}
			}
			list = append(list, one)
		}
	}
	kind := map[string]string{"/api/v1/query": "vector", "/api/v1/query_range": "matrix"}[r.URL.Path]
	succeed(w, map[string]any{"resultType": kind, "result": list})
}

func (f *fake) stream(w http.ResponseWriter, r *http.Request, site, by, boundary string) {
	f.live.Add(1)
	defer f.live.Add(-1)
	w.Header().Set("Content-Type", "text/event-stream")
	for i := 0; ; i++ {
		at := now.Add(time.Duration(i) * time.Second)
		v := 1e6 + float64(i)
		e := query.LiveEvent{At: &at}
		if by == "site" || by == "" {
			e.Rows = []query.LiveRow{{Site: site, Boundary: "facility", Watts: &v}, {Site: site, Boundary: "it", Reason: "no IT meter"}}
			e.Rows = slices.DeleteFunc(e.Rows, func(r query.LiveRow) bool { return boundary != "" && r.Boundary != boundary })
		} else {
			for n, at := range things(by, site) {
				row := query.LiveRow{Site: site, Hall: at["hall"], Rack: at["rack"], Boundary: cmp.Or(boundary, "it"), Watts: &v}
				if n == 1 && f.silent.Load() {
					row.Boundary, row.Watts, row.Reason = boundary, nil, "no host reports"
				}
				e.Rows = append(e.Rows, row)
			}
		}
		b, _ := json.Marshal(e)
		if _, err := fmt.Fprintf(w, ": alive\n\ndata: %s\n\n", b); err != nil {
			return
		}
		w.(http.Flusher).Flush()
		if f.lost.Load() && i == 1 {
			panic(http.ErrAbortHandler)
		}
		select {
		case <-r.Context().Done():
			return
		case <-time.After(20 * time.Millisecond):
		}
	}
}
