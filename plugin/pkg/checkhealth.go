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
	"github.com/gigawatch/gigawatch/collector/metric"
)

// checked is what Save & test learns of one aggregator.
type checked struct {
	Aggregator string            `json:"aggregator"`
	Version    string            `json:"version,omitempty"`
	Sites      []siteChecked     `json:"sites"`
	ClockSkew  *float64          `json:"clock_skew_seconds"` // its clock less this one
	Rights     map[string]string `json:"rights"`             // by what may be read: yes, nothing yet, or why not
	Error      string            `json:"error,omitempty"`

	notes []string
}

type siteChecked struct {
	Site      string   `json:"site"`
	Simulated bool     `json:"simulated"`
	Freshness *float64 `json:"freshness_seconds"`
	Hosts     int      `json:"hosts_expected"`
	Reporting int      `json:"hosts_reporting"`

	Rights map[string]string `json:"rights"` // as the aggregator's
}

const (
	staleAfter = 60.0 // seconds without anything new
	skewAfter  = 5.0  // seconds
	maxChecked = 100  // sites
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
	lines = append(lines, twice(all)...)
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
	out.Sites = make([]siteChecked, min(len(sites.Items), maxChecked))
	gate := make(chan struct{}, 8)
	var wait sync.WaitGroup
	for i := range out.Sites {
		wait.Go(func() {
			gate <- struct{}{}
			defer func() { <-gate }()
			out.Sites[i] = siteChecked{Site: sites.Items[i].Name, Simulated: sites.Items[i].Simulated, Rights: map[string]string{}}
			out.Sites[i].look(ctx, c)
		})
	}
	wait.Wait()
	if n := max(sites.Total, len(sites.Items)) - len(out.Sites); n > 0 {
		out.notes = append(out.notes, fmt.Sprintf("and %d more sites", n))
	}
	out.may(ctx, c)
	return out
}

// twice says who is asked for sites that more than one aggregator answers for, as
// a hub does for the sites behind it.
func twice(all []checked) []string {
	first, shared := map[string]int{}, map[[2]int][]string{}
	for i := range all {
		for j := range all[i].Sites {
			name := all[i].Sites[j].Site
			if by, ok := first[name]; ok {
				shared[[2]int{by, i}] = append(shared[[2]int{by, i}], name)
			} else {
				first[name] = i
			}
		}
	}
	var lines []string
	for i := range all {
		for j := i + 1; j < len(all); j++ {
			if names := shared[[2]int{i, j}]; len(names) > 0 {
				lines = append(lines, fmt.Sprintf("%s and %s both answer for %s: %s is asked", all[i].Aggregator, all[j].Aggregator, some(names, ", "), all[i].Aggregator))
			}
		}
	}
	return lines
}

// What may be read of a site, and of an aggregator.
const (
	mayLive, maySeries, mayLedger = "live", "time series", "ledger"
	mayHealth, mayAlerts          = "health", "alerts"

	yes    = "yes"
	notYet = "nothing yet"
)

// look asks a little of each kind of a site, to learn what the token may read.
func (s *siteChecked) look(ctx context.Context, c *caller) {
	n, err := ask[query.Counts](ctx, c, "/api/v1/counts", url.Values{"site": {s.Site}})
	if err == nil {
		s.Freshness, s.Hosts, s.Reporting = n.Freshness, n.Hosts.Expected, n.Hosts.Reporting
	}
	s.Rights[mayLive] = right(err, false)
	got, err := atInstant(ctx, c, "count("+metric.Lookup(metric.SitePowerWatts).Name+"{"+matchers([][2]string{{"site", s.Site}}, nil)+"})", time.Now())
	s.Rights[maySeries] = right(err, err == nil && len(got.streams) == 0)
	_, _, err = c.get(ctx, "/api/v1/energy", url.Values{"site": {s.Site}, "limit": {"1"}}, new(json.RawMessage))
	var q *query.Error // a site that is known by its collectors, and has no books
	if errors.As(err, &q) && q.Status == http.StatusNotFound && q.Reason == query.NotFound && strings.Contains(q.Message, s.Site) {
		s.Rights[mayLedger] = notYet
		return
	}
	s.Rights[mayLedger] = right(err, false)
}

func right(err error, nothing bool) string {
	switch {
	case err != nil:
		return advice(err)
	case nothing:
		return notYet
	}
	return yes
}

