package gpu

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/google/go-cmp/cmp"
)

var errGone = errors.New("connection to the host engine is not valid any longer")

func TestReadingOfHealthyBoards(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := healthy(2)
		d.boards[1].Values[Utilization] = metric.Of(0.5)
		g := newStage(t, d)
		defer g.stop()
		got := g.read()
		if e := g.layout.Entities; e[0].Name != "r1" || e[1].Name != "n1" || e[1].Parent != 0 {
			t.Errorf("begins with %v", e)
		}
		want := metric.Entity{Kind: metric.GPU, Name: "GPU-1", Parent: 1, Labels: []metric.Pair{{Name: "gpu", Value: "1"}, {Name: "model", Value: "H100"}}}
		if d := cmp.Diff(want, g.layout.Entities[3]); d != "" {
			t.Error(d)
		}
		const epoch = "counter_epoch GPU-0 gpu_energy_joules_total"
		if a, b := got[epoch], got["counter_epoch GPU-1 gpu_energy_joules_total"]; a == b || a == "missing" {
			t.Errorf("epochs are %s and %s", a, b)
		}
		delete(got, epoch)
		delete(got, "counter_epoch GPU-1 gpu_energy_joules_total")
		if d := cmp.Diff(map[string]string{
			"host_gpus n1 state=expected":                   "2",
			"host_gpus n1 state=present":                    "2",
			"gpu_state GPU-0":                               "ok",
			"gpu_state GPU-1":                               "ok",
			"gpu_power_watts GPU-0":                         "100",
			"gpu_power_watts GPU-1":                         "100",
			"gpu_temperature_celsius GPU-0":                 "40",
			"gpu_temperature_celsius GPU-1":                 "40",
			"gpu_utilization_ratio GPU-0":                   "missing",
			"gpu_utilization_ratio GPU-1":                   "0.5",
			"gpu_energy_joules_total GPU-0":                 "1000",
			"gpu_energy_joules_total GPU-1":                 "1000",
			"counter_quality GPU-0 gpu_energy_joules_total": "measured",
			"counter_quality GPU-1 gpu_energy_joules_total": "measured",
			"gpu_energy_check_ratio GPU-0":                  "missing",
			"gpu_energy_check_ratio GPU-1":                  "missing",
		}, got); d != "" {
			t.Error(d)
		}
		layout := g.layout
		for range 5 {
			g.tick()
		}
		if g.layout != layout {
			t.Error("the layout is another one, and nothing changed")
		}
		if said := g.s.Describe(); said != "fake 1.0: 2 boards; 2 boards, 2 ok" {
			t.Errorf("says %q", said)
		}
	})
}

