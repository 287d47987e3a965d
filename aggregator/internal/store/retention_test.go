package store_test

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/store"
	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/secret"
)

// short blocks, so that hours of samples make several.
func short(c *store.Config) {
	c.Block, c.MaxBlock, c.OutOfOrder = 10*time.Minute, 30*time.Minute, 0
}

func (b *bench) compact() {
	b.Helper()
	if err := b.DB().Compact(b.Context()); err != nil {
		b.Fatal(err)
	}
}

func TestOldBlocksGo(t *testing.T) {
	for name, limit := range map[string]func(*store.Config){
		"by time": func(c *store.Config) { c.Retention = time.Hour },
		"by size": func(c *store.Config) { c.MaxBytes = 160 << 10 }, // 128 KiB of it are the head
	} {
		t.Run(name, func(t *testing.T) {
			b := open(t, short, limit)
			l := host(column(metric.GPUTemperature, 0, 3, 2), column(metric.GPUPowerWatts, 0, 3, 2))
			const end = 5 * 3600
			for s := 0; s <= end; s += 10 {
				b.tick(l, at(s), metric.Of(float64(s%77)), 1, metric.Of(math.Sqrt(float64(s))), metric.Of(math.Sin(float64(s))))
				if s%600 == 0 {
					b.compact()
				}
			}
			b.compact() // the size that counts is that before a compaction
			b.wantAnswer(`gpu_temperature_celsius{gpu="0"}`, at(end), float64(end%77))
			b.wantAnswer(`gpu_temperature_celsius{gpu="0"}`, at(end-2400), float64((end-2400)%77))
			b.wantAnswer(`gpu_temperature_celsius{gpu="0"}`, at(1000))
			if blocks, _ := b.BlockMetas(); len(blocks) == 0 || len(blocks) > 12 {
				t.Errorf("%d blocks", len(blocks))
			}
		})
	}
}

func TestSilentSeriesIsMadeAgain(t *testing.T) {
	b := open(t, short)
	l := host(column(metric.GPUTemperature, 0, 3, 1), column(metric.GPUPowerWatts, 0, 3, 1), column(metric.GPUState, 0, 3, 1))
	rollup, err := b.w.Series(metric.SitePowerWatts, 0, "dc1", metric.Place{}, false)
	if err != nil {
		t.Fatal(err)
	}
	rollup.Append(at(0), 1)
	for s := 0; s <= 3*3600; s += 10 {
		temperature, state := metric.Missing, metric.Raw(1)
		if s == 0 || s == 3*3600 {
			temperature, state = metric.Of(50), 0
		}
		b.tick(l, at(s), temperature, metric.Of(float64(s)), state)
		if s%600 == 0 {
			b.compact()
		}
	}
	rollup.Append(at(3*3600), 2)
	b.commit()
	b.want("0:50 10:– 10800:50", "gpu_temperature_celsius")
	b.want("0:1 10:0 20:– 10800:1", "gpu_state", "state", "ok")
	b.want("0:1 10800:2", "site_power_watts")
	if n := b.counted(store.MetricCreated); n != 5+3 {
		t.Errorf("series were made %d times, want 5 and 3 again", n)
	}
}

func TestUnreadableBlockIsSetAside(t *testing.T) {
	b := open(t, short)
	l := host(column(metric.GPUTemperature, 0, 3, 1))
	for s := 0; s <= 3600; s += 10 {
		b.tick(l, at(s), metric.Of(float64(s)))
	}
	b.compact()
	dir := b.config.Dir
	b.close()
	indexes, err := filepath.Glob(filepath.Join(dir, "*", "index"))
	if err != nil || len(indexes) < 2 {
		t.Fatalf("%d blocks: %v", len(indexes), err)
	}
	if err := os.WriteFile(indexes[0], []byte("nothing of the kind"), 0o644); err != nil {
		t.Fatal(err)
	}
	b.reopen()
	if n := b.counted(store.MetricSetAside); n != 1 {
		t.Errorf("%d blocks set aside, want one", n)
	}
	b.wantAnswer("gpu_temperature_celsius", at(3600), 3600)
}

