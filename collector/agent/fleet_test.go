package agent

import (
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/sim"
	"github.com/gigawatch/gigawatch/collector/wire"
)

// laneLimits are what the streams of the aggregator's bus take of one message.
var laneLimits = map[string]int32{"telemetry": 64 << 10, "ledger": 8 << 10}

// jetStream runs a server with both lanes' streams.
func jetStream(t *testing.T) (*server.Server, *nats.Conn, jetstream.JetStream) {
	t.Helper()
	srv, err := server.NewServer(&server.Options{DontListen: true, NoSigs: true, JetStream: true, StoreDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	srv.Start()
	if !srv.ReadyForConnections(10 * time.Second) {
		t.Fatal("the bus does not start")
	}
	nc, err := nats.Connect("", nats.InProcessServer(srv))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close(); srv.Shutdown(); srv.WaitForShutdown() })
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	for lane, limit := range laneLimits {
		if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: strings.ToUpper(lane), Subjects: []string{lane + ".>"}, NoAck: true, MaxMsgSize: limit}); err != nil {
			t.Fatal(err)
		}
	}
	return srv, nc, js
}

// books take what a fleet sends, off the streams.
type books struct {
	t         *testing.T
	ack       func(agent string, a wire.Ack)
	mu        sync.Mutex
	layouts   map[uint64]*wire.Layout
	followers map[string]*follower // of the ledger lane
	telemetry map[string]uint64    // sequence by agent
	joules    map[string]metric.Raw
	largest   map[string]int // message by lane
}

func (b *books) take(m jetstream.Msg) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for one := range wire.Messages(m.Data()) {
		b.message(m, one)
	}
}

func (b *books) message(m jetstream.Msg, one []byte) {
	var w wire.Message
	if err := w.Parse(one); err != nil {
		b.t.Errorf("on %s: %v", m.Subject(), err)
		return
	}
	if w.Inline {
		l, err := w.Layout()
		if err != nil {
			b.t.Errorf("on %s: %v", m.Subject(), err)
			return
		}
		b.layouts[w.LayoutID] = l
	}
	l := b.layouts[w.LayoutID]
	if l == nil {
		b.t.Errorf("%s %d names a layout that never came", m.Subject(), w.Sequence)
		return
	}
	r, err := w.Batch(l)
	if err != nil {
		b.t.Errorf("on %s: %v", m.Subject(), err)
		return
	}
	lane, _, _ := strings.Cut(m.Subject(), ".")
	b.largest[lane] = max(b.largest[lane], len(one))
	if r.Lane == metric.Telemetry {
		if r.Sequence != b.telemetry[r.Agent]+1 || r.Site != "demo" || !l.Simulated {
			b.t.Errorf("telemetry of %s/%s: %d after %d, simulated %t", r.Site, r.Agent, r.Sequence, b.telemetry[r.Agent], l.Simulated)
		}
		b.telemetry[r.Agent] = r.Sequence
		return
	}
	f := b.followers[r.Agent]
	if f == nil {
		f = &follower{}
		b.followers[r.Agent] = f
	}
	if err := f.Publish("", one); err != nil {
		b.t.Error(err)
	}
	if f.sequence != r.Sequence {
		b.t.Errorf("ledger of %s: %d came at %d", r.Agent, r.Sequence, f.sequence)
	}
	at := 0
	for _, c := range l.Columns {
		for k := range c.Count {
			if v := r.Values[at+k]; c.Metric == metric.GPUEnergyJoules && v != metric.Missing {
				b.joules[l.Entities[c.First+k].Name] = v
			}
		}
		at += c.Count
	}
	b.ack(r.Agent, f.watermark())
}

