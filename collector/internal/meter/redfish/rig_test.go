package redfish

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
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

	"github.com/gigawatch/gigawatch/collector/internal/meter"
	"github.com/gigawatch/gigawatch/collector/loopback"
	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/site"
	"github.com/rogpeppe/go-internal/txtar"
)

const (
	user         = "gigawatch"
	password     = "hunter2"
	sessionsPath = "/redfish/v1/SessionService/Sessions"
	pdu          = "/redfish/v1/PowerEquipment/RackPDUs/1"
	pduMetrics   = pdu + "/Metrics"
	cdu          = "/redfish/v1/ThermalEquipment/CDUs/1"
)

// A device answers Redfish over TLS on the loopback as a tree says, and
// misbehaves as a test asks.
type device struct {
	t      *testing.T
	addr   string
	tls    *tls.Config // nil: http
	ca     string      // file
	secret string      // file
	server *http.Server

	mu       sync.Mutex
	tree     map[string]string // path and query → JSON
	sessions map[string]bool   // token → alive
	made     int
	basic    bool          // there are no sessions
	refuses  bool          // whatever it is asked
	delay    time.Duration // of a resource
	status   map[string]string
	spoil    func(http.ResponseWriter, string) // a resource, instead of writing it
	asked    []request
	busy     int
	most     int // requests at once
}

// A request is what was asked for and when.
type request struct {
	what string
	at   time.Time
}

// serve starts a device of a tree of testdata.
func serve(t *testing.T, name string, how ...func(*device)) *device {
	t.Helper()
	a, err := txtar.ParseFile(filepath.Join("testdata", name+".txtar"))
	if err != nil {
		t.Fatal(err)
	}
	d := &device{t: t, tree: map[string]string{}, sessions: map[string]bool{}, status: map[string]string{}}
	for _, f := range a.Files {
		if !json.Valid(f.Data) {
			t.Fatalf("%s is no JSON", f.Name)
		}
		d.tree[f.Name] = string(f.Data)
	}
	certificate, ca := selfSigned(t)
	d.tls = &tls.Config{Certificates: []tls.Certificate{certificate}}
	d.ca, d.secret = keep(t, "ca.pem", ca), keep(t, "password", password+"\n")
	for _, f := range how {
		f(d)
	}
	d.addr = loopback.Free(t)
	d.up()
	t.Cleanup(d.down)
	return d
}

