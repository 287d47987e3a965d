package web_test

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/rights"
	"github.com/gigawatch/gigawatch/aggregator/internal/web"
	"github.com/gigawatch/gigawatch/aggregator/query"
)

// concrete is a path that route answers.
func concrete(path string) string {
	if path == "/api/" {
		path = "/api/v2/query"
	}
	return strings.NewReplacer("{name}", "host", "{id}", "csv-1", "{site}", ours, "{year}", "2025", "{figure}", "pue").Replace(path)
}

func TestEveryRouteHasAPolicyALimitAndADeadline(t *testing.T) {
	c := config(t)
	c.Token = query.NewSecret(token)
	s, base := serve(t, c)
	open := []string{"/healthz", "/readyz"}
	for _, rt := range s.Routes() {
		t.Run(rt.Path, func(t *testing.T) {
			if rt.Open != slices.Contains(open, rt.Path) {
				t.Errorf("open is %v; the open routes are %v", rt.Open, open)
			}
			longest, largest := 30*time.Second, int64(64<<10)
			file := rt.Path == "/api/v1/imports" // whose body is one
			if rt.Path == "/api/v1/live" {       // a stream
				longest = time.Hour
			}
			if strings.HasPrefix(rt.Path, "/api/v1/imports") {
				longest, largest = 5*time.Minute, 64<<20
			}
			if strings.HasPrefix(rt.Path, "/api/v1/report") { // made of a year
				longest = 2 * time.Minute
			}
			if rt.Timeout <= 0 || rt.Timeout > longest {
				t.Errorf("timeout is %v", rt.Timeout)
			}
			if len(rt.Methods) == 0 {
				t.Error("no method is answered")
			}
			if rt.Body < 0 || rt.Body > largest {
				t.Errorf("body limit is %d", rt.Body)
			}
			bare := do(t, request(t, rt.Methods[0], base+concrete(rt.Path), ""))
			if rt.Open == (bare.code == http.StatusUnauthorized) {
				t.Errorf("without a token the answer is %d", bare.code)
			}
			for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"} {
				r := request(t, method, base+concrete(rt.Path), "")
				r.Header.Set("Authorization", "Bearer "+token)
				got := do(t, r)
				if refused := got.code == http.StatusMethodNotAllowed; refused == slices.Contains(rt.Methods, method) {
					t.Errorf("%s is answered %d; the methods are %v", method, got.code, rt.Methods)
				}
				if got.code != http.StatusMethodNotAllowed || method == "HEAD" { // which has no body to look at
					continue
				}
				if reason, _ := got.failure(t); reason != "method_not_allowed" || got.header.Get("Allow") == "" {
					t.Errorf("%s is refused with %q, Allow %q", method, reason, got.header.Get("Allow"))
				}
			}
			big := request(t, "POST", base+concrete(rt.Path), "query="+strings.Repeat("1", 65<<10))
			big.Header.Set("Authorization", "Bearer "+token)
			want := http.StatusMethodNotAllowed
			if slices.Contains(rt.Methods, "POST") {
				want = http.StatusRequestEntityTooLarge
				switch {
				case !rt.May("POST").Has(rights.Admin): // as which the one token counts
					want = http.StatusForbidden
				case rt.Body == 0:
					want = http.StatusBadRequest
				case file: // a form is none
					want = http.StatusUnsupportedMediaType
				}
			}
			if got := do(t, big); got.code != want {
				t.Errorf("a body of 65 kB is answered %d, want %d", got.code, want)
			}
		})
	}
}

func request(t *testing.T, method, url, body string) *http.Request {
	t.Helper()
	var b io.Reader
	if body != "" {
		b = strings.NewReader(body)
	}
	r, err := http.NewRequestWithContext(t.Context(), method, url, b)
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return r
}

