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
