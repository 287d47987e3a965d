package main

import (
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// dashboardQuery is one expression of one panel.
type dashboardQuery struct{ of, expr string }

// dashboardQueries are all expressions of the dashboards, with what a person
// chose put in.
func dashboardQueries(t *testing.T, chosen *strings.Replacer) (list []dashboardQuery) {
	t.Helper()
	files, err := filepath.Glob("../dashboards/*.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		var d struct {
			Panels []struct {
				Title   string
				Targets []struct{ QueryType, Expr string }
			}
		}
		if err := json.Unmarshal(text, &d); err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		for _, p := range d.Panels {
			for _, q := range p.Targets {
				if q.QueryType == "promql" {
					list = append(list, dashboardQuery{filepath.Base(f) + ", " + p.Title, chosen.Replace(q.Expr)})
				}
			}
		}
	}
	return list
}

// mayBeEmpty says of which metrics the simulated site has no series, and why.
var mayBeEmpty = map[string]string{
	"gpu_xid_events_total": "a board has a series of a code only once it had it",
	`state!="ok"`:          "all may be ok",
	`state=~"lost|`:        "all may be ok",
	"absent(":              "it answers only where something is not known",
	"gpu_sm_active_ratio":  "its boards are not profiled", "gpu_tensor_active_ratio": "its boards are not profiled", "gpu_memory_active_ratio": "its boards are not profiled",
	"gpu_pcie_throughput_bytes_per_second": "its boards are not profiled", "gpu_nvlink_throughput_bytes_per_second": "its boards are not profiled",
	"host_gpus":                   "its hosts have no list of what they should have",
	"agent_spool_bytes":           "its hosts are played by one process without spools",
	"agent_source_stale":          "its hosts are played by one process without sources",
	"agent_spool_dropped_total":   "nothing is given up",
	"agent_source_failures_total": "no source fails",
	"meter_failures_total":        "its collectors may not have told of themselves yet",
	"meter_reading_age_seconds":   "its collectors may not have told of themselves yet",
}

// Every expression of the dashboards is of something that the simulated site has.
func TestDashboardsFindWhatTheyAskFor(t *testing.T) {
	t.Parallel()
	p := start(t, "all-in-one", "-hosts", "16", "-data", t.TempDir(), "-listen", "127.0.0.1:0")
	const host = "n00001"
	var gpu, job string
	p.await(2*time.Minute, "a job on the first host", func() bool {
		for gpu = range p.instant(`gpu_power_watts{host="`+host+`"}`, "uuid") {
			break
		}
		for job = range p.instant(`job_host_share_ratio{host="`+host+`"}`, "job") {
			break
		}
		return gpu != "" && job != ""
	})
	list := dashboardQueries(t, strings.NewReplacer("$site", simulatedSite, "$hall", "h01", "$rack", "r0001", "$host", host, "$gpu", gpu, "$job", job, "$tenant", ".*",
		"$__rate_interval", "40s", "$__interval", "10s", "$__range", "1h", "$__part", "10s"))
	if len(list) < 50 {
		t.Fatalf("only %d expressions were found", len(list))
	}
	var empty []dashboardQuery
	for end := time.Now().Add(3 * time.Minute); len(list) > 0; list = empty {
		empty = nil
		for _, q := range list {
			if left := regexp.MustCompile(`\$\w+`).FindString(q.expr); left != "" {
				t.Fatalf("%s: %s is not put in", q.of, left)
			}
			if p.rowsOf(t, q) == 0 {
				empty = append(empty, q)
			}
		}
		must := 0
		for _, q := range empty {
			if !excused(q.expr) {
				must++
			}
		}
		if must == 0 {
			break
		}
		if time.Now().After(end) {
			for _, q := range empty {
				if !excused(q.expr) {
					t.Errorf("%s: nothing answers %s", q.of, q.expr)
				}
			}
			break
		}
		time.Sleep(2 * time.Second)
	}
	for _, q := range empty {
		t.Logf("empty here: %s: %s", q.of, q.expr)
	}
}

func excused(expr string) bool {
	for m := range mayBeEmpty {
		if strings.Contains(expr, m) {
			return true
		}
	}
	return false
}

// rowsOf is how many series answer; an expression that is refused fails the test.
func (p *process) rowsOf(t *testing.T, q dashboardQuery) int {
	t.Helper()
	var a struct {
		Data struct{ Result []json.RawMessage }
	}
	if err := p.get("/api/v1/query?query="+url.QueryEscape(q.expr), &a); err != nil {
		t.Fatalf("%s: %s: %v", q.of, q.expr, err)
	}
	return len(a.Data.Result)
}
