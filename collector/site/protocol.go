package site

import "strings"

// An SNMP agent. Version 3 authenticates and encrypts.
type SNMP struct {
	Address       string // host:port
	Version       string // v2c, v3
	CommunityFile string // of v2c
	User          string // of v3
	AuthProtocol  string // SHA, SHA-224, SHA-256, SHA-384, SHA-512; MD5 of old devices
	AuthFile      string
	PrivProtocol  string // AES, AES-192, AES-256; DES of old devices
	PrivFile      string
	Profile       string // of its objects; "": Objects
	Row           string // of the profile's tables: numbers such as 1.2, serial:ABC123 or name:rack 7; "": the first or only one, or all of a UPS
	Objects       []Object
}

// An Object is one quantity of an SNMP agent.
type Object struct {
	Field
	OID string
}

// Redfish is a service of a BMC, a rack PDU or a coolant distribution unit.
type Redfish struct {
	URL          string
	Resource     string // path of what is metered; "": what is found, if it is one
	User         string
	PasswordFile string
	CA           string
}

// MQTT is a topic of a broker, its payload JSON.
type MQTT struct {
	Broker       string
	Topic        string
	Status       string // topic of the gateway's last will
	User         string
	PasswordFile string
	CA           string
	Time         string // path of the time in the payload; "": time, timestamp or ts
	OnChange     bool   // it sends when something changes, and not at intervals
	Fields       []Member
}

// A Member is one quantity of a payload.
type Member struct {
	Field
	Path string // names joined by dots
}

// CSV is for readings that are imported from files.
type CSV struct {
	Meter    string // what the files call it; "": its id
	Kind     string // counter, interval, power; "": the file says
	Labelled string // start, end: what the time of a row is of its interval; "": start
	Unit     string // "": the file says
}

func (v value) snmp(n int, one *Meter) func(int, *Read) {
	k := v.section()
	address, row := k.get("address").address(n, "161"), k.get("row").forEach(n)
	base := SNMP{
		Version:       k.get("version").choice("v2c", "v3"),
		CommunityFile: k.get("community_file").text(), User: k.get("user").text(),
		AuthProtocol: k.get("auth_protocol").choice("SHA", "SHA-224", "SHA-256", "SHA-384", "SHA-512", "MD5"), AuthFile: k.get("auth_file").text(),
		PrivProtocol: k.get("priv_protocol").choice("AES", "AES-192", "AES-256", "DES"), PrivFile: k.get("priv_file").text(),
		Profile: k.get("profile").profile("snmp"),
	}
	list := k.get("objects")
	for i, item := range list.items() {
		if i == mostFields {
			list.wrong("", "more than %d objects", mostFields)
			break
		}
		o := item.section()
		f := Object{o.field(one), o.get("oid").text()}
		if !validOID(f.OID) {
			o.r.wrong(o.at("oid"), "write numbers with points between, such as 1.3.6.1.4.1.318.1.1.26.4.3.1.9.1", "%q is no OID", short(f.OID))
		}
		o.end()
		base.Objects = append(base.Objects, f)
	}
	k.end()
	switch base.Version {
	case "":
		if !k.has("version") {
			k.r.wrong(k.at("version"), "write version: v3, or v2c if the device has no better", "missing")
		}
	case "v2c":
		if base.CommunityFile == "" {
			k.r.wrong(k.at("community_file"), "write the path of a file with the community in it", "missing, and version is v2c")
		}
	case "v3":
		if base.User == "" {
			k.r.wrong(k.at("user"), "write the user's name", "missing, and version is v3")
		}
		if base.AuthFile == "" {
			k.r.wrong(k.at("auth_file"), "write the path of a file with the password in it", "missing, and version is v3")
		}
		if base.PrivFile == "" {
			k.r.warn(k.at("auth_file"), "write priv_file: if the device can encrypt", "nothing is encrypted")
		}
	}
	if (base.Profile == "") == (len(base.Objects) == 0) {
		k.r.wrong(k.place, "write profile: and one of "+strings.Join(profiles["snmp"], ", ")+"; or objects:", "want either a profile or objects")
	}
	return func(i int, r *Read) {
		m := base
		m.Address, m.Row = address(i), row(i)
		r.SNMP = &m
	}
}

