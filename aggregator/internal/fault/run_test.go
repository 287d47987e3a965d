package fault

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/aggregator/internal/bus"
	"github.com/gigawatch/gigawatch/aggregator/internal/ledger"
	"github.com/gigawatch/gigawatch/aggregator/internal/stream"
	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/sim"
	"github.com/gigawatch/gigawatch/collector/wire"
)

// A run is one seed's run: a site, its bus and its aggregator.
type run struct {
	t   *testing.T
	o   options
	rng *rand.Rand

	world      *sim.World
	began      time.Time
	collectors []*collector
	lane       *lane // nil: the bus is a server
	server     *real
	held       []letter
	step       int
	calm       bool // no faults any more
	quiet      bool // and nothing is recorded

	device  *device
	ledger  *ledger.Ledger
	alarms  map[account.AlarmKind]int
	set     *metrics.Set
	reading *stream.Ledger
	stop    context.CancelFunc
	ended   chan error
	said    []word
	flipped bool              // a bit of a slot was, and it has not been written again
	lives   map[string]uint64 // of agents, that this aggregator took records of

	committed bool // in this step
	settled   bool // all is durable
	jumped    bool // a record with a reading beyond physics was taken

	watch watch
	sum   tally
}

// A letter is a message that is held up on its way.
type letter struct {
	subject string
	bytes   []byte
	until   int // step
}

func (r *run) since() time.Duration { return time.Since(r.began) }

// virtual runs f in virtual time.
func virtual(t *testing.T, f func(t *testing.T)) {
	metrics.NewSet().NewSummary("outside") // its clock, which all share, must not begin in the bubble
	synctest.Test(t, f)
}

func newRun(t *testing.T, o options) *run {
	began := time.Now()
	w, err := sim.New(sim.Config{Site: siteName, Hosts: o.Hosts, GPUs: o.GPUs, Seed: o.Seed, Start: began, Faults: sim.Faults{Off: true}})
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(o.Seed, 1))
	r := &run{t: t, o: o, rng: rng, world: w, began: began, device: newDevice(rng), alarms: map[account.AlarmKind]int{}, sum: tally{Injected: map[string]int{}}}
	for i := range w.Agents() {
		r.collectors = append(r.collectors, newCollector(r, i))
	}
	return r
}

// carry is the way of a message that a collector sent.
func (r *run) carry(subject string, b []byte) {
	switch {
	case r.chance(lose):
		return
	case r.chance(delay):
		r.held = append(r.held, letter{subject, append([]byte(nil), b...), r.step + 1 + r.rng.IntN(40)})
		return
	}
	r.store(subject, b)
	if r.chance(double) {
		for range 1 + r.rng.IntN(50) {
			r.store(subject, b)
		}
	}
}

func (r *run) store(subject string, b []byte) {
	if r.lane != nil {
		r.lane.store(subject, b)
	} else if err := r.server.conn.Publish(subject, b); err != nil {
		r.t.Fatal(err)
	}
}

// late lets what was held up arrive, in any order.
func (r *run) late() {
	var due, still []letter
	for _, m := range r.held {
		if m.until <= r.step || r.calm {
			due = append(due, m)
		} else {
			still = append(still, m)
		}
	}
	r.rng.Shuffle(len(due), func(i, j int) { due[i], due[j] = due[j], due[i] })
	for _, m := range due {
		r.store(m.subject, m.bytes)
	}
	r.held = still
}

// live lets one interval pass.
func (r *run) live() {
	time.Sleep(r.o.Interval)
	synctest.Wait() // so that who wakes at the same instant has done what it does
	r.step++
	r.world.Step(time.Now())
	r.inject()
	for _, c := range r.collectors {
		c.step()
	}
	r.late()
	r.aggregate()
	for _, c := range r.collectors {
		c.settle()
	}
	r.check()
}

// settle is the sync that comes some seconds after a record, unless the power goes
// before.
func (c *collector) settle() {
	switch {
	case c.rec == nil:
	case c.r.chance(powerCut):
		c.stop(1+c.r.rng.IntN(10), true)
	default:
		if c.rec.Sync() == nil { // a disk that fails is the spool's to mind
			c.synced = c.newest
		}
		if c.sick > 0 && c.r.chance(cutSick) {
			c.stop(1+c.r.rng.IntN(10), true)
		}
		if c.sick > 0 {
			if c.sick--; c.sick == 0 {
				c.device.fault = nil
			}
		}
	}
}

// open starts the aggregator; false if it cannot be for want of a bus.
func (r *run) open() bool {
	if err := r.start(); err != nil {
		r.t.Errorf("the aggregator does not start: %v", err)
		return false
	}
	return !r.gone()
}

