package mqtt

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
)

func TestMetersOfABroker(t *testing.T) {
	m := mosquittoOf(t)
	m.pub("plant/undated", `{"p": 77, "e": 1}`, "-r")
	m.pub("plant/dated", fmt.Sprintf(`{"p": 5, "e": 1, "ts": %d}`, time.Now().Add(-10*time.Second).Unix()), "-r")
	m.pub("plant/ancient", fmt.Sprintf(`{"p": 6, "e": 1, "ts": %d}`, time.Now().Add(-3*time.Hour).UnixMilli()), "-r")
	m.pub("plant/long", `{"p": 8, "x": "`+strings.Repeat("x", 1<<15)+`"}`, "-r")
	h := &hall{t: t}
	for _, n := range []string{"a", "b", "undated", "dated", "ancient", "path"} {
		d := device(m.addr, "plant/"+n)
		if n == "path" {
			d.Fields[0].Path = "meters.0.power"
		}
		h.add(n, d, 0)
	}
	if len(h.set.Feeds()) != 1 {
		t.Errorf("%d connections", len(h.set.Feeds()))
	}
	h.run(false)
	h.wants("dated", 5000, "")
	h.wants("ancient", -1, "ancient: time: what it says is ")
	h.wants("undated", -1, "a retained message came, which has no time")
	connected(t, h.set.list...)
	m.pub("plant/a", `{"p": 12.5, "e": "123456.789"}`)
	m.pub("plant/b", `{"p": 7, "e": 10}`)
	h.wants("a", 12500, "")
	h.wants("b", 7000, "")
	if e := h.shows(metric.MeterEnergyJoules, "a"); e != 444444440400000 {
		t.Errorf("%d mJ", e)
	}
	m.pub("plant/undated", `{"p": 4, "e": 1}`)
	h.wants("undated", 4000, "")
	m.pub("plant/a", `{"p": 13, "e"`)
	h.wants("a", 12500, `topic plant/a: 13 bytes that are no JSON: it ends in the middle`)
	m.pub("plant/a", `{"p": 13, "e": 123457}`)
	h.wants("a", 13000, "")
	m.pub("plant/path", `{"e": 1, "meters": [{"watts": 3}]}`)
	h.wants("path", -1, `topic plant/path: path meters.0.power of power is not there: "meters.0" has watts`)
	m.pub("plant/b", `{"p": 7000, "e": 10}`) // W, where kW are meant
	h.wants("b", 7000, "b: power: power reads 7e+06 W, more than its rating of 1e+05 W allows")
	m.pub("plant/b", `{"p": "unavailable", "e": 10}`)
	h.wants("b", -1, "topic plant/b: path p of power: the device does not know it now")
	m.pub("plant/b", strings.Repeat("[", 200)) // the others go on
	h.wants("b", -1, "more than 32 levels")
	h.wants("a", 13000, "")
}

func TestAnOversizedMessageTakesNothingWithIt(t *testing.T) {
	m := mosquittoOf(t)
	file := filepath.Join(t.TempDir(), "long")
	write(t, file, `{"p": 8, "x": "`+strings.Repeat("x", 3<<20)+`"}`)
	host, port, _ := net.SplitHostPort(m.addr)
	if out, err := exec.Command(program(t, "mosquitto_pub", "mosquitto-clients"), "-h", host, "-p", port, "-q", "1", "-r", "-t", "long", "-f", file).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	h := &hall{t: t}
	h.add("long", device(m.addr, "long"), 0)
	h.add("other", device(m.addr, "other"), 0)
	h.run(false)
	h.wants("long", -1, "topic long: more than 262144 bytes")
	connected(t, h.set.list...)
	m.pub("other", `{"p": 1, "e": 1}`)
	h.wants("other", 1000, "1 of 2 meters answer")
}

func TestAGatewayThatDiesIsMissing(t *testing.T) {
	m := mosquittoOf(t)
	h := &hall{t: t}
	d := device(m.addr, "plant/a")
	d.Status, d.OnChange = "plant/status", true
	h.add("a", d, 0)
	h.add("b", device(m.addr, "plant/b"), 0)
	h.run(false)
	connected(t, h.set.list...)
	m.pub("plant/b", `{"p": 2, "e": 1}`)
	g := m.gateway("plant/a", "plant/status")
	g.say(`{"p": 1, "e": 1}`)
	h.wants("a", 1000, "")
	g.kill()
	h.wants("a", -1, `a: reading: its gateway is offline: topic plant/status says "offline"`)
	if e := h.shows(metric.MeterEnergyJoules, "a"); e != metric.Missing {
		t.Errorf("its register still shows %d", e)
	}
	h.wants("b", 2000, "1 of 2 meters answer")
	g = m.gateway("plant/a", "plant/status")
	g.say(`{"p": 3, "e": 1}`)
	h.wants("a", 3000, "")
	m.pub("plant/status", "connection lost")
	h.wants("a", 3000, `topic plant/status says "connection lost", which is neither online nor offline`)
	m.pub("plant/status", `{"state": "Online"}`)
	h.wants("a", 3000, "")
}

