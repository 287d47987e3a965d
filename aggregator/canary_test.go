package main

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/rights"
)

// Settings hold no secret: what is called as one is the path of a file.
func TestSettingsNameFilesOfSecrets(t *testing.T) {
	called := regexp.MustCompile(`(?i)(password|secret|token|credential|seed|key$)`)
	tags := 0
	var walk func(reflect.Type)
	walk = func(r reflect.Type) {
		switch r.Kind() {
		case reflect.Pointer, reflect.Slice:
			walk(r.Elem())
		case reflect.Struct:
			for i := range r.NumField() {
				f := r.Field(i)
				walk(f.Type)
				tag := f.Tag.Get("yaml")
				if !called.MatchString(tag) && !called.MatchString(f.Name) {
					continue
				}
				tags++
				if f.Type.Kind() != reflect.String || !strings.HasSuffix(tag, "_file") && tag != "credentials" && tag != "key" {
					t.Errorf("%s: %s may hold a secret: name the file it stands in", r, tag)
				}
			}
		}
	}
	walk(reflect.TypeFor[rawConfig]())
	if tags < 7 {
		t.Errorf("%d settings are called as secrets are", tags)
	}
}

// saysBack answers whatever is asked with what was sent, as careless receivers do.
type saysBack struct {
	mu    sync.Mutex
	heard strings.Builder
}

func (e *saysBack) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	said := fmt.Sprintf("%s %s %v", r.Method, r.URL, r.Header)
	e.mu.Lock()
	fmt.Fprintln(&e.heard, said)
	e.mu.Unlock()
	http.Error(w, "no: you said "+said, http.StatusBadRequest)
}

func (e *saysBack) text() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.heard.String()
}

