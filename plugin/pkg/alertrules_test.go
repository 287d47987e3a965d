package main_test

import (
	"os"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"
	"go.yaml.in/yaml/v3"
)

// Every question of every provisioned alert rule gets an answer that Grafana takes
// for numbers: frames of one number a series, or none where nothing is wrong.
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
	s := &source{uid: "real", url: aggregate(t), json: map[string]any{}}
	n := 0
	for _, g := range f.Groups {
		for _, r := range g.Rules {
			q := r.Data[0].Model
			q["from"], q["to"] = time.Now().Add(-10*time.Minute), time.Now()
			a := h.ask(t, s, map[string]string{"FromAlert": "true"}, q)[0]
			if a.Error != nil {
				t.Errorf("%s: %v", r.Title, a.Error)
				continue
			}
			n++
			for _, frame := range a.Frames {
				if kind := frame.Meta.Type; kind.Kind() != data.KindNumeric || frame.Meta.TypeVersion.IsZero() {
					t.Errorf("%s: a frame of type %q, version %v", r.Title, kind, frame.Meta.TypeVersion)
				}
			}
		}
	}
	if n < 60 {
		t.Errorf("%d rules were answered", n)
	}
}
