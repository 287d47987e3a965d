package rule_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/rule"
	table "github.com/gigawatch/gigawatch/alerts/rule"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// inTime is a stage in real time that sends to Alertmanagers, after its fleet was heard
// for a while.
func inTime(t *testing.T, machines []*machine, addresses ...string) *stage {
	t.Helper()
	c := rule.DeliveryConfig{}
	for _, a := range addresses {
		c.Alertmanagers = append(c.Alertmanagers, rule.Endpoint{URL: a})
	}
	d, err := rule.NewDelivery(c)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- d.Run(t.Context()) }()
	s := &stage{t: t, files: t.TempDir(), machines: machines}
	s.config.Rules, s.config.Faults, s.config.Failing = table.Table(), d.Faults, d.Failing
	s.inbox = inbox{began: time.Now(), now: map[string]rule.Message{}}
	s.sink = d.Send
	s.start()
	s.runs(3 * time.Second)
	s.Backdate(time.Minute)
	s.runs(2 * time.Second)
	return s
}

// receive are receivers of a test.
func receive(t *testing.T) (p *pages, address string) {
	t.Helper()
	p = &pages{began: time.Now(), told: map[string][]string{}, tried: map[string]int{}}
	hooks := httptest.NewServer(p)
	t.Cleanup(hooks.Close)
	return p, hooks.URL
}

// The bus of a gigafactory goes, with a real Alertmanager: two pages at most.
func TestABusOfAGigafactoryWithAlertmanager(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes 40 s")
	}
	t.Parallel()
	p, hooks := receive(t)
	s := inTime(t, racks(4, 50, 63, 0), alertmanager(t, hooks, "pager")) // 12,600 hosts
	p.mu.Lock()
	p.began = time.Now()
	p.mu.Unlock()
	s.deaf = true
	s.runs(35 * time.Second)
	told := p.of("pager")
	t.Logf("%d hosts: told %q", len(s.machines), told)
	if len(told) == 0 || len(told) > 2 || !strings.Contains(told[0], "firing TelemetryBlind") {
		t.Errorf("told %q", told)
	}
}

// One of three Alertmanagers dies in the middle of a storm: one page, or two.
func TestAnAlertmanagerOfAClusterDies(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes 45 s")
	}
	t.Parallel()
	p, hooks := receive(t)
	addresses, kill := cluster(t, fmt.Sprintf(routes, hooks, "pager"), 3)
	s := inTime(t, racks(2, 2, 72, 0), addresses...)
	p.mu.Lock()
	p.began = time.Now()
	p.mu.Unlock()
	for _, m := range s.in("h1r02") {
		m.up = false
	}
	s.runs(7 * time.Second) // it was sent, and is not told yet
	kill[0]()
	s.runs(25 * time.Second)
	told := p.of("pager")
	t.Logf("told %q", told)
	racks := 0
	for _, line := range told {
		if strings.Contains(line, "firing RackDown h1r02") {
			racks++
		} else if !strings.Contains(line, "firing AlertsUndelivered") { // it is dead, and that is told
			t.Errorf("told %q", line)
		}
	}
	if racks < 1 || racks > 2 {
		t.Errorf("the rack was told %d times: %q", racks, told)
	}
}

// soak skips what takes many minutes of real time, but for make soak-alerts.
func soak(t *testing.T) {
	t.Helper()
	if os.Getenv("GIGAWATCH_SOAK") == "" {
		t.Skip("it takes many minutes: make soak-alerts runs it")
	}
	t.Parallel()
}

// A receiver that answers with errors for five minutes is told once, when it does not
// any more.
func TestSoakAReceiverThatFails(t *testing.T) {
	soak(t)
	p, hooks := receive(t)
	s := inTime(t, []*machine{newMachine("h1", "h1r09", "n1", 8, ""), newMachine("h1", "h1r09", "n2", 8, "")}, alertmanager(t, hooks, "pager"))
	p.mu.Lock()
	p.began, p.fails = time.Now(), time.Now().Add(5*time.Minute)
	p.mu.Unlock()
	s.machines[0].set(metric.GPURowRemapFailed, 0, 3, 1)
	s.runs(7 * time.Minute)
	told := p.of("flaky-pager")
	t.Logf("tried %d times, told %q", p.tried["flaky-pager"], told)
	if len(told) != 1 {
		t.Errorf("told %q", told)
	}
}