// Every secret that an aggregator can be given is found anywhere it is said. It is shown
// to those it is for, who say it back, and by callers in every wrong place, and stands
// in no line of the log, no metric, no answer, no error and no dump.
func TestNoSecretOfAnAggregatorIsSaid(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	canaries := map[string]string{}
	hide := func(name string) string {
		canaries[name] = "canary-of-" + strings.ReplaceAll(name, ".", "-") + "-7f3a91d2"
		return writeFile(t, filepath.Join(dir, name), canaries[name]+"\n")
	}
	inside := func(name, file, line string) { // of a file that a program made
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		m := regexp.MustCompile(line).FindSubmatch(b)
		if m == nil {
			t.Fatalf("%s has no %s", file, line)
		}
		canaries[name] = string(m[1])
	}
	said := &saysBack{}
	receiver := httptest.NewServer(said)
	t.Cleanup(receiver.Close)
	ca := newIssuer(t)
	cert, key := ca.sign("page", of(time.Hour))
	inside("key", key, `-----\n(\S{40,})\n`)
	authority := filepath.Join(dir, "authority")
	command(t, "init", "-dir", authority, "-sites", "s1")
	creds := filepath.Join(authority, "creds/aggregator/aggregator.creds")
	inside("creds", creds, `(SU[A-Z2-7]{56})`)
	theirs, word := rights.NewToken()
	canaries["principal"] = theirs
	principals := writeFile(t, filepath.Join(dir, "principals.yaml"), "principals:\n  - "+strings.TrimLeft(rights.Line("ada", rights.Admin, []string{"*"}, nil, false, word), "- \n")+"\n")
	config := fmt.Sprintf(`data: %[1]s/data
listen: 127.0.0.1:0
token_file: %[2]s
principals: %[3]s
tls: {cert: %[4]s, key: %[5]s}
sites: [{name: s1}]
bus:
  embedded: {listen: %[6]q, users: %[7]s/users.conf, tls: {cert: %[4]s, key: %[5]s}}
  credentials: %[8]s
  telemetry_bytes: 64MiB
  ledger_bytes: 64MiB
store:
  remote_write:
    - {url: "%[9]s/write?extra_label=site=%[13]s&key=%[13]s%%2B", token_file: %[10]s}
alerts:
  canary: true
  alertmanagers:
    - {url: "%[9]s/am", token_file: %[11]s}
  direct: {url: "%[9]s/hook", token_file: %[12]s}
`, dir, hide("token"), principals, cert, key, freePort(t), authority, creds, receiver.URL, hide("remote.token"), hide("am.token"), hide("hook.token"), "canary-of-a-query-7f3a91d2")
	canaries["query"] = "canary-of-a-query-7f3a91d2"
	file := writeFile(t, filepath.Join(dir, "aggregator.yaml"), config)

	client := ca.client()
	client.Transport = &showing{client.Transport, canaries["token"]}
	p := startFor(t, client, "serve", "-config", file, "-log", "debug")
	p.await(60*time.Second, "samples are sent on", func() bool { return strings.Contains(said.text(), "/write") })
	var out strings.Builder
	plain := ca.client()
	for _, path := range []string{"/", "/healthz", "/readyz", "/metrics", "/api/v1/status", "/api/v1/alerts", "/api/v1/sites", "/api/v1/query?query=up", "/api/v1/energy?site=s1", "/api/v1/metadata", "/none", "/debug/pprof/heap"} {
		for _, shown := range []string{"Bearer " + canaries["token"], "Bearer " + theirs, "Bearer x" + canaries["token"], "Basic " + based("ada", theirs+"x"), theirs} {
			for _, method := range []string{http.MethodGet, http.MethodPost} {
				r, err := http.NewRequestWithContext(t.Context(), method, p.url+path, nil)
				if err != nil {
					t.Fatal(err)
				}
				r.Header.Set("Authorization", shown)
				answer(t, &out, plain, r)
			}
		}
	}
	alerting, _ := exec.Command("timeout", "20", "aggregator", "alert", "test", "-config", file).CombinedOutput()
	out.Write(alerting)
	p.cmd.Process.Signal(syscall.SIGQUIT)
	p.cmd.Wait()
	if !strings.Contains(p.output(), "goroutine ") {
		t.Errorf("it left no dump:\n%s", p.output())
	}
	out.WriteString(p.output())

	const typed = "canary-of-what-is-typed-7f3a91d2"
	canaries["typed"] = typed
	for name, bad := range map[string]string{
		"a password in the url of remote write":    strings.Replace(config, `url: "http://`, `url: "http://u:`+typed+`@`, 1),
		"a key in the url of remote write":         strings.Replace(config, "/write?", "/write?key="+typed+"&key=%zz&", 1),
		"a key behind the url of remote write":     strings.Replace(config, "/write?", "/write#key="+typed+"&", 1),
		"a secret in two urls of Alertmanagers":    strings.Replace(config, "  direct:", "    - {url: \"http://u:"+typed+"@127.0.0.1\"}\n    - {url: \"http://u:"+typed+"@127.0.0.1\"}\n  direct:", 1),
		"a password in the url of an Alertmanager": strings.Replace(config, receiver.URL+"/am", "http://u:"+typed+"@127.0.0.1", 1),
		"a key in the url of an Alertmanager":      strings.Replace(config, "/am", "/am?key="+typed, 1),
		"a password in a url that is none":         strings.Replace(config, receiver.URL+"/hook", "http://u:"+typed+"@[::1", 1),
		"a password in the address of the bus":     regexp.MustCompile(`(?s)  embedded:.*?\n`).ReplaceAllString(config, `  urls: ["nats://u:`+typed+"@127.0.0.1:4222\"]\n"),
		"a token for its file":                     strings.Replace(config, "token_file: "+filepath.Join(dir, "am.token"), "token: "+typed, 1),
		"a token that is too short":                strings.Replace(config, filepath.Join(dir, "token"), writeFile(t, filepath.Join(dir, "short"), "canary-7f3a91d"), 1),
		"a key that is none":                       strings.ReplaceAll(config, key, hide("bad.key")),
		"credentials that are none":                strings.Replace(config, creds, hide("bad.creds"), 1),
		"a token in the list of principals": strings.Replace(config, principals,
			writeFile(t, filepath.Join(dir, "bad.yaml"), "principals:\n  - {name: ada, role: admin, sites: [\"*\"], token: "+typed+"}\n"), 1),
	} {
		f := writeFile(t, filepath.Join(dir, "wrong.yaml"), strings.Replace(bad, "/data\n", "/data-2\n", 1))
		for _, args := range [][]string{{"serve", "-config", f, "-check"}, {"serve", "-config", f, "-log", "debug"}, {"alert", "test", "-config", f}} {
			said, _ := exec.Command("timeout", append([]string{"3", "aggregator"}, args...)...).CombinedOutput()
			fmt.Fprintf(&out, "-- %s: %s --\n%s", name, args[0], said)
		}
	}
	canaries["short"] = "canary-7f3a91d"

	for _, name := range []string{"remote.token", "am.token", "hook.token", "query"} {
		if !strings.Contains(said.text(), canaries[name]) {
			t.Errorf("%s was shown to nobody: it was not tried", name)
		}
	}
	for name, secret := range canaries {
		for _, form := range []string{secret, url.QueryEscape(secret), base64.StdEncoding.EncodeToString([]byte(secret)), based("ada", secret), based("u", secret), fmt.Sprintf("%x", secret)} {
			for line := range strings.Lines(out.String()) {
				if strings.Contains(line, form) {
					t.Errorf("%s is in %s", name, line)
				}
			}
		}
	}
	t.Logf("%d secrets, %d bytes of log, metrics, answers and errors", len(canaries), out.Len())
}

// showing shows a token with every request.
type showing struct {
	http.RoundTripper
	token string
}

func (s *showing) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+s.token)
	return s.RoundTripper.RoundTrip(r)
}

// answer keeps what is answered, head and body.
func answer(t *testing.T, out io.Writer, client *http.Client, r *http.Request) {
	t.Helper()
	a, err := client.Do(r)
	if err != nil {
		t.Error(err)
		return
	}
	defer a.Body.Close()
	fmt.Fprintln(out, a.Status, a.Header)
	if _, err := io.Copy(out, a.Body); err != nil {
		t.Error(err)
	}
}

// based is what a client shows of a user and a password.
func based(user, password string) string {
	return base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
}
