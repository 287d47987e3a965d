//go:build browser

package browser_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/gigawatch/gigawatch/collector/loopback"
	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/sim"
	"github.com/gigawatch/gigawatch/collector/sim/field"
	"github.com/gigawatch/gigawatch/collector/wire"
)

// simulated is the site that is drawn.
const simulated = "simulated"

// livePast gives a data folder the ledger of hours that are over: an aggregator is
// told by each agent of the site what its counters said, twice a minute. The
// site goes on as another simulation, as after a day on which all was restarted.
func livePast(t *testing.T, aggregator, dir string, c sim.Config, hours int) {
	t.Helper()
	began := time.Now()
	c.Site, c.Start = simulated, began.Truncate(time.Minute).Add(-time.Duration(hours)*time.Hour)
	c.Faults = sim.Faults{Lifelike: true}
	world, err := sim.New(c)
	if err != nil {
		t.Fatal(err)
	}
	bus := loopback.Free(t)
	stop := serveFor(t, aggregator, dir, bus, c)
	defer func() {
		stop()
		// Of the moments in which a day was told there are counters that leapt.
		if err := os.RemoveAll(filepath.Join(dir, "tsdb")); err != nil {
			t.Error(err)
		}
	}()
	nc, err := nats.Connect("nats://"+bus, nats.RetryOnFailedConnect(true), nats.MaxReconnects(100), nats.ReconnectWait(100*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	var mu sync.Mutex
	durable := map[string]uint64{}
	if _, err := nc.Subscribe(wire.AckSubject(simulated, "*"), func(m *nats.Msg) {
		if a, err := wire.ParseAck(m.Data); err == nil {
			mu.Lock()
			defer mu.Unlock()
			durable[m.Subject] = a.Sequence
		}
	}); err != nil {
		t.Fatal(err)
	}
	keeps := keeper(t, nc)
	tellers := make([]teller, world.Agents())
	for now := c.Start; now.Before(began); now = now.Add(30 * time.Second) {
		world.Step(now)
		for i := range tellers {
			if err := tellers[i].tell(nc, world, i, now); err != nil {
				t.Fatal(err)
			}
		}
		if now.Truncate(time.Hour).Equal(now) { // what comes faster than it can be kept is lost
			sent := uint64(0)
			for i := range tellers {
				sent += tellers[i].sequence
			}
			keeps(sent)
		}
	}
	for deadline := time.Now().Add(3 * time.Minute); ; time.Sleep(100 * time.Millisecond) {
		open := 0
		mu.Lock()
		for i := range tellers {
			if durable[wire.AckSubject(simulated, world.Agent(i).Name)] < tellers[i].sequence {
				open++
			}
		}
		mu.Unlock()
		if open == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("of %d agents the past is not durable", open)
		}
	}
	t.Logf("%d hours of the past in %v", hours, time.Since(began).Round(time.Millisecond))
}

// keeper waits for the stream of the ledger's lane, since what comes before it is lost,
// and gives a function that waits until the stream keeps so many messages.
func keeper(t *testing.T, nc *nats.Conn) func(sent uint64) {
	t.Helper()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	var stream jetstream.Stream
	for deadline := time.Now().Add(time.Minute); stream == nil; time.Sleep(50 * time.Millisecond) {
		name, err := js.StreamNameBySubject(t.Context(), wire.Subject(metric.Ledger, simulated, "any"))
		if err == nil {
			stream, err = js.Stream(t.Context(), name)
		}
		if err != nil && time.Now().After(deadline) {
			t.Fatalf("the bus of the past is not there: %v", err)
		}
	}
	return func(sent uint64) {
		t.Helper()
		for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(10 * time.Millisecond) {
			i, err := stream.Info(t.Context())
			if err == nil && i.State.LastSeq >= sent {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("the bus of the past keeps not all of %d messages: %+v: %v", sent, i, err)
			}
		}
	}
}

// teller is one agent of the past.
type teller struct {
	sequence uint64
	layout   *metric.Layout
	compiled *wire.Layout
	values   []metric.Raw
	frame    []byte
}

func (x *teller) tell(nc *nats.Conn, w *sim.World, i int, now time.Time) (err error) {
	var alive bool
	if x.values, alive = w.Ledger(i, x.values[:0]); !alive {
		return nil
	}
	a := w.Agent(i)
	if a.Ledger != x.layout {
		if x.compiled, err = wire.Compile(a.Ledger); err != nil {
			return err
		}
		x.layout = a.Ledger
	}
	b := metric.Batch{Site: simulated, Agent: a.Name, Lane: metric.Ledger, Incarnation: 1, Sequence: x.sequence + 1, Time: now.UnixMilli(), Ticks: 1, Values: x.values}
	if b.Sequence == 1 {
		b.Flags |= metric.Fresh
	}
	if now.Truncate(time.Hour).Equal(now) {
		b.Flags |= metric.HourEdge
	}
	if x.frame, err = wire.Append(x.frame[:0], &b, x.compiled, true); err != nil {
		return err
	}
	x.sequence++
	return nc.Publish(wire.Subject(metric.Ledger, simulated, a.Name), x.frame)
}

// serveFor runs an aggregator of the site until the function it gives is called.
func serveFor(t *testing.T, aggregator, dir, bus string, c sim.Config) (stop func()) {
	t.Helper()
	c.Wired = true
	world, err := sim.New(c)
	if err != nil {
		t.Fatal(err)
	}
	plant, err := field.Open(world, field.Config{})
	if err != nil {
		t.Fatal(err)
	}
	text, err := plant.SiteFile(time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if err := plant.Close(); err != nil {
		t.Fatal(err)
	}
	own := t.TempDir()
	config := fmt.Sprintf("data: %s\nlisten: 127.0.0.1:0\nsites: [{file: site.yaml}]\nbus: {embedded: {listen: %q}}\n", dir, bus)
	for name, text := range map[string][]byte{"site.yaml": text, "aggregator.yaml": []byte(config)} {
		if err := os.WriteFile(filepath.Join(own, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out := &printed{address: make(chan string, 1)}
	cmd := exec.Command(aggregator, "serve", "-config", filepath.Join(own, "aggregator.yaml"), "-log", "warn")
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended already, which Wait says
		if err := cmd.Wait(); err != nil {
			t.Errorf("the aggregator of the past ended: %v; it says: %s", err, out.text)
		}
	}
}
