package modbus

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
	"slices"
	"strings"

	"github.com/gigawatch/gigawatch/collector/internal/meter"
)

// A number is what registers show.
type number struct {
	whole    bool
	negative bool
	steps    uint64  // of a whole one, without its sign
	value    float64 // in any case
	grain    float64 // by which one of this size moves at least
}

// errMissing says that the device knows nothing now.
var errMissing = errors.New("not available")

// tiny is where a float is no reading of anything but of words in another order.
const tiny = 1e-20

// decode reads words in an order.
func (e *entry) decode(words []uint16, o order) (number, error) {
	w := arrange(words, o)
	switch e.form {
	case mod10k, bcd:
		return digits(w, e.form)
	case text:
		return number{}, errMissing
	}
	var raw uint64
	for _, v := range w {
		raw = raw<<16 | uint64(v)
	}
	if slices.Contains(e.none, raw) {
		return number{}, errMissing
	}
	switch {
	case e.form == float && len(w) == 2:
		v := math.Float32frombits(uint32(raw))
		return fraction(float64(v), float64(math.Nextafter32(v, math.MaxFloat32)-v))
	case e.form == float:
		v := math.Float64frombits(raw)
		return fraction(v, math.Nextafter(v, math.MaxFloat64)-v)
	case e.form == signed && raw>>(16*len(w)-1) == 1:
		raw |= math.MaxUint64 << (16 * len(w)) // shifted out for 64 bits
		return number{whole: true, negative: true, steps: -raw, value: -float64(-raw), grain: 1}, nil
	}
	return number{whole: true, steps: raw, value: float64(raw), grain: 1}, nil
}

// arrange puts the high word and the high byte first.
func arrange(words []uint16, o order) []uint16 {
	w := slices.Clone(words)
	if o.wordsLow {
		slices.Reverse(w)
	}
	if o.bytesLow {
		for i := range w {
			w[i] = bits.ReverseBytes16(w[i])
		}
	}
	return w
}

func fraction(v, grain float64) (number, error) {
	switch {
	case math.IsNaN(v):
		return number{}, errMissing
	case math.IsInf(v, 0), v != 0 && math.Abs(v) < tiny:
		return number{}, fmt.Errorf("reads %.3g, which is no reading", v)
	}
	return number{negative: v < 0, value: v, grain: math.Abs(grain)}, nil
}

// digits reads registers that hold four decimal digits each.
func digits(words []uint16, f form) (number, error) {
	n := uint64(0)
	for _, w := range words {
		part := uint64(w)
		if f == bcd {
			part = 0
			for shift := 12; shift >= 0; shift -= 4 {
				d := uint64(w>>shift) & 0xf
				if d > 9 {
					return number{}, fmt.Errorf("reads %04X, which is no decimal number", w)
				}
				part = part*10 + d
			}
		}
		if part > 9999 {
			return number{}, fmt.Errorf("reads %d where a register holds four digits", w)
		}
		n = n*10_000 + part
	}
	return number{whole: true, steps: n, value: float64(n), grain: 1}, nil
}

// mostExponent bounds the power of ten that a register may say.
const mostExponent = 18

// number is the sum of an entry's parts, by its exponent.
func (e *entry) number(parts [][]uint16, exponent []uint16, o order) (number, error) {
	var sum number
	for i, p := range parts {
		n, err := e.decode(p, o)
		if err != nil {
			return number{}, err
		}
		if i == 0 {
			sum = n
			continue
		}
		sum.value, sum.grain = sum.value+n.value, max(sum.grain, n.grain)
		total, carry := bits.Add64(sum.steps, n.steps, 0)
		sum.steps, sum.negative = total, sum.negative || n.negative
		if carry > 0 || sum.negative {
			sum.whole = false
			sum.negative = sum.value < 0
		}
	}
	if e.exponent >= 0 {
		if len(exponent) != 1 || exponent[0] == 0x8000 {
			return number{}, errMissing
		}
		by := int16(arrange(exponent, o)[0])
		if by < -mostExponent || by > mostExponent {
			return number{}, fmt.Errorf("its exponent reads %d", by)
		}
		ten := math.Pow10(int(by))
		sum.whole, sum.value, sum.grain = false, sum.value*ten, sum.grain*ten
	}
	if e.invert {
		sum.value, sum.negative = -sum.value, !sum.negative && sum.value != 0
	}
	return sum, nil
}

// value is what an entry of a quantity shows.
func (e *entry) value(n number) (meter.Value, error) {
	v := meter.Value{Quantity: e.kind.Quantity, Point: e.kind.Point}
	if !e.kind.Quantity.Counted() {
		if n.value < e.min || n.value > e.max {
			return v, fmt.Errorf("reads %.6g, not %g to %g", n.value, e.min, e.max)
		}
		v.Number = e.scale.Gauge(n.value)
		return v, nil
	}
	if n.negative {
		return v, fmt.Errorf("reads %.6g, and a register of %s does not go below zero: its type or its order is another, or it needs invert", n.value, e.kind.Quantity)
	}
	if n.whole {
		v.Register = e.scale.Register(n.steps)
		if n.steps < e.modulus {
			v.Register.Modulus = e.modulus
		}
		return v, nil
	}
	var err error
	v.Register, err = e.scale.RegisterOf(n.value, n.grain)
	return v, err
}

// in is n as it would be shown under an order: in the unit of its quantity.
func (e *entry) in(n number) float64 {
	switch {
	case e.purpose != quantity:
		return n.value * e.factor
	case !e.kind.Quantity.Counted():
		return e.scale.Gauge(n.value)
	}
	return n.value * e.scale.Gauge(1)
}

// otherwise is what the registers of an entry hold in other orders.
func (e *entry) otherwise(parts [][]uint16, exponent []uint16) (list []meter.Otherwise) {
	for _, o := range orders {
		if o == e.order || e.words == 1 && o.wordsLow != e.order.wordsLow {
			continue
		}
		if n, err := e.number(parts, exponent, o); err == nil && !(e.kind.Quantity.Counted() && n.negative) {
			list = append(list, meter.Otherwise{Setting: o.setting(), Number: e.in(n)})
		}
	}
	return list
}

// text is what an entry of a serial number shows.
func (e *entry) text(words []uint16) (string, error) {
	if e.form != text {
		n, err := e.decode(words, e.order)
		if err != nil {
			return "", err
		}
		return fmt.Sprint(n.steps), nil
	}
	var b strings.Builder
	for _, w := range words {
		if e.order.bytesLow {
			w = bits.ReverseBytes16(w)
		}
		b.WriteByte(byte(w >> 8))
		b.WriteByte(byte(w))
	}
	s := strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' {
			return -1
		}
		return r
	}, b.String())
	if s == "" {
		return "", errMissing
	}
	return s, nil
}
