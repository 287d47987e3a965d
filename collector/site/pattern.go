package site

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// A pattern stands for many names: r[0001-0064], h[1-2]-pdu-[a,b]. Brackets hold
// numbers, ranges of numbers, which keep their leading zeros, words, and ranges
// of one letter; what stands later runs faster.
//
// Nothing is expanded that has not been counted before.

// Limits of what one file describes.
const (
	mostNames     = 1_000_000 // of all patterns together
	mostOfPattern = 100_000
	longestName   = 255
)

// count is how many names pattern p stands for.
func count(p string) (int, error) { return walk(p, nil) }

// expand is the names that p stands for; it must have been counted.
func expand(p string) []string {
	names := []string{""}
	_, _ = walk(p, func(literal string, of []string) { // it was counted
		if of == nil {
			for i := range names {
				names[i] += literal
			}
			return
		}
		next := make([]string, 0, len(names)*len(of))
		for _, n := range names {
			for _, o := range of {
				next = append(next, n+o)
			}
		}
		names = next
	})
	return names
}

var errTooMany = fmt.Errorf("stands for more than %d names", mostOfPattern)

// walk gives the parts of p to part, if there is one, and counts.
func walk(p string, part func(literal string, of []string)) (int, error) {
	n, length := 1, 0
	for p != "" {
		literal, rest, open := strings.Cut(p, "[")
		if strings.Contains(literal, "]") {
			return 0, errors.New("a ] without its [")
		}
		length += len(literal)
		if literal != "" && part != nil {
			part(literal, nil)
		}
		if !open {
			break
		}
		inside, after, closed := strings.Cut(rest, "]")
		if !closed {
			return 0, errors.New("a [ without its ]")
		}
		var of []string
		size, longest := 0, 0
		for item := range strings.SplitSeq(inside, ",") {
			k, long, list, err := span(strings.TrimSpace(item), part != nil)
			if err != nil {
				return 0, err
			}
			if size += k; size > mostOfPattern {
				return 0, errTooMany
			}
			of, longest = append(of, list...), max(longest, long)
		}
		if n *= size; n > mostOfPattern {
			return 0, errTooMany
		}
		if length += longest; length > longestName {
			break
		}
		if part != nil {
			part("", of)
		}
		p = after
	}
	if length > longestName {
		return 0, fmt.Errorf("stands for names of more than %d characters", longestName)
	}
	return n, nil
}

// span is what one item between brackets stands for: how many, the length of the
// longest, and, if asked for, the list.
func span(item string, wanted bool) (n, longest int, list []string, err error) {
	from, to, isRange := strings.Cut(item, "-")
	switch {
	case item == "" || len(item) > longestName || strings.ContainsAny(item, "[]"):
		return 0, 0, nil, errors.New("brackets hold numbers, words and ranges, such as [1-4,7]")
	case !isRange:
		if wanted {
			list = []string{item}
		}
		return 1, len(item), list, nil
	case len(from) == 1 && len(to) == 1 && letter(from[0]) && letter(to[0]) && from[0] <= to[0]:
		for c := from[0]; wanted && c <= to[0]; c++ {
			list = append(list, string(c))
		}
		return int(to[0]-from[0]) + 1, 1, list, nil
	}
	if len(from) > 9 || len(to) > 9 || !digits(from) || !digits(to) {
		return 0, 0, nil, fmt.Errorf("[%s] is no range of numbers or of letters", short(item))
	}
	a, _ := strconv.Atoi(from) // digits
	b, _ := strconv.Atoi(to)
	if b < a {
		return 0, 0, nil, fmt.Errorf("[%s] runs backwards", item)
	}
	if b-a+1 > mostOfPattern {
		return 0, 0, nil, errTooMany
	}
	width := 0
	if from[0] == '0' && len(from) == len(to) {
		width = len(from)
	}
	for i := a; wanted && i <= b; i++ {
		list = append(list, fmt.Sprintf("%0*d", width, i))
	}
	return b - a + 1, max(width, len(strconv.Itoa(b))), list, nil
}

func letter(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// patternText is the pattern under v: YAML takes one that begins with a bracket
// for a list.
func (v value) patternText() string {
	if !v.given() || v.n.Kind != yaml.SequenceNode {
		return v.text()
	}
	var items []string
	for _, n := range v.n.Content {
		if n.Kind != yaml.ScalarNode {
			v.wrong("write names, such as r[0001-0064]", "want a name or a pattern, and here is a list of something else")
			return ""
		}
		items = append(items, n.Value)
	}
	p := "[" + strings.Join(items, ",") + "]"
	if len(p) > maxText {
		v.wrong("", "longer than %d characters", maxText)
		return ""
	}
	return p
}

// pattern is the names under v; none if it was left out or cannot be taken.
func (v value) pattern() []string {
	return v.names(v.patternText())
}

func (v value) names(p string) []string {
	if p == "" {
		return nil
	}
	n, err := count(p)
	if err != nil {
		v.wrong("", "%q: %v", short(p), err)
		return nil
	}
	if v.r.names -= n; v.r.names < 0 {
		if v.r.names+n >= 0 {
			v.wrong("", "the patterns of this file stand for more than %d names", mostNames)
		}
		v.r.names = -1
		return nil
	}
	return expand(p)
}

// tokens is pattern, each a name that can stand in a bus subject and a label.
func (v value) tokens() []string {
	names := v.pattern()
	for _, n := range names {
		if !metric.ValidName(n) {
			v.wrong("use 1 to 63 of A-Z a-z 0-9 _ -", "%q is no name", short(n))
			return nil
		}
	}
	return names
}

// hostNames is the names of p, each one that a host can have.
func (v value) hostNames(p string) []string {
	names := v.names(p)
	for _, n := range names {
		if !validHost(n) {
			v.wrong("use A-Z a-z 0-9 _ - .", "%q is no name of a host", short(n))
			return nil
		}
	}
	return names
}

func validHost(n string) bool {
	for label := range strings.SplitSeq(n, ".") {
		if !metric.ValidName(label) {
			return false
		}
	}
	return len(n) <= metric.MaxText
}

// forEach is pattern for n things: one name for all of them, or one for each.
func (v value) forEach(n int) func(i int) string {
	names := v.pattern()
	switch {
	case len(names) == 0:
		return func(int) string { return "" }
	case len(names) == 1:
		return func(int) string { return names[0] }
	case len(names) != n:
		v.wrong("write one that suits all of them, or as many; or split the entry", "stands for %d names, and there %s", len(names), areMany(n))
		return func(int) string { return "" }
	}
	return func(i int) string { return names[i] }
}

func areMany(n int) string {
	if n == 1 {
		return "is 1 of these"
	}
	return fmt.Sprintf("are %d of these", n)
}

// some lists names, shortened.
func some(names []string) string {
	if len(names) <= 4 {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:3], ", "), len(names)-3)
}
