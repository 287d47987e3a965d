package store

import (
	"errors"
	"fmt"

	vm "github.com/VictoriaMetrics/metrics"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
)

// Names of the store's own metrics.
const (
	MetricValues   = "gigawatch_store_values_total"           // offered in ticks that were due
	MetricSamples  = "gigawatch_store_samples_total"          // written
	MetricCreated  = "gigawatch_store_series_created_total"   // labels made for a series the head did not know
	MetricDeferred = "gigawatch_store_values_deferred_total"  // of new agents, put off because too many series were made at once
	MetricDropped  = "gigawatch_store_samples_dropped_total"  // by reason
	MetricCommits  = "gigawatch_store_commit_failures_total"  // commits that failed, with all their samples
	MetricSetAside = "gigawatch_store_blocks_set_aside_total" // unreadable blocks
	MetricSeries   = "gigawatch_store_series"                 // in the head
	MetricBytes    = "gigawatch_store_bytes"                  // of blocks and head on disk
)

// A reason is why a value or sample was not stored.
type reason uint8

const (
	unknownMetric reason = iota // not in the catalogue, or in another form there
	unknownState                // a state that the catalogue does not have
	future                      // further ahead of now than is believed
	tooOld                      // beyond the out-of-order window, or before the head
	outOfOrder
	tooMuchLate  // out of order, and too many series are already
	storedBefore // read again after a restart, and in the store since before it
	duplicate    // another value at the same time
	tooMany      // of an agent more than are remembered
	tooManyNew   // of a series more than an agent may add
	invalid
	notCommitted
	reasons
)

func (r reason) String() string {
	return [reasons]string{"unknown_metric", "unknown_state", "future", "too_old", "out_of_order", "too_much_late", "stored_before", "duplicate", "too_many_agents", "too_many_new_series", "invalid", "commit"}[r]
}

// reasonOf sorts the TSDB's refusals.
func reasonOf(err error) reason {
	switch {
	case errors.Is(err, storage.ErrTooOldSample), errors.Is(err, storage.ErrOutOfBounds):
		return tooOld
	case errors.Is(err, storage.ErrOutOfOrderSample):
		return outOfOrder
	case errors.Is(err, storage.ErrDuplicateSampleForTimestamp):
		return duplicate
	}
	return invalid
}

type counters struct {
	set *vm.Set

	values, samples, created, deferred, commits, setAside *vm.Counter

	dropped [reasons]*vm.Counter
}

func newCounters(set *vm.Set) *counters {
	c := &counters{
		set:      set,
		values:   set.GetOrCreateCounter(MetricValues),
		samples:  set.GetOrCreateCounter(MetricSamples),
		created:  set.GetOrCreateCounter(MetricCreated),
		deferred: set.GetOrCreateCounter(MetricDeferred),
		commits:  set.GetOrCreateCounter(MetricCommits),
		setAside: set.GetOrCreateCounter(MetricSetAside),
	}
	for r := range reasons {
		c.dropped[r] = set.GetOrCreateCounter(fmt.Sprintf("%s{reason=%q}", MetricDropped, r))
	}
	return c
}

// watch shows db's size until unwatch.
func (c *counters) watch(set *vm.Set, db *tsdb.DB) {
	set.NewGauge(MetricSeries, func() float64 { return float64(db.Head().NumSeries()) })
	set.NewGauge(MetricBytes, func() float64 {
		n := db.Head().Size()
		for _, b := range db.Blocks() {
			n += b.Size()
		}
		return float64(n)
	})
}

func (c *counters) unwatch() {
	c.set.UnregisterMetric(MetricSeries)
	c.set.UnregisterMetric(MetricBytes)
}

// A tally is what a writer counted since it last told the counters.
type tally struct {
	values, samples, created, deferred int
	dropped                            [reasons]int
}

func (t *tally) tell(c *counters) {
	c.values.Add(t.values)
	c.samples.Add(t.samples)
	c.created.Add(t.created)
	c.deferred.Add(t.deferred)
	for r, n := range t.dropped {
		if n > 0 {
			c.dropped[r].Add(n)
		}
	}
	*t = tally{}
}
