package main

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestMoreGarbageMayPileUpWhileABacklogIsTakenIn(t *testing.T) {
	const normal, more = garbage, garbageBehind
	for name, tc := range map[string]struct {
		records, old uint64 // at a time, for two minutes after two of the present
		every        int    // seconds
		want         []int
	}{
		"a backlog":                   {1000, 990, 1, []int{more, normal}},
		"half of it is of the past":   {1000, 500, 1, nil},
		"one host with a slow clock":  {1000, 1, 1, nil},
		"it comes in bursts":          {1000, 990, 25, []int{more, normal}},
		"a few hosts, one slow clock": {10, 1, 10, nil},
		"nobody says a word":          {0, 0, 1, nil},
		"a site of one agent, behind": {1, 1, 10, []int{more, normal}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, stop := context.WithCancel(t.Context())
				var records, old atomic.Uint64
				var set []int
				ended := make(chan struct{})
				go func() {
					defer close(ended)
					tidy(ctx, func() (uint64, uint64) { o := old.Load(); return records.Load(), o }, func(percent int) { set = append(set, percent) })
				}()
				for second := range 360 {
					if second/120 == 1 {
						if second%tc.every == 0 {
							records.Add(tc.records)
							old.Add(tc.old)
						}
					} else {
						records.Add(1000)
					}
					time.Sleep(time.Second)
				}
				stop()
				<-ended
				if !slices.Equal(set, tc.want) {
					t.Errorf("set to %d, want %d", set, tc.want)
				}
			})
		})
	}
}
