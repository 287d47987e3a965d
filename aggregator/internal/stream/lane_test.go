package stream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/nats-io/nats-server/v2/server/ats"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/gigawatch/gigawatch/aggregator/internal/bus"
	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/wire"
)

// virtual runs f in virtual time, where the bus can run too.
func virtual(t *testing.T, f func(*testing.T)) {
	t.Helper()
	ats.Register()
	defer ats.Unregister()
	// The clocks that summaries share must not begin in the bubble.
	metrics.NewSet().NewSummary("outside")
	metrics.NewSet().NewSummaryExt("outside", time.Minute, nil)
	// Timers that nats.go keeps in a pool must not live to the next bubble.
	defer runtime.GC()
	defer runtime.GC()
	synctest.Test(t, f)
}

// site is a bus with its lanes, and a connection that plays the agents.
type site struct {
	t  *testing.T
	nc *nats.Conn
	js jetstream.JetStream
}

func newSite(t *testing.T) *site {
	t.Helper()
	l := bus.Wanted{Limits: bus.Limits{Telemetry: 64 << 20, Ledger: 64 << 20}}
	s, err := bus.Start(bus.ServerConfig{Dir: t.TempDir(), Store: bus.MaxStore, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	nc, err := nats.Connect("", nats.InProcessServer(s))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close(); s.Shutdown(); s.WaitForShutdown() })
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bus.Ensure(t.Context(), js, l); err != nil {
		t.Fatal(err)
	}
	return &site{t, nc, js}
}

func (s *site) publish(subject string, message []byte) {
	s.t.Helper()
	if err := s.nc.Publish(subject, message); err != nil {
		s.t.Fatal(err)
	}
}

// telemetry runs a reader of the lane until the test ends.
func (s *site) telemetry(sink Sink, log io.Writer, since time.Time) (*Telemetry, *metrics.Set) {
	s.t.Helper()
	set := metrics.NewSet()
	lane := NewTelemetry(TelemetryConfig{
		JetStream: s.js, Stream: bus.Telemetry, Since: since, Sink: sink,
		Logger: logTo(log), Metrics: set,
	})
	s.run(lane.Run)
	return lane, set
}

func (s *site) run(run func(context.Context) error) {
	ctx, stop := context.WithCancel(s.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- run(ctx) }()
	s.t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			s.t.Errorf("Run: %v", err)
		}
	})
}

// layout has n GPUs of one host, with their powers.
func layout(n int) *wire.Layout {
	l := &metric.Layout{Entities: metric.Place{Hall: "h01", Rack: "r0001", Host: "n1"}.Entities()}
	for g := range n {
		l.Entities = append(l.Entities, metric.Entity{Kind: metric.GPU, Name: fmt.Sprintf("GPU-%d", g), Parent: 2})
	}
	l.Columns = []metric.Column{{Metric: metric.GPUPowerWatts, Form: metric.Float, First: 3, Count: n}}
	compiled, err := wire.Compile(l)
	if err != nil {
		panic(err)
	}
	return compiled
}

// batch is one tick of agent n1 of site s, with as many values as l asks for.
func batch(l *wire.Layout, at time.Time, incarnation, sequence uint64) *metric.Batch {
	b := &metric.Batch{
		Site: "s", Agent: "n1", Lane: metric.Telemetry, Incarnation: incarnation, Sequence: sequence,
		Time: at.UnixMilli(), Ticks: 1,
	}
	for i := range l.Width() {
		b.Values = append(b.Values, metric.Of(float64(100*i)))
	}
	return b
}

func encode(t testing.TB, b *metric.Batch, l *wire.Layout, inline bool) []byte {
	t.Helper()
	out, err := wire.Append(nil, b, l, inline)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// ticks is a sink that keeps what it is given.
type ticks struct {
	mu   sync.Mutex
	list []Tick
}

func (s *ticks) Tick(t *Tick) {
	s.mu.Lock()
	defer s.mu.Unlock()
	kept := *t
	kept.Values = slices.Clone(t.Values)
	s.list = append(s.list, kept)
}

func (s *ticks) all() []Tick {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.list)
}

func logTo(w io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }

// log is what a logger wrote.
type log struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *log) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *log) count(text string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.b.String(), text)
}

func counter(set *metrics.Set, name string) int { return int(set.GetOrCreateCounter(name).Get()) }

func rejected(set *metrics.Set, lane, reason string) int {
	return counter(set, metricRejected+`{lane="`+lane+`",reason="`+reason+`"}`)
}

func settle() {
	time.Sleep(100 * time.Millisecond)
	synctest.Wait()
}

var errBook = errors.New("no room on the device")

// book follows each agent's sequence and goes back with all that is not durable
// when it is reopened.
type book struct {
	mu              sync.Mutex
	stream, durable string
	at, durableAt   uint64
	taken           map[string]uint64
	kept            map[string]wire.Ack
	last            map[string]*metric.Batch
	commits         int
	fails           bool
	due             int // commits until no hour is due
}

func newBook() *book {
	return &book{taken: map[string]uint64{}, kept: map[string]wire.Ack{}, last: map[string]*metric.Batch{}}
}

func (b *book) Skip(string, uint64) {}

// standing is how far the book is.
type standing struct {
	taken, at, durableAt uint64
	commits              int
}

func (b *book) now() standing {
	b.mu.Lock()
	defer b.mu.Unlock()
	return standing{b.taken["n1"], b.at, b.durableAt, b.commits}
}

func (b *book) Position() (string, uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.durable, b.durableAt
}

func (b *book) Apply(r *metric.Batch, _ time.Time, stream string, sequence uint64) (bool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.stream, b.at = stream, sequence
	if r.Sequence != b.taken[r.Agent]+1 {
		return false, nil
	}
	b.taken[r.Agent] = r.Sequence
	kept := *r
	kept.Values = slices.Clone(r.Values)
	b.last[r.Agent] = &kept
	return true, nil
}

func (b *book) Commit(time.Time) (moved []Watermark, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fails {
		return nil, errBook
	}
	b.commits++
	b.durable, b.durableAt = b.stream, b.at
	for agent, sequence := range b.taken {
		if b.kept[agent].Sequence != sequence {
			b.kept[agent] = wire.Ack{Incarnation: 1, Sequence: sequence}
			moved = append(moved, Watermark{"s", agent, b.kept[agent]})
		}
	}
	return moved, nil
}

func (b *book) More() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.commits < b.due
}

func (b *book) Durable(_, agent string) (Watermark, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	a, ok := b.kept[agent]
	return Watermark{"s", agent, a}, ok
}
