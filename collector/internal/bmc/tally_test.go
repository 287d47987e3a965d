package bmc

import (
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// A bench is a tally with a meter whose truth is known.
type bench struct {
	t      *testing.T
	x      *tally
	at     time.Time
	watts  float64
	truth  float64       // J since the beginning
	before float64       // J that the register had
	step   float64       // J by which it moves
	every  time.Duration // that it is written at
	wrote  time.Time
	shows  float64 // J
	factor float64 // by which it is wrong
	id     string
	driver string
	hidden bool
	stuck  bool
}

func newBench(t *testing.T, folder string) *bench {
	b := &bench{t: t, at: time.Now(), watts: 1000, before: 1e9, step: 1, factor: 1, id: "register", driver: "2026-01-01T00:00:00Z"}
	b.open(folder)
	return b
}

func (b *bench) open(folder string) {
	b.x = newTally("meter", folder, "", 10*time.Second, 50_000, slog.New(slog.DiscardHandler))
}

// run reads every 10 s.
func (b *bench) run(d time.Duration) (v view) {
	for range int(d / (10 * time.Second)) {
		b.at = b.at.Add(10 * time.Second)
		b.truth += b.watts * 10
		if !b.stuck && b.at.Sub(b.wrote) >= b.every {
			b.wrote, b.shows = b.at, math.Floor((b.before+b.truth*b.factor)/b.step)*b.step
		}
		s := sample{watts: b.watts, at: b.at, register: &register{id: b.id, mj: uint64(b.shows) * 1000, driver: b.driver}}
		if b.hidden {
			s.register = nil
		}
		v = b.x.add(s)
	}
	return v
}

func TestRegisters(t *testing.T) {
	for name, x := range map[string]struct {
		change func(*bench)
		after  time.Duration
		want   metric.Quality
		says   string
	}{
		"fine":                        {func(*bench) {}, 80 * time.Second, metric.Measured, "in steps of up to 10000 J"},
		"not watched for long enough": {func(*bench) {}, 50 * time.Second, metric.QualityMissing, "register on trial"},
		"a hundredth of a kWh":        {func(b *bench) { b.step, b.watts = 36e3, 3000 }, 5 * time.Minute, metric.Measured, "in steps of up to 36000 J"},
		"a tenth of a kWh":            {func(b *bench) { b.step, b.watts = 360e3, 3000 }, 5 * time.Minute, metric.Integrated, "it moves by 360000 J at once"},
		"a whole kWh":                 {func(b *bench) { b.step, b.watts = 3.6e6, 45e3 }, 5 * time.Minute, metric.Integrated, "it moves by 3600000 J at once"},
		"written every minute":        {func(b *bench) { b.every = time.Minute }, 5 * time.Minute, metric.Integrated, "at once"},
		"written every 20 s":          {func(b *bench) { b.every = 20 * time.Second }, 5 * time.Minute, metric.Integrated, "it moved 4 times"},
		"stands still":                {func(b *bench) { b.stuck, b.shows = true, 5e8 }, 2 * time.Minute, metric.Integrated, "it moved 0 times in 1m30s"},
		"in another unit":             {func(b *bench) { b.factor = 1 / 3.6 }, 2 * time.Minute, metric.Integrated, "counted 25000 J where the power makes 90000 J"},
		"twice too much":              {func(b *bench) { b.factor = 2 }, 2 * time.Minute, metric.Integrated, "where the power makes"},
		"a tenth too much":            {func(b *bench) { b.factor = 1.1 }, 2 * time.Minute, metric.Measured, "by its register"},
		"always zero":                 {func(b *bench) { b.stuck = true }, 2 * time.Minute, metric.Integrated, "energy integrated from its power"},
		"never there":                 {func(b *bench) { b.hidden = true }, 2 * time.Minute, metric.Integrated, "energy integrated from its power"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, "")
			x.change(b)
			v := b.run(x.after)
			if v.quality != x.want || !strings.Contains(v.counter, x.says) {
				t.Errorf("%s, %q; want %s, %q", v.quality, v.counter, x.want, x.says)
			}
			if want := metric.Raw(b.shows) * 1000; v.quality == metric.Measured && v.energy != want {
				t.Errorf("%d mJ, the register shows %d", v.energy, want)
			}
			if v.quality == metric.QualityMissing && v.energy != metric.Missing {
				t.Errorf("%d mJ while nobody knows", v.energy)
			}
			if want := b.truth*1000 - b.watts*10e3; v.quality == metric.Integrated && float64(v.energy) != want {
				t.Errorf("%d mJ since the first reading, want %.0f", v.energy, want)
			}
		})
	}
}

func TestWorkThatSwings(t *testing.T) {
	b := newBench(t, "")
	var v view
	for i := range 60 {
		b.watts = []float64{900, 6200, 6200, 1400}[i%4]
		v = b.run(10 * time.Second)
	}
	if v.quality != metric.Measured {
		t.Errorf("a good register is not believed: %q", v.counter)
	}
}

