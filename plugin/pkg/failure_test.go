package main_test

import (
	"crypto/tls"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/grafana/grafana-plugin-sdk-go/backend"

	"github.com/gigawatch/gigawatch/aggregator/query"
	"github.com/gigawatch/gigawatch/collector/loopback"
)

func TestFailuresSayWhatToDo(t *testing.T) {
	h := start(t)
	secure := newFake(t, "north")
	tlsServer := httptest.NewTLSServer(secure)
	t.Cleanup(tlsServer.Close)
	closed := newFake(t, "north")
	closed.rights = map[string][]string{"right-token-of-16": {"north"}}
	half := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		_, _ = w.Write([]byte(`{"status":"success","data":`))
		panic(http.ErrAbortHandler)
	}
	for _, c := range []struct {
		name   string
		source *source
		over   http.HandlerFunc // of /api/v1/query_range
		want   string
		status backend.Status
	}{
		{"nothing listens", &source{url: "http://" + loopback.Free(t)}, nil, "nothing answers at its address", backend.StatusBadGateway},
		{"no such name", &source{url: "http://gigawatch.invalid:8600"}, nil, `the name "gigawatch.invalid" is not known`, backend.StatusBadGateway},
		{"a token that is wrong", closed.source("wrong-token-of-16"), nil, "it does not know the token", backend.StatusUnauthorized},
		{"no token", closed.source(""), nil, "it does not know the token", backend.StatusUnauthorized},
		{"a certificate nobody knows", &source{url: tlsServer.URL}, nil, "give the CA certificate in the settings", backend.StatusBadGateway},
		{"TLS to a plain server", &source{url: strings.Replace(secure.URL, "http:", "https:", 1)}, nil, "it speaks plain HTTP", backend.StatusBadGateway},
		{"no aggregator", nil, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>sign in</html>")) }, "what answers is no aggregator", backend.StatusBadGateway},
		{"an answer cut off", nil, half, "the answer was cut off", backend.StatusBadGateway},
		{"an answer too long", nil, func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(`{"status":"success","data":"` + strings.Repeat("x", 1<<17) + `"}`))
		}, "the answer is longer than this data source takes", backend.StatusBadGateway},
		{"slow", nil, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "no answer in time", backend.StatusTimeout},
		{"too many samples", nil, func(w http.ResponseWriter, _ *http.Request) {
			refuse(w, 422, query.Execution, "query processing would load too many samples into memory in query execution")
		}, "ask for fewer series, a shorter time or a longer step", 422},
		{"busy", nil, func(w http.ResponseWriter, _ *http.Request) { refuse(w, 503, query.Unavailable, "busy: queue is full") }, "it is busy or starting", 503},
		{"older than this plugin", nil, func(w http.ResponseWriter, _ *http.Request) { refuse(w, 404, query.NotFound, "no such path: /x") }, "update the aggregator", 404},
		{"it sends elsewhere", nil, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://127.0.0.1:1/", http.StatusFound)
		}, "it sends elsewhere (302): write the address of the aggregator itself", backend.StatusBadGateway},
		{"where a cloud hands out credentials", &source{url: "http://169.254.169.254"}, nil, "where credentials of most clouds are handed out: nothing connects there", backend.StatusBadGateway},
		{"a proxy without an aggregator", nil, func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "<html>", http.StatusBadGateway) }, "what answers is no aggregator of Gigawatch (502)", backend.StatusBadGateway},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := c.source
			if s == nil {
				f := newFake(t, "north")
				f.answer("/api/v1/query_range", c.over)
				s = f.source("")
			}
			s.uid = c.name
			s.json = map[string]any{"timeoutSeconds": 1, "limits": map[string]any{"bytes": 1 << 16}}
			r := h.ask(t, s, nil, asked{"queryType": "power_energy"})[0]
			if r.Error == nil || !strings.Contains(r.Error.Error(), c.want) {
				t.Fatalf("error is %v; want %q in it", r.Error, c.want)
			}
			if r.ErrorSource != backend.ErrorSourceDownstream {
				t.Errorf("the fault is said to be of %q", r.ErrorSource)
			}
			if r.Status != c.status {
				t.Errorf("status %d, want %d", r.Status, c.status)
			}
			if strings.Contains(r.Error.Error(), "token-of-16") {
				t.Error("the error shows the token")
			}
		})
	}
}

