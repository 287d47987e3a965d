package ledger

import (
	"fmt"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
)

// Names of the ledger's self-metrics.
const (
	MetricRecords       = "gigawatch_ledger_records_total"          // by verdict
	MetricAlarms        = "gigawatch_ledger_alarms_total"           // by kind
	MetricSealed        = "gigawatch_ledger_hours_sealed_total"     // by kind: hour, restatement
	MetricSealSeconds   = "gigawatch_ledger_seal_seconds"           //
	MetricCommitSeconds = "gigawatch_ledger_commit_seconds"         //
	MetricSnapshotBytes = "gigawatch_ledger_snapshot_bytes"         //
	MetricDamagedSlots  = "gigawatch_ledger_damaged_slots_total"    // found at start
	MetricWarmed        = "gigawatch_ledger_hours_read_ahead_total" // after a start
	MetricLostStates    = "gigawatch_ledger_lost_states_total"      // sites whose state was lost
)

type tallies struct {
	set                      *metrics.Set
	verdicts                 [5]*metrics.Counter
	hours, restatements      *metrics.Counter
	sealing, commits         *metrics.Summary
	snapshotBytes            *metrics.Gauge
	damagedSlots, lostStates *metrics.Counter
	warmed                   *metrics.Counter
}

func newTallies(set *metrics.Set) *tallies {
	if set == nil {
		set = metrics.NewSet()
	}
	t := &tallies{
		set:   set,
		hours: set.GetOrCreateCounter(MetricSealed + `{kind="hour"}`), restatements: set.GetOrCreateCounter(MetricSealed + `{kind="restatement"}`),
		sealing: set.GetOrCreateSummary(MetricSealSeconds), commits: set.GetOrCreateSummary(MetricCommitSeconds),
		snapshotBytes: set.GetOrCreateGauge(MetricSnapshotBytes, nil),
		damagedSlots:  set.GetOrCreateCounter(MetricDamagedSlots), lostStates: set.GetOrCreateCounter(MetricLostStates),
		warmed: set.GetOrCreateCounter(MetricWarmed),
	}
	for v := range t.verdicts {
		t.verdicts[v] = set.GetOrCreateCounter(fmt.Sprintf("%s{verdict=%q}", MetricRecords, account.Verdict(v)))
	}
	return t
}

func (t *tallies) count(v account.Verdict) { t.verdicts[v].Inc() }

func (t *tallies) alarm(k account.AlarmKind) {
	t.set.GetOrCreateCounter(fmt.Sprintf("%s{kind=%q}", MetricAlarms, k)).Inc()
}

func (t *tallies) sealed(late bool, start time.Time) {
	if late {
		t.restatements.Inc()
	} else {
		t.hours.Inc()
	}
	t.sealing.UpdateDuration(start)
}
