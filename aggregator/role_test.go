package main

import (
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/gigawatch/gigawatch/aggregator/query"
	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/wire"
)

// A role that was wrong is set right in the site's file: what is drawn now, and
// what was drawn in hours that were sealed, rest on it alike.
func TestARoleIsSetRightLiveAndInTheLedger(t *testing.T) {
	t.Parallel()
	dir, busAddr := t.TempDir(), freePort(t)
	const text = `site: s1
time_zone: Europe/Luxembourg
zone: DE-LU
meters:
  - {id: grid-a, role: grid_input, feed: A}
  - {id: chiller, role: grid_input, feed: B}
  - {id: ups, role: ups_output}
  - {id: office, role: ups_output, point: office}
`
	file := writeFile(t, filepath.Join(dir, "site.yaml"), text)
	config := writeFile(t, filepath.Join(dir, "aggregator.yaml"), fmt.Sprintf(
		"data: %s\nlisten: 127.0.0.1:0\nsites: [{file: site.yaml}]\nbus: {embedded: {listen: %q}, telemetry_bytes: 64MiB, ledger_bytes: 128MiB}\n", filepath.Join(dir, "data"), busAddr))
	p := start(t, "serve", "-config", config)
	nc, err := nats.Connect("nats://" + busAddr)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	publish := func(lane metric.Lane, x *metric.Batch) {
		compiled, err := wire.Compile(x.Layout)
		if err != nil {
			t.Fatal(err)
		}
		m, err := wire.Append(nil, x, compiled, x.Sequence == 1)
		if err != nil {
			t.Fatal(err)
		}
		if err := nc.Publish(wire.Subject(lane, "s1", "meters-1"), m); err != nil {
			t.Fatal(err)
		}
	}
	dials := []dial{{"grid-a", metric.RoleGridInput, 120}, {"chiller", metric.RoleGridInput, 30}, {"ups", metric.RoleUPSOutput, 80}, {"office", metric.RoleUPSOutput, 20}}
	b := newBoard("s1", "DE-LU", 300, 60, dials...)
	from := time.Now().UTC().Truncate(time.Hour).Add(-3 * time.Hour)
	for now := from; now.Before(from.Add(2*time.Hour + 30*time.Second)); now = now.Add(10 * time.Second) {
		publish(metric.Ledger, b.read(now))
	}
	gauges := &metric.Layout{Entities: b.layout.Entities[:len(dials)], Columns: []metric.Column{{Metric: metric.MeterPowerWatts, Form: metric.Float, First: 0, Count: len(dials)}}}
	ticks := uint64(0)
	tick := func() { // the present goes on
		ticks++
		x := &metric.Batch{Site: "s1", Agent: "meters-1", Lane: metric.Telemetry, Incarnation: 1, Sequence: ticks, Time: time.Now().UnixMilli(), Ticks: 1, Layout: gauges}
		for _, d := range dials {
			x.Values = append(x.Values, metric.Of(float64(d.rate)*1000))
		}
		publish(metric.Telemetry, x)
	}
	type figures struct{ facility, it, drawn, itDrawn, pue float64 } // kW now; kWh of the two hours
	var note, flag string
	read := func() (f figures) {
		tick()
		f = figures{math.NaN(), math.NaN(), math.NaN(), math.NaN(), math.NaN()}
		var s struct {
			Sites []struct {
				Power map[string]struct{ Watts *float64 }
			}
		}
		if err := p.get("/api/v1/status", &s); err == nil && len(s.Sites) == 1 {
			for name, to := range map[string]*float64{"facility": &f.facility, "it": &f.it} {
				if w := s.Sites[0].Power[name].Watts; w != nil {
					*to = *w / 1000
				}
			}
		}
		c := &query.Client{URL: p.url}
		for boundary, to := range []*float64{metric.Facility: &f.drawn, metric.IT: &f.itDrawn} { // the note is of IT
			e, err := c.Energy(t.Context(), query.EnergyQuestion{Site: "s1", Boundary: metric.Boundary(boundary), From: from, To: from.Add(2 * time.Hour)})
			if err == nil && len(e.Lines) == 1 && e.Lines[0].KWh != nil {
				*to, note = *e.Lines[0].KWh, e.Lines[0].Note
			}
		}
		if a, err := c.KPI(t.Context(), query.KPIQuestion{Site: "s1", KPIs: []string{"pue"}, From: from, To: from.Add(2 * time.Hour)}); err == nil && len(a.KPIs) == 1 && a.KPIs[0].Value != nil {
			f.pue = *a.KPIs[0].Value
			flag = ""
			for _, x := range a.KPIs[0].Flags {
				flag += x.Code + " "
			}
		}
		return f
	}
	await := func(what string, want figures) {
		t.Helper()
		var got figures
		defer func() {
			if t.Failed() {
				t.Logf("%s: last %+v, want %+v", what, got, want)
			}
		}()
		p.await(30*time.Second, what, func() bool { got = read(); return got == want })
	}
	await("two feeds and two UPSs, as they were declared", figures{150, 100, 300, 200, 1.5})
	if note != "" || flag != "" {
		t.Errorf("note %q, flags %q", note, flag)
	}
	var before float64
	p.await(30*time.Second, "the counter of the facility", func() bool {
		before = p.instant(`site_energy_joules_total{boundary="facility"}`, "boundary")["facility"]
		return before >= 300*3.6e6
	})
	right := strings.NewReplacer("chiller, role: grid_input, feed: B", "chiller, role: cooling", "office, role: ups_output", "office, role: lighting").Replace(text)
	writeFile(t, file, right)
	await("a chiller and an office", figures{120, 80, 240, 160, 1.5})
	if !strings.Contains(note, "office as lighting, not ups_output") || flag != "role_corrected " {
		t.Errorf("note %q, flags %q", note, flag)
	}
	// The counter of the site does not step, and goes on from there another time.
	var kept *lifetime
	p.await(30*time.Second, "the counter is ahead of the ledger", func() bool {
		kept = newLifetimes(filepath.Join(dir, "data", lifetimesFile), quietly()).of["s1/facility"]
		return kept != nil && kept.Ahead > 0
	})
	if kept.Shown != before || kept.Ahead < 60*3.6e6 {
		t.Errorf("the counter is kept as %+v, before it was %v", kept, before)
	}
	p.stop()
}
