package main

import (
	"slices"
	"strconv"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/rule"
	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/secret"
	"github.com/gigawatch/gigawatch/collector/setting"
)

// alertsConfig is who is told of alerts, and of which not.
type alertsConfig struct {
	Alertmanagers []rule.Endpoint
	Direct        rule.Endpoint
	External      []metric.Pair
	Page, Runbook string
	Canary        bool
	Caps          rule.Caps
	Windows       []rule.Window
}

type rawAlerts struct {
	Alertmanagers  []rawEndpoint     `yaml:"alertmanagers"`
	Direct         rawEndpoint       `yaml:"direct"`
	ExternalLabels map[string]string `yaml:"external_labels"`
	Page           string            `yaml:"page"`
	Runbook        string            `yaml:"runbook"`
	Canary         bool              `yaml:"canary"`
	Caps           struct {
		Rule int `yaml:"rule"`
		Site int `yaml:"site"`
	} `yaml:"caps"`
	Windows []rawWindow `yaml:"windows"`
}

type rawEndpoint struct {
	URL       string `yaml:"url"`
	TokenFile string `yaml:"token_file"`
	CA        string `yaml:"ca"`
}

type rawWindow struct {
	Match      map[string]string `yaml:"match"`
	MatchRegex map[string]string `yaml:"match_regex"`
	From       string            `yaml:"from"`
	To         string            `yaml:"to"`
	Owner      string            `yaml:"owner"`
	Reason     string            `yaml:"reason"`
}

// takeAlerts fills c's alerts.
func (c *config) takeAlerts(f *setting.File, r *rawAlerts) {
	a := alertsConfig{Page: r.Page, Runbook: r.Runbook, Canary: r.Canary, Caps: rule.Caps{Rule: r.Caps.Rule, Site: r.Caps.Site}}
	for i, x := range r.Alertmanagers {
		a.Alertmanagers = append(a.Alertmanagers, x.endpoint(f, "alerts.alertmanagers."+strconv.Itoa(i)))
	}
	for i := range a.Alertmanagers {
		f.Require(slices.IndexFunc(a.Alertmanagers, func(x rule.Endpoint) bool { return x.URL == a.Alertmanagers[i].URL }) == i,
			"alerts.alertmanagers."+strconv.Itoa(i), "%s stands twice", secret.Shown(a.Alertmanagers[i].URL))
	}
	if r.Direct != (rawEndpoint{}) {
		a.Direct = r.Direct.endpoint(f, "alerts.direct")
	}
	for name, value := range r.ExternalLabels {
		f.Require(name != "" && value != "" && name != "alertname", "alerts.external_labels", "%s=%q is no label for all alerts", name, value)
		a.External = append(a.External, metric.Pair{Name: name, Value: value})
	}
	f.Require(r.Caps.Rule >= 0 && r.Caps.Site >= 0, "alerts.caps", "less than none cannot be sent")
	f.Require(len(r.Windows) <= rule.MostWindows, "alerts.windows", "more than %d", rule.MostWindows)
	for i := range r.Windows {
		w := r.Windows[i].window(f, "alerts.windows."+strconv.Itoa(i))
		w.ID = "configuration-" + strconv.Itoa(i)
		a.Windows = append(a.Windows, w)
	}
	if err := rule.CheckWindows(a.Windows); err != nil {
		f.Complain("alerts.windows", "%v", err)
	}
	c.Alerts = a
}

func (r rawEndpoint) endpoint(f *setting.File, key string) rule.Endpoint {
	x := rule.Endpoint{URL: r.URL, TokenFile: r.TokenFile, CAFile: r.CA}
	if err := x.Check(); err != nil {
		f.Complain(key, "url: %v", err) // without it: it may hold a secret
	}
	return x
}

func (r *rawWindow) window(f *setting.File, key string) rule.Window {
	w := rule.Window{Owner: r.Owner, Reason: r.Reason}
	for _, m := range []struct {
		list       map[string]string
		expression bool
	}{{r.Match, false}, {r.MatchRegex, true}} {
		for label, value := range m.list {
			x, err := rule.NewMatcher(label, value, m.expression)
			if err != nil {
				f.Complain(key, "%v", err)
				continue
			}
			w.Match = append(w.Match, x)
		}
	}
	for _, t := range []struct {
		name, text string
		into       *time.Time
	}{{"from", r.From, &w.From}, {"to", r.To, &w.To}} {
		at, err := time.Parse(time.RFC3339, t.text)
		f.Require(err == nil, key, "%s: %q is not of the form 2026-11-23T08:00:00Z", t.name, t.text)
		*t.into = at
	}
	if err := w.Check(); err != nil {
		f.Complain(key, "%v", err)
	}
	return w
}