func TestARegisterThatStops(t *testing.T) {
	folder := t.TempDir()
	b := newBench(t, folder)
	v := b.run(5 * time.Minute)
	epoch := v.epoch
	b.stuck = true
	v = b.run(2 * time.Minute)
	if v.quality != metric.Measured {
		t.Errorf("after two minutes: %q", v.counter)
	}
	v = b.run(2 * time.Minute)
	if v.quality != metric.Integrated || v.epoch == epoch || v.energy > 60e6 {
		t.Errorf("after four: %s, %d mJ, epoch %d, was %d", v.counter, v.energy, v.epoch, epoch)
	}
	lap := v.epoch
	b.stuck = false
	if v = b.run(time.Hour); v.quality != metric.Integrated || v.epoch != lap {
		t.Errorf("once it goes on: %s, epoch %d, was %d", v.counter, v.epoch, lap)
	}
	// Nor is it believed after a restart: a part of what it shows was counted.
	b.open(folder)
	if v = b.run(time.Hour); v.quality != metric.Integrated || !strings.Contains(v.counter, "stands still") {
		t.Errorf("after a restart: %s", v.counter)
	}
	if err := os.Remove(filepath.Join(folder, "register-meter.json")); err != nil {
		t.Fatal(err)
	}
	b.open(folder)
	if v = b.run(2 * time.Minute); v.quality != metric.Integrated || !strings.Contains(v.counter, "in this life of it") {
		t.Errorf("after another trial: %s", v.counter)
	}
	// In another life of it, it is.
	b.before = -b.truth
	b.open(folder)
	if err := os.Remove(filepath.Join(folder, "register-meter.json")); err != nil {
		t.Fatal(err)
	}
	b.open(folder)
	if v = b.run(2 * time.Minute); v.quality != metric.Measured || v.epoch == epoch {
		t.Errorf("in another life: %s, epoch %d, was %d", v.counter, v.epoch, epoch)
	}
}

func TestLivesOfARegister(t *testing.T) {
	folder := t.TempDir()
	b := newBench(t, folder)
	epoch := b.run(5 * time.Minute).epoch
	same := func(when string, want bool) {
		t.Helper()
		v := b.run(10 * time.Second)
		if (v.epoch == epoch) != want || v.quality != metric.Measured || v.energy == metric.Missing {
			t.Errorf("%s: %s, %d mJ, epoch %d, was %d", when, v.counter, v.energy, v.epoch, epoch)
		}
		epoch = v.epoch
	}
	same("as ever", true)
	b.open(folder)
	same("after a restart of the agent", true)
	b.before = -b.truth
	same("set back", false)
	b.before += 1e6
	same("from there", true)
	b.open(folder)
	same("after another restart", true)
	b.driver = "2026-11-22T20:00:00Z"
	same("reset, as it says itself", false)

	// A reading that is not there, or that makes no sense, is missing.
	for what, change := range map[string]func(){"not shown": func() { b.hidden = true }, "zero": func() { b.stuck, b.shows = true, 0 }, "far off": func() { b.stuck, b.shows = true, 4294967295*3.6e6 }} {
		shows := b.shows
		change()
		if v := b.run(20 * time.Second); v.energy != metric.Missing || v.epoch != epoch {
			t.Errorf("%s: %d mJ, epoch %d, was %d", what, v.energy, v.epoch, epoch)
		}
		b.hidden, b.stuck, b.shows = false, false, shows
		same("after it was "+what, true)
	}
	b.hidden = true
	if v := b.run(2 * time.Minute); v.quality != metric.Integrated || !strings.Contains(v.counter, "no longer shown") {
		t.Errorf("no longer shown: %s", v.counter)
	}
}

func TestAnotherRegister(t *testing.T) {
	b := newBench(t, t.TempDir())
	b.run(5 * time.Minute)
	b.id = "register of new firmware"
	if v := b.run(30 * time.Second); v.quality != metric.QualityMissing {
		t.Errorf("believed unseen: %s", v.counter)
	}
	if v := b.run(2 * time.Minute); v.quality != metric.Measured {
		t.Errorf("after its trial: %s", v.counter)
	}

	// One that shows up when its power was counted waits for a restart.
	folder := t.TempDir()
	b = newBench(t, folder)
	b.hidden = true
	b.run(time.Minute)
	b.hidden = false
	if v := b.run(5 * time.Minute); v.quality != metric.Integrated || !strings.Contains(v.counter, "a restart tries it") {
		t.Errorf("shown late: %s", v.counter)
	}
	b.open(folder)
	if v := b.run(2 * time.Minute); v.quality != metric.Measured {
		t.Errorf("after a restart: %s", v.counter)
	}
}

func TestAPauseIsNotStandingStill(t *testing.T) {
	b := newBench(t, "")
	b.run(5 * time.Minute)
	b.at, b.stuck = b.at.Add(10*time.Minute), true // the controller was away, and its register too
	if v := b.run(20 * time.Second); v.quality != metric.Measured {
		t.Errorf("after a pause: %s", v.counter)
	}
	b.stuck = false
	if v := b.run(10 * time.Minute); v.quality != metric.Measured {
		t.Errorf("later: %s", v.counter)
	}
}

func TestNowhereToRemember(t *testing.T) {
	r := newRig(t)
	r.write("file", "")
	if _, err := New(r.config(Config{State: r.path("file/state")})); err != nil || !strings.Contains(r.log.String(), "on trial again after each restart") {
		t.Errorf("error %v, log %s", err, &r.log)
	}
	if _, err := New(r.config(Config{State: r.path("state/bmc")})); err != nil {
		t.Error(err)
	}
	r.write("state/bmc/register-redfish.json", "garbage")
	r.write("state/bmc/lives-redfish.json", "garbage")
	if _, err := New(r.config(Config{State: r.path("state/bmc"), Redfish: Redfish{URL: "https://bmc"}})); err != nil || !strings.Contains(r.log.String(), "counters may begin anew") {
		t.Errorf("error %v, log %s", err, &r.log)
	}
}
