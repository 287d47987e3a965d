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
	MetricConnsEvicted = "gigawatch_http_connections_evicted_total" // idle ones, to make room
)

// settling is how long a connection may ask for nothing and yet keep its place: a
// handshake, or the next request, takes a moment.
const settling = time.Second

// doors bound the open connections of a listener, of all addresses and of each. Who
// comes when they are full takes the place of one that asks for nothing, of whoever has
// most, and is refused at once where there is none: to wait in a queue behind those that
// are answered is to keep waiting whoever asks whether we live.
type doors struct {
	net.Listener
	most, each int
	log        *slog.Logger

	idle, active *metrics.Gauge
	evicted      *metrics.Counter
	all, address refusal

	mu    sync.Mutex
	open  int
	from  map[netip.Prefix]int
	quiet list.List // of *guest that ask for nothing, the longest so first
}

// A refusal is why there is no room.
type refusal struct {
	why   string
	times *metrics.Counter
	said  time.Time // when it was last logged; guarded by the mutex of doors
}

func newDoors(ln net.Listener, l Limits, set *metrics.Set, log *slog.Logger) *doors {
	d := &doors{Listener: ln, most: l.Conns, each: l.ConnsEach, log: log, from: map[netip.Prefix]int{}}
	d.idle, d.active = set.GetOrCreateGauge(MetricConns+`{state="idle"}`, nil), set.GetOrCreateGauge(MetricConns+`{state="active"}`, nil)
	d.evicted = set.GetOrCreateCounter(MetricConnsEvicted)
	refused := func(reason, why string) refusal {
		return refusal{why: why, times: set.GetOrCreateCounter(fmt.Sprintf("%s{reason=%q}", MetricConnsRefused, reason))}
	}
	d.all, d.address = refused("all", "too many are open"), refused("address", "too many of its address are open")
	return d
}

// A guest is an open connection.
type guest struct {
	net.Conn
	doors *doors
	from  netip.Prefix

	// Guarded by the mutex of doors.
	quiet *list.Element // nil while it is answered
	since time.Time     // that it is quiet
	gone  bool
}

// network is whose a connection is: the address, of IPv6 its /64, as a host may have
// all of that.
func network(a net.Addr) netip.Prefix {
	at, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return netip.Prefix{}
	}
	ip := at.Addr().WithZone("")
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
	g, now := &guest{Conn: c, doors: d, from: network(c.RemoteAddr())}, time.Now()
	d.mu.Lock()
	own := d.from[g.from] >= d.each
	if own || d.open >= d.most {
		left := d.spare(now, func(other *guest) bool { return !own || other.from == g.from })
		if left == nil {
			of, in, why := d.from[g.from], d.open, &d.all
			if own {
				why = &d.address
			}
			say := now.Sub(why.said) >= time.Minute
			if say {
				why.said = now
			}
			d.mu.Unlock()
			why.times.Inc()
			if say {
				d.log.Warn("connections are refused: "+why.why, "from", c.RemoteAddr().String(), "of it", of, "in all", in)
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
	d.mu.Unlock()
	return g
}

// spare is the guest that gives up its place: of those that may, of the network that
// has most, the one that was quiet for longest.
func (d *doors) spare(now time.Time, may func(*guest) bool) (best *guest) {
	for e := d.quiet.Front(); e != nil; e = e.Next() {
		g := e.Value.(*guest)
		if now.Sub(g.since) < settling {
			break
		}
		if may(g) && (best == nil || d.from[g.from] > d.from[best.from]) {
			best = g
		}
	}
	return best
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
		g.quiet, g.since = d.quiet.PushBack(g), time.Now()
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
