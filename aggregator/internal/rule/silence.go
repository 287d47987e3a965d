package rule

import (
	"fmt"

	table "github.com/gigawatch/gigawatch/alerts/rule"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// A Host is one that is expected to report.
type Host struct {
	Site, Hall, Rack, Name string
	Simulated              bool
	Heard                  int64 // by the bus, ms since 1970
	Held                   bool  // nothing that it says is taken: it is not silent, and another rule tells of it
}

type hostKey struct{ site, host string }

// A site is what is known of the silence of one.
type site struct {
	name      string
	simulated bool
	heard     int64 // newest arrival of any agent, ms since 1970
	arrived   int64 // when something was last read of it, whenever it was sent
	quickest  int64 // ms between ticks of its quickest agent; 0: not known
	hosts     int   // that are expected
	blind     bool
	thawed    int64 // before, silence is not judged

	silent map[string]int64   // hosts, by name: since when
	active map[quiet]*alert   // what is silent, and has an alert
	moved  bool               // silent has changed
	rolled int64              // when places were last counted
	fell   map[place]int64    // when something new fell silent within a place, or a rack hot
	hot    map[place]*warmth  // racks with boards that are
	counts map[place]*tallied // of the second
}

// labels are those of the evaluator's own metrics of s.
func (s *site) labels() string {
	if s.simulated {
		return fmt.Sprintf("site=%q,simulated=\"true\"", s.name)
	}
	return fmt.Sprintf("site=%q", s.name)
}

// Simulated reports whether a site is a model.
func (e *Evaluator) Simulated(site string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	s := e.sites[site]
	return s != nil && s.simulated
}

// quiet is a kind of silence of a place.
type quiet struct {
	cause string
	at    place
}

// tallied counts hosts, or racks, of a place.
type tallied struct {
	expected, silent, lately int
	racks, down              int // of a hall or site
	since                    int64
}

func (e *Evaluator) site(name string) *site {
	s := e.sites[name]
	if s == nil && name != "" && len(e.sites) < mostSites {
		s = &site{name: name, silent: map[string]int64{}, active: map[quiet]*alert{}, fell: map[place]int64{}, thawed: e.began + thaw}
		e.sites[name] = s
	}
	return s
}

// is the alert of a silence that stands; nil if there is none.
func (s *site) is(cause string, at place) *alert {
	if a := s.active[quiet{cause, at}]; a != nil && a.stands() {
		return a
	}
	return nil
}

func (s *site) isSilent(host string) bool { _, ok := s.silent[host]; return ok }

// unracked stands for the rack of hosts that are in none, where others of the site are:
// what they have in common is told as of a rack, without its name.
const unracked = "\x00"

// inRack is the rack that p is, or is in.
func (p place) inRack() place {
	if p.rack == "" {
		return place{hall: p.hall, rack: unracked}
	}
	return place{hall: p.hall, rack: p.rack}
}

// around is the place within which other things that fall silent may make one of it.
func (p place) around(cause string) place {
	switch {
	case cause == table.Silent && (p.rack != "" || p.hall != ""):
		return p.inRack()
	case (cause == table.SilentRack || cause == table.HotRack) && p.hall != "":
		return place{hall: p.hall}
	}
	return place{}
}

const (
	patience  = 5_000   // ms that a host which speaks once a second may say nothing
	deaf      = 8_000   // and all of a site together, or the bus: a client connects anew
	stranger  = 60_000  // ms for a host whose pace is not known
	thaw      = 30_000  // ms after nothing was heard that hosts have to report again
	rollAfter = 10_000  // ms after which places are counted again, if nothing moved
	nodding   = 3_000   // ms between steps after which the evaluator itself was away
	lately    = 300_000 // ms within which what falls silent may have one cause: breakers may trip one by one
)

// listen finds what is silent.
func (e *Evaluator) listen(now int64, connected bool, hosts []Host) {
	if now-e.swept > nodding {
		e.awake = now
	}
	if connected || now-e.swept > nodding {
		e.parted = now
	}
	for _, s := range e.sites {
		e.hear(s, now, connected)
	}
	for _, s := range e.sites {
		s.hosts = 0
	}
	for i := range hosts {
		e.heed(&hosts[i], now)
	}
	for _, s := range e.sites {
		if len(s.silent)+len(s.active) == 0 || s.blind || now < s.thawed {
			continue
		}
		if s.moved || now-s.rolled >= rollAfter {
			s.moved, s.rolled = false, now
			s.forget(hosts)
			e.rollUp(s, now, hosts)
		}
	}
}

// hear finds whether anything is heard of a site.
func (e *Evaluator) hear(s *site, now int64, connected bool) {
	patient := max(deaf, 3*s.quickest+1000)
	behind := now-s.arrived > patient
	// Who was away, as a machine that is moved, has heard nothing for a reason of its own.
	blind := s.heard > 0 && now-e.began > thaw && (now-e.parted > deaf || behind && now-e.awake > patient)
	if blind && !s.blind {
		e.log.Warn("nothing is heard of a site", "site", s.name, "bus_connected", connected)
	}
	if blind || behind || !connected {
		s.thawed = now + thaw
	}
	s.blind = blind
	e.quieten(s, quiet{table.Blind, place{}}, blind, s.heard, now, float64(s.hosts))
}

// heed notes whether a host is silent. What it is measured against is the newest
// arrival of all, since a reader that is behind hears nobody's present.
func (e *Evaluator) heed(h *Host, now int64) {
	s := e.site(h.Site)
	if s == nil {
		return
	}
	s.hosts++
	if h.Held {
		if s.isSilent(h.Name) {
			delete(s.silent, h.Name)
			s.moved = true
		}
		return
	}
	if r := e.reporters[hostKey{h.Site, h.Name}]; r != nil {
		h.Heard = min(h.Heard, r.heard) // whose clock is ours
	}
	s.heard = max(s.heard, h.Heard)
	away := s.heard - h.Heard
	if away <= patience {
		if len(s.silent) > 0 {
			if s.isSilent(h.Name) {
				delete(s.silent, h.Name)
				s.moved = true
			}
		}
		return
	}
	if away <= e.patienceWith(h) && s.is(table.Silent, place{hall: h.Hall, rack: h.Rack, host: h.Name}) == nil {
		return
	}
	if _, known := s.silent[h.Name]; !known && !s.blind && now >= s.thawed {
		s.silent[h.Name] = h.Heard
		s.moved = true
	}
}

// patienceWith is how long a host may say nothing.
func (e *Evaluator) patienceWith(h *Host) int64 {
	r := e.reporters[hostKey{h.Site, h.Name}]
	if r == nil {
		return stranger
	}
	return max(patience, 3*r.pace.step()+1000)
}

// forget lets go of hosts that nobody expects any more.
func (s *site) forget(hosts []Host) {
	if len(s.silent) == 0 {
		return
	}
	expected := make(map[string]bool, len(s.silent))
	for i := range hosts {
		if hosts[i].Site == s.name && s.isSilent(hosts[i].Name) {
			expected[hosts[i].Name] = true
		}
	}
	for name := range s.silent {
		if !expected[name] {
			delete(s.silent, name)
		}
	}
}

// quiet is the identity of the alert of a silence.
func (e *Evaluator) quiet(s *site, c *compiled, at place) identity {
	if at.rack == unracked {
		at.rack = ""
	}
	return label(c, s.simulated, metric.Pair{Name: "site", Value: s.name}, metric.Pair{Name: "hall", Value: at.hall},
		metric.Pair{Name: "rack", Value: at.rack}, metric.Pair{Name: "host", Value: at.host})
}

// quieten raises or ends the alert of a silence.
func (e *Evaluator) quieten(s *site, q quiet, is bool, since, now int64, count float64) {
	a := s.active[q]
	if !is {
		if a != nil {
			e.over(a, 1, now)
			delete(s.active, q)
		}
		return
	}
	if a != nil && a.stands() {
		a.value = count
		e.adopted(a)
		return
	}
	for _, c := range e.silences[q.cause] {
		s.active[q] = e.raise(c, e.quiet(s, c, q.at), 1, since, now, count, "")
		around := q.at.around(q.cause)
		s.fell[around] = now
	}
}
