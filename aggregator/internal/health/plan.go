package health

import (
	"cmp"
	"slices"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// A sender is an agent, with where its layout holds what matters here.
type sender struct {
	site    *site
	layout  *metric.Layout
	width   int
	heard   int64 // ms since 1970, by the bus
	planned int64 // likewise, when the layout came
	again   bool  // something was lost to a rival: the layout is to be looked through again

	hosts    []*subject  // that it speaks for
	owned    []*subject  // those, and GPUs
	rivals   []*subject  // that another agent speaks for
	gpus     [States]int // of the owned those that are, by what they say, so
	subjects []*subject  // by entity: what a finding about it is against; nil: nothing

	runs   []run
	last   []metric.Raw // of each run's values; of a rate, as the minute began
	minute int64        // since 1970
}

// A run is a column that a rule looks at.
type run struct {
	at    int32 // in the tick
	last  int32 // in sender.last
	count int32
	first int32  // entity
	arg   uint32 // an XID
	rule  rule
}

// contests reports whether a subject that a rival had can be had.
func (a *sender) contests(at, silence int64) bool {
	return slices.ContainsFunc(a.rivals, func(x *subject) bool { return !x.known(at, silence) })
}

// claim makes a speak for x, unless another does that is not silent.
func (h *Health) claim(a *sender, x *subject, at int64) bool {
	if x.owner != a && x.known(at, h.silence) {
		a.rivals = append(a.rivals, x)
		return false
	}
	if o := x.owner; o != nil && o != a {
		o.again = true
		o.owned = slices.DeleteFunc(o.owned, func(y *subject) bool { return y == x })
		o.countGPUs()
	}
	x.owner, x.heard = a, at
	x.state, x.recovery = metric.Missing, metric.Missing
	a.owned = append(a.owned, x)
	return true
}

// plan finds what matters in a layout, and takes over what was known under the
// one before.
func (h *Health) plan(a *sender, l *metric.Layout, at int64) {
	old := *a
	for _, x := range old.owned {
		if x.owner == a {
			x.owner = nil
		}
	}
	*a = sender{site: a.site, layout: l, width: l.Width(), heard: a.heard, planned: at, minute: a.minute, subjects: make([]*subject, len(l.Entities))}
	speaks := spokenFor(l)
	for e := range l.Entities {
		if name := l.Entities[e].Name; speaks[e] && l.Entities[e].Kind == metric.Host {
			if x := h.host(a.site, name); x != nil && h.claim(a, x, at) {
				a.subjects[e] = x
				a.hosts = append(a.hosts, x)
				x.place(l, e)
			}
		}
	}
	h.planBoards(a, l, speaks, at)
	for e := range l.Entities {
		switch l.Entities[e].Kind {
		case metric.Device, metric.Port, metric.Sensor:
			if host := l.Ancestor(e, metric.Host); host >= 0 {
				a.subjects[e] = a.subjects[host]
			}
		}
	}
	for _, x := range old.hosts { // by another name now
		if x.owner == nil && len(a.hosts) > 0 {
			a.site.forgetHost(x)
		}
	}
	for _, x := range old.owned {
		if x.kind == gpuKind && x.owner == nil && x.host != nil {
			x.host.count()
		}
	}
	a.planRuns(l)
	a.carry(&old)
	a.countGPUs()
}

// spokenFor tells for each entity whether who has this layout speaks for it: for
// a host whose being up it reports, or whose GPUs' states; and for those GPUs.
func spokenFor(l *metric.Layout) []bool {
	speaks := make([]bool, len(l.Entities))
	for _, c := range l.Columns {
		if c.Metric != metric.HostUp && c.Metric != metric.GPUState {
			continue
		}
		for e := c.First; e < c.First+c.Count; e++ {
			switch {
			case c.Metric == metric.HostUp:
				speaks[e] = true
			case l.Entities[e].Kind == metric.GPU:
				speaks[e] = true
				if host := l.Ancestor(e, metric.Host); host >= 0 {
					speaks[host] = true
				}
			}
		}
	}
	return speaks
}

// place notes where a host stands.
func (x *subject) place(l *metric.Layout, e int) {
	name := func(k metric.EntityKind) string {
		if i := l.Ancestor(e, k); i >= 0 {
			return l.Entities[i].Name
		}
		return ""
	}
	hall, rack := name(metric.Hall), name(metric.Rack)
	if x.hall != hall || x.rack != rack {
		x.hall, x.rack, x.site.inventory = hall, rack, true
	}
}

// planBoards claims the GPUs, and then sees who is new where: what is there must
// be known before what is missing.
func (h *Health) planBoards(a *sender, l *metric.Layout, speaks []bool, at int64) {
	for e := range l.Entities {
		if speaks[e] && l.Entities[e].Kind == metric.GPU {
			if x := h.board(a.site, l.Entities[e].Name); x != nil && h.claim(a, x, at) {
				a.subjects[e] = x
			}
		}
	}
	for e, x := range a.subjects {
		if x == nil || x.kind != gpuKind {
			continue
		}
		var host *subject
		if i := l.Ancestor(e, metric.Host); i >= 0 {
			host = a.site.hosts[l.Entities[i].Name]
		}
		x.model = l.Entities[e].Label("model")
		a.site.put(x, host, l.Entities[e].Label("gpu"))
		if host != nil {
			host.sortBoards()
			host.count()
		}
	}
}

// planRuns finds the columns that rules look at.
func (a *sender) planRuns(l *metric.Layout) {
	at, n := 0, 0
	for _, c := range l.Columns {
		d := metric.Lookup(c.Metric)
		if d != nil && d.Form == c.Form {
			of := a.subjects[c.First : c.First+c.Count]
			if r := ruleOf(d, c.Point); r != noRule && slices.ContainsFunc(of, func(x *subject) bool { return x != nil && (x.kind == gpuKind) == (d.Entity == metric.GPU) }) {
				a.runs = append(a.runs, run{at: int32(at), last: int32(n), count: int32(c.Count), first: int32(c.First), arg: c.Point, rule: r})
				n += c.Count
			}
		}
		at += c.Count
	}
	slices.SortStableFunc(a.runs, func(r, s run) int { return cmp.Compare(r.rule, s.rule) })
	a.last = make([]metric.Raw, n)
	for i := range a.last {
		a.last[i] = metric.Missing
	}
}

// identity of a value across layouts.
type identity struct {
	rule rule
	arg  uint32
	of   *subject
	name string
}

func (a *sender) identity(r *run, k int32) identity {
	e := int(r.first + k)
	id := identity{r.rule, r.arg, a.subjects[e], ""}
	if x := id.of; x == nil || x.kind == hostKind {
		id.name = deviceName(a.layout, e)
	}
	return id
}

// carry takes over the last values of counters that both layouts hold; conditions
// are looked at anew. XIDs that are new of an agent that is known count from
// zero; what else is new is a baseline.
func (a *sender) carry(old *sender) {
	was := map[identity]metric.Raw{}
	for i := range old.runs {
		r := &old.runs[i]
		for k := range r.count {
			was[old.identity(r, k)] = old.last[r.last+k]
		}
	}
	for i := range a.runs {
		r := &a.runs[i]
		if r.rule.isCondition() {
			continue
		}
		for k := range r.count {
			v, ok := was[a.identity(r, k)]
			switch {
			case ok:
				a.last[r.last+k] = v
			case r.rule == ruleXID && old.layout != nil && slices.Contains(old.owned, a.subjects[r.first+k]):
				a.last[r.last+k] = 0
			}
		}
	}
}

// deviceName says which of the host's things entity e is.
func deviceName(l *metric.Layout, e int) string {
	x := &l.Entities[e]
	switch x.Kind {
	case metric.Host:
		return ""
	case metric.Port:
		if d := x.Label("device"); d != "" {
			return d + "/" + x.Name
		}
		if p := x.Parent; p >= 0 && l.Entities[p].Kind == metric.Device {
			return l.Entities[p].Name + "/" + x.Name
		}
	}
	return x.Name
}

// find is the run of a rule that holds entity e, and where in it; nil if there is
// none.
func (a *sender) find(rule rule, arg uint32, e int32) (*run, int32) {
	for i := range a.runs {
		if r := &a.runs[i]; r.rule == rule && (rule != ruleXID && rule != ruleXIDTime || r.arg == arg) && r.first <= e && e < r.first+r.count {
			return r, e - r.first
		}
	}
	return nil, 0
}

// value is what a rule's value of entity e is in a tick.
func (a *sender) value(rule rule, e int32, values []metric.Raw) metric.Raw {
	if r, k := a.find(rule, 0, e); r != nil {
		return values[r.at+k]
	}
	return metric.Missing
}