// outside is a service that calls somebody when it has heard nothing for five minutes.
type outside struct {
	mu     sync.Mutex
	heard  time.Time
	called time.Time
	beats  int
}

func (o *outside) ServeHTTP(http.ResponseWriter, *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.heard = time.Now()
	o.beats++
}

func (o *outside) look() (called time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.called.IsZero() && !o.heard.IsZero() && time.Since(o.heard) > 5*time.Minute {
		o.called = time.Now()
	}
	return o.called
}

const beats = `
route:
  receiver: none
  routes:
    - matchers: ['alertname="Watchdog"']
      receiver: heartbeat
      group_by: [site]
      group_wait: 0s
      group_interval: 1m
      repeat_interval: 1m
receivers:
  - name: none
  - name: heartbeat
    webhook_configs: [{url: "%s", send_resolved: false, max_alerts: 1}]
`

// Whatever dies between a host and the heartbeat service, somebody is called.
func TestSoakTheWatchdog(t *testing.T) {
	soak(t)
	for name, stop := range map[string]func(s *stage, kill []func()){
		"hosts":             func(s *stage, _ []func()) { s.machines[0].up, s.machines[1].up = false, false },
		"the bus":           func(s *stage, _ []func()) { s.deaf = true },
		"the ledger":        func(s *stage, _ []func()) { s.late = true },
		"the aggregator":    func(s *stage, _ []func()) { s.sink = nil },
		"all Alertmanagers": func(_ *stage, kill []func()) { kill[0](); kill[1]() },
		"one Alertmanager":  func(_ *stage, kill []func()) { kill[0]() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := &outside{}
			service := httptest.NewServer(o)
			t.Cleanup(service.Close)
			addresses, kill := cluster(t, fmt.Sprintf(beats, service.URL), 2)
			s := inTime(t, racks(1, 1, 2, 0), addresses...)
			s.config.Advancing = func(string) bool { return !s.late }
			s.start()
			s.runs(3 * time.Second)
			s.Backdate(time.Minute)
			s.runs(100 * time.Second)
			if o.beats < 1 {
				t.Fatal("the service heard nothing")
			}
			stop(s, kill)
			stopped := time.Now()
			for time.Since(stopped) < 8*time.Minute && o.look().IsZero() {
				s.runs(time.Second)
			}
			after := time.Duration(0) // nobody was
			if !o.look().IsZero() {
				after = o.look().Sub(stopped)
			}
			t.Logf("%s: called after %v, 0 is never; %d beats", name, after.Round(time.Second), o.beats)
			if dead := name != "one Alertmanager"; dead && (o.look().IsZero() || after > 6*time.Minute) || !dead && !o.look().IsZero() {
				t.Errorf("called after %v", after)
			}
		})
	}
}

const songs = `
route:
  receiver: none
  routes:
    - matchers: ['alertname="Canary"']
      receiver: canary
      group_by: [site]
      group_wait: 5s
      group_interval: 10s
      repeat_interval: 4h
receivers:
  - name: none
  - name: canary
    webhook_configs: [{url: "%s", send_resolved: false}]
`

// Canaries are heard through a cluster of which one dies, and how long they took is
// measured.
func TestSoakTheCanary(t *testing.T) {
	soak(t)
	var s *stage
	hooks := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var m struct {
			Alerts []struct {
				Status string
				Labels map[string]string
			}
		}
		if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
			t.Error(err)
		}
		for _, a := range m.Alerts {
			if a.Status == "firing" && s.IsCanary(a.Labels["alertname"]) {
				s.Heard(a.Labels["site"], time.Now())
			}
		}
	}))
	t.Cleanup(hooks.Close)
	addresses, kill := cluster(t, fmt.Sprintf(songs, hooks.URL), 2)
	s = inTime(t, racks(1, 1, 2, 0), addresses...)
	s.config.Canary = true
	s.start()
	s.Sing(150*time.Second, 30*time.Second)
	s.runs(5*time.Minute + 20*time.Second)
	kill[0]()
	s.runs(3 * time.Minute)
	var b strings.Builder
	s.metrics.WritePrometheus(&b)
	for _, line := range strings.Split(b.String(), "\n") {
		if strings.HasPrefix(line, "gigawatch_alert_") {
			t.Log(line)
		}
	}
	if !strings.Contains(b.String(), `gigawatch_alert_canaries_missed{site="fra1"} 0`) || strings.Contains(b.String(), `quantile="0.99"} NaN`) {
		t.Error("canaries were not heard")
	}
}
