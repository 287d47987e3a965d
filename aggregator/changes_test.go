package main

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/gigawatch/gigawatch/aggregator/internal/changes"
)

// Who changed a line of the log of changes, or took one out, is found out by verify.
func TestVerifyNamesTheChangeThatWasTamperedWith(t *testing.T) {
	master, _ := signedMonth(t)
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(master)); err != nil {
		t.Fatal(err)
	}
	l, _, err := changes.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, who := range []string{"anna", "eve", "bob"} {
		if _, err := l.Ask(changes.Change{By: who, Role: "energy", Method: "DELETE", Route: "/api/v1/imports/{id}", Site: "vilvoorde"}); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if line, err := verified("-data", dir); err != nil || !strings.Contains(line, "changes: 3 lines") {
		t.Fatalf("%q, %v", line, err)
	}
	text, err := os.ReadFile(changes.File(dir))
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.SplitAfter(text, []byte("\n"))
	for says, b := range map[string][]byte{
		"log of changes: line 2 was changed":                            bytes.Replace(text, []byte(`"eve"`), []byte(`"bob"`), 1),
		"log of changes: line 2 does not follow the one before it: one": bytes.Join([][]byte{lines[0], lines[2]}, nil),
	} {
		if err := os.WriteFile(changes.File(dir), b, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := verified("-data", dir); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want %q", err, says)
		}
	}
}
