package web_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/web"
)

// put replaces a file as an administrator does, so that it is read anew.
func put(t *testing.T, file string, b []byte) {
	t.Helper()
	if err := os.WriteFile(file+".new", b, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(file+".new", file); err != nil {
		t.Fatal(err)
	}
}

// Certificates of the server and authorities of its clients are replaced while
// connections are made all the time: none is refused, of which at any moment the
// certificate of one of the authorities in force is shown.
func TestCertificatesAreReplacedUnderLoad(t *testing.T) {
	c, _ := worldConfig(t, "principals:\n  - {name: anna, role: viewer, sites: [alfa], certificate: \"CN=anna,O=Example\"}\n")
	dir, made := t.TempDir(), t.TempDir()
	certFile, keyFile := certificate(t, dir, 1)
	old, next := newAuthority(t, "old"), newAuthority(t, "next")
	caFile := filepath.Join(dir, "clients.pem")
	put(t, caFile, old.pem)
	var err error
	if c.TLS, err = web.LoadTLS(certFile, keyFile, caFile); err != nil {
		t.Fatal(err)
	}
	addr, _, _ := start(t, c)
	roots := x509.NewCertPool() // all certificates that the server will ever show
	type pair struct{ cert, key []byte }
	var pairs []pair
	for n := range int64(8) {
		file, key := certificate(t, made, 1+n)
		var p pair
		if p.cert, err = os.ReadFile(file); err == nil {
			p.key, err = os.ReadFile(key)
		}
		if err != nil || !roots.AppendCertsFromPEM(p.cert) {
			t.Fatal("no roots", err)
		}
		pairs = append(pairs, p)
	}
	first, err := os.ReadFile(certFile)
	if err != nil || !roots.AppendCertsFromPEM(first) {
		t.Fatal("no roots", err)
	}
	var shown atomic.Pointer[tls.Certificate]
	use := x509.ExtKeyUsageClientAuth
	shown.Store(old.sign("anna", use, time.Hour))
	ctx, stop := context.WithCancel(t.Context())
	var clients sync.WaitGroup
	var asked, serials atomic.Int64
	var seen sync.Map
	for range 4 {
		clients.Go(func() {
			for ctx.Err() == nil {
				of := shown.Load()
				h := &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{
					RootCAs: roots, GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return of, nil },
				}}}
				resp, err := h.Get("https://" + addr + "/api/v1/inventory?kind=site")
				if err != nil {
					t.Errorf("a connection is refused: %v", err)
					return
				}
				_, _ = io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
				if resp.StatusCode != http.StatusOK {
					t.Errorf("it is answered %d", resp.StatusCode)
					return
				}
				if _, known := seen.LoadOrStore(resp.TLS.PeerCertificates[0].SerialNumber.Int64(), true); !known {
					serials.Add(1)
				}
				asked.Add(1)
			}
		})
	}
	pace := func() {
		t.Helper()
		was := asked.Load()
		eventually(t, "clients are answered", func() bool { return asked.Load() >= was+8 || t.Failed() })
	}
	for i, p := range pairs {
		put(t, certFile, p.cert) // for a moment it is not the key's
		pace()
		put(t, keyFile, p.key)
		pace()
		switch i {
		case 2:
			put(t, caFile, bytes.Join([][]byte{old.pem, next.pem}, nil))
			pace()
		case 4:
			shown.Store(next.sign("anna", use, time.Hour))
			pace()
			pace()
		case 5:
			put(t, caFile, next.pem)
			pace()
		}
	}
	stop()
	clients.Wait()
	t.Logf("%d connections, %d certificates of the server seen", asked.Load(), serials.Load())
	if serials.Load() < 8 {
		t.Errorf("%d certificates were seen", serials.Load())
	}
	if resp, err := (&http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{*old.sign("anna", use, time.Hour)},
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return old.sign("anna", use, time.Hour), nil
		}}}}).Get("https://" + addr + "/healthz"); err == nil {
		resp.Body.Close()
		t.Error("the authority that was taken out is believed")
	}
}
