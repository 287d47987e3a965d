package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/health"
	"github.com/gigawatch/gigawatch/aggregator/internal/rule"
	"github.com/gigawatch/gigawatch/aggregator/internal/stream"
	table "github.com/gigawatch/gigawatch/alerts/rule"
	"github.com/gigawatch/gigawatch/collector/program"
)

// What is kept of alerts in the data folder.
const (
	alertsFile  = "alerts.json"
	windowsFile = "windows.json"
	directFile  = "direct.json"
)

// openAlerts makes what finds alerts, and what tells them.
func (n *node) openAlerts(context.Context) (err error) {
	a := n.c.Alerts
	if n.delivery, err = rule.NewDelivery(a.delivery(n, nil)); err != nil {
		return fmt.Errorf("%w: alerts: %w", program.ErrUsage, err)
	}
	absent := absentees{files: n.files, hosts: n.health.Hosts, show: n.recording.live.SetNever}
	n.ahead = &busClock{js: n.js, log: n.log}
	n.alerts, err = rule.New(rule.Config{
		Rules: table.Table(), File: filepath.Join(n.c.Data, alertsFile), Windows: a.Windows, WindowsFile: filepath.Join(n.c.Data, windowsFile), Caps: a.Caps, Runbook: a.Runbook, Page: a.Page, Self: n.instance(),
		Health: n.judgements, Hosts: n.hosts, Connected: n.conn.IsConnected, Ahead: n.ahead.ahead, Advancing: n.advancing,
		Failing: n.delivery.Failing, Faults: n.delivery.Faults, Absent: absent.absent, Send: n.delivery.Send,
		Store: n.store, Canary: a.Canary, Logger: n.log, Metrics: n.set,
	})
	if err != nil {
		return fmt.Errorf("open alerts: %w", err)
	}
	n.watched.alerts = n.alerts
	showFile("bus", n.c.Bus.Client.Cert, false, n.set)
	showFile("bus_authority", n.c.Bus.Client.CA, true, n.set)
	n.self = newSelf(n.store, n.alerts, n.set, n.instance(), n.log)
	return nil
}

func (a *alertsConfig) delivery(n *node, over http.RoundTripper) rule.DeliveryConfig {
	return rule.DeliveryConfig{Alertmanagers: a.Alertmanagers, Direct: a.Direct, DirectFile: filepath.Join(n.c.Data, directFile), External: a.External, Page: a.Page, Logger: n.log, Metrics: n.set, Transport: over}
}

// resumeAlerts tells receivers that what fired before the start still does: until it
// is looked at again may take minutes.
func (n *node) resumeAlerts(ctx context.Context) error {
	if len(n.c.Alerts.Alertmanagers) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	told := make(chan struct{})
	go func() {
		defer close(told)
		c := n.c.Alerts.delivery(n, nil)
		c.Metrics = nil // they are those of the delivery that follows
		if err := rule.Resume(ctx, filepath.Join(n.c.Data, alertsFile), table.Table(), c); err != nil {
			n.log.Warn("what fired before is not told again", "error", err)
		}
	}()
	n.onClose(func() error { cancel(); <-told; return nil })
	return nil
}

// instance is how alerts name this aggregator.
func (n *node) instance() string {
	name, err := os.Hostname()
	if err != nil {
		name = "aggregator"
	}
	if _, port, err := net.SplitHostPort(n.c.Listen); err == nil && port != "0" {
		name = net.JoinHostPort(name, port)
	}
	return name
}

// laneQuiet is for how long the ledger lane, of which an agent says something every ten
// seconds, may bring nothing: who watches the watchdog waits five minutes more, and is to
// call after six.
const laneQuiet = 40 * time.Second

// advancing reports whether both lanes bring something new of a site. One that has
// never had anything to book has but one.
func (n *node) advancing(site string) bool {
	if n.telemetry.Lag() > 15*time.Second {
		return false
	}
	if slices.Contains(n.ledger.Sites(), site) {
		return time.Since(n.today.lastTook(site)) < laneQuiet
	}
	lag, ok := n.lane.Lag()
	return !ok || lag < laneQuiet
}

// judgements are what health found since it was last asked.
func (n *node) judgements(all bool, now time.Time) []rule.Judgement {
	changes := n.health.Changes(all, now)
	out := make([]rule.Judgement, len(changes))
	for i := range changes {
		out[i] = judgement(&changes[i])
	}
	return out
}

func judgement(c *health.Change) rule.Judgement {
	j := rule.Judgement{Site: c.Site, Hall: c.Hall, Rack: c.Rack, Host: c.Host, GPU: c.GPU, UUID: c.UUID, Simulated: c.Simulated, Findings: make([]rule.Finding, len(c.Findings))}
	for i := range c.Findings {
		f := &c.Findings[i]
		j.Findings[i] = rule.Finding{
			Cause: f.Cause, State: f.State.String(), Action: string(f.Action), Evidence: f.Evidence, Advice: f.Advice,
			Since: f.Since, Last: f.Last, Count: f.Count, Stands: f.Stands,
		}
	}
	return j
}

// hosts are those that health expects.
func (n *node) hosts() []rule.Host {
	n.expected = n.health.Hosts(n.expected[:0])
	out := make([]rule.Host, len(n.expected))
	for i, h := range n.expected {
		out[i] = rule.Host(h)
	}
	return out
}

// toAlerts hands a tick to what looks for alerts.
func toAlerts(e *rule.Evaluator, t *stream.Tick) {
	e.Observe(rule.Tick{Key: t.Key, Site: t.Site, Agent: t.Agent, Layout: t.Layout, Values: t.Values, Received: t.Received, Late: t.Late})
}
