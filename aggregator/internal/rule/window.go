package rule

import (
	"errors"
	"fmt"
	"regexp"
	"time"
)

// A Window is a time of maintenance: what matches and begins to fire in it is
// shown and not sent. What was sent before goes on.
type Window struct {
	Match  []Matcher // all of them
	From   time.Time
	To     time.Time
	Owner  string // who answers for it
	Reason string
}

// LongestWindow is how long one may be.
const LongestWindow = 7 * 24 * time.Hour

// MostWindows is how many there may be.
const MostWindows = 1000

// A Matcher holds a label against a pattern that must fit it whole.
type Matcher struct {
	Label   string
	Pattern *regexp.Regexp
}

// NewMatcher is one for a value, or for a regular expression.
func NewMatcher(label, value string, expression bool) (Matcher, error) {
	if !expression {
		value = regexp.QuoteMeta(value)
	}
	re, err := regexp.Compile("^(?:" + value + ")$")
	if err != nil {
		return Matcher{}, fmt.Errorf("match %s: %w", label, err)
	}
	return Matcher{label, re}, nil
}

// Check says what is wrong with w.
func (w *Window) Check() error {
	switch {
	case len(w.Match) == 0:
		return errors.New("it matches everything: name at least a label")
	case w.Owner == "" || w.Reason == "":
		return errors.New("an owner and a reason are needed")
	case !w.From.Before(w.To):
		return errors.New("it ends before it begins")
	case w.To.Sub(w.From) > LongestWindow:
		return fmt.Errorf("it is longer than %s", LongestWindow)
	}
	return nil
}

func (w *Window) has(a *alert, now int64) bool {
	if now < w.From.UnixMilli() || now >= w.To.UnixMilli() {
		return false
	}
	for _, m := range w.Match {
		if !m.Pattern.MatchString(identity(a.labels).get(m.Label)) {
			return false
		}
	}
	return true
}

// windowed is the reason why an alert is not sent, if there is a window for it.
func (e *Evaluator) windowed(a *alert, now int64) string {
	if a.rule.own {
		return ""
	}
	for i := range e.c.Windows {
		if e.c.Windows[i].has(a, now) {
			return reasonWindow
		}
	}
	return ""
}
