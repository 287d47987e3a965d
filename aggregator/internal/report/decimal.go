package report

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
)

// A Decimal is a figure as it stands in a record: exact, with so many places. In
// JSON it is a number, without zeros at its end.
type Decimal struct {
	n      int64
	places int
}

// mostPlaces is how many a Decimal can have.
const mostPlaces = 12

// decimalOf is r rounded to the nearest of so many places, halves away from zero;
// ok is false if it is too large.
func decimalOf(r *big.Rat, places int) (d Decimal, ok bool) {
	n := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(places)), nil)
	n.Mul(n, r.Num()).Mul(n, big.NewInt(2))
	if n.Sign() < 0 {
		n.Sub(n, r.Denom())
	} else {
		n.Add(n, r.Denom())
	}
	n.Quo(n, new(big.Int).Mul(r.Denom(), big.NewInt(2)))
	return Decimal{n.Int64(), places}, n.IsInt64()
}

// Whole is the number n.
func Whole(n int64) Decimal { return Decimal{n, 0} }

// ParseDecimal reads a decimal number.
func ParseDecimal(s string) (Decimal, error) {
	whole, fraction, _ := strings.Cut(s, ".")
	if len(fraction) > mostPlaces {
		return Decimal{}, fmt.Errorf("read number %q: more than %d places", s, mostPlaces)
	}
	if strings.HasPrefix(fraction, "-") || strings.HasPrefix(fraction, "+") {
		return Decimal{}, fmt.Errorf("read number %q: a sign within it", s)
	}
	n, err := strconv.ParseInt(whole+fraction, 10, 64)
	if err != nil {
		return Decimal{}, fmt.Errorf("read number %q: not a decimal of 18 digits", s)
	}
	return Decimal{n, len(fraction)}, nil
}

// Rat is d exactly.
func (d Decimal) Rat() *big.Rat {
	return new(big.Rat).SetFrac(big.NewInt(d.n), new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(d.places)), nil))
}

// Float is the float nearest to d.
func (d Decimal) Float() float64 { f, _ := d.Rat().Float64(); return f }

// Sign is below zero, zero or above it, as d is.
func (d Decimal) Sign() int {
	switch {
	case d.n < 0:
		return -1
	case d.n > 0:
		return 1
	}
	return 0
}

// Cmp compares the values of d and o.
func (d Decimal) Cmp(o Decimal) int { return d.Rat().Cmp(o.Rat()) }

func (d Decimal) String() string {
	sign, m := "", uint64(d.n)
	if d.n < 0 {
		sign, m = "-", -m
	}
	t := strconv.FormatUint(m, 10)
	if d.places == 0 {
		return sign + t
	}
	if len(t) <= d.places {
		t = strings.Repeat("0", d.places-len(t)+1) + t
	}
	whole, fraction := t[:len(t)-d.places], strings.TrimRight(t[len(t)-d.places:], "0")
	if fraction == "" {
		return sign + whole
	}
	return sign + whole + "." + fraction
}

// MarshalJSON writes d as a number.
func (d Decimal) MarshalJSON() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalJSON reads a number.
func (d *Decimal) UnmarshalJSON(b []byte) error {
	x, err := ParseDecimal(string(b))
	if err != nil {
		return err
	}
	*d = x
	return nil
}

// rat is w as a rational number.
func rat(w account.Wide) *big.Rat {
	n := new(big.Int).SetUint64(w.Hi)
	n.Lsh(n, 64).Or(n, new(big.Int).SetUint64(w.Lo))
	return new(big.Rat).SetInt(n)
}

// over is r by n.
func over(r *big.Rat, n int64) *big.Rat { return new(big.Rat).Quo(r, big.NewRat(n, 1)) }

// sumOf is a plus b.
func sumOf(a, b *big.Rat) *big.Rat { return new(big.Rat).Add(a, b) }

// lessOf is a less b.
func lessOf(a, b *big.Rat) *big.Rat { return new(big.Rat).Sub(a, b) }

// ratOf is a float that comes from the ledger's own figures; nil if it is none.
func ratOf(v float64) *big.Rat {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return new(big.Rat).SetFloat64(v)
}

// number is r as a text says it, which puts its unit behind it.
func number(r *big.Rat) string {
	f, _ := r.Float64()
	if math.Abs(f) >= 1000 {
		if d, ok := decimalOf(r, 0); ok {
			return account.Grouped(d.String())
		}
	}
	return account.Number(f)
}

// said is d as a text says it: all of it.
func (d Decimal) said() string { return account.Grouped(d.String()) }
