package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"
	prom "github.com/prometheus/common/model"

	"github.com/gigawatch/gigawatch/aggregator/query"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// powerModel asks for power over time, or for energy as the ledger has it.
type powerModel struct {
	base
	Measure  string `json:"measure,omitempty"`  // power, energy
	By       string `json:"by,omitempty"`       // site, hall, rack, host, gpu, job, tenant
	Boundary string `json:"boundary,omitempty"` // facility, it, host, gpu; "": the outermost that By has
	Shape    string `json:"shape,omitempty"`    // series; total: of the whole range, a number each
	Step     string `json:"step,omitempty"`     // "": by the panel's width
	Unit     string `json:"unit,omitempty"`     // of energy: Wh, J

	Hall   string `json:"hall,omitempty"`
	Rack   string `json:"rack,omitempty"`
	Host   string `json:"host,omitempty"`
	GPU    string `json:"gpu,omitempty"` // index, or uuid
	Job    string `json:"job,omitempty"`
	Tenant string `json:"tenant,omitempty"`

	step time.Duration
}

// levels are what power and energy are told by, each with the boundaries it has,
// the usual one first.
var levels = map[string][]string{
	"site": {"facility", "it", "host", "gpu"}, "hall": {"host", "it", "gpu"}, "rack": {"host", "it", "gpu"},
	"host": {"host", "gpu"}, "gpu": {"gpu"}, "job": {"host", "gpu", "it", "facility"}, "tenant": {"host", "gpu", "it", "facility"},
}

func (m *powerModel) check() error {
	if err := oneOf("measure", &m.Measure, "power", "energy"); err != nil {
		return err
	}
	if err := oneOf("by", &m.By, "site", "hall", "rack", "host", "gpu", "job", "tenant"); err != nil {
		return err
	}
	if err := oneOf("boundary by "+m.By, &m.Boundary, levels[m.By]...); err != nil {
		return err
	}
	if err := oneOf("shape", &m.Shape, "series", "total"); err != nil {
		return err
	}
	if err := oneOf("unit", &m.Unit, "Wh", "J"); err != nil {
		return err
	}
	if m.Measure == "power" && m.By == "host" && m.Boundary == "gpu" {
		return wrong("by host there is power inside the boundary host; write boundary=host, or by=gpu and host=NAME")
	}
	if m.Measure == "power" && m.Shape == "total" {
		return wrong("power over a range has no total; write measure=energy, or shape=series")
	}
	for k, v := range map[string]string{"job": m.Job, "tenant": m.Tenant} {
		if v != "" && m.By != "job" && m.By != "tenant" {
			return wrong("%s=%s needs by=job or by=tenant", k, v)
		}
	}
	var err error
	if m.step, err = readStep(m.Step); err != nil {
		return err
	}
	if m.booked() && m.step%time.Hour != 0 {
		return wrong("step %s: the ledger is kept by the hour; write a whole number of hours, such as 1h or 24h", m.Step)
	}
	return nil
}

// booked reports whether the ledger answers: for energy, and for what jobs draw,
// which only it knows.
func (m *powerModel) booked() bool { return m.Measure == "energy" || m.By == "job" || m.By == "tenant" }

func readStep(s string) (time.Duration, error) {
	if s == "" {
		return 0, nil
	}
	parsed, err := prom.ParseDuration(s)
	d := time.Duration(parsed)
	if err != nil || d < time.Second {
		return 0, wrong("step %q is not a duration; write one such as 10s, 1m, 1h or 1d", s)
	}
	return d, nil
}

func (m *powerModel) answer(a *asking) (*result, error) {
	sites, notes, err := a.fleet.chosen(a, m.Site)
	if err != nil {
		return nil, err
	}
	ask := m.drawn
	if m.booked() {
		ask = m.energy
	}
	parts, _, failed, err := each(a, sites, func(ctx context.Context, s siteOf) (*part, error) { return ask(ctx, a, s) })
	if err != nil {
		return nil, err
	}
	out := &result{notes: warnings(append(notes, failed...))}
	var list []series
	for _, p := range parts {
		list = append(list, p.series...)
		out.notes = append(out.notes, p.notes...)
	}
	list, more := distinct(list)
	out.notes = append(out.notes, more...)
	list, more = cut(list, a.most(a.limits.Series), "series")
	out.notes = append(out.notes, more...)
	if m.Shape == "total" {
		out.frames = asNumbers(list)
	} else {
		out.frames = overTime(list)
	}
	return out, nil
}

// part is what one site has to say.
type part struct {
	series []series
	notes  []data.Notice
}

