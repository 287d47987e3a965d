package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/gigawatch/gigawatch/aggregator/internal/bus"
	"github.com/gigawatch/gigawatch/collector/agent"
	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/wire"
)

// issuer signs certificates for a test; its own is in File.
type issuer struct {
	t    *testing.T
	dir  string
	File string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	made int64

	signed *x509.Certificate // its own, as in File
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	i := &issuer{t: t, dir: t.TempDir()}
	i.cert = &x509.Certificate{Subject: pkix.Name{CommonName: "authority"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign, NotAfter: time.Now().Add(time.Hour)}
	i.File, _ = i.sign("authority", *i.cert)
	text, err := os.ReadFile(i.File)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	if i.signed, err = x509.ParseCertificate(block.Bytes); err != nil {
		t.Fatal(err)
	}
	return i
}

// sign makes a certificate of a template, and is the files of it and its key.
func (i *issuer) sign(name string, c x509.Certificate) (cert, key string) {
	i.t.Helper()
	i.made++
	pair, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		i.t.Fatal(err)
	}
	c.SerialNumber, c.NotBefore = big.NewInt(i.made), time.Now().Add(-time.Hour)
	by := i.key
	if by == nil {
		by, i.key = pair, pair
	}
	der, err := x509.CreateCertificate(rand.Reader, &c, i.cert, &pair.PublicKey, by)
	if err != nil {
		i.t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(pair)
	if err != nil {
		i.t.Fatal(err)
	}
	cert, key = filepath.Join(i.dir, name+".pem"), filepath.Join(i.dir, name+".key")
	for file, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: private}} {
		next := file + ".new"
		writeFile(i.t, next, string(pem.EncodeToMemory(block)))
		if err := os.Rename(next, file); err != nil {
			i.t.Fatal(err)
		}
	}
	return cert, key
}

// client asks servers that the issuer vouches for.
func (i *issuer) client() *http.Client {
	pool := x509.NewCertPool()
	pool.AddCert(i.signed)
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
}

