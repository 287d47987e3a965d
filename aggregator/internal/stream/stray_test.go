package stream

import (
	"fmt"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/gigawatch/gigawatch/aggregator/internal/bus"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// from is a batch of an agent of any site.
func from(t *testing.T, lane metric.Lane, site, agent string, sequence uint64) (subject string, message []byte) {
	t.Helper()
	l := layout(1)
	b := batch(l, time.Now(), 1, sequence)
	b.Lane, b.Site, b.Agent = lane, site, agent
	head := "telemetry."
	if lane == metric.Ledger {
		head = "ledger."
	}
	return head + site + "." + agent, encode(t, b, l, true)
}

// serving narrows the bus to one site and runs both lanes and the listening of
// its aggregator.
func (s *site) serving(name string, out *log) (*ticks, *book, *metrics.Set) {
	s.t.Helper()
	if _, err := bus.Ensure(s.t.Context(), s.js, bus.Wanted{Sites: []string{name}, Limits: bus.Limits{Telemetry: 64 << 20, Ledger: 64 << 20}}); err != nil {
		s.t.Fatal(err)
	}
	set, sink, b, logger := metrics.NewSet(), &ticks{}, newBook(), logTo(out)
	sites := []string{name}
	s.run(NewTelemetry(TelemetryConfig{JetStream: s.js, Stream: bus.Telemetry, Sites: sites, Since: time.Now().Add(-time.Hour), Sink: sink, Logger: logger, Metrics: set}).Run)
	s.run(NewLedger(LedgerConfig{JetStream: s.js, Publish: s.nc.Publish, Stream: bus.Ledger, Sites: sites, Book: b, Logger: logger, Metrics: set}).Run)
	s.run(NewStrays(StraysConfig{Conn: s.nc, Sites: sites, Logger: logger, Metrics: set}).Run)
	return sink, b, set
}

func (s *site) stored(name string) jetstream.StreamState {
	s.t.Helper()
	stream, err := s.js.Stream(s.t.Context(), name)
	if err != nil {
		s.t.Fatal(err)
	}
	return stream.CachedInfo().State
}

func TestBatchesOfASiteThatIsNotServedAreCountedAndTakeNoRoom(t *testing.T) {
	virtual(t, func(t *testing.T) {
		s, out := newSite(t), &log{}
		sink, b, set := s.serving("s", out)
		settle()
		for i := range uint64(180) { // three minutes
			for _, site := range []string{"s", "typo", "other"} {
				s.publish(from(t, metric.Telemetry, site, "n1", i+1))
				if i%10 == 0 {
					s.publish(from(t, metric.Ledger, site, "n1", i/10+1))
				}
			}
			time.Sleep(time.Second)
		}
		settle()
		// Each site is heard first on the ledger lane, and from then on on both.
		if n := rejected(set, "ledger", "site"); n != 2*18 {
			t.Errorf("%d ledger records of other sites counted, want %d", n, 2*18)
		}
		if n := rejected(set, "telemetry", "site"); n < 2*179 || n > 2*180 {
			t.Errorf("%d telemetry batches of other sites counted, want %d or a few less", n, 2*180)
		}
		for _, site := range []string{"typo", "other"} {
			for _, lane := range []string{"ledger", "telemetry"} {
				if n := out.count("subject=" + lane + "." + site + ".n1"); n < 3 || n > 4 {
					t.Errorf("%s of %s was said %d times in three minutes", lane, site, n)
				}
			}
		}
		if n := len(sink.all()); n != 180 {
			t.Errorf("%d ticks handed on, want the site's own 180", n)
		}
		if b.now().taken != 18 || len(b.taken) != 1 {
			t.Errorf("booked up to %d of %d agents, want the site's own 18", b.now().taken, len(b.taken))
		}
		if n := s.stored(bus.Telemetry).Msgs; n != 180 {
			t.Errorf("the telemetry stream holds %d messages, want the site's own 180", n)
		}
		if n := s.stored(bus.Ledger).Msgs; n != 18 {
			t.Errorf("the ledger stream holds %d messages, want the site's own 18", n)
		}
	})
}

// A bus that took any site before its sites were named holds batches of others.
// In real time: the server's clock for what has aged is outside of virtual time.
func TestWhatAnotherSiteLeftInTheStreamsIsRefused(t *testing.T) {
	s, out := newSite(t), &log{}
	for _, site := range []string{"other", "s"} {
		s.publish(from(t, metric.Telemetry, site, "n1", 1))
		s.publish(from(t, metric.Ledger, site, "n1", 1))
	}
	await(t, "the streams hold them", func() bool { return s.stored(bus.Telemetry).Msgs == 2 && s.stored(bus.Ledger).Msgs == 2 })
	sink, b, set := s.serving("s", out)
	await(t, "the site's own are handed on", func() bool { return len(sink.all()) > 0 && b.now().taken > 0 })
	for _, lane := range []string{"telemetry", "ledger"} {
		if n := rejected(set, lane, "site"); n != 1 {
			t.Errorf("%s: %d refused, want 1", lane, n)
		}
	}
	if got := sink.all(); len(got) != 1 || got[0].Site != "s" {
		t.Errorf("handed on: %v", got)
	}
	if b.now().taken != 1 || b.last["n1"].Site != "s" {
		t.Errorf("booked: %v", b.last["n1"])
	}
}

func await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatal("waited in vain: ", what)
}

