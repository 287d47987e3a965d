package store_test

import (
	"context"
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gigawatch/gigawatch/aggregator/internal/store"
	"github.com/gigawatch/gigawatch/collector/metric"
)

func TestGoneAgentKeepsOnlyHostUpAtZero(t *testing.T) {
	b := open(t)
	l := host(column(metric.GPUPowerWatts, 0, 3, 2), column(metric.GPUState, 0, 3, 1), column(metric.HostUp, 0, 2, 1))
	b.tick(l, at(0), metric.Of(1), metric.Of(2), 0, 1)
	b.tick(l, at(10), metric.Of(1), metric.Of(2), 2, 1)
	for s := 30; s < 630; s += 5 {
		if err := b.w.Gone("dc1/a", at(s)); err != nil {
			t.Fatal(err)
		}
	}
	b.commit()
	b.want("0:1 30:–", "gpu_power_watts", "uuid", "GPU-1b2")
	b.want("0:1 10:0 30:–", "gpu_state", "state", "ok")
	b.want("10:1 30:–", "gpu_state", "state", "blank")
	b.want("0:1 30:0", "host_up")
	b.wantAnswer("host_up", at(29), 1)
	for s := 30; s < 630; s += 50 {
		b.wantAnswer("host_up", at(s), 0)
		b.wantAnswer("gpu_power_watts", at(s))
	}
	if n := b.counted(store.MetricSamples); n > 4+2+2+5+6 {
		t.Errorf("%d samples for ten minutes of a dead agent", n)
	}
	b.tick(l, at(700), metric.Of(1), metric.Missing, 1, 1)
	b.want("0:1 30:– 700:1", "gpu_power_watts", "uuid", "GPU-1b2")
	b.want("0:2 30:–", "gpu_power_watts", "uuid", "GPU-9f0")
	b.want("700:1", "gpu_state", "state", "lost")
	b.wantAnswer("host_up", at(700), 1)
	if err := b.w.Forget("dc1/a", at(710)); err != nil {
		t.Fatal(err)
	}
	b.commit()
	b.wantAnswer("host_up", at(710))
	b.wantAnswer("gpu_state", at(710))
	if err := b.w.Gone("dc1/stranger", at(710)); err != nil {
		t.Error(err)
	}
}

func TestLateTicksAreStoredAsTheyAre(t *testing.T) {
	b := open(t, func(c *store.Config) { c.OutOfOrder = 30 * time.Minute })
	l := host(column(metric.GPUTemperature, 0, 3, 1), column(metric.GPUState, 0, 3, 1))
	for s := 3600; s <= 3660; s += 10 {
		b.tick(l, at(s), metric.Of(50), 0)
	}
	b.tick(l, at(3605), metric.Of(44), 0) // behind its own series
	b.tick(l, at(3601), metric.Missing, 7)
	b.tick(l, at(2400), metric.Of(43), 0) // within the window
	b.tick(l, at(1500), metric.Of(42), 0) // beyond it
	b.tick(l, at(3670), metric.Of(51), 0)
	b.want("2400:43 3600:50 3605:44 3610:50 3660:50 3670:51", "gpu_temperature_celsius")
	if n := b.counted(dropped("too_old")); n != 2 {
		t.Errorf("%d samples too old, want 2", n)
	}
	if n := b.counted(dropped("unknown_state")); n != 1 {
		t.Errorf("%d unknown states, want 1", n)
	}
}

func TestLateSeriesAreBounded(t *testing.T) {
	b := open(t, func(c *store.Config) { c.Late = 5 })
	l := host(column(metric.GPUTemperature, 0, 3, 2), column(metric.GPUPowerWatts, 0, 3, 1))
	for _, s := range []int{7200, 6000, 6001, 5999, 7210} { // of two agents, each of three series
		for _, key := range []string{"dc1/a", "dc1/b"} {
			l := *l
			l.Entities = append([]metric.Entity(nil), l.Entities...)
			l.Entities[2].Name = key
			if err := b.w.Append(key, &l, "dc1", at(s), []metric.Raw{metric.Of(float64(s)), 1, 2}); err != nil {
				t.Fatal(err)
			}
		}
	}
	b.commit()
	b.want("5999:5999 6000:6000 6001:6001 7200:7200 7210:7210", "gpu_temperature_celsius", "gpu", "0", "host", "dc1/a")
	b.want("7200:7200 7210:7210", "gpu_temperature_celsius", "gpu", "0", "host", "dc1/b")
	if n := b.counted(dropped("too_much_late")); n != 9 {
		t.Errorf("%d values dropped as too much, want 9", n)
	}
}

