package ledger

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// Imports are those of a site, the oldest first.
func (l *Ledger) Imports(site string) ([]account.Imported, error) {
	type cell struct {
		meter   string
		metric  metric.Number
		quarter uint8
		quality metric.Quality
		by      string
	}
	all, meters := map[string]*account.Imported{}, map[string]map[string]bool{}
	for _, number := range l.correctedHours(site) {
		v := l.look(site, number)
		newest := map[cell]*account.Correction{}
		take := func(h *account.Hour) {
			for i := range h.Corrected {
				c := &h.Corrected[i]
				k := cell{c.Meter, c.Metric, c.Quarter, c.Quality, c.Import}
				if was := newest[k]; was == nil || c.At >= was.At {
					newest[k] = c
				}
			}
		}
		for i := range v.files {
			if v.leaves[i].what != leafMeter {
				continue
			}
			h, err := l.front(&v, i)
			if err != nil {
				return nil, fmt.Errorf("read imports of %s: %w", site, err)
			}
			take(h)
		}
		for _, h := range v.fronts {
			take(h)
		}
		for k, c := range newest {
			at := number*hourMs + int64(k.quarter)*quarterMs
			x := all[c.Import]
			if x == nil {
				x = &account.Imported{ID: c.Import, From: at}
				all[c.Import], meters[c.Import] = x, map[string]bool{}
			}
			meters[c.Import][c.Meter] = true
			x.From, x.To = min(x.From, at), max(x.To, at+quarterMs)
			if c.At >= x.At {
				x.At, x.Reason = c.At, c.Reason
			}
			switch {
			case c.Withdrawn:
				x.Withdrawn++
			case c.Quality == metric.Corrected:
				x.Corrected++
			case c.Quality == metric.Manual:
				x.Manual++
			default:
				x.Estimated++
			}
		}
	}
	out := make([]account.Imported, 0, len(all))
	for id, x := range all {
		x.Meters = slices.Sorted(maps.Keys(meters[id]))
		out = append(out, *x)
	}
	slices.SortFunc(out, func(a, b account.Imported) int { return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.ID, b.ID)) })
	return out, nil
}

// Knows reports whether a register of a meter was read of late, as far as the last
// hours that were counted show.
func (l *Ledger) Knows(site, meter string, n metric.Number) (bool, error) {
	last := l.lastCounted(site)
	for number := last; number >= 0 && number > last-3; number-- {
		v := l.look(site, number)
		s, err := l.sheet(&v, nil)
		if err != nil {
			return false, fmt.Errorf("look for meter %s of %s: %w", meter, site, err)
		}
		if s.Knows(meter, n) {
			return true, nil
		}
	}
	return false, nil
}

// lastCounted is the last hour of which a site has booked anything, -1 if there is
// none.
func (l *Ledger) lastCounted(site string) int64 {
	l.mu.RLock()
	defer l.mu.RUnlock()
	last := int64(-1)
	if g := l.logs[site]; g != nil {
		for i := len(g.leaves) - 1; i >= 0 && last < 0; i-- {
			if g.leaves[i].counted() {
				last = g.leaves[i].number
			}
		}
	}
	for _, r := range l.state.CountedHours(site) {
		if !r.Late {
			last = max(last, r.Number)
		}
	}
	return last
}

// Waiting is how many corrections of a site wait to be sealed.
func (l *Ledger) Waiting(site string) int {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.state.Waiting(site)
}

// Ripen lets the next commits seal what waits of a site.
func (l *Ledger) Ripen(site string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.state.Ripen(site)
	l.changed = true
}

// Kept waits until all corrections that were taken are durable.
func (l *Ledger) Kept(ctx context.Context) error {
	l.mu.RLock()
	want := l.amended
	l.mu.RUnlock()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		l.mu.RLock()
		kept, damaged := l.kept, l.damaged
		l.mu.RUnlock()
		switch {
		case damaged != nil:
			return damaged
		case kept >= want:
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait until corrections are durable: %w", ctx.Err())
		case <-tick.C:
		}
	}
}
