package health

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
)

const (
	heldCause = "quarantined"
	wasHeld   = "was_quarantined"
	// wasHeldFor is how long it is told that an agent was in quarantine: it may forge
	// again, and somebody should have looked at it.
	wasHeldFor = 24 * time.Hour
	// metricHeld is 1 of each host of which nothing is taken.
	metricHeld = "gigawatch_health_quarantined"
	mostShown  = 1000 // of its hosts
)

// A Held is an agent of which nothing is taken, or was lately: it said too much that no
// collector says.
type Held struct {
	Site, Agent  string
	Since, Until time.Time
	Refused      int    // batches in the minute before
	Why          string // the last of them
	Times        int    // how often it was held lately
	Released     bool   // before its time
	By           string // who did
}

// hold has findings of the agents that are held, and of no others.
func (h *Health) hold(list []Held, now int64) {
	said := map[*subject]string{}
	for i := range list {
		a := &list[i]
		f := a.finding(now)
		if f == nil {
			continue
		}
		for _, x := range h.spokenFor(a) {
			said[x] = f.Cause
			if f.Cause == heldCause {
				x.held = now
			}
			if o := x.find(f.Cause); o == nil || o.Evidence != f.Evidence {
				h.raise(x, *f)
			}
		}
	}
	for _, s := range h.sites {
		for x := range s.sick {
			for _, cause := range []string{heldCause, wasHeld} {
				if said[x] != cause {
					h.clear(x, cause)
				}
			}
			if s.strangers[x.name] == x && len(x.findings)+len(x.aside) == 0 {
				delete(s.strangers, x.name)
			}
		}
	}
}

// finding is what a makes of its hosts; nil: nothing any more.
func (a *Held) finding(now int64) *Finding {
	since, until := a.Since.UnixMilli(), a.Until.UnixMilli()
	often := ""
	if a.Times > 1 {
		often = fmt.Sprintf("; so %d times lately", a.Times)
	}
	what := fmt.Sprintf("%d batches within a minute that no collector sends, the last: %s%s", a.Refused, a.Why, often)
	const look = "its credentials are on that host alone: see who is on it and what runs there. Broken into: take its credentials back (aggregator bus revoke). Else suspect memory, disk and a collector that was changed. "
	switch {
	case now < until:
		return &Finding{Cause: heldCause, State: Failed, Action: CheckHost, Since: since, Last: since, Count: int64(a.Refused), kind: condition, looked: now,
			Evidence: fmt.Sprintf("agent %s is in quarantine until %s: %s", a.Agent, clock(until), what),
			Advice:   look + "If all is well, release it (aggregator quarantine -release): what its collector kept meanwhile it sends again."}
	case !a.Released && now < until+wasHeldFor.Milliseconds():
		return &Finding{Cause: wasHeld, State: Degraded, Action: CheckHost, Since: since, Last: until, Count: int64(a.Refused), kind: rate, until: until + wasHeldFor.Milliseconds(),
			Evidence: fmt.Sprintf("agent %s was in quarantine until %s: %s", a.Agent, clock(until), what),
			Advice:   look + "It is heard again. If you have looked, set this aside."}
	}
	return nil
}

// spokenFor are the hosts of an agent; of one that never said anything that could be
// taken, one that bears its name and is not expected to report.
func (h *Health) spokenFor(a *Held) []*subject {
	s := h.sites[a.Site]
	if s == nil {
		if len(h.sites) >= mostSites {
			return nil
		}
		s = newSite(a.Site)
		h.sites[a.Site] = s
	}
	if from := h.senders[a.Site+"/"+a.Agent]; from != nil && len(from.hosts) > 0 {
		return from.hosts
	}
	if x := s.hosts[a.Agent]; x != nil {
		return []*subject{x}
	}
	x := s.strangers[a.Agent]
	if x == nil && h.room() {
		x = newSubject(hostKind, a.Agent, s)
		s.strangers[a.Agent] = x
	}
	if x == nil {
		return nil
	}
	return []*subject{x}
}

// isHeld reports whether a host says nothing because nothing of it is taken, or was
// until a moment ago.
func (x *subject) isHeld(now, silence int64) bool { return x.held > 0 && now-x.held <= silence }

// has reports whether x is one of the site's.
func (s *site) has(x *subject) bool {
	return s.hosts[x.name] == x || s.boards[x.name] == x || s.strangers[x.name] == x
}

var labelText = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

// writeHeld writes the metric of hosts that are held, as Prometheus reads it.
func (h *Health) writeHeld(w io.Writer) {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := 0
	for _, s := range h.sites {
		for x := range s.sick {
			if x.find(heldCause) == nil || n >= mostShown {
				continue
			}
			n++
			var text []byte
			for _, l := range []metric.Pair{{Name: "site", Value: s.name}, {Name: "hall", Value: x.hall}, {Name: "rack", Value: x.rack}, {Name: "host", Value: x.name}} {
				if l.Value != "" { // hosts say how they are called
					text = fmt.Appendf(text, `,%s="%s"`, l.Name, labelText.Replace(l.Value))
				}
			}
			fmt.Fprintf(w, "%s{%s} 1\n", metricHeld, text[1:])
		}
	}
}
