package main

import (
	"context"
	"os"
	"runtime/debug"
	"time"
)

// How much garbage may pile up beside what lives, in percent. Most of the heap is
// series that stay for hours, so that less than as much again is plenty. While a
// site's backlog is taken in, garbage comes faster than what lives is looked through
// beside it; whoever makes some must help then, and the present waits, unless there is
// room. GOGC in the environment says otherwise.
const (
	garbage       = 50
	garbageBehind = 100
)

// look is how often it is looked at what came: about as often as each agent speaks.
const look = 10 * time.Second

// settled is how long a backlog must have ended, for the records of many agents come
// in no order.
const settled = 30 * time.Second

// setGarbage is [debug.SetGCPercent], unless the environment says otherwise.
func setGarbage(percent int) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(percent)
	}
}

// tidy says how much garbage may pile up, by how many records the ledger lane has taken
// and how many of them were of the past, until ctx ends.
func tidy(ctx context.Context, taken func() (records, old uint64), set func(percent int)) {
	every := time.NewTicker(look)
	defer every.Stop()
	percent := garbage
	var behind time.Time // when it was, last
	var records, old uint64
	for {
		select {
		case <-ctx.Done():
			return
		case <-every.C:
		}
		r, o := taken()
		if o-old > (r-records)/2 { // of one host with a slow clock it is less
			behind = time.Now()
		}
		records, old = r, o
		want := garbage
		if time.Since(behind) < settled {
			want = garbageBehind
		}
		if want != percent {
			percent = want
			set(percent)
		}
	}
}
