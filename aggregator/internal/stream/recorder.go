package stream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/wire"
)

// maxReplay is how many batches one reading of the flight recorder takes: half an
// hour at ten ticks a second, and some. Who says more is not read back.
const maxReplay = 20_000

// Replay reads back what an agent said at full rate since the given time, off
// the stream, by its subject. Batches come in the order of the stream; their
// values are valid during the call.
func (t *Telemetry) Replay(ctx context.Context, site, name string, since time.Time, yield func(l *metric.Layout, millis int64, values []metric.Raw) error) error {
	consumer, err := t.c.JetStream.OrderedConsumer(ctx, t.c.Stream, jetstream.OrderedConsumerConfig{
		FilterSubjects: []string{wire.Subject(metric.Telemetry, site, name)},
		DeliverPolicy:  jetstream.DeliverByStartTimePolicy, OptStartTime: &since, InactiveThreshold: 10 * time.Second,
	})
	if err != nil {
		return fmt.Errorf("replay %s/%s: %w", site, name, err)
	}
	layouts := map[uint64]*wire.Layout{}
	t.agents.look(agentKey(site, name), func(a *agent) {
		for _, k := range a.layouts {
			if k.Layout != nil {
				layouts[k.ID] = k.Layout
			}
		}
	})
	var scratch []metric.Raw
	for n := 0; ; {
		batch, err := consumer.FetchNoWait(500)
		if err != nil {
			return fmt.Errorf("replay %s/%s: %w", site, name, err)
		}
		got := 0
		for m := range batch.Messages() {
			got++
			if scratch, err = replayOne(m, layouts, scratch[:0], yield); err != nil {
				return err
			}
		}
		if err := batch.Error(); err != nil && !errors.Is(err, jetstream.ErrNoMessages) {
			return fmt.Errorf("replay %s/%s: %w", site, name, err)
		}
		if n += got; got == 0 {
			return nil
		}
		if n > maxReplay {
			return fmt.Errorf("replay %s/%s: more than %d batches since %s", site, name, maxReplay, since.UTC().Format(time.RFC3339))
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

// replayOne yields the ticks of one message; one that is refused was counted
// when it first came.
func replayOne(m jetstream.Msg, layouts map[uint64]*wire.Layout, scratch []metric.Raw, yield func(*metric.Layout, int64, []metric.Raw) error) ([]metric.Raw, error) {
	var w wire.Message
	if _, _, err := parse(&w, m.Subject(), m.Data(), nil); err != nil {
		return scratch, nil
	}
	md, err := m.Metadata()
	if err != nil || checkTime(&w, md.Timestamp) != nil {
		return scratch, nil
	}
	l := layouts[w.LayoutID]
	if l == nil && w.Inline {
		if decoded, err := w.Layout(); err == nil {
			l = decoded
			layouts[w.LayoutID] = l
		}
	}
	if l == nil {
		return scratch, nil
	}
	values, err := w.Values(scratch, l)
	if err != nil {
		return scratch, nil
	}
	width := l.Width()
	for i := range w.Ticks {
		if err := yield(l.Layout, w.Time+int64(i)*w.Interval, values[i*width:(i+1)*width]); err != nil {
			return values, err
		}
	}
	return values, nil
}
