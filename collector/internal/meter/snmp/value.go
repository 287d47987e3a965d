package snmp

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"math/bits"
	"slices"
	"strconv"
	"strings"

	"github.com/gigawatch/gigawatch/collector/internal/meter"
	"github.com/gosnmp/gosnmp"
)

// A number is what an object shows.
type number struct {
	meter.Shown
	by int // power of ten that it is to be multiplied by
}

// said is how a device writes a whole one.
func (n number) said() string {
	s := strconv.FormatUint(n.Steps, 10)
	if n.Negative {
		return "-" + s
	}
	return s
}

var (
	// errMissing says that the device knows nothing now.
	errMissing = errors.New("not available")
	// errNoObject says that the agent has no such object.
	errNoObject = errors.New("is not there")
)

// Limits of what is read.
const (
	mostExponent = 18 // that an object may say
	mostText     = 64 // bytes of one
	tiny         = 1e-20
)

// decode reads an object.
func decode(v gosnmp.SnmpPDU, f form, none []string) (number, error) {
	switch v.Type {
	case gosnmp.NoSuchObject, gosnmp.NoSuchInstance, gosnmp.EndOfMibView:
		return number{}, errNoObject
	case gosnmp.Null:
		return number{}, errMissing
	}
	is := integer
	switch v.Value.(type) {
	case []byte, string:
		is = text
	case float32, float64:
		is = float
	}
	if f != anyForm && f != is {
		return number{}, fmt.Errorf("is of type %s, and %s is expected", is, f)
	}
	switch x := v.Value.(type) {
	case int:
		return whole(meter.Signed(int64(x)), none)
	case uint:
		n, err := whole(meter.Whole(uint64(x)), none)
		if v.Type == gosnmp.Counter32 {
			n.Modulus = 1 << 32
		}
		return n, err
	case uint32:
		return whole(meter.Whole(uint64(x)), none)
	case uint64:
		return whole(meter.Whole(x), none)
	case float32:
		return fraction(meter.Float32(x), none)
	case float64:
		return fraction(meter.Float64(x), none)
	case []byte:
		return decimal(string(x), none)
	case string:
		return decimal(x, none)
	}
	return number{}, fmt.Errorf("is of a type (%#x) that is no number", byte(v.Type))
}

// whole is n, if it is a reading.
func whole(n meter.Shown, none []string) (number, error) {
	m := number{Shown: n}
	if slices.Contains(none, m.said()) {
		return number{}, errMissing
	}
	return m, nil
}

// fraction is n, if it is a reading.
func fraction(n meter.Shown, none []string) (number, error) {
	switch v := n.Number; {
	case math.IsNaN(v), slices.Contains(none, strconv.FormatFloat(v, 'f', -1, 64)):
		return number{}, errMissing
	case math.IsInf(v, 0), v != 0 && math.Abs(v) < tiny:
		return number{}, fmt.Errorf("reads %.3g, which is no reading", v)
	}
	return number{Shown: n}, nil
}

// decimal reads a number that is written out, exactly.
func decimal(s string, none []string) (number, error) {
	s = strings.TrimSpace(strings.Trim(s, "\x00"))
	if s == "" || slices.Contains(none, s) {
		return number{}, errMissing
	}
	rest, negative := strings.CutPrefix(s, "-")
	front, back, _ := strings.Cut(rest, ".")
	digits := front + back
	steps, err := strconv.ParseUint(digits, 10, 64)
	if err != nil || front == "" || len(back) > 9 || strings.ContainsAny(digits, "+_") {
		return number{}, fmt.Errorf("reads %s, which is no decimal number", quoted(s))
	}
	n := number{meter.Whole(steps), -len(back)}
	if negative {
		n.Invert()
	}
	return n, nil
}

// quoted is a text of a device, as far as people need it.
func quoted(s string) string {
	if len(s) > mostText {
		s = s[:mostText]
	}
	return strconv.QuoteToASCII(s)
}

// written is a text of a device, without what cannot be printed.
func written(v gosnmp.SnmpPDU) (string, bool) {
	var s string
	switch x := v.Value.(type) {
	case []byte:
		s = string(x)
	case string:
		s = x
	case nil:
		return "", false
	default:
		n, err := decode(v, integer, nil)
		if err != nil {
			return "", false
		}
		s = n.said()
	}
	s = strings.TrimSpace(strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return -1
		}
		return r
	}, s))
	return s[:min(len(s), mostText)], s != ""
}