func TestSettingsThatCannotBe(t *testing.T) {
	h := start(t)
	for _, c := range []struct {
		name string
		s    source
		want string
	}{
		{"no address", source{}, "no aggregator: write its URL"},
		{"no scheme", source{url: "north:8600"}, "is not an address; write one such as https://"},
		{"a password in what is none", source{url: "ftp://me:secret-of-mine@north/x?secret-of-mine"}, `"ftp://north/x" is not an address`},
		{"a password in it", source{url: "http://me:secret-of-mine@north:8600"}, "the address holds a password"},
		{"a token in the open", source{url: "http://north:8600", json: map[string]any{"token": "secret-of-mine"}}, "secrets belong in secureJsonData"},
		{"half a pair", source{url: "https://north:8600", secure: map[string]string{"tlsClientCert": "x"}}, "write both or neither"},
		{"no PEM", source{url: "https://north:8600", secure: map[string]string{"tlsCACert": "secret-of-mine"}}, "the CA certificate is not PEM"},
		{"certificates for plain HTTP", source{url: "http://north:8600", secure: map[string]string{"tlsCACert": "x"}}, "write https"},
		{"a limit out of bounds", source{url: "http://north:8600", json: map[string]any{"limits": map[string]any{"series": 1 << 30}}}, "limit of series is 1073741824; write a number from 1 to"},
		{"a token over two lines", source{url: "http://north:8600", secure: map[string]string{"token": "secret-of\nmine"}}, "copy it again"},
		{"twice one name", source{json: map[string]any{"aggregators": []any{map[string]string{"url": "http://a:1"}, map[string]string{"url": "http://a:1/"}}}}, "two aggregators are named"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.s.uid = c.name
			for i, r := range h.ask(t, &c.s, nil, asked{"queryType": "counts"}, asked{"queryType": "kpi"}) {
				if r.Error == nil || !strings.Contains(r.Error.Error(), c.want) || r.ErrorSource != backend.ErrorSourceDownstream {
					t.Errorf("error %d is %v of %s; want %q in it", i, r.Error, r.ErrorSource, c.want)
				}
			}
			status, text, _ := h.health(t, &c.s)
			if status != backend.HealthStatusError || !strings.Contains(text, c.want) {
				t.Errorf("Save & test says %v %q; want %q in it", status, text, c.want)
			}
			if strings.Contains(text, "secret-of-mine") {
				t.Error("it shows a secret")
			}
		})
	}
}

func TestTLSWithClientCertificate(t *testing.T) {
	f := newFake(t, "north")
	server := httptest.NewUnstartedServer(f)
	server.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert, MinVersion: tls.VersionTLS12}
	server.StartTLS()
	t.Cleanup(server.Close)
	ca := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
	h := start(t)
	without := &source{uid: "without", url: server.URL, secure: map[string]string{"tlsCACert": ca}}
	if r := h.ask(t, without, nil, asked{"queryType": "counts"})[0]; r.Error == nil || !strings.Contains(r.Error.Error(), "give certificate and key") {
		t.Errorf("without a certificate the error is %v", r.Error)
	}
	cert, key := pair(t)
	with := &source{uid: "with", url: server.URL, secure: map[string]string{"tlsCACert": ca, "tlsClientCert": cert, "tlsClientKey": key}}
	if r := h.ask(t, with, nil, asked{"queryType": "counts"})[0]; r.Error != nil {
		t.Errorf("with a certificate the error is %v", r.Error)
	}
}

func TestOneSiteLessIsANotice(t *testing.T) {
	north, south := newFake(t, "north"), newFake(t, "south")
	h := start(t)
	s := &source{json: map[string]any{"timeoutSeconds": 2, "aggregators": []any{map[string]string{"name": "N", "url": north.URL}, map[string]string{"name": "S", "url": south.URL}}}}
	if got := read(t, h.one(t, s, asked{"queryType": "power_energy", "site": "*"})); len(got) != 2 {
		t.Errorf("both answer: %v", got)
	}
	south.answer("/api/v1/query_range", func(w http.ResponseWriter, _ *http.Request) { refuse(w, 503, query.Unavailable, "starting") })
	frames := h.one(t, s, asked{"queryType": "power_energy", "site": "*"})
	if said := notices(frames); len(frames) != 1 || !strings.Contains(said, "site south is not in this answer: aggregator S: it is busy or starting") {
		t.Errorf("%d frames; notices are %q", len(frames), said)
	}
	// Expressions without a site are told apart by who answered.
	if got := read(t, h.one(t, s, asked{"queryType": "promql", "mode": "instant", "expr": "x"})); len(got) != 2 {
		t.Errorf("PromQL of both: %v", got)
	}
}

func TestAPanicTakesNothingWithIt(t *testing.T) {
	// What the aggregator says is never believed: odd answers are errors, and the
	// program lives.
	h := start(t)
	for _, body := range []string{`null`, `{"lines":[{"millijoules":null}]}`, `[]`, `{"lines":null}`, `{"lines":[{"from":"0001-01-01T00:00:00Z","to":"0001-01-01T00:00:00Z","millijoules":"1"}]}`} {
		f := newFake(t, "north")
		f.answer("/api/v1/energy", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(`{"status":"success","data":` + body + `}`))
		})
		s := f.source("")
		s.uid = body
		h.ask(t, s, nil, asked{"queryType": "power_energy", "measure": "energy"})
		if r := h.ask(t, s, nil, asked{"queryType": "counts"})[0]; r.Error != nil {
			t.Errorf("after %s: %v", body, r.Error)
		}
	}
}
