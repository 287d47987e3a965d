package stream

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/wire"
)

// A Tick is one tick of one agent, in the order it arrived.
type Tick struct {
	Key      string // site/agent
	Site     string
	Agent    string
	Layout   *metric.Layout
	Time     int64 // milliseconds since 1970 UTC
	Values   []metric.Raw
	Late     bool      // sent after newer ones
	Received time.Time // by the bus
}

// A Sink takes ticks, one at a time. The tick is valid during the call only.
type Sink interface{ Tick(t *Tick) }

// A TelemetryConfig says where the telemetry lane is and who takes it.
type TelemetryConfig struct {
	JetStream jetstream.JetStream
	Stream    string
	Sites     []string  // that are served; empty: all
	Since     time.Time // the first message wanted, by its arrival at the bus
	Sink      Sink
	Held      *Quarantine // nil: nobody is
	Logger    *slog.Logger
	Metrics   *metrics.Set
}

// Names of the lane's own metrics.
const (
	metricBatches   = "gigawatch_stream_telemetry_batches_total"
	metricSamples   = "gigawatch_stream_telemetry_samples_total"
	metricUnknown   = "gigawatch_stream_samples_unknown_total"
	metricBytes     = "gigawatch_stream_telemetry_bytes_total"
	metricLost      = "gigawatch_stream_telemetry_batches_lost_total" // missing when a newer one came; those that came late are counted as late too
	metricLate      = "gigawatch_stream_telemetry_batches_late_total"
	metricLag       = "gigawatch_stream_telemetry_lag_seconds"
	metricFreshness = "gigawatch_stream_freshness_seconds"
)

// Telemetry reads the telemetry lane.
type Telemetry struct {
	c       TelemetryConfig
	rejects *rejects

	batches, samples, unknown, bytes, lost, late *metrics.Counter
	freshness                                    *metrics.Summary
	lag                                          atomic.Int64 // nanoseconds from sample to handled, of the newest
	heard                                        atomic.Int64 // when that was, nanoseconds since 1970

	agents *roster[agent] // which guards each layouts; the rest of an agent is the reader's own

	watchEvery time.Duration

	values []metric.Raw // scratch of the reader
	tick   Tick         // likewise
}

// agent is what the lane knows of one sender.
type agent struct {
	key, site, name string
	layouts         [4]known // the newest, round robin
	next            int
	incarnation     uint64
	sequence        uint64
	window          uint64 // bit i: sequence−1−i was received
}

// known is a layout with the number of its values that the catalogue has not.
type known struct {
	*wire.Layout
	unknown int
}

// NewTelemetry prepares a reader; Run reads.
func NewTelemetry(c TelemetryConfig) *Telemetry {
	t := &Telemetry{
		c: c, watchEvery: watchEvery, agents: newRoster[agent]("telemetry", c.Metrics), rejects: newRejects("telemetry", c.Metrics, c.Logger),
		batches: c.Metrics.NewCounter(metricBatches), samples: c.Metrics.NewCounter(metricSamples),
		unknown: c.Metrics.NewCounter(metricUnknown), bytes: c.Metrics.NewCounter(metricBytes),
		lost: c.Metrics.NewCounter(metricLost), late: c.Metrics.NewCounter(metricLate),
		freshness: c.Metrics.NewSummaryExt(metricFreshness, time.Minute, []float64{0.5, 0.9, 0.99, 1}),
	}
	c.Metrics.NewGauge(metricLag, func() float64 { return t.Lag().Seconds() })
	return t
}

// Lag is the time from a sample's instant to its being handled, of the newest
// batch; once nothing has come for a while, the time since it came.
func (t *Telemetry) Lag() time.Duration { return lagOf(&t.lag, &t.heard) }

// quiet is how long a lane may bring nothing before that is its lag.
const quiet = 3 * time.Second

func lagOf(lag, heard *atomic.Int64) time.Duration {
	if h := heard.Load(); h != 0 {
		if since := time.Since(time.Unix(0, h)); since > quiet {
			return since
		}
	}
	return time.Duration(lag.Load())
}

// Run reads until ctx ends. It returns an error when the stream is gone.
func (t *Telemetry) Run(ctx context.Context) error {
	in, err := find(ctx, t.c.JetStream, t.c.Stream)
	if err != nil {
		return fmt.Errorf("read telemetry lane: %w", err)
	}
	since := t.c.Since
	consumer, err := t.c.JetStream.OrderedConsumer(ctx, t.c.Stream, jetstream.OrderedConsumerConfig{
		DeliverPolicy: jetstream.DeliverByStartTimePolicy, OptStartTime: &since, InactiveThreshold: time.Minute,
	})
	if err != nil {
		return fmt.Errorf("read telemetry lane from %s: %w", since.UTC().Format(time.RFC3339), err)
	}
	return in.consume(ctx, consumer, t.watchEvery, func(m jetstream.Msg) {
		received := time.Now()
		if md, err := m.Metadata(); err == nil {
			received = md.Timestamp
		}
		t.handle(m.Subject(), m.Data(), received)
	}, t.c.Logger)
}

