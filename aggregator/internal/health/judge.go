package health

import (
	"fmt"
	"slices"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// How long what is only for the record stays, and what nobody dealt with.
const (
	watchFor = 15 * time.Minute
	linkFor  = 24 * time.Hour
	eventFor = 7 * 24 * time.Hour
)

// A change is a value that is not what it was.
type change struct {
	a       *sender
	x       *subject
	e       int32 // entity
	arg     uint32
	at      int64 // ms since 1970, by the bus
	millis  int64 // likewise, by the host's clock
	was, is metric.Raw
	values  []metric.Raw
}

// rose is by how much a counter moved: of one that began anew, all that it shows.
func (c *change) rose() int64 {
	switch {
	case c.was == metric.Missing || c.is < 0:
		return 0
	case c.is < c.was:
		return int64(c.is)
	}
	return int64(c.is - c.was)
}

// judge looks at what changed since the tick before.
func (h *Health) judge(a *sender, at, millis int64, values []metric.Raw) {
	states := false
	for i := range a.runs {
		r := &a.runs[i]
		if r.rule.isRate() {
			break // all that follow are
		}
		is, was := values[r.at:r.at+r.count], a.last[r.last:r.last+r.count]
		if slices.Equal(is, was) {
			continue
		}
		for k, v := range is {
			x := a.subjects[int(r.first)+k]
			if v == was[k] || x == nil || v == metric.Missing && !r.rule.forgets() {
				continue // what is missing says nothing, and what was said last may still be so
			}
			c := change{a, x, r.first + int32(k), r.arg, at, millis, was[k], v, values}
			was[k] = v
			switch {
			case r.rule == ruleEnergy:
				h.life(&c)
			case r.rule == ruleState:
				x.state, x.turned, states = v, at, true
				a.anew(c.e, values)
			case x.kind == gpuKind:
				h.ofBoard(r.rule, &c)
			default:
				h.ofHost(r.rule, &c)
			}
		}
	}
	if states {
		h.probe(a, at)
	}
	if m := at / time.Minute.Milliseconds(); m != a.minute {
		minutes := m - a.minute
		if a.minute == 0 {
			minutes = 0
		}
		a.minute = m
		h.rates(a, at, minutes, values)
	}
}

// anew has the conditions of entity e looked at again, though they be the same as
// before its state turned: what is not said since then ends.
func (a *sender) anew(e int32, values []metric.Raw) {
	for i := range a.runs {
		r := &a.runs[i]
		k := e - r.first
		if !r.rule.isCondition() || r.rule == ruleState || k < 0 || k >= r.count {
			continue
		}
		if !r.rule.forgets() || values[r.at+k] != metric.Missing { // that it is missing is still to be seen
			a.last[r.last+k] = metric.Missing
		}
	}
}

// stand raises f while it is true, and ends it when it is not.
func (h *Health) stand(x *subject, at int64, is bool, f Finding) {
	if !is {
		if len(x.findings)+len(x.aside) > 0 {
			h.clear(x, f.Cause)
		}
		return
	}
	f.kind, f.Since, f.Last, f.looked = condition, at, at, at
	h.raise(x, f)
}

// life notes that a board's life began anew, as by a reset, a restart or another
// driver: its counter of energy shows less than it did.
func (h *Health) life(c *change) {
	x := c.x
	x.energy = c.is
	fell := c.was != metric.Missing && c.is < c.was
	if !fell && c.was != metric.Missing {
		return
	}
	if len(x.findings) > 0 && x.drop(func(f *Finding) bool { return f.heals && (fell || f.energy != metric.Missing && c.is < f.energy) }) {
		h.over(x, "the GPU began anew")
	}
	if !fell {
		return
	}
	x.anew = c.at
	// What a host's boards have in common is healed when all of them are.
	host := x.host
	if host == nil || len(host.findings) == 0 {
		return
	}
	if host.drop(func(f *Finding) bool {
		return f.heals && !slices.ContainsFunc(host.boards, func(b *subject) bool { return b.owner != nil && b.anew <= f.Last })
	}) {
		h.over(host, "all GPUs of the host began anew")
	}
}

// over notes that findings of x ended.
func (h *Health) over(x *subject, why string) {
	h.dirty = true
	x.touch()
	x.site.mark(x)
	h.say("health findings are over", x, "because", why)
}

// A notice is what a board's state makes of it, or of its host where all boards
// are in it.
type notice struct {
	cause             string
	one, all          string // evidence
	state             State
	action            Action
	advice, adviceAll string
}

var notices = [...]notice{
	metric.GPULost: {"lost", "the GPU answers nothing, its neighbours do", "none of the host's GPUs answers", Failed, Reboot,
		"drain the host and restart it; if the GPU does not come back, or is lost again, contact support.",
		"drain the host, restart it, and look at the power and the cabling of its GPU board."},
	metric.GPUBlank: {"blank", "the driver answers nothing for the GPU", "the driver answers nothing for any GPU", Unknown, RestartEngine,
		"restart the DCGM host engine: after XID 119 it asks no more until then. Look for XID 119 beside it.",
		"restart the DCGM host engine: after XID 119 it asks no more until then. Look for XID 119 on the host's GPUs."},
	metric.GPUStale: {"stale", "its readings have stopped advancing", "the readings of all GPUs have stopped advancing", Unknown, CheckHost,
		"the driver or the host engine hangs: look at the host before you trust the GPU.",
		"the driver or the host engine hangs: look at the host before you trust its GPUs."},
	metric.GPUUnreachable: {"unreachable", "the driver's library or host engine does not answer", "the driver's library or host engine does not answer", Unknown, RestartEngine,
		"see whether the DCGM host engine runs on the host.", "see whether the DCGM host engine runs on the host."},
}

// probe judges what is known of the boards that a speaks for.
func (h *Health) probe(a *sender, at int64) {
	a.countGPUs()
	var done []*subject
	for _, x := range a.owned {
		switch {
		case x.kind != gpuKind:
		case x.host == nil:
			h.notice(x, at, false)
		case !slices.Contains(done, x.host):
			done = append(done, x.host)
			h.probeHost(x.host, at)
		}
	}
}

// probeHost judges the boards of a host together: what all of them say is one
// line of the host.
func (h *Health) probeHost(host *subject, at int64) {
	n := 0
	var in [len(notices)]int
	for _, b := range host.boards {
		if b.owner != nil {
			n++
			if b.state > metric.GPUOk && int(b.state) < len(in) {
				in[b.state]++
			}
		}
	}
	common := metric.Missing
	for state := metric.GPULost; int(state) < len(notices); state++ {
		if n > 1 && in[state] == n {
			common = state
		}
		t := &notices[state]
		h.stand(host, at, common == state, Finding{Cause: "gpus_" + t.cause, State: t.state, Action: t.action, Evidence: t.all, Advice: t.adviceAll})
	}
	for _, b := range host.boards {
		if b.owner != nil {
			h.notice(b, at, common != metric.Missing)
		}
	}
}

// notice judges what is known of a board, unless its host has the line.
func (h *Health) notice(b *subject, at int64, host bool) {
	for state := metric.GPULost; int(state) < len(notices); state++ {
		t := &notices[state]
		h.stand(b, at, b.state == state && !host, Finding{Cause: t.cause, State: t.state, Action: t.action, Evidence: t.one, Advice: t.advice})
	}
}

// happened raises an event that a counter shows.
func (h *Health) happened(c *change, f Finding, stays time.Duration) {
	n := c.rose()
	if n == 0 {
		return
	}
	total := n
	if o := c.x.find(f.Cause); o != nil {
		total += o.Count
	}
	f.Evidence = fmt.Sprintf("%s: %d", f.Evidence, total)
	f.kind, f.Since, f.Last, f.Count, f.until, f.energy = event, c.at, c.at, n, c.at+stays.Milliseconds(), c.x.energy
	h.raise(c.x, f)
}
