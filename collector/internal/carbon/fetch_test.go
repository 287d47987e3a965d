package carbon

import (
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gigawatch/gigawatch/collector/secret"
)

// feedOf makes a source with one provider, and is a feed of it.
func feedOf(t *testing.T, c Config, name string) (*Source, *feed) {
	t.Helper()
	c.Zone, c.pace = "FR", -1
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range s.pollers {
		for _, f := range p.feeds {
			if p.name+" "+f.what == name {
				return s, f
			}
		}
	}
	t.Fatalf("no feed %q", name)
	return nil, nil
}

// everyProvider is one of each, at a URL, with the feed that asks first.
func everyProvider(t *testing.T, at string) map[string]Config {
	key := keyFile(t, theKey)
	one := func(p Provider) Config { p.URL = at; return Config{Providers: []Provider{p}} }
	return map[string]Config{
		"electricitymaps lifecycle": one(Provider{Name: "electricitymaps", Key: key}),
		"entsoe generation":         one(Provider{Name: "entsoe", Key: key, NoBalance: true}),
		"entsoe prices":             one(Provider{Name: "entsoe", Key: key, Only: "price"}),
		"entsoe load and flows":     one(Provider{Name: "entsoe", Key: key}),
		"eco2mix intensity":         one(Provider{Name: "eco2mix"}),
		"energycharts intensity":    one(Provider{Name: "energycharts"}),
		"energycharts prices":       one(Provider{Name: "energycharts", Only: "price"}),
		"weather temperature":       {Weather: Weather{URL: secret.At(at + "/v1/now?lat=50&user=" + inAddress), Value: "temp", Key: key, KeyQuery: "appid"}},
	}
}

// hostile echoes what it was asked, with its key, in whatever it answers.
func hostile(status int, header http.Header, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		for k, v := range header {
			w.Header()[k] = v
		}
		w.WriteHeader(status)
		io.WriteString(w, strings.NewReplacer("{url}", r.URL.String(), "{token}", r.Header.Get("auth-token")+r.URL.Query().Get("securityToken")+r.URL.Query().Get("appid")).Replace(body))
	}
}

