package wire

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// Append appends b as a message under the layout l, which it carries if inline;
// b.Layout is not looked at. On an error dst is returned as it was. It allocates
// nothing but what dst needs to grow.
func Append(dst []byte, b *metric.Batch, l *Layout, inline bool) ([]byte, error) {
	if err := checkBatch(b, l); err != nil {
		return dst, err
	}
	start := len(dst)
	lane := byte(b.Lane)
	if inline {
		lane |= laneInline
	}
	e := encoder{dst: append(dst, magic...)}
	e.dst = append(e.dst, Version, 0, 0, 0, 0)
	e.dst = binary.LittleEndian.AppendUint64(e.dst, l.ID)
	e.dst = append(e.dst, lane, byte(b.Flags))
	e.dst = binary.AppendUvarint(e.dst, b.Incarnation)
	e.dst = binary.AppendUvarint(e.dst, b.Sequence)
	e.dst = binary.AppendUvarint(e.dst, b.Skipped)
	e.dst = binary.AppendVarint(e.dst, b.Time)
	e.dst = binary.AppendVarint(e.dst, b.Boottime)
	e.dst = binary.AppendUvarint(e.dst, uint64(b.Interval))
	e.dst = binary.AppendUvarint(e.dst, uint64(b.Ticks))
	e.dst = appendText(e.dst, b.Site)
	e.dst = appendText(e.dst, b.Agent)
	if inline {
		e.dst = binary.AppendUvarint(e.dst, uint64(len(l.encoded)))
		e.dst = append(e.dst, l.encoded...)
	}
	if b.Ticks > 0 {
		e.values(b, l)
	}
	size := len(e.dst) - start + trailerLen
	if size > MaxMessage {
		return dst, fmt.Errorf("%d values in %d bytes; the limit is %d: %w", len(b.Values), size, MaxMessage, ErrSize)
	}
	message := e.dst[start:]
	binary.LittleEndian.PutUint32(message[atLength:], uint32(size))
	return binary.LittleEndian.AppendUint32(e.dst, crc32.Checksum(message, castagnoli)), nil
}

// Mark adds flags to a message that [Append] made.
func Mark(message []byte, flags metric.Flags) {
	message[atFlags] |= byte(flags)
	body := message[:len(message)-trailerLen]
	binary.LittleEndian.PutUint32(message[len(body):], crc32.Checksum(body, castagnoli))
}

// checkBatch says why b cannot be written under l, nil if it can.
func checkBatch(b *metric.Batch, l *Layout) error {
	switch {
	case l == nil:
		return fmt.Errorf("no layout: %w", ErrLayout)
	case b.Lane != metric.Telemetry && b.Lane != metric.Ledger:
		return fmt.Errorf("lane %d: %w", b.Lane, ErrBatch)
	case !metric.ValidName(b.Site) || !metric.ValidName(b.Agent):
		return fmt.Errorf("site %q, agent %q: %w", b.Site, b.Agent, ErrBatch)
	case b.Ticks < 0 || b.Ticks > MaxTicks || b.Interval < 0:
		return fmt.Errorf("%d ticks at intervals of %d ms: %w", b.Ticks, b.Interval, ErrBatch)
	case b.Ticks*l.width != len(b.Values):
		return fmt.Errorf("%d values for %d ticks of %d: %w", len(b.Values), b.Ticks, l.width, ErrLayout)
	case len(b.Values) > MaxValues:
		return fmt.Errorf("%d values; the limit is %d: %w", len(b.Values), MaxValues, ErrSize)
	}
	return nil
}

// Blocks. See the drawing in doc.go.
const (
	blockValues = 512 // at least MaxTicks, so that a block holds all ticks of an entity

	codeSmall   = 0x80
	maxSmall    = 111
	codeZeros   = codeSmall + maxSmall + 1 // two zero blocks
	maxZeros    = 17
	codeMissing = 0x40
	shapeConst  = 0
	shapeOne    = 1
	shapeDiff   = 2
	scaleShift  = 2
)

// blockEntities is the number of entities in a block.
func blockEntities(ticks int) int { return max(1, blockValues/ticks) }

// An encoder appends blocks to dst.
type encoder struct {
	dst   []byte
	zeros int // blocks of nothing but zero that were not written yet
	ints  [blockValues]int64
}

func (e *encoder) values(b *metric.Batch, l *Layout) {
	most := blockEntities(b.Ticks)
	at := 0
	for i := range l.Columns {
		c := &l.Columns[i]
		for left := c.Count; left > 0; {
			n := min(left, most)
			e.block(b.Values[at:], l.width, n, b.Ticks, c.Form)
			at += n
			left -= n
		}
	}
	e.flush()
}

// flush writes the zero blocks that were put off.
func (e *encoder) flush() {
	for e.zeros > 1 {
		n := min(e.zeros, maxZeros)
		e.dst = append(e.dst, byte(codeZeros+n-2))
		e.zeros -= n
	}
	if e.zeros == 1 {
		e.dst = append(e.dst, codeSmall)
	}
	e.zeros = 0
}

