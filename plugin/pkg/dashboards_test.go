package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
)

// chosenThings are what a person chose on a dashboard.
var chosenThings = strings.NewReplacer("$site", "north", "$hall", "h01", "$rack", "r0001", "$host", "n00001", "$gpu", "GPU-0", "$job", "100001", "$tenant", "acme")

// Every panel, annotation and variable of the dashboards asks what can be asked,
// in the words that are read strictly.
func TestDashboardsAskWhatIsRead(t *testing.T) {
	files, err := filepath.Glob("../../dashboards/*.json")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Fatal("there are no dashboards")
	}
	l := limits{Points: 1000, Rows: 1000, Series: 1000}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		var d struct {
			Panels []struct {
				Title   string            `json:"title"`
				Targets []json.RawMessage `json:"targets"`
			} `json:"panels"`
			Annotations struct {
				List []struct {
					Name   string          `json:"name"`
					Target json.RawMessage `json:"target"`
				} `json:"list"`
			} `json:"annotations"`
			Templating struct {
				List []struct {
					Name, Type string
					Query      json.RawMessage
				} `json:"list"`
			} `json:"templating"`
		}
		if err := json.Unmarshal(text, &d); err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		name := strings.TrimSuffix(filepath.Base(f), ".json")
		check := func(of string, target json.RawMessage) {
			filled := []byte(chosenThings.Replace(string(target)))
			var head struct {
				QueryType string `json:"queryType"`
				RefID     string `json:"refId"`
				Version   int    `json:"version"`
				Site      string `json:"site"`
			}
			if err := json.Unmarshal(filled, &head); err != nil {
				t.Errorf("%s, %s: %v", name, of, err)
				return
			}
			now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
			q, err := readQuestion(backend.DataQuery{
				RefID: head.RefID, QueryType: head.QueryType, JSON: filled, Interval: time.Minute, MaxDataPoints: 500,
				TimeRange: backend.TimeRange{From: now.Add(-time.Hour), To: now},
			}, l, false)
			switch {
			case err != nil:
				t.Errorf("%s, %s: %v\n%s", name, of, err, filled)
				return
			case head.Version != modelVersion:
				t.Errorf("%s, %s: version %d", name, of, head.Version)
			case head.Site == "" && head.QueryType != "promql":
				t.Errorf("%s, %s: it asks about no site", name, of)
			}
			if m, ok := q.model.(*promqlModel); ok {
				if m.step < stored && m.Mode == "range" {
					t.Errorf("%s, %s: its step is finer than what is stored", name, of)
				}
				for _, s := range []string{m.Expr, m.Legend} {
					if _, err := macrosOf(q, stored).expand(s); err != nil {
						t.Errorf("%s, %s: %v", name, of, err)
					}
				}
			}
			if left := regexp.MustCompile(`\$[a-z{]`).FindString(strings.ReplaceAll(string(filled), "${ds}", "")); left != "" {
				t.Errorf("%s, %s: %s is no variable that a person chose\n%s", name, of, left, filled)
			}
		}
		asked := 0
		for _, p := range d.Panels {
			for _, target := range p.Targets {
				asked++
				check(p.Title, target)
			}
		}
		if asked == 0 {
			t.Errorf("%s asks nothing", name)
		}
		for _, a := range d.Annotations.List {
			if a.Target != nil {
				check("annotation "+a.Name, a.Target)
			}
		}
		for _, v := range d.Templating.List {
			if v.Type != "query" {
				continue
			}
			var m variableModel
			dec := json.NewDecoder(bytes.NewReader([]byte(chosenThings.Replace(string(v.Query)))))
			dec.DisallowUnknownFields()
			if err := dec.Decode(&m); err != nil || m.Version != modelVersion || m.Of != v.Name {
				t.Errorf("%s: variable %s asks %s (%v)", name, v.Name, v.Query, err)
			}
		}
	}
}
