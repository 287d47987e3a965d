package hub

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/aggregator/internal/checkpoint"
	"github.com/gigawatch/gigawatch/aggregator/internal/ledger"
	"github.com/gigawatch/gigawatch/collector/metric"
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
// are cut and come back; the hub is down for hours, sites are restarted, hours are
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
		still(i, func(b *books) { b.run(2 * time.Hour) })
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

// Whoever has the key of one site, or none, changes nothing of another; and a site
// whose log is not what it was is refused.
func TestForgeriesAndForksAreRefused(t *testing.T) {
	mine, other := newBooks(t, "ams1", 1), newBooks(t, "fra1", 2)
	mine.run(3*time.Hour + 5*time.Minute)
	other.run(3*time.Hour + 5*time.Minute)
	_, conn := newBus(t, server.Options{})
	c := newCenter(t, t.TempDir(), conn, mine, other)
	hours := func(b *books, signer *checkpoint.Signer, from int64, change func(*Hours)) []byte {
		t.Helper()
		fs, h, err := b.ledger.Fronts(b.site, from, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		p, err := pointOf(h)
		if err != nil {
			t.Fatal(err)
		}
		signed, err := checkpoint.Sign(signer, p)
		if err != nil {
			t.Fatal(err)
		}
		x := Hours{b.site, from, fs, signed}
		if change != nil {
			change(&x)
		}
		m, err := seal(signer, subject(b.site, tellsHours), x)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	at := subject("fra1", tellsHours)
	good := hours(other, other.signer(), 0, nil)
	flipped := bytes.Clone(good)
	flipped[len(flipped)/2] ^= 1
	now := func(b *books, n Now) []byte {
		t.Helper()
		m, err := seal(b.signer(), subject(b.site, tellsNow), n)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	for _, tt := range []struct {
		name, subject, outcome string
		m                      []byte
	}{
		{"by the key of another site", at, "forged", hours(other, mine.signer(), 0, nil)},
		{"what another site said, under this one's name", at, "forged", hours(mine, mine.signer(), 0, nil)},
		{"with a bit changed", at, "forged", flipped},
		{"said of something else", subject("fra1", tellsNow), "forged", good},
		{"of another site, in its body", subject("fra1", tellsNow), "forged", now(other, Now{Site: "ams1", Life: 1})},
		{"nothing", at, "bad", nil},
		{"junk", at, "forged", bytes.Repeat([]byte("junk"), 50)},
		{"what no site says", "site.fra1.rollup.raw", "bad", good},
		{"an hour with another sum", at, "failed", hours(other, other.signer(), 0, func(x *Hours) { x.Fronts[1].Hour = x.Fronts[0].Hour })},
		{"a line that was changed", at, "failed", hours(other, other.signer(), 0, func(x *Hours) { x.Fronts[0].Line = strings.Replace(x.Fronts[0].Line, " fra1 ", " ams1 ", 1) })},
		{"fewer than are signed", at, "fork", hours(other, other.signer(), 0, func(x *Hours) { x.Fronts = x.Fronts[:1] })},
		{"signed by another for the log", at, "forged", hours(other, other.signer(), 0, func(x *Hours) {
			p, err := checkpoint.Parse(strings.Join(strings.SplitAfter(string(x.Checkpoint), "\n")[:3], ""))
			if err != nil {
				t.Fatal(err)
			}
			if x.Checkpoint, err = checkpoint.Sign(mine.signer(), p); err != nil {
				t.Fatal(err)
			}
		})},
		{"after a hole", at, "hole", hours(other, other.signer(), 1, nil)},
		{"more halls than there can be", subject("fra1", tellsNow), "bad", now(other, Now{Site: "fra1", Life: 1, Halls: make([]Hall, maxHalls+1)})},
	} {
		before := c.came("fra1", tt.outcome)
		c.Take(tt.subject, tt.m, time.Now())
		if c.came("fra1", tt.outcome) != before+1 || c.leaves(t, "fra1") != 0 || c.leaves(t, "ams1") != 0 {
			t.Errorf("%s: not %s, or something was taken", tt.name, tt.outcome)
		}
	}
	for _, s := range []string{"site.nobody.rollup.now", "site.fra1.rollup", "hub.fra1.have", "site.x.y.z.rollup.now"} {
		c.Take(s, good, time.Now())
	}
	if n := c.set.GetOrCreateCounter(MetricMessages + `{site="",outcome="stranger"}`).Get(); n != 4 {
		t.Errorf("%d of strangers, want 4", n)
	}
	c.Take(at, good, time.Now())
	c.agrees(t, other)

	// A site that is put back to an older backup, and one that is another.
	n := Now{Site: "fra1", Life: 5, At: 1, Leaves: 1}
	c.Take(subject("fra1", tellsNow), now(other, n), time.Now())
	if s := c.Sites()[1]; !strings.Contains(s.Refused, "become shorter") || c.came("fra1", "fork") != 2 {
		t.Errorf("%+v", s)
	}
	head, err := other.ledger.Head("fra1")
	if err != nil {
		t.Fatal(err)
	}
	n.At, n.Leaves, n.Root = 2, head.Leaves, strings.Repeat("00", 32)
	c.Take(subject("fra1", tellsNow), now(other, n), time.Now())
	if s := c.Sites()[1]; !strings.Contains(s.Refused, "not the one") || c.came("fra1", "fork") != 3 {
		t.Errorf("%+v", s)
	}
	n.At, n.Root = 3, head.Root
	c.Take(subject("fra1", tellsNow), now(other, n), time.Now())
	if s := c.Sites()[1]; s.Refused != "" {
		t.Errorf("it is what it was again: %+v", s)
	}
	n.At, n.Leaves = 2, 1
	c.Take(subject("fra1", tellsNow), now(other, n), time.Now())
	if s := c.Sites()[1]; s.Refused != "" || c.came("fra1", "old") != 1 {
		t.Errorf("something old was said again: %+v", s)
	}
}

// Every byte that leaves a site is looked at: nothing names a host, a GPU, a job, a
// tenant or a person.
func TestNothingPersonalLeavesASite(t *testing.T) {
	b := newBooks(t, "fra1", 3)
	b.run(3*time.Hour + 5*time.Minute)
	b.correct("invoice-7")
	for level, of := range map[account.Level]func(*account.Line) string{ // all of it is there, on the site
		account.ByRack: func(l *account.Line) string { return l.Rack }, account.ByHost: func(l *account.Line) string { return l.Host }, account.ByGPU: func(l *account.Line) string { return l.UUID },
		account.ByJob: func(l *account.Line) string { return l.Job }, account.ByTenant: func(l *account.Line) string { return l.Tenant },
	} {
		lines, err := b.ledger.Energy(account.Question{Site: b.site, By: level, Boundary: metric.GPUs, From: began.UnixMilli(), To: began.Add(3 * time.Hour).UnixMilli()})
		if err != nil || !slices.ContainsFunc(lines, func(l account.Line) bool { return strings.Contains(of(&l), canary) }) {
			t.Fatalf("by %v the site itself names nobody: %v", level, err)
		}
	}
	hours := 0
	for _, m := range recorded(t, b) {
		if !strings.HasPrefix(m.Subject, "site.fra1.rollup.") && m.Subject != haveSubject("fra1") || m.Reply != "" || len(m.Header) > 0 {
			t.Errorf("%s, to be answered to %q, with %v", m.Subject, m.Reply, m.Header)
		}
		texts := []string{string(m.Data)}
		if strings.HasPrefix(m.Subject, "site.") {
			var said json.RawMessage
			if err := unseal(b.signer().Verifier, m.Subject, m.Data, &said); err != nil {
				t.Fatal(err)
			}
			texts = append(texts, string(said))
		}
		if strings.HasSuffix(m.Subject, tellsHours) {
			var x Hours
			if err := unseal(b.signer().Verifier, m.Subject, m.Data, &x); err != nil {
				t.Fatal(err)
			}
			texts = append(texts, string(x.Checkpoint))
			for _, f := range x.Fronts {
				h, err := ledger.DecodeFront(f.Hour)
				if err != nil {
					t.Fatal(err)
				}
				hours++
				texts = append(texts, f.Line, string(f.Hour), fmt.Sprintf("%+v", *h))
				if len(h.Devices)+len(h.Places)+len(h.Rows)+len(h.Hosts)+len(h.Jobs)+len(h.Shares) > 0 {
					t.Errorf("rows of %s left the site", f.Line)
				}
			}
		}
		for _, text := range texts {
			if strings.Contains(strings.ToUpper(text), strings.ToUpper(canary)) {
				t.Errorf("%s names somebody: %.300q", m.Subject, text)
			}
		}
	}
	if hours < 4 {
		t.Errorf("%d hours were looked at", hours)
	}
}

func FuzzTake(f *testing.F) {
	b := newBooks(f, "fra1", 3)
	s := b.signer()
	for what, v := range map[string]any{
		tellsNow: Now{Site: "fra1", Life: 1, At: 1}, tellsTerms: Terms{Site: "fra1", Life: 1}, tellsHours: Hours{Site: "fra1", Fronts: []ledger.Front{{Line: "energy/v2 fra1", Hour: []byte("GWHR")}}},
	} {
		body, err := json.Marshal(v)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(what, body)
	}
	_, conn := newBus(f, server.Options{})
	c := newCenter(f, f.TempDir(), conn, b)
	f.Fuzz(func(t *testing.T, what string, body []byte) { // by the site itself, gone mad
		body = packer().EncodeAll(body, nil)
		sig, err := s.Sign(signedText(subject("fra1", what), body))
		if err != nil {
			t.Fatal(err)
		}
		c.Take(subject("fra1", what), append(sig, body...), time.Now())
		if n := c.leaves(t, "fra1"); n != 0 {
			t.Errorf("%d leaves", n)
		}
	})
}
