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
		records, old uint64 // a second, for a minute after a minute of the present
		want         []int
	}{
		"a backlog":                   {1000, 990, []int{more, normal}},
		"half of it is of the past":   {1000, 500, nil},
		"one host with a slow clock":  {1000, 1, nil},
		"nobody says a word":          {0, 0, nil},
		"a site of one agent, behind": {1, 1, []int{more, normal}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, stop := context.WithCancel(t.Context())
				var records, old atomic.Uint64
				var set []int
				ended := make(chan struct{})
				go func() {
					defer close(ended)
					tidy(ctx, func() (uint64, uint64) { return records.Load(), old.Load() }, func(percent int) { set = append(set, percent) })
				}()
				for second := range 180 {
					if second/60 == 1 {
						records.Add(tc.records)
						old.Add(tc.old)
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