// drawn is power as the roll-ups of the time-series store have it.
func (m *powerModel) drawn(ctx context.Context, a *asking, s siteOf) (*part, error) {
	if err := m.fits(ctx, a, s); err != nil {
		return nil, err
	}
	expr, name := m.expression(s.name)
	g := a.grid(max(m.step, 0))
	got, err := overRange(ctx, s.by, expr, g)
	if err != nil {
		return nil, err
	}
	p := &part{notes: warnings(got.warnings), series: got.series(g, name, configOf(metric.ByName(name)))}
	if len(p.series) == 0 {
		p.notes = append(p.notes, m.nothing(ctx, a, s))
	}
	for i := range p.series {
		l := p.series[i].labels
		delete(l, "simulated")
		delete(l, "source")
		l["site"], l["boundary"] = s.name, m.Boundary
		p.series[i].display = named(name, without(l, "boundary"))
	}
	return p, nil
}

// expression is what the store is asked, and the metric's name.
func (m *powerModel) expression(site string) (expr, name string) {
	equal := [][2]string{{"site", site}, {"hall", m.Hall}, {"rack", m.Rack}, {"host", m.Host}}
	switch m.By {
	case "gpu":
		name = metric.Lookup(metric.GPUPowerWatts).Name
		key := "gpu"
		if strings.Contains(m.GPU, "-") {
			key = "uuid"
		}
		equal = append(equal, [2]string{key, m.GPU})
	case "host":
		// What is inside the node is never added to it: the greatest is the whole.
		name = metric.Lookup(metric.HostPowerWatts).Name
		expr = fmt.Sprintf(`max by (site, hall, rack, host, simulated) (%s{%s,source!~"rapl_.*|grace"})`, name, matchers(equal, m.Filters))
	case "rack":
		name = metric.Lookup(metric.RackPowerWatts).Name
	case "hall":
		name = metric.Lookup(metric.HallPowerWatts).Name
	default:
		name = metric.Lookup(metric.SitePowerWatts).Name
	}
	if expr == "" {
		if m.By != "gpu" {
			equal = append(equal, [2]string{"boundary", m.Boundary})
		}
		expr = fmt.Sprintf(`%s{%s}`, name, matchers(equal, m.Filters))
	}
	return expr, name
}

// fits refuses to ask the store of more hosts or GPUs than a graph takes: it would
// read them all.
func (m *powerModel) fits(ctx context.Context, a *asking, s siteOf) error {
	if m.By != "gpu" && m.By != "host" || m.GPU != "" || len(m.Filters) > 0 {
		return nil
	}
	there, err := a.fleet.inventory(ctx, s.by, query.InventoryQuestion{Site: s.name, Kind: m.By, Hall: m.Hall, Rack: m.Rack, Host: m.Host, Limit: 1})
	if err != nil {
		return err
	}
	if there.Total > a.limits.Series {
		return wrong("there are %d %s, and a graph of this data source takes %d: choose a hall, a rack or a host, or ask for the top ones (queryType top)", there.Total, plural(m.By), a.limits.Series)
	}
	return nil
}

// nothing says why there is no power, as far as the present tells.
func (m *powerModel) nothing(ctx context.Context, a *asking, s siteOf) data.Notice {
	if m.By == "site" {
		now, err := first(ctx, s.by, channel{site: s.name, by: m.By, boundary: m.Boundary})
		if err == nil && len(now.Rows) > 0 && now.Rows[0].Reason != "" {
			return info("%s, %s: nothing is known in this range; now: %s", s.name, m.Boundary, now.Rows[0].Reason)
		}
	}
	return info("%s: nothing is known of the power of %s inside the boundary %s in this range", s.name, plural(m.By), m.Boundary)
}

func plural(by string) string {
	return map[string]string{"site": "the site", "hall": "halls", "rack": "racks", "host": "hosts", "gpu": "GPUs", "job": "jobs", "tenant": "tenants"}[by]
}

func without(l data.Labels, names ...string) data.Labels {
	out := l.Copy()
	for _, n := range names {
		delete(out, n)
	}
	return out
}

// boundary is m's as the catalogue has it.
func (m *powerModel) boundary() metric.Boundary {
	b, _ := metric.ParseBoundary(m.Boundary) // check has seen it
	return b
}

// wants reports whether a line of the ledger is asked for.
func (m *powerModel) wants(l *query.EnergyLine, labels data.Labels) bool {
	for _, p := range [][2]string{{m.Hall, l.Hall}, {m.Rack, l.Rack}, {m.Host, l.Host}, {m.Job, l.Job}, {m.Tenant, l.Tenant}} {
		if p[0] != "" && p[0] != p[1] {
			return false
		}
	}
	if m.GPU != "" && m.GPU != l.GPU && m.GPU != l.UUID {
		return false
	}
	return pass(m.Filters, labels)
}

// hours widens a range to whole hours, in steps: the ledger's.
func (q *question) hours(least time.Duration) (from, to time.Time, step time.Duration) {
	step = max(q.step(least), time.Hour)
	if rest := step % time.Hour; rest != 0 {
		step += time.Hour - rest
	}
	from, to = q.from.Truncate(time.Hour), q.to.Truncate(time.Hour)
	if to.Before(q.to) {
		to = to.Add(time.Hour)
	}
	return from, to, step
}

// sortedKeys are the keys of a map by their natural order.
func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, natural)
	return keys
}
