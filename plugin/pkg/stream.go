package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/gigawatch/gigawatch/aggregator/query"
)

// SubscribeStream says whether a channel is one of this data source: its path is
// one, and its token may read its site. Grafana asks for every subscriber.
func (d *instance) SubscribeStream(ctx context.Context, req *backend.SubscribeStreamRequest) (*backend.SubscribeStreamResponse, error) {
	c, ok := parseChannel(req.Path)
	if !ok {
		return &backend.SubscribeStreamResponse{Status: backend.SubscribeStreamStatusNotFound}, nil
	}
	sites, _, err := d.fleet.chosen(ctx, c.site)
	var m *mistake
	switch {
	case errors.As(err, &m):
		return &backend.SubscribeStreamResponse{Status: backend.SubscribeStreamStatusPermissionDenied}, nil
	case err != nil:
		return nil, err
	case len(sites) != 1:
		return &backend.SubscribeStreamResponse{Status: backend.SubscribeStreamStatusNotFound}, nil
	}
	return &backend.SubscribeStreamResponse{Status: backend.SubscribeStreamStatusOK}, nil
}

// PublishStream takes nothing: nobody writes into a stream.
func (d *instance) PublishStream(context.Context, *backend.PublishStreamRequest) (*backend.PublishStreamResponse, error) {
	return &backend.PublishStreamResponse{Status: backend.PublishStreamStatusPermissionDenied}, nil
}

// Pauses between two tries to reach an aggregator.
const (
	shortPause = time.Second
	longPause  = 30 * time.Second
)

// RunStream sends a frame a second while Grafana has subscribers. An aggregator
// that is gone is tried again; a right that is gone ends the stream.
func (d *instance) RunStream(ctx context.Context, req *backend.RunStreamRequest, sender *backend.StreamSender) error {
	c, ok := parseChannel(req.Path)
	if !ok {
		return wrong("channel %q is not known; write live/BY/SITE or live/BY/SITE/BOUNDARY", req.Path)
	}
	select {
	case d.streams <- struct{}{}:
		defer func() { <-d.streams }()
	default:
		return wrong("%d streams are open, as many as this data source may have; raise limits.streams in its settings", cap(d.streams))
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(d.ctx, cancel)() // settings that changed end it; Grafana asks anew

	defer func() {
		if n := d.dropped.Swap(0); n > 0 {
			d.log.Warn("seconds of streams were lost to slow readers", "seconds", n)
		}
	}()
	pause := shortPause
	for {
		began := time.Now()
		err := d.relay(ctx, c, sender)
		var m *mistake
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.As(err, &m):
			return err
		case refusedFor(err):
			return err
		}
		if time.Since(began) > longPause {
			pause = shortPause
		}
		d.log.Warn("stream interrupted", "path", c.path(), "error", err, "again_in", pause)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause + rand.N(pause/4)): // #nosec G404 -- spreads callers; no secret
		}
		pause = min(2*pause, longPause)
	}
}

// relay sends what an aggregator streams, until that ends. Only the newest second
// waits for a sender that is slow.
func (d *instance) relay(ctx context.Context, c channel, sender *backend.StreamSender) error {
	sites, _, err := d.fleet.chosen(ctx, c.site)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	newest := make(chan *query.LiveEvent, 1)
	ended := make(chan error, 1)
	go func() {
		var err error
		defer func() { ended <- err }()
		defer recovered(&err)
		err = sites[0].by.live.Live(ctx, c.question(), func(r *query.LiveEvent) error {
			d.dropped.Add(uint64(r.Lost)) // #nosec G115 -- a count
			select {
			case <-newest:
				d.dropped.Add(1)
			default:
			}
			newest <- r // this is the only one that fills it
			return nil
		})
	}()
	shape := ""
	for {
		select {
		case err := <-ended:
			return advised(sites[0].by.name, err)
		case r := <-newest:
			frame, _ := c.frame(r, d.settings.Limits.Series)
			include := data.IncludeDataOnly
			if now := shapeOf(frame); now != shape {
				shape, include = now, data.IncludeAll
			}
			if err := sender.SendFrame(frame, include); err != nil {
				cancel()
				<-ended
				return err
			}
		}
	}
}

// shapeOf tells frames with other columns apart.
func shapeOf(f *data.Frame) string {
	s := ""
	for _, field := range f.Fields {
		s += field.Name + field.Labels.String() + ";"
	}
	return s
}