func (r *run) start() error {
	set := metrics.NewSet()
	conf := r.ledgerConfig(r.device)
	conf.Metrics = set
	l, err := ledger.Open(conf)
	if err != nil {
		return err
	}
	r.ledger, r.set, r.lives = l, set, map[string]uint64{}
	r.reading = stream.NewLedger(stream.LedgerConfig{
		JetStream: r.jetstream(), Publish: r.acknowledge, Stream: bus.Ledger, Book: books{l, r}, Every: time.Hour,
		Logger: slog.New(slog.DiscardHandler), Metrics: set,
	})
	ctx, stop := context.WithCancel(context.Background())
	ended, reading := make(chan error, 1), r.reading
	r.stop, r.ended = stop, ended
	go func() { ended <- reading.Run(ctx) }()
	synctest.Wait()
	return nil
}

func (r *run) jetstream() jetstream.JetStream {
	if r.lane == nil {
		return r.server.js
	}
	return r.lane
}

// gone reports whether the aggregator has ended by itself.
func (r *run) gone() bool {
	select {
	case <-r.ended:
		r.stop()
		r.reading = nil
		return true
	default:
		return false
	}
}

// kill ends the aggregator at once: nothing it does reaches the disk any more.
func (r *run) kill(powerCut bool) {
	if r.reading == nil {
		return
	}
	r.device.fault = func(string, string) error { return errStopped }
	r.stop()
	<-r.ended
	r.reading = nil
	if powerCut {
		r.device = r.device.cut()
	} else {
		r.device = r.device.kill()
	}
}

// acknowledge takes an acknowledgement: told carries it on.
func (r *run) acknowledge(subject string, b []byte) error {
	if r.away() {
		return errAway
	}
	a, err := wire.ParseAck(b)
	if err != nil {
		return fmt.Errorf("acknowledgement of the aggregator: %w", err)
	}
	r.said = append(r.said, word{subject, a})
	return nil
}

// A word is an acknowledgement on its way.
type word struct {
	subject string
	ack     wire.Ack
}

// told brings what the aggregator said to the collectors.
func (r *run) told() {
	said := r.said
	r.said = nil
	slices.SortStableFunc(said, func(a, b word) int { return strings.Compare(a.subject, b.subject) }) // it has no order of its own
	for _, x := range said {
		for _, c := range r.collectors {
			if x.subject != wire.AckSubject(siteName, c.name) || c.cut > 0 || c.rec == nil || r.chance(loseAck) {
				continue
			}
			c.inbox = append(c.inbox, x.ack)
			if r.chance(double) {
				c.inbox = append(c.inbox, x.ack, x.ack)
			}
			if n := len(c.inbox); r.chance(delay) && n > 1 {
				c.inbox[0], c.inbox[n-1] = c.inbox[n-1], c.inbox[0]
			}
		}
	}
}

// books are the ledger as its lane sees it.
type books struct {
	*ledger.Ledger
	r *run
}

func (b books) Apply(batch *metric.Batch, arrived time.Time, name string, sequence uint64) (bool, error) {
	o := b.Ledger.Apply(batch, arrived, name, sequence)
	b.r.trace(batch, o)
	b.r.admitted(batch, &o)
	if o.Verdict == account.Accepted && batch.Flags&metric.Gap == 0 {
		if c := b.r.named(batch.Agent); c != nil {
			c.accepted(batch.Sequence)
			b.r.jumped = b.r.jumped || c.absurd > 0 && slices.ContainsFunc(registers(batch.Layout), func(x register) bool {
				return batch.Values[x.value] > beyond && batch.Values[x.value] != metric.Missing
			})
		}
	}
	for _, a := range o.Alarms {
		b.r.alarms[a.Kind]++
		b.r.givenUp(batch.Agent, a.Kind)
	}
	return o.Verdict == account.Accepted, nil
}

// givenUp notes that it is said of an agent that something is lost, where nobody can promise more:
// what it sent is held up on its way for longer than it is waited for, or no clock of it tells how
// long it did not run.
func (r *run) givenUp(agent string, kind account.AlarmKind) {
	c := r.named(agent)
	if c == nil {
		return
	}
	switch kind {
	case account.Lost:
		late := func(x letter) bool { return x.subject == wire.Subject(metric.Ledger, siteName, agent) }
		c.givenUp = c.givenUp || slices.ContainsFunc(r.held, late)
	case account.Glitch, account.Rebased:
		c.givenUp = c.givenUp || c.adrift
	}
}

// named is the collector of a name; nil if a record that was forged says it.
func (r *run) named(agent string) *collector {
	i := slices.IndexFunc(r.collectors, func(c *collector) bool { return c.name == agent })
	if i < 0 {
		return nil
	}
	return r.collectors[i]
}

func (b books) Commit(now time.Time) ([]stream.Watermark, error) {
	moved, err := b.Ledger.Commit(now)
	var out []stream.Watermark
	for _, w := range moved {
		out = append(out, watermark(w))
	}
	return out, err
}

func (b books) Durable(site, agent string) (stream.Watermark, bool) {
	w, ok := b.Ledger.Durable(site, agent)
	return watermark(w), ok
}

func watermark(w account.Watermark) stream.Watermark {
	return stream.Watermark{Site: w.Site, Agent: w.Agent, Ack: wire.Ack{Incarnation: w.Incarnation, Sequence: w.Sequence}}
}
