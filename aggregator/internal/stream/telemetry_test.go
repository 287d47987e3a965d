package stream

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/google/go-cmp/cmp"

	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/wire"
)

func TestWhatIsRefusedIsCountedAndNeverHandedOn(t *testing.T) {
	l := layout(2)
	good := func(change func(*metric.Batch)) []byte {
		b := batch(l, time.Now(), 1, 1)
		change(b)
		return encode(t, b, l, true)
	}
	for name, tc := range map[string]struct {
		reason string
		make   func() (subject string, message []byte)
	}{
		"junk":    {"magic", func() (string, []byte) { return "telemetry.s.n1", []byte("{}") }},
		"nothing": {"truncated", func() (string, []byte) { return "telemetry.s.n1", nil }},
		"a later version": {"version", func() (string, []byte) {
			m := good(func(*metric.Batch) {})
			m[3]++
			return "telemetry.s.n1", m
		}},
		"a torn message": {"truncated", func() (string, []byte) {
			m := good(func(*metric.Batch) {})
			return "telemetry.s.n1", m[:len(m)-1]
		}},
		"a flipped bit": {"checksum", func() (string, []byte) {
			m := good(func(*metric.Batch) {})
			m[len(m)/2] ^= 1
			return "telemetry.s.n1", m
		}},
		"trailing bytes": {"corrupt", func() (string, []byte) {
			return "telemetry.s.n1", append(good(func(*metric.Batch) {}), 0)
		}},
		"another site's": {"wrong_site", func() (string, []byte) {
			return "telemetry.s.n1", good(func(b *metric.Batch) { b.Site = "t" })
		}},
		"another agent's": {"wrong_site", func() (string, []byte) {
			return "telemetry.s.n1", good(func(b *metric.Batch) { b.Agent = "n2" })
		}},
		"a subject that is no agent's": {"wrong_site", func() (string, []byte) {
			return "telemetry.s.n%1", good(func(*metric.Batch) {})
		}},
		"the other lane's": {"wrong_lane", func() (string, []byte) {
			return "telemetry.s.n1", good(func(b *metric.Batch) { b.Lane = metric.Ledger })
		}},
		"from next year": {"future", func() (string, []byte) {
			return "telemetry.s.n1", good(func(b *metric.Batch) { b.Time += 365 * 24 * 3600_000 })
		}},
		"last tick from the future": {"future", func() (string, []byte) {
			return "telemetry.s.n1", good(func(b *metric.Batch) {
				b.Ticks, b.Interval, b.Values = 2, 3600_000, append(b.Values, b.Values...)
			})
		}},
		"an interval that overflows": {"future", func() (string, []byte) {
			return "telemetry.s.n1", good(func(b *metric.Batch) {
				b.Ticks, b.Interval, b.Values = 2, 1<<62, append(b.Values, b.Values...)
				b.Time = 1 << 62
			})
		}},
		"sequence zero": {"corrupt", func() (string, []byte) {
			return "telemetry.s.n1", good(func(b *metric.Batch) { b.Sequence = 0 })
		}},
		"a layout never seen": {"layout_unknown", func() (string, []byte) {
			return "telemetry.s.n1", encode(t, batch(l, time.Now(), 1, 1), l, false)
		}},
		"an inline layout that is not the one named": {"corrupt", func() (string, []byte) {
			m := good(func(*metric.Batch) {})
			m[8] ^= 1
			body := m[:len(m)-4]
			binary.LittleEndian.PutUint32(m[len(body):], crc32.Checksum(body, crc32.MakeTable(crc32.Castagnoli)))
			return "telemetry.s.n1", m
		}},
	} {
		t.Run(name, func(t *testing.T) {
			virtual(t, func(t *testing.T) {
				s, sink, out := newSite(t), &ticks{}, &log{}
				_, set := s.telemetry(sink, out, time.Now())
				subject, message := tc.make()
				for range 3 {
					s.publish(subject, message)
				}
				settle()
				if n := rejected(set, "telemetry", tc.reason); n != 3 {
					t.Errorf("%d are counted as %s, want 3", n, tc.reason)
				}
				if n := out.count("batch refused"); n != 1 {
					t.Errorf("it was said %d times in a minute, want once", n)
				}
				time.Sleep(time.Minute)
				s.publish(subject, message)
				settle()
				if n := out.count("batch refused"); n != 2 {
					t.Errorf("a minute later it was said %d times in all, want twice", n)
				}
				if got := sink.all(); len(got) != 0 {
					t.Errorf("handed on: %v", got)
				}
			})
		})
	}
}

func TestOversizedIsRefused(t *testing.T) {
	// The bus of the product takes no such message; another may.
	set, sink := metrics.NewSet(), &ticks{}
	lane := NewTelemetry(TelemetryConfig{Sink: sink, Metrics: set, Logger: discard})
	lane.handle("telemetry.s.n1", make([]byte, wire.MaxMessage+1), time.Now())
	if rejected(set, "telemetry", "oversized") != 1 || len(sink.list) != 0 {
		t.Error("an oversized message was taken")
	}
}

