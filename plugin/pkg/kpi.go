package main

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/gigawatch/gigawatch/aggregator/query"
)

// kpiModel asks for figures of sites.
type kpiModel struct {
	base
	KPIs     []string `json:"kpis,omitempty"`     // as the aggregator names them; none: pue
	Shape    string   `json:"shape,omitempty"`    // value: a number each; series; table: with what they rest on
	Period   string   `json:"period,omitempty"`   // range; today: since the site's midnight
	Step     string   `json:"step,omitempty"`     // of a series: whole hours, or day, month, year by the site's midnight
	Category int      `json:"category,omitempty"` // where IT energy is metered: 1, 2, 3; 0: the outermost that is
	Part     string   `json:"part,omitempty"`     // of the site, for its partial PUE

	step     time.Duration
	calendar string
}

func (m *kpiModel) check() error {
	if len(m.KPIs) == 0 {
		m.KPIs = []string{"pue"}
	}
	if err := eachOf("kpi", m.KPIs, query.KPINames()...); err != nil {
		return err
	}
	if err := oneOf("shape", &m.Shape, "value", "series", "table"); err != nil {
		return err
	}
	if err := oneOf("period", &m.Period, "range", "today"); err != nil {
		return err
	}
	if m.Category < 0 || m.Category > 3 {
		return wrong("category %d is not known; write 1 (UPS output), 2 (PDU output), 3 (IT input), or leave it out", m.Category)
	}
	if m.Part != "" && !slices.Equal(m.KPIs, []string{"pue"}) {
		return wrong("of a part of the site there is the PUE alone; write kpis=pue")
	}
	if m.Period == "today" && m.Shape == "series" {
		return wrong("period=today is one figure; write shape=value, or period=range with step=1h")
	}
	if slices.Contains([]string{"day", "month", "year"}, m.Step) {
		m.calendar = m.Step
		return nil
	}
	var err error
	if m.step, err = readStep(m.Step); err == nil && m.step%time.Hour != 0 {
		err = wrong("step %s: the ledger is kept by the hour; write a whole number of hours, or day, month or year", m.Step)
	}
	return err
}

// asked is m as the aggregator is asked for it.
func (m *kpiModel) asked(q *question, site string) query.KPIQuestion {
	out := query.KPIQuestion{Site: site, KPIs: m.KPIs, Category: m.Category, Part: m.Part}
	if m.Period == "today" {
		return out
	}
	var step time.Duration
	out.From, out.To, step = q.hours(m.step)
	switch {
	case m.calendar != "":
		out.Calendar = m.calendar
	case m.Shape == "series" || m.step > 0:
		out.Step = step
	}
	return out
}

func (m *kpiModel) answer(a *asking) (*result, error) {
	sites, notes, err := a.sites()
	if err != nil {
		return nil, err
	}
	lists, of, failed, err := each(a, sites, func(ctx context.Context, s siteOf) (*query.KPIs, error) {
		return m.figures(ctx, a, s)
	})
	if err != nil {
		return nil, err
	}
	out := &result{notes: warnings(append(notes, failed...))}
	for i, l := range lists {
		if l.Truncated {
			out.notes = append(out.notes, warning("%s: figures were cut: ask for a shorter time or a longer step", of[i].name))
		}
		out.notes = append(out.notes, figureNotes(of[i].name, l.KPIs)...)
	}
	if m.Shape == "table" && !a.fromAlert { // a rule takes numbers
		t, more := figureTable(lists, of, a.most(a.limits.Rows))
		out.frames, out.notes = data.Frames{t.frame}, append(out.notes, more...)
		return out, nil
	}
	var list []series
	for i, l := range lists {
		figures, running := figureSeries(of[i].name, l.KPIs, several(sites), m.Shape == "series" && !a.fromAlert)
		list, out.notes = append(list, figures...), append(out.notes, running...)
	}
	list, more := cut(list, a.most(a.limits.Series), "figures")
	out.notes = append(out.notes, more...)
	if m.Shape != "series" {
		out.frames = asNumbers(list)
	} else {
		out.frames = overTime(list)
	}
	return out, nil
}

// inTonnes is k with its kilograms as tonnes, which are what people reckon with and
// what Grafana does not make of kilograms by itself.
func inTonnes(k *query.KPI) *query.KPI {
	if k.Unit != "kg" {
		return k
	}
	t := *k
	t.Unit = "t"
	if k.Value != nil {
		v := *k.Value / 1000
		t.Value = &v
	}
	return &t
}

