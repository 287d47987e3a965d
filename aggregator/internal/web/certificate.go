package web

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"sync"
	"time"
)

// LoadTLS is a TLS configuration that follows its files: a certificate that was
// replaced is served from the next handshake on. Clients may show a certificate of
// the authorities in clientCA, which has to be one of those that stand there at the
// handshake; "" asks for none.
func LoadTLS(certFile, keyFile, clientCA string) (*tls.Config, error) {
	f := &followed[tls.Certificate]{names: []string{certFile, keyFile}, load: func() (*tls.Certificate, error) {
		c, err := tls.LoadX509KeyPair(certFile, keyFile)
		if err != nil {
			return nil, fmt.Errorf("load TLS certificate: %w", err)
		}
		return &c, nil
	}}
	if _, err := f.get(); err != nil {
		return nil, err
	}
	c := &tls.Config{MinVersion: tls.VersionTLS13, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return f.get() }}
	if clientCA == "" {
		return c, nil
	}
	of := &followed[x509.CertPool]{names: []string{clientCA}, load: func() (*x509.CertPool, error) {
		b, err := os.ReadFile(clientCA)
		if err != nil {
			return nil, fmt.Errorf("load authorities of clients: %w", err)
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(b) {
			return nil, fmt.Errorf("load authorities of clients: %s holds no certificate in PEM", clientCA)
		}
		return pool, nil
	}}
	if _, err := of.get(); err != nil {
		return nil, err
	}
	c.ClientAuth = tls.VerifyClientCertIfGiven
	c.SessionTicketsDisabled = true // who comes again is looked at again
	bare := c.Clone()
	bare.NextProtos = []string{"h2", "http/1.1"} // net/http adds them to c alone
	c.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
		pool, err := of.get()
		if err != nil {
			return nil, err
		}
		now := bare.Clone()
		now.ClientCAs = pool
		return now, nil
	}
	return c, nil
}

// followed is what some files hold, read again when they have changed.
type followed[T any] struct {
	names []string
	load  func() (*T, error)

	mu     sync.Mutex // loaded is what the files held when they were as read says
	read   []time.Time
	loaded *T
}

// get keeps what it has where the files cannot be read, as in the moment between
// the replacement of one and of the other.
func (f *followed[T]) get() (*T, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	changed := make([]time.Time, len(f.names))
	same := len(f.read) == len(f.names)
	for i, name := range f.names {
		if st, err := os.Stat(name); err == nil {
			changed[i] = st.ModTime()
		}
		same = same && changed[i].Equal(f.read[i])
	}
	if f.loaded != nil && same {
		return f.loaded, nil
	}
	v, err := f.load()
	if err != nil {
		if f.loaded != nil {
			return f.loaded, nil
		}
		return nil, err
	}
	f.loaded, f.read = v, changed
	return v, nil
}
