package main

import (
	"crypto/tls"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/gigawatch/gigawatch/aggregator/internal/bus"
	"github.com/gigawatch/gigawatch/collector/agent"
)

// example of deploy/nats, with its files in a folder of their own and ports of
// loopback.
func exampleServer(t *testing.T, conf string, files map[string]string, changed ...string) (*server.Server, string) {
	t.Helper()
	etc := t.TempDir()
	for name, from := range files {
		copyFile(t, from, filepath.Join(etc, name))
	}
	changed = append(changed, "/etc/nats/", etc+"/", "/var/lib/nats", t.TempDir(), "0.0.0.0:4222", "127.0.0.1:-1", "0.0.0.0:7422", "127.0.0.1:-1", "127.0.0.1:8222", "127.0.0.1:-1", "200GB", "1GB", "20GB", "1GB")
	if strings.Contains(conf, "site") {
		changed = append(changed, "# include leaf.conf", "include leaf.conf")
	}
	for _, name := range []string{conf, "leaf.conf"} {
		text, err := os.ReadFile(filepath.Join("../deploy/nats", name))
		if err != nil {
			t.Fatal(err)
		}
		writeFile(t, filepath.Join(etc, name), strings.NewReplacer(changed...).Replace(string(text)))
	}
	o, err := server.ProcessConfigFile(filepath.Join(etc, conf))
	if err != nil {
		t.Fatalf("%s: %v", conf, err)
	}
	o.NoSigs, o.NoLog = true, true
	s, err := server.NewServer(o)
	if err != nil {
		t.Fatalf("%s: %v", conf, err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(60 * time.Second) {
		t.Fatalf("%s is not ready", conf)
	}
	return s, etc
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	text, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, to, string(text))
}

// The examples of NATS servers are in order, and do what they say: a host of a site
// is heard there, a roll-up at the hub and nothing else is; who is revoked is cut off
// by a reload, and nobody else, by that or by a new certificate.
func TestServersOfTheExamples(t *testing.T) {
	t.Parallel()
	ca := newIssuer(t)
	dir := t.TempDir()
	ours, hubs := filepath.Join(dir, "site"), filepath.Join(dir, "hub")
	command(t, "init", "-dir", ours, "-sites", "s1")
	command(t, "add", "-dir", ours, "-site", "s1", "-name", "n1,n2")
	command(t, "init", "-dir", hubs, "-sites", "s1,s2")
	command(t, "add", "-dir", hubs, "-role", "leaf", "-site", "s1", "-name", "s1")
	command(t, "add", "-dir", hubs, "-role", "operator", "-name", "anna")
	command(t, "add", "-dir", hubs, "-role", "hub", "-name", "hub")
	lines := strings.Fields(command(t, "show", "-dir", ours))
	account := lines[len(lines)-1]
	cert, key := ca.sign("bus", of(time.Hour))
	hub, _ := exampleServer(t, "hub.conf", map[string]string{"users.conf": hubs + "/users.conf", "bus.pem": cert, "bus.key": key})
	v, err := hub.Varz(nil)
	if err != nil {
		t.Fatal(err)
	}
	site, etc := exampleServer(t, "site.conf", map[string]string{
		"users.conf": ours + "/users.conf", "bus.pem": cert, "bus.key": key, "ca.pem": ca.File, "hub-ca.pem": ca.File, "hub.creds": hubs + "/creds/leaf/s1/s1.creds",
	}, "hub.example:7422", "127.0.0.1:"+strconv.Itoa(v.LeafNode.Port), "ACCOUNT", account)

	hostCert, hostKey := ca.sign("host", of(time.Hour))
	dial := func(s *server.Server, name, creds string) *nats.Conn {
		nc, err := agent.Connect(agent.BusConfig{
			URLs: []string{strings.Replace(s.ClientURL(), "nats://", "tls://", 1)}, CA: ca.File, Cert: hostCert, Key: hostKey, Credentials: creds,
			Options: []nats.Option{nats.RetryOnFailedConnect(false), nats.ReconnectWait(20 * time.Millisecond), nats.ReconnectJitter(0, 0)},
		}, name, slog.New(slog.DiscardHandler), func() {})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		t.Cleanup(nc.Close)
		return nc
	}
	aggregator := dial(site, "aggregator", ours+"/creds/aggregator/aggregator.creds")
	n1, n2 := dial(site, "n1", ours+"/creds/host/s1/n1.creds"), dial(site, "n2", ours+"/creds/host/s1/n2.creds")
	js, err := jetstream.New(aggregator)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bus.Ensure(t.Context(), js, bus.Wanted{Sites: []string{"s1"}, Limits: bus.Limits{Telemetry: 64 << 20, Ledger: 64 << 20}}); err != nil {
		t.Fatal(err)
	}
	anna := dial(hub, "operator_anna", hubs+"/creds/operator/anna.creds")
	heard := make(chan *nats.Msg, 1000)
	for _, subject := range []string{"telemetry.>", "ledger.>", "ctl.>", "site.>"} {
		if _, err := anna.ChanSubscribe(subject, heard); err != nil {
			t.Fatal(err)
		}
	}
	if err := anna.Flush(); err != nil {
		t.Fatal(err)
	}
	answers := dial(hub, "hub", hubs+"/creds/hub/hub.creds")
	told := make(chan *nats.Msg, 1000)
	if _, err := answers.ChanSubscribe("site.*.rollup.*", told); err != nil {
		t.Fatal(err)
	}
	had := make(chan *nats.Msg, 1000)
	if _, err := aggregator.ChanSubscribe("hub.*.have", had); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(30 * time.Second); len(heard) < 2 || len(told) == 0 || len(had) == 0; time.Sleep(20 * time.Millisecond) {
		for _, subject := range []string{"hub.s1.have", "hub.s2.have"} {
			if err := answers.Publish(subject, []byte("x")); err != nil {
				t.Fatal(err)
			}
		}
		for subject, nc := range map[string]*nats.Conn{"ledger.s1.n1": n1, "telemetry.s1.n2": n2, "ctl.s1.n1.ack": aggregator, "site.s1.rollup.rack": aggregator, "site.s2.rollup.rack": aggregator, "site.s1.alert.fire": aggregator} {
			if err := nc.Publish(subject, []byte("x")); err != nil {
				t.Fatal(err)
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("operator and hub hear %d and %d, and the site %d", len(heard), len(told), len(had))
		}
	}
	for len(told) > 0 {
		if m := <-told; m.Subject != "site.s1.rollup.rack" {
			t.Errorf("the hub hears %s", m.Subject)
		}
	}
	for len(had) > 0 {
		if m := <-had; m.Subject != "hub.s1.have" {
			t.Errorf("the site hears %s", m.Subject)
		}
	}
	for len(heard) > 0 {
		if m := <-heard; !strings.HasPrefix(m.Subject, "site.s1.") {
			t.Errorf("the hub hears %s", m.Subject)
		}
	}
	if _, err := js.Stream(t.Context(), bus.Ledger); err != nil {
		t.Fatal(err)
	}
	if l, err := js.Stream(t.Context(), bus.Ledger); err != nil || l.CachedInfo().State.Msgs == 0 {
		t.Errorf("the site hears nothing of n1: %v", err)
	}

	command(t, "revoke", "-dir", ours, "-site", "s1", "-name", "n1")
	copyFile(t, ours+"/users.conf", etc+"/users.conf")
	cert, key = ca.sign("bus", of(2*time.Hour))
	copyFile(t, cert, etc+"/bus.pem")
	copyFile(t, key, etc+"/bus.key")
	if err := site.Reload(); err != nil {
		t.Fatal("reload:", err)
	}
	for deadline := time.Now().Add(30 * time.Second); n1.IsConnected(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("n1 is let in still")
		}
	}
	time.Sleep(100 * time.Millisecond)
	for name, nc := range map[string]*nats.Conn{"n2": n2, "the aggregator": aggregator} {
		if !nc.IsConnected() || nc.Stats().Reconnects != 0 {
			t.Errorf("%s was cut off, too", name)
		}
	}
	serial := func(nc *nats.Conn) string {
		state, err := nc.TLSConnectionState()
		if err != nil {
			t.Fatal(err)
		}
		if state.Version != tls.VersionTLS13 {
			t.Errorf("TLS %x is spoken", state.Version)
		}
		return state.PeerCertificates[0].SerialNumber.String()
	}
	if fresh := dial(site, "n2", ours+"/creds/host/s1/n2.creds"); serial(fresh) == serial(n2) {
		t.Error("the certificate is the one from before")
	}
}
