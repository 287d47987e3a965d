package stream

import (
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/gigawatch/gigawatch/collector/wire"
)

// A Quarantine passes over all that an agent says, on both lanes, once it has said too
// much that no collector says: forged, damaged or too large. Until it is released, by
// time or by a person, none of its batches is looked into, and none is acknowledged: if
// it was a collector after all, it keeps its records, and sends them then.
//
// An agent is who the subject says it is, and that is itself only where the bus knows
// who speaks. Where it does not, whoever reaches it could have another's word passed
// over: there, what is forged is refused batch by batch, and nobody is held for it.
type Quarantine struct {
	c       QuarantineConfig
	entered *metrics.Counter

	mu       sync.Mutex
	suspects map[string]*suspect // by site and agent as in the subject
	held     map[string]*Held    // likewise; those that are over, too, for a while
	changed  bool                // since held was kept

	keeping sync.Mutex // one at a time; guards the next
	unkept  bool       // the file could not be written, and that was said
}

// A QuarantineConfig says whether anybody is held, and where that is remembered.
type QuarantineConfig struct {
	Known   bool   // the bus lets each agent speak in its own name alone
	File    string // what is held outlives a restart in it; "": nothing does
	Logger  *slog.Logger
	Metrics *metrics.Set
}

// A Held is an agent that is in quarantine, or was lately.
type Held struct {
	Site    string    `json:"site"`
	Agent   string    `json:"agent"`
	Since   time.Time `json:"since"`   // when it had said too much
	Until   time.Time `json:"until"`   // what the bus had by then is not taken
	Refused int       `json:"refused"` // batches, in the minute before
	Why     string    `json:"why"`     // the last of them
	Times   int       `json:"times"`   // how often it was held lately, this time included

	Released bool   `json:"released,omitempty"` // before its time
	By       string `json:"by,omitempty"`       // who did
}

// suspect is an agent of which something was refused lately.
type suspect struct {
	since   time.Time // when the minute began
	refused int       // in it
}

const (
	metricQuarantined = "gigawatch_stream_quarantined_agents"
	metricQuarantines = "gigawatch_stream_quarantines_total"

	quarantineAt  = 30               // batches in a minute
	quarantineFor = 10 * time.Minute // since it was put there
	rememberFor   = 24 * time.Hour   // since it was over; a lane may be behind by less
	mostSuspects  = 50_000
	mostHeld      = 10_000
	mostWhy       = 200 // bytes
)

// NewQuarantine holds whom the file says; Run keeps it.
func NewQuarantine(c QuarantineConfig) *Quarantine {
	q := &Quarantine{c: c, entered: c.Metrics.NewCounter(metricQuarantines), suspects: map[string]*suspect{}, held: map[string]*Held{}}
	q.recall(time.Now())
	c.Metrics.NewGauge(metricQuarantined, func() float64 {
		n, now := 0, time.Now()
		for _, h := range q.Held() {
			if now.Before(h.Until) {
				n++
			}
		}
		return float64(n)
	})
	return q
}

// Held are all that are in quarantine, and those that were until lately, the newest
// first.
func (q *Quarantine) Held() []Held {
	q.mu.Lock()
	defer q.mu.Unlock()
	all := make([]Held, 0, len(q.held))
	for _, h := range q.held {
		all = append(all, *h)
	}
	slices.SortFunc(all, func(a, b Held) int {
		if c := b.Since.Compare(a.Since); c != 0 {
			return c
		}
		return strings.Compare(agentKey(a.Site, a.Agent), agentKey(b.Site, b.Agent))
	})
	return all
}

// Release has an agent heard again from now on, on the word of a person; ok is false
// if it was not in quarantine. What came before is not taken: a collector sends it
// again, since nobody acknowledged it.
func (q *Quarantine) Release(site, agent, by string, now time.Time) (h Held, ok bool) {
	key := heldKey(site, agent)
	q.mu.Lock()
	x := q.held[key]
	if ok = x != nil && now.Before(x.Until); ok {
		x.Until, x.Released, x.By = now, true, by
		h, q.changed = *x, true
		delete(q.suspects, key)
	}
	q.mu.Unlock()
	if ok {
		q.c.Logger.Info("an agent is released from quarantine", "agent", key, "by", by, "since", h.Since.UTC().Format(time.RFC3339))
		q.keep() // a person's word outlives a crash
	}
	return h, ok
}

// holds reports whether what came on a subject is passed over.
func (q *Quarantine) holds(subject string, arrived time.Time) bool {
	if q == nil {
		return false
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	h := q.held[agentOf(subject)]
	return h != nil && arrived.Before(h.Until)
}

// hostile are the reasons that no collector gives, whatever its clock, its restarts and
// its settings.
var hostile = []error{errSubject, errLane, errSize, errRecords, errNumber, wire.ErrSize, wire.ErrMagic, wire.ErrTruncated, wire.ErrChecksum, wire.ErrLayout, wire.ErrCorrupt}

// note counts what was refused, and puts its agent into quarantine when it is too much.
func (q *Quarantine) note(subject string, arrived time.Time, err error) {
	if q == nil || !q.c.Known || !slices.ContainsFunc(hostile, func(h error) bool { return errors.Is(err, h) }) {
		return
	}
	_, site, agent, bad := wire.SplitSubject(subject)
	if bad != nil { // it is nobody's
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	key := agentOf(subject)
	s := q.suspects[key]
	if s == nil {
		if len(q.suspects) >= mostSuspects {
			clear(q.suspects)
		}
		s = &suspect{since: arrived}
		q.suspects[key] = s
	}
	if arrived.Sub(s.since) >= time.Minute {
		s.since, s.refused = arrived, 0
	}
	if s.refused++; s.refused < quarantineAt {
		return
	}
	delete(q.suspects, key)
	h := &Held{Site: site, Agent: agent, Since: arrived, Until: arrived.Add(quarantineFor), Refused: s.refused, Why: shortened(err.Error()), Times: 1}
	if old := q.held[key]; old != nil {
		h.Times += old.Times
	} else if len(q.held) >= mostHeld && !q.forget(arrived) {
		return // each of its batches is refused by itself
	}
	q.held[key], q.changed = h, true
	q.entered.Inc()
	q.c.Logger.Error("an agent is in quarantine: nothing that it says is taken", "agent", key, "until", h.Until.UTC().Format(time.RFC3339), "times", h.Times, "error", h.Why)
}

// forget lets go of who is not held any more, the longest over first if there is no
// room else; ok says that there is room.
func (q *Quarantine) forget(now time.Time) (ok bool) {
	oldest := ""
	for key, h := range q.held {
		switch over := now.Sub(h.Until); {
		case over >= rememberFor:
			delete(q.held, key)
			q.changed = true
		case over >= 0 && (oldest == "" || h.Until.Before(q.held[oldest].Until)):
			oldest = key
		}
	}
	if len(q.held) >= mostHeld && oldest != "" {
		delete(q.held, oldest)
		q.changed = true
	}
	return len(q.held) < mostHeld
}

// agentOf is the site and the agent of a subject, whatever the lane.
func agentOf(subject string) string {
	_, rest, _ := strings.Cut(subject, ".")
	return rest
}

func heldKey(site, agent string) string { return site + "." + agent }

func shortened(text string) string { return strings.ToValidUTF8(text[:min(len(text), mostWhy)], "") }
