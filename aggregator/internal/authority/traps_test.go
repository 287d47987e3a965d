package authority

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/gigawatch/gigawatch/aggregator/internal/bus"
)

// Ways by which the credentials of one host were once found to reach further than
// its own subjects, or could be thought to. n1 is the host that was broken into.

// stored are the subjects of what a stream holds, in order.
func (g *grounds) stored(name string) (subjects []string) {
	g.t.Helper()
	s, err := g.js.Stream(g.t.Context(), name)
	if err != nil {
		g.t.Fatal(err)
	}
	i, err := s.Info(g.t.Context())
	if err != nil {
		g.t.Fatal(err)
	}
	for seq := max(1, i.State.FirstSeq); seq <= i.State.LastSeq; seq++ {
		if m, err := s.GetMsg(g.t.Context(), seq); err == nil {
			subjects = append(subjects, m.Subject)
		}
	}
	return subjects
}

// expect waits for what a stream is to hold: what was published by others is stored
// beside.
func (g *grounds) expect(name string, want ...string) {
	g.t.Helper()
	var got []string
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if got = g.stored(name); len(got) >= len(want) {
			break
		}
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		g.t.Errorf("%s holds %v, want %v", name, got, want)
	}
}

// send publishes a message with a reply subject and headers.
func (c *caller) send(t *testing.T, subject, reply string, header nats.Header) {
	t.Helper()
	if err := c.PublishMsg(&nats.Msg{Subject: subject, Reply: reply, Header: header, Data: []byte("x")}); err != nil {
		t.Fatal(err)
	}
	if err := c.Flush(); err != nil {
		t.Fatal(err)
	}
}

// A message id that another is about to use would have the other's message dropped
// as one that came twice.
func TestTrapAMessageIDTakesNobodysPlace(t *testing.T) {
	g := newGrounds(t)
	n1, n2 := g.as("host", "s1", "n1"), g.as("host", "s1", "n2")
	n1.send(t, "ledger.s1.n1", "", nats.Header{"Nats-Msg-Id": {"n2-7"}})
	n2.send(t, "ledger.s1.n2", "", nil) // as collectors do: with none
	g.expect(bus.Ledger, "ledger.s1.n1", "ledger.s1.n2")
}

// The server's answer to a publish is sent with the server's rights: to another
// host's subject it would be stored as that host's message, to JetStream's own it
// would be a command.
func TestTrapAReplySubjectIsNoDeputy(t *testing.T) {
	g := newGrounds(t)
	n1, n2 := g.as("host", "s1", "n1"), g.as("host", "s1", "n2")
	n2.send(t, "ledger.s1.n2", "", nil)
	n2.send(t, "telemetry.s1.n2", "", nil)
	for _, reply := range []string{
		"ledger.s1.n2", "telemetry.s1.n2", "ctl.s1.n2.ack", "$JS.API.STREAM.PURGE.LEDGER", "$JS.API.STREAM.PURGE.TELEMETRY", "$JS.API.STREAM.DELETE.LEDGER",
		"$JS.API.STREAM.MSG.DELETE.LEDGER", "$JS.ACK.LEDGER.x.1.1.1.1.0", "_INBOX_aggregator.x",
	} {
		heard, err := g.all.SubscribeSync(reply)
		if err != nil {
			t.Fatal(err)
		}
		if err := g.all.Flush(); err != nil {
			t.Fatal(err)
		}
		for _, lane := range []string{"ledger.s1.n1", "telemetry.s1.n1"} {
			n1.send(t, lane, reply, nil)
			n1.send(t, lane, reply, nats.Header{"Nats-Expected-Stream": {"OTHER"}}) // is refused, which is an answer too
		}
		if m, err := heard.NextMsg(50 * time.Millisecond); err == nil {
			t.Errorf("the server said %s under %s", m.Data, reply)
		}
	}
	for _, name := range []string{bus.Ledger, bus.Telemetry} {
		got := g.stored(name)
		if len(got) == 0 || !strings.HasSuffix(got[0], ".n2") {
			t.Fatalf("%s was emptied: %v", name, got)
		}
		for _, subject := range got[1:] {
			if !strings.HasSuffix(subject, ".n1") {
				t.Errorf("%s holds %s, which n2 did not send", name, subject)
			}
		}
	}
}

