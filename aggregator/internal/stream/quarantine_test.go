package stream

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/gigawatch/gigawatch/aggregator/internal/bus"
	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/wire"
)

// An agent that forges again and again is passed over as a whole, on both lanes, for
// ten minutes; the others do not notice, and what it says then is taken.
func TestAHostileAgentIsQuarantined(t *testing.T) {
	virtual(t, func(t *testing.T) {
		s, b := newSite(t), newBook()
		set := metrics.NewSet()
		var log bytes.Buffer
		held := NewQuarantine(set, logTo(&log))
		s.run(NewLedger(LedgerConfig{JetStream: s.js, Publish: s.nc.Publish, Stream: bus.Ledger, Book: b, Held: held, Logger: discard, Metrics: set}).Run)
		s.run(NewTelemetry(TelemetryConfig{JetStream: s.js, Stream: bus.Telemetry, Since: time.Now(), Sink: &ticks{}, Held: held, Logger: logTo(io.Discard), Metrics: set}).Run)
		l := layout(1)
		say := func(lane metric.Lane, of, agent string, sequence uint64) []byte {
			m := batch(l, time.Now(), 1, sequence)
			m.Lane, m.Agent = lane, agent
			text := encode(t, m, l, true)
			s.publish(wire.Subject(lane, "s", of), text)
			return text
		}
		taken := func(agent string) uint64 {
			b.mu.Lock()
			defer b.mu.Unlock()
			return b.taken[agent]
		}
		shown := func(text string) bool {
			var out bytes.Buffer
			set.WritePrometheus(&out)
			return strings.Contains(out.String(), text+"\n")
		}
		for n := range uint64(quarantineAt - 1) {
			say(metric.Telemetry, "n2", "n1", n+1) // n2 in n1's name
			say(metric.Ledger, "n1", "n1", n+1)
		}
		say(metric.Ledger, "n2", "n2", 1)
		settle()
		if taken("n1") != quarantineAt-1 || taken("n2") != 1 || !shown("gigawatch_stream_quarantined_agents 0") {
			t.Fatalf("with a few mistakes %d records of n1 and %d of n2 are taken", taken("n1"), taken("n2"))
		}
		torn := say(metric.Telemetry, "n3", "n3", 1)
		s.publish("telemetry.s.n2", torn[:len(torn)-1]) // one too many
		settle()
		if !shown("gigawatch_stream_quarantined_agents 1") || !shown("gigawatch_stream_quarantines_total 1") || !strings.Contains(log.String(), "agent=s.n2") {
			t.Fatalf("n2 is not in quarantine: %s", log.String())
		}
		say(metric.Ledger, "n2", "n2", 2) // honest at last, and on the other lane
		say(metric.Telemetry, "n2", "n2", 2)
		say(metric.Ledger, "n1", "n1", quarantineAt)
		settle()
		if taken("n1") != quarantineAt || taken("n2") != 1 || rejected(set, "ledger", "quarantined") != 1 || rejected(set, "telemetry", "quarantined") != 1 {
			t.Fatalf("%d records of n1 and %d of n2 are taken, want n1's alone", taken("n1"), taken("n2"))
		}
		time.Sleep(quarantineFor)
		say(metric.Ledger, "n2", "n2", 2)
		settle()
		if taken("n2") != 2 || !shown("gigawatch_stream_quarantined_agents 0") {
			t.Fatalf("after its time %d records of n2 are taken", taken("n2"))
		}
	})
}

// What a collector may say by its clock, its restarts or its settings puts nobody into
// quarantine, and neither does one mistake a minute.
func TestMistakesAreNoReasonForQuarantine(t *testing.T) {
	q := NewQuarantine(metrics.NewSet(), discard)
	now := time.Now()
	for range 10 * quarantineAt {
		for _, err := range []error{errOrder, errLayout, errFuture, errSite, errAgents, errHeld, wire.ErrVersion, errors.New("another")} {
			q.note("ledger.s.n1", now, err)
		}
	}
	for n := range 10 * quarantineAt {
		q.note("ledger.s.n2", now.Add(time.Duration(n)*time.Minute), wire.ErrChecksum)
	}
	if q.held(now) != 0 || q.holds("ledger.s.n1", now) {
		t.Errorf("%d agents are held", q.held(now))
	}
}
