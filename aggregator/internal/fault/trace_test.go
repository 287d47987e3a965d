package fault

import (
	"fmt"
	"os"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// trace prints what becomes of the records of the agent that FAULT_TRACE names, and
// of its registers the one that FAULT_ACCOUNT names.
func (r *run) trace(b *metric.Batch, o account.Outcome) {
	if os.Getenv("FAULT_TRACE") != b.Agent {
		return
	}
	values := ""
	if b.Layout != nil {
		for _, x := range registers(b.Layout) {
			if of := os.Getenv("FAULT_ACCOUNT"); of != "" && name(x.key) != " "+of {
				continue
			}
			values += fmt.Sprintf(" %d/%d", b.Values[x.value], b.Values[x.epoch]&1023)
		}
	}
	var booked uint64
	for _, x := range r.ledger.Balances(siteName) {
		if k := keyOf(&x.Device); name(k) == " "+os.Getenv("FAULT_ACCOUNT") {
			booked = x.Counted
		}
	}
	r.t.Logf("step %d: booked %d, life %d number %d skipped %d flags %d time %d boot %d%s: %v %s %v", r.step, booked, b.Incarnation, b.Sequence, b.Skipped, b.Flags, b.Time, b.Boottime/1e6, values, o.Verdict, o.Reason, o.Alarms)
}

// trace prints what happens to the collector that FAULT_TRACE names, and what must be
// booked of the register that FAULT_ACCOUNT names.
func (c *collector) trace(what string) {
	if os.Getenv("FAULT_TRACE") != c.name {
		return
	}
	low := int64(-1)
	for i, k := range c.oracle.order {
		if name(k) == " "+os.Getenv("FAULT_ACCOUNT") {
			low = c.oracle.low[i].sum
		}
	}
	c.r.t.Logf("step %d: collector %s, newest %d, on disk %d, durable %d, sick for %d: at least %d mJ", c.r.step, what, c.newest, c.synced, c.durable, c.sick, low)
}
