package stream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/durable"
	"github.com/gigawatch/gigawatch/collector/metric"
)

const (
	heldVersion = 1
	keepEvery   = 5 * time.Second
)

// keptHeld is the file of who is held.
type keptHeld struct {
	Version int    `json:"version"`
	Agents  []Held `json:"agents"`
}

// Run keeps what changes, until ctx ends. Who was put into quarantine in the seconds
// before a crash is heard again after it, until it has said too much again.
func (q *Quarantine) Run(ctx context.Context) error {
	every := time.NewTicker(keepEvery)
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			q.keep()
			return nil
		case now := <-every.C:
			q.mu.Lock()
			q.forget(now)
			changed := q.changed
			q.mu.Unlock()
			if changed {
				q.keep()
			}
		}
	}
}

// keep replaces the file.
func (q *Quarantine) keep() {
	if q.c.File == "" {
		return
	}
	q.keeping.Lock()
	defer q.keeping.Unlock()
	q.mu.Lock()
	q.changed = false
	q.mu.Unlock()
	b, err := json.Marshal(keptHeld{heldVersion, q.Held()})
	if err == nil {
		err = durable.Replace(q.c.File, b, 0o600)
	}
	if err != nil {
		q.mu.Lock()
		q.changed = true // it is tried again
		q.mu.Unlock()
		if !q.unkept {
			q.c.Logger.Warn("who is in quarantine is not kept on disk", "error", err)
		}
	}
	q.unkept = err != nil
}

// recall takes up who was held. A file that cannot be used is put aside and said:
// whoever goes on forging is soon held anew.
func (q *Quarantine) recall(now time.Time) {
	if q.c.File == "" || !q.c.Known {
		return
	}
	b, err := os.ReadFile(q.c.File)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	var k keptHeld
	if err == nil {
		err = json.Unmarshal(b, &k)
	}
	if err == nil && k.Version != heldVersion {
		err = fmt.Errorf("it is of version %d, and this program knows %d", k.Version, heldVersion)
	}
	if err != nil {
		q.c.Logger.Warn("who was in quarantine is not known", "file", q.c.File, "error", errors.Join(err, os.Rename(q.c.File, q.c.File+".damaged")))
		return
	}
	for _, h := range k.Agents[:min(len(k.Agents), mostHeld)] {
		if !metric.ValidName(h.Site) || !metric.ValidName(h.Agent) {
			continue
		}
		if most := now.Add(quarantineFor); h.Until.After(most) { // the clock was set back
			h.Until = most
		}
		q.held[heldKey(h.Site, h.Agent)] = &h
	}
}
