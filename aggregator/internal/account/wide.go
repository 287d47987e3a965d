package account

import (
	"math/big"
	"math/bits"
)

// A Wide is an unsigned integer of 128 bits: the lifetime of a 100 MW site in
// millijoules does not fit in 64.
type Wide struct{ Hi, Lo uint64 }

// Add is w plus v.
func (w Wide) Add(v Wide) (Wide, error) {
	lo, c := bits.Add64(w.Lo, v.Lo, 0)
	hi, c := bits.Add64(w.Hi, v.Hi, c)
	if c != 0 {
		return w, ErrOverflow
	}
	return Wide{hi, lo}, nil
}

// Sub is w less v; ok is false, and the result zero, where v is greater.
func (w Wide) Sub(v Wide) (d Wide, ok bool) {
	lo, b := bits.Sub64(w.Lo, v.Lo, 0)
	hi, b := bits.Sub64(w.Hi, v.Hi, b)
	if b != 0 {
		return Wide{}, false
	}
	return Wide{hi, lo}, true
}

// plus is w + v where the sum is known to fit: sums of fewer than 2^64 terms of
// 64 bits.
func (w Wide) plus(v uint64) Wide {
	lo, c := bits.Add64(w.Lo, v, 0)
	return Wide{w.Hi + c, lo}
}

// product is a × b.
func product(a, b uint64) Wide {
	hi, lo := bits.Mul64(a, b)
	return Wide{hi, lo}
}

// Uint64 is w, if it fits.
func (w Wide) Uint64() (uint64, bool) { return w.Lo, w.Hi == 0 }

// Float is the float nearest to w, for views.
func (w Wide) Float() float64 { return float64(w.Hi)*(1<<64) + float64(w.Lo) }

func (w Wide) String() string {
	n := new(big.Int).SetUint64(w.Hi)
	return n.Lsh(n, 64).Or(n, new(big.Int).SetUint64(w.Lo)).String()
}

// share is ⌊v·part/whole⌋ and the remainder, for part ≤ whole.
func share(v, part, whole uint64) (quotient, remainder uint64) {
	hi, lo := bits.Mul64(v, part)
	return bits.Div64(hi, lo, whole)
}

// over is ⌊w/d⌋, if that fits in 64 bits.
func (w Wide) over(d uint64) (quotient uint64, ok bool) {
	if d == 0 || w.Hi >= d {
		return 0, false
	}
	q, _ := bits.Div64(w.Hi, w.Lo, d)
	return q, true
}

// AddSigned is w + v, for sums that are not negative in the end: it wraps.
func (w Wide) AddSigned(v int64) Wide {
	lo, c := bits.Add64(w.Lo, uint64(v), 0)
	return Wide{w.Hi + uint64(v>>63) + c, lo}
}
