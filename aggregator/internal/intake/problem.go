package intake

import (
	"fmt"
	"slices"
	"strings"
)

// A Problem is what is wrong with a row, or with the whole file.
type Problem struct {
	Line   int    // 0: of the file
	Column string // as the file calls it; "": of the row
	Text   string
	Fix    string // what to do
	Alike  int    // that are wrong in the same way, and not shown
	Last   int    // line of the last of them
}

func (p Problem) String() string {
	var b strings.Builder
	if p.Line > 0 {
		fmt.Fprintf(&b, "line %d: ", p.Line)
	}
	if p.Column != "" {
		fmt.Fprintf(&b, "%s: ", p.Column)
	}
	b.WriteString(p.Text)
	return b.String()
}

// mostProblems are shown, and of those that are alike mostAlike; the others are
// counted.
const (
	mostProblems = 50
	mostAlike    = 3
)

// problems keeps the first of many, and the first of each kind.
type problems struct {
	list  []Problem
	count int
	kinds map[string]*kindOfProblem
}

// A kindOfProblem is what problems that are alike have in common.
type kindOfProblem struct {
	shown, at int // in list: the last of them
}

func (p *problems) add(line int, column, fix, format string, args ...any) {
	p.count++
	key := column + "\x00" + format + "\x00" + fix
	k := p.kinds[key]
	switch {
	case k != nil && k.shown == mostAlike:
		p.list[k.at].Alike++
		p.list[k.at].Last = max(p.list[k.at].Last, line)
		return
	case len(p.list) == mostProblems:
		return
	case k == nil:
		if p.kinds == nil {
			p.kinds = map[string]*kindOfProblem{}
		}
		k = &kindOfProblem{}
		p.kinds[key] = k
	}
	k.shown++
	k.at = len(p.list)
	p.list = append(p.list, Problem{Line: line, Column: column, Text: fmt.Sprintf(format, args...), Fix: fix})
}

// clone is p, to which others can be added.
func (p *problems) clone() problems {
	c := problems{slices.Clone(p.list), p.count, map[string]*kindOfProblem{}}
	for key, k := range p.kinds {
		same := *k
		c.kinds[key] = &same
	}
	return c
}