// may brings together what may be read of the sites, and asks what is of the
// aggregator.
func (k *checked) may(ctx context.Context, c *caller) {
	for _, t := range []struct {
		what, path string
		v          url.Values
	}{{mayHealth, "/api/v1/health", url.Values{"limit": {"1"}}}, {mayAlerts, "/api/v1/alerts", nil}} {
		_, _, err := c.get(ctx, t.path, t.v, new(json.RawMessage))
		k.Rights[t.what] = right(err, false)
	}
	for _, what := range []string{mayLive, maySeries, mayLedger} {
		found := map[string]int{}
		for i := range k.Sites {
			found[k.Sites[i].Rights[what]]++
		}
		switch {
		case found[yes] > 0 || len(k.Sites) == 0:
			k.Rights[what] = yes
		case found[notYet] > 0:
			k.Rights[what] = notYet
		default:
			k.Rights[what] = listed(found)
		}
	}
	for _, v := range k.Rights {
		if v == yes && len(k.Sites) > 0 || v == notYet {
			return
		}
	}
	if len(k.Sites) == 0 && (k.Rights[mayHealth] == yes || k.Rights[mayAlerts] == yes) {
		return
	}
	k.Error = "the token may read nothing: " + k.Rights[mayHealth]
}

// say is k in a sentence.
func (k *checked) say() string {
	if k.Error != "" {
		return k.Aggregator + ": " + k.Error
	}
	parts := []string{k.saySites()}
	if s := k.ClockSkew; s != nil && math.Abs(*s) > skewAfter {
		parts = append(parts, fmt.Sprintf("its clock is %.0f s off this one: set both by NTP", *s))
	}
	parts = append(parts, k.sayRights()...)
	parts = append(parts, k.notes...)
	return k.Aggregator + ": Gigawatch " + k.Version + "; " + strings.Join(parts, "; ")
}

// maxNamed is how many sites are told one by one; of more, those that are not well.
const maxNamed = 5

func (k *checked) saySites() string {
	if len(k.Sites) == 0 {
		return "no site yet: no collector has spoken, or the token may read none"
	}
	var each, late []string
	slowest, hosts, reporting := 0.0, 0, 0
	for i := range k.Sites {
		s := &k.Sites[i]
		one := s.say()
		each = append(each, one)
		if s.Freshness == nil || *s.Freshness > staleAfter {
			late = append(late, one)
		} else {
			slowest = max(slowest, *s.Freshness)
		}
		hosts, reporting = hosts+s.Hosts, reporting+s.Reporting
	}
	if len(each) <= maxNamed {
		return "sites: " + strings.Join(each, " · ")
	}
	out := fmt.Sprintf("%d sites", len(each))
	if n := len(each) - len(late); n > 0 {
		out += fmt.Sprintf(", %d of them fresh to %.0f s", n, slowest)
	}
	if hosts > 0 {
		out += fmt.Sprintf(", %d of %d hosts", reporting, hosts)
	}
	if len(late) > 0 {
		out += ", " + some(late, " · ")
	}
	return out
}

func (s *siteChecked) say() string {
	out := s.Site
	if s.Simulated {
		out += " (simulated)"
	}
	switch {
	case s.Freshness == nil:
		out += ", nothing heard yet"
	case *s.Freshness > staleAfter:
		out += fmt.Sprintf(", nothing new for %.0f s: look at its collectors and the bus", *s.Freshness)
	default:
		out += fmt.Sprintf(", fresh to %.0f s", *s.Freshness)
	}
	if s.Hosts > 0 {
		out += fmt.Sprintf(", %d of %d hosts", s.Reporting, s.Hosts)
	}
	return out
}

// sayRights says what may be read, and of which sites not: what is not there yet
// is no right that is missing.
func (k *checked) sayRights() (parts []string) {
	var may []string
	for _, what := range sortedKeys(k.Rights) {
		if k.Rights[what] == yes {
			may = append(may, what)
		}
	}
	if len(may) > 0 {
		parts = append(parts, "may read "+strings.Join(may, ", "))
	}
	for _, what := range sortedKeys(k.Rights) {
		if what == mayHealth || what == mayAlerts {
			if k.Rights[what] != yes {
				parts = append(parts, "may not read "+what+" ("+k.Rights[what]+")")
			}
			continue
		}
		by := map[string][]string{}
		for i := range k.Sites {
			s := &k.Sites[i]
			by[s.Rights[what]] = append(by[s.Rights[what]], s.Site)
		}
		for _, why := range sortedKeys(by) {
			of := some(by[why], ", ")
			if len(by[why]) == len(k.Sites) && len(k.Sites) > 1 {
				of = "any site"
			}
			switch why {
			case yes:
			case notYet:
				parts = append(parts, "no "+what+" yet of "+of)
			default:
				parts = append(parts, "may not read "+what+" of "+of+" ("+why+")")
			}
		}
	}
	return parts
}

// some are the first few of a list, and how many more there are.
func some(list []string, between string) string {
	if n := len(list) - maxNamed; n > 1 {
		return strings.Join(list[:maxNamed], between) + fmt.Sprintf(" and %d more", n)
	}
	return strings.Join(list, between)
}
