package modbus

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"encoding/pem"
	"math"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/collector/internal/meter"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	second "github.com/grid-x/modbus"
	"github.com/simonvetter/modbus"
)

func f32(v float64) []uint16 { return encode(uint64(math.Float32bits(float32(v))), 2, order{}) }
func f64(v float64) []uint16 { return encode(math.Float64bits(v), 4, order{}) }
func s64(v int64) []uint16   { return encode(uint64(v), 4, order{}) }

// The meters of a site: by unit, what its registers hold, and what is to be read.
var siteMeters = []struct {
	unit    uint8
	profile string
	hold    func(h holdings)
	want    []meter.Value
}{
	{1, "schneider-iem3000", func(h holdings) {
		h.set(1, 3, 3059, f32(1234.5)...)
		h.set(1, 3, 3203, s64(987654321012)...)
		h.set(1, 3, 3207, s64(17)...)
		h.set(1, 3, 3109, f32(50.02)...)
	}, []meter.Value{
		{Quantity: meter.Power, Number: 1234500},
		{Quantity: meter.Energy, Register: meter.Register{Steps: 987654321012, Size: meter.Size{Num: 3_600_000, Den: 1}}},
		{Quantity: meter.EnergyExport, Register: meter.Register{Steps: 17, Size: meter.Size{Num: 3_600_000, Den: 1}}},
	}},
	{2, "siemens-pac2200", func(h holdings) {
		h.set(2, 4, 65, f32(77.5)...)
		h.set(2, 4, 801, f64(123456789.25)...)
		h.set(2, 4, 809, f64(0)...)
	}, []meter.Value{
		{Quantity: meter.Power, Number: 77.5},
		{Quantity: meter.Energy, Register: meter.Register{Steps: 444444441300000, Grain: 1, Size: meter.Size{Num: 1, Den: 1}}},
		{Quantity: meter.EnergyExport, Register: meter.Register{Steps: 0, Grain: 1, Size: meter.Size{Num: 1, Den: 1}}},
	}},
	{3, "janitza-b", func(h holdings) {
		h.set(3, 3, 19026, f32(-1500)...)
		h.set(3, 3, 19068, f32(16777218)...)
		h.set(3, 3, 19076, f32(1e10)...)
		h.set(3, 3, 19050, f32(49.98)...)
	}, []meter.Value{
		{Quantity: meter.Power, Number: -1500},
		{Quantity: meter.Energy, Register: meter.Register{Steps: 16777218 * 3_600_000, Grain: 7_200_000, Size: meter.Size{Num: 1, Den: 1}}},
		{Quantity: meter.EnergyExport, Register: meter.Register{Steps: 1e10 * 3_600_000, Grain: 1024 * 3_600_000, Size: meter.Size{Num: 1, Den: 1}}},
	}},
}

// Two servers, our reader, and a client library that shares nothing with it: all
// say the same of three meters.
func TestV14TwoServersAndTwoClientsAgree(t *testing.T) {
	h := holdings{}
	for _, m := range siteMeters {
		m.hold(h)
	}
	for name, start := range map[string]func(t *testing.T) server{
		"in process": func(t *testing.T) server { return serve(t, h, modbus.ServerConfiguration{}) },
		"pymodbus":   func(t *testing.T) server { return servePymodbus(t, h, "tcp") },
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t)
			g := dial(t, GatewayConfig{Address: s.address()})
			handler := second.NewTCPClientHandler(s.address())
			handler.Timeout = 3 * time.Second
			if err := handler.Connect(t.Context()); err != nil {
				t.Fatal(err)
			}
			defer handler.Close()
			client := second.NewClient(handler)
			for _, m := range siteMeters {
				profile, err := Profile(m.profile)
				if err != nil {
					t.Fatal(err)
				}
				got, err := g.Reader(m.unit, profile).Read(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if d := cmp.Diff(m.want, got, cmpopts.EquateEmpty()); d != "" {
					t.Errorf("%s: %s", m.profile, d)
				}
				handler.SetSlave(m.unit)
				for i := range profile.entries {
					e := &profile.entries[i]
					read := client.ReadHoldingRegisters
					if e.function == 4 {
						read = client.ReadInputRegisters
					}
					b, err := read(t.Context(), uint16(e.at[0]), uint16(e.words))
					if err != nil {
						t.Fatal(err)
					}
					if e.purpose != quantity {
						continue
					}
					for _, v := range got {
						if v.Quantity == e.kind.Quantity {
							if theirs, ours := plain(e, b), shows(v); math.Abs(theirs-ours) > 1e-9*math.Abs(theirs) {
								t.Errorf("%s: %s is %g by the second client, %g by ours", m.profile, e.name, theirs, ours)
							}
						}
					}
				}
			}
		})
	}
}

// plain is what bytes mean, in W or mJ, without this package's arithmetic.
func plain(e *entry, b []byte) float64 {
	var v float64
	switch {
	case e.form == float && len(b) == 4:
		v = float64(math.Float32frombits(binary.BigEndian.Uint32(b)))
	case e.form == float:
		v = math.Float64frombits(binary.BigEndian.Uint64(b))
	default:
		v = float64(int64(binary.BigEndian.Uint64(b)))
	}
	if e.kind.Quantity.Counted() {
		return v * 3.6e6
	}
	return v * e.scale.Gauge(1)
}

