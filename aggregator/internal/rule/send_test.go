package rule_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/rule"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// world is who takes alerts, in memory: Alertmanagers am1… and a pager.
type world struct {
	mu    sync.Mutex
	dead  map[string]bool
	says  int // what the pager answers
	ams   map[string]*fakeAlertmanager
	pager []string // alerts that it took
	asked int      // times
}

// A fakeAlertmanager keeps alerts as the real one does: by labels, until their end.
type fakeAlertmanager struct {
	ends  map[string]time.Time
	pages []string // alerts that began to fire, with their annotation evidence
	over  []string
	ahead time.Duration       // its clock is
	says  int                 // what it answers to alerts, which it does not keep then; 0: it takes them
	sent  []map[string]string // labels of all that it took
}

func (a *fakeAlertmanager) now() time.Time { return time.Now().Add(a.ahead) }

func (a *fakeAlertmanager) date(w http.ResponseWriter) {
	w.Header().Set("Date", a.now().UTC().Format(http.TimeFormat))
}

func newWorld(names ...string) *world {
	w := &world{dead: map[string]bool{}, says: http.StatusOK, ams: map[string]*fakeAlertmanager{}}
	for _, n := range names {
		w.ams[n] = &fakeAlertmanager{ends: map[string]time.Time{}}
	}
	return w
}

// RoundTrip implements http.RoundTripper.
func (w *world) RoundTrip(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.dead[r.URL.Host] {
		return nil, errors.New("connection refused")
	}
	var b []byte
	if r.Body != nil {
		var err error
		if b, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
	}
	rec := httptest.NewRecorder()
	if am := w.ams[r.URL.Host]; am != nil {
		am.date(rec)
		if r.URL.Path == "/api/v2/status" && r.Method == http.MethodGet {
			return rec.Result(), nil
		}
		if r.URL.Path != "/api/v2/alerts" || r.Method != http.MethodPost {
			rec.WriteHeader(http.StatusNotFound)
			return rec.Result(), nil
		}
		if am.says > 0 {
			rec.WriteHeader(am.says)
			return rec.Result(), nil
		}
		return rec.Result(), am.take(b)
	}
	w.asked++
	rec.WriteHeader(w.says)
	var m struct{ CommonLabels map[string]string }
	if err := json.Unmarshal(b, &m); err != nil {
		return nil, err
	}
	if w.says == http.StatusOK {
		w.pager = append(w.pager, m.CommonLabels["alertname"])
	}
	return rec.Result(), nil
}

func (a *fakeAlertmanager) take(b []byte) error {
	var list []struct {
		Labels, Annotations map[string]string
		StartsAt, EndsAt    time.Time
	}
	if err := json.Unmarshal(b, &list); err != nil {
		return err
	}
	now := a.now()
	for _, x := range list {
		id, _ := json.Marshal(x.Labels)
		a.sent = append(a.sent, x.Labels)
		what := x.Labels["alertname"] + " " + x.Labels["rack"] + " " + x.Labels["host"]
		fires := a.ends[string(id)].After(now)
		a.ends[string(id)] = x.EndsAt
		switch {
		case !fires && x.EndsAt.After(now):
			a.pages = append(a.pages, strings.TrimSpace(what))
		case fires && !x.EndsAt.After(now):
			a.over = append(a.over, strings.TrimSpace(what))
		}
	}
	return nil
}

// expired are alerts that ended because nobody spoke of them any more.
func (a *fakeAlertmanager) expired() (n int) {
	for _, end := range a.ends {
		if !end.After(a.now()) {
			n++
		}
	}
	return n - len(a.over)
}

func (w *world) delivery(t *testing.T, direct bool) *rule.Delivery {
	t.Helper()
	c := rule.DeliveryConfig{Transport: w, External: []metric.Pair{{Name: "region", Value: "eu"}}}
	names := []string{}
	for n := range w.ams {
		names = append(names, n)
	}
	slices.Sort(names)
	for _, n := range names {
		c.Alertmanagers = append(c.Alertmanagers, rule.Endpoint{URL: "http://" + n})
	}
	if direct {
		c.Direct = rule.Endpoint{URL: "http://pager/hook"}
	}
	d, err := rule.NewDelivery(c)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// deliver has what s sends go to w from now on.
func (s *stage) deliver(w *world, direct bool) {
	d := w.delivery(s.t, direct)
	ctx := s.t.Context()
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx) }()
	s.config.Faults, s.config.Failing = d.Faults, d.Failing
	s.sink = d.Send
	s.start()
}

func TestEveryAlertmanagerIsToldAndOneMayDie(t *testing.T) {
	inBubble(t, racks(2, 3, 72, 0), func(s *stage) {
		w := newWorld("am1", "am2", "am3")
		s.deliver(w, false)
		s.settles()
		for _, m := range s.in("h1r02") {
			m.up = false
		}
		s.runs(9 * time.Second)
		w.mu.Lock()
		w.dead["am2"] = true
		w.mu.Unlock()
		s.runs(20 * time.Minute)
		w.mu.Lock()
		defer w.mu.Unlock()
		for _, n := range []string{"am1", "am3"} {
			if am := w.ams[n]; strings.Join(am.pages, ", ") != "RackDown h1r02, AlertsUndelivered" || am.expired() > 0 {
				t.Errorf("%s was told %q, and %d alerts expired there", n, am.pages, am.expired())
			}
		}
	})
}

