package main

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"
)

// promqlModel is an expression in PromQL.
type promqlModel struct {
	base
	Expr   string `json:"expr"`
	Mode   string `json:"mode,omitempty"`   // range, instant
	Legend string `json:"legend,omitempty"` // {{label}}; "": by what the labels say
	Step   string `json:"step,omitempty"`   // the least
	Unit   string `json:"unit,omitempty"`   // as Grafana names it; "": of the metric, where it is one
	Format string `json:"format,omitempty"` // series; table: of an instant
	Unread string `json:"unread,omitempty"` // stands for values where there are none, of what is known to the aggregator and was not read in the range

	step time.Duration
}

const maxExpr = 8192

func (m *promqlModel) check() error {
	if strings.TrimSpace(m.Expr) == "" {
		return wrong("the expression is empty; write one such as site_power_watts{boundary=\"it\"}")
	}
	if len(m.Expr) > maxExpr {
		return wrong("the expression has %d characters; at most %d are taken", len(m.Expr), maxExpr)
	}
	if err := oneOf("mode", &m.Mode, "range", "instant"); err != nil {
		return err
	}
	if err := oneOf("format", &m.Format, "series", "table"); err != nil {
		return err
	}
	if m.Format == "table" && m.Mode == "range" {
		return wrong("a table is of one instant; write mode=instant")
	}
	var err error
	m.step, err = readStep(m.Step)
	return err
}

func (m *promqlModel) answer(a *asking) (*result, error) {
	least := cmp.Or(m.step, stored)
	terms, g := macrosOf(a.question, least), a.grid(least)
	terms["filters"] = matchers(nil, m.Filters)
	expr, err := terms.expand(m.Expr)
	if err != nil {
		return nil, err
	}
	unused := len(m.Filters) > 0 && !strings.Contains(m.Expr, "__filters")
	if unused && a.fromAlert {
		return nil, wrong("the filters are not in the expression; write them into its selectors, as in site_power_watts{$__filters}, or leave them out")
	}
	legend, err := terms.expand(m.Legend)
	if err != nil {
		return nil, err
	}
	callers, notes, err := m.asked(a)
	if err != nil {
		return nil, err
	}
	lists, of, failed, err := each(a, callers, func(ctx context.Context, s siteOf) (*answered, error) {
		if m.Mode == "instant" {
			return atInstant(ctx, s.by, expr, a.to)
		}
		return overRange(ctx, s.by, expr, g)
	})
	if err != nil {
		return nil, err
	}
	out := &result{notes: warnings(append(notes, failed...))}
	if unused {
		out.notes = append(out.notes, warning("the dashboard's filters do not narrow this down; write them into the expression's selectors, as in site_power_watts{$__filters}"))
	}
	several := m.several(a)
	var list []series
	for i, l := range lists {
		got := l.series(g, "", data.FieldConfig{})
		for j := range got {
			if m.Unit != "" {
				got[j].config.Unit = m.Unit
			}
			if got[j].display = m.named(legend, &got[j]); legend == "" {
				got[j].display = named(got[j].name, got[j].labels, several)
			}
			if len(lists) > 1 && got[j].labels["site"] == "" { // else those of two aggregators could be alike
				got[j].labels["aggregator"] = of[i].by.name
			}
		}
		list = append(list, got...)
		out.notes = append(out.notes, warnings(l.warnings)...)
	}
	if legend == "" {
		tellApart(list)
	}
	list, more := distinct(list)
	out.notes = append(out.notes, more...)
	list, more = cut(list, a.most(a.limits.Series), "series")
	out.notes = append(out.notes, more...)
	switch {
	case len(list) == 0 && m.Unread != "" && m.Format != "table" && !a.fromAlert && known(a, callers, expr):
		out.frames = m.unread(g)
	case m.Format == "table":
		out.frames = data.Frames{rowsOf(list).frame}
	case m.Mode == "instant":
		out.frames = asNumbers(list)
	default:
		out.frames = overTime(list)
	}
	for _, f := range out.frames {
		f.Meta.ExecutedQueryString = "Expr: " + expr + "\nStep: " + g.step.String()
	}
	return out, nil
}

// asked are the aggregators that an expression goes to, once each: those of the
// sites that it names, or all. The expression itself says of which sites it is.
func (m *promqlModel) asked(a *asking) (callers []siteOf, notes []string, err error) {
	if m.Site == "" || len(a.fleet.callers) == 1 {
		for _, c := range a.fleet.callers {
			callers = append(callers, siteOf{name: c.name, by: c})
		}
		return callers, nil, nil
	}
	sites, notes, err := a.chosen(m.Site)
	for _, s := range sites {
		if !slices.ContainsFunc(callers, func(o siteOf) bool { return o.by == s.by }) {
			callers = append(callers, s)
		}
	}
	return callers, notes, err
}

// several reports whether names have to say the site: not if one is chosen, or
// there is but one.
func (m *promqlModel) several(a *asking) bool {
	said := cmp.Or(strings.TrimSpace(m.Site), a.fleet.usual)
	if said != "" && said != all {
		return strings.Contains(said, ",")
	}
	known, _, err := a.fleet.sites(a)
	return err != nil || len(known) != 1
}

// named is what a series is called by its legend.
func (m *promqlModel) named(legend string, s *series) string {
	if legend == "" {
		return ""
	}
	return placeholder().ReplaceAllStringFunc(legend, func(found string) string {
		label := strings.Trim(found, "{} \t")
		if label == "__name__" {
			return s.name
		}
		return s.labels[label]
	})
}

