package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats-server/v2/server/ats"
	"github.com/nats-io/nats.go"

	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/wire"
)

// virtual runs f in virtual time, with a bus.
func virtual(t *testing.T, f func(*testing.T, *stage)) {
	t.Helper()
	ats.Register()
	defer ats.Unregister()
	// Timers that nats.go keeps in a pool must not live to the next bubble.
	defer runtime.GC()
	defer runtime.GC()
	synctest.Test(t, func(t *testing.T) { f(t, newStage(t)) })
}

// stage is a bus between an agent under test and a stand-in for the aggregator,
// which hears everything and says what the test tells it to.
type stage struct {
	*testing.T
	server *server.Server
	far    *nats.Conn
	config Config
	set    *metrics.Set

	mu      sync.Mutex
	away    bool       // the agent finds no bus
	lines   []net.Conn // of the agent
	layouts map[uint64]*wire.Layout
	heard   map[metric.Lane][]heard
	inline  bool // the newest batch of telemetry carried its layout
	mute    bool // the aggregator hears nothing of the ledger lane
	acks    bool // the aggregator acknowledges what is next
	next    uint64
}

// heard is a batch with the time it came.
type heard struct {
	*metric.Batch
	came time.Time
}

func newStage(t *testing.T) *stage {
	t.Helper()
	srv, err := server.NewServer(&server.Options{DontListen: true, NoSigs: true, ServerName: "stage"})
	if err != nil {
		t.Fatal(err)
	}
	srv.Start()
	if !srv.ReadyForConnections(10 * time.Second) {
		t.Fatal("the bus does not start")
	}
	s := &stage{T: t, server: srv, layouts: map[uint64]*wire.Layout{}, heard: map[metric.Lane][]heard{}, next: 1}
	if s.far, err = nats.Connect("", nats.InProcessServer(srv)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.far.Close(); srv.Shutdown(); srv.WaitForShutdown() })
	for _, lane := range []string{"telemetry.>", "ledger.>"} {
		if _, err := s.far.Subscribe(lane, s.hear); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.far.Flush(); err != nil {
		t.Fatal(err)
	}
	s.config = Config{
		Site: "s", Agent: "n1", Place: metric.Place{Hall: "h01", Rack: "r0001", Host: "n1"},
		Bus:      BusConfig{Options: []nats.Option{nats.InProcessServer(s), nats.ReconnectJitter(0, 0)}},
		Interval: time.Second, Ledger: 10 * time.Second,
		Spool: SpoolConfig{Dir: t.TempDir(), TelemetryBytes: 64 << 20, TelemetryAge: 30 * time.Minute, LedgerBytes: 128 << 20},
		boot:  func() int64 { return time.Now().UnixNano() },
	}
	return s
}

// InProcessConn is the agent's way to the bus.
func (s *stage) InProcessConn() (net.Conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away {
		return nil, errors.New("no way to the bus")
	}
	c, err := s.server.InProcessConn()
	s.lines = append(s.lines, c)
	return c, err
}

// cut takes the bus away from the agent, or gives it back.
func (s *stage) cut(away bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.away = away
	for _, c := range s.lines {
		c.Close()
	}
	s.lines = nil
}

func (s *stage) hear(m *nats.Msg) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for one := range wire.Messages(m.Data) {
		s.message(m, one)
	}
}

func (s *stage) message(m *nats.Msg, one []byte) {
	var w wire.Message
	if err := w.Parse(one); err != nil {
		s.Errorf("on %s: %v", m.Subject, err)
		return
	}
	if s.mute && w.Lane == metric.Ledger {
		return
	}
	if m.Subject != wire.Subject(w.Lane, string(w.Site), string(w.Agent)) {
		s.Errorf("a batch of %s/%s, lane %d, came on %s", w.Site, w.Agent, w.Lane, m.Subject)
	}
	if w.Lane == metric.Telemetry {
		s.inline = w.Inline
	}
	l := s.layouts[w.LayoutID]
	if w.Inline {
		var err error
		if l, err = w.Layout(); err != nil {
			s.Errorf("on %s: %v", m.Subject, err)
			return
		}
		s.layouts[w.LayoutID] = l
	}
	if l == nil {
		s.Errorf("%s %d names a layout that never came", m.Subject, w.Sequence)
		return
	}
	b, err := w.Batch(l)
	if err != nil {
		s.Errorf("on %s: %v", m.Subject, err)
		return
	}
	s.heard[w.Lane] = append(s.heard[w.Lane], heard{b, time.Now()})
	first := b.Sequence
	if b.Flags&metric.Gap != 0 {
		first -= b.Skipped - 1
	}
	if s.acks && w.Lane == metric.Ledger && first <= s.next && b.Sequence >= s.next {
		s.next = b.Sequence + 1
		s.tell(b.Incarnation, b.Sequence)
	}
}

// tell acknowledges the ledger lane.
func (s *stage) tell(incarnation, sequence uint64) {
	if err := s.far.Publish(wire.AckSubject("s", "n1"), wire.AppendAck(nil, wire.Ack{Incarnation: incarnation, Sequence: sequence})); err != nil {
		s.Error(err)
	}
}

