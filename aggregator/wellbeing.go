package main

import (
	"github.com/gigawatch/gigawatch/aggregator/internal/health"
	"github.com/gigawatch/gigawatch/aggregator/internal/rule"
	"github.com/gigawatch/gigawatch/aggregator/internal/stream"
)

// watched hands ticks to health, and to what looks for alerts, on their way to the
// recording.
type watched struct {
	stream.Sink
	health *health.Health
	alerts *rule.Evaluator // set before the first tick
}

// Tick implements stream.Sink.
func (w *watched) Tick(t *stream.Tick) {
	w.health.Observe(health.Tick{Key: t.Key, Site: t.Site, Layout: t.Layout, Millis: t.Time, Values: t.Values, Received: t.Received, Late: t.Late})
	toAlerts(w.alerts, t)
	w.Sink.Tick(t)
}
