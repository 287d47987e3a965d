package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/gigawatch/gigawatch/aggregator/internal/bus"
	"github.com/gigawatch/gigawatch/collector/agent"
	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/sim"
	"github.com/gigawatch/gigawatch/collector/wire"
)

// killWorld is a site that tells its past to an aggregator that is killed.
type killWorld struct {
	t      *testing.T
	dir    string // of all that is kept
	config string

	bus   *server.Server
	port  int
	conn  *nats.Conn
	world *sim.World
	began time.Time
	now   time.Time
	sent  int

	agents []*killAgent
	boards map[string]string // agent by board
	beside map[string]uint64 // mJ that were estimated, by board and record
}

// killAgent is an agent: the recorder of the collector, with what was true at each
// of its records.
type killAgent struct {
	*agent.Recorder
	name   string
	values []metric.Raw
	spent  []map[string]uint64 // mJ of each board by record, the first at index 0
	heard  chan wire.Ack
	acked  uint64 // as was heard
}

const (
	killStep = 10 * time.Minute    // between records
	killPast = 30 * 24 * time.Hour // that can be told
)

func newKillWorld(t *testing.T, seed uint64) *killWorld {
	t.Helper()
	return newKillWorldIn(t, t.TempDir(), seed)
}

// newKillWorldIn is one that keeps all in a folder, its bus in bus.
func newKillWorldIn(t *testing.T, dir string, seed uint64) *killWorld {
	t.Helper()
	w := &killWorld{t: t, dir: dir, boards: map[string]string{}, beside: map[string]uint64{}}
	w.now = time.Now().Truncate(time.Hour).Add(-killPast)
	w.began = w.now
	var err error
	if w.world, err = sim.New(sim.Config{Site: "s1", Hosts: 3, GPUs: 2, Seed: seed, Start: w.now}); err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(freePort(t))
	w.port, _ = strconv.Atoi(port)
	w.startBus()
	t.Cleanup(func() { w.conn.Close(); w.bus.Shutdown(); w.bus.WaitForShutdown() })
	w.config = filepath.Join(w.dir, "aggregator.yaml")
	text := fmt.Sprintf("data: %s\nlisten: 127.0.0.1:0\nsites: [{name: s1}]\nbus: {urls: [%q], ledger_bytes: 64MiB, telemetry_bytes: 64MiB}\n", w.data(), w.bus.ClientURL())
	if err := os.WriteFile(w.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if w.conn, err = nats.Connect(w.bus.ClientURL(), nats.MaxReconnects(-1), nats.ReconnectWait(50*time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	for i := range w.world.Agents() {
		a := &killAgent{name: w.world.Agent(i).Name, heard: make(chan wire.Ack, 1024)}
		if a.Recorder, err = agent.OpenRecorder(agent.RecorderConfig{Site: "s1", Agent: a.name, Dir: filepath.Join(w.dir, "spool", a.name), Logger: quietly()}); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { a.Close() })
		if _, err := w.conn.Subscribe(wire.AckSubject("s1", a.name), func(m *nats.Msg) {
			if ack, err := wire.ParseAck(m.Data); err == nil {
				a.heard <- ack
			}
		}); err != nil {
			t.Fatal(err)
		}
		w.agents = append(w.agents, a)
	}
	for _, g := range w.world.Truth().GPU {
		w.boards[g.UUID] = g.Host
	}
	return w
}

func (w *killWorld) data() string { return filepath.Join(w.dir, "data") }

func (w *killWorld) startBus() {
	w.t.Helper()
	var err error
	if w.bus, err = bus.Start(bus.ServerConfig{Dir: filepath.Join(w.dir, "bus"), Listen: "127.0.0.1", Port: w.port, Store: 1 << 30, Logger: quietly()}); err != nil {
		w.t.Fatal(err)
	}
}

// restartBus ends the bus and starts it, wiped if it loses all that it kept.
func (w *killWorld) restartBus(wiped bool) {
	w.t.Helper()
	w.bus.Shutdown()
	w.bus.WaitForShutdown()
	if wiped {
		if err := os.RemoveAll(filepath.Join(w.dir, "bus")); err != nil {
			w.t.Fatal(err)
		}
	}
	w.startBus()
}

// tell lets one step pass and every agent record and send it.
func (w *killWorld) tell() {
	w.t.Helper()
	w.now = w.now.Add(killStep)
	if w.now.After(time.Now()) {
		w.t.Fatal("the past was too short for so many kills")
	}
	w.world.Step(w.now)
	truth := map[string]map[string]uint64{}
	for i, a := range w.agents {
		var flags metric.Flags
		if w.now.Truncate(time.Hour).Equal(w.now) {
			flags = metric.HourEdge
		}
		var alive bool
		if a.values, alive = w.world.Ledger(i, a.values[:0]); !alive {
			continue
		}
		if err := a.Record(w.now, 0, flags, w.world.Agent(i).Ledger, a.values); err != nil {
			w.t.Fatal(err)
		}
		w.sent++
	}
	for _, g := range w.world.Truth().GPU {
		of := truth[g.Host]
		if of == nil {
			of = map[string]uint64{}
			truth[g.Host] = of
		}
		of[g.UUID] = uint64(g.Observed)
	}
	for _, a := range w.agents {
		for last, _ := a.Standing(); uint64(len(a.spent)) < last; {
			a.spent = append(a.spent, truth[a.name])
		}
	}
}

// pump sends what waits, and takes what was acknowledged.
func (w *killWorld) pump() {
	for _, a := range w.agents {
		for len(a.heard) > 0 {
			ack := <-a.heard
			a.acked = max(a.acked, ack.Sequence)
			_ = a.Heard(w.conn, ack, time.Now()) // what is not taken is sent again
		}
		_ = a.Pump(w.conn, time.Now(), 100) // the bus may be away
	}
}

// durable reports whether every record is.
func (w *killWorld) durable() bool {
	for _, a := range w.agents {
		if last, durable := a.Standing(); durable < last {
			return false
		}
	}
	return true
}

// up starts an aggregator that ends at a point; "" at none.
func (w *killWorld) up(at string, more ...string) (cmd *exec.Cmd, ended chan error) {
	w.t.Helper()
	cmd = exec.Command("aggregator-mortal", w.config)
	cmd.Env = append(append(os.Environ(), killAt+"="+at), more...)
	log := &process{t: w.t}
	cmd.Stdout, cmd.Stderr = io.Discard, log
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { cmd.Process.Kill() })
	ended = make(chan error, 1)
	go func() {
		err := cmd.Wait()
		if err != nil && !strings.Contains(err.Error(), "killed") {
			err = fmt.Errorf("%w: %s", err, log.output())
		}
		ended <- err
	}()
	return cmd, ended
}

// until tells and sends until the aggregator has ended, or ok says so.
func (w *killWorld) until(what string, ended chan error, ok func() bool) (err error, over bool) {
	w.t.Helper()
	for _, a := range w.agents { // what was not acknowledged may have been lost with the aggregator
		a.Reconnected(time.Now())
	}
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); {
		select {
		case err := <-ended:
			return err, true
		case <-time.After(20 * time.Millisecond):
		}
		w.pump()
		if ok() {
			return nil, false
		}
		if w.durable() {
			w.tell()
		}
	}
	w.t.Fatalf("waited in vain: %s", what)
	return nil, false
}

