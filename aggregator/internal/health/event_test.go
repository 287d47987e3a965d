package health_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/health"
	"github.com/gigawatch/gigawatch/collector/metric"
)

func TestAnXIDIsToldOnce(t *testing.T) {
	for name, tc := range map[string]struct {
		then  func(s *stage, m *machine)
		count int64
	}{
		"time passes":                         {func(s *stage, _ *machine) { s.passes(time.Hour) }, 1},
		"the agent's layout changes":          {func(s *stage, m *machine) { m.xid(5, 13, 1); s.runs(time.Minute) }, 1},
		"its column goes and comes back":      {func(s *stage, m *machine) { hide(s, m) }, 1},
		"the agent restarts":                  {func(s *stage, m *machine) { m.agentAnew(); s.runs(time.Minute) }, 1},
		"the aggregator restarts":             {func(s *stage, _ *machine) { s.restart(); s.runs(time.Minute) }, 1},
		"the aggregator restarts twice":       {func(s *stage, _ *machine) { s.restart(); s.restart(); s.runs(time.Minute) }, 1},
		"both restart":                        {func(s *stage, m *machine) { m.agentAnew(); s.restart(); s.runs(time.Minute) }, 1},
		"the same is read from the bus again": {func(s *stage, m *machine) { again(s, m) }, 1},
		"it happens again":                    {func(s *stage, m *machine) { m.xid(3, 74, 1); s.runs(time.Second) }, 2},
		"it happens ten times more":           {func(s *stage, m *machine) { m.xid(3, 74, 10); s.runs(time.Second) }, 11},
		"the agent restarts, and once more":   {func(s *stage, m *machine) { m.agentAnew(); s.runs(time.Minute); m.xid(3, 74, 1); s.runs(time.Minute) }, 2},
		"both, and no tick was between": {func(s *stage, m *machine) {
			m.agentAnew()
			time.Sleep(time.Second)
			m.xid(3, 74, 1)
			s.runs(time.Minute)
		}, 2},
		"the agent restarts, and ten times at once": {func(s *stage, m *machine) { m.agentAnew(); s.runs(time.Minute); m.xid(3, 74, 10); s.runs(time.Minute) }, 11},
		"once more while the aggregator is off":     {func(s *stage, m *machine) { s.stop(); m.xid(3, 74, 1); s.start(); s.runs(time.Minute) }, 2},
		"once more, with the same clock":            {func(s *stage, m *machine) { m.add(metric.GPUXIDEvents, 74, 3, 1); s.runs(time.Minute) }, 2},
		"once more, the host's clock set back":      {func(s *stage, m *machine) { m.skew = -time.Hour; m.xid(3, 74, 1); s.runs(time.Minute) }, 2},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, 1, func(s *stage) {
				m := s.machines[0]
				s.runs(time.Minute)
				m.xid(3, 74, 1)
				s.runs(15 * time.Second)
				tc.then(s, m)
				f := s.finding("GPU-n1-3", "xid_74")
				if f.Count != tc.count {
					t.Errorf("counted %d times, want %d: %s", f.Count, tc.count, f.Evidence)
				}
				if got := s.counted(t)["h1 74"]; got != tc.count {
					t.Errorf("its hall has %d of it, want %d", got, tc.count)
				}
				if told := fmt.Sprintf("%d times", tc.count); tc.count > 1 && !strings.Contains(f.Evidence, told) {
					t.Errorf("evidence %q does not say %q", f.Evidence, told)
				}
			})
		})
	}
}

// hide takes the columns of XIDs away, and puts them back as they were.
func hide(s *stage, m *machine) {
	columns := slices.Clone(m.columns)
	m.lacks(metric.GPUXIDEvents)
	m.lacks(metric.GPUXIDTime)
	s.runs(10 * time.Second)
	m.columns, m.changed = columns, true
	s.runs(10 * time.Second)
}

// again lets the bus bring the last ten seconds once more, as it does after a
// restart.
func again(s *stage, m *machine) {
	m.xid(3, 13, 1)
	var ticks []health.Tick
	for range 10 {
		t := m.tick()
		ticks = append(ticks, t)
		s.Observe(t)
		time.Sleep(time.Second)
	}
	s.restart()
	for _, t := range ticks {
		s.Observe(t)
	}
	s.runs(10 * time.Second)
	if f := s.finding("n1", "xid_13"); f.Count != 1 {
		s.t.Errorf("XID 13 is counted %d times", f.Count)
	}
}

