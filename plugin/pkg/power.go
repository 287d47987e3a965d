package main

import (
	"cmp"
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
	Legend   string `json:"legend,omitempty"`   // what all are called in place of their own names; several have beside it what tells them apart
	Largest  int    `json:"largest,omitempty"`  // of what the ledger has, the series of so many that have the most in the whole time, and all others added up as one more; 0: all

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
	"host": {"host", "gpu"}, "gpu": {"gpu"}, "job": {"host", "gpu"}, "tenant": {"host", "gpu"},
}

// boundaryOf fills in the boundary of m, or says what there is at its level.
func (m *powerModel) boundaryOf() error {
	has := levels[m.By]
	if m.Boundary == "" {
		m.Boundary = has[0]
	}
	known := levels["site"]
	var why string
	switch {
	case !slices.Contains(known, m.Boundary):
		return wrong("boundary %q is not known; write one of %s", m.Boundary, strings.Join(has, ", "))
	case m.Measure == "power" && m.By == "host" && m.Boundary == "gpu":
		return wrong("by host there is the power of the whole host; write boundary=host, or by=gpu and host=NAME")
	case slices.Contains(has, m.Boundary):
		return nil
	case m.ofJobs():
		why = "what lies outside the hosts is no job's by any meter"
	case m.Boundary == "facility":
		why = "the facility is metered as a whole"
	case m.Boundary == "it":
		why = "IT meters stand at UPS and PDU outputs, of racks at the innermost"
	default:
		why = "a GPU has no share of its host that is metered"
	}
	return wrong("there is no boundary %s by %s: %s; write boundary=%s, or by=%s", m.Boundary, m.By, why, strings.Join(has, " or "), innermost(m.Boundary))
}

// innermost is the level nearest to the GPU that has a boundary.
func innermost(boundary string) string {
	return map[string]string{"facility": "site", "it": "rack", "host": "host", "gpu": "gpu"}[boundary]
}

