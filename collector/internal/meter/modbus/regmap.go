package modbus

import (
	"fmt"
	"math"
	"slices"

	"github.com/gigawatch/gigawatch/collector/internal/meter"
)

// A Map says what the registers of a device mean.
type Map struct {
	Name, Title string
	entries     []entry
	gap, most   int // registers between values that are read along; registers in a request
	step        int // registers from one channel to the next; 0: it has one
}

// A purpose is what a value is read for besides being a quantity of the meter.
type purpose uint8

const (
	quantity purpose = iota
	probe            // to see that registers are read rightly
	serial           // to see that the device is still the same
)

// An entry is one value of a map.
type entry struct {
	name     string // for people
	purpose  purpose
	kind     meter.Kind // of a quantity
	function uint8
	at       []int // offsets, as sent; their sum is meant
	words    int
	form     form
	order    order
	scale    meter.Scale // of a quantity
	factor   float64     // of a probe
	invert   bool
	none     []uint64 // shown where nothing is known
	exponent int      // offset; -1: there is none
	modulus  uint64   // in steps; 0: none
	min, max float64  // in its unit
	checked  bool     // compared with a display
}

// An order is how the parts of a value follow each other.
type order struct{ wordsLow, bytesLow bool }

// setting is how a map spells o.
func (o order) setting() string {
	s := map[bool]string{false: "high_first", true: "low_first"}
	return "word_order: " + s[o.wordsLow] + ", byte_order: " + s[o.bytesLow]
}

// orders are all there are.
var orders = []order{{false, false}, {true, false}, {false, true}, {true, true}}

// A form is how registers hold a number.
type form uint8

const (
	unsigned form = iota
	signed
	float
	mod10k
	bcd
	text // of a serial number
)

// forms are the types of a map, and how many registers they take; 0: it is said.
var forms = map[string]struct {
	form  form
	words int
}{
	"u16": {unsigned, 1}, "u32": {unsigned, 2}, "u64": {unsigned, 4},
	"s16": {signed, 1}, "s32": {signed, 2}, "s64": {signed, 4},
	"f32": {float, 2}, "f64": {float, 4},
	"mod10k": {mod10k, 0}, "bcd": {bcd, 0}, "text": {text, 0},
}

// usual is what devices show in a form where they know nothing.
func (f form) usual(words int) []uint64 {
	top := uint64(1) << (16*words - 1)
	switch f {
	case unsigned:
		if words == 4 {
			return []uint64{math.MaxUint64, top}
		}
		return []uint64{top<<1 - 1}
	case signed:
		return []uint64{top}
	}
	return nil
}

// modulus is after how many steps a register of a form shows zero again; 0: not
// known.
func (f form) modulus(words int) uint64 {
	switch {
	case f == unsigned && words < 4:
		return 1 << (16 * words)
	case (f == mod10k || f == bcd) && words <= 4:
		m := uint64(1)
		for range words {
			m *= 10_000
		}
		return m
	}
	return 0
}

// Channel is m of the n-th circuit of a device that meters several, from 1. Serial
// numbers and what is probed are the device's.
func (m *Map) Channel(n int) (*Map, error) {
	if n < 1 || n > 1 && m.step == 0 {
		return nil, fmt.Errorf("register map %s has no channel %d: it does not say how many registers there are from one to the next", m.Name, n)
	}
	c := *m
	c.entries = slices.Clone(m.entries)
	for i := range c.entries {
		e := &c.entries[i]
		if e.purpose != quantity {
			continue
		}
		by := (n - 1) * m.step
		e.at = slices.Clone(e.at)
		for k := range e.at {
			e.at[k] += by
		}
		if e.exponent >= 0 {
			e.exponent += by
		}
		for _, s := range e.spans() {
			if s.at+s.n > 1<<16 {
				return nil, fmt.Errorf("register map %s has no channel %d: %s would be at register %d", m.Name, n, e.name, s.at)
			}
		}
	}
	return &c, nil
}

// kinds is what a device with map m gives.
func (m *Map) kinds() (list []meter.Kind) {
	for i := range m.entries {
		if e := &m.entries[i]; e.purpose == quantity {
			list = append(list, e.kind)
		}
	}
	return list
}

// Unverified names the values that nobody has compared with a display.
func (m *Map) Unverified() (list []string) {
	for i := range m.entries {
		if e := &m.entries[i]; !e.checked {
			list = append(list, e.name)
		}
	}
	return list
}

// A span is registers that follow each other.
type span struct {
	function uint8
	at, n    int
	values   int // that it holds
}

// spans are those of an entry, each to be read in one request.
func (e *entry) spans() []span {
	var list []span
	for _, at := range e.at {
		list = append(list, span{e.function, at, e.words, 1})
	}
	if e.exponent >= 0 {
		list = append(list, span{e.function, e.exponent, 1, 1})
	}
	return list
}

// apart is the gap of a plan that joins nothing.
const apart = -mostRegisters

// plan joins the spans of all values into requests, over gaps of up to so many
// registers.
func (m *Map) plan(gap int) []span {
	var all []span
	for i := range m.entries {
		all = append(all, m.entries[i].spans()...)
	}
	slices.SortFunc(all, func(a, b span) int {
		if a.function != b.function {
			return int(a.function) - int(b.function)
		}
		return a.at - b.at
	})
	var list []span
	for _, s := range all {
		if k := len(list) - 1; k >= 0 {
			p := &list[k]
			end := max(p.at+p.n, s.at+s.n)
			if p.function == s.function && s.at-(p.at+p.n) <= gap && end-p.at <= m.most {
				p.n = end - p.at
				p.values++
				continue
			}
		}
		list = append(list, s)
	}
	return list
}
