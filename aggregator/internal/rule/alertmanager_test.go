package rule_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/rule"
	table "github.com/gigawatch/gigawatch/alerts/rule"
	"github.com/gigawatch/gigawatch/collector/loopback"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// routes are those of the test: what is of GPUs goes to a receiver that fails at
// first.
const routes = `
route:
  receiver: pager
  group_by: [site, alertname]
  group_wait: 5s
  group_interval: 5s
  repeat_interval: 1h
  routes:
    - matchers: ['alertname=~"GPU.*"']
      receiver: flaky
      group_by: [site, alertname]
receivers:
  - name: pager
    webhook_configs: [{url: "%[1]s/%[2]s"}]
  - name: flaky
    webhook_configs: [{url: "%[1]s/flaky-%[2]s"}]
`

// alertmanager starts Debian's Alertmanager, which tells the receivers at hooks under
// its name.
func alertmanager(t *testing.T, hooks, name string) (address string) {
	t.Helper()
	address, _ = startAlertmanager(t, fmt.Sprintf(routes, hooks, name), name, "--cluster.listen-address=")
	return address
}

// cluster starts n Alertmanagers that know each other, and how each is killed.
func cluster(t *testing.T, config string, n int) (addresses []string, kill []func()) {
	t.Helper()
	first := loopback.Free(t)
	for i := range n {
		gossip := first
		args := []string{"--cluster.peer-timeout=2s", "--cluster.settle-timeout=2s", "--cluster.gossip-interval=50ms", "--cluster.pushpull-interval=2s"}
		if i > 0 {
			gossip = loopback.Free(t)
			args = append(args, "--cluster.peer="+first)
		}
		address, end := startAlertmanager(t, config, fmt.Sprint("am", i+1), append(args, "--cluster.listen-address="+gossip)...)
		addresses, kill = append(addresses, address), append(kill, end)
	}
	return addresses, kill
}

func startAlertmanager(t *testing.T, text, name string, args ...string) (address string, kill func()) {
	t.Helper()
	program, err := exec.LookPath("prometheus-alertmanager")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("the package prometheus-alertmanager is not installed")
		}
		t.Skip("the package prometheus-alertmanager is not installed; make packages installs it")
	}
	dir := t.TempDir()
	config := filepath.Join(dir, "alertmanager.yml")
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	address = loopback.Free(t)
	var log bytes.Buffer
	c := exec.Command(program, append([]string{"--config.file=" + config, "--storage.path=" + dir, "--web.listen-address=" + address, "--log.level=warn"}, args...)...)
	c.Stdout, c.Stderr = &log, &log
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	kill = sync.OnceFunc(func() {
		c.Process.Kill()
		c.Wait()
	})
	t.Cleanup(func() {
		kill()
		if t.Failed() {
			t.Log(name, log.String())
		}
	})
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if r, err := http.Get("http://" + address + "/-/ready"); err == nil {
			r.Body.Close()
			if r.StatusCode == http.StatusOK {
				return "http://" + address, kill
			}
		}
		if time.Now().After(end) {
			t.Fatalf("Alertmanager did not start:\n%s", log.String())
		}
	}
}

// behind is a proxy before an Alertmanager that makes it one whose clock is ahead.
func ahead(t *testing.T, of string, by time.Duration) string {
	t.Helper()
	u, err := url.Parse(of)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(u)
			b, _ := io.ReadAll(r.In.Body)
			var list []map[string]any
			if json.Unmarshal(b, &list) == nil {
				for _, a := range list {
					for _, name := range []string{"startsAt", "endsAt"} {
						if at, err := time.Parse(time.RFC3339Nano, fmt.Sprint(a[name])); err == nil {
							a[name] = at.Add(-by).Format(time.RFC3339Nano)
						}
					}
				}
				b, _ = json.Marshal(list)
			}
			r.Out.Body, r.Out.ContentLength = io.NopCloser(bytes.NewReader(b)), int64(len(b))
		},
		ModifyResponse: func(r *http.Response) error {
			r.Header.Set("Date", time.Now().Add(by).UTC().Format(http.TimeFormat))
			return nil
		},
	}
	s := httptest.NewServer(proxy)
	t.Cleanup(s.Close)
	return s.URL
}

