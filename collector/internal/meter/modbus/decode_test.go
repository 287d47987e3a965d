package modbus

import (
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/gigawatch/gigawatch/collector/internal/meter"
)

// entryOf is an entry of one value, as a map says it.
func entryOf(t testing.TB, text string) *entry {
	t.Helper()
	m, err := ParseMap("map.yaml", []byte("name: m\nfunction: 3\nvalues:\n- {offset: 0, "+text+"}\n"))
	if err != nil {
		t.Fatal(err)
	}
	return &m.entries[0]
}

func TestV14RegisterWords(t *testing.T) {
	for name, tc := range map[string]struct {
		entry string
		words []uint16
		want  float64 // in the unit of the quantity; of a register in mJ
	}{
		"float32 ABCD":      {"measures: power, type: f32, unit: W", []uint16{0x449A, 0x5000}, 1234.5},
		"float32 CDAB":      {"measures: power, type: f32, unit: W, word_order: low_first", []uint16{0x5000, 0x449A}, 1234.5},
		"float32 BADC":      {"measures: power, type: f32, unit: W, byte_order: low_first", []uint16{0x9A44, 0x0050}, 1234.5},
		"float32 DCBA":      {"measures: power, type: f32, unit: W, word_order: low_first, byte_order: low_first", []uint16{0x0050, 0x9A44}, 1234.5},
		"float32 in kW":     {"measures: power, type: f32, unit: kW", []uint16{0x449A, 0x5000}, 1234500},
		"int64":             {"measures: energy, type: s64, unit: Wh", []uint16{0x0000, 0x00E5, 0xF4C8, 0xF374}, 987654321012 * 3.6e6},
		"uint64":            {"measures: energy, type: u64, unit: Wh", []uint16{0x0000, 0x00E5, 0xF4C8, 0xF374}, 987654321012 * 3.6e6},
		"int64 low first":   {"measures: energy, type: s64, unit: Wh, word_order: low_first", []uint16{0xF374, 0xF4C8, 0x00E5, 0x0000}, 987654321012 * 3.6e6},
		"float64":           {"measures: energy, type: f64, unit: Wh", []uint16{0x419D, 0x6F34, 0x5500, 0x0000}, 123456789.25 * 3.6e6},
		"M10K low to high":  {"measures: energy, type: mod10k, registers: 3, unit: Wh, word_order: low_first", []uint16{9896, 541, 3}, 305419896 * 3.6e6},
		"M10K high to low":  {"measures: energy, type: mod10k, registers: 3, unit: Wh, word_order: high_first", []uint16{3, 541, 9896}, 305419896 * 3.6e6},
		"BCD":               {"measures: energy, type: bcd, registers: 2, unit: kWh, word_order: high_first", []uint16{0x0123, 0x4567}, 1234567 * 3.6e9},
		"int16":             {"measures: power, type: s16, unit: W", []uint16{0xFFFE}, -2},
		"int16 turned":      {"measures: power, type: s16, unit: W, invert: true", []uint16{0xFFFE}, 2},
		"uint16 in tenths":  {"measures: power, type: u16, unit: kW, scale: 0.1", []uint16{123}, 12300},
		"int32":             {"measures: power, type: s32, unit: W", []uint16{0xFFFF, 0xFFFE}, -2},
		"uint32 in 0.1 kWh": {"measures: energy, type: u32, unit: kWh, scale: 0.1", []uint16{0x0001, 0x0000}, 6553.6 * 3.6e9},
		"litres":            {"measures: water, type: u32, unit: L", []uint16{0, 7}, 7000},
		"degrees":           {"measures: temperature, point: supply, type: s16, scale: 0.1, unit: C", []uint16{215}, 21.5},
		"heat":              {"measures: heat, type: u32, unit: MWh, scale: 0.001", []uint16{0, 3}, 3 * 3.6e9},
		"a negative import": {"measures: energy, type: s32, unit: Wh, invert: true", []uint16{0xFFFF, 0xFFF0}, 16 * 3.6e6},
	} {
		t.Run(name, func(t *testing.T) {
			e := entryOf(t, tc.entry)
			v, err := e.read(words{parts: [][]uint16{tc.words}})
			if err != nil {
				t.Fatal(err)
			}
			got := v.Number
			if v.Quantity.Counted() {
				got = float64(v.Register.Steps) * float64(v.Register.Size.Num) / float64(v.Register.Size.Den)
			}
			if got != tc.want && math.Abs(got-tc.want) > 1e-6*math.Abs(tc.want) {
				t.Errorf("%g, want %g", got, tc.want)
			}
		})
	}
}

