package desk

import (
	"context"
	"time"
)

// Keep makes the records of the year that is, whenever what they are made of has changed, until ctx
// ends: of a gigafactory one takes half a minute, for which nobody who opens the report should wait.
// It looks every so often, the first time after that, and only while ready.
func (d *Desk) Keep(ctx context.Context, every time.Duration, ready func() bool) {
	tried := map[yearOf]string{} // what there is; one that could not be made is not made again of the same
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if !ready() {
			continue
		}
		sites := d.c.Sites()
		for _, s := range sites[:min(len(sites), mostDrafts-1)] { // one is left for what is asked for
			key := yearOf{s.Site.Token, d.c.Now().In(s.Site.TimeZone).Year()}
			if d.kept(key, s) != nil {
				continue
			}
			if state := d.stateOf(key); tried[key] != state {
				tried[key] = state
				_, _ = d.draft(ctx, key.site, key.year) // a failure is logged, and told to who asks
			}
		}
	}
}
