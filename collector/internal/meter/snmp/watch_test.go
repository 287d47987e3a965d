package snmp

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/collector/internal/meter"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// A watched source is one that runs, with what is asked of it.
type watched struct {
	t *testing.T
	s *meter.Source
}

// watch runs a source of meters, each read ten times a second, for the time of
// the test.
func watch(t *testing.T, meters ...meter.Meter) watched {
	t.Helper()
	for i := range meters {
		m := &meters[i]
		if m.Role == "" {
			m.Role = metric.RolePDUOutput
		}
		if m.Period == 0 {
			m.Period = 100 * time.Millisecond
		}
	}
	s, err := meter.New(meter.Config{Meters: meters, State: filepath.Join(t.TempDir(), "meters.json")})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		secretless(t, s.Describe())
	})
	return watched{t, s}
}

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