func (m *powerModel) check() error {
	if err := oneOf("measure", &m.Measure, "power", "energy"); err != nil {
		return err
	}
	if err := oneOf("by", &m.By, "site", "hall", "rack", "host", "gpu", "job", "tenant"); err != nil {
		return err
	}
	if err := m.boundaryOf(); err != nil {
		return err
	}
	if err := oneOf("shape", &m.Shape, "series", "total"); err != nil {
		return err
	}
	if err := oneOf("unit", &m.Unit, "Wh", "J"); err != nil {
		return err
	}
	if m.Measure == "power" && m.Shape == "total" {
		return wrong("power over a range has no total; write measure=energy, or shape=series")
	}
	for k, v := range map[string]string{"job": m.Job, "tenant": m.Tenant} {
		if v != "" && m.By != "job" && m.By != "tenant" {
			return wrong("%s=%s needs by=job or by=tenant", k, v)
		}
	}
	if err := m.largestOf(); err != nil {
		return err
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
func (m *powerModel) booked() bool { return m.Measure == "energy" || m.ofJobs() }

func (m *powerModel) ofJobs() bool { return m.By == "job" || m.By == "tenant" }

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
	sites, notes, err := a.sites(m.tellable()...)
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
	m.call(list, several(sites))
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

// call names series: by the legend, or else by the place or the job; of the only site's
// by its boundary. An interval that is not over has the name of those that are.
func (m *powerModel) call(list []series, several bool) {
	for i := range list {
		list[i].display = cmp.Or(m.Legend, named("", without(list[i].labels, "boundary", "interval"), several), m.Boundary)
	}
	tellApart(list, "interval")
	for i := range list {
		if list[i].labels["interval"] != "" {
			list[i].display += soFar
		}
	}
}

// tellable are the labels that things of m's level are told by: what else a
// filter is about says nothing of them.
func (m *powerModel) tellable() []string {
	switch m.By {
	case "hall":
		return []string{"hall", "boundary"}
	case "rack":
		return []string{"hall", "rack", "boundary"}
	case "host":
		return []string{"hall", "rack", "host", "boundary"}
	case "gpu":
		return []string{"hall", "rack", "host", "gpu", "uuid", "model", "boundary"}
	case "job", "tenant":
		tells := []string{"tenant", "boundary", m.By}
		for i := range m.Filters { // one place is told of them by who runs there
			f := &m.Filters[i]
			if _, ok := f.one(); ok && slices.Contains(places(), f.Key) {
				tells = append(tells, f.Key)
			}
		}
		return tells
	}
	return []string{"boundary"}
}

// told are the labels that a line of the ledger has.
func (m *powerModel) told() []string {
	if m.ofJobs() {
		return []string{"job", "tenant", "boundary"}
	}
	return m.tellable()
}

// part is what one site has to say.
type part struct {
	series []series
	notes  []data.Notice
}

// drawn is mean power as the time-series store has it. Of the whole site over long
// steps the ledger knows it exactly, and of years.
func (m *powerModel) drawn(ctx context.Context, a *asking, s siteOf) (*part, error) {
	n, err := m.fits(ctx, a, s)
	if err != nil {
		return nil, err
	}
	g := a.grid(max(m.step, stored)) // no finer than what is stored
	if m.By == "site" && g.step >= time.Hour {
		if p, err := m.energy(ctx, a, s); !refusedFor(err) {
			return p, err
		}
	}
	expr, name := m.expression(s.name, about(m.Filters, "hall", "rack", "host", "gpu", "uuid", "model"))
	config := configOf(metric.ByName(name))
	if mean := m.mean(expr, g, n); mean != expr {
		expr, config.Description = mean, fmt.Sprintf("Mean of the %s up to each point. %s", prom.Duration(g.step), config.Description)
	}
	got, err := overRange(ctx, s.by, expr, g)
	if err != nil {
		return nil, err
	}
	p := &part{notes: warnings(got.warnings), series: got.series(g, name, config)}
	if len(p.series) == 0 {
		p.notes = append(p.notes, m.nothing(ctx, a, s))
	}
	for i := range p.series {
		l := p.series[i].labels
		delete(l, "simulated")
		delete(l, "source")
		l["site"], l["boundary"] = s.name, m.Boundary
	}
	if f := about(m.Filters, "boundary"); len(f) > 0 {
		p.series = slices.DeleteFunc(p.series, func(x series) bool { return !pass(f, x.labels) })
	}
	return p, nil
}

// mean is the mean of expr over each step of g: a moment of a long step says nothing
// of it. Sums of places are stored every second. Of hosts and GPUs what stands still
// is stored seldom, so that equal parts of the step are looked at: ten seconds, or as
// many as n series allow.
func (m *powerModel) mean(expr string, g grid, n int) string {
	if m.By != "host" && m.By != "gpu" {
		return fmt.Sprintf("avg_over_time(%s[%s])", expr, prom.Duration(g.step))
	}
	const bearable = 4_000_000 // samples
	points := int64(g.to.Sub(g.from)/g.step) + 1
	parts := max(4, bearable/(points*int64(max(1, n))))
	every := max(stored, (g.step/time.Duration(parts) + stored - 1).Truncate(stored))
	if every >= g.step {
		return expr
	}
	return fmt.Sprintf("avg_over_time((%s)[%s:%s])", expr, prom.Duration(g.step), prom.Duration(every))
}

// expression is what the store is asked, and the metric's name.
func (m *powerModel) expression(site string, filters []filter) (expr, name string) {
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
		expr = fmt.Sprintf(`max by (site, hall, rack, host, simulated) (%s{%s,source!~"rapl_.*|grace"})`, name, matchers(equal, filters))
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
		expr = fmt.Sprintf(`%s{%s}`, name, matchers(equal, filters))
	}
	return expr, name
}

// fits refuses to ask the store of more hosts or GPUs than a graph takes: it would
// read them all. It gives how many there are at most.
func (m *powerModel) fits(ctx context.Context, a *asking, s siteOf) (int, error) {
	if m.By != "gpu" && m.By != "host" || m.GPU != "" {
		return 1, nil
	}
	for i := range m.Filters { // of some: how many they are, the store knows
		f := &m.Filters[i]
		if _, ok := f.one(); !ok && (f.Operator == "=|" || f.Operator == "=~") && slices.Contains(append(places(), "uuid"), f.Key) {
			return a.limits.Series, nil
		}
	}
	is := m.exactly()
	if is["gpu"]+is["uuid"] != "" {
		return 1, nil
	}
	there, err := a.fleet.inventory(ctx, s.by, query.InventoryQuestion{Site: s.name, Kind: m.By, Hall: is["hall"], Rack: is["rack"], Host: is["host"], Limit: 1})
	if err != nil {
		return 0, err
	}
	if there.Total > a.limits.Series {
		return 0, wrong("there are %d %s, and a graph of this data source takes %d: choose a hall, a rack or a host, or ask for the top ones (queryType top)", there.Total, plural(m.By), a.limits.Series)
	}
	return there.Total, nil
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
	places := [][2]string{{m.Hall, l.Hall}, {m.Rack, l.Rack}, {m.Host, l.Host}}
	if m.ofJobs() { // their lines say no place
		places = nil
	}
	for _, p := range append(places, [][2]string{{m.Job, l.Job}, {m.Tenant, l.Tenant}}...) {
		if p[0] != "" && p[0] != p[1] {
			return false
		}
	}
	if m.GPU != "" && m.GPU != l.GPU && m.GPU != l.UUID {
		return false
	}
	return pass(about(m.Filters, m.told()...), labels)
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