func TestRefusedSamplesAreCountedAndNothingStops(t *testing.T) {
	b := open(t, func(c *store.Config) { c.OutOfOrder = 0 })
	l := host(column(metric.GPUTemperature, 0, 3, 1))
	b.tick(l, at(7200), metric.Of(50))
	b.tick(l, at(7200), metric.Of(51))
	b.tick(l, at(7190), metric.Of(51))
	b.tick(l, at(0), metric.Of(51))
	b.tick(l, at(2000*3600), metric.Of(51))
	b.tick(l, at(7210), metric.Of(52))
	b.want("7200:50 7210:52", "gpu_temperature_celsius")
	for reason, want := range map[string]uint64{"duplicate": 1, "out_of_order": 1, "too_old": 1, "future": 1} {
		if n := b.counted(dropped(reason)); n != want {
			t.Errorf("%d samples dropped as %s, want %d", n, reason, want)
		}
	}
	if err := b.w.Append("dc1/a", l, "dc1", at(7220), make([]metric.Raw, 3)); err == nil {
		t.Error("a tick of another width was taken")
	}
}

func TestUnknownMetricsArePassedOver(t *testing.T) {
	b := open(t)
	l := host(
		metric.Column{Metric: 9999, Form: metric.Float, First: 0, Count: 5},
		metric.Column{Metric: metric.GPUPowerWatts, Form: metric.Int, First: 3, Count: 1},           // in another form
		metric.Column{Metric: metric.GPUECCErrors, Form: metric.Int, Point: 17, First: 3, Count: 1}, // no such point
		column(metric.GPUTemperature, 0, 3, 1),
	)
	b.tick(l, at(0), 1, 2, 3, 4, 5, 6, 7, metric.Of(50))
	b.tick(l, at(10), 1, 2, 3, 4, 5, 6, 7, metric.Of(51))
	b.want("0:50 10:51", "gpu_temperature_celsius")
	if n := b.counted(dropped("unknown_metric")); n != 14 {
		t.Errorf("%d values of unknown metrics, want 14", n)
	}
	if got := b.stored("gpu_power_watts"); len(got) != 0 {
		t.Errorf("power in another form was stored: %v", got)
	}
}

func TestNewerLayoutGoesOnWithTheSameSeries(t *testing.T) {
	b := open(t)
	old := host(column(metric.GPUPCIeReplays, 0, 3, 2), column(metric.GPUTemperature, 0, 3, 2), column(metric.GPUState, 0, 3, 1))
	for s := 0; s <= 50; s += 10 {
		state := metric.Raw(0)
		if s == 50 {
			state = 1
		}
		b.tick(old, at(s), 5, 6, metric.Of(50), metric.Of(51), state)
	}
	before := b.counted(store.MetricCreated)
	// The second GPU has fallen off, the first has an XID and stands elsewhere.
	newer := &metric.Layout{Simulated: true, Entities: old.Entities[:4], Columns: []metric.Column{
		column(metric.GPUXIDEvents, 79, 3, 1), column(metric.GPUState, 0, 3, 1), column(metric.GPUTemperature, 0, 3, 1), column(metric.GPUPCIeReplays, 0, 3, 1),
	}}
	b.tick(newer, at(60), 1, 1, metric.Of(50), 8)
	b.want("0:5 50:5 60:8", replays, "uuid", "GPU-1b2")
	b.want("0:6 60:–", replays, "uuid", "GPU-9f0")
	b.want("0:50", "gpu_temperature_celsius", "uuid", "GPU-1b2")
	b.want("0:51 60:–", "gpu_temperature_celsius", "uuid", "GPU-9f0")
	b.want("60:1", "gpu_xid_events_total", "xid", "79")
	b.want("0:1 40:1 50:0 60:–", "gpu_state", "state", "ok")
	b.want("50:1", "gpu_state", "state", "lost")
	if n := b.counted(store.MetricCreated) - before; n != 1 {
		t.Errorf("%d series were made, want one", n)
	}
}

