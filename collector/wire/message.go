package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"iter"
	"math"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// Limits of a message. Those of a layout are in package metric.
const (
	MaxMessage = 64 << 10 // bytes
	MaxLayout  = 48 << 10 // bytes of an encoded layout
	MaxTicks   = 512
	MaxValues  = 1 << 18 // ticks × width
)

// Version is the version that Append writes, and the only one that Parse reads.
const Version = 1

// What is wrong with a message, or with what should become one.
var (
	ErrMagic     = errors.New("not a gigawatch message")
	ErrVersion   = errors.New("message version is not known here")
	ErrTruncated = errors.New("message is truncated")
	ErrChecksum  = errors.New("message checksum does not match")
	ErrLayout    = errors.New("layout does not match")
	ErrCorrupt   = errors.New("message is not well formed")
	ErrSize      = errors.New("message is too large")
	ErrBatch     = errors.New("batch cannot be written")
)

// The header's fixed part.
const (
	magic       = "GWB"
	atVersion   = 3
	atLength    = 4
	atLayout    = 8
	atLane      = 16
	atFlags     = 17
	fixedLen    = 18
	trailerLen  = 4
	laneInline  = 0x80
	minimalSize = fixedLen + 7 + 2*2 + trailerLen // seven numbers and two names of one letter
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// A Message is a parsed message. The zero value is ready for Parse, and may be
// used for one message after another.
type Message struct {
	Site, Agent []byte // views of the parsed bytes
	Lane        metric.Lane
	Flags       metric.Flags // bits without a name are kept
	Incarnation uint64
	Sequence    uint64
	Skipped     uint64
	Time        int64 // milliseconds since 1970 UTC
	Boottime    int64 // nanoseconds
	Interval    int64 // milliseconds
	Ticks       int
	LayoutID    uint64
	Inline      bool // the message carries its layout

	layout []byte
	blocks []byte // with the trailer after them, so that 64-bit loads have room
}

// Parse checks b and reads all but the layout and the values, which stay in b.
// It allocates nothing unless b is refused; m is of no use then.
func (m *Message) Parse(b []byte) error {
	if err := frame(b); err != nil {
		return err
	}
	m.LayoutID = binary.LittleEndian.Uint64(b[atLayout:])
	m.Lane = metric.Lane(b[atLane] &^ laneInline)
	m.Inline = b[atLane]&laneInline != 0
	m.Flags = metric.Flags(b[atFlags])
	if m.Lane != metric.Telemetry && m.Lane != metric.Ledger {
		return fmt.Errorf("lane %d: %w", m.Lane, ErrCorrupt)
	}
	rest := b[fixedLen : len(b)-trailerLen]
	var fields [7]uint64
	for i := range fields {
		u, n := uvarint(rest)
		if n == 0 {
			return fmt.Errorf("header, number %d: %w", i+1, ErrCorrupt)
		}
		fields[i], rest = u, rest[n:]
	}
	m.Incarnation, m.Sequence, m.Skipped = fields[0], fields[1], fields[2]
	m.Time, m.Boottime = unzigzag(fields[3]), unzigzag(fields[4])
	if fields[5] > math.MaxInt64 || fields[6] > MaxTicks {
		return fmt.Errorf("%d ticks at intervals of %d ms: %w", fields[6], fields[5], ErrCorrupt)
	}
	m.Interval, m.Ticks = int64(fields[5]), int(fields[6])
	if m.Site, rest = view(rest); !validName(m.Site) {
		return fmt.Errorf("site name: %w", ErrCorrupt)
	}
	if m.Agent, rest = view(rest); !validName(m.Agent) {
		return fmt.Errorf("agent name: %w", ErrCorrupt)
	}
	m.layout = nil
	if m.Inline {
		if m.layout, rest = view(rest); len(m.layout) == 0 || len(m.layout) > MaxLayout {
			return fmt.Errorf("inline layout of %d bytes: %w", len(m.layout), ErrCorrupt)
		}
	}
	m.blocks = b[len(b)-trailerLen-len(rest):]
	return nil
}

// Messages are those in b: several may travel one after the other as one message
// of the bus. What has no length that fits is the last, for Parse to refuse.
func Messages(b []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for {
			length := uint64(len(b))
			if len(b) >= minimalSize && string(b[:len(magic)]) == magic {
				if n := uint64(binary.LittleEndian.Uint32(b[atLength:])); n >= minimalSize && n < length {
					length = n
				}
			}
			if !yield(b[:length:length]) || length == uint64(len(b)) {
				return
			}
			b = b[length:]
		}
	}
}

// frame checks what every message has in common: magic, version, length and
// checksum.
func frame(b []byte) error {
	if n := min(len(b), len(magic)); string(b[:n]) != magic[:n] {
		return ErrMagic
	}
	if len(b) > atVersion && b[atVersion] != Version {
		return fmt.Errorf("version %d, this reads %d: %w", b[atVersion], Version, ErrVersion)
	}
	if len(b) < minimalSize {
		return fmt.Errorf("%d bytes: %w", len(b), ErrTruncated)
	}
	length := uint64(binary.LittleEndian.Uint32(b[atLength:]))
	switch {
	case len(b) > MaxMessage:
		return fmt.Errorf("%d bytes; the limit is %d: %w", len(b), MaxMessage, ErrSize)
	case uint64(len(b)) < length:
		return fmt.Errorf("%d of %d bytes: %w", len(b), length, ErrTruncated)
	case uint64(len(b)) > length:
		return fmt.Errorf("%d bytes for a message of %d: %w", len(b), length, ErrCorrupt)
	}
	body := b[:len(b)-trailerLen]
	if crc32.Checksum(body, castagnoli) != binary.LittleEndian.Uint32(b[len(body):]) {
		return ErrChecksum
	}
	return nil
}

// view cuts a text off the front of b; nil if there is none.
func view(b []byte) (text, rest []byte) {
	u, n := uvarint(b)
	if n == 0 || u > uint64(len(b)-n) {
		return nil, b
	}
	return b[n : n+int(u)], b[n+int(u):]
}

// validName is [metric.ValidName] without a conversion that allocates.
func validName(b []byte) bool {
	return len(b) <= 63 && metric.ValidName(string(b))
}

// Layout is the layout that the message carries; the error is [ErrLayout] if it
// carries none.
func (m *Message) Layout() (*Layout, error) {
	if !m.Inline {
		return nil, fmt.Errorf("message has layout %016x by name only: %w", m.LayoutID, ErrLayout)
	}
	if id := layoutID(m.layout); id != m.LayoutID {
		return nil, fmt.Errorf("inline layout is %016x, the header says %016x: %w", id, m.LayoutID, ErrCorrupt)
	}
	return readLayout(m.layout)
}

// Batch is the message as a batch of its own, under the layout l.
func (m *Message) Batch(l *Layout) (*metric.Batch, error) {
	values, err := m.Values(nil, l)
	if err != nil {
		return nil, err
	}
	return &metric.Batch{
		Site: string(m.Site), Agent: string(m.Agent), Lane: m.Lane, Flags: m.Flags,
		Incarnation: m.Incarnation, Sequence: m.Sequence, Skipped: m.Skipped,
		Time: m.Time, Boottime: m.Boottime, Interval: m.Interval, Ticks: m.Ticks,
		Layout: l.Layout, Values: values,
	}, nil
}
