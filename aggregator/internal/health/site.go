package health

import (
	"slices"
	"strconv"
	"strings"
)

// A site is what is known of one.
type site struct {
	name      string
	simulated bool
	senders   int
	hosts     map[string]*subject
	boards    map[string]*subject // GPUs, by uuid
	strangers map[string]*subject // agents that are held and of which no host is known, by name
	sick      map[*subject]bool   // have findings, or findings set aside
	marked    map[*subject]bool   // remember events
	touched   map[*subject]bool   // have findings, or had, that changed since somebody asked
	blind     *Finding            // most hosts fell silent together
	inventory bool                // hosts or boards changed since that was saved
	xids      map[kindOfXID]int64 // how often each was seen
}

func newSite(name string) *site {
	return &site{name: name, hosts: map[string]*subject{}, boards: map[string]*subject{}, strangers: map[string]*subject{}, sick: map[*subject]bool{}, marked: map[*subject]bool{}, touched: map[*subject]bool{}, xids: map[kindOfXID]int64{}}
}

// host is the one of that name, made if there is room; nil if not.
func (h *Health) host(s *site, name string) *subject {
	x := s.hosts[name]
	if x == nil && h.room() {
		x = newSubject(hostKind, name, s)
		s.hosts[name] = x
		s.inventory = true
	}
	return x
}

// board is likewise the GPU of a uuid.
func (h *Health) board(s *site, uuid string) *subject {
	x := s.boards[uuid]
	if x == nil && h.room() {
		x = newSubject(gpuKind, uuid, s)
		s.boards[uuid] = x
		s.inventory = true
	}
	return x
}

func (h *Health) room() bool {
	n := 0
	for _, s := range h.sites {
		n += len(s.hosts) + len(s.boards)
	}
	if n < h.c.Subjects {
		return true
	}
	h.refused.Inc()
	return false
}

// put makes a board one of host's. What it was on before misses it no more.
func (s *site) put(board, host *subject, index string) {
	old := board.host
	if old != host || board.index != index {
		s.inventory = true
	}
	board.host, board.index = host, index
	if old == host {
		return
	}
	if old != nil {
		old.boards = slices.DeleteFunc(old.boards, func(b *subject) bool { return b == board })
		old.moved = len(old.boards) == 0
		old.count()
	}
	if host == nil {
		return
	}
	// One that was never here before stands for one that is gone: the board in its
	// place, or else the one that has been away longest.
	var instead *subject
	for _, b := range host.boards {
		if b.owner == nil && (instead == nil || b.index == index || instead.index != index && b.heard < instead.heard) {
			instead = b
		}
	}
	if instead != nil {
		s.forgetBoard(instead)
	}
	host.boards = append(host.boards, board)
	host.moved = false
}

// sortBoards puts them in the order of their indexes.
func (x *subject) sortBoards() {
	slices.SortFunc(x.boards, func(a, b *subject) int { return compareIndex(a.index, b.index) })
}

// compareIndex orders numbers by their value, and before all else.
func compareIndex(a, b string) int {
	m, errA := strconv.Atoi(a)
	n, errB := strconv.Atoi(b)
	switch {
	case errA == nil && errB == nil:
		return m - n
	case errA == nil:
		return -1
	case errB == nil:
		return 1
	}
	return strings.Compare(a, b)
}

// count works out how many of a host's boards are not listed.
func (x *subject) count() {
	var listed int64
	for _, b := range x.boards {
		if b.owner != nil {
			listed++
		}
	}
	x.absent = max(x.expected, int64(len(x.boards))) - listed
}

func (s *site) forgetBoard(b *subject) {
	b.touch()
	delete(s.boards, b.name)
	delete(s.sick, b)
	delete(s.marked, b)
	if b.host != nil {
		b.host.boards = slices.DeleteFunc(b.host.boards, func(o *subject) bool { return o == b })
		b.host.count()
	}
	s.inventory = true
}

// forgetHost makes a host one that is not expected, nor are its boards.
func (s *site) forgetHost(x *subject) {
	for _, b := range slices.Clone(x.boards) {
		s.forgetBoard(b)
	}
	x.touch()
	delete(s.hosts, x.name)
	delete(s.sick, x)
	delete(s.marked, x)
	s.inventory = true
}

// mark keeps x among those that need looking after.
func (s *site) mark(x *subject) {
	if len(x.findings)+len(x.aside) > 0 {
		s.sick[x] = true
	} else {
		delete(s.sick, x)
	}
	if len(x.events) > 0 {
		s.marked[x] = true
	}
}
