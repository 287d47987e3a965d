package mqtt

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/gigawatch/gigawatch/collector/internal/meter"
	"github.com/gigawatch/gigawatch/collector/site"
)

// A decimal is a number as it was written: digits × 10^exp.
type decimal struct {
	negative bool
	digits   string // without zeros in front; "" is zero
	exp      int
}

// Limits of what is written as a number.
const (
	longestNumber = 64
	mostExponent  = 400
)

// parseDecimal reads a number with a point and an exponent, as they may be.
func parseDecimal(s string) (d decimal, ok bool) {
	if len(s) > longestNumber {
		return d, false
	}
	switch {
	case strings.HasPrefix(s, "-"):
		d.negative, s = true, s[1:]
	case strings.HasPrefix(s, "+"):
		s = s[1:]
	}
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		e, err := strconv.Atoi(s[i+1:])
		if err != nil || e > mostExponent || e < -mostExponent {
			return d, false
		}
		d.exp, s = e, s[:i]
	}
	whole, fraction, _ := strings.Cut(s, ".")
	for _, c := range whole + fraction {
		if c < '0' || c > '9' {
			return d, false
		}
	}
	if whole+fraction == "" {
		return d, false
	}
	d.digits = strings.TrimLeft(whole+fraction, "0")
	d.exp -= len(fraction)
	d.negative = d.negative && d.digits != ""
	return d, true
}

// times is d × 10^n as a whole number, rounded, without its sign.
func (d decimal) times(n int) (uint64, bool) {
	n += d.exp
	switch {
	case d.digits == "" || len(d.digits)+n < 0:
		return 0, true
	case n >= 0:
		if len(d.digits)+n > 20 {
			return 0, false
		}
		v, err := strconv.ParseUint(d.digits+strings.Repeat("0", n), 10, 64)
		return v, err == nil
	}
	at := len(d.digits) + n
	v := uint64(0)
	if at > 0 {
		var err error
		if v, err = strconv.ParseUint(d.digits[:at], 10, 64); err != nil || v == 1<<64-1 {
			return 0, false
		}
	}
	if d.digits[at] >= '5' {
		v++
	}
	return v, true
}

// binary is how many digits are sure of a number that a program keeps in 64 bits;
// those after them are of its way to write it.
const binary = 15

// place is the power of ten that the last digit stands for which tells something.
func (d decimal) place() int {
	digits, exp := d.digits, d.exp
	if over := len(digits) - binary; over > 0 && exp < 0 {
		n, _ := decimal{digits: digits}.times(-over)
		digits, exp = strconv.FormatUint(n, 10), exp+over
	}
	for exp < 0 && (digits == "" || strings.HasSuffix(digits, "0")) {
		digits, exp = strings.TrimSuffix(digits, "0"), exp+1
	}
	return exp
}

// A field is one quantity of the messages.
type field struct {
	kind   meter.Kind
	path   string
	names  []string
	scale  meter.Scale
	digits int // of registers: powers of ten by which a step is finer than a unit
	invert bool

	// Guarded by the reader.
	place  int // of the finest digit that it has shown
	found  bool
	absent int // messages in a row without it
}

// The finest step by which registers are taken, in mJ and mL.
const (
	finestEnergy = 100
	finestWater  = 1
)

// fieldOf is a field as a site's file describes it.
func fieldOf(m *site.Member) (*field, error) {
	q, ok := meter.ParseQuantity(string(m.Measures))
	if !ok {
		return nil, fmt.Errorf("%q is no quantity", m.Measures)
	}
	f := &field{kind: meter.Kind{Quantity: q, Point: m.Point}, path: m.Path, names: strings.Split(m.Path, "."), invert: m.Invert, place: mostExponent}
	if m.Path == whole {
		f.names = nil
	}
	if m.Path == "" || len(f.names) > deepest {
		return nil, fmt.Errorf("%q is no path of %s", m.Path, f.kind)
	}
	factor := m.Scale
	if factor == "" {
		factor = "1"
	}
	var err error
	if f.scale, err = meter.NewScale(q, factor, m.Unit); err != nil || !q.Counted() {
		return f, err
	}
	finest := float64(finestEnergy)
	if q == meter.Water {
		finest = finestWater
	}
	size := f.scale.Register(0).Size
	for per := float64(size.Num) / float64(size.Den); per > finest; per /= 10 {
		f.digits++
	}
	f.scale, err = meter.NewScale(q, fmt.Sprintf("%se-%d", factor, f.digits), m.Unit)
	return f, err
}

var errUnknown = errors.New("the device does not know it now")

// unknowns are words by which devices say that they do not know a value.
const unknowns = " unavailable unknown none null nan n/a na inf infinity -inf -infinity - -- --- "

// value is what the field shows, where its path has led.
func (f *field) value(found any) (v meter.Value, err error) {
	v = meter.Value{Quantity: f.kind.Quantity, Point: f.kind.Point}
	text := ""
	switch t := found.(type) {
	case nil:
		return v, errUnknown
	case json.Number:
		text = t.String()
	case string:
		text = strings.TrimSpace(t)
		if text == "" || !strings.Contains(text, " ") && strings.Contains(unknowns, " "+strings.ToLower(text)+" ") {
			return v, errUnknown
		}
	default:
		return v, fmt.Errorf("is %s, and no number", sort(found))
	}
	d, ok := parseDecimal(text)
	if !ok {
		return v, fmt.Errorf("is %q, and no number", short(text))
	}
	if f.invert && d.digits != "" {
		d.negative = !d.negative
	}
	if !f.kind.Quantity.Counted() {
		n, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return v, fmt.Errorf("is %q, and no reading", short(text))
		}
		if f.invert {
			n = -n
		}
		v.Number = f.scale.Gauge(n)
		return v, nil
	}
	if d.negative {
		return v, fmt.Errorf("is %s, and a register of %s does not go below zero: it may need invert", text, f.kind.Quantity)
	}
	steps, ok := d.times(f.digits)
	if !ok {
		return v, fmt.Errorf("is %s, and no reading of a register", text)
	}
	f.place = min(f.place, d.place())
	v.Register = f.scale.Register(steps)
	grain, _ := decimal{digits: "1"}.times(min(max(f.place+f.digits, 0), 18))
	v.Register.Grain = grain
	return v, nil
}
