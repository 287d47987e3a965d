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

// A Watermark is how far an agent's ledger lane is durable.
type Watermark struct {
	Site, Agent string
	wire.Ack
}

// A Book keeps the accounts.
type Book interface {
	// Position is the stream that was read and the last message of it that the
	// state rests on.
	Position() (stream string, sequence uint64)
	// Apply takes a batch of the ledger lane, valid during the call, that came as
	// the given message. advanced is false for what was known already or cannot
	// be taken yet; err says what is wrong with it, if anything is.
	Apply(b *metric.Batch, arrived time.Time, stream string, sequence uint64) (advanced bool, err error)
	// Skip notes that a message was passed over: it holds nothing to apply.
	Skip(stream string, sequence uint64)
	// Commit makes the state durable and then seals what is due; it returns the
	// watermarks that moved.
	Commit(now time.Time) ([]Watermark, error)
	// More reports whether the last commit left hours that are due.
	More() bool
	// Durable is the watermark of one agent; ok is false if nothing of it is.
	Durable(site, agent string) (w Watermark, ok bool)
}

// A LedgerConfig says where the ledger lane is and who keeps the accounts.
type LedgerConfig struct {
	JetStream jetstream.JetStream
	Publish   func(subject string, data []byte) error // of acknowledgements
	Stream    string
	Sites     []string // that are served; empty: all
	Book      Book
	Held      *Quarantine   // nil: nobody is
	Every     time.Duration // between commits; 0 stands for 10 s
	Logger    *slog.Logger
	Metrics   *metrics.Set
}

// commitAfter is how many records may be applied before a commit is due
// whatever the time.
const commitAfter = 50_000

// shortestRest is between commits that do not wait for the tick.
const shortestRest = 10 * time.Millisecond

const (
	metricRecords       = "gigawatch_stream_ledger_records_total"
	metricHeld          = "gigawatch_stream_ledger_records_not_taken_total"
	metricAcks          = "gigawatch_stream_acknowledgements_total"
	metricAcksUnsent    = "gigawatch_stream_acknowledgements_unsent_total"
	metricCommitTaking  = "gigawatch_stream_commit_seconds"
	metricCommitFailure = "gigawatch_stream_commit_failures_total"
	metricLedgerLag     = "gigawatch_stream_ledger_lag_seconds"
	metricStreamGaps    = "gigawatch_stream_ledger_stream_gaps_total"
)

// Ledger reads the ledger lane. Owned by Run's goroutine.
type Ledger struct {
	c       LedgerConfig
	rejects *rejects
	layouts *roster[*wire.Layout] // newest of each agent
	values  []metric.Raw
	again   map[[2]string]bool // agents that must hear their watermark, though it did not move
	applied int                // since the last commit
	last    uint64             // newest message of the stream

	watchEvery time.Duration

	records, held, acks, unsent, failures, gaps *metrics.Counter
	taking                                      *metrics.Summary
	hurry                                       chan struct{}
	lag                                         atomic.Int64 // nanoseconds from reading to handled, of the newest
	heard                                       atomic.Int64 // when that was, nanoseconds since 1970
	old                                         atomic.Uint64
}

// NewLedger prepares a reader; Run reads.
func NewLedger(c LedgerConfig) *Ledger {
	if c.Every == 0 {
		c.Every = 10 * time.Second
	}
	l := &Ledger{
		c: c, watchEvery: watchEvery, layouts: newRoster[*wire.Layout]("ledger", c.Metrics), again: map[[2]string]bool{}, hurry: make(chan struct{}, 1),
		rejects: newRejects("ledger", c.Metrics, c.Logger),
		records: c.Metrics.NewCounter(metricRecords), held: c.Metrics.NewCounter(metricHeld),
		acks: c.Metrics.NewCounter(metricAcks), unsent: c.Metrics.NewCounter(metricAcksUnsent), failures: c.Metrics.NewCounter(metricCommitFailure),
		gaps: c.Metrics.NewCounter(metricStreamGaps), taking: c.Metrics.NewSummary(metricCommitTaking),
	}
	c.Metrics.NewGauge(metricLedgerLag, func() float64 { lag, _ := l.Lag(); return lag.Seconds() })
	return l
}

