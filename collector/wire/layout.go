package wire

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// A Layout is a compiled [metric.Layout]. It is safe for use by many goroutines.
type Layout struct {
	*metric.Layout
	ID uint64 // names this layout among all: the first 8 bytes of SHA-256 of its encoding

	width   int
	encoded []byte
}

const layoutSimulated = 1

// Compile checks l, which must not change afterwards, and encodes it.
func Compile(l *metric.Layout) (*Layout, error) {
	if err := l.Check(); err != nil {
		return nil, fmt.Errorf("compile layout: %w: %w", ErrLayout, err)
	}
	encoded := appendLayout(nil, l)
	if len(encoded) > MaxLayout {
		return nil, fmt.Errorf("compile layout: %w: %d bytes; the limit is %d", ErrSize, len(encoded), MaxLayout)
	}
	return &Layout{Layout: l, ID: layoutID(encoded), width: l.Width(), encoded: encoded}, nil
}

func layoutID(encoded []byte) uint64 {
	sum := sha256.Sum256(encoded)
	return binary.LittleEndian.Uint64(sum[:])
}

// Width is the number of values a tick has under l.
func (l *Layout) Width() int { return l.width }

func appendLayout(dst []byte, l *metric.Layout) []byte {
	var flags uint64
	if l.Simulated {
		flags |= layoutSimulated
	}
	dst = binary.AppendUvarint(dst, flags)
	dst = binary.AppendUvarint(dst, uint64(len(l.Entities)))
	dst = binary.AppendUvarint(dst, uint64(len(l.Columns)))
	known := map[string]int{} // from 1, in order of appearance
	text := func(s string) {
		k, ok := known[s]
		dst = binary.AppendUvarint(dst, uint64(k))
		if !ok {
			known[s] = len(known) + 1
			dst = appendText(dst, s)
		}
	}
	for i := range l.Entities {
		e := &l.Entities[i]
		dst = append(dst, byte(e.Kind))
		dst = binary.AppendUvarint(dst, uint64(i-e.Parent-1))
		dst = appendName(dst, e.Name)
		dst = binary.AppendUvarint(dst, uint64(len(e.Labels)))
		for _, p := range e.Labels {
			text(p.Name)
			text(p.Value)
		}
	}
	before := metric.Number(0)
	for i := range l.Columns {
		c := &l.Columns[i]
		dst = binary.AppendVarint(dst, int64(c.Metric)-int64(before))
		dst = append(dst, byte(c.Form))
		dst = binary.AppendUvarint(dst, uint64(c.Point))
		dst = binary.AppendUvarint(dst, uint64(c.First))
		dst = binary.AppendUvarint(dst, uint64(c.Count))
		before = c.Metric
	}
	return dst
}

func appendText(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

// A layoutReader takes an encoded layout apart. After the first thing that is
// wrong everything reads as zero.
type layoutReader struct {
	b   []byte
	bad bool
}

func (r *layoutReader) number(limit uint64) uint64 {
	u, n := uvarint(r.b)
	if n == 0 || u > limit {
		r.b, r.bad = nil, true
		return 0
	}
	r.b = r.b[n:]
	return u
}

func (r *layoutReader) octet() byte {
	if len(r.b) == 0 {
		r.bad = true
		return 0
	}
	c := r.b[0]
	r.b = r.b[1:]
	return c
}

func (r *layoutReader) text() string {
	n := r.number(metric.MaxText)
	if n > uint64(len(r.b)) {
		r.b, r.bad = nil, true
		return ""
	}
	s := string(r.b[:n])
	r.b = r.b[n:]
	return s
}

func (r *layoutReader) name() string {
	if len(r.b) <= 16 || r.b[0] != 0 {
		return r.text()
	}
	s := unpackUUID(r.b[1:17])
	r.b = r.b[17:]
	return s
}

// readLayout is the inverse of Compile: what it accepts compiles to the same
// bytes.
func readLayout(encoded []byte) (*Layout, error) {
	r := layoutReader{b: encoded}
	l := &metric.Layout{Simulated: r.number(layoutSimulated) == layoutSimulated}
	entities, columns := r.number(metric.MaxEntities), r.number(metric.MaxColumns)
	const least = 5 // bytes of an entity, and of a column
	if r.bad || least*(entities+columns) > uint64(len(r.b)) {
		return nil, fmt.Errorf("layout: %w: %d entities and %d columns in %d bytes", ErrCorrupt, entities, columns, len(encoded))
	}
	l.Entities = make([]metric.Entity, entities)
	var known []string
	text := func() string {
		k := r.number(uint64(len(known)))
		if k > 0 {
			return known[k-1]
		}
		s := r.text()
		known = append(known, s)
		return s
	}
	for i := range l.Entities {
		e := &l.Entities[i]
		e.Kind = metric.EntityKind(r.octet())
		e.Parent = i - 1 - int(r.number(uint64(i)))
		e.Name = r.name()
		if n := r.number(metric.MaxLabels); n > 0 {
			e.Labels = make([]metric.Pair, n)
		}
		for j := range e.Labels {
			e.Labels[j].Name = text()
			e.Labels[j].Value = text()
		}
		if r.bad {
			return nil, fmt.Errorf("layout, entity %d of %d: %w", i, entities, ErrCorrupt)
		}
	}
	l.Columns = make([]metric.Column, columns)
	var before int64
	for i := range l.Columns {
		n := before + unzigzag(r.number(2*math.MaxUint16))
		before = n
		l.Columns[i] = metric.Column{
			Metric: metric.Number(n),
			Form:   metric.Form(r.octet()),
			Point:  uint32(r.number(math.MaxUint32)),
			First:  int(r.number(metric.MaxEntities)),
			Count:  int(r.number(metric.MaxEntities)),
		}
		if r.bad || n < 0 || n > math.MaxUint16 {
			return nil, fmt.Errorf("layout, column %d of %d: %w", i, columns, ErrCorrupt)
		}
	}
	compiled, err := Compile(l)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	if !bytes.Equal(compiled.encoded, encoded) {
		return nil, fmt.Errorf("layout: %w: it can be written shorter, or goes on", ErrCorrupt)
	}
	return compiled, nil
}
