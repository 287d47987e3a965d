package durable_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/gigawatch/gigawatch/aggregator/internal/durable"
)

func TestReplaceLeavesTheFileOrWhatItWas(t *testing.T) {
	for name, tc := range map[string]struct {
		was   func(dir, file string) error
		fails bool
		want  string
	}{
		"there is none yet":               {func(string, string) error { return nil }, false, "new"},
		"there is one":                    {func(_, file string) error { return os.WriteFile(file, []byte("old"), 0o600) }, false, "new"},
		"a run was cut short":             {func(_, file string) error { return os.WriteFile(file+".new", []byte("half a file"), 0o666) }, false, "new"},
		"there is a link to another file": {func(dir, file string) error { return os.Symlink(filepath.Join(dir, "other"), file+".new") }, false, "new"},
		"a folder is in its place": {func(_, file string) error {
			return os.MkdirAll(filepath.Join(file, "x"), 0o700)
		}, true, ""},
		"a folder is in the place of the next": {func(_, file string) error {
			if err := os.MkdirAll(filepath.Join(file+".new", "x"), 0o700); err != nil {
				return err
			}
			return os.WriteFile(file, []byte("old"), 0o600)
		}, true, "old"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			file := filepath.Join(dir, "file")
			if err := tc.was(dir, file); err != nil {
				t.Fatal(err)
			}
			if err := durable.Replace(file, []byte("new"), 0o600); (err != nil) != tc.fails {
				t.Fatal(err)
			}
			if b, _ := os.ReadFile(file); string(b) != tc.want {
				t.Errorf("it holds %q, want %q", b, tc.want)
			}
			if i, err := os.Stat(file); err == nil && !i.IsDir() && i.Mode().Perm() != 0o600 {
				t.Errorf("its mode is %v", i.Mode())
			}
			if i, err := os.Lstat(file + ".new"); err == nil && !i.IsDir() {
				t.Error("what it was written to is left")
			}
			if _, err := os.Stat(filepath.Join(dir, "other")); err == nil {
				t.Error("it was written where a link leads")
			}
		})
	}
}