func TestExactSteps(t *testing.T) {
	e := entryOf(t, "measures: energy, type: s64, unit: Wh")
	v, err := e.read(words{parts: [][]uint16{{0x0000, 0x00E5, 0xF4C8, 0xF374}}})
	if want := (meter.Register{Steps: 987654321012, Size: meter.Size{Num: 3_600_000, Den: 1}}); err != nil || v.Register != want {
		t.Errorf("%+v, %v", v.Register, err)
	}
	e = entryOf(t, "measures: energy, type: u32, unit: kWh, scale: 0.1")
	v, err = e.read(words{parts: [][]uint16{{0xFFFF, 0xFFA0}}})
	if want := (meter.Register{Steps: 4294967200, Modulus: 1 << 32, Size: meter.Size{Num: 360_000_000, Den: 1}}); err != nil || v.Register != want {
		t.Errorf("%+v, %v", v.Register, err)
	}
	// Of a float the steps are millijoules, and it moves by what its mantissa can tell.
	e = entryOf(t, "measures: energy, type: f32, unit: Wh")
	v, err = e.read(words{parts: [][]uint16{halves(math.Float32bits(16_777_216))}})
	if want := (meter.Register{Steps: 16_777_216 * 3_600_000, Grain: 2 * 3_600_000, Size: meter.Size{Num: 1, Den: 1}}); err != nil || v.Register != want {
		t.Errorf("%+v, %v", v.Register, err)
	}
}

func halves(v uint32) []uint16 { return []uint16{uint16(v >> 16), uint16(v)} }

func TestModuli(t *testing.T) {
	for entry, want := range map[string]uint64{
		"type: u16": 1 << 16, "type: u32": 1 << 32, "type: u64": 0, "type: s32": 0, "type: s64": 0, "type: f32": 0,
		"type: mod10k, registers: 3, word_order: low_first": 1e12, "type: bcd, registers: 4, word_order: low_first": 1e16,
		"type: u32, rolls_over_at: 1000000": 1e6, "type: f64, rolls_over_at: 1000000": 1e6, "type: u32, plus: [4]": 0, "type: u16, exponent: 9": 0,
	} {
		if got := entryOf(t, "measures: energy, unit: kWh, "+entry).modulus; got != want {
			t.Errorf("%s rolls over at %d, want %d", entry, got, want)
		}
	}
}

