package stream

import (
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/gigawatch/gigawatch/collector/wire"
)

// Reasons why a batch is refused.
var (
	errSubject = errors.New("site or agent differ from the subject")
	errLane    = errors.New("lane differs from the subject")
	errFuture  = errors.New("dated in the future")
	errSize    = errors.New("larger than a batch may be")
	errLayout  = errors.New("its layout has not been seen")
	errOrder   = errors.New("already received")
)

// reasons are the values of the label reason, in the order they are tried.
var reasons = []struct {
	err  error
	name string
}{
	{errSubject, "wrong_site"}, {errLane, "wrong_lane"}, {errFuture, "future"}, {errSize, "oversized"},
	{errLayout, "layout_unknown"}, {errOrder, "duplicate"},
	{wire.ErrMagic, "magic"}, {wire.ErrVersion, "version"}, {wire.ErrTruncated, "truncated"},
	{wire.ErrChecksum, "checksum"}, {wire.ErrLayout, "layout"}, {wire.ErrCorrupt, "corrupt"},
}

const metricRejected = "gigawatch_stream_rejected_total"

// maxQuiet bounds the agents whose last log line is remembered.
const maxQuiet = 50_000

// rejects counts and logs what is refused.
type rejects struct {
	log     *slog.Logger
	set     *metrics.Set
	lane    string
	mu      sync.Mutex
	quieted map[string]time.Time // by subject
}

func newRejects(lane string, set *metrics.Set, log *slog.Logger) *rejects {
	r := &rejects{log: log, set: set, lane: lane, quieted: map[string]time.Time{}}
	for _, reason := range reasons { // so that none is absent because it is zero
		r.counter(reason.name)
	}
	return r
}

func (r *rejects) counter(reason string) *metrics.Counter {
	return r.set.GetOrCreateCounter(metricRejected + `{lane="` + r.lane + `",reason="` + reason + `"}`)
}

// refuse counts err under its reason and says so once a minute per subject.
func (r *rejects) refuse(subject string, err error) {
	reason := "other"
	for _, known := range reasons {
		if errors.Is(err, known.err) {
			reason = known.name
			break
		}
	}
	r.counter(reason).Inc()
	if err == errOrder { // ordinary on an at-least-once bus
		return
	}
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	if last, ok := r.quieted[subject]; ok && now.Sub(last) < time.Minute {
		return
	}
	if len(r.quieted) >= maxQuiet {
		clear(r.quieted)
	}
	r.quieted[subject] = now
	r.log.Warn("batch refused", "subject", subject, "reason", reason, "error", err)
}

// future is how far ahead of its arrival a batch may be dated: clocks of a fleet
// agree within seconds or are broken.
const future = 5 * time.Minute

// parse reads a message and checks it against its subject and its arrival.
func parse(m *wire.Message, subject string, data []byte, arrived time.Time) (site, agent string, err error) {
	lane, site, agent, err := wire.SplitSubject(subject)
	if err != nil {
		return "", "", errSubject
	}
	if len(data) > wire.MaxMessage {
		return "", "", errSize
	}
	if err := m.Parse(data); err != nil {
		return "", "", err
	}
	switch {
	case string(m.Site) != site || string(m.Agent) != agent:
		return "", "", errSubject
	case m.Lane != lane:
		return "", "", errLane
	case time.UnixMilli(m.Time + int64(max(0, m.Ticks-1))*m.Interval).After(arrived.Add(future)):
		return "", "", errFuture
	}
	return site, agent, nil
}

// agentKey is how an agent is known across packages.
func agentKey(site, agent string) string { return site + "/" + agent }
