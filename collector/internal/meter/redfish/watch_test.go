package redfish

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/collector/internal/meter"
	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/site"
)

// contextOf ends when it is cancelled, and not yet when a test's cleaning up
// begins.
func contextOf(*testing.T) (context.Context, context.CancelFunc) {
	return context.WithCancel(context.Background())
}

// A watched source is one that runs, with what is asked of it.
type watched struct {
	t    *testing.T
	s    *meter.Source
	log  *logged
	stop func()
}

// watch runs a source of meters, each read ten times a second unless it says
// otherwise, for the time of the test.
func watch(t *testing.T, meters ...*site.Meter) watched {
	t.Helper()
	var services Services
	var list []meter.Meter
	for _, m := range meters {
		r, line, err := services.Of(m)
		if err != nil {
			t.Fatal(err)
		}
		n := meter.Of(&site.Site{}, m, r, line)
		if n.Rating == 0 {
			n.Rating = 100_000
		}
		if n.Period == 0 {
			n.Period = 100 * time.Millisecond
		}
		list = append(list, n)
	}
	w := watched{t: t, log: &logged{}}
	s, err := meter.New(meter.Config{
		Meters: list, Feeds: services.Feeds(), State: filepath.Join(t.TempDir(), "meters.json"), Logger: slog.New(slog.NewTextHandler(w.log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := contextOf(t)
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	w.s, w.stop = s, sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		w.keeps(password, "token-")
	})
	t.Cleanup(w.stop)
	return w
}

// keeps checks that nothing that was said shows a secret.
func (w watched) keeps(secrets ...string) {
	w.t.Helper()
	for _, s := range secrets {
		if strings.Contains(w.log.String(), s) || strings.Contains(w.s.Describe(), s) {
			w.t.Errorf("%q is shown: %s; %s", s, w.log, w.s.Describe())
		}
	}
}

// unhurried is a period at which a busy machine leaves no gap in what the power makes:
// it ends, and the epoch with it, where two and a half of them pass without a reading.
const unhurried = 2 * time.Second

// until waits for something to become so.
func (w watched) until(what string, so func() bool) {
	w.t.Helper()
	deadline := time.Now().Add(time.Minute)
	for !so() {
		if time.Now().After(deadline) {
			w.t.Fatalf("not within a minute: %s; %s", what, w.s.Describe())
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// says waits until the source says something.
func (w watched) says(what string) {
	w.t.Helper()
	w.until("it says "+what, func() bool { return strings.Contains(w.s.Describe(), what) })
}

// value is what is shown of a meter; ok is false if it is missing.
func (w watched) value(name string, n metric.Number) (metric.Raw, bool) {
	w.t.Helper()
	l, values, err := w.s.Read(w.t.Context(), time.Now(), nil)
	if err != nil {
		w.t.Fatal(err)
	}
	at := 0
	for _, c := range l.Columns {
		for k := range c.Count {
			point := uint32(0)
			if n == metric.CounterEpoch || n == metric.CounterQuality {
				point = metric.EpochPoint(metric.MeterEnergyJoules, 0)
			}
			if c.Metric == n && c.Point == point && l.Entities[c.First+k].Name == name {
				return values[at+k], values[at+k] != metric.Missing
			}
		}
		at += c.Count
	}
	w.t.Fatalf("%s has no metric %d", name, n)
	return 0, false
}

// known waits for a value to be shown: what is counted is shown a moment after the
// power of the same reading, and everything is missing while this machine is too busy
// to read ten times a second.
func (w watched) known(name string, n metric.Number) (v metric.Raw) {
	w.t.Helper()
	w.until(fmt.Sprintf("metric %d of %s is shown", n, name), func() (ok bool) { v, ok = w.value(name, n); return ok })
	return v
}

// watts waits for a power.
func (w watched) watts(name string, want float64) {
	w.t.Helper()
	w.until(fmt.Sprintf("%s draws %g W", name, want), func() bool {
		v, ok := w.value(name, metric.MeterPowerWatts)
		return ok && v.Float() == want
	})
}

// silent waits for a power to be missing.
func (w watched) silent(name string) {
	w.t.Helper()
	w.until(name+" shows nothing", func() bool { _, ok := w.value(name, metric.MeterPowerWatts); return !ok })
}

// joules waits for the energy of m to be so many millijoules.
func (w watched) joules(want metric.Raw) {
	w.t.Helper()
	w.until(fmt.Sprintf("%d mJ", want), func() bool {
		v, ok := w.value("m", metric.MeterEnergyJoules)
		return ok && v == want
	})
}

// logged is a log that can be read while it is written.
type logged struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
