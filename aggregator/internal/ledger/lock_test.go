package ledger

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
)

func TestDataFolderIsRefusedWhenItIs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data")
	d, err := OpenDir(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := OpenDir(path); !errors.Is(err, ErrLocked) {
		t.Errorf("open in this process: %v", err)
	}
	l, err := Open(Config{Dir: d, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(l.Close(), d.Close()); err != nil {
		t.Fatal(err)
	}
	if sum, err := Check(path); err != nil || sum.Sites != 0 {
		t.Errorf("an empty ledger: %v, %v", sum, err)
	}
	if err := os.WriteFile(filepath.Join(path, "VERSION"), []byte("gigawatch 2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenDir(path); !errors.Is(err, ErrVersion) {
		t.Errorf("of a newer version: %v", err)
	}
	if _, err := Check(path); !errors.Is(err, ErrVersion) {
		t.Errorf("check of a newer version: %v", err)
	}
	if err := os.Remove(filepath.Join(path, "VERSION")); err != nil {
		t.Fatal(err)
	}
	if d, err = OpenDir(path); err != nil {
		t.Fatalf("it holds nothing: %v", err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Remove(filepath.Join(path, "VERSION")), os.MkdirAll(filepath.Join(path, "ledger", "s1"), 0o700)); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenDir(path); !errors.Is(err, ErrVersion) {
		t.Errorf("with a ledger and without a version: %v", err)
	}
}