// of is the template of a machine at loopback.
func of(until time.Duration) x509.Certificate {
	return x509.Certificate{
		Subject: pkix.Name{CommonName: "machine"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotAfter: time.Now().Add(until),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
}

// command runs aggregator bus and is what it says.
func command(t *testing.T, args ...string) string {
	t.Helper()
	var out, errs bytes.Buffer
	if err := run(t.Context(), append([]string{"bus"}, args...), strings.NewReader(""), &out, &errs); err != nil {
		t.Fatalf("bus %v: %v\n%s", args, err, errs.String())
	}
	return out.String()
}

// secured is an aggregator whose embedded bus wants TLS, certificates and users.
type secured struct {
	*process
	t           *testing.T
	ca          *issuer
	dir         string // of the authority
	address     string // of the bus
	cert, key   string // of a host
	server, its string // certificate of the bus, and its key
}

// newSecured has hosts n1 and n2, and others.
func newSecured(t *testing.T, others ...string) *secured {
	t.Helper()
	dir := t.TempDir()
	s := &secured{t: t, ca: newIssuer(t), dir: filepath.Join(dir, "authority"), address: freePort(t)}
	s.server, s.its = s.ca.sign("bus", of(time.Hour))
	s.cert, s.key = s.ca.sign("host", of(time.Hour))
	command(t, "init", "-dir", s.dir, "-sites", "s1")
	list := writeFile(t, filepath.Join(dir, "hosts"), "# those of row one\nn1\nn2\n\n"+strings.Join(others, "\n"))
	command(t, "add", "-dir", s.dir, "-site", "s1", "-list", list)
	config := writeFile(t, filepath.Join(dir, "aggregator.yaml"), fmt.Sprintf(`data: %s
listen: 127.0.0.1:0
sites: [{name: s1}]
bus:
  embedded:
    listen: %q
    users: %s/users.conf
    tls: {cert: %s, key: %s, client_ca: %s}
  credentials: %s/creds/aggregator/aggregator.creds
  telemetry_bytes: 64MiB
  ledger_bytes: 128MiB
`, filepath.Join(dir, "data"), s.address, s.dir, s.server, s.its, s.ca.File, s.dir))
	s.process = start(t, "serve", "-config", config)
	return s
}

// reach is how a collector of host reaches the bus.
func (s *secured) reach(host string) agent.BusConfig {
	return agent.BusConfig{
		URLs: []string{"tls://" + s.address}, CA: s.ca.File, Cert: s.cert, Key: s.key, Credentials: filepath.Join(s.dir, "creds/host/s1", host+".creds"),
		Options: []nats.Option{nats.ReconnectWait(20 * time.Millisecond), nats.ReconnectJitter(0, 0)},
	}
}

// dial connects as a collector does.
func (s *secured) dial(host string, c agent.BusConfig) *nats.Conn {
	s.t.Helper()
	nc, err := agent.Connect(c, host, quietly(), func() {})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(nc.Close)
	return nc
}

// saying is a batch of an agent about its host.
func saying(t *testing.T, lane metric.Lane, site, name string, sequence uint64) []byte {
	t.Helper()
	layout := &metric.Layout{Entities: metric.Place{Host: name}.Entities(), Columns: []metric.Column{{Metric: metric.HostUp, Form: metric.Int, Count: 1}}}
	compiled, err := wire.Compile(layout)
	if err != nil {
		t.Fatal(err)
	}
	m, err := wire.Append(nil, &metric.Batch{
		Site: site, Agent: name, Lane: lane, Incarnation: 1, Sequence: sequence, Flags: metric.Fresh, Time: time.Now().UnixMilli(), Ticks: 1, Values: []metric.Raw{1},
	}, compiled, true)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// A site as the guide has it: every wire TLS 1.3, every host its own credentials.
// What is heard is accounted and acknowledged, certificates change under way, and who
// is revoked is out while the others do not notice.
func TestASecuredBus(t *testing.T) {
	t.Parallel()
	s := newSecured(t)
	n1, n2 := s.dial("n1", s.reach("n1")), s.dial("n2", s.reach("n2"))
	acks, err := n1.SubscribeSync(wire.AckSubject("s1", "n1"))
	if err != nil {
		t.Fatal(err)
	}
	sequence := uint64(0)
	say := func() {
		sequence++
		for _, lane := range []metric.Lane{metric.Telemetry, metric.Ledger} {
			for name, nc := range map[string]*nats.Conn{"n1": n1, "n2": n2} {
				_ = nc.Publish(wire.Subject(lane, "s1", name), saying(t, lane, "s1", name, sequence)) // fails while it is away
			}
			// What n1 must not: speak for n3, on the wire or within. More of it would put
			// it into quarantine.
			_ = n1.Publish(wire.Subject(lane, "s1", "n3"), saying(t, lane, "s1", "n3", sequence))
			if sequence <= 5 {
				_ = n1.Publish(wire.Subject(lane, "s1", "n1"), saying(t, lane, "s1", "n3", sequence))
			}
		}
	}
	s.await(60*time.Second, "both hosts are up, and n1 is told what is durable", func() bool {
		say()
		_, err := acks.NextMsg(10 * time.Millisecond)
		return err == nil && len(s.instant("host_up", "host")) >= 2
	})
	if up := s.instant("host_up", "host"); len(up) != 2 || up["n1"] != 1 || up["n2"] != 1 {
		t.Errorf("hosts are up: %v", up)
	}
	s.await(20*time.Second, "what n1 says in n3's name is counted", func() bool {
		return s.own(`gigawatch_stream_rejected_total{lane="telemetry",reason="wrong_site"}`) > 0
	})
	s.await(20*time.Second, "and named", func() bool { return strings.Contains(s.output(), "it says s1/n3") })
	var second struct{ Status string }
	now := time.Now().Unix()
	if err := s.get(fmt.Sprintf("/api/v1/query_range?query=host_up%%7Bhost%%3D%%22n1%%22%%7D&start=%d&end=%d&step=1", now-10, now), &second); err != nil || second.Status != "success" {
		t.Errorf("a second of n1 is read back: %+v, %v", second, err)
	}

	// Until when its certificate is valid is seen, and until when it can tell theirs.
	for _, name := range []string{"bus_server", "bus_client_authority"} {
		if left := s.left(name); left <= 0 || left > time.Hour {
			t.Errorf("%s is valid for %v", name, left)
		}
	}

	// The certificate is replaced, with its key.
	before := s.shown()
	s.ca.sign("bus", of(2*time.Hour))
	s.await(20*time.Second, "the new certificate is shown", func() bool { return s.shown() != before })
	if left := s.left("bus_server"); left <= time.Hour {
		t.Errorf("the new one is valid for %v", left)
	}

	// n1 is revoked.
	if out := command(t, "revoke", "-dir", s.dir, "-site", "s1", "-name", "n1"); !strings.Contains(out, "1 credentials of 1 users taken back") {
		t.Errorf("it says %s", out)
	}
	s.await(20*time.Second, "n1 is cut off", func() bool { say(); return !n1.IsConnected() })
	time.Sleep(200 * time.Millisecond) // in which n1 tries again
	if n1.IsConnected() {
		t.Error("n1 is let in again")
	}
	if n2.Stats().Reconnects != 0 || !n2.IsConnected() {
		t.Error("n2 was cut off, too")
	}
	// And has new credentials: nothing of it has to be started again.
	command(t, "add", "-dir", s.dir, "-site", "s1", "-name", "n1")
	s.await(30*time.Second, "n1 is let in", func() bool { return n1.IsConnected() })

	if n2.Stats().Reconnects != 0 {
		t.Error("n2 was cut off by that")
	}
	for line := range strings.Lines(s.output()) {
		if strings.Contains(line, "iolation") && !strings.Contains(line, "telemetry.s1.n3") && !strings.Contains(line, "ledger.s1.n3") {
			t.Errorf("somebody wants what it may not: %s", line)
		}
	}
	s.stop()
}

// left is for how long a certificate is valid, as the aggregator's own metrics say.
func (s *secured) left(certificate string) time.Duration {
	return time.Until(time.Unix(int64(s.own(fmt.Sprintf("%s{certificate=%q}", metricCertificate, certificate))), 0))
}

// shown is the number of the certificate that the bus shows.
func (s *secured) shown() string {
	s.t.Helper()
	pool := x509.NewCertPool()
	ca, err := os.ReadFile(s.ca.File)
	if err != nil {
		s.t.Fatal(err)
	}
	pool.AppendCertsFromPEM(ca)
	pair, err := tls.LoadX509KeyPair(s.cert, s.key)
	if err != nil {
		s.t.Fatal(err)
	}
	serial := ""
	c := &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{pair}, VerifyConnection: func(state tls.ConnectionState) error {
		if state.Version != tls.VersionTLS13 {
			s.t.Errorf("it speaks TLS %x", state.Version)
		}
		serial = state.PeerCertificates[0].SerialNumber.String()
		return nil
	}}
	nc, err := nats.Connect("tls://"+s.address, nats.Secure(c), nats.UserCredentials(filepath.Join(s.dir, "creds/host/s1/n2.creds")))
	if err == nil {
		nc.Close()
	}
	return serial
}

// Every way in but one is shut.
func TestHandshakesThatTheBusRefuses(t *testing.T) {
	t.Parallel()
	s := newSecured(t)
	creds := nats.UserCredentials(filepath.Join(s.dir, "creds/host/s1/n1.creds"))
	other := newIssuer(t)
	foreignCert, foreignKey := other.sign("host", of(time.Hour))
	lateCert, lateKey := s.ca.sign("late", of(-time.Minute))
	secure := func(most uint16) nats.Option { return nats.Secure(&tls.Config{MaxVersion: most}) }
	trusted, shown := nats.RootCAs(s.ca.File), nats.ClientCert(s.cert, s.key)
	for _, tc := range []struct {
		name    string
		options []nats.Option
		in      bool
	}{
		{"as a collector does", []nats.Option{creds, secure(0), trusted, shown}, true},
		{"TLS 1.2", []nats.Option{creds, secure(tls.VersionTLS12), trusted, shown}, false},
		{"trusting another authority", []nats.Option{creds, secure(0), nats.RootCAs(other.File), shown}, false},
		{"no certificate", []nats.Option{creds, secure(0), trusted}, false},
		{"a certificate of another authority", []nats.Option{creds, secure(0), trusted, nats.ClientCert(foreignCert, foreignKey)}, false},
		{"a certificate that has expired", []nats.Option{creds, secure(0), trusted, nats.ClientCert(lateCert, lateKey)}, false},
		{"a certificate and no credentials", []nats.Option{secure(0), trusted, shown}, false},
	} {
		nc, err := nats.Connect("tls://"+s.address, tc.options...)
		if err == nil {
			// A refusal of TLS 1.3 may come after the client is done.
			err = nc.FlushTimeout(10 * time.Second)
			nc.Close()
		}
		if (err == nil) != tc.in {
			t.Errorf("%s: %v", tc.name, err)
		}
	}
	s.notMistaken(creds, secure(0), trusted, shown)
	plain, err := net.Dial("tcp", s.address)
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	if err := plain.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(plain, "CONNECT {\"verbose\":true}\r\nPUB ledger.s1.n1 1\r\nx\r\nPING\r\n")
	var said bytes.Buffer
	_, _ = said.ReadFrom(plain) // until it is cut off
	if strings.Contains(said.String(), "PONG") || strings.Contains(said.String(), "+OK") {
		t.Errorf("in the clear it answers %q", said.String())
	}
	s.stop()
}

// A bus that refuses a collector today may let it in tomorrow: its credentials are
// replaced under way.
func TestACollectorThatIsRefusedTriesOn(t *testing.T) {
	t.Parallel()
	ours, theirs := filepath.Join(t.TempDir(), "ours"), filepath.Join(t.TempDir(), "theirs")
	for _, dir := range []string{ours, theirs} {
		command(t, "init", "-dir", dir, "-sites", "s1")
		command(t, "add", "-dir", dir, "-site", "s1", "-name", "n1")
	}
	quiet := slog.New(slog.DiscardHandler)
	server, err := bus.Start(bus.ServerConfig{Dir: t.TempDir(), Listen: "127.0.0.1", Users: filepath.Join(ours, "users.conf"), Store: 1 << 30, Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Shutdown(); server.WaitForShutdown() })
	file := filepath.Join(t.TempDir(), "n1.creds")
	install := func(from string) {
		text, err := os.ReadFile(filepath.Join(from, "creds/host/s1/n1.creds"))
		if err != nil {
			t.Fatal(err)
		}
		writeFile(t, file, string(text))
	}
	install(theirs)
	nc, err := agent.Connect(agent.BusConfig{URLs: []string{server.ClientURL()}, Credentials: file, Options: []nats.Option{
		nats.ReconnectWait(5 * time.Millisecond), nats.ReconnectJitter(0, 0),
	}}, "n1", quiet, func() {})
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		v, err := server.Varz(nil)
		if err != nil {
			t.Fatal(err)
		}
		if v.TotalConnections > 5 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("it has tried %d times", v.TotalConnections)
		}
	}
	if nc.IsConnected() || nc.IsClosed() {
		t.Fatalf("it is %v", nc.Status())
	}
	install(ours)
	for deadline := time.Now().Add(30 * time.Second); !nc.IsConnected(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it is %v", nc.Status())
		}
	}
}