// Lag is the time from a record's reading to its being handled, of the newest;
// ok is false before the first.
func (l *Ledger) Lag() (lag time.Duration, ok bool) {
	if l.heard.Load() == 0 {
		return 0, false
	}
	// Between records of a small site seconds pass; only a long silence is lag.
	if since := time.Since(time.Unix(0, l.heard.Load())); since > time.Minute {
		return since, true
	}
	return time.Duration(l.lag.Load()), true
}

// past is how old a record is when it is not of the present.
const past = time.Minute

// Taken counts the records that were handled, and those of them that were of the past:
// of a backlog, most are.
func (l *Ledger) Taken() (records, old uint64) {
	old = l.old.Load() // first, so that it is never more
	return l.records.Get(), old
}

// Hurry asks for a commit now, for who waits to end. It does not wait for it.
func (l *Ledger) Hurry() {
	select {
	case l.hurry <- struct{}{}:
	default:
	}
}

// message is one of the lane on its way from the connection to Run.
type message struct {
	subject  string
	data     []byte
	sequence uint64
	stored   time.Time
}

// Run reads, commits and acknowledges until ctx ends, and commits once more. It
// returns an error when a commit fails, since the state on disk is then unknown
// and a restart reads back what is there, and when the stream is gone.
func (l *Ledger) Run(ctx context.Context) error {
	in, err := find(ctx, l.c.JetStream, l.c.Stream)
	if err != nil {
		return fmt.Errorf("read ledger lane: %w", err)
	}
	identity, from := in.identity(), uint64(1)
	switch known, position := l.c.Book.Position(); {
	case known == identity && position <= in.last:
		from = position + 1
	case known == identity:
		l.gaps.Inc()
		l.c.Logger.Warn("the ledger stream has lost its newest messages; it is read from its beginning, and the agents send what is missing",
			"position", position, "last", in.last)
	case known != "":
		l.c.Logger.Warn("the ledger stream is not the one known; it is read from its beginning, and the agents send what is missing",
			"known", known, "found", identity, "position", position, "last", in.last)
	}
	l.last = from - 1
	consumer, err := l.c.JetStream.OrderedConsumer(ctx, l.c.Stream, jetstream.OrderedConsumerConfig{
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: from, InactiveThreshold: time.Minute,
	})
	if err != nil {
		return fmt.Errorf("read ledger lane from %d: %w", from, err)
	}
	// Bounded: while it is full, the connection waits, and the stream keeps.
	messages := make(chan message, 4096)
	reading, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() {
		ended <- in.consume(reading, consumer, l.watchEvery, func(m jetstream.Msg) {
			md, err := m.Metadata()
			if err != nil {
				return
			}
			select {
			case messages <- message{m.Subject(), m.Data(), md.Sequence.Stream, md.Timestamp}:
			case <-reading.Done():
			}
		}, l.c.Logger)
	}()
	defer func() { stop(); <-ended }()

	tick := time.NewTicker(l.c.Every)
	defer tick.Stop()
	var soon <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return l.commit(time.Now())
		case m := <-messages:
			l.handle(identity, m)
			if l.applied < commitAfter {
				continue
			}
		case <-tick.C:
		case <-l.hurry:
		case <-soon:
		case err := <-ended:
			ended <- err // for the deferred wait
			if ctx.Err() != nil {
				return l.commit(time.Now())
			}
			return fmt.Errorf("read ledger lane: %w", err)
		}
		began := time.Now()
		if err := l.commit(began); err != nil {
			return err
		}
		soon = nil
		if l.c.Book.More() {
			// A year of readings is thousands of hours to seal: they do not wait for the
			// tick, and the lane is read for as long as they took.
			soon = time.After(max(time.Since(began), shortestRest))
		}
	}
}

func (l *Ledger) handle(identity string, m message) {
	if l.last != 0 && m.sequence != l.last+1 {
		// The stream lost messages or let them age out; their agents have them.
		l.gaps.Inc()
		l.c.Logger.Warn("the ledger stream has a hole", "after", l.last, "before", m.sequence)
	}
	l.last = m.sequence
	if l.c.Held.holds(m.subject, m.stored) {
		l.rejects.refuse(m.subject, errHeld)
		l.c.Book.Skip(identity, m.sequence)
		return
	}
	n := 0
	for one := range wire.Messages(m.data) {
		if n++; n > mostRecords {
			l.refuse(identity, m, errRecords)
			return
		}
		if !l.take(identity, m, one) {
			return // the agent sends the rest again
		}
	}
}

