package main

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"text/template"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/gigawatch/gigawatch/alerts/rule"
)

// The types below are Grafana's files beside that of rules, strictly.
type contactFile struct {
	APIVersion    int `yaml:"apiVersion"`
	ContactPoints []struct {
		OrgID     int    `yaml:"orgId"`
		Name      string `yaml:"name"`
		Receivers []struct {
			UID      string         `yaml:"uid"`
			Type     string         `yaml:"type"`
			Quiet    bool           `yaml:"disableResolveMessage"`
			Settings map[string]any `yaml:"settings"`
		} `yaml:"receivers"`
	} `yaml:"contactPoints"`
}

type policyFile struct {
	APIVersion int `yaml:"apiVersion"`
	Policies   []struct {
		OrgID int `yaml:"orgId"`
		route `yaml:",inline"`
	} `yaml:"policies"`
}

type route struct {
	Receiver string     `yaml:"receiver"`
	GroupBy  []string   `yaml:"group_by"`
	Wait     string     `yaml:"group_wait"`
	Interval string     `yaml:"group_interval"`
	Repeat   string     `yaml:"repeat_interval"`
	Matchers [][]string `yaml:"object_matchers"`
	Mute     []string   `yaml:"mute_time_intervals"`
	Routes   []route    `yaml:"routes"`
}

type templateFile struct {
	APIVersion int `yaml:"apiVersion"`
	Templates  []struct {
		OrgID    int    `yaml:"orgId"`
		Name     string `yaml:"name"`
		Template string `yaml:"template"`
	} `yaml:"templates"`
}

type muteFile struct {
	APIVersion int `yaml:"apiVersion"`
	MuteTimes  []struct {
		OrgID     int    `yaml:"orgId"`
		Name      string `yaml:"name"`
		Intervals []struct {
			Weekdays []string `yaml:"weekdays"`
			Location string   `yaml:"location"`
			Times    []struct {
				Start string `yaml:"start_time"`
				End   string `yaml:"end_time"`
			} `yaml:"times"`
		} `yaml:"time_intervals"`
	} `yaml:"muteTimes"`
}

func strictly(t *testing.T, name string, into any) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", grafanaDir, name))
	if err != nil {
		t.Fatal(err)
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return string(text)
}

func TestGrafanaRulesAreWhole(t *testing.T) {
	var f grafanaFile
	strictly(t, "rules.yaml", &f)
	uids, groups, titles := map[string]bool{}, map[string]bool{}, map[string]bool{}
	var fail []string
	for _, g := range f.Groups {
		every, err := time.ParseDuration(g.Interval)
		if err != nil || every%(10*time.Second) != 0 || groups[g.Name] || g.Folder == "" || g.OrgID != 1 {
			t.Errorf("group %s: interval %q, folder %q: %v", g.Name, g.Interval, g.Folder, err)
		}
		groups[g.Name] = true
		for _, r := range g.Rules {
			titles[r.Title] = true
			if r.ExecErrState != "KeepLast" {
				fail = append(fail, r.Title)
			}
			if uids[r.UID] || len(r.UID) > 40 || !regexp.MustCompile(`^[a-z0-9-]+$`).MatchString(r.UID) {
				t.Errorf("%s: uid %q stands twice or is none", r.Title, r.UID)
			}
			uids[r.UID] = true
			for _, d := range []string{r.For, r.KeepFiringFor} {
				if x, err := time.ParseDuration(d); err != nil || x%every != 0 {
					t.Errorf("%s: %q is no time, or no multiple of %v", r.Title, d, every)
				}
			}
			for name, text := range r.Annotations {
				if strings.Contains(text, "$value ") || strings.Contains(text, "${") {
					t.Errorf("%s: %s is %q, which Grafana reads otherwise", r.Title, name, text)
				}
			}
			for name, text := range r.Labels {
				if strings.Contains(text, "$") {
					t.Errorf("%s: label %s is %q, which Grafana expands", r.Title, name, text)
				}
			}
			checkChain(t, &r)
		}
	}
	for _, r := range rule.Table() {
		if !titles[r.Name] {
			t.Errorf("%s is missing", r.Name)
		}
	}
	if !slices.Equal(fail, []string{"TelemetryBlind"}) {
		t.Errorf("when the data source does not answer %q fire; want one", fail)
	}
}

// checkChain sees that a rule asks the data source, and each expression one before it.
func checkChain(t *testing.T, r *grafanaRule) {
	t.Helper()
	refs := map[string]bool{}
	for i, d := range r.Data {
		q := d.(map[string]any)
		model := q["model"].(map[string]any)
		ref, _ := q["refId"].(string)
		source, _ := q["datasourceUid"].(string)
		of := model["datasource"].(map[string]any)
		if model["refId"] != ref || of["uid"] != source || refs[ref] {
			t.Errorf("%s: query %s is %v", r.Title, ref, q)
		}
		if i == 0 && (source != sourceUID || of["type"] != sourceType || model["queryType"] != q["queryType"]) {
			t.Errorf("%s: its first query is not to the data source: %v", r.Title, q)
		}
		if i > 0 {
			before, _ := model["expression"].(string)
			name := regexp.MustCompile(`[A-Z]\b`).FindString(before)
			if source != exprUID || !refs[name] {
				t.Errorf("%s: %s looks at %q", r.Title, ref, before)
			}
		}
		refs[ref] = true
	}
	if !refs[r.Condition] {
		t.Errorf("%s: its condition %s is no query", r.Title, r.Condition)
	}
}

