package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/wire"
)

// While hundreds of hosts speak, the bus has another certificate, and one of them is
// revoked: it is cut off and stays out, and nobody else is. What each of the others
// said once, and never again, is durable to the last record.
func TestCertificatesAndARevocationUnderLoad(t *testing.T) {
	t.Parallel()
	const many = 200
	var names []string
	for i := range many {
		names = append(names, fmt.Sprintf("m%03d", i))
	}
	s := newSecured(t, names...)
	var cut atomic.Int64
	c := s.reach("")
	c.Options = append(c.Options, nats.Timeout(30*time.Second), nats.RetryOnFailedConnect(false), nats.DisconnectErrHandler(func(*nats.Conn, error) { cut.Add(1) }))
	crowd := map[string]*speaker{}
	for _, name := range names {
		c.Credentials = s.reach(name).Credentials
		x := &speaker{nc: s.dial(name, c)}
		if _, err := x.nc.Subscribe(wire.AckSubject("s1", name), func(m *nats.Msg) {
			if ack, err := wire.ParseAck(m.Data); err == nil {
				x.durable.Store(ack.Sequence)
			}
		}); err != nil {
			t.Fatal(err)
		}
		crowd[name] = x
	}
	outcast := s.reach("n1")
	n1 := s.dial("n1", outcast)
	s.await(20*time.Second, "n1 is let in", n1.IsConnected)

	stop, said := make(chan struct{}), sync.WaitGroup{}
	said.Go(func() {
		for n := uint64(1); ; n++ {
			select {
			case <-stop:
				return
			case <-time.After(200 * time.Millisecond):
			}
			for name, x := range crowd {
				if err := x.nc.Publish(wire.Subject(metric.Ledger, "s1", name), saying(t, metric.Ledger, "s1", name, n)); err != nil {
					t.Errorf("%s does not reach the bus: %v", name, err)
					return
				}
				x.sent = n
			}
		}
	})
	s.await(60*time.Second, "what all say is durable", func() bool { return least(crowd) > 0 })

	for n := range 3 {
		before := s.shown()
		s.ca.sign("bus", of(time.Duration(2+n)*time.Hour))
		s.await(30*time.Second, "the new certificate is shown", func() bool { now := s.shown(); return now != "" && now != before })
	}
	command(t, "revoke", "-dir", s.dir, "-site", "s1", "-name", "n1")
	s.await(30*time.Second, "n1 is cut off", func() bool { return !n1.IsConnected() })
	for range 20 { // in which n1 tries again, too, every 20 ms
		time.Sleep(50 * time.Millisecond)
		if n1.IsConnected() {
			t.Fatal("n1 is let in again")
		}
	}
	_, err := nats.Connect("tls://"+s.address, nats.UserCredentials(filepath.Join(s.dir, "creds/host/s1/n1.creds")), nats.RootCAs(s.ca.File), nats.ClientCert(s.cert, s.key))
	if !errors.Is(err, nats.ErrAuthorization) && (err == nil || !strings.Contains(err.Error(), "Authorization")) {
		t.Errorf("n1 with a connection of its own: %v", err)
	}
	c.Credentials = s.reach("n2").Credentials
	if n2 := s.dial("n2", c); n2.FlushTimeout(20*time.Second) != nil {
		t.Error("n2 is not let in")
	}
	close(stop)
	said.Wait()

	s.await(60*time.Second, "all that was said is durable", func() bool {
		for _, x := range crowd {
			if x.durable.Load() != x.sent {
				return false
			}
		}
		return true
	})
	if n := cut.Load(); n != 0 {
		t.Errorf("%d connections of others were cut", n)
	}
	total := uint64(0)
	for name, x := range crowd {
		if x.nc.Stats().Reconnects != 0 || !x.nc.IsConnected() {
			t.Errorf("%s was cut off", name)
		}
		total += x.sent
	}
	t.Logf("%d hosts, %d records, 3 certificates, 1 revocation: none cut off but the revoked, none lost", many, total)
	s.stop()
}

// speaker is one of many hosts.
type speaker struct {
	nc      *nats.Conn
	sent    uint64
	durable atomic.Uint64
}

// least is the least that is durable of any.
func least(crowd map[string]*speaker) uint64 {
	n := ^uint64(0)
	for _, x := range crowd {
		n = min(n, x.durable.Load())
	}
	return n
}
