package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"path"
	"strings"
)

// event is what go test -json writes.
type event struct {
	Action, Package, Test, Output string
}

// A count is what a test says of one row, after the word soak.
type count struct {
	Row      int
	Injected int   // faults
	Seeds    int   // runs that were drawn
	MJ       int64 // of difference
	Silent   int   // damages that nobody noticed and that were not harmless
}

// A tally is what was seen of the tests.
type tally struct {
	state  map[string]string // of a test, by folder's name and test: pass, fail, skip
	counts map[int]count     // by row
	passed map[string]int    // tests within each test, and itself
	said   map[string]string // the end of what a test printed
	broken []string          // packages that failed though none of their tests did
}

func newTally() *tally {
	return &tally{state: map[string]string{}, counts: map[int]count{}, passed: map[string]int{}, said: map[string]string{}}
}

// mostSaid is how much is kept of what a test prints.
const mostSaid = 8 << 10

// read takes what go test -json writes of one package.
func (a *tally) read(in io.Reader, progress io.Writer) error {
	s := bufio.NewScanner(in)
	s.Buffer(nil, 64<<20)
	failed, of := false, ""
	for s.Scan() {
		var e event
		if json.Unmarshal(s.Bytes(), &e) != nil {
			fmt.Fprintf(progress, "%s\n", s.Bytes()) // a build that failed speaks plainly
			continue
		}
		top, _, _ := strings.Cut(e.Test, "/")
		name := path.Base(e.Package) + "." + top
		switch {
		case e.Action == "output":
			a.said[name] += e.Output
			if n := len(a.said[name]); n > 2*mostSaid {
				a.said[name] = a.said[name][n-mostSaid:]
			}
			if err := a.hear(e.Output); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			if strings.HasPrefix(e.Output, "| ") { // of a benchmark's table
				fmt.Fprint(progress, e.Output)
			}
		case e.Test == "":
			if e.Action == "fail" {
				of = e.Package
			}
		case e.Action == "pass":
			a.passed[name]++
		}
		if e.Test != "" && e.Test == top && (e.Action == "pass" || e.Action == "fail" || e.Action == "skip") {
			a.state[name] = e.Action
			failed = failed || e.Action == "fail"
			fmt.Fprintf(progress, "%-5s %s\n", e.Action, name)
			if e.Action == "fail" {
				fmt.Fprint(progress, a.said[name])
			}
		}
	}
	if of != "" && !failed {
		a.broken = append(a.broken, of)
		fmt.Fprintf(progress, "fail  %s\n%s", of, a.said[path.Base(of)+"."])
	}
	if err := s.Err(); err != nil {
		return fmt.Errorf("read what the tests say: %w", err)
	}
	return nil
}

// hear takes a line that counts.
func (a *tally) hear(line string) error {
	_, text, ok := strings.Cut(line, "soak: {")
	if !ok {
		return nil
	}
	var c count
	d := json.NewDecoder(strings.NewReader("{" + text))
	d.DisallowUnknownFields()
	if err := d.Decode(&c); err != nil {
		return fmt.Errorf("what it counts cannot be read: %q: %w", line, err)
	}
	sum := a.counts[c.Row]
	sum.Injected += c.Injected
	sum.Seeds += c.Seeds
	sum.Silent += c.Silent
	sum.MJ += max(c.MJ, -c.MJ)
	a.counts[c.Row] = sum
	return nil
}