// figureSeries is a series of each KPI. Apart are amounts of an interval that is not
// over; a ratio is as good in half of one.
func figureSeries(site string, kpis []query.KPI, several, apart bool) (list []series, notes []data.Notice) {
	index := map[string]int{}
	now := time.Now()
	for i := range kpis {
		k := inTonnes(&kpis[i])
		key, running := k.Name, apart && now.Before(k.To) && k.Unit != "ratio" && !strings.Contains(k.Unit, "_per_")
		if running {
			key += soFar
			if len(notes) == 0 {
				notes = append(notes, runningNote(k.From, k.To))
			}
		}
		at, ok := index[key]
		if !ok {
			at = len(list)
			index[key] = at
			list = append(list, series{name: k.Name, labels: labelsOf("site", site, "part", k.Part), config: figureConfig(k.Name, k.Unit), display: figureTitle(k.Name)})
			if k.Unit == "t" {
				list[at].config.Unit = "masst"
			}
			list[at].config.Description = basis(k, true)
			if k.Part != "" {
				list[at].display += " of " + k.Part
			}
			if several {
				list[at].display += " " + site
			}
			if running {
				list[at].labels["interval"] = "running"
				list[at].display += soFar
			}
		}
		if len(list[at].times) > 0 { // each has a coverage of its own
			list[at].config.Description = basis(k, false)
		}
		list[at].times, list[at].values = append(list[at].times, k.From), append(list[at].values, k.Value)
	}
	return list, notes
}

// basis is what a figure rests on, for who points at it.
func basis(k *query.KPI, alone bool) string {
	var parts []string
	if k.Method != "" {
		parts = append(parts, k.Method)
	}
	if c := categoryTitle(k.Category); c != "" {
		parts = append(parts, "IT energy at category "+c)
	}
	if alone && k.Value != nil {
		parts = append(parts, percent(k.Coverage)+" of the time is covered")
	}
	return strings.Join(parts, ". ")
}

// figureNotes say why figures are null, what to know of them and what they rest
// on.
func figureNotes(site string, kpis []query.KPI) (out []data.Notice) {
	reasons, flags := map[string]int{}, map[string]bool{}
	least, needed, of := 1.0, 0.0, ""
	for i := range kpis {
		k := &kpis[i]
		if k.Value == nil {
			reasons[figureTitle(k.Name)+": "+k.Reason]++
			continue
		}
		if k.Coverage < least {
			least, needed, of = k.Coverage, k.Needed, figureTitle(k.Name)
		}
		for _, f := range k.Flags {
			flags[figureTitle(k.Name)+": "+f.Text] = flags[figureTitle(k.Name)+": "+f.Text] || f.Wrong
		}
	}
	if len(reasons) > 0 {
		out = append(out, warning("%s: not known: %s", site, listed(reasons)))
	}
	if least < 0.9995 {
		n := warning("%s: %s rests on %s of its time", site, of, percent(least))
		if needed > 0 && least < needed {
			n.Text += ", less than the " + percent(needed) + " that it needs once the period is over"
		}
		out = append(out, n)
	}
	for i, f := range sortedKeys(flags) {
		if i == 5 {
			out = append(out, info("%s: %d more remarks; shape=table has all", site, len(flags)-i))
			break
		}
		n := info("%s: %s", site, f)
		if flags[f] {
			n = warning("%s: %s (must not be reported)", site, f)
		}
		out = append(out, n)
	}
	return out
}

func figureTable(lists []*query.KPIs, of []siteOf, most int) (*table, []data.Notice) {
	t := newTable(data.FrameTypeTable, text("site", "Site"), text("kpi", "Figure"), when("from", "From"), when("to", "To"), number("value", "Value", ""),
		text("unit", "Unit"), text("category", "IT metered at"), number("coverage", "Coverage", unitShare), number("needed", "Coverage needed", unitShare), number("measured", "Measured", unitShare),
		text("remarks", "Remarks"), text("reason", "Why not"), text("method", "Method"))
	n := 0
	for i, l := range lists {
		for j := range l.KPIs {
			k := inTonnes(&l.KPIs[j])
			if n++; n > most {
				continue
			}
			var flags []string
			for _, f := range k.Flags {
				flags = append(flags, f.Text)
			}
			var needed, measured *float64
			if k.Needed > 0 {
				needed = &k.Needed
			}
			if m, ok := k.Quality["measured"]; ok {
				measured = toTenths(m)
			}
			reason := ""
			if k.Value == nil {
				reason = k.Reason
			}
			t.row(of[i].name, figureTitle(k.Name), &k.From, &k.To, k.Value, unitTitle(k.Unit), categoryTitle(k.Category), toTenths(k.Coverage), needed, measured, strings.Join(flags, "; "), reason, k.Method)
		}
	}
	if n > most {
		return t, []data.Notice{warning("%d of %d figures are shown: ask for fewer, or raise limit and the data source's limits", most, n)}
	}
	return t, nil
}

func categoryTitle(c int) string {
	if c < 1 || c > 3 {
		return ""
	}
	return [...]string{"1, UPS output", "2, PDU output", "3, IT input"}[c-1]
}