func TestWhatProvidersMayAnswer(t *testing.T) {
	for name, tc := range map[string]struct {
		answer http.HandlerFunc
		fail   string // in the error
		pause  string // of the provider; "": it is no pause
	}{
		"the key is refused":                {hostile(401, nil, "Unauthorized. Missing or invalid security token {token}"), "answers 401 Unauthorized", "1m0s"},
		"no plan for this":                  {hostile(403, nil, `{"error":"{token}"}`), "answers 403 Forbidden", "1m0s"},
		"too many, for so many seconds":     {hostile(429, http.Header{"Retry-After": {"17"}}, "{url}"), "429 Too Many Requests; left alone for 17s", "17s"},
		"too many, for ever":                {hostile(429, http.Header{"Retry-After": {"4000000000"}}, ""), "left alone for 6h0m0s", "6h0m0s"},
		"too many, for nonsense":            {hostile(429, http.Header{"Retry-After": {"soon"}}, ""), "429 Too Many Requests", "ban"},
		"too many":                          {hostile(429, nil, ""), "429 Too Many Requests", "ban"},
		"not now":                           {hostile(503, http.Header{"Retry-After": {"120"}}, "{url}"), "503 Service Unavailable; left alone for 2m0s", "2m0s"},
		"not now, no word of when":          {hostile(503, nil, "{url}"), "503 Service Unavailable", ""},
		"broken":                            {hostile(500, nil, "{url} {token}"), "500 Internal Server Error", ""},
		"not found":                         {hostile(404, nil, "{url}"), "404 Not Found", ""},
		"elsewhere":                         {hostile(302, http.Header{"Location": {"https://evil.example/?t=1"}}, ""), "302 Found to https://evil.example, where nobody follows", ""},
		"elsewhere with the key":            {hostile(307, http.Header{"Location": {"https://evil.example/?" + url.QueryEscape(theKey)}}, ""), "307 Temporary Redirect to https://evil.example, where", ""},
		"nothing":                           {hostile(200, nil, ""), "answer of", ""},
		"a web page":                        {hostile(200, nil, "<html><body>{url} {token}</body></html>"), "answer of", ""},
		"a quotation of the question":       {hostile(200, nil, `{"zone":"{token}","unit":"{token}","data":[],"temp":"{token}"}`), "answer of", ""},
		"an acknowledgement that quotes it": {hostile(200, nil, fmt.Sprintf(acknowledgement, "999", "bad token {token}")), "answer of", ""},
		"cut off": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			io.WriteString(w, "{")
		}, "hear 127.0.0.1", ""},
		"hung up": {func(w http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) }, "ask 127.0.0.1", ""},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(tc.answer)
			defer server.Close()
			for which, c := range everyProvider(t, server.URL) {
				var log logged
				c.Logger = log.logger()
				s, f := feedOf(t, c, which)
				list, err := f.fetch(t.Context(), time.Now())
				if err == nil || !strings.Contains(err.Error(), tc.fail) {
					t.Errorf("%s: %v, want %q", which, err, tc.fail)
					continue
				}
				want := tc.pause
				switch {
				case want == "ban" && strings.HasPrefix(which, "entsoe"):
					want = "10m0s"
				case want == "ban":
					want = ""
				case (strings.HasPrefix(which, "eco2mix") || strings.HasPrefix(which, "energycharts")) && want == "1m0s":
					want = "15m0s" // there is no key to put right
				}
				got := ""
				if p, ok := asPause(err); ok {
					got = p.wait.String()
				}
				if got != want {
					t.Errorf("%s: pauses %q, want %q", which, got, want)
				}
				s.take(s.pollers[0], f, list, err)
				for where, text := range map[string]string{"error": err.Error(), "log": log.String(), "description": s.Describe()} {
					checkSecret(t, which+" "+where, text)
				}
			}
		})
	}
}

func asPause(err error) (pause, bool) {
	for err != nil {
		if p, ok := err.(pause); ok {
			return p, true
		}
		u, ok := err.(interface{ Unwrap() error })
		if !ok {
			return pause{}, false
		}
		err = u.Unwrap()
	}
	return pause{}, false
}

// checkSecret fails if the key, in any form, is in text.
func checkSecret(t *testing.T, where, text string) {
	t.Helper()
	for _, form := range []string{theKey, url.QueryEscape(theKey), url.PathEscape(theKey), "of=the-provider", "of%3Dthe-provider", inAddress} {
		if strings.Contains(text, form) {
			t.Errorf("%s shows the key: %s", where, text)
		}
	}
	if strings.ContainsAny(strings.TrimSpace(text), "\n") && !strings.HasSuffix(where, "log") {
		t.Errorf("%s has more than one line: %q", where, text)
	}
}

// What is in the query of an address may be a secret, too, and whoever is asked may
// say it back.
func TestTheQueryOfAnAddressIsNotSaid(t *testing.T) {
	server := httptest.NewServer(hostile(302, http.Header{"Location": {"https://" + inAddress + ".example/"}}, ""))
	defer server.Close()
	c := everyProvider(t, server.URL)["weather temperature"]
	s, f := feedOf(t, c, "weather temperature")
	list, err := f.fetch(t.Context(), time.Now())
	if err == nil || !strings.Contains(err.Error(), "302 Found to https://[redacted].example, where nobody follows") {
		t.Error(err)
	}
	s.take(s.pollers[0], f, list, err)
	checkSecret(t, "description", s.Describe())
	checkSecret(t, "settings", fmt.Sprintf("%+v %+v", c, s.weather.Weather))
}

func TestProviderThatCannotBeReached(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	for which, c := range everyProvider(t, server.URL) {
		s, f := feedOf(t, c, which)
		list, err := f.fetch(t.Context(), time.Now())
		if err == nil || !strings.Contains(err.Error(), "refused") {
			t.Errorf("%s: %v", which, err)
			continue
		}
		s.take(s.pollers[0], f, list, err)
		checkSecret(t, which+" error", err.Error())
		checkSecret(t, which+" description", s.Describe())
	}
}

