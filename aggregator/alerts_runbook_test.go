package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	table "github.com/gigawatch/gigawatch/alerts/rule"
)

// A person who was woken copies what the runbook and the alerts say: each command of
// this program is there, with its flags, and so is each path and each line of its log.
func TestTheRunbookSaysWhatThisProgramHas(t *testing.T) {
	book, err := os.ReadFile("../alerts/RUNBOOK.md")
	if err != nil {
		t.Fatal(err)
	}
	texts := string(book)
	for _, r := range table.Table() {
		texts += "\n" + r.Evidence + "\n" + r.Do
	}
	commands := regexp.MustCompile(`(?:^|[ `+"`"+`\n])aggregator ((?:alert|all-in-one|bus|import|quarantine|report|serve|site|token|verify|witness)\b[^`+"`"+`.:;,)\n]*)`).FindAllStringSubmatch(texts, -1)
	if len(commands) < 8 {
		t.Errorf("only %d commands were found", len(commands))
	}
	for _, m := range commands {
		var words, flags []string
		for _, w := range strings.Fields(m[1]) {
			switch {
			case strings.HasPrefix(w, "-"):
				flags = append(flags, w)
			case len(words) == 0 || len(words) == 1 && len(flags) == 0 && slices.Contains([]string{"test", "window", "revoke"}, w):
				words = append(words, w)
			}
		}
		var said bytes.Buffer
		_ = run(t.Context(), append(words, "-h"), strings.NewReader(""), &said, &said)
		if strings.Contains(said.String(), "unknown") || said.Len() == 0 {
			t.Errorf("aggregator %s: %s", m[1], said.String())
		}
		for _, f := range flags {
			if !regexp.MustCompile(`(?m)^\s*` + f + `\b`).MatchString(said.String()) {
				t.Errorf("aggregator %s: there is no %s in\n%s", m[1], f, said.String())
			}
		}
	}

	code := ""
	for _, dir := range []string{".", "internal/*", "../collector/agent"} {
		files, err := filepath.Glob(dir + "/*.go")
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			if !strings.HasSuffix(f, "_test.go") {
				text, err := os.ReadFile(f)
				if err != nil {
					t.Fatal(err)
				}
				code += string(text)
			}
		}
	}
	for _, m := range regexp.MustCompile(`(/api/v1/[a-z_/]+|/readyz|/healthz)\b`).FindAllString(texts, -1) {
		if !strings.Contains(code, `{"`+strings.TrimSuffix(m, "/")+`"`) {
			t.Errorf("there is no path %s", m)
		}
	}
	for _, line := range []string{"a receiver does not take alerts", "store refuses", "hour sealed", "the ledger stream has a hole", "bus lost", "source"} {
		if !strings.Contains(texts, line) || !strings.Contains(code, `"`+line+`"`) {
			t.Errorf("the log has no %q, or the runbook does not say so", line)
		}
	}
	example, err := os.ReadFile("example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"retention:", "cert:", "ca:", "client_ca:", "data:"} {
		if !strings.Contains(string(example), key) {
			t.Errorf("the configuration has no %s", key)
		}
	}
}
