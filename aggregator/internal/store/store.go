package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	vm "github.com/VictoriaMetrics/metrics"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
)

// Config says where the series are kept, how finely and for how long. A zero
// value takes the default.
type Config struct {
	Dir        string
	Interval   time.Duration // between two points of a moving value; 10 s
	Heartbeat  time.Duration // a value that does not change is written this often; 2 min, at most 4
	Retention  time.Duration // age at which a block goes; 15 days
	MaxBytes   int64         // size of all blocks at which the oldest goes; 0: no limit
	OutOfOrder time.Duration // how late a sample may be behind newer ones of its series; 0: not at all
	Late       int           // series that may have such samples at once, at 1.7 kB each until the next block is cut; 1,000,000
	Block      time.Duration // length of the first blocks; 1 h
	MaxBlock   time.Duration // length up to which blocks are merged while they are small; 27 h, but a tenth of the retention
	Agents     int           // that a writer remembers; ticks of more are refused; 65,536
	Quota      int           // series that an agent may add in the length of a block, so that names which change all the time end; 50,000
	Creations  int           // series a writer may make in a second, so that a fleet's arrival leaves processor time; 40,000

	RemoteWrite []Remote

	Now     func() time.Time // samples from further ahead than ten minutes are refused; time.Now
	Logger  *slog.Logger
	Metrics *vm.Set
}

const (
	lookback = 5 * time.Minute  // PromQL's
	ahead    = 10 * time.Minute // of now, past which a sample's time is not believed
)

