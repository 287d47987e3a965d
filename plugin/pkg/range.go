package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// An asking is one question being answered.
type asking struct {
	context.Context
	*question
	fleet  *fleet
	limits limits
	uid    string // of the data source
}

// most is how many rows or series the answer may have.
func (a *asking) most(of int) int {
	if n := a.common().Limit; n > 0 {
		return min(n, of)
	}
	return of
}

// stream is one series as Prometheus' API gives it.
type stream struct {
	Metric map[string]string `json:"metric"`
	Values samples           `json:"values"`
	Value  *sample           `json:"value"`
}

// answered is what a query gives.
type answered struct {
	streams  []stream
	warnings []string
}

// grid is the instants that a range is asked for: whole steps since 1970, so that
// two panels, or a panel and a rule, see the same ones.
type grid struct {
	from, to time.Time
	step     time.Duration
}

func (q *question) grid(least time.Duration) grid {
	step := q.step(least)
	g := grid{q.from.Truncate(step), q.to.Truncate(step), step}
	if g.from.Before(q.from) && g.from.Before(g.to) {
		g.from = g.from.Add(step)
	}
	return g
}

func (g grid) times() []time.Time {
	var out []time.Time
	for t := g.from; !t.After(g.to); t = t.Add(g.step) {
		out = append(out, t)
	}
	return out
}

// overRange asks an aggregator for a range.
func overRange(ctx context.Context, c *caller, expr string, g grid) (*answered, error) {
	return evaluate(ctx, c, "/api/v1/query_range", url.Values{
		"query": {expr}, "start": {seconds(g.from)}, "end": {seconds(g.to)}, "step": {strconv.FormatFloat(g.step.Seconds(), 'f', -1, 64)},
	})
}

// atInstant asks an aggregator for one instant.
func atInstant(ctx context.Context, c *caller, expr string, at time.Time) (*answered, error) {
	return evaluate(ctx, c, "/api/v1/query", url.Values{"query": {expr}, "time": {seconds(at)}})
}

func seconds(t time.Time) string {
	return strconv.FormatFloat(float64(t.UnixMilli())/1000, 'f', -1, 64)
}

func evaluate(ctx context.Context, c *caller, path string, v url.Values) (*answered, error) {
	var a struct {
		Type   string          `json:"resultType"`
		Result json.RawMessage `json:"result"`
	}
	notes, _, err := c.get(ctx, path, v, &a)
	if err != nil {
		return nil, err
	}
	out := &answered{warnings: notes}
	switch a.Type {
	case "matrix", "vector":
		err = json.Unmarshal(a.Result, &out.streams)
	case "scalar":
		var s sample
		err = json.Unmarshal(a.Result, &s)
		out.streams = []stream{{Value: &s}}
	default:
		return nil, wrong("the expression gives a %s; write one that gives numbers", a.Type)
	}
	if err != nil {
		return nil, fmt.Errorf("answer is not of an aggregator: %w", err)
	}
	return out, nil
}

// series are what was answered, on the grid's instants, nil where nothing is
// known.
func (a *answered) series(g grid, name string, config data.FieldConfig) []series {
	times := g.times()
	out := make([]series, 0, len(a.streams))
	for _, s := range a.streams {
		one := series{name: name, labels: data.Labels{}, times: times, values: make([]*float64, len(times)), config: config}
		for k, v := range s.Metric {
			if k != "__name__" {
				one.labels[k] = v
			}
		}
		if n := s.Metric["__name__"]; n != "" && name == "" {
			one.name = n
			if d := metric.ByName(n); d != nil {
				one.config = configOf(d)
			}
		}
		if one.name == "" {
			one.name = "value"
		}
		for _, v := range s.Values {
			if i := int((v.millis - g.from.UnixMilli()) / g.step.Milliseconds()); i >= 0 && i < len(times) {
				one.values[i] = v.value
			}
		}
		if s.Value != nil {
			one.times, one.values = []time.Time{time.UnixMilli(s.Value.millis).UTC()}, []*float64{s.Value.value}
		}
		out = append(out, one)
	}
	slices.SortStableFunc(out, func(a, b series) int { return compareLabels(a.labels, b.labels) })
	return out
}

// compareLabels orders as places do: outer to inner, numbers by their size.
func compareLabels(a, b data.Labels) int {
	for _, k := range labelNames() {
		if c := natural(a[k], b[k]); c != 0 {
			return c
		}
	}
	if c := natural(without(a, "interval").String(), without(b, "interval").String()); c != 0 {
		return c
	}
	return natural(a["interval"], b["interval"]) // what is not over is the last
}
