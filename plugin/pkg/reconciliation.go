package main

import (
	"context"
	"strings"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/gigawatch/gigawatch/aggregator/query"
)

// reconciliationModel asks what each stage of the power tree shows, and what
// stands below it.
type reconciliationModel struct {
	base
	Stages   []string `json:"stages,omitempty"`   // facility, ups, pdu, meter, hosts, gpus, rack, host; none: all
	Findings []string `json:"findings,omitempty"` // ok, lacking, exceeds, unknown; none: all
	Shape    string   `json:"shape,omitempty"`    // table; gap: what is missing below, in percent, for rules
}

func (m *reconciliationModel) check() error {
	if err := eachOf("stage", m.Stages, "facility", "ups", "pdu", "meter", "hosts", "gpus", "rack", "host"); err != nil {
		return err
	}
	if err := eachOf("finding", m.Findings, "ok", "lacking", "exceeds", "unknown"); err != nil {
		return err
	}
	return oneOf("shape", &m.Shape, "table", "gap")
}

func (m *reconciliationModel) answer(a *asking) (*result, error) {
	sites, notes, err := a.sites("stage", "name", "finding")
	if err != nil {
		return nil, err
	}
	from, to, _ := a.hours(0)
	most := a.most(a.limits.Rows)
	lists, of, failed, err := each(a, sites, func(ctx context.Context, s siteOf) (*query.Reconciliation, error) {
		q := query.ReconciliationQuestion{Site: s.name, Stages: m.Stages, Findings: m.Findings, From: from, To: to, Limit: most}
		return ask[query.Reconciliation](ctx, s.by, "/api/v1/reconciliation", q.Values())
	})
	if err != nil {
		return nil, err
	}
	out := &result{notes: warnings(append(notes, failed...))}
	t := newTable(data.FrameTypeTable, text("site", "Site"), text("stage", "Stage"), text("name", "Name"), column("finding", stateConfig("Finding"), ""), number("above", "Above", "kwatth"), number("below", "Below", "kwatth"),
		number("gap", "Gap", unitWh), number("percent", "Gap in percent", "percent"), number("low", "Expected from", "percent"), number("high", "Expected to", "percent"), number("coverage", "Coverage", unitShare),
		count("children", "Below it"), text("missing", "Not known"), when("from", "From"), when("to", "To"))
	gaps := newTable(data.FrameTypeNumericLong, text("site", "Site"), text("stage", "Stage"), text("name", "Name"), number("percent", "Gap in percent", "percent"))
	n := 0
	for i, l := range lists {
		unknown := 0
		for j := range l.Gaps {
			g := &l.Gaps[j]
			if !pass(m.Filters, labelsOf("site", of[i].name, "stage", g.Stage, "name", g.Name, "finding", g.Finding)) {
				continue
			}
			if n++; n > most {
				continue
			}
			if g.Finding == "unknown" {
				unknown++
			}
			t.row(of[i].name, g.Stage, g.Name, g.Finding, g.AboveKWh, g.BelowKWh, g.GapWh, g.Percent, &g.Low, &g.High, toTenths(g.Coverage), int64(g.Children), strings.Join(g.Missing, "; "), ptr(g.From), ptr(g.To))
			gaps.row(of[i].name, g.Stage, g.Name, g.Percent)
		}
		if unknown > 0 {
			out.notes = append(out.notes, warning("%s: of %d stages above or below is not known; the column says what", of[i].name, unknown))
		}
		if l.Truncated || n > most {
			out.notes = append(out.notes, warning("%s: stages were cut at %d: choose some, or findings, or raise limit and the data source's limits", of[i].name, most))
		}
	}
	out.notes = append(out.notes, info("the ledger is kept by the hour: this is from %s to %s UTC", from.Format("2006-01-02 15:04"), to.Format("2006-01-02 15:04")))
	out.frames = data.Frames{t.frame}
	if m.Shape == "gap" || a.fromAlert {
		out.frames = data.Frames{gaps.frame}
	}
	return out, nil
}

func ptr(t time.Time) *time.Time { return &t }

// reportModel asks how far the figures of a site are fit to be reported for the
// calendar year that the range ends in.
type reportModel struct{ base }

func (m *reportModel) check() error { return nil }

func (m *reportModel) answer(a *asking) (*result, error) {
	sites, notes, err := a.sites()
	if err != nil {
		return nil, err
	}
	end := a.to.Add(-time.Millisecond)
	from := time.Date(end.Year(), 1, 1, 0, 0, 0, 0, time.UTC)
	to := end.Truncate(time.Hour).Add(time.Hour)
	lists, of, failed, err := each(a, sites, func(ctx context.Context, s siteOf) (*query.KPIs, error) {
		q := query.KPIQuestion{Site: s.name, From: from, To: to, Calendar: "year"}
		return ask[query.KPIs](ctx, s.by, "/api/v1/kpi", q.Values())
	})
	if err != nil {
		return nil, err
	}
	out := &result{notes: warnings(append(notes, failed...))}
	t := newTable(data.FrameTypeTable, text("site", "Site"), text("year", "Year"), text("figure", "Figure"), column("status", reportColours(), ""), number("value", "Value so far", ""), text("unit", "Unit"),
		number("coverage", "Coverage", unitShare), number("needed", "Coverage needed", unitShare), text("what", "What it lacks"), text("category", "IT metered at"))
	numbers := newTable(data.FrameTypeNumericLong, text("site", "Site"), text("figure", "Figure"), number("ready", "Ready", ""))
	for i, l := range lists {
		for j := range l.KPIs {
			k := inTonnes(&l.KPIs[j])
			status, what := readiness(k)
			var needed *float64
			if k.Needed > 0 {
				needed = &k.Needed
			}
			ready := 0.0
			if status == "ready" {
				ready = 1
			}
			t.row(of[i].name, k.From.Format("2006"), figureTitle(k.Name), status, k.Value, unitTitle(k.Unit), toTenths(k.Coverage), needed, what, categoryTitle(k.Category))
			numbers.row(of[i].name, k.Name, &ready)
		}
	}
	out.notes = append(out.notes, info("how far the figures are fit to be reported; this aggregator says nothing of reports that were handed in"))
	out.frames = data.Frames{t.frame}
	if a.fromAlert {
		out.frames = data.Frames{numbers.frame}
	}
	return out, nil
}

// readiness says whether a figure could be reported, and what it lacks.
func readiness(k *query.KPI) (status, what string) {
	var wrongs, remarks []string
	for _, f := range k.Flags {
		if f.Wrong {
			wrongs = append(wrongs, f.Text)
		} else {
			remarks = append(remarks, f.Text)
		}
	}
	switch {
	case k.Value == nil:
		return "missing", k.Reason
	case len(wrongs) > 0:
		return "not fit", strings.Join(wrongs, "; ")
	case k.Needed > 0 && k.Coverage < k.Needed:
		return "short", "it rests on " + percent(k.Coverage) + " of the time, and needs " + percent(k.Needed)
	}
	return "ready", strings.Join(remarks, "; ")
}

func reportColours() data.FieldConfig {
	return data.FieldConfig{DisplayNameFromDS: "Status", Mappings: data.ValueMappings{data.ValueMapper{
		"ready": {Color: "green", Index: 0}, "short": {Color: "orange", Index: 1}, "missing": {Color: "purple", Index: 2}, "not fit": {Color: "red", Index: 3},
	}}}
}
