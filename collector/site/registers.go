package site

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A RegisterValue is one value of a register map, its keys as in those that come
// with the collector. Offsets are as they go over the wire, from 0.
type RegisterValue struct {
	Field        // may also be what registers are checked by: see [MeasuresFrequency]
	Offset       int
	Plus         []int  // offsets of others that are added to it
	Exponent     *int   // offset of the power of ten; nil: there is none
	Function     int    // 0: that of the map
	Type         string // u16 s16 u32 s32 u64 s64 f32 f64 mod10k bcd, text of a serial number
	Registers    int    // of mod10k, bcd and text: how many; else 0
	WordOrder    string // "": that of the map
	ByteOrder    string
	NotAvailable []uint64 // what the registers hold where the device knows nothing; nil: as is usual for their type; empty: they always know
	RollsOverAt  uint64   // after one less they hold zero; 0: where their type does
	Min, Max     *float64 // of an instant value, in its unit: what is outside is not believed
}

// What a device is not metered for, but checked by: a frequency and a voltage that
// are out of bounds show that registers are read wrongly, and another serial number
// that the device is another one.
const (
	MeasuresFrequency Quantity = "frequency"
	MeasuresVoltage   Quantity = "voltage"
	MeasuresSerial    Quantity = "serial"
)

var checkedBy = []string{string(MeasuresFrequency), string(MeasuresVoltage), string(MeasuresSerial)}

// registerTypes are how registers hold a number, and how many of them; 0: it is said.
var registerTypes = []struct {
	name  string
	words int
}{{"u16", 1}, {"s16", 1}, {"u32", 2}, {"s32", 2}, {"u64", 4}, {"s64", 4}, {"f32", 2}, {"f64", 4}, {"mod10k", 0}, {"bcd", 0}, {"text", 0}}

func typeNames() (names []string) {
	for _, t := range registerTypes {
		names = append(names, t.name)
	}
	return names
}

// words is how many registers f takes, 0 if that is not known.
func (f *RegisterValue) words() int {
	for _, t := range registerTypes {
		if t.name == f.Type {
			return cmp.Or(t.words, f.Registers)
		}
	}
	return 0
}

func (s *section) endian(key string) string { return s.get(key).choice("high_first", "low_first") }

// all are the offsets that belong to f.
func (f *RegisterValue) all() []int {
	list := append([]int{f.Offset}, f.Plus...)
	if f.Exponent != nil {
		list = append(list, *f.Exponent)
	}
	return list
}

// registers is one item of a register map.
func (v value) registers(one *Meter, of *Modbus) RegisterValue {
	k := v.section()
	f := RegisterValue{
		Field:     k.field(one, checkedBy...),
		Function:  k.get("function").whole(3, 4, 0),
		Type:      k.get("type").choice(typeNames()...),
		WordOrder: k.endian("word_order"),
		ByteOrder: k.endian("byte_order"),
	}
	k.offsets(&f)
	if f.Function == 0 && of.Function == 0 && !k.has("function") {
		k.r.wrong(k.at("function"), "write function: 3 for holding registers, 4 for input registers", "missing: by which function it is read")
	}
	k.form(&f, of)
	k.missing(&f)
	k.limits(&f)
	k.end()
	return f
}

// offsets reads where the registers of f are.
func (s *section) offsets(f *RegisterValue) {
	key, from := "offset", 0
	f.Offset = s.get("offset").whole(0, 65535, 0)
	switch from1 := s.get("number"); {
	case from1.given() && s.has("offset"):
		from1.wrong("keep one of them", "offset is counted from 0, and number from 1")
	case from1.given():
		key, from = "number", 1
		f.Offset = from1.whole(1, 65536, 1) - 1
	case !s.has("offset"):
		s.r.wrong(s.at("offset"), "write offset: as it is sent, from 0, or number: as Schneider prints it, from 1; of 40001 the 4 is the function's", "missing: which register")
	}
	if n := f.Offset / 10_000; (n == 3 || n == 4) && f.Offset%10_000 < 9_999 && f.Offset >= 30_000 {
		s.r.warn(s.at(key), fmt.Sprintf("if so, write function: %d and offset: as counted from there, 40001 being 0; else leave it", 7-n), "%s may be a number whose first digit stands for the function", s.get(key).text())
	}
	for i, w := range s.get("plus").words() {
		if i == mostPlus {
			w.wrong("", "more than %d registers are added", mostPlus)
			break
		}
		f.Plus = append(f.Plus, w.whole(from, 65535+from, from)-from)
	}
	if e := s.get("exponent"); e.given() {
		at := e.whole(from, 65535+from, from) - from
		f.Exponent = &at
	}
}

