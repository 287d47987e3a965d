package main

import (
	"github.com/gigawatch/gigawatch/aggregator/internal/rule"
	table "github.com/gigawatch/gigawatch/alerts/rule"
)

// alertStatus is an alert as the page reads it.
type alertStatus struct {
	Name     string `json:"name"`
	Severity string `json:"severity"` // critical, warning, info
	Summary  string `json:"summary"`
	Evidence string `json:"evidence"`
	Do       string `json:"do"`
	Since    int64  `json:"since"`   // milliseconds since 1970
	Beneath  int    `json:"beneath"` // so many more are part of it, and are not sent
}

// mostShown is how many alerts of a site the page has.
const mostShown = 50

// firing are the alerts of a site that a person was told of.
func firing(e *rule.Evaluator, site string) (out []alertStatus, reason string) {
	if e == nil {
		return nil, "no rules are loaded"
	}
	list, _ := e.Told(site, mostShown)
	out = make([]alertStatus, len(list))
	for i := range list {
		v := &list[i]
		severity := v.Severity.String()
		if v.Severity == table.Notice {
			severity = "info"
		}
		out[i] = alertStatus{
			Name: v.Label("alertname"), Severity: severity, Summary: v.Text("summary"), Evidence: v.Text("evidence"), Do: v.Text("do"),
			Since: v.Since.UnixMilli(), Beneath: v.Beneath,
		}
	}
	return out, ""
}
