package hub

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/gigawatch/gigawatch/aggregator/internal/checkpoint"
)

// running is something that runs until it is stopped.
type running struct {
	stop context.CancelFunc
	done chan error
}

func start(run func(context.Context) error) *running {
	ctx, stop := context.WithCancel(context.Background())
	r := &running{stop, make(chan error, 1)}
	go func() { r.done <- run(ctx) }()
	return r
}

func (r *running) end(t *testing.T) {
	t.Helper()
	r.stop()
	if err := <-r.done; err != nil {
		t.Error(err)
	}
}

// Three sites with buses of their own, joined to the hub's by leaf connections that
// are cut and come back; the hub is down for three days, sites are restarted, hours are
// restated after the hub has them: what the hub says is what the sites say.
func TestTheHubIsTheSumOfItsSitesAfterAnyOutage(t *testing.T) {
	hubBus, hubConn := newBus(t, server.Options{ServerName: "hub", LeafNode: server.LeafNodeOpts{Host: "127.0.0.1", Port: server.RANDOM_PORT}})
	z, err := hubBus.Varz(nil)
	if err != nil {
		t.Fatal(err)
	}
	leaf := fmt.Sprintf("127.0.0.1:%d", z.LeafNode.Port)
	var sites []*books
	var wires []*wire
	var conns []*nats.Conn
	for i, name := range []string{"ams1", "fra1", "osl1"} {
		w := newWire(t, leaf)
		_, c := newBus(t, server.Options{ServerName: name, LeafNode: server.LeafNodeOpts{ReconnectInterval: 50 * time.Millisecond,
			Remotes: []*server.RemoteLeafOpts{{URLs: []*url.URL{{Scheme: "nats", Host: w.l.Addr().String()}}}}}})
		sites, wires, conns = append(sites, newBooks(t, name, uint64(i+1))), append(wires, w), append(conns, c)
		sites[i].run(3*time.Hour + 5*time.Minute)
	}
	dir := t.TempDir()
	c := newCenter(t, dir, hubConn, sites...)
	witness := c.c.Witness.Verifier
	hub := start(c.Run)
	tellers := make([]*running, len(sites))
	for i, b := range sites {
		tellers[i] = start(b.teller(conns[i], witness).Run)
	}
	defer func() {
		for _, r := range append(tellers, hub) {
			r.end(t)
		}
	}()
	// still stops a site's telling while its books change: they are of one goroutine.
	still := func(i int, change func(b *books)) {
		t.Helper()
		tellers[i].end(t)
		change(sites[i])
		tellers[i] = start(sites[i].teller(conns[i], witness).Run)
	}
	settled := func(when string) {
		t.Helper()
		var sum uint64
		for _, b := range sites {
			want, err := b.ledger.Head(b.site)
			if err != nil {
				t.Fatal(err)
			}
			await(t, when+", all of "+b.site, func() bool {
				signed, p, err := checkpoint.NewFolder(b.dir).Witnessed(b.site)
				return c.leaves(t, b.site) == want.Leaves && err == nil && p.Size == want.Leaves && len(signed) > 0
			})
			sum += c.agrees(t, b)
		}
		t.Logf("%s: %d mJ in all boundaries, 0 mJ of difference", when, sum)
	}
	settled("at first")

	injected := 2
	still(0, func(b *books) { b.correct("invoice-1") })
	still(1, func(b *books) { b.cut = 0; b.run(4 * time.Hour); b.heal() })
	settled("hours are restated that the hub had")

	for _, w := range wires {
		w.set(true)
		injected++
	}
	for i := range sites {
		away := 3 * time.Hour
		if i == 2 {
			away = 72 * time.Hour
		}
		still(i, func(b *books) { b.run(away) })
	}
	if c.leaves(t, "osl1") >= 6 {
		t.Errorf("the links are cut, and the hub has %d leaves", c.leaves(t, "osl1"))
	}
	for range 12 { // the links flap
		for _, w := range wires {
			w.set(false)
		}
		time.Sleep(70 * time.Millisecond)
		for _, w := range wires[1:] {
			w.set(true)
			injected++
		}
	}
	for _, w := range wires {
		w.set(false)
	}
	settled("links were cut, and flapped")

	hub.end(t)
	for i := range sites {
		still(i, func(b *books) { b.run(72 * time.Hour) })
	}
	still(2, func(b *books) { b.close(); b.open() })
	injected += 2
	c = newCenter(t, dir, hubConn, sites...)
	hub = start(c.Run)
	settled("the hub was down, and a site restarted")

	hub.end(t)
	if err := os.RemoveAll(filepath.Join(dir, "mirror")); err != nil {
		t.Fatal(err)
	}
	injected++
	c = newCenter(t, dir, hubConn, sites...)
	hub = start(c.Run)
	settled("the hub lost all hours")

	hub.end(t)
	damaged := filepath.Join(dir, "mirror/ledger/fra1/hours/2026-11-22T11Z.hour")
	b, err := os.ReadFile(damaged)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 1
	if err := os.WriteFile(damaged, b, 0o600); err != nil {
		t.Fatal(err)
	}
	injected++
	c = newCenter(t, dir, hubConn, sites...)
	if n := c.leaves(t, "fra1"); n != 2 {
		t.Errorf("an hour is damaged, and %d leaves before it stand, want 2", n)
	}
	hub = start(c.Run)
	settled("an hour was damaged at the hub")
	for _, s := range c.Sites() {
		if s.Now == nil || s.Now.Power[0].Watts == nil || s.Refused != "" {
			t.Errorf("%+v", s)
		}
	}
	t.Logf(`soak: {"row":24,"injected":%d}`, injected)
}