// Headers by which a message does more than be stored.
func TestTrapHeadersDoNothing(t *testing.T) {
	for name, header := range map[string]nats.Header{
		"rolls all up":              {"Nats-Rollup": {"all"}},
		"rolls the subject up":      {"Nats-Rollup": {"sub"}},
		"ends itself, leaves marks": {"Nats-TTL": {"1s"}},
		"counts":                    {"Nats-Incr": {"1"}},
		"is sent later, elsewhere":  {"Nats-Schedule": {"@at 2009-11-10T23:00:00Z"}, "Nats-Schedule-Target": {"ledger.s1.n2"}},
		"is traced to elsewhere":    {"Nats-Trace-Dest": {"ledger.s1.n2"}},
		"is part of a batch":        {"Nats-Batch-Id": {"b"}, "Nats-Batch-Sequence": {"1"}, "Nats-Batch-Commit": {"1"}},
		"says who asked":            {"Nats-Request-Info": {`{"acc":"x"}`}},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGrounds(t)
			n1, n2 := g.as("host", "s1", "n1"), g.as("host", "s1", "n2")
			n2.send(t, "ledger.s1.n2", "", nil)
			g.expect(bus.Ledger, "ledger.s1.n2")
			n1.send(t, "ledger.s1.n1", "", header)
			n2.send(t, "ledger.s1.n2", "", nil)
			time.Sleep(50 * time.Millisecond)
			of2 := 0
			for _, subject := range g.stored(bus.Ledger) {
				if subject == "ledger.s1.n2" {
					of2++
				}
			}
			if of2 != 2 {
				t.Errorf("of n2 there are %d messages: %v", of2, g.stored(bus.Ledger))
			}
		})
	}
}

