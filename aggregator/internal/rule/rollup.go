package rule

import (
	"fmt"
	"slices"

	table "github.com/gigawatch/gigawatch/alerts/rule"
)

// How much of a place is silent before it is the place: of a rack's hosts and of a
// hall's racks. What is once down is so until nearly all of it is back: then those
// that are left are told by themselves.
const (
	downShare = 0.30
	backShare = 0.10
	fewHosts  = 5
	fewRacks  = 3
	fewBack   = 2
)

// isDown reports whether a place is down of which part is silent: lately of a time
// in which it may have one cause.
func isDown(was bool, expected, silent, lately, few int) bool {
	if was {
		return silent >= fewBack && float64(silent) >= backShare*float64(expected)
	}
	return lately >= few && float64(lately) >= downShare*float64(expected) || silent > 1 && silent == expected
}

// rollUp makes of hosts that are silent what they have in common.
func (e *Evaluator) rollUp(s *site, now int64, hosts []Host) {
	s.tally(hosts, e.atWork(s))
	halls := map[place]bool{}
	for at, n := range s.counts {
		if at.rack == "" || at.host != "" {
			continue
		}
		was := s.is(table.SilentRack, at) != nil
		down := isDown(was, n.expected, n.silent, n.lately, fewHosts)
		e.fallen(s, quiet{table.SilentRack, at}, down, n, now, ". Of them no alerts are sent")
		if down && e.holdsBack(s, table.SilentRack, at) { // it says nothing of its hall
			continue
		}
		s.counts[place{}].racks++
		if hall := (place{hall: at.hall}); at.hall != "" {
			halls[hall] = true
			s.counts[hall].racks++
			if down {
				s.counts[hall].down++
			}
		}
	}
	down := 0
	for at := range halls {
		n := s.counts[at]
		is := isDown(s.is(table.SilentHall, at) != nil, n.racks, n.down, n.down, fewRacks)
		e.fallen(s, quiet{table.SilentHall, at}, is, n, now, fmt.Sprintf(", in %d of its %d racks. Of racks and hosts no alerts are sent", n.down, n.racks))
		if is {
			down++
		}
	}
	all := s.counts[place{}]
	if all == nil {
		all = &tallied{}
	}
	unplaced := all.racks == 0 && isDown(s.is(table.SilentSite, place{}) != nil, all.expected, all.silent, all.lately, fewHosts)
	share := downShare
	if s.is(table.SilentSite, place{}) != nil {
		share /= 2
	}
	halved := down > 1 && float64(all.silent) >= share*float64(all.expected)
	beside := ", in more than one hall, and some still report. Of halls, racks and hosts no alerts are sent"
	if all.racks == 0 {
		beside = ", and some still report. Of them no alerts are sent"
	}
	e.fallen(s, quiet{table.SilentSite, place{}}, halved || unplaced, all, now, beside)
	e.tellHosts(s, now, hosts)
	for q := range s.active { // racks and halls that nobody expects any more
		if q.cause == table.SilentRack && s.counts[q.at] == nil || q.cause == table.SilentHall && !halls[q.at] {
			e.quieten(s, q, false, 0, now, 0)
		}
	}
	for at, fell := range s.fell {
		if now-fell > lately {
			delete(s.fell, at)
		}
	}
}

// fallen raises or ends the alert of a place, and says how much of it is silent.
func (e *Evaluator) fallen(s *site, q quiet, is bool, n *tallied, now int64, beside string) {
	e.quieten(s, q, is, n.since, now, float64(n.silent))
	if is {
		s.active[q].evidence = fmt.Sprintf("%d of its %d hosts fell silent%s", n.silent, n.expected, beside)
	}
}

// holdsBack reports whether a window that is open would hold back the alert of a
// silence.
func (e *Evaluator) holdsBack(s *site, cause string, at place) bool {
	if len(e.open) == 0 {
		return false
	}
	for _, c := range e.silences[cause] {
		a := alert{rule: c, labels: e.quiet(s, c, at)}
		if slices.ContainsFunc(e.open, func(w Window) bool { return w.has(&a) }) {
			return true
		}
	}
	return false
}

// atWork are the silent hosts of a site of which a window holds that back: they say
// nothing of their rack.
func (e *Evaluator) atWork(s *site) func(h *Host) bool {
	if len(e.open) == 0 {
		return func(*Host) bool { return false }
	}
	return func(h *Host) bool {
		return s.isSilent(h.Name) && e.holdsBack(s, table.Silent, place{hall: h.Hall, rack: h.Rack, host: h.Name})
	}
}

// tally counts the hosts of each place that nobody is at work on: expected, silent, and
// silent since about the time when the last of them fell silent.
func (s *site) tally(hosts []Host, atWork func(*Host) bool) {
	s.counts = map[place]*tallied{{}: {}}
	newest := map[place]int64{}
	racked := slices.ContainsFunc(hosts, func(h Host) bool { return h.Site == s.name && h.Rack != "" })
	each := func(do func(n *tallied, at place, since int64, silent bool)) {
		for i := range hosts {
			h := &hosts[i]
			if h.Site != s.name || atWork(h) {
				continue
			}
			since, silent := s.silent[h.Name]
			count := func(at place) {
				n := s.counts[at]
				if n == nil {
					n = &tallied{}
					s.counts[at] = n
				}
				do(n, at, since, silent)
			}
			count(place{})
			if h.Hall != "" {
				count(place{hall: h.Hall})
			}
			if racked {
				count(place{hall: h.Hall, rack: h.Rack}.inRack())
			}
		}
	}
	each(func(n *tallied, at place, since int64, silent bool) {
		n.expected++
		if silent {
			n.silent++
			newest[at] = max(newest[at], since)
		}
	})
	each(func(n *tallied, at place, since int64, silent bool) {
		if silent && newest[at]-since <= lately {
			n.lately++
			if n.since == 0 || since < n.since {
				n.since = since
			}
		}
	})
}

// tellHosts has an alert for each host that is silent.
func (e *Evaluator) tellHosts(s *site, now int64, hosts []Host) {
	for i := range hosts {
		h := &hosts[i]
		if h.Site != s.name {
			continue
		}
		if since, silent := s.silent[h.Name]; silent {
			e.quieten(s, quiet{table.Silent, place{hall: h.Hall, rack: h.Rack, host: h.Name}}, true, since, now, 0)
		}
	}
	for q := range s.active {
		if q.cause == table.Silent && !s.isSilent(q.at.host) {
			e.quieten(s, q, false, 0, now, 0)
		}
	}
}
