package store_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/store"
	"github.com/gigawatch/gigawatch/collector/metric"
)

const replays = "gpu_pcie_replays_total"

func TestStepIsWhereItHappened(t *testing.T) {
	b := open(t)
	l := host(column(metric.GPUPCIeReplays, 0, 3, 1))
	for s := 0; s <= 600; s += 10 {
		v := metric.Raw(5)
		if s >= 300 {
			v = 7
		}
		b.tick(l, at(s), v)
	}
	points := b.stored(replays)
	for _, p := range points {
		if !strings.Contains(p, " 290:5 300:7 ") {
			t.Errorf("points %s, want the old value right before the step", p)
		}
		if n := strings.Count(p, ":"); n > 6 {
			t.Errorf("%d points for one step in ten minutes: %s", n, p)
		}
	}
	b.wantAnswer(replays, at(299), 5)
	b.wantAnswer(replays, at(300), 7)
	b.wantAnswer(replays+" - "+replays+" offset 5m", at(599), 2)
	for _, q := range []string{"increase(" + replays + "[1m] anchored)", "increase(" + replays + "[5m] anchored)"} {
		b.wantAnswer(q, at(300), 2)
		b.wantAnswer(q, at(330), 2)
	}
}

func TestIncreaseIsAsIfEveryTickWereStored(t *testing.T) {
	every := open(t, func(c *store.Config) { c.Heartbeat = 10 * time.Second })
	some := open(t, func(c *store.Config) { c.Heartbeat = 2 * time.Minute })
	l := host(column(metric.GPUPCIeReplays, 0, 3, 1))
	for s := 0; s <= 3600; s += 10 {
		v := metric.Raw(s / 1000)
		every.tick(l, at(s), v)
		some.tick(l, at(s), v)
	}
	for s := 1210; s <= 3600; s += 70 {
		q := "increase(" + replays + "[20m])"
		want, got := every.ask(q, at(s))[0], some.ask(q, at(s))[0]
		if math.Abs(got-want) > 0.15*want+1e-9 {
			t.Errorf("second %d: %s is %v, of every tick %v", s, q, got, want)
		}
		q = "increase(" + replays + "[20m] anchored)"
		if want, got := every.ask(q, at(s))[0], some.ask(q, at(s))[0]; want != got {
			t.Errorf("second %d: %s is %v, of every tick %v", s, q, got, want)
		}
	}
}

func TestConstantValueStaysVisible(t *testing.T) {
	for _, heartbeat := range []time.Duration{time.Minute, 2 * time.Minute, 4 * time.Minute} {
		t.Run(heartbeat.String(), func(t *testing.T) {
			b := open(t, func(c *store.Config) { c.Heartbeat = heartbeat })
			var columns []metric.Column
			for p := range uint32(4) {
				columns = append(columns, column(metric.GPUECCErrors, p, 3, 2), column(metric.GPUNVLinkErrors, p, 3, 2))
			}
			l := host(columns...)
			values := make([]metric.Raw, l.Width())
			for s := 0; s <= 1800; s += 10 {
				b.tick(l, at(s), values...)
			}
			for s := 0; s < 1800; s += 61 {
				if n := len(b.ask("gpu_ecc_errors_total", at(s))); n != 8 {
					t.Fatalf("second %d: %d of 8 series are seen", s, n)
				}
			}
			for s := 300; s < 1800; s += 37 {
				if n := len(b.ask("rate(gpu_ecc_errors_total[5m])", at(s))); heartbeat <= 2*time.Minute && n != 8 {
					t.Fatalf("second %d: %d of 8 series have a rate", s, n)
				}
			}
			total := b.counted(store.MetricSamples)
			if most := uint64(16 * (2 + 1800/int(heartbeat.Seconds()))); total > most {
				t.Errorf("%d samples of constant values, want at most %d", total, most)
			}
		})
	}
}

// TestQueriesSeeEveryTick compares, for random values that move, rest and go
// missing, what a query sees at each tick with what the agent said.
func TestQueriesSeeEveryTick(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	b := open(t)
	l := host(column(metric.GPUPowerWatts, 0, 3, 2), column(metric.GPUPCIeReplays, 0, 3, 2), column(metric.GPUState, 0, 3, 2))
	type said struct {
		t      int64
		values []metric.Raw
	}
	var ticks []said
	values := []metric.Raw{metric.Of(100), metric.Of(200), 0, metric.Missing, 0, 1}
	now := at(0)
	for range 400 {
		for i := range values {
			switch k := r.IntN(40); {
			case k == 0:
				values[i] = metric.Missing
			case k < 5 && i < 2:
				values[i] = metric.Of(float64(r.IntN(700)))
			case k < 5 && i < 4:
				values[i] = metric.Raw(r.IntN(3))
			case k < 5:
				values[i] = metric.Raw(r.IntN(5))
			}
		}
		b.tick(l, now, values...)
		ticks = append(ticks, said{now, append([]metric.Raw(nil), values...)})
		now += 10_000 * int64(1+r.IntN(20)/19*3) // now and then three ticks are lost
	}
	for _, s := range ticks {
		for i, raw := range s.values {
			q, want := "", []float64{}
			uuid := []string{"GPU-1b2", "GPU-9f0"}[i%2]
			switch {
			case i < 2:
				q = fmt.Sprintf("gpu_power_watts{uuid=%q}", uuid)
				want = append(want, raw.Float())
			case i < 4:
				q = fmt.Sprintf("gpu_pcie_replays_total{uuid=%q}", uuid)
				want = append(want, float64(raw))
			default:
				q = fmt.Sprintf("gpu_state{uuid=%q,state=%q} == 1", uuid, metric.Lookup(metric.GPUState).LabelValue(uint32(max(0, raw)), 0))
				want = append(want, 1)
			}
			if raw == metric.Missing {
				want = want[:0]
				if i >= 4 {
					q = fmt.Sprintf("gpu_state{uuid=%q} == 1", uuid)
				}
			}
			b.wantAnswer(q, s.t, want...)
			if i >= 4 && raw != metric.Missing {
				b.wantAnswer(fmt.Sprintf("count(gpu_state{uuid=%q} == 1)", uuid), s.t, 1)
			}
		}
		if t.Failed() {
			t.FailNow()
		}
	}
}

