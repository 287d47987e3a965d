package web_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/web"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// Debian's promtool is a client we did not write.
func TestPromtoolWorksUnchanged(t *testing.T) {
	tool, err := exec.LookPath("promtool")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("promtool is not installed, and CI must have it")
		}
		t.Skip("promtool is not installed")
	}
	_, base := serve(t, config(t))
	for name, tt := range map[string]struct {
		args []string
		want []string // lines
	}{
		"instant": {
			[]string{"query", "instant", "--time=600", base, `gpu_power_watts{host="n1",gpu="0"}`},
			[]string{`gpu_power_watts{gpu="0", host="n1", site="fra1"} => 700 @[600]`},
		},
		"instant scalar": {
			[]string{"query", "instant", "--time=600", base, "2^10"},
			[]string{"scalar: 1024 @[600]"},
		},
		"range": {
			[]string{"query", "range", "--start=0", "--end=1200", "--step=10m", base, `sum by (host) (gpu_power_watts{host="n2"})`},
			[]string{`{host="n2"} =>`, "900 @[0]", "1020 @[600]", "1140 @[1200]"},
		},
		"range of a rate": {
			[]string{"query", "range", "--start=600", "--end=601", "--step=1m", base, `round(rate(gpu_energy_joules_total[5m]))`},
			[]string{`{gpu="0", host="n1", site="fra1"} =>`, "700 @[600]"},
		},
		"series": {
			[]string{"query", "series", "--match=gpu_energy_joules_total", "--start=0", "--end=3600", base},
			[]string{`{__name__="gpu_energy_joules_total", gpu="0", host="n1", site="fra1"}`},
		},
		"labels": {
			[]string{"query", "labels", "--start=0", "--end=3600", base, "host"},
			[]string{"n1", "n2"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := exec.CommandContext(t.Context(), tool, tt.args...).CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			if got := strings.Split(strings.TrimSpace(string(out)), "\n"); !slices.Equal(got, tt.want) {
				t.Errorf("it prints %q, want %q", got, tt.want)
			}
		})
	}
}

