package rule

import (
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// A Phase is how far an alert is.
type Phase uint8

// The phases, in the order in which an alert goes through them.
const (
	Pending    Phase = iota // true, and not yet for long enough
	Mustered                // true for long enough; it is seen whether it is part of something greater
	Firing                  // it was sent, and is true or was a moment ago
	Suppressed              // it is true, and not sent
	Ended                   // it was sent, and is over
)

var phaseNames = [...]string{"pending", "mustered", "firing", "suppressed", "ended"}

func (p Phase) String() string { return phaseNames[min(int(p), len(phaseNames)-1)] }

// An alert is one cause at one thing. Times are milliseconds since 1970.
type alert struct {
	id     string // its labels
	labels []metric.Pair
	rule   *compiled
	place  place
	bits   uint64 // what of it is true: a bit a point of the rule; 0: it is over
	phase  Phase

	since  int64 // true since
	due    int64 // mustered since
	fired  int64 // first sent
	lapsed int64 // not true since
	ended  int64
	sent   int64 // last
	until  int64 // an event is over then by itself; 0: it is none

	value    float64
	evidence string // better than the rule's
	advice   string // likewise

	reason   string // why it is suppressed
	parent   string // id of what it is part of; "": nothing
	window   string // id of the window that holds it back, while one does
	held     int64  // by windows since
	restored bool   // as a file or a layout had it, and nothing was heard of it since
	orphaned int64  // since when it is restored
	known    int64  // of what asks: when it was last seen to be so
	gap      int64  // of what asks: since when nobody can say whether it still is; 0: one can
}

// place is where an alert is, of its labels.
type place struct{ site, hall, rack, host, uuid string }

// fires reports whether a person was told.
func (a *alert) fires() bool { return a.phase == Firing }

// stands reports whether its condition holds.
func (a *alert) stands() bool { return a.bits != 0 }

// device is what an alert is of, as far as several of one device may have one cause.
func (a *alert) device() string { return a.place.device() }

func (p place) device() string { return p.site + "\x00" + p.host + "\x00" + p.uuid }

// identity is the labels of a thing under a rule, sorted.
type identity []metric.Pair

// id is what tells it from all others.
func (x identity) id() string {
	var b strings.Builder
	for _, p := range x {
		b.WriteString(p.Name)
		b.WriteByte(0xfe)
		b.WriteString(p.Value)
		b.WriteByte(0xff)
	}
	return b.String()
}

func (x identity) get(name string) string {
	for _, p := range x {
		if p.Name == name {
			return p.Value
		}
	}
	return ""
}

// label is the labels that every alert of a rule has, with those given; what is
// empty is left out.
func label(c *compiled, simulated bool, labels ...metric.Pair) identity {
	x := identity{{Name: "alertname", Value: c.Name}, {Name: "severity", Value: c.Severity.String()}, {Name: "owner", Value: string(c.Owner)}}
	if simulated {
		x = append(x, metric.Pair{Name: "simulated", Value: "true"})
	}
	for _, p := range labels {
		if p.Value != "" && x.get(p.Name) == "" {
			p.Value = plain(p.Value)
			x = append(x, p)
		}
	}
	slices.SortFunc(x, func(a, b metric.Pair) int { return strings.Compare(a.Name, b.Name) })
	return x
}

// plain is a name as it may stand in a text: what collectors say of themselves is one
// line, and no command of a chat.
func plain(s string) string {
	if !strings.ContainsFunc(s, func(c rune) bool { return c < ' ' || c >= 0x7f || c == '<' || c == '>' }) {
		return s
	}
	return strings.Map(func(c rune) rune {
		switch {
		case unicode.IsControl(c) || c == unicode.ReplacementChar || c == '\u2028' || c == '\u2029':
			return ' '
		case c == '<':
			return '‹'
		case c == '>':
			return '›'
		}
		return c
	}, strings.ToValidUTF8(s, " "))
}

// identity is the alert of a device of a run.
func (e *Evaluator) identity(r *run, k int32) identity {
	s := r.of
	labels := []metric.Pair{{Name: "site", Value: s.site.name}}
	known := map[string]string{}
	for i := r.first + k; i >= 0; i = int32(s.layout.Entities[i].Parent) {
		x := &s.layout.Entities[i]
		if name := x.Kind.NameLabel(); name != "" && known[name] == "" {
			known[name] = x.Name
		}
		for _, p := range x.Labels {
			if known[p.Name] == "" {
				known[p.Name] = p.Value
			}
		}
	}
	for i, l := range r.rule.def.Labels {
		known[l.Name] = r.rule.def.LabelValue(r.point, i)
	}
	for _, name := range slices.Concat(r.rule.Level.Labels(), r.rule.Extra) {
		if name != "site" {
			labels = append(labels, metric.Pair{Name: name, Value: known[name]})
		}
	}
	return label(r.rule, s.simulated, labels...)
}

// raise says that a condition holds for a thing since a time; bit says which of its
// points. There is an alert even where the set has no room for it.
func (e *Evaluator) raise(c *compiled, x identity, bit uint64, since, now int64, value float64, evidence string) *alert {
	id := x.id()
	since = min(since, now)
	a := e.known(id, x)
	if a == nil {
		a = &alert{id: id, labels: x, rule: c, since: since, place: place{x.get("site"), x.get("hall"), x.get("rack"), x.get("host"), x.get("uuid")}}
		if len(e.alerts) >= mostAlerts {
			e.overflowed.Inc()
		} else {
			e.alerts[id] = a
			e.dirty = true
		}
	}
	e.adopted(a)
	a.known, a.gap = now, 0
	if a.phase == Ended {
		a.phase, a.since, a.fired, a.ended, a.held = Pending, since, 0, 0, 0
		e.dirty = true
	}
	a.rule, a.value, a.evidence, a.lapsed = c, value, evidence, 0
	a.bits |= bit
	return a
}

// orphan keeps an alert as it is until somebody sees its device again, or nobody did
// for long.
func (e *Evaluator) orphan(a *alert, now int64) {
	if !a.restored {
		a.restored = true
		e.restored++
	}
	a.orphaned = now
}

// adopted is that somebody has seen it.
func (e *Evaluator) adopted(a *alert) {
	if a.restored {
		a.restored = false
		e.restored--
	}
}

// over says that a condition does not hold any more.
func (e *Evaluator) over(a *alert, bit uint64, now int64) {
	if a == nil || a.bits&bit == 0 {
		return
	}
	if a.bits &^= bit; a.bits == 0 {
		a.lapsed = now
		e.dirty = true
	}
}

// mostAlerts is how many the set holds: every host of a gigafactory and some.
const mostAlerts = 50_000

const (
	// shortest is for how long an alert fires at least when it is over.
	shortest = time.Minute
	// An alert that comes back is held longer each time, up to slowest, until it did
	// not for settled.
	slowest = 30 * time.Minute
	settled = time.Hour
)

// flaps is how often an alert was over of late.
type flaps struct {
	times int
	last  int64
}

// hold is for how long an alert goes on when it is over: what comes back meanwhile is
// not told again.
func (e *Evaluator) hold(a *alert) int64 {
	if a.rule.beats {
		return beatHold.Milliseconds()
	}
	hold := max(a.rule.Hold, shortest)
	for range min(e.flaps[a.id].times, 10) {
		hold = max(hold, min(2*hold, slowest))
	}
	return hold.Milliseconds()
}

// flapped notes that an alert is over.
func (e *Evaluator) flapped(a *alert, now int64) {
	if a.rule.canary || a.rule.routine {
		return
	}
	for id, f := range e.flaps {
		if now-f.last > settled.Milliseconds() {
			delete(e.flaps, id)
		}
	}
	f, known := e.flaps[a.id]
	if known || len(e.flaps) < mostAlerts {
		e.flaps[a.id] = flaps{f.times + 1, now}
	}
}
