package account

import (
	"cmp"
	"slices"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// claims are what a layout says of who holds what.
//
// Entities of kind Job under a board claim shares of it, those under a host
// shares of the host. A record of jobs that answers though nobody holds
// anything says so by a CounterQuality of JobHostShare on the host, which is
// Measured; one that fell silent by its being missing. Without it, an agent that
// has reported jobs since it started and reports none now has none.
type claims struct {
	reads bool // there are any
	list  []claim
	marks []int32      // values that say whether the record of jobs answers
	last  []metric.Raw // values of list and marks, as they were worked out
	known bool         // and whether the record of jobs was known
	stale bool         // they must be worked out anew
	nodes []planNode
}

// A claim is a job's share of a board or of a host, in a value.
type claim struct {
	node  int32
	line  int32 // of the board; -1: of the host
	value int32
	job   Job
}

// A planNode is a host that a layout reports on.
type planNode struct {
	host   uint32
	held   uint32  // who holds it, by what was worked out last
	boards []int32 // lines
	claims bool
}

// recordOfJobs is the point of CounterQuality that says whether jobs are known.
var recordOfJobs = metric.EpochPoint(metric.JobHostShare, 0)

// claim finds who claims what in the layout of p, whose lines are complete.
func (s *site) claim(p *plan, find func(metric.Number, uint32, int) int32) {
	l, c := p.layout, &p.claims
	node := map[uint32]int32{}
	nodeOf := func(host uint32) int32 {
		n, ok := node[host]
		if !ok {
			n = int32(len(c.nodes))
			node[host] = n
			c.nodes = append(c.nodes, planNode{host: host})
		}
		return n
	}
	board := map[string]int32{}
	for i := range p.lines {
		if x := &p.lines[i]; s.counters[x.account].kind == metric.GPU {
			n := nodeOf(s.hostOf[x.place])
			c.nodes[n].boards = append(c.nodes[n].boards, int32(i))
			board[s.counters[x.account].name] = int32(i)
		}
	}
	seen := map[[2]int]bool{}
	for _, col := range l.Columns {
		ofBoard := col.Metric == metric.JobGPUShare
		for e := col.First; e < col.First+col.Count; e++ {
			if col.Metric == metric.CounterQuality && col.Point == recordOfJobs {
				c.marks, c.reads = append(c.marks, find(col.Metric, col.Point, e)), true
			}
			if !ofBoard && col.Metric != metric.JobHostShare || col.Form != metric.Int || col.Point != 0 ||
				l.Entities[e].Kind != metric.Job || seen[[2]int{e, int(col.Metric)}] {
				continue
			}
			seen[[2]int{e, int(col.Metric)}], c.reads = true, true
			x := claim{line: -1, value: find(col.Metric, 0, e), job: Job{Name: l.Entities[e].Name, Tenant: l.Entities[e].Label("tenant")}}
			g := l.Ancestor(e, metric.GPU)
			if ofBoard {
				if g < 0 {
					continue
				}
				line, ok := board[l.Entities[g].Name]
				if !ok { // no energy is counted of it
					continue
				}
				x.line, x.node = line, nodeOf(s.hostOf[p.lines[line].place])
			} else {
				place, ok := s.place(placeOf(l, e))
				if g >= 0 || !ok {
					continue
				}
				x.node = nodeOf(s.hostOf[place])
				c.nodes[x.node].claims = true
			}
			c.list = append(c.list, x)
		}
	}
	slices.SortFunc(c.list, func(a, b claim) int {
		return cmp.Or(cmp.Compare(a.node, b.node), cmp.Compare(a.line, b.line), a.job.Compare(&b.job), cmp.Compare(a.value, b.value))
	})
	c.stale = true
}

// changed reports whether c says other than when it was worked out.
func (c *claims) changed(values []metric.Raw, known bool) bool {
	if c.stale || c.known != known {
		return true
	}
	for i := range c.list {
		if values[c.list[i].value] != c.last[i] {
			return true
		}
	}
	for i, at := range c.marks {
		if values[at] != c.last[len(c.list)+i] {
			return true
		}
	}
	return false
}

// allocate works out who holds the boards and hosts of agent n from here on.
func (s *site) allocate(n uint32, p *plan, values []metric.Raw, t int64, o *Outcome) {
	c := &p.claims
	known := s.agents[n].jobs
	if c.changed(values, known) {
		c.workOut(s, p, values, known, o)
	}
	for i := range c.nodes {
		x := &c.nodes[i]
		if len(x.boards) == 0 && !x.claims && !known { // not its own host
			continue
		}
		own := &s.nodes[x.host]
		if own.decider != 0 && own.decider != n+1 && t-own.decided < takeover { // another agent's word stands
			continue
		}
		if a := own.counter; a != 0 && own.holding != x.held && s.counters[a-1].owner != n {
			s.counters[a-1].mixed = true // its reading lies elsewhere in time
		}
		own.holding, own.decider, own.decided = x.held, n+1, t
	}
}

// workOut makes holdings of claims.
func (c *claims) workOut(s *site, p *plan, values []metric.Raw, known bool, o *Outcome) {
	c.known, c.stale, c.last = known, false, c.last[:0]
	for i := range c.list {
		c.last = append(c.last, values[c.list[i].value])
	}
	silent := false
	for _, at := range c.marks {
		c.last = append(c.last, values[at])
		silent = silent || values[at] < 0 || values[at] >= metric.Raw(metric.QualityMissing)
	}
	all, rest := unasked, c.list
	switch {
	case known && silent:
		all, rest = unknown, nil
	case known:
		all = nobody
	}
	for i := range p.lines {
		p.lines[i].held = all
	}
	for i := range c.nodes {
		n := 0
		for n < len(rest) && rest[n].node == int32(i) {
			n++
		}
		mine := rest[:n]
		rest = rest[n:]
		host := 0
		for host < len(mine) && mine[host].line < 0 {
			host++
		}
		for at := host; at < len(mine); {
			line := mine[at].line
			end := at
			for end < len(mine) && mine[end].line == line {
				end++
			}
			p.lines[line].held = s.holdingOf(mine[at:end], values, s.counters[p.lines[line].account].name, o)
			at = end
		}
		held := all
		switch {
		case host > 0:
			held = s.holdingOf(mine[:host], values, s.nodes[c.nodes[i].host].name, o)
		case len(c.nodes[i].boards) > 0:
			held = s.average(p, c.nodes[i].boards)
		}
		c.nodes[i].held = held
	}
}

// holdingOf makes a holding of the claims on one thing: scaled down to it if they
// are more; what is left is held by nobody.
func (s *site) holdingOf(claims []claim, values []metric.Raw, name string, o *Outcome) uint32 {
	var hs []holder
	var weights []uint64
	var sum uint64
	for i := range claims {
		v := values[claims[i].value]
		if v < 0 || v > whole<<10 { // missing among them, or no share
			return unknown
		}
		if v == 0 {
			continue
		}
		job, ok := s.roster.job(claims[i].job, s.config.JobNames)
		s.crowded = s.crowded || !ok
		sum += uint64(v)
		if n := len(hs) - 1; n >= 0 && hs[n].job == job { // of several parts of the board
			weights[n] += uint64(v)
		} else {
			hs, weights = append(hs, holder{job: job}), append(weights, uint64(v))
		}
	}
	switch {
	case sum == 0:
		return nobody
	case sum < whole:
		hs, weights = append(hs, holder{job: nobody}), append(weights, whole-sum)
		sum = whole
	case sum > whole:
		o.alarm(Overclaimed, name, "jobs claim more of it than there is; their shares are scaled down to it")
	}
	return s.hold(hs, weights, sum)
}

// hold is the number of a holding of hs in proportion to weights, whose sum is
// given, by largest remainder.
func (s *site) hold(hs []holder, weights []uint64, sum uint64) uint32 {
	left := uint64(whole)
	remainders, order := make([]uint64, len(hs)), make([]int, len(hs))
	for i := range hs {
		q, r := share(whole, weights[i], sum)
		hs[i].share, remainders[i], order[i] = uint32(q), r, i
		left -= q
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(remainders[b], remainders[a]) })
	for _, i := range order[:left] { // fewer are left than there are holders
		hs[i].share++
	}
	hs = slices.DeleteFunc(hs, func(h holder) bool { return h.share == 0 })
	n, ok := s.roster.hold(hs)
	s.crowded = s.crowded || !ok
	return n
}

// average is who holds the boards of a host, taken together: those hold its rest
// where nothing says who does.
func (s *site) average(p *plan, boards []int32) uint32 {
	first := p.lines[boards[0]].held
	alike := true
	for _, i := range boards {
		alike = alike && p.lines[i].held == first
	}
	if alike {
		return first
	}
	weight := map[uint32]uint64{}
	var hs []holder
	for _, i := range boards {
		for _, h := range s.roster.held[p.lines[i].held] {
			if _, ok := weight[h.job]; !ok {
				hs = append(hs, holder{job: h.job})
			}
			weight[h.job] += uint64(h.share)
		}
	}
	jobs := s.roster.jobs.values
	slices.SortFunc(hs, func(a, b holder) int { return jobs[a.job].Compare(&jobs[b.job]) })
	weights := make([]uint64, len(hs))
	for i := range hs {
		weights[i] = weight[hs[i].job]
	}
	return s.hold(hs, weights, uint64(len(boards))*whole)
}

// holds is who holds a host at time t, as its own agent said last. What was said
// too long before may not hold any more.
func (s *site) holds(n *node, t int64) uint32 {
	if n.holding != unasked && t-n.decided > s.config.Interval*5/2 {
		return unknown
	}
	return n.holding
}
