package main

import (
	"cmp"
	"context"
	"net/url"
	"slices"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/gigawatch/gigawatch/aggregator/query"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// What the aggregator answers from its live state in milliseconds; nothing of it
// is kept here.

// topModel asks for those that stand out now.
type topModel struct {
	base
	Of     string `json:"of,omitempty"`     // gpu, host, rack, hall, sensor: the sources of agents
	Metric string `json:"metric,omitempty"` // of the catalogue; of racks and halls: power
	Lane   string `json:"lane,omitempty"`   // of what agents keep or gave up: telemetry, ledger; "": both
	Over   string `json:"over,omitempty"`   // of a counter of agents: those that rose in so many minutes, at most an hour, and by how much
	Order  string `json:"order,omitempty"`  // desc, asc
	Hall   string `json:"hall,omitempty"`
	Rack   string `json:"rack,omitempty"`
	Host   string `json:"host,omitempty"`

	over time.Duration
}

func (m *topModel) check() error {
	if err := oneOf("of", &m.Of, "gpu", "host", "rack", "hall", "sensor"); err != nil {
		return err
	}
	if err := oneOf("order", &m.Order, "desc", "asc"); err != nil {
		return err
	}
	if m.Metric == "" {
		m.Metric = map[string]string{"gpu": "gpu_power_watts", "host": "host_power_watts"}[m.Of]
	}
	if m.Metric == "" {
		m.Metric = "power"
	}
	switch d := metric.ByName(m.Metric); {
	case slices.Contains(shortMetrics(m.Of), m.Metric):
	case d == nil:
		return wrong("metric %q is not in the catalogue; write one such as gpu_power_watts, gpu_temperature_celsius, host_cpu_usage_ratio; of racks and halls: power", m.Metric)
	case d.Entity.String() != m.Of && ranks(d, d.Entity.String()):
		return wrong("metric %s is of a %s; write of=%s, or a metric of a %s", m.Metric, d.Entity, d.Entity, m.Of)
	case !ranks(d, m.Of):
		return wrong("%ss cannot be ranked by %s: it is not one value each that is known now; ask for it by PromQL", m.Of, m.Metric)
	}
	if m.Limit == 0 {
		m.Limit = 10
	}
	return m.ofAgents()
}

// ofAgents checks what is said of what agents tell of themselves alone.
func (m *topModel) ofAgents() (err error) {
	d := metric.ByName(m.Metric)
	counts := d != nil && d.Kind == metric.Counter
	if m.Lane != "" {
		if d == nil || len(d.Labels) != 1 || d.Labels[0].Name != "lane" {
			return wrong("metric %s is of no lane; leave lane out", m.Metric)
		}
		if err := oneOf("lane", &m.Lane, d.Labels[0].Values...); err != nil {
			return err
		}
	}
	if m.over, err = readStep(m.Over); err != nil {
		return err
	}
	switch {
	case counts && (m.over < time.Minute || m.over > time.Hour || m.over%time.Minute != 0):
		return wrong("%s is a counter, which is ranked by what it rose; write over=15m, or other whole minutes up to an hour", m.Metric)
	case !counts && m.Over != "":
		return wrong("metric %s is what it is now; leave over out", m.Metric)
	}
	return nil
}

// shortMetrics are those that have a short name where the aggregator ranks.
func shortMetrics(of string) []string {
	return map[string][]string{"gpu": {"power", "temperature", "utilization"}, "host": {"power", "utilization"}, "rack": {"power", "temperature"}, "hall": {"power"}}[of]
}

func (m *topModel) answer(a *asking) (*result, error) {
	sites, notes, err := a.sites("hall", "rack", "host", "gpu", "uuid", "model")
	if err != nil {
		return nil, err
	}
	most := a.most(a.limits.Rows)
	q := m.asked(min(most, mostTop))
	lists, of, failed, err := each(a, sites, func(ctx context.Context, s siteOf) (*query.Top, error) {
		q := q
		q.Site = s.name
		return ask[query.Top](ctx, s.by, "/api/v1/top", q.Values())
	})
	if err != nil {
		return nil, err
	}
	out := &result{notes: warnings(append(notes, failed...))}
	type ranked struct {
		labels data.Labels
		value  float64
	}
	var rows []ranked
	for i, l := range lists {
		if l.Reason != "" {
			out.notes = append(out.notes, warning("%s: %s", of[i].name, l.Reason))
		}
		if l.Since != nil {
			out.notes = append(out.notes, info("%s: what rose is known since %s UTC, when the aggregator was started", of[i].name, l.Since.UTC().Format("2006-01-02 15:04")))
		}
		if l.Missing > 0 {
			out.notes = append(out.notes, warning("%s: of %d of %d %s nothing is known now", of[i].name, l.Missing, l.Considered, cmp.Or(plural(m.Of), "sources")))
		}
		inside, before := map[string]int{}, len(rows)
		for _, r := range l.Rows {
			labels := labelsOf("site", of[i].name, "hall", r.Hall, "rack", r.Rack, "host", r.Host, "gpu", r.GPU, "uuid", r.UUID, "model", r.Model, "sensor", r.Sensor, "lane", r.Lane)
			inside[r.Boundary]++
			if pass(m.Filters, labels) {
				rows = append(rows, ranked{labels, r.Value})
			}
		}
		if q.Limit == mostTop && l.Truncated && len(rows)-before < most { // further down others may pass
			out.notes = append(out.notes, warning("%s: the first %d of %d are looked at, as many as the aggregator tells: choose one hall, rack or host", of[i].name, len(l.Rows), l.Considered))
		}
		out.notes = append(out.notes, mixed(of[i].name, m.Of, inside)...)
	}
	slices.SortStableFunc(rows, func(a, b ranked) int {
		if a.value == b.value {
			return compareLabels(a.labels, b.labels)
		}
		if (a.value > b.value) == (m.Order == "desc") {
			return -1
		}
		return 1
	})
	rows = rows[:min(len(rows), most)]
	columns, used := []*data.Field{}, []string{}
	for _, k := range []string{"site", "hall", "rack", "host", "gpu", "uuid", "model", "sensor", "lane"} {
		if k == "site" || slices.ContainsFunc(rows, func(r ranked) bool { return r.labels[k] != "" }) {
			columns, used = append(columns, text(k, labelTitle(k))), append(used, k)
		}
	}
	value := column("value", m.config(), (*float64)(nil))
	t := newTable(data.FrameTypeNumericLong, append(columns, value)...)
	for _, r := range rows {
		row := make([]any, 0, len(used)+1)
		for _, k := range used {
			row = append(row, r.labels[k])
		}
		t.row(append(row, &r.value)...)
	}
	out.frames = data.Frames{t.frame}
	return out, nil
}

// mostTop is the most that the aggregator tells.
const mostTop = 1000

// asked is m as the aggregator is asked for it. What it cannot filter is filtered
// here, so that as many are asked for as there may be.
func (m *topModel) asked(most int) query.TopQuestion {
	q := query.TopQuestion{Of: m.Of, By: m.Metric, Lane: m.Lane, Over: m.over, Ascending: m.Order == "asc", Hall: m.Hall, Rack: m.Rack, Host: m.Host, Limit: most}
	for i := range m.Filters {
		f := &m.Filters[i]
		v, only := f.one()
		switch at := map[string]*string{"hall": &q.Hall, "rack": &q.Rack, "host": &q.Host}[f.Key]; {
		case only && at != nil && *at == "" && !(f.Key == "host" && (m.Of == "rack" || m.Of == "hall")):
			*at = v
		default:
			q.Limit = mostTop
		}
	}
	return q
}

func (m *topModel) config() data.FieldConfig {
	if d := metric.ByName(m.Metric); d != nil {
		c := configOf(d)
		c.DisplayNameFromDS = metricTitle(d)
		return c
	}
	switch m.Metric {
	case "temperature":
		return data.FieldConfig{Unit: "celsius", DisplayNameFromDS: "Temperature", Thresholds: above(hot)}
	case "utilization":
		return data.FieldConfig{Unit: unitShare, DisplayNameFromDS: "Utilization", Min: bound(0), Max: bound(1)}
	}
	return data.FieldConfig{Unit: unitWatt, DisplayNameFromDS: "Power"}
}

func labelTitle(k string) string {
	t := map[string]string{"site": "Site", "hall": "Hall", "rack": "Rack", "host": "Host", "gpu": "GPU", "uuid": "UUID", "model": "Model", "job": "Job", "tenant": "Tenant"}[k]
	if t == "" {
		return k
	}
	return t
}

// mapModel asks for every rack with one value.
type mapModel struct {
	base
	Value string `json:"value,omitempty"` // power, temperature, gpus_not_ok, hosts_silent, utilization
	Shape string `json:"shape,omitempty"` // table; tiles: with what stands on the tile of each
	Words int    `json:"words,omitempty"` // on how many tiles there is room for words; of more the colours alone tell; 0: 60
	Hall  string `json:"hall,omitempty"`
}

func (m *mapModel) check() error {
	if err := oneOf("shape", &m.Shape, "table", "tiles"); err != nil {
		return err
	}
	if m.Words < 0 || m.Words > 0 && m.Shape != "tiles" {
		return wrong("words=%d: write shape=tiles, and on how many tiles there is room for words", m.Words)
	}
	if m.Words == 0 {
		m.Words = usuallyWorded
	}
	return oneOf("value", &m.Value, "power", "temperature", "gpus_not_ok", "hosts_silent", "utilization")
}

func (m *mapModel) answer(a *asking) (*result, error) {
	sites, notes, err := a.sites("hall", "rack", "state")
	if err != nil {
		return nil, err
	}
	lists, of, failed, err := each(a, sites, func(ctx context.Context, s siteOf) (*query.RackMap, error) {
		return ask[query.RackMap](ctx, s.by, "/api/v1/map", url.Values{"site": {s.name}, "value": {m.Value}})
	})
	if err != nil {
		return nil, err
	}
	out := &result{notes: warnings(append(notes, failed...))}
	t := newTable(data.FrameTypeNumericLong, text("site", "Site"), text("hall", "Hall"), text("rack", "Rack"), column("value", m.config(), (*float64)(nil)),
		column("state", stateConfig("State"), ""), count("hosts", "Hosts"), count("reporting", "Hosts reporting"), count("gpus", "GPUs"), count("gpus_ok", "GPUs ok"))
	type mapped struct {
		site string
		query.MapRack
	}
	var racks []mapped
	most := a.most(a.limits.Rows)
	for i, l := range lists {
		if l.Reason != "" {
			out.notes = append(out.notes, warning("%s: %s", of[i].name, l.Reason))
		}
		reasons, inside := map[string]int{}, map[string]int{}
		lacking, n := 0, 0
		var hosts, reporting int64
		for _, r := range l.Racks {
			if m.Hall != "" && r.Hall != m.Hall || !pass(m.Filters, labelsOf("site", of[i].name, "hall", r.Hall, "rack", r.Rack, "state", r.State)) {
				continue
			}
			hosts, reporting = hosts+int64(r.Hosts), reporting+int64(r.Reporting)
			n++
			if r.Value == nil {
				lacking++
				reasons[r.Reason]++
			} else {
				inside[r.Boundary]++
			}
			racks = append(racks, mapped{of[i].name, r})
		}
		if lacking > 0 {
			out.notes = append(out.notes, warning("%s: of %d of %d racks the value is not known: %s", of[i].name, lacking, n, listed(reasons)))
		}
		out.notes = append(out.notes, mixed(of[i].name, "rack", inside)...)
		out.notes = append(out.notes, missingHosts(of[i].name, reporting, hosts)...)
		if l.Truncated {
			out.notes = append(out.notes, warning("%s: the aggregator tells of %d of %d racks, the worst first", of[i].name, len(l.Racks), max(l.Total, len(l.Racks))))
		}
	}
	if n := len(racks); n > most {
		slices.SortStableFunc(racks, func(a, b mapped) int { return query.WorstFirst(&a.MapRack, &b.MapRack) })
		racks = racks[:most]
		out.notes = append(out.notes, warning("%d of %d racks are shown, the worst first: choose a hall, or raise limit and the data source's limits", most, n))
	}
	for i := range racks {
		r := &racks[i]
		t.row(r.site, r.Hall, r.Rack, r.Value, r.State, int64(r.Hosts), int64(r.Reporting), int64(r.GPUs), int64(r.GPUsOk))
	}
	switch {
	case a.fromAlert: // a number a rack
		t.keep("site", "hall", "rack", "value")
	case m.Shape == "tiles":
		t.tiled(m.Words, several(sites))
	}
	out.frames = data.Frames{t.frame}
	return out, nil
}

// missingHosts says how many hosts a figure lacks.
func missingHosts(site string, reporting, expected int64) []data.Notice {
	if expected == 0 || reporting >= expected {
		return nil
	}
	return []data.Notice{warning("%s: %d %s missing: %s covered", site, expected-reporting, hostWord(expected-reporting), percent(float64(reporting)/float64(expected)))}
}

func hostWord(n int64) string {
	if n == 1 {
		return "host"
	}
	return "hosts"
}

func (m *mapModel) config() data.FieldConfig {
	switch m.Value {
	case "temperature":
		return data.FieldConfig{Unit: "celsius", DisplayNameFromDS: "Hottest GPU", Thresholds: above(hot)}
	case "utilization":
		return data.FieldConfig{Unit: unitShare, DisplayNameFromDS: "GPU utilization", Min: bound(0), Max: bound(1)}
	case "gpus_not_ok":
		return data.FieldConfig{DisplayNameFromDS: "GPUs not ok", Min: bound(0), Thresholds: above(1)}
	case "hosts_silent":
		return data.FieldConfig{DisplayNameFromDS: "Hosts silent", Min: bound(0), Thresholds: above(1)}
	}
	return data.FieldConfig{Unit: unitWatt, DisplayNameFromDS: "Power", Min: bound(0)}
}
