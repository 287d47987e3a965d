package agent

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// self says what the batches say of a source.
func selfSays(list []heard, n metric.Number, source string) (out []metric.Raw) {
	for _, h := range list {
		v, _ := h.value(n, source)
		out = append(out, v)
	}
	return out
}

func TestAHungSourceDelaysNoOtherAndRecovers(t *testing.T) {
	virtual(t, func(t *testing.T, s *stage) {
		well, ill := &fake{name: "well"}, &fake{name: "ill", gpus: []string{"GPU-a"}}
		s.start(Scheduled{Source: well}, Scheduled{Source: ill})
		until(2)
		release := make(chan struct{})
		ill.with(func() { ill.hang = release })
		until(9)
		ill.with(func() { ill.hang = nil })
		close(release)
		until(12)
		list := s.take(metric.Telemetry)
		if d := cmp.Diff(upTo(1, 12), sequences(list)); d != "" {
			t.Fatal(d)
		}
		for _, h := range list {
			second := h.second()
			if late := h.came.UnixMilli() - h.Time; late > 250 {
				t.Errorf("the tick of second %d came %d ms late", second, late)
			}
			if v, _ := h.value(metric.HostPowerWatts, "n1"); v != metric.Of(float64(second)) {
				t.Errorf("second %d: the well source says %v", second, v)
			}
			// What was asked at 3 came between 9 and 10, too late to be true.
			v, _ := h.value(metric.GPUPowerWatts, "GPU-a")
			if want := metric.Of(float64(second)); second >= 3 && second <= 9 && v != metric.Missing || (second < 3 || second > 9) && v != want {
				t.Errorf("second %d: the ill source says %v", second, v)
			}
		}
		if d := cmp.Diff([]metric.Raw{0, 0, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0}, selfSays(list, metric.AgentSourceStale, "ill")); d != "" {
			t.Errorf("stale:\n%s", d)
		}
		if got := selfSays(list, metric.AgentSourceFailures, "ill"); got[11] != 6 {
			t.Errorf("%d failures, want one for each of the 6 readings it was late for", got[11])
		}
		if got := selfSays(list, metric.AgentSourceFailures, "well"); got[11] != 0 {
			t.Errorf("%d failures of the well source", got[11])
		}
	})
}

func TestASlowSourceIsHeardAtTheNextTick(t *testing.T) {
	for name, tc := range map[string]struct {
		delay time.Duration
		want  []string
	}{
		"within the grace":          {100 * time.Millisecond, []string{"3:3", "4:4", "5:5", "6:6", "7:7"}},
		"within the second":         {600 * time.Millisecond, []string{"3:2", "4:3", "5:4", "6:5", "7:6"}},
		"longer than a second":      {1300 * time.Millisecond, []string{"3:1", "4:missing", "5:3", "6:missing", "7:5"}},
		"longer than three seconds": {3300 * time.Millisecond, []string{"3:missing", "4:missing", "5:missing", "6:missing", "7:missing"}},
	} {
		t.Run(name, func(t *testing.T) {
			virtual(t, func(t *testing.T, s *stage) {
				f := &fake{name: "slow", delay: tc.delay}
				s.start(Scheduled{Source: f})
				until(7)
				got := watts(s.take(metric.Telemetry), "n1")
				if tc.delay > 3*time.Second { // it has no layout before it was heard
					got = slices.DeleteFunc(got, func(s string) bool { return s[len(s)-1] == '-' })
					for _, g := range got {
						if g[2:] != "missing" {
							t.Errorf("said %s", g)
						}
					}
					return
				}
				if d := cmp.Diff(tc.want, got[2:]); d != "" {
					t.Error(d)
				}
			})
		})
	}
}

func TestASlowPacedSourceIsHeldForTwoPeriodsAtMost(t *testing.T) {
	virtual(t, func(t *testing.T, s *stage) {
		f := &fake{name: "meter"}
		s.start(Scheduled{Source: f, Period: 3 * time.Second})
		until(4)
		f.with(func() { f.fail = errors.New("no answer") })
		until(10)
		f.with(func() { f.fail = nil })
		until(13)
		want := []string{"1:1", "2:1", "3:3", "4:3", "5:3", "6:3", "7:3", "8:3", "9:missing", "10:missing", "11:missing", "12:12", "13:12"}
		if d := cmp.Diff(want, watts(s.take(metric.Telemetry), "n1")); d != "" {
			t.Error(d)
		}
		var asked []int
		for _, r := range f.reads {
			asked = append(asked, r.Second())
		}
		if d := cmp.Diff([]int{1, 3, 6, 9, 12}, asked); d != "" {
			t.Errorf("asked at:\n%s", d)
		}
	})
}

