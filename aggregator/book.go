package main

import (
	"fmt"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/aggregator/internal/ledger"
	"github.com/gigawatch/gigawatch/aggregator/internal/stream"
	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/wire"
)

// book is the ledger as the ledger lane sees it.
type book struct {
	*ledger.Ledger
	today  *today
	points *checkpoints
}

// alarms are all kinds there are.
func alarms() []account.AlarmKind {
	return []account.AlarmKind{
		account.Quarantined, account.Rebased, account.Glitch, account.Conflict, account.Clock, account.Frozen,
		account.Joined, account.Lost, account.Revenant, account.Overflow, account.Full, account.Discarded,
	}
}

// newBook shows the count of every kind of alarm from the start, so that none is
// absent because it is zero. The ledger counts them.
func newBook(l *ledger.Ledger, t *today, points *checkpoints, set *metrics.Set) book {
	for _, kind := range alarms() {
		set.GetOrCreateCounter(fmt.Sprintf("%s{kind=%q}", ledger.MetricAlarms, kind))
	}
	return book{l, t, points}
}

func (b book) Apply(batch *metric.Batch, arrived time.Time, name string, sequence uint64) (advanced bool, err error) {
	o := b.Ledger.Apply(batch, arrived, name, sequence)
	if o.Verdict == account.Zombie || o.Verdict == account.Invalid {
		err = fmt.Errorf("%s: %s", o.Verdict, o.Reason)
	}
	return o.Verdict == account.Accepted, err
}

func (b book) Commit(now time.Time) ([]stream.Watermark, error) {
	moved, err := b.Ledger.Commit(now)
	if err != nil {
		return nil, err
	}
	b.points.keep()
	b.today.wake()
	out := make([]stream.Watermark, len(moved))
	for i, w := range moved {
		b.today.took(w.Site, now)
		out[i] = watermark(w)
	}
	return out, nil
}

func (b book) Durable(site, agent string) (stream.Watermark, bool) {
	w, ok := b.Ledger.Durable(site, agent)
	return watermark(w), ok
}

func watermark(w account.Watermark) stream.Watermark {
	return stream.Watermark{Site: w.Site, Agent: w.Agent, Ack: wire.Ack{Incarnation: w.Incarnation, Sequence: w.Sequence}}
}
