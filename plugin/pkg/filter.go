package main

import (
	"regexp"
	"strconv"
	"strings"
)

// A filter is one of a dashboard's ad-hoc filters.
type filter struct {
	Key      string   `json:"key"`
	Operator string   `json:"operator"`
	Value    string   `json:"value"`
	Values   []string `json:"values,omitempty"` // of =| and !=|
}

// labels that things are told apart by, outer to inner.
func labelNames() []string {
	return []string{"site", "hall", "rack", "host", "gpu", "uuid", "model", "job", "tenant", "meter", "role", "boundary", "source", "state"}
}

func (f *filter) check() error {
	if err := oneOf("operator of a filter", &f.Operator, "=", "!=", "=~", "!~", "=|", "!=|"); err != nil {
		return err
	}
	if !regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`).MatchString(f.Key) {
		return wrong("filter of %q: that is not a label's name; choose one from the list", f.Key)
	}
	if f.Operator == "=~" || f.Operator == "!~" {
		if _, err := regexp.Compile("^(?:" + f.Value + ")$"); err != nil {
			return wrong("filter of %s: %q is not a regular expression: %v", f.Key, f.Value, err)
		}
	}
	return nil
}

// matcher is f in PromQL.
func (f *filter) matcher() string {
	op, value := f.Operator, f.Value
	if op == "=|" || op == "!=|" {
		var quoted []string
		for _, v := range f.values() {
			quoted = append(quoted, regexp.QuoteMeta(v))
		}
		op, value = map[string]string{"=|": "=~", "!=|": "!~"}[op], strings.Join(quoted, "|")
	}
	return f.Key + op + strconv.Quote(value)
}

func (f *filter) values() []string {
	if len(f.Values) == 0 {
		return []string{f.Value}
	}
	return f.Values
}

// holds reports whether a thing with such labels passes f.
func (f *filter) holds(labels map[string]string) bool {
	v := labels[f.Key]
	switch f.Operator {
	case "=", "!=":
		return (v == f.Value) == (f.Operator == "=")
	case "=|", "!=|":
		found := false
		for _, want := range f.values() {
			found = found || v == want
		}
		return found == (f.Operator == "=|")
	}
	re, err := regexp.Compile("^(?:" + f.Value + ")$") // check has seen it
	return err == nil && re.MatchString(v) == (f.Operator == "=~")
}

// pass reports whether labels pass all filters.
func pass(filters []filter, labels map[string]string) bool {
	for i := range filters {
		if !filters[i].holds(labels) {
			return false
		}
	}
	return true
}

// matchers are equalities of what is not "", and the filters, in PromQL, without
// braces.
func matchers(equal [][2]string, filters []filter) string {
	var out []string
	for _, e := range equal {
		if e[1] != "" {
			out = append(out, (&filter{Key: e[0], Operator: "=", Value: e[1]}).matcher())
		}
	}
	for i := range filters {
		out = append(out, filters[i].matcher())
	}
	return strings.Join(out, ",")
}
