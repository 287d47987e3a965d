//go:build cgo && linux

package dcgm

import (
	"bytes"
	"encoding/binary"
	"math"
	"strings"

	dcgmlib "github.com/NVIDIA/go-dcgm/pkg/dcgm"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// From these values up DCGM means that it has none, and by the distance why.
// They come with status 0. The test for 32 bits is right only for what the
// driver counts in 32: as millijoules its sentinel is 51 minutes at 700 W.
const (
	blank32 = 0x7ffffff0
	blank64 = 0x7ffffffffffffff0
	blankFP = 140737488355328.0
)

// A kind says what a field's numbers are: between which they can lie, and what
// makes them the metric's own.
type kind struct {
	low, high float64 // as DCGM gives them; what lies outside is no reading
	times     float64 // to the metric's base unit, for a metric in floats
	units     int64   // to the metric's raw units, for one in integers; 0: it is in floats
}

var (
	watts        = kind{0, 1e5, 1, 0}
	celsius      = kind{-273, 1000, 1, 0}
	percent      = kind{0, 100, 0.01, 0}
	ratio        = kind{0, 1.05, 1, 0}
	millijoules  = kind{0, 1 << 62, 0, 1}
	nanoseconds  = kind{0, 1 << 62, 0, 1}
	megahertz    = kind{0, 1e6, 0, 1e6}
	mebibytes    = kind{0, 1 << 40, 0, 1 << 20}
	bytesASecond = kind{0, 1 << 62, 0, 1}
	count        = kind{0, 1 << 62, 0, 1}
	count32      = kind{0, blank32 - 1, 0, 1}
	bits         = kind{0, 1 << 32, 0, 1}
	small        = kind{0, 255, 0, 1}
)

// has says whether a value is good and of that type, which is the engine's to
// choose.
func (v *value) has(typ uint) bool {
	return v.status == dcgmlib.DCGM_ST_OK && uint(v.typ) == typ
}

// integer is a value of type integer. It is not ok if DCGM has none.
func (v *value) integer() (n int64, ok bool) {
	if !v.has(dcgmlib.DCGM_FT_INT64) {
		return 0, false
	}
	n = int64(binary.NativeEndian.Uint64(v.bytes[:8]))
	return n, n < blank64
}

// float is a value of type double, likewise.
func (v *value) float() (x float64, ok bool) {
	if !v.has(dcgmlib.DCGM_FT_DOUBLE) {
		return 0, false
	}
	x = math.Float64frombits(binary.NativeEndian.Uint64(v.bytes[:8]))
	return x, x < blankFP // and so no NaN
}

// text is a string; empty if DCGM has none.
func (v *value) text() string {
	if !v.has(dcgmlib.DCGM_FT_STRING) {
		return ""
	}
	s, _, _ := bytes.Cut(v.bytes[:], []byte{0})
	return clean(string(s))
}

// raw is a value as the metric carries it, missing if DCGM has none or gives
// what such an instrument cannot say.
func (k *kind) raw(v *value) metric.Raw {
	n, ok := v.integer()
	x := float64(n)
	if !ok {
		if x, ok = v.float(); !ok {
			return metric.Missing
		}
		if k.units != 0 {
			if math.Abs(x) >= 1<<53 {
				return metric.Missing
			}
			x = math.Round(x)
			n = int64(x)
		}
	}
	if x < k.low || x > k.high {
		return metric.Missing
	}
	if k.units != 0 {
		return metric.Raw(n * k.units)
	}
	return metric.Of(x * k.times)
}

// clean is s if it is one of a label's size in printable ASCII and no
// sentinel, else empty.
func clean(s string) string {
	s = strings.TrimSpace(s)
	if len(s) > 128 || strings.HasPrefix(s, "<<<") || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) {
		return ""
	}
	return s
}
