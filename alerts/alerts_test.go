package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

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

func TestPromtoolFiresEachRuleInItsScene(t *testing.T) {
	promtool := tool(t, "promtool", "prometheus")
	files, err := filepath.Glob("prometheus/tests/*.yaml")
	if err != nil || len(files) != len(rule.Owners()) {
		t.Fatal(files, err)
	}
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".yaml"), func(t *testing.T) {
			if out, err := exec.CommandContext(t.Context(), promtool, "test", "rules", name).CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
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
