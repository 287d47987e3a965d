package gpu

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// xid is the kernel's line about an event on board i of healthy.
func xid(i, code int) string {
	return fmt.Sprintf("4,1,2,-;NVRM: Xid (PCI:0000:%02x:00): %d, pid=1, name=x", 0x3b+i, code)
}

// counts is how often each code was counted on each board: "79: 1 0".
func (g *stage) counts(got map[string]string) string {
	var all []string
	for _, c := range g.s.codes {
		var on []string
		for _, b := range g.s.boards {
			on = append(on, got[fmt.Sprintf("gpu_xid_events_total %s xid=%d", b.UUID, c)])
		}
		all = append(all, fmt.Sprintf("%d: %s", c, strings.Join(on, " ")))
	}
	return strings.Join(all, ", ")
}

func TestEachEventCountsOnce(t *testing.T) {
	// now is the time of the tick, tell what the library tells, told so much earlier.
	tell := func(i int, code uint32, earlier time.Duration) func(g *stage) {
		return func(g *stage) {
			g.d.events = append(g.d.events, Event{UUID: fmt.Sprintf("GPU-%d", i), Code: code, Time: time.Now().Add(time.Second - earlier).UnixMicro()})
		}
	}
	log := func(i, code int) func(g *stage) { return func(g *stage) { g.log(xid(i, code)) } }
	both := func(a, b func(g *stage)) func(g *stage) { return func(g *stage) { a(g); b(g) } }
	type step struct {
		do   func(g *stage)
		want string
	}
	for name, steps := range map[string][]step{
		"by the library alone":         {{tell(0, 79, 0), "79: 1 0"}},
		"by the kernel alone":          {{log(1, 62), "62: 0 1"}},
		"by both at once":              {{both(tell(0, 79, 0), log(0, 79)), "79: 1 0"}},
		"the kernel first":             {{log(0, 79), "79: 1 0"}, {tell(0, 79, time.Second), "79: 1 0"}},
		"the library first":            {{tell(0, 79, 0), "79: 1 0"}, {nil, "79: 1 0"}, {log(0, 79), "79: 1 0"}},
		"more than five seconds apart": {{tell(0, 79, 0), "79: 1 0"}, {nil, "79: 1 0"}, {nil, "79: 1 0"}, {nil, "79: 1 0"}, {nil, "79: 1 0"}, {nil, "79: 1 0"}, {nil, "79: 1 0"}, {log(0, 79), "79: 2 0"}},
		"twice by each":                {{both(tell(0, 31, 0), tell(0, 31, time.Millisecond)), "31: 2 0"}, {both(log(0, 31), log(0, 31)), "31: 2 0"}},
		"twice by the kernel":          {{both(log(0, 31), log(0, 31)), "31: 2 0"}, {tell(0, 31, time.Second), "31: 2 0"}, {log(0, 31), "31: 3 0"}},
		"the same on two boards":       {{both(tell(0, 94, 0), log(1, 94)), "94: 1 1"}},
		"another code":                 {{both(tell(0, 48, 0), log(0, 94)), "48: 1 0, 94: 1 0"}},
		"an overwritten one":           {{both(log(0, 62), tell(0, 45, 0)), "45: 1 0, 62: 1 0"}},
		"told late, by a child that hung": {{log(0, 79), "79: 1 0"}, {nil, "79: 1 0"}, {nil, "79: 1 0"}, {nil, "79: 1 0"}, {nil, "79: 1 0"}, {nil, "79: 1 0"}, {nil, "79: 1 0"}, {nil, "79: 1 0"}, {nil, "79: 1 0"}, {nil, "79: 1 0"},
			{tell(0, 79, 10*time.Second), "79: 1 0"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newStage(t, healthy(2))
				defer g.stop()
				time.Sleep(time.Minute)
				if got := g.tick(); g.counts(got) != "" {
					t.Fatal("counts before any event")
				}
				for i, s := range steps {
					if s.do != nil {
						s.do(g)
					}
					if got := g.counts(g.tick()); got != s.want {
						t.Errorf("step %d: %q, want %q", i, got, s.want)
					}
				}
			})
		})
	}
}

func TestEventsAreKeptWhenTheBoardIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newStage(t, healthy(2))
		defer g.stop()
		g.tick()
		before := g.layout
		at := time.Now().Add(500 * time.Millisecond)
		g.d.events = []Event{{UUID: "GPU-1", Code: 79, Time: at.UnixMicro()}}
		g.d.blank(1)
		got := g.tick()
		if g.layout == before || g.states(got) != "ok lost" || g.counts(got) != "79: 0 1" {
			t.Errorf("%s; %s", g.states(got), g.counts(got))
		}
		if when := got["gpu_xid_event_timestamp_seconds GPU-1 xid=79"]; when != fmt.Sprint(float64(at.UnixMilli())/1000) {
			t.Errorf("at %s, want %v", when, at)
		}
		if when := got["gpu_xid_event_timestamp_seconds GPU-0 xid=79"]; when != "missing" {
			t.Errorf("on the other board at %s", when)
		}
		g.d.err = errGone
		g.log(xid(0, 119))
		if got := g.counts(g.tick()); got != "79: 0 1, 119: 1 0" {
			t.Errorf("with the engine gone: %s", got)
		}
		layout := g.layout
		g.log(xid(1, 79))
		if g.tick(); g.layout != layout {
			t.Error("a code that has its column makes another layout")
		}
	})
}

func TestEventsOfBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newStage(t, healthy(2))
		defer g.stop()
		g.log(xid(0, 13), xid(0, 79))
		time.Sleep(time.Minute)
		g.start() // what was logged is of before
		g.d.events = []Event{{UUID: "GPU-0", Code: 79, Time: time.Now().Add(-30 * time.Second).UnixMicro()}}
		if got := g.counts(g.tick()); got != "" {
			t.Errorf("counts what was before the agent began: %s", got)
		}

		// A driver that is opened again tells once more what it told.
		e := Event{UUID: "GPU-0", Code: 94, Time: time.Now().Add(time.Second).UnixMicro()}
		g.d.events = []Event{e, e} // within one reading they are two
		g.tick()
		g.d.events = []Event{e, e}
		if got := g.counts(g.tick()); got != "94: 2 0" {
			t.Errorf("counts twice what was told twice: %s", got)
		}

		// However many they are.
		for range 3 {
			for i := range maxTold {
				g.d.events = append(g.d.events, Event{UUID: "GPU-1", Code: 45, Time: e.Time + int64(i)})
			}
			if got := g.counts(g.tick()); got != fmt.Sprintf("94: 2 0, 45: 0 %d", maxTold) {
				t.Errorf("%s", got)
			}
		}

		// The wall clock was set back by an hour, and the event is of now.
		g.d.events = []Event{{UUID: "GPU-0", Code: 31, Time: time.Now().Add(time.Hour).UnixMicro()}}
		if got := g.counts(g.tick()); !strings.HasSuffix(got, "31: 1 0") {
			t.Errorf("an event of tomorrow: %s", got)
		}
	})
}

func TestEventsFindTheirBoard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newStage(t, healthy(2))
		defer g.stop()
		boards := g.d.boards
		g.d.boards = nil
		g.log(xid(1, 143), xid(7, 79)) // before any board is known
		g.d.events = []Event{{PCI: "3c:00.0", Code: 62}, {Code: 13}}
		g.tick()
		g.d.boards = boards
		if got := g.counts(g.tick()); got != "62: 0 1, 143: 0 1" {
			t.Errorf("%s", got)
		}
		// By its address alone, in whatever spelling; the time is not known.
		g.d.events = []Event{{PCI: "0000:3c:00.0", Code: 62}, {PCI: "00000000:3C:00.0", Code: 62}}
		if got := g.counts(g.tick()); got != "62: 0 3, 143: 0 1" {
			t.Errorf("%s", got)
		}
		if said := g.s.Describe(); !strings.Contains(said, "1 XID events are not shown") {
			t.Errorf("says %q", said)
		}
		// A board that replaced another takes no events over.
		g.d.boards[1].UUID = "GPU-new"
		g.tick()
		g.log(xid(1, 62))
		if got := g.counts(g.tick()); got != "62: 0 3 1, 143: 0 1 0" {
			t.Errorf("after a swap: %s", got)
		}
	})
}

// On a rack whose jobs end, every node has thousands of these at once.
func TestFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newStage(t, healthy(2))
		defer g.stop()
		g.tick()
		const n = 11760
		lines := make([]string, n)
		for i := range lines {
			lines[i] = xid(0, 45)
			g.d.events = append(g.d.events, Event{UUID: "GPU-0", Code: 45, Time: time.Now().Add(time.Duration(i) * 100 * time.Microsecond).UnixMicro()})
		}
		g.log(lines...)
		if got := g.counts(g.tick()); got != "45: 11760 0" {
			t.Errorf("told by both at once: %s", got)
		}
		g.log(lines...)
		if got := g.counts(g.tick()); got != "45: 23520 0" {
			t.Errorf("by the kernel again: %s", got)
		}
		for code := range 2 * maxCodes {
			g.log(xid(1, 1000+code))
		}
		g.tick()
		if len(g.s.codes) != maxCodes {
			t.Errorf("%d codes", len(g.s.codes))
		}
		if said := g.s.Describe(); !strings.Contains(said, fmt.Sprintf("%d XID events are not shown", maxCodes+1)) {
			t.Errorf("says %q", said)
		}
		for range 2 * maxStrays {
			g.log(xid(40, 79))
		}
		g.tick()
		if len(g.s.strays) != maxStrays {
			t.Errorf("keeps %d events of unknown boards", len(g.s.strays))
		}
		// One code for hours keeps no more than so many seconds of it.
		for range 3 * maxSeconds {
			g.log(xid(0, 45))
			g.tick()
		}
		if n := len(g.s.boards[0].tallies[45].alone[kernel]); n > maxSeconds {
			t.Errorf("keeps %d seconds", n)
		}
	})
}

func TestEngineThatStoppedItsCalls(t *testing.T) {
	const restart = "XID 119, after which DCGM's host engine makes no driver calls until it is restarted"
	for name, restarted := range map[string]bool{"seen by this agent": false, "before the agent began": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newStage(t, healthy(2))
				defer g.stop()
				g.tick()
				g.log(xid(0, 119))
				g.d.blank(0)
				g.d.blank(1)
				if restarted {
					g.start()
				}
				got := g.tick()
				if said := g.s.Describe(); g.states(got) != "blank blank" || !strings.Contains(said, restart) {
					t.Errorf("%s: %q", g.states(got), said)
				}
				// It was restarted; another blank is another matter.
				g.d.boards = healthy(2).boards
				for range 62 {
					g.tick()
				}
				g.d.blank(0)
				g.d.blank(1)
				g.tick()
				if said := g.s.Describe(); strings.Contains(said, "119") {
					t.Errorf("still says %q", said)
				}
			})
		})
	}
}
