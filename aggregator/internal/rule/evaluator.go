package rule

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/prometheus/prometheus/storage"

	table "github.com/gigawatch/gigawatch/alerts/rule"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// Names of the evaluator's own metrics.
const (
	MetricSuppressed = "gigawatch_alerts_suppressed_total" // by reason
	MetricSent       = "gigawatch_alerts_sent_total"       // that began to fire and were handed to delivery
	MetricAlerts     = "gigawatch_alerts"                  // by state
	metricRefused    = "gigawatch_alerts_agents_refused_total"
	metricOverflowed = "gigawatch_alerts_overflowed_total" // beyond what the set holds
	metricUnsaved    = "gigawatch_alerts_save_failures_total"
	metricStep       = "gigawatch_alerts_step_seconds"
)

// Config is what alerts are made of. All functions may be nil.
type Config struct {
	Rules   []table.Rule
	File    string   // where the set is kept; empty: nowhere
	Windows []Window // of the configuration

	WindowsFile string // where those are kept that are opened; empty: nowhere

	Caps    Caps
	Runbook string // address of alerts/RUNBOOK.md; empty: no alert has one
	Page    string // address of this aggregator, for people; likewise
	Self    string // label instance of alerts about the aggregator itself

	Health    func(all bool, now time.Time) []Judgement // what changed since it was last asked
	Hosts     func() []Host                             // that are expected
	Connected func() bool                               // whether the bus is there
	Ahead     func() time.Duration                      // how far the bus's clock is, of ours
	Advancing func(site string) bool                    // whether both of its lanes bring something new
	Failing   func() bool                               // whether somebody does not take what is sent
	Faults    func() []Fault                            // of delivery
	Absent    func() []Absent                           // of sites' files; does not wait
	Send      func([]Message)                           // does not wait

	Store  storage.Storage // nil: what asks is not evaluated, and no history is kept
	Canary bool

	Logger  *slog.Logger
	Metrics *metrics.Set
}

// An Evaluator holds the set of alerts. Its methods may be called from any
// goroutine.
type Evaluator struct {
	c   Config
	log *slog.Logger

	rules      []*compiled
	watching   map[metric.Number][]*compiled // by the metric that they watch
	conditions map[metric.Number]bool        // metrics that say which devices matter
	judging    []*compiled
	silences   map[string][]*compiled // by the kind of silence
	own        map[string][]*compiled // by the evaluator's own cause
	comparing  bool                   // some compare peers

	mu        sync.Mutex // guards all below; held for microseconds by a tick, some milliseconds by a step
	began     int64
	swept     int64 // when the step before was
	awake     int64 // it steps every second since
	parted    int64 // the bus was last there
	resynced  int64 // when all of health was last gone through
	compared  int64
	senders   map[string]*sender // by the key of their agent
	reporters map[hostKey]*sender
	sites     map[string]*site
	alerts    map[string]*alert // by id
	remains   map[string]*alert // those that were told, by what they are of wherever that stands
	judged    map[subject][]*alert
	byDevice  map[string][]*alert // those that fire, for the time of a step
	lost      map[hostKey]*alert  // likewise: a board of a host that is lost
	hottest   map[string]*alert   // likewise: of heat, the worst of a board, by uuid
	lacking   map[string]bool     // likewise: ids of those that their host does not even list
	caps      *caps
	capped    map[string]*atomic.Int64 // by site: how many the caps hold back
	flaps     map[string]flaps         // by id
	windows   []Window                 // that were opened
	open      []Window                 // of all, those that are
	restored  int                      // alerts of which nothing was heard since the start
	stale     bool                     // what the file had is of long ago
	forgot    bool                     // what the file had; until all of health was gone through
	dirty     bool

	windowing sync.Mutex // one opens or closes a window at a time

	ahead atomic.Int64 // ms that the bus's clock is, of ours

	saving sync.Mutex // one at a time; guards saved
	saved  time.Time

	ask      *asking // nil: nobody is asked
	canaries canaries
	past     *history

	sentTotal, refused, overflowed, unsaved *metrics.Counter
	steps                                   *metrics.Histogram
}

// New begins with what c.File remembers.
func New(c Config) (*Evaluator, error) {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Metrics == nil {
		c.Metrics = metrics.NewSet()
	}
	rules, err := compile(c.Rules)
	if err != nil {
		return nil, fmt.Errorf("table of alerts: %w", err)
	}
	now := time.Now()
	e := &Evaluator{
		c: c, log: c.Logger, rules: rules, watching: map[metric.Number][]*compiled{}, conditions: map[metric.Number]bool{},
		silences: map[string][]*compiled{}, own: map[string][]*compiled{}, began: now.UnixMilli(), swept: now.UnixMilli(), awake: now.UnixMilli(), parted: now.UnixMilli(), saved: now,
		senders: map[string]*sender{}, reporters: map[hostKey]*sender{}, sites: map[string]*site{}, alerts: map[string]*alert{}, remains: map[string]*alert{},
		judged: map[subject][]*alert{}, flaps: map[string]flaps{}, caps: newCaps(c.Caps), capped: map[string]*atomic.Int64{},
		sentTotal: c.Metrics.NewCounter(MetricSent), refused: c.Metrics.NewCounter(metricRefused), overflowed: c.Metrics.NewCounter(metricOverflowed),
		unsaved: c.Metrics.NewCounter(metricUnsaved), steps: c.Metrics.NewHistogram(metricStep),
	}
	for _, r := range reasons() {
		e.suppressed(r)
	}
	for p := Pending; p < Ended; p++ {
		c.Metrics.NewGauge(fmt.Sprintf("%s{state=%q}", MetricAlerts, p), func() float64 { return float64(e.count(p)) })
	}
	e.hatch()
	e.sort()
	if err := errors.Join(e.load(now), e.loadWindows(now)); err != nil {
		return nil, err
	}
	if c.Store != nil {
		e.past = newHistory(c.Store)
		if e.ask, err = newAsking(e); err != nil {
			return nil, err
		}
	}
	return e, nil
}

