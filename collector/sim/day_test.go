package sim

import (
	"math"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// An hour of a simulated day.
type hour struct {
	pue, facility, sun, intensity, inference, water, outside float64
}

// live runs a site for a day of so many steps from midnight UTC and is its hours.
func live(t *testing.T, w *World, step time.Duration) [24]hour {
	t.Helper()
	start := time.UnixMilli(w.now)
	var day [24]hour
	for h := range day {
		was, n := w.books, 0.0
		for at := step; at <= time.Hour; at += step {
			w.Step(start.Add(time.Duration(h)*time.Hour + at))
			n++
			day[h].intensity += w.lifecycle
			day[h].outside += w.outside
			served, jobs := 0.0, 0.0
			for i := range w.schedule.jobs {
				if j := &w.schedule.jobs[i]; j.kind == inference {
					served, jobs = served+j.level, jobs+1
				}
			}
			day[h].inference += served / max(1, jobs)
			temperate(t, w)
		}
		b := &w.books
		day[h].intensity /= n
		day[h].inference /= n
		day[h].outside /= n
		day[h].pue = float64(b.facility()-was.facility()) / float64(b.upsOutput-was.upsOutput)
		day[h].facility = float64(b.facility()-was.facility()) / 3.6e6 // W
		day[h].sun = float64(b.solar-was.solar) / 3.6e6
		day[h].water = float64(b.water - was.water)
	}
	return day
}

// temperate checks the boards whose hosts are up.
func temperate(t *testing.T, w *World) {
	t.Helper()
	for i := range w.boards {
		g := &w.boards[i]
		if h := &w.hosts[i/w.gpus]; h.state == up && (g.die < 27 || g.die > 85.5 || g.hbm > 100 || g.power < 0 || g.power > w.board.limit*1.01) {
			t.Fatalf("board %d at %d: die %.1f °C, memory %.1f °C, %.0f W", i, w.now, g.die, g.hbm, g.power)
		}
	}
}

func TestADayIsPlausible(t *testing.T) {
	for name, tc := range map[string]struct {
		month          time.Month
		least, most    float64 // PUE of the day
		noonSun, water float64 // W of sun to the W of rating at the most, mL to the kWh of IT at the least
	}{
		"winter":        {time.January, 1.10, 1.17, 0.05, 0},
		"spring":        {time.April, 1.10, 1.22, 0.1, 0},
		"summer":        {time.July, 1.13, 1.33, 0.13, 1},
		"late november": {time.November, 1.10, 1.2, 0.06, 0},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, Config{Hosts: 64, Seed: 7, Start: time.Date(2026, tc.month, 17, 0, 0, 0, 0, time.UTC)})
			day := live(t, w, 30*time.Second)
			b := &w.books
			pue := float64(b.facility()) / float64(b.upsOutput)
			if pue < tc.least || pue > tc.most {
				t.Errorf("PUE of the day %.3f, not %.2f to %.2f", pue, tc.least, tc.most)
			}
			for h, x := range day {
				t.Logf("%02d: PUE %.3f, %.0f kW, sun %.1f kW, %.0f g/kWh, inference %.2f, water %.1f L, %.1f °C", h, x.pue, x.facility/1e3, x.sun/1e3, x.intensity, x.inference, x.water/1e3, x.outside)
				if x.pue < 1.08 || x.pue > 1.38 {
					t.Errorf("PUE of hour %d: %.3f", h, x.pue)
				}
				if perNode := x.facility / 64; perNode < 3000 || perNode > 11_000 {
					t.Errorf("hour %d: %.0f W to the node", h, perNode)
				}
			}
			noon, night := day[11], day[0]
			if night.sun != 0 || noon.sun <= 0 || noon.sun > tc.noonSun*w.plant.rating {
				t.Errorf("sun: %.0f W at midnight, %.0f W at noon", night.sun, noon.sun)
			}
			if noon.intensity >= day[18].intensity {
				t.Errorf("the grid at noon has %.0f g/kWh, in the evening %.0f", noon.intensity, day[18].intensity)
			}
			if day[15].inference < 1.4*day[3].inference {
				t.Errorf("inference runs at %.2f in the afternoon, at %.2f in the small hours", day[15].inference, day[3].inference)
			}
			if day[14].outside < day[3].outside+2 {
				t.Errorf("%.1f °C in the afternoon, %.1f °C in the small hours", day[14].outside, day[3].outside)
			}
			if wue := float64(b.water) / (float64(b.upsOutput) / metric.MillijoulesPerKWh); wue < tc.water || wue > 1500 || b.potable > b.water {
				t.Errorf("%.1f mL of water to the kWh, %d of %d mL potable", wue, b.potable, b.water)
			}
			mean := b.carbonLifecycle / (float64(b.grid) / metric.MillijoulesPerKWh)
			if mean < 80 || mean > 720 || b.carbonDirect >= b.carbonLifecycle {
				t.Errorf("mean intensity %.0f g/kWh; %.0f g, of which direct %.0f", mean, b.carbonLifecycle, b.carbonDirect)
			}
			if erf := float64(b.heat) / float64(b.facility()); erf < 0.01 || erf > 0.35 {
				t.Errorf("%.3f of the energy is reused as heat", erf)
			}
		})
	}
}

// All boards of a training job swing together, and none of another's does.
func TestTrainingSwingsInStep(t *testing.T) {
	w := newWorld(t, Config{Hosts: 64, Seed: 3, Faults: Faults{Off: true}})
	n := 0
	for i := range w.schedule.jobs {
		if j := &w.schedule.jobs[i]; j.kind == training && j.hosts >= 4 && j.left > 600 && w.hosts[j.head].cap == 1 {
			n = i
		}
	}
	if n == 0 {
		t.Fatal("no training job of four hosts")
	}
	j := &w.schedule.jobs[n]
	a, b := w.boards[int(j.head)*8:], w.boards[int(w.hosts[j.head].next)*8:]
	var x, y, xx, yy, xy, m float64
	for i := range 500 {
		w.Step(morning.Add(time.Duration(i+1) * time.Second))
		p, q := a[0].power, b[7].power
		x, y, xx, yy, xy, m = x+p, y+q, xx+p*p, yy+q*q, xy+p*q, m+1
	}
	sx, sy := math.Sqrt(xx/m-x*x/m/m), math.Sqrt(yy/m-y*y/m/m)
	if r := (xy/m - x*y/m/m) / sx / sy; r < 0.9 || sx < 20 {
		t.Errorf("two boards of one job: correlation %.2f, swing %.0f W", r, sx)
	}
}
