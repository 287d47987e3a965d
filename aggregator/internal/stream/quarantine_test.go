package stream

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
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
		held := NewQuarantine(QuarantineConfig{Known: true, Logger: logTo(&log), Metrics: set})
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
	q := NewQuarantine(QuarantineConfig{Known: true, Logger: discard, Metrics: metrics.NewSet()})
	now := time.Now()
	for range 10 * quarantineAt {
		for _, err := range []error{errOrder, errLayout, errFuture, errSite, errAgents, errHeld, wire.ErrVersion, errors.New("another")} {
			q.note("ledger.s.n1", now, err)
		}
	}
	for n := range 10 * quarantineAt {
		q.note("ledger.s.n2", now.Add(time.Duration(n)*time.Minute), wire.ErrChecksum)
	}
	if list := q.Held(); len(list) != 0 || q.holds("ledger.s.n1", now) {
		t.Errorf("held are %v", list)
	}
}

// Who is released is heard from then on: what came before is not taken, though it is
// still on its way, and what is forged again is the beginning of another quarantine.
func TestAReleasedAgentIsHeardFromNowOn(t *testing.T) {
	file := filepath.Join(t.TempDir(), "quarantine.json")
	virtual(t, func(t *testing.T) {
		s, b := newSite(t), newBook()
		set := metrics.NewSet()
		var log bytes.Buffer
		held := NewQuarantine(QuarantineConfig{Known: true, File: file, Logger: logTo(&log), Metrics: set})
		s.run(NewLedger(LedgerConfig{JetStream: s.js, Publish: s.nc.Publish, Stream: bus.Ledger, Book: b, Held: held, Logger: discard, Metrics: set}).Run)
		told := s.listen()
		forge := func() {
			for range quarantineAt {
				s.publish("ledger.s.n1", []byte("no batch at all"))
			}
			settle()
		}
		if _, ok := held.Release("s", "n1", "ada", time.Now()); ok {
			t.Error("one that is not held was released")
		}
		forge()
		s.record(1)
		settle()
		if b.now().taken != 0 || rejected(set, "ledger", "quarantined") != 1 {
			t.Fatalf("%d are taken", b.now().taken)
		}
		time.Sleep(time.Minute)
		h, ok := held.Release("s", "n1", "ada", time.Now())
		if !ok || !h.Released || h.By != "ada" || h.Refused != quarantineAt || h.Times != 1 || !strings.Contains(log.String(), "released from quarantine") || !strings.Contains(log.String(), "by=ada") {
			t.Fatalf("released is %+v: %s", h, log.String())
		}
		if held.holds("ledger.s.n1", time.Now()) || !held.holds("ledger.s.n1", time.Now().Add(-time.Second)) || !held.holds("telemetry.s.n1", time.Now().Add(-time.Second)) {
			t.Error("it is not heard from now on, or what came before is taken")
		}
		s.record(2) // of 1 nobody told it anything
		time.Sleep(10 * time.Second)
		settle()
		if got := told.take(); !slices.Equal(got, []uint64{0}) || b.now().taken != 0 {
			t.Fatalf("it is told %d, want that nothing is durable", got)
		}
		s.record(1)
		s.record(2)
		settle()
		if b.now().taken != 2 {
			t.Errorf("%d are taken, want both", b.now().taken)
		}
		forge()
		again := held.Held()
		if len(again) != 1 || again[0].Times != 2 || again[0].Released || !held.holds("ledger.s.n1", time.Now()) {
			t.Errorf("after forging again, held are %+v", again)
		}
	})
}

// Who is in quarantine is so after a restart, and who was released is not.
func TestAQuarantineOutlivesARestart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "quarantine.json")
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		start := func(known bool) *Quarantine {
			return NewQuarantine(QuarantineConfig{Known: known, File: file, Logger: logTo(&log), Metrics: metrics.NewSet()})
		}
		q := start(true)
		ctx, end := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- q.Run(ctx) }()
		for range quarantineAt {
			q.note("ledger.s.n1", time.Now(), wire.ErrChecksum)
			q.note("telemetry.s.n2", time.Now(), errSubject)
		}
		time.Sleep(keepEvery + time.Second)
		synctest.Wait()
		q = start(true) // without an end of the one before
		if !q.holds("telemetry.s.n1", time.Now()) || !q.holds("ledger.s.n2", time.Now()) {
			t.Fatalf("held are %+v", q.Held())
		}
		if _, ok := q.Release("s", "n2", "ada", time.Now()); !ok {
			t.Error("n2 is not released")
		}
		if q = start(true); q.holds("ledger.s.n2", time.Now()) || !q.holds("ledger.s.n2", time.Now().Add(-time.Second)) || !q.holds("ledger.s.n1", time.Now()) {
			t.Errorf("after a release and a crash, held are %+v", q.Held())
		}
		end()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if q = start(false); len(q.Held()) != 0 {
			t.Errorf("on a bus that knows nobody, held are %+v", q.Held())
		}
		if err := os.WriteFile(file, []byte("{"), 0o600); err != nil {
			t.Fatal(err)
		}
		if q = start(true); len(q.Held()) != 0 || !strings.Contains(log.String(), "is not known") {
			t.Errorf("of a damaged file, held are %+v: %s", q.Held(), log.String())
		}
		if _, err := os.Stat(file + ".damaged"); err != nil {
			t.Error(err)
		}
	})
}

// On a bus that does not know who speaks nobody is held for what another may have
// forged: each of it is refused by itself.
func TestWhereNobodyIsKnownNobodyIsHeld(t *testing.T) {
	virtual(t, func(t *testing.T) {
		s, b := newSite(t), newBook()
		set := metrics.NewSet()
		held := NewQuarantine(QuarantineConfig{Logger: discard, Metrics: set})
		s.run(NewLedger(LedgerConfig{JetStream: s.js, Publish: s.nc.Publish, Stream: bus.Ledger, Book: b, Held: held, Logger: discard, Metrics: set}).Run)
		for n := range uint64(3 * quarantineAt) {
			s.publish("ledger.s.n1", []byte("no batch at all"))
			s.record(n + 1)
		}
		settle()
		if b.now().taken != 3*quarantineAt || rejected(set, "ledger", "truncated")+rejected(set, "ledger", "magic") != 3*quarantineAt || len(held.Held()) != 0 {
			t.Errorf("%d are taken, held are %+v", b.now().taken, held.Held())
		}
	})
}

// However many forge, what is remembered of them is bounded, and of those that are
// held none is let off for another.
func TestWhoIsHeldIsBounded(t *testing.T) {
	q := NewQuarantine(QuarantineConfig{Known: true, Logger: discard, Metrics: metrics.NewSet()})
	now := time.Now()
	for n := range mostHeld + 100 {
		for range quarantineAt {
			q.note(fmt.Sprintf("ledger.s.n%d", n), now, wire.ErrMagic)
		}
	}
	if len(q.Held()) != mostHeld || !q.holds("ledger.s.n0", now) || q.holds(fmt.Sprintf("ledger.s.n%d", mostHeld+1), now) {
		t.Fatalf("%d are held", len(q.Held()))
	}
	now = now.Add(quarantineFor)
	for range quarantineAt {
		q.note("ledger.s.late", now, wire.ErrMagic)
	}
	if !q.holds("ledger.s.late", now) || len(q.Held()) != mostHeld {
		t.Errorf("there is no room when the others' time is over: %d", len(q.Held()))
	}
}
