package rule

import (
	"cmp"
	"slices"
	"time"

	table "github.com/gigawatch/gigawatch/alerts/rule"
)

const (
	resend  = 30 * time.Second
	valid   = 3 * resend      // a receiver ends what it hears no more of for so long
	afterth = 5 * time.Minute // for how long it is told that an alert is over

	// The watchdog is gone within a minute of what it watches: who waits five for it then
	// calls after six.
	beat     = 50 * time.Second
	beatHold = 10 * time.Second
)

// step brings all alerts to the phase that they are in now, and collects those to
// be sent.
func (e *Evaluator) step(now int64) []Message {
	var due []*alert
	var out []Message
	for id, a := range e.alerts {
		if a.until > 0 && a.until <= now {
			e.over(a, a.bits, now)
		}
		switch a.phase {
		case Pending:
			if !a.stands() {
				e.drop(id, a)
			} else if e.unsure(a) { // somebody has to look first
			} else if now-a.since >= a.rule.For.Milliseconds() {
				e.turn(a, Mustered)
				a.due = now
				due = append(due, a)
			}
		case Mustered:
			if !a.stands() {
				e.drop(id, a)
			} else if !e.unsure(a) {
				due = append(due, a)
			}
		case Suppressed:
			switch {
			case !a.stands():
				e.drop(id, a)
			case e.stillSuppressed(a, now):
			case a.reason == reasonCap: // some of them can be sent, the worst first
				due = append(due, a)
			default:
				e.turn(a, Mustered)
				a.due = now
				if a.parent != "" { // its parent is over: it has time to get over it as well
					a.due += releaseAfter.Milliseconds()
				}
				a.reason, a.parent = "", ""
			}
		case Firing:
			if !a.stands() && now-a.lapsed >= e.hold(a) && !e.lacking[id] {
				e.turn(a, Ended)
				e.flapped(a, now)
				a.ended, a.sent = now, now
				out = append(out, e.message(a, now))
			} else if now-a.sent >= e.resendAfter() {
				a.sent = now
				out = append(out, e.message(a, now))
			}
		case Ended:
			if now-a.ended >= afterth.Milliseconds() {
				e.drop(id, a)
			} else if now-a.sent >= resend.Milliseconds() {
				a.sent = now
				out = append(out, e.message(a, now))
			}
		}
	}
	// What is greater goes first, and of one thing what is worse.
	slices.SortFunc(due, func(a, b *alert) int {
		return cmp.Or(cmp.Compare(a.rule.rank(), b.rule.rank()), cmp.Compare(b.rule.Severity, a.rule.Severity), cmp.Compare(a.rule.order, b.rule.order), cmp.Compare(a.id, b.id))
	})
	for _, a := range due {
		if e.decide(a, now) {
			out = append(out, e.message(a, now))
		}
	}
	return out
}

// unsure reports whether somebody has to look before a is told: it was kept long ago,
// or its device is not listed just now.
func (e *Evaluator) unsure(a *alert) bool {
	return a.restored && (e.stale || a.orphaned > e.began || a.fired > 0)
}

// rank orders rules by how much they stand for.
func (c *compiled) rank() int {
	switch {
	case c.silence == table.Blind:
		return -1
	case c.Level == table.Aggregator:
		return 0
	}
	return int(c.Level)
}

// decide sends an alert or suppresses it, once it is known which.
func (e *Evaluator) decide(a *alert, now int64) (send bool) {
	reason, parent := e.covered(a)
	if reason == "" {
		if now < a.due || e.musters(a, now) {
			return false
		}
		if reason = e.windowed(a, now); reason == "" && !e.caps.take(a, now) {
			reason = reasonCap
		}
	}
	if reason == reasonCap && a.phase == Suppressed && a.reason == reasonCap {
		return false
	}
	if reason != "" {
		e.turn(a, Suppressed)
		a.reason, a.parent = reason, parent
		e.suppressed(reason).Inc()
		return false
	}
	e.turn(a, Firing)
	e.remain(a)
	a.fired, a.sent = now, now
	if a.rule.Judged != nil && a.place.host != "" {
		e.byDevice[a.device()] = append(e.byDevice[a.device()], a)
	}
	if a.rule.warms() {
		e.warmer(a)
	}
	e.sentTotal.Inc()
	return true
}

func (e *Evaluator) turn(a *alert, p Phase) {
	a.phase = p
	e.dirty = true
}

func (e *Evaluator) drop(id string, a *alert) {
	delete(e.alerts, id)
	e.leftAt(a)
	e.adopted(a)
	e.dirty = true
}

// resendAfter is shorter while a receiver did not take what it was sent.
func (e *Evaluator) resendAfter() int64 {
	if e.c.Failing != nil && e.c.Failing() {
		return resend.Milliseconds() / 3
	}
	return resend.Milliseconds()
}
