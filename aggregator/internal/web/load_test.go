package web_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/prometheus/prometheus/promql/promqltest"

	"github.com/gigawatch/gigawatch/aggregator/internal/web"
)

func TestBeyondItsConcurrencyTheServerSheds(t *testing.T) {
	c := config(t)
	s := newStuck(c.Queryable)
	c.Queryable = s
	c.Metrics = metrics.NewSet()
	c.Limits = web.Limits{Concurrent: 2, Queue: 1, Wait: 3 * time.Second}
	_, base := serve(t, c)
	const q = "/api/v1/query?query=gpu_power_watts&time=600"

	answers := make(chan response, 10)
	ask := func() { answers <- get(t, base+q) }
	for range 2 {
		go ask()
	}
	wait(t, s.began, "the first query begins")
	wait(t, s.began, "the second query begins")

	go ask() // waits in the queue, in vain
	if r := wait(t, answers, "the queue is given up"); r.code != 503 || r.header.Get("Retry-After") == "" || !strings.Contains(r.body, "no turn came in time") {
		t.Errorf("after waiting the answer is %d, Retry-After %q: %s", r.code, r.header.Get("Retry-After"), r.body)
	}

	ctx, leave := context.WithCancel(t.Context())
	refused := make(chan string, 2)
	var asking sync.WaitGroup
	for range 2 { // one of them waits, the other finds the queue full
		asking.Go(func() {
			resp, err := http.DefaultClient.Do(request(t, "GET", base+q, "").WithContext(ctx))
			if err != nil {
				return
			}
			defer resp.Body.Close()
			b, err := io.ReadAll(resp.Body)
			if err == nil {
				refused <- string(b)
			}
		})
	}
	if body := wait(t, refused, "the queue is full"); !strings.Contains(body, "too many requests are waiting") {
		t.Errorf("beyond the queue the answer is %s", body)
	}
	leave()
	asking.Wait()

	// What does not query series is answered all the while.
	for _, path := range []string{"/healthz", "/readyz", "/metrics", "/api/v1/energy", "/api/v1/kpi", "/api/v1/metadata"} {
		if r := get(t, base+path); r.code != 200 {
			t.Errorf("%s is answered %d while queries hang: %s", path, r.code, r.body)
		}
	}
	close(s.let)
	for range 2 {
		if r := wait(t, answers, "the running queries end"); r.code != 200 {
			t.Errorf("a query that ran is answered %d: %s", r.code, r.body)
		}
	}
	if r := get(t, base+q); r.code != 200 {
		t.Errorf("once there is room the answer is %d", r.code)
	}

	text := get(t, base+"/metrics").body
	for _, want := range []string{
		web.MetricRequests + `{route="/api/v1/query",code="200"} 3`,
		web.MetricRequests + `{route="/api/v1/query",code="503"}`,
		web.MetricRejected + `{reason="busy"}`,
		web.MetricRejected + `{reason="gone"} 1`,
		web.MetricRejected + `{reason="token"} 0`,
		web.MetricTurned + `{lane="series",reason="full"} 1`,
		web.MetricTurned + `{lane="series",reason="late"} 1`,
		web.MetricTurned + `{lane="ledger",reason="late"} 0`,
		web.MetricWaiting + `{lane="series"} 0`,
		web.MetricWaited + `{lane="series"} `,
		web.MetricInFlight + " 1",
		web.MetricDuration + `_count{route="/api/v1/energy"} 1`,
		web.MetricSent + " ",
		"process_resident_memory_bytes",
		"go_goroutines",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("/metrics lacks %s", want)
		}
	}
	if strings.Contains(text, web.MetricRejected+`{reason="busy"} 0`) {
		t.Error("the refused queries are not counted")
	}
}

// However slow they are, all panels of a few dashboards that are opened at once get
// their turn.
func TestPanelsOfADashboardWait(t *testing.T) {
	c := config(t)
	s := newStuck(c.Queryable)
	c.Queryable = s
	_, base := serve(t, c)
	const panels = 90
	codes := make(chan int, panels)
	for range panels {
		go func() { codes <- get(t, base+"/api/v1/query?query=gpu_power_watts&time=600").code }()
	}
	wait(t, s.began, "the first query begins")
	eventually(t, "all others wait", func() bool {
		for line := range strings.SplitSeq(get(t, base+"/metrics").body, "\n") {
			if n, ok := strings.CutPrefix(line, web.MetricWaiting+`{lane="series"} `); ok {
				waiting, err := strconv.Atoi(n)
				return err == nil && waiting > panels-10
			}
		}
		return false
	})
	close(s.let)
	for range panels {
		if code := wait(t, codes, "all have their turn"); code != 200 {
			t.Errorf("a panel is answered %d", code)
		}
	}
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		if ok() {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s: waited a minute", what)
		}
	}
}

