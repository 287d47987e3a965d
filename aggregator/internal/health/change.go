package health

import "time"

// A Change is what now stands of a GPU or host whose findings have changed; it has
// none when all are over, set aside or the subject is forgotten.
type Change struct {
	Site      string
	Simulated bool
	Verdict
}

// touch notes that what stands of x has changed.
func (x *subject) touch() { x.site.touched[x] = true }

// Changes are those since it was last called; with all set, all that have findings
// as well, since what a finding makes of its subject may change by time alone.
func (h *Health) Changes(all bool, now time.Time) (changes []Change) {
	millis := now.UnixMilli()
	h.mu.Lock()
	defer h.mu.Unlock()
	for name, s := range h.sites {
		if all {
			for x := range s.sick {
				x.touch()
			}
		}
		for x := range s.touched {
			c := Change{Site: name, Simulated: s.simulated, Verdict: Verdict{Who: x.who()}}
			if s.has(x) {
				c.Findings = x.shown(millis)
			}
			if len(c.Findings) > 0 {
				c.State, c.Since = c.Findings[0].State, c.Findings[0].Since
			}
			changes = append(changes, c)
		}
		clear(s.touched)
	}
	return changes
}

// A Host is one that is expected to report.
type Host struct {
	Site, Hall, Rack, Name string
	Simulated              bool
	Heard                  int64 // by the bus, ms since 1970
	Held                   bool  // nothing that it says is taken, or was until a moment ago
}

// Hosts appends all hosts that are expected to dst.
func (h *Health) Hosts(dst []Host) []Host {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now().UnixMilli()
	for name, s := range h.sites {
		for _, x := range s.hosts {
			if !x.moved {
				dst = append(dst, Host{name, x.hall, x.rack, x.name, s.simulated, x.heard, x.isHeld(now, h.silence)})
			}
		}
	}
	return dst
}

// A Known is a host that is expected, with its GPUs.
type Known struct {
	Host
	GPUs []Board
}

// A Board is a GPU as its host lists it.
type Board struct{ UUID, Index, Model string }

// Known are all hosts that are expected; right after the start, as they were before it.
func (h *Health) Known() (all []Known) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for name, s := range h.sites {
		for _, x := range s.hosts {
			if x.moved {
				continue
			}
			k := Known{Host: Host{name, x.hall, x.rack, x.name, s.simulated, x.heard, false}}
			for _, b := range x.boards {
				k.GPUs = append(k.GPUs, Board{b.name, b.index, b.model})
			}
			all = append(all, k)
		}
	}
	return all
}
