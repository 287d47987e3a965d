package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/genproto/pluginv2"

	"github.com/gigawatch/gigawatch/plugin/handshake"
)

// grafana is what Grafana is to the data source's program: the other end of its
// handshake.
type grafana struct {
	*handshake.Program
	settings *pluginv2.PluginContext
}

// startGrafana builds the data source's program and starts it for an aggregator.
func startGrafana(b *testing.B, url string) *grafana {
	b.Helper()
	path := filepath.Join(b.TempDir(), "gpx_gigawatch")
	if out, err := exec.Command("go", "build", "-tags", "dedupelabels,arrow_json_stdlib", "-o", path, "../plugin/pkg").CombinedOutput(); err != nil {
		b.Fatalf("build the data source: %v\n%s", err, out)
	}
	p, err := handshake.Start(path, io.Discard)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(p.Kill)
	return &grafana{p, &pluginv2.PluginContext{OrgId: 1, PluginId: handshake.PluginID, DataSourceInstanceSettings: &pluginv2.DataSourceInstanceSettings{
		Uid: "one", Name: "one", Url: url, JsonData: []byte("{}"), LastUpdatedMS: 1,
	}}}
}

// first is the first value that a variable would offer.
func (g *grafana) first(b *testing.B, list string) string {
	b.Helper()
	bare, _, _ := strings.Cut(list, "?")
	var a struct{ Items []struct{ Value string } }
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(time.Second) {
		c, err := g.Resource.CallResource(b.Context(), &pluginv2.CallResourceRequest{PluginContext: g.settings, Method: "GET", Path: bare, Url: list})
		if err != nil {
			b.Fatal(err)
		}
		r, err := c.Recv()
		if err != nil {
			b.Fatal(err)
		}
		if json.Unmarshal(r.Body, &a) == nil && len(a.Items) > 0 {
			return a.Items[0].Value
		}
	}
	b.Fatalf("there is nothing in %s", list)
	return ""
}

// answered is what a request came to.
type answered struct {
	took  time.Duration
	bytes int
	err   string
}

// ask sends what one panel asks, as Grafana does: all its queries in one request.
func (g *grafana) ask(ctx context.Context, queries []*pluginv2.DataQuery) (a answered) {
	began := time.Now()
	r, err := g.Data.QueryData(ctx, &pluginv2.QueryDataRequest{PluginContext: g.settings, Queries: queries})
	a.took = time.Since(began)
	if err != nil {
		a.err = err.Error()
		return a
	}
	for _, x := range r.Responses {
		if x.Error != "" {
			a.err = x.Error
		}
		for _, f := range x.Frames {
			a.bytes += len(f)
		}
	}
	return a
}

// A boardPanel is a panel as it is asked for.
type boardPanel struct {
	title   string
	queries []*pluginv2.DataQuery
	text    string // of its queries, for people
}

// A benchBoard is one dashboard.
type benchBoard struct {
	name, span string
	panels     []boardPanel
}

// screen is how wide a dashboard is shown, in points; a panel has its share.
const screen = 1600

