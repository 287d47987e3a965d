package site

import (
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/secret"
)

// A Read says how a meter is read: exactly one of its protocols is set. Secrets
// stand in files, never here.
type Read struct {
	By      string        // the agent that reads it; "": any that is told to
	Every   time.Duration // 0: as the reader pleases
	Timeout time.Duration
	Invert  bool // it is the other direction of the device that counts here

	Modbus  *Modbus
	SNMP    *SNMP
	Redfish *Redfish
	MQTT    *MQTT
	BACnet  *BACnet
	OPCUA   *OPCUA
	CSV     *CSV // nothing is polled: readings are imported from files
}

// Protocol is the name of the one that is set, "" of a nil Read.
func (r *Read) Protocol() string {
	switch {
	case r == nil:
		return ""
	case r.Modbus != nil:
		return "modbus"
	case r.SNMP != nil:
		return "snmp"
	case r.Redfish != nil:
		return "redfish"
	case r.MQTT != nil:
		return "mqtt"
	case r.BACnet != nil:
		return "bacnet"
	case r.OPCUA != nil:
		return "opcua"
	case r.CSV != nil:
		return "csv"
	}
	return ""
}

// A Field is one quantity of a device that is described here and not by a
// profile.
type Field struct {
	Measures Quantity
	Point    string // of a temperature: supply, return, outside
	Unit     string // of what the device shows
	Scale    string // decimal number: of how much of the unit each step is; "" is 1
	Invert   bool   // it counts the other way
}

// fieldUnits are the units in which devices show a quantity.
var fieldUnits = map[Quantity][]string{
	MeasuresPower:       {"W", "kW", "MW"},
	MeasuresEnergy:      {"Wh", "kWh", "MWh", "GWh", "J", "kJ", "MJ", "GJ"},
	MeasuresExport:      {"Wh", "kWh", "MWh", "GWh", "J", "kJ", "MJ", "GJ"},
	MeasuresHeat:        {"Wh", "kWh", "MWh", "GWh", "J", "kJ", "MJ", "GJ"},
	MeasuresWater:       {"mL", "L", "hL", "m3"},
	MeasuresFlow:        {"m3/s", "m3/h", "L/s", "L/min", "L/h"},
	MeasuresTemperature: {"C", "K", "F"},
	MeasuresLeak:        {},
	MeasuresFrequency:   {"Hz"},
	MeasuresVoltage:     {"V"},
}

// field reads the keys of a Field of a meter; also are what such devices are read
// for besides.
func (s *section) field(of *Meter, also ...string) Field {
	f := Field{Measures: Quantity(s.get("measures").text()), Point: s.get("point").text(), Unit: s.get("unit").text(), Scale: s.get("scale").text(), Invert: s.get("invert").truth()}
	role := roleOf(of.Role)
	if role == nil {
		return f
	}
	can := role.quantities()
	if !slices.Contains(can, string(f.Measures)) && !slices.Contains(also, string(f.Measures)) {
		s.measure(&f, of.Role, can)
		return f
	}
	switch units := fieldUnits[f.Measures]; {
	case len(units) == 0 && f.Unit+f.Scale != "":
		s.r.wrong(s.at("unit"), "leave out unit and scale", "%s has none", f.Measures)
	case len(units) > 0 && f.Unit == "":
		s.r.wrong(s.at("unit"), "write unit: and one of "+strings.Join(units, ", "), "missing: in which unit the device shows %s", f.Measures)
	case len(units) > 0 && !slices.Contains(units, f.Unit):
		s.r.wrong(s.at("unit"), meantUnit(f.Unit, units), "%s comes in %s, and not in %q", f.Measures, strings.Join(units, ", "), short(f.Unit))
	}
	if f.Scale != "" {
		if all, _, rest, ok := number(f.Scale); !ok || rest != "" || strings.Trim(all, "0") == "" || all[0] == '-' {
			s.r.wrong(s.at("scale"), "write 0.1, or leave it out for 1; what counts the other way is invert: true", "%q is no number above zero", short(f.Scale))
		}
	}
	if point := f.Measures == MeasuresTemperature; point != (f.Point != "") {
		s.r.wrong(s.at("point"), "write point: supply, return or outside, at a temperature and nowhere else", "a temperature has a point, and nothing else has")
	}
	return f
}

