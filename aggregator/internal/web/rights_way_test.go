package web_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/gigawatch/gigawatch/aggregator/internal/rights"
	"github.com/gigawatch/gigawatch/aggregator/internal/web"
	"github.com/gigawatch/gigawatch/aggregator/query"
)

// bearer is a request of the answer to a path.
func bearer(t *testing.T, c *http.Client, url, token string) response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response{resp.StatusCode, resp.Header, string(b)}
}

// Whoever is struck from the list is out at once, and so is what runs for them.
func TestAStreamEndsWithTheRightToIt(t *testing.T) {
	t.Parallel()
	annas, anna := rights.NewToken()
	bobs, bob := rights.NewToken()
	entry := func(name, word string) string {
		return rights.Line(name, rights.Viewer, []string{ours}, nil, false, word) + "\n"
	}
	c, file := worldConfig(t, "principals:\n"+entry("anna", anna)+entry("bob", bob))
	n := worldLive()
	c.Live = n
	n.beat(t)
	ctx, stop := context.WithCancel(context.Background())
	kept := make(chan error, 1)
	go func() { kept <- c.Rights.Run(ctx) }()
	t.Cleanup(func() { stop(); <-kept })
	_, base := serve(t, c)

	events := map[string]chan *query.LiveEvent{"anna": make(chan *query.LiveEvent, 1000), "bob": make(chan *query.LiveEvent, 1000)}
	ended := map[string]chan error{"anna": make(chan error, 1), "bob": make(chan error, 1)}
	for name, token := range map[string]string{"anna": annas, "bob": bobs} {
		client := &query.Client{URL: base, Token: query.NewSecret(token)}
		go func() {
			ended[name] <- client.Live(t.Context(), query.LiveQuestion{By: "rack"}, func(e *query.LiveEvent) error { events[name] <- e; return nil })
		}()
	}
	for name, ch := range events {
		if e := wait(t, ch, "an event for "+name); len(e.Rows) != 1 || e.Rows[0].Site != ours {
			t.Errorf("%s is told %+v", name, e.Rows)
		}
	}
	if err := os.WriteFile(file, []byte("principals:\n"+entry("bob", bob)), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := wait(t, ended["anna"], "anna's stream ends"); !errors.Is(err, io.EOF) {
		t.Errorf("anna's stream ended with %v", err)
	}
	if r := bearer(t, http.DefaultClient, base+"/api/v1/counts", annas); r.code != 401 {
		t.Errorf("anna is answered %d", r.code)
	}
	for range len(events["bob"]) + 2 { // some of after that
		wait(t, events["bob"], "an event for bob")
	}
	select {
	case err := <-ended["bob"]:
		t.Errorf("bob's stream ended with %v", err)
	default:
	}
}

// What somebody asked is not answered when they are struck meanwhile.
func TestAQueryEndsWithTheRightToIt(t *testing.T) {
	token, word := rights.NewToken()
	c, file := worldConfig(t, "principals:\n"+rights.Line("anna", rights.Viewer, []string{ours}, nil, false, word)+"\n")
	s := newStuck(c.Queryable)
	c.Queryable = s
	_, base := serve(t, c)
	answered := make(chan response, 1)
	go func() { answered <- bearer(t, http.DefaultClient, base+"/api/v1/query?query=gpu_power_watts", token) }()
	wait(t, s.began, "the query begins")
	if err := os.WriteFile(file, []byte("principals: []\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c.Rights.Reload()
	if err := wait(t, s.ended, "the query ends"); !errors.Is(err, context.Canceled) {
		t.Errorf("the query ended with %v", err)
	}
	if r := wait(t, answered, "an answer"); r.code == 200 || strings.Contains(r.body, ours) {
		t.Errorf("the answer is %d: %s", r.code, r.body)
	}
}

// authority signs certificates of clients.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  []byte
}

func newAuthority(t *testing.T, name string) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{t, cert, key, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})}
}

