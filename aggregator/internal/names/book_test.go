package names_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/names"
)

func open(t *testing.T, dir string, day int) *names.Book {
	t.Helper()
	b, err := names.Open(dir, "s1", func() time.Time { return time.Date(2026, 11, day, 12, 0, 0, 0, time.UTC) })
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func key(t *testing.T, b *names.Book, kind, name string) string {
	t.Helper()
	k, err := b.Key(kind, name)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestANameKeepsItsKeyUntilItIsForgotten(t *testing.T) {
	dir := t.TempDir()
	b := open(t, dir, 1)
	acme, beta := key(t, b, "tenant", "acme"), key(t, b, "tenant", "beta")
	job := key(t, b, "job", "acme")
	if !regexp.MustCompile(`^tenant-[a-z2-7]{16}$`).MatchString(acme) || !strings.HasPrefix(job, "job-") || acme == beta || strings.Contains(acme, "acme") {
		t.Fatalf("%s, %s, %s", acme, beta, job)
	}
	later := open(t, dir, 20)
	if again := key(t, later, "tenant", "acme"); again != acme {
		t.Errorf("%s is called %s", acme, again)
	}
	if n, ok := open(t, dir, 21).Name(beta); !ok || n.Name != "beta" || n.Used != "2026-11-01" {
		t.Errorf("%+v", n)
	}
	gone, err := open(t, dir, 21).Forget(func(n names.Name) bool { return n.Used < "2026-11-15" && n.Kind == "tenant" })
	if err != nil || len(gone) != 1 || gone[0] != beta {
		t.Fatalf("%v, %v", gone, err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "names", "s1"))
	if err != nil || strings.Contains(string(text), "beta") {
		t.Errorf("it still stands there: %s, %v", text, err)
	}
	after := open(t, dir, 22)
	if _, ok := after.Name(beta); ok || key(t, after, "tenant", "beta") == beta {
		t.Error("a key that was forgotten is used again")
	}
	if gone, err := after.Forget(func(names.Name) bool { return true }); err != nil || len(gone) != 3 {
		t.Errorf("%v, %v", gone, err)
	}
	if n := open(t, dir, 23).All(); len(n) != 0 {
		t.Errorf("%v", n)
	}
	if i, err := os.Stat(filepath.Join(dir, "names", "s1")); err != nil || i.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", i.Mode(), err)
	}
}

func TestTwoProcessesAgreeOnAKey(t *testing.T) {
	dir := t.TempDir()
	var keys [8]string
	var wait sync.WaitGroup
	for i := range keys {
		b := open(t, dir, 1)
		wait.Go(func() { keys[i], _ = b.Key("tenant", "acme") })
	}
	wait.Wait()
	for _, k := range keys {
		if k == "" || k != keys[0] {
			t.Errorf("keys %v", keys)
		}
	}
}

func TestABookThatWasSpoiltIsRefused(t *testing.T) {
	for name, text := range map[string]string{
		"half a line": `{"key":"tenant-a","kind":"tena`, "a key twice": `{"key":"k","kind":"t","name":"a","used":""}` + "\n" + `{"key":"k","kind":"t","name":"b","used":""}` + "\n",
		"another field": `{"key":"k","kind":"t","name":"a","used":"","mail":"x"}` + "\n",
	} {
		dir := t.TempDir()
		if err := os.MkdirAll(filepath.Join(dir, "names"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "names", "s1"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := names.Open(dir, "s1", time.Now); err == nil {
			t.Errorf("%s is read", name)
		}
	}
	if _, err := open(t, t.TempDir(), 1).Key("tenant", "two\nlines"); err == nil {
		t.Error("a name of two lines is kept")
	}
}
