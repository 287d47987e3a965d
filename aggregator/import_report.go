package main

import (
	"fmt"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/aggregator/internal/intake"
	"github.com/gigawatch/gigawatch/aggregator/query"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// Bounds of what is said of imports.
const (
	mostImports = 1000
	mostLines   = 5000 // of meters, and of months
)

// options are what q says of a file, and what the site does.
func (i *importer) options(q *query.ImportQuestion) (o intake.Options, err error) {
	o = intake.Options{
		Name: q.Name, Meter: q.Meter, Columns: q.Columns, Unit: q.Unit, Labelled: q.Labelled, Decimal: q.Decimal, Dates: q.Dates, Negative: q.Negative,
		Registers: q.Registers, Settlement: q.Settlement,
	}
	if s := i.site(q.Site); s != nil {
		o.Meters, o.Location = metersOf(s), s.TimeZone
	}
	if q.TimeZone != "" {
		if o.Location, err = time.LoadLocation(q.TimeZone); err != nil || q.TimeZone == "Local" {
			return o, fmt.Errorf("time zone %q is none; write it as Europe/Brussels", q.TimeZone)
		}
	}
	if q.Kind != "" {
		var ok bool
		if o.Kind, ok = intake.ParseKind(q.Kind); !ok {
			return o, fmt.Errorf("kind %q is none of counter, interval, power", q.Kind)
		}
	}
	if o.Step, err = intake.ParseStep(q.Interval); err != nil {
		return o, err
	}
	for _, text := range q.Totals {
		t, err := intake.ParseTotal(text)
		if err != nil {
			return o, err
		}
		o.Totals = append(o.Totals, t)
	}
	// What the collectors read has a name in the books, too.
	o.Other = func(name string) (m intake.Meter, ok bool, err error) {
		for _, n := range []metric.Number{metric.MeterEnergyJoules, metric.MeterWater, metric.MeterHeatJoules} {
			if ok, err = i.ledger.Knows(q.Site, name, n); ok || err != nil {
				return intake.Meter{Name: name, Metric: n}, ok, err
			}
		}
		return m, false, nil
	}
	return o, nil
}

func instant(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

func amountShown(w account.Wide, n metric.Number) query.ImportAmount {
	return query.ImportAmount{Exact: w.String(), Text: intake.Amount(w, n)}
}

// reported is a plan as readers see it; done is what was applied of it.
func reported(p *intake.Plan, done *account.Receipt) *query.ImportReport {
	f := p.File
	a := &query.ImportReport{
		Site: p.Site, ID: p.ID, File: f.Name(), SHA256: f.SHA256, Bytes: f.Bytes, TimeZone: p.Location().String(), Applied: done != nil, Rows: f.Rows, Bad: p.Bad,
		Missing: f.Missing, Other: f.Other, Footers: f.Footers, Meters: []query.ImportMeter{}, Months: []query.ImportMonth{},
		Problems: problemsShown(p.Problems), Stops: problemsShown(p.Stops), Notes: append([]string{}, p.Notes...), Truncated: p.Bad > len(p.Problems),
	}
	for _, t := range p.Tracks {
		a.Doubles += t.Doubles
		if len(a.Meters) == mostLines {
			a.Truncated = true
			continue
		}
		m := query.ImportMeter{
			Meter: t.Meter, Kind: t.Kind.String(), From: instant(t.From), To: instant(t.To), Rows: t.Rows, Doubles: t.Doubles,
			Gaps: t.Gaps, GapSeconds: t.GapTime / 1000, FirstGaps: []query.ImportGap{}, Outside: amountShown(t.Outside, t.Metric),
		}
		if t.Kind != intake.Counter && !t.Step.IsZero() {
			m.Labelled, m.Interval = t.Labelled, t.Step.String()
		}
		for _, g := range t.First {
			m.FirstGaps = append(m.FirstGaps, query.ImportGap{From: instant(g.From), To: instant(g.To)})
		}
		a.Meters = append(a.Meters, m)
	}
	for i := range p.Months {
		if len(a.Months) == mostLines {
			a.Truncated = true
			break
		}
		m := &p.Months[i]
		line := query.ImportMonth{
			Meter: m.Meter, Month: m.Month, File: amountShown(m.Amount, m.Metric), Before: amountShown(m.Before, m.Metric), After: amountShown(m.After, m.Metric),
			Quarters: m.Quarters, Of: m.Of, New: m.New, Unchanged: m.Unchanged, Shadowed: m.Shadowed, Estimated: m.Estimated,
		}
		if m.Total != nil {
			total := amountShown(*m.Total, m.Metric)
			line.Total = &total
		}
		a.Months = append(a.Months, line)
	}
	if done != nil {
		a.Receipt = receiptShown(p.Site, p.ID, done, p.Bad)
	}
	return a
}

func problemsShown(ps []intake.Problem) []query.ImportProblem {
	out := []query.ImportProblem{}
	for _, p := range ps {
		out = append(out, query.ImportProblem{Line: p.Line, Column: p.Column, Text: p.Text, Fix: p.Fix, Alike: p.Alike, Last: p.Last})
	}
	return out
}

func receiptShown(site, id string, r *account.Receipt, skipped int) *query.ImportReceipt {
	return &query.ImportReceipt{
		Site: site, ID: id, Quarters: r.Quarters, Unchanged: r.Unchanged, Shadowed: r.Shadowed, Estimated: r.Estimated, Skipped: skipped,
		Before: r.Before.String(), After: r.After.String(),
	}
}
