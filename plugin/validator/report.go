package main

import (
	"fmt"
	"io"
	"strings"
)

// report prints a line for each thing said, and is whether nothing was found that
// may not stand.
func report(w io.Writer, verdicts []verdict, accept []acceptance) bool {
	var passed, open, stood, found int
	used := map[acceptance]bool{}
	for _, v := range verdicts {
		if len(v.findings) == 0 && v.gap == "" {
			passed++
			fmt.Fprintf(w, "passed      %s\n", v.analyzer)
		}
		for _, f := range v.findings {
			switch {
			case !f.stands():
				found++
				fmt.Fprintf(w, "FOUND       %s: %s: %s (%s)\n", v.analyzer, f.Severity, f.Title, f.Name)
				if f.Detail != "" {
					fmt.Fprintf(w, "            %s\n", strings.TrimSpace(f.Detail))
				}
			case f.reason == "":
				stood++
				fmt.Fprintf(w, "recommends  %s: %s\n", v.analyzer, f.Title)
			default:
				stood++
				used[acceptance{v.analyzer, f.Name, f.Title, f.reason}] = true
				fmt.Fprintf(w, "accepted    %s: %s: %s; %s\n", v.analyzer, f.Severity, f.Title, f.reason)
			}
		}
		if v.gap != "" {
			open++
			fmt.Fprintf(w, "unverified  %s: cannot be verified offline: %s\n", v.analyzer, v.gap)
		}
	}
	for _, a := range accept {
		if !used[a] {
			found++
			fmt.Fprintf(w, "FOUND       accepted.go: %s does not say %q\n", a.analyzer, a.title)
		}
	}
	fmt.Fprintf(w, "%d analyzers: %d passed, %d cannot verify offline, %d findings stand, %d do not\n", len(verdicts), passed, open, stood, found)
	return found == 0
}
