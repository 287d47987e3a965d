package stream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// A KeepingConfig says which streams are to keep what is said on their subjects.
type KeepingConfig struct {
	Conn      *nats.Conn
	JetStream jetstream.JetStream
	Streams   []string
	Every     time.Duration // between looks; 0 stands for 10 s
	Logger    *slog.Logger
	Metrics   *metrics.Set
}

// Keeping watches that the streams keep what is sent. Publishers are not told: a
// stream whose disk was full writes nothing more until its server is started again,
// and one that has reached its limit refuses, both without a word.
//
//	info ─▶ one message is heard on a subject of the stream ─▶ info: is it longer?
type Keeping struct {
	c      KeepingConfig
	judged []*kept
}

// kept is what is known of one stream.
type kept struct {
	name  string
	stuck atomic.Bool
}

// metricStuck is 1 while a stream does not keep what is sent; label stream.
const metricStuck = "gigawatch_bus_stream_stuck"

const (
	// keepingWait is how long a message is waited for: agents speak on the ledger lane
	// every ten seconds.
	keepingWait = 15 * time.Second
	// keepingDue is within what the server stores a message that it passed on.
	keepingDue = 5 * time.Second
)

// NewKeeping prepares; Run watches.
func NewKeeping(c KeepingConfig) *Keeping {
	if c.Every == 0 {
		c.Every = watchEvery
	}
	k := &Keeping{c: c}
	for _, name := range c.Streams {
		s := &kept{name: name}
		k.judged = append(k.judged, s)
		c.Metrics.NewGauge(metricStuck+`{stream="`+name+`"}`, func() float64 {
			if s.stuck.Load() {
				return 1
			}
			return 0
		})
	}
	return k
}

// Stuck are the streams that do not keep what is sent.
func (k *Keeping) Stuck() (names []string) {
	for _, s := range k.judged {
		if s.stuck.Load() {
			names = append(names, s.name)
		}
	}
	return names
}

// Run watches until ctx ends.
func (k *Keeping) Run(ctx context.Context) error {
	var all sync.WaitGroup
	for _, s := range k.judged {
		all.Go(func() {
			tick := time.NewTicker(k.c.Every)
			defer tick.Stop()
			for {
				select {
				case <-ctx.Done():
					return
				case <-tick.C:
				}
				// What cannot be asked now leaves standing what was known.
				if stuck, why, err := k.look(ctx, s.name); err == nil && stuck != s.stuck.Load() {
					s.stuck.Store(stuck)
					if stuck {
						k.c.Logger.Error("the bus does not keep what is sent; collectors keep it meanwhile", "stream", s.name, "why", why)
					} else {
						k.c.Logger.Info("the bus keeps what is sent again", "stream", s.name)
					}
				}
			}
		})
	}
	all.Wait()
	return nil
}

// errSilent says that nobody spoke.
var errSilent = errors.New("nothing was sent")

// look is one look at a stream: whether it passed over a message, and what that may
// come from.
func (k *Keeping) look(ctx context.Context, name string) (stuck bool, why string, err error) {
	before, err := k.info(ctx, name)
	if err != nil {
		return false, "", err
	}
	if err := k.hear(ctx, &before.Config); err != nil {
		return false, "", err
	}
	for until := time.Now().Add(keepingDue); ; {
		after, err := k.info(ctx, name)
		switch {
		case err != nil:
			return false, "", err
		case after.State.LastSeq != before.State.LastSeq || !after.Created.Equal(before.Created):
			return false, "", nil
		case time.Now().Before(until):
			select {
			case <-ctx.Done():
				return false, "", ctx.Err()
			case <-time.After(100 * time.Millisecond):
			}
			continue
		case full(after):
			return true, fmt.Sprintf("it has reached its limit of %d bytes", after.Config.MaxBytes), nil
		}
		return true, "its disk was full, or failed; once there is room, start the bus again", nil
	}
}

// full reports whether a stream refuses because of its limit.
func full(i *jetstream.StreamInfo) bool {
	const oneMore = 64 << 10 // bytes of the largest message
	return i.Config.Discard == jetstream.DiscardNew && i.Config.MaxBytes > 0 && i.State.Bytes+oneMore > uint64(i.Config.MaxBytes)
}

func (k *Keeping) info(ctx context.Context, name string) (*jetstream.StreamInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, keepingDue)
	defer cancel()
	s, err := k.c.JetStream.Stream(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("look at stream %s: %w", name, err)
	}
	return s.CachedInfo(), nil
}

// hear waits for a message that the stream of c has to keep.
func (k *Keeping) hear(ctx context.Context, c *jetstream.StreamConfig) error {
	heard := make(chan *nats.Msg, 16*max(1, len(c.Subjects)))
	for _, subject := range c.Subjects {
		sub, err := k.c.Conn.ChanSubscribe(subject, heard)
		if err != nil {
			return fmt.Errorf("listen to %s: %w", subject, err)
		}
		defer func() { _ = sub.Unsubscribe() }() // fails where the connection has ended, and this with it
		if err := sub.AutoUnsubscribe(16); err != nil {
			return fmt.Errorf("listen to %s: %w", subject, err)
		}
	}
	wait := time.After(keepingWait)
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-wait:
			return errSilent
		case m := <-heard:
			if c.MaxMsgSize <= 0 || len(m.Data) <= int(c.MaxMsgSize) { // larger ones are refused by design
				return nil
			}
		}
	}
}