// sign is a certificate of cn, good until some time from now.
func (a *authority) sign(cn string, usage x509.ExtKeyUsage, until time.Duration) *tls.Certificate {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: cn, Organization: []string{"Example"}}, NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: time.Now().Add(until),
		ExtKeyUsage: []x509.ExtKeyUsage{usage},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func TestClientsShowCertificates(t *testing.T) {
	token, word := rights.NewToken()
	c, list := worldConfig(t, "contact: "+contact+"\nprincipals:\n  - {name: anna, role: viewer, sites: [alfa], certificate: \"CN=anna,O=Example\"}\n"+
		rights.Line("bob", rights.Viewer, []string{ally}, nil, false, word)+"\n")
	dir := t.TempDir()
	certFile, keyFile := certificate(t, dir, 1)
	ca, other := newAuthority(t, "clients"), newAuthority(t, "clients")
	caFile := filepath.Join(dir, "clients.pem")
	trust := func(b []byte, age time.Duration) {
		if err := os.WriteFile(caFile, b, 0o600); err != nil {
			t.Fatal(err)
		}
		at := time.Now().Add(-age) // clocks of file systems are coarse
		if err := os.Chtimes(caFile, at, at); err != nil {
			t.Fatal(err)
		}
	}
	trust(ca.pem, time.Hour)
	var err error
	if c.TLS, err = web.LoadTLS(certFile, keyFile, caFile); err != nil {
		t.Fatal(err)
	}
	addr, _, _ := start(t, c)
	roots := x509.NewCertPool()
	if b, err := os.ReadFile(certFile); err != nil || !roots.AppendCertsFromPEM(b) {
		t.Fatal("no roots", err)
	}
	client := func(of *tls.Certificate) *http.Client {
		conf := &tls.Config{RootCAs: roots}
		if of != nil {
			conf.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return of, nil } // whoever the server trusts
		}
		h := &http.Client{Transport: &http.Transport{TLSClientConfig: conf, ForceAttemptHTTP2: true}, Timeout: 10 * time.Second}
		t.Cleanup(h.CloseIdleConnections)
		return h
	}
	ask := func(of *tls.Certificate, token string) (code int, body string) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+addr+"/api/v1/inventory?kind=site", nil)
		if err != nil {
			t.Fatal(err)
		}
		if token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		resp, err := client(of).Do(r)
		if err != nil {
			return 0, err.Error()
		}
		defer resp.Body.Close()
		b, _ := io.ReadAll(resp.Body) // as far as it goes
		if resp.ProtoMajor != 2 {
			t.Errorf("protocol is %s", resp.Proto)
		}
		return resp.StatusCode, string(b)
	}
	use := x509.ExtKeyUsageClientAuth
	anna := ca.sign("anna", use, time.Hour)
	for name, tt := range map[string]struct {
		cert  *tls.Certificate
		token string
		code  int // 0: no connection
		want  string
	}{
		"hers":                       {anna, "", 200, ours},
		"none":                       {nil, "", 401, "a bearer token is needed"},
		"a token":                    {nil, token, 200, ally},
		"a token goes before":        {anna, token, 200, ally},
		"a wrong token goes before":  {anna, "gw_wrong", 401, ""},
		"somebody's":                 {ca.sign("eve", use, time.Hour), "", 401, ""},
		"of another authority":       {other.sign("anna", use, time.Hour), "", 0, ""},
		"over":                       {ca.sign("anna", use, -time.Hour), "", 0, ""},
		"of a server":                {ca.sign("anna", x509.ExtKeyUsageServerAuth, time.Hour), "", 0, ""},
		"of a name that holds hers":  {ca.sign("anna,O=Example", use, time.Hour), "", 401, ""},
		"made by herself, as a CA's": {&tls.Certificate{Certificate: [][]byte{other.cert.Raw}, PrivateKey: other.key}, "", 0, ""},
	} {
		code, body := ask(tt.cert, tt.token)
		if code != tt.code || !strings.Contains(body, tt.want) || code == 200 && strings.Contains(body, theirs) {
			t.Errorf("%s: answer is %d %s, want %d with %q", name, code, body, tt.code, tt.want)
		}
	}
	// A connection stays, the right to it does not.
	stays := client(anna)
	url := "https://" + addr + "/api/v1/inventory?kind=site"
	if r := bearer(t, stays, url, ""); r.code != 200 {
		t.Errorf("before: %d %s", r.code, r.body)
	}
	if err := os.WriteFile(list, []byte("principals: []\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c.Rights.Reload()
	if r := bearer(t, stays, url, ""); r.code != 401 {
		t.Errorf("struck from the list: %d %s", r.code, r.body)
	}
	// Authorities follow their file.
	trust(other.pem, 0)
	if code, body := ask(anna, ""); code != 0 {
		t.Errorf("of an authority that is trusted no more: %d %s", code, body)
	}
	if code, _ := ask(other.sign("anna", use, time.Hour), ""); code != 401 { // trusted, and on no list
		t.Errorf("of the new authority: %d", code)
	}
	for _, bad := range []string{"nonsense", ""} {
		file := filepath.Join(dir, "bad.pem")
		if err := os.WriteFile(file, []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := web.LoadTLS(certFile, keyFile, file); err == nil {
			t.Errorf("%q are authorities", bad)
		}
	}
}

// No secret that comes to the server, or is configured, leaves it by any way.
func TestNoSecretLeaves(t *testing.T) {
	ps, list := people()
	c, _ := worldConfig(t, list)
	var logged lines
	c.Logger = slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug, AddSource: true}))
	c.Metrics = metrics.NewSet()
	const one, wrong = "canary-of-the-one-token", "canary-that-is-wrong-0000"
	c.Token = query.NewSecret(one)
	s, err := web.New(c)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for _, rt := range s.Routes() {
		for _, method := range append(rt.Methods, "TRACE", "PATCH") {
			for _, shown := range []string{"Bearer " + one, "Bearer " + ps[0].token, "Bearer " + ps[len(ps)-1].token, "Bearer " + wrong, "Basic " + basic("ada", wrong), "Basic " + basic(wrong, one), wrong} {
				r := asked(t, s, method, concrete(rt.Path), "site=zulu", shown)
				fmt.Fprintln(&out, r.header, r.body)
			}
		}
	}
	// A handler that fails, and one that panics, say no more.
	c.Page = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("torn") })
	first := c.Metrics
	c.Metrics = metrics.NewSet()
	torn, err := web.New(c)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(nil)
	server.Config = torn.HTTPServer()
	server.Start()
	defer server.Close()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+one)
	if resp, err := http.DefaultClient.Do(r); err == nil {
		resp.Body.Close()
	}
	eventually(t, "the panic is logged", func() bool { return strings.Contains(logged.String(), "torn") })
	var exposed bytes.Buffer
	first.WritePrometheus(&exposed)
	c.Metrics.WritePrometheus(&exposed)
	fmt.Fprintf(&out, "%s\n%s\n%v %+v %#v %v\n", logged.String(), exposed.String(), c, c, c, rights.From(t.Context()))
	secrets := []string{one, wrong}
	for _, p := range ps {
		secrets = append(secrets, p.token)
	}
	for _, secret := range secrets {
		for _, form := range []string{secret, basic("ada", secret), fmt.Sprintf("%x", secret)} {
			if i := strings.Index(out.String(), form); i >= 0 {
				t.Errorf("a secret shows: …%.200s", out.String()[max(0, i-100):])
			}
		}
	}
	if !strings.Contains(logged.String(), "change asked for") || !strings.Contains(exposed.String(), `reason="rights"`) {
		t.Errorf("it says too little:\n%s", logged.String())
	}
}

