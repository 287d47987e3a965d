package site

import (
	"fmt"
	"iter"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// A place is where something stands in the file.
type place struct {
	line int
	key  string
}

// A reader walks the tree of a file once and complains of what it cannot take.
type reader struct {
	name  string
	found findings
	names int // that patterns may still stand for, in all
	hints int // suggestions that may still be worked out
	loc   clock
}

func (r *reader) complain(s Severity, at place, text, fix string) {
	r.found.add(Problem{Severity: s, File: r.name, Line: at.line, Key: at.key, Text: text, Fix: fix})
}

func (r *reader) wrong(at place, fix, format string, args ...any) {
	r.complain(Error, at, fmt.Sprintf(format, args...), fix)
}

func (r *reader) warn(at place, fix, format string, args ...any) {
	r.complain(Warning, at, fmt.Sprintf(format, args...), fix)
}

// again complains of a name that was given to two things.
func (r *reader) again(at place, id string, first place) {
	r.wrong(at, "give each its own", "%q stands twice, first in line %d", short(id), first.line)
}

// once are those of ids, by their index, that are not in seen, where it puts them,
// and complains of the others.
func (r *reader) once(seen map[string]place, at place, ids []string) iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		for i, id := range ids {
			if first, twice := seen[id]; twice {
				r.again(at, id, first)
				continue
			}
			seen[id] = at
			if !yield(i, id) {
				return
			}
		}
	}
}

// A value is what stands under a key; n is nil if it was left out.
type value struct {
	r *reader
	n *yaml.Node
	place
}

// given reports whether there is anything.
func (v value) given() bool { return v.n != nil }

func (v value) wrong(fix, format string, args ...any) { v.r.wrong(v.place, fix, format, args...) }

// text is a scalar as it is written, without the blanks around it.
func (v value) text() string {
	if !v.given() {
		return ""
	}
	if v.n.Kind != yaml.ScalarNode {
		v.wrong("write one value", "want one value, and here is %s", kindOf(v.n))
		return ""
	}
	if len(v.n.Value) > maxText {
		v.wrong("", "longer than %d characters", maxText)
		return ""
	}
	return strings.TrimSpace(v.n.Value)
}

// maxText bounds any one text.
const maxText = 1024

func kindOf(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a group of keys"
	case yaml.SequenceNode:
		return "a list"
	}
	return "one value"
}

// items are those of a list; one group of keys is a list of one.
func (v value) items() []value {
	if !v.given() {
		return nil
	}
	var nodes []*yaml.Node
	switch v.n.Kind {
	case yaml.SequenceNode:
		nodes = v.n.Content
	case yaml.MappingNode:
		nodes = []*yaml.Node{v.n}
	default:
		v.wrong("begin each item with a dash: - id: …", "want a list, and here is one value")
	}
	var vs []value
	for i, n := range nodes {
		vs = append(vs, value{v.r, n, place{n.Line, v.key + "." + strconv.Itoa(i+1)}})
	}
	return vs
}

// words are the texts of a list, or the one that stands alone.
func (v value) words() []value {
	if !v.given() || v.n.Kind == yaml.ScalarNode {
		if v.given() {
			return []value{v}
		}
		return nil
	}
	if v.n.Kind != yaml.SequenceNode {
		v.wrong("", "want a list, and here is a group of keys")
		return nil
	}
	return v.items()
}

// choice is one of a closed list, "" if it was left out or is none of them.
func (v value) choice(of ...string) string {
	t := v.text()
	if t == "" {
		return ""
	}
	for _, o := range of {
		if t == o {
			return t
		}
	}
	v.wrong(v.r.nearest(t, of), "%q is none of %s", short(t), strings.Join(of, ", "))
	return ""
}

// truth is yes or no.
func (v value) truth() bool {
	switch t := strings.ToLower(v.text()); t {
	case "", "false", "no":
		return false
	case "true", "yes":
		return true
	default:
		v.wrong("write true or false", "%q is neither true nor false", short(t))
		return false
	}
}

// whole is a whole number from least to most, unset if it was left out.
func (v value) whole(least, most, unset int) int {
	t := v.text()
	if t == "" {
		return unset
	}
	n, err := strconv.Atoi(t)
	if err != nil || n < least || n > most {
		v.wrong("", "%q is no whole number from %d to %d", short(t), least, most)
		return unset
	}
	return n
}

// short is t as it can be shown in a complaint.
func short(t string) string {
	if r := []rune(t); len(r) > 60 {
		return string(r[:57]) + "…"
	}
	return t
}

// A section is a group of keys, each of which is asked for once.
type section struct {
	r *reader
	place
	nodes map[string]*yaml.Node
	lines map[string]int
	order []string // of the file
	asked map[string]bool
}

// section is v's keys; none if it was left out or is something else.
func (v value) section() *section {
	s := &section{r: v.r, place: v.place, nodes: map[string]*yaml.Node{}, lines: map[string]int{}, asked: map[string]bool{}}
	if !v.given() {
		return s
	}
	if v.n.Kind != yaml.MappingNode {
		v.wrong("write keys and values, one a line: key: value", "want a group of keys, and here is %s", kindOf(v.n))
		return s
	}
	for i := 0; i+1 < len(v.n.Content); i += 2 {
		k, n := v.n.Content[i], v.n.Content[i+1]
		if first, twice := s.lines[k.Value]; twice || k.Kind != yaml.ScalarNode {
			s.r.wrong(place{k.Line, s.sub(k.Value)}, "keep one of them", "this key stands twice, first in line %d", first)
			continue
		}
		s.lines[k.Value] = k.Line
		s.order = append(s.order, k.Value)
		if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" {
			n = nil // an empty value is left out
		}
		s.nodes[k.Value] = n
	}
	return s
}

func (s *section) sub(key string) string {
	if s.key == "" {
		return short(key)
	}
	return s.key + "." + short(key)
}

// get is the value under key.
func (s *section) get(key string) value {
	s.asked[key] = true
	return value{s.r, s.nodes[key], s.at(key)}
}

// has reports whether key has a value.
func (s *section) has(key string) bool { return s.nodes[key] != nil }

// at is where key stands, or else the section.
func (s *section) at(key string) place {
	if line, ok := s.lines[key]; ok {
		return place{line, s.sub(key)}
	}
	return place{s.line, s.sub(key)}
}

// end complains of keys that nobody asked for.
func (s *section) end() {
	var known []string
	for k := range s.asked {
		known = append(known, k)
	}
	for _, k := range s.order {
		if !s.asked[k] {
			s.r.wrong(s.at(k), s.r.nearest(k, known), "no such key")
		}
	}
}

// called renames the section after the id of what it describes.
func (s *section) called(list, id string) {
	if id != "" {
		s.key = list + "." + short(id)
	}
}

// ids are the names that an item of list stands for. Where it says none, fix is
// what to write, and what is whose name is missing.
func (s *section) ids(list, fix, what string) []string {
	s.called(list, s.get("id").patternText())
	id := s.get("id")
	if !id.given() {
		id.wrong(fix, "missing: the name of %s", what)
	}
	return id.tokens()
}

// A mark remembers where the keys of something stand, for checks that look at
// it later.
type mark struct {
	place
	lines map[string]int
}

func (s *section) mark() *mark { return &mark{s.place, s.lines} }

// has reports whether key stands there, rightly or wrongly.
func (m *mark) has(key string) bool { _, ok := m.lines[key]; return ok }

func (m *mark) at(key string) place {
	line, ok := m.lines[key]
	if !ok {
		line = m.line
	}
	return place{line, m.key + "." + key}
}
