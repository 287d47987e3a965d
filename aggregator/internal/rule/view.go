package rule

import (
	"cmp"
	"slices"
	"time"

	table "github.com/gigawatch/gigawatch/alerts/rule"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// A View is an alert as it is shown.
type View struct {
	Labels      []metric.Pair // sorted, as are the annotations
	Annotations []metric.Pair
	Severity    table.Severity
	State       string // firing, pending, suppressed
	Since       time.Time
	Held        time.Time // it is not true since, and fires a while more; zero: it is true
	Value       float64
	Reason      string        // why it is suppressed
	Parent      []metric.Pair // labels of what it is part of
	Window      string        // id of the window that holds it back

	Beneath int  // so many are part of it, and are not sent
	Routine bool // it says that all is well, or is a test

	phase Phase
	rule  *compiled
	said
}

// Label is the value of one of its labels.
func (v *View) Label(name string) string { return identity(v.Labels).get(name) }

// Text is one of its annotations.
func (v *View) Text(name string) string { return identity(v.Annotations).get(name) }

// Alerts are those that stand, of a site or of all: what fires first, the worst and
// newest of it; more are left out beyond the limit.
func (e *Evaluator) Alerts(site string, limit int) (list []View, more int) {
	return e.shown(e.views(func(a *alert) bool { return site == "" || a.place.site == site }), limit)
}

// Told are those of a site, and of the aggregator itself, that a person was told of,
// and that say that something is wrong.
func (e *Evaluator) Told(site string, limit int) (list []View, more int) {
	return e.shown(e.views(func(a *alert) bool {
		return (a.place.site == site || a.place.site == "") && a.phase == Firing && !a.rule.canary && !a.rule.routine
	}), limit)
}

// A Held is how many alerts of one rule at a site are held back, by a window or because
// there are too many. Those that are part of another are not among them.
type Held struct {
	Rule, Reason string
	Count        int
}

// Held are those of a site, the most first.
func (e *Evaluator) Held(site string) (list []Held) {
	e.mu.Lock()
	defer e.mu.Unlock()
	n := map[Held]int{}
	for _, a := range e.alerts {
		if a.place.site == site && a.phase == Suppressed && (a.reason == reasonWindow || a.reason == reasonCap) {
			n[Held{Rule: a.rule.Name, Reason: a.reason}]++
		}
	}
	for h, count := range n {
		h.Count = count
		list = append(list, h)
	}
	slices.SortFunc(list, func(a, b Held) int {
		return cmp.Or(b.Count-a.Count, cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Reason, b.Reason))
	})
	return list
}

func (e *Evaluator) shown(list []View, limit int) ([]View, int) {
	more := 0
	slices.SortFunc(list, func(a, b View) int {
		return cmp.Or(cmp.Compare(order(a.phase), order(b.phase)), cmp.Compare(b.Severity, a.Severity), b.Since.Compare(a.Since), slices.CompareFunc(a.Labels, b.Labels, comparePairs))
	})
	if n := len(list) - limit; n > 0 {
		list, more = list[:limit], n
	}
	for i := range list {
		v := &list[i]
		v.Annotations = e.texts(v.rule, v.Labels, v.Value, &v.said)
	}
	return list, more
}

func comparePairs(a, b metric.Pair) int {
	return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Value, b.Value))
}

// order is in which phases are shown.
func order(p Phase) int {
	return [...]int{Firing: 0, Mustered: 1, Pending: 1, Suppressed: 2, Ended: 3}[p]
}

// views copies alerts, without their texts.
func (e *Evaluator) views(of func(*alert) bool) (list []View) {
	e.mu.Lock()
	defer e.mu.Unlock()
	beneath := map[string]int{}
	for _, a := range e.alerts {
		if a.phase == Suppressed && a.parent != "" {
			beneath[a.parent]++
		}
	}
	for _, a := range e.alerts {
		if a.phase == Ended || !of(a) {
			continue
		}
		v := View{
			Labels: a.labels, Severity: a.rule.Severity, State: a.phase.shown(), Since: time.UnixMilli(a.since).UTC(), Value: a.value, Reason: a.reason,
			Beneath: beneath[a.id], Routine: a.rule.canary || a.rule.routine, phase: a.phase, rule: a.rule, said: e.said(a),
		}
		if a.lapsed > 0 {
			v.Held = time.UnixMilli(a.lapsed).UTC()
		}
		if a.phase == Suppressed && a.reason == reasonWindow {
			v.Window = a.window
		}
		if p := e.alerts[a.parent]; p != nil {
			v.Parent = p.labels
		}
		list = append(list, v)
	}
	return list
}

// A Status is a rule with what it found.
type Status struct {
	Rule    table.Rule
	State   string // firing, pending, inactive
	Alerts  []View
	Asked   time.Time     // when it was last evaluated
	Took    time.Duration // of what asks
	Problem string        // why it could not be evaluated; "": it was
}

// Rules are all of the table, in its order.
func (e *Evaluator) Rules(limit int) []Status {
	alerts, _ := e.Alerts("", limit)
	e.mu.Lock()
	swept := time.UnixMilli(e.swept).UTC()
	e.mu.Unlock()
	out := make([]Status, len(e.rules))
	for i, c := range e.rules {
		out[i] = Status{Rule: *c.Rule, State: "inactive", Asked: swept}
		if e.ask != nil && c.Ask != "" {
			e.ask.tell(c, &out[i])
		}
	}
	for _, v := range alerts {
		if v.rule.order >= len(out) || e.rules[v.rule.order] != v.rule {
			continue // the table has it no more
		}
		s := &out[v.rule.order]
		s.Alerts = append(s.Alerts, v)
		if v.State == Firing.String() || s.State == "inactive" && v.State == Pending.String() {
			s.State = v.State
		}
	}
	return out
}

func (x *asking) tell(c *compiled, s *Status) {
	x.mu.Lock()
	defer x.mu.Unlock()
	r := x.runs[c]
	if s.Asked, s.Took = r.at, r.took; r.err != nil {
		s.Problem = r.err.Error()
	}
}
