package agent

import (
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/gigawatch/gigawatch/collector/internal/spool"
	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/wire"
)

// Disk and File are what a recorder's spool needs of a file system.
type (
	Disk = spool.Disk
	File = spool.File
)

// A RecorderConfig says whose records a recorder keeps, and where.
type RecorderConfig struct {
	Site, Agent string
	Dir         string        // of the spool
	MaxBytes    int64         // of the spool; 0: its default
	SyncEvery   time.Duration // of the spool; 0: its default
	Disk        Disk          // nil: the operating system's
	Incarnation uint64        // that the recorder's is not to be below
	Late        func()        // counts records that were put off; nil: nobody does
	Logger      *slog.Logger
}

// A Recorder is an agent's ledger lane over its spool, without a schedule: who
// holds it says when it reads and sends, and hands it what the aggregator said.
// Owned by one goroutine.
type Recorder struct {
	*ledgerLane
	records *spool.Spool
	passing atomic.Uint64 // incarnation of the record sent last
	log     *slog.Logger
}

// OpenRecorder goes on after the newest record of the spool.
func OpenRecorder(c RecorderConfig) (*Recorder, error) {
	r := &Recorder{log: c.Logger}
	var err error
	r.records, err = spool.Open(spool.Config{
		Dir: c.Dir, MaxBytes: c.MaxBytes, SyncEvery: c.SyncEvery, Policy: spool.Thin, Disk: c.Disk, Logger: c.Logger,
		Gap: func(first, last uint64, near []byte) []byte { return r.gap(c.Site, c.Agent, first, last, near) },
	})
	if err != nil {
		return nil, fmt.Errorf("open ledger spool: %w", err)
	}
	last, _ := r.records.Last()
	r.ledgerLane = newLedgerLane(c.Site, c.Agent, r.records, max(r.records.Incarnation(), c.Incarnation), last)
	r.ledgerLane.passing = &r.passing
	if err := r.follow(); err != nil {
		r.log.Error("newest ledger record not read", "error", err) // the lane sends it nevertheless, or what it can
	}
	if c.Late != nil {
		r.late = c.Late
	}
	return r, nil
}

// gap stands for ledger records first to last that the spool no longer holds.
func (r *Recorder) gap(site, agent string, first, last uint64, near []byte) []byte {
	// Of the incarnation of what was removed or, failing that, of what was sent
	// before it: one that is too new would make zombies of the records after it.
	b := metric.Batch{
		Site: site, Agent: agent, Lane: metric.Ledger, Flags: metric.Gap,
		Sequence: last, Skipped: last - first + 1, Time: time.Now().UnixMilli(), Ticks: 1,
		Incarnation: max(1, r.passing.Load()),
	}
	var m wire.Message
	if len(near) > 0 && m.Parse(near) == nil {
		b.Incarnation, b.Time = m.Incarnation, m.Time
	}
	out, err := appendGap(nil, &b)
	if err != nil {
		r.log.Error("gap not written", "error", err)
	}
	return out
}

// Record queues the readings of one moment as the next record.
func (r *Recorder) Record(now time.Time, boottime int64, flags metric.Flags, layout *metric.Layout, values []metric.Raw) error {
	return r.record(now, boottime, flags, layout, values)
}

// Pace is how many records may be sent now, so that a site's past leaves room for its
// present.
func (r *Recorder) Pace(now time.Time) int { return r.pace(now) }

// Pump publishes up to limit records that were not sent yet, and again what has
// waited too long for a word of the aggregator.
func (r *Recorder) Pump(p Publisher, now time.Time, limit int) error { return r.pump(p, now, limit) }

// Heard takes the aggregator's word.
func (r *Recorder) Heard(p Publisher, a wire.Ack, now time.Time) error { return r.ack(p, a, now) }

// Reconnected has all that is not durable sent again: the connection was another.
func (r *Recorder) Reconnected(now time.Time) { r.rewind(now) }

// Standing is the newest record that was taken, and the newest that is durable at
// the aggregator.
func (r *Recorder) Standing() (last, durable uint64) { return r.last, r.acked }

// Degraded reports whether records are in memory only because the disk refuses
// them.
func (r *Recorder) Degraded() bool { return r.records.Degraded() }

// Sync makes durable what was recorded.
func (r *Recorder) Sync() error { return r.records.Sync() }

// Close gives the spool back.
func (r *Recorder) Close() error { return r.records.Close() }