// What the streams could be told by headers is off, of streams that were there
// before, too.
func TestTrapStreamsTakeNoOrdersFromMessages(t *testing.T) {
	g := newGrounds(t)
	for _, name := range []string{bus.Ledger, bus.Telemetry} {
		s, err := g.js.Stream(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		c := s.CachedInfo().Config
		for what, on := range map[string]bool{
			"answers publishers": !c.NoAck, "is rolled up": c.AllowRollup, "lets messages be deleted": !c.DenyDelete, "lets messages end": c.AllowMsgTTL,
			"counts": c.AllowMsgCounter, "sends later": c.AllowMsgSchedules, "takes batches": c.AllowAtomicPublish, "shows itself": c.AllowDirect,
			"republishes": c.RePublish != nil, "copies": c.Mirror != nil || len(c.Sources) > 0,
		} {
			if on {
				t.Errorf("%s %s", name, what)
			}
		}
	}
}

// With the common inbox of NATS whoever may listen to one may listen to all, and the
// aggregator's answers are JetStream's messages: the figures of all.
func TestTrapAnInboxIsItsOwnersAlone(t *testing.T) {
	g := newGrounds(t)
	aggregator := g.open(g.credentials("aggregator", "", "aggregator"), nats.CustomInboxPrefix("_INBOX_aggregator"))
	js, err := jetstream.New(aggregator.Conn)
	if err != nil {
		t.Fatal(err)
	}
	spies := map[string]*caller{
		"host": g.as("host", "s1", "n1"), "simulator": g.as("simulator", "s1", "s"), "operator": g.as("operator", "", "anna"),
		"host of its name": g.as("host", "s1", "aggregator"), "operator of its name": g.as("operator", "", "aggregator"),
	}
	subs := map[string][]*nats.Subscription{}
	for who, c := range spies {
		for _, subject := range []string{"_INBOX.>", "_INBOX_aggregator.>", "_INBOX_aggregator.*.*", "*.*.*", "*.>", ">"} {
			s, err := c.SubscribeSync(subject)
			if err != nil {
				t.Fatal(err)
			}
			subs[who] = append(subs[who], s)
		}
		if err := c.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := bus.Ensure(t.Context(), js, bus.Wanted{Sites: []string{"s1", "s2"}, Limits: bus.Limits{Telemetry: 64 << 20, Ledger: 64 << 20}}); err != nil {
		t.Fatal("the aggregator cannot make its streams:", err)
	}
	g.as("host", "s1", "n2").send(t, "ledger.s1.n2", "", nil)
	c, err := js.OrderedConsumer(t.Context(), bus.Ledger, jetstream.OrderedConsumerConfig{})
	if err != nil {
		t.Fatal("the aggregator cannot read:", err)
	}
	if m, err := c.Next(jetstream.FetchMaxWait(10 * time.Second)); err != nil || m.Subject() != "ledger.s1.n2" {
		t.Fatalf("the aggregator reads %v, %v", m, err)
	}
	for who, c := range spies {
		if err := c.Flush(); err != nil {
			t.Fatal(err)
		}
		for _, s := range subs[who] {
			if n, _, err := s.Pending(); err == nil && n > 0 {
				t.Errorf("%s hears %d messages under %s", who, n, s.Subject)
			}
		}
	}
	// Nor can anybody answer in JetStream's place.
	for who, c := range spies {
		if err := c.Publish("_INBOX_aggregator.x.1", []byte("{}")); err != nil {
			t.Fatal(err)
		}
		if !c.complaints(t, map[string]bool{"_INBOX_aggregator.x.1": true})["_INBOX_aggregator.x.1"] {
			t.Errorf("%s answers in JetStream's place", who)
		}
	}
}

// A host asks JetStream nothing, by whatever name its consumer would go.
func TestTrapAHostHasNoConsumer(t *testing.T) {
	g := newGrounds(t)
	n1 := g.open(g.credentials("host", "s1", "n1"), nats.CustomInboxPrefix("_INBOX_n1"))
	js, err := jetstream.New(n1.Conn)
	if err != nil {
		t.Fatal(err)
	}
	brief, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := js.OrderedConsumer(brief, bus.Ledger, jetstream.OrderedConsumerConfig{FilterSubjects: []string{"ledger.s1.n1"}}); err == nil {
		t.Error("a host has a consumer of its own records")
	}
	// One that pushes to a subject which its maker may not publish to.
	body, err := json.Marshal(map[string]any{"stream_name": bus.Ledger, "config": map[string]any{"deliver_subject": "telemetry.s1.n2", "ack_policy": "none", "name": "x"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, subject := range []string{"$JS.API.CONSUMER.CREATE.LEDGER", "$JS.API.CONSUMER.CREATE.LEDGER.x", "$JS.API.CONSUMER.DURABLE.CREATE.LEDGER.x"} {
		if err := n1.Publish(subject, body); err != nil {
			t.Fatal(err)
		}
	}
	if err := n1.Flush(); err != nil {
		t.Fatal(err)
	}
	s, err := g.js.Stream(t.Context(), bus.Ledger)
	if err != nil {
		t.Fatal(err)
	}
	if i, err := s.Info(t.Context()); err != nil || i.State.Consumers != 0 {
		t.Errorf("%d consumers, %v", i.State.Consumers, err)
	}
}

// The aggregator's credentials, too, can neither delete a stream nor what is in it.
func TestTrapNobodyEmptiesTheLedger(t *testing.T) {
	g := newGrounds(t)
	g.as("host", "s1", "n2").send(t, "ledger.s1.n2", "", nil)
	for _, c := range g.cast() {
		for _, verb := range []string{"PURGE", "DELETE", "MSG.DELETE", "RESTORE", "SNAPSHOT"} {
			if err := c.Publish("$JS.API.STREAM."+verb+".LEDGER", []byte(`{"seq":1}`)); err != nil {
				t.Fatal(err)
			}
		}
		if err := c.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	g.expect(bus.Ledger, "ledger.s1.n2")
}

// What is larger than a lane takes ends the connection of who sent it, and nobody
// else's.
func TestTrapOversizeHurtsItsSenderAlone(t *testing.T) {
	g := newGrounds(t)
	n1, n2 := g.as("host", "s1", "n1"), g.as("host", "s1", "n2")
	if err := n1.Publish("ledger.s1.n1", make([]byte, oneBatch)); err != nil {
		t.Fatal(err)
	}
	if err := n1.Flush(); err != nil {
		t.Fatalf("a batch of %d bytes is not taken: %v", oneBatch, err)
	}
	raw := g.credentials("host", "s1", "n1")
	big := g.open(raw, nats.NoReconnect())
	_ = big.PublishMsg(&nats.Msg{Subject: "ledger.s1.n1", Header: nats.Header{"X": {strings.Repeat("x", 2*oneBatch)}}})
	_ = big.Flush()
	n2.send(t, "ledger.s1.n2", "", nil)
	for _, subject := range g.stored(bus.Ledger)[1:] {
		if subject == "ledger.s1.n1" {
			t.Error("what is too large was stored")
		}
	}
	if !n2.IsConnected() {
		t.Error("n2 was cut off")
	}
}

// Who listens a thousand times over slows everybody.
func TestTrapAHostHasFewSubscriptions(t *testing.T) {
	g := newGrounds(t)
	n1 := g.as("host", "s1", "n1")
	for range 1000 {
		if _, err := n1.SubscribeSync("ctl.s1.n1.ack"); err != nil {
			break
		}
	}
	_ = n1.Flush() // the server may have cut it off
	if n := g.server.NumSubscriptions(); n > 500 {
		t.Errorf("there are %d subscriptions", n)
	}
}
