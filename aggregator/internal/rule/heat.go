package rule

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	table "github.com/gigawatch/gigawatch/alerts/rule"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// fewBoards are as many as must be hot at once before it is their rack: of two hosts at
// least, for one alone has fans and a pump of its own.
const fewBoards = 5

// namedHosts is how many hosts the evidence of a rack names.
const namedHosts = 5

// warmth is which boards of a rack are hot.
type warmth struct {
	boards map[string]bool
	hosts  map[string]int // how many each has
	since  int64          // the first of them
	newest int64          // and the last
}

// warmer notes that a is told, of what is hot of its board.
func (e *Evaluator) warmer(a *alert) {
	b := e.hottest[a.place.uuid]
	if b == nil || a.rule.Severity > b.rule.Severity || a.rule.Severity == b.rule.Severity && a.id < b.id {
		e.hottest[a.place.uuid] = a
	}
}

// warming reports whether boards still get hot one after another around a, on several
// hosts: they may be their rack.
func (s *site) warming(a *alert, now int64) bool {
	w := s.hot[place{hall: a.place.hall, rack: a.place.rack}]
	return w != nil && len(w.hosts) > 1 && now-w.newest < musterSilence.Milliseconds()
}

// warms reports whether a board that c tells of is hot, and not merely slow because of
// it.
func (c *compiled) warms() bool {
	return c.Heat && c.Watch != nil && c.Watch.Test != table.PeerBelow
}

// tellHeat makes of boards that are hot what they have in common: their rack, or hall.
func (e *Evaluator) tellHeat(now int64) {
	if len(e.silences[table.HotRack]) == 0 {
		return
	}
	hot := map[*site]map[place]*warmth{}
	for _, a := range e.alerts {
		if a.rule == nil || !a.rule.warms() || !a.stands() || a.place.uuid == "" || a.place.rack == "" || a.phase == Ended {
			continue
		}
		s := e.sites[a.place.site]
		if s == nil || slices.ContainsFunc(e.open, func(w Window) bool { return w.has(a) }) {
			continue
		}
		at := place{hall: a.place.hall, rack: a.place.rack}
		if hot[s] == nil {
			hot[s] = map[place]*warmth{}
		}
		w := hot[s][at]
		if w == nil {
			w = &warmth{boards: map[string]bool{}, hosts: map[string]int{}, since: a.since}
			hot[s][at] = w
		}
		if !w.boards[a.place.uuid] {
			w.boards[a.place.uuid] = true
			w.hosts[a.place.host]++
		}
		w.since, w.newest = min(w.since, a.since), max(w.newest, a.since)
	}
	for _, s := range e.sites {
		s.hot = hot[s]
		e.heatOf(s, now)
	}
}

// heatOf tells of a site's racks and halls.
func (e *Evaluator) heatOf(s *site, now int64) {
	var there map[place]int
	halls := map[string]*tallied{}
	stands := map[quiet]bool{}
	for at, w := range s.hot {
		was := s.is(table.HotRack, at) != nil
		if !was && len(w.hosts) < 2 {
			continue
		}
		if there == nil {
			there = e.boardsOf(s)
		}
		n := len(w.boards)
		all := max(there[at], n)
		if !isDown(was, all, n, n, fewBoards) {
			continue
		}
		stands[quiet{table.HotRack, at}] = true
		w.tell(e, s, at, all, now)
		h := halls[at.hall]
		if h == nil {
			h = &tallied{since: w.since}
			halls[at.hall] = h
		}
		h.down++
		h.silent += n
		h.since = min(h.since, w.since)
	}
	for at := range there {
		if h := halls[at.hall]; h != nil {
			h.racks++
		}
	}
	for name, h := range halls {
		q := quiet{table.HotHall, place{hall: name}}
		if name == "" || !isDown(s.is(q.cause, q.at) != nil, h.racks, h.down, h.down, fewRacks) {
			continue
		}
		stands[q] = true
		e.quieten(s, q, true, h.since, now, float64(h.down))
		s.active[q].evidence = fmt.Sprintf("%d boards in %d of its %d racks are too hot, or about to slow down because of it", h.silent, h.down, h.racks)
	}
	for q := range s.active {
		if (q.cause == table.HotRack || q.cause == table.HotHall) && !stands[q] {
			e.quieten(s, q, false, 0, now, 0)
		}
	}
}

// tell has an alert of a rack, with its hosts by name.
func (w *warmth) tell(e *Evaluator, s *site, at place, all int, now int64) {
	q := quiet{table.HotRack, at}
	e.quieten(s, q, true, w.since, now, float64(len(w.boards)))
	names := slices.SortedFunc(maps.Keys(w.hosts), func(a, b string) int {
		return cmp.Or(cmp.Compare(w.hosts[b], w.hosts[a]), strings.Compare(a, b))
	})
	var said []string
	for _, name := range names[:min(len(names), namedHosts)] {
		said = append(said, fmt.Sprintf("%s (%d)", name, w.hosts[name]))
	}
	text := fmt.Sprintf("%d of its %d boards are too hot, or about to slow down because of it: %s", len(w.boards), all, strings.Join(said, ", "))
	switch n := len(names) - len(said); {
	case n == 1:
		text += " and one more host"
	case n > 1:
		text += fmt.Sprintf(" and %d more hosts", n)
	}
	s.active[q].evidence = text
}

// boardsOf is how many boards each rack of a site has.
func (e *Evaluator) boardsOf(s *site) map[place]int {
	all := map[place]int{}
	for _, x := range e.senders {
		if x.site != s || x.canary || x.layout == nil {
			continue
		}
		l := x.layout
		for i := range l.Entities {
			if l.Entities[i].Kind != metric.GPU {
				continue
			}
			at := place{}
			if r := l.Ancestor(i, metric.Rack); r >= 0 {
				at.rack = plain(l.Entities[r].Name)
			}
			if h := l.Ancestor(i, metric.Hall); h >= 0 {
				at.hall = plain(l.Entities[h].Name)
			}
			if at.rack != "" {
				all[at]++
			}
		}
	}
	return all
}
