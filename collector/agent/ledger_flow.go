package agent

import (
	"fmt"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/wire"
)

// retransmit is how long the aggregator may be silent about records that were
// sent before some are sent again: three of its commits. While it stays silent
// that doubles, up to a few minutes, and only the oldest probes records are sent
// again: a site whose aggregator is away must not fill the bus with repeats.
const (
	retransmit = 30 * time.Second
	doublings  = 3
	probes     = 4
)

const (
	// window is how many records may be on their way. An aggregator that has much to
	// take in acknowledges late, and a site's backlog comes as fast as it is taken;
	// while it says nothing, records go as fast as they are made.
	window = 24
	// A backlog flows as several records in one message of the bus, so many in so long:
	// a message costs the bus more than a record costs the accounts. Of what is made in
	// the meantime at least thrice as many go, or a backlog would not end.
	pack      = 6
	packEvery = 4 * time.Second
	// packSize bounds the bytes of several; the bus takes twice as many.
	packSize = 32 << 10
)

// flow is how the records of a lane are let out.
type flow struct {
	newest [window]uint64 // sequences sent last; a ring
	at     int            // of the oldest of them
	due    bool           // a record was made since one was sent
	made   int            // records since the last pack
	phase  time.Duration  // so that a site's backlogs do not flow in one beat
	asked  time.Time      // when pace was, last
	tick   time.Duration  // between the two last
	saved  time.Duration  // since the last pack
	packed []byte
	loaded []uint64 // sequences in it
}

// makes notes that a record was queued.
func (f *flow) makes() { f.due, f.made = true, f.made+1 }

// pace is how many records may be sent now.
func (l *ledgerLane) pace(now time.Time) int {
	f := &l.flow
	passed := time.Duration(0)
	if !f.asked.IsZero() {
		passed = now.Sub(f.asked).Abs() // the clock may be set back
	}
	tick := f.tick
	f.asked, f.tick = now, passed
	if passed > 2*tick { // the bus was away, or this is the first
		if passed, f.made = tick, 0; tick > 0 {
			f.tick = 2 * tick // or they are longer now
		}
	}
	if l.last-l.sent <= 1 {
		f.saved, f.made = f.phase, 0
		return l.room(1)
	}
	f.saved += min(passed, window/pack*packEvery)
	packs := int(f.saved / packEvery)
	if packs == 0 {
		if f.newest[f.at] > l.acked { // the window is full
			return l.room(1)
		}
		return 0
	}
	n := l.room(max(pack*packs, 3*f.made))
	f.saved, f.made = f.saved%packEvery, 0
	return n
}

// room is how many of so many may go: those that the window has room for, and while
// it is full one for each that is made.
func (l *ledgerLane) room(most int) int {
	f := &l.flow
	for n := range min(most, window) {
		if f.newest[(f.at+n)%window] > l.acked {
			if n == 0 && f.due {
				return 1
			}
			return n
		}
	}
	return min(most, window)
}

// pump publishes up to limit records that were not sent yet, and, after silence
// about what was, the oldest of that again.
func (l *ledgerLane) pump(p Publisher, now time.Time, limit int) error {
	if l.sent > l.acked && now.Sub(l.progress).Abs() > retransmit<<min(l.silent, doublings) { // Abs: the clock may be set back
		l.progress, l.silent = now, l.silent+1
		for at, n := l.acked, 0; n < probes && at < l.sent; n++ {
			sequence, ok, err := l.next(at)
			if ok && err == nil {
				err = p.Publish(l.subject, l.frame)
			}
			if !ok || err != nil {
				return err
			}
			at = sequence
		}
	}
	for n := limit; n > 0; {
		count, err := l.send(p, now, min(n, pack))
		if count == 0 || err != nil {
			return err
		}
		n -= count
	}
	return nil
}

// send publishes up to limit records that were not sent yet as one message, and
// returns how many that were.
func (l *ledgerLane) send(p Publisher, now time.Time, limit int) (int, error) {
	f := &l.flow
	f.packed, f.loaded = f.packed[:0], f.loaded[:0]
	var unread error // of what comes next: to ask a spool again at once would be to give it up
	for at := l.sent; at < l.last && len(f.loaded) < limit; {
		sequence, ok, err := l.next(at)
		if unread = err; err != nil || !ok || len(f.loaded) > 0 && len(f.packed)+len(l.frame) > packSize {
			break
		}
		f.packed, f.loaded, at = append(f.packed, l.frame...), append(f.loaded, sequence), sequence
	}
	if len(f.loaded) == 0 {
		return 0, unread
	}
	if err := p.Publish(l.subject, f.packed); err != nil {
		return 0, err
	}
	if l.sent == l.acked {
		l.progress = now
	}
	for _, sequence := range f.loaded {
		l.sent, f.newest[f.at], f.at = sequence, sequence, (f.at+1)%window
	}
	f.due = false
	return len(f.loaded), unread
}

// next makes frame the oldest record above a sequence; ok is false if there is none.
func (l *ledgerLane) next(above uint64) (sequence uint64, ok bool, err error) {
	sequence, frame, ok, err := l.queue.Next(above, l.frame)
	if err != nil {
		return 0, false, fmt.Errorf("read ledger record after %d of %s: %w", above, l.agent, err)
	}
	if !ok {
		return 0, false, nil
	}
	l.frame = frame
	if l.passing != nil && l.message.Parse(frame) == nil {
		l.passing.Store(l.message.Incarnation)
		// What comes before it need not be waited for.
		if above == l.acked && l.message.Incarnation > l.heard {
			wire.Mark(frame, metric.Oldest)
		}
	}
	return sequence, true, nil
}

// rewind makes the next pump send again all that is not durable.
func (l *ledgerLane) rewind(now time.Time) {
	l.back(l.acked)
	l.progress, l.silent = now, 0
}

// back makes what comes after a sequence the next to be sent.
func (l *ledgerLane) back(to uint64) { l.sent, l.flow.newest = to, [window]uint64{} }