// sort puts the rules where they are looked for.
func (e *Evaluator) sort() {
	for _, c := range e.rules {
		switch {
		case c.Watch != nil:
			e.watching[c.Watch.Metric] = append(e.watching[c.Watch.Metric], c)
			if c.while != nil {
				e.conditions[c.Watch.While] = true
			}
			e.comparing = e.comparing || c.Watch.Test == table.PeerBelow
		case c.silence != "":
			e.silences[c.silence] = append(e.silences[c.silence], c)
		case c.own:
			for _, cause := range c.Judged.Causes {
				e.own[cause] = append(e.own[cause], c)
			}
		case c.Judged != nil:
			e.judging = append(e.judging, c)
		}
	}
}

func (e *Evaluator) suppressed(reason string) *metrics.Counter {
	return e.c.Metrics.GetOrCreateCounter(fmt.Sprintf("%s{reason=%q}", MetricSuppressed, reason))
}

func (e *Evaluator) count(p Phase) (n int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, a := range e.alerts {
		if a.phase == p {
			n++
		}
	}
	return n
}

// Run steps once a second until ctx ends, and keeps the set.
func (e *Evaluator) Run(ctx context.Context) error {
	var asked sync.WaitGroup
	if e.ask != nil {
		asked.Go(func() { e.ask.run(ctx, e.log) })
	}
	every := time.NewTicker(time.Second)
	defer every.Stop()
	for {
		select {
		case now := <-every.C:
			e.Step(now)
		case <-ctx.Done():
			asked.Wait()
			if e.past != nil {
				e.past.end(e.log, time.Now().UnixMilli())
			}
			return e.save(time.Now(), true)
		}
	}
}

// resyncEvery is how often all that health has is gone through: what a finding
// makes of its subject may change by time alone.
const resyncEvery = 60_000 // ms

// Step looks at what time alone changes, and sends what is due.
func (e *Evaluator) Step(now time.Time) {
	began := time.Now()
	millis := now.UnixMilli()
	e.mu.Lock()
	all := millis-e.resynced >= resyncEvery || millis < e.resynced
	e.mu.Unlock()
	// Asked before the lock is taken, for they have locks of their own.
	var judgements []Judgement
	if e.c.Health != nil {
		judgements = e.c.Health(all, now)
	}
	var hosts []Host
	if e.c.Hosts != nil {
		hosts = e.c.Hosts()
	}
	connected := e.c.Connected == nil || e.c.Connected()
	e.reset()
	for i := range hosts {
		hosts[i].Heard = e.ours(hosts[i].Heard, millis)
	}
	advancing := e.lanes()
	var faults []Fault
	if e.c.Faults != nil {
		faults = e.c.Faults()
	}
	var absent []Absent
	if e.c.Absent != nil {
		absent = e.c.Absent()
	}

	e.mu.Lock()
	if all {
		e.resynced = millis
	}
	e.opening(now)
	e.listen(millis, connected, hosts)
	if e.c.Health != nil {
		e.judge(judgements, all, millis)
	}
	e.compare(millis)
	e.leave(millis)
	e.settle(millis)
	e.tellHeat(millis)
	e.tellCapped(millis)
	e.tellAdvancing(advancing, millis)
	e.tellFaults(faults, millis)
	e.tellAbsent(absent, millis)
	e.tellMissed(millis)
	e.group()
	out := e.step(millis)
	e.swept = millis
	var points []point
	if e.past != nil {
		points = e.past.due(e.alerts, millis)
	}
	e.mu.Unlock()

	if err := e.save(now, len(out) > 0); err != nil {
		e.unsaved.Inc()
		e.log.Warn("alerts are not kept on disk", "error", err)
	}
	if len(out) > 0 && e.c.Send != nil {
		for i := range out {
			e.render(&out[i])
		}
		e.c.Send(out)
	}
	if e.past != nil {
		e.past.write(e.log, points, millis)
	}
	e.sing(now)
	e.steps.Update(time.Since(began).Seconds())
}

// group finds those that others on the device, or on a host's boards, may be part of.
func (e *Evaluator) group() {
	e.byDevice, e.lost, e.lacking, e.hottest = map[string][]*alert{}, map[hostKey]*alert{}, map[string]bool{}, map[string]*alert{}
	for _, a := range e.alerts {
		if a.rule.warms() && a.fires() && a.stands() {
			e.warmer(a)
		}
		if a.rule.lost && a.phase == Firing {
			k := hostKey{a.place.site, a.place.host}
			if b := e.lost[k]; b == nil || a.id < b.id {
				e.lost[k] = a
			}
		}
		if a.rule.missing && a.phase == Suppressed && a.reason == reasonDevice && a.stands() {
			e.lacking[a.parent] = true
		}
		if a.rule.Judged == nil || a.place.host == "" || !a.stands() || a.rule.silence != "" {
			continue
		}
		if a.phase == Firing || a.place.uuid == "" && a.phase <= Mustered && a.rule.For <= longestMuster {
			e.byDevice[a.device()] = append(e.byDevice[a.device()], a)
		}
	}
}

// settle ends what nobody has spoken of for long since the start, or since its device
// was listed.
func (e *Evaluator) settle(now int64) {
	if e.restored == 0 {
		return
	}
	for _, a := range e.alerts {
		if s := e.sites[a.place.site]; a.restored && now-a.orphaned >= unheard.Milliseconds() && (s == nil || !s.blind) {
			e.over(a, a.bits, now)
			e.adopted(a)
		}
	}
}
