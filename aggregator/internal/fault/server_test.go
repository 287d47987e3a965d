package fault

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats-server/v2/server/ats"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/gigawatch/gigawatch/aggregator/internal/bus"
)

// A real bus, in the test's own time.
type real struct {
	dir    string
	stores int // that were lost
	server *server.Server
	conn   *nats.Conn
	js     jetstream.JetStream
}

func (b *real) open(t *testing.T) {
	s, err := bus.Start(bus.ServerConfig{Dir: filepath.Join(b.dir, fmt.Sprint(b.stores)), Store: bus.MaxStore, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	b.server = s
	if b.conn, err = nats.Connect("", nats.InProcessServer(s), nats.NoReconnect()); err != nil {
		t.Fatal(err)
	}
	if b.js, err = jetstream.New(b.conn); err != nil {
		t.Fatal(err)
	}
	if _, err := bus.Ensure(t.Context(), b.js, bus.Wanted{Limits: bus.Limits{Telemetry: 64 << 20, Ledger: 64 << 20}}); err != nil {
		t.Fatal(err)
	}
}

func (b *real) close() {
	b.conn.Close()
	b.server.Shutdown()
	b.server.WaitForShutdown()
}

// today is virtual time that begins today: a server that opens its store asks a clock that is not
// the test's how old its messages are, and drops them.
func today(t *testing.T, f func(t *testing.T)) {
	now := time.Now().Truncate(time.Hour)
	defer func() { // timers that nats.go keeps in a pool must not live to the next
		runtime.GC()
		runtime.GC()
	}()
	virtual(t, func(t *testing.T) {
		time.Sleep(time.Until(now))
		f(t)
	})
}

// breakServer restarts the server, at times without what it stored.
func (r *run) breakServer() {
	wipe := r.chance(wipeBus)
	if !wipe && !r.chance(restartBus) {
		return
	}
	r.kill(false)
	r.server.close()
	if wipe {
		r.server.stores++
	}
	r.server.open(r.t)
	for _, c := range r.collectors {
		c.linked = false
	}
}

// TestFaultsOnTheServerItself runs a few seeds with the server in the place of its model.
func TestFaultsOnTheServerItself(t *testing.T) {
	ats.Register()
	defer ats.Unregister()
	var sum tally
	began := time.Now()
	n := number("FAULT_SERVER_SEEDS", 3)
	for seed := range n {
		o := drawn(seed)
		o.Hours = 1
		o.Often[restartBus], o.Often[wipeBus] = 15_000, 15_000
		ok := t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			dir := t.TempDir()
			today(t, func(t *testing.T) {
				r := newRun(t, o)
				r.server = &real{dir: dir}
				r.server.open(t)
				defer func() { r.server.close() }()
				r.whole()
				sum.add(r.sum)
			})
		})
		if !ok {
			t.Logf("%v", o)
			break
		}
	}
	t.Log(summary(int(n), &sum, time.Since(began)))
}

// arrive lets what was sent come to who reads.
func (r *run) arrive() {
	if err := r.server.conn.Flush(); err != nil {
		r.t.Fatal(err)
	}
	time.Sleep(50 * time.Millisecond)
	synctest.Wait()
}
