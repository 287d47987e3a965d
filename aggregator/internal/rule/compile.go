package rule

import (
	"errors"
	"fmt"
	"strings"

	table "github.com/gigawatch/gigawatch/alerts/rule"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// compiled is a rule of the table as it is evaluated.
type compiled struct {
	*table.Rule
	order int // in the table
	def   *metric.Def
	while *metric.Def // nil: all devices

	silence string // which kind of it the rule tells of, or of heat, of a place; "": of none
	own     bool   // it is of the evaluator itself
	routine bool   // it fires while all is well
	beats   bool   // it is the watchdog
	canary  bool   // it watches boards that do not exist, and no others
	lost    bool   // it tells of boards that are lost
	missing bool   // it tells of hosts that lack boards
}

// parts is into how many a time is cut over which a rule looks back: what it finds
// is no younger than it, and up to a part older.
const parts = 5

// compile checks the table.
func compile(rules []table.Rule) ([]*compiled, error) {
	var errs []error
	names := map[string]bool{}
	out := make([]*compiled, len(rules))
	for i := range rules {
		c := &compiled{Rule: &rules[i], order: i}
		out[i] = c
		c.classify()
		if err := c.check(); err != nil {
			errs = append(errs, fmt.Errorf("rule %d, %q: %w", i, c.Name, err))
		}
		if names[c.Name] {
			errs = append(errs, fmt.Errorf("rule %d, %q: the name stands twice", i, c.Name))
		}
		names[c.Name] = true
	}
	return out, errors.Join(errs...)
}

// classify tells the rules that the evaluator has causes for itself.
func (c *compiled) classify() {
	if c.Judged == nil {
		return
	}
	for _, cause := range c.Judged.Causes {
		switch cause {
		case "lost":
			c.lost = true
		case "gpus_missing":
			c.missing = true
		case table.Silent, table.SilentRack, table.SilentHall, table.SilentSite, table.Blind, table.HotRack, table.HotHall:
			c.silence = cause
		case table.Advancing, table.Canary, table.CanaryMissed, table.Capped, table.Undelivered, table.NeverReported:
			c.own = true
			c.beats = c.beats || cause == table.Advancing
			c.routine = c.routine || cause == table.Advancing || cause == table.Canary
		}
	}
}

func (c *compiled) check() error {
	ways := 0
	for _, is := range []bool{c.Judged != nil, c.Watch != nil, c.Ask != ""} {
		if is {
			ways++
		}
	}
	if c.Name == "" || ways != 1 {
		return errors.New("a name and one of Judged, Watch and Ask are needed")
	}
	w := c.Watch
	if w == nil {
		return nil
	}
	if c.def = metric.Lookup(w.Metric); c.def == nil {
		return fmt.Errorf("metric %d is not in the catalogue", w.Metric)
	}
	if w.While != 0 {
		if c.while = metric.Lookup(w.While); c.while == nil || c.while.Entity != c.def.Entity {
			return fmt.Errorf("metric %d is not one of the same things", w.While)
		}
	}
	switch {
	case c.def.Kind == metric.State:
		return fmt.Errorf("%s is a state", c.def.Name)
	case len(w.Points) > 64:
		return errors.New("more than 64 points")
	case (w.Test == table.RateAbove || w.Test == table.Missing) && w.Over <= 0:
		return errors.New("over how long is not said")
	case w.Test == table.RateAbove && c.def.Form != metric.Int:
		return fmt.Errorf("%s is no integer counter", c.def.Name)
	case w.Test == table.PeerBelow && c.def.Entity != metric.GPU:
		return fmt.Errorf("%s is not of GPUs, and only they have peers", c.def.Name)
	}
	return nil
}

// points are those that are watched.
func (c *compiled) points() []uint32 {
	if len(c.Watch.Points) == 0 {
		return []uint32{0}
	}
	return c.Watch.Points
}

// takes reports whether the rule has a finding of a cause.
func (c *compiled) takes(cause, state, action string) bool {
	j := c.Judged
	return j != nil && matches(j.Causes, cause) && !matches(j.But, cause) && within(j.States, state) && within(j.Actions, action)
}

func matches(patterns []string, cause string) bool {
	for _, p := range patterns {
		if start, ok := strings.CutSuffix(p, "*"); p == cause || ok && strings.HasPrefix(cause, start) {
			return true
		}
	}
	return false
}

// within reports whether s is in a list, of which none stands for all.
func within(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return len(list) == 0
}

// A run is a column that a rule looks at, with what it remembers of it.
type run struct {
	rule  *compiled
	of    *sender
	at    int32 // in the tick
	count int32
	first int32 // entity
	point uint32
	bit   uint64 // of the point, among the rule's

	raw         bool // values are compared as integers
	fire, clear float64
	while       int32   // where the value that matters stands for the first entity; -1: none does
	others      []int32 // of Missing: where the other points' values stand

	states []state
	past   []metric.Raw // of RateAbove: parts columns; of PeerBelow the newest; of Missing whether there was one
	turn   int64        // of past: which part is the newest
	jobs   []string     // of PeerBelow: which holds the device; "": none
}

// A state is of a device for which a rule's condition holds.
type state struct {
	k     int32 // in the run
	bit   uint64
	since int64 // of Missing: when the value went
	seen  int64 // when the value was last there
	alert *alert
}

// plan finds what is to be looked at in a layout, and takes over what is known.
func (e *Evaluator) plan(s *sender, l *metric.Layout, at int64) {
	old := *s
	s.layout, s.width, s.simulated, s.runs, s.hosts = l, l.Width(), l.Simulated, nil, nil
	columns := map[column]int32{}
	offset := int32(0)
	for _, c := range l.Columns {
		if d := metric.Lookup(c.Metric); d != nil && d.Form == c.Form {
			if c.Metric == metric.HostUp {
				for i := range c.Count {
					s.hosts = append(s.hosts, l.Entities[c.First+i].Name)
				}
			}
			for _, r := range e.watching[c.Metric] {
				if r.canary != s.canary {
					continue
				}
				for i, p := range r.points() {
					if p == c.Point {
						s.runs = append(s.runs, run{rule: r, of: s, at: offset, count: int32(c.Count), first: int32(c.First), point: p, bit: 1 << i})
					}
				}
			}
			if e.conditions[c.Metric] {
				for i := range c.Count {
					columns[column{c.Metric, c.Point, int32(c.First + i)}] = offset + int32(i)
				}
			}
		}
		offset += int32(c.Count)
	}
	n := 0
	for i := range s.runs {
		n += s.runs[i].remembers()
	}
	past := missing(n) // of all runs, beside each other
	for i := range s.runs {
		past = s.runs[i].prepare(columns, past)
		if s.runs[i].rule.Watch.Test == table.PeerBelow {
			s.runs[i].jobs = jobsOf(l, s.runs[i].first, s.runs[i].count)
		}
	}
	s.runs = joined(s.runs)
	e.carry(&old, s, at)
	s.sight()
	for _, name := range old.hosts {
		if k := (hostKey{s.site.name, name}); e.reporters[k] == s {
			delete(e.reporters, k)
		}
	}
	for _, name := range s.hosts {
		e.reporters[hostKey{s.site.name, name}] = s
	}
}

// column is where a value of an entity stands.
type column struct {
	metric metric.Number
	point  uint32
	entity int32
}

// remembers is of how many values a run looks back at.
func (r *run) remembers() int {
	switch r.rule.Watch.Test {
	case table.RateAbove:
		return parts * int(r.count)
	case table.PeerBelow, table.Missing:
		return int(r.count)
	}
	return 0
}

// prepare takes of past what the run remembers in, and is the rest of it.
func (r *run) prepare(columns map[column]int32, past []metric.Raw) []metric.Raw {
	w, d := r.rule.Watch, r.rule.def
	r.fire, r.clear, r.raw, r.while = w.Fire, w.Clear, d.Form == metric.Int, -1
	if r.raw {
		r.fire, r.clear = w.Fire*float64(d.Per), w.Clear*float64(d.Per)
	}
	if w.While != 0 {
		if at, ok := columns[column{w.While, 0, r.first}]; ok {
			r.while = at
		}
	}
	n := r.remembers()
	if n > 0 {
		r.past = past[:n:n]
	}
	return past[n:]
}

func missing(n int) []metric.Raw {
	past := make([]metric.Raw, n)
	for i := range past {
		past[i] = metric.Missing
	}
	return past
}

// joined makes one run of those in which a device lacks its value only when it
// lacks all of them.
func joined(runs []run) []run {
	out := runs[:0]
next:
	for _, r := range runs {
		if r.rule.Watch.Test == table.Missing {
			for i := range out {
				if o := &out[i]; o.rule == r.rule && o.first == r.first && o.count == r.count {
					o.others = append(o.others, r.at)
					continue next
				}
			}
		}
		out = append(out, r)
	}
	return out
}

// device tells a device apart across layouts.
type device struct {
	rule  *compiled
	point uint32
	kind  metric.EntityKind
	name  string
	on    string // what it is part of
}

func (r *run) device(l *metric.Layout, k int32) device {
	x := &l.Entities[r.first+k]
	d := device{r.rule, r.point, x.Kind, x.Name, ""}
	if x.Parent >= 0 && x.Kind != metric.GPU && x.Kind != metric.Host {
		d.on = l.Entities[x.Parent].Name
	}
	return d
}

// carry takes over what was known under the layout before, and what the set holds
// of devices that are seen for the first time since a restart, or again. What the
// layout has no more stays for a while.
func (e *Evaluator) carry(old, s *sender, at int64) {
	type place struct {
		r *run
		k int32
	}
	was := map[device]place{}
	for i := range old.runs {
		r := &old.runs[i]
		for k := range r.count {
			if r.past != nil || len(r.states) > 0 {
				was[r.device(old.layout, k)] = place{r, k}
			}
		}
	}
	adopting := e.restored > 0
	for i := range s.runs {
		r := &s.runs[i]
		for k := range r.count {
			p, ok := was[r.device(s.layout, k)]
			if !ok {
				if adopting {
					e.adopt(r, k, at)
				}
				continue
			}
			if len(p.r.past) > 0 && len(r.past)/int(r.count) == len(p.r.past)/int(p.r.count) {
				for n := range len(r.past) / int(r.count) {
					r.past[n*int(r.count)+int(k)] = p.r.past[n*int(p.r.count)+int(p.k)]
				}
				r.turn = p.r.turn
			}
			for j := range p.r.states {
				if st := p.r.states[j]; st.k == p.k && st.alert != nil {
					if x := e.identity(r, k); e.known(x.id(), x) == st.alert {
						st.k = k
						r.states = append(r.states, st)
						p.r.states[j].alert = nil
					}
				}
			}
		}
	}
	for i := range old.runs {
		for _, st := range old.runs[i].states {
			if st.alert != nil && st.alert.bits&st.bit != 0 { // a collector that starts may list its devices late
				e.orphan(st.alert, at)
			}
		}
	}
}

// adopt makes an alert that was kept across a restart one of the device's.
func (e *Evaluator) adopt(r *run, k int32, at int64) {
	x := e.identity(r, k)
	a := e.known(x.id(), x)
	if a == nil || !a.restored || a.rule != r.rule {
		return
	}
	e.adopted(a)
	a.bits |= r.bit
	r.states = append(r.states, state{k: k, bit: r.bit, since: a.since, seen: at, alert: a})
	if r.rule.Watch.Test == table.Missing {
		r.past[k] = 0
	}
}