func TestEntityCannotHideWhatTheCatalogueSays(t *testing.T) {
	b := open(t)
	l := host(column(metric.GPUECCErrors, 0, 3, 1), column(metric.GPUTemperature, 0, 4, 1))
	l.Entities[3].Labels = []metric.Pair{{Name: "__name__", Value: "host_up"}, {Name: "gpu", Value: "\xff7"}, {Name: "kind", Value: "none"}, {Name: "rack", Value: "mine"}, {Name: "site", Value: "dc2"}}
	l.Entities[4].Labels = []metric.Pair{{Name: "a\xff", Value: "x"}, {Name: "empty", Value: ""}}
	b.tick(l, at(0), 1, metric.Of(50))
	for name, want := range map[string]string{
		"gpu_ecc_errors_total":    `{__name__="gpu_ecc_errors_total", gpu="�7", hall="h01", host="n0017", kind="corrected", rack="mine", scope="volatile", simulated="true", site="dc1", uuid="GPU-1b2"}`,
		"gpu_temperature_celsius": `{__name__="gpu_temperature_celsius", hall="h01", host="n0017", rack="r003", simulated="true", site="dc1", uuid="GPU-9f0"}`,
	} {
		for got := range b.stored(name) {
			if got != want {
				t.Errorf("labels\n%s, want\n%s", got, want)
			}
		}
	}
}

func TestDueIsOncePerInterval(t *testing.T) {
	b := open(t)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 2))
	inSecond := map[int]int{}
	for i := range 1000 {
		key := fmt.Sprintf("dc1/n%05d", i)
		last, n := int64(0), 0
		early := r.Int64N(1000) // where in the second it ticks
		for s := range 600 {
			now := at(s) + early + r.Int64N(80)
			if !b.Store.Due(key, last, now) {
				continue
			}
			if last != 0 && now-last > 21_000 {
				t.Fatalf("%s: %d ms between two stored ticks", key, now-last)
			}
			last = now
			n++
			if s > 10 {
				inSecond[s%10]++
			}
		}
		if n != 60 && n != 61 {
			t.Errorf("%s: %d ticks stored of ten minutes", key, n)
		}
		late := 0
		for s := range 60 {
			if b.Store.Due(key, at(3600), at(s)) {
				late++
			}
		}
		if late != 6 {
			t.Errorf("%s: %d late ticks stored of a minute", key, late)
		}
	}
	for s, n := range inSecond {
		if n < 4000 || n > 8000 {
			t.Errorf("%d of 59,000 stored ticks fall in second %d of ten", n, s)
		}
	}
}

func TestFleetArrivesNoFasterThanAllowed(t *testing.T) {
	now := epoch
	b := open(t, func(c *store.Config) { c.Creations, c.Now = 10, func() time.Time { return now } })
	l := host(column(metric.GPUPowerWatts, 0, 3, 2), column(metric.GPUTemperature, 0, 3, 2), column(metric.HostUp, 0, 2, 1))
	stored := func() int { return len(b.stored("host_up")) }
	append20 := func() {
		for i := range 20 {
			l := *l
			l.Entities = append([]metric.Entity(nil), l.Entities...)
			l.Entities[2].Name = fmt.Sprintf("n%02d", i)
			if err := b.w.Append(fmt.Sprint(i), &l, "dc1", now.UnixMilli(), []metric.Raw{1, 2, 3, 4, 1}); err != nil {
				t.Fatal(err)
			}
		}
		b.commit()
	}
	append20()
	if n := stored(); n != 2 {
		t.Errorf("%d hosts stored at once, want 2", n)
	}
	for range 9 {
		now = now.Add(time.Second)
		append20()
	}
	if n := stored(); n < 18 || n > 20 {
		t.Errorf("%d hosts stored after ten seconds, want 20", n)
	}
	if b.counted(store.MetricDeferred) == 0 {
		t.Error("nothing was counted as deferred")
	}
}

