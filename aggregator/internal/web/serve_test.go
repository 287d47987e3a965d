package web_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/web"
	"github.com/gigawatch/gigawatch/aggregator/query"
)

func TestBeyondLoopbackNeedsATokenAndTLS(t *testing.T) {
	for name, tt := range map[string]struct {
		addr                 string
		asked, tls, insecure bool
		want                 string // contained in the error; "": none
	}{
		"loopback, bare":              {addr: "127.0.0.1:8600"},
		"loopback of IPv6":            {addr: "[::1]:8600"},
		"localhost":                   {addr: "localhost:0"},
		"all interfaces, bare":        {addr: ":8600", want: "a token file or a list of principals, and a TLS certificate, are needed beyond loopback"},
		"all of IPv4":                 {addr: "0.0.0.0:8600", want: "a token file or a list of principals, and a TLS certificate, are"},
		"all of IPv6":                 {addr: "[::]:8600", want: "a token file or a list of principals, and a TLS certificate, are"},
		"an address":                  {addr: "192.0.2.7:8600", want: "everyone who reaches the port"},
		"a name":                      {addr: "aggregator.example:8600", want: "a token file or"},
		"a name that begins so":       {addr: "localhost.example:8600", want: "a token file or"},
		"all interfaces, token only":  {addr: ":8600", asked: true, want: "a TLS certificate is"},
		"all interfaces, TLS only":    {addr: ":8600", tls: true, want: "a token file or a list of principals is"},
		"all interfaces, both":        {addr: ":8600", asked: true, tls: true},
		"all interfaces, insecure":    {addr: ":8600", insecure: true},
		"no port":                     {addr: "127.0.0.1", want: "missing port"},
		"nonsense, even if insecure":  {addr: "a:b:c", insecure: true, want: "too many colons"},
		"loopback of IPv4 in IPv6":    {addr: "[::ffff:127.0.0.1]:8600"},
		"another network, as if name": {addr: "127.0.0.1.nip.example:80", want: "a token file or"},
	} {
		t.Run(name, func(t *testing.T) {
			err := web.CheckListen(tt.addr, tt.asked, tt.tls, tt.insecure)
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error is %v, want %q", err, tt.want)
			}
		})
	}
}

func TestTokenFiles(t *testing.T) {
	for name, tt := range map[string]struct{ text, want string }{
		"a token":         {token + "\n", ""},
		"too short":       {"short\n", "holds 5 characters; at least 16 are needed"},
		"empty":           {"", "holds 0 characters"},
		"two lines":       {token + "\n" + token + "\n", "space or a character that is not printable"},
		"not ASCII":       {"fünfzehn-zeichen-lang", "not printable"},
		"no such file":    {"-", "no such file"},
		"spaces about it": {"  " + token + "  \r\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "token")
			if tt.text != "-" {
				if err := os.WriteFile(path, []byte(tt.text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			s, err := query.ReadToken(path)
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error is %v, want %q", err, tt.want)
			}
			if s.IsZero() != (err != nil) {
				t.Errorf("token is none: %v, error is %v", s.IsZero(), err)
			}
		})
	}
}

func TestSecretsArePrintedByNothing(t *testing.T) {
	c := web.Config{Token: query.NewSecret(token)}
	client := query.Client{Token: c.Token}
	inner := struct{ hidden query.Secret }{c.Token}
	var out strings.Builder
	for _, v := range []any{c.Token, &c.Token, c, &c, client, inner, []query.Secret{c.Token}, map[string]query.Secret{"t": c.Token}, errors.Join(fmt.Errorf("%v", c.Token))} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
	}
	for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(h).Info("started", "token", c.Token, "struct", struct{ T query.Secret }{c.Token})
	}
	b, err := json.Marshal(map[string]any{"t": c.Token, "p": &c.Token})
	if err != nil {
		t.Fatal(err)
	}
	out.Write(b)
	for _, part := range []string{token, "canary", fmt.Sprintf("%x", token)} {
		if i := strings.Index(out.String(), part); i >= 0 {
			t.Errorf("the secret shows: …%.120s", out.String()[max(0, i-60):])
		}
	}
	if !strings.Contains(out.String(), "[redacted]") {
		t.Error("nothing says that something was redacted")
	}
}

// certificate writes a new self-signed certificate for 127.0.0.1.
func certificate(t *testing.T, dir string, serial int64) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "aggregator"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for name, b := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "PRIVATE KEY", Bytes: keyDER}} {
		if err := os.WriteFile(name, pem.EncodeToMemory(b), 0o600); err != nil {
			t.Fatal(err)
		}
		at := now.Add(time.Duration(serial) * time.Second) // clocks of file systems are coarse
		if err := os.Chtimes(name, at, at); err != nil {
			t.Fatal(err)
		}
	}
	return certFile, keyFile
}

