// Package evidence finds the tests that a document names, so that a document that says
// what is tested cannot say more than is.
//
//	| what | aggregator.TestA wire.FuzzB |  ──▶ Named ──▶ names ─┐
//	aggregator/**_test.go ────────────────────▶ Tests ──▶ folders ┴─▶ none is missing
//
// A test is named by its folder's name and its own.
package evidence

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

var (
	declared = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	named    = regexp.MustCompile(`\b[a-z]+\.(?:Test|Fuzz)\w+`)
)

// Named are the tests that a text names, in order and once each.
func Named(text string) []string {
	names := named.FindAllString(text, -1)
	slices.Sort(names)
	return slices.Compact(names)
}

// Tests are those below a folder: where each stands, by name. Modules of others are left
// out.
func Tests(root string) (map[string][]string, error) {
	folders := map[string][]string{}
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && (e.Name() == "node_modules" || e.Name() == "testdata" || strings.HasPrefix(e.Name(), ".") && path != root):
			return fs.SkipDir
		case e.IsDir() || !strings.HasSuffix(path, "_test.go"):
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		dir := filepath.Dir(path)
		for _, m := range declared.FindAllSubmatch(text, -1) {
			name := filepath.Base(dir) + "." + string(m[1])
			if !slices.Contains(folders[name], dir) {
				folders[name] = append(folders[name], dir)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look for tests: %w", err)
	}
	return folders, nil
}
