package stream

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"slices"
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
	errRecords = errors.New("more records than come as one message")
	errLayout  = errors.New("its layout has not been seen")
	errOrder   = errors.New("already received")
	errNumber  = errors.New("sequence begins at 1")
	errSite    = errors.New("its site is not among those that are served")
	errAgents  = errors.New("more agents speak than are told apart")
	errHeld    = errors.New("its agent is in quarantine")
)

// reasons are the values of the label reason, in the order they are tried.
var reasons = []struct {
	err  error
	name string
}{
	{errSite, "site"}, {errSubject, "wrong_site"}, {errLane, "wrong_lane"}, {errFuture, "future"},
	{errSize, "oversized"}, {errRecords, "oversized"}, {wire.ErrSize, "oversized"},
	{errLayout, "layout_unknown"}, {errOrder, "duplicate"}, {errAgents, "too_many_agents"}, {errHeld, "quarantined"},
	{wire.ErrMagic, "magic"}, {wire.ErrVersion, "version"}, {wire.ErrTruncated, "truncated"},
	{wire.ErrChecksum, "checksum"}, {wire.ErrLayout, "layout"}, {wire.ErrCorrupt, "corrupt"}, {errNumber, "corrupt"},
}

const metricRejected = "gigawatch_stream_rejected_total"

const (
	// maxQuiet bounds the agents whose last log line is remembered.
	maxQuiet = 50_000
	// maxLines bounds the lines of all agents in a minute: a whole fleet may be
	// refused at once.
	maxLines = 100
)

// rejects counts and logs what is refused. Owned by its lane's goroutine.
type rejects struct {
	log     *slog.Logger
	counted map[string]*metrics.Counter // by reason
	said    map[string]time.Time        // by subject

	since  time.Time // when the minute of lines began
	lines  int
	unsaid int
}

func newRejects(lane string, set *metrics.Set, log *slog.Logger) *rejects {
	r := &rejects{log: log, counted: map[string]*metrics.Counter{}, said: map[string]time.Time{}}
	add := func(reason string) {
		r.counted[reason] = set.GetOrCreateCounter(metricRejected + `{lane="` + lane + `",reason="` + reason + `"}`)
	}
	for _, reason := range reasons { // so that none is absent because it is zero
		add(reason.name)
	}
	add(otherReason)
	return r
}

const otherReason = "other"

// refuse counts err under its reason and says so.
func (r *rejects) refuse(subject string, err error) {
	reason := otherReason
	for _, known := range reasons {
		if errors.Is(err, known.err) {
			reason = known.name
			break
		}
	}
	r.counted[reason].Inc()
	if !errors.Is(err, errOrder) { // ordinary on an at-least-once bus
		r.warn("batch refused", subject, "reason", reason, "error", err)
	}
}

// warn logs once a minute per subject, and maxLines in all.
func (r *rejects) warn(message, subject string, args ...any) {
	now := time.Now()
	if last, ok := r.said[subject]; ok && now.Sub(last) < time.Minute {
		return
	}
	if now.Sub(r.since) >= time.Minute {
		if r.unsaid > 0 {
			r.log.Warn("more was refused than is logged", "lines_left_out", r.unsaid)
		}
		r.since, r.lines, r.unsaid = now, 0, 0
	}
	if r.lines == maxLines {
		r.unsaid++
		return
	}
	r.lines++
	if len(r.said) >= maxQuiet {
		clear(r.said)
	}
	r.said[subject] = now
	r.log.Warn(message, append([]any{"subject", subject}, args...)...)
}

// parse reads a message and checks it against its subject, and its site against
// those that are served; none stands for all.
func parse(m *wire.Message, subject string, data []byte, served []string) (site, agent string, err error) {
	lane, site, agent, err := wire.SplitSubject(subject)
	if err != nil {
		return "", "", fmt.Errorf("%w: %w", errSubject, err)
	}
	if len(served) > 0 && !slices.Contains(served, site) { // in the stream since before the others were named
		return "", "", errSite
	}
	if len(data) > wire.MaxMessage {
		return "", "", errSize
	}
	if err := m.Parse(data); err != nil {
		return "", "", err
	}
	switch {
	case string(m.Site) != site || string(m.Agent) != agent:
		return "", "", fmt.Errorf("%w: it says %s/%s", errSubject, m.Site, m.Agent)
	case m.Lane != lane:
		return "", "", errLane
	case m.Sequence == 0:
		return "", "", errNumber
	}
	return site, agent, nil
}

// future is how far ahead of its arrival a telemetry batch may be dated: clocks
// of a fleet agree within seconds or are broken. The ledger lane takes any date:
// a record refused would hold up all that come after it, and the accounts have
// a better clock for it than the agent's.
const future = 5 * time.Minute

// newest is the time of m's last tick; ok is false if there can be none.
func newest(m *wire.Message) (millis int64, ok bool) {
	span := int64(max(0, m.Ticks-1))
	if span > 0 && m.Interval > math.MaxInt32 || m.Time > math.MaxInt64/2 {
		return 0, false
	}
	return m.Time + span*m.Interval, true
}

// checkTime refuses what is dated in the future.
func checkTime(m *wire.Message, arrived time.Time) error {
	if last, ok := newest(m); !ok || last > arrived.Add(future).UnixMilli() {
		return errFuture
	}
	return nil
}

// agentKey is how an agent is known across packages.
func agentKey(site, agent string) string { return site + "/" + agent }
