package health

import (
	"fmt"
	"math/bits"
	"strconv"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// startedFor is how old events may be that were there when an agent was first
// seen.
const startedFor = 24 * time.Hour

// keepEvents is how long it is remembered that an event was seen.
const keepEvents = 2 * startedFor

// recoveryChanged is the XID that says that the recovery action changed.
const recoveryChanged = 154

// xid judges events of one code: their count changed, or the time of the newest.
func (h *Health) xid(r rule, c *change) {
	when := metric.Missing
	if times, j := c.a.find(ruleXIDTime, c.arg, c.e); times != nil {
		when = c.values[times.at+j]
		if when != metric.Missing {
			c.a.last[times.last+j] = when
		}
	}
	was, n := c.was, c.is
	if r == ruleXIDTime {
		counts, i := c.a.find(ruleXID, c.arg, c.e)
		if counts == nil {
			return
		}
		n = c.values[counts.at+i]
		was = n // or its own change had come before
	}
	if n <= 0 { // missing ones too
		return
	}
	x, cause := c.x, "xid_"+strconv.FormatUint(uint64(c.arg), 10)
	before, seen := x.events[cause]
	same := seen && int64(when) == before
	rose := int64(n)
	switch {
	case was == metric.Missing: // so it was when the agent was first seen
		if when < 0 || c.millis-int64(when) > startedFor.Milliseconds() || seen && int64(when) <= before {
			return
		}
		if seen {
			rose = 1 // or more, that nobody counted
		}
	case same && (n <= was || was == 0): // shown again
		return
	case n > was:
		rose = int64(n - was)
	case n == was: // an agent that began anew has come as far as it was
		rose = 1
	}
	at := c.at
	if when >= 0 {
		x.seen(cause, int64(when))
		at -= min(max(0, c.millis-int64(when)), eventFor.Milliseconds()) // clocks of hosts may be wrong; the age is not
	}
	h.dirty = true
	h.tally(x, c.arg, rose)
	h.raiseXID(c, cause, at, rose)
	x.site.mark(x)
}

// raiseXID raises the finding that the table makes of a code.
func (h *Health) raiseXID(c *change, cause string, at, n int64) {
	x, t := c.x, h.c.Table.of(c.arg)
	if t.silent || c.arg == recoveryChanged && x.recovery != metric.Missing {
		return
	}
	stays := eventFor
	if t.state == Watch {
		stays = watchFor
	}
	f := Finding{Cause: cause, State: t.state, Action: t.action, Advice: t.then, Since: at, Last: at, Count: n,
		kind: event, heals: t.heals, driver: true, until: at + stays.Milliseconds(), energy: x.energy}
	where := ""
	if t.host && x.host != nil && x.host.owner != nil { // a job of eight GPUs ends with sixty events
		where = " on " + x.String()
		if i, err := strconv.Atoi(x.index); err == nil && i >= 0 {
			f.boards = 1 << (i % 64)
		}
		x = x.host
		f.heals, f.driver, f.shared, f.energy = false, false, true, metric.Missing
	}
	total, last, boards := n, at, f.boards
	if o := x.find(cause); o != nil {
		total, last, boards = total+o.Count, max(last, o.Last), boards|o.boards
	}
	if several := bits.OnesCount64(boards); several > 1 {
		where = fmt.Sprintf(" on %d GPUs", several)
	}
	when := "at " + clock(last)
	if total > 1 {
		when = fmt.Sprintf("%d times, the last %s", total, when)
	}
	f.Evidence = fmt.Sprintf("XID %d: %s%s, %s", c.arg, t.meaning, where, when)
	h.raise(x, f)
}
