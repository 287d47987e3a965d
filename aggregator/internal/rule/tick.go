package rule

import (
	"slices"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// A Tick is what an agent said of one time. Layout never changes; Values are not
// looked at after Observe.
type Tick struct {
	Key, Site, Agent string // Key is the agent's
	Layout           *metric.Layout
	Values           []metric.Raw
	Received         time.Time // by the bus
	Late             bool      // sent after newer ones
}

// oldest is how old something may be and still raise an alert.
const oldest = 2 * time.Minute

// A sender is an agent, with what is looked at in its ticks.
type sender struct {
	site      *site
	agent     string
	layout    *metric.Layout
	width     int
	simulated bool
	canary    bool  // it is the evaluator's own
	heard     int64 // ms since 1970, by the bus
	pace      pace

	glances []glance     // of each run, what a usual tick needs
	bands   []metric.Raw // of the glances
	runs    []run
	hosts   []string // that it reports to be up
}

// Observe looks at a tick.
func (e *Evaluator) Observe(t Tick) { e.observe(t, false) }

func (e *Evaluator) observe(t Tick, canary bool) {
	if t.Late || len(t.Values) == 0 {
		return
	}
	now := time.Now().UnixMilli()
	at := t.Received.UnixMilli()
	if !canary {
		at = e.ours(at, now)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	s := e.senders[t.Key]
	if s == nil {
		if s = e.admit(&t, at); s == nil {
			return
		}
		s.canary = canary
	}
	if !canary {
		s.site.arrived = now
	}
	if at < s.heard {
		return
	}
	s.pace.take(at - s.heard)
	s.heard = at
	if !canary {
		s.site.heard = max(s.site.heard, at)
	}
	if s.layout != t.Layout {
		e.plan(s, t.Layout, at)
		if !canary {
			s.site.simulated = s.simulated
		}
	}
	if now-at > oldest.Milliseconds() || len(t.Values) != s.width {
		return
	}
	for i := range s.glances {
		if g := &s.glances[i]; !g.isWell(at, t.Values, s.bands) {
			r := &s.runs[i]
			e.look(r, at, t.Values)
			r.glance(g, t.Values, s.bands)
		}
	}
}

// mostAgents and mostSites bound what is told apart.
const (
	mostAgents = 50_000
	mostSites  = 1 << 10
)

// admit is the agent of a tick; nil if there is no room.
func (e *Evaluator) admit(t *Tick, at int64) *sender {
	x := e.site(t.Site)
	if x == nil || len(e.senders) >= mostAgents {
		e.refused.Inc()
		return nil
	}
	s := &sender{site: x, agent: t.Agent, heard: at}
	e.senders[t.Key] = s
	return s
}

// forgotten is after how long a silent agent is: its alerts have ended long before.
const forgotten = 24 * time.Hour

// unheard is for how long what was last seen of a device still stands when its
// agent says nothing.
const unheard = 5 * time.Minute

// leave ends what only a silent agent could tell more of, and forgets it in the
// end. The bus may be to blame: while a site is blind everything stays.
func (e *Evaluator) leave(now int64) {
	for _, s := range e.sites {
		s.quickest = 0
	}
	for key, s := range e.senders {
		away := now - s.heard
		step := s.pace.step()
		if x := s.site; !s.canary && step > 0 && x.heard-s.heard <= 3*step+1000 && (x.quickest == 0 || step < x.quickest) {
			x.quickest = step
		}
		if away < unheard.Milliseconds() || s.site.blind {
			continue
		}
		for i := range s.runs {
			r := &s.runs[i]
			for j := range r.states {
				e.over(r.states[j].alert, r.states[j].bit, now)
			}
			r.states = nil
		}
		if away > forgotten.Milliseconds() {
			for _, name := range s.hosts {
				delete(e.reporters, hostKey{s.site.name, name})
			}
			delete(e.senders, key)
		}
	}
}

// pace is the gaps between an agent's last ticks, in milliseconds.
type pace struct {
	gaps [4]int32
	next uint8
}

func (p *pace) take(gap int64) {
	if gap <= 0 {
		return
	}
	p.gaps[p.next] = int32(min(gap, time.Minute.Milliseconds()))
	p.next = (p.next + 1) % uint8(len(p.gaps))
}

// step is an agent's interval: the middle gap, so that neither a tick between nor a
// pause is one.
func (p *pace) step() int64 {
	g := p.gaps
	slices.Sort(g[:])
	known := g[:]
	for len(known) > 0 && known[0] == 0 {
		known = known[1:]
	}
	if len(known) == 0 {
		return 0
	}
	return int64(known[(len(known)-1)/2])
}
