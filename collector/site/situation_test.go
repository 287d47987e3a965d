package site_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/gigawatch/gigawatch/collector/site"
)

var update = flag.Bool("update", false, "rewrite the problems in testdata")

// Each archive in testdata holds site files named by what is odd about them, and
// after each what is to be said of it.
func TestEveryInconsistencyIsExplained(t *testing.T) {
	archives, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(archives) == 0 {
		t.Fatal(archives, err)
	}
	for _, path := range archives {
		a, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if len(a.Files)%2 != 0 {
			t.Fatalf("%s: files do not come in pairs", path)
		}
		for i := 0; i < len(a.Files); i += 2 {
			name, said := a.Files[i].Name, a.Files[i+1].Name
			if said != "is said" {
				t.Fatalf("%s: %q follows %q", path, said, name)
			}
			t.Run(strings.TrimSuffix(filepath.Base(path), ".txt")+"/"+name, func(t *testing.T) {
				s, err := site.Parse("site.yaml", a.Files[i].Data)
				if s == nil {
					t.Fatal("no site")
				}
				var got strings.Builder
				errors := 0
				for _, p := range s.Check() {
					got.WriteString(p.String() + "\n")
					if p.Severity == site.Error {
						errors++
					}
				}
				if (err != nil) != (errors > 0) {
					t.Errorf("%d errors, and Parse returns %v", errors, err)
				}
				if *update {
					a.Files[i+1].Data = []byte(got.String())
					return
				}
				if diff := cmp.Diff(string(a.Files[i+1].Data), got.String()); diff != "" {
					t.Errorf("want -, got +\n%s", diff)
				}
			})
		}
		if *update {
			if err := os.WriteFile(path, txtar.Format(a), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}