// pages is what receivers were told, by receiver: when, and of what.
type pages struct {
	mu    sync.Mutex
	began time.Time
	fails time.Time // until when the flaky ones do
	told  map[string][]string
	tried map[string]int
}

func (p *pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var m struct {
		Status string
		Alerts []struct {
			Status string
			Labels map[string]string
		}
	}
	err := json.NewDecoder(r.Body).Decode(&m)
	p.mu.Lock()
	defer p.mu.Unlock()
	name := strings.TrimPrefix(r.URL.Path, "/")
	p.tried[name]++
	if err != nil || strings.HasPrefix(name, "flaky") && time.Now().Before(p.fails) {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	for _, a := range m.Alerts {
		p.told[name] = append(p.told[name], fmt.Sprintf("%ds %s %s %s %s", int(time.Since(p.began).Seconds()), a.Status, a.Labels["alertname"], a.Labels["rack"], a.Labels["host"]))
	}
}

func (p *pages) of(name string) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.told[name]...)
}

// TestWithAlertmanager lets a host, a rack and a GPU break at once, in real time and
// with real Alertmanagers, of which one has a clock that is ten minutes ahead, and the
// aggregator is killed in the middle of it.
func TestWithAlertmanager(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes 45 s")
	}
	t.Parallel()
	p := &pages{told: map[string][]string{}, tried: map[string]int{}}
	hooks := httptest.NewServer(p)
	t.Cleanup(hooks.Close)
	right, wrong := alertmanager(t, hooks.URL, "right"), ahead(t, alertmanager(t, hooks.URL, "wrong"), 10*time.Minute)
	d, err := rule.NewDelivery(rule.DeliveryConfig{Alertmanagers: []rule.Endpoint{{URL: right}, {URL: wrong}}})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- d.Run(t.Context()) }()

	s := &stage{t: t, files: t.TempDir(), machines: append(racks(2, 2, 72, 0), newMachine("h1", "h1r09", "h1r09n01", 8, ""))}
	s.config.Rules = table.Table()
	s.inbox = inbox{began: time.Now(), now: map[string]rule.Message{}}
	s.sink = d.Send
	s.start()
	s.runs(3 * time.Second)
	s.Backdate(time.Minute)
	s.runs(2 * time.Second)

	p.mu.Lock()
	p.began, p.fails = time.Now(), time.Now().Add(20*time.Second)
	p.mu.Unlock()
	s.in("h2r01n07")[0].up = false
	for _, m := range s.in("h1r02") {
		m.up = false
	}
	s.in("h1r09n01")[0].set(metric.GPURowRemapFailed, 0, 3, 1)
	s.runs(20 * time.Second)
	s.start() // it was killed, and is there again at once
	s.runs(2 * time.Second)
	s.Backdate(time.Minute)
	s.runs(16 * time.Second)

	for _, name := range []string{"right", "wrong"} {
		told := p.of(name)
		t.Logf("%s: %q; flaky: %q, tried %d times", name, told, p.of("flaky-"+name), p.tried["flaky-"+name])
		found := map[string]int{}
		for _, line := range told {
			at, what, _ := strings.Cut(line, "s ")
			found[what]++
			var seconds int
			fmt.Sscan(at, &seconds)
			if limit := map[string]int{"firing HostSilent h2r01 h2r01n07": 20, "firing RackDown h1r02 ": 30}[what]; seconds > limit {
				t.Errorf("%s: told of %q after %d s", name, what, seconds)
			}
		}
		if len(told) != 2 || found["firing HostSilent h2r01 h2r01n07"] != 1 || found["firing RackDown h1r02 "] != 1 {
			t.Errorf("%s: told %q", name, told)
		}
		if flaky := p.of("flaky-" + name); len(flaky) != 1 || !strings.Contains(flaky[0], "firing GPUMemoryUnrepairable h1r09 h1r09n01") || p.tried["flaky-"+name] < 2 {
			t.Errorf("%s: the receiver that failed for a while was told %q", name, flaky)
		}
	}
}
