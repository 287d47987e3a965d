package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/nats-io/nats.go"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/aggregator/internal/bus"
	"github.com/gigawatch/gigawatch/aggregator/internal/ledger"
	"github.com/gigawatch/gigawatch/aggregator/internal/stream"
	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/wire"
)

func TestTelemetryIsReadAgainFromALittleBeforeWhatWasReached(t *testing.T) {
	now := time.Unix(1_795_366_800, 0)
	for name, tc := range map[string]struct{ reached, want time.Duration }{
		"a moment ago":               {0, -overlap},
		"ten minutes ago":            {-10 * time.Minute, -10*time.Minute - overlap},
		"longer ago than is kept":    {-2 * time.Hour, -bus.TelemetryAge},
		"by a clock that was ahead":  {4 * time.Minute, -overlap},
		"by a clock of another year": {10_000 * time.Hour, -overlap},
	} {
		if got := resume(now.Add(tc.reached), now).Sub(now); got != tc.want {
			t.Errorf("%s: from %s, want %s", name, got, tc.want)
		}
	}
}

type discardTicks struct{}

func (discardTicks) Tick(*stream.Tick) {}

func TestHowFarTelemetryWasReadOutlivesTheProcess(t *testing.T) {
	file := filepath.Join(t.TempDir(), reachFile)
	r := &reach{Sink: discardTicks{}, file: file, log: quietly()}
	if at, err := r.load(); err != nil || !at.IsZero() {
		t.Errorf("before anything was read: %s, %v", at, err)
	}
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- r.Run(ctx) }()
		start := time.Now()
		for range 25 {
			time.Sleep(time.Second)
			// Dated by a clock that is far ahead, which is not what counts.
			r.Tick(&stream.Tick{Time: time.Now().Add(4 * time.Minute).UnixMilli(), Received: time.Now()})
		}
		synctest.Wait()
		if at, err := r.load(); err != nil || at.Sub(start) < 15*time.Second || at.Sub(start) > 25*time.Second {
			t.Errorf("after 25 s it says %s, %v", at.Sub(start), err)
		}
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if at, err := r.load(); err != nil || at.Sub(start) != 25*time.Second {
			t.Errorf("at the end it says %s, %v", at.Sub(start), err)
		}
	})
	if err := os.WriteFile(file, []byte("\x00\x00\x00"), 0o644); err != nil {
		t.Fatal(err)
	}
	if at, err := r.load(); err == nil || !at.IsZero() {
		t.Errorf("of a damaged file: %s, %v", at, err)
	}
}

// Every kind of alarm is on /metrics from the start, and counted there.
func TestAlarmsAreCountedByKind(t *testing.T) {
	dir, err := ledger.OpenDir(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	set := metrics.NewSet()
	l, err := ledger.Open(ledger.Config{Dir: dir, Logger: quietly(), Metrics: set})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(l.Close(), dir.Close()); err != nil {
			t.Error(err)
		}
	})
	b := newBook(l, newToday(l, nil, quietly()), newCheckpoints(t.TempDir(), l, set, quietly()), set)
	shown := func() string {
		var w strings.Builder
		set.WritePrometheus(&w)
		return w.String()
	}
	for _, kind := range alarms() {
		if line := fmt.Sprintf("%s{kind=%q} 0\n", ledger.MetricAlarms, kind); !strings.Contains(shown(), line) {
			t.Errorf("there is no %s", line)
		}
	}
	layout := &metric.Layout{
		Entities: append(metric.Place{Host: "n1"}.Entities(), metric.Entity{Kind: metric.GPU, Name: "GPU-1", Parent: 0}),
		Columns: []metric.Column{
			{Metric: metric.GPUEnergyJoules, Form: metric.Int, First: 1, Count: 1},
			{Metric: metric.CounterEpoch, Point: metric.EpochPoint(metric.GPUEnergyJoules, 0), Form: metric.Int, First: 1, Count: 1},
		},
	}
	start := time.Now().Truncate(time.Minute)
	for i, mj := range []metric.Raw{1000, 3_000_000, 1e15, 9_000_000} { // the third is beyond physics
		at := start.Add(time.Duration(i) * 10 * time.Second)
		batch := &metric.Batch{
			Site: "s", Agent: "n1", Lane: metric.Ledger, Incarnation: 1, Sequence: uint64(i + 1), Flags: metric.Fresh,
			Time: at.UnixMilli(), Boottime: at.UnixNano(), Ticks: 1, Layout: layout, Values: []metric.Raw{mj, 7},
		}
		if i > 0 {
			batch.Flags = 0
		}
		if advanced, err := b.Apply(batch, at, "LEDGER/1", uint64(i+1)); !advanced || err != nil {
			t.Fatalf("record %d: %v, %v", i, advanced, err)
		}
	}
	if line := fmt.Sprintf("%s{kind=%q} 1\n", ledger.MetricAlarms, account.Quarantined); !strings.Contains(shown(), line) {
		t.Errorf("want %s of\n%s", line, shown())
	}
}

