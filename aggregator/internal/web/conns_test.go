package web_test

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/gigawatch/gigawatch/aggregator/internal/web"
)

// A caller holds one connection to a server.
type caller struct {
	net.Conn
	r *bufio.Reader
}

// call connects; who is refused may be so before that ends, and then is nil.
func call(t *testing.T, addr, from string, secure bool) *caller {
	t.Helper()
	d := net.Dialer{Timeout: 10 * time.Second, LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	c, err := d.Dial("tcp", addr)
	if errors.Is(err, syscall.ECONNRESET) {
		return nil
	} else if err != nil {
		t.Fatal(err)
	}
	if secure {
		c = tls.Client(c, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}})
	}
	t.Cleanup(func() { c.Close() })
	return &caller{c, bufio.NewReader(c)}
}

func (c *caller) says(t *testing.T, text string) {
	t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
}

// lives asks whether the server lives, and reports whether it says so.
func (c *caller) lives() bool {
	if c == nil {
		return false
	}
	c.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.WriteString(c, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
		return false
	}
	r, err := http.ReadResponse(c.r, nil)
	if err != nil {
		return false
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	return err == nil && string(b) == "ok\n"
}

// shut reports whether the server ended the connection, which it must soon.
func (c *caller) shut(t *testing.T) bool {
	t.Helper()
	c.SetReadDeadline(time.Now().Add(20 * time.Second))
	n, err := c.r.Read(make([]byte, 1))
	if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
		return false
	}
	return n == 0 && err != nil
}

const asks = "GET /api/v1/query?query=gpu_power_watts&time=600 HTTP/1.1\r\nHost: localhost\r\n\r\n"

// Whoever is answered keeps the connection; those that ask for nothing make room,
// the longest silent first, though not at once; and no address takes all.
func TestConnectionsAreBounded(t *testing.T) {
	for name, tt := range map[string]struct {
		secure bool
		hold   func(t *testing.T, c *caller) // what the first three do, one after the other
		active bool                          // that takes long to answer
		next   string                        // the address of the fourth
		served bool
		counts string
	}{
		"all are answered":                      {hold: busy, active: true, next: "127.0.0.2", counts: web.MetricConnsRefused + `{reason="all"} 1`},
		"they idle":                             {hold: idle, next: "127.0.0.2", served: true, counts: web.MetricConnsEvicted + " 1"},
		"they idle, over TLS":                   {secure: true, hold: idle, next: "127.0.0.2", served: true, counts: web.MetricConnsEvicted + " 1"},
		"they say nothing":                      {hold: func(*testing.T, *caller) {}, next: "127.0.0.2", served: true, counts: web.MetricConnsEvicted + " 1"},
		"their headers do not end":              {hold: func(t *testing.T, c *caller) { c.says(t, "GET /healthz HTTP/1.1\r\nX-") }, next: "127.0.0.2", served: true, counts: web.MetricConnsEvicted + " 1"},
		"all are answered, and it is of theirs": {hold: busy, active: true, next: "127.0.0.1", counts: web.MetricConnsRefused + `{reason="address"} 1`},
		"they idle, and it is of theirs":        {hold: idle, next: "127.0.0.1", served: true, counts: web.MetricConnsEvicted + " 1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var logged lines
			c := config(t)
			s := newStuck(c.Queryable)
			defer close(s.let)
			c.Queryable = s
			c.Metrics = metrics.NewSet()
			c.Logger = slog.New(slog.NewTextHandler(&logged, nil))
			c.Limits.Conns, c.Limits.ConnsEach = 3, 2
			if tt.secure {
				var err error
				certFile, keyFile := certificate(t, t.TempDir(), 1)
				if c.TLS, err = web.LoadTLS(certFile, keyFile, ""); err != nil {
					t.Fatal(err)
				}
			}
			addr, _, _ := start(t, c)
			var first []*caller
			for i, from := range []string{"127.0.0.1", "127.0.0.1", "127.0.0.3"} {
				first = append(first, call(t, addr, from, tt.secure))
				tt.hold(t, first[i])
				if tt.active {
					open(t, c.Metrics, 0, i+1)
				} else {
					open(t, c.Metrics, i+1, 0)
				}
			}
			next := call(t, addr, tt.next, tt.secure)
			if tt.served {
				eventually(t, "the fourth is served", func() bool {
					if next.lives() {
						return true
					}
					next = call(t, addr, tt.next, tt.secure)
					return false
				})
				if !first[0].shut(t) {
					t.Error("it was not the one that was silent for longest that made room")
				}
			} else {
				if next != nil && !next.shut(t) {
					t.Error("the fourth is neither served nor refused")
				}
				if said := logged.String(); !strings.Contains(said, "connections are refused: too many ") || !strings.Contains(said, "from="+tt.next+":") {
					t.Errorf("the log does not say that it was refused: %s", said)
				}
			}
			if got := shown(c.Metrics); !strings.Contains(got, tt.counts+"\n") {
				t.Errorf("counted is\n%s\nwant %s", got, tt.counts)
			}
			for _, c := range append(first, next) {
				if c != nil {
					c.Close()
				}
			}
			open(t, c.Metrics, 0, 0)
		})
	}
}

