package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A row is one fault of the list.
type row struct {
	number  int
	fault   string
	tests   []string // folder's name and test, as in spool.TestSlowSyncHoldsUpNobody
	lacking string   // what is not covered
}

// rowsOf reads the table of FAULTS.md.
func rowsOf(text string) (rows []row, err error) {
	for line := range strings.Lines(text) {
		cells := strings.Split(strings.TrimSpace(line), "|")
		if len(cells) < 5 {
			continue
		}
		n, err := strconv.Atoi(strings.TrimSpace(cells[1]))
		if err != nil {
			continue // its heads
		}
		r := row{number: n, fault: strings.TrimSpace(cells[2]), tests: strings.Fields(cells[3]), lacking: strings.TrimSpace(cells[4])}
		if slices.ContainsFunc(rows, func(o row) bool { return o.number == n }) {
			return nil, fmt.Errorf("row %d stands twice", n)
		}
		rows = append(rows, r)
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("there is no table of faults")
	}
	return rows, nil
}

// declared finds a test of the standard library's kind.
var declared = regexp.MustCompile(`(?m)^func (Test\w+)\(`)

// packagesOf are the tests of rows by the folder of their package, below root.
func packagesOf(root string, rows []row) (map[string][]string, error) {
	folders := map[string][]string{} // by folder's name and test
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && (e.Name() == "node_modules" || e.Name() == "testdata"):
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
			key := filepath.Base(dir) + "." + string(m[1])
			if !slices.Contains(folders[key], dir) {
				folders[key] = append(folders[key], dir)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look for tests: %w", err)
	}
	out := map[string][]string{}
	for _, r := range rows {
		for _, name := range r.tests {
			in := folders[name]
			if len(in) != 1 {
				return nil, fmt.Errorf("row %d names %s, and it stands in %d packages", r.number, name, len(in))
			}
			_, test, _ := strings.Cut(name, ".")
			if !slices.Contains(out[in[0]], test) {
				out[in[0]] = append(out[in[0]], test)
			}
		}
	}
	return out, nil
}
