package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"

	"github.com/gigawatch/gigawatch/aggregator/query"
)

// checked is what Save & test learns of one aggregator.
type checked struct {
	Aggregator string            `json:"aggregator"`
	Version    string            `json:"version,omitempty"`
	Sites      []siteChecked     `json:"sites"`
	ClockSkew  *float64          `json:"clock_skew_seconds"` // its clock less this one
	Rights     map[string]string `json:"rights"`             // by what may be read: yes, or why not
	Error      string            `json:"error,omitempty"`

	notes []string
}

type siteChecked struct {
	Site      string   `json:"site"`
	Simulated bool     `json:"simulated"`
	Freshness *float64 `json:"freshness_seconds"`
	Hosts     int      `json:"hosts_expected"`
	Reporting int      `json:"hosts_reporting"`
}

const (
	staleAfter = 60.0 // seconds without anything new
	skewAfter  = 5.0  // seconds
	maxChecked = 20   // sites
)

// CheckHealth says of every aggregator its version, sites, freshness, clock and
// what the token may read. It is an error if one cannot be reached, does not know
// the token, or reads nothing.
func (d *instance) CheckHealth(ctx context.Context, _ *backend.CheckHealthRequest) (*backend.CheckHealthResult, error) {
	ctx, cancel := context.WithTimeout(ctx, min(d.settings.timeout, 20*time.Second))
	defer cancel()
	all := make([]checked, len(d.fleet.callers))
	var wait sync.WaitGroup
	for i, c := range d.fleet.callers {
		wait.Go(func() {
			var err error
			func() {
				defer recovered(&err)
				all[i] = d.check(ctx, c)
			}()
			if err != nil {
				all[i] = checked{Aggregator: c.name, Error: err.Error()}
			}
		})
	}
	wait.Wait()
	status, lines := backend.HealthStatusOk, []string{}
	for i := range all {
		if all[i].Error != "" {
			status = backend.HealthStatusError
		}
		lines = append(lines, all[i].say())
	}
	if d.settings.DefaultSite != "" && status == backend.HealthStatusOk {
		if _, _, err := d.fleet.chosen(ctx, d.settings.DefaultSite); err != nil {
			status = backend.HealthStatusError
			lines = append(lines, "default site: "+err.Error())
		}
	}
	details, err := json.Marshal(map[string]any{"aggregators": all})
	if err != nil {
		return nil, fmt.Errorf("encode health: %w", err)
	}
	return &backend.CheckHealthResult{Status: status, Message: strings.Join(lines, "; "), JSONDetails: details}, nil
}

func (d *instance) check(ctx context.Context, c *caller) checked {
	out := checked{Aggregator: c.name, Sites: []siteChecked{}, Rights: map[string]string{}}
	var build struct {
		Version string `json:"version"`
	}
	asked := time.Now()
	_, clock, err := c.get(ctx, "/api/v1/status/buildinfo", nil, &build)
	if err != nil {
		out.Error = advice(err)
		return out
	}
	out.Version = build.Version
	if !clock.IsZero() { // whole seconds, so that half a one is unknown
		skew := clock.Add(500 * time.Millisecond).Sub(asked.Add(time.Since(asked) / 2)).Seconds()
		skew = math.Round(skew*10) / 10
		out.ClockSkew = &skew
	}
	sites, err := ask[query.Inventory](ctx, c, "/api/v1/inventory", url.Values{"kind": {"site"}})
	if err != nil {
		out.Error = advice(err)
		return out
	}
	for _, s := range sites.Items[:min(len(sites.Items), maxChecked)] {
		one := siteChecked{Site: s.Name, Simulated: s.Simulated}
		if n, err := ask[query.Counts](ctx, c, "/api/v1/counts", url.Values{"site": {s.Name}}); err == nil {
			one.Freshness, one.Hosts, one.Reporting = n.Freshness, n.Hosts.Expected, n.Hosts.Reporting
		}
		out.Sites = append(out.Sites, one)
	}
	if n := len(sites.Items) - maxChecked; n > 0 {
		out.notes = append(out.notes, fmt.Sprintf("and %d more sites", n))
	}
	out.may(ctx, c)
	return out
}

// may asks a little of each kind, to learn what the token may read.
func (k *checked) may(ctx context.Context, c *caller) {
	site := url.Values{}
	if len(k.Sites) > 0 {
		site.Set("site", k.Sites[0].Site)
	}
	series := url.Values{"query": {"vector(1)"}}
	for _, t := range []struct {
		what, path string
		v          url.Values
	}{
		{"time series", "/api/v1/query", series}, {"ledger", "/api/v1/energy", with(site, "limit", "1")},
		{"health", "/api/v1/health", with(site, "limit", "1")}, {"alerts", "/api/v1/alerts", nil},
	} {
		_, _, err := c.get(ctx, t.path, t.v, new(json.RawMessage))
		var q *query.Error
		switch {
		case err == nil:
			k.Rights[t.what] = "yes"
		case errors.As(err, &q) && q.Status == http.StatusBadRequest && len(k.Sites) == 0:
			k.Rights[t.what] = "yes" // it may ask, and there is no site yet
		default:
			k.Rights[t.what] = advice(err)
		}
	}
	for _, v := range k.Rights {
		if v == "yes" {
			return
		}
	}
	k.Error = "the token may read nothing of time series, ledger, health and alerts: " + k.Rights["time series"]
}

// say is k in a sentence.
func (k *checked) say() string {
	if k.Error != "" {
		return k.Aggregator + ": " + k.Error
	}
	parts := []string{}
	var sites []string
	for _, s := range k.Sites {
		one := s.Site
		if s.Simulated {
			one += " (simulated)"
		}
		switch {
		case s.Freshness == nil:
			one += ", nothing heard yet"
		case *s.Freshness > staleAfter:
			one += fmt.Sprintf(", nothing new for %.0f s: look at its collectors and the bus", *s.Freshness)
		default:
			one += fmt.Sprintf(", fresh to %.0f s", *s.Freshness)
		}
		if s.Hosts > 0 {
			one += fmt.Sprintf(", %d of %d hosts", s.Reporting, s.Hosts)
		}
		sites = append(sites, one)
	}
	if len(sites) == 0 {
		parts = append(parts, "no site yet: no collector has spoken, or the token may read none")
	} else {
		parts = append(parts, "sites: "+strings.Join(sites, " · "))
	}
	if s := k.ClockSkew; s != nil && math.Abs(*s) > skewAfter {
		parts = append(parts, fmt.Sprintf("its clock is %.0f s off this one: set both by NTP", *s))
	}
	var may, not []string
	for _, what := range sortedKeys(k.Rights) {
		if k.Rights[what] == "yes" {
			may = append(may, what)
		} else {
			not = append(not, what+" ("+k.Rights[what]+")")
		}
	}
	parts = append(parts, "may read "+strings.Join(may, ", "))
	if len(not) > 0 {
		parts = append(parts, "may not read "+strings.Join(not, ", "))
	}
	parts = append(parts, k.notes...)
	return k.Aggregator + ": Gigawatch " + k.Version + ", " + strings.Join(parts, ", ")
}
