package modbus

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/gigawatch/gigawatch/collector/internal/meter"
	"github.com/gigawatch/gigawatch/collector/setting"
)

// A RawMap mirrors a register map in a settings file; see the package.
type RawMap struct {
	Name         string     `yaml:"name"`
	Title        string     `yaml:"title"`
	Function     *int       `yaml:"function"`
	WordOrder    string     `yaml:"word_order"`
	ByteOrder    string     `yaml:"byte_order"`
	MaxGap       *int       `yaml:"max_gap"`
	MaxRegisters *int       `yaml:"max_registers"`
	ChannelStep  int        `yaml:"channel_step"`
	Values       []RawValue `yaml:"values"`
}

// A RawValue mirrors one value of it.
type RawValue struct {
	Measures     string    `yaml:"measures"`
	Point        string    `yaml:"point"`
	Offset       *int      `yaml:"offset"`
	Number       *int      `yaml:"number"`
	Plus         []int     `yaml:"plus"`
	Function     *int      `yaml:"function"`
	Type         string    `yaml:"type"`
	Registers    *int      `yaml:"registers"`
	WordOrder    string    `yaml:"word_order"`
	ByteOrder    string    `yaml:"byte_order"`
	Scale        string    `yaml:"scale"`
	Unit         string    `yaml:"unit"`
	Invert       bool      `yaml:"invert"`
	Exponent     *int      `yaml:"exponent"`
	NotAvailable *[]string `yaml:"not_available"`
	RollsOverAt  *uint64   `yaml:"rolls_over_at"`
	Min          *float64  `yaml:"min"`
	Max          *float64  `yaml:"max"`
	Unverified   bool      `yaml:"unverified"`
}

// Limits of a map.
const (
	mostValues    = 64
	mostRegisters = 125 // in a request, by the protocol
	mostPlus      = 16
)

// ParseMap reads the text of a register map; name is for its errors, which say
// file, line and key.
func ParseMap(name string, b []byte) (*Map, error) {
	var r RawMap
	f, err := setting.Decode(name, b, &r)
	if err != nil {
		return nil, err
	}
	return r.in(f)
}

// Map makes a map of r, which stands in no file.
func (r *RawMap) Map() (*Map, error) { return r.in(setting.New("register map " + r.Name)) }

// in makes a map of r, which stands in f.
func (r *RawMap) in(f *setting.File) (*Map, error) {
	m := &Map{Name: r.Name, Title: r.Title, gap: 8, most: mostRegisters, step: r.ChannelStep}
	f.Require(r.Name != "", "name", "missing")
	f.Require(r.ChannelStep >= 0 && r.ChannelStep < 1<<16, "channel_step", "%d is no number of registers", r.ChannelStep)
	if r.MaxGap != nil {
		m.gap = *r.MaxGap
		f.Require(m.gap >= 0 && m.gap <= mostRegisters, "max_gap", "%d is not 0 to %d registers", m.gap, mostRegisters)
	}
	if r.MaxRegisters != nil {
		m.most = *r.MaxRegisters
		f.Require(m.most >= 1 && m.most <= mostRegisters, "max_registers", "%d is not 1 to %d registers", m.most, mostRegisters)
	}
	f.Require(len(r.Values) > 0 && len(r.Values) <= mostValues, "values", "%d values; want 1 to %d", len(r.Values), mostValues)
	seen, measured := map[string]bool{}, false
	for i := range r.Values {
		key := fmt.Sprintf("values.%d", i)
		t := taker{Part: f.Part(key), m: m, r: &r.Values[i], of: r}
		e := t.entry()
		f.Require(!seen[e.name], key+".measures", "%s stands here twice; a sum is written with plus", e.name)
		seen[e.name] = true
		measured = measured || e.purpose == quantity
		m.entries = append(m.entries, e)
	}
	f.Require(measured || len(r.Values) == 0, "values", "nothing of them is measured of the meter")
	if err := f.Err(); err != nil {
		return nil, err
	}
	return m, nil
}

// A taker makes an entry of a value as it is written.
type taker struct {
	setting.Part
	m  *Map
	r  *RawValue
	of *RawMap
}

func (t *taker) entry() entry {
	r := t.r
	e := entry{name: r.Measures, invert: r.Invert, exponent: -1, min: math.Inf(-1), max: math.Inf(1), checked: !r.Unverified}
	t.form(&e)
	t.place(&e)
	t.order(&e)
	q, known := meter.ParseQuantity(r.Measures)
	switch {
	case known:
		t.quantity(&e, q)
	case r.Measures == "frequency":
		e.purpose, e.min, e.max = probe, 45, 65
		t.probe(&e, "Hz")
	case r.Measures == "voltage":
		e.purpose = probe
		t.probe(&e, "V")
		t.Require(r.Min != nil && r.Max != nil, "measures", "a voltage is read to see that it is within min and max")
	case r.Measures == "serial":
		e.purpose = serial
		t.Require(r.Unit == "" && r.Scale == "" && e.form != float, "type", "a serial number is whole, and has no unit")
	default:
		t.Complain("measures", "%q is none of power, energy, energy_export, water, heat, flow, temperature, frequency, voltage, serial", r.Measures)
	}
	if r.Min != nil {
		e.min = *r.Min
	}
	if r.Max != nil {
		e.max = *r.Max
	}
	t.Require(e.min <= e.max, "min", "%g is more than max %g", e.min, e.max)
	return e
}

