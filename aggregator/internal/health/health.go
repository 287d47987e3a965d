package health

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/gigawatch/gigawatch/collector/metric"
)

const (
	metricFindings = "gigawatch_health_findings"
	metricRaised   = "gigawatch_health_raised_total"
	metricRefused  = "gigawatch_health_agents_refused_total"
)

// Config is what health is judged by. Zero stands for the default.
type Config struct {
	Table   *Table
	File    string        // where findings are kept across restarts; empty: nowhere
	Silence time.Duration // a host that did not report for so long is silent; default 30 s
	Forget  time.Duration // and after so long is no longer expected; default 7 days
	Agents  int           // at most so many, of all sites; default 50,000
	Logger  *slog.Logger
	Metrics *metrics.Set
}

// Health watches all sites. Its methods may be called from any goroutine.
type Health struct {
	c   Config
	log *slog.Logger

	mu      sync.Mutex
	began   time.Time
	sites   map[string]*site
	senders map[string]*sender // by the key of their agent
	dirty   bool
	saved   time.Time
	raised  *metrics.Counter
	refused *metrics.Counter
}

// A site is what is known of one.
type site struct {
	name      string
	simulated bool
	subjects  map[string]*subject // of GPUs by uuid, of hosts by "host "+name; only those with something to remember
	hosts     map[string]int64    // when each last reported, ms since 1970
	blind     int64               // since when most hosts are silent; 0: they are not
}