func TestTicksComeWithTheirTimesAndOrder(t *testing.T) {
	virtual(t, func(t *testing.T) {
		s, sink, l := newSite(t), &ticks{}, layout(2)
		_, set := s.telemetry(sink, t.Output(), time.Now())
		now := time.Now().Truncate(time.Second)
		two := batch(l, now, 1, 1)
		two.Ticks, two.Interval, two.Values = 2, 500, append(two.Values, metric.Missing, metric.Of(7))
		s.publish("telemetry.s.n1", encode(t, two, l, true))
		late := batch(l, now.Add(-time.Minute), 1, 2)
		late.Flags = metric.Backfill
		s.publish("telemetry.s.n1", encode(t, late, l, false))
		settle()
		type brief struct {
			Key    string
			After  int64
			Values []metric.Raw
			Late   bool
		}
		var got []brief
		for _, k := range sink.all() {
			got = append(got, brief{k.Key, k.Time - now.UnixMilli(), k.Values, k.Late})
		}
		want := []brief{
			{"s/n1", 0, []metric.Raw{0, metric.Of(100)}, false},
			{"s/n1", 500, []metric.Raw{metric.Missing, metric.Of(7)}, false},
			{"s/n1", -60_000, []metric.Raw{0, metric.Of(100)}, true},
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
		if n := counter(set, metricSamples); n != 6 {
			t.Errorf("%d samples counted, want 6", n)
		}
	})
}

// Ways in which batches of one agent can arrive: incarnation.sequence, and what
// is to come of it.
func TestBatchesArePlacedInTheirAgentsSequence(t *testing.T) {
	type in struct{ incarnation, sequence uint64 }
	run := func(from, to uint64) (list []in) {
		for ; from <= to; from++ {
			list = append(list, in{1, from})
		}
		return list
	}
	for name, tc := range map[string]struct {
		come                  []in
		ticks                 int
		lost, late, duplicate int
	}{
		"in order":                            {run(1, 5), 5, 0, 0, 0},
		"from the middle, as after a restart": {run(7, 9), 3, 0, 0, 0},
		"one twice":                           {[]in{{1, 1}, {1, 2}, {1, 2}, {1, 1}}, 2, 0, 0, 2},
		"one lost":                            {[]in{{1, 1}, {1, 3}}, 2, 1, 0, 0},
		"two swapped":                         {[]in{{1, 1}, {1, 3}, {1, 2}, {1, 2}}, 3, 1, 1, 1},
		"the agent restarted":                 {[]in{{1, 8}, {2, 1}, {2, 2}}, 3, 0, 0, 0},
		"the agent restarted, its first lost": {[]in{{1, 8}, {2, 3}}, 2, 2, 0, 0},
		"old batches off the spool":           {[]in{{2, 1}, {1, 7}, {1, 8}, {2, 2}}, 4, 0, 2, 0},
		"64 behind, known":                    {append(append(run(1, 1), run(65, 65)...), in{1, 1}), 2, 63, 0, 1},
		"64 behind, new":                      {append(append(run(2, 2), run(65, 65)...), in{1, 1}), 3, 62, 1, 0},
		"further behind than is remembered":   {append(append(run(1, 1), run(66, 66)...), in{1, 1}), 3, 64, 1, 0},
		"a sequence that counts wildly":       {[]in{{1, 1}, {1, 1 << 63}}, 2, maxLost, 0, 0},
		"an incarnation that starts wildly":   {[]in{{1, 1}, {2, 1<<64 - 1}}, 2, maxLost, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			set, sink, l := metrics.NewSet(), &ticks{}, layout(1)
			lane := NewTelemetry(TelemetryConfig{Sink: sink, Metrics: set, Logger: discard})
			now := time.Now()
			for i, c := range tc.come {
				lane.handle("telemetry.s.n1", encode(t, batch(l, now, c.incarnation, c.sequence), l, i == 0), now)
			}
			got := fmt.Sprintln(len(sink.list), counter(set, metricLost), counter(set, metricLate), rejected(set, "telemetry", "duplicate"))
			want := fmt.Sprintln(tc.ticks, tc.lost, tc.late, tc.duplicate)
			if got != want {
				t.Errorf("ticks, lost, late, duplicates: got %swant %s", got, want)
			}
		})
	}
}

func TestLayoutsAreRememberedByTheirID(t *testing.T) {
	set, sink := metrics.NewSet(), &ticks{}
	lane := NewTelemetry(TelemetryConfig{Sink: sink, Metrics: set, Logger: discard})
	now := time.Now()
	sequence := uint64(0)
	send := func(n int, inline bool) (taken bool) {
		sequence++
		before := len(sink.list)
		l := layout(n)
		lane.handle("telemetry.s.n1", encode(t, batch(l, now, 1, sequence), l, inline), now)
		if len(sink.list) == before {
			return false
		}
		if got := len(sink.list[before].Values); got != n {
			t.Errorf("%d values under a layout of %d", got, n)
		}
		return true
	}
	for n := 1; n <= 4; n++ {
		send(n, true)
	}
	for range 3 {
		for n := 1; n <= 4; n++ { // by name only
			if !send(n, false) {
				t.Errorf("layout %d of four was forgotten", n)
			}
		}
	}
	send(5, true)
	if send(1, false) {
		t.Error("the oldest of five layouts was not let go")
	}
	for range 3 {
		for n := 1; n <= 6; n++ { // more than are remembered, each inline
			if !send(n, true) {
				t.Errorf("inline layout %d was refused", n)
			}
		}
	}
}

