package site

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
)

// A Severity says how bad a problem is.
type Severity uint8

const (
	Warning Severity = iota + 1 // it can be so, and is rarely meant
	Error                       // with it the file describes no site
)

func (s Severity) String() string {
	if s == Error {
		return "error"
	}
	return "warning"
}

// A Problem is something in a site file that a person should look at.
type Problem struct {
	Severity Severity
	File     string
	Line     int    // 0: the key is not there
	Key      string // levels joined by dots; an item of a list is named by its id, or its place from 1
	Text     string // what is wrong
	Fix      string // what to do; may be empty
}

// String is the problem on one line, file:line:key first.
func (p Problem) String() string {
	s := p.File
	if p.Line > 0 {
		s += ":" + strconv.Itoa(p.Line)
	}
	if p.Key != "" {
		s += ": " + p.Key
	}
	if p.Severity == Warning {
		s += ": warning"
	}
	s += ": " + p.Text
	if p.Fix != "" {
		s += "; " + p.Fix
	}
	return s
}

// Error lets a problem be an error.
func (p Problem) Error() string { return p.String() }

// mostProblems is how many of a severity are kept; the others are counted.
const mostProblems = 200

// findings are what was found in a file.
type findings struct {
	list [Error + 1][]Problem
	more [Error + 1]int
}

func (f *findings) add(p Problem) {
	if len(f.list[p.Severity]) == mostProblems {
		f.more[p.Severity]++
		return
	}
	f.list[p.Severity] = append(f.list[p.Severity], p)
}

// sorted is all that is kept, by line.
func (f *findings) sorted(name string) []Problem {
	all := slices.Concat(f.list[Error], f.list[Warning])
	slices.SortStableFunc(all, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), -cmp.Compare(a.Severity, b.Severity))
	})
	for _, s := range []Severity{Error, Warning} {
		if n := f.more[s]; n > 0 {
			all = append(all, Problem{Severity: s, File: name, Text: fmt.Sprintf("%d more of severity %s are not listed", n, s), Fix: "mend those above first"})
		}
	}
	return all
}

// Check is everything that is wrong with the site, or looks so, by line.
func (s *Site) Check() []Problem { return slices.Clone(s.problems) }

// err joins the errors, nil if there are none.
func (s *Site) err() error {
	var errs []error
	for _, p := range s.problems {
		if p.Severity == Error {
			errs = append(errs, p)
		}
	}
	return errors.Join(errs...)
}
