package main

import (
	"context"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/rights"
	"github.com/gigawatch/gigawatch/aggregator/internal/rule"
	table "github.com/gigawatch/gigawatch/alerts/rule"
)

// alertStatus is an alert as the page reads it.
type alertStatus struct {
	Name     string `json:"name"`
	Of       string `json:"of,omitempty"` // aggregator: it is of none of its sites
	Severity string `json:"severity"`     // critical, warning, info
	Summary  string `json:"summary"`
	Evidence string `json:"evidence"`
	Do       string `json:"do"`
	Since    int64  `json:"since"`   // milliseconds since 1970
	Beneath  int    `json:"beneath"` // so many more are part of it, and are not sent
}

// heldStatus is how many alerts of one rule are held back.
type heldStatus struct {
	Name   string `json:"name"`
	Reason string `json:"reason"` // window, cap
	Count  int    `json:"count"`
}

// windowStatus is a window of maintenance that is open, or begins within a day.
type windowStatus struct {
	ID     string   `json:"id"`
	Match  []string `json:"match"`
	From   int64    `json:"from"` // milliseconds since 1970
	To     int64    `json:"to"`
	Owner  string   `json:"owner"`
	Reason string   `json:"reason"`
	Open   bool     `json:"open"`
	Held   int      `json:"held_back"`
}

// quieted is what a person was not told of.
func quieted(e *rule.Evaluator, site string, now time.Time) (held []heldStatus, windows []windowStatus) {
	held, windows = []heldStatus{}, []windowStatus{}
	if e == nil {
		return held, windows
	}
	for _, h := range e.Held(site) {
		if len(held) < mostShown {
			held = append(held, heldStatus{h.Rule, h.Reason, h.Count})
		}
	}
	for _, w := range e.Windows(now) {
		if w.State == "over" || w.Site() != "" && w.Site() != site || w.From.Sub(now) > 24*time.Hour || len(windows) == mostShown {
			continue
		}
		x := windowStatus{ID: w.ID, Match: []string{}, From: w.From.UnixMilli(), To: w.To.UnixMilli(), Owner: w.Owner, Reason: w.Reason, Open: w.State == "open", Held: w.Held}
		for _, m := range w.Match {
			if m.Label != "site" {
				x.Match = append(x.Match, m.String())
			}
		}
		windows = append(windows, x)
	}
	return held, windows
}

// mostShown is how many alerts of a site the page has.
const mostShown = 50

// firing are the alerts of a site that a person was told of, and how many more there
// are. Those of the aggregator itself are among them, as they may be why the page is as
// it is; what they say may be of any site, and is for those who see every one.
func firing(ctx context.Context, e *rule.Evaluator, site string) (out []alertStatus, more int, reason string) {
	if e == nil {
		return nil, 0, "no rules are loaded"
	}
	list, more := e.Told(site, mostShown)
	out = make([]alertStatus, len(list))
	for i := range list {
		v := &list[i]
		severity := v.Severity.String()
		if v.Severity == table.Notice {
			severity = "info"
		}
		x := &out[i]
		*x = alertStatus{Name: v.Label("alertname"), Severity: severity, Since: v.Since.UnixMilli()}
		if v.Label("site") == "" {
			if x.Of = "aggregator"; !seesEverySite(ctx) {
				continue
			}
		}
		x.Summary, x.Evidence, x.Do, x.Beneath = v.Text("summary"), v.Text("evidence"), v.Text("do"), v.Beneath
	}
	return out, more, ""
}

// seesEverySite reports whether whoever asks does.
func seesEverySite(ctx context.Context) bool {
	p := rights.From(ctx)
	if p == nil {
		return false
	}
	_, every := p.Scope.Sites()
	return every
}
