package main

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/gigawatch/gigawatch/aggregator/internal/bus"
)

// busClock knows how far the bus's clock is ahead of ours: by it arrivals are told, and
// who is silent.
type busClock struct {
	js   jetstream.JetStream
	log  *slog.Logger
	is   atomic.Int64 // nanoseconds
	last time.Time    // when it was asked without success, for the log
}

const (
	clockEvery = 15 * time.Second
	clockWait  = 5 * time.Second
)

func (c *busClock) ahead() time.Duration { return time.Duration(c.is.Load()) }

// Run asks it until ctx ends.
func (c *busClock) Run(ctx context.Context) error {
	every := time.NewTicker(clockEvery)
	defer every.Stop()
	for {
		if err := c.ask(ctx); err != nil && ctx.Err() == nil && time.Since(c.last) > time.Hour {
			c.last = time.Now()
			c.log.Warn("the bus does not tell its time", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-every.C:
		}
	}
}

// ask holds the stream's own time against the middle of question and answer. A slow
// answer says too little.
func (c *busClock) ask(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, clockWait)
	defer cancel()
	began := time.Now()
	s, err := c.js.Stream(ctx, bus.Telemetry)
	if err != nil {
		return err
	}
	took := time.Since(began)
	if at := s.CachedInfo().TimeStamp; !at.IsZero() && took < time.Second {
		c.is.Store(int64(at.Sub(began.Add(took / 2))))
	}
	return nil
}
