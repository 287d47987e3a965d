package main

import (
	"context"
	"net/url"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/gigawatch/gigawatch/aggregator/query"
)

// countsModel asks how much there should be, and how much reports now.
type countsModel struct{ base }

func (m *countsModel) check() error { return nil }

func (m *countsModel) answer(a *asking) (*result, error) {
	sites, notes, err := a.sites()
	if err != nil {
		return nil, err
	}
	lists, of, failed, err := each(a, sites, func(ctx context.Context, s siteOf) (*query.Counts, error) {
		return ask[query.Counts](ctx, s.by, "/api/v1/counts", url.Values{"site": {s.name}})
	})
	if err != nil {
		return nil, err
	}
	out := &result{notes: warnings(append(notes, failed...))}
	now := time.Now().UTC()
	var list []series
	add := func(site, name, title, unit string, v *float64, labels ...string) {
		list = append(list, series{name: name, display: title, labels: labelsOf(append(labels, "site", site)...), times: []time.Time{now}, values: []*float64{v}, config: data.FieldConfig{Unit: unit}})
		if several(sites) {
			list[len(list)-1].display += " " + site
		}
	}
	whole := func(n int) *float64 { v := float64(n); return &v }
	for i, c := range lists {
		site := of[i].name
		add(site, "hosts_expected", "Hosts expected", "", whole(c.Hosts.Expected))
		add(site, "hosts_reporting", "Hosts reporting", "", whole(c.Hosts.Reporting))
		add(site, "gpus_expected", "GPUs expected", "", whole(c.GPUs.Expected))
		for _, state := range sortedKeys(c.GPUs.States) {
			add(site, "gpus", "GPUs "+state, "", whole(c.GPUs.States[state]), "state", state)
		}
		add(site, "agents_known", "Agents known", "", whole(c.Agents.Known))
		add(site, "agents_silent", "Agents silent", "", whole(c.Agents.Silent))
		add(site, "freshness", "Freshness", "s", c.Freshness)
		out.notes = append(out.notes, missingHosts(site, int64(c.Hosts.Reporting), int64(c.Hosts.Expected))...)
		if c.Reason != "" {
			out.notes = append(out.notes, warning("%s: %s", site, c.Reason))
		}
	}
	out.notes = append(out.notes, sharedNotes(sites)...)
	list, more := cut(list, a.limits.Series, "numbers")
	out.notes = append(out.notes, more...)
	out.frames = asNumbers(list)
	return out, nil
}

// sharedNotes say who is asked for sites that several aggregators answer for. It is
// as people set it up, so that it is said here alone and not on every panel.
func sharedNotes(sites []siteOf) (out []data.Notice) {
	shared := map[string][]string{}
	for i := range sites {
		if s := &sites[i]; s.also != "" {
			both := s.by.name + ", not " + s.also
			shared[both] = append(shared[both], s.name)
		}
	}
	for _, both := range sortedKeys(shared) {
		out = append(out, info("of %s the aggregator %s is asked: each of them would answer", some(shared[both], ", "), both))
	}
	return out
}