// learn runs an aggregator until it has sealed some hours, and says which points it
// passed until the first only, in their order, and which again and again.
func (w *killWorld) learn() (once, often []string) {
	w.t.Helper()
	file := filepath.Join(w.dir, "points")
	cmd, ended := w.up("", killPoints+"="+file)
	passed := func(d time.Duration) []string {
		until := w.now.Add(d)
		if err, over := w.until("hours of the past", ended, func() bool { return w.now.After(until) && w.durable() }); over {
			w.t.Fatalf("the aggregator ended: %v", err)
		}
		b, err := os.ReadFile(file)
		if err != nil {
			w.t.Fatal(err)
		}
		return strings.Split(strings.TrimSpace(string(b)), "\n")
	}
	once = passed(time.Hour + 2*killStep)
	often = passed(3 * time.Hour)[len(once):]
	cmd.Process.Signal(os.Interrupt)
	if err := <-ended; err != nil {
		w.t.Fatal(err)
	}
	w.checkDisk("stopped")
	slices.Sort(often)
	often = slices.Compact(often)
	known := map[string]bool{}
	once = slices.DeleteFunc(once, func(p string) bool {
		again := known[p] || slices.Contains(often, p)
		known[p] = true
		return again
	})
	return once, often
}

// killAt runs an aggregator until it is killed at the nth passing of a point; false
// if it does not pass it in some hours.
func (w *killWorld) killAt(point string, nth int) bool {
	w.t.Helper()
	cmd, ended := w.up(fmt.Sprintf("%s#%d", point, nth))
	until := w.now.Add(5 * time.Hour)
	err, over := w.until(point, ended, func() bool { return w.now.After(until) })
	if !over {
		cmd.Process.Kill()
		<-ended
	} else if err == nil || !strings.Contains(err.Error(), "killed") {
		w.t.Fatalf("the aggregator was to be killed %s and ended by itself: %v", point, err)
	}
	w.pump() // what it acknowledged and was on its way
	return over
}

// finish lets an aggregator take all that is left, and holds it against the truth.
func (w *killWorld) finish() {
	w.t.Helper()
	cmd, ended := w.up("")
	until := w.now.Add(time.Hour)
	if err, over := w.until("the rest", ended, func() bool { return w.now.After(until) && w.durable() }); over {
		w.t.Fatalf("the aggregator ended: %v", err)
	}
	cmd.Process.Signal(os.Interrupt)
	if err := <-ended; err != nil {
		w.t.Fatal(err)
	}
	w.checkDisk("at the end")
	for _, a := range w.agents {
		if last, _ := a.Standing(); a.acked != last {
			w.t.Errorf("of %s %d of %d records were acknowledged", a.name, a.acked, last)
		}
	}
}