func TestHugeAnswersAreCutOff(t *testing.T) {
	var sent atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		block := make([]byte, 1<<20)
		for range 1 << 10 { // a gigabyte, if anybody listens
			n, err := z.Write(block)
			if sent.Add(int64(n)); err != nil {
				return
			}
		}
	}))
	defer server.Close()
	_, f := feedOf(t, everyProvider(t, server.URL)["eco2mix intensity"], "eco2mix intensity")
	if _, err := f.fetch(t.Context(), time.Now()); err == nil || !strings.Contains(err.Error(), "more than 33554432 bytes") {
		t.Errorf("%v", err)
	}
	if n := sent.Load(); n > 900<<20 {
		t.Errorf("%d bytes were heard", n)
	}
}

func TestSlowAnswersAreGivenUp(t *testing.T) {
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "{")
		w.(http.Flusher).Flush()
		<-release
	}))
	defer server.Close()
	defer close(release)
	c := everyProvider(t, server.URL)["electricitymaps lifecycle"]
	c.Timeout = time.Second
	_, f := feedOf(t, c, "electricitymaps lifecycle")
	if _, err := f.fetch(t.Context(), time.Now()); err == nil || !strings.Contains(err.Error(), context.DeadlineExceeded.Error()) {
		t.Errorf("%v", err)
	}
}

func TestWhatIsKnownIsNotSentAgain(t *testing.T) {
	var full, same int
	bad := true
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("If-None-Match") == `"v1"` && r.Header.Get("If-Modified-Since") != "" {
			same++
			w.WriteHeader(http.StatusNotModified)
			return
		}
		full++
		w.Header().Set("ETag", `"v1"`)
		w.Header().Set("Last-Modified", "Thu, 15 Jan 2026 09:00:00 GMT")
		if bad {
			bad = false
			io.WriteString(w, "{")
			return
		}
		io.WriteString(w, `{"unix_seconds":[1768467600,1768468500],"co2eq":[300.5,301]}`)
	}))
	defer server.Close()
	_, f := feedOf(t, everyProvider(t, server.URL)["energycharts intensity"], "energycharts intensity")
	now := time.Now()
	if _, err := f.fetch(t.Context(), now); err == nil {
		t.Error("half an answer was taken")
	}
	if _, err := f.fetch(t.Context(), now); err != nil {
		t.Error(err)
	}
	if _, err := f.fetch(t.Context(), now); err != errSame {
		t.Errorf("%v", err)
	}
	if full != 2 || same != 1 {
		t.Errorf("%d answers in full, %d the same; want 2 and 1: what could not be read is not known", full, same)
	}
}

func TestKeysTravelInTheirPlace(t *testing.T) {
	seen := map[string]string{}
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		for name, got := range map[string]string{"query securityToken": r.URL.Query().Get("securityToken"), "query appid": r.URL.Query().Get("appid"), "header auth-token": r.Header.Get("auth-token")} {
			if got != "" {
				seen[r.URL.Path] += name + "=" + got
			}
		}
		if r.Header.Get("User-Agent") != userAgent || r.Header.Get("Referer") != "" {
			t.Errorf("header %v", r.Header)
		}
	}))
	defer server.Close()
	for which, c := range everyProvider(t, server.URL) {
		_, f := feedOf(t, c, which)
		f.fetch(t.Context(), time.Now())
	}
	want := map[string]string{historyPath: "header auth-token=" + theKey, "/v1/now": "query appid=" + theKey}
	for path, key := range want {
		if seen[path] != key {
			t.Errorf("%s had %q, want %q", path, seen[path], key)
		}
	}
	for path := range seen {
		if want[path] == "" && path != "/api" {
			t.Errorf("%s was sent a key", path)
		}
	}
}

