package site

import (
	"encoding/base64"
	"strconv"
	"strings"
)

// OPCUA is a server of OPC UA.
type OPCUA struct {
	Endpoint     string // opc.tcp://host:port
	Policy       string // of security: None, or as the standard calls it
	Mode         string // of security: Sign, SignAndEncrypt; "" of None
	Cert, Key    string // files, of a policy other than None: who we are
	ServerCert   string // file: whom to trust; "": whoever answers
	User         string // "": nobody
	PasswordFile string
	Timestamps   string // server: when it knew the value; source: when it was measured, of sources that stamp every sample; arrival: here; "": server
	Nodes        []OPCUANode
}

// An OPCUANode is one whose value is a quantity.
type OPCUANode struct {
	Field
	ID          string // ns=2;s=…
	RollsOverAt uint64 // after one less it shows zero; 0: where its type does
}

// policies of security, strongest last.
var policies = []string{"None", "Basic256Sha256", "Aes128_Sha256_RsaOaep", "Aes256_Sha256_RsaPss"}

func (v value) opcua(n int, one *Meter) func(int, *Read) {
	k := v.section()
	endpoint, named := k.get("endpoint").url(n, "opc.tcp"), k.get("item").forEach(n)
	base := OPCUA{
		Policy: k.get("security_policy").choice(policies...), Mode: k.get("security_mode").choice("Sign", "SignAndEncrypt"),
		Cert: k.get("cert").text(), Key: k.get("key").text(), ServerCert: k.get("server_cert").text(),
		User: k.get("user").text(), PasswordFile: k.get("password_file").text(),
		Timestamps: k.get("timestamps").choice("server", "source", "arrival"),
	}
	k.secured(&base)
	list, seen, used := k.get("nodes"), kinds{}, false
	for i, item := range list.items() {
		if i == mostFields {
			list.wrong("", "more than %d nodes", mostFields)
			break
		}
		o := item.section()
		id := o.get("node")
		f := OPCUANode{Field: o.field(one), ID: id.text()}
		f.RollsOverAt = o.get("rolls_over_at").rollover(&f.Field)
		used = used || strings.Contains(f.ID, "{item}")
		for j := range n {
			if t := strings.ReplaceAll(f.ID, "{item}", named(j)); !validNode(t) {
				o.r.wrong(o.at("node"), "write it as the server shows it, such as ns=2;s=Meter1.Energy or ns=3;i=1001; {item} stands for item:", "%q is no id of a node", short(t))
				break
			}
		}
		o.end()
		seen.add(item, f.Field, "another circuit is another meter")
		base.Nodes = append(base.Nodes, f)
	}
	switch {
	case len(base.Nodes) == 0:
		k.r.wrong(k.at("nodes"), "write nodes: with measures:, node: and unit: of each", "missing: which nodes are read")
	case used != k.has("item"):
		k.r.wrong(k.at("item"), "write item: Meter[01-12] and {item} in the nodes, or neither", "item, and {item} in the id of a node, go together")
	}
	k.end()
	return func(i int, r *Read) {
		m := base
		m.Endpoint, m.Nodes = endpoint(i), make([]OPCUANode, len(base.Nodes))
		for j, f := range base.Nodes {
			f.ID = strings.ReplaceAll(f.ID, "{item}", named(i))
			m.Nodes[j] = f
		}
		r.OPCUA = &m
	}
}

// secured looks whether what is said of security goes together.
func (s *section) secured(m *OPCUA) {
	open := m.Policy == "None"
	switch {
	case m.Policy == "" && !s.has("security_policy"):
		s.r.wrong(s.at("security_policy"), "write security_policy: Basic256Sha256 with security_mode: SignAndEncrypt, cert:, key: and server_cert:; or None if the server has no better", "missing")
	case open && m.Mode+m.Cert+m.Key+m.ServerCert != "":
		s.r.wrong(s.at("security_policy"), "write one of "+strings.Join(policies[1:], ", ")+"; or leave out security_mode, cert, key and server_cert", "None, and beside it what only another one has")
	case open || m.Policy == "":
	case m.Mode == "" && !s.has("security_mode"):
		s.r.wrong(s.at("security_mode"), "write SignAndEncrypt, or Sign", "missing, and there is a security_policy")
	case m.Cert == "" || m.Key == "":
		s.r.wrong(s.at("cert"), "write cert: and key:, the files of a certificate that the server trusts", "missing: by what the server knows us")
	case m.ServerCert == "":
		s.r.warn(s.at("server_cert"), "write the path of the server's certificate, as its administrator gives it", "whoever answers at this address is believed to be the server")
	}
	s.secret(m.User, m.PasswordFile, open)
}

// validNode reports whether t is the id of a node.
func validNode(t string) bool {
	if rest, ok := strings.CutPrefix(t, "ns="); ok {
		space, id, _ := strings.Cut(rest, ";")
		if _, err := strconv.ParseUint(space, 10, 16); err != nil {
			return false
		}
		t = id
	}
	kind, id, ok := strings.Cut(t, "=")
	if !ok || id == "" {
		return false
	}
	switch kind {
	case "i":
		_, err := strconv.ParseUint(id, 10, 32)
		return err == nil
	case "s":
		return !strings.Contains(id, "{item}")
	case "g":
		return len(id) == 36 && strings.Trim(id, "0123456789abcdefABCDEF-") == ""
	case "b":
		_, err := base64.StdEncoding.DecodeString(id)
		return err == nil
	}
	return false
}
