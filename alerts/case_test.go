package main

import (
	"cmp"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/promql/promqltest"

	"github.com/gigawatch/gigawatch/alerts/rule"
	"github.com/gigawatch/gigawatch/alerts/scene"
)

// Each rule by itself, so that many situations of it take no longer than all rules
// take for two: those that its scene has besides, and one that is over before the rule
// has waited for it.
func TestPromtoolGoesThroughEachCase(t *testing.T) {
	t.Parallel()
	promtool := tool(t, "promtool", "prometheus")
	dir := t.TempDir()
	var files []string
	held := 0
	for _, r := range rule.Table() {
		s, _ := scene.Of(r.Name)
		writeYAML(t, filepath.Join(dir, r.Name+".yaml"), ruleFile{Groups: []ruleGroup{{Name: r.Name, Interval: "5s", Rules: []promRule{{
			Alert: r.Name, Expr: r.Expr(), For: lasting(r.For), KeepFiringFor: lasting(r.Hold), Labels: labelsOf(&r), Annotations: map[string]string{},
		}}}}})
		add := func(name string, every time.Duration, tests ...testCase) {
			writeYAML(t, filepath.Join(dir, name), testFile{RuleFiles: []string{r.Name + ".yaml"}, EvaluationInterval: lasting(every), Tests: tests})
			files = append(files, filepath.Join(dir, name))
		}
		var cases []testCase
		for _, c := range s.Cases {
			cases = append(cases, caseOf(&r, &s, c.Name, c.Fires, c.Series, c.Every, c.At))
		}
		if cases != nil {
			add(r.Name+"_cases.yaml", time.Minute, cases...)
		}
		if r.For > 0 {
			begins := begin(t, &r, &s)
			add(r.Name+"_soon.yaml", min(time.Minute, max(5*time.Second, r.For/5)),
				caseOf(&r, &s, "is quiet before it has waited", false, s.Fires, s.Every, begins+r.For/2))
		}
		if ends, ok := end(t, &r, &s); ok {
			held++
			add(r.Name+"_held.yaml", 15*time.Second,
				caseOf(&r, &s, "is held when it is over", true, s.Fires, s.Every, ends+r.Hold-30*time.Second),
				caseOf(&r, &s, "is not held longer", false, s.Fires, s.Every, ends+r.Hold+30*time.Second))
		}
	}
	if held < 30 {
		t.Errorf("only of %d rules it is seen how long they are held", held)
	}
	testRules(t, promtool, files)
}

// Of alternatives there is none that no situation needs: without it, one of them would
// not fire any more.
func TestEachAlternativeFiresSomething(t *testing.T) {
	t.Parallel()
	language := parser.NewParser(parser.Options{})
	engine := promql.NewEngine(promql.EngineOpts{MaxSamples: 1e6, Timeout: time.Minute, LookbackDelta: 5 * time.Minute, Parser: language})
	defer engine.Close()
	for _, r := range rule.Table() {
		parts := strings.Split(cmp.Or(r.Ask, r.Prom), "\nor\n")
		if len(parts) == 1 {
			continue
		}
		s, _ := scene.Of(r.Name)
		fires := []scene.Scene{s}
		for _, c := range s.Cases {
			if c.Fires {
				fires = append(fires, scene.Scene{Fires: c.Series, Every: c.Every, At: c.At})
			}
		}
		for i := range parts {
			whole, less := r, r
			whole.Still, less.Still = "", ""
			less.Ask, less.Prom = "", strings.Join(slices.Delete(slices.Clone(parts), i, i+1), "\nor\n")
			if _, err := language.ParseExpr(less.Prom); err != nil || leaves(parts[i]) {
				continue // it is the end of one and the beginning of another
			}
			if !slices.ContainsFunc(fires, func(f scene.Scene) bool {
				return len(ask(t, engine, &whole, &f, f.Fires)) > len(ask(t, engine, &less, &f, f.Fires))
			}) {
				t.Errorf("%s: nothing needs\n%s", r.Name, parts[i])
			}
		}
	}
}

// leaves reports whether a part of an expression ends a bracket that it did not begin.
func leaves(part string) bool {
	depth := 0
	for _, c := range part {
		switch c {
		case '(':
			depth++
		case ')':
			depth--
		}
		if depth < 0 {
			return true
		}
	}
	return false
}

// begin is when what a scene fires begins to be so, as far as it lasts.
func begin(t *testing.T, r *rule.Rule, s *scene.Scene) time.Duration {
	t.Helper()
	points := holds(t, r, s, s.At, s.Every)
	i := len(points) - 1
	for i > 0 && points[i].T-points[i-1].T == s.Every.Milliseconds() {
		i--
	}
	return time.Duration(points[i].T) * time.Millisecond
}

// end is when what a scene fires is over, after its series have ended: of what does not
// go on by itself, and is over within the hour.
func end(t *testing.T, r *rule.Rule, s *scene.Scene) (at time.Duration, ok bool) {
	t.Helper()
	const step = 5 * time.Second
	if r.Still != "" || r.Hold > time.Hour || s.At > time.Hour {
		return 0, false
	}
	points := holds(t, r, s, s.At+2*time.Hour, step)
	at = time.Duration(points[len(points)-1].T)*time.Millisecond + step
	return at, at > s.At && at < s.At+2*time.Hour
}

// holds are the times at which what a scene fires is so.
func holds(t *testing.T, r *rule.Rule, s *scene.Scene, until, every time.Duration) []promql.FPoint {
	t.Helper()
	engine := promql.NewEngine(promql.EngineOpts{MaxSamples: 1e6, Timeout: time.Minute, LookbackDelta: 5 * time.Minute, Parser: parser.NewParser(parser.Options{})})
	defer engine.Close()
	load := "load " + lasting(s.Every) + "\n"
	for _, name := range s.Fires.Names() {
		load += "  " + name + " " + s.Fires[name] + "\n"
	}
	store := promqltest.LoadedStorage(t, load)
	defer store.Close()
	q, err := engine.NewRangeQuery(t.Context(), store, nil, r.Expr(), time.Unix(0, 0), time.Unix(0, 0).Add(until), every)
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	m, err := q.Exec(t.Context()).Matrix()
	if err != nil || len(m) != 1 {
		t.Fatalf("%s: %d series: %v", r.Name, len(m), err)
	}
	return slices.Clone(m[0].Floats)
}
