package outbound

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

func TestWhereANameMayLead(t *testing.T) {
	name, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		host, to string
		says     string // "": it may
	}{
		{"alerts.example", "198.51.100.7", ""},
		{"alertmanager", "10.0.0.5", ""}, // a site's own network
		{"alertmanager", "2001:db8::5", ""},
		{"alertmanager", "fd12:3456::5", ""},
		{"127.0.0.1", "127.0.0.1", ""},
		{"127.8.9.1", "127.8.9.1", ""},
		{"::1", "::1", ""},
		{"localhost", "127.0.0.1", ""},
		{"LOCALHOST.", "::1", ""},
		{"pager.localhost", "127.0.0.1", ""},
		{name, "127.0.1.1", ""},                // as Debian has it
		{"169.254.3.254", "169.254.3.254", ""}, // a BMC beside its host
		{"fe80::1%eth0", "fe80::1%eth0", ""},

		{"alerts.example", "127.0.0.1", "alerts.example leads to 127.0.0.1, this machine itself; if that is meant, write the address in place of the name"},
		{"alerts.example", "127.8.9.1", "this machine itself"},
		{"alerts.example", "::1", "this machine itself"},
		{"alerts.example", "::ffff:127.0.0.1", "this machine itself"},
		{"alerts.example", "64:ff9b::7f00:1", "this machine itself"},
		{"alerts.example", "0.0.0.0", "this machine itself"},
		{"alerts.example", "::", "this machine itself"},
		{"127.1", "127.0.0.1", "this machine itself"}, // what some resolvers take for an address
		{"localhost.example", "127.0.0.1", "this machine itself"},
		{"notlocalhost", "127.0.0.1", "this machine itself"},
		{"bmc.example", "169.254.3.254", "a link-local address"},
		{"bmc.example", "fe80::1%eth0", "a link-local address"},
		{"bmc.example", "::ffff:169.254.3.254", "a link-local address"},
		{"bmc.example", "224.0.0.1", "a multicast address"},
		{"bmc.example", "ff02::1", "a multicast address"},
		{"alerts.example", "169.254.169.254", "where credentials of most clouds are handed out"},
		{"169.254.169.254", "169.254.169.254", "where credentials of most clouds are handed out"},
		{"localhost", "169.254.169.254", "where credentials of most clouds are handed out"},
		{"::ffff:169.254.169.254", "::ffff:169.254.169.254", "where credentials of most clouds are handed out"},
		{"64:ff9b::a9fe:a9fe", "64:ff9b::a9fe:a9fe", "where credentials of most clouds are handed out"},
		{"fe80::a9fe:a9fe%eth0", "fe80::a9fe:a9fe%eth0", "where credentials of OpenStack are handed out"},
		{"fd00:ec2::254", "fd00:ec2::254", "where credentials of AWS are handed out"},
		{"100.100.100.200", "100.100.100.200", "where credentials of Alibaba are handed out"},
		{"metadata.example", "168.63.129.16", "where credentials of Azure are handed out"},
	} {
		err := may(x.host, netip.MustParseAddr(x.to))
		if (err == nil) != (x.says == "") || err != nil && !strings.Contains(err.Error(), x.says) {
			t.Errorf("%s at %s: %v, want %q", x.host, x.to, err, x.says)
		}
	}
	if Check("169.254.169.254") == nil || Check("alerts.example") != nil || Check("127.0.0.1") != nil {
		t.Error("a host of a configuration is not looked at")
	}
}

// resolver answers for every name: with good as often as it is asked before it turns,
// and then with an address of loopback.
func resolver(t *testing.T, good string, turns int64) (_ *net.Resolver, asked *atomic.Int64) {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	asked = new(atomic.Int64)
	go func() {
		b := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(b)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if m.Unpack(b[:n]) != nil || len(m.Questions) != 1 {
				continue
			}
			m.Response, m.Authoritative, m.Additionals = true, true, nil
			if q := m.Questions[0]; q.Type == dnsmessage.TypeA {
				to := good
				if asked.Add(1) > turns {
					to = "127.0.0.1"
				}
				m.Answers = []dnsmessage.Resource{{
					Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class}, // for no time at all
					Body:   &dnsmessage.AResource{A: netip.MustParseAddr(to).As4()},
				}}
			}
			if out, err := m.Pack(); err == nil {
				_, _ = conn.WriteTo(out, from)
			}
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}, asked
}

// Who answers for a name says a good address to who looks at it, and afterwards that of
// a service on loopback.
func TestANameThatIsReboundLeadsNowhere(t *testing.T) {
	var reached atomic.Int64
	victim := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) }))
	defer victim.Close()
	_, port, err := net.SplitHostPort(victim.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	names, asked := resolver(t, "198.51.100.7", 1)
	if list, err := names.LookupHost(t.Context(), "pager.example."); err != nil || len(list) != 1 || list[0] != "198.51.100.7" {
		t.Fatalf("who looks before sees %v, %v", list, err)
	}
	client := &http.Client{Transport: &http.Transport{DialContext: Dialer{Timeout: 10 * time.Second, Resolver: names}.DialContext}}
	resp, err := client.Get("http://pager.example.:" + port + "/")
	if err == nil {
		resp.Body.Close()
	}
	if err == nil || !strings.Contains(err.Error(), "leads to 127.0.0.1, this machine itself") || reached.Load() != 0 {
		t.Errorf("it is connected to %d times: %v", reached.Load(), err)
	}
	if asked.Load() < 2 {
		t.Fatal("the name was not asked for again")
	}
	// What the operator writes is taken.
	resp, err = client.Get(victim.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil || reached.Load() != 1 {
		t.Errorf("an address that was written is connected to %d times: %v", reached.Load(), err)
	}
}