func TestKeysThatCannotBeHad(t *testing.T) {
	t.Setenv("GRID_KEY_EMPTY", " ")
	folder := t.TempDir()
	write := func(name, text string) Key {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return Key{File: path}
	}
	for name, tc := range map[string]struct {
		key  Key
		fail string
	}{
		"no file":           {Key{File: filepath.Join(folder, "none")}, "no such file"},
		"an empty file":     {write("empty", "\nkey\n"), "is empty"},
		"an empty variable": {Key{Env: "GRID_KEY_EMPTY"}, "variable GRID_KEY_EMPTY is empty"},
		"no variable":       {Key{Env: "GRID_KEY_NONE"}, "variable GRID_KEY_NONE is empty"},
		"two words":         {write("words", "not a key"), "has a character that no key has"},
		"a novel":           {write("novel", strings.Repeat("x", 5000)), "more than 4096 bytes"},
	} {
		_, f := feedOf(t, Config{Providers: []Provider{{Name: "electricitymaps", URL: "http://127.0.0.1:1", Key: tc.key}}}, "electricitymaps lifecycle")
		_, err := f.fetch(t.Context(), time.Now())
		if p, ok := asPause(err); !ok || p.wait != time.Minute || !strings.Contains(err.Error(), tc.fail) {
			t.Errorf("%s: %v, want %q and a minute's pause", name, err, tc.fail)
		}
	}
	t.Setenv("GRID_KEY", theKey)
	if got, err := (Key{Env: "GRID_KEY"}).read(); got.Reveal() != theKey || err != nil {
		t.Errorf("from the environment: %q, %v", got.Reveal(), err)
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"30": 30 * time.Second, " 5 ": 5 * time.Second, "0": time.Second, "99999": 6 * time.Hour, "-3": 0, "": 0, "1.5": 0, "later": 0,
		"Thu, 15 Jan 2026 12:02:00 GMT": 2 * time.Minute, "Thu, 15 Jan 2026 11:00:00 GMT": time.Second, "Thu, 15 Jan 2099 11:00:00 GMT": 6 * time.Hour,
	} {
		if got, ok := retryAfter(text, now); got != want || ok != (want != 0) {
			t.Errorf("%q: %v, %v; want %v", text, got, ok, want)
		}
	}
}

// TestARefusedKeyIsNotTriedUntilItChanges, save once a quarter of an hour.
func TestARefusedKeyIsNotTriedUntilItChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.on(historyPath, hostile(401, nil, ""))
		key := keyFile(t, theKey)
		s := open(t, w, Config{Zone: "FR", Providers: []Provider{{Name: "electricitymaps", Key: key}}})
		run(t, s)
		sleep(10 * time.Minute)
		if n := len(w.times(historyPath)); n != 1 {
			t.Errorf("asked %d times in ten minutes with a key that is refused", n)
		}
		if d := s.Describe(); !strings.Contains(d, "the key from file") || !strings.Contains(d, "is refused") {
			t.Error(d)
		}
		if err := os.WriteFile(key.File, []byte("another"), 0o600); err != nil {
			t.Fatal(err)
		}
		sleep(2 * time.Minute)
		if n := len(w.times(historyPath)); n != 2 {
			t.Errorf("asked %d times after the key was changed, want 2", n)
		}
		sleep(18 * time.Minute)
		if n := len(w.times(historyPath)); n != 3 {
			t.Errorf("asked %d times after another quarter of an hour, want 3", n)
		}
	})
}

// Whatever a configuration names, and whoever answers for a name, no provider is where
// clouds hand out credentials.
func TestNoProviderIsWhereCredentialsAreHandedOut(t *testing.T) {
	for which, c := range everyProvider(t, "https://169.254.169.254") {
		_, f := feedOf(t, c, which)
		if _, err := f.fetch(t.Context(), time.Now()); err == nil || !strings.Contains(err.Error(), "nothing connects there") {
			t.Errorf("%s: %v", which, err)
		}
	}
}