// The paths that Grafana's Prometheus data source asks for, with what it sends.
func TestPrometheusClientsFindTheirPaths(t *testing.T) {
	_, base := serve(t, config(t))
	for name, tt := range map[string]struct {
		method, path string
		want         string // contained
	}{
		"query by POST":         {"POST", "query?query=vector(1)&time=600", `"resultType":"vector"`},
		"query_range by POST":   {"POST", "query_range?query=vector(1)&start=0&end=60&step=15", `"resultType":"matrix"`},
		"query_range by GET":    {"GET", "query_range?query=vector(1)&start=1970-01-01T00:00:00Z&end=60.5&step=15s", `"resultType":"matrix"`},
		"statistics":            {"GET", "query?query=gpu_power_watts&time=600&stats=all", `"totalQueryableSamples":4`},
		"series by POST":        {"POST", "series?match[]=gpu_energy_joules_total", `"__name__":"gpu_energy_joules_total"`},
		"labels":                {"GET", "labels", `["__name__","gpu","host","site"]`},
		"labels by POST":        {"POST", "labels?match[]=gpu_power_watts", `["__name__","gpu","host","site"]`},
		"names of metrics":      {"GET", "label/__name__/values", `["gpu_energy_joules_total","gpu_power_watts"]`},
		"values of a match":     {"GET", `label/host/values?match[]=gpu_energy_joules_total`, `["n1"]`},
		"metadata":              {"GET", "metadata", `"gpu_power_watts":[{"type":"gauge","help":"Power drawn by the GPU board`},
		"metadata of one":       {"GET", "metadata?metric=host_up&limit=1", `"host_up":[{"type":"gauge"`},
		"rules":                 {"GET", "rules?type=alert", `{"groups":[]}`},
		"alerts":                {"GET", "alerts", `{"alerts":[]}`},
		"build":                 {"GET", "status/buildinfo", `"version":"1.2.3"`},
		"format":                {"POST", "format_query?query=sum+by(a)(b)", `sum by (a) (b)`},
		"parse":                 {"GET", "parse_query?query=up", `"name":"up"`},
		"subquery of no step":   {"GET", "query?query=max_over_time(vector(1)[5m:])&time=600", `"1"`},
		"at and offset":         {"GET", `query?query=gpu_power_watts{host="n1",gpu="0"}+@+600+offset+-1m`, `"700"`},
		"an escaped expression": {"GET", "query?query=" + url.QueryEscape(`count(gpu_power_watts{host=~"n.+"}) / 2`) + "&time=600", `"2"`},
	} {
		t.Run(name, func(t *testing.T) {
			address, parameters, _ := strings.Cut(base+"/api/v1/"+tt.path, "?")
			r := request(t, tt.method, address, parameters)
			if tt.method == http.MethodGet {
				r = request(t, tt.method, address+"?"+strings.ReplaceAll(parameters, `"`, "%22"), "")
			}
			if got := do(t, r); got.code != 200 || !strings.Contains(got.body, tt.want) {
				t.Errorf("answer is %d, want it to hold %s:\n%.600s", got.code, tt.want, got.body)
			}
		})
	}
	for _, path := range []string{
		"targets", "scrape_pools", "alertmanagers", "status/config", "status/flags", "status/tsdb", "status/runtimeinfo", "status/walreplay", "read", "write",
		"otlp/v1/metrics", "admin/tsdb/delete_series", "admin/tsdb/snapshot", "query_exemplars", "search/metric_names", "openapi.yaml", "notifications/live", "features",
	} {
		r := request(t, http.MethodPost, base+"/api/v1/"+path, "match[]=up")
		if path == "targets" || strings.HasPrefix(path, "status/") {
			r = request(t, http.MethodGet, base+"/api/v1/"+path, "")
		}
		if got := do(t, r); got.code != 404 && got.code != 400 || strings.Contains(got.body, "success") {
			t.Errorf("%s, which is not in the table, is answered %d: %s", path, got.code, got.body)
		}
	}
}

func TestMetadataIsTheCatalogue(t *testing.T) {
	_, base := serve(t, config(t))
	var a struct {
		Data map[string][]struct{ Type, Help, Unit string }
	}
	if err := json.Unmarshal([]byte(get(t, base+"/api/v1/metadata").body), &a); err != nil {
		t.Fatal(err)
	}
	n := 0
	for d := range metric.All {
		n++
		m := a.Data[d.Name]
		if len(m) != 1 || m[0].Help != d.Help || m[0].Unit != string(d.Unit) || (m[0].Type == "counter") != (d.Kind == metric.Counter) {
			t.Errorf("%s is described as %+v", d.Name, m)
		}
	}
	if len(a.Data) != n {
		t.Errorf("%d metrics are described, the catalogue has %d", len(a.Data), n)
	}
}