// take is what came in a lane since it was last asked.
func (s *stage) take(lane metric.Lane) []heard {
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	list := s.heard[lane]
	s.heard[lane] = nil
	return list
}

func (s *stage) set1(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

// start runs an agent; what it returns stops it.
func (s *stage) start(sources ...Scheduled) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	s.set = metrics.NewSet()
	set, c := s.set, s.config
	go func() { ended <- run(ctx, &c, sources, set, slog.New(slog.NewTextHandler(s.Output(), nil))) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-ended; err != nil {
			s.Errorf("run: %v", err)
		}
	}
	s.Cleanup(func() {
		stop()
		time.Sleep(5 * time.Second) // what still reads, reads to its end
	})
	return stop
}

// until sleeps until after the next tick of that second of an hour is over.
func until(second int) {
	now := time.Now()
	then := now.Truncate(time.Hour).Add(time.Duration(second)*time.Second + 900*time.Millisecond)
	if !then.After(now) {
		then = then.Add(time.Hour)
	}
	time.Sleep(then.Sub(now))
	synctest.Wait()
}

func (s *stage) counter(name string) int { return int(s.set.GetOrCreateCounter(name).Get()) }

// fake is a source of the host's power and energy, and of a GPU's if it has one;
// delay and fail make it slow or ill. All is guarded by mu.
type fake struct {
	name string
	gpus []string

	mu     sync.Mutex
	delay  time.Duration
	hang   chan struct{} // until it is closed
	fail   error
	epoch  int64
	layout *metric.Layout
	reads  []time.Time
}

func (f *fake) Name() string { return f.name }

func (f *fake) with(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

// Read gives watts that say the second of the reading.
func (f *fake) Read(ctx context.Context, now time.Time, dst []metric.Raw) (*metric.Layout, []metric.Raw, error) {
	f.mu.Lock()
	f.reads = append(f.reads, now)
	delay, hang, fail, epoch := f.delay, f.hang, f.fail, f.epoch
	if f.layout == nil {
		f.layout = f.describe()
	}
	l, n := f.layout, max(1, len(f.gpus))
	f.mu.Unlock()
	if hang != nil {
		select {
		case <-hang:
		case <-ctx.Done():
		}
	}
	time.Sleep(delay)
	if fail != nil {
		return nil, dst, fail
	}
	for range n {
		dst = append(dst, metric.Of(float64(now.Unix()%3600)))
	}
	for range n {
		dst = append(dst, metric.Raw(now.Unix()))
	}
	for range n {
		dst = append(dst, metric.Raw(epoch))
	}
	return l, dst, nil
}

func (f *fake) describe() *metric.Layout {
	l := &metric.Layout{Entities: metric.Place{Hall: "h01", Rack: "r0001", Host: "n1"}.Entities()}
	watts, joules, first, n := metric.HostPowerWatts, metric.HostEnergyJoules, 2, 1
	if len(f.gpus) > 0 {
		watts, joules, first, n = metric.GPUPowerWatts, metric.GPUEnergyJoules, 3, len(f.gpus)
	}
	for _, uuid := range f.gpus {
		l.Entities = append(l.Entities, metric.Entity{Kind: metric.GPU, Name: uuid, Parent: 2})
	}
	l.Columns = []metric.Column{
		{Metric: watts, Form: metric.Float, First: first, Count: n},
		{Metric: joules, Form: metric.Int, First: first, Count: n},
		{Metric: metric.CounterEpoch, Form: metric.Int, Point: metric.EpochPoint(joules, 0), First: first, Count: n},
	}
	return l
}

// value is what a batch says of a metric of the entity named; ok is false if it
// does not speak of it.
func (h heard) value(n metric.Number, name string) (v metric.Raw, ok bool) {
	at := 0
	for _, c := range h.Layout.Columns {
		for k := range c.Count {
			if c.Metric == n && h.Layout.Entities[c.First+k].Name == name {
				return h.Values[at+k], true
			}
		}
		at += c.Count
	}
	return 0, false
}

func (h heard) second() int { return int(h.Time / 1000 % 3600) }

// metricsOf are the metrics that a batch carries.
func (h heard) metrics() []metric.Number {
	set := map[metric.Number]bool{}
	for _, c := range h.Layout.Columns {
		set[c.Metric] = true
	}
	return slices.Sorted(maps.Keys(set))
}

func sequences(list []heard) []uint64 {
	var out []uint64
	for _, h := range list {
		out = append(out, h.Sequence)
	}
	return out
}

// upTo is from to to, both included.
func upTo(from, to uint64) []uint64 {
	var out []uint64
	for ; from <= to; from++ {
		out = append(out, from)
	}
	return out
}

func watts(list []heard, name string) (out []string) {
	for _, h := range list {
		v, ok := h.value(metric.HostPowerWatts, name)
		switch {
		case !ok:
			out = append(out, fmt.Sprintf("%d:-", h.second()))
		case v == metric.Missing:
			out = append(out, fmt.Sprintf("%d:missing", h.second()))
		default:
			out = append(out, fmt.Sprintf("%d:%g", h.second(), v.Float()))
		}
	}
	return out
}
