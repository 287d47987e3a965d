package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// secretly is how is called what nobody may read. Key alone is most often one of a
// list; of settings it is looked at where they are walked.
var secretly = regexp.MustCompile(`(?i)(password|passphrase|secret|token|community|credential|.key$)`)

// openly are texts that are only called so, and why.
var openly = map[string]string{
	"collector/agent Credentials":      "the path of a file",
	"aggregator Credentials":           "the path of a file",
	"aggregator credentials":           "likewise",
	"aggregator/internal/report token": "the name of a site on the bus",
	"collector/site Token":             "the name of a site on the bus",
	"aggregator/internal/rights Token": "a hash, as the list of principals has it",
	"aggregator/internal/rights token": "drawn here, to be told once; or shown by a caller, to be hashed",
	"aggregator/internal/names Secret": "drawn here, and kept in a file that nobody else reads",
}

// reveals are the places that hand a secret over: to a library, or to the wire.
var reveals = strings.Fields(`
	collector/internal/odata/client.go collector/internal/odata/session.go collector/internal/bmc/ipmi_lan.go
	collector/internal/meter/snmp/session.go collector/internal/meter/opcua/channel.go collector/internal/meter/mqtt/broker.go
	collector/internal/carbon/electricitymaps.go collector/internal/carbon/fetch.go collector/internal/carbon/weather.go
	collector/internal/job/job.go collector/internal/job/naming.go
	aggregator/query/client.go aggregator/internal/store/conceal.go plugin/pkg/caller.go
`)

// sources are the module's files but for tests.
func sources(t *testing.T) map[string]*ast.File {
	t.Helper()
	files := map[string]*ast.File{}
	set := token.NewFileSet()
	root := os.DirFS("..")
	err := fs.WalkDir(root, ".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (strings.HasPrefix(d.Name(), ".") && path != "." || d.Name() == "node_modules" || d.Name() == "testdata"):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		b, err := fs.ReadFile(root, path)
		if err == nil {
			files[path], err = parser.ParseFile(set, path, b, parser.SkipObjectResolution)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// plain reports whether a type shows what it holds.
func plain(x ast.Expr) bool {
	switch x := x.(type) {
	case *ast.Ident:
		return x.Name == "string" || x.Name == "byte"
	case *ast.StarExpr:
		return plain(x.X)
	case *ast.ArrayType:
		return plain(x.Elt)
	case *ast.MapType:
		return plain(x.Value)
	case *ast.Ellipsis:
		return plain(x.Elt)
	}
	return false
}

// What is called as a secret is a secret.Text: field, argument and result.
func TestWhatIsCalledASecretIsOne(t *testing.T) {
	used := map[string]bool{}
	checked := 0
	for path, file := range sources(t) {
		folder := filepath.ToSlash(filepath.Dir(path))
		if folder == "collector/secret" {
			continue
		}
		look := func(list *ast.FieldList) {
			if list == nil {
				return
			}
			for _, f := range list.List {
				for _, n := range f.Names {
					if !secretly.MatchString(n.Name) || strings.HasSuffix(n.Name, "File") || strings.HasSuffix(n.Name, "Env") {
						continue
					}
					checked++
					if key := folder + " " + n.Name; openly[key] != "" {
						used[key] = true
					} else if plain(f.Type) {
						t.Errorf("%s: %s is shown by whatever prints it: make it a secret.Text, or say in openly why it is none", path, n.Name)
					}
				}
			}
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.StructType:
				look(n.Fields)
			case *ast.FuncType:
				look(n.Params)
				look(n.Results)
			}
			return true
		})
	}
	for _, key := range slices.Sorted(maps.Keys(openly)) {
		if !used[key] {
			t.Errorf("nothing is called %s any more", key)
		}
	}
	if checked < 20 {
		t.Errorf("%d are called as secrets are", checked)
	}
}

// A secret is revealed where it is handed over, and nowhere else.
func TestSecretsAreRevealedInFewPlaces(t *testing.T) {
	found := map[string]bool{}
	for path, file := range sources(t) {
		if strings.HasPrefix(path, "collector/secret/") {
			continue
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if c, ok := n.(*ast.CallExpr); ok {
				if s, ok := c.Fun.(*ast.SelectorExpr); ok && s.Sel.Name == "Reveal" {
					found[path] = true
				}
			}
			return true
		})
	}
	got, want := slices.Sorted(maps.Keys(found)), slices.Sorted(slices.Values(reveals))
	if !slices.Equal(got, want) {
		t.Errorf("secrets are revealed in %q, and may be in %q", got, want)
	}
}
