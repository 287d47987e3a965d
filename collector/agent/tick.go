package agent

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/gigawatch/gigawatch/collector/internal/spool"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// tick reads, makes a batch, and moves both lanes on.
func (a *agent) tick(ctx context.Context, now time.Time, skipped int) {
	start := time.Now()
	a.ticks.Inc()
	a.skipped.Add(skipped)
	collect(ctx, a.runners, now, a.c.Interval/grace, a.log)
	a.look(now)
	if a.gather(now) {
		flags := a.clock()
		a.telemetry(now, flags)
		a.account(now, flags)
		a.restate(now)
		a.last = now
	}
	a.settle(now)
	a.say(now)
	a.taking.UpdateDuration(start)
}

// account takes a ledger record if one is due, or if what the record before says
// of who holds what is no longer so.
func (a *agent) account(now time.Time, flags metric.Flags) {
	layout := a.views.ledger.layout.Layout
	a.unsaid |= flags
	a.picked = a.views.ledger.values(a.picked[:0], a.values)
	yes, edge := recordDue(a.last, now, a.c.Ledger, a.phase())
	if !yes && !a.ledger.extra(now, layout, a.picked) {
		return
	}
	if edge {
		a.unsaid |= metric.HourEdge
	}
	a.record(now)
}

// record queues what was picked as the next ledger record.
func (a *agent) record(now time.Time) {
	if err := a.ledger.record(now, a.boottime, a.unsaid, a.views.ledger.layout.Layout, a.picked); err != nil {
		a.unmade.Inc()
		a.log.Error("ledger record not made", "error", err)
		a.unsaid &^= metric.HourEdge
		return
	}
	a.unsaid, a.recorded = 0, now
}

// phase spreads the ledger records of hosts over the interval; meters are read
// together.
func (a *agent) phase() time.Duration {
	return ledgerPhase(a.c.Agent, a.views.ledger.layout.Layout, a.c.Ledger, a.c.Interval)
}

// gather merges what the sources say of this tick into a.values and, when a
// layout has changed, makes the views anew. false: nothing can be sent.
func (a *agent) gather(now time.Time) bool {
	layouts := []*metric.Layout{a.self.layout}
	a.values = a.self.values(a.values[:0], a, now)
	for _, r := range a.runners {
		if r.last.layout != nil {
			layouts = append(layouts, r.last.layout)
			a.values = r.values(a.values, now, a.c.Interval)
		}
	}
	if slices.Equal(layouts, a.merged) {
		return a.views.telemetry.layout != nil
	}
	a.merged = layouts
	// Of sources that are too much together, the first ones are sent.
	for n := len(layouts); n > 0; n-- {
		v, err := viewsOf(layouts[:n], a.views)
		if err == nil {
			a.views = v
			a.log.Debug("layout changed", "telemetry_values", v.telemetry.layout.Width(), "ledger_values", v.ledger.layout.Width())
			return true
		}
		a.log.Error("layouts of the sources do not fit together; the last is left out", "sources", n-1, "error", err)
	}
	a.views = views{}
	return false
}

// step is how far the wall clock may move against the boot clock between two
// ticks before the batch says so.
const step = time.Second

func (a *agent) clock() (flags metric.Flags) {
	wall, boot := time.Now().Round(0), a.boot() // Round: by the wall clock alone
	if a.boottime != 0 && boot != 0 {
		if moved := wall.Sub(a.wall) - time.Duration(boot-a.boottime); moved.Abs() > step {
			flags |= metric.ClockStep
			a.log.Warn("the wall clock was set", "moved_seconds", moved.Seconds())
		}
	}
	a.boottime, a.wall = boot, wall
	return flags
}

// look notes whether the bus is there, for the whole of a tick: a backlog of a bus that
// is found in the middle of one would be ahead of the layout that it refers to.
func (a *agent) look(now time.Time) {
	up := a.bus.IsConnected()
	if up && !a.up { // spread over a minute, so that a site's backlogs do not come at once
		a.wait = int(phase(a.c.Agent, time.Minute, a.c.Interval) / a.c.Interval)
	}
	a.up = up
	if link := a.bus.Stats().Reconnects + 1; up && link != a.link { // what was on its way went astray
		a.link = link
		a.ledger.rewind(now)
		a.send.repeat()
	}
}

// telemetry publishes the tick, or spools it while the bus is away.
func (a *agent) telemetry(now time.Time, flags metric.Flags) {
	a.picked = a.views.telemetry.values(a.picked[:0], a.values)
	layout := a.views.telemetry.layout.Layout
	if a.up {
		b, err := a.send.encode(now, a.boottime, flags, layout, a.picked)
		if err != nil {
			a.lost.Inc()
			a.log.Error("batch not made", "error", err)
			return
		}
		if a.bus.Publish(a.send.subject, b) == nil {
			a.batches.Inc()
			a.bytes.Add(len(b))
			return
		}
		a.send.takeBack()
	}
	b, err := a.send.encode(now, a.boottime, flags|metric.Backfill, layout, a.picked)
	if err != nil {
		a.lost.Inc()
		a.log.Error("batch not made", "error", err)
		return
	}
	last, _ := a.backlog.Last()
	if err := a.backlog.Append(last+1, spool.Ordinary, b); err != nil {
		a.lost.Inc()
		a.log.Error("batch not spooled", "error", err)
		a.send.repeat() // it may have been the one with the layout
		return
	}
	a.spooled.Inc()
}

// backfill is how many batches of telemetry's backlog flow beside the live lane a
// tick.
const backfill = 2

// settle takes acknowledgements, sends ledger records, and lets the backlog
// flow.
func (a *agent) settle(now time.Time) {
	a.mu.Lock()
	acks := a.acks
	a.acks = nil
	a.mu.Unlock()
	for _, ack := range acks {
		a.note("acknowledgement not taken", a.ledger.ack(a.bus, ack, now))
	}
	if a.restater != nil && a.ledger.told {
		a.note("what was restated is told again after a restart", a.restater.acknowledged(a.ledger.acked))
	}
	if !a.up || !a.bus.IsConnected() {
		return
	}
	a.note("ledger record not sent", a.ledger.pump(a.bus, now, a.ledger.pace(now)))
	if a.wait > 0 {
		a.wait--
		return
	}
	for range backfill {
		sequence, b, ok, err := a.backlog.Next(a.replayed, a.frame)
		a.frame = b
		a.note("backlog not read", err)
		if !ok || err != nil || a.bus.Publish(a.send.subject, b) != nil {
			return
		}
		a.batches.Inc()
		a.bytes.Add(len(b))
		a.replayed = sequence
		a.backlog.Ack(sequence)
	}
}

func (a *agent) note(what string, err error) {
	if err != nil && !errors.Is(err, nats.ErrReconnectBufExceeded) && !errors.Is(err, nats.ErrConnectionClosed) {
		a.log.Warn(what, "error", err)
	}
}

// part takes a last ledger record, since what an agent integrates by itself begins
// anew with the next, and sends what can be sent before the process ends. What is
// not durable at the aggregator by then is sent by the next.
func (a *agent) part() {
	if a.views.ledger.layout != nil && a.last.After(a.recorded) {
		a.picked = a.views.ledger.values(a.picked[:0], a.values)
		a.record(a.last)
	}
	a.note("ledger record not sent", a.ledger.pump(a.bus, time.Now(), window))
	if a.bus.IsConnected() {
		a.note("bus not flushed", a.bus.FlushTimeout(2*time.Second))
	}
}
