package wire

import (
	"math"
	"math/bits"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// intScales are what may divide all values of a block of form Int. Sources
// count in pages, sectors, kilobytes, megahertz; the base unit is finer.
var intScales = [...]int64{1, 10, 100, 1e3, 1e6, 1e9, 1 << 9, 1 << 10, 1 << 12, 1 << 20, 1 << 30}

// firstBinary is the first power of two in intScales.
const firstBinary = 6

// The scales of a block of form Float: the powers of ten that make integers of
// its values, then their bits as they are.
const (
	scaleBits   = 7 // integer = bits
	scaleNarrow = 8 // integer = bits / 2^29
	narrowShift = 29
	scaleNone   = 15 // nothing but missing values
)

var powers = [...]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6}

// toScale finds the scale for x, raw values of the given form, and brings x to
// it: the greatest common scale of integers; for floats the least power of ten
// that makes integers of them all and gives them back bit for bit.
func toScale(x []int64, form metric.Form) (scale int) {
	if form == metric.Float {
		return floatScale(x)
	}
	var or int64
	for _, v := range x {
		or |= v
	}
	if or&1 != 0 || or == 0 { // no scale divides an odd number
		return 0
	}
	scale = commonScale(x, bits.TrailingZeros64(uint64(or)))
	switch s := intScales[scale]; {
	case s == 1:
	case s&(s-1) == 0:
		shift := bits.TrailingZeros64(uint64(s))
		for i := range x {
			x[i] >>= shift
		}
	default:
		for i := range x {
			x[i] /= s
		}
	}
	return scale
}

// commonScale is the greatest scale that divides x, of which 2^zeros does.
func commonScale(x []int64, zeros int) int {
	best := 0
	for i := 1; i < firstBinary && divides(intScales[i], zeros, x); i++ {
		best = i
	}
	for i := len(intScales) - 1; i >= firstBinary && intScales[i] > intScales[best]; i-- {
		if 1<<zeros >= uint64(intScales[i]) {
			return i
		}
	}
	return best
}

// divides reports whether s, a power of ten, divides x, of which 2^zeros does.
func divides(s int64, zeros int, x []int64) bool {
	if bits.TrailingZeros64(uint64(s)) > zeros {
		return false
	}
	for _, v := range x {
		if v%s != 0 {
			return false
		}
	}
	return true
}

func floatScale(x []int64) int {
	for e := range powers {
		if decimal(x, powers[e]) {
			for i, v := range x {
				x[i] = int64(math.RoundToEven(math.Float64frombits(uint64(v)) * powers[e]))
			}
			return e
		}
	}
	var or int64
	for _, v := range x {
		or |= v
	}
	if or&(1<<narrowShift-1) != 0 {
		return scaleBits
	}
	for i := range x {
		x[i] >>= narrowShift
	}
	return scaleNarrow
}

// decimal reports whether every value is an integer over p, exactly.
func decimal(x []int64, p float64) bool {
	for _, v := range x {
		f := math.Float64frombits(uint64(v))
		n := math.RoundToEven(f * p)
		if n/p != f || math.Abs(n) > 1<<53 {
			return false
		}
	}
	return true
}

// fromScale turns out, integers at the given scale, into raw values; false if
// there is no such scale or a float is not finite.
func fromScale(out []metric.Raw, form metric.Form, scale int) bool {
	if form == metric.Int {
		if scale >= len(intScales) {
			return false
		}
		if s := metric.Raw(intScales[scale]); s != 1 {
			for i := range out {
				out[i] *= s
			}
		}
		return true
	}
	switch {
	case scale == 0:
		for i, v := range out {
			out[i] = metric.Raw(math.Float64bits(float64(v)))
		}
	case scale < len(powers):
		p := powers[scale]
		for i, v := range out {
			out[i] = metric.Raw(math.Float64bits(float64(v) / p))
		}
	case scale == scaleBits, scale == scaleNarrow:
		for i, v := range out {
			if scale == scaleNarrow {
				v <<= narrowShift
			}
			if !finite(v) {
				return false
			}
			out[i] = v
		}
	default:
		return false
	}
	return true
}

// exponent is all ones in the bits of a float64 that is not finite.
const exponent = 0x7ff << 52

func finite(v metric.Raw) bool { return v&exponent != exponent }
