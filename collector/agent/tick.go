package agent

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// tick reads, makes a batch, and moves both lanes on.
func (a *agent) tick(ctx context.Context, now time.Time, skipped int) {
	start := time.Now()
	a.ticks.Inc()
	a.skipped.Add(skipped)
	collect(ctx, a.runners, now, a.c.Interval/grace, a.log)
	if !a.gather(now) {
		return
	}
	flags := a.clock(now)
	a.telemetry(now, flags)
	if edge := hourEdge(now); edge || now.Add(-a.phase()).UnixNano()%int64(a.c.Ledger) == 0 {
		if edge {
			flags |= metric.HourEdge
		}
		a.picked = a.views.ledger.values(a.picked[:0], a.values)
		if err := a.ledger.record(now, a.boottime, flags, a.views.ledger.layout, a.picked); err != nil {
			a.log.Error("ledger record not made", "error", err)
		}
	}
	a.settle(now)
	a.taking.UpdateDuration(start)
}

// phase spreads the ledger records of hosts over the interval; meters are read
// together.
func (a *agent) phase() time.Duration {
	return ledgerPhase(a.c.Agent, a.views.ledger.layout, a.c.Ledger, a.c.Interval)
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
		return true
	}
	merged, err := merge(layouts)
	if err != nil {
		a.log.Error("layouts of the sources do not fit together", "error", err)
		return false
	}
	a.merged = layouts
	a.views.telemetry, a.views.ledger = telemetryView(merged), ledgerView(merged)
	a.log.Debug("layout changed", "telemetry_values", a.views.telemetry.layout.Width(), "ledger_values", a.views.ledger.layout.Width())
	return true
}

// step is how far the wall clock may move against the boot clock between two
// ticks before the batch says so.
const step = time.Second

func (a *agent) clock(now time.Time) (flags metric.Flags) {
	boot := boottime()
	if a.boottime != 0 && boot != 0 {
		if moved := now.Sub(a.wall) - time.Duration(boot-a.boottime); moved.Abs() > step {
			flags |= metric.ClockStep
			a.log.Warn("the wall clock was set", "moved", moved)
		}
	}
	a.boottime, a.wall = boot, now
	return flags
}

// telemetry publishes the tick, or spools it while the bus is away.
func (a *agent) telemetry(now time.Time, flags metric.Flags) {
	a.picked = a.views.telemetry.values(a.picked[:0], a.values)
	up := a.bus.IsConnected()
	if up && !a.wasUp { // spread over a minute, so that a site's backlogs do not come at once
		a.resume = now.Add(phase(a.c.Agent, time.Minute, time.Second))
		a.ledger.rewind(now)
	}
	a.wasUp = up
	if !up {
		flags |= metric.Backfill
	}
	b, err := a.send.encode(now, a.boottime, flags, a.views.telemetry.layout, a.picked)
	if err != nil {
		a.log.Error("batch not made", "error", err)
		return
	}
	if up && a.bus.Publish(a.send.subject, b) == nil {
		a.batches.Inc()
		a.bytes.Add(len(b))
		return
	}
	last, _ := a.backlog.Last()
	if err := a.backlog.Append(last+1, 0, b); err != nil {
		a.log.Error("batch not spooled", "error", err)
		return
	}
	a.spooled.Inc()
}

// Backlogs flow beside the live lane, at no more than so many a tick.
const (
	backfill      = 2
	ledgerBacklog = 20
)

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
	if !a.bus.IsConnected() {
		return
	}
	a.note("ledger record not sent", a.ledger.pump(a.bus, now, ledgerBacklog))
	if now.Before(a.resume) {
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

// part sends what can be sent before the process ends. What is not durable at
// the aggregator by then is sent by the next.
func (a *agent) part() {
	a.note("ledger record not sent", a.ledger.pump(a.bus, time.Now(), ledgerBacklog))
	if a.bus.IsConnected() {
		a.note("bus not flushed", a.bus.FlushTimeout(2*time.Second))
	}
}
