package main

import (
	"context"
	"maps"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

// A cache keeps for a moment what many ask for at once: which things there are, for
// variables and sites; and figures, for as long as one dashboard asks. One asks, the others wait for the same answer. It belongs
// to one data source.
type cache struct {
	ctx   context.Context // of the data source; asks in its name, not in that of who asked first
	keep  time.Duration
	calls singleflight.Group

	mu    sync.Mutex
	known map[string]kept
}

type kept struct {
	value any
	at    time.Time
}

const (
	metadataKept = 15 * time.Second
	maxKept      = 256
)

func newCache(ctx context.Context, keep time.Duration) *cache {
	return &cache{ctx: ctx, keep: keep, known: map[string]kept{}}
}

func (c *cache) find(key string) (any, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k, ok := c.known[key]
	return k.value, ok && time.Since(k.at) < c.keep
}

// put keeps a value; the oldest gives way.
func (c *cache) put(key string, value any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	maps.DeleteFunc(c.known, func(_ string, k kept) bool { return now.Sub(k.at) >= c.keep })
	if _, ok := c.known[key]; !ok && len(c.known) >= maxKept {
		oldest, at := "", now
		for k, v := range c.known {
			if !v.at.After(at) {
				oldest, at = k, v.at
			}
		}
		delete(c.known, oldest)
	}
	c.known[key] = kept{value, now}
}

// cached is what ask gives for key. A failure is not kept.
func cached[T any](ctx context.Context, c *cache, key string, ask func(context.Context) (T, error)) (T, error) {
	var none T
	if v, ok := c.find(key); ok {
		return v.(T), nil
	}
	done := c.calls.DoChan(key, func() (v any, err error) {
		defer recovered(&err)
		if v, ok := c.find(key); ok {
			return v, nil
		}
		t, err := ask(c.ctx)
		if err == nil {
			c.put(key, t)
		}
		return t, err
	})
	select {
	case <-ctx.Done():
		return none, ctx.Err()
	case r := <-done:
		if r.Err != nil {
			return none, r.Err
		}
		return r.Val.(T), nil
	}
}
