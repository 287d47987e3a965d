package health

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

const (
	silentCause  = "silent"
	missingCause = "gpus_missing"
	blindCause   = "blind"
)

const (
	// alone is how much longer a host must be silent to have a line of its own: by
	// then it is known whether others fell silent with it.
	alone = 5 * time.Second
	// missingFor is how long GPUs may be unlisted: drivers take a while to load.
	missingFor = 2 * time.Minute
	// orphaned is how long a condition stands that the agent's layout says nothing of.
	orphaned = time.Hour
	// fewBlind is how many hosts must fall silent together to be most of a large site.
	fewBlind = 4
	// named is how many hosts a line names.
	named = 3
)

// Sweep finds who fell silent and what is over by now, and saves what changed.
func (h *Health) Sweep(now time.Time) {
	var held []Held
	if h.c.Held != nil {
		held = h.c.Held()
	}
	h.mu.Lock()
	millis := now.UnixMilli()
	h.hold(held, millis)
	slow := millis-h.swept >= time.Minute.Milliseconds() || millis < h.swept
	if slow {
		h.swept, h.said = millis, 0
	}
	for _, s := range h.sites {
		h.expire(s, millis)
		if millis-h.began >= h.silence { // before, nobody had the time to report
			h.listen(s, millis)
		}
		if slow {
			s.forgetEvents(millis)
		}
	}
	if slow {
		for key, a := range h.senders {
			if away := millis - a.heard; away > h.forget || away > 10*h.silence && len(a.owned) == 0 && len(a.rivals) > 0 {
				h.leave(key, a)
			}
		}
	}
	h.mu.Unlock()
	if err := h.save(now, false); err != nil {
		h.unsaved.Inc()
		if slow {
			h.log.Warn("health is not kept on disk", "error", err)
		}
	}
}

// leave forgets an agent.
func (h *Health) leave(key string, a *sender) {
	for _, x := range a.owned {
		if x.owner == a {
			x.owner = nil
		}
	}
	a.site.senders--
	delete(h.senders, key)
}

// expire ends what is over.
func (h *Health) expire(s *site, now int64) {
	for x := range s.sick {
		if x.drop(func(f *Finding) bool {
			return f.until > 0 && f.until <= now || f.kind == condition && x.orphan(f, now, h.silence)
		}) {
			h.dirty = true
			x.touch()
		}
		if n := len(x.aside); n > 0 {
			x.aside = slices.DeleteFunc(x.aside, func(a Aside) bool { return a.until > 0 && a.until <= now })
			h.dirty = h.dirty || len(x.aside) < n
		}
		s.mark(x)
	}
}

// orphan reports whether a condition is one that x's agent has not spoken of
// since its layout changed, though it speaks of x: another driver may not know the
// value.
func (x *subject) orphan(f *Finding, now, silence int64) bool {
	switch {
	case f.Cause == silentCause || f.Cause == missingCause || f.Cause == heldCause || x.says(now, silence) != OK:
		return false
	case x.kind == hostKind && strings.HasPrefix(f.Cause, "gpus_"): // the agents of its GPUs speak of it
		return false
	}
	since := max(x.owner.planned, x.turned)
	return f.looked < since && now-since > orphaned.Milliseconds()
}

// forgetEvents forgets those that no agent can bring up again.
func (s *site) forgetEvents(now int64) {
	for x := range s.marked {
		maps.DeleteFunc(x.events, func(_ string, at int64) bool { return now-at > keepEvents.Milliseconds() })
		if len(x.events) == 0 {
			x.events = nil
			delete(s.marked, x)
		}
	}
}

// listen finds the hosts that fell silent, and GPUs that are missing.
func (h *Health) listen(s *site, now int64) {
	expected := 0
	var fell []*subject
	for _, x := range s.hosts {
		switch away := now - x.heard; {
		case away > h.forget, away > h.silence && x.moved:
			s.forgetHost(x)
			h.dirty = true
		case away <= h.silence:
			expected++
			h.missing(x, now)
		case x.isHeld(now, h.silence): // it speaks, and nobody listens
			expected++
			h.clear(x, silentCause)
		case x.find(silentCause) == nil:
			expected++
			fell = append(fell, x)
		}
	}
	if len(fell) > 1 && 2*len(fell) > expected && (len(fell) >= fewBlind || len(fell) == expected) {
		h.blind(s, fell, expected)
		return
	}
	if s.blind != nil {
		s.blind, h.dirty = nil, true
		h.log.Info("most hosts of a site report again", "site", s.name)
	}
	for _, x := range fell {
		if now-x.heard > h.silence+alone.Milliseconds() {
			h.raise(x, Finding{Cause: silentCause, State: Unknown, Since: x.heard, Last: x.heard, kind: condition, Action: CheckHost,
				Evidence: "no report since " + clock(x.heard),
				Advice:   "see whether the host is up; then whether its collector runs and reaches the bus. What happened meanwhile is in its spool."})
		}
	}
}

// blind makes one line of hosts that fell silent together: it is not the hosts.
func (h *Health) blind(s *site, fell []*subject, expected int) {
	slices.SortFunc(fell, func(a, b *subject) int { return strings.Compare(a.name, b.name) })
	since := fell[0].heard
	names := make([]string, 0, named+1)
	for i, x := range fell {
		since = max(since, x.heard)
		if i < named {
			names = append(names, x.name)
		}
	}
	if len(fell) > named {
		names = append(names, "…")
	}
	f := &Finding{Cause: blindCause, State: Unknown, Action: CheckNetwork, Since: since, Last: since, kind: condition, Stands: true,
		Evidence: fmt.Sprintf("%d of %d hosts fell silent together: %s", len(fell), expected, strings.Join(names, ", ")),
		Advice:   "look at the bus, the network and the power of the site before the hosts."}
	if s.blind != nil {
		f.Since = s.blind.Since
	} else {
		h.dirty = true
		h.raised.Inc()
		h.log.Info("health finding", "site", s.name, "cause", f.Cause, "state", f.State.String(), "evidence", f.Evidence)
	}
	s.blind = f
}

// missing judges whether a host that reports lists all its GPUs.
func (h *Health) missing(x *subject, now int64) {
	if x.absent <= 0 {
		if x.gone != 0 || len(x.findings)+len(x.aside) > 0 {
			x.gone = 0
			h.stand(x, now, false, Finding{Cause: missingCause})
		}
		return
	}
	if x.gone == 0 {
		x.gone = now
	}
	if now-x.gone < missingFor.Milliseconds() {
		return
	}
	var names []string
	for _, b := range x.boards {
		if b.owner == nil {
			names = append(names, fmt.Sprintf("%s (%s)", b, b.name))
			h.notice(b, now, true) // it has the host's line now
		}
	}
	slices.Sort(names)
	who := ""
	if n := len(names); n > 0 && n <= named {
		who = "; missing: " + strings.Join(names, ", ")
	}
	want := max(x.expected, int64(len(x.boards)))
	f := Finding{Cause: missingCause, State: Failed, Action: Reboot, Evidence: fmt.Sprintf("%d of %d GPUs are there%s", want-x.absent, want, who),
		Advice: "the host does not even list them: see whether the driver is loaded, then restart the host; what stays away reseat, and contact support. If it was taken out, reset this finding."}
	if o := x.find(missingCause); o == nil || o.Evidence != f.Evidence {
		h.stand(x, now, true, f)
		if o = x.find(missingCause); o != nil {
			o.Since = min(o.Since, x.gone) // not since it is said
		}
	}
}
