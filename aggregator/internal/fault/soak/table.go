package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// write is the list with what was counted; an error says what is wrong with it.
func (a *tally) write(out io.Writer, rows []row) error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "#\tfault\ttests passed\tfaults injected\tseeds\tmJ off\tsilent\tby")
	var sum count
	tests := 0
	for _, r := range rows {
		passed := 0
		var names []string
		for _, name := range r.tests {
			switch state := a.state[name]; state {
			case "pass":
			case "skip":
				name += " (skipped)"
			case "":
				bad("row %d: %s did not run", r.number, name)
			default:
				bad("row %d: %s failed", r.number, name)
				name += " (FAILED)"
			}
			passed += a.passed[strings.Fields(name)[0]]
			names = append(names, name)
		}
		c := a.counts[r.number]
		delete(a.counts, r.number)
		if len(r.tests) == 0 {
			if r.lacking == "" {
				bad("row %d has no test, and does not say so", r.number)
			}
			fmt.Fprintf(w, "%d\t%s\t–\t–\t–\t–\t–\t%s\n", r.number, r.fault, r.lacking)
			continue
		}
		if c.Injected == 0 {
			bad("row %d has no count", r.number)
		}
		if c.MJ != 0 {
			bad("row %d: %d mJ of difference", r.number, c.MJ)
		}
		if c.Silent != 0 {
			bad("row %d: %d silently wrong", r.number, c.Silent)
		}
		if r.lacking != "" {
			names = append(names, "· not covered: "+r.lacking)
		}
		fmt.Fprintf(w, "%d\t%s\t%d\t%d\t%d\t%d\t%d\t%s\n", r.number, r.fault, passed, c.Injected, c.Seeds, c.MJ, c.Silent, strings.Join(names, " "))
		sum.Injected, sum.MJ, sum.Silent = sum.Injected+c.Injected, sum.MJ+c.MJ, sum.Silent+c.Silent
		sum.Seeds = max(sum.Seeds, c.Seeds) // the same ones inject many of the faults
		tests += passed
	}
	for n := range a.counts {
		bad("there is a count of row %d, and no such row", n)
	}
	for _, p := range a.broken {
		bad("package %s failed", p)
	}
	fmt.Fprintf(w, "\tin all\t%d\t%d\t%d\t%d\t%d\t\n", tests, sum.Injected, sum.Seeds, sum.MJ, sum.Silent)
	return errors.Join(append(errs, w.Flush())...)
}