// stop ends the aggregator as a signal does, and restart starts it again.
func (s *stage) stop() {
	s.t.Helper()
	ctx, cancel := contextOf(s.t)
	cancel()
	if err := s.Run(ctx); err != nil {
		s.t.Fatal(err)
	}
}

func (s *stage) restart() {
	s.t.Helper()
	s.stop()
	s.start()
}

func TestLastWeeksXIDIsNoneOfNow(t *testing.T) {
	inBubble(t, 1, func(s *stage) {
		m := s.machines[0]
		for k, age := range []time.Duration{7 * 24 * time.Hour, 25 * time.Hour, 23 * time.Hour, time.Minute} {
			m.xid(k, 79, 1)
			m.set(metric.GPUXIDTime, 79, k, metric.Raw(time.Now().Add(-age).UnixMilli()))
		}
		m.set(metric.GPUXIDEvents, 79, 4, 1) // nobody knows when
		s.runs(2 * time.Second)
		s.want("at first sight", "failed n1/3: xid_79", "failed n1/2: xid_79")
		if age := time.Since(time.UnixMilli(s.finding("GPU-n1-2", "xid_79").Since)); age < 23*time.Hour || age > 23*time.Hour+time.Minute {
			t.Errorf("it is said to be %v ago, and was 23 h", age)
		}
	})
}

func TestXIDsOfAHostWithAWrongClock(t *testing.T) {
	for name, skew := range map[string]time.Duration{"a day fast": 24 * time.Hour, "a day slow": -24 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, 1, func(s *stage) {
				m := s.machines[0]
				m.skew = skew
				s.runs(time.Minute)
				s.want("a wrong clock is no silence")
				m.xid(3, 79, 1)
				s.runs(time.Second)
				if age := time.Since(time.UnixMilli(s.finding("GPU-n1-3", "xid_79").Since)); age < 0 || age > 2*time.Second {
					t.Errorf("it is said to be %v ago", age)
				}
				s.runs(time.Minute)
				m.skew = 0 // the clock is set
				m.xid(4, 79, 1)
				s.runs(time.Minute)
				s.want("after the clock was set", "failed n1/4: xid_79", "failed n1/3: xid_79")
			})
		})
	}
}

func TestWhatARestartHeals(t *testing.T) {
	fall := func(s *stage, m *machine, when string) {
		m.xid(3, 79, 1)
		m.xid(4, 92, 1) // which nothing heals
		m.state(3, metric.GPULost)
		s.runs(15 * time.Second)
		s.want(when, "failed n1/3: lost xid_79", "degraded n1/4: xid_92")
	}
	reboot := func(s *stage, m *machine) {
		m.up = false
		m.agentAnew()
		m.state(3, metric.GPUOk)
		for k := range 8 {
			m.energy(k, metric.Raw(1000*k))
		}
	}
	t.Run("while the aggregator looks on", func(t *testing.T) {
		inBubble(t, 1, func(s *stage) {
			m := s.machines[0]
			s.runs(time.Minute)
			fall(s, m, "before")
			reboot(s, m)
			s.runs(4 * time.Minute)
			s.want("while it boots", "failed n1/3: lost xid_79", "degraded n1/4: xid_92", "unknown n1: silent")
			m.up = true
			s.runs(2 * time.Second)
			s.want("when it is back", "degraded n1/4: xid_92")
		})
	})
	t.Run("while the aggregator is off", func(t *testing.T) {
		inBubble(t, 1, func(s *stage) {
			m := s.machines[0]
			s.runs(time.Minute)
			fall(s, m, "before")
			s.runs(10 * time.Minute) // the others draw on, and this one's counter would be ahead of what it showed then
			s.stop()
			reboot(s, m)
			time.Sleep(4 * time.Minute)
			m.up = true
			s.start()
			s.runs(2 * time.Second)
			s.want("when both are back", "degraded n1/4: xid_92")
		})
	})
	t.Run("in the very tick that tells of the next", func(t *testing.T) {
		inBubble(t, 1, func(s *stage) {
			m := s.machines[0]
			s.runs(time.Minute)
			fall(s, m, "before")
			reboot(s, m)
			m.up = true
			m.xid(3, 48, 1)
			s.runs(2 * time.Second)
			s.want("after", "failed n1/3: xid_48", "degraded n1/4: xid_92")
		})
	})
	t.Run("an agent's restart heals nothing", func(t *testing.T) {
		inBubble(t, 1, func(s *stage) {
			m := s.machines[0]
			s.runs(time.Minute)
			fall(s, m, "before")
			m.agentAnew()
			s.runs(time.Minute)
			s.want("after", "failed n1/3: lost xid_79", "degraded n1/4: xid_92")
		})
	})
}

