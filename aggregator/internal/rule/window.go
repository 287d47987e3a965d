package rule

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// A Window is a time of maintenance: what matches and begins to fire in it is
// shown and not sent. What was sent before goes on, and what is direct is sent
// unless the window names it: a leak is one in maintenance as well.
type Window struct {
	ID     string
	Match  []Matcher // all of them
	From   time.Time
	To     time.Time
	Owner  string // who answers for it
	Reason string

	By       string    // who opened it; "": nobody who has a name
	Opened   time.Time // zero: it stands in the configuration, and is closed there
	Closed   time.Time // before its end; zero: it was not
	ClosedBy string
}

// LongestWindow is how long one may be, and those together that follow each other.
const LongestWindow = 7 * 24 * time.Hour

// MostWindows is how many there may be.
const MostWindows = 1000

const (
	mostMatchers = 10
	longestText  = 300 // bytes of what a window says

	// A window that begins within apart of another's end goes on with it.
	apart = time.Hour
	// earliest is how long before it begins a window may be opened.
	earliest = 366 * 24 * time.Hour
)

// A Matcher holds a label against a value, or against a regular expression that must
// fit it whole.
type Matcher struct {
	Label, Value string
	Expression   bool

	pattern *regexp.Regexp // nil: it is none
}

// NewMatcher is one for a value, or for a regular expression.
func NewMatcher(label, value string, expression bool) (Matcher, error) {
	m := Matcher{Label: label, Value: value, Expression: expression}
	if !labelName.MatchString(label) {
		return m, fmt.Errorf("match %q: it is no label", label)
	}
	if len(value) > longestText {
		return m, fmt.Errorf("match %s: it is longer than %d bytes", label, longestText)
	}
	if !expression {
		return m, nil
	}
	var err error
	if m.pattern, err = regexp.Compile("^(?:" + value + ")$"); err != nil {
		return m, fmt.Errorf("match %s: %w", label, err)
	}
	return m, nil
}

var labelName = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)

// ParseMatcher reads one as String writes it.
func ParseMatcher(s string) (Matcher, error) {
	label, value, ok := strings.Cut(s, "=")
	if !ok {
		return Matcher{}, fmt.Errorf("match %.100q: want LABEL=VALUE or LABEL=~EXPRESSION", s)
	}
	value, expression := strings.CutPrefix(value, "~")
	return NewMatcher(label, value, expression)
}

// String is m as people write it.
func (m Matcher) String() string {
	if m.Expression {
		return m.Label + "=~" + m.Value
	}
	return m.Label + "=" + m.Value
}

func (m *Matcher) fits(value string) bool {
	if m.pattern != nil {
		return m.pattern.MatchString(value)
	}
	return value == m.Value
}

// narrows reports whether there is something that m does not fit.
func (m *Matcher) narrows() bool { return !m.fits("") && !m.fits("\x00") }

// Check says what is wrong with w.
func (w *Window) Check() error {
	switch {
	case !slices.ContainsFunc(w.Match, func(m Matcher) bool { return m.narrows() }):
		return errors.New("it matches everything: name at least a label")
	case len(w.Match) > mostMatchers:
		return fmt.Errorf("it has more than %d matchers", mostMatchers)
	case strings.TrimSpace(w.Owner) == "" || strings.TrimSpace(w.Reason) == "":
		return errors.New("an owner and a reason are needed")
	case len(w.Owner) > longestText || len(w.Reason) > longestText:
		return fmt.Errorf("owner and reason are of %d bytes at most", longestText)
	case !w.From.Before(w.To):
		return errors.New("it ends before it begins")
	case w.To.Sub(w.From) > LongestWindow:
		return fmt.Errorf("it is longer than %s", LongestWindow)
	}
	return nil
}

// CheckWindows says which of them make one that is too long together.
func CheckWindows(list []Window) error {
	for i := range list {
		if err := list[i].follows(list); err != nil {
			return err
		}
	}
	return nil
}

// follows says why w and those of list that it goes on with are too long together:
// no window is made longer than the longest by one more after it.
func (w *Window) follows(list []Window) error {
	from, to, whom := w.From, w.end(), ""
	for grew := true; grew; {
		grew = false
		for i := range list {
			x := &list[i]
			end := x.end()
			if x == w || !x.From.Before(end) || !x.same(w) || x.From.Sub(to) >= apart || from.Sub(end) >= apart {
				continue
			}
			if x.From.Before(from) || end.After(to) {
				grew, whom = true, x.ID
				from, to = earlier(from, x.From), later(to, end)
			}
		}
	}
	if to.Sub(from) > LongestWindow {
		return fmt.Errorf("together with window %s, which it goes on with, it is longer than %s: alerts must be sent for %s between them", whom, LongestWindow, apart)
	}
	return nil
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// same reports whether both are of the same things.
func (w *Window) same(x *Window) bool {
	names := func(w *Window) (list []string) {
		for _, m := range w.Match {
			list = append(list, m.String())
		}
		slices.Sort(list)
		return slices.Compact(list)
	}
	return slices.Equal(names(w), names(x))
}

// end is when it ends, or was closed.
func (w *Window) end() time.Time {
	if !w.Closed.IsZero() {
		return earlier(w.Closed, w.To)
	}
	return w.To
}

// State is whether w is coming, open or over.
func (w *Window) State(now time.Time) string {
	switch {
	case !now.Before(w.end()):
		return "over"
	case now.Before(w.From):
		return "coming"
	}
	return "open"
}

// Site is the one that w is of; "": it does not name one.
func (w *Window) Site() string {
	for _, m := range w.Match {
		if m.Label == "site" && !m.Expression {
			return m.Value
		}
	}
	return ""
}

// has reports whether w holds an alert back, while it is open.
func (w *Window) has(a *alert) bool {
	named := !a.rule.Direct
	for i := range w.Match {
		m := &w.Match[i]
		if !m.fits(identity(a.labels).get(m.Label)) {
			return false
		}
		named = named || m.Label == "alertname" && !m.Expression
	}
	return named
}
