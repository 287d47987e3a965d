package health

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// Names of health's own metrics.
const (
	metricFindings = "gigawatch_health_findings"
	metricRaised   = "gigawatch_health_raised_total"
	metricRefused  = "gigawatch_health_refused_total" // agents, sites, hosts and GPUs beyond those that are told apart
	metricMixed    = "gigawatch_health_ticks_mixed_total"
	metricUnsaved  = "gigawatch_health_save_failures_total"
)

// Config is what health is judged by. Zero stands for the default.
type Config struct {
	Table    *Table
	File     string        // where findings are kept across restarts, and beside it the inventory; empty: nowhere
	Silence  time.Duration // a host that did not report for so long is silent; default 30 s
	Forget   time.Duration // and after so long is no longer expected; default 7 days
	Agents   int           // at most so many, of all sites; default 50,000
	Subjects int           // hosts and GPUs, likewise; default 500,000
	Held     func() []Held // agents of which nothing is taken, or was lately; nil: there are none
	Logger   *slog.Logger
	Metrics  *metrics.Set
}

// mostSites is how many are told apart.
const mostSites = 1 << 10

// Health watches all sites. Its methods may be called from any goroutine.
type Health struct {
	c       Config
	log     *slog.Logger
	silence int64 // ms
	forget  int64 // ms

	mu      sync.Mutex // guards all below; held for microseconds by a tick, some milliseconds by a report
	began   int64
	judged  int64 // how far the bus was judged before this start, ms since 1970
	reached int64 // and by now
	sites   map[string]*site
	senders map[string]*sender // by the key of their agent
	dirty   bool               // findings changed since they were saved
	swept   int64              // when what needs no hurry was last looked after
	said    int                // log lines in the minute of swept

	saving  sync.Mutex // one at a time; guards the two below
	saved   time.Time
	counted time.Time // when the inventory was saved

	raised, refused, mixed, unsaved *metrics.Counter
}

// A Tick is what an agent said of one time. Layout never changes; Values are not
// looked at after Observe.
type Tick struct {
	Key, Site string // Key is the agent's
	Layout    *metric.Layout
	Millis    int64 // by the agent's clock, since 1970
	Values    []metric.Raw
	Received  time.Time // by the bus
	Late      bool      // sent after newer ones
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
	if c.Subjects <= 0 {
		c.Subjects = 500_000
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Metrics == nil {
		c.Metrics = metrics.NewSet()
	}
	now := time.Now()
	h := &Health{
		c: c, log: c.Logger, silence: c.Silence.Milliseconds(), forget: c.Forget.Milliseconds(), began: now.UnixMilli(),
		saved: now, counted: now, sites: map[string]*site{}, senders: map[string]*sender{},
		raised: c.Metrics.NewCounter(metricRaised), refused: c.Metrics.NewCounter(metricRefused),
		mixed: c.Metrics.NewCounter(metricMixed), unsaved: c.Metrics.NewCounter(metricUnsaved),
	}
	for s := OK + 1; s < States; s++ {
		c.Metrics.NewGauge(fmt.Sprintf("%s{state=%q}", metricFindings, s), func() float64 { return float64(h.standing(s)) })
	}
	c.Metrics.RegisterMetricsWriter(h.writeHeld)
	return h, h.load(now)
}

// standing is how many findings of a state there are.
func (h *Health) standing(state State) (n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, s := range h.sites {
		for x := range s.sick {
			for i := range x.findings {
				if x.findings[i].State == state {
					n++
				}
			}
		}
	}
	return n
}

// Observe judges a tick.
func (h *Health) Observe(t Tick) {
	if t.Late {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	at := t.Received.UnixMilli()
	if at < h.judged {
		return
	}
	a := h.senders[t.Key]
	if a == nil || a.site.simulated != t.Layout.Simulated {
		if a = h.admit(a, t.Key, t.Site, t.Layout.Simulated); a == nil {
			return
		}
	}
	if at < a.heard {
		return
	}
	h.reached = max(h.reached, at)
	if a.layout != t.Layout || a.again || a.contests(at, h.silence) {
		h.plan(a, t.Layout, at)
	}
	a.heard = at
	for _, x := range a.hosts {
		x.heard, x.moved = at, false
		if x.find(silentCause) != nil {
			h.clear(x, silentCause)
		}
	}
	if len(t.Values) == a.width {
		h.judge(a, at, t.Millis, t.Values)
	}
}

// admit is the agent called key; nil if its ticks are not taken. A model's
// readings never enter a real site.
func (h *Health) admit(a *sender, key, siteName string, simulated bool) *sender {
	s := h.sites[siteName]
	if s == nil {
		if len(h.sites) == mostSites {
			h.refused.Inc()
			return nil
		}
		s = newSite(siteName)
		s.simulated = simulated
		h.sites[siteName] = s
	}
	if s.simulated != simulated {
		if s.senders > 0 {
			h.mixed.Inc()
			return nil
		}
		*s = *newSite(siteName) // as it was when it was the other
		s.simulated = simulated
	}
	if a != nil {
		return a
	}
	if len(h.senders) >= h.c.Agents {
		h.refused.Inc()
		return nil
	}
	a = &sender{site: s}
	h.senders[key] = a
	s.senders++
	return a
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
			now := time.Now()
			return h.save(now, true)
		}
	}
}

// raise adds a finding to x and says so the first time.
func (h *Health) raise(x *subject, f Finding) {
	if x.isAside(&f) {
		return
	}
	h.dirty = true
	x.touch()
	fresh := x.raise(f)
	x.site.mark(x)
	if !fresh {
		return
	}
	h.raised.Inc()
	if f.State > Watch {
		h.say("health finding", x, "cause", f.Cause, "state", f.State.String(), "evidence", f.Evidence)
	}
}

// clear ends a finding.
func (h *Health) clear(x *subject, cause string) {
	f := x.find(cause)
	loud := f != nil && f.State > Watch
	if x.clear(cause) {
		h.dirty = true
		x.touch()
		x.site.mark(x)
		if loud {
			h.say("health finding is over", x, "cause", cause)
		}
	}
}

// mostLines is how many lines a minute are logged: a board that comes and goes
// must not fill a disk.
const mostLines = 100

func (h *Health) say(message string, x *subject, args ...any) {
	if h.said++; h.said > mostLines {
		return
	}
	if h.said == mostLines {
		h.log.Warn("more health findings in this minute are not logged")
		return
	}
	kind := "host"
	if x.kind == gpuKind {
		kind = "gpu"
	}
	h.log.Info(message, append([]any{"site", x.site.name, kind, x.name}, args...)...)
}

func clock(millis int64) string { return time.UnixMilli(millis).UTC().Format("2006-01-02 15:04:05Z") }