func TestGrafanaRoutesLeadToSomebody(t *testing.T) {
	var contacts, examples contactFile
	var policies policyFile
	var mutes muteFile
	var templates templateFile
	text := strictly(t, "contact-points.yaml", &contacts) + strictly(t, "contact-points.example", &examples)
	strictly(t, "policies.yaml", &policies)
	strictly(t, "mute-times.yaml", &mutes)
	known, muted := map[string]bool{}, map[string]bool{}
	for _, f := range []*contactFile{&contacts, &examples} {
		for _, c := range f.ContactPoints {
			for _, r := range c.Receivers {
				if r.UID == "" || len(r.Settings) == 0 || !slices.Contains([]string{"email", "webhook", "slack", "pagerduty", "opsgenie"}, r.Type) {
					t.Errorf("%s: receiver %+v", c.Name, r)
				}
			}
			if f == &contacts {
				known[c.Name] = true
			}
		}
	}
	for _, m := range mutes.MuteTimes {
		muted[m.Name] = true
		for _, i := range m.Intervals {
			if _, err := time.LoadLocation(i.Location); err != nil {
				t.Error(err)
			}
		}
	}
	var walk func(r *route)
	walk = func(r *route) {
		if !known[r.Receiver] {
			t.Errorf("there is no contact point %s", r.Receiver)
		}
		for _, m := range r.Matchers {
			if len(m) != 3 || m[1] != "=" {
				t.Errorf("matcher %v", m)
			}
		}
		for _, m := range r.Mute {
			if !muted[m] {
				t.Errorf("there is no mute time %s", m)
			}
		}
		for _, d := range []string{r.Wait, r.Interval, r.Repeat} {
			if _, err := time.ParseDuration(d); err != nil {
				t.Error(err)
			}
		}
		for i := range r.Routes {
			walk(&r.Routes[i])
		}
	}
	if len(policies.Policies) != 1 {
		t.Fatalf("there are %d trees", len(policies.Policies))
	}
	root := &policies.Policies[0].route
	walk(root)
	for _, o := range rule.Owners() {
		n := 0
		for i := range root.Routes {
			if slices.ContainsFunc(root.Routes[i].Matchers, func(m []string) bool { return m[0] == "owner" && m[2] == string(o) }) {
				n++
			}
		}
		if n != 2 {
			t.Errorf("%s has %d routes, want one of what is critical and one of the rest", o, n)
		}
	}
	if raw := strictly(t, "templates.yaml", &templates); strings.Contains(raw, "$") {
		t.Error("a template has a dollar sign, which Grafana would expand")
	}
	checkTemplates(t, templates.Templates[0].Template, text)
	compose, err := os.ReadFile("../deploy/grafana/compose.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for name := range envOf(strictly(t, "contact-points.yaml", &contactFile{})) {
		if !strings.Contains(string(compose), name+": ${"+name+":-") {
			t.Errorf("compose.yaml has no default of %s, without which Grafana does not start", name)
		}
	}
}

func envOf(text string) map[string]bool {
	out := map[string]bool{}
	for _, m := range regexp.MustCompile(`\$\{(\w+)\}`).FindAllStringSubmatch(text, -1) {
		out[m[1]] = true
	}
	return out
}

// checkTemplates sees that those that are used are defined, and what they make of two
// alerts.
func checkTemplates(t *testing.T, text, used string) {
	t.Helper()
	tmpl, err := template.New("").Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`template "([\w.]+)"`).FindAllStringSubmatch(used, -1) {
		if tmpl.Lookup(m[1]) == nil {
			t.Errorf("there is no template %s", m[1])
		}
	}
	at := time.Date(2026, 11, 23, 2, 14, 5, 0, time.UTC)
	one := notice{Annotations: map[string]string{"summary": "Rack r1 (h1) is down", "evidence": "15 of its hosts fell silent.", "do": "Look at the PDUs.", "runbook_url": "https://x/#rackdown"}, StartsAt: at}
	for name, tc := range map[string]struct {
		data notification
		want string
	}{
		"gigawatch.title": {notification{Status: "firing", Alerts: notices{one}, CommonLabels: map[string]string{"site": "s1"}, CommonAnnotations: one.Annotations}, "s1: Rack r1 (h1) is down"},
		"gigawatch.text": {notification{Status: "firing", Alerts: notices{one}},
			"Rack r1 (h1) is down\n15 of its hosts fell silent.\nSince 23 Nov 02:14:05 UTC.\nDo: Look at the PDUs.\nhttps://x/#rackdown\n\n"},
	} {
		var b strings.Builder
		if err := tmpl.ExecuteTemplate(&b, name, tc.data); err != nil || strings.TrimSpace(b.String()) != strings.TrimSpace(tc.want) {
			t.Errorf("%s reads %q, want %q: %v", name, b.String(), tc.want, err)
		}
	}
}

// A notification is what templates are given, as far as ours look at it.
type notification struct {
	Status                          string
	Alerts                          notices
	CommonLabels, CommonAnnotations map[string]string
}

type notices []notice

type notice struct {
	Annotations      map[string]string
	StartsAt, EndsAt time.Time
	SilenceURL       string
}

func (l notices) Firing() notices { return l }

func (notices) Resolved() notices { return nil }

func TestEveryOwnerHasRules(t *testing.T) {
	n := map[rule.Owner]int{}
	for _, r := range rule.Table() {
		n[r.Owner]++
	}
	if len(slices.Collect(maps.Keys(n))) != len(rule.Owners()) {
		t.Errorf("rules by owner: %v", n)
	}
}