func TestLedgerQuestionsEndAtTheirDeadline(t *testing.T) {
	c := config(t)
	b := newBooks()
	b.slow = func() { time.Sleep(100 * time.Millisecond) }
	c.Ledger = b
	c.Limits.Timeout = 250 * time.Millisecond
	_, base := serve(t, c)
	for _, path := range []string{
		"kpi?step=1h&from=2026-11-01T00:00:00Z&to=2026-11-22T00:00:00Z",
		"energy?step=1h&from=2025-11-01T00:00:00Z&to=2026-11-22T00:00:00Z&by=host&boundary=host",
	} {
		r := get(t, base+"/api/v1/"+path)
		if reason, message := r.failure(t); r.code != 503 || reason != "timeout" || !strings.Contains(message, "fewer intervals") {
			t.Errorf("%s: answer is %d %s %s", path, r.code, reason, message)
		}
	}
}

func TestReadinessGivesItsReasons(t *testing.T) {
	c := config(t)
	reasons := []string{"write-ahead log is being replayed", "bus is not connected"}
	c.Ready = func() []string { return reasons }
	_, base := serve(t, c)
	if r := get(t, base+"/readyz"); r.code != 503 || strings.TrimSpace(r.body) != `{"ready":false,"reasons":["write-ahead log is being replayed","bus is not connected"]}` {
		t.Errorf("answer is %d %s", r.code, r.body)
	}
	if r := get(t, base+"/healthz"); r.code != 200 || r.body != "ok\n" {
		t.Errorf("liveness is %d %s", r.code, r.body)
	}
	reasons = nil
	if r := get(t, base+"/readyz"); r.code != 200 || strings.TrimSpace(r.body) != `{"ready":true,"reasons":[]}` {
		t.Errorf("answer is %d %s", r.code, r.body)
	}
}

func TestStatusAndPageAreHandedThrough(t *testing.T) {
	c := config(t)
	_, bare := serve(t, c)
	if r := get(t, bare+"/api/v1/status"); r.code != 501 {
		t.Errorf("without a status the answer is %d", r.code)
	}
	if r := get(t, bare+"/"); r.code != 404 {
		t.Errorf("without a page the answer is %d", r.code)
	}
	c.Status = func(_ context.Context, _ func(string) bool, site string, since int64) (any, error) {
		if site == "broken" {
			return nil, errors.New("rack 17 is on fire")
		}
		return map[string]any{"sites": []string{site}, "since": since}, nil
	}
	c.Page = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-cache")
		fmt.Fprint(w, "page ", r.URL.Path)
	})
	_, base := serve(t, c)
	for path, want := range map[string]string{
		"/api/v1/status?site=fra1&since=-5": `200 {"since":-5,"sites":["fra1"]}`,
		"/api/v1/status":                    `200 {"since":0,"sites":[""]}`,
		"/api/v1/status?since=now":          `400 {"status":"error","errorType":"bad_data","error":"parameter \"since\": \"now\" is not an integer"}`,
		"/api/v1/status?site=a.b":           `400 {"status":"error","errorType":"bad_data","error":"parameter \"site\": \"a.b\" is not a site's name"}`,
		"/api/v1/status?site=broken":        `500 {"status":"error","errorType":"internal","error":"internal error; the aggregator's log says more"}`,
		"/":                                 "200 page /",
		"/vendor/chart.js":                  "200 page /vendor/chart.js",
	} {
		r := get(t, base+path)
		if got := fmt.Sprintf("%d %s", r.code, strings.TrimSpace(r.body)); got != want {
			t.Errorf("%s is answered %s, want %s", path, got, want)
		}
		if want := map[bool]string{true: "no-cache", false: "no-store"}[strings.Contains(r.body, "page")]; r.header.Get("Cache-Control") != want {
			t.Errorf("%s: Cache-Control is %q, want %q", path, r.header.Get("Cache-Control"), want)
		}
	}
}

