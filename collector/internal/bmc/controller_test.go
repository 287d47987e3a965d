package bmc

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
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
)

// A controller is a BMC that answers Redfish as one of the captures says, over
// TLS, and misbehaves as a test asks.
type controller struct {
	t           testing.TB
	certificate tls.Certificate
	server      *http.Server
	conns       chan net.Conn
	over        chan struct{}

	mu       sync.Mutex
	tree     map[string]string // path → JSON
	delay    time.Duration
	password string            // of user root; "": nobody is asked
	basic    bool              // there are no sessions
	limited  bool              // others hold all sessions
	status   map[string]string // path → "503 20": status, Retry-After
	sessions map[string]bool   // token → alive
	made     int
	asked    []string // method and path
}

func newController(t testing.TB, capture string) *controller {
	t.Helper()
	a, err := txtar.ParseFile(filepath.Join("testdata", "redfish", capture+".txtar"))
	if err != nil {
		t.Fatal(err)
	}
	b := &controller{
		t: t, certificate: selfSigned(t), conns: make(chan net.Conn), over: make(chan struct{}),
		tree: map[string]string{}, status: map[string]string{}, sessions: map[string]bool{},
	}
	for _, f := range a.Files {
		if !json.Valid(f.Data) {
			t.Fatalf("%s is no JSON", f.Name)
		}
		b.tree[f.Name] = string(f.Data)
	}
	b.server = &http.Server{Handler: b, ErrorLog: log.New(io.Discard, "", 0)} // of certificates that are refused
	go b.server.Serve(tls.NewListener(b, &tls.Config{Certificates: []tls.Certificate{b.certificate}}))
	t.Cleanup(func() {
		close(b.over)
		b.server.Close()
	})
	return b
}

// config is how the controller is reached.
func (b *controller) config(r *rig) Config {
	r.write("ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: b.certificate.Certificate[0]})))
	c := Redfish{URL: "https://bmc.example", CA: r.path("ca.pem"), dial: b.dial}
	if b.password != "" {
		r.write("password", b.password+"\n")
		c.User, c.PasswordFile = "root", r.path("password")
	}
	return Config{Redfish: c}
}

// The network is in memory, so that time in a test goes on while it is waited for.
func (b *controller) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case b.conns <- far:
		return near, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-b.over:
		return nil, net.ErrClosed
	}
}

// loopback is a real network.
func (b *controller) loopback() func(ctx context.Context, network, address string) (net.Conn, error) {
	b.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.t.Fatal(err)
	}
	go b.server.Serve(tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{b.certificate}}))
	return func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, l.Addr().String())
	}
}

func (b *controller) Accept() (net.Conn, error) {
	select {
	case c := <-b.conns:
		return c, nil
	case <-b.over:
		return nil, net.ErrClosed
	}
}

func (b *controller) Close() error   { return nil }
func (b *controller) Addr() net.Addr { return &net.TCPAddr{} }

// set changes what the controller does.
func (b *controller) set(change func(*controller)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change(b)
}

// replace changes a resource.
func (b *controller) replace(path, old, new string) {
	b.t.Helper()
	b.set(func(b *controller) {
		if !strings.Contains(b.tree[path], old) {
			b.t.Fatalf("%s has no %s", path, old)
		}
		b.tree[path] = strings.ReplaceAll(b.tree[path], old, new)
	})
}

// held is how many sessions were made, and how many of them are alive.
func (b *controller) held() (made, alive int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.made, len(b.sessions)
}

// count is how often something was asked for; "" is anything.
func (b *controller) count(request string) (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, a := range b.asked {
		if a == request || request == "" {
			n++
		}
	}
	return n
}

func (b *controller) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	b.mu.Lock()
	delay := b.delay
	b.mu.Unlock()
	time.Sleep(delay)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked = append(b.asked, q.Method+" "+q.URL.Path)
	if s := b.status[q.URL.Path]; s != "" {
		var code int
		var after string
		fmt.Sscan(s, &code, &after)
		switch {
		case code/100 == 3:
			w.Header().Set("Location", after)
		case after != "":
			w.Header().Set("Retry-After", after)
		}
		w.WriteHeader(code)
		return
	}
	token := q.Header.Get("X-Auth-Token")
	switch {
	case q.URL.Path == sessionsPath && q.Method == http.MethodPost:
		b.login(w, q)
		return
	case strings.HasPrefix(q.URL.Path, sessionsPath) && q.Method == http.MethodDelete:
		if !b.sessions[token] || q.URL.Path != sessionsPath+"/"+token {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		delete(b.sessions, token)
		w.WriteHeader(http.StatusNoContent)
		return
	}
	user, pass, _ := q.BasicAuth()
	if b.password != "" && !b.sessions[token] && !(user == "root" && pass == b.password) {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	body, ok := b.tree[q.URL.Path]
	if !ok {
		w.WriteHeader(http.StatusNotFound)
		body = `{"error": {"code": "Base.1.8.ResourceMissingAtURI"}}`
	}
	io.WriteString(w, body)
}

func (b *controller) login(w http.ResponseWriter, q *http.Request) {
	var who struct{ UserName, Password string }
	if err := json.NewDecoder(q.Body).Decode(&who); err != nil {
		b.t.Errorf("log in: %v", err)
	}
	switch {
	case b.basic:
		w.WriteHeader(http.StatusMethodNotAllowed)
	case who.UserName != "root" || who.Password != b.password:
		w.WriteHeader(http.StatusUnauthorized)
	case b.limited:
		w.WriteHeader(http.StatusServiceUnavailable)
		io.WriteString(w, `{"error": {"@Message.ExtendedInfo": [{"MessageId": "Base.1.8.SessionLimitExceeded"}]}}`)
	default:
		b.made++
		token := fmt.Sprintf("token-%d", b.made)
		b.sessions[token] = true
		w.Header().Set("X-Auth-Token", token)
		w.Header().Set("Location", "https://bmc.example"+sessionsPath+"/"+token)
		w.WriteHeader(http.StatusCreated)
		fmt.Fprintf(w, `{"@odata.id": %q}`, sessionsPath+"/"+token)
	}
}

// selfSigned is a certificate as controllers make them.
func selfSigned(t testing.TB) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "bmc"}, DNSNames: []string{"bmc.example"},
		NotBefore: time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC),
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// secrets checks that nothing that was written shows one.
func (r *rig) keeps(secrets ...string) {
	r.t.Helper()
	for _, s := range secrets {
		if strings.Contains(r.log.String(), s) || strings.Contains(r.s.Describe(), s) {
			r.t.Errorf("%q is shown: %s; %s", s, &r.log, r.s.Describe())
		}
	}
}

func remove(t testing.TB, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}
