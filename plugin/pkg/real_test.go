package main_test

import (
	"bufio"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/data"
)

// A simulation is the aggregator itself with a simulated site, started once, and
// only if a test asks it: what it takes to have something to say, it takes once.
type simulation struct {
	name   string
	faults time.Duration // between two of the site
	once   sync.Once
	url    string
	err    error
	cmd    *exec.Cmd
}

var (
	simulated = simulation{name: "well", faults: 2 * time.Minute}
	breaking  = simulation{name: "breaking", faults: 4 * time.Second} // so that there is always something to tell
)

// aggregate is the address of the aggregator of a site.
func aggregate(t *testing.T, s *simulation) string {
	t.Helper()
	s.once.Do(s.start)
	if s.err != nil {
		t.Fatal(s.err)
	}
	return s.url
}

func (s *simulation) start() {
	path, err := server.path()
	if err != nil {
		s.err = err
		return
	}
	cmd := exec.Command(path, "all-in-one", "-data", filepath.Join(folder, s.name), "-listen", "127.0.0.1:0", "-hosts", "4", "-gpus", "4", "-faults", s.faults.String(), "-log", "error")
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		s.err = fmt.Errorf("start the aggregator: %w", err)
		return
	}
	s.cmd = cmd
	found := make(chan string, 1)
	go func() {
		for s := bufio.NewScanner(out); s.Scan(); {
			if u, ok := strings.CutPrefix(s.Text(), "page      "); ok {
				found <- strings.TrimSuffix(u, "/")
			}
		}
	}()
	select {
	case s.url = <-found:
	case <-time.After(time.Minute):
		s.err = errors.New("the aggregator did not come up")
	}
}

// end ends the aggregator, if there is one.
func (s *simulation) end() {
	if s.cmd != nil {
		_ = s.cmd.Process.Kill() // how it ends is not asked
		_ = s.cmd.Wait()
	}
}

// Every type of question, asked of the aggregator itself.
func TestAgainstTheAggregator(t *testing.T) {
	h := start(t)
	s := &source{uid: "real", url: aggregate(t, &simulated), json: map[string]any{"defaultSite": "simulated"}}
	until := func(what string, done func() bool) {
		t.Helper()
		for deadline := time.Now().Add(2 * time.Minute); !done(); time.Sleep(500 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("waited in vain: %s", what)
			}
		}
	}
	soon := func(q asked) asked {
		c := asked{"from": time.Now().Add(-5 * time.Minute), "to": time.Now(), "interval": storedEvery}
		for k, v := range q {
			c[k] = v
		}
		return c
	}
	known := func(frames data.Frames) bool {
		for _, f := range frames {
			for _, field := range f.Fields {
				for i := range field.Len() {
					if v, err := field.NullableFloatAt(i); err == nil && v != nil && field.Type().Numeric() {
						return true
					}
				}
			}
		}
		return false
	}
	until("the simulated site is heard of, and its ledger has a minute", func() bool {
		r := h.ask(t, s, nil, soon(asked{"queryType": "kpi", "period": "today"}))[0]
		return r.Error == nil && known(r.Frames)
	})
	status, text, _ := h.health(t, s)
	if status != backend.HealthStatusOk || !strings.Contains(text, "simulated (simulated), fresh to") || !strings.Contains(text, "4 of 4 hosts") || !strings.Contains(text, "may read alerts, health, ledger, live, time series") {
		t.Errorf("Save & test says %v %q", status, text)
	}
	for _, q := range []asked{
		{"queryType": "power_energy"}, {"queryType": "power_energy", "by": "hall"}, {"queryType": "power_energy", "by": "rack", "boundary": "it"},
		{"queryType": "power_energy", "by": "host"}, {"queryType": "power_energy", "by": "gpu"},
		{"queryType": "kpi", "period": "today", "kpis": []string{"pue", "wue", "cue", "carbon_location"}}, {"queryType": "kpi", "step": "day", "shape": "series"},
		{"queryType": "top"}, {"queryType": "top", "of": "host", "metric": "host_cpu_usage_ratio"}, {"queryType": "top", "of": "rack"}, {"queryType": "top", "metric": "gpu_memory_temperature_celsius", "order": "asc"},
		{"queryType": "map"}, {"queryType": "map", "value": "temperature"}, {"queryType": "map", "value": "gpus_not_ok"}, {"queryType": "map", "value": "hosts_silent"}, {"queryType": "map", "value": "utilization"},
		{"queryType": "counts"}, {"queryType": "health", "shape": "count"}, {"queryType": "live"}, {"queryType": "live", "by": "rack"},
		{"queryType": "promql", "expr": `sum by (host) (gpu_power_watts{site="simulated"})`, "legend": "{{host}}"}, {"queryType": "promql", "mode": "instant", "expr": "site_power_watts"},
		{"queryType": "power_energy", "measure": "energy"}, {"queryType": "power_energy", "measure": "energy", "by": "job", "boundary": "gpu"},
		{"queryType": "power_energy", "measure": "energy", "by": "gpu", "shape": "total", "unit": "J"}, {"queryType": "power_energy", "by": "tenant"},
	} {
		t.Run(strings.Trim(fmt.Sprint(q), "map[]"), func(t *testing.T) {
			var frames data.Frames
			until("there is a figure", func() bool {
				r := h.ask(t, s, nil, soon(q))[0]
				if r.Error != nil {
					t.Fatal(r.Error)
				}
				frames = r.Frames
				return known(frames)
			})
			if q["queryType"] != "live" && len(read(t, frames)) == 0 {
				t.Error("nothing is read back")
			}
		})
	}
	// These may have nothing to say of a site that is well.
	for _, q := range []asked{{"queryType": "health"}, {"queryType": "alerts"}, {"queryType": "annotations"}, {"queryType": "reconciliation"}, {"queryType": "report_status"}, {"queryType": "kpi", "shape": "table"}} {
		if r := h.ask(t, s, nil, soon(q))[0]; r.Error != nil {
			t.Errorf("%v: %v", q, r.Error)
		}
	}
	for _, list := range []string{"sites", "halls", "racks", "hosts", "gpus", "jobs", "tenants", "meters", "tag-values?key=provider"} {
		code, body := h.call(t, s, "GET", list, nil)
		if code != 200 || strings.Contains(body, `"items":[]`) {
			t.Errorf("%s: %d %s", list, code, body)
		}
	}
	next, stop := h.watch(t, s, "live/rack/simulated")
	defer stop()
	for range 3 {
		frame, err := next()
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(frame, `"data":{"values":[[`) {
			t.Errorf("frame %s", frame)
		}
	}
}