// killers are queries made to hurt; each must end in an answer that says no or
// is small, and leave nothing running.
var killers = []string{
	`query?query=` + strings.Repeat("(", 8000),
	`query?query=` + strings.Repeat("-", 8000) + "1",
	`query?query=` + strings.Repeat("big*on(host)group_left()", 300) + "big",
	`query?query={__name__=~".*"}`,
	`query?query={__name__=~".%2B",host!~"(a|b|c)*d"}`,
	`query_range?query=count_over_time(big[300d])&start=0&end=3600&step=1`,
	`query_range?query=max_over_time(big[1h:1s])&start=0&end=10999&step=1`,
	`query_range?query=sum(big)*on()group_right()big&start=0&end=10999&step=1`,
	`query?query=count_over_time(vector(1)[390d:2s])`,
	`query?query=sum_over_time(sum_over_time(sum_over_time(vector(1)[1h:10s])[1h:10s])[2h:1m])`,
	`query?query=label_replace(big,"x","$1$1$1$1$1$1$1$1","host","(.*)")`,
	`query?query=topk(1e18,big)`,
	`query?query=quantile_over_time(0.5,big[1y])`,
	`query?query=count_values("v",big)`,
	`query?query=vector(1)+offset+-1000y`,
	`series?match[]={__name__=~".%2B"}&match[]={host=~".*.*.*.*.*"}`,
	`labels?match[]={host=~"(.*)*n1"}`,
}

func TestKillerQueriesHurtNobody(t *testing.T) {
	var load strings.Builder
	load.WriteString("load 30s\n")
	for i := range 500 {
		fmt.Fprintf(&load, "\tbig{site=\"fra1\",host=\"n%d\"} %d+1x120\n", i, i)
	}
	c := config(t)
	c.Queryable = promqltest.LoadedStorage(t, load.String())
	c.Limits = web.Limits{Timeout: time.Second, Wait: time.Second, Samples: 200_000, Concurrent: 2}
	_, base := serve(t, c)
	// A server that does nothing else, in the same process: whatever delays it too is the
	// machine's, and not ours to answer for.
	idle := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") }))
	defer idle.Close()
	get(t, base+"/healthz")
	get(t, idle.URL)
	before := runtime.NumGoroutine()

	ctx, stop := context.WithCancel(t.Context())
	var probes, floor []time.Duration
	var probed sync.Mutex // guards both
	var probing, asking sync.WaitGroup
	timed := func(url string) time.Duration {
		began := time.Now()
		if r := get(t, url); r.code != 200 {
			t.Errorf("%s is answered %d", url, r.code)
		}
		return time.Since(began)
	}
	for range 2 { // a worst of few says nothing
		probing.Go(func() {
			var mine, others []time.Duration
			for ctx.Err() == nil {
				mine, others = append(mine, timed(base+"/healthz")), append(others, timed(idle.URL))
			}
			probed.Lock()
			defer probed.Unlock()
			probes, floor = append(probes, mine...), append(floor, others...)
		})
	}
	next := make(chan string)
	for range 8 {
		asking.Go(func() {
			for k := range next {
				path, parameters, _ := strings.Cut(k, "?")
				parameters = strings.NewReplacer(`"`, "%22", `{`, "%7b", `}`, "%7d", "$", "%24").Replace(parameters)
				began := time.Now()
				r := do(t, request(t, http.MethodGet, base+"/api/v1/"+path+"?"+parameters+"&time=3600", ""))
				d := time.Since(began)
				if d > 20*time.Second || !slices.Contains([]int{200, 400, 422, 503}, r.code) || len(r.body) > 1<<20 {
					t.Errorf("%.100s: answered %d, %d bytes, after %v", k, r.code, len(r.body), d)
				}
				if r.code != 200 {
					r.failure(t)
				}
			}
		})
	}
	for _, k := range slices.Repeat(killers, 4) {
		next <- k
	}
	t.Logf(`soak: {"row":21,"injected":%d}`, 4*len(killers))
	close(next)
	asking.Wait()
	stop()
	probing.Wait()
	slices.Sort(probes)
	slices.Sort(floor)
	high, idlest := probes[len(probes)*99/100], floor[len(floor)*99/100]
	t.Logf("%d probes of /healthz: median %v, 99%% within %v, worst %v; of a server that does nothing else: median %v, 99%% within %v, worst %v",
		len(probes), probes[len(probes)/2], high, probes[len(probes)-1], floor[len(floor)/2], idlest, floor[len(floor)-1])
	if most := max(100*time.Millisecond, 2*idlest+50*time.Millisecond); high > most {
		t.Errorf("one probe of /healthz in a hundred took %v or longer; want %v", high, most)
	}
	http.DefaultClient.CloseIdleConnections()
	eventually(t, "goroutines are back to where they were", func() bool {
		return runtime.NumGoroutine() <= before+10
	})
}