func (c Config) withDefaults() (Config, error) {
	if c.Dir == "" {
		return c, errors.New("no directory")
	}
	for _, d := range []struct {
		name  string
		value *time.Duration
		unset time.Duration
	}{
		{"interval", &c.Interval, 10 * time.Second},
		{"heartbeat", &c.Heartbeat, 2 * time.Minute},
		{"retention", &c.Retention, 15 * 24 * time.Hour},
		{"out-of-order window", &c.OutOfOrder, 0},
		{"block", &c.Block, time.Hour},
		{"greatest block", &c.MaxBlock, 0},
	} {
		if *d.value < 0 {
			return c, fmt.Errorf("%s %v is negative", d.name, *d.value)
		}
		if *d.value == 0 {
			*d.value = d.unset
		}
	}
	if c.MaxBlock == 0 {
		c.MaxBlock = max(c.Block, min(27*time.Hour, c.Retention/10))
	}
	if c.Interval%time.Second != 0 || c.Interval > time.Minute {
		return c, fmt.Errorf("interval %v is not whole seconds up to a minute", c.Interval)
	}
	if c.Heartbeat < c.Interval || c.Heartbeat > lookback-time.Minute {
		return c, fmt.Errorf("heartbeat %v is not between the interval and %v", c.Heartbeat, lookback-time.Minute)
	}
	if c.Agents == 0 {
		c.Agents = 1 << 16
	}
	if c.Quota == 0 {
		c.Quota = 50_000
	}
	if c.Creations == 0 {
		c.Creations = 40_000
	}
	if c.Late == 0 {
		c.Late = 1_000_000
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Metrics == nil {
		c.Metrics = vm.NewSet()
	}
	return c, nil
}

// A Store is the open database. It may be queried by many goroutines; each
// goroutine that writes has a [Writer] of its own.
type Store struct {
	config   Config
	db       *tsdb.DB
	stats    *tsdb.DBStats
	opened   int64      // time of the newest sample when it was opened
	remote   *forwarder // nil: nothing is sent on
	symbols  *labels.SymbolTable
	metrics  *counters
	registry *prometheus.Registry // of the TSDB's and remote write's own metrics
	closed   atomic.Bool
}

// Open opens or makes the database in c.Dir, and returns when it has read back
// what had not reached a block: seconds for a million samples.
func Open(c Config) (*Store, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	s := &Store{config: c, stats: tsdb.NewDBStats(), symbols: labels.NewSymbolTable(), registry: prometheus.NewRegistry()}
	s.metrics = newCounters(c.Metrics)
	if err := s.setAside(); err != nil {
		return nil, fmt.Errorf("open store in %s: %w", c.Dir, err)
	}
	s.db, err = tsdb.Open(c.Dir, c.Logger, s.registry, options(c), s.stats)
	if err != nil {
		return nil, fmt.Errorf("open store in %s: %w", c.Dir, err)
	}
	s.opened = s.db.Head().MaxTime()
	if len(c.RemoteWrite) > 0 {
		if s.remote, err = forward(c, s.registry); err != nil {
			return nil, errors.Join(fmt.Errorf("open store in %s: %w", c.Dir, err), s.db.Close())
		}
		s.db.SetWriteNotified(s.remote)
	}
	s.metrics.watch(c.Metrics, s.db)
	c.Metrics.RegisterMetricsWriter(s.writeSelf)
	return s, nil
}

// Close sends on what can be sent on at once and closes the database. Writers
// commit before.
func (s *Store) Close() error {
	var err error
	if s.remote != nil {
		err = s.remote.Close()
	}
	s.metrics.unwatch()
	s.closed.Store(true)
	if err = errors.Join(err, s.db.Close()); err != nil {
		return fmt.Errorf("close store in %s: %w", s.config.Dir, err)
	}
	return nil
}

// DB is the database itself: what Prometheus' packages ask for as queryable,
// exemplar queryable, appendable.
func (s *Store) DB() *tsdb.DB { return s.db }

// Querier, ChunkQuerier and ExemplarQuerier read; together with the methods
// below they are what web/api/v1 and rules need.
func (s *Store) Querier(mint, maxt int64) (storage.Querier, error) { return s.db.Querier(mint, maxt) }

// ChunkQuerier reads chunks as they are stored.
func (s *Store) ChunkQuerier(mint, maxt int64) (storage.ChunkQuerier, error) {
	return s.db.ChunkQuerier(mint, maxt)
}

// ExemplarQuerier finds nothing: no exemplars are stored.
func (s *Store) ExemplarQuerier(ctx context.Context) (storage.ExemplarQuerier, error) {
	return s.db.ExemplarQuerier(ctx)
}

// Appender is for rules: what they record is stored, and sent on, as any series.
func (s *Store) Appender(ctx context.Context) storage.Appender { return s.db.Appender(ctx) }

// AppenderV2 is Appender, as newer packages ask for it.
func (s *Store) AppenderV2(ctx context.Context) storage.AppenderV2 { return s.db.AppenderV2(ctx) }

// StartTime is the time of the oldest sample, in milliseconds.
func (s *Store) StartTime() (int64, error) { return s.db.StartTime() }

// Stats says how many series there are by label, which is costly to find out.
func (s *Store) Stats(label string, limit int) (*tsdb.Stats, error) {
	return s.db.Head().Stats(label, limit), nil
}

// WALReplayStatus says how far opening has come.
func (s *Store) WALReplayStatus() (tsdb.WALReplayStatus, error) {
	return s.stats.Head.WALReplayStatus.GetWALReplayStatus(), nil
}

// BlockMetas describes the blocks on disk.
func (s *Store) BlockMetas() ([]tsdb.BlockMeta, error) { return s.db.BlockMetas(), nil }

// errReadOnly answers what the HTTP API could ask for but may not.
var errReadOnly = errors.New("the store is changed by its writers only")

// Delete is refused.
func (s *Store) Delete(context.Context, int64, int64, ...*labels.Matcher) error { return errReadOnly }

// CleanTombstones is refused.
func (s *Store) CleanTombstones() error { return errReadOnly }

// Snapshot writes all blocks, with the head if it is asked for, to dir.
func (s *Store) Snapshot(dir string, head bool) error { return s.db.Snapshot(dir, head) }
