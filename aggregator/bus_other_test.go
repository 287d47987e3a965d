package main

import (
	"crypto/x509"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
)

// notMistaken has the bus show certificates that are not its own: a collector does not
// speak to it, until it shows a good one again.
func (s *secured) notMistaken(collector ...nats.Option) {
	s.t.Helper()
	elsewhere, client := of(time.Hour), of(time.Hour)
	elsewhere.IPAddresses, elsewhere.DNSNames = []net.IP{net.IPv4(127, 0, 0, 2)}, []string{"another.example"}
	client.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	for _, tc := range []struct {
		says     string // "": it is good
		template x509.Certificate
	}{
		{"has expired", of(-time.Minute)}, {"not 127.0.0.1", elsewhere}, {"incompatible key usage", client}, {"", of(time.Hour)},
	} {
		s.ca.sign("bus", tc.template)
		s.await(30*time.Second, fmt.Sprintf("of a certificate is said %q", tc.says), func() bool {
			nc, err := nats.Connect("tls://"+s.address, collector...)
			if err == nil {
				nc.Close()
				return tc.says == ""
			}
			return tc.says != "" && strings.Contains(err.Error(), tc.says)
		})
	}
}
