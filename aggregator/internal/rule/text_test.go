package rule_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"text/template"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/gigawatch/gigawatch/aggregator/internal/health"
	"github.com/gigawatch/gigawatch/aggregator/internal/rule"
	"github.com/gigawatch/gigawatch/aggregator/internal/store"
	table "github.com/gigawatch/gigawatch/alerts/rule"
	"github.com/gigawatch/gigawatch/alerts/scene"
	"github.com/gigawatch/gigawatch/collector/metric"
)

var update = flag.Bool("update", false, "rewrite testdata")

// heard are the newest messages by the name of their alert.
type heardOf map[string]rule.Message

func (h heardOf) take(list []rule.Message) {
	for _, m := range list {
		for _, p := range m.Labels {
			if p.Name == "alertname" && !m.Ended {
				h[p.Value] = m
			}
		}
	}
}

// Every rule of the table is fired once, by hosts that tell or by series that are
// stored, through the evaluator: what then comes to a phone is read in
// testdata/texts.txt.
func TestTextsReadAsTheyShould(t *testing.T) {
	const file = "testdata/texts.txt"
	heard := heardOf{}
	byHosts(t, heard)
	byPlaces(t, heard)
	byHeat(t, heard)
	byAbsence(t, heard)
	byQuarantine(t, heard)
	own := heardOf{}
	byItself(t, own)
	for name, m := range own {
		if heard[name].StartsAt.IsZero() { // of many boards it is another each time
			heard[name] = m
		}
	}
	for _, r := range table.Table() {
		if x, ok := scene.Of(r.Name); ok && r.Ask != "" {
			bySeries(t, heard, r, &x)
		}
	}
	phone := template.Must(template.ParseFiles("../../../deploy/alertmanager/gigawatch.tmpl"))
	var b strings.Builder
	for _, r := range table.Table() {
		m, ok := heard[r.Name]
		if !ok {
			t.Errorf("%s was not told", r.Name)
			continue
		}
		fmt.Fprintf(&b, "-- %s, %s, to %s --\n%s\n", r.Name, r.Severity, r.Owner, onPhone(t, phone, &m))
	}
	if *update {
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), b.String()); d != "" {
		t.Errorf("texts; -update writes them (-want +got):\n%s", d)
	}
}

type phoneAlert struct {
	Labels, Annotations map[string]string
	StartsAt, EndsAt    time.Time
}

type phoneAlerts []phoneAlert

func (a phoneAlerts) Firing() []phoneAlert { return a }
func (phoneAlerts) Resolved() []phoneAlert { return nil }

// onPhone is what the example of Alertmanager makes of one alert.
func onPhone(t *testing.T, phone *template.Template, m *rule.Message) string {
	t.Helper()
	a := phoneAlert{Labels: map[string]string{}, Annotations: map[string]string{}, StartsAt: m.StartsAt}
	for _, p := range m.Labels {
		a.Labels[p.Name] = p.Value
	}
	for _, p := range m.Annotations {
		a.Annotations[p.Name] = p.Value
	}
	var out []string
	for _, name := range []string{"gigawatch.title", "gigawatch.text"} {
		var b strings.Builder
		if err := phone.ExecuteTemplate(&b, name, map[string]any{"Status": "firing", "Alerts": phoneAlerts{a}, "CommonLabels": a.Labels, "CommonAnnotations": a.Annotations}); err != nil {
			t.Fatal(err)
		}
		out = append(out, strings.TrimSpace(b.String()))
	}
	if text := strings.Join(out, "\n"); strings.Contains(text, "NaN") || strings.Contains(text, "<no value>") || strings.Contains(text, "{{") {
		t.Errorf("it reads %q", text)
	}
	return out[0] + "\n" + out[1] + "\n"
}

// byHosts has hosts tell what the scenes of rules about them show.
func byHosts(t *testing.T, heard heardOf) {
	synctest.Test(t, func(t *testing.T) {
		h, err := health.New(health.Config{})
		if err != nil {
			t.Fatal(err)
		}
		e, err := rule.New(rule.Config{Rules: table.Table(), Runbook: "https://gigawatch.example/RUNBOOK.md", Health: judged(h), Hosts: hosts(h), Send: heard.take})
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		var parts []*part
		for _, r := range table.Table() {
			if x, ok := scene.Of(r.Name); ok && r.Ask == "" && r.Level >= table.Host && x.Every <= 10*time.Second {
				if list := actors(t, x.Fires, "n"+fmt.Sprint(len(parts)+1)); list != nil {
					parts = append(parts, newPart("n"+fmt.Sprint(len(parts)+1), list, start))
				}
			}
		}
		for second := range 30 * 60 {
			now := time.Now()
			for _, p := range parts {
				values := make([]metric.Raw, len(p.cells))
				silent := false
				for i, cell := range p.cells {
					values[i] = cell(second / 10)
				}
				for i, c := range p.layout.Columns {
					silent = silent || c.Metric == metric.HostUp && values[i] == 0
				}
				if silent {
					continue
				}
				h.Observe(health.Tick{Key: "s1/" + p.name, Site: "s1", Layout: p.layout, Millis: now.UnixMilli(), Values: values, Received: now})
				e.Observe(rule.Tick{Key: "s1/" + p.name, Site: "s1", Agent: p.name, Layout: p.layout, Values: values, Received: now})
			}
			time.Sleep(time.Second)
			h.Sweep(time.Now())
			e.Step(time.Now())
		}
	})
}

