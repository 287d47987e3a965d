package site

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A Modbus device, over TCP.
type Modbus struct {
	Address       string // host:port
	Transport     string // tcp, rtu_over_tcp, tls
	Cert, Key, CA string // files, of tls
	Unit          int    // of the device behind its gateway
	Channel       int    // of a device that meters several circuits, from 1; 0: it meters one

	Profile   string // of its register map; "": Values
	Function  int    // of Values that do not say their own: 3 holding registers, 4 input registers; 0: each says it
	WordOrder string // high_first, low_first
	ByteOrder string // in a register
	Values    []RegisterValue
}

// A RegisterValue is one value of a register map, its keys as in those that come
// with the collector. Offset is as it goes over the wire, from 0.
type RegisterValue struct {
	Field
	Offset       int
	Function     int    // 0: that of the map
	Type         string // u16 s16 u32 s32 u64 s64 f32 f64 mod10k bcd
	Registers    int    // of mod10k and bcd: how many; else 0
	WordOrder    string // "": that of the map
	ByteOrder    string
	NotAvailable []uint64 // what the registers hold where the device knows nothing
	RollsOverAt  uint64   // after one less they hold zero; 0: where their type does
}

// profiles are the descriptions of devices that come with the collector, by
// protocol.
var profiles = map[string][]string{
	"modbus": {"janitza-b", "janitza-umg", "schneider-iem3000", "schneider-pm5000", "siemens-pac-two-tariffs", "siemens-pac2200", "siemens-pac3200"},
	"snmp":   {"apc-rpdu2", "entity-sensor", "raritan-pdu2", "ups-mib", "vertiv-geist"},
}

// Profiles are the descriptions of devices that a collector has for a protocol.
func Profiles(protocol string) []string { return slices.Clone(profiles[protocol]) }

// profile is v as the name of a description.
func (v value) profile(protocol string) string {
	t := v.text()
	if t != "" && !slices.Contains(profiles[protocol], t) {
		fix := v.r.nearest(t, profiles[protocol])
		if fix == "" {
			fix = "there are " + strings.Join(profiles[protocol], ", ")
		}
		v.wrong(fix, "%q is no profile of %s", short(t), protocol)
	}
	return t
}

var registerTypes = []string{"u16", "s16", "u32", "s32", "u64", "s64", "f32", "f64", "mod10k", "bcd"}

// Limits of what a device is described by.
const (
	mostFields  = 32
	mostMissing = 8
)

func (v value) modbus(n int, one *Meter) func(int, *Read) {
	k := v.section()
	address := k.get("address").address(n, "502")
	unit := k.get("unit").numbers(n, 0, 255, 1)
	channel := k.get("channel").numbers(n, 1, 1000, 0)
	base := Modbus{
		Transport: k.get("transport").choice("tcp", "rtu_over_tcp", "tls"),
		Cert:      k.get("cert").text(), Key: k.get("key").text(), CA: k.get("ca").text(),
		Profile:  k.get("profile").profile("modbus"),
		Function: k.get("function").whole(3, 4, 0), WordOrder: k.endian("word_order"), ByteOrder: k.endian("byte_order"),
	}
	if base.Transport == "" {
		base.Transport = "tcp"
	}
	if given := base.Cert != "" && base.Key != "" && base.CA != ""; given != (base.Transport == "tls") {
		k.r.wrong(k.at("transport"), "write transport: tls with cert:, key: and ca:, or none of them", "certificates and transport tls go together")
	}
	list := k.get("values")
	for i, item := range list.items() {
		if i == mostFields {
			list.wrong("", "more than %d values", mostFields)
			break
		}
		base.Values = append(base.Values, item.registers(one, &base))
	}
	k.end()
	if (base.Profile == "") == (len(base.Values) == 0) {
		k.r.wrong(k.place, "write profile: and one of "+strings.Join(profiles["modbus"], ", ")+"; or values:", "want either a profile or values")
	}
	return func(i int, r *Read) {
		m := base
		m.Address, m.Unit, m.Channel = address(i), unit(i), channel(i)
		r.Modbus = &m
	}
}

func (s *section) endian(key string) string { return s.get(key).choice("high_first", "low_first") }

// registers is one item of a register map.
func (v value) registers(one *Meter, of *Modbus) RegisterValue {
	k := v.section()
	f := RegisterValue{
		Field:     k.field(one),
		Offset:    k.get("offset").whole(0, 65535, 0),
		Function:  k.get("function").whole(3, 4, 0),
		Type:      k.get("type").choice(registerTypes...),
		Registers: k.get("registers").whole(1, 4, 0),
		WordOrder: k.endian("word_order"),
		ByteOrder: k.endian("byte_order"),
	}
	switch from1 := k.get("number"); {
	case from1.given() && k.has("offset"):
		from1.wrong("keep one of them", "offset is counted from 0, and number from 1")
	case from1.given():
		f.Offset = from1.whole(1, 65536, 1) - 1
	case !k.has("offset"):
		k.r.wrong(k.at("offset"), "write offset: as it is sent, from 0, or number: as Schneider prints it, from 1; of 40001 the 4 is the function's", "missing: which register")
	}
	if n := f.Offset / 10_000; (n == 3 || n == 4) && f.Offset%10_000 < 9_999 && f.Offset >= 30_000 {
		key := "offset"
		if !k.has(key) {
			key = "number"
		}
		k.r.warn(k.at(key), fmt.Sprintf("if so, write function: %d and offset: as counted from there, 40001 being 0; else leave it", 7-n), "%s may be a number whose first digit stands for the function", k.get(key).text())
	}
	if f.Function == 0 && of.Function == 0 && !k.has("function") {
		k.r.wrong(k.at("function"), "write function: 3 for holding registers, 4 for input registers", "missing: by which function it is read")
	}
	several := f.Type == "mod10k" || f.Type == "bcd"
	switch {
	case f.Type == "" && !k.has("type"):
		k.r.wrong(k.at("type"), "write one of "+strings.Join(registerTypes, ", "), "missing: how the registers hold the value")
	case f.Type != "" && several != (f.Registers > 0):
		k.r.wrong(k.at("registers"), "write registers: 3, or as many as there are, at mod10k and bcd and nowhere else", "%s has a type with a number of registers, or lacks it", f.Measures)
	case several && f.WordOrder == "" && of.WordOrder == "":
		k.r.wrong(k.at("word_order"), "write word_order: low_first if the lowest digits come first, else high_first", "missing: makers differ")
	}
	for i, w := range k.get("not_available").words() {
		n, err := strconv.ParseUint(w.text(), 0, 64)
		if err != nil || i == mostMissing {
			w.wrong("write it as 0xFFFF, and at most eight of them", "%q is no content of registers", short(w.text()))
			break
		}
		f.NotAvailable = append(f.NotAvailable, n)
	}
	if t := k.get("rolls_over_at"); t.given() {
		n, err := strconv.ParseUint(t.text(), 0, 64)
		if err != nil || n < 2 {
			t.wrong("write a whole number of steps, such as 1000000 of a display with six digits", "%q is no number of steps", short(t.text()))
		}
		f.RollsOverAt = n
	}
	k.end()
	return f
}