func TestABrokerThatIsRestarted(t *testing.T) {
	m := mosquittoOf(t)
	h := &hall{t: t}
	d := device(m.addr, "plant/change")
	d.OnChange = true
	h.add("change", d, 0)
	h.add("steady", device(m.addr, "plant/steady"), 0)
	h.run(false)
	connected(t, h.set.list...)
	m.pub("plant/change", `{"p": 1, "e": 1}`)
	m.pub("plant/steady", `{"p": 2, "e": 1}`)
	h.wants("change", 1000, "")
	h.wants("steady", 2000, "")
	m.stop()
	h.wants("change", -1, "change: reading: broker tcp://"+m.addr)
	h.wants("steady", 2000, "connection refused")
	m.start()
	h.wants("change", -1, "nothing has come on topic plant/change")
	connected(t, h.set.list...)
	m.pub("plant/change", `{"p": 3, "e": 1}`)
	m.pub("plant/steady", `{"p": 4, "e": 1}`)
	h.wants("change", 3000, "")
	h.wants("steady", 4000, "")
}

func TestAUserThatIsRefused(t *testing.T) {
	dir := t.TempDir()
	users, password := filepath.Join(dir, "users"), filepath.Join(dir, "password")
	write(t, password, "wrong-secret\n")
	if out, err := exec.Command(program(t, "mosquitto_passwd", "mosquitto"), "-b", "-c", users, "gigawatch", "right-secret").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	m := mosquittoOf(t, "allow_anonymous false", "password_file "+users)
	h := &hall{t: t}
	h.add("nobody", device(m.addr, "a"), 0)
	d := device(m.addr, "a")
	d.User, d.PasswordFile = "gigawatch", password
	h.add("user", d, 0)
	d = device(m.addr, "a")
	d.User, d.PasswordFile = "gigawatch", filepath.Join(dir, "nowhere")
	h.add("without", d, 0)
	h.run(false)
	h.wants("nobody", -1, "it wants a user and a password: write user: and password_file: (not Authorized)")
	h.wants("without", -1, "the password of user gigawatch: read credentials: open "+filepath.Join(dir, "nowhere"))
	h.wants("user", -1, "it does not let user gigawatch in: the name, or the password in "+password)
	if d := h.Describe(); strings.Contains(d, "secret") {
		t.Error(d)
	}
	write(t, password, "right-secret\n")
	h.wants("user", -1, "user: reading: broker tcp://"+m.addr+" is connected, and for ")
	connected(t, h.set.list[1])
	m.pub("a", `{"p": 1, "e": 1}`, "-u", "gigawatch", "-P", "right-secret")
	h.wants("user", 1000, "")
}

func TestTLSWithAnAuthorityOfItsOwn(t *testing.T) {
	ca, cert, key := certificates(t)
	stranger, _, _ := certificates(t)
	m := mosquittoOf(t, "allow_anonymous true", "cafile "+ca, "certfile "+cert, "keyfile "+key)
	h := &hall{t: t}
	for name, ca := range map[string]string{"known": ca, "stranger": stranger, "system": "", "none": key} {
		d := device(m.addr, "a")
		d.Broker, d.CA = "tls://"+m.addr, ca
		h.add(name, d, 0)
	}
	h.add("clear", device(m.addr, "a"), 0)
	h.run(false)
	h.wants("stranger", -1, "its certificate is by another authority than those in "+stranger)
	h.wants("system", -1, "its certificate is by an authority that is not known here: write ca:")
	h.wants("none", -1, key+" has no certificate in it")
	h.wants("clear", -1, "it may want TLS at this port")
	eventually(t, func() string {
		m.pub("a", `{"p": 1, "e": 1}`, "--cafile", ca)
		if v := h.shows(metric.MeterPowerWatts, "known"); v == metric.Missing || v.Float() != 1000 {
			return h.Describe()
		}
		return ""
	})
	plain := mosquittoOf(t)
	h = &hall{t: t}
	d := device(plain.addr, "a")
	d.Broker = "tls://" + plain.addr
	h.add("plain", d, 0)
	h.run(false)
	h.wants("plain", -1, "broker tls://"+plain.addr)
}

// certificates are those of an authority and of a server at 127.0.0.1.
func certificates(t *testing.T) (ca, cert, key string) {
	t.Helper()
	made := func(n int64, is bool, by *x509.Certificate, with *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey, []byte) {
		k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		c := &x509.Certificate{
			SerialNumber: big.NewInt(n), Subject: pkix.Name{CommonName: fmt.Sprint("test ", n)}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
			IsCA: is, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		}
		if by == nil {
			by, with = c, k
		}
		der, err := x509.CreateCertificate(rand.Reader, c, by, &k.PublicKey, with)
		if err != nil {
			t.Fatal(err)
		}
		return c, k, der
	}
	root, rootKey, rootDER := made(1, true, nil, nil)
	_, k, der := made(2, false, root, rootKey)
	kDER, err := x509.MarshalECPrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	ca, cert, key = filepath.Join(dir, "ca.pem"), filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	write(t, ca, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: rootDER})))
	write(t, cert, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	write(t, key, string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: kDER})))
	return ca, cert, key
}
