package live_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gigawatch/gigawatch/aggregator/internal/live"
	"github.com/gigawatch/gigawatch/collector/metric"
)

func TestSecondsCloseWhenAllHaveReportedAndElseAfterASecondAndAHalf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPresent(t, nil)
		time.Sleep(time.Until(second(0)))
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- p.Run(ctx) }()
		a, b := newMachine("n1", "h01", "r1"), newMachine("n2", "h01", "r1")
		tick := func(m *machine, n, after int) {
			time.Sleep(time.Until(second(n).Add(time.Duration(after) * time.Millisecond)))
			p.says(m, n, after, well(1, 1)...)
		}
		for n := range 4 {
			tick(a, n, 200)
			tick(b, n, 240)
		}
		time.Sleep(60 * time.Millisecond) // 3.300
		if got := hostWatts(p); got[len(got)-1] != "3 2" {
			t.Errorf("all have reported second 3; at 3.3 s there is %q", got)
		}
		tick(a, 4, 200)
		time.Sleep(time.Second - 200*time.Millisecond + 490*time.Millisecond) // 5.490
		if got := hostWatts(p); len(got) > 0 && strings.HasPrefix(got[0], "4 ") {
			t.Errorf("b is late; at 5.49 s there is %q", got)
		}
		tick(a, 5, 510)
		if got := hostWatts(p); !slices.Contains(got, "4 2") { // b held
			t.Errorf("at 5.51 s there is %q", got)
		}

		// A lane that brings nothing does not hold up the clock.
		time.Sleep(20 * time.Second)
		st := p.Status("s", 0, time.Now().UnixMilli())
		if *st.Freshness > 5 || st.Power["host"].Watts != nil || st.Hosts.Reporting != 0 {
			t.Errorf("20 s later: fresh to %g s, %+v, %+v", *st.Freshness, st.Power["host"], st.Hosts)
		}
		time.Sleep(time.Hour)
		if st := p.Status("s", 0, time.Now().UnixMilli()); *st.Freshness > 5 {
			t.Errorf("an hour later: fresh to %g s", *st.Freshness)
		}
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func TestAReplayMakesTheSameRollUps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tell := func(p *present, pause time.Duration) []string {
			a, b := newMachine("n1", "h01", "r1"), newMachine("n2", "h01", "r1")
			for n := range 80 {
				p.says(a, n, 200, well(float64(n), 1)...)
				p.says(b, n, 900, well(100, 1)...)
				time.Sleep(pause)
			}
			return p.take("")
		}
		time.Sleep(time.Until(second(0).Add(time.Millisecond)))
		first := newPresent(t, nil)
		want := tell(first, time.Second)
		time.Sleep(10 * time.Second) // now the same is read back, 90 s late and less
		again := newPresent(t, nil)
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		go again.Run(ctx)
		if d := cmp.Diff(want, tell(again, 30*time.Millisecond)); d != "" {
			t.Error(d)
		}
	})
}

func TestSilentAgentsAreNamedOnceAMinuteByTheStreamsClock(t *testing.T) {
	for name, step := range map[string]int{"as it comes": 1, "in leaps": 7} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPresent(t, nil)
				ctx, stop := context.WithCancel(t.Context())
				defer stop()
				go p.Run(ctx)
				a, b := newMachine("n1", "h01", "r1"), newMachine("n2", "h01", "r1")
				p.says(b, 0, 100, well(1, 1)...)
				for n := 0; n < 140; n += step {
					p.says(a, n, 200, well(1, 1)...)
					time.Sleep(100 * time.Millisecond)
				}
				time.Sleep(time.Hour) // the lane is away
				if len(p.silent) != 3 {
					t.Errorf("said: %q, want three times in 140 s", p.silent)
				}
				for i, s := range p.silent {
					var n int
					fmt.Sscanf(s, "s/n2 %d", &n)
					if due := 10 + 60*i; n < due || n >= due+step {
						t.Errorf("said: %q, want it at %d", s, due)
					}
				}
			})
		})
	}
}

func TestHistoryHasGapsWhereNothingIsKnown(t *testing.T) {
	p := newPresent(t, nil)
	empty := newPresent(t, nil)
	empty.Observe("s/x", "s", &metric.Layout{}, second(0).UnixMilli(), nil, time.Unix(0, 0))
	m := newMachine("n1", "h01", "r1")
	n := 0
	for ; n < 20; n++ {
		p.says(m, n, 100, well(float64(n), 1)...)
	}
	n += 40 // a long silence
	for ; n < 80; n++ {
		p.says(m, n, 100, well(float64(n), 1)...)
	}
	h := p.status(80).History
	at := func(n int) string {
		i := n - int((h.Start/1000)-base)
		if i < 0 || i >= len(h.Host) {
			return "none"
		}
		if h.Host[i] == nil {
			return "null"
		}
		return fmt.Sprint(*h.Host[i])
	}
	for n, want := range map[int]string{5: "5", 17: "17", 30: "null", 50: "null", 62: "62", 77: "77", 90: "none"} {
		if got := at(n); got != want {
			t.Errorf("second %d: got %s, want %s", n, got, want)
		}
	}
	if h.Facility[3] != nil || len(h.Facility) != len(h.Host) {
		t.Error("facility power is known, or another number of seconds")
	}
	later := p.Status("s", second(70).UnixMilli(), second(80).UnixMilli()).History
	if later.Start != second(71).UnixMilli() || *later.Host[0] != 71 {
		t.Errorf("since second 70: starts at %d", later.Start/1000-base)
	}
	for ; n < 2000; n++ {
		p.says(m, n, 100, well(float64(n), 1)...)
	}
	if h := p.status(2000).History; len(h.Host) != 900 || *h.Host[899] != 1997 || h.Start != second(1997-899).UnixMilli() {
		t.Errorf("%d seconds from %d", len(h.Host), h.Start/1000-base)
	}
	for name, st := range map[string]*live.Status{"nothing heard yet": empty.status(0), "nothing new": p.Status("s", second(9999).UnixMilli(), second(2000).UnixMilli())} {
		b, err := json.Marshal(st.History)
		if err != nil || !strings.Contains(string(b), `"facility":[]`) {
			t.Errorf("%s: %s, %v", name, b, err)
		}
	}
}
