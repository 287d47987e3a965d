package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/nats-io/nats.go"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"github.com/gigawatch/gigawatch/collector/internal/spool"
	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/wire"
)

// Names of the agent's own metrics.
const (
	metricTicks      = "gigawatch_agent_ticks_total"
	metricSkipped    = "gigawatch_agent_ticks_skipped_total"
	metricBatches    = "gigawatch_agent_batches_published_total"
	metricSpooled    = "gigawatch_agent_batches_spooled_total"
	metricBytes      = "gigawatch_agent_published_bytes_total"
	metricLost       = "gigawatch_agent_batches_lost_total"
	metricUnacked    = "gigawatch_agent_ledger_records_unacknowledged"
	metricPutOff     = "gigawatch_agent_ledger_records_put_off_total"
	metricUnmade     = "gigawatch_agent_ledger_records_failed_total"
	metricRestated   = "gigawatch_agent_ledger_records_restating_total"
	metricTickTaking = "gigawatch_agent_tick_seconds"
)

// grace is how long a tick waits for its sources, as a share of the interval:
// late enough for a host's own statistics, early enough to be seen within the
// second.
const grace = 5 // interval/grace

// agent is owned by the goroutine of its ticks, save what mu guards.
type agent struct {
	c        *Config
	log      *slog.Logger
	bus      *nats.Conn
	runners  []*runner
	self     *self
	backlog  *spool.Spool // of the telemetry lane
	send     *telemetryLane
	ledger   *Recorder
	restater *restater // nil: no source knows better afterwards
	wait     int       // ticks before the telemetry backlog may flow
	replayed uint64    // of the backlog, up to
	frame    []byte
	up       bool         // the bus was there as the newest tick began
	link     uint64       // number of the connection to the bus at the newest tick
	unsaid   metric.Flags // that the next ledger record has to say
	last     time.Time    // tick before this
	recorded time.Time    // tick of the newest ledger record
	boot     func() int64 // nanoseconds since boot, 0 if unknown
	boottime int64        // by boot at the newest tick, with wall to tell a clock step
	wall     time.Time
	merged   []*metric.Layout // what the views were made of
	views    views
	values   []metric.Raw
	picked   []metric.Raw
	looked   time.Time // when say last looked

	mu   sync.Mutex
	acks []wire.Ack // arrived since the last tick; the newest few

	ticks, skipped, batches, spooled, lost, bytes, unmade, putOff, restated *metrics.Counter
	taking                                                                  *metrics.Histogram
}

// Run is the collector: it reads and sends until ctx ends.
func Run(ctx context.Context, c *Config, log *slog.Logger) error {
	if c.Simulated {
		log.Info("all that is read is marked as a model's", "site", c.Site)
	}
	sources, found := sources(c, log)
	for _, f := range found {
		f.log(log)
	}
	err := run(ctx, c, sources, metrics.NewSet(), log)
	return errors.Join(err, closeAll(sources))
}

func run(ctx context.Context, c *Config, sources []Scheduled, set *metrics.Set, log *slog.Logger) (err error) {
	a := &agent{
		c: c, log: log, self: newSelf(c, sources), boot: boottime,
		ticks: set.NewCounter(metricTicks), skipped: set.NewCounter(metricSkipped), batches: set.NewCounter(metricBatches),
		spooled: set.NewCounter(metricSpooled), lost: set.NewCounter(metricLost), bytes: set.NewCounter(metricBytes),
		unmade: set.NewCounter(metricUnmade), putOff: set.NewCounter(metricPutOff), restated: set.NewCounter(metricRestated), taking: set.NewHistogram(metricTickTaking),
	}
	if c.boot != nil {
		a.boot = c.boot
	}
	for _, s := range sources {
		a.runners = append(a.runners, newRunner(s))
		if r, ok := s.Source.(reviser); ok {
			a.restater = newRestater(r, c, log)
		}
	}
	if err := a.openSpools(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.backlog.Close(), a.ledger.Close()) }()
	set.NewGauge(metricUnacked, func() float64 { return float64(a.ledger.records.Stats().Waiting) })
	if a.bus, err = Connect(c.Bus, c.Agent, log, func() {}); err != nil {
		return err
	}
	defer a.bus.Close()
	if _, err := a.bus.Subscribe(wire.AckSubject(c.Site, c.Agent), a.heard); err != nil {
		return fmt.Errorf("listen for acknowledgements: %w", err)
	}
	group, ctx := errgroup.WithContext(ctx)
	for _, r := range a.runners {
		go r.run(ctx) // not joined: a hung call may never return
	}
	for _, r := range a.runners {
		if s, ok := r.Source.(worker); ok {
			group.Go(func() error { return s.Run(ctx) })
		}
	}
	group.Go(func() error {
		ticks(ctx, c.Interval, func(now time.Time, skipped int) { a.tick(ctx, now, skipped) })
		return nil
	})
	if c.Listen != "" {
		group.Go(func() error { return serveMetrics(ctx, c.Listen, set) })
	}
	err = group.Wait()
	a.part()
	return err
}

func (a *agent) openSpools() (err error) {
	a.backlog, err = spool.Open(spool.Config{
		Dir: filepath.Join(a.c.Spool.Dir, "telemetry"), MaxBytes: a.c.Spool.TelemetryBytes, MaxAge: a.c.Spool.TelemetryAge,
		Policy: spool.DropOldest, Resume: true, Logger: a.log,
	})
	if err != nil {
		return fmt.Errorf("open telemetry spool: %w", err)
	}
	a.ledger, err = OpenRecorder(RecorderConfig{
		Site: a.c.Site, Agent: a.c.Agent, Dir: filepath.Join(a.c.Spool.Dir, "ledger"), MaxBytes: a.c.Spool.LedgerBytes,
		Incarnation: a.backlog.Incarnation(), Late: a.putOff.Inc, Logger: a.log,
	})
	if err != nil {
		return errors.Join(err, a.backlog.Close())
	}
	a.send = newTelemetryLane(a.c.Site, a.c.Agent, a.ledger.incarnation)
	a.replayed = a.backlog.Acked()
	return nil
}

// heard queues an acknowledgement for the next tick; called by the connection.
func (a *agent) heard(m *nats.Msg) {
	ack, err := wire.ParseAck(m.Data)
	if err != nil {
		a.log.Warn("acknowledgement refused", "error", err)
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.acks) == 16 {
		a.acks = a.acks[1:]
	}
	a.acks = append(a.acks, ack)
}

// boottime is the nanoseconds since boot, sleep included; 0 where the kernel
// does not say.
func boottime() int64 {
	var t unix.Timespec
	if unix.ClockGettime(unix.CLOCK_BOOTTIME, &t) != nil {
		return 0
	}
	return t.Nano()
}