func validOID(t string) bool {
	n := 0
	for arc := range strings.SplitSeq(strings.TrimPrefix(t, "."), ".") {
		if n++; !digits(arc) || len(arc) > 10 {
			return false
		}
	}
	return n >= 3 && n <= 128
}

func (v value) redfish(n int, _ *Meter) func(int, *Read) {
	k := v.section()
	at, resource := k.get("url").url(n, "https", "http"), k.get("resource").forEach(n)
	base := Redfish{User: k.get("user").text(), PasswordFile: k.get("password_file").text(), CA: k.get("ca").text()}
	k.secret(base.User, base.PasswordFile, strings.HasPrefix(at(0), "http:"))
	for i := range n {
		if p := resource(i); p != "" && !strings.HasPrefix(p, "/redfish/v1/") {
			k.get("resource").wrong("write the path of the metered resource, such as /redfish/v1/PowerEquipment/RackPDUs/1", "%q is no path of Redfish", short(p))
			break
		}
	}
	k.end()
	return func(i int, r *Read) {
		m := base
		m.URL, m.Resource = at(i), resource(i)
		r.Redfish = &m
	}
}

// secret holds user and password against each other.
func (s *section) secret(user, file string, clear bool) {
	if (user == "") != (file == "") {
		s.r.wrong(s.at("user"), "write both or neither", "user and password_file go together")
	}
	if clear && file != "" {
		s.r.warn(s.at("password_file"), "use TLS, or a network of its own", "the password goes over the network as it is")
	}
}

func (v value) mqtt(n int, one *Meter) func(int, *Read) {
	k := v.section()
	broker := k.get("broker").url(n, "tls", "ssl", "mqtts", "tcp", "mqtt")
	topic, status := k.get("topic").forEach(n), k.get("status_topic").forEach(n)
	base := MQTT{
		User: k.get("user").text(), PasswordFile: k.get("password_file").text(), CA: k.get("ca").text(),
		Time: k.get("time").text(), OnChange: k.get("on_change").truth(),
	}
	k.secret(base.User, base.PasswordFile, strings.HasPrefix(broker(0), "tcp:") || strings.HasPrefix(broker(0), "mqtt:"))
	for i := range n {
		if t := topic(i); t == "" || strings.ContainsAny(t, "+#") {
			k.r.wrong(k.at("topic"), "write the one topic of this meter", "%q is no topic that one meter speaks on", short(t))
			break
		}
	}
	list := k.get("fields")
	for i, item := range list.items() {
		if i == mostFields {
			list.wrong("", "more than %d fields", mostFields)
			break
		}
		o := item.section()
		f := Member{o.field(one), o.get("path").text()}
		if f.Path == "" {
			o.r.wrong(o.at("path"), "write the names in the payload, joined by dots", "missing: where in the payload")
		}
		o.end()
		base.Fields = append(base.Fields, f)
	}
	if len(base.Fields) == 0 {
		k.r.wrong(k.at("fields"), "write fields: with measures:, path: and unit: of each", "missing: what the payload holds")
	}
	k.end()
	return func(i int, r *Read) {
		m := base
		m.Broker, m.Topic, m.Status = broker(i), topic(i), status(i)
		r.MQTT = &m
	}
}

func (v value) csv(n int, _ *Meter) func(int, *Read) {
	k := v.section()
	name := k.get("meter").forEach(n)
	base := CSV{Kind: k.get("kind").choice("counter", "interval", "power"), Labelled: k.get("labelled").choice("start", "end"), Unit: k.get("unit").text()}
	k.end()
	return func(i int, r *Read) {
		m := base
		m.Meter = name(i)
		r.CSV = &m
	}
}
