package web

import (
	"container/list"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/VictoriaMetrics/metrics"
)

// Names of the metrics of connections.
const (
	MetricConns        = "gigawatch_http_connections"               // state: idle, active
	MetricConnsRefused = "gigawatch_http_connections_refused_total" // reason: address, all
	MetricConnsEvicted = "gigawatch_http_connections_evicted_total" // idle ones, for others
)

// doors bound the open connections of a listener, of all addresses and of each. Who
// comes when they are full takes the place of the connection that has asked for
// nothing for longest, and is refused at once where each is being answered: to wait in
// a queue behind them is to keep waiting whoever asks whether we live.
type doors struct {
	net.Listener
	most, each int
	log        *slog.Logger

	idle, active              *metrics.Gauge
	evicted, ofAddress, ofAll *metrics.Counter

	mu    sync.Mutex
	open  int
	from  map[netip.Prefix]int
	quiet list.List // of *guest, those that ask for nothing, the longest so first
	said  time.Time // when it was last logged that somebody is refused
}

func newDoors(ln net.Listener, l Limits, set *metrics.Set, log *slog.Logger) *doors {
	d := &doors{Listener: ln, most: l.Conns, each: l.ConnsEach, log: log, from: map[netip.Prefix]int{}}
	d.evicted = set.GetOrCreateCounter(MetricConnsEvicted)
	refused := func(why string) *metrics.Counter {
		return set.GetOrCreateCounter(fmt.Sprintf("%s{reason=%q}", MetricConnsRefused, why))
	}
	d.ofAddress, d.ofAll = refused("address"), refused("all")
	d.idle, d.active = set.GetOrCreateGauge(MetricConns+`{state="idle"}`, nil), set.GetOrCreateGauge(MetricConns+`{state="active"}`, nil)
	return d
}

// A guest is an open connection.
type guest struct {
	net.Conn
	doors *doors
	from  netip.Prefix

	// Guarded by the mutex of doors.
	quiet *list.Element // nil while it is answered
	gone  bool
}

// network is whose a connection is: the address, of IPv6 the /64 that one host has.
func network(a net.Addr) netip.Prefix {
	at, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return netip.Prefix{}
	}
	ip := at.Addr().Unmap().WithZone("")
	if ip.Is6() {
		p, _ := ip.Prefix(64)
		return p
	}
	return netip.PrefixFrom(ip, ip.BitLen())
}

func (d *doors) Accept() (net.Conn, error) {
	for {
		c, err := d.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if g := d.admit(c); g != nil {
			return g, nil
		}
		if t, ok := c.(*net.TCPConn); ok {
			t.SetLinger(0) // a flood leaves nothing behind
		}
		c.Close()
	}
}

// admit is c as a guest, nil if there is no room.
func (d *doors) admit(c net.Conn) *guest {
	g := &guest{Conn: c, doors: d, from: network(c.RemoteAddr())}
	d.mu.Lock()
	defer d.mu.Unlock()
	full, refused := d.open >= d.most, d.ofAll
	own := d.from[g.from] >= d.each
	if own {
		full, refused = true, d.ofAddress
	}
	if full {
		left := d.longestQuiet(func(other *guest) bool { return !own || other.from == g.from })
		if left == nil {
			refused.Inc()
			if now := time.Now(); now.Sub(d.said) >= time.Minute {
				d.said = now
				d.log.Warn("connections are refused: too many are open", "from", g.from.Addr(), "of it", d.from[g.from], "in all", d.open)
			}
			return nil
		}
		d.leave(left)
		left.Conn.Close()
		d.evicted.Inc()
	}
	d.open++
	d.active.Inc()
	d.from[g.from]++
	d.hears(g, true)
	return g
}

func (d *doors) longestQuiet(which func(*guest) bool) *guest {
	for e := d.quiet.Front(); e != nil; e = e.Next() {
		if g := e.Value.(*guest); which(g) {
			return g
		}
	}
	return nil
}

// leave forgets g, once.
func (d *doors) leave(g *guest) {
	if g.gone {
		return
	}
	d.hears(g, false)
	g.gone = true
	d.open--
	d.active.Dec()
	if d.from[g.from]--; d.from[g.from] == 0 {
		delete(d.from, g.from)
	}
}

// hears says whether g asks for nothing.
func (d *doors) hears(g *guest, nothing bool) {
	if g.gone {
		return
	}
	if g.quiet != nil {
		d.quiet.Remove(g.quiet)
		g.quiet = nil
		d.idle.Dec()
		d.active.Inc()
	}
	if nothing {
		g.quiet = d.quiet.PushBack(g)
		d.idle.Inc()
		d.active.Dec()
	}
}

// state is for http.Server.ConnState. A connection is new until its first request
// has been read whole.
func (d *doors) state(c net.Conn, s http.ConnState) {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	g, ok := c.(*guest)
	if !ok || s == http.StateNew {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.hears(g, s == http.StateIdle)
}

func (g *guest) Close() error {
	g.doors.mu.Lock()
	g.doors.leave(g)
	g.doors.mu.Unlock()
	return g.Conn.Close()
}
