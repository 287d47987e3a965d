package main

import (
	"context"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/query"
)

// figuresKept is how long figures of a time are kept: as long as the panels of one
// dashboard ask, each for its own.
const figuresKept = 2 * time.Second

// figures are what the aggregator says of a site. All of one time rest on the same
// hours of its ledger, which are read once for all of them: panels that ask for one
// each share the answer. Of many intervals each panel asks for its own.
func (m *kpiModel) figures(ctx context.Context, a *asking, s siteOf) (*query.KPIs, error) {
	q := m.asked(a.question, s.name)
	own := func() (*query.KPIs, error) { return ask[query.KPIs](ctx, s.by, "/api/v1/kpi", q.Values()) }
	if m.Part != "" || q.Step > 0 || q.Calendar != "" {
		return own()
	}
	every := q
	every.KPIs = query.KPINames()
	v := every.Values()
	of, err := cached(ctx, a.fleet.figures, s.by.name+" kpi "+v.Encode(), func(ctx context.Context) (*query.KPIs, error) {
		return ask[query.KPIs](ctx, s.by, "/api/v1/kpi", v)
	})
	if refusedFor(err) || err == nil && of.Truncated { // of some it may answer
		return own()
	}
	if err != nil {
		return nil, err
	}
	out := *of
	out.KPIs = nil
	for _, name := range m.KPIs {
		for i := range of.KPIs {
			if of.KPIs[i].Name == name {
				out.KPIs = append(out.KPIs, of.KPIs[i])
			}
		}
	}
	return &out, nil
}
