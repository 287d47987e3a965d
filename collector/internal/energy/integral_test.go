package energy

import (
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
	"pgregory.net/rapid"
)

func TestPowerBecomesEnergy(t *testing.T) {
	type step struct {
		after time.Duration
		watts float64
		want  metric.Raw
		anew  bool // a new epoch begins
	}
	for name, steps := range map[string][]step{
		"steady":                 {{0, 100, 0, true}, {time.Second, 100, 100_000, false}, {time.Second, 100, 200_000, false}},
		"a ramp":                 {{0, 0, 0, true}, {2 * time.Second, 100, 100_000, false}},
		"idle":                   {{0, 0, 0, true}, {time.Second, 0, 0, false}},
		"the same reading":       {{0, 100, 0, true}, {0, 900, 0, false}, {time.Second, 100, 100_000, false}},
		"a gap":                  {{0, 100, 0, true}, {time.Second, 100, 100_000, false}, {6 * time.Second, 100, 0, true}, {time.Second, 100, 100_000, false}},
		"as long as may be":      {{0, 100, 0, true}, {5 * time.Second, 100, 500_000, false}},
		"no number":              {{0, 100, 0, true}, {time.Second, math.NaN(), 0, false}, {time.Second, 100, 200_000, false}},
		"what nothing draws":     {{0, 100, 0, true}, {time.Second, math.Inf(1), 0, false}, {time.Second, -1, 0, false}, {time.Second, 2e9, 0, false}},
		"less than a millijoule": {{0, 1e-4, 0, true}, {time.Second, 1e-4, 0, false}, {5 * time.Second, 1e-4, 0, false}, {5 * time.Second, 1e-4, 1, false}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				i := Integral{Name: name, Gap: 5 * time.Second}
				if i.Energy() != metric.Missing || i.Epoch() != metric.Missing || i.Current(time.Now()) {
					t.Error("it counts before the first reading")
				}
				for n, s := range steps {
					before := i.Epoch()
					time.Sleep(s.after)
					i.Add(s.watts, time.Now())
					if got := i.Energy(); got != s.want {
						t.Errorf("step %d: %d mJ, want %d", n, got, s.want)
					}
					if anew := i.Epoch() != before; anew != s.anew {
						t.Errorf("step %d: another epoch: %v, want %v", n, anew, s.anew)
					}
				}
			})
		})
	}
}

func TestIntegralIsCurrentUntilItsGap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := Integral{Gap: 5 * time.Second}
		i.Add(100, time.Now())
		time.Sleep(5 * time.Second)
		if !i.Current(time.Now()) {
			t.Error("not current at the end of its gap")
		}
		time.Sleep(time.Millisecond)
		if i.Current(time.Now()) {
			t.Error("current after its gap")
		}
	})
}

// Two agents that integrate the same board one after the other do not share an
// epoch.
func TestAnotherStartIsAnotherEpoch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := Integral{Name: "GPU-1"}
		a.Add(1, time.Now())
		time.Sleep(time.Millisecond)
		b := Integral{Name: "GPU-1"}
		b.Add(1, time.Now())
		c := Integral{Name: "GPU-2"}
		c.Add(1, time.Now())
		if a.Epoch() == b.Epoch() || b.Epoch() == c.Epoch() {
			t.Error("epochs are shared")
		}
		if a.Epoch() < 0 || b.Epoch() < 0 {
			t.Error("an epoch is negative")
		}
	})
}

func TestIntegralNeverFallsWithinAnEpoch(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		i := Integral{Name: "x", Gap: 4 * time.Second}
		highest := map[metric.Raw]metric.Raw{}
		at := time.Now()
		for range rapid.IntRange(1, 60).Draw(t, "readings") {
			at = at.Add(time.Duration(rapid.IntRange(-2000, 6000).Draw(t, "ms")) * time.Millisecond)
			i.Add(rapid.OneOf(rapid.Float64Range(0, 2000), rapid.Float64()).Draw(t, "watts"), at)
			e, v := i.Epoch(), i.Energy()
			if v == metric.Missing {
				continue
			}
			if v < highest[e] {
				t.Fatalf("fell from %d to %d mJ", highest[e], v)
			}
			highest[e] = v
		}
	})
}