func TestWhatIsNoReading(t *testing.T) {
	nan, inf := math.Float32bits(float32(math.NaN())), math.Float32bits(float32(math.Inf(1)))
	for name, tc := range map[string]struct {
		entry string
		words []uint16
		want  string // "": missing
	}{
		"0x8000":                {"measures: power, type: s16, unit: W", []uint16{0x8000}, ""},
		"0xFFFF":                {"measures: power, type: u16, unit: W", []uint16{0xFFFF}, ""},
		"0xFFC00000":            {"measures: power, type: f32, unit: W", []uint16{0xFFC0, 0}, ""},
		"any other NaN":         {"measures: power, type: f32, unit: W", halves(nan), ""},
		"0x8000000000000000":    {"measures: energy, type: s64, unit: Wh", []uint16{0x8000, 0, 0, 0}, ""},
		"all bits of 64":        {"measures: energy, type: u64, unit: Wh", []uint16{0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF}, ""},
		"0x80000000":            {"measures: power, type: s32, unit: W", []uint16{0x8000, 0}, ""},
		"0xFFFFFFFF":            {"measures: energy, type: u32, unit: Wh", []uint16{0xFFFF, 0xFFFF}, ""},
		"as the map says":       {"measures: power, type: u16, unit: W, not_available: [0x7FFF, 0]", []uint16{0x7FFF}, ""},
		"zero, as it says":      {"measures: energy, type: u32, unit: Wh, not_available: [0]", []uint16{0, 0}, ""},
		"infinity":              {"measures: power, type: f32, unit: W", halves(inf), "power reads +Inf, which is no reading"},
		"another word order":    {"measures: power, type: f32, unit: W", []uint16{0x0000, 0x429B}, "power reads 2.39e-41, which is no reading; with word_order: low_first, byte_order: high_first it would be 77.5"},
		"below zero":            {"measures: energy, type: s32, unit: Wh", []uint16{0xFFFF, 0xFFF0}, "energy reads -16, and a register of energy does not go below zero"},
		"no four digits":        {"measures: energy, type: mod10k, registers: 2, unit: Wh, word_order: low_first", []uint16{10000, 0}, "energy reads 10000 where a register holds four digits"},
		"no decimal number":     {"measures: energy, type: bcd, registers: 1, unit: Wh, word_order: low_first", []uint16{0x12A4}, "energy reads 12A4, which is no decimal number"},
		"beyond its bounds":     {"measures: temperature, point: supply, type: s16, unit: C, min: 0, max: 60", []uint16{600}, "temperature at supply reads 600, not 0 to 60"},
		"float below zero":      {"measures: energy, type: f32, unit: Wh", halves(math.Float32bits(-5)), "energy reads -5, and a register"},
		"more than all meters":  {"measures: energy, type: f32, unit: GWh", halves(math.Float32bits(1e30)), "is no reading of a register"},
		"a hundred giga degree": {"measures: temperature, point: a, type: f32, unit: C, max: 100", halves(math.Float32bits(1e20)), "not -Inf to 100"},
	} {
		t.Run(name, func(t *testing.T) {
			e := entryOf(t, tc.entry)
			v, err := e.read(words{parts: [][]uint16{tc.words}})
			if tc.want == "" {
				if !errors.Is(err, errMissing) {
					t.Errorf("%+v, %v; want it missing", v, err)
				}
				return
			}
			if err == nil || errors.Is(err, errMissing) || !contains(err.Error(), tc.want) {
				t.Errorf("%+v, %v; want %q", v, err, tc.want)
			}
		})
	}
	e := entryOf(t, "measures: power, type: u16, unit: W, not_available: []")
	if v, err := e.read(words{parts: [][]uint16{{0xFFFF}}}); err != nil || v.Number != 65535 {
		t.Errorf("%+v, %v", v, err)
	}
}

func TestSumsAndExponents(t *testing.T) {
	phases := entryOf(t, "measures: power, type: s16, unit: W, plus: [2, 4]")
	if v, err := phases.read(words{parts: [][]uint16{{100}, {0xFFFF}, {200}}}); err != nil || v.Number != 299 {
		t.Errorf("%+v, %v", v, err)
	}
	if _, err := phases.read(words{parts: [][]uint16{{100}, {0x8000}, {200}}}); !errors.Is(err, errMissing) {
		t.Errorf("%v; a sum is all of its parts or missing", err)
	}
	tariffs := entryOf(t, "measures: energy, type: u32, unit: Wh, plus: [2]")
	if v, err := tariffs.read(words{parts: [][]uint16{{0, 7}, {1, 0}}}); err != nil || v.Register.Steps != 65543 || v.Register.Modulus != 0 {
		t.Errorf("%+v, %v", v, err)
	}
	scaled := entryOf(t, "measures: power, type: u16, unit: W, exponent: 9")
	for exponent, want := range map[uint16]float64{0: 123, 2: 12300, 0xFFFF: 12.3} {
		if v, err := scaled.read(words{parts: [][]uint16{{123}}, exponent: []uint16{exponent}}); err != nil || math.Abs(v.Number-want) > 1e-9 {
			t.Errorf("%+v, %v; want %g", v, err, want)
		}
	}
	if _, err := scaled.read(words{parts: [][]uint16{{123}}, exponent: []uint16{0x8000}}); !errors.Is(err, errMissing) {
		t.Error(err)
	}
	if _, err := scaled.read(words{parts: [][]uint16{{123}}, exponent: []uint16{300}}); err == nil || !contains(err.Error(), "its exponent reads 300") {
		t.Error(err)
	}
	counted := entryOf(t, "measures: energy, type: u32, unit: Wh, exponent: 9")
	if v, err := counted.read(words{parts: [][]uint16{{0, 99}}, exponent: []uint16{3}}); err != nil || v.Register.Steps != 99_000*3_600_000 || v.Register.Grain != 1000*3_600_000 {
		t.Errorf("%+v, %v", v, err)
	}
}