// What is changed bears the name of who changed it, whatever they say.
func TestChangesAreSigned(t *testing.T) {
	ps, list := people()
	c, _ := worldConfig(t, list)
	h := &worldHealth{}
	c.Health = h
	s, err := web.New(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range ps {
		if p.role == rights.Operator && p.scope.Site(ours) {
			if r := asked(t, s, "POST", "/api/v1/health/reset", "site=alfa&subject=host-alfa&by=mallory", "Bearer "+p.token); r.code != 200 {
				t.Errorf("%s: %d %s", p.name, r.code, r.body)
			}
			if last := h.reset[len(h.reset)-1]; !strings.HasSuffix(last, p.name+" for mallory") {
				t.Errorf("it is signed %q", last)
			}
		}
	}
}

// A page of another origin changes nothing by the rights that a browser has.
func TestOtherOriginsChangeNothing(t *testing.T) {
	ps, list := people()
	c, _ := worldConfig(t, list)
	c.Alerts = worldAlerts{}
	s, err := web.New(c)
	if err != nil {
		t.Fatal(err)
	}
	admin := ps[slices.IndexFunc(ps, func(p person) bool { return p.role == rights.Admin && !p.scope.Bounded() })]
	changing := 0
	for _, rt := range s.Routes() {
		for _, method := range rt.Methods {
			if rt.Open || rt.May(method) == everybody || method == http.MethodGet {
				continue
			}
			changing++
			r := httptest.NewRequest(method, concrete(rt.Path)+"?site=alfa", strings.NewReader(""))
			r.Header.Set("Authorization", "Bearer "+admin.token)
			r.Header.Set("Sec-Fetch-Site", "cross-site")
			w := httptest.NewRecorder()
			if s.ServeHTTP(w, r); w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), "cross-origin") {
				t.Errorf("%s %s: %d %s", method, rt.Path, w.Code, w.Body)
			}
		}
	}
	if changing < 4 {
		t.Errorf("only %d routes are changed", changing)
	}
}

