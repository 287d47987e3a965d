package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/bus"
	"github.com/gigawatch/gigawatch/aggregator/internal/durable"
	"github.com/gigawatch/gigawatch/aggregator/internal/stream"
)

// reach passes ticks on and remembers, over a restart too, when the bus had the
// newest of them. The samples in the store do not say: they bear the clocks of
// their hosts, of which some are fast, and roll-ups go on while no lane is read.
type reach struct {
	stream.Sink
	file string
	log  *slog.Logger

	at atomic.Int64 // milliseconds since 1970; 0: nothing came yet
}

// reachFile is in the data folder.
const reachFile = "telemetry-reached"

// saveEvery is how much more than the overlap is read again after a crash.
const saveEvery = 10 * time.Second

// Tick implements stream.Sink.
func (r *reach) Tick(t *stream.Tick) {
	r.Sink.Tick(t)
	r.at.Store(t.Received.UnixMilli())
}

// Run saves until ctx ends, and once more.
func (r *reach) Run(ctx context.Context) error {
	tick := time.NewTicker(saveEvery)
	defer tick.Stop()
	for saved := int64(0); ; {
		var err error
		if at := r.at.Load(); at != saved {
			saved, err = at, r.save(time.UnixMilli(at))
		}
		if ctx.Err() != nil {
			return err
		}
		if err != nil {
			r.log.Warn("after a restart more telemetry will be read again", "error", err)
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

// save replaces the file.
func (r *reach) save(at time.Time) error {
	if err := durable.Replace(r.file, []byte(at.UTC().Format(time.RFC3339Nano)+"\n"), 0o644); err != nil {
		return fmt.Errorf("save how far telemetry was read: %w", err)
	}
	return nil
}

// load is what was saved last; the zero time if nothing was.
func (r *reach) load() (time.Time, error) {
	b, err := os.ReadFile(r.file)
	if errors.Is(err, fs.ErrNotExist) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("ask how far telemetry was read: %w", err)
	}
	at, err := time.Parse(time.RFC3339Nano, strings.TrimSpace(string(b)))
	if err != nil {
		return time.Time{}, fmt.Errorf("ask how far telemetry was read: %s: %w", r.file, err)
	}
	return at, nil
}

// since is where the telemetry lane is read from. A store that is new wants none
// of the past.
func (n *node) since(now time.Time) time.Time {
	head := n.store.DB().Head()
	if head.NumSeries() == 0 {
		return now.Add(-overlap)
	}
	at, err := n.reach.load()
	if err != nil {
		n.log.Warn("telemetry is read again from about the newest sample", "error", err)
	}
	if at.IsZero() {
		at = time.UnixMilli(head.MaxTime())
	}
	return resume(at, now)
}

// overlap is read again after a restart, so that layouts are found: agents
// repeat theirs every minute.
const overlap = 90 * time.Second

// resume is a little before what was reached, no later than that before now,
// whatever the clocks say, and no further back than the lane keeps.
func resume(reached, now time.Time) time.Time {
	if reached.After(now) {
		reached = now
	}
	from, oldest := reached.Add(-overlap), now.Add(-bus.TelemetryAge)
	if from.Before(oldest) {
		return oldest
	}
	return from
}
