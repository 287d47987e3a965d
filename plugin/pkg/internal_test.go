package main

import (
	"encoding/json"
	"errors"
	"flag"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/backend/log"

	"github.com/gigawatch/gigawatch/collector/metric"
)

func aQuestion(typ string, keys map[string]any) backend.DataQuery {
	raw, _ := json.Marshal(keys) // of strings and numbers
	to := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	return backend.DataQuery{RefID: "A", QueryType: typ, JSON: raw, Interval: time.Minute, MaxDataPoints: 1000, TimeRange: backend.TimeRange{From: to.Add(-time.Hour), To: to}}
}

func TestPanicOfOneQuestionIsItsOwn(t *testing.T) {
	d := &instance{settings: &settings{timeout: time.Second, Limits: usual}, log: log.New()} // without a fleet, whoever asks one panics
	resp, err := d.QueryData(t.Context(), &backend.QueryDataRequest{Queries: []backend.DataQuery{aQuestion("counts", nil)}})
	if err != nil {
		t.Fatal(err)
	}
	if a := resp.Responses["A"]; !errors.Is(a.Error, errPanic) || a.ErrorSource != backend.ErrorSourcePlugin {
		t.Errorf("the answer is %v of %s", a.Error, a.ErrorSource)
	}
}

func TestStepsAreBoundedAndWhole(t *testing.T) {
	to := time.Date(2026, 11, 22, 12, 0, 7, 0, time.UTC)
	for _, c := range []struct {
		span, interval, least time.Duration
		points                int
	}{
		{time.Hour, time.Second, 0, 100}, {400 * 24 * time.Hour, time.Minute, 0, 1000}, {time.Second, time.Hour, 0, 2}, {time.Hour, 15 * time.Second, time.Minute, 1000}, {7 * time.Second, time.Second, 0, 7},
	} {
		q := &question{from: to.Add(-c.span), to: to, interval: c.interval, points: c.points}
		g := q.grid(c.least)
		n := len(g.times())
		if n < 1 || n > c.points+1 || g.step < max(c.least, c.interval) || g.step%time.Second != 0 || g.to.After(to) {
			t.Errorf("%v by %v, at most %d: %d points each %v, to %v", c.span, c.interval, c.points, n, g.step, g.to)
		}
	}
}

func FuzzQuestion(f *testing.F) {
	for _, s := range []string{`{"by":"rack"}`, `{"expr":"x[$__interval]","legend":"{{host}}"}`, `{"editorMode":"code","code":"top of=gpu limit=3"}`, `{"filters":[{"key":"host","operator":"=~","value":"n.*"}]}`, `[`, `{"kpis":["pue"],"step":"day"}`} {
		for typ := range kinds {
			f.Add(typ, s)
		}
	}
	f.Fuzz(func(t *testing.T, typ, text string) {
		q := aQuestion(typ, nil)
		q.JSON = []byte(text)
		read, err := readQuestion(q, usual, false)
		if err != nil {
			var m *mistake
			if !errors.As(err, &m) {
				t.Fatalf("%s: %v is no mistake", text, err)
			}
			return
		}
		if read.model == nil || read.common().Limit < 0 {
			t.Fatalf("%s: %+v", text, read)
		}
	})
}

func FuzzMacros(f *testing.F) {
	for _, s := range []string{"$__interval", "${__from:date:iso}", "$$", "${", "a$1b", "$__", "${__to:x}"} {
		f.Add(s)
	}
	m := macrosOf(&question{from: time.Unix(0, 0), to: time.Unix(3600, 0), interval: time.Minute, points: 100}, stored)
	f.Fuzz(func(t *testing.T, s string) {
		out, err := m.expand(s)
		if err == nil && strings.Contains(out, "$__") && !strings.Contains(s, "$$__") && len(s) < 6 {
			t.Fatalf("%q became %q", s, out)
		}
	})
}

func FuzzChannel(f *testing.F) {
	f.Add("live/site/north")
	f.Add("live/rack/n/it")
	f.Fuzz(func(t *testing.T, s string) {
		if c, ok := parseChannel(s); ok && c.path() != s {
			t.Fatalf("%q is read as %q", s, c.path())
		}
	})
}

// What Grafana is told of units, for a test of the front end that knows what
// Grafana knows.
func TestUnitsAreAsRecorded(t *testing.T) {
	units := map[string]bool{unitWatt: true, unitWh: true, unitJoule: true, unitShare: true, "kwatth": true, "percent": true, "s": true}
	for d := range metric.All {
		units[configOf(d).Unit] = true
	}
	for _, u := range []string{"ratio", "kg", "litres_per_kwh", "kg_per_kwh", "EUR", "USD", "GBP", "CHF", "DKK", "NOK", "SEK", "ISK", "CZK", "PLN", "JPY", "KRW", "INR", "BRL", "ZAR", "TRY", "ILS", "HUF"} {
		units[figureConfig("x", u).Unit] = true
	}
	delete(units, "")
	const file = "testdata/units.txt"
	got := strings.Join(slices.Sorted(maps.Keys(units)), "\n") + "\n"
	if flag.Lookup("update").Value.String() == "true" {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want, err := os.ReadFile(file); err != nil || string(want) != got {
		t.Errorf("%s (%v) differs; -update rewrites it:\n%s", file, err, got)
	}
	for _, c := range [][2]string{{"gpu_power_watts", "Power"}, {"gpu_sm_clock_hertz", "SM clock"}, {"gpu_nvlink_throughput_bytes_per_second", "NVLink throughput"}, {"host_cpu_usage_ratio", "CPU usage"}, {"gpu_memory_temperature_celsius", "Memory temperature"}} {
		if got := metricTitle(metric.ByName(c[0])); got != c[1] {
			t.Errorf("%s is called %q, want %q", c[0], got, c[1])
		}
	}
}

func TestNatural(t *testing.T) {
	for _, c := range [][2]string{{"r2", "r10"}, {"h1r9", "h2r1"}, {"a", "b"}, {"gpu 2", "gpu 10"}, {"r", "r1"}, {"r01", "r2"}} {
		if natural(c[0], c[1]) >= 0 || natural(c[1], c[0]) <= 0 {
			t.Errorf("%q is not before %q", c[0], c[1])
		}
	}
}

func TestAMeanLooksAtItsStepOftenEnough(t *testing.T) {
	day := 24 * time.Hour
	for _, c := range []struct{ step, span, want time.Duration }{
		{10 * time.Second, 15 * time.Minute, 10 * time.Second},
		{time.Minute, 6 * time.Hour, 10 * time.Second},
		{2 * time.Minute, day, 10 * time.Second},
		{15 * time.Minute, 7 * day, 70 * time.Second},
		{12 * time.Hour, 365 * day, time.Hour + 50*time.Second},
		{10 * time.Second, 7 * day, 10 * time.Second}, // no more seldom than its steps are
	} {
		if got := partOf(c.step, c.span); got != c.want {
			t.Errorf("of %v over %v it looks every %v, not %v", c.step, c.span, got, c.want)
		}
	}
}
