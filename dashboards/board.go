package main

import (
	"regexp"
	"slices"

	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// A board is one dashboard.
type board struct {
	uid      string
	title    string
	person   string // who keeps it open
	question string // that it answers
	since    string // how far back it looks at first
	refresh  string
	chosen   []variable
	next     []string // uids of the boards that go on from here
	events   []string // marked on its graphs
	rows     []row
}

// A row is panels beside one another; those that do not fit go below.
type row struct {
	title  string // "": it has no header
	high   uint32
	panels []panel
}

// A panel is kind, width (of 24), title, help, unit, what it asks and how it looks.
type panel struct {
	kind  kind
	wide  uint32
	title string
	help  string
	unit  string
	asks  []ask
	look  look
}

// prefix of all uids.
const prefix = "gigawatch-"

// tag is what all dashboards of Gigawatch carry.
const tag = "gigawatch"

func asks(a ...ask) []ask { return a }

func (b *board) dashboard() dashboard.Dashboard {
	d := dashboard.Dashboard{
		Uid: ptr(prefix + b.uid), Title: ptr(b.title), Description: ptr("For " + b.person + ": " + b.question),
		Tags: []string{tag}, Timezone: ptr("browser"), Editable: ptr(true), GraphTooltip: ptr(dashboard.DashboardCursorSyncCrosshair),
		Time: &dashboard.DashboardDashboardTime{From: b.since, To: "now"}, Refresh: ptr(b.refresh),
		Timepicker:    &dashboard.TimePickerConfig{RefreshIntervals: []string{"5s", "10s", "30s", "1m", "5m", "15m", "1h"}},
		SchemaVersion: 42, Links: b.links(), Annotations: dashboard.AnnotationContainer{List: b.marks()},
	}
	d.Templating.List = append(d.Templating.List, sourceVariable())
	for i := range b.chosen {
		d.Templating.List = append(d.Templating.List, b.chosen[i].model())
	}
	id, y := uint32(0), uint32(0)
	for i := range b.rows {
		r := &b.rows[i]
		if r.title != "" {
			id++
			d.Panels = append(d.Panels, dashboard.PanelOrRowPanel{RowPanel: &dashboard.RowPanel{
				Type: "row", Title: ptr(r.title), Id: id, GridPos: &dashboard.GridPos{H: 1, W: 24, Y: y}, Panels: []dashboard.Panel{},
			}})
			y++
		}
		x := uint32(0)
		for j := range r.panels {
			p := &r.panels[j]
			if x+p.wide > 24 {
				x, y = 0, y+r.high
			}
			id++
			one := p.panel()
			one.Id, one.GridPos = ptr(id), &dashboard.GridPos{H: r.high, W: p.wide, X: x, Y: y}
			d.Panels = append(d.Panels, dashboard.PanelOrRowPanel{Panel: &one})
			x += p.wide
		}
		y += r.high
	}
	return d
}

func (p *panel) panel() dashboard.Panel {
	s := shapes[p.kind]
	p.look.wide = p.wide
	out := dashboard.Panel{
		Type: s.plugin, Title: ptr(p.title), Description: ptr(p.helped()), Datasource: &common.DataSourceRef{Type: ptr(plugin), Uid: ptr("${ds}")},
		Options: s.options(&p.look), FieldConfig: p.fields(p.custom(s.custom(&p.look))), Transformations: p.transformations(),
	}
	if p.look.since != "" {
		out.TimeFrom = ptr(p.look.since)
	}
	if p.look.points > 0 {
		out.MaxDataPoints = ptr(float64(p.look.points))
	}
	for i, a := range p.asks {
		if a.RefID = string(rune('A' + i)); a.name != "" {
			a.RefID = a.name
		}
		if a.Kind == "promql" && a.Mode == "" && a.Step == "" {
			a.Step = stored
		}
		if a.Kind == "promql" && none.MatchString(p.look.empty) {
			if a.Unread = a.unread(); a.Legend == "" && a.Mode == "" { // the name of what was not read too
				a.Legend = a.name
			}
		}
		out.Targets = append(out.Targets, a)
	}
	return out
}

// none is what a panel says of what is not there at all. What is there and was not
// read is told apart from that.
var none = regexp.MustCompile(`^(No (facility|meter|grid|provider|water|source|sensor|interface|disk|file|fabric|NVMe|PDU)|The (board|driver|agent) (does not say|has no)|The host has no|Profiling)|: no `)

// helped is the help, with what is so of all panels that ask alike.
func (p *panel) helped() string {
	if p.kind == lines && slices.ContainsFunc(p.asks, ask.isMean) {
		return p.help + " Each point is the mean of the time up to it, not a moment."
	}
	if p.kind != columns {
		return p.help
	}
	help, booked := p.help, slices.ContainsFunc(p.asks, ask.isBooked)
	if booked {
		help += " An interval in which a job ran for a part only has the mean of the whole of it."
	}
	switch {
	case slices.ContainsFunc(p.asks, ask.ofIntervals) && booked:
		help += " What is pale, and named “so far”, is the mean since an interval began that is not over."
	case slices.ContainsFunc(p.asks, ask.ofIntervals):
		help += " What is pale is not over."
	case booked:
		help += " The last one is not over: it has the mean since it began."
	}
	return help
}

// custom is what the kind sets, as far as this panel is another.
func (p *panel) custom(c map[string]any) map[string]any {
	switch {
	case p.kind == list:
		c["filterable"] = p.wide >= 16
	case p.kind == lines || p.kind == columns:
		most := p.look.most
		if most == nil && !p.look.anyBase && p.unit == share {
			most = ptr(1.0)
		}
		if most == nil && !p.look.anyBase && p.unit == count { // else nothing but zeros is drawn up to 100
			most = ptr(5.0)
		}
		if most != nil {
			c["axisSoftMax"] = *most
		}
		if len(p.asks) == 1 && p.asks[0].name != "" && !p.look.stacked && p.kind == lines {
			c["fillOpacity"] = 10
		}
	}
	return c
}

// stored is the distance of the store's points.
const stored = "10s"

// mostMarks is how many events a graph bears, the newest.
const mostMarks = 200

// marks are Grafana's own annotations, and what happened at the site.
func (b *board) marks() []dashboard.AnnotationQuery {
	own := dashboard.AnnotationQuery{
		Name: "Annotations & Alerts", Datasource: &common.DataSourceRef{Type: ptr("grafana"), Uid: ptr("-- Grafana --")},
		Enable: true, Hide: ptr(true), IconColor: "rgba(0, 211, 255, 1)", Type: ptr("dashboard"), BuiltIn: ptr(1.0),
	}
	if len(b.events) == 0 {
		return []dashboard.AnnotationQuery{own}
	}
	a := question("annotations")
	a.RefID, a.What, a.Limit = "Anno", b.events, mostMarks
	if slices.ContainsFunc(b.chosen, func(v variable) bool { return v.name == "host" }) {
		a.Host = "$host"
	}
	return []dashboard.AnnotationQuery{own, {
		Name: "Events", Datasource: &common.DataSourceRef{Type: ptr(plugin), Uid: ptr("${ds}")}, Enable: true, IconColor: unknown, Target: a,
	}}
}

// links lead to the boards that go on from here, with what is chosen, and to all.
func (b *board) links() (out []dashboard.DashboardLink) {
	for _, uid := range b.next {
		out = append(out, dashboard.DashboardLink{
			Title: titleOf(uid), Type: dashboard.DashboardLinkTypeLink, Icon: "external link", Tooltip: "With what is chosen here",
			Url: ptr("/d/" + prefix + uid), Tags: []string{}, IncludeVars: true, KeepTime: true,
		})
	}
	return append(out, dashboard.DashboardLink{
		Title: "All dashboards", Type: dashboard.DashboardLinkTypeDashboards, Icon: "external link", Tooltip: "All of Gigawatch",
		Tags: []string{tag}, AsDropdown: true, IncludeVars: true, KeepTime: true,
	})
}
