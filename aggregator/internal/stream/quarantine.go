package stream

import (
	"errors"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/gigawatch/gigawatch/collector/wire"
)

// A Quarantine passes over all that an agent says, on both lanes, once it has said too
// much that no collector says: forged, damaged or too large. Until it is released, by
// time, none of its batches is looked into, and none is acknowledged: if it was a
// collector after all, it keeps its records, and sends them then.
//
// An agent is who the subject says it is. That is itself where the bus has users; where
// it has none, whoever reaches it can have another's word passed over for a while, as he
// can forge it.
type Quarantine struct {
	log     *slog.Logger
	entered *metrics.Counter

	mu       sync.Mutex
	suspects map[string]*suspect // by site and agent as in the subject
}

// suspect is an agent of which something was refused lately.
type suspect struct {
	since   time.Time // when the minute began
	refused int       // in it
	until   time.Time // of the quarantine; zero: it is not in it
}

const (
	metricQuarantined = "gigawatch_stream_quarantined_agents"
	metricQuarantines = "gigawatch_stream_quarantines_total"

	quarantineAt  = 30               // batches in a minute
	quarantineFor = 10 * time.Minute // since it was put there
	mostSuspects  = 50_000
)

// NewQuarantine holds nobody.
func NewQuarantine(set *metrics.Set, log *slog.Logger) *Quarantine {
	q := &Quarantine{log: log, entered: set.NewCounter(metricQuarantines), suspects: map[string]*suspect{}}
	set.NewGauge(metricQuarantined, func() float64 { return float64(q.held(time.Now())) })
	return q
}

// held is how many are in it.
func (q *Quarantine) held(now time.Time) (n int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, s := range q.suspects {
		if now.Before(s.until) {
			n++
		}
	}
	return n
}

// holds reports whether what came on a subject is passed over.
func (q *Quarantine) holds(subject string, arrived time.Time) bool {
	if q == nil {
		return false
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	s := q.suspects[agentOf(subject)]
	return s != nil && arrived.Before(s.until)
}

// hostile are the reasons that no collector gives, whatever its clock, its restarts and
// its settings.
var hostile = []error{errSubject, errLane, errSize, errNumber, wire.ErrSize, wire.ErrMagic, wire.ErrTruncated, wire.ErrChecksum, wire.ErrLayout, wire.ErrCorrupt}

// note counts what was refused, and puts its agent into quarantine when it is too much.
func (q *Quarantine) note(subject string, arrived time.Time, err error) {
	if q == nil {
		return
	}
	bad := false
	for _, h := range hostile {
		bad = bad || errors.Is(err, h)
	}
	if !bad {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	key := agentOf(subject)
	s := q.suspects[key]
	if s == nil {
		if len(q.suspects) >= mostSuspects {
			q.forget(arrived)
		}
		s = &suspect{since: arrived}
		q.suspects[key] = s
	}
	if arrived.Sub(s.since) >= time.Minute {
		s.since, s.refused = arrived, 0
	}
	if s.refused++; s.refused < quarantineAt || arrived.Before(s.until) {
		return
	}
	s.until, s.refused = arrived.Add(quarantineFor), 0
	q.entered.Inc()
	q.log.Error("an agent is in quarantine: nothing that it says is taken", "agent", key, "until", s.until.UTC().Format(time.RFC3339), "error", err)
}

// forget makes room: of those who are in quarantine none.
func (q *Quarantine) forget(now time.Time) {
	for key, s := range q.suspects {
		if !now.Before(s.until) {
			delete(q.suspects, key)
		}
	}
	if len(q.suspects) >= mostSuspects {
		clear(q.suspects)
	}
}

// agentOf is the site and the agent of a subject, whatever the lane.
func agentOf(subject string) string {
	_, rest, _ := strings.Cut(subject, ".")
	return rest
}