// A tape is all that a site said, in order.
type tape struct {
	mu   sync.Mutex
	said []*nats.Msg
}

func (x *tape) record(t *testing.T, conn *nats.Conn) {
	t.Helper()
	if _, err := conn.Subscribe(">", func(m *nats.Msg) {
		x.mu.Lock()
		defer x.mu.Unlock()
		x.said = append(x.said, m)
	}); err != nil {
		t.Fatal(err)
	}
	if err := conn.Flush(); err != nil {
		t.Fatal(err)
	}
}

// recorded is what a site says to a hub until that has all of it; batches are small.
func recorded(t *testing.T, b *books) []*nats.Msg {
	t.Helper()
	_, conn := newBus(t, server.Options{ServerName: "one"})
	var x tape
	x.record(t, conn)
	c := newCenter(t, t.TempDir(), conn, b)
	hub, site := start(c.Run), start(b.teller(conn, c.c.Witness.Verifier).Run)
	want, err := b.ledger.Head(b.site)
	if err != nil {
		t.Fatal(err)
	}
	await(t, "all leaves", func() bool { return c.leaves(t, b.site) == want.Leaves })
	site.end(t)
	hub.end(t)
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.said
}

// Messages that come twice, in another order or not at all change nothing: whatever
// is taken is the beginning of the site's log.
func TestMessagesInAnyOrder(t *testing.T) {
	b := newBooks(t, "fra1", 7)
	b.run(6*time.Hour + 5*time.Minute)
	s := b.teller(nil, checkpoint.Verifier{})
	head, err := b.ledger.Head("fra1")
	if err != nil || head.Leaves < 5 {
		t.Fatalf("%+v, %v", head, err)
	}
	var said [][]byte // hours, each from every place on
	for from := range head.Leaves {
		fs, _, err := b.ledger.Fronts("fra1", from, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		for n := 1; n <= len(fs); n++ {
			h, err := b.ledger.HeadAt("fra1", from+int64(n))
			if err != nil {
				t.Fatal(err)
			}
			signed, err := s.point(h)
			if err != nil {
				t.Fatal(err)
			}
			m, err := seal(s.c.Signer, subject("fra1", tellsHours), Hours{"fra1", from, fs[:n], signed})
			if err != nil {
				t.Fatal(err)
			}
			said = append(said, m)
		}
	}
	_, conn := newBus(t, server.Options{})
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 3))
		c := newCenter(t, t.TempDir(), conn, b)
		for c.leaves(t, "fra1") < head.Leaves {
			before := c.leaves(t, "fra1")
			c.Take(subject("fra1", tellsHours), said[rng.IntN(len(said))], b.now)
			after := c.leaves(t, "fra1")
			if after < before {
				t.Fatalf("seed %d: %d leaves, and had %d", seed, after, before)
			}
			have, err := c.c.Mirror.Head("fra1")
			if err == nil && after > 0 {
				err = b.ledger.Extends(have)
			}
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
		}
		c.agrees(t, b)
		if c.came("fra1", "fork")+c.came("fra1", "failed")+c.came("fra1", "bad")+c.came("fra1", "forged") > 0 {
			t.Errorf("seed %d: something was refused", seed)
		}
	}
}