// What the states of two boards are, second by second, as section 6 of DCGM's
// behaviour has it.
func TestStates(t *testing.T) {
	type step struct {
		do   func(d *fake)
		want string
	}
	all := func(s string) string { return s + " " + s }
	stays := func(n int, want string) (steps []step) {
		for range n {
			steps = append(steps, step{nil, want})
		}
		return steps
	}
	for name, steps := range map[string][]step{
		"one is lost, and comes back": {
			{nil, all("ok")},
			{func(d *fake) { d.blank(1) }, "ok lost"},
			{func(d *fake) { d.boards[1].UUID = "GPU-1"; d.draw(1, 100) }, "ok ok"},
		},
		"one is lost with its name": {
			{nil, all("ok")},
			{func(d *fake) { d.blank(1); d.boards[1].UUID, d.boards[1].Model = "", "" }, "ok lost"},
		},
		"one is lost with its name and its address": {
			{nil, all("ok")},
			{func(d *fake) { d.blank(0); d.boards[0].UUID, d.boards[0].PCI = "", "" }, "lost ok"},
		},
		"the driver says that one is lost": {
			{nil, all("ok")},
			{func(d *fake) { d.boards[0].Absent = true }, "lost ok"},
			{func(d *fake) { d.boards[0].Absent = false }, "ok ok"},
		},
		"one is no longer listed": {
			{nil, all("ok")},
			{func(d *fake) { d.boards = d.boards[:1] }, "ok lost"},
		},
		"both are gone": {
			{nil, all("ok")},
			{func(d *fake) { d.boards = nil }, all("lost")},
		},
		"the engine has stopped its driver calls": {
			{nil, all("ok")},
			{func(d *fake) { d.blank(0); d.blank(1) }, all("blank")},
			{func(d *fake) { d.draw(0, 100) }, "ok lost"},
		},
		"one is lost, then the engine stops": {
			{func(d *fake) { d.boards[1].Absent = true }, "ok lost"},
			{func(d *fake) { d.blank(0) }, "blank lost"},
		},
		"partitions alone say nothing": {
			{func(d *fake) { d.blank(1); d.boards[1].Values[Partitions] = 0 }, "ok lost"},
		},
		"the engine is gone": {
			{nil, all("ok")},
			{func(d *fake) { d.err = errGone }, all("unreachable")},
			{func(d *fake) { d.err = nil }, all("ok")},
		},
		"one is lost, then the engine is gone": {
			{func(d *fake) { d.blank(1) }, "ok lost"},
			{func(d *fake) { d.err = errGone }, all("unreachable")},
			{func(d *fake) { d.err = nil }, "ok lost"},
		},
		"the engine hangs": append([]step{
			{nil, all("ok")}, {func(d *fake) { d.err = ErrPending }, all("ok")}, {nil, all("ok")}, {nil, all("ok")}, {nil, all("stale")}},
			stays(20, all("stale"))...),
		"the engine hangs while one is lost": {
			{func(d *fake) { d.blank(1) }, "ok lost"},
			{func(d *fake) { d.err = ErrPending }, "ok lost"}, {nil, "ok lost"}, {nil, "ok lost"}, {nil, all("stale")},
			{func(d *fake) { d.err = nil }, "ok lost"},
		},
		"the engine answers what it knew": append([]step{
			{nil, all("ok")}, {func(d *fake) { d.frozen = true }, all("ok")}, {nil, all("ok")}, {nil, all("ok")}, {nil, all("stale")}},
			step{func(d *fake) { d.frozen = false }, all("ok")}),
		"a lost one has fresh times": append([]step{
			{nil, all("ok")}, {func(d *fake) { d.blank(0) }, "lost ok"}}, stays(5, "lost ok")...),
		"hanging from the start on": {
			{func(d *fake) { d.err = ErrPending }, ""}, {nil, ""},
			{func(d *fake) { d.err = nil }, all("ok")},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newStage(t, healthy(2))
				defer g.stop()
				for i, s := range steps {
					if s.do != nil {
						s.do(g.d)
					}
					got := g.tick()
					if states := g.states(got); states != s.want {
						t.Fatalf("step %d: %q, want %q", i, states, s.want)
					}
					for _, b := range g.s.boards {
						checkShown(t, got, b.UUID)
					}
				}
			})
		})
	}
}

// checkShown says that a board which is not ok shows nothing but its state, and
// what the agent itself knows of it.
func checkShown(t *testing.T, got map[string]string, uuid string) {
	t.Helper()
	if got["gpu_state "+uuid] == "ok" {
		return
	}
	for name, v := range got {
		metric, rest, _ := strings.Cut(name, " ")
		switch {
		case !strings.HasPrefix(rest, uuid), metric == "gpu_state", strings.HasPrefix(metric, "counter_"), strings.HasPrefix(metric, "gpu_xid"):
		case v != "missing":
			t.Errorf("%s is %s", name, v)
		}
	}
}

func TestSingleBoard(t *testing.T) {
	for name, x := range map[string]struct {
		do   func(d *fake)
		want string
	}{
		"lost, as the driver says": {func(d *fake) { d.boards[0].Absent = true }, "lost"},
		"says nothing":             {func(d *fake) { d.blank(0) }, "blank"},
		"no longer listed":         {func(d *fake) { d.boards = nil }, "lost"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newStage(t, healthy(1))
				defer g.stop()
				g.tick()
				x.do(g.d)
				if got := g.states(g.tick()); got != x.want {
					t.Errorf("%q, want %q", got, x.want)
				}
			})
		})
	}
}

// An engine that is asked again after the agent restarted may answer from its
// memory.
func TestOldAnswerAtTheStartIsStale(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newStage(t, healthy(2))
		defer g.stop()
		g.d.frozen = true
		for i := range g.d.boards {
			g.d.boards[i].Time = time.Now().Add(-time.Hour).UnixMicro()
		}
		if got := g.states(g.tick()); got != "stale stale" {
			t.Errorf("%q", got)
		}
		g.d.frozen = false
		if got := g.states(g.tick()); got != "ok ok" {
			t.Errorf("%q", got)
		}
	})
}

// The driver's clock may be set, or be another's.
func TestTimesOfTheDriverNeedOnlyMoveOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newStage(t, healthy(1))
		defer g.stop()
		g.d.frozen = true
		at := time.Now().Add(time.Hour)
		for i := range 20 {
			if i == 10 {
				at = at.Add(-2 * time.Hour)
			}
			at = at.Add(time.Second)
			g.d.boards[0].Time = at.UnixMicro()
			if got := g.states(g.tick()); got != "ok" {
				t.Fatalf("second %d: %q", i, got)
			}
		}
	})
}

