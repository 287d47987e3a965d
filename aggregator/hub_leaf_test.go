package main

import (
	"log/slog"
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

// A hub that asks for everything and allows everything hears roll-ups alone, and
// reaches neither the hosts of the site, whose spools an acknowledgement would empty,
// nor its streams: the site's own end of the leaf connection sees to that.
func TestAHostileHubReachesNothingOfASite(t *testing.T) {
	t.Parallel()
	ca := newIssuer(t)
	ours := t.TempDir()
	command(t, "init", "-dir", ours, "-sites", "s1")
	command(t, "add", "-dir", ours, "-site", "s1", "-name", "n1")
	command(t, "add", "-dir", ours, "-role", "leaf", "-site", "s1", "-name", "s1")
	lines := strings.Fields(command(t, "show", "-dir", ours))
	cert, key := ca.sign("bus", of(time.Hour))
	hub, _ := exampleServer(t, "hub.conf", map[string]string{"bus.pem": cert, "bus.key": key}, "include users.conf", "")
	v, err := hub.Varz(nil)
	if err != nil {
		t.Fatal(err)
	}
	hostCert, hostKey := ca.sign("host", of(time.Hour))
	dial := func(s *server.Server, name, creds string) *nats.Conn {
		nc, err := agent.Connect(agent.BusConfig{
			URLs: []string{strings.Replace(s.ClientURL(), "nats://", "tls://", 1)}, CA: ca.File, Cert: hostCert, Key: hostKey, Credentials: creds,
			Options: []nats.Option{nats.RetryOnFailedConnect(false)},
		}, name, slog.New(slog.DiscardHandler), func() {})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		t.Cleanup(nc.Close)
		return nc
	}
	listen := func(nc *nats.Conn, subjects ...string) chan *nats.Msg {
		heard := make(chan *nats.Msg, 10_000)
		for _, s := range subjects {
			if _, err := nc.ChanSubscribe(s, heard); err != nil {
				t.Fatal(err)
			}
		}
		if err := nc.Flush(); err != nil {
			t.Fatal(err)
		}
		return heard
	}
	mallory := dial(hub, "mallory", "")
	told := listen(mallory, ">", "ledger.>", "telemetry.s1.n1", "ctl.s1.n1.ack", "$JS.>", "_INBOX_aggregator.>")

	site, _ := exampleServer(t, "site.conf", map[string]string{
		"users.conf": ours + "/users.conf", "bus.pem": cert, "bus.key": key, "ca.pem": ca.File, "hub-ca.pem": ca.File, "hub.creds": ours + "/creds/leaf/s1/s1.creds",
	}, "hub.example:7422", "127.0.0.1:"+strconv.Itoa(v.LeafNode.Port), "ACCOUNT", lines[len(lines)-1])
	aggregator, n1 := dial(site, "aggregator", ours+"/creds/aggregator/aggregator.creds"), dial(site, "n1", ours+"/creds/host/s1/n1.creds")
	js, err := jetstream.New(aggregator)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bus.Ensure(t.Context(), js, bus.Wanted{Sites: []string{"s1"}, Limits: bus.Limits{Telemetry: 64 << 20, Ledger: 64 << 20}}); err != nil {
		t.Fatal(err)
	}
	atAggregator := listen(aggregator, "telemetry.>", "ledger.>", "_INBOX_aggregator.>", "hub.*.have")
	atHost := listen(n1, "ctl.s1.n1.ack", "ctl.s1.all.>")
	forged := []string{
		"telemetry.s1.n1", "ledger.s1.n1", "ctl.s1.n1.ack", "ctl.s1.all.rate", "_INBOX_aggregator.x",
		"$JS.API.STREAM.PURGE.LEDGER", "$JS.API.STREAM.DELETE.LEDGER", "$JS.site.API.STREAM.DELETE.LEDGER", "$JS.site.API.STREAM.DELETE.TELEMETRY", "$KV.b.k",
	}
	answered, rollups := 0, 0
	for deadline := time.Now().Add(30 * time.Second); answered < 20 || rollups < 20; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d answers and %d roll-ups came through", answered, rollups)
		}
		for _, s := range append(forged, "hub.s1.have") {
			if err := mallory.Publish(s, []byte("mallory")); err != nil {
				t.Fatal(err)
			}
		}
		for s, nc := range map[string]*nats.Conn{"telemetry.s1.n1": n1, "ctl.s1.n1.ack": aggregator, "site.s1.rollup.now": aggregator} {
			if err := nc.Publish(s, []byte("ours")); err != nil {
				t.Fatal(err)
			}
		}
		for len(atAggregator) > 0 {
			switch m := <-atAggregator; {
			case m.Subject == "hub.s1.have":
				answered++
			case string(m.Data) == "mallory":
				t.Fatalf("the aggregator hears %s of a hub", m.Subject)
			}
		}
		for len(atHost) > 0 {
			if m := <-atHost; string(m.Data) == "mallory" {
				t.Fatalf("a host hears %s of a hub", m.Subject)
			}
		}
		for len(told) > 0 {
			switch m := <-told; {
			case m.Subject == "site.s1.rollup.now":
				rollups++
			case string(m.Data) != "mallory" && !strings.HasPrefix(m.Subject, "site.s1.") && !strings.Contains(string(m.Data), `"server":"hub-1"`): // which tells of itself, too
				t.Fatalf("a hub hears %s: %.100q", m.Subject, m.Data)
			}
		}
	}
	for _, name := range []string{bus.Ledger, bus.Telemetry} {
		s, err := js.Stream(t.Context(), name)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if n := s.CachedInfo().State.Msgs; (name == bus.Ledger) != (n == 0) {
			t.Errorf("%s holds %d messages", name, n)
		}
	}
}