func TestTokenIsAskedForOnEverySpellingOfAPath(t *testing.T) {
	c := config(t)
	c.Token = query.NewSecret(token)
	c.Page = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "the page") })
	_, base := serve(t, c)
	for _, path := range []string{
		"/api/v1/energy", "//api/v1/energy", "/api//v1/energy", "/api/v1//energy", "/api/v1/energy/", "/./api/v1/energy",
		"/healthz/../api/v1/energy", "/healthz/..%2fapi/v1/energy", "/%61pi/v1/energy", "/api/v1/%65nergy", "/api/v1/energy%2f",
		"/%2e/api/v1/energy", "/%2e%2e/api/v1/energy", "/healthz/%2e%2e/api/v1/energy", "/api/v1/energy%00", "/api/v1/energy%0a",
		"/api/v1/energy;a=b", "/api\\v1\\energy", "/api%5cv1%5cenergy", "/API/V1/ENERGY", "/api/v1/energy/healthz", "/healthz/api/v1/energy",
		"/api/v1/label/..%2f..%2fquery/values?query=1", "/api/v1/label/%2e%2e/values", "/api", "/api/", "/metrics", "/metrics/", "/", "/index.html", "/healthz/",
		"http://elsewhere/api/v1/energy", "*",
	} {
		for _, method := range []string{"GET", "POST", "HEAD", "CONNECT", "OPTIONS", "get"} {
			code, body := raw(t, base, method+" "+path+" HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
			if code < 400 && !(path == "*" && method == "OPTIONS") { // net/http's own answer, empty
				t.Errorf("%s %s is answered %d: %s", method, path, code, body)
			}
		}
	}
	good := "Bearer " + token
	for name, tt := range map[string]struct {
		headers []string
		code    int
	}{
		"none":                  {nil, 401},
		"the token":             {[]string{"Authorization: " + good}, 200},
		"scheme in lower case":  {[]string{"Authorization: bearer " + token}, 200},
		"as a password":         {[]string{"Authorization: Basic YW55Om90aGVy"}, 401},
		"as the password":       {[]string{"Authorization: Basic " + basic("anyone", token)}, 200},
		"as the user":           {[]string{"Authorization: Basic " + basic(token, "")}, 401},
		"empty":                 {[]string{"Authorization: Bearer "}, 401},
		"no scheme":             {[]string{"Authorization: " + token}, 401},
		"a prefix":              {[]string{"Authorization: Bearer " + token[:len(token)-1]}, 401},
		"and more":              {[]string{"Authorization: " + good + "x"}, 401},
		"twice":                 {[]string{"Authorization: " + good, "Authorization: " + good}, 401},
		"wrong, then right":     {[]string{"Authorization: Bearer no", "Authorization: " + good}, 401},
		"in another header":     {[]string{"X-Authorization: " + good, "Cookie: token=" + token}, 401},
		"a proxy's word for it": {[]string{"X-Forwarded-For: 127.0.0.1", "X-Original-URL: /healthz"}, 401},
	} {
		t.Run(name, func(t *testing.T) {
			code, body := raw(t, base, "GET /api/v1/energy HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"+strings.Join(append(tt.headers, "\r\n"), "\r\n"))
			if code != tt.code {
				t.Errorf("answer is %d, want %d: %s", code, tt.code, body)
			}
			if strings.Contains(body, token) {
				t.Errorf("the answer holds the token: %s", body)
			}
		})
	}
	if r := get(t, base+"/api/v1/energy?access_token="+token); r.code != 401 || len(r.header.Values("WWW-Authenticate")) != 2 {
		t.Errorf("token in the address: answer is %d, %v", r.code, r.header)
	}
}

func basic(user, password string) string {
	r := &http.Request{Header: http.Header{}}
	r.SetBasicAuth(user, password)
	return strings.TrimPrefix(r.Header.Get("Authorization"), "Basic ")
}

