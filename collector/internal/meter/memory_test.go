package meter

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
)

func TestCountersOutlastTheCollector(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "state", "meters.json")
		i := steady(3.6e5)
		c := Config{State: path, Meters: []Meter{{Name: "grid-a", Role: metric.RoleGridInput, Rating: 1e6, Reader: i}}}
		var v, e metric.Raw
		under(t, c, func(r *rig) { v, e, _ = r.after(65*time.Second).counter(metric.MeterEnergyJoules, "grid-a") })
		time.Sleep(time.Hour)
		under(t, c, func(r *rig) {
			more, f, q := r.after(10*time.Second).counter(metric.MeterEnergyJoules, "grid-a")
			if f != e || (more-v)/wh < 360_000 || (more-v)/wh > 363_000 || q != metric.CounterBridged {
				t.Errorf("%d mJ more, another epoch %v, %s", more-v, f != e, q)
			}
			if _, _, q := r.after(20*time.Second).counter(metric.MeterEnergyJoules, "grid-a"); q != metric.Measured {
				t.Errorf("still %s", q)
			}
		})
		b, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(b), `"grid-a energy"`) {
			t.Errorf("%s, %v", b, err)
		}
	})
}

// Two collectors that read the same meter count alike, so that one can take over
// from the other.
func TestTwoCollectorsAgree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := steady(3.6e5)
		c := Config{Meters: []Meter{{Name: "grid-a", Role: metric.RoleGridInput, Rating: 1e6, Installed: []Installation{{Serial: "77"}}, Reader: i}}}
		var values, epochs []metric.Raw
		for range 2 {
			under(t, c, func(r *rig) {
				v, e, _ := r.after(10*time.Second).counter(metric.MeterEnergyJoules, "grid-a")
				values, epochs = append(values, v), append(epochs, e)
			})
		}
		if epochs[0] != epochs[1] || values[1] <= values[0] {
			t.Errorf("%v in %v", values, epochs)
		}
	})
}

// Where nothing is remembered a count begins at zero, lest it be counted twice.
func TestWithoutMemoryCountsBeginAtZero(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := steady(3.6e5)
		c := Config{State: "none", Meters: []Meter{{Name: "grid-a", Role: metric.RoleGridInput, Rating: 1e6, Reader: i}}}
		seen := map[metric.Raw]bool{}
		for range 2 {
			under(t, c, func(r *rig) {
				v, e, _ := r.after(10*time.Second).counter(metric.MeterEnergyJoules, "grid-a")
				if v != 0 || seen[e] {
					t.Errorf("%d mJ, an epoch of its own: %v", v, !seen[e])
				}
				seen[e] = true
			})
		}
	})
}

func TestFileOfMemory(t *testing.T) {
	for name, x := range map[string]struct{ content, refused string }{
		"empty":           {"", "unexpected end"},
		"no JSON":         {"\x00\x01", "invalid character"},
		"another version": {`{"version":9}`, "version 9"},
		"no registers":    {`{"version":1}`, ""},
		"no size":         {`{"version":1,"registers":{"m energy":{"mark":" 3600000/1","epoch":7,"steps":5}}}`, ""},
		"below zero":      {`{"version":1,"registers":{"m energy":{"mark":" 3600000/1","epoch":7,"shown":-5,"size":{"num":1,"den":1}}}}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "meters.json")
			if err := os.WriteFile(path, []byte(x.content), 0o600); err != nil {
				t.Fatal(err)
			}
			m, err := openMemory(path)
			if (err == nil) != (x.refused == "") || err != nil && !strings.Contains(err.Error(), x.refused) {
				t.Errorf("error %v, want %q", err, x.refused)
			}
			if _, ok := m.of("m energy"); ok {
				t.Error("something is believed")
			}
			m.keep("m energy", life{Epoch: 5, Size: Size{1, 1}, At: time.Now()})
			if err := m.save(); err != nil {
				t.Fatal(err)
			}
			if again, err := openMemory(path); err != nil || again.lives["m energy"].Epoch != 5 {
				t.Errorf("the file was not replaced by a good one: %v", err)
			}
		})
	}
}

func TestNoPlaceToRemember(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := New(Config{State: filepath.Join(file, "meters.json"), Meters: []Meter{{Name: "a", Role: metric.RoleCooling, Rating: 1e6, Reader: steady(5)}}})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if err := s.Run(ctx); err == nil || !strings.Contains(err.Error(), "remember the lives of meters") {
			t.Errorf("error %v", err)
		}
	})
}

// Whatever stands in the file, counters begin, and count on.
func FuzzMemory(f *testing.F) {
	f.Add([]byte(`{"version":1,"registers":{"m energy":{"mark":" 3600000/1","epoch":7,"size":{"num":3600000,"den":1},"steps":5,"at":"2026-03-01T12:00:00Z","count":9,"shown":9}}}`), uint64(7), uint64(0))
	f.Add([]byte(`{"version":1,"registers":{"m energy":{"mark":" 3600000/1","epoch":7,"size":{"num":3,"den":7},"fault":"quarantined","aside":{"steps":5},"before":{"steps":9,"left":3},"filled":5,"shown":9}}}`), uint64(6), uint64(1<<63))
	f.Fuzz(func(t *testing.T, b []byte, one, two uint64) {
		path := filepath.Join(t.TempDir(), "meters.json")
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		m, _ := openMemory(path)
		for name, l := range m.lives {
			b := bench{rate: 1e6}
			b.counter(10*time.Second, one%2 == 0)
			b.c.name = name
			b.c.resume(l)
			at := time.Now()
			last := map[metric.Raw]metric.Raw{}
			for i, steps := range []uint64{one, two, two, two + 1, one, one + 5, one + 6} {
				at = at.Add(time.Duration(i) * time.Second)
				if b.flow != nil {
					b.flow.add(500, at)
				}
				n, shown, _ := b.c.take(Register{Steps: steps, Size: Size{wh, 1}, Modulus: two}, at, at)
				if shown && (n.value < 0 || n.value < last[n.epoch]) {
					t.Fatalf("%d after %d", n.value, last[n.epoch])
				}
				if shown {
					last[n.epoch] = n.value
				}
			}
		}
	})
}
