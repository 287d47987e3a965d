package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/gigawatch/gigawatch/alerts/rule"
	"github.com/gigawatch/gigawatch/alerts/scene"
)

func TestFilesAreWhatTheCodeWrites(t *testing.T) {
	files, err := written(rule.Table(), "..")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join("..", name))
		if err != nil {
			t.Error(err)
			continue
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%s is not what go generate ./alerts writes: want -, got +\n%s", name, diff)
		}
	}
	for _, pattern := range []string{"prometheus/*.yaml", "prometheus/tests/*.yaml"} {
		there, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range there {
			if files["alerts/"+name] == nil {
				t.Errorf("%s is not written any more: remove it", name)
			}
		}
	}
}

func TestEachRuleHasASceneThatFiresAndOneThatDoesNot(t *testing.T) {
	for _, r := range rule.Table() {
		s, ok := scene.Of(r.Name)
		if !ok || len(s.Fires) == 0 || len(s.Quiet) == 0 || cmp.Equal(s.Fires, s.Quiet) {
			t.Errorf("%s has no scene, or what fires it and what does not is the same", r.Name)
		}
		for _, l := range r.Extra {
			if s.Extra[l] == "" {
				t.Errorf("%s: its scene does not say label %s", r.Name, l)
			}
		}
	}
}

func TestPromtoolTakesTheRules(t *testing.T) {
	promtool := tool(t, "promtool", "prometheus")
	files, err := filepath.Glob("prometheus/*.yaml")
	if err != nil || len(files) != len(rule.Owners()) {
		t.Fatal(files, err)
	}
	if out, err := exec.CommandContext(t.Context(), promtool, slices.Concat([]string{"check", "rules", "--lint=all", "--lint-fatal"}, files)...).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// The unit tests that are committed, each with its rule of the file that is committed
// alone: with all rules beside it, which it does not ask about, it takes thirty times as long.
func TestPromtoolFiresEachRuleInItsScene(t *testing.T) {
	t.Parallel()
	promtool := tool(t, "promtool", "prometheus")
	dir := t.TempDir()
	var files []string
	for _, owner := range rule.Owners() {
		var rules ruleFile
		var tests testFile
		readYAML(t, "prometheus/"+string(owner)+".yaml", &rules)
		readYAML(t, "prometheus/tests/"+string(owner)+".yaml", &tests)
		if !slices.Equal(tests.RuleFiles, []string{"../" + string(owner) + ".yaml"}) {
			t.Errorf("tests of %s are of %q", owner, tests.RuleFiles)
		}
		cases := map[string][]testCase{}
		for _, c := range tests.Tests {
			name, _, _ := strings.Cut(c.Name, " ")
			cases[name] = append(cases[name], c)
		}
		for _, g := range rules.Groups {
			for _, r := range g.Rules {
				if len(cases[r.Alert]) != 2 {
					t.Errorf("%s has %d unit tests", r.Alert, len(cases[r.Alert]))
				}
				writeYAML(t, filepath.Join(dir, r.Alert+".yaml"), ruleFile{Groups: []ruleGroup{{Name: g.Name, Interval: g.Interval, Rules: []promRule{r}}}})
				file := filepath.Join(dir, r.Alert+"_tests.yaml")
				writeYAML(t, file, testFile{RuleFiles: []string{r.Alert + ".yaml"}, EvaluationInterval: tests.EvaluationInterval, Tests: cases[r.Alert]})
				files = append(files, file)
				delete(cases, r.Alert)
			}
		}
		for name := range cases {
			t.Errorf("%s is tested, and is no rule of %s", name, owner)
		}
	}
	files = append(files, "prometheus/tests/energy.yaml") // and one as it is
	testRules(t, promtool, files)
}

// testRules has promtool go through files, as many at once as there are processors.
func testRules(t *testing.T, promtool string, files []string) {
	t.Helper()
	var all sync.WaitGroup
	for part := range runtime.GOMAXPROCS(0) {
		args := []string{"test", "rules"}
		for i := part; i < len(files); i += runtime.GOMAXPROCS(0) {
			args = append(args, files[i])
		}
		if len(args) == 2 {
			continue
		}
		all.Go(func() {
			if out, err := exec.CommandContext(t.Context(), promtool, args...).CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
	all.Wait()
}

func readYAML(t *testing.T, name string, into any) {
	t.Helper()
	text, err := os.ReadFile(name)
	if err == nil {
		err = yaml.Unmarshal(text, into)
	}
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

func writeYAML(t *testing.T, name string, v any) {
	t.Helper()
	text, err := asYAML("", v)
	if err == nil {
		err = os.WriteFile(name, text, 0o600)
	}
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// tool is the path of a program of a Debian package.
func tool(t *testing.T, name, from string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%v; make packages installs %s", err, from)
		}
		t.Skipf("%v; make packages installs %s", err, from)
	}
	return path
}