func TestAFleetSendsAWholeSiteAndItsTruth(t *testing.T) {
	srv, nc, js := jetStream(t)
	world, err := sim.New(sim.Config{Site: "demo", Hosts: 70, GPUs: 8, Seed: 4, Start: time.Now().Truncate(time.Second)})
	if err != nil {
		t.Fatal(err)
	}
	b := &books{
		t: t, layouts: map[uint64]*wire.Layout{}, followers: map[string]*follower{}, telemetry: map[string]uint64{},
		joules: map[string]metric.Raw{}, largest: map[string]int{},
		ack: func(agent string, a wire.Ack) {
			if err := nc.Publish(wire.AckSubject("demo", agent), wire.AppendAck(nil, a)); err != nil {
				t.Error(err)
			}
		},
	}
	for lane := range laneLimits {
		c, err := js.OrderedConsumer(t.Context(), strings.ToUpper(lane), jetstream.OrderedConsumerConfig{})
		if err != nil {
			t.Fatal(err)
		}
		cc, err := c.Consume(b.take)
		if err != nil {
			t.Fatal(err)
		}
		defer cc.Stop()
	}
	truth := filepath.Join(t.TempDir(), "truth.json")
	set := metrics.NewSet()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := RunFleet(ctx, FleetConfig{
		Bus: BusConfig{Options: []nats.Option{nats.InProcessServer(srv)}}, World: world, Site: "demo",
		Interval: 100 * time.Millisecond, Ledger: time.Second, For: 2500 * time.Millisecond, Truth: truth,
		Logger: slog.New(slog.NewTextHandler(t.Output(), nil)), Metrics: set,
	}); err != nil {
		t.Fatal(err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.telemetry) != world.Agents() || len(b.followers) != world.Agents() {
		t.Errorf("%d agents in telemetry, %d in the ledger, of %d", len(b.telemetry), len(b.followers), world.Agents())
	}
	for lane, limit := range laneLimits {
		if b.largest[lane] == 0 || b.largest[lane] > int(limit)*9/10 {
			t.Errorf("the largest message of %s is %d bytes; the stream takes %d", lane, b.largest[lane], limit)
		}
		t.Logf("largest message of %s: %d bytes", lane, b.largest[lane])
	}
	for _, name := range []string{metricFleetLost, metricFleetGivenUp} {
		if n := set.GetOrCreateCounter(name).Get(); n != 0 {
			t.Errorf("%s is %d", name, n)
		}
	}
	text, err := os.ReadFile(truth)
	if err != nil {
		t.Fatal(err)
	}
	var told sim.Truth
	if err := json.Unmarshal(text, &told); err != nil {
		t.Fatal(err)
	}
	for _, g := range told.GPU {
		if g.Pending != 0 {
			t.Errorf("%s has %d mJ that were not reported at the end", g.UUID, g.Pending)
		}
	}
	if len(told.GPU) != 70*8 || len(b.joules) != 70*8 {
		t.Errorf("truth of %d GPUs, counters of %d", len(told.GPU), len(b.joules))
	}
}

// discard is a bus that takes everything.
type discard struct{ bytes, largest int }

func (d *discard) Publish(subject string, b []byte) error {
	d.bytes += len(b)
	if strings.HasPrefix(subject, "ledger.") {
		d.largest = max(d.largest, len(b))
	}
	return nil
}

// quietFleet is one in steady state, whose records are durable at once.
func quietFleet(t testing.TB, hosts int) (*fleet, func(now time.Time), time.Time) {
	t.Helper()
	start := time.Unix(1_795_366_000, 0)
	world, err := sim.New(sim.Config{Site: "demo", Hosts: hosts, GPUs: 8, Seed: 1, Start: start})
	if err != nil {
		t.Fatal(err)
	}
	f := newFleet(FleetConfig{World: world, Site: "demo", Interval: time.Second, Ledger: 10 * time.Second,
		Logger: slog.New(slog.DiscardHandler), Metrics: metrics.NewSet()})
	f.build()
	f.join([]Publisher{&discard{}})
	return f, func(now time.Time) {
		f.tick(now, 0)
		for i := range f.members {
			l := f.members[i].ledger
			if err := l.ack(f.members[i].bus, wire.Ack{Incarnation: l.incarnation, Sequence: l.last}, now); err != nil {
				t.Fatal(err)
			}
		}
	}, start
}

func TestAFleetsTickAllocatesNothing(t *testing.T) {
	f, tick, now := quietFleet(t, 16)
	for range 130 { // layouts, buffers and epochs settle
		now = now.Add(time.Second)
		tick(now)
	}
	got := testing.AllocsPerRun(60, func() {
		now = now.Add(time.Second)
		tick(now)
	})
	if got > 0 {
		t.Errorf("%v allocations a tick of %d agents", got, len(f.members))
	}
}

func TestTheLedgerRecordsOfAFullHallFitTheirStream(t *testing.T) {
	f, tick, now := quietFleet(t, 8*64)
	for range 10 {
		now = now.Add(time.Second)
		tick(now)
	}
	if n := f.members[0].bus.(*discard).largest; n == 0 || n > int(laneLimits["ledger"])*3/4 {
		t.Errorf("the largest record has %d bytes; the stream takes %d", n, laneLimits["ledger"])
	}
}

func BenchmarkFleetTick(b *testing.B) {
	f, tick, now := quietFleet(b, 1250)
	bus := f.members[0].bus.(*discard)
	values := 0
	for i := range f.members {
		values += f.World.Agent(i).Telemetry.Width()
	}
	b.ReportAllocs()
	for b.Loop() {
		now = now.Add(time.Second)
		tick(now)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(values), "ns/value")
	b.ReportMetric(float64(bus.bytes)/float64(b.N)/float64(values), "B/value")
}
