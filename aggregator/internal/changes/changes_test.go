package changes_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gigawatch/gigawatch/aggregator/internal/changes"
)

// kept is a folder whose log has n changes and their answers, and the log's text.
func kept(t *testing.T, n int) (data string, text []byte) {
	t.Helper()
	data = t.TempDir()
	l, broken, err := changes.Open(data)
	if err != nil || broken != nil {
		t.Fatal(err, broken)
	}
	for i := range n {
		hash, err := l.Ask(changes.Change{By: "anna", Role: "operator", Method: "POST", Route: "/api/v1/windows", Path: "/api/v1/windows", Site: fmt.Sprint("ams", i)})
		if err == nil {
			err = l.Answer(hash, 200)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if text, err = os.ReadFile(changes.File(data)); err != nil {
		t.Fatal(err)
	}
	return data, text
}

func TestEveryByteOfTheLogOfChangesCounts(t *testing.T) {
	data, text := kept(t, 3)
	if n, last, err := changes.Check(data); n != 6 || err != nil || !strings.Contains(string(text), last+" {") {
		t.Fatal(n, last, err)
	}
	write := func(b []byte) {
		t.Helper()
		if err := os.WriteFile(changes.File(data), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for i := range text {
		if i == len(text)-1 { // without its end, a line is one that is being written
			break
		}
		b := bytes.Clone(text)
		b[i] ^= 1
		write(b)
		if n, _, err := changes.Check(data); err == nil {
			t.Fatalf("byte %d of %d was changed, and %d lines hold", i, len(text), n)
		}
	}
	lines := bytes.SplitAfter(text, []byte("\n"))
	lines = lines[:len(lines)-1]
	for i := range len(lines) - 1 { // without the last of all it is a shorter log
		for name, b := range map[string][]byte{
			"taken out":          bytes.Join(slices.Delete(slices.Clone(lines), i, i+1), nil),
			"put in twice":       bytes.Join(slices.Insert(slices.Clone(lines), i, lines[i]), nil),
			"in another's place": bytes.Join(append(append(slices.Clone(lines[:i]), lines[i+1], lines[i]), lines[i+2:]...), nil),
		} {
			write(b)
			if _, _, err := changes.Check(data); err == nil || !strings.Contains(err.Error(), "line ") {
				t.Errorf("line %d %s: %v", i+1, name, err)
			}
		}
	}
	long := bytes.Repeat([]byte("x"), 10_000)
	write(slices.Concat(text, long, []byte("\n"), text))
	if n, _, err := changes.Check(data); n != 13 || err == nil || !strings.Contains(err.Error(), "line 7 was changed") {
		t.Errorf("with a line of 10 kB it has %d: %v", n, err)
	}
}

func TestALogOfChangesGoesOn(t *testing.T) {
	data, text := kept(t, 2)
	add := func() (broken error) {
		t.Helper()
		l, broken, err := changes.Open(data)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		if _, err := l.Ask(changes.Change{By: "bob", Path: strings.Repeat("p", 20_000)}); err != nil {
			t.Fatal(err)
		}
		return broken
	}
	if err := add(); err != nil {
		t.Error(err)
	}
	// A power cut in the middle of a line.
	f, err := os.OpenFile(changes.File(data), os.O_APPEND|os.O_WRONLY, 0)
	if err == nil {
		_, err = f.WriteString(`0123 {"at":`)
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	if n, _, err := changes.Check(data); n != 5 || err != nil {
		t.Error(n, err)
	}
	if err := add(); err != nil {
		t.Error(err)
	}
	if n, _, err := changes.Check(data); n != 6 || err != nil {
		t.Error(n, err)
	}
	// What was changed is said when it is opened, stays as it is, and lines go on behind it.
	b := bytes.Replace(text, []byte("anna"), []byte("eva1"), 1)
	if err := os.WriteFile(changes.File(data), b, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := add(); err == nil || !strings.Contains(err.Error(), "line 1 was changed") {
		t.Error(err)
	}
	if now, err := os.ReadFile(changes.File(data)); err != nil || !bytes.HasPrefix(now, b) || len(now) == len(b) {
		t.Errorf("%v: it was not gone on with:\n%s", err, now)
	}
	if _, _, err := changes.Check(data); err == nil || !strings.Contains(err.Error(), "line 1 was changed") {
		t.Error(err)
	}
	if _, _, err := changes.Check(t.TempDir()); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

func TestManyChangeAtOnce(t *testing.T) {
	data := t.TempDir()
	l, _, err := changes.Open(data)
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 10 {
				if hash, err := l.Ask(changes.Change{By: "anna"}); err != nil || l.Answer(hash, 200) != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if n, _, err := changes.Check(data); n != 160 || err != nil {
		t.Error(n, err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Ask(changes.Change{}); err == nil {
		t.Error("what cannot be written is kept")
	}
}