// meantUnit says which of units was probably meant by a text.
func meantUnit(t string, units []string) string {
	for _, u := range units {
		if u == t+"h" || strings.EqualFold(u, t) || u == strings.NewReplacer("³", "3", "°", "").Replace(t) {
			return "did you mean " + u + "?"
		}
	}
	return ""
}

// measure complains of what f is said to measure.
func (s *section) measure(f *Field, role string, can []string) {
	switch {
	case !s.has("measures"):
		s.r.wrong(s.at("measures"), "write measures: and one of "+strings.Join(can, ", "), "missing: what this is")
	case fieldUnits[f.Measures] != nil:
		s.r.wrong(s.at("measures"), "want one of "+strings.Join(can, ", ")+"; or the meter has another role", "a meter of role %s has no %s", role, f.Measures)
	default:
		s.r.wrong(s.at("measures"), s.r.nearest(string(f.Measures), can), "want one of %s, and here is %q", strings.Join(can, ", "), short(string(f.Measures)))
	}
}

// kinds are the quantities that a device was said to show.
type kinds map[string]place

// add complains of one that was there before; instead says what else may be meant.
func (k kinds) add(v value, f Field, instead string) {
	what := strings.TrimSpace(string(f.Measures) + " " + f.Point)
	if first, twice := k[what]; twice && what != "" {
		v.wrong("keep one; "+instead, "%s stands here twice, first in line %d", what, first.line)
		return
	}
	k[what] = v.place
}

// reading reads how n meters, which are like one, are read.
func (v value) reading(n int, one *Meter) func(i int) *Read {
	if !v.given() {
		return func(int) *Read { return nil }
	}
	k := v.section()
	base := Read{By: k.get("by").text(), Every: k.get("every").duration(), Timeout: k.get("timeout").duration(), Invert: k.get("invert").truth()}
	if base.By != "" && !metric.ValidName(base.By) {
		k.get("by").wrong("write the name of the collector's agent", "%q is no name", short(base.By))
	}
	if base.Every > 0 && base.Timeout > base.Every {
		k.r.warn(k.at("timeout"), "write less than "+base.Every.String(), "it is asked every %v, and waited for up to %v", base.Every, base.Timeout)
	}
	protocols := []struct {
		name string
		each func(value, int, *Meter) func(int, *Read)
	}{{"modbus", value.modbus}, {"snmp", value.snmp}, {"redfish", value.redfish}, {"mqtt", value.mqtt}, {"bacnet", value.bacnet}, {"opcua", value.opcua}, {"csv", value.csv}}
	var fill func(int, *Read)
	var names []string
	for _, p := range protocols {
		sub := k.get(p.name)
		names = append(names, p.name)
		if _, stands := k.lines[p.name]; !stands {
			continue
		}
		if fill != nil {
			k.r.wrong(sub.place, "keep one; a second way to the same point is a meter with backup_of:", "two protocols for one meter")
			continue
		}
		fill = p.each(sub, n, one)
	}
	k.end()
	if fill == nil {
		k.r.wrong(k.place, "write one of "+strings.Join(names, ", ")+" below it", "missing: by which protocol")
		return func(int) *Read { return nil }
	}
	return func(i int) *Read {
		r := base
		fill(i, &r)
		return &r
	}
}

// duration is v as a length of time from a tenth of a second to a day, 0 if it
// was left out.
func (v value) duration() time.Duration {
	t := v.text()
	if t == "" {
		return 0
	}
	d, err := time.ParseDuration(t)
	if err != nil || d < 100*time.Millisecond || d > 24*time.Hour {
		v.wrong("write it as 10s or 15m", "%q is no length of time from 100ms to 24h", short(t))
		return 0
	}
	return d
}