// It is the last that was answered that stays.
func TestAConnectionThatIsUsedStaysOpen(t *testing.T) {
	t.Parallel()
	c, set := config(t), metrics.NewSet()
	c.Metrics = set
	c.Limits.Conns, c.Limits.ConnsEach = 2, 2
	addr, _, _ := start(t, c)
	used, silent := call(t, addr, "127.0.0.1", false), call(t, addr, "127.0.0.1", false)
	for _, c := range []*caller{used, silent, used} {
		idle(t, c)
		open(t, set, 2, 0)
	}
	eventually(t, "another is served", func() bool { return call(t, addr, "127.0.0.1", false).lives() })
	if !silent.shut(t) || !used.lives() {
		t.Error("not the one that was silent made room")
	}
}

// A browser's connection carries many requests at once, and idles between them.
func TestAnIdleHTTP2ConnectionMakesRoom(t *testing.T) {
	t.Parallel()
	c := config(t)
	c.Metrics = metrics.NewSet()
	c.Limits.Conns, c.Limits.ConnsEach = 2, 2
	certFile, keyFile := certificate(t, t.TempDir(), 1)
	var err error
	if c.TLS, err = web.LoadTLS(certFile, keyFile, ""); err != nil {
		t.Fatal(err)
	}
	addr, _, _ := start(t, c)
	asks := func() (ok bool) {
		tr := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true}
		t.Cleanup(tr.CloseIdleConnections)
		r, err := (&http.Client{Transport: tr, Timeout: 20 * time.Second}).Get("https://" + addr + "/healthz")
		if err != nil {
			return false
		}
		defer r.Body.Close()
		b, err := io.ReadAll(r.Body)
		return err == nil && string(b) == "ok\n" && r.ProtoMajor == 2
	}
	for i := range 2 {
		if !asks() {
			t.Fatal("not served while there is room")
		}
		open(t, c.Metrics, i+1, 0)
	}
	eventually(t, "the third is served", asks)
	if got, want := shown(c.Metrics), web.MetricConnsEvicted+" 1\n"; !strings.Contains(got, want) {
		t.Errorf("counted is\n%s\nwant %s", got, want)
	}
}

func busy(t *testing.T, c *caller) { c.says(t, asks) }

func idle(t *testing.T, c *caller) {
	t.Helper()
	if !c.lives() {
		t.Error("not served while there is room")
	}
}

// open waits until as many connections are idle and active.
func open(t *testing.T, set *metrics.Set, idle, active int) {
	t.Helper()
	want := fmt.Sprintf("%s{state=\"active\"} %d\n%s{state=\"idle\"} %d\n", web.MetricConns, active, web.MetricConns, idle)
	eventually(t, want, func() bool { return strings.Contains(shown(set), want) })
}

func shown(set *metrics.Set) string {
	var b strings.Builder
	set.WritePrometheus(&b)
	return b.String()
}