func keep(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// up starts listening, where it did before if it did.
func (d *device) up() {
	d.t.Helper()
	l, err := net.Listen("tcp", d.addr)
	if err != nil {
		d.t.Fatal(err)
	}
	d.addr = l.Addr().String()
	if d.tls != nil {
		l = tls.NewListener(l, d.tls)
	}
	d.server = &http.Server{Handler: d, ErrorLog: log.New(io.Discard, "", 0)} // of clients that go away
	go d.server.Serve(l)
}

// down hangs up.
func (d *device) down() { d.server.Close() }

// set changes what the device does.
func (d *device) set(change func(*device)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	change(d)
}

// replace changes a resource.
func (d *device) replace(path, old, new string) {
	d.t.Helper()
	d.set(func(d *device) {
		if !strings.Contains(d.tree[path], old) {
			d.t.Fatalf("%s has no %s", path, old)
		}
		d.tree[path] = strings.ReplaceAll(d.tree[path], old, new)
	})
}

// shows makes a device show power and energy.
func (d *device) shows(watts float64, energy string) {
	d.set(func(d *device) {
		d.tree[pduMetrics] = fmt.Sprintf(`{"PowerWatts": {"Reading": %g}, "EnergykWh": %s}`, watts, energy)
	})
}

// count is how often something was asked for; "" is anything.
func (d *device) count(what string) (n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, a := range d.asked {
		if a.what == what || what == "" {
			n++
		}
	}
	return n
}

func (d *device) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	d.mu.Lock()
	delay := d.delay
	d.busy++
	d.most = max(d.most, d.busy)
	d.asked = append(d.asked, request{q.Method + " " + q.URL.Path, time.Now()})
	d.mu.Unlock()
	defer d.set(func(d *device) { d.busy-- })
	if delay > 0 {
		select {
		case <-time.After(delay):
		case <-q.Context().Done():
			return
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	token := q.Header.Get("X-Auth-Token")
	switch {
	case q.URL.Path == sessionsPath && q.Method == http.MethodPost:
		d.login(w, q)
		return
	case strings.HasPrefix(q.URL.Path, sessionsPath+"/") && q.Method == http.MethodDelete:
		if !d.sessions[token] {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		delete(d.sessions, strings.TrimPrefix(q.URL.Path, sessionsPath+"/"))
		w.WriteHeader(http.StatusNoContent)
		return
	}
	name, word, _ := q.BasicAuth()
	if q.URL.Path != "/redfish/v1/" && (d.refuses || !d.sessions[token] && !(name == user && word == password)) {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if s := d.status[q.URL.Path]; s != "" {
		code, after := 0, ""
		fmt.Sscan(s, &code, &after)
		if code/100 == 3 {
			w.Header().Set("Location", after)
		} else if after != "" {
			w.Header().Set("Retry-After", after)
		}
		w.WriteHeader(code)
		return
	}
	body, ok := d.tree[q.URL.RequestURI()]
	switch {
	case !ok:
		w.WriteHeader(http.StatusNotFound)
		io.WriteString(w, `{"error": {"code": "Base.1.8.ResourceMissingAtURI"}}`)
	case d.spoil != nil:
		d.spoil(w, body)
	default:
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, body)
	}
}

func (d *device) login(w http.ResponseWriter, q *http.Request) {
	var who struct{ UserName, Password string }
	err := json.NewDecoder(q.Body).Decode(&who)
	switch {
	case d.basic:
		w.WriteHeader(http.StatusMethodNotAllowed)
	case err != nil || who.UserName != user || who.Password != password:
		w.WriteHeader(http.StatusUnauthorized)
	default:
		d.made++
		token := fmt.Sprintf("token-%d", d.made)
		d.sessions[token] = true
		w.Header().Set("X-Auth-Token", token)
		w.Header().Set("Location", sessionsPath+"/"+token)
		w.WriteHeader(http.StatusCreated)
		fmt.Fprintf(w, `{"@odata.id": %q}`, sessionsPath+"/"+token)
	}
}

// meter is one of the site's file that reads a resource of d.
func (d *device) meter(resource string, change ...func(*site.Meter)) *site.Meter {
	scheme := "https"
	if d.tls == nil {
		scheme = "http"
	}
	m := &site.Meter{
		ID: "m", Role: metric.RolePDUOutput, Measures: []site.Quantity{site.MeasuresEnergy, site.MeasuresPower},
		Read: &site.Read{Redfish: &site.Redfish{URL: scheme + "://" + d.addr, Resource: resource, User: user, PasswordFile: d.secret, CA: d.ca}},
	}
	for _, f := range change {
		f(m)
	}
	return m
}

// cooling makes a meter one of cooling.
func cooling(m *site.Meter) { m.Role = metric.RoleCooling }

// measuring makes a meter measure some quantities.
func measuring(list ...site.Quantity) func(*site.Meter) {
	return func(m *site.Meter) { m.Measures = list }
}

// reader reads m for the time of the test.
func reader(t *testing.T, m *site.Meter) *Reader {
	t.Helper()
	var s Services
	r, _, err := s.Of(m)
	if err != nil {
		t.Fatal(err)
	}
	run(t, s.Feeds()...)
	return r
}

// run runs feeds for the time of the test.
func run(t *testing.T, feeds ...meter.Feed) {
	t.Helper()
	ctx, cancel := contextOf(t)
	var working sync.WaitGroup
	for _, f := range feeds {
		working.Go(func() {
			if err := f.Run(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	t.Cleanup(func() {
		cancel()
		working.Wait()
	})
}

// selfSigned is a certificate as devices make them.
func selfSigned(t *testing.T) (c tls.Certificate, ca string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}
