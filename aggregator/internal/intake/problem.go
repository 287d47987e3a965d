package intake

import (
	"fmt"
	"strings"
)

// A Problem is what is wrong with a row, or with the whole file.
type Problem struct {
	Line   int    // 0: of the file
	Column string // as the file calls it; "": of the row
	Text   string
	Fix    string // what to do
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

// mostProblems are shown; the others are counted.
const mostProblems = 50

// problems keeps the first of many.
type problems struct {
	list  []Problem
	count int
}

func (p *problems) add(line int, column, fix, format string, args ...any) {
	if p.count++; len(p.list) < mostProblems {
		p.list = append(p.list, Problem{line, column, fmt.Sprintf(format, args...), fix})
	}
}

// full reports whether no more are kept: then there is no need to word them.
func (p *problems) full() bool { return len(p.list) >= mostProblems }
