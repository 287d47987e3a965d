package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/gigawatch/gigawatch/aggregator/internal/evidence"
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

// packagesOf are the tests of rows by the folder of their package, below root.
func packagesOf(root string, rows []row) (map[string][]string, error) {
	folders, err := evidence.Tests(root)
	if err != nil {
		return nil, err
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
