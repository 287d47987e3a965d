package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/nats-io/nats.go"

	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/sim"
	"github.com/gigawatch/gigawatch/collector/wire"
)

// A World is a simulated site: a [sim.World], or what steps one and shows it to
// others besides.
type World interface {
	Step(now time.Time)
	Agents() int
	Agent(i int) sim.Agent
	Telemetry(i int, dst []metric.Raw) ([]metric.Raw, bool)
	Ledger(i int, dst []metric.Raw) ([]metric.Raw, bool)
	Truth() sim.Truth
}

// A FleetConfig describes a simulated site that publishes as its agents would.
type FleetConfig struct {
	Bus         BusConfig
	Connections int // that the agents share; 0 stands for 4
	World       World
	Site        string
	Interval    time.Duration // telemetry; 0 stands for 1 s
	Ledger      time.Duration // ledger records; 0 stands for 10 s
	For         time.Duration // how long; 0 stands for until ctx ends
	Since       time.Time     // ledger records from then on wait when it begins, as after a time without the bus; zero: none
	After       time.Duration // how long telemetry flows alone before they begin to
	Truth       string        // file for the true joules, written at the end; empty: none
	Logger      *slog.Logger
	Metrics     *metrics.Set
}

// Names of the fleet's own metrics.
const (
	metricFleetSamples    = "gigawatch_fleet_samples_total"
	metricFleetBatches    = "gigawatch_fleet_batches_total"
	metricFleetBytes      = "gigawatch_fleet_telemetry_bytes_total"
	metricFleetLost       = "gigawatch_fleet_batches_unsent_total"
	metricFleetSkipped    = "gigawatch_fleet_ticks_skipped_total"
	metricFleetGivenUp    = "gigawatch_fleet_ledger_records_given_up_total"
	metricFleetUnacked    = "gigawatch_fleet_ledger_records_unacknowledged"
	metricFleetTickTaking = "gigawatch_fleet_tick_seconds"
)

// memberFrames bounds the ledger frames that a simulated agent keeps: an hour
// and a half without the aggregator.
const memberFrames = 540

// settle is how long a fleet that has ended waits for its last records to be
// durable before it calls the truth unreported.
const settle = 2 * time.Minute

// member is one simulated agent.
type member struct {
	name      string
	bus       Publisher
	telemetry *telemetryLane
	ledger    *ledgerLane
	phase     time.Duration // of its ledger records within the interval
}

// fleet is owned by the goroutine of RunFleet, save what mu guards.
type fleet struct {
	FleetConfig
	members []member
	byName  map[string]int
	values  []metric.Raw
	last    time.Time // newest tick
	flows   time.Time // when ledger records begin to

	mu   sync.Mutex
	acks []memberAck // arrived since the last tick; bounded by two a member

	samples, batches, bytes, lost, skipped, givenUp *metrics.Counter
	unacked                                         *metrics.Gauge
	taking                                          *metrics.Histogram
}

type memberAck struct {
	member int
	ack    wire.Ack
}

// RunFleet publishes a simulated site until ctx ends or c.For has passed, then
// sends a last ledger record for each agent, waits until all are durable, and
// writes the truth.
func RunFleet(ctx context.Context, c FleetConfig) error {
	if c.Connections == 0 {
		c.Connections = 4
	}
	if c.Interval == 0 {
		c.Interval = time.Second
	}
	if c.Ledger == 0 {
		c.Ledger = 10 * time.Second
	}
	f := newFleet(c)
	f.build()
	f.recall(ctx)
	var conns []*nats.Conn
	var buses []Publisher
	defer func() {
		for _, nc := range conns {
			nc.Close()
		}
	}()
	for i := range c.Connections {
		nc, err := Connect(c.Bus, fmt.Sprintf("fleet-%s-%d", c.Site, i), c.Logger, func() {})
		if err != nil {
			return err
		}
		conns, buses = append(conns, nc), append(buses, nc)
	}
	f.join(buses)
	if _, err := conns[0].Subscribe(wire.AckSubject(c.Site, "*"), f.heard); err != nil {
		return fmt.Errorf("listen for acknowledgements of %s: %w", c.Site, err)
	}

	run, cancel := ctx, context.CancelFunc(func() {})
	if c.For > 0 {
		run, cancel = context.WithTimeout(ctx, c.For)
	}
	defer cancel()
	f.flows = time.Now().Add(c.After)
	ticks(run, c.Interval, f.tick)
	return f.finish()
}