// boardsAt reads all dashboards as they would be asked for at a time: each at its own
// range, with what a person chose put in, and the annotations as one panel more.
func boardsAt(b *testing.B, to time.Time, chosen *strings.Replacer) (list []benchBoard) {
	b.Helper()
	files, err := filepath.Glob("../dashboards/*.json")
	if err != nil || len(files) == 0 {
		b.Fatal("there are no dashboards", err)
	}
	type panel struct {
		Title         string
		Targets       []map[string]any
		MaxDataPoints float64
		TimeFrom      string
		GridPos       struct{ W float64 }
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			b.Fatal(err)
		}
		var d struct {
			Time        struct{ From string }
			Panels      []panel
			Annotations struct {
				List []struct{ Target map[string]any }
			}
		}
		if err := json.Unmarshal([]byte(chosen.Replace(string(text))), &d); err != nil {
			b.Fatalf("%s: %v", file, err)
		}
		x := benchBoard{name: strings.TrimSuffix(filepath.Base(file), ".json"), span: strings.TrimPrefix(d.Time.From, "now-")}
		for _, a := range d.Annotations.List {
			if a.Target["queryType"] != nil {
				d.Panels = append(d.Panels, panel{Title: "(annotations)", Targets: []map[string]any{a.Target}, MaxDataPoints: 100})
			}
		}
		for _, p := range d.Panels {
			if len(p.Targets) == 0 {
				continue
			}
			span := d.Time.From
			if p.TimeFrom != "" {
				span = "now-" + p.TimeFrom
			}
			points := p.MaxDataPoints
			if points == 0 {
				points = screen * p.GridPos.W / 24
			}
			x.panels = append(x.panels, panelOf(b, p.Title, p.Targets, sinceOf(b, span, to), to, int64(points)))
		}
		list = append(list, x)
	}
	return list
}

func panelOf(b *testing.B, title string, targets []map[string]any, from, to time.Time, points int64) boardPanel {
	b.Helper()
	p := boardPanel{title: title}
	interval := intervalOf(to.Sub(from), points)
	for _, t := range targets {
		t["intervalMs"], t["maxDataPoints"] = interval, points
		raw, err := json.Marshal(t)
		if err != nil {
			b.Fatal(err)
		}
		typ, _ := t["queryType"].(string)
		ref, _ := t["refId"].(string)
		p.queries = append(p.queries, &pluginv2.DataQuery{
			RefId: ref, QueryType: typ, MaxDataPoints: points, IntervalMS: interval, Json: raw,
			TimeRange: &pluginv2.TimeRange{FromEpochMS: from.UnixMilli(), ToEpochMS: to.UnixMilli()},
		})
		if p.text != "" {
			p.text += " ; "
		}
		if expr, ok := t["expr"].(string); ok {
			p.text += expr
			continue
		}
		for _, k := range []string{"queryType", "measure", "by", "boundary", "of", "metric", "value", "shape", "kpis", "period", "stages"} {
			if v := t[k]; v != nil {
				p.text += fmt.Sprint(v, " ")
			}
		}
	}
	return p
}

// sinceOf is when a range of Grafana's begins that ends at a time.
func sinceOf(b *testing.B, span string, to time.Time) time.Time {
	b.Helper()
	if strings.HasSuffix(span, "now/y") {
		return time.Date(to.Year(), 1, 1, 0, 0, 0, 0, time.UTC)
	}
	var n int
	var unit string
	if _, err := fmt.Sscanf(span, "now-%d%s", &n, &unit); err != nil {
		b.Fatalf("range %q: %v", span, err)
	}
	of := map[string]time.Duration{"m": time.Minute, "h": time.Hour, "d": 24 * time.Hour}[unit]
	if of == 0 {
		b.Fatalf("range %q has no unit that is known", span)
	}
	return to.Add(-time.Duration(n) * of)
}

// intervalOf is Grafana's choice of milliseconds between points.
func intervalOf(span time.Duration, points int64) int64 {
	raw := float64(span.Milliseconds()) / math.Max(1, float64(points))
	for _, s := range []struct{ below, seconds float64 }{
		{1500, 1}, {3500, 2}, {7500, 5}, {12_500, 10}, {17_500, 15}, {25_000, 20}, {45_000, 30}, {90_000, 60}, {210_000, 120}, {450_000, 300},
		{750_000, 600}, {1_050_000, 900}, {1_500_000, 1200}, {2_700_000, 1800}, {5_400_000, 3600}, {9_000_000, 7200}, {16_200_000, 10_800},
		{32_400_000, 21_600}, {86_400_000, 43_200}, {604_800_000, 86_400},
	} {
		if raw < s.below {
			return int64(s.seconds * 1000)
		}
	}
	return (7 * 24 * time.Hour).Milliseconds()
}
