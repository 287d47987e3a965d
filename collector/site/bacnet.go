package site

import (
	"encoding/hex"
	"net"
	"slices"
	"strconv"
	"strings"
)

// A BACnet device, over IP or behind a router.
type BACnet struct {
	Address string // host:port, of the device or of the router to it
	Device  int    // instance number by which it says that it is the one; -1: it is not asked
	Network int    // of the device behind the router; 0: there is none
	MAC     string // its address there: bytes in hex
	Objects []BACnetObject
}

// A BACnetObject is one whose present value is a quantity.
type BACnetObject struct {
	Field              // without a scale that of the object stands, if it has one
	Type        string // analog_input and so on
	Instance    int
	RollsOverAt uint64 // after one less it shows zero; 0: as the object says
	AnyUnit     bool   // what the object says of its unit is not held against that of here
}

// bacnetTypes are those of objects with a number as their present value.
var bacnetTypes = []string{"analog_input", "analog_output", "analog_value", "accumulator", "pulse_converter", "integer_value", "large_analog_value", "positive_integer_value"}

// BACnetTypes are the types of objects that a site file may name.
func BACnetTypes() []string { return slices.Clone(bacnetTypes) }

// mostInstances is one more than the highest instance of a BACnet object.
const mostInstances = 1<<22 - 1

func (v value) bacnet(n int, one *Meter) func(int, *Read) {
	k := v.section()
	address, device := k.get("address").address(n, "47808"), k.get("device").numbers(n, 0, mostInstances-1, -1)
	network, mac := k.get("network").numbers(n, 1, 65534, 0), k.get("mac").stationAddress(n)
	if k.has("network") != k.has("mac") {
		k.r.wrong(k.at("network"), "write both for a device behind a router, address: being the router's; else neither", "network and mac go together")
	}
	list, seen := k.get("objects"), kinds{}
	var objects []BACnetObject
	var instances []func(int) int
	for i, item := range list.items() {
		if i == mostFields {
			list.wrong("", "more than %d objects", mostFields)
			break
		}
		o := item.section()
		f := BACnetObject{Field: o.field(one), Type: o.get("object").choice(bacnetTypes...)}
		if !o.has("object") {
			o.r.wrong(o.at("object"), "write one of "+strings.Join(bacnetTypes, ", "), "missing: the type of the object")
		}
		if !o.has("instance") {
			o.r.wrong(o.at("instance"), "write instance: 3, or as many as there are meters: instance: [101-164]", "missing: the number of the object")
		}
		instances = append(instances, o.get("instance").numbers(n, 0, mostInstances-1, 0))
		f.RollsOverAt = o.get("rolls_over_at").rollover(&f.Field)
		check := o.get("check_unit")
		f.AnyUnit = check.given() && !check.truth()
		o.end()
		seen.add(item, f.Field, "another circuit is another meter")
		objects = append(objects, f)
	}
	if len(objects) == 0 {
		k.r.wrong(k.at("objects"), "write objects: with measures:, object:, instance: and unit: of each", "missing: which objects are read")
	}
	k.end()
	return func(i int, r *Read) {
		r.BACnet = &BACnet{Address: address(i), Device: device(i), Network: network(i), MAC: mac(i), Objects: slices.Clone(objects)}
		for j := range r.BACnet.Objects {
			r.BACnet.Objects[j].Instance = instances[j](i)
		}
	}
}

// stationAddress is v as the address of a station on a network, for each of n:
// bytes in hex.
func (v value) stationAddress(n int) func(i int) string {
	of := v.forEach(n)
	list := make([]string, n)
	for i := range n {
		t := of(i)
		if t == "" {
			continue
		}
		ip, port, err := net.SplitHostPort(t)
		number, bad := strconv.Atoi(t)
		p, badPort := strconv.ParseUint(port, 10, 16)
		b, badHex := hex.DecodeString(strings.ReplaceAll(t, ":", ""))
		ip4 := net.ParseIP(ip).To4()
		switch {
		case bad == nil && number >= 0 && number <= 254:
			list[i] = hex.EncodeToString([]byte{byte(number)})
		case err == nil && ip4 != nil && badPort == nil:
			list[i] = hex.EncodeToString(append(slices.Clone(ip4), byte(p>>8), byte(p)))
		case badHex == nil && len(b) == 6 && strings.Count(t, ":") == 5:
			list[i] = hex.EncodeToString(b)
		default:
			v.wrong("write it as 12 of MS/TP, 10.0.0.17:47808 of IP, or 0a:00:00:11:ba:c0 of Ethernet", "%q is no address on a network of BACnet", short(t))
			return func(int) string { return "" }
		}
	}
	return func(i int) string { return list[i] }
}

// rollover is v as the number of steps at which f begins again, 0 if it was left
// out.
func (v value) rollover(f *Field) uint64 {
	if !v.given() {
		return 0
	}
	n, err := strconv.ParseUint(v.text(), 0, 64)
	switch {
	case err != nil || n < 2:
		v.wrong("write a whole number of steps, such as 1000000 of a display with six digits", "%q is no number of steps", short(v.text()))
	case !f.Measures.counted():
		v.wrong("leave it out", "%s does not roll over", f.Measures)
	}
	return n
}
