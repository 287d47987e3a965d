package live

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// Inventory is what a site should have.
type Inventory struct{ Hosts, GPUs int }

// An Outlet is one roll-up series: a metric of a place, the zero place being the
// site. Handle is the receiver's own.
type Outlet struct {
	Metric    metric.Number
	Point     uint32
	Site      string
	Place     metric.Place
	Simulated bool
	Handle    any

	ended bool // nothing since its end
}

// A Point is a value of a roll-up series. NaN ends the series until the next:
// what was known is not any more.
type Point struct {
	*Outlet
	Millis int64 // since 1970 UTC
	Value  float64
}

// A Config says what is expected and where roll-ups go.
type Config struct {
	Expected map[string]Inventory // by site; a site that is not here expects what it has seen
	// Emit takes the roll-ups of one second of one site; the slice is the
	// receiver's. Seconds come in order. It must not call back.
	Emit func([]Point)
	// Silent is told that an agent has said nothing for SilentAfter, or as long as
	// its readings are held if that is longer, and again every minute; of one that
	// others speak for now, nothing. It must not call back.
	Silent      func(key string, millis int64)
	SilentAfter time.Duration // 0 stands for 10 s
	// Forgotten is told of an agent that is known no more: it was silent for very
	// long, or others speak for all that it spoke for. It must not call back.
	Forgotten func(key string)
	Metrics   *metrics.Set
}

const (
	metricRollups = "gigawatch_live_rollup_seconds_total"
	metricAgents  = "gigawatch_live_agents"
	metricMixed   = "gigawatch_live_ticks_mixed_total"   // simulated under a real site's name, or the other way about
	metricRefused = "gigawatch_live_ticks_refused_total" // of which something is not counted: another agent reports it, and came first
	metricFull    = "gigawatch_live_ticks_full_total"    // of agents or sites beyond those that are told apart
)

// How many sites, and agents of a site, are told apart; as many as the ledger
// does.
const (
	mostSites  = 1 << 10
	mostAgents = 1 << 16
)

// idleAfter is how long the lane may bring nothing before the wall clock closes
// seconds in its place.
const idleAfter = 3 * time.Second

// repeatSilence is how often it is said again that an agent is silent, in
// seconds: within what a query looks back.
const repeatSilence = 60

// A silent agent is known for so many seconds: until somebody will have looked
// for it, and not for ever, since names may come and go. One of meters is for
// longer, as in the ledger: a sum without it would look whole.
const (
	forgetAfter       = 7 * 24 * 3600
	forgetMetersAfter = 30 * 24 * 3600
)

// patience is how long a second stays open for readings on their way.
const patience = 1500 * time.Millisecond

// Live holds the present. Safe for concurrent use.
type Live struct {
	c Config

	mu      sync.Mutex // guards all below; held for microseconds by a tick, a few milliseconds by a roll-up
	sites   map[string]*site
	senders map[string]*sender
	plans   map[string]Plan
	clock   int64 // newest arrival at the bus, milliseconds: the stream's own time
	points  []Point
	heard   time.Time     // when the newest tick was taken
	silence int64         // second of the last look for silent agents
	closed  chan struct{} // closed with the next second; nil: nobody waits

	rollups, mixed, refused, full *metrics.Counter
}

// New is a present in which nothing has been heard.
func New(c Config) *Live {
	if c.SilentAfter == 0 {
		c.SilentAfter = 10 * time.Second
	}
	l := &Live{
		c: c, sites: map[string]*site{}, senders: map[string]*sender{}, plans: map[string]Plan{},
		rollups: c.Metrics.NewCounter(metricRollups), mixed: c.Metrics.NewCounter(metricMixed),
		refused: c.Metrics.NewCounter(metricRefused), full: c.Metrics.NewCounter(metricFull),
	}
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
	l.heard = time.Now()
	a := l.sender(key, siteName, layout.Simulated)
	if a == nil {
		return
	}
	// What is late for its own second may still stand for the next; what is later
	// than that is history, and none of its layout is of the present.
	if second := millis / 1000; second > a.site.last-a.hold {
		if a.recalled {
			a.returns(second)
		}
		if a.layout != layout || len(a.refused) > 0 && a.contest() {
			a.adopt(layout)
		}
		if len(a.refused) > 0 {
			l.refused.Inc()
		}
		a.take(second, values)
		if a.site.began == 0 {
			a.site.began = second
		}
	}
	if r := received.UnixMilli(); r > l.clock {
		l.clock = r
		l.settle()
	}
}

// sender is who is called key, of the site named; nil if its ticks are not
// taken.
func (l *Live) sender(key, siteName string, simulated bool) *sender {
	s := l.sites[siteName]
	if s != nil && s.simulated != simulated && s.onlyRecalled() {
		l.forgetSite(s)
		s = nil
	}
	if s == nil {
		if len(l.sites) >= mostSites {
			l.full.Inc()
			return nil
		}
		s = newSite(siteName)
		s.expected = l.c.Expected[siteName]
		if p, ok := l.plans[siteName]; ok {
			s.setPlan(p)
		}
		s.simulated = simulated
		l.sites[siteName] = s
	}
	if s.simulated != simulated { // a model's figures never enter a real site's
		l.mixed.Inc()
		return nil
	}
	a := l.senders[key]
	if a == nil {
		if len(s.senders) >= mostAgents {
			l.full.Inc()
			return nil
		}
		a = &sender{name: strings.TrimPrefix(key, siteName+"/"), site: s, rack: -1, hold: shortestHold}
		l.senders[key] = a
		s.senders = append(s.senders, a)
	}
	return a
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
			if s.skip(l.clock / 1000) {
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
		if now.Sub(l.heard) > idleAfter {
			s.skip(second)
			for s.last < second-3 {
				l.rollUp(s, s.last+1)
			}
		}
	}
	l.missSenders()
}

// catchUp is how many seconds are closed one by one after a silence; those
// before them are left out.
const catchUp = 10

// skip leaves out the seconds of a long silence before the given one.
func (s *site) skip(second int64) bool {
	if second-s.last <= catchUp+2 {
		return false
	}
	s.last = second - catchUp
	return true
}

// missSenders reports who is silent by the stream's own clock: a lane that lags
// or is away says nothing about the agents.
func (l *Live) missSenders() {
	second := l.clock / 1000
	if l.silence >= second {
		return
	}
	before := l.silence
	l.silence = second
	for key, a := range l.senders {
		if a.newest == 0 {
			continue
		}
		age := second - a.newest
		// The stream's clock runs in leaps while a lane is read back.
		due := a.newest + max(int64(l.c.SilentAfter/time.Second), a.hold)
		if l.c.Silent != nil && !a.superseded() && !a.recalled && second >= due && (before < due || (second-due)/repeatSilence > (before-due)/repeatSilence) {
			l.c.Silent(key, second*1000)
		}
		if age > forgetMetersAfter || age > forgetAfter && len(a.meters) == 0 || age > a.hold+repeatSilence && a.superseded() {
			delete(l.senders, key)
			a.site.forget(a)
			if l.c.Forgotten != nil {
				l.c.Forgotten(key)
			}
		}
	}
	if second/remembered > before/remembered {
		for _, s := range l.sites {
			s.forgetRacks()
		}
	}
}
