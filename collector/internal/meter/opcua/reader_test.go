package opcua

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/gopcua/opcua/ua"

	"github.com/gigawatch/gigawatch/collector/internal/meter"
	"github.com/gigawatch/gigawatch/collector/site"
)

func of(t *testing.T, l *Servers, d *site.OPCUA) *Reader {
	t.Helper()
	r, line, err := l.Of(d)
	if err != nil || line != "opcua "+d.Endpoint {
		t.Fatal(line, err)
	}
	return r
}

func TestValuesOfAllTypes(t *testing.T) {
	for name, tc := range map[string]struct {
		v    any
		want meter.Shown
		says string
	}{
		"float":        {float32(1842.5), meter.Shown{Number: 1842.5, Grain: math.Pow(2, -13)}, ""},
		"double":       {123456789.25, meter.Shown{Number: 123456789.25, Grain: math.Pow(2, -26)}, ""},
		"not a number": {math.NaN(), meter.Shown{}, "not known to the server"},
		"without end":  {float32(math.Inf(-1)), meter.Shown{}, "shows -Inf, which is no reading"},
		"below zero":   {int16(-200), meter.Shown{Whole: true, Negative: true, Steps: 200, Number: -200, Grain: 1}, ""},
		"the lowest":   {int64(math.MinInt64), meter.Shown{Whole: true, Negative: true, Steps: 1 << 63, Number: math.MinInt64, Grain: 1}, ""},
		"32 bits":      {uint32(7), meter.Shown{Whole: true, Steps: 7, Modulus: 1 << 32, Number: 7, Grain: 1}, ""},
		"64 bits":      {uint64(987654321012), meter.Shown{Whole: true, Steps: 987654321012, Number: 987654321012, Grain: 1}, ""},
		"a text":       {"1842.5", meter.Shown{}, "shows no number, but a string"},
		"a truth":      {true, meter.Shown{}, "shows no number, but a bool"},
		"a list":       {[]float32{1}, meter.Shown{}, "shows no number, but a []float32"},
		"nothing":      {nil, meter.Shown{}, "not known to the server"},
	} {
		got, err := take(tc.v)
		if tc.says == "" && (err != nil || got != tc.want) || tc.says != "" && (err == nil || err.Error() != tc.says) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

// Nodes of a server are read at once, each with its status and time.
func TestNodesOfAServer(t *testing.T) {
	at := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	stamped := func(v any, source, server time.Time) *ua.DataValue {
		d := good(v)
		d.SourceTimestamp, d.ServerTimestamp = source, server
		return d
	}
	p, _ := serve(t, 0, map[string]*ua.DataValue{
		"P": stamped(float32(-1842.5), at, at.Add(time.Second)), "E": stamped(uint32(4294967200), at, at.Add(time.Second)), "H": stamped(int64(77), at, at.Add(time.Second)), "T": bare(293.15),
		"D": bad(1., ua.StatusBadCommunicationError), "U": bad(1., ua.StatusUncertainLastUsableValue), "S": good("x"),
	}, open()...)
	d := meterOf(p.endpoint)
	d.Nodes[0].Invert = true
	add := func(q site.Quantity, unit, point, id string) {
		d.Nodes = append(d.Nodes, site.OPCUANode{Field: site.Field{Measures: q, Unit: unit, Point: point}, ID: id})
	}
	add(site.MeasuresHeat, "kWh", "", "ns=1;s=H")
	add(site.MeasuresTemperature, "K", "supply", "ns=1;s=T")
	add(site.MeasuresFlow, "L/s", "", "ns=1;s=D")
	add(site.MeasuresTemperature, "C", "return", "ns=1;s=U")
	add(site.MeasuresWater, "L", "", "ns=1;s=S")
	add(site.MeasuresTemperature, "C", "outside", "ns=1;s=not there")
	add(site.MeasuresExport, "kWh", "", "ns=44;i=3")
	d.Nodes[1].RollsOverAt, d.Nodes[1].Scale = 5_000_000_000, "0.1"
	for stamps, when := range map[string]time.Time{"": at.Add(time.Second), "server": at.Add(time.Second), "source": at, "arrival": {}} {
		d.Timestamps = stamps
		var l Servers
		got, err := of(t, &l, d).Read(t.Context())
		want := []meter.Value{
			{Quantity: meter.Power, Number: 1842.5, At: when},
			{Quantity: meter.Energy, Register: meter.Register{Steps: 4294967200, Modulus: 5_000_000_000, Size: meter.Size{Num: 360_000, Den: 1}}, At: when},
			{Quantity: meter.Heat, Register: meter.Register{Steps: 77, Size: meter.Size{Num: 3_600_000_000, Den: 1}}, At: when},
			{Quantity: meter.Temperature, Point: "supply", Number: 20},
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("timestamps %q: %v: %s", stamps, err, d)
		}
		for _, says := range []string{
			"flow, ns=1;s=D: ", "StatusBadCommunicationError", "temperature at return, ns=1;s=U: the server is uncertain of it: ", "StatusUncertainLastUsableValue",
			"water, ns=1;s=S: shows no number, but a string", "temperature at outside, ns=1;s=not there: ", "StatusBadNodeIDUnknown", "energy_export, ns=44;i=3: ",
		} {
			if err == nil || !strings.Contains(err.Error(), says) {
				t.Errorf("%q is not in %v", says, err)
			}
		}
		for _, s := range l.list {
			s.close()
		}
	}
}

func TestAClockThatIsAhead(t *testing.T) {
	ahead := good(500.)
	ahead.ServerTimestamp = time.Now().Add(2 * time.Hour)
	p, _ := serve(t, 0, map[string]*ua.DataValue{"P": ahead, "E": bare(uint64(3))}, open()...)
	var l Servers
	if _, err := of(t, &l, meterOf(p.endpoint)).Read(t.Context()); err == nil || !strings.Contains(err.Error(), "ahead: set it right, or write timestamps: arrival") {
		t.Error(err)
	}
	l.Feeds()[0].(*Server).close()
}

func TestSecurity(t *testing.T) {
	us, them, other := identify(t, "collector"), identify(t, "server"), identify(t, "other")
	secret, wrong := us.cert+".password", us.cert+".wrong"
	write(t, secret, []byte("pass word\n"))
	write(t, wrong, []byte("password\n"))
	nodes := map[string]*ua.DataValue{"P": bare(500.), "E": bare(uint64(1000))}
	plain, _ := serve(t, 0, nodes, open()...)
	user := func(file string) func(*site.OPCUA) { return func(d *site.OPCUA) { d.User, d.PasswordFile = "u", file } }
	for name, tc := range map[string]struct {
		policy string
		mode   ua.MessageSecurityMode
		change func(*site.OPCUA)
		vault  func(*vault)
		says   string
	}{
		"sign and encrypt":                    {"Basic256Sha256", ua.MessageSecurityModeSignAndEncrypt, nil, nil, ""},
		"sign":                                {"Basic256Sha256", ua.MessageSecurityModeSign, func(d *site.OPCUA) { d.Mode = "Sign" }, nil, ""},
		"Aes128_Sha256_RsaOaep":               {"Aes128_Sha256_RsaOaep", ua.MessageSecurityModeSignAndEncrypt, func(d *site.OPCUA) { d.Policy = "Aes128_Sha256_RsaOaep" }, nil, ""},
		"Aes256_Sha256_RsaPss":                {"Aes256_Sha256_RsaPss", ua.MessageSecurityModeSignAndEncrypt, func(d *site.OPCUA) { d.Policy = "Aes256_Sha256_RsaPss" }, nil, ""},
		"known by its file":                   {"Basic256Sha256", ua.MessageSecurityModeSignAndEncrypt, func(d *site.OPCUA) { d.ServerCert = them.cert }, nil, ""},
		"another server":                      {"Basic256Sha256", ua.MessageSecurityModeSignAndEncrypt, func(d *site.OPCUA) { d.ServerCert = other.cert }, nil, "the server has another certificate than " + other.cert},
		"a policy it lacks":                   {"Basic256Sha256", ua.MessageSecurityModeSignAndEncrypt, func(d *site.OPCUA) { d.Mode = "Sign" }, nil, "the server does not offer Basic256Sha256 Sign; it offers Basic256Sha256 SignAndEncrypt"},
		"security it lacks":                   {"Basic256Sha256", ua.MessageSecurityModeSign, func(d *site.OPCUA) { d.Endpoint = plain.endpoint }, nil, "the server does not offer Basic256Sha256 SignAndEncrypt; it offers None"},
		"no security":                         {"Basic256Sha256", ua.MessageSecurityModeSign, func(d *site.OPCUA) { d.Policy, d.Mode, d.Cert, d.Key = "None", "", "", "" }, nil, "the server does not offer None; it offers Basic256Sha256 Sign"},
		"a user":                              {"Basic256Sha256", ua.MessageSecurityModeSignAndEncrypt, user(secret), func(v *vault) { v.users["u"] = "pass word" }, ""},
		"a user with another password":        {"Basic256Sha256", ua.MessageSecurityModeSignAndEncrypt, user(wrong), func(v *vault) { v.users["u"] = "pass word" }, "the server does not let the user in: look at user: and password_file: (enter the session: "},
		"nobody, where users are wanted":      {"Basic256Sha256", ua.MessageSecurityModeSignAndEncrypt, nil, func(v *vault) { v.users["u"] = "pass word" }, "the server does not let the user in"},
		"nobody, where nobody is let in":      {"Basic256Sha256", ua.MessageSecurityModeSignAndEncrypt, nil, func(v *vault) { v.policies[0].UserIdentityTokens = v.policies[0].UserIdentityTokens[1:] }, "the server lets nobody in without a user: write user: and password_file:"},
		"a user, where only nobody is let in": {"Basic256Sha256", ua.MessageSecurityModeSignAndEncrypt, user(secret), func(v *vault) { v.policies[0].UserIdentityTokens = v.policies[0].UserIdentityTokens[:1] }, "the server takes no user with a password at this endpoint: leave out user: and password_file:"},
		"a password in the clear":             {"Basic256Sha256", ua.MessageSecurityModeSign, func(d *site.OPCUA) { d.Mode = "Sign"; user(secret)(d) }, func(v *vault) { v.policies[0].UserIdentityTokens[1].SecurityPolicyURI = ua.SecurityPolicyURINone }, "the server wants the password in the clear: write security_mode: SignAndEncrypt"},
		"a signature of another's":            {"Basic256Sha256", ua.MessageSecurityModeSignAndEncrypt, nil, func(v *vault) { v.forged = true }, "the server does not show that its certificate is its own"},
		"another certificate in the session":  {"Basic256Sha256", ua.MessageSecurityModeSignAndEncrypt, nil, func(v *vault) { v.der = other.der }, "the server shows another certificate in the session than before it"},
	} {
		t.Run(name, func(t *testing.T) {
			v := guard(t, them, tc.policy, tc.mode, nodes)
			if tc.vault != nil {
				tc.vault(v)
			}
			d := meterOf(v.endpoint)
			d.Policy, d.Mode, d.Cert, d.Key = "Basic256Sha256", "SignAndEncrypt", us.cert, us.pem
			if tc.change != nil {
				tc.change(d)
			}
			var l Servers
			r := of(t, &l, d)
			defer l.list[d.Endpoint].close()
			got, err := r.Read(t.Context())
			if tc.says == "" && (len(got) != 2 || err != nil) || tc.says != "" && (got != nil || err == nil || !strings.Contains(err.Error(), tc.says)) {
				t.Errorf("%v, %v", got, err)
			}
		})
	}
}

func TestWhatCannotBeAServer(t *testing.T) {
	us, other := identify(t, "collector"), identify(t, "other")
	good := func() *site.OPCUA {
		d := meterOf("opc.tcp://127.0.0.1:1")
		d.Policy, d.Mode, d.Cert, d.Key = "Basic256Sha256", "Sign", us.cert, us.pem
		return d
	}
	for says, change := range map[string]func(*site.OPCUA){
		"the certificate by which it knows us: open " + us.cert + "x": func(d *site.OPCUA) { d.Cert += "x" },
		"the certificate by which we know it: ":                       func(d *site.OPCUA) { d.ServerCert = us.pem },
		"its key: ":                                                   func(d *site.OPCUA) { d.Key = us.cert },
		" is no RSA key, which OPC UA wants":                          func(d *site.OPCUA) { d.Key = ellipticKey(t) },
		us.pem + " is not the key of " + other.cert:                   func(d *site.OPCUA) { d.Cert = other.cert },
		`security mode ""; want Sign or SignAndEncrypt`:               func(d *site.OPCUA) { d.Mode = "" },
		"open /nowhere":                                               func(d *site.OPCUA) { d.User, d.PasswordFile = "u", "/nowhere" },
		`"money" is no quantity`:                                      func(d *site.OPCUA) { d.Nodes[0].Measures = "money" },
		`"kWh" is no unit of power`:                                   func(d *site.OPCUA) { d.Nodes[0].Unit = "kWh" },
		`timestamps of "mine"`:                                        func(d *site.OPCUA) { d.Timestamps = "mine" },
	} {
		d := good()
		change(d)
		var l Servers
		if _, _, err := l.Of(d); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v", says, err)
		}
	}
	var l Servers
	of(t, &l, good())
	d := good()
	d.Mode = "SignAndEncrypt"
	if _, _, err := l.Of(d); err == nil || !strings.Contains(err.Error(), "its security, certificates and user are the same for all meters of it") || len(l.Feeds()) != 1 {
		t.Error(err)
	}
}

// What a site file takes for the id of a node is one.
func TestIDsOfNodes(t *testing.T) {
	for _, id := range []string{"i=85", "ns=2;i=4294967295", `ns=3;s="Meters"."Energy"[3]`, "ns=2;s=a;b=c", "ns=1;g=09087e75-8e5e-499b-954f-f2a9603db28a", "ns=65535;b=aGVsbG8=", "s=x"} {
		s, err := site.Parse("site.yaml", []byte("site: x\ntime_zone: UTC\nmeters:\n  - id: a\n    role: it_input\n    read:\n      opcua:\n        endpoint: opc.tcp://h\n        security_policy: None\n        nodes:\n          - {measures: power, unit: W, node: '"+id+"'}\n"))
		if err != nil {
			t.Errorf("%s: %v", id, err)
			continue
		}
		var l Servers
		r, _, err := l.Of(s.Meters[0].Read.OPCUA)
		if err != nil {
			t.Errorf("%s: %v", id, err)
		} else if got := r.nodes[0].id.String(); got != id && !strings.EqualFold(got, id) {
			t.Errorf("%s became %s", id, got)
		}
	}
}
