package stream

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
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

// A Sink takes ticks, one at a time. Values are valid during the call only.
type Sink interface{ Tick(t *Tick) }

// A TelemetryConfig says where the telemetry lane is and who takes it.
type TelemetryConfig struct {
	JetStream jetstream.JetStream
	Stream    string
	Since     time.Time // the first message wanted, by its arrival at the bus
	Sink      Sink
	Logger    *slog.Logger
	Metrics   *metrics.Set
}

// Names of the lane's own metrics.
const (
	metricBatches   = "gigawatch_stream_telemetry_batches_total"
	metricSamples   = "gigawatch_stream_telemetry_samples_total"
	metricUnknown   = "gigawatch_stream_samples_unknown_total"
	metricBytes     = "gigawatch_stream_telemetry_bytes_total"
	metricLost      = "gigawatch_stream_telemetry_batches_lost_total"
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

	mu     sync.RWMutex // guards agents and each layouts; the rest of an agent is the reader's own
	agents map[string]*agent

	values []metric.Raw // scratch of the reader
}

// agent is what the lane knows of one sender.
type agent struct {
	key, site, name string
	layouts         [4]*wire.Layout // the newest, round robin
	next            int
	incarnation     uint64
	sequence        uint64
	window          uint64 // bit i: sequence−1−i was received
}

// NewTelemetry prepares a reader; Run reads.
func NewTelemetry(c TelemetryConfig) *Telemetry {
	t := &Telemetry{
		c: c, agents: map[string]*agent{}, rejects: newRejects("telemetry", c.Metrics, c.Logger),
		batches: c.Metrics.NewCounter(metricBatches), samples: c.Metrics.NewCounter(metricSamples),
		unknown: c.Metrics.NewCounter(metricUnknown), bytes: c.Metrics.NewCounter(metricBytes),
		lost: c.Metrics.NewCounter(metricLost), late: c.Metrics.NewCounter(metricLate),
		freshness: c.Metrics.NewSummaryExt(metricFreshness, 5*time.Minute, []float64{0.5, 0.9, 0.99, 1}),
	}
	c.Metrics.NewGauge(metricLag, func() float64 { return t.Lag().Seconds() })
	return t
}

// Lag is the time from a sample's instant to its being handled, of the newest
// batch.
func (t *Telemetry) Lag() time.Duration { return time.Duration(t.lag.Load()) }

// Run reads until ctx ends.
func (t *Telemetry) Run(ctx context.Context) error {
	since := t.c.Since
	consumer, err := t.c.JetStream.OrderedConsumer(ctx, t.c.Stream, jetstream.OrderedConsumerConfig{
		DeliverPolicy: jetstream.DeliverByStartTimePolicy, OptStartTime: &since, InactiveThreshold: time.Minute,
	})
	if err != nil {
		return fmt.Errorf("read telemetry lane: %w", err)
	}
	return consume(ctx, consumer, func(m jetstream.Msg) {
		received := time.Now()
		if md, err := m.Metadata(); err == nil {
			received = md.Timestamp
		}
		t.handle(m.Subject(), m.Data(), received)
	}, t.c.Logger)
}

// pull is how many messages are asked for at once: at 12,500 a second, a request
// every half second, and 4 MB on the way.
const pull = 8192

// consume hands every message to handle until ctx ends, in one goroutine.
func consume(ctx context.Context, c jetstream.Consumer, handle func(jetstream.Msg), log *slog.Logger) error {
	cc, err := c.Consume(handle, jetstream.PullMaxMessages(pull), jetstream.ConsumeErrHandler(func(_ jetstream.ConsumeContext, err error) {
		log.Warn("bus refuses", "error", err)
	}))
	if err != nil {
		return fmt.Errorf("consume: %w", err)
	}
	select {
	case <-ctx.Done():
	case <-cc.Closed():
		return fmt.Errorf("the bus ended the subscription")
	}
	cc.Stop()
	<-cc.Closed()
	return nil
}

func (t *Telemetry) handle(subject string, data []byte, received time.Time) {
	var m wire.Message
	site, name, err := parse(&m, subject, data, received)
	if err != nil {
		t.rejects.refuse(subject, err)
		return
	}
	a := t.agent(site, name)
	layout, err := t.layout(a, &m)
	if err == nil {
		t.values, err = m.Values(t.values[:0], layout)
	}
	if err != nil {
		t.rejects.refuse(subject, err)
		return
	}
	late, lost, ok := a.order(&m)
	if !ok {
		t.rejects.refuse(subject, errOrder)
		return
	}
	t.lost.Add(int(lost))
	if late {
		t.late.Inc()
	}
	t.batches.Inc()
	t.bytes.Add(len(data))
	t.samples.Add(len(t.values))
	width := layout.Width()
	for i := range m.Ticks {
		t.c.Sink.Tick(&Tick{
			Key: a.key, Site: a.site, Agent: a.name, Layout: layout.Layout,
			Time: m.Time + int64(i)*m.Interval, Values: t.values[i*width : (i+1)*width],
			Late: late || m.Flags&metric.Backfill != 0, Received: received,
		})
	}
	if !late && m.Flags&metric.Backfill == 0 {
		lag := time.Since(time.UnixMilli(m.Time + int64(m.Ticks-1)*m.Interval))
		t.lag.Store(int64(lag))
		t.freshness.Update(lag.Seconds())
	}
}

func (t *Telemetry) agent(site, name string) *agent {
	key := agentKey(site, name)
	a := t.agents[key] // read by its only writer
	if a == nil {
		a = &agent{key: key, site: site, name: name}
		t.mu.Lock()
		t.agents[key] = a
		t.mu.Unlock()
	}
	return a
}

// layout is the one that m's values follow. An inline layout is decoded only if
// its id is new.
func (t *Telemetry) layout(a *agent, m *wire.Message) (*wire.Layout, error) {
	if l := a.find(m.LayoutID); l != nil {
		return l, nil
	}
	if !m.Inline {
		return nil, errLayout
	}
	l, err := m.Layout()
	if err != nil {
		return nil, err
	}
	for _, c := range l.Columns {
		if metric.Lookup(c.Metric) == nil {
			t.unknown.Add(c.Count)
		}
	}
	t.mu.Lock()
	a.layouts[a.next] = l
	a.next = (a.next + 1) % len(a.layouts)
	t.mu.Unlock()
	return l, nil
}

func (a *agent) find(id uint64) *wire.Layout {
	for _, l := range a.layouts {
		if l != nil && l.ID == id {
			return l
		}
	}
	return nil
}

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
		if ahead < 64 {
			a.window = a.window<<ahead | 1<<(ahead-1)
		} else {
			a.window = 0
		}
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
