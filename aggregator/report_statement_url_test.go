package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gigawatch/gigawatch/aggregator/internal/rights"
	"github.com/gigawatch/gigawatch/aggregator/internal/statement"
)

// The command has an aggregator that runs make and sign statements, in the name of
// whoever the token is of: they are what the command makes of the files.
func TestStatementsByTheCommandAtAnAddress(t *testing.T) {
	p, dir, _ := bookAggregator(t, map[string]rights.Role{"anna": rights.Energy, "dora": rights.Viewer}, func(dir string) error { return makeTenancy(dir, false) }, "statement.txt", "site.yaml")
	file, about := filepath.Join(dir, "statement"), filepath.Join(dir, "about.yaml")
	if err := os.WriteFile(about, []byte("model: Example-70B\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) (stdout, stderr string, err error) {
		var out, errs bytes.Buffer
		c := exec.CommandContext(t.Context(), "aggregator", append([]string{"report"}, args...)...)
		c.Stdout, c.Stderr = &out, &errs
		err = c.Run()
		return out.String(), errs.String(), err
	}
	at := func(who string, args ...string) []string {
		return append(args, "-url", p.url, "-token-file", filepath.Join(dir, who))
	}
	month := []string{"tenant", "-site", "vilvoorde", "-month", "2025-12", "-as", "csv"}
	byFiles, _, err := run(append(month, "-config", filepath.Join(dir, "aggregator.yaml"))...)
	if err != nil {
		t.Fatal(err)
	}
	if got, said, err := run(at("anna", month...)...); err != nil || got != byFiles || !strings.Contains(said, "not signed") {
		t.Errorf("of tenants: %v, %s%.200s", err, said, got)
	}
	// Of a job, with what its provider states: signed by anna.
	job := []string{"job", "-job", "run-1", "-from", "2025-12-01", "-to", "2025-12-05", "-about", about, "-o", file}
	got, said, err := run(at("anna", job...)...)
	if err != nil || !strings.Contains(got, "job of vilvoorde") || !strings.Contains(said, "W_BOUNDARY_MISSING") {
		t.Fatalf("of a job: %v, %s%s", err, said, got)
	}
	if b, err := os.ReadFile(file); err != nil || !bytes.Contains(b, []byte("Example-70B")) {
		t.Errorf("what is stated of it: %v, %.200s", err, b)
	}
	if got, said, err := run("verify", "-file", file, "-key", filepath.Join(dir, "data/statement/vilvoorde/key.pub")); err != nil || !strings.Contains(got, "is as it was signed: job") {
		t.Errorf("verify: %v, %s%s", err, said, got)
	}
	log, err := statement.NewFolder(filepath.Join(dir, "data")).Log("vilvoorde")
	if err != nil || len(log) != 1 || log[0].By != "anna" || log[0].Role != "energy" {
		t.Errorf("the log: %+v, %v", log, err)
	}
	if _, said, err := run(at("dora", job...)...); err == nil || !strings.Contains(said, "energy") {
		t.Errorf("a viewer has one signed: %v, %s", err, said)
	}
	p.stop()
}
