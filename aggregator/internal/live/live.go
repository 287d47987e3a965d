package live

import (
	"context"
	"sync"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// Inventory is what a site should have.
type Inventory struct{ Hosts, GPUs int }

// An Outlet is one roll-up series. Handle is the receiver's own.
type Outlet struct {
	Metric metric.Number
	Point  uint32
	Labels []metric.Pair // sorted by name, without the metric's own label
	Handle any
}

// A Config says what is expected and where roll-ups go.
type Config struct {
	Expected map[string]Inventory // by site; a site that is not here expects what it has seen
	// Emit takes roll-up values, one at a time, in the order of time for each
	// outlet. It is called with the lock held and must not call back.
	Emit func(o *Outlet, millis int64, value float64)
	// Silent is told that an agent has said nothing for SilentAfter.
	Silent      func(key string, millis int64)
	SilentAfter time.Duration // 0 stands for 10 s
	Metrics     *metrics.Set
}

const (
	metricRollups = "gigawatch_live_rollup_seconds_total"
	metricAgents  = "gigawatch_live_agents"
)

// patience is how long a second stays open for readings on their way.
const patience = 1500 * time.Millisecond

// Live holds the present. Safe for concurrent use.
type Live struct {
	c Config

	mu      sync.Mutex // guards all below; held for microseconds by a tick, a few milliseconds by a roll-up
	sites   map[string]*site
	senders map[string]*sender
	clock   int64 // newest arrival at the bus, milliseconds: the stream's own time

	rollups *metrics.Counter
}

// New is a present in which nothing has been heard.
func New(c Config) *Live {
	if c.SilentAfter == 0 {
		c.SilentAfter = 10 * time.Second
	}
	l := &Live{c: c, sites: map[string]*site{}, senders: map[string]*sender{}, rollups: c.Metrics.NewCounter(metricRollups)}
	c.Metrics.NewGauge(metricAgents, func() float64 {
		l.mu.Lock()
		defer l.mu.Unlock()
		return float64(len(l.senders))
	})
	return l
}

// Observe takes one tick of the agent called key. received is when the bus had
// it, which is what closes seconds, so that a replay makes the same roll-ups.
func (l *Live) Observe(key, siteName string, layout *metric.Layout, millis int64, values []metric.Raw, received time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.sites[siteName]
	if s == nil {
		s = newSite(siteName)
		s.expected = l.c.Expected[siteName]
		l.sites[siteName] = s
	}
	a := l.senders[key]
	if a == nil {
		a = &sender{site: s}
		l.senders[key] = a
		s.senders = append(s.senders, a)
	}
	if a.layout != layout {
		a.plan(layout)
		s.simulated = s.simulated || layout.Simulated
	}
	if second := millis / 1000; second > s.last {
		a.take(second, values)
	}
	if r := received.UnixMilli(); r > l.clock {
		l.clock = r
		l.settle()
	}
}

// settle closes what the stream's clock says is over.
func (l *Live) settle() {
	for _, s := range l.sites {
		for {
			next := s.last + 1
			if s.last == 0 {
				next = (l.clock - patience.Milliseconds()) / 1000
				s.last = next - 1
			}
			if next*1000+1000 < l.clock-10_000 { // a long silence is not replayed second by second
				s.last = l.clock/1000 - 10
				continue
			}
			if l.clock < next*1000+patience.Milliseconds() {
				break
			}
			l.rollUp(s, next)
		}
	}
}

// Run closes seconds as soon as all that report have reported, and notices who
// has fallen silent, until ctx ends.
func (l *Live) Run(ctx context.Context) error {
	t := time.NewTicker(50 * time.Millisecond)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-t.C:
			l.hurry(now)
		}
	}
}

// hurry closes the present second early where nothing more is to come, and late
// where nothing came to move the stream's clock.
func (l *Live) hurry(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	second := now.Unix()
	for _, s := range l.sites {
		if s.last == 0 {
			continue
		}
		if s.last < second && second-s.last <= 2 && s.complete(s.last+1) {
			l.rollUp(s, s.last+1)
		}
		for s.last < second-3 && second-s.last < 60 {
			l.rollUp(s, s.last+1)
		}
	}
	if now.UnixMilli()%1000 < 50 {
		for key, a := range l.senders {
			if silent := second - a.newest; a.newest > 0 && silent == int64(l.c.SilentAfter/time.Second) && l.c.Silent != nil {
				l.c.Silent(key, now.UnixMilli())
			}
		}
	}
}