// address is v as host:port, for each of n.
func (v value) address(n int, port string) func(i int) string {
	of := v.forEach(n)
	if !v.given() {
		v.wrong("write the host, or host:port", "missing: where the device is")
	}
	for i := range n {
		a := of(i)
		if a == "" {
			continue
		}
		host, p, err := net.SplitHostPort(a)
		if err != nil {
			host, p = strings.Trim(a, "[]"), port
		}
		number, bad := strconv.Atoi(p)
		if strings.Contains(a, "@") {
			v.wrong("write user: and password_file:", "a user or a password in an address")
			return func(int) string { return "" }
		}
		if bad != nil || number < 1 || number > 65535 || host == "" || net.ParseIP(host) == nil && !validHost(host) {
			v.wrong("write it as 10.0.0.17, or 10.0.0.17:"+port, "%q is no host and port", short(a))
			return func(int) string { return "" }
		}
	}
	return func(i int) string {
		a := of(i)
		if _, _, err := net.SplitHostPort(a); err != nil && a != "" {
			return net.JoinHostPort(strings.Trim(a, "[]"), port)
		}
		return a
	}
}

// url is v as the address of a server, for each of n.
func (v value) url(n int, schemes ...string) func(i int) string {
	of := v.forEach(n)
	if !v.given() {
		v.wrong("such as "+schemes[0]+"://10.0.0.17", "missing: where the device is")
	}
	for i := range n {
		t := of(i)
		if t == "" {
			continue
		}
		u, err := url.Parse(t)
		switch {
		case err != nil || u.Host == "" || !slices.Contains(schemes, u.Scheme):
			v.wrong("such as "+schemes[0]+"://10.0.0.17", "%q is no address of %s", short(secret.Shown(t)), strings.Join(schemes, ", "))
			return of
		case u.User != nil:
			v.wrong("write user: and password_file:", "a password in an address")
			return func(int) string { return "" }
		}
	}
	return of
}

// numbers is v as whole numbers from least to most, for each of n.
func (v value) numbers(n, least, most, unset int) func(i int) int {
	of := v.forEach(n)
	list := make([]int, n)
	for i := range n {
		t := of(i)
		if list[i] = unset; t == "" {
			continue
		}
		x, err := strconv.Atoi(t)
		if err != nil || x < least || x > most {
			v.wrong("", "%q is no whole number from %d to %d", short(t), least, most)
			return func(int) int { return unset }
		}
		list[i] = x
	}
	return func(i int) int { return list[i] }
}

// origin is what r reads, as far as two meters can be told apart by it; "" if
// that is not known.
func (r *Read) origin() string {
	if r == nil {
		return ""
	}
	direction := strconv.FormatBool(r.Invert)
	switch { // what has no address was complained of
	case r.Modbus != nil && r.Modbus.Address != "":
		m := r.Modbus
		return fmt.Sprint("modbus ", m.Address, " ", m.Unit, " ", m.Profile, " ", m.Channel, " ", m.Values, direction)
	case r.SNMP != nil && r.SNMP.Address != "":
		m := r.SNMP
		return fmt.Sprint("snmp ", m.Address, " ", m.Profile, " ", m.Row, " ", m.Objects, direction)
	case r.Redfish != nil && r.Redfish.URL != "":
		return fmt.Sprint("redfish ", r.Redfish.URL, " ", r.Redfish.Resource, " ", direction)
	case r.MQTT != nil && r.MQTT.Topic != "":
		return fmt.Sprint("mqtt ", r.MQTT.Broker, " ", r.MQTT.Topic, " ", r.MQTT.Fields, direction)
	case r.BACnet != nil && r.BACnet.Address != "":
		m := r.BACnet
		return fmt.Sprint("bacnet ", m.Address, " ", m.Network, " ", m.MAC, " ", m.Objects, direction)
	case r.OPCUA != nil && r.OPCUA.Endpoint != "":
		return fmt.Sprint("opcua ", r.OPCUA.Endpoint, " ", r.OPCUA.Nodes, direction)
	case r.CSV != nil && r.CSV.Meter != "":
		return "csv " + r.CSV.Meter + " " + direction
	}
	return ""
}
