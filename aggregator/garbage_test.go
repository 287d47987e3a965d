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
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		var late atomic.Int64
		late.Store(-1) // nothing was heard
		var set []int
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			tidy(ctx, func() (time.Duration, bool) { return time.Duration(late.Load()), late.Load() >= 0 }, func(percent int) { set = append(set, percent) })
		}()
		for _, lag := range []time.Duration{-1, 10 * time.Second, time.Hour, 2 * time.Minute, 20 * time.Second, 0} {
			late.Store(int64(lag))
			time.Sleep(10 * time.Second)
		}
		stop()
		<-ended
		if want := []int{garbageBehind, garbage}; !slices.Equal(set, want) {
			t.Errorf("set to %d, want %d", set, want)
		}
	})
}