// form reads how the registers of f hold it.
func (s *section) form(f *RegisterValue, of *Modbus) {
	most := 4
	if f.Type == "text" {
		most = 16
	}
	f.Registers = s.get("registers").whole(1, most, 0)
	several := f.Type == "mod10k" || f.Type == "bcd" || f.Type == "text"
	switch {
	case f.Type == "" && !s.has("type"):
		s.r.wrong(s.at("type"), "write one of "+strings.Join(typeNames(), ", "), "missing: how the registers hold the value")
	case f.Type != "" && !s.has("registers") && several:
		s.r.wrong(s.at("registers"), "write registers: 3, or as many as it takes", "missing: how many registers a value of type %s takes", f.Type)
	case f.Type != "" && s.has("registers") && !several:
		s.r.wrong(s.at("registers"), "leave it out: it is for mod10k, bcd and text", "a value of type %s always takes %d", f.Type, f.words())
	case several && f.Type != "text" && f.WordOrder == "" && of.WordOrder == "" && !s.has("word_order"):
		s.r.wrong(s.at("word_order"), "write word_order: low_first if the lowest digits come first, else high_first", "missing: makers differ")
	case f.Type == "text" && f.Measures != MeasuresSerial:
		s.r.wrong(s.at("type"), "write how the registers hold a number", "a text is for measures: serial")
	case f.Measures == MeasuresSerial && (f.Type == "f32" || f.Type == "f64"):
		s.r.wrong(s.at("type"), "write text, or a type of whole numbers", "a serial number has no fraction")
	}
	for _, at := range f.all() {
		if n := f.words(); at+n > 1<<16 {
			s.r.wrong(s.at("type"), "look at the offset and the type again", "its %d registers from offset %d on go beyond the last, 65535", n, at)
		}
	}
	if n := f.words(); of.MaxRegisters > 0 && n > of.MaxRegisters {
		s.r.wrong(s.at("type"), fmt.Sprintf("write max_registers: %d or more: a value is read in one request", n), "it takes %d registers, and max_registers is %d", n, of.MaxRegisters)
	}
}

// missing reads what the registers of f hold where nothing is known.
func (s *section) missing(f *RegisterValue) {
	list := s.get("not_available")
	if !list.given() {
		return
	}
	f.NotAvailable = []uint64{}
	for i, w := range list.words() {
		n, err := strconv.ParseUint(w.text(), 0, 64)
		if err != nil || i == mostMissing {
			w.wrong("write it as 0xFFFF, and at most eight of them", "%q is no content of registers", short(w.text()))
			break
		}
		if bits := 16 * f.words(); bits > 0 && bits < 64 && n>>bits != 0 {
			w.wrong(fmt.Sprintf("the highest is 0x%X", uint64(1)<<bits-1), "%s is more than its registers hold", short(w.text()))
			break
		}
		f.NotAvailable = append(f.NotAvailable, n)
	}
}

// counted reports whether q is a register's.
func (q Quantity) counted() bool {
	return q == MeasuresEnergy || q == MeasuresExport || q == MeasuresHeat || q == MeasuresWater
}

// limits reads where f rolls over, and between what it is believed.
func (s *section) limits(f *RegisterValue) {
	t := s.get("rolls_over_at")
	if f.RollsOverAt = t.rollover(&f.Field); f.RollsOverAt > 0 && (len(f.Plus) > 0 || f.Exponent != nil) {
		t.wrong("leave it out", "where a sum, or a value with an exponent, rolls over cannot be told")
	}
	for _, b := range []struct {
		key string
		to  **float64
	}{{"min", &f.Min}, {"max", &f.Max}} {
		t := s.get(b.key)
		if !t.given() {
			continue
		}
		n, err := strconv.ParseFloat(t.text(), 64)
		switch {
		case err != nil || n != n || n-n != 0:
			t.wrong("write a number, in the unit of the value", "%q is no number", short(t.text()))
			continue
		case f.Measures.counted() || f.Measures == MeasuresSerial:
			t.wrong("leave it out", "%s has no bounds of its own: what a register may count follows from the rating of the meter", f.Measures)
			continue
		}
		*b.to = &n
	}
	low, high := f.Min, f.Max
	if f.Measures == MeasuresFrequency {
		low, high = given(low, 45), given(high, 65)
	}
	switch {
	case low != nil && high != nil && *low > *high:
		s.r.wrong(s.at("min"), "exchange them; of a frequency they are 45 and 65 unless written", "the least, %g, is more than the most, %g", *low, *high)
	case f.Measures == MeasuresVoltage && (low == nil || high == nil):
		s.r.wrong(s.at("min"), "write such as min: 207 and max: 253", "missing: a voltage is read to see that it is between min and max")
	}
}

// given is p, or of what it stands for if it was left out.
func given(p *float64, or float64) *float64 {
	if p == nil {
		return &or
	}
	return p
}

// judgeRegisters looks whether there is a value of what the meter measures.
func (s *section) judgeRegisters(m *Modbus) {
	for _, f := range m.Values {
		if !slices.Contains(checkedBy, string(f.Measures)) {
			return
		}
	}
	if len(m.Values) > 0 {
		s.r.wrong(s.at("values"), "write a value of what the meter measures, such as energy", "nothing is measured by them: %s only show that registers are read rightly", strings.Join(checkedBy, ", "))
	}
}

// judgeChannels looks whether all n circuits have registers.
func (s *section) judgeChannels(m *Modbus, n int, channel func(int) int) {
	for i := range n {
		c := channel(i)
		switch {
		case c <= 1:
		case m.Profile != "":
			s.r.wrong(s.at("channel"), "leave it out, or write values: with channel_step: in place of the profile", "devices of profile %s meter one circuit", m.Profile)
			return
		case m.ChannelStep == 0:
			s.r.wrong(s.at("channel"), "write channel_step: with it, or leave it out", "channel %d, and it is not said how many registers there are from one circuit to the next", c)
			return
		}
		for _, f := range m.Values {
			if at := slices.Max(f.all()) + (c-1)*m.ChannelStep; c > 1 && at+f.words() > 1<<16 {
				s.r.wrong(s.at("channel"), "look at channel: and channel_step: again", "%s of channel %d would be at offset %d, beyond the last, 65535", f.Measures, c, at)
				return
			}
		}
	}
}