func TestHostGPUs(t *testing.T) {
	const expected, present = "host_gpus n1 state=expected", "host_gpus n1 state=present"
	synctest.Test(t, func(t *testing.T) {
		g := newStage(t, healthy(4))
		defer g.stop()
		check := func(wantExpected, wantPresent string) {
			t.Helper()
			if got := g.tick(); got[expected] != wantExpected || got[present] != wantPresent {
				t.Errorf("%s of %s, want %s of %s", got[present], got[expected], wantPresent, wantExpected)
			}
		}
		g.d.err = errGone
		check("missing", "0")
		g.d.err = nil
		check("4", "4")
		g.d.boards = g.d.boards[:3]
		g.d.blank(0)
		check("4", "2")
		g.d.err = errGone
		check("4", "0")
		g.d.err = nil
		g.d.boards[2].UUID = "GPU-replaced"
		check("4", "2")

		g.c.Expected = 8
		g.start()
		check("8", "2")
		g.d.boards = nil
		check("8", "0")
		g.c.Expected = 0
		g.start()
		check("0", "0")
	})
}

func TestIntervalSetsHowOldAValueMayBe(t *testing.T) {
	for interval, hold := range map[time.Duration]time.Duration{100 * time.Millisecond: 3 * time.Second, 10 * time.Second: 30 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			g := newStage(t, healthy(1), func(c *Config) { c.Interval = interval })
			defer g.stop()
			g.read()
			g.d.frozen = true
			time.Sleep(hold)
			if got := g.states(g.read()); got != "ok" {
				t.Errorf("%v apart, %q after %v", interval, got, hold)
			}
			time.Sleep(time.Millisecond)
			if got := g.states(g.read()); got != "stale" {
				t.Errorf("%v apart, %q after more than %v", interval, got, hold)
			}
		})
	}
}

func TestColumnsStayOnceSeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newStage(t, healthy(2))
		defer g.stop()
		g.tick()
		before := g.layout
		g.d.boards[1].Values[EngineActive] = metric.Of(0.25)
		got := g.tick()
		if g.layout == before || got["gpu_engine_active_ratio GPU-1"] != "0.25" || got["gpu_engine_active_ratio GPU-0"] != "missing" {
			t.Errorf("a new value is %q and %q", got["gpu_engine_active_ratio GPU-0"], got["gpu_engine_active_ratio GPU-1"])
		}
		before = g.layout
		for i := range 20 {
			g.d.boards[1].Values[EngineActive] = metric.Missing
			if i%2 == 0 {
				g.d.boards[1].Values[EngineActive] = 0
			}
			g.d.boards[0].Absent = i%3 == 0
			if got := g.tick(); g.layout != before || got["gpu_engine_active_ratio GPU-1"] == "" {
				t.Fatal("the layout flaps")
			}
		}
		// All boards lie in one run of each column.
		for _, c := range g.layout.Columns {
			if metric.Lookup(c.Metric).Entity == metric.GPU && (c.First != 2 || c.Count != 2) {
				t.Errorf("%s is of %d entities from %d", metric.Lookup(c.Metric).Name, c.Count, c.First)
			}
		}
	})
}

func TestBoardsInOrderWithWhatIsKnownOfThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := healthy(3)
		d.boards[0].Index, d.boards[2].Index = 2, 0
		d.boards[1].Instances = []Instance{{UUID: "MIG-1", Index: 5, Parts: 1, Of: 7}}
		d.boards[1].Model = ""
		g := newStage(t, d)
		defer g.stop()
		g.tick()
		want := []Identity{
			{UUID: "GPU-2", Index: 0, Model: "H100", PCI: "00000000:3D:00.0"},
			{UUID: "GPU-1", Index: 1, PCI: "00000000:3C:00.0", Instances: []Instance{{UUID: "MIG-1", Index: 5, Parts: 1, Of: 7}}},
			{UUID: "GPU-0", Index: 2, Model: "H100", PCI: "00000000:3B:00.0"},
		}
		if d := cmp.Diff(want, g.s.Boards()); d != "" {
			t.Error(d)
		}
		// It learns the model, and forgets nothing when all is blank.
		g.d.boards[1].Model, g.d.boards[1].Serial = "H200", "123"
		g.tick()
		for i := range g.d.boards {
			g.d.blank(i)
			g.d.boards[i].UUID, g.d.boards[i].Model, g.d.boards[i].Serial, g.d.boards[i].Driver = "", "", "", ""
		}
		g.tick()
		want[1].Model, want[1].Serial = "H200", "123"
		if d := cmp.Diff(want, g.s.Boards()); d != "" {
			t.Error(d)
		}
		if e := want[1].Entity(7); e.Label("model") != "H200" || e.Parent != 7 || e.Kind != metric.GPU {
			t.Errorf("entity %v", e)
		}
	})
}

