package bus

import (
	"bytes"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

func TestLimitsStayWithinDiskAndPromise(t *testing.T) {
	const gib = 1 << 30
	for name, tc := range map[string]struct {
		free  int64
		hosts int
		want  Limits
	}{
		"a gigafactory on a large disk": {4000 * gib, 12_500, Limits{12_500 * 800 * 1800 * 3 / 2, 120 * gib}},
		"unknown hosts, a large disk":   {4000 * gib, 0, Limits{40 * gib, 120 * gib}},
		"unknown hosts, a small disk":   {40 * gib, 0, Limits{10 * gib, 10 * gib}},
		"one host":                      {4000 * gib, 1, Limits{64 << 20, 64 << 20}},
		"hardly any disk":               {1 << 20, 0, Limits{64 << 20, 64 << 20}},
	} {
		if got := LimitsFor(tc.hosts).within(tc.free); got != tc.want {
			t.Errorf("%s: got %d, want %d", name, got, tc.want)
		}
	}
}

// connect starts a server in dir with its streams and connects to it.
func connect(t *testing.T, dir string) (*nats.Conn, jetstream.JetStream, func()) {
	t.Helper()
	l := Limits{64 << 20, 64 << 20}
	s, err := Start(ServerConfig{Dir: dir, Store: MaxStore, Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		t.Fatal(err)
	}
	nc, err := nats.Connect("", nats.InProcessServer(s))
	if err != nil {
		t.Fatal(err)
	}
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // creating and finding them again
		if _, err := Ensure(t.Context(), js, Wanted{Limits: l}); err != nil {
			t.Fatal(err)
		}
	}
	return nc, js, func() {
		nc.Close()
		s.Shutdown()
		s.WaitForShutdown()
	}
}

// A publisher that names another's subject as its reply must not have the server
// write there, and message ids, which are one space for
// the whole stream, must not swallow what carries none (trap 1).
func TestLanesAnswerNoPublishAndNeedNoMessageIDs(t *testing.T) {
	nc, js, stop := connect(t, t.TempDir())
	defer stop()
	forged := &nats.Msg{Subject: "ledger.s1.h1", Reply: "ledger.s1.h2", Data: []byte("mine"), Header: nats.Header{"Nats-Msg-Id": {"1"}}}
	if err := nc.PublishMsg(forged); err != nil {
		t.Fatal(err)
	}
	for _, subject := range []string{"ledger.s1.h1", "ledger.s1.h2"} {
		m := &nats.Msg{Subject: subject, Data: []byte("mine")}
		if err := nc.PublishMsg(m); err != nil {
			t.Fatal(err)
		}
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	stream, err := js.Stream(t.Context(), Ledger)
	if err != nil {
		t.Fatal(err)
	}
	stored(t, stream, 3)
	m, err := stream.GetLastMsgForSubject(t.Context(), "ledger.s1.h2")
	if err != nil || !bytes.Equal(m.Data, []byte("mine")) {
		t.Errorf("h2's subject holds %q, %v", m.Data, err)
	}
	if i, _ := stream.Info(t.Context()); i.State.Msgs != 3 {
		t.Errorf("the stream holds %d messages, want the 3 that were published", i.State.Msgs)
	}
}

// stored waits until the stream holds n messages.
func stored(t *testing.T, s jetstream.Stream, n uint64) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		i, err := s.Info(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if i.State.Msgs == n {
			return
		}
	}
	t.Fatalf("the stream never held %d messages", n)
}

func TestStreamsOutliveTheServer(t *testing.T) {
	dir := t.TempDir()
	nc, js, stop := connect(t, dir)
	if err := nc.Publish("telemetry.s1.h1", []byte("x")); err != nil {
		t.Fatal(err)
	}
	s, err := js.Stream(t.Context(), Telemetry)
	if err != nil {
		t.Fatal(err)
	}
	stored(t, s, 1)
	stop()
	_, js, stop = connect(t, dir)
	defer stop()
	if s, err = js.Stream(t.Context(), Telemetry); err != nil {
		t.Fatal(err)
	}
	if i, err := s.Info(t.Context()); err != nil || i.State.Msgs != 1 {
		t.Errorf("after a restart the stream holds %d messages, %v", i.State.Msgs, err)
	}
}

// A disk that fills up shrinks the limits that are computed; what was promised
// to the streams must not keep the server from starting.
func TestRestartOnAFullerDisk(t *testing.T) {
	dir := t.TempDir()
	for _, l := range []Limits{{8 << 30, 8 << 30}, {64 << 20, 64 << 20}, {9 << 30, 9 << 30}} {
		s, err := Start(ServerConfig{Dir: dir, Store: MaxStore, Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
		if err != nil {
			t.Fatal(err)
		}
		nc, err := nats.Connect("", nats.InProcessServer(s))
		if err != nil {
			t.Fatal(err)
		}
		js, err := jetstream.New(nc)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Ensure(t.Context(), js, Wanted{Sites: []string{"s1"}, Limits: l}); err != nil {
			t.Error(err)
		}
		nc.Close()
		s.Shutdown()
		s.WaitForShutdown()
	}
}