func TestLimitsAreToldApart(t *testing.T) {
	c := config(t)
	c.Limits = web.Limits{QueryBytes: 100, Matchers: 2, Range: 10 * 24 * time.Hour, Points: 500, Samples: 1000, Series: 3, Values: 2, Timeout: 500 * time.Millisecond}
	_, base := serve(t, c)
	for name, tt := range map[string]struct {
		path    string
		code    int
		message string // contained
	}{
		"query too long":           {"query?query=" + strings.Repeat("1%2B", 60) + "1", 400, `parameter "query": 121 bytes long; the limit is 100`},
		"query too long to format": {"format_query?query=" + strings.Repeat("(", 101), 400, `the limit is 100`},
		"selector too long":        {"series?match[]=" + strings.Repeat("a", 101), 400, `parameter "match[]": 101 bytes long`},
		"too many selectors":       {"labels?match[]=a&match[]=b&match[]=c", 400, `parameter "match[]": 3 selectors; the limit is 2`},
		"range too long":           {"query_range?query=up&start=0&end=864001&step=1d", 400, "time range of 10d1s is longer than the limit of 10d"},
		"range selector too long":  {"query?query=rate(up[11d])", 400, "range selector of 11d is longer"},
		"subquery too long":        {"query?query=rate(up[11d:1d])", 400, "subquery of 11d is longer"},
		"subquery too fine":        {"query?query=count_over_time(vector(1)[1h:1s])", 400, "is evaluated 3601 times; the limit is 1000"},
		"subqueries too fine":      {"query?query=max_over_time(max_over_time(vector(1)[1h:1m])[1h:1m])", 400, "is evaluated 3721 times"},
		"lookback too long":        {"query?query=up&lookback_delta=11d", 400, "lookback delta of 11d is longer"},
		"too many points":          {"query_range?query=up&start=0&end=501&step=1", 400, "501 points a series; the limit is 500"},
		"too many samples":         {"query_range?query=gpu_power_watts&start=0&end=300&step=1", 422, "too many samples"},
		"no step":                  {"query_range?query=up&start=0&end=300&step=0", 400, "zero or negative"},
		"negative limit":           {"series?match[]=up&limit=-1", 400, "limit must be non-negative"},
		"bad time":                 {"query?query=up&time=soon", 400, `invalid parameter "time"`},
		"no selector":              {"series", 400, "no match[] parameter provided"},
		"regular expression bomb":  {"query?query=up{a=~%22((a{1,99}){1,99}){1,99}%22}", 400, "invalid"},
	} {
		t.Run(name, func(t *testing.T) {
			r := get(t, base+"/api/v1/"+tt.path)
			if _, message := r.failure(t); r.code != tt.code || !strings.Contains(message, tt.message) {
				t.Errorf("answer is %d %q, want %d %q", r.code, message, tt.code, tt.message)
			}
		})
	}
	for name, path := range map[string]string{
		"series of a query":  "query?query=gpu_power_watts&time=600",
		"asked for more":     "query?query=gpu_power_watts&time=600&limit=100",
		"asked for all":      "series?match[]=gpu_power_watts&limit=0",
		"series of a range":  "query_range?query=gpu_power_watts&start=0&end=60&step=60",
		"series of matchers": "series?match[]=gpu_power_watts&match[]=gpu_energy_joules_total",
		"labels":             "labels",
		"values":             "label/gpu/values?limit=1",
	} {
		t.Run("cut: "+name, func(t *testing.T) {
			if r := get(t, base+"/api/v1/"+path); r.code != 200 || !strings.Contains(r.body, `"warnings":["results truncated due to limit"]`) {
				t.Errorf("answer is %d and does not say that it is cut: %s", r.code, r.body)
			}
		})
	}
}

func TestQueriesEndWithTheirClientOrTheirDeadline(t *testing.T) {
	c := config(t)
	s := newStuck(c.Queryable)
	c.Queryable = s
	_, base := serve(t, c)
	c.Limits.Timeout = 700 * time.Millisecond
	_, brief := serve(t, c)

	for _, method := range []string{http.MethodGet, http.MethodPost} {
		ctx, cancel := context.WithCancel(t.Context())
		r := request(t, method, base+"/api/v1/query?query=gpu_power_watts", "").WithContext(ctx)
		if method == http.MethodPost {
			r = request(t, method, base+"/api/v1/query", "query=gpu_power_watts").WithContext(ctx)
		}
		gone := make(chan error, 1)
		go func() {
			resp, err := http.DefaultClient.Do(r)
			if err == nil {
				resp.Body.Close()
			}
			gone <- err
		}()
		wait(t, s.began, "the query begins")
		cancel()
		if err := wait(t, s.ended, "the query ends"); err != context.Canceled {
			t.Errorf("%s: the query ended with %v", method, err)
		}
		wait(t, gone, "the client is told")
	}

	for _, path := range []string{"query?query=gpu_power_watts", "series?match[]=gpu_power_watts", "query?query=gpu_power_watts&timeout=1h"} {
		r := get(t, brief+"/api/v1/"+path)
		if reason, message := r.failure(t); r.code != 503 {
			t.Errorf("%s past its deadline: answer is %d %s %s", path, r.code, reason, message)
		}
	}
}