func newFleet(c FleetConfig) *fleet {
	return &fleet{
		FleetConfig: c, byName: map[string]int{},
		samples: c.Metrics.NewCounter(metricFleetSamples), batches: c.Metrics.NewCounter(metricFleetBatches),
		bytes: c.Metrics.NewCounter(metricFleetBytes), lost: c.Metrics.NewCounter(metricFleetLost),
		skipped: c.Metrics.NewCounter(metricFleetSkipped), givenUp: c.Metrics.NewCounter(metricFleetGivenUp),
		unacked: c.Metrics.NewGauge(metricFleetUnacked, nil), taking: c.Metrics.NewHistogram(metricFleetTickTaking),
	}
}

// build makes the agents. A simulated agent is always a new one: its spool and
// sequence begin with this run.
func (f *fleet) build() {
	incarnation := uint64(time.Now().UnixNano())
	f.members = make([]member, f.World.Agents())
	for i := range f.members {
		a := f.World.Agent(i)
		q := &memoryQueue{limit: memberFrames, dropped: f.givenUp.Inc}
		f.byName[a.Name] = i
		f.members[i] = member{
			name:      a.Name,
			telemetry: newTelemetryLane(f.Site, a.Name, incarnation),
			ledger:    newLedgerLane(f.Site, a.Name, q, incarnation, 0),
			phase:     ledgerPhase(a.Name, a.Ledger, f.Ledger, f.Interval),
		}
	}
}

// join lets the agents share connections.
func (f *fleet) join(buses []Publisher) {
	for i := range f.members {
		f.members[i].bus = buses[i%len(buses)]
	}
}

// recall makes the records since f.Since, which wait to be sent.
func (f *fleet) recall(ctx context.Context) {
	if f.Since.IsZero() {
		return
	}
	for now := f.Since.Truncate(f.Ledger); now.Before(time.Now()) && ctx.Err() == nil; now = now.Add(f.Ledger) {
		f.World.Step(now)
		var flags metric.Flags
		if now.Truncate(time.Hour).Equal(now) {
			flags = metric.HourEdge
		}
		for i := range f.members {
			f.record(i, now, flags)
		}
		f.last = now
	}
}

// ledgerPhase spreads hosts over the ledger interval. Meters are read together
// at its start, so that what goes in and what comes out of the site is known for
// the same minutes.
func ledgerPhase(name string, l *metric.Layout, interval, step time.Duration) time.Duration {
	for i := range l.Entities {
		if l.Entities[i].Kind == metric.Meter {
			return 0
		}
	}
	return phase(name, interval, step)
}

// heard queues an acknowledgement for the next tick; called by the connection.
func (f *fleet) heard(m *nats.Msg) {
	ack, err := wire.ParseAck(m.Data)
	if err != nil {
		return
	}
	// ctl.<site>.<agent>.ack
	name := m.Subject[len("ctl.")+len(f.Site)+1 : len(m.Subject)-len(".ack")]
	if i, ok := f.byName[name]; ok {
		f.mu.Lock()
		if len(f.acks) < 2*len(f.members) {
			f.acks = append(f.acks, memberAck{i, ack})
		}
		f.mu.Unlock()
	}
}

func (f *fleet) tick(now time.Time, skipped int) {
	start := time.Now()
	f.skipped.Add(skipped)
	f.World.Step(now)
	f.takeAcks(now)
	unacked := uint64(0)
	for i := range f.members {
		f.send(i, now)
		unacked += f.members[i].ledger.last - f.members[i].ledger.acked
	}
	f.unacked.Set(float64(unacked))
	f.last = now
	f.taking.UpdateDuration(start)
}

