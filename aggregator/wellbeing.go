package main

import (
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/health"
	"github.com/gigawatch/gigawatch/aggregator/internal/stream"
)

// watched hands ticks of the present to health, on their way to the recording.
type watched struct {
	stream.Sink
	health *health.Health
}

// stalest is how old a tick may be and still be judged.
const stalest = 2 * time.Minute

// Tick implements stream.Sink.
func (w *watched) Tick(t *stream.Tick) {
	if !t.Late && t.Received.Sub(time.UnixMilli(t.Time)) < stalest {
		w.health.Observe(t.Key, t.Site, t.Layout, t.Time, t.Values)
	}
	w.Sink.Tick(t)
}

// doctor answers for health over HTTP.
type doctor struct{ *health.Health }

// Report implements query.Health.
func (d doctor) Report(site string, limit int) any { return d.Health.Report(site, limit, time.Now()) }
