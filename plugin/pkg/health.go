package main

import (
	"context"
	"net/url"
	"slices"
	"strconv"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/gigawatch/gigawatch/aggregator/query"
)

// healthModel asks what needs a person.
type healthModel struct {
	base
	Shape  string   `json:"shape,omitempty"`  // table; count: how many hosts and GPUs are in which state, for rules; needing: how many rows the table of a site has
	Kind   string   `json:"kind,omitempty"`   // host, gpu; "": both, and a site whose hosts fell silent together
	States []string `json:"states,omitempty"` // watch, unknown, degraded, failed; none: all
	Hall   string   `json:"hall,omitempty"`
	Rack   string   `json:"rack,omitempty"`
	Host   string   `json:"host,omitempty"`
	GPU    string   `json:"gpu,omitempty"` // index or uuid
}

// healthStates are those of hosts and GPUs, best first.
var healthStates = []string{"ok", "watch", "unknown", "degraded", "failed"}

func (m *healthModel) check() error {
	if err := oneOf("shape", &m.Shape, "table", "count", "needing"); err != nil {
		return err
	}
	if m.Kind != "" {
		if err := oneOf("kind", &m.Kind, "host", "gpu"); err != nil {
			return err
		}
	}
	return eachOf("state", m.States, healthStates[1:]...)
}

func (m *healthModel) wants(site string, v *query.Verdict) bool {
	for _, p := range [][2]string{{m.Kind, v.Kind}, {m.Hall, v.Hall}, {m.Rack, v.Rack}, {m.Host, v.Host}} {
		if p[0] != "" && p[0] != p[1] {
			return false
		}
	}
	return (m.GPU == "" || m.GPU == v.GPU || m.GPU == v.UUID) && (len(m.States) == 0 || slices.Contains(m.States, v.State)) &&
		pass(m.Filters, labelsOf("site", site, "hall", v.Hall, "rack", v.Rack, "host", v.Host, "gpu", v.GPU, "uuid", v.UUID, "model", v.Model, "state", v.State))
}

// wanted are what m wants of a site. Hosts that fell silent together are first: it is the
// site that cannot be seen, wherever in it somebody looks, and none of them has a line of
// its own.
func (m *healthModel) wanted(s *query.SiteHealth) (out []query.Verdict) {
	if b := s.Blind; b != nil && m.Kind == "" && (len(m.States) == 0 || slices.Contains(m.States, b.State)) && pass(m.Filters, labelsOf("site", s.Site, "state", b.State)) {
		out = append(out, query.Verdict{Place: query.Place{Kind: "site"}, Finding: *b, Findings: []query.Finding{*b}})
	}
	for i := range s.Subjects {
		if v := &s.Subjects[i]; m.wants(s.Site, v) {
			out = append(out, *v)
		}
	}
	return out
}

// wellbeing asks sites for what needs a person.
func wellbeing(a *asking, limit int) (out []query.SiteHealth, notes []string, err error) {
	sites, notes, err := a.sites("hall", "rack", "host", "gpu", "uuid", "model", "state")
	if err != nil {
		return nil, nil, err
	}
	lists, _, failed, err := each(a, sites, func(ctx context.Context, s siteOf) (*query.HealthReport, error) {
		return ask[query.HealthReport](ctx, s.by, "/api/v1/health", url.Values{"site": {s.name}, "limit": {strconv.Itoa(limit)}})
	})
	for _, l := range lists {
		out = append(out, l.Sites...)
	}
	return out, append(notes, failed...), err
}

func (m *healthModel) answer(a *asking) (*result, error) {
	// Filters are applied here, so that a site is asked for as many as it may name.
	sites, notes, err := wellbeing(a, a.limits.Rows)
	if err != nil {
		return nil, err
	}
	out := &result{notes: warnings(notes)}
	for i := range sites {
		out.notes = append(out.notes, healthNotes(&sites[i])...)
	}
	switch {
	case m.Shape == "needing":
		out.frames = data.Frames{m.needing(sites).frame}
		return out, nil
	case m.Shape == "count" || a.fromAlert:
		out.frames = data.Frames{m.counted(sites).frame}
		return out, nil
	}
	t := newTable(data.FrameTypeTable, column("state", stateConfig("State"), ""), text("kind", "Kind"), text("site", "Site"), text("hall", "Hall"), text("rack", "Rack"), text("host", "Host"), text("gpu", "GPU"),
		when("since", "Since"), when("last", "Last"), text("evidence", "What is seen"), text("advice", "What to do"), text("action", "Action"), text("cause", "Cause"), count("findings", "Findings"), text("model", "Model"), text("uuid", "UUID"))
	most, n := a.most(a.limits.Rows), 0
	for i := range sites {
		for _, v := range m.wanted(&sites[i]) {
			if n++; n <= most {
				t.row(v.State, v.Kind, sites[i].Site, v.Hall, v.Rack, v.Host, v.GPU, &v.Since, v.Last, v.Evidence, v.Advice, v.Action, v.Cause, int64(len(v.Findings)), v.Model, v.UUID)
			}
		}
	}
	if n > most {
		out.notes = append(out.notes, warning("%d of %d are shown: choose states or a hall, or raise limit and the data source's limits", most, n))
	}
	out.frames = data.Frames{t.frame}
	return out, nil
}

func healthNotes(s *query.SiteHealth) (out []data.Notice) {
	if s.Blind != nil {
		out = append(out, warning("%s: %s. %s", s.Site, s.Blind.Evidence, s.Blind.Advice))
	}
	if s.Cut > 0 {
		out = append(out, warning("%s: %d more hosts and GPUs need a person than this data source takes; raise its limit of rows", s.Site, s.Cut))
	}
	if n := len(s.Aside); n > 0 {
		out = append(out, info("%s: %d findings are set aside by people", s.Site, n))
	}
	return out
}

// needing is how many rows the table has of each site.
func (m *healthModel) needing(sites []query.SiteHealth) *table {
	t := newTable(data.FrameTypeNumericLong, text("site", "Site"), column("count", data.FieldConfig{DisplayNameFromDS: "Count"}, (*float64)(nil)))
	for i := range sites {
		n := float64(len(m.wanted(&sites[i])))
		t.row(sites[i].Site, &n)
	}
	return t
}

// counted is how many hosts and GPUs are in which state.
func (m *healthModel) counted(sites []query.SiteHealth) *table {
	t := newTable(data.FrameTypeNumericLong, text("site", "Site"), text("kind", "Kind"), column("state", stateConfig("State"), ""), column("count", data.FieldConfig{DisplayNameFromDS: "Count"}, (*float64)(nil)))
	narrow := m.Hall+m.Rack+m.Host+m.GPU != "" || len(m.Filters) > 0 // then those that are ok are not known
	for i := range sites {
		s := &sites[i]
		for _, k := range []struct {
			name string
			of   map[string]int
		}{{"host", s.Hosts}, {"gpu", s.GPUs}} {
			if m.Kind != "" && m.Kind != k.name {
				continue
			}
			for _, state := range healthStates {
				if len(m.States) > 0 && !slices.Contains(m.States, state) || narrow && state == "ok" {
					continue
				}
				n := float64(k.of[state])
				if narrow {
					n = 0
					for j := range s.Subjects {
						if v := &s.Subjects[j]; v.Kind == k.name && v.State == state && m.wants(s.Site, v) {
							n++
						}
					}
				}
				t.row(s.Site, k.name, state, &n)
			}
		}
	}
	return t
}