func (f *fleet) takeAcks(now time.Time) {
	f.mu.Lock()
	acks := f.acks
	f.acks = nil
	f.mu.Unlock()
	for _, a := range acks {
		m := &f.members[a.member]
		if err := m.ledger.ack(m.bus, a.ack, now); err != nil && !errors.Is(err, nats.ErrReconnectBufExceeded) {
			f.Logger.Warn("acknowledgement not taken", "agent", m.name, "error", err)
		}
	}
}

// send publishes what agent i says at this tick.
func (f *fleet) send(i int, now time.Time) {
	m := &f.members[i]
	agent := f.World.Agent(i)
	var alive bool
	if f.values, alive = f.World.Telemetry(i, f.values[:0]); !alive {
		return
	}
	b, err := m.telemetry.encode(now, 0, 0, agent.Telemetry, f.values)
	if err == nil {
		err = m.bus.Publish(m.telemetry.subject, b)
	}
	if err == nil {
		f.samples.Add(len(f.values))
		f.batches.Inc()
		f.bytes.Add(len(b))
	} else {
		f.lost.Inc()
	}
	// The layout alone tells of a change: a model's counters are read by a record.
	if yes, edge := recordDue(f.last, now, f.Ledger, m.phase); yes || m.ledger.extra(now, agent.Ledger, nil) {
		var flags metric.Flags
		if edge {
			flags = metric.HourEdge
		}
		f.record(i, now, flags)
	}
	if now.Before(f.flows) {
		return
	}
	if err := m.ledger.pump(m.bus, now, m.ledger.pace(now)); err != nil && !errors.Is(err, nats.ErrReconnectBufExceeded) {
		f.Logger.Warn("ledger record not sent", "agent", m.name, "error", err)
	}
}

func (f *fleet) record(i int, now time.Time, flags metric.Flags) {
	var alive bool
	if f.values, alive = f.World.Ledger(i, f.values[:0]); !alive {
		return
	}
	m := &f.members[i]
	if err := m.ledger.record(now, 0, flags, f.World.Agent(i).Ledger, f.values); err != nil {
		f.Logger.Error("ledger record not made", "agent", m.name, "error", err)
	}
}

// finish reads every counter once more, waits until all is durable, and writes
// the truth.
func (f *fleet) finish() error {
	for i := range f.members {
		if !f.last.IsZero() { // else nothing was read
			f.record(i, f.last, 0)
		}
	}
	open := f.drain(time.Now().Add(settle))
	if open > 0 {
		f.Logger.Warn("ended before all was durable", "agents", open)
	}
	if f.Truth == "" {
		return nil
	}
	return writeTruth(f.Truth, f.World.Truth())
}

// drain pumps until every record is acknowledged, or until the deadline; it
// returns how many agents still wait.
func (f *fleet) drain(deadline time.Time) (open int) {
	for {
		now := time.Now()
		f.takeAcks(now)
		open = 0
		for i := range f.members {
			m := &f.members[i]
			if m.ledger.acked == m.ledger.last {
				continue
			}
			open++
			if err := m.ledger.pump(m.bus, now, 20); err != nil {
				break // the bus is away; the deadline bounds the wait
			}
		}
		if open == 0 || now.After(deadline) {
			return open
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func writeTruth(path string, t sim.Truth) error {
	b, err := json.MarshalIndent(t, "", " ")
	if err != nil {
		return fmt.Errorf("write truth: %w", err)
	}
	tmp := path + ".tmp"
	if err := os.WriteFile(tmp, append(b, '\n'), 0o644); err != nil {
		return fmt.Errorf("write truth: %w", err)
	}
	if err := os.Rename(tmp, path); err != nil {
		return fmt.Errorf("write truth %s: %w", filepath.Base(path), err)
	}
	return nil
}