// start runs Serve until the test or stop ends it.
func start(t *testing.T, c web.Config) (addr string, stop context.CancelFunc, ended <-chan error) {
	t.Helper()
	s, err := web.New(c)
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done, result := make(chan struct{}), make(chan error, 1)
	go func() {
		defer close(done)
		result <- s.Serve(ctx, ln)
	}()
	t.Cleanup(func() { stop(); <-done })
	return ln.Addr().String(), stop, result
}

func TestTLSIsOfTheLastVersionAndFollowsItsFiles(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := certificate(t, dir, 1)
	c := config(t)
	var err error
	if c.TLS, err = web.LoadTLS(certFile, keyFile, ""); err != nil {
		t.Fatal(err)
	}
	addr, _, _ := start(t, c)

	serial := func() int64 {
		conn, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}}) // its serial is what is asked here
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if st := conn.ConnectionState(); st.Version != tls.VersionTLS13 || st.NegotiatedProtocol != "h2" {
			t.Errorf("version is %x, protocol %q", st.Version, st.NegotiatedProtocol)
		}
		return conn.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
	}
	if got := serial(); got != 1 {
		t.Errorf("certificate is number %d, want 1", got)
	}
	certificate(t, dir, 2)
	if got := serial(); got != 2 {
		t.Errorf("after its replacement the certificate is number %d, want 2", got)
	}
	if err := os.WriteFile(keyFile, []byte("half a key"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := serial(); got != 2 {
		t.Errorf("with a broken key the certificate is number %d, want 2", got)
	}
	if conn, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12}); err == nil {
		conn.Close()
		t.Error("TLS 1.2 is spoken")
	}
	if code, _ := raw(t, "http://"+addr, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"); code != 400 {
		t.Errorf("plain HTTP is answered %d", code)
	}
	if _, err := web.LoadTLS(certFile, keyFile, ""); err == nil {
		t.Error("a broken key is loaded")
	}
}

func TestServeLetsRequestsFinishAndThenStops(t *testing.T) {
	c := config(t)
	s := newStuck(c.Queryable)
	c.Queryable = s
	addr, stop, ended := start(t, c)
	answered := make(chan response, 1)
	go func() { answered <- get(t, "http://"+addr+"/api/v1/query?query=gpu_power_watts&time=600") }()
	wait(t, s.began, "the query begins")
	stop()
	time.Sleep(50 * time.Millisecond)
	if conn, err := net.Dial("tcp", addr); err == nil {
		conn.Close()
		t.Error("new connections are accepted after the end was asked for")
	}
	close(s.let)
	if r := wait(t, answered, "the query ends"); r.code != 200 {
		t.Errorf("the running query is answered %d: %s", r.code, r.body)
	}
	if err := wait(t, ended, "Serve returns"); err != nil {
		t.Errorf("Serve returned %v", err)
	}
}

func TestServeEndsQueriesThatDoNot(t *testing.T) {
	if testing.Short() {
		t.Skip("waits out a real grace of 5 s")
	}
	t.Parallel()
	c := config(t)
	s := newStuck(c.Queryable)
	c.Queryable = s
	addr, stop, ended := start(t, c)
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		if resp, err := http.Get("http://" + addr + "/api/v1/query?query=gpu_power_watts"); err == nil {
			resp.Body.Close()
		}
	}()
	wait(t, s.began, "the query begins")
	stop()
	if err := wait(t, s.ended, "the query ends"); err != context.Canceled {
		t.Errorf("the query ended with %v", err)
	}
	if err := wait(t, ended, "Serve returns"); err != nil {
		t.Errorf("Serve returned %v", err)
	}
	wait(t, gone, "the client is told")
}

func TestServeSaysWhyItCannot(t *testing.T) {
	s, err := web.New(config(t))
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln.Close()
	if err := s.Serve(t.Context(), ln); err == nil || !strings.Contains(err.Error(), "serve HTTP on 127.0.0.1") {
		t.Errorf("Serve returned %v", err)
	}
	wide, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Serve(t.Context(), wide); err == nil || !strings.Contains(err.Error(), "needed beyond loopback") {
		t.Errorf("beyond loopback Serve returned %v", err)
	}
	if err := wide.Close(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("the refused listener is still open: closing it gives %v", err)
	}
}
