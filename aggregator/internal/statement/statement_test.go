package statement_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gigawatch/gigawatch/aggregator/internal/statement"
)

var claim = statement.Claim{Site: "s1", Kind: "tenant", Period: "2026-11", Whose: "tenant-abc", Format: "json", Leaves: 745, Root: strings.Repeat("4f", 32)}

func TestAFileIsHeldAgainstItsNote(t *testing.T) {
	dir := t.TempDir()
	s, err := statement.NewFolder(dir).Key("s1")
	if err != nil {
		t.Fatal(err)
	}
	again, err := statement.NewFolder(dir).Key("s1")
	if err != nil || again.Public != s.Public {
		t.Fatalf("another key: %v, %v", again, err)
	}
	file := []byte("{\"kwh\": 12.5}\n")
	n, err := s.Sign(claim.Of(file))
	if err != nil {
		t.Fatal(err)
	}
	c, err := statement.Verify(file, n, s.Public+"\n")
	if err != nil || c != claim.Of(file) {
		t.Fatalf("%+v, %v", c, err)
	}
	for i := range file {
		x := slices.Clone(file)
		x[i] ^= 1
		if _, err := statement.Verify(x, n, s.Public); !errors.Is(err, statement.ErrFile) {
			t.Errorf("byte %d of the file was changed: %v", i, err)
		}
	}
	for i := range n[:len(n)-4] { // the last letter before the padding has bits to spare
		x := slices.Clone(n)
		x[i] ^= 1
		if _, err := statement.Verify(file, x, s.Public); err == nil {
			t.Errorf("byte %d of the note was changed: %q", i, x)
		}
	}
	other, err := statement.NewFolder(t.TempDir()).Key("s1")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := statement.Verify(file, n, other.Public); !errors.Is(err, statement.ErrSignature) {
		t.Errorf("by the key of somebody else: %v", err)
	}
	if i, err := os.Stat(filepath.Join(dir, "statement", "s1", "key")); err != nil || i.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", i.Mode(), err)
	}
	bad := claim
	bad.Period = "2026\nsha256 x"
	if _, err := s.Sign(bad); err == nil {
		t.Error("lines are smuggled into a note")
	}
	// Both halves of the key go together.
	if err := os.WriteFile(filepath.Join(dir, "statement", "s1", "key.pub"), []byte(other.Public), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := statement.NewFolder(dir).Key("s1"); err == nil {
		t.Error("a public key that is another's is taken")
	}
}

func TestALogThatWasChangedIsFound(t *testing.T) {
	dir := t.TempDir()
	f := statement.NewFolder(dir)
	for i, l := range []statement.Line{
		{At: "2026-12-01T10:00:00Z", Action: statement.ActSign, By: "Anna", Kind: "tenant", Whose: "tenant-abc"},
		{At: "2026-12-01T10:01:00Z", Action: statement.ActForget, By: "Anna", Keys: []string{"tenant-abc"}, Text: "asked to"},
		{At: "2026-12-02T10:01:00Z", Action: statement.ActSign, By: "Ben", Kind: "job"},
	} {
		var b []byte
		if l.Action == statement.ActSign {
			b = []byte{'0' + byte(i)}
		}
		if err := f.Add("s1", l, b); err != nil {
			t.Fatal(err)
		}
	}
	if n, files, err := f.Check("s1"); n != 3 || files != 2 || err != nil {
		t.Fatalf("%d lines, %d files, %v", n, files, err)
	}
	path := filepath.Join(dir, "statement", "s1", "log")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.SplitAfter(text, []byte("\n"))
	for name, spoilt := range map[string][]byte{
		"a word is changed": bytes.Replace(text, []byte("asked to"), []byte("nobody"), 1), "a line is left out": bytes.Join([][]byte{lines[0], lines[2]}, nil),
		"half a line": text[:len(text)-9], "a field is put in": bytes.Replace(text, []byte(`{"at"`), []byte(`{"x":1,"at"`), 1),
	} {
		if err := os.WriteFile(path, spoilt, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, _, err := f.Check("s1"); err == nil {
			t.Errorf("%s, and nobody sees it", name)
		}
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	all, err := f.Log("s1")
	if err != nil {
		t.Fatal(err)
	}
	kept := filepath.Join(dir, "statement", "s1", all[0].Kept+".json")
	if err := errors.Join(os.Chmod(kept, 0o600), os.WriteFile(kept, []byte("x"), 0o600)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := f.Check("s1"); err == nil {
		t.Error("a statement was changed, and nobody sees it")
	}
}

func FuzzVerify(f *testing.F) {
	s, err := statement.NewFolder(f.TempDir()).Key("s1")
	if err != nil {
		f.Fatal(err)
	}
	file := []byte("{}\n")
	n, err := s.Sign(claim.Of(file))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(n, s.Public)
	f.Add([]byte("x\n\n— s1 AAAA\n"), "s1+1+AA")
	f.Fuzz(func(t *testing.T, signed []byte, public string) {
		if c, err := statement.Verify(file, signed, public); err == nil && c != claim.Of(file) {
			t.Errorf("%q is taken for %+v", signed, c)
		}
	})
}