// small reads a whole number that says how others are meant.
func small(v gosnmp.SnmpPDU) (int64, error) {
	n, err := decode(v, anyForm, nil)
	if err == nil && (!n.Whole || n.by != 0 || n.Steps > math.MaxInt32+1) {
		err = errors.New("is no whole number")
	}
	if n.Negative {
		return -int64(n.Steps), err
	}
	return int64(n.Steps), err
}

// one is what an entry shows in a row; at gives its objects.
func (e *entry) one(at func(template) gosnmp.SnmpPDU) (number, error) {
	if e.status != "" {
		switch s, err := small(at(e.status)); {
		case err == nil && !slices.Contains(e.statusOK, s):
			return number{}, errMissing
		case err != nil && !errors.Is(err, errNoObject): // agents that do not tell it have it sound
			return number{}, errMissing
		}
	}
	from := e.oid
	if e.signed != "" {
		if least, err := small(at(e.signedMinimum)); err == nil && least < 0 {
			from = e.signed
		}
	}
	n, err := decode(at(from), e.form, e.none)
	if err != nil {
		return number{}, err
	}
	by, err := e.power(at)
	n.by += by
	if e.invert {
		n.Invert()
	}
	return n, err
}

// power is the power of ten that the value of e is to be multiplied by, as the
// agent says. It is not guessed where the agent does not.
func (e *entry) power(at func(template) gosnmp.SnmpPDU) (by int, err error) {
	for _, p := range []struct {
		t    template
		name string
		of   func(int64) int64
	}{
		{e.exponent, "exponent", func(n int64) int64 { return n }},
		{e.digits, "number of decimal digits", func(n int64) int64 { return -max(n, 0) }}, // below zero it says how many digits are good
		{e.siScale, "SI scale", func(n int64) int64 { return 3 * (n - 9) }},
	} {
		if p.t == "" {
			continue
		}
		n, err := small(at(p.t))
		switch {
		case errors.Is(err, errMissing):
			return 0, err
		case err != nil: // and the value is there, whatever the reason
			return 0, fmt.Errorf("is not known: its %s %v", p.name, err)
		case p.t == e.siScale && (n < 1 || n > 17), max(p.of(n), -p.of(n)) > mostExponent:
			return 0, fmt.Errorf("is not known: its %s reads %d", p.name, n)
		}
		by += int(p.of(n))
	}
	return by, nil
}

// sum is what an entry shows in all of some rows together. It is missing where
// one of them is.
func (e *entry) sum(rows []string, at func(template, string) gosnmp.SnmpPDU) (number, error) {
	var sum number
	for i, row := range rows {
		n, err := e.one(func(t template) gosnmp.SnmpPDU { return at(t, row) })
		switch {
		case err != nil:
			if len(rows) > 1 && !errors.Is(err, errMissing) {
				err = fmt.Errorf("of row %s %w", row, err)
			}
			return number{}, err
		case i == 0:
			sum = n
			continue
		case n.by != sum.by:
			return number{}, fmt.Errorf("has rows of different decimal digits, which are not summed")
		}
		sum.Number, sum.Grain, sum.Modulus = sum.Number+n.Number, max(sum.Grain, n.Grain), 0
		total, carry := bits.Add64(sum.Steps, n.Steps, 0)
		if sum.Whole = sum.Whole && n.Whole && carry == 0 && !sum.Negative && !n.Negative; sum.Whole {
			sum.Steps = total
		}
		sum.Negative = sum.Negative || n.Negative
	}
	return sum, nil
}

// value is what a number of an entry stands for.
func (e *entry) value(n number) (meter.Value, error) {
	scale, err := e.scaled(n.by)
	if err != nil {
		return meter.Value{}, err
	}
	if e.kind.Quantity.Counted() && n.Negative {
		return meter.Value{}, fmt.Errorf("reads %.6g, and a register of %s does not go below zero: it needs invert, or is no register", n.Number, e.kind.Quantity)
	}
	n.Modulus = cmp.Or(e.modulus, n.Modulus)
	v, err := scale.Value(e.kind, n.Shown)
	if math.IsInf(v.Number, 0) {
		return v, fmt.Errorf("reads %.3g, which is no reading", n.Number)
	}
	return v, err
}