func TestSeriesSurviveRestart(t *testing.T) {
	for _, kill := range []bool{false, true} {
		t.Run(map[bool]string{true: "killed", false: "closed"}[kill], func(t *testing.T) {
			b := open(t)
			l := host(column(metric.GPUPCIeReplays, 0, 3, 1), column(metric.GPUTemperature, 0, 3, 1))
			for s := 0; s < 600; s += 10 {
				b.tick(l, at(s), 5, metric.Of(float64(s)))
			}
			b.tick(l, at(10), 4, metric.Of(0.5)) // out of order
			want := b.stored("gpu_temperature_celsius")
			if kill {
				copied := t.TempDir()
				copyTree(t, b.config.Dir, copied)
				b.config.Dir = copied
			}
			b.reopen()
			for k, v := range b.stored("gpu_temperature_celsius") {
				if v != want[k] {
					t.Errorf("%s\n%s, want\n%s", k, v, want[k])
				}
			}
			b.tick(l, at(600), 6, metric.Of(600))
			b.wantAnswer(replays, at(599), 5)
			b.wantAnswer(replays, at(600), 6)
			b.wantAnswer("gpu_temperature_celsius", at(600), 600)
		})
	}
}

func TestWhatIsReadAgainAfterARestartIsNotStoredTwice(t *testing.T) {
	b := open(t)
	l := host(column(metric.GPUTemperature, 0, 3, 1), column(metric.GPUPCIeReplays, 0, 3, 1), column(metric.GPUState, 0, 3, 1))
	rollup := func() *store.Series {
		s, err := b.w.Series(metric.SitePowerWatts, 0, "dc1", metric.Place{}, false)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	r := rollup()
	append1 := func(s int) {
		r.Append(at(s), float64(s))
		b.tick(l, at(s), metric.Of(float64(s)), metric.Raw(s/300), metric.Raw(s/250))
	}
	for s := 0; s <= 600; s += 10 {
		append1(s)
	}
	names := []string{"gpu_temperature_celsius", replays, "gpu_state", "site_power_watts"}
	want := map[string]string{}
	for _, name := range names {
		for k, v := range b.stored(name) {
			want[k] = v
		}
	}
	b.reopen()
	r = rollup()
	for s := 510; s <= 600; s += 10 {
		append1(s)
	}
	got := map[string]string{}
	for _, name := range names {
		for k, v := range b.stored(name) {
			got[k] = steps(v)
		}
	}
	for k := range want {
		want[k] = steps(want[k])
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("stored after the restart (-before +after):\n%s", d)
	}
	if head := b.DB().Head(); head.MaxOOOTime() != math.MinInt64 {
		t.Error("samples were stored out of order")
	}
	if n := b.counted(dropped("stored_before")); n < 20 {
		t.Errorf("%d samples counted as stored before", n)
	}
	created := b.counted(store.MetricCreated)
	append1(610)
	b.wantAnswer("gpu_temperature_celsius", at(610), 610)
	b.wantAnswer("site_power_watts", at(610), 610)
	if n := b.counted(store.MetricCreated); n != created {
		t.Errorf("%d series were made that were known", n-created)
	}
}

// copyTree copies a directory as a crash would leave it.
func copyTree(t *testing.T, from, to string) {
	t.Helper()
	err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		dst := filepath.Join(to, strings.TrimPrefix(path, from))
		if err := os.MkdirAll(filepath.Dir(dst), 0o755); err != nil {
			return err
		}
		p, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(dst, p, 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestWritersAndQueriesAtOnce(t *testing.T) {
	b := open(t)
	var wg sync.WaitGroup
	for n := range 2 {
		wg.Go(func() {
			w := b.Writer()
			l := host(column(metric.GPUPowerWatts, 0, 3, 2), column(metric.GPUState, 0, 3, 1))
			l.Entities[2].Name = fmt.Sprint("n", n)
			for s := range 50 {
				if err := w.Append(fmt.Sprint(n), l, "dc1", at(10*s), []metric.Raw{metric.Of(float64(s)), 1, metric.Raw(s % 3)}); err != nil {
					t.Error(err)
				}
				if err := w.Commit(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Go(func() {
		for range 20 {
			b.ask("sum(gpu_power_watts)", at(100))
			if err := b.DB().Compact(context.Background()); err != nil {
				t.Error(err)
			}
		}
	})
	wg.Wait()
	b.wantAnswer("count(gpu_power_watts)", at(490), 4)
}