// A collector with a wrong site in its settings is seen on /metrics, and its
// joules nowhere.
func TestASiteThatIsNotServedIsCountedAndNeverAccounted(t *testing.T) {
	t.Parallel()
	dir, busAddr := t.TempDir(), freePort(t)
	config := filepath.Join(dir, "aggregator.yaml")
	text := fmt.Sprintf("data: %s\nlisten: 127.0.0.1:0\nsites: [{name: s1}]\nbus: {embedded: {listen: %q}, telemetry_bytes: 64MiB, ledger_bytes: 128MiB}\n", filepath.Join(dir, "data"), busAddr)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p := start(t, "serve", "-config", config)
	if out := p.output(); !strings.Contains(out, "stream=LEDGER limit_bytes=134217728 replicas=1") || !strings.Contains(out, "stream=TELEMETRY limit_bytes=67108864 replicas=1") {
		t.Errorf("the streams' limits are not printed:\n%s", out)
	}
	if _, _, err := net.SplitHostPort(busAddr); err != nil {
		t.Fatal(err)
	}
	nc, err := nats.Connect("nats://" + busAddr)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	layout := &metric.Layout{Entities: metric.Place{Host: "n1"}.Entities(), Columns: []metric.Column{{Metric: metric.HostUp, Form: metric.Int, Count: 1}}}
	compiled, err := wire.Compile(layout)
	if err != nil {
		t.Fatal(err)
	}
	sequence := uint64(0)
	say := func(lane metric.Lane, site string) {
		m, err := wire.Append(nil, &metric.Batch{
			Site: site, Agent: "n1", Lane: lane, Incarnation: 1, Sequence: sequence, Flags: metric.Fresh,
			Time: time.Now().UnixMilli(), Ticks: 1, Values: []metric.Raw{1},
		}, compiled, true)
		if err != nil {
			t.Fatal(err)
		}
		if err := nc.Publish(wire.Subject(lane, site, "n1"), m); err != nil {
			t.Fatal(err)
		}
	}
	began := time.Now()
	p.await(60*time.Second, "both lanes of the wrong site are counted, and the right one heard", func() bool {
		sequence++
		for _, site := range []string{"s1", "typo"} {
			say(metric.Ledger, site)
			say(metric.Telemetry, site)
		}
		return p.own(`gigawatch_stream_rejected_total{lane="ledger",reason="site"}`) > 0 &&
			p.own(`gigawatch_stream_rejected_total{lane="telemetry",reason="site"}`) > 0 &&
			len(p.instant(`host_up`, "site")) > 0
	})
	if up := p.instant(`host_up`, "site"); len(up) != 1 || up["s1"] != 1 {
		t.Errorf("hosts are up at %v", up)
	}
	var answer struct{ Error string }
	if err := p.get("/api/v1/energy?site=typo&boundary=host&from=2026-01-01T00:00:00Z", &answer); err == nil && answer.Error == "" {
		t.Error("the site that is not served has an energy")
	}
	p.await(20*time.Second, "it is said", func() bool { return strings.Contains(p.output(), "subject=ledger.typo.n1") })
	if n := strings.Count(p.output(), "subject=ledger.typo.n1"); n > 1+int(time.Since(began)/time.Minute) {
		t.Errorf("it was said %d times, want once a minute:\n%s", n, p.output())
	}
	p.stop()
}