// raw sends text as it is.
func raw(t *testing.T, base, text string) (code int, body string) {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("%.60q: %v", text, err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil && !strings.Contains(err.Error(), "EOF") { // a HEAD has a length and no body
		t.Fatalf("%.60q: %v", text, err)
	}
	return resp.StatusCode, string(b)
}

func TestWithoutATokenOnlyTheMachinesOwnNamesAreAnswered(t *testing.T) {
	named := config(t)
	_, strict := serve(t, named)
	named.Insecure = true
	_, lax := serve(t, named)
	for host, want := range map[string]int{
		"127.0.0.1": 200, "127.0.0.1:8600": 200, "localhost": 200, "LOCALHOST:80": 200, "localhost.": 200, "[::1]:8600": 200,
		"127.1.2.3": 200, "evil.example": 421, "evil.example:8600": 421, "127.0.0.1.evil.example": 421, "localhost.evil.example": 421,
		"192.0.2.7": 421, "": 421,
	} {
		text := "GET /api/v1/energy HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n"
		if code, body := raw(t, strict, text); code != want {
			t.Errorf("host %q: answer is %d, want %d: %s", host, code, want, body)
		}
		if code, body := raw(t, lax, text); code != 200 {
			t.Errorf("host %q, insecure: answer is %d, want 200: %s", host, code, body)
		}
	}
}

func TestBodiesAreFormsOfALimitedLength(t *testing.T) {
	_, base := serve(t, config(t))
	const post, tail = "POST /api/v1/query HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n", "\r\n\r\n"
	const form = "Content-Type: application/x-www-form-urlencoded\r\n"
	for name, tt := range map[string]struct {
		text string
		code int
	}{
		"a form":                     {post + form + "Content-Length: 7" + tail + "query=1", 200},
		"a form with a charset":      {post + "Content-Type: application/x-www-form-urlencoded; charset=utf-8\r\nContent-Length: 7" + tail + "query=1", 200},
		"a chunked form":             {post + form + "Transfer-Encoding: chunked" + tail + "7\r\nquery=1\r\n0\r\n\r\n", 200},
		"one more byte than allowed": {post + form + "Content-Length: 65537" + tail + "query=" + strings.Repeat("1", 65531), 413},
		"announced but not sent":     {post + form + "Content-Length: 1000000000" + tail + strings.Repeat("a", 65<<10), 413},
		"endless chunks":             {post + form + "Transfer-Encoding: chunked" + tail + strings.Repeat("1000\r\n"+strings.Repeat("a", 4096)+"\r\n", 20), 413},
		"JSON":                       {post + "Content-Type: application/json\r\nContent-Length: 2" + tail + "{}", 415},
		"multipart":                  {post + "Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 7" + tail + "query=1", 415},
		"no type":                    {post + "Content-Length: 7" + tail + "query=1", 415},
		"a body with GET":            {"GET /api/v1/query?query=1 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + form + "Content-Length: 7" + tail + "query=2", 400},
		"both lengths":               {post + form + "Content-Length: 7\r\nTransfer-Encoding: chunked" + tail + "0\r\n\r\n", 400},
		"headers of 32 kB":           {"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: " + strings.Repeat("a", 32<<10) + tail, 431},
		"an address of 32 kB":        {"GET /healthz?" + strings.Repeat("a", 32<<10) + " HTTP/1.1\r\nHost: localhost" + tail, 431},
	} {
		t.Run(name, func(t *testing.T) {
			if code, body := raw(t, base, tt.text); code != tt.code {
				t.Errorf("answer is %d, want %d: %.300s", code, tt.code, body)
			}
		})
	}
}

func TestSlowClientsAreLetGo(t *testing.T) {
	if testing.Short() {
		t.Skip("waits out a real deadline of 5 s")
	}
	t.Parallel()
	c := config(t)
	c.Limits.BodyTime = 300 * time.Millisecond
	_, base := serve(t, c)
	for name, tt := range map[string]struct {
		text   string
		within time.Duration
	}{
		"headers that never end":                      {"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-", 7 * time.Second},
		"a body that never ends":                      {"POST /api/v1/query HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\nquery=", 3 * time.Second},
		"one that never ends and is not wanted there": {"POST /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\na", 3 * time.Second},
		"one that never ends at no path":              {"POST /nowhere HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\na", 3 * time.Second},
		"one that never ends at no canonical path":    {"POST /a//b HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3e8\r\na", 3 * time.Second},
		"one that never ends for another host":        {"POST /api/v1/imports HTTP/1.1\r\nHost: evil.example\r\nOrigin: http://evil.example\r\nContent-Type: text/csv\r\nContent-Length: 1000\r\n\r\na", 3 * time.Second},
		"a body nobody asked for":                     {"GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\na", 3 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn, err := net.Dial("tcp", strings.TrimPrefix(base, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if _, err := io.WriteString(conn, tt.text); err != nil {
				t.Fatal(err)
			}
			if err := conn.SetReadDeadline(time.Now().Add(tt.within)); err != nil {
				t.Fatal(err)
			}
			if b, err := io.ReadAll(conn); err != nil {
				t.Errorf("still connected after %v (%v); it said %q", tt.within, err, b)
			}
		})
	}
}

// A read deadline that stays behind would end long queries for no reason.
func TestBodyDeadlineDoesNotOutliveTheBody(t *testing.T) {
	c := config(t)
	c.Limits.BodyTime = 300 * time.Millisecond
	s := newStuck(c.Queryable)
	c.Queryable = s
	_, base := serve(t, c)
	time.AfterFunc(800*time.Millisecond, func() { close(s.let) })
	if got := do(t, request(t, "POST", base+"/api/v1/query", "query=gpu_power_watts&time=600")); got.code != 200 {
		t.Errorf("answer is %d: %s", got.code, got.body)
	}
}

func TestAPanicIsLoggedAndCounted(t *testing.T) {
	var logged lines
	c := config(t)
	c.Logger = slog.New(slog.NewTextHandler(&logged, nil))
	c.Page = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("the page is torn") })
	_, base := serve(t, c)
	if resp, err := http.Get(base + "/"); err == nil {
		resp.Body.Close()
		t.Errorf("the panic is answered %d", resp.StatusCode)
	}
	eventually(t, "the panic is logged", func() bool { return strings.Contains(logged.String(), "the page is torn") })
	if text := get(t, base+"/metrics").body; !strings.Contains(text, web.MetricRequests+`{route="/",code="500"} 1`) || !strings.Contains(text, web.MetricInFlight+" 1\n") {
		t.Errorf("/metrics does not count it:\n%s", text)
	}
}

// lines is a writer for many goroutines.
type lines struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