// placeholder is {{label}} in a legend.
func placeholder() *regexp.Regexp { return regexp.MustCompile(`\{\{\s*[a-zA-Z_][a-zA-Z0-9_]*\s*\}\}`) }

// rowsOf is a row a series, a column a label.
func rowsOf(list []series) *table {
	used := map[string]bool{}
	for i := range list {
		for k := range list[i].labels {
			used[k] = true
		}
	}
	columns := []*data.Field{}
	var names []string
	for _, k := range append(labelNames(), sortedKeys(used)...) {
		if used[k] && !slices.Contains(names, k) {
			names, columns = append(names, k), append(columns, text(k, labelTitle(k)))
		}
	}
	config := data.FieldConfig{}
	if len(list) > 0 {
		config = list[0].config
	}
	config.DisplayNameFromDS = "Value"
	t := newTable(data.FrameTypeNumericLong, append(columns, column("value", config, (*float64)(nil)))...)
	for i := range list {
		row := make([]any, 0, len(names)+1)
		for _, k := range names {
			row = append(row, list[i].labels[k])
		}
		t.row(append(row, list[i].values[len(list[i].values)-1])...)
	}
	return t
}

// notice is the severity of what fires as long as all is well, such as a watchdog. It
// is listed, and not counted.
const notice = "notice"

// severityConfig colours severities; a notice is no fault.
func severityConfig() data.FieldConfig {
	return data.FieldConfig{DisplayNameFromDS: "Severity", Mappings: data.ValueMappings{data.ValueMapper{
		"critical": {Color: "red", Index: 0}, "warning": {Color: "orange", Index: 1}, "info": {Color: "blue", Index: 2}, notice: {Color: notKnown, Index: 3},
	}}}
}

// alertsModel asks which alerts there are.
type alertsModel struct {
	base
	State string `json:"state,omitempty"` // firing, pending; "": both
	Shape string `json:"shape,omitempty"` // table, count
}

func (m *alertsModel) check() error {
	if m.State != "" {
		if err := oneOf("state", &m.State, "firing", "pending"); err != nil {
			return err
		}
	}
	return oneOf("shape", &m.Shape, "table", "count")
}

// alertsAnswer is what /api/v1/alerts gives.
type alertsAnswer struct {
	Alerts []struct {
		Labels      map[string]string `json:"labels"`
		Annotations map[string]string `json:"annotations"`
		State       string            `json:"state"`
		ActiveAt    *time.Time        `json:"activeAt"`
		Value       string            `json:"value"`
	} `json:"alerts"`
}

func (m *alertsModel) answer(a *asking) (*result, error) {
	p := promqlModel{base: m.base}
	callers, notes, err := p.asked(a)
	if err != nil {
		return nil, err
	}
	lists, _, failed, err := each(a, callers, func(ctx context.Context, s siteOf) (*alertsAnswer, error) {
		return ask[alertsAnswer](ctx, s.by, "/api/v1/alerts", nil)
	})
	if err != nil {
		return nil, err
	}
	out := &result{notes: warnings(append(notes, failed...))}
	t := newTable(data.FrameTypeTable, text("state", "State"), column("severity", severityConfig(), ""), text("alertname", "Alert"), text("site", "Site"), when("since", "Since"), text("value", "Value"), text("summary", "Summary"), text("labels", "Labels"))
	counts, seen := map[[2]string]float64{{cmp.Or(m.State, "firing"), ""}: 0}, map[string]bool{}
	most, n := a.most(a.limits.Rows), 0
	for _, l := range lists {
		for _, x := range l.Alerts {
			if m.State != "" && m.State != x.State || !pass(m.Filters, x.Labels) || !meant(m.Site, x.Labels["site"]) {
				continue
			}
			if key := x.State + data.Labels(x.Labels).String(); x.Labels["site"] != "" { // a hub has its sites' alerts too
				if seen[key] {
					continue
				}
				seen[key] = true
			}
			if x.Labels["severity"] != notice {
				counts[[2]string{x.State, x.Labels["site"]}]++
			}
			if n++; n <= most {
				t.row(x.State, x.Labels["severity"], x.Labels["alertname"], x.Labels["site"], x.ActiveAt, x.Value, x.Annotations["summary"], data.Labels(x.Labels).String())
			}
		}
	}
	if n > most {
		out.notes = append(out.notes, warning("%d of %d alerts are shown", most, n))
	}
	if m.Shape == "count" || a.fromAlert {
		t = newTable(data.FrameTypeNumericLong, text("state", "State"), text("site", "Site"), column("count", data.FieldConfig{DisplayNameFromDS: "Alerts"}, (*float64)(nil)))
		for _, k := range sortedPairs(counts) {
			v := counts[k]
			t.row(k[0], k[1], &v)
		}
	}
	out.frames = data.Frames{t.frame}
	return out, nil
}

func sortedPairs(m map[[2]string]float64) [][2]string {
	var keys [][2]string
	for k := range m {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b [2]string) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	return keys
}

// meant reports whether site is among those said; what is of no site always is.
func meant(said, site string) bool {
	if said == "" || said == all || site == "" {
		return true
	}
	for s := range strings.SplitSeq(said, ",") {
		if strings.TrimSpace(s) == site {
			return true
		}
	}
	return false
}
