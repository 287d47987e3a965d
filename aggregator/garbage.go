package main

import (
	"context"
	"os"
	"runtime/debug"
	"time"
)

// How much garbage may pile up beside what lives, in percent. Most of the heap is
// series that stay for hours, so that less than as much again is plenty. While a
// site's backlog is taken in there is so much that to look through what lives as
// often would hold up the present. GOGC in the environment says otherwise.
const (
	garbage       = 50
	garbageBehind = 100
)

// behind is how far the ledger lane is behind while a backlog is taken in.
const behind = time.Minute

// setGarbage is [debug.SetGCPercent], unless the environment says otherwise.
func setGarbage(percent int) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(percent)
	}
}

// tidy says how much garbage may pile up, by how far the ledger lane is behind, until
// ctx ends.
func tidy(ctx context.Context, lag func() (time.Duration, bool), set func(percent int)) {
	every := time.NewTicker(time.Second)
	defer every.Stop()
	for percent := garbage; ; {
		select {
		case <-ctx.Done():
			return
		case <-every.C:
		}
		want := garbage
		if l, ok := lag(); ok && l > behind {
			want = garbageBehind
		}
		if want != percent { // to set it stops the world for a moment
			percent = want
			set(percent)
		}
	}
}