func TestASiteThatFallsSilentIsListenedToNoMore(t *testing.T) {
	virtual(t, func(t *testing.T) {
		s, set := newSite(t), metrics.NewSet()
		if _, err := bus.Ensure(t.Context(), s.js, bus.Wanted{Sites: []string{"s"}, Limits: bus.Limits{Telemetry: 64 << 20, Ledger: 64 << 20}}); err != nil {
			t.Fatal(err)
		}
		s.run(NewStrays(StraysConfig{Conn: s.nc, Sites: []string{"s"}, Logger: discard, Metrics: set}).Run)
		settle()
		quiet := s.nc.NumSubscriptions()
		for i := range 100 { // more than are listened to
			s.publish(from(t, metric.Ledger, fmt.Sprint("typo", i), "n1", 1))
		}
		s.publish("ledger.typo.n1", []byte("junk"))
		s.publish("ledger.ty%po.n1", []byte("junk"))
		settle()
		if n := rejected(set, "ledger", "site"); n != 102 {
			t.Errorf("%d counted, want 102", n)
		}
		if n := s.nc.NumSubscriptions() - quiet; n != maxStraying {
			t.Errorf("%d foreign sites are listened to, want %d", n, maxStraying)
		}
		time.Sleep(strayForget + time.Minute)
		settle()
		if n := s.nc.NumSubscriptions() - quiet; n != 0 {
			t.Errorf("%d silent foreign sites are listened to still", n)
		}
		s.publish(from(t, metric.Ledger, "typo", "n1", 2))
		settle()
		s.publish(from(t, metric.Telemetry, "typo", "n1", 3))
		settle()
		if n := rejected(set, "telemetry", "site"); n != 1 {
			t.Errorf("a site that came back: %d telemetry batches counted, want 1", n)
		}
	})
}

func TestWithNoSitesNamedNobodyStrays(t *testing.T) {
	virtual(t, func(t *testing.T) {
		s, sink := newSite(t), &ticks{}
		_, set := s.telemetry(sink, t.Output(), time.Now())
		s.run(NewStrays(StraysConfig{Conn: s.nc, Logger: discard, Metrics: metrics.NewSet()}).Run)
		s.publish(from(t, metric.Telemetry, "anywhere", "n1", 1))
		settle()
		if len(sink.all()) != 1 || rejected(set, "telemetry", "site") != 0 {
			t.Error("a site was refused though none are named")
		}
	})
}

func TestAFleetThatIsRefusedDoesNotFloodTheLog(t *testing.T) {
	virtual(t, func(t *testing.T) {
		out, set := &log{}, metrics.NewSet()
		r := newRejects("telemetry", set, logTo(out))
		for range 3 {
			for i := range 5000 {
				r.refuse(fmt.Sprint("telemetry.typo.n", i), errSite)
			}
			time.Sleep(time.Minute)
		}
		if n := out.count("batch refused"); n != 3*maxLines {
			t.Errorf("%d lines in three minutes, want %d", n, 3*maxLines)
		}
		if n := out.count("lines_left_out=4900"); n != 2 {
			t.Errorf("it was said %d times how many lines were left out, want twice", n)
		}
		if n := rejected(set, "telemetry", "site"); n != 15000 {
			t.Errorf("%d counted, want all 15000", n)
		}
	})
}
