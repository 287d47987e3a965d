package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	series "github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"

	"github.com/gigawatch/gigawatch/alerts/rule"
	"github.com/gigawatch/gigawatch/alerts/scene"
)

const alertmanagerConfig = "../deploy/alertmanager/alertmanager.yml"

func TestAlertmanagerTakesTheExample(t *testing.T) {
	amtool := tool(t, "amtool", "prometheus-alertmanager")
	if out, err := exec.CommandContext(t.Context(), amtool, "check-config", alertmanagerConfig).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestEachAlertReachesItsOwner(t *testing.T) {
	amtool := tool(t, "amtool", "prometheus-alertmanager")
	want := map[string]string{
		"gpus critical": "gpus-page", "gpus warning": "gpus-chat", "facility critical": "facility-page", "facility warning": "facility-mail",
		"energy warning": "energy", "platform critical": "platform-page", "platform warning": "platform",
	}
	asked := map[string]bool{}
	for _, r := range rule.Table() {
		to := want[fmt.Sprintf("%s %s", r.Owner, r.Severity)]
		switch r.Name {
		case "Watchdog":
			to = "heartbeat"
		case "Canary":
			to = "canary"
		default:
			if asked[to] { // the route looks at nothing else
				continue
			}
			asked[to] = true
		}
		s, _ := scene.Of(r.Name)
		args := []string{"config", "routes", "test", "--config.file=" + alertmanagerConfig, "--verify.receivers=" + to}
		for name, value := range s.Labels(&r) {
			args = append(args, name+"="+value)
		}
		if out, err := exec.CommandContext(t.Context(), amtool, args...).CombinedOutput(); err != nil {
			t.Errorf("%s: want %q: %v\n%s", r.Name, to, err, out)
		}
	}
	if len(asked) != len(want) {
		t.Errorf("asked for %v of %d receivers", asked, len(want))
	}
}

// What comes to a phone, of one alert, of several and of one that is over, is read in
// testdata/phone.txt.
func TestWhatComesToAPhone(t *testing.T) {
	amtool := tool(t, "amtool", "prometheus-alertmanager")
	const file = "testdata/phone.txt"
	at := time.Date(2026, 11, 23, 2, 14, 5, 0, time.UTC)
	alertOf := func(name string, gpu int, status string) map[string]any {
		var r rule.Rule
		for _, x := range rule.Table() {
			if x.Name == name {
				r = x
			}
		}
		s, _ := scene.Of(name)
		labels := s.Labels(&r)
		if r.Level == rule.GPU {
			labels["gpu"], labels["uuid"] = fmt.Sprint(gpu), fmt.Sprintf("GPU-%d", gpu)
		}
		texts := map[string]string{}
		for n, text := range annotationsOf(&r) {
			said, err := expanded(t, text, promql.Sample{Metric: series.FromMap(labels), F: 15}, "missingkey=error")
			if err != nil {
				t.Fatal(err)
			}
			texts[n] = said
		}
		return map[string]any{"status": status, "labels": labels, "annotations": texts, "startsAt": at, "endsAt": at.Add(11 * time.Minute)}
	}
	var many []map[string]any
	for i := range 7 {
		many = append(many, alertOf("GPULost", i, "firing"))
	}
	var b strings.Builder
	for _, c := range []struct {
		name, status string
		alerts       []map[string]any
	}{
		{"one", "firing", []map[string]any{alertOf("RackDown", 0, "firing")}},
		{"seven", "firing", many},
		{"over", "resolved", []map[string]any{alertOf("RackDown", 0, "resolved")}},
	} {
		common, texts := shared(c.alerts, "labels"), shared(c.alerts, "annotations")
		data, err := json.Marshal(map[string]any{"receiver": "r", "status": c.status, "alerts": c.alerts, "groupLabels": common, "commonLabels": common, "commonAnnotations": texts, "externalURL": "http://a"})
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "data.json")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "-- %s --\n", c.name)
		for _, part := range []string{"title", "text"} {
			out, err := exec.CommandContext(t.Context(), amtool, "template", "render", "--template.glob=../deploy/alertmanager/*.tmpl",
				`--template.text={{ template "gigawatch.`+part+`" . }}`, "--template.data="+path).CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			said := strings.TrimSpace(string(out))
			if part == "title" && len(said) > 80 {
				t.Errorf("%s: the title is cut on a phone: %q", c.name, said)
			}
			fmt.Fprintf(&b, "%s\n\n", said)
		}
	}
	if *update {
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("%s, which -update rewrites: want -, got +\n%s", file, diff)
	}
}

// shared is what all alerts have in common.
func shared(alerts []map[string]any, key string) map[string]string {
	out := map[string]string{}
	for n, v := range alerts[0][key].(map[string]string) {
		out[n] = v
	}
	for _, a := range alerts {
		for n, v := range out {
			if a[key].(map[string]string)[n] != v {
				delete(out, n)
			}
		}
	}
	return out
}
