package store

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/util/compression"
)

// options are the TSDB's, where they differ from its defaults.
func options(c Config) *tsdb.Options {
	ms := func(d time.Duration) int64 { return d.Milliseconds() }
	o := tsdb.DefaultOptions()
	o.RetentionDuration = ms(c.Retention)
	o.MaxBytes = c.MaxBytes
	o.MinBlockDuration = ms(c.Block)
	o.MaxBlockDuration = ms(max(c.Block, c.MaxBlock))
	o.OutOfOrderTimeWindow = ms(c.OutOfOrder)
	o.WALCompression = compression.Snappy
	o.BlockQuerierFunc = readBlock
	// A reader may see one tick's commit half done; in return a series is
	// smaller by its ring of transactions.
	o.IsolationDisabled = true
	// Closing writes the head down, so that opening need not read the log back,
	// which takes four times as long.
	o.EnableMemorySnapshotOnShutdown = true
	// Each writer is one goroutine, so few locks do, and they stay in the cache.
	o.StripeSize = 1024
	// To merge blocks is to map them whole. Where they are large that saves little
	// and would be a good part of the memory, so large ones stay as they are cut.
	o.BlockCompactionExcludeFunc = func(m *tsdb.BlockMeta) bool { return m.Stats.NumSamples > mergeable }
	return o
}

// mergeable is the samples of a block above which it is not merged with others.
const mergeable = 100_000_000

// setAside renames blocks that cannot be read, so that one bad block does not
// keep the site from starting; what they held is lost, and said so.
func (s *Store) setAside() error {
	entries, err := os.ReadDir(s.config.Dir)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		if _, err := ulid.ParseStrict(e.Name()); err != nil || !e.IsDir() {
			continue
		}
		dir := filepath.Join(s.config.Dir, e.Name())
		b, err := tsdb.OpenBlock(s.config.Logger, dir, nil, nil)
		if err == nil {
			err = b.Close()
		}
		if err == nil {
			continue
		}
		s.config.Logger.Error("block unreadable, set aside", "block", dir, "err", err)
		s.metrics.setAside.Inc()
		if err := os.Rename(dir, filepath.Join(s.config.Dir, "unreadable-"+e.Name())); err != nil {
			return fmt.Errorf("set aside unreadable block: %w", err)
		}
	}
	return nil
}
