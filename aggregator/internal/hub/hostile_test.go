package hub

import (
	"bytes"
	"encoding/json"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/aggregator/internal/checkpoint"
	"github.com/gigawatch/gigawatch/aggregator/internal/ledger"
	"github.com/gigawatch/gigawatch/collector/metric"
)

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

// A site whose key was stolen sends few bytes that would become many.
func TestAMessageThatUnpacksToMuchIsRefused(t *testing.T) {
	b := newBooks(t, "fra1", 3)
	b.run(2 * time.Hour)
	_, conn := newBus(t, server.Options{})
	c := newCenter(t, t.TempDir(), conn, b)
	at := subject("fra1", tellsNow)
	for name, body := range map[string][]byte{
		"spaces":          packer().EncodeAll(bytes.Repeat([]byte(" "), 256<<20), nil),
		"a text":          packer().EncodeAll(append([]byte(`{"site":"`), bytes.Repeat([]byte("a"), 256<<20)...), nil),
		"many frames":     bytes.Repeat(packer().EncodeAll(bytes.Repeat([]byte(" "), 1<<20), nil), 1000),
		"a size it lacks": {0x28, 0xb5, 0x2f, 0xfd, 0xe0, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0},
		"a window":        {0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xff, 1, 0, 0},
	} {
		if len(body) > maxMessage {
			t.Fatalf("%s: %d bytes are more than a message", name, len(body))
		}
		sig, err := b.signer().Sign(signedText(at, body))
		if err != nil {
			t.Fatal(err)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		was := c.came("fra1", "bad")
		c.Take(at, append(sig, body...), time.Now())
		runtime.ReadMemStats(&after)
		if c.came("fra1", "bad") != was+1 {
			t.Errorf("%s: it is taken", name)
		}
		if n := (after.TotalAlloc - before.TotalAlloc) >> 20; n > 8*maxUnpacked>>20 {
			t.Errorf("%s: %d bytes became %d MB", name, len(body), n)
		}
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
