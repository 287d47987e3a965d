package main

import (
	"context"
	"math"
	"net/url"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/gigawatch/gigawatch/aggregator/query"
)

// countsModel asks how much there should be, and how much reports now.
type countsModel struct {
	base
	Shape string `json:"shape,omitempty"` // numbers; table: a row a site, with where it stands and what it draws
}

func (m *countsModel) check() error { return oneOf("shape", &m.Shape, "numbers", "table") }

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
	if m.Shape == "table" && !a.fromAlert { // a rule takes numbers
		return out, m.rows(a, out, lists, of)
	}
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

// rows adds a row a site.
func (m *countsModel) rows(a *asking, out *result, lists []*query.Counts, of []siteOf) error {
	values, known, failed, err := each(a, of, func(ctx context.Context, s siteOf) (*float64, error) { return drawnNow(ctx, a, s) })
	if err != nil && !refusedFor(err) { // who may not read series has the rest
		return err
	}
	out.notes = append(out.notes, warnings(failed)...)
	drawn := map[string]*float64{}
	for i := range values {
		drawn[known[i].name] = values[i]
	}
	t := newTable(data.FrameTypeTable, text("site", "Site"), number("latitude", "Latitude", "degree"), number("longitude", "Longitude", "degree"), number("power", "Power of the facility", unitWatt),
		count("hosts_expected", "Hosts expected"), count("hosts_reporting", "Hosts reporting"), count("gpus_expected", "GPUs expected"), count("gpus_ok", "GPUs ok"), number("gpus_share", "Share of GPUs ok", unitShare),
		number("freshness", "Freshness", "s"), text("kind", "Kind"))
	var nowhere []string
	for i, c := range lists {
		s := &of[i]
		var latitude, longitude, share *float64
		if s.stands.known {
			latitude, longitude = &s.stands.latitude, &s.stands.longitude
		} else {
			nowhere = append(nowhere, s.name)
		}
		if c.GPUs.Expected > 0 && c.Reason == "" { // never rounded up
			v := math.Floor(float64(c.GPUs.Reporting)/float64(c.GPUs.Expected)*10_000) / 10_000
			share = &v
		}
		kind := "real"
		if s.simulated {
			kind = "simulated"
		}
		t.row(s.name, latitude, longitude, drawn[s.name], int64(c.Hosts.Expected), int64(c.Hosts.Reporting), int64(c.GPUs.Expected), int64(c.GPUs.Reporting), share, c.Freshness, kind)
		out.notes = append(out.notes, missingHosts(s.name, int64(c.Hosts.Reporting), int64(c.Hosts.Expected))...)
		if c.Reason != "" {
			out.notes = append(out.notes, warning("%s: %s", s.name, c.Reason))
		}
	}
	if len(nowhere) > 0 {
		out.notes = append(out.notes, info("the site files of %s have no coordinates: they are in tables, and on no map", some(nowhere, ", ")))
	}
	out.notes = append(out.notes, sharedNotes(of)...)
	out.frames = data.Frames{t.frame}
	return nil
}

// drawnNow is what the facility of a site draws; nil if it is not known.
func drawnNow(ctx context.Context, a *asking, s siteOf) (*float64, error) {
	m := powerModel{By: "site", Boundary: "facility"}
	expr, _ := m.expression(s.name, nil)
	got, err := atInstant(ctx, s.by, expr, a.to)
	if err != nil || len(got.streams) == 0 || got.streams[0].Value == nil {
		return nil, err
	}
	return got.streams[0].Value.value, nil
}
