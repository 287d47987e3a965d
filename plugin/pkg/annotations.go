package main

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"
	prom "github.com/prometheus/common/model"

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
	meter       string // whose state it is
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

// health is what began to need a person, or happened last, within the range. It is
// told as moments: a band over all that time would hide the graph, and be no less
// true of what is still so.
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
				x := mark{from: f.Since, title: f.State + ": " + named(v.Host, labels, several), text: f.Evidence + ". " + f.Advice, tags: []string{"health", f.State, f.Cause}}
				switch last := f.Last; {
				case a.within(f.Since):
					if last != nil && last.After(f.Since) {
						x.text += " Last seen " + last.UTC().Format(time.DateTime) + " UTC."
					}
				case last != nil && a.within(*last):
					x.from = *last
					x.text += " Since " + f.Since.UTC().Format(time.DateTime) + " UTC; this is the last time."
				default:
					continue
				}
				out = append(out, x)
			}
		}
	}
	return out, nil
}

// within reports whether t is in the range that is asked for.
func (q *question) within(t time.Time) bool { return !t.Before(q.from) && t.Before(q.to) }

// meter is when a meter was anything but ok: a band where both ends are in the range,
// else the end that is. A moment between two points of the range counts too.
func (m *annotationsModel) meter(ctx context.Context, a *asking, s siteOf) (out []mark, err error) {
	q := *a.question
	q.points = min(q.points, 500)
	g := q.grid(stored)
	if g.to.Before(q.to) { // of what began since the last whole step, too
		g.to = g.to.Add(g.step)
	}
	state := fmt.Sprintf(`meter_state{%s}`, matchers([][2]string{{"site", s.name}}, append([]filter{{Key: "state", Operator: "!=", Value: "ok"}}, m.Filters...)))
	got, err := overRange(ctx, s.by, fmt.Sprintf(`max_over_time(%s[%s]) == 1 or %s == 1`, state, prom.Duration(g.step), state), g)
	if err != nil {
		return nil, err
	}
	for _, one := range got.series(g, "", data.FieldConfig{}) {
		if n := len(one.times); n > 0 && one.times[n-1].After(q.to) {
			one.times[n-1] = q.to
		}
		out = append(out, spells(&one)...)
	}
	return together(out), nil
}

// spells are when a meter was in a state.
func spells(one *series) (out []mark) {
	var open *mark
	for i, v := range one.values {
		switch {
		case v != nil && open == nil:
			open = &mark{from: one.times[i], meter: one.labels["meter"], title: one.labels["state"], tags: []string{"meter", one.labels["state"], one.labels["role"]},
				text: "Meter " + one.labels["meter"] + " (" + strings.ReplaceAll(one.labels["role"], "_", " ") + ") is " + one.labels["state"] + "."}
		case v == nil && open != nil:
			if open.to = &one.times[i]; open.from.Equal(one.times[0]) { // it was so before
				open.from, open.to = one.times[i], nil
				open.title, open.text = open.title+" no more", open.text+" It was until here."
			}
			out = append(out, *open)
			open = nil
		}
	}
	if open != nil && open.from.After(one.times[0]) {
		out = append(out, *open)
	}
	return out
}

// together makes one mark of meters that came into a state and out of it at the same
// time: after a restart that is all of them, and as many bands would hide the graph.
func together(list []mark) (out []mark) {
	index := map[string]int{}
	var names [][]string
	for _, x := range list {
		key := x.title + " " + x.from.String()
		if x.to != nil {
			key += " " + x.to.String()
		}
		i, ok := index[key]
		if !ok {
			i = len(out)
			index[key] = i
			out, names = append(out, x), append(names, nil)
		}
		if names[i] = append(names[i], x.meter); len(names[i]) == 2 {
			out[i].tags = out[i].tags[:2] // their roles may differ
		}
	}
	for i := range out {
		x, n := &out[i], len(names[i])
		if n == 1 {
			x.title = "meter " + x.meter + " " + x.title
			continue
		}
		x.text = "They are " + some(names[i], ", ") + "."
		x.title = fmt.Sprintf("%d meters %s", n, x.title)
	}
	return out
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