// form fills in the type, and what follows from it.
func (t *taker) form(e *entry) {
	r := t.r
	k, ok := forms[r.Type]
	if !ok {
		t.Complain("type", "%q is none of u16 s16 u32 s32 u64 s64 f32 f64 mod10k bcd text", r.Type)
		k.words = 1
	}
	e.form, e.words = k.form, k.words
	switch {
	case k.words == 0 && r.Registers == nil:
		t.Complain("type", "%s needs the number of its registers", r.Type)
		e.words = 1
	case k.words == 0:
		e.words = *r.Registers
		most := 4
		if e.form == text {
			most = 16
		}
		if e.words < 1 || e.words > most {
			t.Complain("registers", "%d is not 1 to %d", e.words, most)
			e.words = 1
		}
	case r.Registers != nil:
		t.Complain("registers", "%s has %d", r.Type, k.words)
	}
	t.Require(e.form != text || r.Measures == "serial", "type", "text is for a serial number")
	t.Require((e.form != mod10k && e.form != bcd) || r.WordOrder+t.of.WordOrder != "", "type", "%s needs its word_order: makers differ", r.Type)
	e.none = e.form.usual(e.words)
	if r.NotAvailable != nil {
		e.none = nil
		for _, s := range *r.NotAvailable {
			n, err := strconv.ParseUint(s, 0, 16*min(e.words, 4))
			if err != nil {
				t.Complain("not_available", "%q is no number that %d registers hold", s, e.words)
			}
			e.none = append(e.none, n)
		}
	}
	e.modulus = e.form.modulus(e.words)
	if r.RollsOverAt != nil {
		e.modulus = *r.RollsOverAt
		t.Require(e.modulus > 1, "rolls_over_at", "%d is no number of steps", e.modulus)
	}
	if len(r.Plus) > 0 || r.Exponent != nil {
		e.modulus = 0
		t.Require(r.RollsOverAt == nil, "rolls_over_at", "where a sum or one with an exponent rolls over cannot be told")
	}
}

// place fills in where the registers are.
func (t *taker) place(e *entry) {
	r, from := t.r, 0
	e.function = t.function()
	switch {
	case r.Offset != nil && r.Number != nil:
		t.Complain("number", "offset is counted from 0 and number from 1: say one of them")
	case r.Offset != nil:
		e.at = []int{*r.Offset}
	case r.Number != nil:
		from = 1
		e.at = []int{*r.Number}
	default:
		t.Complain("measures", "where its registers are is not said: offset, counted from 0 as sent, or number, counted from 1")
		e.at = []int{0}
	}
	t.Require(len(r.Plus) <= mostPlus, "plus", "%d registers; at most %d", len(r.Plus), mostPlus)
	e.at = append(e.at, r.Plus[:min(len(r.Plus), mostPlus)]...)
	if r.Exponent != nil {
		e.at = append(e.at, *r.Exponent)
	}
	for i, at := range e.at {
		e.at[i] = at - from
		if e.at[i] < 0 || e.at[i]+e.words > 1<<16 {
			key := "offset"
			if from == 1 {
				key = "number"
			}
			t.Complain(key, "%d is outside of what can be sent; of a number such as 40001 or 300066 the first digit is the function's", at)
			e.at[i] = 0
		}
	}
	if r.Exponent != nil {
		e.exponent = e.at[len(e.at)-1]
		e.at = e.at[:len(e.at)-1]
	}
	t.Require(e.words <= t.m.most, "type", "it takes %d registers, and a request %d", e.words, t.m.most)
}

// function is the one by which the registers are read.
func (t *taker) function() uint8 {
	n, key := t.of.Function, "measures"
	if t.r.Function != nil {
		n, key = t.r.Function, "function"
	}
	if n == nil {
		t.Complain(key, "by which function it is read is not said: 3 for holding registers, 4 for input registers")
		return 3
	}
	if *n != 3 && *n != 4 {
		t.Complain(key, "function %d: registers are read by 3, holding registers, or 4, input registers", *n)
		return 3
	}
	return uint8(*n)
}

// order fills in how words and bytes follow each other.
func (t *taker) order(e *entry) {
	low := func(key, own, all string) bool {
		s := own
		if s == "" {
			s = all
		}
		t.Require(slices.Contains([]string{"", "high_first", "low_first"}, s), key, "%q is neither high_first nor low_first", s)
		return s == "low_first"
	}
	e.order = order{low("word_order", t.r.WordOrder, t.of.WordOrder), low("byte_order", t.r.ByteOrder, t.of.ByteOrder)}
}

func (t *taker) quantity(e *entry, q meter.Quantity) {
	r := t.r
	e.kind = meter.Kind{Quantity: q, Point: r.Point}
	e.name = e.kind.String()
	factor := r.Scale
	if factor == "" {
		factor = "1"
	}
	var err error
	if e.scale, err = meter.NewScale(q, factor, r.Unit); err != nil {
		t.Complain("unit", "%v", err)
	}
	t.Require((r.Point != "") == (q == meter.Temperature), "measures", "a temperature has a point such as supply, and nothing else has")
	t.Require(q.Counted() || r.RollsOverAt == nil, "rolls_over_at", "%s does not roll over", q)
	t.Require(!q.Counted() || r.Min == nil && r.Max == nil, "measures", "what a register may count follows from the meter's rating, not from min and max")
}

func (t *taker) probe(e *entry, unit string) {
	r := t.r
	t.Require(r.Unit == unit, "unit", "%q; want %s", r.Unit, unit)
	factor := 1.
	if r.Scale != "" {
		var err error
		factor, err = strconv.ParseFloat(r.Scale, 64)
		t.Require(err == nil && factor > 0, "scale", "%q is no number above zero", r.Scale)
	}
	e.factor = factor
}
