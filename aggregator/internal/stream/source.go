package stream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// A source is one incarnation of a stream. A stream that is made anew counts
// from 1 again, under the same name, and a reader that went on would wait for
// numbers that do not come.
type source struct {
	js      jetstream.JetStream
	name    string
	created time.Time
	last    uint64 // newest message when it was found
}

func find(ctx context.Context, js jetstream.JetStream, name string) (source, error) {
	s, err := js.Stream(ctx, name)
	if err != nil {
		return source{}, fmt.Errorf("find stream %s: %w", name, err)
	}
	i := s.CachedInfo()
	return source{js, name, i.Created, i.State.LastSeq}, nil
}

// identity tells s from every other stream, of the same name too.
func (s source) identity() string { return s.name + "/" + strconv.FormatInt(s.created.UnixNano(), 10) }

// watchEvery is how often it is looked whether a stream is still the same.
const watchEvery = 10 * time.Second

// watch returns an error when the stream is gone or another, or ends before where it
// ended: what comes then has numbers that were read already. It returns nil when ctx
// ends. A bus that is away is waited for.
func (s source) watch(ctx context.Context, every time.Duration) error {
	t := time.NewTicker(every)
	defer t.Stop()
	for last := s.last; ; {
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
		}
		asking, cancel := context.WithTimeout(ctx, watchEvery)
		now, err := find(asking, s.js, s.name)
		cancel()
		switch {
		case errors.Is(err, jetstream.ErrStreamNotFound):
			return err
		case err == nil && now.identity() != s.identity():
			return fmt.Errorf("stream %s was made anew while it was read", s.name)
		case err == nil && now.last < last:
			return fmt.Errorf("stream %s has lost its newest messages: it ended at %d, and ends at %d", s.name, last, now.last)
		case err == nil:
			last = now.last
		}
	}
}

// pull is how many messages are asked for at once: at 12,500 a second, a request
// every half second, and 4 MB on the way.
const pull = 8192

// stopping bounds the wait for a subscription to end. One that seeks its stream
// ends only when it is done with that.
const stopping = 2 * time.Second

// consume hands every message to handle, in one goroutine, until ctx ends or the
// stream is gone.
func (s source) consume(ctx context.Context, c jetstream.Consumer, every time.Duration, handle func(jetstream.Msg), log *slog.Logger) error {
	cc, err := c.Consume(func(m jetstream.Msg) {
		if ctx.Err() == nil {
			handle(m)
		}
	}, jetstream.PullMaxMessages(pull), jetstream.ConsumeErrHandler(func(_ jetstream.ConsumeContext, err error) {
		log.Warn("bus refuses", "stream", s.name, "error", err)
	}))
	if err != nil {
		return fmt.Errorf("consume stream %s: %w", s.name, err)
	}
	closed := cc.Closed()
	watching, cancel := context.WithCancel(ctx)
	defer cancel()
	watched := make(chan error, 1)
	go func() { watched <- s.watch(watching, every) }()
	select {
	case err = <-watched: // nil: ctx has ended
		go cc.Stop()
		select {
		case <-closed:
		case <-time.After(stopping):
		}
		return err
	case <-closed:
		cancel()
		<-watched
		return fmt.Errorf("the bus ended the subscription to stream %s", s.name)
	}
}
