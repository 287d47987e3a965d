package agent

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/gigawatch/gigawatch/collector/internal/spool"
	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/wire"
)

// A Publisher sends bytes under a subject and promises nothing; *nats.Conn is
// one.
type Publisher interface {
	Publish(subject string, data []byte) error
}

// A queue holds ledger frames until they are durable elsewhere; a [spool.Spool]
// is one.
type queue interface {
	Append(sequence uint64, class spool.Class, frame []byte) error
	// Next is the oldest frame above a sequence, appended to buf[:0]; ok is
	// false if there is none.
	Next(above uint64, buf []byte) (sequence uint64, frame []byte, ok bool, err error)
	Ack(upTo uint64)
}

// ledgerLane sends one agent's ledger records and keeps each until it is
// acknowledged end to end. Owned by one goroutine.
//
//	acked ≤ sent ≤ last:  … | durable | on its way | waiting |
//	                        ▲ trimmed ▲ acked      ▲ sent    ▲ last
type ledgerLane struct {
	site, agent string
	subject     string
	queue       queue
	incarnation uint64
	fresh       bool   // this incarnation's sequence began anew
	began       uint64 // newest record of the lives before
	before      uint64 // incarnation of that; 0: it is not kept any more
	told        bool   // the aggregator has said how far it is
	heard       uint64 // in which life

	last, sent, acked uint64
	progress          time.Time      // when acked last moved, or something was last sent again
	silent            int            // how often something was, since the aggregator was last heard
	passing           *atomic.Uint64 // incarnation of the record sent last; nil if nobody asks
	flow              flow
	encoded           []byte
	frame             []byte
	message           wire.Message
	known             *lifetimes // as of the newest record that is queued; nil before the first
	extras            extras
	putOff            bool   // a record between the regular ones was wanted since then, and was one too many
	late              func() // counts those
	layout            *metric.Layout
	compiled          *wire.Layout
}

// newLedgerLane goes on after last, the sequence of the queue's newest frame;
// 0 if it holds none, and a sequence begins.
func newLedgerLane(site, agent string, q queue, incarnation, last uint64) *ledgerLane {
	beat := phase(agent, packEvery, time.Second)
	return &ledgerLane{
		site: site, agent: agent, subject: wire.Subject(metric.Ledger, site, agent),
		queue: q, incarnation: incarnation, fresh: last == 0, began: last, last: last, late: func() {},
		flow: flow{phase: beat, saved: beat},
	}
}

// record queues the readings of one moment as the next record. What it says of
// lives and allocations is believed once it is queued: until then the turn of
// one is still to be told.
func (l *ledgerLane) record(now time.Time, boottime int64, flags metric.Flags, layout *metric.Layout, values []metric.Raw) error {
	compiled, err := l.compile(layout)
	if err != nil {
		return err
	}
	flags |= l.first()
	class, known := spool.Ordinary, l.known
	if known == nil || known.layout.ID != compiled.ID {
		class = spool.Keep
		var ended bool
		if known, ended = known.onto(compiled); ended {
			class = spool.Turn
		}
	}
	switch {
	case known.turned(values):
		class = spool.Turn
	case class == spool.Ordinary && (known.moved(values) || flags&(metric.HourEdge|metric.Fresh|metric.Began) != 0):
		class = spool.Keep
	}
	b := metric.Batch{
		Site: l.site, Agent: l.agent, Lane: metric.Ledger, Flags: flags,
		Incarnation: l.incarnation, Sequence: l.last + 1,
		Time: now.UnixMilli(), Boottime: boottime, Ticks: 1, Values: values,
	}
	if flags&metric.Began != 0 && l.before > 0 {
		b.Skipped = l.incarnation - l.before
	}
	if l.encoded, err = wire.Append(l.encoded[:0], &b, compiled, true); err != nil {
		return fmt.Errorf("encode ledger record %d of %s: %w", b.Sequence, l.agent, err)
	}
	if err := l.queue.Append(b.Sequence, class, l.encoded); err != nil {
		return fmt.Errorf("spool ledger record %d of %s: %w", b.Sequence, l.agent, err)
	}
	l.last++
	known.remember(values)
	l.known, l.putOff = known, false
	l.flow.makes()
	return nil
}

// follow looks at what the life before this one left behind: its records must be
// known before those of this one are.
func (l *ledgerLane) follow() error {
	if l.fresh {
		return nil
	}
	sequence, frame, ok, err := l.queue.Next(l.last-1, l.frame)
	if err != nil || !ok || sequence != l.last {
		return err
	}
	l.frame = frame
	if err := l.message.Parse(frame); err != nil {
		return err
	}
	if l.message.Incarnation < l.incarnation {
		l.before = l.message.Incarnation
	}
	return nil
}

// first are the flags of a life's first record.
func (l *ledgerLane) first() metric.Flags {
	switch {
	case l.last != l.began:
		return 0
	case l.fresh:
		return metric.Fresh
	}
	return metric.Began
}

// restate queues what is known better now of time that is over: ticks of a quarter
// of an hour from a quarter on. It is a record among the others, and none of the
// readings; they begin with one of their own. Thinning spares it, and what is
// before it: that may be the last of a life.
func (l *ledgerLane) restate(from time.Time, layout *metric.Layout, values []metric.Raw) error {
	compiled, err := wire.Compile(layout)
	if err != nil {
		return fmt.Errorf("compile what %s restates: %w", l.agent, err)
	}
	b := metric.Batch{
		Site: l.site, Agent: l.agent, Lane: metric.Ledger, Flags: metric.Gap | metric.Restated | l.first()&metric.Began, Skipped: 1,
		Incarnation: l.incarnation, Sequence: l.last + 1,
		Time: from.UnixMilli(), Interval: metric.Quarter.Milliseconds(), Ticks: len(values) / compiled.Width(), Values: values,
	}
	if l.encoded, err = wire.Append(l.encoded[:0], &b, compiled, true); err != nil {
		return fmt.Errorf("encode ledger record %d of %s: %w", b.Sequence, l.agent, err)
	}
	if err := l.queue.Append(b.Sequence, spool.Turn, l.encoded); err != nil {
		return fmt.Errorf("spool ledger record %d of %s: %w", b.Sequence, l.agent, err)
	}
	l.last++
	l.flow.makes()
	return nil
}

