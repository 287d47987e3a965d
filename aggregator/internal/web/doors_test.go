package web

import (
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"pgregory.net/rapid"
)

// rapid's own hundred sequences miss what one in thousands shows.
func init() { _ = flag.Set("rapid.checks", "5000") }

// street is a listener to which one caller comes, and then nobody.
type street struct {
	net.Listener
	caller net.Conn
}

func (s *street) Accept() (c net.Conn, err error) {
	if c, s.caller = s.caller, nil; c == nil {
		return nil, io.EOF
	}
	return c, nil
}

// caller is a connection, and what its end knows of it.
type caller struct {
	net.Conn
	from, of string
	closed   bool

	door  net.Conn // the server's end
	asks  bool
	since time.Time // that it asks for nothing
}

func (c *caller) RemoteAddr() net.Addr {
	return net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(c.from), 4711))
}
func (c *caller) Close() error { c.closed = true; return nil }

// inBubble keeps rapid from asking for a deadline, which a bubble has not.
type inBubble struct{ *testing.T }

// Whoever comes and goes: no more are in than may be, of all and of each address; who
// can be let in is; and who must leave for him asks for nothing, has not just come, and
// is the longest so of whoever has most, or of the newcomer's own where that has all
// that it may.
func TestWhoIsLetIn(t *testing.T) {
	hosts := map[string]string{ // of IPv6 a /64 is one
		"192.0.2.1": "a", "::ffff:192.0.2.1": "a", "192.0.2.2": "b",
		"2001:db8::1": "c", "2001:db8::2:1": "c", "2001:db8:0:1::1": "d",
	}
	addresses := []string{"192.0.2.1", "::ffff:192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2:1", "2001:db8:0:1::1"}
	synctest.Test(t, func(t *testing.T) {
		rapid.Check(inBubble{t}, func(rt *rapid.T) {
			most := rapid.IntRange(1, 6).Draw(rt, "most")
			each := rapid.IntRange(1, most).Draw(rt, "each")
			set, out := metrics.NewSet(), &street{}
			d := newDoors(out, Limits{Conns: most, ConnsEach: each}, set, slog.New(slog.DiscardHandler))
			var in []*caller
			evicted, refused := 0, map[string]int{}
			number := func(of string) (n int) {
				for _, c := range in {
					if c.of == of {
						n++
					}
				}
				return n
			}
			for range rapid.IntRange(1, 60).Draw(rt, "steps") {
				op := rapid.SampledFrom([]string{"comes", "comes", "asks", "is answered", "leaves", "time"}).Draw(rt, "op")
				switch {
				case op == "time":
					time.Sleep(time.Duration(rapid.IntRange(1, 1500).Draw(rt, "ms")) * time.Millisecond)
				case op == "comes":
					at := rapid.SampledFrom(addresses).Draw(rt, "from")
					c := &caller{from: at, of: hosts[at], since: time.Now()}
					own := number(c.of) >= each
					full := own || len(in) >= most
					var may []*caller // those who may have to leave
					var most int      // that one of them has
					for _, o := range in {
						if !o.asks && time.Since(o.since) >= time.Second && (!own || o.of == c.of) {
							may, most = append(may, o), max(most, number(o.of))
						}
					}
					out.caller = c
					c.door, _ = d.Accept()
					if want := !full || len(may) > 0; (c.door != nil) != want {
						rt.Fatalf("let in: %v; %d are in, %d of them of its own, %d may have to leave", c.door != nil, len(in), number(c.of), len(may))
					}
					if c.closed != (c.door == nil) {
						rt.Fatalf("let in: %v, closed: %v", c.door != nil, c.closed)
					}
					gone := slices.DeleteFunc(slices.Clone(in), func(o *caller) bool { return !o.closed })
					if want := full && c.door != nil; len(gone) > 1 || want != (len(gone) == 1) {
						rt.Fatalf("%d had to leave", len(gone))
					}
					if len(gone) == 1 {
						o := gone[0]
						if !slices.Contains(may, o) || number(o.of) < most {
							rt.Fatalf("one had to leave that asks for something: %v, since %v, of %s", o.asks, time.Since(o.since), o.of)
						}
						for _, p := range may {
							if p.of == o.of && p.since.Before(o.since) {
								rt.Fatalf("not the one that was quiet for longest had to leave")
							}
						}
						evicted++
						in = slices.DeleteFunc(in, func(p *caller) bool { return p == o })
						if rapid.Bool().Draw(rt, "it was about to be answered") {
							d.state(o.door, http.StateActive)
							d.state(o.door, http.StateIdle)
						}
						o.door.Close() // as the server does when it finds it closed
					}
					switch {
					case c.door != nil:
						in = append(in, c)
					case own:
						refused["address"]++
					default:
						refused["all"]++
					}
				case len(in) > 0:
					i := rapid.IntRange(0, len(in)-1).Draw(rt, "who")
					c := in[i]
					switch op {
					case "asks":
						c.asks = true
						d.state(c.door, http.StateActive)
					case "is answered":
						c.asks, c.since = false, time.Now()
						d.state(c.door, http.StateIdle)
					case "leaves":
						in = slices.Delete(in, i, i+1)
						c.door.Close()
						c.door.Close()
						d.state(c.door, http.StateClosed)
						if !c.closed {
							rt.Fatal("it stays open")
						}
					}
				}
				if len(in) > most {
					rt.Fatalf("%d are in", len(in))
				}
				active, distinct := 0, map[string]bool{}
				for _, c := range in {
					distinct[c.of] = true
					if number(c.of) > each {
						rt.Fatalf("%d of %s are in", number(c.of), c.of)
					}
					if c.asks {
						active++
					}
				}
				if len(d.from) != len(distinct) {
					rt.Fatalf("%d addresses are remembered, and %d are in", len(d.from), len(distinct))
				}
				var shown strings.Builder
				set.WritePrometheus(&shown)
				if want := fmt.Sprintf("%s{state=\"active\"} %d\n%s{state=\"idle\"} %d\n%s %d\n%s{reason=\"address\"} %d\n%s{reason=\"all\"} %d\n",
					MetricConns, active, MetricConns, len(in)-active, MetricConnsEvicted, evicted,
					MetricConnsRefused, refused["address"], MetricConnsRefused, refused["all"]); shown.String() != want {
					rt.Fatalf("shown is\n%s\nwant\n%s", &shown, want)
				}
			}
		})
	})
}
