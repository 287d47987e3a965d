package stream

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/gigawatch/gigawatch/aggregator/internal/bus"
)

// A stream that has reached its limit takes nothing, and tells nobody: it is noticed
// within a minute, and so is that it takes again.
func TestAStreamThatKeepsNothingIsNoticed(t *testing.T) {
	virtual(t, func(t *testing.T) {
		s := newSite(t)
		limit := func(bytes int64) {
			t.Helper()
			lane, err := s.js.Stream(t.Context(), bus.Ledger)
			if err != nil {
				t.Fatal(err)
			}
			c := lane.CachedInfo().Config
			c.MaxBytes = bytes
			if _, err := s.js.UpdateStream(t.Context(), c); err != nil {
				t.Fatal(err)
			}
		}
		var log bytes.Buffer
		set := metrics.NewSet()
		k := NewKeeping(KeepingConfig{Conn: s.nc, JetStream: s.js, Streams: []string{bus.Telemetry, bus.Ledger}, Logger: logTo(&log), Metrics: set})
		s.run(k.Run)
		// speak is an agent's seconds.
		speak := func(seconds int, size int) {
			for n := range seconds {
				s.publish("telemetry.s.n1", make([]byte, 1500))
				if n%10 == 0 {
					s.publish("ledger.s.n1", make([]byte, size))
				}
				time.Sleep(time.Second)
			}
			synctest.Wait()
		}
		speak(60, 400)
		if got := k.Stuck(); got != nil {
			t.Fatalf("at first %v are stuck", got)
		}
		speak(60, 128<<10) // what is larger than a batch may be is refused by design
		if got := k.Stuck(); got != nil {
			t.Fatalf("of messages that are too large %v are stuck", got)
		}
		limit(6000)
		speak(100, 2000) // and it is full
		speak(60, 2000)
		var text bytes.Buffer
		set.WritePrometheus(&text)
		if got := k.Stuck(); !slices.Equal(got, []string{bus.Ledger}) || !strings.Contains(text.String(), `gigawatch_bus_stream_stuck{stream="LEDGER"} 1`) ||
			!strings.Contains(text.String(), `gigawatch_bus_stream_stuck{stream="TELEMETRY"} 0`) || !strings.Contains(log.String(), "it has reached its limit of 6000 bytes") {
			t.Fatalf("%v are stuck:\n%s\n%s", got, text.String(), log.String())
		}
		time.Sleep(5 * time.Minute) // in which nobody speaks, and nothing is known anew
		if got := k.Stuck(); !slices.Equal(got, []string{bus.Ledger}) {
			t.Fatalf("in the silence %v are stuck", got)
		}
		limit(64 << 20)
		speak(60, 2000)
		if got := k.Stuck(); got != nil {
			t.Fatalf("in the end %v are stuck", got)
		}
		if i, err := s.js.Stream(t.Context(), bus.Ledger); err != nil || i.CachedInfo().Config.Discard != jetstream.DiscardNew {
			t.Fatalf("the lane discards what it has: %v", err)
		}
	})
}