// block appends the first n values of each tick; ticks are stride values apart.
func (e *encoder) block(v []metric.Raw, stride, n, ticks int, form metric.Form) {
	x := e.ints[:n*ticks]
	var missing int
	var or int64
	first := clean(v[0], form)
	for t := range ticks {
		row := x[t*n : t*n+n]
		for i, r := range v[t*stride : t*stride+n] {
			if r = clean(r, form); r == metric.Missing {
				missing++
			}
			or |= int64(r ^ first)
			row[i] = int64(r)
		}
	}
	switch {
	case or == 0 && first == 0:
		e.zeros++
		return
	case missing == len(x):
		e.flush()
		e.dst = append(e.dst, codeMissing|scaleNone<<scaleShift|shapeConst)
		return
	case or == 0:
		x = x[:1]
	}
	e.flush()
	at := len(e.dst)
	e.dst = append(e.dst, 0)
	var code byte
	if missing > 0 {
		code = codeMissing
		e.bitmap(x)
		fill(x, n)
	}
	scale := toScale(x, form)
	code |= byte(scale << scaleShift)
	all := rangeOf(x)
	if all.lo == all.hi {
		if scale == 0 && missing == 0 && all.lo >= 0 && all.lo <= maxSmall {
			e.dst[at] = byte(codeSmall + all.lo)
			return
		}
		e.dst[at] = code | shapeConst
		e.dst = binary.AppendVarint(e.dst, all.lo)
		return
	}
	one := all.section(len(x))
	if ticks > 1 {
		top, steps := rangeOf(x[:n]).section(n), rangeOfSteps(x, n).section(len(x)-n)
		if top.size+steps.size < one.size {
			for i := len(x) - 1; i >= n; i-- {
				x[i] -= x[i-n]
			}
			e.dst[at] = code | shapeDiff
			e.section(x[:n], top)
			e.section(x[n:], steps)
			return
		}
	}
	e.dst[at] = code | shapeOne
	e.section(x, one)
}

// clean is r, or missing if r is a float that is not finite.
func clean(r metric.Raw, form metric.Form) metric.Raw {
	if form == metric.Float && !finite(r) {
		return metric.Missing
	}
	return r
}

// bitmap appends one bit a value, set where it is missing.
func (e *encoder) bitmap(x []int64) {
	for len(x) > 0 {
		var c byte
		for i, v := range x[:min(8, len(x))] {
			if v == int64(metric.Missing) {
				c |= 1 << i
			}
		}
		e.dst = append(e.dst, c)
		x = x[min(8, len(x)):]
	}
}

// fill puts a value that costs little where one is missing: that of the tick
// before, or else the entity's first, or else the block's first.
func fill(x []int64, n int) {
	const missing = int64(metric.Missing)
	var any int64
	for _, v := range x {
		if v != missing {
			any = v
			break
		}
	}
	for i := range n {
		last := any
		for k := i; k < len(x); k += n {
			if x[k] != missing {
				last = x[k]
				break
			}
		}
		for k := i; k < len(x); k += n {
			if x[k] == missing {
				x[k] = last
			}
			last = x[k]
		}
	}
}

// A span is the least and the greatest of some values; wrap-around is harmless.
type span struct{ lo, hi int64 }

func rangeOf(x []int64) span {
	s := span{x[0], x[0]}
	for _, v := range x[1:] {
		s.lo, s.hi = min(s.lo, v), max(s.hi, v)
	}
	return s
}

// rangeOfSteps is the range of each value less the one n before it.
func rangeOfSteps(x []int64, n int) span {
	s := span{math.MaxInt64, math.MinInt64}
	for i, v := range x[n:] {
		d := v - x[i]
		s.lo, s.hi = min(s.lo, d), max(s.hi, d)
	}
	return s
}

// A section is a choice of how to pack values.
type section struct {
	base  int64
	width int
	size  int // bytes
}

// section is the cheapest way to pack n values within s.
func (s span) section(n int) section {
	c := section{base: s.lo, width: widthOf(uint64(s.hi - s.lo))}
	c.size = 1 + uvarintLen(uint64(c.base^c.base>>63)) + packedLen(n, c.width)
	if s.lo >= 0 {
		w := widthOf(uint64(s.hi))
		if size := 1 + packedLen(n, w); size <= c.size {
			return section{width: w, size: size}
		}
	}
	return c
}

// Kinds of base, in the upper bits of a section's first byte.
const (
	baseShift    = 6
	baseZero     = 0
	basePositive = 1
	baseNegative = 2
	width64      = maxLoad + 1 // how a width of 64 is written
)

func (e *encoder) section(x []int64, c section) {
	head := byte(min(c.width, width64))
	switch {
	case c.base > 0:
		e.dst = binary.AppendUvarint(append(e.dst, head|basePositive<<baseShift), uint64(c.base))
	case c.base < 0:
		e.dst = binary.AppendUvarint(append(e.dst, head|baseNegative<<baseShift), uint64(^c.base))
	default:
		e.dst = append(e.dst, head|baseZero<<baseShift)
	}
	if c.width > 0 {
		e.dst = appendPacked(e.dst, x, c.base, c.width)
	}
}