// New begins with what c.File remembers. A file that cannot be used is put aside
// and said.
func New(c Config) (*Health, error) {
	if c.Table == nil {
		t, err := LoadTable("")
		if err != nil {
			return nil, err
		}
		c.Table = t
	}
	if c.Silence <= 0 {
		c.Silence = 30 * time.Second
	}
	if c.Forget <= 0 {
		c.Forget = 7 * 24 * time.Hour
	}
	if c.Agents <= 0 {
		c.Agents = 50_000
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Metrics == nil {
		c.Metrics = metrics.NewSet()
	}
	h := &Health{c: c, log: c.Logger, began: time.Now(), sites: map[string]*site{}, senders: map[string]*sender{},
		raised: c.Metrics.NewCounter(metricRaised), refused: c.Metrics.NewCounter(metricRefused)}
	for s := OK + 1; s <= Failed; s++ {
		c.Metrics.NewGauge(fmt.Sprintf("%s{state=%q}", metricFindings, s), func() float64 { return float64(h.count(s)) })
	}
	return h, h.load()
}

func (h *Health) count(s State) (n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, site := range h.sites {
		for _, x := range site.subjects {
			for _, f := range x.findings {
				if f.State == s {
					n++
				}
			}
		}
	}
	return n
}

func (h *Health) site(name string) *site {
	s := h.sites[name]
	if s == nil {
		s = &site{name: name, subjects: map[string]*subject{}, hosts: map[string]int64{}}
		h.sites[name] = s
	}
	return s
}

func (s *site) subject(name string) *subject {
	x := s.subjects[name]
	if x == nil {
		x = &subject{name: name}
		s.subjects[name] = x
	}
	return x
}

// Observe takes a tick of an agent that is of the present: layout and values
// must not be changed while it runs, and the layout never.
func (h *Health) Observe(key, siteName string, layout *metric.Layout, millis int64, values []metric.Raw) {
	h.mu.Lock()
	defer h.mu.Unlock()
	a := h.senders[key]
	if a == nil {
		if len(h.senders) >= h.c.Agents {
			h.refused.Inc()
			return
		}
		a = &sender{site: h.site(siteName)}
		h.senders[key] = a
	}
	if millis < a.heard {
		return
	}
	if a.layout != layout {
		a.plan(layout)
	}
	a.heard = millis
	if a.host != "" {
		a.site.hosts[a.host] = max(a.site.hosts[a.host], millis)
	}
	if len(values) == a.width {
		h.judge(a, millis, values)
	}
}

// Run looks after what time alone changes, and keeps the findings on disk, until
// ctx ends.
func (h *Health) Run(ctx context.Context) error {
	every := time.NewTicker(time.Second)
	defer every.Stop()
	for {
		select {
		case now := <-every.C:
			h.Sweep(now)
		case <-ctx.Done():
			return h.save(time.Now())
		}
	}
}

// saveEvery is how long a finding may be unsaved.
const saveEvery = 10 * time.Second

// Sweep finds who fell silent and what is over by now.
func (h *Health) Sweep(now time.Time) {
	h.mu.Lock()
	millis := now.UnixMilli()
	for _, s := range h.sites {
		h.sweepSite(s, millis)
	}
	for key, a := range h.senders {
		if millis-a.heard > h.c.Forget.Milliseconds() {
			delete(h.senders, key)
		}
	}
	due := now.Sub(h.saved) >= saveEvery && (h.dirty || now.Sub(h.saved) >= 5*time.Minute)
	h.mu.Unlock()
	if due {
		if err := h.save(now); err != nil {
			h.log.Warn("health cannot be kept on disk", "error", err)
		}
	}
}

func hostSubject(host string) string { return "host " + host }

func (h *Health) sweepSite(s *site, millis int64) {
	for name, x := range s.subjects {
		if x.expire(millis) {
			h.dirty = true
		}
		maps.DeleteFunc(x.events, func(_ string, at int64) bool { return millis-at > 30*24*time.Hour.Milliseconds() })
		if len(x.findings) == 0 && len(x.aside) == 0 && len(x.events) == 0 {
			delete(s.subjects, name)
		}
	}
	if millis-h.began.UnixMilli() < h.c.Silence.Milliseconds() {
		return // nobody has had the time to report
	}
	var silent []string
	for host, heard := range s.hosts {
		switch away := millis - heard; {
		case away > h.c.Forget.Milliseconds():
			delete(s.hosts, host)
			delete(s.subjects, hostSubject(host))
			h.dirty = true
		case away > h.c.Silence.Milliseconds():
			silent = append(silent, host)
		}
	}
	// Where most fell silent at once, it is not the hosts.
	if n := len(s.hosts); n >= 4 && 2*len(silent) > n {
		if s.blind == 0 {
			s.blind, h.dirty = millis, true
		}
		return
	}
	if s.blind != 0 {
		s.blind, h.dirty = 0, true
	}
	slices.Sort(silent)
	for _, host := range silent {
		if x := s.subjects[hostSubject(host)]; x != nil && x.find("silent") != nil {
			continue
		}
		heard := s.hosts[host]
		h.raise(s, s.subject(hostSubject(host)), Finding{Cause: "silent", State: Unknown, Since: heard, Last: heard, Kind: condition, Action: CheckHost,
			Evidence: "no report since " + clock(heard),
			Advice:   "see whether the host is up; then whether its collector runs and reaches the bus. What happened meanwhile is in its spool."})
	}
}

func clock(millis int64) string { return time.UnixMilli(millis).UTC().Format("2006-01-02 15:04:05Z") }

// raise adds a finding to x and says so the first time.
func (h *Health) raise(s *site, x *subject, f Finding) {
	if x.aside[f.Cause] {
		return
	}
	if x.find(f.Cause) == nil {
		h.raised.Inc()
		h.log.Info("health finding", "site", s.name, "subject", x.name, "cause", f.Cause, "state", f.State.String(), "evidence", f.Evidence)
	}
	x.raise(f)
	h.dirty = true
}

// clear ends a condition.
func (h *Health) clear(s *site, name, cause string) {
	x := s.subjects[name]
	if x == nil {
		return
	}
	if x.clear(cause) {
		h.dirty = true
		h.log.Info("health finding is over", "site", s.name, "subject", name, "cause", cause)
	}
}