// byPlaces takes racks, halls, a site and its bus away.
func byPlaces(t *testing.T, heard heardOf) {
	inBubble(t, racks(4, 5, 8, 0), func(s *stage) {
		s.config.Runbook, s.sink = "https://gigawatch.example/RUNBOOK.md", heard.take
		s.start()
		s.settles()
		for _, prefix := range []string{"h1r01", "h1", "h2"} {
			for _, m := range s.in(prefix) {
				m.up = false
			}
			s.runs(2 * time.Minute)
		}
		s.deaf = true
		s.runs(2 * time.Minute)
	})
}

// byHeat has the cooling of a rack fail, and that of a hall.
func byHeat(t *testing.T, heard heardOf) {
	inBubble(t, racks(2, 4, 6, 4), func(s *stage) {
		s.config.Runbook, s.sink = "https://gigawatch.example/RUNBOOK.md", heard.take
		s.start()
		s.settles()
		for _, prefix := range []string{"h1r01", "h2"} {
			s.warm(s.in(prefix), 0, 97)
			s.runs(2 * time.Minute)
		}
	})
}

// byAbsence has a file with hosts that were never there.
func byAbsence(t *testing.T, heard heardOf) {
	synctest.Test(t, func(t *testing.T) {
		e, err := rule.New(rule.Config{Rules: table.Table(), Runbook: "https://gigawatch.example/RUNBOOK.md", Send: heard.take, Absent: func() []rule.Absent {
			return []rule.Absent{{Site: "s1", Hosts: 3, Of: 1000, Names: []string{"2 in rack r9 (h1)", "n17 (h1 r1)"}}}
		}})
		if err != nil {
			t.Fatal(err)
		}
		for range 26 {
			e.Step(time.Now())
			time.Sleep(time.Hour)
		}
	})
}

// byQuarantine has a host of which nothing is taken.
func byQuarantine(t *testing.T, heard heardOf) {
	inBubble(t, racks(1, 2, 6, 0), func(s *stage) {
		s.config.Runbook, s.sink = "https://gigawatch.example/RUNBOOK.md", heard.take
		s.start()
		s.settles()
		now := time.Now()
		s.held = []health.Held{{Site: "fra1", Agent: s.machines[1].name, Since: now, Until: now.Add(10 * time.Minute), Refused: 30, Why: "site or agent differ from the subject: it says fra1/h1r01n03", Times: 2}}
		s.machines[1].up = false
		s.runs(time.Minute)
	})
}

// byItself has the evaluator watch itself: canaries that nobody hears, more than are
// sent, a receiver that fails.
func byItself(t *testing.T, heard heardOf) {
	inBubble(t, racks(1, 8, 8, 8), func(s *stage) {
		s.config.Runbook, s.config.Canary, s.sink = "https://gigawatch.example/RUNBOOK.md", true, heard.take
		s.config.Advancing = func(string) bool { return true }
		began := time.Now()
		s.config.Faults = func() []rule.Fault {
			return []rule.Fault{{Receiver: "http://alertmanager-2:9093", Since: began.UnixMilli(), Says: "connection refused"}}
		}
		s.start()
		s.runs(time.Minute)
		for _, m := range s.machines {
			m.set(metric.GPURowRemapFailed, 0, 0, 1)
		}
		s.runs(35 * time.Minute)
	})
}

// bySeries has the store hold what a scene shows.
func bySeries(t *testing.T, heard heardOf, r table.Rule, x *scene.Scene) {
	t.Helper()
	dir := t.TempDir()
	language := parser.NewParser(parser.Options{})
	synctest.Test(t, func(t *testing.T) {
		s, err := store.Open(store.Config{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		e, err := rule.New(rule.Config{Rules: []table.Rule{r}, Runbook: "https://gigawatch.example/RUNBOOK.md", Store: s, Send: heard.take, Self: "agg1:8600"})
		if err != nil {
			t.Fatal(err)
		}
		ctx, end := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- e.Run(ctx) }()
		start := time.Now()
		type line struct {
			labels labels.Labels
			values []parser.SequenceValue
		}
		var lines []line
		for _, text := range x.Fires.Names() {
			ls, values, err := language.ParseSeriesDesc(text + " " + x.Fires[text])
			if err != nil {
				t.Fatal(err)
			}
			lines = append(lines, line{ls, values})
		}
		for step := 0; time.Since(start) <= x.At+30*time.Second && heard[r.Name].StartsAt.IsZero(); step++ {
			app := s.Appender(t.Context())
			for _, l := range lines {
				if step >= len(l.values) || l.values[step].Omitted {
					continue
				}
				v := l.values[step].Value
				if strings.HasSuffix(l.labels.Get(model.MetricNameLabel), "_timestamp_seconds") { // scenes begin in 1970
					v += float64(start.Unix())
				}
				if _, err := app.Append(0, l.labels, time.Now().UnixMilli(), v); err != nil {
					t.Fatal(err)
				}
			}
			if err := app.Commit(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(x.Every)
		}
		end()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	})
}
