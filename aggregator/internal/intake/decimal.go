package intake

import (
	"bytes"
	"math/bits"
	"strconv"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
)

// A decimal is a number as a file writes it, exactly: digits / 10^places.
type decimal struct {
	negative bool
	digits   uint64
	places   int
}

// mostDigits of a number count; what comes after them is less than any meter
// shows.
const mostDigits = 18

// A mark is what stands between the whole and the fraction of a number.
type mark byte

// The marks.
const (
	noMark mark = 0
	point  mark = '.'
	comma  mark = ','
)

// other is what may set thousands apart where m is the mark; while that is not
// known, nothing may.
func (m mark) other() byte {
	switch m {
	case comma:
		return '.'
	case point:
		return ','
	}
	return ' '
}

// parseDecimal reads a number whose fraction stands behind by. Thousands may be
// set apart by the other mark, blanks or apostrophes, in threes.
func parseDecimal(b []byte, by mark) (d decimal, ok bool) {
	b, d.negative = sign(b)
	digits, since, grouped, fraction, any := 0, 0, false, false, false
	for i := 0; i < len(b); {
		c := b[i]
		if c >= '0' && c <= '9' {
			any = true
			since++
			switch {
			case digits < mostDigits:
				d.digits = d.digits*10 + uint64(c-'0')
				if d.digits > 0 {
					digits++
				}
				if fraction {
					d.places++
				}
			case !fraction:
				return d, false
			}
			i++
			continue
		}
		if c == byte(by) && by != noMark && !fraction {
			if grouped && since != 3 {
				return d, false
			}
			fraction, since = true, 0
			i++
			continue
		}
		if (c == 'e' || c == 'E') && any {
			return d.scaled(b[i+1:], (!grouped || fraction || since == 3))
		}
		n := separator(b[i:], by.other())
		if n == 0 || fraction || since == 0 || since > 3 || grouped && since != 3 {
			return d, false
		}
		grouped, since = true, 0
		i += n
	}
	return d, any && (!grouped || fraction || since == 3)
}

// sign takes the sign off a number: also a minus sign proper, and one at the end,
// as some programs write it.
func sign(b []byte) (rest []byte, negative bool) {
	switch n := len(b); {
	case n == 0:
	case b[0] == '+':
		b = b[1:]
	case b[0] == '-':
		b, negative = b[1:], true
	case n >= 3 && b[0] == 0xe2 && b[1] == 0x88 && b[2] == 0x92:
		b, negative = b[3:], true
	case b[n-1] == '-' && n > 1:
		b, negative = b[:n-1], true
	}
	for len(b) > 0 && b[0] == ' ' {
		b = b[1:]
	}
	return b, negative
}

// separator is the length of what sets thousands apart at the start of b, 0 if
// there is none.
func separator(b []byte, other byte) int {
	switch {
	case b[0] == other, b[0] == ' ', b[0] == '\'', b[0] == '_':
		return 1
	case len(b) >= 2 && b[0] == 0xc2 && b[1] == 0xa0: // no-break space
		return 2
	case len(b) >= 3 && b[0] == 0xe2 && b[1] == 0x80 && (b[2] == 0xaf || b[2] == 0x89 || b[2] == 0x99): // narrow and thin space, apostrophe
		return 3
	}
	return 0
}

// scaled is d by the power of ten in b.
func (d decimal) scaled(b []byte, ok bool) (decimal, bool) {
	b, down := sign(b)
	n := 0
	for _, c := range b {
		if c < '0' || c > '9' || n > 99 {
			return d, false
		}
		n = n*10 + int(c-'0')
	}
	if !ok || len(b) == 0 {
		return d, false
	}
	if down {
		d.places += n
	} else {
		d.places -= n
	}
	for d.places < 0 {
		hi, lo := bits.Mul64(d.digits, 10)
		if hi != 0 {
			return d, false
		}
		d.digits = lo
		d.places++
	}
	for d.places > mostDigits { // less than any meter shows
		d.digits /= 10
		d.places--
	}
	return d, true
}

var tens = [mostDigits + 1]uint64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18}

// times is d of a unit that is so many of the smallest, without its sign, rounded
// to the nearest; ok is false if nothing can hold it.
func (d decimal) times(unit uint64) (w account.Wide, ok bool) {
	places := d.places
	for places > mostDigits {
		d.digits /= 10
		places--
	}
	by := tens[places]
	hi, lo := bits.Mul64(d.digits, unit)
	lo, carry := bits.Add64(lo, by/2, 0)
	hi, carry = bits.Add64(hi, 0, carry)
	if carry != 0 {
		return w, false
	}
	w.Hi = hi / by
	w.Lo, _ = bits.Div64(hi%by, lo, by)
	return w, true
}

// evidence is what numbers of a file say of its marks.
type evidence struct {
	comma, point           int // lines that have one as its mark beyond doubt; 0: none
	commaOrNot, pointOrNot int // lines where it could be either
}

// look takes a number in.
func (e *evidence) look(b []byte, line int) {
	b, _ = sign(b)
	commas, points, last, whole, after := 0, 0, byte(0), 0, 0
	if i := bytes.IndexAny(b, "eE"); i > 0 { // with an exponent, nothing stands between thousands
		b = append(append([]byte{}, b[:i]...), '0', '0', '0', '0')
	}
	for i, c := range b {
		switch {
		case c == ',':
			commas++
			last, whole, after = c, i, 0
		case c == '.':
			points++
			last, whole, after = c, i, 0
		case c >= '0' && c <= '9':
			after++
		case c >= 0x80 || c == ' ' || c == '\'' || c == '_' || c == '-' || c == '+':
		default:
			return // no number
		}
	}
	set := func(n *int) {
		if *n == 0 {
			*n = line
		}
	}
	mark, unsure, inverse := &e.comma, &e.commaOrNot, &e.point
	if last == '.' {
		mark, unsure, inverse = &e.point, &e.pointOrNot, &e.comma
	}
	switch {
	case commas+points == 0:
	case commas > 0 && points > 0:
		set(mark)
	case commas+points > 1:
		set(inverse)
	case after != 3 || whole == 0 || whole > 3 || b[0] == '0':
		set(mark)
	default:
		set(unsure)
	}
}

// mark is what e amounts to in a file with by between its fields; where that is
// nothing or two things, text says so. A program that writes ; there does so
// because its comma is in numbers, and one that writes a comma has none in them.
func (e *evidence) mark(by byte) (m mark, text string) {
	switch {
	case e.comma > 0 && e.point > 0:
		return noMark, "numbers have a decimal comma (line " + strconv.Itoa(e.comma) + ") and a decimal point (line " + strconv.Itoa(e.point) + ")"
	case e.comma > 0:
		return comma, ""
	case e.point > 0:
		return point, ""
	case e.commaOrNot > 0 && e.pointOrNot == 0 && by == ';':
		return comma, ""
	case e.pointOrNot > 0 && e.commaOrNot == 0 && by == ',':
		return point, ""
	case e.commaOrNot > 0:
		return noMark, "the comma in line " + strconv.Itoa(e.commaOrNot) + " may be a decimal comma or stand between thousands, and so in every other number"
	case e.pointOrNot > 0:
		return noMark, "the point in line " + strconv.Itoa(e.pointOrNot) + " may be a decimal point or stand between thousands, and so in every other number"
	}
	return noMark, ""
}