func (t *Telemetry) handle(subject string, data []byte, received time.Time) {
	if t.c.Held.holds(subject, received) {
		t.rejects.refuse(subject, errHeld)
		return
	}
	var m wire.Message
	site, name, err := parse(&m, subject, data, t.c.Sites)
	if err == nil {
		err = checkTime(&m, received)
	}
	if err != nil {
		t.c.Held.note(subject, received, err)
		t.rejects.refuse(subject, err)
		return
	}
	a := t.agent(site, name, received)
	if a == nil {
		t.rejects.refuse(subject, errAgents)
		return
	}
	layout, err := t.layout(a, &m)
	if err == nil {
		t.values, err = m.Values(t.values[:0], layout.Layout)
	}
	if err != nil {
		t.c.Held.note(subject, received, err)
		t.rejects.refuse(subject, err)
		return
	}
	late, lost, ok := a.order(&m)
	if !ok {
		t.rejects.refuse(subject, errOrder)
		return
	}
	t.lost.Add(int(min(lost, maxLost)))
	if late {
		t.late.Inc()
	}
	t.batches.Inc()
	t.bytes.Add(len(data))
	t.samples.Add(len(t.values))
	t.unknown.Add(layout.unknown * m.Ticks)
	late = late || m.Flags&metric.Backfill != 0
	width := layout.Width()
	for i := range m.Ticks {
		t.tick = Tick{
			Key: a.key, Site: a.site, Agent: a.name, Layout: layout.Layout.Layout,
			Time: m.Time + int64(i)*m.Interval, Values: t.values[i*width : (i+1)*width],
			Late: late, Received: received,
		}
		t.c.Sink.Tick(&t.tick)
	}
	if last, ok := newest(&m); ok && !late && m.Ticks > 0 {
		lag := time.Since(time.UnixMilli(last))
		t.lag.Store(int64(lag))
		t.heard.Store(time.Now().UnixNano())
		t.freshness.Update(lag.Seconds())
	}
}

// agent is what is known of one; nil if there is no room for it.
func (t *Telemetry) agent(site, name string, now time.Time) *agent {
	key := agentKey(site, name)
	return t.agents.of(key, now, func() agent { return agent{key: key, site: site, name: name} })
}

// layout is the one that m's values follow. An inline layout is decoded only if
// its id is new.
func (t *Telemetry) layout(a *agent, m *wire.Message) (known, error) {
	for _, k := range a.layouts {
		if k.Layout != nil && k.ID == m.LayoutID {
			return k, nil
		}
	}
	if !m.Inline {
		return known{}, errLayout
	}
	l, err := m.Layout()
	if err != nil {
		return known{}, err
	}
	k := known{Layout: l}
	for _, c := range l.Columns {
		if metric.Lookup(c.Metric) == nil {
			k.unknown += c.Count
		}
	}
	t.agents.change(func() {
		a.layouts[a.next] = k
		a.next = (a.next + 1) % len(a.layouts)
	})
	return k, nil
}

// maxLost is how much a single batch can add to the count of the lost: an agent
// that counts wildly must not drown the others.
const maxLost = 1 << 20

// order places m in its agent's sequence. lost is how many are missing before
// it; late says that newer ones came first; ok is false for a duplicate.
func (a *agent) order(m *wire.Message) (late bool, lost uint64, ok bool) {
	switch {
	case m.Incarnation > a.incarnation:
		if a.incarnation != 0 {
			lost = m.Sequence - 1
		}
		a.incarnation, a.sequence, a.window = m.Incarnation, m.Sequence, 0
		return false, lost, true
	case m.Incarnation < a.incarnation:
		return true, 0, true // from before a restart, off the spool
	case m.Sequence > a.sequence:
		ahead := m.Sequence - a.sequence
		a.sequence = m.Sequence
		a.window = a.window<<ahead | 1<<(ahead-1) // both zero from 65 on
		return false, ahead - 1, true
	}
	behind := a.sequence - m.Sequence
	if behind == 0 {
		return false, 0, false
	}
	if behind <= 64 {
		bit := uint64(1) << (behind - 1)
		if a.window&bit != 0 {
			return false, 0, false
		}
		a.window |= bit
	}
	return true, 0, true
}