func TestDamagedLogIsRepaired(t *testing.T) {
	for _, where := range []float64{0.2, 0.9} {
		b := open(t)
		l := host(column(metric.GPUTemperature, 0, 3, 1), column(metric.GPUPowerWatts, 0, 3, 2))
		for s := 0; s <= 3600; s += 10 {
			b.tick(l, at(s), metric.Of(float64(s)), metric.Of(math.Sin(float64(s))), metric.Of(math.Cos(float64(s))))
		}
		b.close()
		segments, err := filepath.Glob(filepath.Join(b.config.Dir, "wal", "0*"))
		if err != nil || len(segments) == 0 {
			t.Fatalf("no segments of the log: %v", err)
		}
		p, err := os.ReadFile(segments[0])
		if err != nil {
			t.Fatal(err)
		}
		for i := range 100 {
			p[int(where*float64(len(p)))+i] ^= 0xa5
		}
		if err := os.WriteFile(segments[0], p, 0o644); err != nil {
			t.Fatal(err)
		}
		b.reopen()
		b.tick(l, at(3610), metric.Of(1), 2, 3)
		b.wantAnswer("gpu_temperature_celsius", at(300), 300)
		b.wantAnswer("gpu_temperature_celsius", at(3610), 1)
	}
}

func TestRollUps(t *testing.T) {
	b := open(t)
	for _, c := range []struct {
		number metric.Number
		point  uint32
		place  metric.Place
		labels string
	}{
		{metric.SitePowerWatts, uint32(metric.IT), metric.Place{}, `{__name__="site_power_watts", boundary="it", simulated="true", site="dc1"}`},
		{metric.HallPowerWatts, 3, metric.Place{Hall: "h01"}, `{__name__="hall_power_watts", boundary="gpu", hall="h01", simulated="true", site="dc1"}`},
		{metric.RackGPUTemperatureMax, 0, metric.Place{Hall: "h01", Rack: "r003"}, `{__name__="rack_gpu_temperature_celsius_max", hall="h01", rack="r003", simulated="true", site="dc1"}`},
		{metric.GPUState, 2, metric.Place{Hall: "h01", Rack: "r003", Host: "n1"}, `{__name__="gpu_state", hall="h01", host="n1", rack="r003", simulated="true", site="dc1", state="blank"}`},
	} {
		name := metric.Lookup(c.number).Name
		t.Run(name, func(t *testing.T) {
			s, err := b.w.Series(c.number, c.point, "dc1", c.place, true)
			if err != nil {
				t.Fatal(err)
			}
			s.Append(at(0), math.NaN())
			for k, v := range []float64{1.5, 1.5, math.NaN(), math.NaN(), 2.5} {
				s.Append(at(1+k), v)
			}
			b.commit()
			got := b.stored(name)
			if want := "1:1.5 2:1.5 3:– 5:2.5"; len(got) != 1 || got[c.labels] != want {
				t.Errorf("stored %v, want %s: %s", got, c.labels, want)
			}
		})
	}
	for _, n := range []metric.Number{9999, metric.SitePowerWatts} {
		if _, err := b.w.Series(n, 4, "dc1", metric.Place{}, false); err == nil {
			t.Errorf("metric %d has no point 4, but a series", n)
		}
	}
}

func TestConfigIsChecked(t *testing.T) {
	for name, c := range map[string]store.Config{
		"no directory":          {},
		"negative":              {Dir: t.TempDir(), Retention: -1},
		"interval of fractions": {Dir: t.TempDir(), Interval: 1500 * time.Millisecond},
		"heartbeat too long":    {Dir: t.TempDir(), Heartbeat: 5 * time.Minute},
		"heartbeat too short":   {Dir: t.TempDir(), Heartbeat: time.Second},
		"remote without scheme": {Dir: t.TempDir(), RemoteWrite: []store.Remote{{URL: secret.At("victoria:8428")}}},
		"remote with bad names": {Dir: t.TempDir(), RemoteWrite: []store.Remote{{URL: secret.At("http://victoria"), Metrics: "("}}},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := store.Open(c)
			if err == nil {
				t.Error("opened")
				_ = s.Close()
			} else if strings.Contains(err.Error(), "panic") {
				t.Error(err)
			}
		})
	}
}
