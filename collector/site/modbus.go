package site

import (
	"slices"
	"strings"
)

// A Modbus device, over TCP.
type Modbus struct {
	Address       string // host:port
	Transport     string // tcp, rtu_over_tcp, tls
	Cert, Key, CA string // files, of tls
	Unit          int    // of the device behind its gateway
	Channel       int    // of a device that meters several circuits, from 1; 0: it meters one

	Profile      string // of its register map; "": Values
	Function     int    // of Values that do not say their own: 3 holding registers, 4 input registers; 0: each says it
	WordOrder    string // high_first, low_first
	ByteOrder    string // in a register
	MaxGap       *int   // registers between values that are read along; nil: the collector's
	MaxRegisters int    // in a request; 0: as many as there can be
	ChannelStep  int    // registers from one circuit to the next; 0: it meters one
	Values       []RegisterValue
}

// profiles are the descriptions of devices that come with the collector, by
// protocol.
var profiles = map[string][]string{
	"modbus": {"janitza-b", "janitza-umg", "schneider-iem3000", "schneider-pm5000", "siemens-pac-two-tariffs", "siemens-pac2200", "siemens-pac3200"},
	"snmp":   {"apc-rpdu2", "entity-sensor", "raritan-pdu2", "raritan-pdu2-outlet", "servertech-sentry4", "ups-mib", "ups-mib-input", "vertiv-geist", "vertiv-geist-outlet"},
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

// Limits of what a device is described by.
const (
	mostFields    = 32
	mostMissing   = 8
	mostPlus      = 16
	mostRegisters = 125 // in a request, by the protocol
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
		MaxRegisters: k.get("max_registers").whole(1, mostRegisters, 0), ChannelStep: k.get("channel_step").whole(1, 65535, 0),
	}
	if gap := k.get("max_gap"); gap.given() {
		n := gap.whole(0, mostRegisters, 0)
		base.MaxGap = &n
	}
	if base.Transport == "" {
		base.Transport = "tcp"
	}
	if given := base.Cert != "" && base.Key != "" && base.CA != ""; given != (base.Transport == "tls") {
		k.r.wrong(k.at("transport"), "write transport: tls with cert:, key: and ca:, or none of them", "certificates and transport tls go together")
	}
	list, seen := k.get("values"), kinds{}
	for i, item := range list.items() {
		if i == mostFields {
			list.wrong("", "more than %d values", mostFields)
			break
		}
		f := item.registers(one, &base)
		seen.add(item, f.Field, "a sum of registers is one value with plus: [offset, …]; another circuit is another meter")
		base.Values = append(base.Values, f)
	}
	k.end()
	k.judgeRegisters(&base)
	k.judgeChannels(&base, n, channel)
	if (base.Profile == "") == (len(base.Values) == 0) {
		k.r.wrong(k.place, "write profile: and one of "+strings.Join(profiles["modbus"], ", ")+"; or values:", "want either a profile or values")
	}
	return func(i int, r *Read) {
		m := base
		m.Address, m.Unit, m.Channel = address(i), unit(i), channel(i)
		r.Modbus = &m
	}
}