// A board that was replaced is shown as lost for a day beside the new one.
func TestReplacedBoard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newStage(t, healthy(2))
		defer g.stop()
		g.tick()
		g.d.boards[1].UUID = "GPU-new"
		if got := g.tick(); g.states(got) != "ok lost ok" || got["host_gpus n1 state=expected"] != "2" {
			t.Errorf("%s, of %s", g.states(got), got["host_gpus n1 state=expected"])
		}
		time.Sleep(24*time.Hour - time.Second)
		if got := g.states(g.tick()); got != "ok lost ok" {
			t.Errorf("after a day: %s", got)
		}
		if got := g.states(g.tick()); got != "ok ok" || len(g.s.Boards()) != 2 {
			t.Errorf("after more than a day: %s", got)
		}
		// One that nothing replaces stays.
		g.d.boards[1].Absent = true
		g.tick()
		time.Sleep(48 * time.Hour)
		if got := g.states(g.tick()); got != "ok lost" {
			t.Errorf("one that nothing replaced: %s", got)
		}
	})
}

func TestForeignNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := healthy(4)
		d.boards[0].UUID = strings.Repeat("é", 400)
		d.boards[1].Model = "a\xff" + strings.Repeat("x", 300)
		d.boards[2].UUID = ""               // never known
		d.boards[3].UUID = d.boards[1].UUID // stands twice
		g := newStage(t, d)
		defer g.stop()
		got := g.tick() // the layout is checked
		if states := g.states(got); states != "ok ok" || got["host_gpus n1 state=expected"] != "4" {
			t.Errorf("%q of %s", states, got["host_gpus n1 state=expected"])
		}
		if said := g.s.Describe(); !strings.Contains(said, "1 boards without an identity are not shown") {
			t.Errorf("says %q", said)
		}
		many := healthy(300)
		g.d.boards = many.boards
		g.tick()
		if n := len(g.s.Boards()); n != maxBoards {
			t.Errorf("%d boards", n)
		}
	})
}

func TestDescribeSaysWhatIsWrong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newStage(t, healthy(2))
		defer g.stop()
		check := func(want string) {
			t.Helper()
			said := g.s.Describe()
			if !strings.Contains(said, want) || strings.Contains(said, "\n") || strings.Contains(said, ".;") {
				t.Errorf("says %q, want %q", said, want)
			}
		}
		check("fake: no answer yet")
		g.d.err = errGone
		g.tick()
		check("not valid any longer; refused: connection")
		g.d.err = nil
		g.tick()
		g.d.blank(1)
		g.tick()
		check("2 boards, 1 ok, 1 lost (1 GPU-1)")
		g.d.err = errGone
		g.tick()
		check("2 boards, 2 unreachable: connection to the host engine is not valid any longer")
		g.d.err = ErrPending
		time.Sleep(time.Minute)
		g.tick()
		check("2 unreachable") // a driver that is asked again is not heard yet
		g.d.err = nil
		g.d.frozen = true
		time.Sleep(time.Minute)
		g.tick()
		check("1 lost (1 GPU-1), 1 stale (0 GPU-0): readings do not advance")
	})
}

func TestAskedFromOtherGoroutines(t *testing.T) {
	g := newStage(t, healthy(4))
	defer g.stop()
	ctx, cancel := context.WithCancel(t.Context())
	var asking sync.WaitGroup
	for range 2 {
		asking.Go(func() {
			for ctx.Err() == nil {
				if said := g.s.Describe(); said == "" {
					t.Error("says nothing")
				}
				for _, id := range g.s.Boards() {
					_ = len(id.Instances)
				}
			}
		})
	}
	for i := range 200 {
		g.d.boards[1].Instances = append(g.d.boards[1].Instances[:0], Instance{UUID: "MIG-1", Index: i})
		g.d.boards[2].Absent = i%2 == 0
		g.read()
	}
	cancel()
	asking.Wait()
}

func TestReadEndsWithItsContext(t *testing.T) {
	g := newStage(t, healthy(1))
	defer g.stop()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := g.s.Read(ctx, time.Now(), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	g.s.Close()
	if !g.d.closed || g.s.Name() != "gpu" {
		t.Error("the driver is not closed, or not named")
	}
}

func TestConfigWithoutAHost(t *testing.T) {
	if _, err := New(Config{Driver: healthy(1)}); err == nil {
		t.Error("a host without a name")
	}
	if _, err := New(Config{Place: metric.Place{Host: "n1"}}); err == nil {
		t.Error("no driver")
	}
}