// heard are the sites of which receipts came.
type heard struct {
	worldAlerts
	sites []string
}

func (h *heard) Heard(site string, _ time.Time) { h.sites = append(h.sites, site) }

func TestReceiptsAreOfOnesOwnSites(t *testing.T) {
	ps, list := people()
	c, _ := worldConfig(t, list)
	h := &heard{}
	c.Alerts = h
	s, err := web.New(c)
	if err != nil {
		t.Fatal(err)
	}
	operator := ps[slices.IndexFunc(ps, func(p person) bool { return p.role == rights.Operator && p.scope.Bounded() })]
	r := httptest.NewRequest(http.MethodPost, "/api/v1/alerts/receipt", strings.NewReader(`{"alerts":[{"status":"firing","labels":{"site":"zulu"}},{"status":"firing","labels":{"site":"alfa"}},{"status":"firing"}]}`))
	r.Header.Set("Authorization", "Bearer "+operator.token)
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	if s.ServeHTTP(w, r); w.Code != 200 || !slices.Equal(h.sites, []string{ours}) {
		t.Errorf("%d %s; heard of %v", w.Code, w.Body, h.sites)
	}
}

// cpu is what the process has used.
func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func BenchmarkGuard(b *testing.B) {
	ps, list := people()
	for name, tt := range map[string]struct {
		open bool
		who  int
	}{"nobody is asked": {true, 0}, "of every site": {false, 0}, "of one site": {false, 1}, "of a tenant": {false, 12}} {
		b.Run(name, func(b *testing.B) {
			c, _ := worldConfig(b, list)
			if tt.open {
				c.Rights = nil
			}
			s, err := web.New(c)
			if err != nil {
				b.Fatal(err)
			}
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			if !tt.open {
				r.Header.Set("Authorization", "Bearer "+ps[tt.who].token)
			}
			before := cpu(b)
			defer func() { b.ReportMetric(float64(cpu(b)-before)/float64(b.N), "cpu-ns/op") }() // on a busy machine ns/op is its waiting
			for b.Loop() {
				w := httptest.NewRecorder()
				if s.ServeHTTP(w, r); w.Code != 200 {
					b.Fatal(w.Code, w.Body)
				}
			}
		})
	}
}
