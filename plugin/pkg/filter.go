package main

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A filter is one of a dashboard's ad-hoc filters.
type filter struct {
	Key      string   `json:"key"`
	Operator string   `json:"operator"`
	Value    string   `json:"value"`
	Values   []string `json:"values,omitempty"` // of =| and !=|

	pattern *regexp.Regexp // of =~ and !~, once checked
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
		var err error
		if f.pattern, err = regexp.Compile("^(?:" + f.Value + ")$"); err != nil {
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
	return f.pattern != nil && f.pattern.MatchString(v) == (f.Operator == "=~")
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

// one is the only value that f lets pass; ok is false where there may be others.
func (f *filter) one() (value string, ok bool) {
	switch f.Operator {
	case "=":
		return f.Value, true
	case "=|":
		v := f.values()
		return v[0], len(v) == 1
	}
	return "", false
}

// about are those of filters that are of one of keys.
func about(filters []filter, keys ...string) (out []filter) {
	for _, f := range filters {
		if slices.Contains(keys, f.Key) {
			out = append(out, f)
		}
	}
	return out
}

// text is f as people write it.
func (f *filter) text() string {
	return f.Key + f.Operator + strings.Join(f.values(), "|")
}

// sites are those that are asked about and pass the filters, of which those remain
// that are about what the answer tells. What else one is about, it cannot narrow: a
// panel is told so, as its dashboard filters others too; a rule is refused, as it
// would watch more than it says.
func (a *asking) sites(tells ...string) (sites []siteOf, notes []string, err error) {
	b := a.common()
	if sites, notes, err = a.chosen(b.Site); err != nil {
		return nil, nil, err
	}
	var narrowing []filter
	for i := range b.Filters {
		f := &b.Filters[i]
		switch {
		case f.Key == "site":
			sites = slices.DeleteFunc(slices.Clone(sites), func(s siteOf) bool { return !f.holds(map[string]string{"site": s.name}) })
		case slices.Contains(tells, f.Key):
			narrowing = append(narrowing, *f)
		case a.fromAlert:
			return nil, nil, wrong("the filter %s cannot narrow this down, as its answer does not tell %s: leave it out, or ask by %s", f.text(), f.Key, f.Key)
		default:
			notes = append(notes, "the filter "+f.text()+" does not narrow this down: the answer does not tell "+f.Key)
		}
	}
	b.Filters = narrowing
	return sites, notes, nil
}

// chosen are the sites that said means, and who could not be asked which there are.
// A rule is refused then: it would watch some, and say nothing of the others.
func (a *asking) chosen(said string) (sites []siteOf, notes []string, err error) {
	sites, failed, err := a.fleet.chosen(a, said)
	if err == nil && len(failed) > 0 && a.fromAlert {
		err = notAll(failed[0])
	}
	return sites, texts(failed), err
}

// several reports whether names have to say the site.
func several(sites []siteOf) bool { return len(sites) > 1 }
