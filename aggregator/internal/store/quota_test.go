package store_test

import (
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/store"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// boards is a host with GPUs of new names.
func boards(first, n int, simulated bool) *metric.Layout {
	l := host(column(metric.GPUPowerWatts, 0, 3, n))
	l.Simulated, l.Entities = simulated, l.Entities[:3]
	for i := range n {
		l.Entities = append(l.Entities, metric.Entity{Kind: metric.GPU, Name: fmt.Sprintf("GPU-%07d", first+i), Parent: 2})
	}
	return l
}

// A host that was broken into says a million names: it has so many series and no more,
// whatever it does, and nobody else has fewer.
func TestAMillionNamesOfOneHostAreBounded(t *testing.T) {
	now := epoch.Add(1000 * time.Hour)
	var log strings.Builder
	b := open(t, func(c *store.Config) {
		c.Now, c.Logger = func() time.Time { return now }, slog.New(slog.NewTextHandler(&log, nil))
	})
	const each, quota = 1000, 50_000
	values := make([]metric.Raw, each)
	for i := range values {
		values[i] = metric.Of(1)
	}
	good := host(column(metric.GPUPowerWatts, 0, 3, 2))
	say := func(t int64, l *metric.Layout) {
		b.Helper()
		if err := b.w.Append("dc1/evil", l, "dc1", t, values); err != nil {
			b.Fatal(err)
		}
	}
	b.tick(good, at(0), metric.Of(1), metric.Of(2))
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	last := 0
	for n := 0; n < 1_000_000; n += each {
		last += 2
		say(at(last), boards(n, each, n%(2*each) == 0)) // as a model's, and as none
	}
	b.commit()
	runtime.GC()
	runtime.ReadMemStats(&after)
	made, heap := b.counted(store.MetricCreated), (int64(after.HeapAlloc)-int64(before.HeapAlloc))>>20
	t.Logf("a million names: %d series, %d MB", made, heap)
	if made > quota+10 {
		t.Errorf("%d series were made", made)
	}
	if heap > 256 {
		t.Errorf("they take %d MB", heap)
	}
	if n := b.counted(dropped("too_many_new_series")); n < 1_000_000-2*quota {
		t.Errorf("%d samples of more are counted", n)
	}
	if told := strings.Count(log.String(), "adds too many series"); told != 1 || !strings.Contains(log.String(), "agent=dc1/evil") {
		t.Errorf("told %d times: %s", told, log.String())
	}
	b.tick(good, at(last), metric.Of(3), metric.Of(4))
	b.tick(host(column(metric.GPUPowerWatts, 0, 3, 2), column(metric.GPUTemperature, 0, 3, 1)), at(last+10), metric.Of(5), metric.Of(6), metric.Of(50))
	b.wantAnswer("gpu_temperature_celsius", at(last+10), 50)

	// What it had goes on, and after a while it may add others.
	old := boards(0, each, true)
	say(at(last+20), old)
	now = now.Add(time.Hour)
	say(at(last+30), boards(2_000_000, each, true))
	b.commit()
	if more := b.counted(store.MetricCreated) - made; more < each || more > 2*each+10 {
		t.Errorf("%d series were made later", more)
	}
}