func TestMissingEndsASeries(t *testing.T) {
	b := open(t)
	l := host(column(metric.GPUTemperature, 0, 3, 1))
	values := []metric.Raw{metric.Missing, metric.Of(60), metric.Of(60), metric.Missing, metric.Missing, metric.Of(61)}
	for i, v := range values {
		b.tick(l, at(10*i), v)
	}
	b.want("10:60 30:– 50:61", "gpu_temperature_celsius")
	b.wantAnswer("gpu_temperature_celsius", at(29), 60)
	b.wantAnswer("gpu_temperature_celsius", at(30))
	b.wantAnswer("gpu_temperature_celsius", at(49))
	b.wantAnswer("gpu_temperature_celsius", at(50), 61)
}

func TestStatesAreOneSeriesEach(t *testing.T) {
	const ok, lost, blank = 0, 1, 2
	l := host(column(metric.GPUState, 0, 3, 1))
	for _, c := range []struct {
		name   string
		values []metric.Raw
		want   map[string]string
	}{
		{"one state", []metric.Raw{ok, ok, ok}, map[string]string{"ok": "0:1"}},
		{"left at once", []metric.Raw{ok, lost, lost}, map[string]string{"ok": "0:1 10:0 20:–", "lost": "10:1"}},
		{"left later", []metric.Raw{ok, ok, ok, lost, lost}, map[string]string{"ok": "0:1 20:1 30:0 40:–", "lost": "30:1"}},
		{"left and entered again", []metric.Raw{ok, lost, ok, ok}, map[string]string{"ok": "0:1 10:0 20:1", "lost": "10:1 20:0 30:–"}},
		{"three", []metric.Raw{ok, lost, blank, blank}, map[string]string{"ok": "0:1 10:0 20:–", "lost": "10:1 20:0 30:–", "blank": "20:1"}},
		{"missing", []metric.Raw{ok, lost, metric.Missing, ok}, map[string]string{"ok": "0:1 10:0 20:– 30:1", "lost": "10:1 20:–"}},
		{"not in the catalogue", []metric.Raw{ok, 9, 9, ok}, map[string]string{"ok": "0:1 10:– 30:1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := open(t)
			for i, v := range c.values {
				b.tick(l, at(10*i), v)
			}
			for state, points := range c.want {
				b.want(points, "gpu_state", "state", state)
			}
			if got := b.stored("gpu_state"); len(got) != len(c.want) {
				t.Errorf("%d series, want %d: %v", len(got), len(c.want), got)
			}
		})
	}
}

func TestStateOfBeforeARestartDoesNotLinger(t *testing.T) {
	b := open(t)
	l := host(column(metric.GPUState, 0, 3, 1))
	b.tick(l, at(0), 0)
	b.reopen()
	b.tick(l, at(60), 1)
	b.want("0:1 60:–", "gpu_state", "state", "ok")
	b.wantAnswer("gpu_state", at(61), 1)
}

// An agent is read again from a tick that may be older than the newest that is stored,
// and in which it was in another state.
func TestStateOfBeforeARestartEndsThoughTicksAreReadAgain(t *testing.T) {
	const ok, lost, blank = 0, 1, 2
	l := host(column(metric.GPUState, 0, 3, 1))
	wider := host(column(metric.GPUState, 0, 3, 1), column(metric.HostUp, 0, 2, 1))
	for _, c := range []struct {
		name  string
		ticks []metric.Raw // at 12, 22 and 32
		wider bool         // the layout is, from 22 on
		want  map[string]string
	}{
		{"in one state", []metric.Raw{ok, ok, ok}, false, map[string]string{"ok": "12:1", "lost": "17:1 22:–"}},
		{"under another layout", []metric.Raw{ok, ok, ok}, true, map[string]string{"ok": "12:1", "lost": "17:1 22:–"}},
		{"left with the first new tick", []metric.Raw{ok, blank, blank}, false, map[string]string{"ok": "12:1 22:0 32:–", "lost": "17:1 22:–", "blank": "22:1"}},
		{"as it was, with the first new tick", []metric.Raw{ok, lost, lost}, false, map[string]string{"ok": "12:1 22:0 32:–", "lost": "17:1"}},
		{"missing", []metric.Raw{ok, metric.Missing, metric.Missing}, false, map[string]string{"ok": "12:1 22:–", "lost": "17:1 22:–"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := open(t)
			b.tick(l, at(17), lost)
			b.reopen()
			for i, v := range c.ticks {
				if i > 0 && c.wider {
					b.tick(wider, at(12+10*i), v, 1)
				} else {
					b.tick(l, at(12+10*i), v)
				}
			}
			for state, points := range c.want {
				b.want(points, "gpu_state", "state", state)
			}
		})
	}
}
