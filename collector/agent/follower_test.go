package agent

import (
	"fmt"

	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/wire"
)

// follower takes one agent's ledger records by the rules of sequence, without
// patience.
type follower struct {
	sequence, incarnation uint64
	again                 bool     // it has something to say
	gaps                  []uint64 // that it was told of
}

func (f *follower) watermark() wire.Ack {
	return wire.Ack{Incarnation: f.incarnation, Sequence: f.sequence}
}

// parts reads the messages that were published as one.
func parts(b []byte, do func(m wire.Message)) error {
	for one := range wire.Messages(b) {
		var m wire.Message
		if err := m.Parse(one); err != nil {
			return fmt.Errorf("published: %w", err)
		}
		do(m)
	}
	return nil
}

func (f *follower) Publish(_ string, b []byte) error { return parts(b, f.take) }

func (f *follower) take(m wire.Message) {
	f.again = true
	first := m.Sequence
	if m.Flags&metric.Gap != 0 {
		first -= m.Skipped - 1
		f.gaps = append(f.gaps, m.Sequence)
	}
	switch {
	case m.Flags&metric.Fresh != 0 && m.Incarnation > f.incarnation:
	case m.Incarnation < f.incarnation, m.Sequence <= f.sequence, first > f.sequence+1:
		return // a zombie, known, or beyond a hole
	}
	f.sequence, f.incarnation = m.Sequence, m.Incarnation
}