// mostRecords bounds those in one message of the bus: a collector sends six.
const mostRecords = 32

func (l *Ledger) refuse(identity string, m message, err error) {
	l.c.Held.note(m.subject, m.stored, err)
	l.rejects.refuse(m.subject, err)
	l.c.Book.Skip(identity, m.sequence)
}

// take takes one of the messages that came as m; false if it was refused.
func (l *Ledger) take(identity string, m message, data []byte) bool {
	var w wire.Message
	site, agent, err := parse(&w, m.subject, data, l.c.Sites)
	var b *metric.Batch
	if err == nil {
		b, err = l.batch(&w, site, agent, m.stored)
	}
	if err != nil {
		l.refuse(identity, m, err)
		return false
	}
	l.records.Inc()
	if w.Flags&metric.Restated == 0 { // else it is of a time that is long over
		lag := time.Since(time.UnixMilli(w.Time))
		l.lag.Store(int64(lag))
		if lag > past {
			l.old.Add(1)
		}
	}
	l.heard.Store(time.Now().UnixNano())
	advanced, err := l.c.Book.Apply(b, m.stored, identity, m.sequence)
	if err != nil {
		l.rejects.warn("ledger record needs attention", m.subject, "sequence", w.Sequence, "error", err)
	}
	l.applied++
	if !advanced {
		l.held.Inc()
		l.again[[2]string{site, agent}] = true
	}
	return true
}

func (l *Ledger) batch(w *wire.Message, site, agent string, now time.Time) (*metric.Batch, error) {
	known := l.layouts.of(agentKey(site, agent), now, func() *wire.Layout { return nil })
	if known == nil {
		return nil, errAgents
	}
	if *known == nil || (*known).ID != w.LayoutID {
		if !w.Inline {
			return nil, errLayout
		}
		layout, err := w.Layout()
		if err != nil {
			return nil, err
		}
		*known = layout
	}
	layout := *known
	var err error
	if l.values, err = w.Values(l.values[:0], layout); err != nil {
		return nil, err
	}
	return &metric.Batch{
		Site: site, Agent: agent, Lane: w.Lane, Flags: w.Flags,
		Incarnation: w.Incarnation, Sequence: w.Sequence, Skipped: w.Skipped,
		Time: w.Time, Boottime: w.Boottime, Interval: w.Interval, Ticks: w.Ticks,
		Layout: layout.Layout, Values: l.values,
	}, nil
}

// commit makes the state durable, then tells the agents.
func (l *Ledger) commit(now time.Time) error {
	start := time.Now()
	moved, err := l.c.Book.Commit(now)
	if err != nil {
		l.failures.Inc()
		return fmt.Errorf("commit ledger: %w", err)
	}
	l.applied = 0
	l.taking.UpdateDuration(start)
	unsent := 0
	tell := func(w Watermark) {
		if e := l.acknowledge(w); e != nil {
			unsent, err = unsent+1, e
		}
	}
	for _, w := range moved {
		delete(l.again, [2]string{w.Site, w.Agent})
		tell(w)
	}
	for a := range l.again {
		// Who sends what is known, or what cannot be taken, has lost its place:
		// the watermark says where it is. Of whom nothing is known, nothing is
		// durable: it sends from its first record on, or says that it has it no more.
		w, ok := l.c.Book.Durable(a[0], a[1])
		if !ok {
			w = Watermark{Site: a[0], Agent: a[1]}
		}
		tell(w)
	}
	if unsent > 0 { // of a fleet in one line; who heard nothing sends again, and is told then
		l.unsent.Add(unsent)
		l.c.Logger.Warn("acknowledgements not sent", "agents", unsent, "error", err)
	}
	clear(l.again)
	return nil
}

func (l *Ledger) acknowledge(w Watermark) error {
	if err := l.c.Publish(wire.AckSubject(w.Site, w.Agent), wire.AppendAck(nil, w.Ack)); err != nil {
		return fmt.Errorf("acknowledge %s/%s: %w", w.Site, w.Agent, err)
	}
	l.acks.Inc()
	return nil
}