func TestAnUnknownMetricIsSteppedOverAndCounted(t *testing.T) {
	set, sink := metrics.NewSet(), &ticks{}
	lane := NewTelemetry(TelemetryConfig{Sink: sink, Metrics: set, Logger: discard})
	l := &metric.Layout{Entities: metric.Place{Host: "n1"}.Entities(), Columns: []metric.Column{
		{Metric: 60_000, Form: metric.Int, Count: 1}, {Metric: metric.HostUp, Form: metric.Int, Count: 1},
	}}
	compiled, err := wire.Compile(l)
	if err != nil {
		t.Fatal(err)
	}
	for i := range uint64(3) {
		lane.handle("telemetry.s.n1", encode(t, batch(compiled, time.Now(), 1, i+1), compiled, true), time.Now())
	}
	if got := counter(set, metricUnknown); got != 3 || len(sink.list) != 3 {
		t.Errorf("%d unknown samples in %d ticks, want 3 in 3", got, len(sink.list))
	}
}

func TestOneHostsLastHalfHourIsReadBackAtFullRate(t *testing.T) {
	virtual(t, func(t *testing.T) {
		s, l := newSite(t), layout(2)
		lane, _ := s.telemetry(&ticks{}, t.Output(), time.Now())
		start := time.Now().Truncate(time.Second)
		const seconds = 1200 // more than are fetched at once
		for i := range seconds {
			now := time.Now()
			s.publish("telemetry.s.n1", encode(t, batch(l, now, 1, uint64(i+1)), l, i%60 == 0))
			other := batch(l, now, 1, uint64(i+1))
			other.Agent = "n2"
			s.publish("telemetry.s.n2", encode(t, other, l, i%60 == 0))
			if i == 600 { // what was refused is not read back
				forged := batch(l, now, 1, 9000)
				forged.Agent = "n2"
				s.publish("telemetry.s.n1", encode(t, forged, l, true))
				s.publish("telemetry.s.n1", encode(t, batch(l, now.Add(time.Hour), 1, 9001), l, true))
			}
			time.Sleep(time.Second)
		}
		settle()
		var got []int64
		err := lane.Replay(t.Context(), "s", "n1", start.Add(100*time.Second), func(l *metric.Layout, millis int64, values []metric.Raw) error {
			if l.Width() != 2 || len(values) != 2 || values[1] != metric.Of(100) {
				t.Fatalf("%d values %v", l.Width(), values)
			}
			got = append(got, millis)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != seconds-100 {
			t.Fatalf("%d ticks were read back, want %d", len(got), seconds-100)
		}
		for i := range got {
			if got[i] != start.Add(time.Duration(100+i)*time.Second).UnixMilli() {
				t.Fatalf("tick %d is of %s", i, time.UnixMilli(got[i]))
			}
		}
		if err := lane.Replay(t.Context(), "s", "nobody", start, func(*metric.Layout, int64, []metric.Raw) error {
			t.Error("an agent that never spoke was read back")
			return nil
		}); err != nil {
			t.Error(err)
		}
	})
}

func FuzzTelemetryNeverPanics(f *testing.F) {
	l := layout(3)
	now := time.UnixMilli(1_795_366_000_000)
	f.Add(encode(f, batch(l, now, 1, 1), l, true), true)
	f.Add(encode(f, batch(l, now, 1, 2), l, false), false)
	two := batch(l, now, 1<<63, 1<<63)
	two.Ticks, two.Interval, two.Values = 2, 1<<62, append(two.Values, two.Values...)
	f.Add(encode(f, two, l, true), true)
	f.Fuzz(func(t *testing.T, m []byte, mend bool) {
		if mend && len(m) > 8 { // length and checksum that hold let more through
			binary.LittleEndian.PutUint32(m[4:], uint32(len(m)))
			body := m[:len(m)-4]
			binary.LittleEndian.PutUint32(m[len(body):], crc32.Checksum(body, crc32.MakeTable(crc32.Castagnoli)))
		}
		for _, lane := range []string{"telemetry", "ledger"} {
			set, sink := metrics.NewSet(), &ticks{}
			if lane == "telemetry" {
				r := NewTelemetry(TelemetryConfig{Sink: sink, Metrics: set, Logger: discard})
				r.handle(lane+".s.n1", m, now)
				r.handle(lane+".s.n1", m, now)
			} else {
				r := NewLedger(LedgerConfig{Book: newBook(), Metrics: set, Logger: discard})
				r.handle("id", message{lane + ".s.n1", m, 1, now})
			}
			for _, k := range sink.list {
				if len(k.Values) != k.Layout.Width() || k.Time > now.Add(future).UnixMilli() {
					t.Errorf("tick of %d values under a layout of %d, at %d", len(k.Values), k.Layout.Width(), k.Time)
				}
			}
		}
	})
}
