package opcua

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/gopcua/opcua/server"
	"github.com/gopcua/opcua/ua"

	"github.com/gigawatch/gigawatch/collector/loopback"
	"github.com/gigawatch/gigawatch/collector/site"
)

// A plant is a server with nodes that a test sets.
type plant struct {
	port     int
	endpoint string

	mu    sync.Mutex
	nodes map[string]*ua.DataValue
	reads int
	slow  time.Duration
}

// good is a value as servers give it.
func good(v any) *ua.DataValue {
	now := time.Now()
	return &ua.DataValue{
		EncodingMask: ua.DataValueValue | ua.DataValueSourceTimestamp | ua.DataValueServerTimestamp,
		Value:        ua.MustVariant(v), SourceTimestamp: now, ServerTimestamp: now,
	}
}

func bad(v any, status ua.StatusCode) *ua.DataValue {
	d := good(v)
	d.EncodingMask |= ua.DataValueStatusCode
	d.Status = status
	return d
}

// bare is a value without a time.
func bare(v any) *ua.DataValue {
	return &ua.DataValue{EncodingMask: ua.DataValueValue, Value: ua.MustVariant(v)}
}

func (p *plant) set(name string, v *ua.DataValue) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.nodes[name] = v
}

// now is set of a value that keeps the time.
func (p *plant) now(name string, v any) { p.set(name, bare(v)) }

func freePort(t *testing.T) int {
	t.Helper()
	_, port, _ := net.SplitHostPort(loopback.Free(t))
	n, _ := strconv.Atoi(port)
	return n
}

// serve starts a server with nodes, on a port; 0: any.
func serve(t *testing.T, port int, nodes map[string]*ua.DataValue, options ...server.Option) (p *plant, stop func()) {
	t.Helper()
	if port == 0 {
		port = freePort(t)
	}
	p = &plant{port: port, endpoint: "opc.tcp://127.0.0.1:" + strconv.Itoa(port), nodes: nodes}
	s := server.New(append([]server.Option{server.EndPoint("127.0.0.1", port)}, options...)...)
	space := server.NewNodeNameSpace(s, "plant")
	for name := range nodes {
		n := server.NewVariableNode(ua.NewStringNodeID(space.ID(), name), name, func() *ua.DataValue {
			p.mu.Lock()
			p.reads++
			v, slow := p.nodes[name], p.slow
			p.mu.Unlock()
			time.Sleep(slow)
			return v
		})
		space.AddNode(n)
	}
	ctx, cancel := context.WithCancel(context.Background())
	if err := s.Start(ctx); err != nil {
		t.Fatal(err)
	}
	stop = sync.OnceFunc(func() { s.Close(); cancel() })
	t.Cleanup(stop)
	return p, stop
}

// open lets anybody in.
func open() []server.Option {
	return []server.Option{server.EnableSecurity("None", ua.MessageSecurityModeNone), server.EnableAuthMode(ua.UserTokenTypeAnonymous)}
}

// An identity is a certificate with its key, and their files.
type identity struct {
	key       *rsa.PrivateKey
	der       []byte
	cert, pem string
}

func identify(t *testing.T, name string) identity {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	at := &url.URL{Scheme: "urn", Opaque: "gigawatch:" + name}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment | x509.KeyUsageDataEncipherment, URIs: []*url.URL{at},
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	i := identity{key, der, filepath.Join(dir, "cert"), filepath.Join(dir, "key.pem")}
	write(t, i.cert, der)
	write(t, i.pem, pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
	return i
}

// elliptic is a key that OPC UA does not take.
func ellipticKey(t *testing.T) string {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	b, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "key")
	write(t, path, b)
	return path
}

func write(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// meterOf is power from node P and energy from node E.
func meterOf(endpoint string) *site.OPCUA {
	return &site.OPCUA{Endpoint: endpoint, Policy: "None", Nodes: []site.OPCUANode{
		{Field: site.Field{Measures: site.MeasuresPower, Unit: "W"}, ID: "ns=1;s=P"},
		{Field: site.Field{Measures: site.MeasuresEnergy, Unit: "Wh"}, ID: "ns=1;s=E"},
	}}
}

// A relay stands between a client and a server, and spoils what passes.
type relay struct {
	endpoint string
	port     int

	mu     sync.Mutex
	spoils func(answer []byte) (cut []byte, hangUp bool) // nil: as it is
	conns  map[net.Conn]bool
	down   bool
	began  int
}

func relayTo(t *testing.T, to string) *relay {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{endpoint: "opc.tcp://" + l.Addr().String(), port: l.Addr().(*net.TCPAddr).Port, conns: map[net.Conn]bool{}}
	var working sync.WaitGroup
	working.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			r.mu.Lock()
			down := r.down
			r.began++
			r.conns[c] = true
			r.mu.Unlock()
			if down {
				c.Close()
				continue
			}
			working.Go(func() { r.pass(c, to) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		r.hangUp()
		working.Wait()
	})
	return r
}

func (r *relay) pass(c net.Conn, to string) {
	defer c.Close()
	s, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	defer s.Close()
	go func() {
		io.Copy(s, c)
		s.Close()
	}()
	b := make([]byte, 1<<16)
	for {
		n, err := s.Read(b)
		if err != nil {
			return
		}
		r.mu.Lock()
		spoils := r.spoils
		r.mu.Unlock()
		answer, hangUp := b[:n], false
		if spoils != nil {
			answer, hangUp = spoils(append([]byte(nil), answer...))
		}
		c.Write(answer)
		if hangUp {
			return
		}
	}
}

func (r *relay) spoil(f func([]byte) ([]byte, bool)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.spoils = f
}

func (r *relay) hangUp() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for c := range r.conns {
		c.Close()
	}
	clear(r.conns)
}

func (r *relay) turn(down bool) {
	r.mu.Lock()
	r.down = down
	r.mu.Unlock()
	if down {
		r.hangUp()
	}
}