func TestSerialNumbers(t *testing.T) {
	for entry, tc := range map[string]struct {
		words []uint16
		want  string
	}{
		"type: u32":                {[]uint16{0x0001, 0x0002}, "65538"},
		"type: text, registers: 3": {[]uint16{0x4142, 0x4300, 0x2020}, "ABC"},
		"type: text, registers: 2, byte_order: low_first": {[]uint16{0x4241, 0x0043}, "ABC"},
		"type: text, registers: 1":                        {[]uint16{0}, ""},
		"type: u16":                                       {[]uint16{0xFFFF}, ""},
	} {
		m, err := ParseMap("m", []byte("name: m\nfunction: 3\nvalues:\n- {measures: power, offset: 0, type: u16, unit: W}\n- {measures: serial, offset: 7, "+entry+"}\n"))
		if err != nil {
			t.Fatal(err)
		}
		e := &m.entries[1]
		if got, err := e.text(tc.words); got != tc.want || (err != nil) != (tc.want == "") {
			t.Errorf("%s: %q, %v", entry, got, err)
		}
	}
}

// encode is the words of a number in an order: the reverse of decode, written
// apart from it.
func encode(raw uint64, n int, o order) []uint16 {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], raw)
	var w []uint16
	for i := 8 - 2*n; i < 8; i += 2 {
		if o.bytesLow {
			w = append(w, uint16(b[i+1])<<8|uint16(b[i]))
		} else {
			w = append(w, uint16(b[i])<<8|uint16(b[i+1]))
		}
	}
	if o.wordsLow {
		slices.Reverse(w)
	}
	return w
}

// Whatever registers hold, what is made of them is a number that could be a
// reading, and words in one order are read back only by that order.
func FuzzDecode(f *testing.F) {
	f.Add(uint8(0), uint8(2), uint8(1), uint64(0x449A5000), uint16(0), false)
	f.Add(uint8(3), uint8(3), uint8(0), uint64(98960541_0003), uint16(3), true)
	f.Add(uint8(4), uint8(1), uint8(2), uint64(0x1234), uint16(0x8000), false)
	f.Fuzz(func(t *testing.T, kind, count, which uint8, raw uint64, exponent uint16, invert bool) {
		o := orders[which%4]
		e := &entry{name: "x", form: form(kind % 6), words: int(count%4) + 1, order: o, invert: invert, exponent: -1, min: math.Inf(-1), max: math.Inf(1)}
		if e.form == float && e.words != 4 {
			e.words = 2
		}
		raw &= math.MaxUint64 >> (64 - 16*e.words)
		for _, q := range []meter.Quantity{meter.Power, meter.Energy} {
			e.kind = meter.Kind{Quantity: q}
			e.scale, _ = meter.NewScale(q, "0.1", map[meter.Quantity]string{meter.Power: "kW", meter.Energy: "kWh"}[q])
			w := words{parts: [][]uint16{encode(raw, e.words, o)}}
			if exponent%3 == 0 {
				e.exponent, w.exponent = 9, []uint16{exponent}
			}
			v, err := e.read(w)
			e.otherwise(w.parts, w.exponent)
			switch {
			case err != nil:
			case math.IsNaN(v.Number) || math.IsInf(v.Number, 0) || v.Number != 0 && math.Abs(v.Number) < 1e-40:
				t.Errorf("%x is %g", raw, v.Number)
			case q.Counted() && v.Register.Modulus > 0 && v.Register.Steps >= v.Register.Modulus:
				t.Errorf("%x is %+v", raw, v.Register)
			}
			if n, err := e.decode(w.parts[0], o); err == nil && e.form == unsigned && n.Steps != raw {
				t.Errorf("%x is read as %x", raw, n.Steps)
			}
		}
		e.text(encode(raw, e.words, o))
	})
}
