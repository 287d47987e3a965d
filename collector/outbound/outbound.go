// Package outbound connects to what a configuration names, and to nothing else that the
// name may come to mean.
//
//	url ──▶ name ──▶ resolver ──▶ address ──▶ may it be? ──▶ connect
//
// The address is looked at when it is connected to. Who answers for the name could else
// say one address to whoever looks at it and another to whoever connects.
//
//   - An address that stands in the configuration as one is what the operator means:
//     receivers on loopback, BMCs on link-local addresses.
//   - A name leads to neither: not to loopback, but for localhost and the machine's own
//     name, not to link-local, multicast or unspecified addresses.
//   - Nothing connects to the addresses at which clouds hand credentials to whoever asks.
package outbound

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"time"
)

// Dial connects as net.Dialer does, where that may be.
func Dial(ctx context.Context, network, address string) (net.Conn, error) {
	return Dialer{}.DialContext(ctx, network, address)
}

// A Dialer connects where that may be.
type Dialer struct {
	Timeout  time.Duration // 0: 30 s
	Resolver *net.Resolver // nil: the system's
}

// DialContext connects.
func (d Dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	if d.Timeout == 0 {
		d.Timeout = 30 * time.Second
	}
	n := net.Dialer{Timeout: d.Timeout, Resolver: d.Resolver, Control: func(_, to string, _ syscall.RawConn) error {
		at, err := netip.ParseAddrPort(to)
		if err != nil {
			return fmt.Errorf("connect to %q, which is no address: %w", to, err)
		}
		return may(host, at.Addr())
	}}
	return n.DialContext(ctx, network, address)
}

// Check says why nothing that a configuration names as host is connected to, as far as
// that can be said without a resolver; nil if it may be.
func Check(host string) error {
	if to, err := netip.ParseAddr(host); err == nil {
		return may(host, to)
	}
	return nil
}

// credentials are the addresses at which clouds hand credentials of the machine to
// whoever asks from it.
var credentials = map[netip.Addr]string{
	netip.MustParseAddr("169.254.169.254"): "of most clouds",
	netip.MustParseAddr("169.254.170.2"):   "of containers at AWS",
	netip.MustParseAddr("169.254.170.23"):  "of pods at AWS",
	netip.MustParseAddr("fd00:ec2::254"):   "of AWS",
	netip.MustParseAddr("fd00:ec2::23"):    "of pods at AWS",
	netip.MustParseAddr("fd20:ce::254"):    "of Google",
	netip.MustParseAddr("fe80::a9fe:a9fe"): "of OpenStack",
	netip.MustParseAddr("100.100.100.200"): "of Alibaba",
	netip.MustParseAddr("168.63.129.16"):   "of Azure",
	netip.MustParseAddr("192.0.0.192"):     "of Oracle",
}

// translated are IPv4 addresses, as IPv6 reaches them through a translator.
var translated = netip.MustParsePrefix("64:ff9b::/96")

// may says why what the configuration calls host must not be connected to at an address,
// nil if it may be.
func may(host string, to netip.Addr) error {
	to = to.Unmap().WithZone("")
	if b := to.As16(); translated.Contains(to) {
		to = netip.AddrFrom4([4]byte(b[12:]))
	}
	if whose, ok := credentials[to]; ok {
		return fmt.Errorf("%s is %s, where credentials %s are handed out: nothing connects there", host, to, whose)
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return nil
	}
	var what string
	switch {
	case to.IsLoopback() || to.IsUnspecified():
		if own(host) {
			return nil
		}
		what = "this machine itself"
	case to.IsLinkLocalUnicast():
		what = "a link-local address"
	case to.IsMulticast():
		what = "a multicast address"
	default:
		return nil
	}
	return fmt.Errorf("%s leads to %s, %s; if that is meant, write the address in place of the name", host, to, what)
}

// own reports whether a name is this machine's.
func own(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	name, err := os.Hostname()
	name = strings.ToLower(name)
	return err == nil && (host == name || strings.HasPrefix(name, host+"."))
}