func TestTheEndOfAJobIsOneLine(t *testing.T) {
	inBubble(t, 1, func(s *stage) {
		m := s.machines[0]
		s.runs(time.Minute)
		for i := range 60 {
			m.xid(i%8, 45, 1)
			m.xid(i%8, 43, 1)
			if i%10 == 0 {
				s.runs(time.Second)
			}
		}
		s.runs(time.Second)
		s.want("after it", "watch n1: xid_43 xid_45")
		f := s.finding("n1", "xid_45")
		if f.Count != 60 || !strings.Contains(f.Evidence, "on 8 GPUs, 60 times") || !strings.HasPrefix(f.Advice, "nothing by itself") {
			t.Errorf("%d times: %q, %q", f.Count, f.Evidence, f.Advice)
		}
		s.runs(14 * time.Minute)
		s.want("14 minutes after", "watch n1: xid_43 xid_45")
		s.runs(2 * time.Minute)
		s.want("a while after")
	})
}

func TestTheEndOfAJobOfManyHostsIsOneLine(t *testing.T) {
	inBubble(t, 12, func(s *stage) {
		s.runs(time.Minute)
		for i, m := range s.machines {
			if i < 10 {
				for k := range 8 {
					m.xid(k, 45, 7)
				}
			}
		}
		s.machines[2].xid(1, 94, 1)
		s.machines[3].set(metric.NVMeWarning, 0, 0, 0)
		s.machines[3].xid(0, 13, 2)
		s.runs(time.Second)
		s.want("after it", "common on 10 hosts: xid_45 × 560", "degraded n3/1: xid_94", "watch n4: xid_13")
		r := s.Report("fra1", 0, time.Now())
		if e := r.Common[0].Evidence; !strings.HasPrefix(e, "560 times on 10 hosts; the newest, on n") {
			t.Errorf("evidence is %q", e)
		}
		if r.Hosts != [health.States]int{health.OK: 2, health.Watch: 10} || r.GPUs != [health.States]int{health.OK: 95, health.Degraded: 1} {
			t.Errorf("hosts %v, GPUs %v", r.Hosts, r.GPUs)
		}
	})
}

func TestNVSwitchErrors(t *testing.T) {
	inBubble(t, 1, func(s *stage) {
		m := s.machines[0]
		m.on(metric.Device, "nvswitch0")
		m.on(metric.Device, "nvswitch1")
		fatal, other := point(metric.NVSwitchErrors, "fatal"), point(metric.NVSwitchErrors, "non_fatal")
		m.set(metric.NVSwitchErrors, fatal, 1, 0)
		m.set(metric.NVSwitchErrors, other, 0, 4) // of before
		s.runs(time.Minute)
		s.want("before")
		m.add(metric.NVSwitchErrors, fatal, 1, 1)
		m.add(metric.NVSwitchErrors, other, 0, 1)
		s.runs(time.Second)
		s.want("after", "failed n1: nvswitch_fatal_nvswitch1 nvswitch_nvswitch0(watch)")
		m.energy(2, 0) // one GPU was reset
		s.runs(2 * time.Second)
		s.want("one GPU began anew", "failed n1: nvswitch_fatal_nvswitch1 nvswitch_nvswitch0(watch)")
		m.agentAnew()
		for k := range 8 {
			m.energy(k, 0)
		}
		s.runs(2 * time.Second)
		s.want("the host was restarted", "watch n1: nvswitch_nvswitch0")
		s.leaps(24 * time.Hour)
		s.want("a day later")
	})
}