// extra reports whether a record is to be taken between the regular ones: the
// layout or a share is not that of the newest record, which otherwise holds
// until the next one.
func (l *ledgerLane) extra(now time.Time, layout *metric.Layout, values []metric.Raw) bool {
	if l.known == nil {
		return false
	}
	compiled, err := l.compile(layout)
	if err != nil || compiled.ID == l.known.layout.ID && !l.known.moved(values) {
		return false
	}
	if l.extras.take(now) {
		return true
	}
	if !l.putOff {
		l.putOff = true
		l.late()
	}
	return false
}

// compile is the layout as it is sent.
func (l *ledgerLane) compile(layout *metric.Layout) (*wire.Layout, error) {
	if layout != l.layout {
		compiled, err := wire.Compile(layout)
		if err != nil {
			return nil, fmt.Errorf("compile ledger layout of %s: %w", l.agent, err)
		}
		l.layout, l.compiled = layout, compiled
	}
	return l.compiled, nil
}

// errOutranked means that a collector that began later sends under this name: by
// mistake, or as this one's clone.
var errOutranked = errors.New("the aggregator knows a later life of this agent")

// ack takes the aggregator's word. It may be repeated, late, or of an
// incarnation whose sequence is gone; and it may be less than was said before,
// by an aggregator that lost its newest state. One that knows nothing of the agent
// says so by zeros.
func (l *ledgerLane) ack(p Publisher, a wire.Ack, now time.Time) error {
	switch {
	case a.Incarnation > l.incarnation:
		return fmt.Errorf("%w: incarnation %d, this is %d", errOutranked, a.Incarnation, l.incarnation)
	case a.Sequence > l.last, l.fresh && a.Incarnation < l.incarnation && a.Sequence > 0:
		return nil
	}
	if a.Incarnation < l.incarnation && a.Sequence > l.acked {
		if err := l.mine(&a); err != nil {
			return err
		}
	}
	l.told, l.heard = true, a.Incarnation
	before := l.acked
	if a.Sequence != before {
		l.acked, l.progress = a.Sequence, now
		l.queue.Ack(a.Sequence)
	}
	if a.Sequence < before || l.silent > 0 { // what is beyond went astray, or may have
		l.back(a.Sequence)
	}
	l.sent, l.silent = max(l.sent, l.acked), 0
	if before > 0 && a.Sequence > before { // it follows
		return nil
	}
	return l.bridge(p, now)
}

// mine makes a word about a life before one about the records that are kept: a power cut
// may have taken some that the aggregator has, and later lives used their numbers again.
func (l *ledgerLane) mine(a *wire.Ack) error {
	for at := l.acked; at < a.Sequence; {
		sequence, frame, ok, err := l.queue.Next(at, l.frame)
		if err != nil {
			return fmt.Errorf("read ledger record after %d of %s: %w", at, l.agent, err)
		}
		if !ok {
			return nil
		}
		l.frame = frame
		if err := l.message.Parse(frame); err != nil {
			return fmt.Errorf("read ledger record after %d of %s: %w", at, l.agent, err)
		}
		if sequence > a.Sequence {
			return nil
		}
		if l.message.Incarnation > a.Incarnation {
			a.Sequence = at
			return nil
		}
		at = sequence
	}
	return nil
}

// bridge tells an aggregator that waits for records that are gone from the queue
// that they are not coming; cumulative counters keep the joules.
func (l *ledgerLane) bridge(p Publisher, now time.Time) error {
	if l.acked == l.last {
		return nil
	}
	_, frame, ok, err := l.queue.Next(l.acked, l.frame)
	if err != nil {
		return fmt.Errorf("read ledger record after %d of %s: %w", l.acked, l.agent, err)
	}
	l.frame = frame
	b := metric.Batch{
		Site: l.site, Agent: l.agent, Lane: metric.Ledger, Flags: metric.Gap | metric.Oldest,
		Incarnation: l.incarnation, Sequence: l.last, Time: now.UnixMilli(), Ticks: 1,
	}
	if ok {
		// Of the life and time of the record after it, which is none too new for
		// those that follow.
		if err := l.message.Parse(frame); err != nil {
			return fmt.Errorf("read ledger record after %d of %s: %w", l.acked, l.agent, err)
		}
		m := &l.message
		b.Incarnation, b.Sequence, b.Time = m.Incarnation, m.Sequence-1, m.Time
		if m.Flags&metric.Gap != 0 {
			b.Sequence = m.Sequence - m.Skipped
		}
	}
	if b.Sequence <= l.acked {
		return nil
	}
	b.Skipped = b.Sequence - l.acked
	if l.encoded, err = appendGap(l.encoded[:0], &b); err != nil {
		return fmt.Errorf("encode gap of %s up to %d: %w", l.agent, b.Sequence, err)
	}
	if err := p.Publish(l.subject, l.encoded); err != nil {
		return err
	}
	l.back(b.Sequence)
	l.progress = now
	return nil
}

// appendGap encodes a batch that says only what is not coming.
func appendGap(dst []byte, b *metric.Batch) ([]byte, error) {
	empty, err := wire.Compile(&metric.Layout{})
	if err != nil {
		return nil, err
	}
	return wire.Append(dst, b, empty, true)
}
