package account

import (
	"errors"
	"math/bits"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// ErrOverflow means that a sum of millijoules does not fit in 64 bits: 5.1 TWh.
var ErrOverflow = errors.New("energy does not fit in 64 bits of millijoules")

// An Amount is energy in millijoules, by how it came to be known.
type Amount [metric.Qualities]uint64

// Add is a plus b.
func (a Amount) Add(b Amount) (Amount, error) {
	for q := range a {
		s, carry := bits.Add64(a[q], b[q], 0)
		if carry != 0 {
			return a, ErrOverflow
		}
		a[q] = s
	}
	return a, nil
}

// Total is the sum over the qualities.
func (a Amount) Total() (uint64, error) {
	var t uint64
	for _, v := range a {
		s, carry := bits.Add64(t, v, 0)
		if carry != 0 {
			return 0, ErrOverflow
		}
		t = s
	}
	return t, nil
}

// IsZero reports whether a holds no energy at all.
func (a Amount) IsZero() bool { return a == Amount{} }

// less is a without b. What b has of a quality that a lacks is taken from the
// others, best first; ok is false where b is more than a in all.
func (a Amount) less(b Amount) (Amount, bool) {
	var owed uint64
	for q := range a {
		n := min(a[q], b[q])
		a[q] -= n
		b[q] -= n
		s, carry := bits.Add64(owed, b[q], 0)
		if carry != 0 {
			return a, false
		}
		owed = s
	}
	for q := range a {
		n := min(a[q], owed)
		a[q] -= n
		owed -= n
	}
	return a, owed == 0
}
