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

// errMissing says that the device knows nothing now.
var errMissing = errors.New("not available")

// tiny is where a float is no reading of anything but of words in another order.
const tiny = 1e-20

// decode reads words in an order.
func (e *entry) decode(words []uint16, o order) (meter.Shown, error) {
	w := arrange(words, o)
	switch e.form {
	case mod10k, bcd:
		return digits(w, e.form)
	case text:
		return meter.Shown{}, errMissing
	}
	var raw uint64
	for _, v := range w {
		raw = raw<<16 | uint64(v)
	}
	if slices.Contains(e.none, raw) {
		return meter.Shown{}, errMissing
	}
	switch {
	case e.form == float && len(w) == 2:
		return fraction(meter.Float32(math.Float32frombits(uint32(raw))))
	case e.form == float:
		return fraction(meter.Float64(math.Float64frombits(raw)))
	case e.form == signed:
		unused := 64 - 16*len(w)
		return meter.Signed(int64(raw<<unused) >> unused), nil
	}
	return meter.Whole(raw), nil
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

// fraction is n, if it is a reading.
func fraction(n meter.Shown) (meter.Shown, error) {
	switch v := n.Number; {
	case math.IsNaN(v):
		return meter.Shown{}, errMissing
	case math.IsInf(v, 0), v != 0 && math.Abs(v) < tiny:
		return meter.Shown{}, fmt.Errorf("reads %.3g, which is no reading", v)
	}
	return n, nil
}

// digits reads registers that hold four decimal digits each.
func digits(words []uint16, f form) (meter.Shown, error) {
	n := uint64(0)
	for _, w := range words {
		part := uint64(w)
		if f == bcd {
			part = 0
			for shift := 12; shift >= 0; shift -= 4 {
				d := uint64(w>>shift) & 0xf
				if d > 9 {
					return meter.Shown{}, fmt.Errorf("reads %04X, which is no decimal number", w)
				}
				part = part*10 + d
			}
		}
		if part > 9999 {
			return meter.Shown{}, fmt.Errorf("reads %d where a register holds four digits", w)
		}
		n = n*10_000 + part
	}
	return meter.Whole(n), nil
}

// mostExponent bounds the power of ten that a register may say.
const mostExponent = 18

// number is the sum of an entry's parts, by its exponent.
func (e *entry) number(parts [][]uint16, exponent []uint16, o order) (meter.Shown, error) {
	var sum meter.Shown
	for i, p := range parts {
		n, err := e.decode(p, o)
		if err != nil {
			return meter.Shown{}, err
		}
		if i == 0 {
			sum = n
			continue
		}
		sum.Number, sum.Grain = sum.Number+n.Number, max(sum.Grain, n.Grain)
		total, carry := bits.Add64(sum.Steps, n.Steps, 0)
		sum.Steps, sum.Negative = total, sum.Negative || n.Negative
		if carry > 0 || sum.Negative {
			sum.Whole = false
			sum.Negative = sum.Number < 0
		}
	}
	if e.exponent >= 0 {
		if len(exponent) != 1 || exponent[0] == 0x8000 {
			return meter.Shown{}, errMissing
		}
		by := int16(arrange(exponent, o)[0])
		if by < -mostExponent || by > mostExponent {
			return meter.Shown{}, fmt.Errorf("its exponent reads %d", by)
		}
		ten := math.Pow10(int(by))
		sum.Whole, sum.Number, sum.Grain = false, sum.Number*ten, sum.Grain*ten
	}
	if e.invert {
		sum.Invert()
	}
	sum.Modulus = e.modulus
	return sum, nil
}

// value is what an entry of a quantity shows.
func (e *entry) value(n meter.Shown) (meter.Value, error) {
	switch counted := e.kind.Quantity.Counted(); {
	case !counted && (n.Number < e.min || n.Number > e.max):
		return meter.Value{}, fmt.Errorf("reads %.6g, not %g to %g", n.Number, e.min, e.max)
	case counted && n.Negative:
		return meter.Value{}, fmt.Errorf("reads %.6g, and a register of %s does not go below zero: its type or its order is another, or it needs invert", n.Number, e.kind.Quantity)
	}
	return e.scale.Value(e.kind, n)
}

// in is n as it would be shown under an order: in the unit of its quantity.
func (e *entry) in(n meter.Shown) float64 {
	switch {
	case e.purpose != quantity:
		return n.Number * e.factor
	case !e.kind.Quantity.Counted():
		return e.scale.Gauge(n.Number)
	}
	return n.Number * e.scale.Gauge(1)
}

// otherwise is what the registers of an entry hold in other orders.
func (e *entry) otherwise(parts [][]uint16, exponent []uint16) (list []meter.Otherwise) {
	for _, o := range orders {
		if o == e.order || e.words == 1 && o.wordsLow != e.order.wordsLow {
			continue
		}
		if n, err := e.number(parts, exponent, o); err == nil && !(e.kind.Quantity.Counted() && n.Negative) {
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
		return fmt.Sprint(n.Steps), nil
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
