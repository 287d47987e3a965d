package wire

import (
	"fmt"
	"math/bits"
	"slices"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// Values appends the message's values, Ticks times l's width of them, in the
// order of l's columns. It allocates nothing but what dst needs to grow, unless
// the message is refused. On an error dst is returned as it was.
func (m *Message) Values(dst []metric.Raw, l *Layout) ([]metric.Raw, error) {
	if l == nil || l.ID != m.LayoutID {
		return dst, fmt.Errorf("message has layout %016x: %w", m.LayoutID, ErrLayout)
	}
	total := m.Ticks * l.width
	if total > MaxValues {
		return dst, fmt.Errorf("%d values; the limit is %d: %w", total, MaxValues, ErrSize)
	}
	grown := slices.Grow(dst, total)[:len(dst)+total]
	d := decoder{out: grown[len(dst):], b: m.blocks, stride: l.width, ticks: m.Ticks}
	if total > 0 {
		most := blockEntities(m.Ticks)
		for i := range l.Columns {
			c := &l.Columns[i]
			for left := c.Count; left > 0; {
				n := min(left, most)
				if !d.block(n, c.Form) {
					return dst, fmt.Errorf("column %d, metric %d: %w", i, c.Metric, ErrCorrupt)
				}
				left -= n
			}
		}
	}
	if d.zeros != 0 || len(d.b) != trailerLen {
		return dst, fmt.Errorf("%d bytes after the last column: %w", len(d.b)-trailerLen, ErrCorrupt)
	}
	return grown, nil
}

// A decoder reads blocks off b, which ends with the trailer.
type decoder struct {
	out    []metric.Raw
	b      []byte
	at     int // in the first tick of out
	stride int
	ticks  int
	zeros  int // blocks of zero still to come
}

// row is the block's part of tick t.
func (d *decoder) row(t, n int) []metric.Raw {
	at := t*d.stride + d.at
	return d.out[at : at+n : at+n]
}

// block reads the next n entities; false if it is not well formed.
func (d *decoder) block(n int, form metric.Form) bool {
	if d.zeros > 0 {
		d.zeros--
		d.all(n, 0)
		return true
	}
	if len(d.b) <= trailerLen {
		return false
	}
	code := d.b[0]
	d.b = d.b[1:]
	switch {
	case code >= codeZeros:
		d.zeros = int(code - codeZeros + 1)
		d.all(n, 0)
		return true
	case code >= codeSmall:
		v := [1]metric.Raw{metric.Raw(code - codeSmall)}
		fromScale(v[:], form, 0)
		d.all(n, v[0])
		return true
	case code == codeMissing|scaleNone<<scaleShift|shapeConst:
		d.all(n, metric.Missing)
		return true
	}
	var bitmap []byte
	if code&codeMissing != 0 {
		size := packedLen(n*d.ticks, 1)
		if size > len(d.b)-trailerLen {
			return false
		}
		bitmap, d.b = d.b[:size], d.b[size:]
		if !validBitmap(bitmap, n*d.ticks) {
			return false
		}
	}
	scale := int(code &^ codeMissing >> scaleShift)
	switch code & (1<<scaleShift - 1) {
	case shapeConst:
		u, size := uvarint(d.b[:len(d.b)-trailerLen])
		if size == 0 {
			return false
		}
		d.b = d.b[size:]
		v := [1]metric.Raw{metric.Raw(unzigzag(u))}
		if !fromScale(v[:], form, scale) {
			return false
		}
		at := d.at
		d.all(n, v[0])
		d.miss(bitmap, at, n)
		return true
	case shapeOne:
		if !d.section(0, d.ticks, n) {
			return false
		}
	case shapeDiff:
		if d.ticks < 2 || !d.section(0, 1, n) || !d.section(1, d.ticks, n) {
			return false
		}
		for t := 1; t < d.ticks; t++ {
			before := d.row(t-1, n)
			for i, v := range d.row(t, n) {
				d.row(t, n)[i] = v + before[i]
			}
		}
	default:
		return false
	}
	for t := range d.ticks {
		if !fromScale(d.row(t, n), form, scale) {
			return false
		}
	}
	d.miss(bitmap, d.at, n)
	d.at += n
	return true
}

// all sets every value of the block and goes past it.
func (d *decoder) all(n int, v metric.Raw) {
	for t := range d.ticks {
		row := d.row(t, n)
		for i := range row {
			row[i] = v
		}
	}
	d.at += n
}

// section unpacks the values of ticks from up to, not including, to.
func (d *decoder) section(from, to, n int) bool {
	if len(d.b) <= trailerLen {
		return false
	}
	head := d.b[0]
	d.b = d.b[1:]
	w := int(head & (1<<baseShift - 1))
	if w == width64 {
		w = 64
	} else if w > maxLoad {
		return false
	}
	var base int64
	if kind := head >> baseShift; kind != baseZero {
		u, size := uvarint(d.b[:len(d.b)-trailerLen])
		if size == 0 {
			return false
		}
		d.b = d.b[size:]
		switch base = int64(u); {
		case base < 0 || kind > baseNegative || kind == basePositive && base == 0:
			return false
		case kind == baseNegative:
			base = ^base
		}
	}
	bitsLen := (to - from) * n * w
	size := (bitsLen + 7) >> 3
	if size > len(d.b)-trailerLen {
		return false
	}
	if used := bitsLen & 7; used != 0 && d.b[size-1]>>used != 0 {
		return false
	}
	for t := from; t < to; t++ {
		unpack(d.row(t, n), d.b, (t-from)*n*w, w, base)
	}
	d.b = d.b[size:]
	return true
}

// validBitmap reports whether some but not all of n bits are set, and none after.
func validBitmap(bitmap []byte, n int) bool {
	set := 0
	for _, c := range bitmap {
		set += bits.OnesCount8(c)
	}
	return set > 0 && set < n && (n&7 == 0 || bitmap[len(bitmap)-1]>>(n&7) == 0)
}

// miss writes missing where bitmap, nil if nothing is missing, has its bits.
func (d *decoder) miss(bitmap []byte, at, n int) {
	k := 0
	for t := 0; len(bitmap) > 0 && t < d.ticks; t++ {
		row := d.out[t*d.stride+at:][:n]
		for i := range row {
			if bitmap[k>>3]>>(k&7)&1 != 0 {
				row[i] = metric.Missing
			}
			k++
		}
	}
}
