package main

import (
	"encoding/hex"
	"fmt"
	"log/slog"

	"github.com/VictoriaMetrics/metrics"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/gigawatch/gigawatch/aggregator/internal/checkpoint"
	"github.com/gigawatch/gigawatch/aggregator/internal/ledger"
)

// MetricCheckpointsRefused counts how often a log was not signed because it is not
// the one that was signed before, or because that could not be told.
const MetricCheckpointsRefused = "gigawatch_checkpoints_refused_total"

// checkpoints signs how far each log reaches whenever it has grown. It is used by
// the goroutine that commits.
type checkpoints struct {
	folder  checkpoint.Folder
	ledger  *ledger.Ledger
	log     *slog.Logger
	refused *metrics.Counter
	last    map[string]ledger.Head // that was tried
}

func newCheckpoints(data string, l *ledger.Ledger, set *metrics.Set, log *slog.Logger) *checkpoints {
	return &checkpoints{checkpoint.NewFolder(data), l, log, set.GetOrCreateCounter(MetricCheckpointsRefused), map[string]ledger.Head{}}
}

// keep signs what has grown. What is refused is said once, and tried again when the
// log grows: the books go on.
func (c *checkpoints) keep() {
	for _, site := range c.ledger.Sites() {
		h, err := c.ledger.Head(site)
		if err == nil && (h.Leaves == 0 || h == c.last[site]) {
			continue
		}
		c.last[site] = h
		if err == nil {
			err = keepCheckpoint(c.folder, c.ledger, h)
		}
		if err != nil {
			c.refused.Inc()
			c.log.Error("the log of the ledger is not signed", "site", site, "leaves", h.Leaves, "error", err)
		}
	}
}

func keepCheckpoint(f checkpoint.Folder, l *ledger.Ledger, h ledger.Head) error {
	now, err := checkpointOf(h)
	if err != nil {
		return err
	}
	return f.Keep(h.Site, now, func(old checkpoint.Checkpoint) error { return l.Extends(headOf(h.Site, old)) })
}

// checkpointOf is how far a log reaches as it is signed.
func checkpointOf(h ledger.Head) (c checkpoint.Checkpoint, err error) {
	root, err := hex.DecodeString(h.Root)
	if err != nil || len(root) != tlog.HashSize {
		return c, fmt.Errorf("log of %s: %q is no hash", h.Site, h.Root)
	}
	return checkpoint.Checkpoint{Origin: checkpoint.Origin(h.Site), Size: h.Leaves, Root: tlog.Hash(root)}, nil
}

// signedPoint reads the newest checkpoint of a site, or the newest that a witness
// signed too.
func signedPoint(data string) func(site string, witnessed bool) ([]byte, error) {
	f := checkpoint.NewFolder(data)
	return func(site string, witnessed bool) ([]byte, error) {
		read := f.Newest
		if witnessed {
			read = f.Witnessed
		}
		signed, _, err := read(site)
		return signed, err
	}
}

func headOf(site string, c checkpoint.Checkpoint) ledger.Head {
	return ledger.Head{Site: site, Leaves: c.Size, Root: hex.EncodeToString(c.Root[:])}
}
