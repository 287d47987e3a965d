package report_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gigawatch/gigawatch/aggregator/internal/report"
)

var update = flag.Bool("update", false, "write golden files anew")

// golden holds what a record looks like against the files of that name. The hash
// of the log is left out: how files of hours are packed may change.
func golden(t *testing.T, r *report.Record, name string) {
	t.Helper()
	goldenRecord(t, r, name)
	x := *r
	x.Ledger.Root = ""
	b, err := x.As("csv")
	if err != nil {
		t.Fatal(err)
	}
	goldenFile(t, name+".csv", b)
	for _, format := range []string{"pdf", "xlsx"} {
		look(t, name+"."+format, func() ([]byte, error) { return x.As(format) })
	}
}

// goldenRecord holds the neutral record alone.
func goldenRecord(t *testing.T, r *report.Record, name string) {
	t.Helper()
	b, err := r.JSON()
	if err != nil {
		t.Fatal(err)
	}
	again, err := report.ParseRecord(b)
	if err != nil {
		t.Fatal(err)
	}
	c, err := again.JSON()
	if err != nil || !bytes.Equal(b, c) {
		t.Errorf("a record that was read is another: %v\n%s", err, cmp.Diff(string(b), string(c)))
	}
	x := *r
	x.Ledger.Root = ""
	if b, err = x.JSON(); err != nil {
		t.Fatal(err)
	}
	goldenFile(t, name+".json", b)
}

// goldenFile holds bytes against a file.
func goldenFile(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs (-want +got); go test -update writes it anew\n%s", path, cmp.Diff(string(want), string(got)))
	}
}

// goldenStatement holds what a statement looks like against the files of that name.
func goldenStatement(t *testing.T, s report.Statement, name string) {
	t.Helper()
	for _, format := range []string{"json", "csv"} {
		b, err := report.Write(s, format)
		if err != nil {
			t.Fatal(err)
		}
		goldenFile(t, name+"."+format, b)
	}
	for _, format := range []string{"pdf", "xlsx"} {
		look(t, name+"."+format, func() ([]byte, error) { return report.Write(s, format) })
	}
}

// look makes a file that people look at; in the folder that STATEMENTS names it stays.
func look(t *testing.T, name string, make func() ([]byte, error)) {
	t.Helper()
	b, err := make()
	if err != nil || len(b) < 1000 {
		t.Errorf("%s: %d bytes, %v", name, len(b), err)
	}
	if dir := os.Getenv("STATEMENTS"); dir != "" {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o644); err != nil {
			t.Error(err)
		}
	}
}