// Every tick waits for its sources for a while, but not for one that has not
// answered for long, nor for one that never makes it.
func TestASlowSourceDoesNotDelayTheTicks(t *testing.T) {
	for name, tc := range map[string]struct {
		delay   time.Duration
		delayed []int // seconds whose batch came later than its own sources took
	}{
		"within the grace":      {150 * time.Millisecond, []int{1, 2, 3, 4, 5, 6}},
		"within the second":     {600 * time.Millisecond, []int{1, 2}},
		"longer than a second":  {2300 * time.Millisecond, []int{1, 4}},
		"longer than all of it": {9 * time.Second, []int{1}},
	} {
		t.Run(name, func(t *testing.T) {
			virtual(t, func(t *testing.T, s *stage) {
				s.start(Scheduled{Source: &fake{name: "well"}}, Scheduled{Source: &fake{name: "slow", delay: tc.delay, gpus: []string{"a"}}})
				until(6)
				var delayed []int
				for _, h := range s.take(metric.Telemetry) {
					if h.came.UnixMilli()-h.Time > 100 {
						delayed = append(delayed, h.second())
					}
				}
				if d := cmp.Diff(tc.delayed, delayed); d != "" {
					t.Error(d)
				}
			})
		})
	}
}

func TestAnIllSourceLosesItsOwnReadingsOnly(t *testing.T) {
	good := &fake{name: "good"}
	wide := &metric.Layout{Entities: metric.Place{Host: "n1"}.Entities(), Columns: []metric.Column{{Metric: metric.HostUp, Form: metric.Int, Count: 2}}}
	for name, read := range map[string]func() (*metric.Layout, []metric.Raw, error){
		"an error":                   func() (*metric.Layout, []metric.Raw, error) { return nil, nil, errors.New("ill") },
		"no layout":                  func() (*metric.Layout, []metric.Raw, error) { return nil, []metric.Raw{1}, nil },
		"a layout that is not valid": func() (*metric.Layout, []metric.Raw, error) { return wide, []metric.Raw{1, 2}, nil },
		"too few values": func() (*metric.Layout, []metric.Raw, error) {
			l, _, _ := good.Read(context.Background(), time.Now(), nil)
			return l, nil, nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			virtual(t, func(t *testing.T, s *stage) {
				s.start(Scheduled{Source: odd(read)}, Scheduled{Source: &fake{name: "well"}})
				until(5)
				list := s.take(metric.Telemetry)
				if d := cmp.Diff([]string{"1:1", "2:2", "3:3", "4:4", "5:5"}, watts(list, "n1")); d != "" {
					t.Error(d)
				}
				if got := selfSays(list, metric.AgentSourceFailures, "odd"); got[4] != 5 {
					t.Errorf("%d failures, want 5", got[4])
				}
				if got := selfSays(list, metric.AgentSourceStale, "odd"); got[4] != 1 {
					t.Error("it is not stale")
				}
			})
		})
	}
}

type odd func() (*metric.Layout, []metric.Raw, error)

func (odd) Name() string { return "odd" }
func (f odd) Read(context.Context, time.Time, []metric.Raw) (*metric.Layout, []metric.Raw, error) {
	return f()
}

func TestSourcesTooLargeTogetherLeaveTheFirst(t *testing.T) {
	virtual(t, func(t *testing.T, s *stage) {
		big := func(name string) odd {
			l := &metric.Layout{Entities: metric.Place{Host: name}.Entities()}
			for range metric.MaxColumns - 100 {
				l.Columns = append(l.Columns, metric.Column{Metric: metric.HostUp, Form: metric.Int, Count: 1})
			}
			values := make([]metric.Raw, l.Width())
			return func() (*metric.Layout, []metric.Raw, error) { return l, values, nil }
		}
		s.start(Scheduled{Source: &fake{name: "first"}}, Scheduled{Source: big("n1")})
		until(3)
		if d := cmp.Diff([]string{"1:1", "2:2", "3:3"}, watts(s.take(metric.Telemetry), "n1")); d != "" {
			t.Error(d)
		}
	})
}