func shows(v meter.Value) float64 {
	if v.Quantity.Counted() {
		return float64(v.Register.Steps) * float64(v.Register.Size.Num) / float64(v.Register.Size.Den)
	}
	return v.Number
}

func TestRTUOverTCP(t *testing.T) {
	h := holdings{}
	for _, m := range siteMeters {
		m.hold(h)
	}
	s := servePymodbus(t, h, "rtu")
	g := dial(t, GatewayConfig{Address: s.address(), Transport: "rtu_over_tcp"})
	for _, m := range siteMeters {
		profile, err := Profile(m.profile)
		if err != nil {
			t.Fatal(err)
		}
		got, err := g.Reader(m.unit, profile).Read(t.Context())
		if d := cmp.Diff(m.want, got, cmpopts.EquateEmpty()); d != "" || err != nil {
			t.Errorf("%s: %v %s", m.profile, err, d)
		}
	}
}

// certificate makes one for loopback, signed by itself.
func certificate(t *testing.T, folder, name string) (cert, key string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &k.PublicKey, k)
	if err != nil {
		t.Fatal(err)
	}
	b, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(folder, name+".crt"), filepath.Join(folder, name+".key")
	for path, p := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: b}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(p), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

func TestTLS(t *testing.T) {
	folder := t.TempDir()
	serverCert, serverKey := certificate(t, folder, "server")
	cert, key := certificate(t, folder, "client")
	pair, err := tls.LoadX509KeyPair(serverCert, serverKey)
	if err != nil {
		t.Fatal(err)
	}
	clients, err := modbus.LoadCertPool(cert)
	if err != nil {
		t.Fatal(err)
	}
	h := holdings{}
	siteMeters[0].hold(h)
	s := serve(t, h, modbus.ServerConfiguration{TLSServerCert: &pair, TLSClientCAs: clients})
	profile, err := Profile(siteMeters[0].profile)
	if err != nil {
		t.Fatal(err)
	}
	at := s.address()
	got, err := dial(t, GatewayConfig{Address: at, Transport: "tls", Cert: cert, Key: key, CA: serverCert}).Reader(1, profile).Read(t.Context())
	if d := cmp.Diff(siteMeters[0].want, got, cmpopts.EquateEmpty()); d != "" || err != nil {
		t.Errorf("%v %s", err, d)
	}
	if got, err := dial(t, GatewayConfig{Address: at, Transport: "tls", Cert: cert, Key: key, CA: cert}).Reader(1, profile).Read(t.Context()); err == nil || !contains(err.Error(), "connect: tls: failed to verify certificate") {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := newGateway(GatewayConfig{Address: at, Transport: "tls", Cert: cert, Key: key}); err == nil || !contains(err.Error(), "the certificates by which we know it") {
		t.Error(err)
	}
	if _, err := newGateway(GatewayConfig{Address: at, Transport: "tls", CA: cert}); err == nil || !contains(err.Error(), "the certificate by which it knows us") {
		t.Error(err)
	}
}

func TestGatewaysOfASite(t *testing.T) {
	var s Gateways
	a, err := s.Open(GatewayConfig{Address: "10.0.0.7:502"})
	if err != nil {
		t.Fatal(err)
	}
	if b, err := s.Open(GatewayConfig{Address: "10.0.0.7:502", Transport: "tcp", Timeout: 3 * time.Second}); err != nil || a != b || a.Line() != "modbus 10.0.0.7:502" {
		t.Errorf("another gateway at the same address: %v", err)
	}
	if _, err := s.Open(GatewayConfig{Address: "10.0.0.7:502", Timeout: time.Second}); err == nil || !contains(err.Error(), "the same for all meters behind it") {
		t.Error(err)
	}
	if _, err := s.Open(GatewayConfig{Address: "[fe80::1]:503"}); err != nil || len(s.Feeds()) != 2 {
		t.Errorf("%d gateways, %v", len(s.Feeds()), err)
	}
	for _, c := range []GatewayConfig{{}, {Address: "10.0.0.8"}, {Address: ":502"}, {Address: "h:"}, {Address: "h:502", Transport: "udp"}, {Address: "h:802", Transport: "tls"}} {
		if _, err := s.Open(c); err == nil {
			t.Errorf("%+v is a gateway", c)
		}
	}
	if _, err := s.Open(GatewayConfig{Address: "h:502", CA: "ca.pem"}); err == nil || !contains(err.Error(), "certificates are for tls") {
		t.Error(err)
	}
}

// What is over is not opened again.
func TestAGatewayEnds(t *testing.T) {
	h := holdings{}
	siteMeters[0].hold(h)
	s := serve(t, h, modbus.ServerConfiguration{})
	g, err := newGateway(GatewayConfig{Address: s.address()})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := g.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := g.read(t.Context(), 1, 3, 3059, 2); err == nil {
		t.Error("it is read after its end")
	}
}
