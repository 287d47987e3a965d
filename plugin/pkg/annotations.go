package main

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/gigawatch/gigawatch/aggregator/query"
)

// annotationsModel asks what happened, to be marked on graphs.
type annotationsModel struct {
	base
	What []string `json:"what,omitempty"` // health, meter, restatement; none: all
	Host string   `json:"host,omitempty"` // of health
}

func (m *annotationsModel) check() error {
	if len(m.What) == 0 {
		m.What = []string{"health", "meter", "restatement"}
	}
	return eachOf("what", m.What, "health", "meter", "restatement")
}

// A mark is one event. Without an end it is a moment, or goes on.
type mark struct {
	from        time.Time
	to          *time.Time
	title, text string
	tags        []string
}

func (m *annotationsModel) answer(a *asking) (*result, error) {
	sites, notes, err := a.sites("hall", "rack", "host", "gpu", "uuid", "model", "meter", "role", "state")
	if err != nil {
		return nil, err
	}
	lists, _, failed, err := each(a, sites, func(ctx context.Context, s siteOf) ([]mark, error) {
		var out []mark
		for _, w := range m.What {
			var got []mark
			var err error
			switch w {
			case "health":
				got, err = m.health(ctx, a, s, several(sites))
			case "meter":
				got, err = m.meter(ctx, a, s)
			default:
				got, err = m.restated(ctx, a, s)
			}
			if err != nil {
				return nil, err
			}
			out = append(out, got...)
		}
		return out, nil
	})
	if err != nil {
		return nil, err
	}
	marks := slices.Concat(lists...)
	slices.SortStableFunc(marks, func(x, y mark) int { return y.from.Compare(x.from) })
	marks, more := cut(marks, a.most(a.limits.Rows), "events") // the newest
	slices.Reverse(marks)
	t := newTable(data.FrameTypeTable, column("time", data.FieldConfig{}, time.Time{}), when("timeEnd", "End"), text("title", "What"), text("text", "Text"), text("tags", "Tags"))
	for _, x := range marks {
		t.row(x.from, x.to, x.title, x.text, strings.Join(x.tags, ","))
	}
	return &result{data.Frames{t.frame}, append(warnings(append(notes, failed...)), more...)}, nil
}

// health is what needs a person, from when it began.
func (m *annotationsModel) health(ctx context.Context, a *asking, s siteOf, several bool) (out []mark, err error) {
	got, err := ask[query.HealthReport](ctx, s.by, "/api/v1/health", url.Values{"site": {s.name}, "limit": {fmt.Sprint(a.limits.Rows)}})
	if err != nil {
		return nil, err
	}
	for _, site := range got.Sites {
		for _, v := range site.Subjects {
			labels := labelsOf("site", s.name, "hall", v.Hall, "rack", v.Rack, "host", v.Host, "gpu", v.GPU, "uuid", v.UUID, "model", v.Model)
			if m.Host != "" && m.Host != v.Host || !pass(m.Filters, labels) {
				continue
			}
			for _, f := range v.Findings {
				if !f.Since.Before(a.to) || f.Last != nil && f.Last.Before(a.from) {
					continue
				}
				x := mark{from: latest(f.Since, a.from), title: f.State + ": " + named(v.Host, labels, several), text: f.Evidence + ". " + f.Advice, tags: []string{"health", f.State, f.Cause}}
				if f.Last != nil {
					x.to = f.Last
				}
				out = append(out, x)
			}
		}
	}
	return out, nil
}

// meter is when a meter was anything but ok.
func (m *annotationsModel) meter(ctx context.Context, a *asking, s siteOf) (out []mark, err error) {
	q := *a.question
	q.points = min(q.points, 500)
	g := q.grid(stored)
	got, err := overRange(ctx, s.by, fmt.Sprintf(`meter_state{%s} == 1`, matchers([][2]string{{"site", s.name}}, append([]filter{{Key: "state", Operator: "!=", Value: "ok"}}, m.Filters...))), g)
	if err != nil {
		return nil, err
	}
	for _, one := range got.series(g, "", data.FieldConfig{}) {
		var open *mark
		for i, v := range one.values {
			switch {
			case v != nil && open == nil:
				open = &mark{from: one.times[i], title: "meter " + one.labels["meter"] + " " + one.labels["state"], tags: []string{"meter", one.labels["state"], one.labels["role"]},
					text: "Meter " + one.labels["meter"] + " (" + strings.ReplaceAll(one.labels["role"], "_", " ") + ") is " + one.labels["state"] + "."}
			case v == nil && open != nil:
				open.to = &one.times[i]
				out = append(out, *open)
				open = nil
			}
		}
		if open != nil {
			out = append(out, *open)
		}
	}
	return out, nil
}

// restated is what was imported, at the time that it was: figures before and after
// may differ.
func (m *annotationsModel) restated(ctx context.Context, a *asking, s siteOf) (out []mark, err error) {
	got, err := ask[query.ImportList](ctx, s.by, "/api/v1/imports", url.Values{"site": {s.name}})
	if err != nil {
		return nil, err
	}
	for _, x := range got.Imports {
		if x.At.Before(a.from) || !x.At.Before(a.to) {
			continue
		}
		out = append(out, mark{from: x.At, title: "restated: " + x.Reason, tags: []string{"restatement"},
			text: fmt.Sprintf("Readings of %s from %s to %s were taken in (%s): %d quarters of an hour corrected, %d manual, %d withdrawn.", strings.Join(x.Meters, ", "),
				x.From.Format(time.DateTime), x.To.Format(time.DateTime), x.ID, x.Corrected, x.Manual, x.Withdrawn)})
	}
	return out, nil
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
