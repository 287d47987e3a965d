package main_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"
	"go.yaml.in/yaml/v3"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// Every question of every provisioned alert rule gets an answer that Grafana takes
// for numbers: frames of one number a series, or none where nothing is wrong. Of the
// metrics that they ask about there are series.
func TestAlertRulesGetNumbers(t *testing.T) {
	text, err := os.ReadFile("../../deploy/grafana/provisioning/alerting/rules.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var f struct {
		Groups []struct {
			Rules []struct {
				Title string `yaml:"title"`
				Data  []struct {
					Model asked `yaml:"model"`
				} `yaml:"data"`
			} `yaml:"rules"`
		} `yaml:"groups"`
	}
	if err := yaml.Unmarshal(text, &f); err != nil {
		t.Fatal(err)
	}
	h := start(t)
	s := &source{uid: "breaking", url: aggregate(t, &breaking), json: map[string]any{}}
	ask := func(q asked) (data.Frames, error) {
		q["from"], q["to"] = time.Now().Add(-10*time.Minute), time.Now()
		a := h.ask(t, s, map[string]string{"FromAlert": "true"}, q)[0]
		return a.Frames, a.Error
	}
	n, telling := 0, 0
	metrics := map[string]string{} // by name, a rule that asks of it
	for _, g := range f.Groups {
		for _, r := range g.Rules {
			q := r.Data[0].Model
			expr, _ := q["expr"].(string)
			var frames data.Frames
			for end := time.Now().Add(2 * time.Minute); ; time.Sleep(time.Second) {
				var err error
				if frames, err = ask(q); err != nil {
					t.Fatalf("%s: %v", r.Title, err)
				}
				// A rule finds nothing where all is well, but for those that count.
				if always := expr == "" || r.Title == "Watchdog"; !always || values(frames) > 0 {
					break
				}
				if time.Now().After(end) {
					t.Errorf("%s: no number: %s", r.Title, notices(frames))
					break
				}
			}
			if n++; values(frames) > 0 {
				telling++
			}
			for _, frame := range frames {
				if kind := frame.Meta.Type; kind.Kind() != data.KindNumeric || frame.Meta.TypeVersion.IsZero() {
					t.Errorf("%s: a frame of type %q, version %v", r.Title, kind, frame.Meta.TypeVersion)
				}
			}
			for _, w := range regexp.MustCompile(`[a-z][a-z0-9_]+`).FindAllString(regexp.MustCompile(`"[^"]*"`).ReplaceAllString(expr, ""), -1) {
				if metric.ByName(w) != nil && strings.Contains(w, "_") {
					metrics[w] = r.Title
				}
			}
		}
	}
	if n < 60 || telling < 5 || len(metrics) < 50 {
		t.Errorf("%d rules were answered, %d of them with numbers, though the site breaks all the time; they ask of %d metrics", n, telling, len(metrics))
	}
	for end := time.Now().Add(2 * time.Minute); len(metrics) > 0; time.Sleep(time.Second) {
		for name := range metrics {
			frames, err := ask(asked{"queryType": "promql", "mode": "instant", "expr": "count(last_over_time(" + name + "[10m]))"})
			if err != nil {
				t.Fatal(err)
			}
			if unheard[name] != "" || values(frames) > 0 {
				delete(metrics, name)
			}
		}
		if time.Now().After(end) {
			t.Errorf("rules ask of what nobody tells: %v", metrics)
			break
		}
	}
}

// unheard says why the simulated site has no series of a metric.
var unheard = map[string]string{
	"agent_clock_error_seconds": "its hosts are played by one process", "agent_spool_bytes": "its hosts have no spools", "agent_spool_dropped_total": "its hosts have no spools",
	"fabric_port_rate_max_bits_per_second": "its ports do not say", "gpu_ecc_sram_threshold_exceeded": "its boards do not say", "gpu_memory_unrepairable": "its boards do not say",
	"gpu_xid_event_timestamp_seconds": "its boards' events have no time", "gpu_pcie_link_width_lanes": "its boards do not say", "gpu_retired_pages_pending": "its boards remap rows", "host_gpus": "its hosts have no list of what they should have",
	"meter_flow_limit_cubic_metres_per_second": "its file has no such limits", "meter_leak_detected": "it has no such detectors", "nvme_critical_warning": "its disks do not say",
	"nvswitch_errors_total": "it has no NVSwitches", "site_coolant_limit_celsius": "its file has no such limit", "site_pue_plan_ratio": "its file has no plan",
	"site_agent_certificate_left_seconds": "its collectors show no certificates", "site_pue_ratio": "it is of whole hours", "site_year_forecast_ratio": "it is of days", "site_reconciliation_stages": "it is of whole hours",
	"site_sealed_timestamp_seconds": "no hour of it is sealed yet",
}

// values is how many numbers frames have.
func values(frames data.Frames) (n int) {
	for _, f := range frames {
		for _, field := range f.Fields {
			if !field.Type().Numeric() {
				continue
			}
			for i := range field.Len() {
				if v, err := field.NullableFloatAt(i); err == nil && v != nil {
					n++
				}
			}
		}
	}
	return n
}