func TestWhatIsDirectGoesPastAlertmanager(t *testing.T) {
	inBubble(t, racks(1, 1, 2, 0), func(s *stage) {
		w := newWorld("am1")
		w.says = http.StatusInternalServerError
		s.deliver(w, true)
		s.settles()
		w.mu.Lock()
		w.dead["am1"] = true
		w.mu.Unlock()
		s.in("h1r01n01")[0].up = false // so that there is something to be told
		s.runs(5 * time.Minute)
		w.mu.Lock()
		if len(w.pager) > 0 || w.asked < 4 || w.asked > 20 {
			t.Errorf("the pager, which fails, was asked %d times and took %q", w.asked, w.pager)
		}
		w.says = http.StatusOK
		w.mu.Unlock()
		s.runs(30 * time.Minute)
		w.mu.Lock()
		defer w.mu.Unlock()
		if strings.Join(w.pager, ", ") != "AlertsUndelivered" {
			t.Errorf("the pager was told %q", w.pager)
		}
	})
}

// A receiver that was away learns of what fires within seconds.
func TestAnAlertmanagerThatComesBack(t *testing.T) {
	inBubble(t, racks(1, 2, 6, 0), func(s *stage) {
		w := newWorld("am1")
		w.dead["am1"] = true
		s.deliver(w, false)
		s.settles()
		s.in("h1r01n01")[0].up = false
		s.runs(5 * time.Minute)
		w.mu.Lock()
		w.dead["am1"] = false
		w.mu.Unlock()
		s.runs(11 * time.Second)
		w.mu.Lock()
		defer w.mu.Unlock()
		if got := strings.Join(w.ams["am1"].pages, ", "); !strings.Contains(got, "HostSilent h1r01 h1r01n01") {
			t.Errorf("it was told %q", got)
		}
	})
}

// Nothing that fires expires at a receiver while the aggregator is restarted.
func TestARestartEndsNothingAtAlertmanager(t *testing.T) {
	inBubble(t, racks(1, 2, 6, 0), func(s *stage) {
		w := newWorld("am1")
		s.deliver(w, false)
		s.settles()
		s.in("h1r01n01")[0].up = false
		s.runs(time.Minute)
		for range 3 {
			s.restart(20 * time.Second)
			s.runs(3 * time.Minute)
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		if am := w.ams["am1"]; strings.Join(am.pages, ", ") != "HostSilent h1r01 h1r01n01" || len(am.over) > 0 || am.expired() > 0 {
			t.Errorf("told %q, over %q, %d expired", am.pages, am.over, am.expired())
		}
	})
}

// A clock that is ten minutes ahead, or behind, ends nothing before its time.
func TestAnAlertmanagerWhoseClockIsWrong(t *testing.T) {
	for name, ahead := range map[string]time.Duration{"ahead": 10 * time.Minute, "behind": -10 * time.Minute} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, racks(1, 2, 6, 0), func(s *stage) {
				w := newWorld("am1")
				w.ams["am1"].ahead = ahead
				s.deliver(w, false)
				s.settles()
				s.in("h1r01n01")[0].up = false
				s.runs(10 * time.Minute)
				s.in("h1r01n01")[0].up = true
				s.runs(10 * time.Minute)
				w.mu.Lock()
				defer w.mu.Unlock()
				if am := w.ams["am1"]; strings.Join(am.pages, ", ") != "HostSilent h1r01 h1r01n01" || len(am.over) != 1 || am.expired() > 0 {
					t.Errorf("told %q, over %q, %d expired", am.pages, am.over, am.expired())
				}
			})
		})
	}
}

// A store that takes minutes to open ends nothing that fired before.
func TestAStartThatTakesMinutes(t *testing.T) {
	inBubble(t, racks(1, 2, 6, 0), func(s *stage) {
		w := newWorld("am1")
		s.deliver(w, false)
		s.settles()
		s.in("h1r01n01")[0].up = false
		s.runs(time.Minute)
		time.Sleep(30 * time.Second) // it is down
		c := rule.DeliveryConfig{Transport: w, External: []metric.Pair{{Name: "region", Value: "eu"}}, Alertmanagers: []rule.Endpoint{{URL: "http://am1"}}}
		if err := rule.Resume(s.t.Context(), s.files+"/alerts.json", s.config.Rules, c); err != nil {
			t.Fatal(err)
		}
		s.restart(5 * time.Minute)
		s.runs(5 * time.Minute)
		w.mu.Lock()
		defer w.mu.Unlock()
		if am := w.ams["am1"]; strings.Join(am.pages, ", ") != "HostSilent h1r01 h1r01n01" || len(am.over) > 0 || am.expired() > 0 {
			t.Errorf("told %q, over %q, %d expired", am.pages, am.over, am.expired())
		}
	})
}

// sayBack answers in its status line by the token that it was shown.
type sayBack struct{}

func (sayBack) RoundTrip(r *http.Request) (*http.Response, error) {
	rec := httptest.NewRecorder()
	rec.WriteHeader(http.StatusForbidden)
	a := rec.Result()
	a.Status = "403 you said " + r.URL.String()
	return a, nil
}

func TestAStatusLineIsNotRepeated(t *testing.T) {
	d, err := rule.NewDelivery(rule.DeliveryConfig{Alertmanagers: []rule.Endpoint{{URL: "http://am1/canary"}}, Transport: sayBack{}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	over := make(chan error, 1)
	go func() { over <- d.Run(ctx) }()
	for end := time.Now().Add(20 * time.Second); len(d.Faults()) == 0 && time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
	}
	cancel()
	if err := <-over; err != nil {
		t.Error(err)
	}
	if f := d.Faults(); len(f) != 1 || f[0].Says != "403 Forbidden" {
		t.Errorf("%+v", f)
	}
}
